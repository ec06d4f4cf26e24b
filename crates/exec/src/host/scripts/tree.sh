# Functions about what lies in a directory. Names with a line ending can't be in a list of lines: they are "odd".
TMPDIR=$davit
export TMPDIR
line_feed='
'
carriage_return=$(printf '\r')
gnu_find=
find . -maxdepth 0 -printf '' 2>/dev/null && gnu_find=yes

# One line an entry below the current directory: kind, mode, size, time of change, path; in no order.
# Directories change when something is put into them, so of these only the mode counts.
tree() {
  if [ -n "$gnu_find" ]; then
    find . -name . -o \( -name "*$line_feed*" -o -name "*$carriage_return*" \) -prune -printf 'O - - - ./\n' \
      -o -type d -printf 'D %m - - %p\n' -o -type f -printf 'F %m %s %T@ %p\n' -o -type l -printf 'L - %s %T@ %p\n' \
      -o -printf 'X - - - %p\n'
  else
    find . -name . -o \( -name "*$line_feed*" -o -name "*$carriage_return*" \) -prune -exec echo 'O - - - ./' \; \
      -o -type d -exec stat -c 'D %a - - %n' {} + -o -type f -exec stat -c 'F %a %s %Y %n' {} + \
      -o -type l -exec stat -c 'L - %s %Y %n' {} + -o -exec stat -c 'X - - - %n' {} +
  fi 2>/dev/null
}

# Lines of a tree become "KIND PATH".
kinds() {
  cut -d ' ' -f 1,5-
}

# Lines of a manifest become "KIND PATH".
listed() {
  cut -b 1-2,73-
}

# Sorted lines that are in $1 and not in $2. (comm is not everywhere.)
without() {
  sort -m "$1" "$2" "$2" | uniq -u
}

# Sorted lines that are in both.
both() {
  sort -m "$1" "$2" | uniq -d
}

# Lines "KIND PATH" become paths for xargs -0.
paths() {
  cut -b 3- | tr '\n' '\0'
}
