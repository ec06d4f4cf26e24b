//! Branches and tags of a mirror, for people to choose from.

use super::Mirror;
use crate::ExecError;
use davit_domain::ids::CommitSha;
use davit_domain::time::Timestamp;

/// A branch or a tag as of the last fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedRef {
    /// Its short name.
    pub name: String,
    /// The commit it names.
    pub commit: CommitSha,
    /// The first line of the commit's (or annotated tag's) message.
    pub subject: String,
    /// When it was made.
    pub at: Timestamp,
}

impl Mirror {
    /// Branches, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`ExecError::Git`] when the mirror can't be read.
    pub async fn branches(&self, limit: usize) -> Result<Vec<NamedRef>, ExecError> {
        self.refs("refs/heads/", limit).await
    }

    /// Tags that name a commit, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`ExecError::Git`] when the mirror can't be read.
    pub async fn tags(&self, limit: usize) -> Result<Vec<NamedRef>, ExecError> {
        self.refs("refs/tags/", limit).await
    }

    /// The branches that hold a commit, as of the last fetch.
    ///
    /// # Errors
    /// [`ExecError::Git`] when the mirror can't be read.
    pub async fn branches_with(&self, commit: &CommitSha) -> Result<Vec<String>, ExecError> {
        let arguments = ["for-each-ref", "--contains", commit.as_str(), "--format=%(refname:lstrip=2)", "refs/heads/"];
        Ok(self.ask(arguments).await?.stdout)
    }

    async fn refs(&self, prefix: &str, limit: usize) -> Result<Vec<NamedRef>, ExecError> {
        // *objectname is what an annotated tag points to; empty for everything else.
        const FORMAT: &str =
            "--format=%(objectname) %(*objectname) %(creatordate:unix) %(refname:lstrip=2)%00%(subject)";
        let count = format!("--count={limit}");
        let output = self.ask(["for-each-ref", "--sort=-creatordate", &count, FORMAT, prefix]).await?;
        Ok(output.stdout.iter().filter_map(|line| read(line)).collect())
    }
}

/// One line of the format above; `None` for a tag that names no commit.
fn read(line: &str) -> Option<NamedRef> {
    // Lines are text: NUL has become the replacement character on its way.
    let (head, subject) = line.split_once(['\0', '\u{FFFD}'])?;
    let mut parts = head.splitn(4, ' ');
    let (object, peeled) = (parts.next()?, parts.next()?);
    let seconds: i64 = parts.next()?.parse().ok()?;
    let name = parts.next()?.to_owned();
    let commit = if peeled.is_empty() { object } else { peeled }.parse().ok()?;
    Some(NamedRef {
        name,
        commit,
        subject: subject.to_owned(),
        at: Timestamp::from_millis(seconds.saturating_mul(1000)),
    })
}
