//! Values in payloads that become part of paths, URLs and commands: checked here once, for all forges.

use crate::webhook::ParseError;
use davit_domain::event::GitRef;
use davit_domain::ids::CommitSha;
use davit_domain::time::Timestamp;
use serde::Deserialize;

/// The name that GitHub, GitLab and Gitea show for an account that was deleted.
pub(crate) const GHOST: &str = "ghost";
/// Characters of serde's own words that an error carries.
const MAX_DETAIL: usize = 200;

/// A payload as this event's.
pub(crate) fn read<'a, T: Deserialize<'a>>(event: &str, payload: &'a [u8]) -> Result<T, ParseError> {
    serde_json::from_slice(payload).map_err(|error| ParseError::Malformed {
        event: event.to_owned(),
        detail: error.to_string().chars().take(MAX_DETAIL).collect(),
    })
}

/// The error for a field with an impossible value.
pub(crate) fn impossible(event: &str, field: &'static str) -> ParseError {
    ParseError::Field { event: event.to_owned(), field }
}

/// `owner/name`.
pub(crate) fn repository(event: &str, field: &'static str, path: String) -> Result<String, ParseError> {
    if path.split('/').count() == 2 { project(event, field, path) } else { Err(impossible(event, field)) }
}

/// `group/name`, with as many groups within groups as GitLab has. Only of characters that forges allow in them.
pub(crate) fn project(event: &str, field: &'static str, path: String) -> Result<String, ParseError> {
    let good_part = |part: &str| {
        !matches!(part, "" | "." | "..") && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    if path.contains('/') && path.split('/').all(good_part) { Ok(path) } else { Err(impossible(event, field)) }
}

/// A commit's id.
pub(crate) fn sha(event: &str, field: &'static str, text: &str) -> Result<CommitSha, ParseError> {
    text.parse().map_err(|_| impossible(event, field))
}

/// All zeros is how forges say that there is no commit.
pub(crate) fn sha_or_zero(event: &str, field: &'static str, text: &str) -> Result<Option<CommitSha>, ParseError> {
    if !text.is_empty() && text.bytes().all(|b| b == b'0') { Ok(None) } else { sha(event, field, text).map(Some) }
}

/// `refs/heads/…` or `refs/tags/…`; `None` for what is neither.
pub(crate) fn git_ref(full: &str) -> Option<GitRef> {
    GitRef::parse(full).filter(|git_ref| match git_ref {
        GitRef::Branch(name) | GitRef::Tag(name) => !name.is_empty(),
    })
}

/// A branch or tag in the words of `create` and `delete` events: its bare name, and what it is.
pub(crate) fn named_ref(kind: &str, name: String) -> Option<GitRef> {
    match kind {
        _ if name.is_empty() => None,
        "branch" => Some(GitRef::Branch(name)),
        "tag" => Some(GitRef::Tag(name)),
        _ => None,
    }
}

/// A moment as forges write it: RFC 3339, and GitLab's `2026-03-02 09:16:00 UTC`. `None` for anything else, since
/// nothing fails for want of it.
pub(crate) fn time(text: Option<&str>) -> Option<Timestamp> {
    let text = text?;
    let parsed = match text.strip_suffix(" UTC") {
        Some(start) => format!("{start}Z").parse::<jiff::Timestamp>(),
        None => text.parse(),
    };
    parsed.ok().map(|at| Timestamp::from_millis(at.as_millisecond()))
}

/// A commit message's title.
pub(crate) fn first_line(message: &str) -> String {
    message.lines().next().unwrap_or_default().to_owned()
}
