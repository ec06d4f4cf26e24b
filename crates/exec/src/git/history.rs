//! What lies between two commits, and what a branch is made of, for people to read. As of the last fetch; everything is
//! bounded in size and time.
//!
//! Paths are bytes to git and text to people: invalid UTF-8 is replaced in [`ChangedFile::path`], and
//! [`Mirror::patch`] finds the file by that text among those that changed.

use super::Mirror;
use crate::ExecError;
use davit_domain::ids::CommitSha;
use davit_domain::time::Timestamp;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncReadExt as _;

/// A commit, as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitLine {
    /// The commit.
    pub commit: CommitSha,
    /// Its author's name.
    pub author: String,
    /// When it was written.
    pub at: Timestamp,
    /// The first line of its message.
    pub subject: String,
}

/// How far two commits are from each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Distance {
    /// Commits that the head has and the base has not.
    pub ahead: u64,
    /// Commits that the base has and the head has not.
    pub behind: u64,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileStatus {
    /// There was none.
    Added,
    /// Its content or mode.
    Modified,
    /// It is gone.
    Deleted,
    /// It was elsewhere.
    Renamed,
    /// There is another one like it.
    Copied,
    /// A file is a link now, or the other way round.
    TypeChanged,
}

impl FileStatus {
    /// As a word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Modified => "modified",
            Self::Deleted => "deleted",
            Self::Renamed => "renamed",
            Self::Copied => "copied",
            Self::TypeChanged => "type_changed",
        }
    }

    fn of(letter: u8) -> Option<Self> {
        match letter {
            b'A' => Some(Self::Added),
            b'M' => Some(Self::Modified),
            b'D' => Some(Self::Deleted),
            b'R' => Some(Self::Renamed),
            b'C' => Some(Self::Copied),
            b'T' => Some(Self::TypeChanged),
            _ => None,
        }
    }
}

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedFile {
    /// Where it is, or was; invalid UTF-8 replaced.
    pub path: String,
    /// Where it was before, when it was elsewhere.
    pub old_path: Option<String>,
    /// What happened to it.
    pub status: FileStatus,
    /// Lines that are new; `None` for what is not text.
    pub additions: Option<u64>,
    /// Lines that are gone; `None` for what is not text.
    pub deletions: Option<u64>,
    /// The paths as git has them: the old one first where there are two.
    raw: Vec<Vec<u8>>,
}

/// A part of a longer list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut<T> {
    /// The first of them.
    pub items: Vec<T>,
    /// Whether there are more.
    pub truncated: bool,
}

/// A text that may be longer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    /// A unified diff; invalid UTF-8 replaced.
    pub text: String,
    /// Whether there is more.
    pub truncated: bool,
}

/// Which commits of a branch.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// With each word of this in subject or author, or with this as the beginning of the id; without case.
    pub text: Option<&'a str>,
    /// Those after this one.
    pub after: Option<&'a CommitSha>,
}

impl Wanted<'_> {
    /// Whether the newest commits are wanted, whatever they are.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.text.is_none() && self.after.is_none()
    }

    /// Those of a history that are wanted, in its order, at most `most`.
    #[must_use]
    pub fn of(&self, history: &[CommitLine], most: usize) -> Vec<CommitLine> {
        let first = match self.after {
            None => 0,
            Some(after) => {
                history.iter().position(|line| line.commit == *after).map_or(history.len(), |position| position + 1)
            }
        };
        let text = self.text.map(str::to_lowercase).unwrap_or_default();
        let words: Vec<&str> = text.split_whitespace().collect();
        let is_wanted = |line: &&CommitLine| {
            let said = format!("{}\n{}", line.subject, line.author).to_lowercase();
            words.iter().all(|word| said.contains(word)) || line.commit.as_str().starts_with(&text)
        };
        history.iter().skip(first).filter(is_wanted).take(most).cloned().collect()
    }
}

/// git answers from the disk.
const PATIENCE: Duration = Duration::from_secs(20);
/// Bytes of an answer that is read whole: a line each of a hundred thousand commits is about a sixth of it.
const LARGEST: usize = 64 * 1024 * 1024;
/// Files among which renames are looked for: beyond, it takes too long.
const RENAMES: &str = "-l1000";

/// What git said, cut off where it was too long.
struct Said {
    bytes: Vec<u8>,
    truncated: bool,
}

