//! Files of a job's container: in and out as archives, through the engine.
//!
//! The engine resolves every path inside the container, so no link leads out of it; what comes out is read as a stream
//! and never laid out on the server.

use super::engine::{Engine, failed};
use super::{Container, HOME, TEMP, WORKSPACE, exec};
use crate::RunnerError;
use bytes::Bytes;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use futures::Stream;
use std::collections::HashSet;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;
use tar::{Archive, Builder, EntryType, Header};
use tokio::sync::mpsc;
use tokio_util::io::{StreamReader, SyncIoBridge};
use walkdir::WalkDir;

/// How long a shell in the container may take to make a directory.
const LIMIT: Duration = Duration::from_secs(60);

/// Bytes that go to the engine at once.
const PIECE: usize = 256 * 1024;

/// What a shell does to say who it is; with builtins alone.
const WHO: &str = "while read -r name real rest; do case $name in Uid:|Gid:) echo $real;; esac; done </proc/$$/status";

/// Numbers of a user and a group.
#[derive(Debug, Clone, Copy)]
pub(super) struct Owner {
    user: u64,
    group: u64,
}

/// Makes the directories of the job, for the user that steps run as.
pub(super) async fn prepare(engine: &Engine, container: &str) -> Result<Owner, RunnerError> {
    let argv = ["sh", "-c", WHO].map(str::to_owned).to_vec();
    let answer = exec::capture(engine, container, argv, None, LIMIT).await?;
    let mut numbers = answer.stdout.split_ascii_whitespace().map_while(|word| word.parse().ok());
    let (Some(user), Some(group)) = (numbers.next(), numbers.next()) else {
        return Err(RunnerError::Refused(format!(
            "the image has no shell (sh) that steps could run with: {}",
            answer.stderr.trim()
        )));
    };
    let owner = Owner { user, group };
    upload(engine, container, "/", move |tar| {
        for (path, owner) in [
            ("runner", Owner { user: 0, group: 0 }),
            (&TEMP[1..], owner),
            (&HOME[1..], owner),
            (&WORKSPACE[1..], owner),
        ] {
            tar.append_data(&mut header(EntryType::Directory, 0o755, 0, owner), path, io::empty())?;
        }
        Ok(())
    })
    .await?;
    Ok(owner)
}

impl Container {
    /// Writes a file, its directories too. An older file is replaced.
    ///
    /// # Errors
    /// [`RunnerError::Refused`] for a path that the container can't take.
    pub async fn write_file(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), RunnerError> {
        let (directory, name) = split(path)?;
        self.make_directory(directory).await?;
        let (name, bytes, owner) = (name.to_owned(), bytes.to_vec(), self.owner);
        upload(self.engine(), &self.id, directory, move |tar| {
            let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            tar.append_data(&mut header(EntryType::Regular, mode, size, owner), name, bytes.as_slice())
        })
        .await
    }

    /// Reads a file. `None` when it is not there.
    ///
    /// # Errors
    /// [`RunnerError::Refused`] for what is no file (a link is none), and for a file of more than `most` bytes.
    pub async fn read_file(&self, path: &str, most: u64) -> Result<Option<Vec<u8>>, RunnerError> {
        split(path)?;
        let named = path.to_owned();
        self.download(path, move |mut archive| {
            let refused = |why: String| RunnerError::Refused(format!("{named} {why}"));
            let unreadable = |error: io::Error| refused(format!("can't be read: {error}"));
            let mut entries = archive.entries().map_err(unreadable)?;
            let Some(entry) = entries.next() else { return Ok(Vec::new()) };
            let mut entry = entry.map_err(unreadable)?;
            if !entry.header().entry_type().is_file() {
                return Err(refused("is no file".to_owned()));
            }
            if entry.size() > most {
                return Err(refused(format!("has more than {most} bytes")));
            }
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(unreadable)?;
            Ok(bytes)
        })
        .await
    }

    /// Packs files, as [`Place::pack`](crate::place::Place::pack).
    ///
    /// # Errors
    /// [`RunnerError::Refused`] when one of them is not there.
    pub async fn pack(&self, files: &[String], root: &str, into: &Path) -> Result<u64, RunnerError> {
        let wanted = files.iter().map(|file| relative(file)).collect::<Result<HashSet<_>, _>>()?;
        let target = into.to_owned();
        let found = self.download(root, move |mut archive| {
            pack_some(&mut archive, &wanted, &target).map_err(RunnerError::io(format!("{}", target.display())))
        });
        match found.await? {
            Some(Packed { missing: None, size }) => Ok(size),
            Some(Packed { missing: Some(name), .. }) => {
                Err(RunnerError::Refused(format!("{root}/{} is not there any more", name.display())))
            }
            None => Err(RunnerError::Refused(format!("{root} is not there"))),
        }
    }

