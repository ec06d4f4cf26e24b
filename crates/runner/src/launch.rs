//! The first program of every place: a shell that enters the control groups, opens the way for replies, and becomes
//! what follows.

use crate::RunnerError;
use crate::cell::Pieces;
use std::path::Path;

/// `FIFO FROM TO GROUP… -- PROGRAM…`. Descriptors that the server itself was started with go no further: a shell that
/// is no bash can't name those above 9.
const SCRIPT: &str = r#"
set -e
if [ -n "${BASH_VERSION-}" ]; then
    for fd in /proc/self/fd/*; do
        fd=${fd##*/}
        [ "$fd" -le 2 ] || eval "exec $fd>&-"
    done
fi
exec 3>"$1" 4>&3
[ -z "$2" ] || mount --bind -- "$2" "$3"
shift 3
while [ "$1" != -- ]; do
    echo 0 >"$1"
    shift
done
shift
exec "$@"
"#;

/// The shell and its arguments up to where the program follows. With `mount`, the first directory appears at the
/// second.
pub(crate) fn shell(pieces: &Pieces<'_>, mount: Option<(&Path, &Path)>) -> Result<Vec<String>, RunnerError> {
    let bash = Path::new("/bin/bash");
    let shell = if bash.exists() { "/bin/bash" } else { "/bin/sh" };
    let mut argv: Vec<String> = [shell, "-c", SCRIPT, "davit"].map(str::to_owned).into();
    argv.push(text(pieces.fifo)?);
    for path in mount.map_or([None, None], |(from, to)| [Some(from), Some(to)]) {
        argv.push(path.map_or(Ok(String::new()), text)?);
    }
    for entrance in &pieces.entrances {
        argv.push(text(entrance)?);
    }
    argv.push("--".into());
    Ok(argv)
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> Result<String, RunnerError> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        RunnerError::Unavailable(format!("{} has a name that is no UTF-8: jobs can't live there", path.display()))
    })
}
