//! GitHub's webhooks: from bytes to the domain's event.

use super::checks;
use super::payload;
use crate::fields::{self, GHOST};
use crate::incoming::{self, Encoding};
use crate::proof::{self, Algorithm};
use crate::webhook::{HookRules, Incoming, ParseError, Verified, VerifyError};
use davit_domain::config::HookSignature;
use davit_domain::deployment_at_forge::ForgeDeploymentState;
use davit_domain::event::{
    ChangeAction, ChangeEvent, CommentEvent, DeploymentEvent, DeploymentStatusEvent, ForgeEvent, GitRef,
    MergeGroupEvent, Push,
};

const EVENT: &str = "X-GitHub-Event";
const DELIVERY: &str = "X-GitHub-Delivery";
const SIGNATURE_SHA256: &str = "X-Hub-Signature-256";
const SIGNATURE_SHA1: &str = "X-Hub-Signature";

/// The signature is over the raw body, for forms too.
pub(crate) fn verify(rules: &HookRules<'_>, incoming: &Incoming<'_>) -> Result<Verified, VerifyError> {
    let encoding = Encoding::of(incoming.headers)?;
    let (place, algorithm) = match rules.signature {
        HookSignature::HmacSha256 => ((SIGNATURE_SHA256, "sha256="), Algorithm::Sha256),
        HookSignature::HmacSha1 => ((SIGNATURE_SHA1, "sha1="), Algorithm::Sha1),
        HookSignature::Token | HookSignature::StandardWebhooks | HookSignature::Timestamp => {
            return Err(VerifyError::foreign_signature());
        }
    };
    proof::check_hex(rules, incoming.headers, place, algorithm, incoming.body)?;
    Ok(Verified {
        event: incoming::event(incoming.headers, EVENT)?,
        delivery: incoming::delivery(incoming.headers, DELIVERY)?,
        payload: encoding.unpack(incoming.body)?.into_owned(),
    })
}

/// A `create` event is of no interest: it does not say the commit, and a push that does comes with it.
pub(crate) fn parse(event: &str, payload: &[u8]) -> Result<ForgeEvent, ParseError> {
    match event {
        "ping" => fields::read::<payload::PingEvent>(event, payload)
            .map(|ping| ForgeEvent::Ping { message: ping.zen.unwrap_or_default() }),
        "push" => push(event, fields::read(event, payload)?),
        "delete" => delete(event, fields::read(event, payload)?),
        "pull_request" => pull_request(event, fields::read(event, payload)?).map(ForgeEvent::Change),
        "pull_request_review" => review(event, fields::read(event, payload)?).map(ForgeEvent::Change),
        "issue_comment" => comment(event, fields::read(event, payload)?),
        "deployment" => deployment(event, fields::read(event, payload)?),
        "deployment_status" => deployment_status(event, fields::read(event, payload)?),
        "status" => checks::status(event, fields::read(event, payload)?),
        "check_run" => checks::check_run(event, fields::read(event, payload)?),
        "check_suite" => checks::check_suite(event, fields::read(event, payload)?),
        "merge_group" => merge_group(event, fields::read(event, payload)?),
        _ => Ok(ForgeEvent::Other { name: event.to_owned() }),
    }
}

