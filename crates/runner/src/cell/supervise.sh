# davit reads this into a POSIX shell that stays for a whole job, and then sends one line of shell a step.
# Replies go to file descriptor 3, which steps don't have.

# davit_enter DIRECTORY INPUT: makes the subshell a step's. The kernel ends steps before their supervisor.
davit_enter() {
    exec 3>&- 4>&- <"$2" || exit 126
    [ "$2" = /dev/null ] || rm -f -- "$2"
    trap - HUP INT TERM
    { echo 500 >/proc/self/oom_score_adj; } 2>/dev/null
    umask 022
    cd -- "$1" || exit 126
}

# davit_end STEP CODE
davit_end() {
    echo "end $1 $2" >&3
}

PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
trap '' HUP INT TERM
# A session of its own keeps a step's `kill 0` from its supervisor.
davit_session=$(command -v setsid)
echo ready >&3
