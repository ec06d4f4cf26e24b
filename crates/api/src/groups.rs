//! Groups and grants, for administrators.

use crate::Api;
use crate::auth::Caller;
use crate::page::Page;
use crate::problem::{Body, Path, Problem};
use crate::words;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use davit_domain::access::{Action, Grant, Role, Scope};
use davit_engine::groups::Grantee;
use davit_store::grants::KeptGrant;
use davit_store::groups::Member;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;

/// A group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupView {
    name: String,
    description: String,
    /// How many accounts.
    members: usize,
    created_at: String,
}

/// A group with its members and what they are granted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GroupDetail {
    name: String,
    description: String,
    members: Vec<MemberView>,
    grants: Vec<GrantView>,
    created_at: String,
}

/// Somebody in a group.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberView {
    user: String,
    /// local, or the identity provider that says so.
    source: String,
}

/// A role that is held somewhere.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GrantView {
    id: i64,
    /// The account's name, when it is an account's.
    user: Option<String>,
    /// The group's name, when it is a group's.
    group: Option<String>,
    #[schema(value_type = words::Role)]
    role: &'static str,
    /// all, environment:KEY, app:KEY, app:KEY@ENVIRONMENT or label:WORD.
    scope: String,
    created_by: String,
    created_at: String,
}

/// A group that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewGroup {
    name: String,
    #[serde(default)]
    description: String,
}

/// What is to change of a group; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct GroupBody {
    name: Option<String>,
    description: Option<String>,
}

/// A role that is to be held somewhere, by an account or by a group.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewGrant {
    user: Option<String>,
    group: Option<String>,
    #[schema(value_type = words::Role)]
    role: String,
    /// all, environment:KEY, app:KEY, app:KEY@ENVIRONMENT or label:WORD.
    scope: String,
}

impl From<KeptGrant> for GrantView {
    fn from(kept: KeptGrant) -> Self {
        Self {
            id: kept.id,
            user: kept.user,
            group: kept.group,
            role: kept.grant.role.as_str(),
            scope: kept.grant.scope.to_string(),
            created_by: kept.created_by,
            created_at: kept.created_at.to_string(),
        }
    }
}

/// All groups by name.
#[utoipa::path(get, path = "/api/v1/groups",
    responses((status = 200, body = Page<GroupView>), (status = 403, body = Problem)))]
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<Page<GroupView>>, Problem> {
    caller.allow(Action::ManageUsers)?;
    let store = api.engine.store();
    let mut members: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Member { group_name, user_name, .. } in store.members().await? {
        members.entry(group_name).or_default().insert(user_name);
    }
    let groups = store.groups().await?.into_iter().map(|group| GroupView {
        members: members.get(&group.name).map_or(0, BTreeSet::len),
        name: group.name,
        description: group.description,
        created_at: group.created_at.to_string(),
    });
    Ok(Json(Page::whole(groups.collect())))
}

/// Makes a group.
#[utoipa::path(post, path = "/api/v1/groups", request_body = NewGroup,
    responses((status = 201, body = GroupDetail), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(api): State<Api>,
    caller: Caller,
    Body(new): Body<NewGroup>,
) -> Result<(StatusCode, Json<GroupDetail>), Problem> {
    caller.allow_people()?;
    let group = api.engine.add_group(new.name.trim(), &new.description, caller.name()).await?;
    Ok((StatusCode::CREATED, Json(detail(&api, &group.name).await?)))
}

