# The runner: starts a hook, waits for it and notes how it ended. It leads a session of its own.
# Set before: control, hook_dir, hook_script, the functions set_variables and interpreter, and hook_common.sh.

# Takes this process's place with the hook: in a session of its own, which ending it goes by.
become_hook() {
  set -- "$setsid" "$@" "$hook_dir/script"
  set_variables
  exec "$@"
}

run_hook() {
  # $$ is the runner here as well.
  self=$(exec sh -c 'echo "$PPID"')
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
  umask "$mask"
  interpreter become_hook
}

main() {
  setsid=$(command -v setsid)
  mask=$(umask)
  umask 077
  # Only one can make it: a hook never starts twice.
  mkdir "$hook_dir" || exit 0
  : > "$hook_dir/output" && printf '%s' "$hook_script" > "$hook_dir/script" && chmod 700 "$hook_dir/script" || {
    rm -rf "$hook_dir"
    exit 1
  }
  (run_hook) < /dev/null >> "$hook_dir/output" 2>&1
  code=$?
  [ ! -f "$hook_dir/exit" ] || exit 0
  # A shell says 128 more than the number of the signal, and so does a hook that hands such a code on.
  name=
  [ "$code" -le 128 ] || name=$(kill -l "$code" 2>/dev/null)
  case $name in
    [A-Z]*) note exit "signal $name" ;;
    *) note exit "code $code" ;;
  esac
}

# A program that was cut on its way does not get here.
main
