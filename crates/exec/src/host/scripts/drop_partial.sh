# Set before: upload. Removes what an upload that was stopped has left.
staging=$releases/.partial-$upload
work=$davit/upload-$upload
end_earlier
remove_tree "$staging" && remove_tree "$work" || fail "what the upload left could not be removed: $staging"
say done
