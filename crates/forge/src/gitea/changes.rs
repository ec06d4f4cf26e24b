//! Gitea's pull requests: how one stands, merging it, comments on it, and who may push. Sources:
//! <https://docs.gitea.com/api/#tag/repository/operation/repoGetPullRequest>, `…/repoMergePullRequest`,
//! `…/repoListPullReviews`, `…/repoGetRepoPermissions`, and `routers/api/v1/repo/pull.go` of go-gitea/gitea for what is
//! refused with which words.

use super::api::{PAGE, Repository};
use super::{MANNERS, payload, webhook, wire};
use crate::answers::{ChangeAtForge, MergeOrder};
use crate::error::{ApiError, MergeError};
use crate::http::Request;
use crate::refusal::Call;
use davit_domain::event::ChangeAction;
use davit_domain::ids::CommitSha;
use davit_domain::merge::Mergeable;
use reqwest::Method;
use std::collections::BTreeMap;

const READ: &str = "read:repository, and its account access to the repository's pull requests";
const WRITE: &str = "write:repository, and its account must be allowed to merge into the branch";

pub(super) async fn change(repository: &Repository<'_>, number: i64) -> Result<ChangeAtForge, ApiError> {
    let what = format!("read the pull request {number} of {}/{}", repository.owner, repository.name);
    let request = Request::get(repository.url(&["pulls", &number.to_string()]));
    let details: wire::PullRequest = repository.http.read(&call(what, READ, &[200]), request).await?;
    let (approvals, changes_requested) = reviews(repository, number).await?;
    let action = if details.state == "closed" { "closed" } else { "opened" };
    let event = payload::PullRequestEvent {
        action: action.to_owned(),
        pull_request: details.pull_request,
        repository: payload::Repository { full_name: format!("{}/{}", repository.owner, repository.name) },
    };
    let event = webhook::pull_request("pull_request", event)
        .map_err(|error| ApiError::Permanent { detail: error.to_string(), status: Some(200) })?;
    // Gitea merges no draft and nothing that is closed: davit says that itself.
    let is_judged = event.draft || event.action != ChangeAction::Opened;
    let mergeable = if details.mergeable || is_judged {
        Mergeable::Yes
    } else {
        let words = "Gitea can't merge it now: it conflicts with its base branch, or Gitea still looks whether it does";
        Mergeable::Refused(words.to_owned())
    };
    Ok(ChangeAtForge {
        head_repository: (!event.from_fork).then(|| event.repository.clone()),
        event,
        url: details.html_url,
        labels: details.labels.unwrap_or_default().into_iter().map(|label| label.name).collect(),
        approvals,
        changes_requested,
        mergeable,
        auto_merge: false,
    })
}

/// Who approves and who wants changes: each reviewer's last word, where it counts ("official") and was not dismissed.
async fn reviews(repository: &Repository<'_>, number: i64) -> Result<(Vec<String>, Vec<String>), ApiError> {
    let what = format!("list the reviews of the pull request {number} of {}/{}", repository.owner, repository.name);
    let request = Request::get(repository.url(&["pulls", &number.to_string(), "reviews"])).query("limit", PAGE);
    let list: Vec<wire::Review> = repository.http.list(&call(what, READ, &[200]), request, |_| false).await?;
    let mut last = BTreeMap::new();
    for review in list {
        let is_word = matches!(review.state.as_str(), "APPROVED" | "REQUEST_CHANGES");
        if let (Some(user), true) = (review.user, is_word && review.official) {
            last.insert(user.login, (review.state, review.dismissed));
        }
    }
    let of = |wanted: &str| {
        let counts = |(_, (state, dismissed)): &(&String, &(String, bool))| state == wanted && !dismissed;
        last.iter().filter(counts).map(|(login, _)| login.clone()).collect()
    };
    Ok((of("APPROVED"), of("REQUEST_CHANGES")))
}

pub(super) async fn merge(repository: &Repository<'_>, order: &MergeOrder<'_>) -> Result<CommitSha, MergeError> {
    let number = order.number;
    let call = Call {
        what: format!("merge the pull request {number} of {}/{}", repository.owner, repository.name),
        permission: WRITE,
        advice: &[(405, ""), (409, ""), (422, "")],
        done: &[200],
    };
    let body = wire::NewMerge {
        how: order.method.as_str(),
        head_commit_id: order.head.as_str(),
        delete_branch_after_merge: order.delete_branch.is_some(),
    };
    let url = repository.url(&["pulls", &number.to_string(), "merge"]);
    repository.http.call(&call, Request::json(Method::POST, url, &body)).await.map_err(refused)?;
    // The answer is empty.
    let merged = change(repository, number).await?;
    merged.event.merge_commit.ok_or_else(|| {
        let detail = format!("{} merged the pull request {number} and does not say as which commit.", MANNERS.name);
        MergeError::Api(ApiError::Retry { after: None, detail })
    })
}

/// Gitea says 409 of several things.
fn refused(error: ApiError) -> MergeError {
    match error {
        ApiError::Permanent { status: Some(409), detail } if detail.contains("head out of date") => {
            MergeError::HeadMoved
        }
        ApiError::Permanent { status: Some(409), detail } if detail.contains("merge push out of date") => {
            MergeError::Computing
        }
        ApiError::Permanent { status: Some(405), detail } if detail.contains("try again later") => {
            MergeError::Computing
        }
        ApiError::Permanent { status: Some(405 | 409 | 422), detail } => {
            MergeError::NotMergeable(detail.trim_end().to_owned())
        }
        error @ (ApiError::Permanent { .. } | ApiError::Retry { .. }) => MergeError::Api(error),
    }
}

/// A pull request's comments are those of the issue with its number.
pub(super) async fn comment(repository: &Repository<'_>, number: i64, text: &str) -> Result<(), ApiError> {
    let what = format!("comment on the pull request {number} of {}/{}", repository.owner, repository.name);
    let url = repository.url(&["issues", &number.to_string(), "comments"]);
    let request = Request::json(Method::POST, url, &wire::NewComment { body: text });
    repository.http.call(&call(what, "write:issue", &[201]), request).await.map(drop)
}

pub(super) async fn may_write(repository: &Repository<'_>, login: &str) -> Result<bool, ApiError> {
    let what = format!("say what {login} may do in {}/{}", repository.owner, repository.name);
    let permission = "read:repository, and its account must administrate the repository";
    let request = Request::get(repository.url(&["collaborators", login, "permission"]));
    match repository.http.read::<wire::Collaborator>(&call(what, permission, &[200]), request).await {
        Ok(known) => Ok(matches!(known.permission.as_str(), "owner" | "admin" | "write")),
        Err(ApiError::Permanent { status: Some(404), .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn call(what: String, permission: &'static str, done: &'static [u16]) -> Call {
    Call { what, permission, advice: &[], done }
}
