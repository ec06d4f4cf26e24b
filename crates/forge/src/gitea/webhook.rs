//! Gitea's and Forgejo's webhooks: from bytes to the domain's event.
//!
//! Both also send copies of these headers under GitHub's and Gogs's names; none of those is read.

use super::payload;
use crate::fields::{self, GHOST};
use crate::incoming::{self, Encoding};
use crate::proof::{self, Algorithm};
use crate::webhook::{HookRules, Incoming, ParseError, Verified, VerifyError};
use davit_domain::config::HookSignature;
use davit_domain::event::{ChangeAction, ChangeEvent, CheckEvent, CommentEvent, ForgeEvent, GitRef, Push};
use davit_domain::status::CommitState;

const EVENT: &str = "X-Gitea-Event";
const DELIVERY: &str = "X-Gitea-Delivery";
const SIGNATURE: &str = "X-Gitea-Signature";

/// The signature is over the JSON, also where that is inside a form: so the form is taken apart before anything is
/// proven. Without a secret Gitea sends the header empty.
pub(crate) fn verify(rules: &HookRules<'_>, incoming: &Incoming<'_>) -> Result<Verified, VerifyError> {
    let encoding = Encoding::of(incoming.headers)?;
    match rules.signature {
        HookSignature::HmacSha256 => {}
        HookSignature::HmacSha1 | HookSignature::Token | HookSignature::StandardWebhooks | HookSignature::Timestamp => {
            return Err(VerifyError::foreign_signature());
        }
    }
    proof::key(rules)?;
    incoming::proof(incoming.headers, SIGNATURE)?;
    let payload = encoding.unpack(incoming.body)?;
    proof::check_hex(rules, incoming.headers, (SIGNATURE, ""), Algorithm::Sha256, &payload)?;
    Ok(Verified {
        event: incoming::event(incoming.headers, EVENT)?,
        delivery: incoming::delivery(incoming.headers, DELIVERY)?,
        payload: payload.into_owned(),
    })
}

/// A `create` event is of no interest: for an annotated tag it names the tag object, and a push that names the commit
/// comes with it.
pub(crate) fn parse(event: &str, payload: &[u8]) -> Result<ForgeEvent, ParseError> {
    match event {
        "push" => push(event, fields::read(event, payload)?),
        "delete" => delete(event, fields::read(event, payload)?),
        "pull_request"
        | "pull_request_sync"
        | "pull_request_assign"
        | "pull_request_label"
        | "pull_request_milestone"
        | "pull_request_review_request" => pull_request(event, fields::read(event, payload)?).map(ForgeEvent::Change),
        "pull_request_approved" | "pull_request_rejected" => {
            review(event, fields::read(event, payload)?).map(ForgeEvent::Change)
        }
        "issue_comment" => comment(event, fields::read(event, payload)?),
        "status" => status(event, fields::read(event, payload)?),
        _ => Ok(ForgeEvent::Other { name: event.to_owned() }),
    }
}

fn push(event: &str, push: payload::PushEvent) -> Result<ForgeEvent, ParseError> {
    let Some(git_ref) = fields::git_ref(&push.git_ref) else {
        return Ok(ForgeEvent::Other { name: event.to_owned() });
    };
    let mut after = fields::sha_or_zero(event, "after", &push.after)?;
    // A tag's `after` may be the tag object; what is built and gets statuses is the commit that it points to.
    if let (GitRef::Tag(_), Some(_), Some(commit)) = (&git_ref, &after, &push.head_commit) {
        after = Some(fields::sha(event, "head_commit.id", &commit.id)?);
    }
    let head = push.head_commit.filter(|_| after.is_some());
    Ok(ForgeEvent::Push(Push {
        repository: repository(event, push.repository)?,
        before: fields::sha_or_zero(event, "before", &push.before)?,
        after,
        git_ref,
        pusher: login(push.pusher.or(push.sender)),
        title: head.map_or_else(String::new, |commit| fields::first_line(&commit.message)),
    }))
}

