# Set before: command, limit (seconds).
check() {
  if command -v timeout >/dev/null 2>&1; then timeout "$limit" sh -ec "$command"; else sh -ec "$command"; fi
}
