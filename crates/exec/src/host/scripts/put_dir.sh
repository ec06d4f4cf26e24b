# Set before: to, from (the directory's path in the stream), sums_length, sums_sha256, trailer, each_odd.
# Standard input: checksums, then a tar stream whose last member is the trailer.
next=$to.davit-$$
old=$to.davit-old-$$
sums=$next.sums
trap 'remove_tree "$next"; rm -f "$sums"' EXIT
trap 'exit 1' HUP INT PIPE TERM
if [ -L "$to" ] || { [ -e "$to" ] && [ ! -d "$to" ]; }; then
  refuse "$to is not a directory, and a directory is to be put there; remove it first"
fi
mkdir -p "${to%/*}/" && mkdir "$next" || fail "the directory ${to%/*} could not be written to"
case $sums_length in
  0) : > "$sums" ;;
  *) { dd bs="$sums_length" count=1 iflag=fullblock || dd bs=1 count="$sums_length"; } 2>/dev/null > "$sums" ;;
esac
cd "$next" || fail "$next could not be entered"
tar -xpof - || fail "$to could not be written and is as it was"
[ -f "./$trailer" ] && [ "$(sha256sum < "$sums")" = "$sums_sha256  -" ] ||
  refuse "the files arrived cut off; $to is as it was"
[ ! -s "$sums" ] || sha256sum -c "$sums" >/dev/null 2>&1 || refuse "the files arrived damaged; $to is as it was"
check_odd() {
  [ "$(sha256sum < "$1")" = "$2  -" ] || refuse "the files arrived damaged; $to is as it was"
}
each_odd check_odd
# Two renames: for a moment there is nothing at that path.
if [ -d "$to" ]; then
  mv "$to" "$old" || fail "$to could not be replaced and is as it was"
fi
mv "$next/$from" "$to" || {
  [ ! -d "$old" ] || mv "$old" "$to"
  fail "$to could not be replaced"
}
remove_tree "$old"
say done
