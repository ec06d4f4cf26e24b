# Set before: hook_dir, hook_cwd, hook_script, and the functions set_variables and interpreter.
# The hook takes this process's place, so its exit status or signal is what the connection reports.
fail() {
  printf 'davit: %s\n' "$1" >&2
  exit 125
}

(umask 077 && mkdir -p "$hook_dir" && printf '%s' "$hook_script" > "$hook_dir/script" && chmod 700 "$hook_dir/script") ||
  fail "the hook could not be written to $hook_dir"
cd "$hook_cwd" || fail "the directory $hook_cwd can't be entered"

# sshd starts a command in a session of its own; other servers may not.
group=$$
if [ -r "/proc/$$/stat" ]; then
  read -r group < "/proc/$$/stat"
  group=${group##*) }
  group=${group#* * }
  group=${group%% *}
fi
lead=
[ "$group" = "$$" ] || lead=setsid
[ -z "$lead" ] || command -v setsid >/dev/null 2>&1 || fail "setsid is missing on this host; install util-linux or BusyBox"
printf '%s\n' "$$" > "$hook_dir/pid" || fail "the hook's process id could not be noted"
# Whoever ends it leaves this mark first and looks for the process id then, so one of the two sees the other.
[ ! -e "$hook_dir/stop" ] || exit 125

run_it() {
  set -- $lead "$@" "$hook_dir/script"
  set_variables
  exec "$@" < /dev/null
}
interpreter run_it
