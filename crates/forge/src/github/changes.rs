//! GitHub's pull requests: how one stands, merging it, comments on it, and who may push. Sources:
//! <https://docs.github.com/en/rest/pulls/pulls>, <https://docs.github.com/en/rest/pulls/reviews>,
//! <https://docs.github.com/en/rest/issues/comments>, <https://docs.github.com/en/rest/collaborators/collaborators>.

use super::api::Repository;
use super::{payload, webhook, wire};
use crate::answers::{ChangeAtForge, MergeOrder};
use crate::error::{ApiError, MergeError};
use crate::http::Request;
use crate::refusal::Call;
use davit_domain::ids::CommitSha;
use davit_domain::merge::Mergeable;
use reqwest::Method;
use std::collections::BTreeMap;

const READ: &str = "Pull requests: read (a classic token: the scope repo)";
const WRITE: &str = "Pull requests: write and Contents: write (a classic token: the scope repo)";
/// What GitHub says of a base branch that moved while it merged.
const BASE_MOVED: &str = "Base branch was modified";

pub(super) async fn change(repository: &Repository<'_>, number: i64) -> Result<ChangeAtForge, ApiError> {
    let what = format!("read the pull request {number} of {}/{}", repository.owner, repository.name);
    let url = repository.url(&["pulls", &number.to_string()]);
    let details: wire::PullRequest = repository.read(&call(what, READ, &[200]), Request::get(url)).await?;
    let (approvals, changes_requested) = reviews(repository, number).await?;
    let action = if details.state == "open" { "opened" } else { "closed" };
    let head_repository = details.pull_request.head.repo.as_ref().map(|repo| repo.full_name.clone());
    let event = payload::PullRequestEvent { action: action.to_owned(), pull_request: details.pull_request };
    let event = webhook::pull_request("pull_request", event)
        .map_err(|error| ApiError::Permanent { detail: error.to_string(), status: Some(200) })?;
    Ok(ChangeAtForge {
        event,
        url: details.html_url,
        labels: details.labels.into_iter().map(|label| label.name).collect(),
        approvals,
        changes_requested,
        mergeable: mergeable(details.mergeable, &details.mergeable_state),
        auto_merge: details.auto_merge.is_some(),
        head_repository,
    })
}

/// GitHub works it out when it is asked for the first time.
fn mergeable(mergeable: Option<bool>, state: &str) -> Mergeable {
    match (mergeable, state) {
        (None, _) | (_, "unknown") => Mergeable::Unknown,
        (_, "blocked") => Mergeable::Refused("the rules of the branch at GitHub do not allow it yet".to_owned()),
        (_, "behind") => Mergeable::Refused(
            "the rules of the branch at GitHub want it to hold all of its base branch: update it".to_owned(),
        ),
        (Some(false), _) => Mergeable::Conflict,
        (Some(true), _) => Mergeable::Yes,
    }
}

/// Who approves and who wants changes: each reviewer's last word, of those whose word counts. Anybody may review a public
/// repository.
async fn reviews(repository: &Repository<'_>, number: i64) -> Result<(Vec<String>, Vec<String>), ApiError> {
    let what = format!("list the reviews of the pull request {number} of {}/{}", repository.owner, repository.name);
    let request = Request::get(repository.url(&["pulls", &number.to_string(), "reviews"])).query("per_page", "100");
    let list: Vec<wire::Review> = repository.list(&call(what, READ, &[200]), request, |_| false).await?;
    let mut last = BTreeMap::new();
    for review in list {
        let is_word = matches!(review.state.as_str(), "APPROVED" | "CHANGES_REQUESTED" | "DISMISSED");
        if let (Some(user), true) = (review.user, is_word) {
            last.insert(user.login, (review.state, review.author_association));
        }
    }
    let (mut approvals, mut changes_requested) = (Vec::new(), Vec::new());
    for (login, (state, association)) in last {
        let list = match state.as_str() {
            "APPROVED" => &mut approvals,
            "CHANGES_REQUESTED" => &mut changes_requested,
            _ => continue,
        };
        let is_known = matches!(association.as_str(), "OWNER" | "MEMBER" | "COLLABORATOR");
        if is_known && may_write(repository, &login).await? {
            list.push(login);
        }
    }
    Ok((approvals, changes_requested))
}

pub(super) async fn merge(repository: &Repository<'_>, order: &MergeOrder<'_>) -> Result<CommitSha, MergeError> {
    let number = order.number;
    let call = Call {
        what: format!("merge the pull request {number} of {}/{}", repository.owner, repository.name),
        permission: WRITE,
        advice: &[(405, ""), (409, ""), (422, "")],
        done: &[200],
    };
    let body = wire::NewMerge { sha: order.head.as_str(), merge_method: order.method.as_str() };
    let url = repository.url(&["pulls", &number.to_string(), "merge"]);
    let merged: wire::Merged = match repository.read(&call, Request::json(Method::PUT, url, &body)).await {
        Ok(merged) => merged,
        Err(error) => return Err(refused(error)),
    };
    if let Some(branch) = order.delete_branch {
        // It is merged: a branch that stays is no reason to say otherwise.
        let _ = delete_branch(repository, branch).await;
    }
    merged.sha.parse().map_err(|_| {
        let detail = format!("GitHub names a commit of the merged pull request {number} that is none.");
        MergeError::Api(ApiError::Permanent { detail, status: Some(200) })
    })
}

fn refused(error: ApiError) -> MergeError {
    match error {
        ApiError::Permanent { status: Some(409), .. } => MergeError::HeadMoved,
        ApiError::Permanent { status: Some(405), detail } if detail.contains(BASE_MOVED) => MergeError::Computing,
        ApiError::Permanent { status: Some(405 | 422), detail } => {
            MergeError::NotMergeable(detail.trim_end().to_owned())
        }
        error @ (ApiError::Permanent { .. } | ApiError::Retry { .. }) => MergeError::Api(error),
    }
}

/// <https://docs.github.com/en/rest/git/refs#delete-a-reference>
async fn delete_branch(repository: &Repository<'_>, branch: &str) -> Result<(), ApiError> {
    let what = format!("delete the branch {branch} of {}/{}", repository.owner, repository.name);
    let url = repository.url(&["git", "refs", &format!("heads/{branch}")]);
    let request = Request::bare(Method::DELETE, url);
    repository.call(&call(what, "Contents: write", &[204]), request).await.map(drop)
}

/// A pull request's comments are those of the issue with its number.
pub(super) async fn comment(repository: &Repository<'_>, number: i64, text: &str) -> Result<(), ApiError> {
    let what = format!("comment on the pull request {number} of {}/{}", repository.owner, repository.name);
    let permission = "Pull requests: write (a classic token: the scope repo)";
    let url = repository.url(&["issues", &number.to_string(), "comments"]);
    let request = Request::json(Method::POST, url, &wire::NewComment { body: text });
    repository.call(&call(what, permission, &[201]), request).await.map(drop)
}

pub(super) async fn may_write(repository: &Repository<'_>, login: &str) -> Result<bool, ApiError> {
    let what = format!("say what {login} may do in {}/{}", repository.owner, repository.name);
    let request = Request::get(repository.url(&["collaborators", login, "permission"]));
    let permission = "Metadata: read, and its account write access to the repository";
    match repository.read::<wire::Collaborator>(&call(what, permission, &[200]), request).await {
        Ok(known) => Ok(matches!(known.permission.as_str(), "admin" | "write")),
        Err(ApiError::Permanent { status: Some(404), .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn call(what: String, permission: &'static str, done: &'static [u16]) -> Call {
    Call { what, permission, advice: &[], done }
}
