//! One pull request at GitHub: how it stands, its reviews, merging it, comments on it, and who may push.
//!
//! Sources: docs.github.com/rest/pulls (405, 409 and 422 of a merge; `mergeable` is `null` at the first question), and
//! GitHub's words of 405 from its own clients' issues.

use super::super::Shared;
use super::super::changes::{Look, NoMerge};
use super::super::model::{Access, Comment, Permission, Review};
use super::super::server::{Answer, Refused, rfc3339};
use super::super::wire::{Invalid, Query, json};
use super::{PAGING, allowed, fields, invalid, invalid_request, not_found, refusal};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{delete, get, post, put};
use serde_json::{Value, json};
use std::sync::Arc;

const READ: (Permission, &str) = (Permission::Changes, "pull_requests=read");
const WRITE: (Permission, &str) = (Permission::Changes, "pull_requests=write");
const MERGE: (Permission, &str) = (Permission::Merges, "contents=write");
const MERGE_FIELDS: [&str; 4] = ["commit_title", "commit_message", "sha", "merge_method"];

type Numbered = Path<(String, String, i64)>;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/repos/{owner}/{name}/pulls/{number}", get(show))
        .route("/repos/{owner}/{name}/pulls/{number}/reviews", get(reviews))
        .route("/repos/{owner}/{name}/pulls/{number}/merge", put(merge))
        .route("/repos/{owner}/{name}/issues/{number}/comments", post(comment))
        .route("/repos/{owner}/{name}/collaborators/{login}/permission", get(permission))
        .route("/repos/{owner}/{name}/git/refs/{reference}", delete(delete_branch))
}

async fn show(State(shared): State<Arc<Shared>>, Path((owner, name, number)): Numbered, headers: HeaderMap) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &headers, &repository, Access::Read, Some(READ))?;
    let Some(change) = shared.find_change(&repository, number) else { return Err(not_found().into()) };
    let mut body = shared.github_pull_request(&change);
    body["merged"] = json!(change.merge_commit.is_some());
    body["merge_commit_sha"] = json!(change.merge_commit.as_ref().map(|commit| commit.as_str().to_owned()));
    let (mergeable, state) = match shared.look(&change).await {
        _ if !change.is_open() => (Value::Null, "unknown"),
        Look::Computing => (Value::Null, "unknown"),
        Look::Conflict => (json!(false), "dirty"),
        Look::Clean if change.draft => (json!(true), "draft"),
        Look::Clean if change.blocked.is_some() => (json!(true), "blocked"),
        Look::Clean => (json!(true), "clean"),
    };
    body["mergeable"] = mergeable;
    body["mergeable_state"] = json!(state);
    json(StatusCode::OK, &body)
}

async fn reviews(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, number)): Numbered,
    query: Query,
    headers: HeaderMap,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &headers, &repository, Access::Read, Some(READ))?;
    let Some(change) = shared.find_change(&repository, number) else { return Err(not_found().into()) };
    let shown = |(at, (login, review)): (usize, &(String, Review))| {
        let is_known = shared.may_push(&repository, login).is_some();
        json!({
            "id": at + 1,
            "user": { "login": login, "id": 1, "type": "User" },
            "body": "",
            "state": match review {
                Review::Approved => "APPROVED",
                Review::ChangesRequested => "CHANGES_REQUESTED",
            },
            "commit_id": change.head.as_str(),
            "submitted_at": rfc3339(shared.now()),
            "author_association": if is_known { "COLLABORATOR" } else { "NONE" },
        })
    };
    let items = change.reviews.iter().enumerate().map(shown).collect();
    let url = format!("{}/repos/{repository}/pulls/{number}/reviews", shared.api_url());
    Ok(PAGING.answer(items, &query, &url))
}

async fn merge(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, number)): Numbered,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &headers, &repository, Access::Write, Some(MERGE))?;
    let fields = fields(&body)?;
    if let Some(unknown) = fields.0.keys().find(|field| !MERGE_FIELDS.contains(&field.as_str())) {
        return Err(invalid_request(&format!("{unknown:?} is not a permitted key.")));
    }
    let refuse = invalid("PullRequest");
    let method = fields.text("merge_method").map_err(&refuse)?.unwrap_or("merge");
    if !["merge", "squash", "rebase"].contains(&method) {
        return Err(refuse(Invalid::new("merge_method", "merge_method is not included in the list")));
    }
    let head = fields.text("sha").map_err(&refuse)?;
    match shared.merge_change(&repository, number, head, method, false).await {
        Ok(sha) => {
            let message = "Pull Request successfully merged";
            json(StatusCode::OK, &json!({ "sha": sha, "merged": true, "message": message }))
        }
        Err(why) => Err(refused(&why)),
    }
}

fn refused(why: &NoMerge) -> Refused {
    let (status, words) = match why {
        NoMerge::Unknown => return not_found().into(),
        NoMerge::HeadMoved => {
            (StatusCode::CONFLICT, "Head branch was modified. Review and try the merge again.".to_owned())
        }
        NoMerge::Busy => {
            let words = "Base branch was modified. Review and try the merge again.";
            (StatusCode::METHOD_NOT_ALLOWED, words.to_owned())
        }
        NoMerge::Draft => (StatusCode::METHOD_NOT_ALLOWED, "Pull Request is still a draft".to_owned()),
        NoMerge::Closed | NoMerge::Conflict => {
            (StatusCode::METHOD_NOT_ALLOWED, "Pull Request is not mergeable".to_owned())
        }
        NoMerge::Blocked(words) => (StatusCode::METHOD_NOT_ALLOWED, words.clone()),
    };
    refusal(status, &words).into()
}

async fn comment(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, number)): Numbered,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &headers, &repository, Access::Read, Some(WRITE))?;
    let fields = fields(&body)?;
    let Some(text) = fields.text("body").map_err(invalid("IssueComment"))?.filter(|text| !text.is_empty()) else {
        return Err(invalid("IssueComment")(Invalid::new("body", "Body cannot be blank")));
    };
    if !shared.has_change(&repository, number) {
        return Err(not_found().into());
    }
    let id = shared.keep_comment(Comment { repository, number, body: text.to_owned() });
    let user = json!({ "login": "davit", "id": 1, "type": "User" });
    json(StatusCode::CREATED, &json!({ "id": id, "body": text, "user": user, "created_at": rfc3339(shared.now()) }))
}

/// Who is not known here may read what is public.
async fn permission(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, login)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &headers, &repository, Access::Write, None)?;
    let word = match shared.may_push(&repository, &login) {
        Some(true) => "write",
        Some(false) => "read",
        None => return Err(not_found().into()),
    };
    let user = json!({ "login": login, "id": 1, "type": "User" });
    json(StatusCode::OK, &json!({ "permission": word, "role_name": word, "user": user }))
}

async fn delete_branch(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, reference)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &headers, &repository, Access::Write, Some(MERGE))?;
    let branch = reference.strip_prefix("heads/").unwrap_or_default();
    if shared.delete_branch(&repository, branch).await {
        Ok(StatusCode::NO_CONTENT.into_response())
    } else {
        Err(refusal(StatusCode::UNPROCESSABLE_ENTITY, "Reference does not exist").into())
    }
}
