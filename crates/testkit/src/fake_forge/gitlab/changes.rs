//! One merge request at GitLab: how it stands, its approvals and reviewers, merging it, and who may push.
//!
//! Sources: docs.gitlab.com/api/{merge_requests,merge_request_approvals,members,users}; the words of a refused merge are
//! those of `lib/api/merge_requests.rb` of gitlab-org/gitlab.

use super::super::Shared;
use super::super::changes::{Look, NoMerge};
use super::super::model::{Access, Change, Permission, Review, Standing};
use super::super::server::{Answer, Refused};
use super::super::wire::{Query, json};
use super::{allowed, fields, merge_request, not_found, refusal, wrong_field};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, put};
use serde_json::{Value, json};
use std::sync::Arc;

const CHANGES: Option<Permission> = Some(Permission::Changes);

pub(super) fn routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/projects/{id}/merge_requests/{number}", get(show))
        .route("/projects/{id}/merge_requests/{number}/approvals", get(approvals))
        .route("/projects/{id}/merge_requests/{number}/reviewers", get(reviewers))
        .route("/projects/{id}/merge_requests/{number}/merge", put(merge))
        .route("/projects/{id}/members/all/{user}", get(member))
        .route("/users", get(users))
}

fn find(shared: &Shared, id: &str, number: i64, needs: Access) -> Result<(String, Change), Refused> {
    let repository = allowed(shared, id, needs, CHANGES)?;
    let change = shared.find_change(&repository, number).ok_or_else(|| not_found("Merge Request "))?;
    Ok((repository, change))
}

async fn show(State(shared): State<Arc<Shared>>, Path((id, number)): Path<(String, i64)>) -> Answer {
    let (_, change) = find(&shared, &id, number, Access::Read)?;
    json(StatusCode::OK, &shown(&shared, &change).await)
}

/// A list never computes anything; asking for one does.
async fn shown(shared: &Shared, change: &Change) -> Value {
    let mut body = merge_request(shared, change);
    let (status, detailed) = match shared.look(change).await {
        _ if !change.is_open() => ("can_be_merged", "not_open"),
        Look::Computing => ("checking", "checking"),
        Look::Conflict => ("cannot_be_merged", "conflict"),
        Look::Clean if change.draft => ("can_be_merged", "draft_status"),
        Look::Clean if change.blocked.is_some() => ("can_be_merged", "not_approved"),
        Look::Clean => ("can_be_merged", "mergeable"),
    };
    body["merge_status"] = json!(status);
    body["detailed_merge_status"] = json!(detailed);
    body
}

async fn approvals(State(shared): State<Arc<Shared>>, Path((id, number)): Path<(String, i64)>) -> Answer {
    let (_, change) = find(&shared, &id, number, Access::Read)?;
    let last = change.last_reviews();
    let approved = last.iter().filter(|(_, review)| **review == Review::Approved);
    let approved: Vec<Value> = approved.map(|(login, _)| json!({ "user": user(login) })).collect();
    json(StatusCode::OK, &json!({ "approved": !approved.is_empty(), "approved_by": approved }))
}

async fn reviewers(State(shared): State<Arc<Shared>>, Path((id, number)): Path<(String, i64)>) -> Answer {
    let (_, change) = find(&shared, &id, number, Access::Read)?;
    let shown = |(login, review): (&String, &Review)| {
        let state = match review {
            Review::Approved => "approved",
            Review::ChangesRequested => "requested_changes",
        };
        json!({ "user": user(login), "state": state, "created_at": "2026-01-31T12:00:00.000Z" })
    };
    let all: Vec<Value> = change.last_reviews().iter().map(shown).collect();
    json(StatusCode::OK, &json!(all))
}

fn user(login: &str) -> Value {
    json!({ "id": 1, "username": login, "name": login, "state": "active" })
}

async fn merge(
    State(shared): State<Arc<Shared>>,
    Path((id, number)): Path<(String, i64)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let repository = allowed(&shared, &id, Access::Read, CHANGES)?;
    if shared.may(&repository, Access::Write, Some(Permission::Merges)).is_err() {
        return Err(refusal(StatusCode::UNAUTHORIZED, "401 Unauthorized").into());
    }
    let fields = fields(&headers, query.as_deref(), &body)?;
    let squash = fields.flag("squash").map_err(wrong_field)?.unwrap_or(false);
    let remove = fields.flag("should_remove_source_branch").map_err(wrong_field)?.unwrap_or(false);
    let head = fields.text("sha").map_err(wrong_field)?;
    let method = if squash { "squash" } else { "merge" };
    match shared.merge_change(&repository, number, head, method, remove).await {
        Ok(_) => {
            let Some(change) = shared.find_change(&repository, number) else {
                return Err(not_found("Merge Request "));
            };
            json(StatusCode::OK, &merge_request(&shared, &change))
        }
        Err(why) => Err(match why {
            NoMerge::Unknown => not_found("Merge Request "),
            NoMerge::HeadMoved => {
                let words = "SHA does not match HEAD of source branch";
                refusal(StatusCode::CONFLICT, words).into()
            }
            NoMerge::Conflict => refusal(StatusCode::UNPROCESSABLE_ENTITY, "Branch cannot be merged").into(),
            NoMerge::Closed | NoMerge::Draft | NoMerge::Blocked(_) | NoMerge::Busy => {
                refusal(StatusCode::METHOD_NOT_ALLOWED, "405 Method Not Allowed").into()
            }
        }),
    }
}

/// Whoever is named: their number is their place among all that the fake knows.
async fn users(State(shared): State<Arc<Shared>>, query: Query) -> Answer {
    let wanted = query.get("username").map(String::as_str).unwrap_or_default();
    let found = shared.person_number(wanted);
    let list: Vec<Value> = found.iter().map(|id| json!({ "id": id, "username": wanted, "name": wanted })).collect();
    json(StatusCode::OK, &json!(list))
}

async fn member(State(shared): State<Arc<Shared>>, Path((id, number)): Path<(String, usize)>) -> Answer {
    let repository = allowed(&shared, &id, Access::Read, None)?;
    let Some(login) = shared.person_numbered(number) else { return Err(not_found("")) };
    let Some(may_push) = shared.may_push(&repository, &login) else { return Err(not_found("")) };
    let level = if may_push { 30 } else { 20 };
    let body = json!({ "id": number, "username": login, "state": "active", "access_level": level });
    json(StatusCode::OK, &body)
}

/// GitLab's word for where a merge request stands.
pub(super) fn state(change: &Change) -> &'static str {
    match change.standing {
        Standing::Open => "opened",
        Standing::Merging => "locked",
        Standing::Merged => "merged",
        Standing::Closed => "closed",
    }
}
