//! Files in a directory that a job can write to, opened by somebody who may do more than the job: the kernel itself
//! refuses every symbolic link and everything that leads out (openat2(2), Linux 5.6).

use crate::RunnerError;
use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use nix::sys::stat::{Mode, SFlag, fchmod, fstat, mkdirat};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, unlinkat};
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;

/// Why a file could not be read or written.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The kernel said no.
    System(Errno),
    /// It is a directory, a pipe, a device, ….
    NotAFile,
    /// It has more bytes than this.
    TooBig(u64),
    /// Reading or writing failed.
    Io(std::io::Error),
}

impl From<Errno> for Trouble {
    fn from(errno: Errno) -> Self {
        Self::System(errno)
    }
}

/// For `map_err`.
pub(super) fn explain(path: &str) -> impl FnOnce(Trouble) -> RunnerError + use<> {
    let path = path.to_owned();
    move |trouble| match trouble {
        Trouble::System(Errno::ELOOP | Errno::EXDEV) => RunnerError::Refused(format!(
            "there is a symbolic link in {path}, and the server follows none that a job made: name the file itself"
        )),
        Trouble::System(Errno::ENOTDIR | Errno::EISDIR) | Trouble::NotAFile => {
            RunnerError::Refused(format!("{path} is no regular file"))
        }
        Trouble::System(Errno::EACCES | Errno::EPERM) => {
            RunnerError::Refused(format!("{path} can't be opened: the job took away the permission"))
        }
        Trouble::System(Errno::ENAMETOOLONG) => RunnerError::Refused(format!("{path} is too long for a path")),
        Trouble::TooBig(most) => RunnerError::Refused(format!("{path} is bigger than {most} bytes")),
        Trouble::System(errno) => RunnerError::io(path)(errno),
        Trouble::Io(error) => RunnerError::io(path)(error),
    }
}

/// Writes `rest` under `root`, in place of what may be there. Missing directories are made.
pub(super) fn write(
    root: &Path,
    rest: &Path,
    bytes: &[u8],
    mode: u32,
    owner: Option<(Uid, Gid)>,
) -> Result<(), Trouble> {
    let mut file = create(root, rest, owner)?;
    file.write_all(bytes).map_err(Trouble::Io)?;
    fchmod(&file, Mode::from_bits_truncate(mode))?;
    Ok(())
}

/// Makes `rest` under `root` as a new file, in place of what may be there, for its owner alone. Missing directories
/// are made.
pub(super) fn create(root: &Path, rest: &Path, owner: Option<(Uid, Gid)>) -> Result<File, Trouble> {
    let (directory, name) = parent_of(root, rest, owner)?;
    match unlinkat(&directory, name, UnlinkatFlags::NoRemoveDir) {
        Ok(()) | Err(Errno::ENOENT) => {}
        Err(errno) => return Err(errno.into()),
    }
    let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL;
    let file = openat2(&directory, name, how(flags).mode(Mode::S_IRUSR | Mode::S_IWUSR))?;
    hand_to(&file, owner)?;
    Ok(File::from(file))
}

/// Reads `rest` under `root`. `None` when it is not there.
pub(super) fn read(root: &Path, rest: &Path, most: u64) -> Result<Option<Vec<u8>>, Trouble> {
    let Some(file) = open(root, rest)? else { return Ok(None) };
    let mut bytes = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(Trouble::Io)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > most) {
        return Err(Trouble::TooBig(most));
    }
    Ok(Some(bytes))
}

/// Opens the regular file `rest` under `root` for reading. `None` when it is not there.
pub(super) fn open(root: &Path, rest: &Path) -> Result<Option<File>, Trouble> {
    let root = open_root(root)?;
    // Without waiting: a pipe in place of the file must not hold up the server.
    let file = match openat2(&root, rest, how(OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY)) {
        Ok(file) => file,
        Err(Errno::ENOENT) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    let kind = SFlag::from_bits_truncate(fstat(&file)?.st_mode) & SFlag::S_IFMT;
    if kind == SFlag::S_IFREG { Ok(Some(File::from(file))) } else { Err(Trouble::NotAFile) }
}

/// The directory that `rest` is in, made when it is missing, and the name in it.
fn parent_of<'a>(root: &Path, rest: &'a Path, owner: Option<(Uid, Gid)>) -> Result<(OwnedFd, &'a Path), Trouble> {
    let mut parts: Vec<&Path> = rest.iter().map(Path::new).collect();
    let name = parts.pop().ok_or(Trouble::NotAFile)?;
    let mut directory = open_root(root)?;
    for part in parts {
        let made = match mkdirat(&directory, part, Mode::from_bits_truncate(0o755)) {
            Ok(()) => true,
            Err(Errno::EEXIST) => false,
            Err(errno) => return Err(errno.into()),
        };
        let next = openat2(&directory, part, how(OFlag::O_RDONLY | OFlag::O_DIRECTORY))?;
        if made {
            hand_to(&next, owner)?;
        }
        directory = next;
    }
    Ok((directory, name))
}

fn hand_to(file: impl std::os::fd::AsFd, owner: Option<(Uid, Gid)>) -> Result<(), Trouble> {
    if let Some((user, group)) = owner {
        fchown(file, Some(user), Some(group))?;
    }
    Ok(())
}

/// The server's own directory: it is where the server made it.
fn open_root(root: &Path) -> Result<OwnedFd, Trouble> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(nix::fcntl::open(root, flags, Mode::empty())?)
}

fn how(flags: OFlag) -> OpenHow {
    OpenHow::new()
        .flags(flags | OFlag::O_CLOEXEC)
        .resolve(ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_MAGICLINKS)
}
