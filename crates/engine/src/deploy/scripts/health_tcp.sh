# Set before: host, port, limit (seconds).
check() {
  if command -v nc >/dev/null 2>&1; then
    nc -w "$limit" "$host" "$port" </dev/null >/dev/null 2>&1
  elif command -v bash >/dev/null 2>&1 && command -v timeout >/dev/null 2>&1; then
    timeout "$limit" bash -c ': < "/dev/tcp/$0/$1"' "$host" "$port" 2>/dev/null
  elif command -v curl >/dev/null 2>&1; then
    # Not spoken HTTP is an answer too; 7 is a refused connection, 28 none in time.
    code=0
    curl -s -o /dev/null --max-time "$limit" "http://$host:$port/" || code=$?
    case $code in 5 | 6 | 7 | 28) false ;; esac
  else
    echo "neither nc, bash nor curl is on this host: install one, or check from the server"
    return 1
  fi || { echo "$host:$port takes no connections"; return 1; }
  echo "$host:$port takes connections"
}
