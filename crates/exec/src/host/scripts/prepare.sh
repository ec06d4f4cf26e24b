# Set before: move_away, a command for a person; expected, the upload that may be resumed, or nothing.
missing=
for tool in tar sha256sum mv ln rm mkdir chmod readlink dd cat df tail cp cut find grep sed sort tr uniq wc xargs; do
  command -v "$tool" >/dev/null 2>&1 || missing="$missing $tool"
done
[ -z "$missing" ] || refuse "these programs are missing:$missing; install coreutils, findutils and tar, or BusyBox"

if [ -e "$deploy_path" ] && [ ! -L "$deploy_path" ]; then
  refuse "$deploy_path is a real directory or file, not a symlink; nothing was changed. Move it away on the host: $move_away"
fi

if ! [ -d "$releases" ] || ! [ -d "$shared" ] || ! [ -d "$davit" ] || ! [ -d "${deploy_path%/*}/" ]; then
  mkdir -p "$releases" "$shared" "$davit" "${deploy_path%/*}/" || {
    who=$(id -un 2>/dev/null || id -u)
    fail "the directories could not be made as user $who; give that user $app_dir and ${deploy_path%/*}"
  }
fi
chmod 700 "$davit" || fail "$davit does not belong to user $(id -un 2>/dev/null || id -u)"
for place in "$releases" "${deploy_path%/*}/"; do
  [ -w "$place" ] || refuse "user $(id -un 2>/dev/null || id -u) may not write to $place; give it that directory"
done

# Leftovers of a process that still runs are not ours to touch.
for left in "$releases"/.removing-*; do
  [ -e "$left" ] || continue
  is_gone "${left##*.}" && remove_tree "$left"
done
for work in "$davit"/upload-*; do
  [ -d "$work" ] || continue
  upload=${work##*/upload-}
  [ "$upload" != "$expected" ] || end_earlier
  if [ "$upload" = "$expected" ] && [ -f "$work/manifest" ] && [ -d "$releases/.partial-$upload" ]; then
    say partial
    continue
  fi
  pid=
  [ ! -f "$work/pid" ] || read -r pid < "$work/pid"
  is_gone "$pid" && remove_tree "$releases/.partial-$upload" && remove_tree "$work"
done

newest=
for release in "$releases"/*; do
  { [ -d "$release" ] && [ ! -L "$release" ]; } || continue
  release=${release##*/}
  say release "$release"
  [ ! -f "$davit/$release.manifest" ] || newest=$release
done
live=$(live_release)
if [ -n "$live" ]; then
  say live "$live"
elif [ -L "$deploy_path" ]; then
  say foreign "$(readlink "$deploy_path")"
fi
say free_kib "$(free_kib)"

# What the next release can be made from.
base=$live
{ [ -n "$base" ] && [ -f "$davit/$base.manifest" ]; } || base=$newest
[ -z "$expected" ] || [ -z "$base" ] || say base "$base"
say done
