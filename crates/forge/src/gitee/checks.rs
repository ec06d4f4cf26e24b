//! How Gitee learns the state of a commit: by a check run, and where the token may not set one, by a comment on each
//! open pull request that has the commit as its head. Sources: <https://help.gitee.com/base/pullrequest/ci-check>,
//! <https://gitee.com/api/v5/swagger>.

use super::api::Repository;
use super::wire;
use crate::error::ApiError;
use crate::http::Request;
use crate::refusal::Call;
use crate::text::cut;
use davit_domain::status::{CommitState, CommitStatus};
use reqwest::Method;

/// Characters of a description.
const MAX_DESCRIPTION: usize = 255;

pub(super) async fn set_status(repository: &Repository<'_>, status: &CommitStatus) -> Result<(), ApiError> {
    let refused = match check_run(repository, status).await {
        Err(refused @ ApiError::Permanent { status: Some(401 | 403 | 404), .. }) => refused,
        answer => return answer,
    };
    // Nowhere to comment, or nothing may be seen: what to mend is in the first refusal.
    match comment(repository, status).await {
        Ok(0) | Err(ApiError::Permanent { .. }) => Err(refused),
        Ok(_) => Ok(()),
        Err(retry @ ApiError::Retry { .. }) => Err(retry),
    }
}

/// A check run that was completed stays as it is: a state after that is a new one.
async fn check_run(repository: &Repository<'_>, status: &CommitStatus) -> Result<(), ApiError> {
    let mut call = Call {
        what: format!("set the check run {} on {}@{}", status.context, status.repository, status.commit.short()),
        permission: "projects, and its account must administrate the repository",
        advice: &[],
        done: &[200],
    };
    let known = Request::get(repository.url(&["commits", status.commit.as_str(), "check-runs"]))
        .query("check_name", &status.context)
        .query("per_page", "100");
    let runs = match repository.http.read(&call, known).await? {
        wire::CheckRuns::List(runs) | wire::CheckRuns::Counted { check_runs: runs } => runs,
    };
    let open =
        runs.iter().filter(|run| run.name == status.context && run.status != "completed").map(|run| run.id).max();
    let (state, conclusion) = match status.state {
        CommitState::Pending => ("in_progress", None),
        CommitState::Success => ("completed", Some("success")),
        CommitState::Failure | CommitState::Error => ("completed", Some("failure")),
    };
    let body = wire::CheckRunBody {
        name: &status.context,
        head_sha: open.is_none().then_some(status.commit.as_str()),
        status: state,
        conclusion,
        details_url: &status.target_url,
        output: wire::Output { title: &status.context, summary: &cut(&status.description, MAX_DESCRIPTION) },
    };
    let request = match open {
        Some(id) => Request::json(Method::PATCH, repository.url(&["check-runs", &id.to_string()]), &body),
        None => Request::json(Method::POST, repository.url(&["check-runs"]), &body),
    };
    call.done = &[200, 201];
    repository.http.call(&call, request).await.map(drop)
}

/// One comment a context and commit: the next state takes the place of the last. Gives the number of pull requests.
async fn comment(repository: &Repository<'_>, status: &CommitStatus) -> Result<usize, ApiError> {
    let heading = format!("**{}** `{}`", status.context, status.commit.short());
    let description = cut(&status.description, MAX_DESCRIPTION);
    let body = format!("{heading}: {} – {description}\n{}", status.state.as_str(), status.target_url);
    let body = wire::CommentBody { body: body.trim_end() };
    let mut told = 0;
    for pull_request in repository.open_pull_requests().await? {
        if pull_request.head.sha != status.commit.as_str() {
            continue;
        }
        let number = pull_request.number.to_string();
        let mut call = Call {
            what: format!("comment on the pull request {} of {}", pull_request.number, status.repository),
            permission: "pull_requests and notes",
            advice: &[],
            done: &[200],
        };
        let url = repository.url(&["pulls", &number, "comments"]);
        let all: Vec<wire::Comment> =
            repository.http.list(&call, Request::get(url.clone()).query("per_page", "100"), |_| false).await?;
        let request = match all.iter().find(|comment| comment.body.starts_with(&heading)) {
            Some(known) => {
                Request::json(Method::PATCH, repository.url(&["pulls", "comments", &known.id.to_string()]), &body)
            }
            None => Request::json(Method::POST, url, &body),
        };
        call.done = &[200, 201];
        repository.http.call(&call, request).await?;
        told += 1;
    }
    Ok(told)
}
