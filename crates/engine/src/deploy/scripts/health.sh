# Set before: retries, interval (seconds), and the function check, which says on standard output what it found.
tries=0
while :; do
  tries=$((tries + 1))
  if said=$(check 2>&1); then
    printf 'healthy at try %s: %s\n' "$tries" "$said"
    exit 0
  fi
  printf 'try %s: %s\n' "$tries" "$said"
  [ "$tries" -le "$retries" ] || exit 1
  # A sleep that knows no fractions sleeps a whole second.
  sleep "$interval" 2>/dev/null || sleep 1
done
