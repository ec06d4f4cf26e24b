# Ends a hook: TERM, then KILL. Set before: control, hook_dir, patience (tenths of a second between them), hook_common.sh.
# What it started is in its session or its group; a process that left both is not found.

# Says what was seen, on lines of their own: a login shell may have said something without a line ending.
prove() {
  printf '\n@davit proof %s\n@davit done\n' "$1"
  exit 0
}

# Members of the group, or of the session, that are not zombies.
members() {
  if [ ! -r /proc/self/stat ]; then
    kill -s 0 -- "-$hook" 2>/dev/null && printf '%s ' "-$hook"
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
    if [ "$member" = "$hook" ] || [ "$3" = "$hook" ] || [ "$4" = "$hook" ]; then
      printf '%s ' "$member"
    fi
  done
}

# Waits until nobody is left, at most $1 tenths of a second.
await_end() {
  left=$1
  while [ -n "$(members)" ]; do
    [ "$left" -gt 0 ] || return 1
    nap
    left=$((left - slept))
  done
}

signal() {
  kill -s "$1" -- "-$hook" 2>/dev/null
  for member in $(members); do kill -s "$1" -- "$member" 2>/dev/null; done
}

# Waits until the runner has noted the end, which takes it a moment, and longer where the host is busy: what it has not
# noted is lost. One that does not is ended as well.
await_runner() {
  left=100
  while is_there "$runner" "$runner_start"; do
    [ "$left" -gt 0 ] || {
      kill -s KILL "$runner"
      return 0
    }
    settle
    nap
    left=$((left - slept))
  done
}

end_hook() {
  # The id of a hook that is gone can be another process's by now.
  look_up "$hook"
  case $start in gone | - | "$hook_start") ;; *) prove "it had ended by itself" ;; esac
  if [ -z "$(members)" ]; then
    how="had ended by itself"
  else
    signal TERM
    # A stopped process would not see the TERM.
    signal CONT
    how="ended by TERM"
    await_end "$patience" || {
      signal KILL
      how="ended by KILL"
      await_end 50 || how="is still there after KILL: $(members)"
    }
  fi
  await_runner
  prove "process group $hook $how"
}

main() {
  make_control
  if mkdir "$hook_dir" 2>/dev/null; then
    # Also when the order to start it is still on its way.
    note exit never
    prove "it had not started"
  fi
  : > "$hook_dir/stop"
  await_pid 50
  if [ -s "$hook_dir/exit" ]; then
    how=
    read -r how < "$hook_dir/exit"
    case $how in
      never) prove "it had not started" ;;
      *) prove "it had ended by itself ($how)" ;;
    esac
  fi
  [ -n "$runner" ] || prove "it had not started"
  look_up_boot
  [ "$hook_boot" = "$boot" ] || prove "it had ended: the host was restarted since"
  end_hook
}

# A program that was cut on its way does not get here.
main
