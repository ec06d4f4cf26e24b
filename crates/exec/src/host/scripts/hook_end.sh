# Set before: hook_dir, patience (tenths of a second between TERM and KILL).
pid=
mkdir -p "$hook_dir" && : > "$hook_dir/stop"
[ ! -f "$hook_dir/pid" ] || read -r pid < "$hook_dir/pid"
if [ -z "$pid" ]; then
  say proof "it had not started"
  say done
  exit 0
fi

# Members of the group, or of the session, that are not zombies.
members() {
  if [ ! -r /proc/self/stat ]; then
    kill -s 0 -- "-$pid" 2>/dev/null && printf '%s ' "-$pid"
    return 0
  fi
  for stat in /proc/[0-9]*/stat; do
    line=
    { read -r line < "$stat"; } 2>/dev/null
    member=${line%% *}
    line=${line##*) }
    set -- $line
    [ "$#" -gt 4 ] || continue
    case $1 in Z | X) continue ;; esac
    if [ "$3" = "$pid" ] || [ "$4" = "$pid" ]; then
      printf '%s ' "$member"
    fi
  done
}

# Waits until nobody is left, at most $1 tenths of a second.
wait_for_end() {
  tenths=$1
  while [ -n "$(members)" ]; do
    [ "$tenths" -gt 0 ] || return 1
    if sleep 0.1 2>/dev/null; then tenths=$((tenths - 1)); else sleep 1; tenths=$((tenths - 10)); fi
  done
}

signal() {
  kill -s "$1" -- "-$pid" 2>/dev/null
  for member in $(members); do kill -s "$1" -- "$member" 2>/dev/null; done
}

if [ -z "$(members)" ]; then
  say proof "process group $pid had ended by itself"
else
  signal TERM
  if wait_for_end "$patience"; then
    say proof "process group $pid ended by TERM"
  else
    signal KILL
    if wait_for_end 50; then
      say proof "process group $pid ended by KILL"
    else
      say proof "process group $pid is still there after KILL: $(members)"
    fi
  fi
fi
say done
