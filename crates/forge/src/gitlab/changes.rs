//! GitLab's merge requests: how one stands, merging it, notes on it, and who may push. Sources:
//! <https://docs.gitlab.com/api/merge_requests/>, <https://docs.gitlab.com/api/merge_request_approvals/>,
//! <https://docs.gitlab.com/api/notes/>, <https://docs.gitlab.com/api/members/>.

use super::api::Project;
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
use serde::de::DeserializeOwned;

const READ: &str = "read_api or api, with the role Reporter in the project";
const WRITE: &str = "api, with a role that may merge into the branch";
/// The number of the role Developer, the first that may push.
const DEVELOPER: u32 = 30;

pub(super) async fn change(project: &Project<'_>, number: i64) -> Result<ChangeAtForge, ApiError> {
    let merge_request = read(project, number).await?;
    let Some(event) = event(project.path, &merge_request)? else {
        let detail = format!("{} still prepares the merge request {number} of {}.", MANNERS.name, project.path);
        return Err(ApiError::Retry { after: None, detail });
    };
    let approvals: wire::Approvals = optional(project, number, "approvals").await?;
    let reviewers: Vec<wire::Reviewer> = optional(project, number, "reviewers").await?;
    let is_here = !event.from_fork;
    Ok(ChangeAtForge {
        event,
        mergeable: mergeable(&merge_request),
        url: merge_request.web_url,
        labels: merge_request.labels,
        approvals: approvals.approved_by.into_iter().map(|approval| approval.user.username).collect(),
        changes_requested: reviewers
            .into_iter()
            .filter(|reviewer| reviewer.state == "requested_changes")
            .map(|reviewer| reviewer.user.username)
            .collect(),
        auto_merge: merge_request.merge_when_pipeline_succeeds,
        head_repository: is_here.then(|| project.path.to_owned()),
    })
}

async fn read(project: &Project<'_>, number: i64) -> Result<wire::MergeRequest, ApiError> {
    let what = format!("read the merge request {number} of {}", project.path);
    let request = Request::get(project.url(&["merge_requests", &number.to_string()]));
    project.http.read(&call(what, READ, &[200]), request).await
}

/// What an older GitLab, or one without a licence for it, does not tell about a merge request.
async fn optional<T: DeserializeOwned + Default>(
    project: &Project<'_>,
    number: i64,
    part: &str,
) -> Result<T, ApiError> {
    let what = format!("read the {part} of the merge request {number} of {}", project.path);
    let request = Request::get(project.url(&["merge_requests", &number.to_string(), part]));
    match project.http.read(&call(what, READ, &[200]), request).await {
        Err(ApiError::Permanent { status: Some(403 | 404), .. }) => Ok(T::default()),
        answer => answer,
    }
}

/// `None` while GitLab still looks for the head.
pub(super) fn event(repository: &str, change: &wire::MergeRequest) -> Result<Option<ChangeEvent>, ApiError> {
    let Some(head) = &change.sha else { return Ok(None) };
    let number = change.iid;
    let no_commit = |_| ApiError::Permanent {
        detail: format!("{} names a commit of the merge request {number} that is none.", MANNERS.name),
        status: Some(200),
    };
    let action = match change.state.as_str() {
        "merged" => ChangeAction::Merged,
        "closed" => ChangeAction::Closed,
        _ => ChangeAction::Opened,
    };
    let merged = change.merge_commit_sha.as_ref().or(change.squash_commit_sha.as_ref()).unwrap_or(head);
    let merge_commit = match action {
        ChangeAction::Merged => Some(merged.parse().map_err(no_commit)?),
        ChangeAction::Opened | ChangeAction::Updated | ChangeAction::Closed | ChangeAction::Edited => None,
    };
    Ok(Some(ChangeEvent {
        repository: repository.to_owned(),
        number,
        action,
        title: change.title.clone(),
        author: change.author.as_ref().map_or_else(|| GHOST.to_owned(), |user| user.username.clone()),
        head: head.parse().map_err(no_commit)?,
        head_branch: change.source_branch.clone(),
        base_branch: change.target_branch.clone(),
        from_fork: change.source_project_id != Some(change.target_project_id),
        draft: change.draft,
        merge_commit,
        word: None,
    }))
}