/// A group with its members and what they are granted.
#[utoipa::path(get, path = "/api/v1/groups/{name}", params(("name" = String, Path)),
    responses((status = 200, body = GroupDetail), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<GroupDetail>, Problem> {
    caller.allow(Action::ManageUsers)?;
    Ok(Json(detail(&api, &name).await?))
}

/// Renames or describes a group.
#[utoipa::path(patch, path = "/api/v1/groups/{name}", params(("name" = String, Path)), request_body = GroupBody,
    responses((status = 200, body = GroupDetail), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn change(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Body(body): Body<GroupBody>,
) -> Result<Json<GroupDetail>, Problem> {
    caller.allow_people()?;
    let new_name = body.name.as_deref().map(str::trim);
    let group = api.engine.change_group(&name, new_name, body.description.as_deref(), caller.name()).await?;
    Ok(Json(detail(&api, &group.name).await?))
}

/// Takes a group away, with what it is granted.
#[utoipa::path(delete, path = "/api/v1/groups/{name}", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.allow_people()?;
    api.engine.delete_group(&name, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts somebody into a group.
#[utoipa::path(put, path = "/api/v1/groups/{name}/members/{user}",
    params(("name" = String, Path), ("user" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn join(
    State(api): State<Api>,
    caller: Caller,
    Path((name, user)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    caller.allow_people()?;
    api.engine.set_member(&name, &user, true, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes somebody out of a group. What an identity provider says stays as it is.
#[utoipa::path(delete, path = "/api/v1/groups/{name}/members/{user}",
    params(("name" = String, Path), ("user" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn leave(
    State(api): State<Api>,
    caller: Caller,
    Path((name, user)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    caller.allow_people()?;
    api.engine.set_member(&name, &user, false, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// All grants, the oldest first.
#[utoipa::path(get, path = "/api/v1/grants",
    responses((status = 200, body = Page<GrantView>), (status = 403, body = Problem)))]
pub(crate) async fn grants(State(api): State<Api>, caller: Caller) -> Result<Json<Page<GrantView>>, Problem> {
    caller.allow(Action::ManageUsers)?;
    Ok(Json(Page::whole(api.engine.store().grants().await?.into_iter().map(GrantView::from).collect())))
}

/// Grants a role somewhere, to an account or to a group.
#[utoipa::path(post, path = "/api/v1/grants", request_body = NewGrant,
    responses((status = 201, body = GrantView), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn grant(
    State(api): State<Api>,
    caller: Caller,
    Body(new): Body<NewGrant>,
) -> Result<(StatusCode, Json<GrantView>), Problem> {
    caller.allow_people()?;
    let grantee = match (new.user, new.group) {
        (Some(user), None) => Grantee::User(user),
        (None, Some(group)) => Grantee::Group(group),
        (Some(_), Some(_)) | (None, None) => return Err(Problem::invalid("name either a user or a group")),
    };
    let role: Role = new.role.trim().parse().map_err(Problem::invalid)?;
    let scope: Scope = new.scope.trim().parse().map_err(Problem::invalid)?;
    let id = api.engine.add_grant(&grantee, &Grant { role, scope }, caller.name()).await?;
    let kept = api.engine.store().grants().await?.into_iter().find(|grant| grant.id == id);
    let kept = kept.ok_or_else(|| Problem::not_found(format!("there is no grant {id}")))?;
    Ok((StatusCode::CREATED, Json(kept.into())))
}

/// Takes a grant away.
#[utoipa::path(delete, path = "/api/v1/grants/{id}", params(("id" = i64, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn revoke(State(api): State<Api>, caller: Caller, Path(id): Path<i64>) -> Result<StatusCode, Problem> {
    caller.allow_people()?;
    api.engine.delete_grant(id, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn detail(api: &Api, name: &str) -> Result<GroupDetail, Problem> {
    let store = api.engine.store();
    let missing = || Problem::not_found(format!("there is no group named {name}"));
    let group = store.groups().await?.into_iter().find(|group| group.name == name).ok_or_else(missing)?;
    let members = store.members().await?.into_iter().filter(|member| member.group_name == name);
    let grants = store.grants().await?.into_iter().filter(|grant| grant.group.as_deref() == Some(name));
    Ok(GroupDetail {
        members: members.map(|Member { user_name, source, .. }| MemberView { user: user_name, source }).collect(),
        grants: grants.map(GrantView::from).collect(),
        name: group.name,
        description: group.description,
        created_at: group.created_at.to_string(),
    })
}
