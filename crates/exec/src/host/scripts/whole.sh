# Set before: release.
[ ! -d "$releases/$release" ] || [ ! -f "$davit/$release.manifest" ] || say whole
say done