/// `detailed_merge_status` is there since GitLab 15.6.
fn mergeable(change: &wire::MergeRequest) -> Mergeable {
    let status = change.detailed_merge_status.as_deref().unwrap_or(&change.merge_status);
    match status {
        // A draft, a closed one and a pipeline are judged by davit itself.
        "mergeable" | "can_be_merged" | "draft_status" | "not_open" | "ci_still_running" => Mergeable::Yes,
        "conflict" | "cannot_be_merged" | "broken_status" => Mergeable::Conflict,
        ""
        | "unchecked"
        | "checking"
        | "preparing"
        | "approvals_syncing"
        | "cannot_be_merged_recheck"
        | "cannot_be_merged_rechecking" => Mergeable::Unknown,
        "need_rebase" => Mergeable::Refused("GitLab wants it rebased onto its target branch first".to_owned()),
        "not_approved" => Mergeable::Refused("it lacks approvals that GitLab wants".to_owned()),
        "requested_changes" => Mergeable::Refused("a reviewer wants changes".to_owned()),
        "ci_must_pass" => Mergeable::Refused("GitLab wants its pipeline to succeed first".to_owned()),
        "discussions_not_resolved" => Mergeable::Refused("GitLab wants its threads resolved first".to_owned()),
        "merge_request_blocked" => Mergeable::Refused("another merge request has to be merged first".to_owned()),
        other => Mergeable::Refused(format!("GitLab says {other:?}")),
    }
}

pub(super) async fn merge(project: &Project<'_>, order: &MergeOrder<'_>) -> Result<CommitSha, MergeError> {
    let number = order.number;
    let call = Call {
        what: format!("merge the merge request {number} of {}", project.path),
        permission: WRITE,
        advice: &[
            (401, "Give the token's account a role that may merge into the branch, and the token the scope api."),
            (405, ""),
            (406, ""),
            (409, ""),
            (422, ""),
        ],
        done: &[200],
    };
    let body = wire::NewMerge {
        sha: order.head.as_str(),
        squash: order.method == MergeMethod::Squash,
        should_remove_source_branch: order.delete_branch.is_some(),
    };
    let url = project.url(&["merge_requests", &number.to_string(), "merge"]);
    let merged: wire::MergeRequest = match project.http.read(&call, Request::json(Method::PUT, url, &body)).await {
        Ok(merged) => merged,
        Err(error) => return Err(refused(error)),
    };
    // Accepted, and not carried out yet.
    event(project.path, &merged)?.and_then(|event| event.merge_commit).ok_or(MergeError::Computing)
}

fn refused(error: ApiError) -> MergeError {
    match error {
        ApiError::Permanent { status: Some(409), .. } => MergeError::HeadMoved,
        ApiError::Permanent { status: Some(405 | 406 | 422), detail } => {
            MergeError::NotMergeable(detail.trim_end().to_owned())
        }
        error @ (ApiError::Permanent { .. } | ApiError::Retry { .. }) => MergeError::Api(error),
    }
}

pub(super) async fn comment(project: &Project<'_>, number: i64, text: &str) -> Result<(), ApiError> {
    let what = format!("comment on the merge request {number} of {}", project.path);
    let url = project.url(&["merge_requests", &number.to_string(), "notes"]);
    let request = Request::json(Method::POST, url, &wire::NewNote { body: text });
    let permission = "api, with the role Reporter in the project";
    project.http.call(&call(what, permission, &[201]), request).await.map(drop)
}

pub(super) async fn may_write(project: &Project<'_>, login: &str) -> Result<bool, ApiError> {
    let what = format!("say what {login} may do in {}", project.path);
    let request = Request::get(project.http.url(&["users"])).query("username", login);
    let users: Vec<wire::User> = project.http.read(&call(what.clone(), "read_api or api", &[200]), request).await?;
    let Some(user) = users.into_iter().find(|user| user.username.eq_ignore_ascii_case(login)) else {
        return Ok(false);
    };
    let request = Request::get(project.url(&["members", "all", &user.id.to_string()]));
    match project.http.read::<wire::Member>(&call(what, READ, &[200]), request).await {
        Ok(member) => Ok(member.access_level >= DEVELOPER && member.state.as_deref().is_none_or(|s| s == "active")),
        Err(ApiError::Permanent { status: Some(404), .. }) => Ok(false),
        Err(error) => Err(error),
    }
}

fn call(what: String, permission: &'static str, done: &'static [u16]) -> Call {
    Call { what, permission, advice: &[], done }
}
