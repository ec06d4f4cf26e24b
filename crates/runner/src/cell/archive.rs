//! Trees that go into a place and out of it. `tar` and `cp` run inside: whatever an archive or a link says, it says to
//! a program that can do no more than the job itself.

use super::{Cell, files};
use crate::RunnerError;
use crate::layout::Directory;
use crate::place::{StepCommand, StepExit};
use nix::unistd::{Gid, Uid};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(super) async fn pack(cell: &Cell, files: &[String], root: &str, into: &Path) -> Result<u64, RunnerError> {
    let archive = InExchange::named(cell, "pack");
    let list = files.iter().flat_map(|file| [b"./", file.as_bytes(), b"\0"].concat()).collect();
    let argv = ["tar", "-czf", &archive.inside, "--null", "-T", "-"];
    match run(cell, &argv, root, Some(list)).await? {
        // Files that change while they are packed are as they are.
        Ran { code: 0 | CHANGED, .. } => archive.take_out(into).await,
        ran => Err(ran.failed("tar")),
    }
}

pub(super) async fn unpack(cell: &Cell, archive: &Path, into: &str) -> Result<(), RunnerError> {
    let copy = InExchange::named(cell, "unpack");
    copy.bring_in(archive, cell.owner).await?;
    let script = r#"mkdir -p -- "$1" && tar -xzf "$2" -C "$1""#;
    run(cell, &["sh", "-c", script, "sh", into, &copy.inside], "/", None).await?.or_failed("unpacking")
}

pub(super) async fn put_tree(cell: &Cell, from: &Path, into: &str) -> Result<(), RunnerError> {
    let (directory, rest) = cell.layout.find(into)?;
    let what = || format!("moving {} into the place", from.display());
    if let Some(owner) = cell.owner {
        let from = from.to_owned();
        blocking(move || hand_to_job(&from, owner)).await.map_err(RunnerError::io(what()))?;
    }
    let tree = InExchange::named(cell, "tree");
    let moved = if cell.is_unused() {
        // Nothing of the job has run: no link of it is in the way.
        move_in(from, &directory.outside.join(rest))
    } else {
        fs::rename(from, &tree.outside)
    };
    match moved {
        Ok(()) if cell.is_unused() => Ok(()),
        Ok(()) => {
            let script = r#"mkdir -p -- "$1" && cp -a --reflink=auto -- "$2/." "$1/" && rm -rf -- "$2""#;
            run(cell, &["sh", "-c", script, "sh", into, &tree.inside], "/", None).await?.or_failed("copying")
        }
        Err(error) if error.kind() == ErrorKind::CrossesDevices => carry_over(cell, from, into).await,
        Err(error) => Err(RunnerError::io(what())(error)),
    }
}

/// Moves a tree to another file system.
async fn carry_over(cell: &Cell, from: &Path, into: &str) -> Result<(), RunnerError> {
    let what = || format!("packing {}", from.display());
    let archive = cell.layout.control.join("tree.tar.gz");
    let mut tar = tokio::process::Command::new("tar");
    tar.arg("-czf").arg(&archive).arg("-C").arg(from).arg(".").kill_on_drop(true);
    let status = tar.status().await.map_err(RunnerError::io(what()))?;
    if !status.success() {
        return Err(RunnerError::io(what())(io::Error::other(format!("tar failed: {status}"))));
    }
    let unpacked = unpack(cell, &archive, into).await;
    let removed = fs::remove_file(&archive).and_then(|()| fs::remove_dir_all(from));
    unpacked?;
    removed.map_err(RunnerError::io(what()))
}

/// A new name in the directory that steps and davit both can write to. Removed when this is dropped.
struct InExchange {
    root: PathBuf,
    name: String,
    outside: PathBuf,
    inside: String,
}

impl InExchange {
    fn named(cell: &Cell, what: &str) -> Self {
        let Directory { outside: root, inside } = &cell.layout.exchange;
        let name = format!("{what}-{:032x}", rand::random::<u128>());
        Self { outside: root.join(&name), inside: format!("{inside}/{name}"), root: root.clone(), name }
    }

