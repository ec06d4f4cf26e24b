for release in "$releases"/*; do
  [ ! -d "$release" ] || [ -L "$release" ] || say release "${release##*/}"
done
live=$(live_release)
if [ -n "$live" ]; then
  say live "$live"
elif [ -L "$deploy_path" ]; then
  say foreign "$(readlink "$deploy_path")"
elif [ -e "$deploy_path" ]; then
  say foreign "$deploy_path"
fi
[ ! -f "$davit/revisions.log" ] || tail -n 5 "$davit/revisions.log" | sed 's/^/@davit log /'
if cd "$deploy_path/" 2>/dev/null; then
  [ ! -f REVISION ] || say revision "$(head -n 1 REVISION)"
  if [ -n "$live" ] && [ -f "$davit/$live.manifest" ] && [ -f "$davit/$live.tree" ]; then
    work=$davit/inspect.$$
    tree | sort -u > "$work"
    without "$davit/$live.tree" "$work" | kinds | grep '^. \./' > "$work.altered"
    say altered_count "$(wc -l < "$work.altered")"
    sed -e 's/^../@davit altered /' -e 20q "$work.altered"
    rm -f "$work" "$work.altered"
  fi
fi
say done
