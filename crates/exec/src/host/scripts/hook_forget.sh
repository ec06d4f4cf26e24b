# Removes the directories of hooks that have ended. Set before: control, each_hook, hook_common.sh.
forget() {
  hook_dir=$control/hook-$1
  [ -d "$hook_dir" ] || return 0
  [ -s "$hook_dir/exit" ] || {
    ! read_pid || ! is_running || return 0
  }
  rm -rf "$hook_dir"
}

main() {
  each_hook forget
  printf '\n@davit done\n'
}

# A program that was cut on its way does not get here.
main
