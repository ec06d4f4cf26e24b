# Sends a signal to the processes of a step: those that began at $1 (ticks) or later, with all their ancestors. Says
# which they are. Builtins alone: an image need not have more than a shell.
began=$1
signal=$2
all=
for dir in /proc/[0-9]*; do
    pid=${dir#/proc/}
    line=
    # A name may have line ends in it.
    { while IFS= read -r part || [ -n "$part" ]; do line="$line $part"; done <"$dir/stat"; } 2>/dev/null || continue
    [ -n "$line" ] || continue
    # shellcheck disable=SC2086 # words are wanted: state, parent, and as the 20th the start
    set -- ${line##*) }
    [ "$1" = Z ] && continue
    eval "parent_$pid=$2 start_$pid=${20}"
    all="$all $pid"
done
found=
for pid in $all; do
    [ "$pid" = 1 ] && continue
    [ "$pid" = $$ ] && continue
    at=$pid
    young=1
    while [ "$at" -gt 1 ]; do
        eval "start=\${start_$at:-$began} at=\${parent_$at:-0}"
        [ "$start" -ge "$began" ] || young=
    done
    [ -z "$young" ] || found="$found $pid"
done
for pid in $found; do
    name=
    { IFS= read -r name <"/proc/$pid/comm"; } 2>/dev/null
    kill -s "$signal" "$pid" 2>/dev/null && echo "$pid $name"
done
exit 0