    /// Unpacks a `.tar.gz` from outside, as [`Place::unpack`](crate::place::Place::unpack).
    ///
    /// # Errors
    /// [`RunnerError::Refused`] when the container can't take it.
    pub async fn unpack(&self, archive: &Path, into: &str) -> Result<(), RunnerError> {
        self.make_directory(into).await?;
        let (archive, owner) = (archive.to_owned(), self.owner);
        upload(self.engine(), &self.id, into, move |tar| {
            let mut packed = Archive::new(GzDecoder::new(BufReader::new(File::open(archive)?)));
            for entry in packed.entries()? {
                copy_entry(entry?, tar, owner)?;
            }
            Ok(())
        })
        .await
    }

    /// Moves a directory in that was prepared outside, as [`Place::put_tree`](crate::place::Place::put_tree).
    ///
    /// # Errors
    /// [`RunnerError::Refused`] when `into` can't take it.
    pub async fn put_tree(&self, from: &Path, into: &str) -> Result<(), RunnerError> {
        self.make_directory(into).await?;
        let (source, owner) = (from.to_owned(), self.owner);
        upload(self.engine(), &self.id, into, move |tar| append_tree(tar, &source, owner)).await?;
        tokio::fs::remove_dir_all(from).await.map_err(RunnerError::io(format!("{}", from.display())))
    }

    async fn make_directory(&self, path: &str) -> Result<(), RunnerError> {
        if [WORKSPACE, TEMP, HOME].contains(&path) {
            return Ok(());
        }
        let argv = ["mkdir", "-p", "--", path].map(str::to_owned).to_vec();
        let answer = exec::capture(self.engine(), &self.id, argv, None, LIMIT).await?;
        if answer.code == 0 {
            return Ok(());
        }
        Err(RunnerError::Refused(format!("the directory {path} can't be made: {}", answer.stderr.trim())))
    }

    /// Reads the archive that the engine makes of a path. `None` when there is nothing.
    async fn download<T: Send + 'static>(
        &self,
        path: &str,
        read: impl FnOnce(Archive<SyncIoBridge<BytesReader>>) -> Result<T, RunnerError> + Send + 'static,
    ) -> Result<Option<T>, RunnerError> {
        let mut response = match self.engine().api().download(&self.id, path).await {
            Ok(response) => response,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(failed(format!("{path} can't be read"))(error)),
        };
        let (sender, receiver) = mpsc::channel(4);
        let feed = async move {
            while let Some(piece) = response.chunk().await.transpose() {
                // A reader that has seen enough does not wait for the rest.
                if sender.send(piece.map_err(io::Error::other)).await.is_err() {
                    return;
                }
            }
        };
        let pieces: BytesReader = StreamReader::new(Box::pin(received(receiver)));
        let bridge = SyncIoBridge::new(pieces);
        let reading = tokio::task::spawn_blocking(move || read(Archive::new(bridge)));
        let (read, ()) = tokio::join!(reading, feed);
        read.map_err(|_| RunnerError::Unavailable(format!("reading {path} was broken off")))?.map(Some)
    }
}

type BytesReader = StreamReader<std::pin::Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>, Bytes>;

fn received<T: Send + 'static>(receiver: mpsc::Receiver<T>) -> impl Stream<Item = T> + Send + 'static {
    futures::stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|item| (item, receiver)))
}

/// Sends an archive that `write` writes.
async fn upload(
    engine: &Engine,
    container: &str,
    into: &str,
    write: impl FnOnce(&mut Builder<Pipe>) -> io::Result<()> + Send + 'static,
) -> Result<(), RunnerError> {
    let (sender, receiver) = mpsc::channel(4);
    let writing = tokio::task::spawn_blocking(move || {
        let broken = sender.clone();
        let mut tar = Builder::new(Pipe { sender, buffer: Vec::with_capacity(PIECE) });
        let written = write(&mut tar).and_then(|()| tar.into_inner()?.flush());
        if let Err(error) = &written {
            // A reader that is gone has its own error to tell.
            let _ = broken.blocking_send(Err(io::Error::new(error.kind(), error.to_string())));
        }
        written
    });
    let sending = engine.api().upload(container, into, reqwest::Body::wrap_stream(received(receiver)));
    let (written, sent) = tokio::join!(writing, sending);
    // The writer's own mistake is the cause, where it made one: the engine only saw an archive without its end.
    if let Ok(Err(error)) = &written
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        return Err(RunnerError::Refused(format!("files can't be brought to {into}: {error}")));
    }
    sent.map_err(failed(format!("files can't be brought to {into}")))?;
    match written {
        Ok(result) => result.map_err(RunnerError::io(format!("files can't be brought to {into}"))),
        Err(_) => Err(RunnerError::Unavailable(format!("bringing files to {into} was broken off"))),
    }
}

/// Writes to the engine.
struct Pipe {
    sender: mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE));
        self.sender.blocking_send(Ok(piece.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

fn header(kind: EntryType, mode: u32, size: u64, owner: Owner) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode & 0o7777);
    header.set_size(size);
    header.set_uid(owner.user);
    header.set_gid(owner.group);
    header
}

