//! GitLab's webhooks: from bytes to the domain's event.

use super::payload;
use crate::fields::{self, GHOST};
use crate::incoming::{self, single};
use crate::webhook::{HookRules, Incoming, ParseError, Verified, VerifyError};
use crate::{proof, standard_webhooks};
use davit_domain::config::HookSignature;
use davit_domain::deployment_at_forge::ForgeDeploymentState;
use davit_domain::event::{
    ChangeAction, ChangeEvent, CheckEvent, CommentEvent, DeploymentEvent, ForgeEvent, GitRef, Push,
};
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitState;

const EVENT: &str = "X-Gitlab-Event";
const TOKEN: &str = "X-Gitlab-Token";
/// The same again when GitLab sends a delivery again. `X-Gitlab-Event-UUID` is shared by hooks that one hook's work
/// sets off, and `X-Gitlab-Webhook-UUID` is new on every attempt: neither says what is a repetition.
const IDS: [&str; 2] = ["Idempotency-Key", "webhook-id"];

pub(crate) fn verify(rules: &HookRules<'_>, incoming: &Incoming<'_>) -> Result<Verified, VerifyError> {
    incoming::require_json(incoming.headers)?;
    let signed_id = match rules.signature {
        HookSignature::Token => {
            proof::check_plain(rules, incoming.headers, TOKEN)?;
            None
        }
        HookSignature::StandardWebhooks => Some(standard_webhooks::check(rules, incoming)?),
        HookSignature::HmacSha256 | HookSignature::HmacSha1 | HookSignature::Timestamp => {
            return Err(VerifyError::foreign_signature());
        }
    };
    let event = incoming::event(incoming.headers, EVENT)?;
    let delivery = match signed_id {
        // The one id that nobody on the way can change.
        Some(id) => id,
        None => delivery(incoming, &event)?,
    };
    Ok(Verified { event, delivery, payload: incoming.body.to_vec() })
}

/// GitLab before 17.4 sends no id of its own.
fn delivery(incoming: &Incoming<'_>, event: &str) -> Result<String, VerifyError> {
    match IDS.iter().find(|name| single(incoming.headers, name).is_some_and(|value| !value.is_empty())) {
        Some(header) => incoming::delivery(incoming.headers, header),
        None => Ok(incoming::content_id(event.as_bytes(), incoming.body)),
    }
}

pub(crate) fn parse(event: &str, payload: &[u8]) -> Result<ForgeEvent, ParseError> {
    match event {
        "Push Hook" | "Tag Push Hook" => push(event, fields::read(event, payload)?),
        "Merge Request Hook" => merge_request(event, fields::read(event, payload)?),
        "Pipeline Hook" => pipeline(event, fields::read(event, payload)?),
        "Note Hook" => note(event, fields::read(event, payload)?),
        "Deployment Hook" => deployment(event, fields::read(event, payload)?),
        "System Hook" => system(event, payload),
        _ => Ok(ForgeEvent::Other { name: event.to_owned() }),
    }
}

/// An installation's own hook: everything under one name, and the payload tells what it is.
fn system(event: &str, payload: &[u8]) -> Result<ForgeEvent, ParseError> {
    let payload::Kind { object_kind, event_name } = fields::read(event, payload)?;
    match object_kind.or(event_name).as_deref() {
        Some("push" | "tag_push") => push(event, fields::read(event, payload)?),
        Some("merge_request") => merge_request(event, fields::read(event, payload)?),
        Some(_) | None => Ok(ForgeEvent::Other { name: event.to_owned() }),
    }
}

fn push(event: &str, push: payload::PushEvent) -> Result<ForgeEvent, ParseError> {
    let Some(git_ref) = fields::git_ref(&push.git_ref) else {
        return Ok(ForgeEvent::Other { name: event.to_owned() });
    };
    let mut after = fields::sha_or_zero(event, "after", &push.after)?;
    // A tag's `after` may be the tag object.
    if let (GitRef::Tag(_), Some(_), Some(commit)) = (&git_ref, &after, &push.checkout_sha) {
        after = Some(fields::sha(event, "checkout_sha", commit)?);
    }
    let head = push.commits.iter().find(|commit| after.as_ref().is_some_and(|after| after.as_str() == commit.id));
    let message = head.and_then(|commit| commit.message.as_deref()).or(push.message.as_deref());
    Ok(ForgeEvent::Push(Push {
        repository: project(event, push.project)?,
        before: fields::sha_or_zero(event, "before", &push.before)?,
        title: message.map_or_else(String::new, fields::first_line),
        after,
        git_ref,
        pusher: push.user_username.or(push.user_name).unwrap_or_else(|| GHOST.to_owned()),
    }))
}

