# Functions for the programs that davit runs on a host. Set before: app_dir, deploy_path.
# A reply is a line "@davit KEY VALUE"; the last one is "done", so a program that was cut is never taken for a whole one.
LC_ALL=C
export LC_ALL
umask 022
releases=$app_dir/releases
shared=$app_dir/shared
davit=$app_dir/.davit

# Whatever the login shell's start-up files said, replies begin on a line of their own.
printf '\n'

say() {
  printf '@davit %s\n' "$*"
}

# Ends the program with a sentence for a person.
refuse() {
  say refused "$1"
  exit 3
}

# The same, when the last line of standard error says why.
fail() {
  say failed "$1"
  exit 3
}

# The release that deploy_path points to; nothing when it points elsewhere or is not there.
live_release() {
  [ -L "$deploy_path" ] || return 0
  target=$(readlink "$deploy_path") || return 0
  case $target in
    "$releases"/*/* | "$releases"/) ;;
    "$releases"/*) printf '%s' "${target##*/}" ;;
  esac
}

# Whether release $1 is what deploy_path leads to, by name or by any detour.
is_live() {
  [ "$(live_release)" = "$1" ] && return 0
  here=$(cd -P "$deploy_path" 2>/dev/null && pwd -P) || return 1
  there=$(cd -P "$releases/$1" 2>/dev/null && pwd -P) || return 1
  [ "$here" = "$there" ]
}

# Also trees with directories that nobody may write to.
remove_tree() {
  [ -e "$1" ] || [ -L "$1" ] || return 0
  rm -rf "$1" 2>/dev/null || {
    chmod -R u+rwX "$1" 2>/dev/null
    rm -rf "$1"
  }
}

# Removes release $1: out of the list first, so that an interrupted removal never looks like a release.
remove_release() {
  [ -e "$releases/$1" ] || return 0
  mv "$releases/$1" "$releases/.removing-$1.$$" && remove_tree "$releases/.removing-$1.$$" &&
    rm -f "$davit/$1.manifest" "$davit/$1.tree"
}

# Makes deploy_path a symlink to $1 in one rename: a reader finds the old one or the new one, never none.
point_to() {
  next=$deploy_path.davit-$$
  { [ ! -e "$next" ] && [ ! -L "$next" ]; } || rm -f "$next"
  ln -s "$1" "$next" || return 1
  # GNU and BusyBox say -T for "the target is no directory to move into", BSD says -h.
  mv -fT "$next" "$deploy_path" 2>/dev/null || mv -fh "$next" "$deploy_path" 2>/dev/null || {
    # Once more, for what it says.
    mv -fT "$next" "$deploy_path"
    rm -f "$next"
    return 1
  }
}

# Says what is free for releases, in KiB.
free_kib() {
  df -Pk "$releases" | {
    read -r _
    read -r _ _ _ free _
    printf '%s' "$free"
  }
}

# The process in $1 is gone, or was never known.
is_gone() {
  [ -z "$1" ] || ! kill -s 0 "$1" 2>/dev/null
}

# Waits until the process in $1 is gone, at most $2 tenths of a second.
wait_gone() {
  patience=$2
  while ! is_gone "$1"; do
    [ "$patience" -gt 0 ] || return 1
    if sleep 0.1 2>/dev/null; then patience=$((patience - 1)); else sleep 1; patience=$((patience - 10)); fi
  done
}

# Ends the process that works on the upload in $work and has lost its connection: it notices by itself soon, and then
# has unpacked all that came. The number in the file may be another process's by now, so what it runs decides.
end_earlier() {
  earlier=
  [ ! -f "$work/pid" ] || read -r earlier < "$work/pid"
  is_gone "$earlier" && return 0
  grep -q 'eval "$(dd ' "/proc/$earlier/cmdline" 2>/dev/null || return 0
  wait_gone "$earlier" 20 && return 0
  kill -s TERM -- "-$earlier" 2>/dev/null || kill -s TERM "$earlier"
  wait_gone "$earlier" 50
}
