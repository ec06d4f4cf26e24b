# Set before: release, revision, upload (which one may be resumed), how (full, delta or resume), base, need_kib,
# manifest_sha256, trailer, packed, unchanged, verify, shared_id, the lengths of lists (manifest_length, drop_length, add_length,
# again_length, gone_length), and the functions each_dir, each_file, each_odd.
# Standard input: the lists, then a tar stream whose last member is the trailer: a stream that was cut has none.
staging=$releases/.partial-$upload
work=$davit/upload-$upload
state=making

# A cut connection leaves what came so far, to be resumed; whatever else goes wrong leaves nothing.
ended() {
  case $state:$1 in
    receiving:0 | receiving:1 | receiving:5) rm -f "$work/pid" ;;
    *)
      cd / || :
      [ "$state" = moved ] || remove_tree "$staging"
      remove_tree "$work"
      ;;
  esac
}
trap 'ended $?' EXIT
trap 'exit 1' HUP INT PIPE TERM

# The server sends everything instead, and tells people why.
instead() {
  [ "$how" != full ] || refuse "$1; nothing was staged"
  say instead "$1"
  exit 6
}

no_space() {
  case $1 in
    *'No space left on device'* | *'quota exceeded'*)
      say full
      exit 4
      ;;
  esac
}

# What lies in the current directory, which is a release, and which shared paths it has.
look() {
  {
    printf '= - - - %s\n' "$shared_id"
    tree
  } | sort -u
}

# $1 bytes of standard input become file $2.
receive() {
  case $1 in
    0) : > "$2" ;;
    *) { dd bs="$1" count=1 iflag=fullblock || dd bs=1 count="$1"; } 2>/dev/null > "$2" ;;
  esac
}

[ -e "$releases/$release" ] && is_live "$release" && refuse "release $release is live already and is not written again"

check_file() {
  [ -f "$shared/$1" ] || refuse "the shared file $shared/$1 does not exist; create it on the host first"
}
each_file check_file

free_kib=$(free_kib)
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

end_earlier
if [ "$how" = resume ]; then
  [ -d "$staging" ] && [ -f "$work/manifest" ] || instead "the partial upload is gone"
  rm -rf "$staging/$trailer"
else
  remove_tree "$staging"
  remove_tree "$work"
  mkdir "$work" "$staging" || exit 4
fi
printf '%s\n' "$$" > "$work/pid" || exit 4
if [ -n "$packed" ]; then
  command -v gzip >/dev/null 2>&1 ||
    refuse "gzip is missing on this host; install it, or set transfer.compress to never"
  rm -f "$work/stream"
  mkfifo "$work/stream" || exit 4
  exec 3<&0
  gzip -dc <&3 > "$work/stream" 3<&- &
  exec < "$work/stream" 3<&-
fi

check_manifest() {
  [ "$(sha256sum < "$1")" = "$manifest_sha256  -" ]
}
case $how in
  full)
    receive "$manifest_length" "$work/manifest.new"
    check_manifest "$work/manifest.new" || {
      say cut
      exit 7
    }
    mv "$work/manifest.new" "$work/manifest" || exit 4
    ;;
  delta)
    copy_base
    mv "$work/manifest.new" "$work/manifest" || exit 4
    ;;
  resume) check_manifest "$work/manifest" || instead "the partial upload is another one" ;;
esac

state=receiving
cd "$staging" || exit 4
problem=$(tar -xpof - 2>&1)
status=$?
if [ "$status" != 0 ] || [ ! -f "./$trailer" ]; then
  no_space "$problem"
  printf '%s\n' "${problem%%"$line_feed"*}" >&2
  [ ! -f "./$trailer" ] || instead "the upload could not be unpacked: ${problem%%"$line_feed"*}"
  case $problem in
    '' | *EOF* | *'short read'* | *'end of file'* | *'does not look like a tar'*)
      say cut
      exit 5
      ;;
  esac
  fail "the upload could not be unpacked"
fi
chmod 755 .

# Sums of the manifest's lines in these files.
if [ "$how:$verify" = delta:sent ]; then
  grep -h '^F' "$work/add" "$work/again" | cut -b 7- > "$work/sums"
else
  grep '^F' "$work/manifest" | cut -b 7- > "$work/sums"
fi
if [ -s "$work/sums" ] && ! sha256sum -c "$work/sums" >/dev/null 2>&1; then
  bad=$(sha256sum -c "$work/sums" 2>/dev/null | sed -e '/: OK$/d' -e q)
  [ "$how" = full ] || instead "a file was not what it has to be: $bad"
  refuse "a file is not what was sent, nothing was staged: $bad"
fi
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

remove_tree ./REVISION && rm -f "./$trailer" && printf '%s\n' "$revision" > ./REVISION || exit 4

look > "$work/tree"
if [ "$how" = resume ] || [ "$verify" = full ]; then
  cut -b 1-6,73- "$work/manifest" | sed -n 's/^L .../L -/;p' | sort > "$work/wanted"
  cut -d ' ' -f 1,2,5- "$work/tree" | sort > "$work/there"
  [ -z "$(without "$work/wanted" "$work/there")" ] || instead "the copy is not what it has to be"
fi

# The same deployment staged it before and lost the connection: that copy may be half-used, this one is fresh.
remove_release "$release" || fail "the older copy of release $release could not be removed"
mv "$staging" "$releases/$release" || fail "the release could not be moved into place"
state=moved
# The manifest comes last: a release that has one is whole.
mv "$work/tree" "$davit/$release.tree" && mv "$work/manifest" "$davit/$release.manifest" || exit 4
say done
