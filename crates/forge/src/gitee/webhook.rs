//! Gitee's webhooks: from bytes to the domain's event.
//!
//! Gitee signs a time, not the body, or sends the password itself. So a body is as trustworthy as the connection, and
//! whatever is released because of one has to be found at the forge first.

use super::payload;
use crate::fields::{self, GHOST};
use crate::incoming::{self, single};
use crate::proof;
use crate::webhook::{HookRules, Incoming, ParseError, Verified, VerifyError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use davit_domain::config::HookSignature;
use davit_domain::event::{ChangeAction, ChangeEvent, CommentEvent, ForgeEvent, GitRef, Push};
use serde_json::value::RawValue;
use std::ops::Range;
use std::time::Duration;

const EVENT: &str = "X-Gitee-Event";
/// `true` for the test that people start on the hook's page; the rest looks like the real thing.
const PING: &str = "X-Gitee-Ping";
const TIMESTAMP: &str = "X-Gitee-Timestamp";
const TOKEN: &str = "X-Gitee-Token";
/// Gitee's own rule for receivers.
const TOLERANCE: Duration = Duration::from_secs(60 * 60);
/// What davit calls a test: no event of Gitee's has this name.
const PING_EVENT: &str = "ping";

pub(crate) fn verify(rules: &HookRules<'_>, incoming: &Incoming<'_>) -> Result<Verified, VerifyError> {
    let headers = incoming.headers;
    incoming::require_json(headers)?;
    match rules.signature {
        HookSignature::Timestamp => check_timestamp(rules, incoming)?,
        HookSignature::Token => proof::check_plain(rules, headers, TOKEN)?,
        HookSignature::HmacSha256 | HookSignature::HmacSha1 | HookSignature::StandardWebhooks => {
            return Err(VerifyError::foreign_signature());
        }
    }
    let event = incoming::event(headers, EVENT)?;
    let is_ping = single(headers, PING).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    Ok(Verified {
        event: if is_ping { PING_EVENT.to_owned() } else { event },
        delivery: incoming::content_id(single(headers, TIMESTAMP).unwrap_or_default().as_bytes(), incoming.body),
        payload: without_proofs(incoming.body),
    })
}

/// base64 of the HMAC-SHA256 of the time, a line break and the secret.
fn check_timestamp(rules: &HookRules<'_>, incoming: &Incoming<'_>) -> Result<(), VerifyError> {
    let key = proof::key(rules)?;
    let given = incoming::proof(incoming.headers, TOKEN)?;
    let timestamp = single(incoming.headers, TIMESTAMP).unwrap_or_default();
    let millis: i64 = timestamp.parse().map_err(|_| VerifyError::Header { header: TIMESTAMP.to_owned() })?;
    let right = STANDARD.encode(proof::hmac_sha256(key, &[timestamp.as_bytes(), b"\n", key])?);
    if !proof::same(given, right.as_bytes()) {
        return Err(VerifyError::SignatureWrong { header: TOKEN.to_owned() });
    }
    rules.check_time(TIMESTAMP, millis, TOLERANCE)
}

/// The body without what proves who sent it: with that anybody could send another one. A body that is no payload of
/// Gitee's holds nothing that davit would read, and nothing of it is kept.
fn without_proofs(body: &[u8]) -> Vec<u8> {
    let Ok(proofs) = serde_json::from_slice::<payload::Proofs<'_>>(body) else {
        return b"\"not a payload of Gitee's\"".to_vec();
    };
    let mut places: Vec<_> = [proofs.password, proofs.sign].into_iter().flatten().map(|raw| place(body, raw)).collect();
    places.sort_unstable_by_key(|place| place.start);
    let mut kept = Vec::with_capacity(body.len());
    let mut from = 0;
    for place in places {
        kept.extend_from_slice(&body[from..place.start]);
        kept.extend_from_slice(b"\"***\"");
        from = place.end;
    }
    kept.extend_from_slice(&body[from..]);
    kept
}

/// Where in `body` a value is that was borrowed from it.
fn place(body: &[u8], value: &RawValue) -> Range<usize> {
    let start = value.get().as_ptr().addr() - body.as_ptr().addr();
    start..start + value.get().len()
}

