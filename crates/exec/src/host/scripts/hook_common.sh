# Functions for all programs about hooks. Set before: control, hook_dir.
# What a hook's directory holds: script, output, pid (one line, see read_pid), status (what the kernel said of its end),
# exit (how it ended, one line; not empty once it has ended) and stop (somebody wants it to end). A process is known by its
# id, the time it started at and the boot it belongs to: ids are given out again.

# Sets start: when process $1 started, in ticks since the boot; "gone" when there is none; "-" when nobody can say.
look_up() {
  start=-
  [ -r /proc/self/stat ] || return 0
  start=gone
  stat=
  { read -r stat < "/proc/$1/stat"; } 2>/dev/null
  [ -n "$stat" ] || return 0
  # A name may hold anything, so what counts is after its last bracket.
  set -- ${stat##*) }
  case $1 in Z | X) return 0 ;; esac
  start=${20:--}
}

# Whether process $1 that started at $2 is still there.
is_there() {
  case $1 in '' | -) return 1 ;; esac
  look_up "$1"
  case $start in
    -) kill -s 0 "$1" 2>/dev/null ;;
    *) [ "$start" = "$2" ] ;;
  esac
}

# Sets boot: what tells this boot of the host from all others.
look_up_boot() {
  boot=
  { read -r boot < /proc/sys/kernel/random/boot_id; } 2>/dev/null
  boot=${boot:--}
}

# Sets clock: seconds of a clock that nobody sets, where there is one.
look_up_clock() {
  clock=
  { read -r clock _ < /proc/uptime; } 2>/dev/null
  clock=${clock:-$(date +%s)}
}

# Reads the file pid.
read_pid() {
  runner=
  { read -r runner runner_start hook hook_start hook_boot since < "$hook_dir/pid"; } 2>/dev/null || runner=
  [ -n "$runner" ]
}

# Whether anything is left that could still write the exit file. After read_pid.
is_running() {
  look_up_boot
  [ "$hook_boot" = "$boot" ] || return 1
  is_there "$runner" "$runner_start" || is_there "$hook" "$hook_start"
}

# Writes file $1 of the hook's directory with the line $2, in one write; whoever comes first writes it. Readers take a
# file that has no whole line yet for one that is not there.
note() {
  set -C
  { printf '%s\n' "$2" > "$hook_dir/$1"; } 2>/dev/null
  noted=$?
  set +C
  return "$noted"
}

# Wakes the runner once the hook has ended, with the kernel's word for it: a shell alone can't tell exit 143 from TERM,
# so it is kept from asking for the end (which is then forgotten) until somebody has read it. After read_pid.
settle() {
  [ "$hook_start" != - ] || return 0
  stat=
  { read -r stat < "/proc/$hook/stat"; } 2>/dev/null
  set -- ${stat##*) }
  case ${1:-gone} in
    Z) [ -s "$hook_dir/status" ] || note status "${50:--}" ;;
    X | gone) ;;
    *) return 1 ;;
  esac
  ! is_there "$runner" "$runner_start" || kill -s CONT "$runner" 2>/dev/null
}

# Where all hooks have their directories.
make_control() {
  [ -d "$control" ] || { mkdir -p "$control" && chmod 700 "$control"; }
}

# A tenth of a second, or the shortest that this host's sleep knows. Sets slept: tenths.
nap() {
  slept=1
  sleep 0.1 2>/dev/null || {
    slept=10
    sleep 1
  }
}

# Waits until the hook is known by its process id or has ended, at most $1 tenths of a second.
await_pid() {
  left=$1
  until read_pid || [ -s "$hook_dir/exit" ]; do
    [ "$left" -gt 0 ] || return 1
    nap
    left=$((left - slept))
  done
}
