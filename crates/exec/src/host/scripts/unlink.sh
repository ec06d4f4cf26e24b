if [ -f "$davit/taken-over" ]; then
  point_to "$(cat "$davit/taken-over")" || fail "$deploy_path could not be given back and is as it was"
elif [ -L "$deploy_path" ]; then
  rm -f "$deploy_path" || fail "$deploy_path could not be removed"
fi
say done
