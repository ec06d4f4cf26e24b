# Adds a key to the authorized_keys of who logs in. Set before: line (the whole line), key (its type and its data).
umask 077
[ -n "$HOME" ] && [ -d "$HOME" ] || refuse "the user has no home directory: make one, or add the key by hand"
file=$HOME/.ssh/authorized_keys
[ -d "$HOME/.ssh" ] || mkdir "$HOME/.ssh" || fail "$HOME/.ssh can't be made"
# sshd takes no notice of a file that others may write to.
chmod go-w "$HOME/.ssh" || fail "the mode of $HOME/.ssh can't be set"
if [ -s "$file" ] && grep -v '^[[:space:]]*#' "$file" | grep -qF -e "$key"; then
  say already yes
else
  # A last line without its end would become part of ours.
  [ ! -s "$file" ] || [ -z "$(tail -c 1 "$file")" ] || echo >>"$file" || fail "$file can't be written"
  printf '%s\n' "$line" >>"$file" || fail "$file can't be written"
  grep -qF -e "$key" "$file" || refuse "$file does not hold the key after it was added: is the disk full?"
fi
chmod go-w "$file" || fail "the mode of $file can't be set"
if command -v restorecon >/dev/null 2>&1; then
  restorecon "$HOME/.ssh" "$file" >/dev/null 2>&1
fi
say file "$file"
say done
