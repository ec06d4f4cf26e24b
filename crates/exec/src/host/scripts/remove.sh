# Set before: each_release.
remove_one() {
  is_live "$1" && return 0
  remove_release "$1" || fail "release $1 could not be removed completely; remove $releases/.removing-$1.* by hand"
  say removed "$1"
}
each_release remove_one
say done
