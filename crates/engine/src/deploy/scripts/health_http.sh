# Set before: url, wanted (a status, or nothing for 200 to 399), limit (seconds).
check() {
  if command -v curl >/dev/null 2>&1; then
    status=$(curl -sS -o /dev/null --max-time "$limit" -w '%{http_code}' -- "$url") || { echo "no answer from $url"; return 1; }
  elif command -v wget >/dev/null 2>&1; then
    status=$(wget -S -q -O /dev/null -T "$limit" "$url" 2>&1 | sed -n 's|^ *HTTP/[0-9.]* \([0-9]*\).*|\1|p' | tail -n 1)
  else
    echo "neither curl nor wget is on this host: install one, or check from the server"
    return 1
  fi
  echo "status ${status:-none} from $url"
  if [ -n "$wanted" ]; then [ "$status" = "$wanted" ]; else case $status in [23]??) ;; *) return 1 ;; esac; fi
}