impl Mirror {
    /// How far the head is from the base. Commits without a common ancestor are apart by all that they have.
    ///
    /// # Errors
    /// [`ExecError::Git`] when one of them is not here or git takes too long.
    pub async fn distance(&self, base: &CommitSha, head: &CommitSha) -> Result<Distance, ExecError> {
        let range = format!("{base}...{head}");
        let said = self.listen(&["rev-list", "--left-right", "--count", &range], LARGEST).await?;
        let text = String::from_utf8_lossy(&said.bytes);
        let mut numbers = text.split_whitespace().map(str::parse);
        match (numbers.next(), numbers.next()) {
            (Some(Ok(behind)), Some(Ok(ahead))) => Ok(Distance { ahead, behind }),
            (_, _) => Err(ExecError::Git(format!("git counted the commits between {base} and {head} to {text:?}"))),
        }
    }

    /// Whether a commit is another one or came before it.
    ///
    /// # Errors
    /// [`ExecError::Git`] when one of them is not here.
    pub async fn is_ancestor(&self, commit: &CommitSha, of: &CommitSha) -> Result<bool, ExecError> {
        let base = self.ask(["merge-base", "--is-ancestor", commit.as_str(), of.as_str()]).await?;
        Ok(base.exit.is_success())
    }

    /// The commits that the head has and the base has not, newest first.
    ///
    /// # Errors
    /// As [`distance`](Self::distance).
    pub async fn commits_between(
        &self,
        base: &CommitSha,
        head: &CommitSha,
        most: usize,
    ) -> Result<Cut<CommitLine>, ExecError> {
        let range = format!("{base}..{head}");
        let mut items = self.log(&range, most + 1).await?;
        let truncated = items.len() > most;
        items.truncate(most);
        Ok(Cut { items, truncated })
    }

    /// Commits that a commit is made of, itself first and newest first, at most `most`.
    ///
    /// # Errors
    /// As [`distance`](Self::distance).
    pub async fn history(&self, head: &CommitSha, most: usize) -> Result<Vec<CommitLine>, ExecError> {
        self.log(head.as_str(), most).await
    }

    /// The files that differ between the two commits' trees: what changes where the base is and the head comes.
    ///
    /// # Errors
    /// As [`distance`](Self::distance).
    pub async fn changed_files(
        &self,
        base: &CommitSha,
        head: &CommitSha,
        most: usize,
    ) -> Result<Cut<ChangedFile>, ExecError> {
        let ask = ["diff-tree", "-r", "-z", "-M", RENAMES, "--raw", "--numstat", base.as_str(), head.as_str()];
        let said = self.listen(&ask, LARGEST).await?;
        let mut items = changed(&said.bytes);
        let truncated = said.truncated || items.len() > most;
        items.truncate(most);
        Ok(Cut { items, truncated })
    }

    /// What differs in one file, by its path in [`changed_files`](Self::changed_files); at most `most` bytes. `None`:
    /// nothing does.
    ///
    /// # Errors
    /// As [`distance`](Self::distance).
    pub async fn patch(
        &self,
        base: &CommitSha,
        head: &CommitSha,
        path: &str,
        most: usize,
    ) -> Result<Option<Patch>, ExecError> {
        let files = self.changed_files(base, head, usize::MAX).await?;
        let Some(file) = files.items.into_iter().find(|file| file.path == path) else { return Ok(None) };
        let options = ["diff-tree", "-r", "-p", "-M", RENAMES, "--no-ext-diff", "--no-textconv", "--no-color"];
        let mut arguments: Vec<OsString> = vec!["--literal-pathspecs".into()];
        arguments.extend(self.bare(options));
        arguments.extend([base.as_str().into(), head.as_str().into(), "--".into()]);
        arguments.extend(file.raw.iter().map(|path| OsStr::from_bytes(path).to_owned()));
        let said = self.listen_to(arguments, most).await?;
        Ok(Some(Patch { text: String::from_utf8_lossy(&said.bytes).into_owned(), truncated: said.truncated }))
    }

    async fn log(&self, range: &str, most: usize) -> Result<Vec<CommitLine>, ExecError> {
        const FORMAT: &str = "--format=%H%x00%an%x00%at%x00%s";
        let count = format!("--max-count={most}");
        let ask = ["log", "-z", "--no-show-signature", "--encoding=UTF-8", &count, FORMAT, range, "--"];
        let said = self.listen(&ask, LARGEST).await?;
        let text = String::from_utf8_lossy(&said.bytes);
        let parts: Vec<&str> = text.split('\0').collect();
        Ok(parts.chunks_exact(4).filter_map(commit_line).collect())
    }

    async fn listen(&self, arguments: &[&str], most: usize) -> Result<Said, ExecError> {
        let mut all = self.bare([]);
        all.extend(arguments.iter().map(OsString::from));
        self.listen_to(all, most).await
    }

