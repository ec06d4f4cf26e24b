for release in "$releases"/*; do
  [ ! -d "$release" ] || [ -L "$release" ] || say release "${release##*/}"
done
say live "$(live_release)"
say done
