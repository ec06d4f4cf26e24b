//! Branches and tags of a mirror, for people to choose from.

use super::Mirror;
use crate::{ExecError, LineSink};
use davit_domain::event::GitRef;
use davit_domain::ids::CommitSha;
use davit_domain::time::Timestamp;
use std::collections::BTreeMap;
use tokio_util::sync::CancellationToken;

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

/// A branch or a tag as the remote has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteRef {
    /// Which one.
    pub git_ref: GitRef,
    /// The commit it names.
    pub commit: CommitSha,
}

/// A commit on the way of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The commit.
    pub commit: CommitSha,
    /// What it comes from; the first is the branch as it was before.
    pub parents: Vec<CommitSha>,
    /// Its author's name.
    pub author: String,
    /// The first line of its message.
    pub subject: String,
    /// The rest of its message.
    pub body: String,
}

impl Mirror {
    /// What a branch took in between two commits, newest first, at most `limit`; following first parents alone. As of
    /// the last fetch.
    ///
    /// # Errors
    /// [`ExecError::Git`] when the mirror can't be read.
    pub async fn first_parents(
        &self,
        before: &CommitSha,
        after: &CommitSha,
        limit: usize,
    ) -> Result<Vec<HistoryEntry>, ExecError> {
        // Each begins with a record separator and has its body last: that alone may have several lines.
        const FORMAT: &str = "--format=%x1e%H %P%n%an%n%s%n%b";
        let (count, range) = (format!("--max-count={limit}"), format!("{before}..{after}"));
        let log = ["log", "--first-parent", "--no-show-signature", "--encoding=UTF-8", &count, FORMAT, &range];
        let text = self.ask(log).await?.stdout.join("\n");
        Ok(text.split('\u{1e}').filter_map(entry).collect())
    }

    /// The remote's branches and tags, by their full names. Nothing is fetched.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch).
    pub async fn remote_refs(&self, sink: &LineSink, cancel: &CancellationToken) -> Result<Vec<RemoteRef>, ExecError> {
        let ask = self.bare(["ls-remote", "--heads", "--tags", "origin"]);
        let output = self.git.network(ask, &self.dir, sink, cancel).await?;
        let refs = advertised(&output.stdout);
        output.ok(&self.git).map(|()| refs)
    }

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

    /// Whether a branch or a tag of the remote holds a commit, as of the last fetch. What only the reference of a change
    /// holds, anybody may have put there.
    ///
    /// # Errors
    /// [`ExecError::Git`] when the mirror can't be read.
    pub async fn is_published(&self, commit: &CommitSha) -> Result<bool, ExecError> {
        let arguments = ["for-each-ref", "--count=1", "--contains", commit.as_str(), "refs/heads/", "refs/tags/"];
        let output = self.ask(arguments).await?;
        let is_published = !output.stdout.is_empty();
        output.ok(&self.git).map(|()| is_published)
    }

    /// The commits of a branch that come after one of it, at most `limit`, as of the last fetch; none, where the branch
    /// does not hold it.
    ///
    /// # Errors
    /// [`ExecError::Git`] when the mirror can't be read.
    pub async fn commits_after(
        &self,
        commit: &CommitSha,
        branch: &str,
        limit: usize,
    ) -> Result<Vec<CommitSha>, ExecError> {
        let (count, range) = (format!("--max-count={limit}"), format!("{commit}..refs/heads/{branch}"));
        let output = self.ask(["rev-list", "--ancestry-path", &count, &range]).await?;
        Ok(output.stdout.iter().filter_map(|line| line.parse().ok()).collect())
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

/// One commit of the format above.
fn entry(text: &str) -> Option<HistoryEntry> {
    let mut lines = text.splitn(4, '\n');
    let mut commits = lines.next()?.split(' ').filter_map(|sha| sha.parse().ok());
    Some(HistoryEntry {
        commit: commits.next()?,
        parents: commits.collect(),
        author: lines.next()?.to_owned(),
        subject: lines.next()?.to_owned(),
        body: lines.next().unwrap_or_default().trim().to_owned(),
    })
}

/// Lines `sha TAB full name`; an annotated tag has a second one, `…^{}`, with the commit it points to.
fn advertised(lines: &[String]) -> Vec<RemoteRef> {
    let mut commits: BTreeMap<&str, CommitSha> = BTreeMap::new();
    for line in lines {
        let Some((sha, name)) = line.split_once('\t') else { continue };
        if let Ok(commit) = sha.parse() {
            // The peeled line comes after the tag's own.
            commits.insert(name.strip_suffix("^{}").unwrap_or(name), commit);
        }
    }
    let known =
        commits.into_iter().filter_map(|(name, commit)| Some(RemoteRef { git_ref: GitRef::parse(name)?, commit }));
    known.collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_the_commit_that_it_names() {
        let [a, b, c] = ["a", "b", "c"].map(|letter| letter.repeat(40));
        let lines = [
            format!("{a}\trefs/heads/main"),
            format!("{b}\trefs/tags/v1"),
            format!("{c}\trefs/tags/v1^{{}}"),
            "nonsense".to_owned(),
            format!("{a}\trefs/pull/1/head"),
        ];
        let expected = [(GitRef::Branch("main".into()), a), (GitRef::Tag("v1".into()), c)];
        let expected = expected.map(|(git_ref, sha)| RemoteRef { git_ref, commit: sha.parse().expect("a SHA") });
        assert_eq!(advertised(&lines), expected);
    }
}