pub(crate) fn parse(event: &str, payload: &[u8]) -> Result<ForgeEvent, ParseError> {
    match event {
        PING_EVENT => Ok(ForgeEvent::Ping { message: "Gitee's test of the hook".to_owned() }),
        "Push Hook" | "Tag Push Hook" => push(event, fields::read(event, payload)?),
        "Merge Request Hook" => merge_request(event, fields::read(event, payload)?),
        "Note Hook" => note(event, fields::read(event, payload)?),
        _ => Ok(ForgeEvent::Other { name: event.to_owned() }),
    }
}

fn push(event: &str, push: payload::PushEvent) -> Result<ForgeEvent, ParseError> {
    let Some(git_ref) = fields::git_ref(&push.git_ref) else {
        return Ok(ForgeEvent::Other { name: event.to_owned() });
    };
    // A tag's `after` may be the tag object; what is built and gets statuses is the commit that it points to.
    let after = match (&git_ref, &push.head_commit) {
        (GitRef::Tag(_), Some(commit)) => &commit.id,
        (GitRef::Tag(_) | GitRef::Branch(_), _) => &push.after,
    };
    let after = if push.deleted { None } else { fields::sha_or_zero(event, "after", after)? };
    let head = push.head_commit.filter(|_| after.is_some());
    Ok(ForgeEvent::Push(Push {
        repository: repository(event, "repository.path_with_namespace", push.repository)?,
        before: if push.created { None } else { fields::sha_or_zero(event, "before", &push.before)? },
        after,
        git_ref,
        pusher: login(push.sender.or(push.pusher)),
        title: head.map_or_else(String::new, |commit| fields::first_line(&commit.message)),
    }))
}

fn merge_request(event: &str, payload: payload::MergeRequestEvent) -> Result<ForgeEvent, ParseError> {
    let payload::PullRequest { number, title, user, draft, merge_commit_sha, head, base } = payload.pull_request;
    let action = match (payload.action.as_deref(), payload.action_desc.as_deref()) {
        (Some("open" | "reopen"), _) => ChangeAction::Opened,
        (Some("update"), Some("source_branch_changed")) => ChangeAction::Updated,
        (Some("merge"), _) => ChangeAction::Merged,
        (Some("close"), _) => ChangeAction::Closed,
        (Some(_) | None, _) => ChangeAction::Edited,
    };
    let base_name = repository(event, "pull_request.base.repo.path_with_namespace", base.repo)?;
    let merge_commit = merge_commit_sha
        .filter(|_| action == ChangeAction::Merged)
        .map(|sha| fields::sha(event, "pull_request.merge_commit_sha", &sha))
        .transpose()?;
    Ok(ForgeEvent::Change(ChangeEvent {
        number,
        action,
        title,
        author: login(user),
        head: fields::sha(event, "pull_request.head.sha", &head.sha)?,
        head_branch: head.git_ref,
        base_branch: base.git_ref,
        from_fork: head.repo.is_none_or(|repo| repo.path_with_namespace != base_name),
        draft,
        merge_commit,
        word: None,
        repository: base_name,
    }))
}

fn note(event: &str, payload: payload::NoteEvent) -> Result<ForgeEvent, ParseError> {
    let is_new = payload.action.as_deref().is_none_or(|action| action == "comment");
    let is_here = payload.noteable_type.as_deref() == Some("PullRequest");
    let Some(pull_request) = payload.pull_request.filter(|_| is_new && is_here) else {
        return Ok(ForgeEvent::Other { name: event.to_owned() });
    };
    Ok(ForgeEvent::Comment(CommentEvent {
        repository: repository(event, "repository.path_with_namespace", payload.repository)?,
        number: pull_request.number,
        author: login(payload.comment.user),
        text: payload.comment.body.unwrap_or_default(),
    }))
}

fn repository(event: &str, field: &'static str, repository: payload::Repository) -> Result<String, ParseError> {
    fields::repository(event, field, repository.path_with_namespace)
}

fn login(user: Option<payload::User>) -> String {
    user.and_then(|user| user.login.or(user.name)).unwrap_or_else(|| GHOST.to_owned())
}
