# Starts a hook that has not started yet, and follows its output from a place in it to its end.
# Set before: control, hook_dir, hook_cwd, program (the runner), mark, skip_blocks and skip_rest (what is known already),
# most_blocks (the most that is wanted at all; a block has 64 KiB), and hook_common.sh.
# On standard output: the mark with "begin", the output's bytes, the mark with "end". On standard error, now and then,
# an empty line, so that nobody follows for a connection that is gone.

refuse() {
  printf '\n%srefused %s\n' "$mark" "$1"
  exit 3
}

# The runner has a session of its own and nothing of this connection's. The first setsid makes a process that leads a
# group, so the second one has to fork; unlike the shell's & it leaves interrupts as they are.
launch() {
  cd "$hook_cwd" 2>/dev/null || refuse "the directory $hook_cwd can't be entered"
  command -v setsid >/dev/null 2>&1 || refuse "setsid is missing on this host; install util-linux or BusyBox"
  make_control 2>/dev/null && [ -w "$control" ] || refuse "the hook can't be written to $control"
  printf '%s' "$program" | setsid setsid sh -c 'eval "$(cat)"' >/dev/null 2>&1
  # Mostly that is enough for the runner to say who it is.
  sleep 0.02 2>/dev/null
}

# Sets position: how far the output is read; nothing where the system does not say.
look_up_position() {
  position=
  { read -r _ position < "/proc/$$/fdinfo/3"; } 2>/dev/null
}

# Waits a little: short at first and after output, then longer. A sign of life every 15 seconds.
pause() {
  case $quiet in
    [0-4]) moment=0.02 hundredths=2 ;;
    ?) moment=0.05 hundredths=5 ;;
    1?) moment=0.1 hundredths=10 ;;
    2?) moment=0.2 hundredths=20 ;;
    *) moment=0.5 hundredths=50 ;;
  esac
  sleep "$moment" 2>/dev/null || {
    hundredths=100
    sleep 1 || exit 1
  }
  quiet=$((quiet + 1))
  silent=$((silent + hundredths))
  [ "$silent" -lt 1500 ] || {
    silent=0
    printf '\n' >&2 || exit 0
  }
}

# Copies what there is, at most $1 blocks. One open file keeps the place.
copy() {
  [ -s "$hook_dir/output" ] || return 0
  if [ "$full" ]; then
    # Nobody wants more, and whoever comes later gets the same: the file is cut to what is wanted.
    dd if=/dev/null of="$hook_dir/output" bs=65536 seek="$most_blocks" count=0 2>/dev/null
    return 0
  fi
  dd bs=65536 count="$1" <&3 2>/dev/null || exit 0
  before=$position
  look_up_position
  [ "$position" = "$before" ] || quiet=0
  [ "${position:-0}" -le $((most_blocks * 65536)) ] || full=1
}

follow() {
  quiet=0
  silent=0
  # Asked in this order: the last thing a runner does is to note the end.
  while is_running && [ ! -s "$hook_dir/exit" ]; do
    copy 64
    ! settle || quiet=0
    pause
  done
}

main() {
  [ -d "$hook_dir" ] || launch
  await_pid 100 || {
    [ -d "$hook_dir" ] || refuse "the hook can't be written to $control; look for a full disk"
    printf '\n%sbegin 0 0\n%send vanished\n' "$mark" "$mark"
    exit 0
  }
  since=${since:-0}
  look_up_clock
  how=
  { read -r how < "$hook_dir/exit"; } 2>/dev/null
  [ "$how" != never ] || refuse "it was ended before it started"
  full=
  [ "$skip_blocks" -le "$most_blocks" ] || full=1
  position=
  exec 3< "$hook_dir/output" || refuse "its output can't be read"
  printf '\n%sbegin %s %s\n' "$mark" "$since" "$clock"
  {
    [ "$skip_blocks" = 0 ] || dd bs=65536 count="$skip_blocks"
    [ "$skip_rest" = 0 ] || dd bs="$skip_rest" count=1
  } <&3 >/dev/null 2>&1
  follow
  # To the end of the file, which a background process may keep moving.
  copy $((most_blocks + 1))
  how=vanished
  { read -r how < "$hook_dir/exit"; } 2>/dev/null
  printf '%send %s\n' "$mark" "${how:-vanished}"
}

# A program that was cut on its way does not get here.
main
