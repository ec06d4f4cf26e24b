//! One pull request at Gitee: how it stands, merging it, commits, and who may push.
//!
//! Source: gitee.com/api/v5/swagger (groups Pull Requests, Repositories). A merge names no head: whatever is there is
//! merged. Gitee's words for a merge that is refused are not documented; the statuses are GitHub's.

use super::super::Shared;
use super::super::changes::{Look, NoMerge};
use super::super::model::{Access, Permission, Review, Standing};
use super::super::server::{Answer, Refused, rfc3339};
use super::super::wire::json;
use super::{allowed, fields, invalid, not_found, refusal, wrong};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, put};
use serde_json::{Value, json};
use std::sync::Arc;

const CHANGES: Option<Permission> = Some(Permission::Changes);

type Numbered = Path<(String, String, i64)>;

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/repos/{owner}/{name}/pulls/{number}", get(show))
        .route("/repos/{owner}/{name}/pulls/{number}/merge", put(merge))
        .route("/repos/{owner}/{name}/commits/{sha}", get(commit))
        .route("/repos/{owner}/{name}/collaborators/{login}/permission", get(permission))
}

async fn show(State(shared): State<Arc<Shared>>, Path((owner, name, number)): Numbered) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Read, CHANGES)?;
    let change = shared.find_change(&repository, number).ok_or_else(|| not_found("404 Pull Request Not Found"))?;
    let mut body = shared.gitee_pull_request(&change);
    body["mergeable"] = match shared.look(&change).await {
        Look::Computing => Value::Null,
        Look::Clean => json!(change.is_open() && change.blocked.is_none()),
        Look::Conflict => json!(false),
    };
    let reviewer = |(login, review): (&String, &Review)| json!({ "id": 1, "login": login, "name": login, "accept": *review == Review::Approved });
    body["assignees"] = change.last_reviews().iter().map(reviewer).collect();
    json(StatusCode::OK, &body)
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
    let method = fields.text("merge_method").map_err(invalid)?.unwrap_or("merge");
    if !["merge", "squash", "rebase"].contains(&method) {
        return Err(wrong("merge_method does not have a valid value"));
    }
    let prune = fields.flag("prune_source_branch").map_err(invalid)?.unwrap_or(false);
    match shared.merge_change(&repository, number, None, method, prune).await {
        Ok(sha) => json(StatusCode::OK, &json!({ "sha": sha, "merged": true, "message": "Pull Request 已成功合并" })),
        Err(why) => Err(refused(why)),
    }
}

fn refused(why: NoMerge) -> Refused {
    let (status, words) = match why {
        NoMerge::Unknown => return not_found("404 Pull Request Not Found"),
        NoMerge::Blocked(words) => (StatusCode::METHOD_NOT_ALLOWED, words),
        NoMerge::Closed | NoMerge::Draft | NoMerge::HeadMoved | NoMerge::Conflict | NoMerge::Busy => {
            (StatusCode::METHOD_NOT_ALLOWED, "此 Pull Request 不能被合并".to_owned())
        }
    };
    refusal(status, &words).into()
}

async fn commit(State(shared): State<Arc<Shared>>, Path((owner, name, sha)): Path<(String, String, String)>) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Read, None)?;
    let Some(sha) = shared.commit(&repository, &sha).await else { return Err(not_found("404 Commit Not Found")) };
    let merge = shared.state().merges.iter().find(|merge| merge.commit.as_str() == sha).cloned();
    // Without real repositories the one parent that matters is known all the same.
    let parents = match (&shared.git_root, merge) {
        (None, Some(merge)) => vec![merge.head.to_string()],
        _ => shared.parents(&repository, &sha).await,
    };
    let parents: Vec<Value> = parents.iter().map(|sha| json!({ "sha": sha })).collect();
    let date = rfc3339(shared.now());
    json(StatusCode::OK, &json!({ "sha": sha, "parents": parents, "commit": { "author": { "date": date } } }))
}

async fn permission(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, login)): Path<(String, String, String)>,
) -> Answer {
    let repository = format!("{owner}/{name}");
    allowed(&shared, &repository, Access::Read, None)?;
    let word = match shared.may_push(&repository, &login) {
        Some(true) => "write",
        Some(false) => "read",
        None => return Err(not_found("404 User Not Found")),
    };
    json(StatusCode::OK, &json!({ "id": 1, "login": login, "name": login, "permission": word }))
}

/// Gitee's word for where a pull request stands.
pub(super) const fn state(standing: Standing) -> &'static str {
    match standing {
        Standing::Open | Standing::Merging => "open",
        Standing::Merged => "merged",
        Standing::Closed => "closed",
    }
}
