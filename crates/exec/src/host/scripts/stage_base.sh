# Makes the new release from an older one: whatever is in both is copied (or linked) from there.
copy_base() {
  from=$releases/$base
  receive "$drop_length" "$work/drop"
  receive "$add_length" "$work/add"
  receive "$again_length" "$work/again"
  receive "$gone_length" "$work/gone"
  without "$davit/$base.manifest" "$work/drop" > "$work/keep"
  sort -m "$work/keep" "$work/add" > "$work/manifest.new"
  check_manifest "$work/manifest.new" || instead "the base $base is not the build that the server knows"

  cd "$from" || instead "the base $base is gone"
  # What is there now.
  look > "$work/now"
  case $unchanged:$(cp --help 2>&1) in
    hardlink:*--parents*) flags=-al lists=yes ;;
    hardlink:*) flags=-al lists= ;;
    *--reflink*) flags='-a --reflink=auto' lists=yes ;;
    *) flags=-a lists= ;;
  esac
  if [ ! -s "$work/again" ] && cmp -s "$work/now" "$davit/$base.tree" && ! grep -q '^O' "$work/now"; then
    copy_untouched
  else
    sort_out
    # Copying whole directories is the fastest, unless most of what is in them is not wanted.
    if [ -z "$lists" ] || [ "$(($(wc -l < "$work/surplus") * 4))" -le "$(wc -l < "$work/have")" ]; then
      copy_whole
    else
      copy_lists
    fi
  fi || {
    no_space "$problem"
    instead "the base $base could not be copied: ${problem%%"$line_feed"*}"
  }
}

# Nothing was added and nothing altered: what differs is what the server says. Links to shared paths, which are the
# same, and REVISION are replaced later.
copy_untouched() {
  problem=$(cp $flags ./. "$staging/" 2>&1) && cd "$staging" || return 1
  [ ! -s "$work/gone" ] || problem=$(xargs -0 rm -rf -- < "$work/gone" 2>&1)
}

# What has changed since the base was staged, and what is needed of it.
sort_out() {
  kinds < "$work/now" | sort > "$work/have"
  listed < "$work/keep" | sort > "$work/kept"
  if [ -s "$work/again" ]; then
    listed < "$work/again" | sort > "$work/list"
    without "$work/kept" "$work/list" > "$work/rest"
    mv "$work/rest" "$work/kept"
  fi
  without "$davit/$base.tree" "$work/now" | kinds | sort > "$work/list"
  if [ -n "$(both "$work/kept" "$work/list")" ]; then
    [ ! -s "$work/again" ] || instead "the base $base is damaged or changed just now"
    # The server sends that as well.
    sed -e '5001q' -e 's/^../@davit altered /' "$work/list"
    say done
    exit 8
  fi
  # Directories stay also when only their mode is another one now.
  cat "$work/add" "$work/again" | grep '^D' | listed | sort > "$work/list"
  sort -m "$work/kept" "$work/list" > "$work/wanted"
  both "$work/have" "$work/wanted" > "$work/stays"
  without "$work/have" "$work/stays" | grep '^. \./.' > "$work/surplus"
}

copy_whole() {
  problem=$(grep -v '^. \./.*/' "$work/stays" | paths | xargs -0 -r cp $flags -t "$staging" -- 2>&1) || return 1
  cd "$staging" || return 1
  if grep -q '^O' "$work/have"; then
    find . \( -name "*$line_feed*" -o -name "*$carriage_return*" \) -prune -exec rm -rf -- {} +
  fi
  problem=$(paths < "$work/surplus" | xargs -0 -r rm -rf -- 2>&1)
}

copy_lists() {
  problem=$(grep -v '^D' "$work/stays" | paths | xargs -0 -r cp $flags --parents -t "$staging" -- 2>&1) || return 1
  cd "$staging" || return 1
  # Those without files.
  problem=$(grep '^D' "$work/stays" | paths | xargs -0 -r mkdir -p -- 2>&1) || return 1
  for mode in $(grep '^D' "$work/keep" | cut -b 3-5 | uniq); do
    [ "$mode" = 755 ] || problem=$(grep "^D $mode" "$work/keep" | listed | paths | xargs -0 -r chmod "$mode" -- 2>&1) ||
      return 1
  done
}
