# Becomes a step's program. Tells davit first, on standard error, when it began: $1 is a word that nobody guesses, $2
# the working directory, $3 a file for standard input or nothing.
IFS= read -r line </proc/$$/stat
echo "$1 ${line##*) }" >&2
cd -- "$2" || exit 126
if [ -n "$3" ]; then
    exec <"$3"
else
    exec </dev/null
fi
shift 3
exec "$@"
