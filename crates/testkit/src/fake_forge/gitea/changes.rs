//! One pull request at Gitea: how it stands, its reviews, merging it, and who may push.
//!
//! Sources: `routers/api/v1/repo/{pull,pull_review,collaborators}.go` of github.com/go-gitea/gitea: `mergeable` is false
//! too while Gitea looks for conflicts, a merge answers without a body, and 409 says several things by its words.

use super::super::Shared;
use super::super::changes::{Look, NoMerge};
use super::super::model::{Access, Permission, Review};
use super::super::server::{Answer, Refused, rfc3339};
use super::super::wire::{Query, json};
use super::{PAGING, allowed, fields, invalid, not_found, refusal, unprocessable};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use serde_json::{Value, json};
use std::sync::Arc;

const CHANGES: Option<Permission> = Some(Permission::Changes);
const METHODS: [&str; 5] = ["merge", "rebase", "rebase-merge", "squash", "fast-forward-only"];

type Numbered = Path<(String, String, i64)>;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/repos/{owner}/{name}/pulls/{number}", get(show))
        .route("/repos/{owner}/{name}/pulls/{number}/reviews", get(reviews))
        .route("/repos/{owner}/{name}/pulls/{number}/merge", post(merge))
        .route("/repos/{owner}/{name}/collaborators/{login}/permission", get(permission))
}

async fn show(State(shared): State<Arc<Shared>>, Path((owner, name, number)): Numbered) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Read, CHANGES)?;
    let change = shared.find_change(&repository, number).ok_or_else(not_found)?;
    let mut body = shared.gitea_pull_request(&change);
    body["mergeable"] = json!(shared.look(&change).await == Look::Clean && change.is_open() && !change.draft);
    json(StatusCode::OK, &body)
}

async fn reviews(State(shared): State<Arc<Shared>>, Path((owner, name, number)): Numbered, query: Query) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Read, CHANGES)?;
    let change = shared.find_change(&repository, number).ok_or_else(not_found)?;
    let shown = |(at, (login, review)): (usize, &(String, Review))| -> Value {
        json!({
            "id": at + 1,
            "user": { "id": 1, "login": login, "username": login },
            "state": match review {
                Review::Approved => "APPROVED",
                Review::ChangesRequested => "REQUEST_CHANGES",
            },
            "body": "",
            "commit_id": change.head.as_str(),
            "stale": false,
            "official": shared.may_push(&repository, login) == Some(true),
            "dismissed": false,
            "submitted_at": rfc3339(shared.now()),
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
    allowed(&shared, &repository, Access::Write, Some(Permission::Merges))?;
    let fields = fields(&headers, &body)?;
    let method = fields.text("Do").map_err(invalid)?.unwrap_or_default();
    if !METHODS.contains(&method) {
        return Err(unprocessable("[Do]: In"));
    }
    let head = fields.text("head_commit_id").map_err(invalid)?.filter(|head| !head.is_empty());
    let delete = fields.flag("delete_branch_after_merge").map_err(invalid)?.unwrap_or(false);
    match shared.merge_change(&repository, number, head, method, delete).await {
        Ok(_) => Ok(StatusCode::OK.into_response()),
        Err(why) => Err(refused(&why)),
    }
}

fn refused(why: &NoMerge) -> Refused {
    let (status, words) = match why {
        NoMerge::Unknown => return not_found(),
        NoMerge::Closed => (StatusCode::METHOD_NOT_ALLOWED, ""),
        NoMerge::Draft => (StatusCode::METHOD_NOT_ALLOWED, "Work in progress PRs cannot be merged"),
        NoMerge::Busy => (StatusCode::METHOD_NOT_ALLOWED, "Please try again later"),
        NoMerge::HeadMoved => (StatusCode::CONFLICT, "head out of date"),
        NoMerge::Conflict => (StatusCode::CONFLICT, "Merge conflict"),
        NoMerge::Blocked(words) => (StatusCode::METHOD_NOT_ALLOWED, words.as_str()),
    };
    refusal(status, words).into()
}

/// An account that Gitea does not know is a 404.
async fn permission(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, login)): Path<(String, String, String)>,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Admin, None)?;
    let word = match shared.may_push(&repository, &login) {
        Some(true) => "write",
        Some(false) => "read",
        None => return Err(not_found()),
    };
    let user = json!({ "id": 1, "login": login, "username": login });
    json(StatusCode::OK, &json!({ "permission": word, "role_name": word, "user": user }))
}
