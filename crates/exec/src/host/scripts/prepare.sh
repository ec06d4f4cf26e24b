# Set before: move_away, a command for a person.
missing=
for tool in tar sha256sum mv ln rm mkdir chmod readlink dd cat df tail; do
  command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
[ -z "$missing" ] || refuse "these programs are missing:$missing; install coreutils and tar, or BusyBox"

if [ -e "$deploy_path" ] && [ ! -L "$deploy_path" ]; then
  refuse "$deploy_path is a real directory or file, not a symlink; nothing was changed. Move it away on the host: $move_away"
fi

who=$(id -un 2>/dev/null || id -u)
mkdir -p "$releases" "$shared" "$davit" "${deploy_path%/*}/" ||
  fail "the directories could not be made as user $who; give that user $app_dir and ${deploy_path%/*}"
chmod 700 "$davit" || fail "$davit does not belong to user $who"
for place in "$releases" "${deploy_path%/*}/"; do
  [ -w "$place" ] || refuse "user $who may not write to $place; give it that directory"
done

# Leftovers end in the id of the process that made them; those of a running one are not ours to touch.
for left in "$releases"/.staging-* "$releases"/.removing-* "$davit"/upload-*; do
  [ -e "$left" ] || continue
  is_gone "${left##*.}" && remove_tree "$left"
done
# What hooks leave is removed with their deployment; this is for deployments that were forgotten. An ended hook is not
# started again as long as its directory is there.
for left in "$davit"/hook-*; do
  [ ! -d "$left" ] || find "$left" -prune -mtime +30 -exec rm -rf {} \;
done

for release in "$releases"/*; do
  [ ! -d "$release" ] || [ -L "$release" ] || say release "${release##*/}"
done
live=$(live_release)
if [ -n "$live" ]; then
  say live "$live"
elif [ -L "$deploy_path" ]; then
  say foreign "$(readlink "$deploy_path")"
fi
df -Pk "$releases" | tail -n 1 | {
  read -r _ _ _ free _
  say free_kib "$free"
}
say done