/// The repository that an event is about.
pub(super) fn repository(event: &str, repository: payload::Repository) -> Result<String, ParseError> {
    fields::repository(event, "repository.full_name", repository.full_name)
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
    let pusher = push.sender.map(|user| user.login).or_else(|| push.pusher.and_then(|pusher| pusher.name));
    Ok(ForgeEvent::Push(Push {
        repository: repository(event, push.repository)?,
        before: if push.created { None } else { fields::sha_or_zero(event, "before", &push.before)? },
        after: if push.deleted { None } else { fields::sha_or_zero(event, "after", after)? },
        git_ref,
        pusher: pusher.unwrap_or_else(|| GHOST.to_owned()),
        title: push.head_commit.map_or_else(String::new, |commit| fields::first_line(&commit.message)),
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
    let merged = merged.unwrap_or(false);
    let base_name = fields::repository(event, "pull_request.base.repo.full_name", base.repo.full_name)?;
    // While a pull request is open this field is a test merge that nobody approved.
    let merge_commit = if merged {
        merge_commit_sha.map(|text| fields::sha(event, "pull_request.merge_commit_sha", &text)).transpose()?
    } else {
        None
    };
    Ok(ChangeEvent {
        number,
        word: Some(payload.action.clone()),
        action: match payload.action.as_str() {
            "opened" | "reopened" => ChangeAction::Opened,
            "synchronize" => ChangeAction::Updated,
            "closed" if merged => ChangeAction::Merged,
            "closed" => ChangeAction::Closed,
            _ => ChangeAction::Edited,
        },
        title,
        author: login(user),
        head: fields::sha(event, "pull_request.head.sha", &head.sha)?,
        head_branch: head.git_ref,
        base_branch: base.git_ref,
        // A deleted repository was another one: a fork's pull request outlives its fork.
        from_fork: head.repo.is_none_or(|repo| repo.full_name != base_name),
        draft,
        merge_commit,
        repository: base_name,
    })
}

/// What a reviewer says changes what may be done with a change; its heads are as they were.
fn review(event: &str, payload: payload::PullRequestEvent) -> Result<ChangeEvent, ParseError> {
    Ok(ChangeEvent { action: ChangeAction::Edited, merge_commit: None, word: None, ..pull_request(event, payload)? })
}

/// A pull request's comments come as those of the issue with its number.
fn comment(event: &str, payload: payload::IssueCommentEvent) -> Result<ForgeEvent, ParseError> {
    let payload::IssueCommentEvent { action, issue, comment, repository: of } = payload;
    if action != "created" || issue.pull_request.is_none() {
        return Ok(ForgeEvent::Other { name: event.to_owned() });
    }
    Ok(ForgeEvent::Comment(CommentEvent {
        repository: repository(event, of)?,
        number: issue.number,
        author: login(comment.user),
        text: comment.body,
    }))
}

fn deployment(event: &str, payload: payload::DeploymentEvent) -> Result<ForgeEvent, ParseError> {
    let payload::DeploymentEvent { deployment, repository: of, sender } = payload;
    Ok(ForgeEvent::Deployment(DeploymentEvent {
        repository: repository(event, of)?,
        number: deployment.id,
        environment: deployment.environment,
        commit: fields::sha(event, "deployment.sha", &deployment.sha)?,
        reference: deployment.git_ref,
        description: deployment.description.unwrap_or_default(),
        by: login(deployment.creator.or(sender)),
        payload: deployment.payload.map_or_else(String::new, |json| said(json.get())),
        state: ForgeDeploymentState::Pending,
    }))
}

/// GitHub sends `{}` where the maker sent nothing.
fn said(json: &str) -> String {
    if matches!(json, "{}" | "\"\"" | "[]") { String::new() } else { json.to_owned() }
}

fn deployment_status(event: &str, payload: payload::DeploymentStatusEvent) -> Result<ForgeEvent, ParseError> {
    let payload::DeploymentStatusEvent { deployment_status: status, deployment, repository: of, sender } = payload;
    Ok(ForgeEvent::DeploymentStatus(DeploymentStatusEvent {
        repository: repository(event, of)?,
        deployment: deployment.id,
        environment: deployment.environment,
        commit: fields::sha(event, "deployment.sha", &deployment.sha)?,
        state: match status.state.as_str() {
            // Of protected environments: somebody has to approve.
            "queued" | "waiting" => ForgeDeploymentState::Queued,
            "in_progress" => ForgeDeploymentState::InProgress,
            "success" => ForgeDeploymentState::Success,
            "failure" => ForgeDeploymentState::Failure,
            "error" => ForgeDeploymentState::Error,
            "inactive" => ForgeDeploymentState::Inactive,
            _ => ForgeDeploymentState::Pending,
        },
        description: status.description.unwrap_or_default(),
        by: login(status.creator.or(sender)),
    }))
}

fn merge_group(event: &str, payload: payload::MergeGroupEvent) -> Result<ForgeEvent, ParseError> {
    let payload::MergeGroupEvent { action, merge_group: group, repository: of } = payload;
    let branch = |field, full: &str| {
        let git_ref = fields::git_ref(full).ok_or_else(|| fields::impossible(event, field))?;
        git_ref.branch().map(str::to_owned).ok_or_else(|| fields::impossible(event, field))
    };
    Ok(ForgeEvent::MergeGroup(MergeGroupEvent {
        repository: repository(event, of)?,
        head: fields::sha(event, "merge_group.head_sha", &group.head_sha)?,
        head_branch: branch("merge_group.head_ref", &group.head_ref)?,
        base_branch: branch("merge_group.base_ref", &group.base_ref)?,
        requested: action == "checks_requested",
    }))
}

fn login(user: Option<payload::User>) -> String {
    user.map_or_else(|| GHOST.to_owned(), |user| user.login)
}
