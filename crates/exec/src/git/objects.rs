//! Reading commits, directories and files of a mirror without a checkout, all through one `git cat-file`.

use super::Mirror;
use crate::ExecError;
use davit_domain::ids::CommitSha;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};

/// A mirror that is being read. It sees what is fetched meanwhile.
#[derive(Debug)]
pub struct Objects {
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// Ends with this.
    _child: Child,
}

/// A commit as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitText {
    /// Its id; not what was asked for where that was a tag.
    pub commit: CommitSha,
    /// The name of its author.
    pub author: String,
    /// The email address of its author.
    pub email: String,
    /// The whole message.
    pub message: String,
}

impl CommitText {
    /// The first line of its message.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.message.lines().next().unwrap_or_default()
    }
}

/// A file in a directory of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Its name there.
    pub name: String,
    /// The id of its content.
    id: String,
}

/// More than a commit or a directory ever has. Bytes.
const LARGEST: u64 = 16 * 1024 * 1024;
/// git answers from the disk.
const PATIENCE: Duration = Duration::from_secs(120);

impl Mirror {
    /// Opens the mirror for reading.
    ///
    /// # Errors
    /// When git can't be started.
    pub fn objects(&self) -> Result<Objects, ExecError> {
        let program = self.git.reader(self.bare(["cat-file", "--batch-command"]), &self.dir)?;
        let what = || "starting git cat-file".to_owned();
        let mut child = program
            .command()?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(ExecError::io(what()))?;
        match (child.stdin.take(), child.stdout.take()) {
            (Some(stdin), Some(stdout)) => Ok(Objects { stdin, stdout: BufReader::new(stdout), _child: child }),
            (_, _) => Err(ExecError::Git("git cat-file has no pipes".to_owned())),
        }
    }
}

impl Objects {
    /// A commit, or the one that a tag names; `None`: it is not here.
    ///
    /// # Errors
    /// When git does not answer.
    pub async fn commit(&mut self, commit: &CommitSha) -> Result<Option<CommitText>, ExecError> {
        let Some((id, bytes)) = self.read(&format!("{commit}^{{commit}}"), "commit", LARGEST).await? else {
            return Ok(None);
        };
        let id = id.parse().map_err(|_| ExecError::Git(format!("git answered {id:?} for a commit")))?;
        let text = String::from_utf8_lossy(&bytes);
        let (head, message) = text.split_once("\n\n").unwrap_or((&text, ""));
        let author = head.lines().find_map(|line| line.strip_prefix("author ")).unwrap_or_default();
        let (name, rest) = author.split_once(" <").unwrap_or((author, ""));
        let email = rest.split_once('>').map_or("", |(email, _)| email);
        Ok(Some(CommitText {
            commit: id,
            author: name.to_owned(),
            email: email.to_owned(),
            message: message.to_owned(),
        }))
    }

    /// The files (no links, no directories) that lie directly in a directory of a commit; none, where it has no such
    /// directory.
    ///
    /// # Errors
    /// When git does not answer.
    pub async fn files_in(&mut self, commit: &CommitSha, directory: &str) -> Result<Vec<FileEntry>, ExecError> {
        let Some((_, bytes)) = self.read(&format!("{commit}:{directory}"), "tree", LARGEST).await? else {
            return Ok(Vec::new());
        };
        let id_bytes = commit.as_str().len() / 2;
        let mut files = Vec::new();
        let mut rest = bytes.as_slice();
        while let Some(TreeEntry { mode, name, id, behind }) = entry(rest, id_bytes) {
            if mode.starts_with(b"100") {
                let id = id.iter().map(|byte| format!("{byte:02x}")).collect();
                files.push(FileEntry { name: String::from_utf8_lossy(name).into_owned(), id });
            }
            rest = behind;
        }
        Ok(files)
    }

    /// What is in a file, invalid UTF-8 replaced; `None` when it is larger than `most` bytes.
    ///
    /// # Errors
    /// When git does not answer.
    pub async fn text(&mut self, file: &FileEntry, most: u64) -> Result<Option<String>, ExecError> {
        let read = self.read(&file.id, "blob", most).await?;
        Ok(read.map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Whether a commit is here.
    ///
    /// # Errors
    /// When git does not answer.
    pub async fn has(&mut self, commit: &CommitSha) -> Result<bool, ExecError> {
        Ok(self.info(&format!("{commit}^{{commit}}")).await?.is_some())
    }

    /// An object and its id, if it is of this kind and not larger than this.
    async fn read(&mut self, name: &str, kind: &str, most: u64) -> Result<Option<(String, Vec<u8>)>, ExecError> {
        match self.info(name).await? {
            Some((id, found, size)) if found == kind && size <= most => {
                let bytes = self.content(&id, size).await?;
                Ok(Some((id, bytes)))
            }
            Some(_) | None => Ok(None),
        }
    }

    /// Id, kind and size of an object.
    async fn info(&mut self, name: &str) -> Result<Option<(String, String, u64)>, ExecError> {
        let line = patiently(self.answer(&format!("info {name}\n"))).await?;
        let mut words = line.split(' ');
        Ok(match (words.next(), words.next(), words.next().and_then(|size| size.trim_end().parse().ok())) {
            (Some(id), Some(kind), Some(size)) => Some((id.to_owned(), kind.to_owned(), size)),
            // "… missing", and whatever else is no object.
            (_, _, _) => None,
        })
    }

    async fn content(&mut self, id: &str, size: u64) -> Result<Vec<u8>, ExecError> {
        patiently(async {
            self.answer(&format!("contents {id}\n")).await?;
            // The line feed behind it belongs to the answer.
            let length = usize::try_from(size).unwrap_or(usize::MAX).saturating_add(1);
            let mut bytes = vec![0; length];
            self.stdout.read_exact(&mut bytes).await?;
            bytes.pop();
            Ok(bytes)
        })
        .await
    }

    /// The first line of what git answers.
    async fn answer(&mut self, question: &str) -> std::io::Result<String> {
        self.stdin.write_all(question.as_bytes()).await?;
        self.stdin.flush().await?;
        let mut line = Vec::new();
        self.stdout.read_until(b'\n', &mut line).await?;
        if line.is_empty() {
            return Err(std::io::Error::other("git cat-file ended"));
        }
        Ok(String::from_utf8_lossy(&line).into_owned())
    }
}

async fn patiently<T>(work: impl Future<Output = std::io::Result<T>>) -> Result<T, ExecError> {
    let answered = tokio::time::timeout(PATIENCE, work).await;
    let result = answered.unwrap_or_else(|_| Err(std::io::Error::other("git cat-file does not answer")));
    result.map_err(ExecError::io("reading the mirror"))
}

/// An entry of a directory, as git stores it.
struct TreeEntry<'b> {
    mode: &'b [u8],
    name: &'b [u8],
    id: &'b [u8],
    /// What is behind it.
    behind: &'b [u8],
}

/// The next entry of a directory.
fn entry(bytes: &[u8], id_bytes: usize) -> Option<TreeEntry<'_>> {
    let blank = bytes.iter().position(|byte| *byte == b' ')?;
    let end = bytes.iter().position(|byte| *byte == 0)?;
    let name = bytes.get(blank + 1..end)?;
    let id = bytes.get(end + 1..end + 1 + id_bytes)?;
    Some(TreeEntry { mode: &bytes[..blank], name, id, behind: &bytes[end + 1 + id_bytes..] })
}