/// The same as a push that deletes, which comes with it.
fn delete(event: &str, delete: payload::DeleteEvent) -> Result<ForgeEvent, ParseError> {
    let Some(git_ref) = fields::named_ref(&delete.ref_type, delete.git_ref) else {
        return Ok(ForgeEvent::Other { name: event.to_owned() });
    };
    Ok(ForgeEvent::Push(Push {
        repository: repository(event, delete.repository)?,
        git_ref,
        before: None,
        after: None,
        pusher: login(delete.sender),
        title: String::new(),
    }))
}

pub(super) fn pull_request(event: &str, payload: payload::PullRequestEvent) -> Result<ChangeEvent, ParseError> {
    let payload::PullRequest { number, title, user, draft, merged, merge_commit_sha, head, base } =
        payload.pull_request;
    let merge_commit = merge_commit_sha
        .filter(|sha| merged && !sha.is_empty())
        .map(|sha| fields::sha(event, "pull_request.merge_commit_sha", &sha))
        .transpose()?;
    Ok(ChangeEvent {
        repository: repository(event, payload.repository)?,
        number,
        word: word(&payload.action).map(str::to_owned),
        action: match payload.action.as_str() {
            "opened" | "reopened" => ChangeAction::Opened,
            "synchronized" => ChangeAction::Updated,
            "closed" if merged => ChangeAction::Merged,
            "closed" => ChangeAction::Closed,
            _ => ChangeAction::Edited,
        },
        draft: draft || is_work_in_progress(&title),
        title,
        author: login(user),
        head: fields::sha(event, "pull_request.head.sha", &head.sha)?,
        head_branch: head.git_ref,
        base_branch: base.git_ref,
        from_fork: head.repo_id != base.repo_id,
        merge_commit,
    })
}

/// GitHub's word for what happened, where it has one that says the same.
fn word(action: &str) -> Option<&'static str> {
    match action {
        "opened" => Some("opened"),
        "reopened" => Some("reopened"),
        "synchronized" => Some("synchronize"),
        "closed" => Some("closed"),
        "edited" => Some("edited"),
        "assigned" => Some("assigned"),
        "unassigned" => Some("unassigned"),
        "label_updated" => Some("labeled"),
        "label_cleared" => Some("unlabeled"),
        _ => None,
    }
}

/// What a reviewer says changes what may be done with a change; its heads are as they were.
fn review(event: &str, payload: payload::PullRequestEvent) -> Result<ChangeEvent, ParseError> {
    Ok(ChangeEvent { action: ChangeAction::Edited, merge_commit: None, word: None, ..pull_request(event, payload)? })
}

/// A pull request's comments come as those of the issue with its number.
fn comment(event: &str, payload: payload::CommentEvent) -> Result<ForgeEvent, ParseError> {
    let payload::CommentEvent { action, is_pull, issue, comment, repository: of } = payload;
    if action != "created" || !is_pull {
        return Ok(ForgeEvent::Other { name: event.to_owned() });
    }
    Ok(ForgeEvent::Comment(CommentEvent {
        repository: repository(event, of)?,
        number: issue.number,
        author: login(comment.user),
        text: comment.body,
    }))
}

/// Gitea's default prefixes (`WORK_IN_PROGRESS_PREFIXES`).
fn is_work_in_progress(title: &str) -> bool {
    ["wip:", "[wip]"].iter().any(|prefix| title.get(..prefix.len()).is_some_and(|s| s.eq_ignore_ascii_case(prefix)))
}

fn status(event: &str, status: payload::StatusEvent) -> Result<ForgeEvent, ParseError> {
    Ok(ForgeEvent::Check(CheckEvent {
        repository: repository(event, status.repository)?,
        commit: fields::sha(event, "sha", &status.sha)?,
        name: status.context,
        state: match status.state.as_str() {
            "success" | "skipped" => CommitState::Success,
            // What asks for a look is not good.
            "failure" | "warning" => CommitState::Failure,
            "error" => CommitState::Error,
            _ => CommitState::Pending,
        },
        at: fields::time(status.updated_at.as_deref().or(status.created_at.as_deref())),
        description: status.description.unwrap_or_default(),
        target_url: status.target_url.unwrap_or_default(),
    }))
}

fn repository(event: &str, repository: payload::Repository) -> Result<String, ParseError> {
    fields::repository(event, "repository.full_name", repository.full_name)
}

fn login(user: Option<payload::User>) -> String {
    user.map_or_else(|| GHOST.to_owned(), |user| user.login)
}
