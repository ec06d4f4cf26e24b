//! Gitee's pull requests: how one stands, merging it, comments on it, and who may push. Source:
//! <https://gitee.com/api/v5/swagger>.
//!
//! Gitee can't be told which head to merge. So the head is read just before, and what was merged is looked at just after:
//! a push in between is merged too, and said to be.

use super::api::Repository;
use super::{MANNERS, wire};
use crate::answers::{ChangeAtForge, MergeOrder};
use crate::error::{ApiError, MergeError};
use crate::fields::GHOST;
use crate::http::Request;
use crate::refusal::Call;
use davit_domain::config::MergeMethod;
use davit_domain::event::{ChangeAction, ChangeEvent};
use davit_domain::ids::CommitSha;
use davit_domain::merge::Mergeable;
use reqwest::Method;

pub(super) async fn change(repository: &Repository<'_>, number: i64) -> Result<ChangeAtForge, ApiError> {
    let details = read(repository, number).await?;
    let event = event(&repository.path(), &details)?;
    let mergeable = match details.mergeable {
        Some(true) => Mergeable::Yes,
        // What is closed, davit says itself.
        Some(false) if event.action != ChangeAction::Opened => Mergeable::Yes,
        Some(false) => Mergeable::Refused(
            "Gitee can't merge it now: it conflicts with its base branch, or lacks a review or a test that Gitee wants"
                .to_owned(),
        ),
        None => Mergeable::Unknown,
    };
    let people = details.assignees.unwrap_or_default();
    Ok(ChangeAtForge {
        head_repository: details.head.repo.map(|place| place.full_name),
        event,
        url: details.html_url,
        labels: details.labels.unwrap_or_default().into_iter().map(|label| label.name).collect(),
        approvals: people.into_iter().filter(|person| person.accept).map(|person| person.login).collect(),
        // Whoever does not accept says nothing.
        changes_requested: Vec::new(),
        mergeable,
        auto_merge: false,
    })
}

async fn read(repository: &Repository<'_>, number: i64) -> Result<wire::PullRequest, ApiError> {
    let what = format!("read the pull request {number} of {}", repository.path());
    let request = Request::get(repository.url(&["pulls", &number.to_string()]));
    repository.http.read(&call(what, "pull_requests", &[200]), request).await
}

/// What Gitee says of a pull request, in a list or when asked for it.
pub(super) fn event(repository: &str, change: &wire::PullRequest) -> Result<ChangeEvent, ApiError> {
    let action = match change.state.as_str() {
        "merged" => ChangeAction::Merged,
        "closed" => ChangeAction::Closed,
        _ => ChangeAction::Opened,
    };
    let merge_commit = match (action, &change.merge_commit_sha) {
        (ChangeAction::Merged, Some(sha)) => Some(commit(change.number, sha)?),
        (
            ChangeAction::Merged
            | ChangeAction::Opened
            | ChangeAction::Updated
            | ChangeAction::Closed
            | ChangeAction::Edited,
            _,
        ) => None,
    };
    let is_here = |place: &wire::Place| place.full_name.eq_ignore_ascii_case(repository);
    Ok(ChangeEvent {
        repository: repository.to_owned(),
        number: change.number,
        action,
        title: change.title.clone(),
        author: change.user.as_ref().map_or_else(|| GHOST.to_owned(), |user| user.login.clone()),
        head: commit(change.number, &change.head.sha)?,
        head_branch: change.head.git_ref.clone(),
        base_branch: change.base.git_ref.clone(),
        from_fork: !change.head.repo.as_ref().is_some_and(is_here),
        draft: change.draft,
        merge_commit,
        word: None,
    })
}

fn commit(number: i64, sha: &str) -> Result<CommitSha, ApiError> {
    sha.parse().map_err(|_| ApiError::Permanent {
        detail: format!("{} names a commit of the pull request {number} that is none.", MANNERS.name),
        status: Some(200),
    })
}

/// `PUT /repos/{owner}/{repo}/pulls/{number}/merge`
pub(super) async fn merge(repository: &Repository<'_>, order: &MergeOrder<'_>) -> Result<CommitSha, MergeError> {
    let number = order.number;
    let before = event(&repository.path(), &read(repository, number).await?)?;
    if before.head != *order.head {
        return Err(MergeError::HeadMoved);
    }
    let call = Call {
        what: format!("merge the pull request {number} of {}", repository.path()),
        permission: "pull_requests, and its account must be allowed to merge into the branch",
        advice: &[(400, ""), (405, ""), (409, ""), (422, "")],
        done: &[200],
    };
    let body =
        wire::NewMerge { merge_method: order.method.as_str(), prune_source_branch: order.delete_branch.is_some() };
    let url = repository.url(&["pulls", &number.to_string(), "merge"]);
    repository.http.call(&call, Request::json(Method::PUT, url, &body)).await.map_err(refused)?;
    look_after(repository, order).await
}

fn refused(error: ApiError) -> MergeError {
    match error {
        ApiError::Permanent { status: Some(400 | 405 | 409 | 422), detail } => {
            MergeError::NotMergeable(detail.trim_end().to_owned())
        }
        error @ (ApiError::Permanent { .. } | ApiError::Retry { .. }) => MergeError::Api(error),
    }
}

/// A merge commit's second parent is the head that was merged; other methods leave the pull request's own word for it.
async fn look_after(repository: &Repository<'_>, order: &MergeOrder<'_>) -> Result<CommitSha, MergeError> {
    let after = event(&repository.path(), &read(repository, order.number).await?)?;
    let Some(merged) = after.merge_commit else {
        let detail = format!("{} does not say yet that the pull request {} is merged.", MANNERS.name, order.number);
        return Err(ApiError::Retry { after: None, detail }.into());
    };
    let is_ordered = match order.method {
        MergeMethod::Merge => {
            let what = format!("read the commit {} of {}", merged.short(), repository.path());
            let request = Request::get(repository.url(&["commits", merged.as_str()]));
            let commit: wire::Commit = repository.http.read(&self::call(what, "projects", &[200]), request).await?;
            commit.parents.iter().any(|parent| parent.sha == order.head.as_str())
        }
        MergeMethod::Squash | MergeMethod::Rebase => after.head == *order.head,
    };
    if is_ordered { Ok(merged) } else { Err(MergeError::OtherHead { commit: merged }) }
}

/// `POST /repos/{owner}/{repo}/pulls/{number}/comments`
pub(super) async fn comment(repository: &Repository<'_>, number: i64, text: &str) -> Result<(), ApiError> {
    let what = format!("comment on the pull request {number} of {}", repository.path());
    let url = repository.url(&["pulls", &number.to_string(), "comments"]);
    let request = Request::json(Method::POST, url, &wire::CommentBody { body: text });
    repository.http.call(&call(what, "pull_requests and notes", &[200, 201]), request).await.map(drop)
}

/// `GET /repos/{owner}/{repo}/collaborators/{username}/permission`
pub(super) async fn may_write(repository: &Repository<'_>, login: &str) -> Result<bool, ApiError> {
    let what = format!("say what {login} may do in {}", repository.path());
    let request = Request::get(repository.url(&["collaborators", login, "permission"]));
    match repository.http.read::<wire::Collaborator>(&call(what, "projects", &[200]), request).await {
        Ok(known) => Ok(matches!(known.permission.as_str(), "admin" | "write" | "push")),
        Err(ApiError::Permanent { status: Some(404), .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn call(what: String, permission: &'static str, done: &'static [u16]) -> Call {
    Call { what, permission, advice: &[], done }
}
