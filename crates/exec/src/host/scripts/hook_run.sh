# The runner: starts a hook, waits for it and notes how it ended. It leads a session of its own.
# Set before: control, hook_dir, hook_script, the functions set_variables and interpreter, and hook_common.sh.

# Takes this process's place with the hook: in a session of its own, which ending it goes by.
become_hook() {
  set -- "$setsid" "$@" "$hook_dir/script"
  set_variables
  exec "$@"
}

# See settle. One that has not come to its stop yet would still collect a hook that ends at once.
stop_runner() {
  kill -s STOP "$$"
  tries=0
  while [ "$tries" -lt 130 ]; do
    stat=
    { read -r stat < "/proc/$$/stat"; } 2>/dev/null
    case ${stat##*) } in T*) return 0 ;; esac
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || nap
  done
}

run_hook() {
  # $$ is the runner here as well.
  self=
  { read -r self _ < /proc/self/stat; } 2>/dev/null
  self=${self:-$(exec sh -c 'echo "$PPID"')}
  look_up "$$"
  runner_start=$start
  look_up "$self"
  look_up_boot
  look_up_clock
  note pid "$$ $runner_start $self $start $boot $clock" || exit 125
  # Whoever ends it leaves the mark first and looks for the process id then, so one of the two sees the other.
  [ ! -e "$hook_dir/stop" ] || {
    note exit never
    exit 125
  }
  [ "$start" = - ] || stop_runner
  umask "$mask"
  interpreter become_hook
}

# For the time when nobody follows. Without the directory there is nothing to note, and the runner may go.
settle_in_time() {
  until read_pid && settle; do
    [ -d "$hook_dir" ] && sleep 1 || {
      kill -s CONT "$$"
      return
    }
  done
}

# What the shell says is true of success and failure; the kernel's word adds whether it was a signal.
note_end() {
  status=
  { read -r status < "$hook_dir/status"; } 2>/dev/null
  case $status in
    '' | *[!0-9]*) ;;
    *)
      [ "$1" -le 128 ] || [ $((status % 128)) != $(($1 - 128)) ] || {
        note exit "signal $(kill -l $((status % 128)))"
        return
      }
      ;;
  esac
  note exit "code $1"
}

main() {
  setsid=$(command -v setsid)
  mask=$(umask)
  umask 077
  # Only one can make it: a hook never starts twice.
  mkdir "$hook_dir" || exit 0
  : > "$hook_dir/output" && printf '%s' "$hook_script" > "$hook_dir/script" || {
    rm -rf "$hook_dir"
    exit 1
  }
  settle_in_time &
  watcher=$!
  (run_hook) < /dev/null >> "$hook_dir/output" 2>&1
  code=$?
  [ -s "$hook_dir/exit" ] || note_end "$code"
  kill "$watcher"
}

# A program that was cut on its way does not get here.
main