fn merge_request(event: &str, payload: payload::MergeRequestEvent) -> Result<ForgeEvent, ParseError> {
    let change = payload.object_attributes;
    let action = match change.action.as_deref() {
        Some("open" | "reopen") => ChangeAction::Opened,
        Some("update") if change.oldrev.is_some() => ChangeAction::Updated,
        Some("close") => ChangeAction::Closed,
        Some("merge") => ChangeAction::Merged,
        Some(_) | None => ChangeAction::Edited,
    };
    let head = fields::sha(event, "object_attributes.last_commit.id", &change.last_commit.id)?;
    let merge_commit = match action {
        ChangeAction::Merged => Some(merge_commit(event, &change, &head)?),
        ChangeAction::Opened | ChangeAction::Updated | ChangeAction::Closed | ChangeAction::Edited => None,
    };
    Ok(ForgeEvent::Change(ChangeEvent {
        repository: project(event, payload.project)?,
        number: change.iid,
        action,
        title: change.title,
        author: author(payload.user, change.author_id),
        head,
        head_branch: change.source_branch,
        base_branch: change.target_branch,
        from_fork: change.source_project_id != Some(change.target_project_id),
        draft: change.draft.or(change.work_in_progress).unwrap_or(false),
        merge_commit,
        word: None,
    }))
}

/// A fast-forward makes no commit: the head itself is on the target branch then.
fn merge_commit(event: &str, change: &payload::MergeRequest, head: &CommitSha) -> Result<CommitSha, ParseError> {
    match (&change.merge_commit_sha, &change.squash_commit_sha) {
        (Some(sha), _) => fields::sha(event, "object_attributes.merge_commit_sha", sha),
        (None, Some(sha)) => fields::sha(event, "object_attributes.squash_commit_sha", sha),
        (None, None) => Ok(head.clone()),
    }
}

/// GitLab names the author by number alone, unless it was the author who did something.
fn author(user: Option<payload::User>, author: Option<i64>) -> String {
    match (user, author) {
        (Some(user), author) if author.is_none() || user.id == author => user.username,
        (_, Some(number)) => format!("user {number}"),
        (_, None) => GHOST.to_owned(),
    }
}

fn note(event: &str, payload: payload::NoteEvent) -> Result<ForgeEvent, ParseError> {
    let payload::NoteEvent { user, project: of, object_attributes: note, merge_request } = payload;
    let is_new = !note.system && note.action.is_none_or(|action| action == "create");
    let Some(merge_request) = merge_request.filter(|_| is_new) else {
        return Ok(ForgeEvent::Other { name: event.to_owned() });
    };
    Ok(ForgeEvent::Comment(CommentEvent {
        repository: project(event, of)?,
        number: merge_request.iid,
        author: user.map_or_else(|| GHOST.to_owned(), |user| user.username),
        text: note.note,
    }))
}

fn pipeline(event: &str, payload: payload::PipelineEvent) -> Result<ForgeEvent, ParseError> {
    let pipeline = payload.object_attributes;
    Ok(ForgeEvent::Check(CheckEvent {
        repository: project(event, payload.project)?,
        commit: fields::sha(event, "object_attributes.sha", &pipeline.sha)?,
        name: pipeline.source.filter(|source| !source.is_empty()).unwrap_or_else(|| "pipeline".to_owned()),
        state: match pipeline.status.as_str() {
            "success" => CommitState::Success,
            "failed" => CommitState::Failure,
            // Nothing was found out: GitLab does not let these merge either.
            "canceled" | "skipped" => CommitState::Error,
            _ => CommitState::Pending,
        },
        // While it runs: when it was made. A run of the same pipeline that is told late must not look newer than its end.
        at: fields::time(pipeline.finished_at.as_deref().or(pipeline.created_at.as_deref())),
        description: format!("pipeline {} is {}", pipeline.id, pipeline.status),
        target_url: pipeline.url.unwrap_or_default(),
    }))
}

fn deployment(event: &str, payload: payload::DeploymentEvent) -> Result<ForgeEvent, ParseError> {
    let sha = payload.commit_url.rsplit('/').next().unwrap_or_default();
    let commit = fields::sha(event, "commit_url", sha)?;
    Ok(ForgeEvent::Deployment(DeploymentEvent {
        repository: project(event, payload.project)?,
        number: payload.deployment_id,
        environment: payload.environment,
        reference: payload.git_ref.unwrap_or_else(|| commit.to_string()),
        commit,
        description: payload.commit_title.unwrap_or_default(),
        by: payload.user.map_or_else(|| GHOST.to_owned(), |user| user.username),
        payload: String::new(),
        state: match payload.status.as_str() {
            // Of protected environments: somebody has to approve.
            "blocked" => ForgeDeploymentState::Queued,
            "running" => ForgeDeploymentState::InProgress,
            "success" => ForgeDeploymentState::Success,
            "failed" => ForgeDeploymentState::Failure,
            "canceled" | "skipped" => ForgeDeploymentState::Inactive,
            _ => ForgeDeploymentState::Pending,
        },
    }))
}

fn project(event: &str, project: payload::Project) -> Result<String, ParseError> {
    fields::project(event, "project.path_with_namespace", project.path_with_namespace)
}
