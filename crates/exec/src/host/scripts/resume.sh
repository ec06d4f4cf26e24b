# Set before: upload, manifest_sha256. Says which of the manifest's files, counted from 1, are not there as they have to
# be. Whatever still works on that upload is ended first.
staging=$releases/.partial-$upload
work=$davit/upload-$upload
end_earlier
if cd "$staging" && [ "$(sha256sum < "$work/manifest")" = "$manifest_sha256  -" ]; then
  say whole_list
  grep '^F' "$work/manifest" | cut -b 7- > "$work/sums"
  [ ! -s "$work/sums" ] || sha256sum -c "$work/sums" 2>/dev/null | sed -n '/: OK$/!=' | sed 's/^/@davit missing /'
fi
say done
