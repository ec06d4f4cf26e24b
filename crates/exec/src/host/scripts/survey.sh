# Looks at where releases would go. Changes nothing, not even its own directories.
say user "$(id -un 2>/dev/null || id -u)"
for tool in tar sha256sum mv ln rm mkdir chmod readlink dd cat df tail cp cut find grep sed sort tr uniq wc xargs; do
  command -v "$tool" >/dev/null 2>&1 || say missing "$tool"
done

# Says of the nearest thing there is on the way to $2 whether what is missing could be made in it.
look() {
  at=$2
  while [ ! -d "$at/" ]; do
    if [ -e "$at" ] || [ -L "$at" ]; then
      say "$1_blocked" "$at"
      return
    fi
    case $at in
      */?*) at=${at%/*} ;;
      *) at=/ ;;
    esac
    [ -n "$at" ] || at=/
  done
  if [ -w "$at" ] && [ -x "$at" ]; then say "$1_ok" "$at"; else say "$1_denied" "$at"; fi
}
look releases "$releases"
look deploy "${deploy_path%/*}"

for release in "$releases"/*; do
  [ ! -d "$release" ] || [ -L "$release" ] || say release "${release##*/}"
done
live=$(live_release)
if [ -n "$live" ]; then
  say live "$live"
elif [ -L "$deploy_path" ]; then
  say foreign "$(readlink "$deploy_path")"
elif [ -e "$deploy_path" ]; then
  say occupied "$deploy_path"
fi
say done
