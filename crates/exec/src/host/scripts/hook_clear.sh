# Set before: hook_dir.
[ ! -f "$hook_dir/pid" ] || say started
remove_tree "$hook_dir"
say done