    /// Runs git and takes what it says as bytes: paths may be anything, and lines would not keep them apart.
    async fn listen_to(&self, arguments: Vec<OsString>, most: usize) -> Result<Said, ExecError> {
        let program = self.git.reader(arguments, &self.dir)?;
        let what = "asking git what has changed";
        let mut child = program
            .command()?
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(ExecError::io(what))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let talk = async {
            let (mut bytes, mut complaint) = (Vec::new(), Vec::new());
            let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
            if let Some(stdout) = stdout {
                stdout.take(limit).read_to_end(&mut bytes).await.map_err(ExecError::io(what))?;
            }
            if bytes.len() > most {
                bytes.truncate(most);
                return Ok(Said { bytes, truncated: true });
            }
            if let Some(stderr) = stderr {
                stderr.take(4096).read_to_end(&mut complaint).await.map_err(ExecError::io(what))?;
            }
            let status = child.wait().await.map_err(ExecError::io(what))?;
            if status.success() {
                return Ok(Said { bytes, truncated: false });
            }
            let complaint = String::from_utf8_lossy(&complaint);
            Err(ExecError::Git(format!("git can't say what has changed: {}", complaint.trim())))
        };
        match tokio::time::timeout(PATIENCE, talk).await {
            Ok(said) => said,
            Err(_) => Err(ExecError::Git(format!(
                "git took more than {} seconds to say what has changed: the repository is too large for that",
                PATIENCE.as_secs()
            ))),
        }
    }
}

fn commit_line(parts: &[&str]) -> Option<CommitLine> {
    let [commit, author, seconds, subject] = parts else { return None };
    let seconds: i64 = seconds.parse().unwrap_or(0);
    Some(CommitLine {
        commit: commit.parse().ok()?,
        author: (*author).to_owned(),
        at: Timestamp::from_millis(seconds.saturating_mul(1000)),
        subject: (*subject).to_owned(),
    })
}

/// What `git diff-tree -z --raw --numstat` said: first one record a file with its status, then one with its lines.
///
/// `:old-mode new-mode old-id new-id STATUS NUL path NUL [new path NUL]`, then
/// `additions TAB deletions TAB path NUL`, or `additions TAB deletions TAB NUL old path NUL new path NUL`.
fn changed(bytes: &[u8]) -> Vec<ChangedFile> {
    let mut parts = bytes.split(|byte| *byte == 0);
    let mut files: Vec<ChangedFile> = Vec::new();
    let mut counted = 0;
    while let Some(record) = parts.next() {
        if let Some(rest) = record.strip_prefix(b":") {
            let status = rest.rsplit(|byte| *byte == b' ').next().and_then(|word| word.first().copied());
            let Some(status) = status.and_then(FileStatus::of) else { continue };
            let paths = if matches!(status, FileStatus::Renamed | FileStatus::Copied) { 2 } else { 1 };
            let raw: Vec<Vec<u8>> = parts.by_ref().take(paths).map(<[u8]>::to_vec).collect();
            if raw.len() == paths {
                files.push(file(status, raw));
            }
        } else if let [additions, deletions, path] = &record.splitn(3, |byte| *byte == b'\t').collect::<Vec<_>>()[..] {
            if path.is_empty() {
                parts.by_ref().take(2).for_each(drop);
            }
            // Both lists are in the same order.
            if let Some(file) = files.get_mut(counted) {
                (file.additions, file.deletions) = (number(additions), number(deletions));
            }
            counted += 1;
        }
    }
    files
}

fn file(status: FileStatus, raw: Vec<Vec<u8>>) -> ChangedFile {
    let text = |path: &Vec<u8>| String::from_utf8_lossy(path).into_owned();
    ChangedFile {
        path: raw.last().map(text).unwrap_or_default(),
        old_path: if raw.len() == 2 { raw.first().map(text) } else { None },
        status,
        additions: None,
        deletions: None,
        raw,
    }
}

/// `-` for what is not text.
fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_told_apart_whatever_paths_are() {
        let said = b":100644 100644 a b M\0one\ttab\0:100644 100644 a b R090\0old\nname\0new\xff\0\
            :000000 100644 a b A\0:colon\0\
            1\t2\tone\ttab\x000\t0\t\0old\nname\0new\xff\0-\t-\t:colon\0";
        let files = changed(said);
        let seen: Vec<_> = files
            .iter()
            .map(|file| (file.path.as_str(), file.old_path.as_deref(), file.status, file.additions, file.deletions))
            .collect();
        assert_eq!(
            seen,
            [
                ("one\ttab", None, FileStatus::Modified, Some(1), Some(2)),
                ("new\u{FFFD}", Some("old\nname"), FileStatus::Renamed, Some(0), Some(0)),
                (":colon", None, FileStatus::Added, None, None),
            ]
        );
    }
}
