//! Trees that go into a place and out of it. `tar` and `cp` run inside: whatever an archive or a link says, it says to
//! a program that can do no more than the job itself.

use super::{Cell, files};
use crate::RunnerError;
use crate::place::{StepCommand, StepExit};
use std::fs;
use std::path::Path;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

pub(super) async fn pack(cell: &Cell, files: &[String], root: &str, into: &Path) -> Result<u64, RunnerError> {
    let name = unique("pack");
    let inside = format!("{}/{name}", cell.layout.exchange.inside);
    let list = files.iter().flat_map(|file| [b"./", file.as_bytes(), b"\0"].concat()).collect();
    let argv = ["tar", "-czf", &inside, "--null", "-T", "-"];
    let packed = run(cell, &argv, root, Some(list)).await;
    let taken = packed.and_then(|()| take_out(cell, &name, into));
    let _ = fs::remove_file(cell.layout.exchange.outside.join(&name));
    taken
}

pub(super) async fn unpack(cell: &Cell, archive: &Path, into: &str) -> Result<(), RunnerError> {
    let name = unique("unpack");
    let outside = cell.layout.exchange.outside.join(&name);
    let inside = format!("{}/{name}", cell.layout.exchange.inside);
    let what = || format!("bringing {} into the place", archive.display());
    fs::copy(archive, &outside).map_err(RunnerError::io(what()))?;
    hand_to_job(cell, &outside).map_err(RunnerError::io(what()))?;
    let argv = ["sh", "-c", r#"mkdir -p -- "$1" && tar -xzf "$2" -C "$1""#, "sh", into, &inside];
    let unpacked = run(cell, &argv, "/", None).await;
    let _ = fs::remove_file(&outside);
    unpacked
}

pub(super) async fn put_tree(cell: &Cell, from: &Path, into: &str) -> Result<(), RunnerError> {
    let name = unique("tree");
    let outside = cell.layout.exchange.outside.join(&name);
    let inside = format!("{}/{name}", cell.layout.exchange.inside);
    let what = || format!("moving {} into the place", from.display());
    hand_to_job(cell, from).map_err(RunnerError::io(what()))?;
    fs::rename(from, &outside).map_err(RunnerError::io(what()))?;
    let script = r#"mkdir -p -- "$1" && cp -a --reflink=auto -- "$2/." "$1/" && rm -rf -- "$2""#;
    run(cell, &["sh", "-c", script, "sh", into, &inside], "/", None).await
}

/// Copies what lies in the exchange to `into`: the job may hold the original open and write to it later.
fn take_out(cell: &Cell, name: &str, into: &Path) -> Result<u64, RunnerError> {
    let exchange = &cell.layout.exchange;
    let explain = files::explain(&format!("{}/{name}", exchange.inside));
    let mut from = files::open(&exchange.outside, Path::new(name))
        .map_err(explain)?
        .ok_or_else(|| RunnerError::Refused("the archive is gone: the job removed it".into()))?;
    let what = || format!("writing {}", into.display());
    let mut to = fs::OpenOptions::new().write(true).create_new(true).open(into).map_err(RunnerError::io(what()))?;
    std::io::copy(&mut from, &mut to).map_err(RunnerError::io(what()))
}

/// Runs a program inside, for davit itself.
async fn run(cell: &Cell, argv: &[&str], cwd: &str, stdin: Option<Vec<u8>>) -> Result<(), RunnerError> {
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
    let run = async {
        let exit = cell.run(&command, &sink, &CancellationToken::new()).await;
        drop(sink);
        exit
    };
    let (exit, ()) = tokio::join!(run, listen);
    match exit? {
        StepExit::Code(0) => Ok(()),
        StepExit::Code(code) => Err(RunnerError::Refused(format!("{} failed (exit {code}): {}", argv[0], said.trim()))),
        StepExit::OverLimit { what } => Err(RunnerError::Refused(what)),
        StepExit::TimedOut { proof } | StepExit::Cancelled { proof } => Err(RunnerError::Ended(proof)),
    }
}

/// A tree of davit's own becomes the job's. Links themselves are given, not what they point to.
fn hand_to_job(cell: &Cell, tree: &Path) -> std::io::Result<()> {
    let Some((user, group)) = cell.owner else { return Ok(()) };
    for entry in walkdir::WalkDir::new(tree) {
        std::os::unix::fs::lchown(entry?.path(), Some(user.as_raw()), Some(group.as_raw()))?;
    }
    Ok(())
}

fn unique(what: &str) -> String {
    format!("{what}-{:032x}", rand::random::<u128>())
}
