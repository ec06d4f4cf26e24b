# Set before: release, record.
[ -d "$releases/$release" ] || refuse "release $release is not on this host; nothing was switched"
if [ -e "$deploy_path" ] && [ ! -L "$deploy_path" ]; then
  refuse "$deploy_path is a real directory or file, not a symlink; nothing was switched"
fi
previous=$(live_release)
if [ -z "$previous" ] && [ -L "$deploy_path" ]; then
  readlink "$deploy_path" > "$davit/taken-over" || fail "where $deploy_path points now could not be noted; nothing was switched"
fi
point_to "$releases/$release" || fail "$deploy_path could not be switched and is as it was"
# The switch is done: a log that can't be written does not undo it.
printf '%s\n' "$record" >> "$davit/revisions.log" || :
say previous "$previous"
say done