/// A directory's content, its files as they are; sockets and the like stay behind.
fn append_tree(tar: &mut Builder<Pipe>, source: &Path, owner: Owner) -> io::Result<()> {
    for entry in WalkDir::new(source).min_depth(1).sort_by_file_name() {
        let entry = entry?;
        let inside = entry.path().strip_prefix(source).map_err(io::Error::other)?;
        let metadata = entry.metadata()?;
        let mode = metadata.permissions().mode();
        let mut header = header(EntryType::Regular, mode, 0, owner);
        header.set_mtime(modified(&metadata));
        if metadata.is_dir() {
            header.set_entry_type(EntryType::Directory);
            tar.append_data(&mut header, inside, io::empty())?;
        } else if metadata.is_symlink() {
            header.set_entry_type(EntryType::Symlink);
            tar.append_link(&mut header, inside, std::fs::read_link(entry.path())?)?;
        } else if metadata.is_file() {
            header.set_size(metadata.len());
            tar.append_data(&mut header, inside, File::open(entry.path())?)?;
        }
    }
    Ok(())
}

fn modified(metadata: &std::fs::Metadata) -> u64 {
    let since = metadata.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_secs())
}

/// One entry of an archive that a job made goes into a container of another: only what is a file, a directory or a
/// link, under a plain path.
fn copy_entry(entry: tar::Entry<'_, impl Read>, tar: &mut Builder<Pipe>, owner: Owner) -> io::Result<()> {
    let path = plain_path(&entry.path()?)?;
    if path.as_os_str().is_empty() {
        return Ok(());
    }
    let kind = entry.header().entry_type();
    let mut header = header(kind, entry.header().mode()?, 0, owner);
    header.set_mtime(entry.header().mtime().unwrap_or(0));
    match (kind, entry.link_name()?) {
        (EntryType::Symlink, Some(target)) => tar.append_link(&mut header, path, target),
        (EntryType::Link, Some(target)) => {
            let target = plain_path(&target)?;
            tar.append_link(&mut header, path, target)
        }
        (EntryType::Directory, _) => tar.append_data(&mut header, path, io::empty()),
        (kind, _) if kind.is_file() => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(entry.size());
            tar.append_data(&mut header, path, entry)
        }
        (kind, _) => Err(io::Error::other(format!("{} is neither file nor link: {kind:?}", path.display()))),
    }
}

/// `./a/b` and `a/b` are `a/b`; what is absolute or climbs is refused.
fn plain_path(path: &Path) -> io::Result<PathBuf> {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => plain.push(name),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err(io::Error::other(format!("{} leads out of the archive", path.display())));
            }
        }
    }
    Ok(plain)
}

/// What [`Container::pack`] found.
struct Packed {
    size: u64,
    missing: Option<PathBuf>,
}

/// Copies the entries of `wanted` and what is below them, without the directory's own name in front.
fn pack_some(archive: &mut Archive<impl Read>, wanted: &HashSet<PathBuf>, into: &Path) -> io::Result<Packed> {
    let file = File::create_new(into)?;
    let mut packed = Builder::new(GzEncoder::new(BufWriter::new(file), Compression::fast()));
    let mut missing: HashSet<&Path> = wanted.iter().map(PathBuf::as_path).collect();
    for entry in archive.entries()? {
        let entry = entry?;
        let path = entry.path()?.into_owned();
        let mut parts = path.components();
        parts.next();
        let inside = plain_path(parts.as_path())?;
        let Some(name) = inside.ancestors().find(|part| wanted.contains(*part)) else { continue };
        missing.remove(name);
        let kind = entry.header().entry_type();
        let mut header = entry.header().clone();
        match entry.link_name()?.map(std::borrow::Cow::into_owned) {
            Some(target) if kind == EntryType::Link => {
                let mut parts = target.components();
                parts.next();
                packed.append_link(&mut header, &inside, parts.as_path())?;
            }
            Some(target) => packed.append_link(&mut header, &inside, target)?,
            None if kind.is_file() || kind.is_dir() => packed.append_data(&mut header, &inside, entry)?,
            None => {}
        }
    }
    let missing = missing.into_iter().min().map(Path::to_owned);
    packed.into_inner()?.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    Ok(Packed { size: std::fs::metadata(into)?.len(), missing })
}

/// A path of a file below a directory; empty (or `.`) is the directory itself.
fn relative(file: &str) -> Result<PathBuf, RunnerError> {
    plain_path(Path::new(file))
        .map_err(|_| RunnerError::Refused(format!("{file} leads out of the directory that is packed")))
}

/// The directory and the name of an absolute path.
fn split(path: &str) -> Result<(&str, &str), RunnerError> {
    let plain = path.starts_with('/') && Path::new(path).components().all(|part| part != Component::ParentDir);
    match path.rsplit_once('/') {
        Some((directory, name)) if plain && !name.is_empty() && !directory.is_empty() => Ok((directory, name)),
        Some(_) | None => Err(RunnerError::Refused(format!("{path} is no path of a file in the container"))),
    }
}
