# Set before: to, mode, sha256. Standard input is the file.
next=$to.davit-$$
trap 'rm -f "$next"' EXIT
trap 'exit 1' HUP INT PIPE TERM
if [ -d "$to" ] && [ ! -L "$to" ]; then
  refuse "$to is a directory; name the file that is to be put there"
fi
mkdir -p "${to%/*}/" || fail "the directory ${to%/*} could not be made"
cat > "$next" && chmod "$mode" "$next" || fail "$to could not be written and is as it was"
[ "$(sha256sum < "$next")" = "$sha256  -" ] || refuse "the file arrived damaged or cut off; $to is as it was"
mv -fT "$next" "$to" 2>/dev/null || mv -fh "$next" "$to" || fail "$to could not be replaced and is as it was"
say done
