# Set before: release, revision, need_kib, sums_name, sums_sha256, and the functions each_dir, each_file, each_odd.
# Standard input is a tar stream. Its last member is the list of checksums: a stream that was cut has none.
staging=$releases/.staging-$release.$$
incoming=$davit/upload-$release.$$

clean_up() {
  cd / || :
  remove_tree "$staging"
  rm -f "$incoming"
}
trap clean_up EXIT
trap 'exit 1' HUP INT PIPE TERM

is_live "$release" && refuse "release $release is live already and is not written again"

check_file() {
  [ -f "$shared/$1" ] || refuse "the shared file $shared/$1 does not exist; create it on the host first"
}
each_file check_file

free_kib=$(df -Pk "$releases" | tail -n 1 | {
  read -r _ _ _ free _
  printf '%s' "$free"
})
case $free_kib in
  '' | *[!0-9]*) ;;
  *)
    say free_kib "$free_kib"
    # Before the transfer, and so that other services of the host keep their room.
    [ "$free_kib" -gt "$need_kib" ] || {
      say full
      exit 4
    }
    ;;
esac

mkdir "$staging" && cd "$staging" && tar -xpof - && chmod 755 . || exit 4
[ -f "./$sums_name" ] || refuse "the upload was cut off; nothing was staged"
mv "./$sums_name" "$incoming" || exit 4
[ "$(sha256sum < "$incoming")" = "$sums_sha256  -" ] || refuse "the upload arrived damaged; nothing was staged"

if [ -s "$incoming" ] && ! sha256sum -c "$incoming" >/dev/null 2>&1; then
  bad=$(sha256sum -c "$incoming" 2>/dev/null | sed -e '/: OK$/d' -e q)
  refuse "a file is not what was sent, nothing was staged: $bad"
fi
# Names that a list of lines can't hold.
check_odd() {
  [ "$(sha256sum < "$1")" = "$2  -" ] || refuse "a file with an odd name is not what was sent; nothing was staged"
}
each_odd check_odd

# A parent that is a symlink would lead out of the release.
make_room() {
  case $1 in
    */*)
      mkdir -p "./${1%/*}" || exit 4
      [ "$(cd -P "./${1%/*}" && pwd -P)" = "$(pwd -P)/${1%/*}" ] ||
        refuse "the shared path $1 leads through a symlink in the build; nothing was staged"
      ;;
  esac
  remove_tree "./$1"
}
link_dir() {
  mkdir -p "$shared/$1" && make_room "$1" && ln -s "$shared/$1" "./$1" || exit 4
}
link_file() {
  make_room "$1" && ln -s "$shared/$1" "./$1" || exit 4
}
each_dir link_dir
each_file link_file

remove_tree ./REVISION && printf '%s\n' "$revision" > ./REVISION || exit 4

# The same deployment staged it before and lost the connection: that copy may be half-used, this one is fresh.
remove_release "$release" || fail "the older copy of release $release could not be removed"
cat "$incoming" > "$davit/$release.sha256" || exit 4
mv "$staging" "$releases/$release" || fail "the release could not be moved into place"
say done