    /// Copies a file in.
    async fn bring_in(&self, from: &Path, owner: Option<(Uid, Gid)>) -> Result<(), RunnerError> {
        let what = format!("bringing {} into the place", from.display());
        let mut to = files::create(&self.root, Path::new(&self.name), owner).map_err(files::explain(&self.inside))?;
        let from = from.to_owned();
        let copied = blocking(move || io::copy(&mut fs::File::open(from)?, &mut to)).await;
        copied.map(|_| ()).map_err(RunnerError::io(what))
    }

    /// Copies what a step wrote to `into`: the job may hold the original open and write to it later.
    async fn take_out(&self, into: &Path) -> Result<u64, RunnerError> {
        let found = files::open(&self.root, Path::new(&self.name)).map_err(files::explain(&self.inside))?;
        let mut from = found.ok_or_else(|| RunnerError::Refused("the archive is gone: the job removed it".into()))?;
        let what = format!("writing {}", into.display());
        let into = into.to_owned();
        let copied = blocking(move || {
            let mut to = fs::OpenOptions::new().write(true).create_new(true).open(into)?;
            io::copy(&mut from, &mut to)
        });
        copied.await.map_err(RunnerError::io(what))
    }
}

impl Drop for InExchange {
    fn drop(&mut self) {
        // Gone already, or a tree that goes with the whole place.
        let _ = fs::remove_file(&self.outside);
    }
}

/// The exit code of GNU tar when a file changed while it was read.
const CHANGED: i32 = 1;

/// What a program for davit itself did.
struct Ran {
    code: i32,
    said: String,
}

impl Ran {
    fn failed(&self, what: &str) -> RunnerError {
        RunnerError::Refused(format!("{what} failed (exit {}): {}", self.code, self.said.trim()))
    }

    fn or_failed(self, what: &str) -> Result<(), RunnerError> {
        if self.code == 0 { Ok(()) } else { Err(self.failed(what)) }
    }
}

/// Runs a program inside, for davit itself.
async fn run(cell: &Cell, argv: &[&str], cwd: &str, stdin: Option<Vec<u8>>) -> Result<Ran, RunnerError> {
    let (sink, mut lines) = mpsc::channel::<davit_exec::OutputLine>(64);
    let command = StepCommand {
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        env: cell.base_env.clone(),
        cwd: cwd.to_owned(),
        stdin,
        timeout: None,
    };
    let mut said = String::new();
    let listen = async {
        while let Some(line) = lines.recv().await {
            if said.len() < 2000 {
                said.push_str(&line.text);
                said.push('\n');
            }
        }
    };
    let step = async {
        let exit = cell.run(&command, &sink, &CancellationToken::new()).await;
        drop(sink);
        exit
    };
    let (exit, ()) = tokio::join!(step, listen);
    match exit? {
        StepExit::Code(code) => Ok(Ran { code, said }),
        StepExit::OverLimit { what } => Err(RunnerError::Refused(what)),
        StepExit::TimedOut { proof } | StepExit::Cancelled { proof } => Err(RunnerError::Ended(proof)),
    }
}

/// Moves a directory to a path that is missing, or its entries into one that is there.
fn move_in(from: &Path, to: &Path) -> io::Result<()> {
    if !to.is_dir() {
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        return fs::rename(from, to);
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() && target.is_dir() {
            move_in(&entry.path(), &target)?;
        } else {
            fs::rename(entry.path(), target)?;
        }
    }
    fs::remove_dir(from)
}

/// A tree of davit's own becomes the job's. Links themselves are given, not what they point to.
fn hand_to_job(tree: &Path, (user, group): (Uid, Gid)) -> io::Result<()> {
    for entry in walkdir::WalkDir::new(tree) {
        std::os::unix::fs::lchown(entry?.path(), Some(user.as_raw()), Some(group.as_raw()))?;
    }
    Ok(())
}

/// Work on files that takes its time.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
