//! Accounts, for administrators. Their groups and grants are [`crate::groups`], their tokens [`crate::tokens`].

use crate::Api;
use crate::auth::Caller;
use crate::groups::GrantView;
use crate::page::Page;
use crate::problem::{Body, Path, Problem};
use crate::tokens::TokenView;
use crate::words;
use crate::{groups, session, tokens};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use davit_domain::access::{Action, Role, parse_role, role_word};
use davit_engine::accounts::{Account, AccountChange, NewAccount};
use davit_store::identities::Identity;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Accounts, groups, grants, tokens, and one's own profile.
pub(crate) fn people() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(session::change_profile))
        .routes(routes!(session::identities))
        .routes(routes!(session::link_code))
        .routes(routes!(session::unlink))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke))
        .routes(routes!(tokens::list_of))
        .routes(routes!(list, create))
        .routes(routes!(show, change, delete))
        .routes(routes!(reset_password))
        .routes(routes!(unlock))
        .routes(routes!(remove_second_factor))
        .routes(routes!(link))
        .routes(routes!(unlink))
        .routes(routes!(groups::list, groups::create))
        .routes(routes!(groups::show, groups::change, groups::delete))
        .routes(routes!(groups::join, groups::leave))
        .routes(routes!(groups::grants, groups::grant))
        .routes(routes!(groups::revoke))
}

/// An account.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserView {
    id: i64,
    name: String,
    display_name: Option<String>,
    email: Option<String>,
    /// On everything; none: only what grants give.
    #[schema(value_type = words::RoleOrNone)]
    role: &'static str,
    /// local, or the identity provider that made it.
    source: String,
    disabled: bool,
    /// After too many wrong passwords.
    locked_until: Option<String>,
    two_factor: bool,
    /// Names of groups.
    groups: Vec<String>,
    last_seen_at: Option<String>,
    created_at: String,
}

/// An account with everything around it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserDetail {
    #[serde(flatten)]
    user: UserView,
    /// Its own and those of its groups.
    grants: Vec<GrantView>,
    identities: Vec<IdentityView>,
    tokens: Vec<TokenView>,
}

/// Who an account is elsewhere.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IdentityView {
    id: i64,
    /// oidc:ID, ldap:ID, forge:ID or chat:CHANNEL.
    provider: String,
    subject: String,
    label: String,
    created_at: String,
}

/// An account that is to be made.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewUser {
    name: String,
    #[schema(value_type = words::RoleOrNone)]
    role: String,
    /// Without it the account can't log in by password until one is set.
    #[schema(value_type = Option<String>)]
    password: Option<SecretString>,
    #[serde(default)]
    display_name: String,
    #[serde(default)]
    email: String,
    /// Whether it is the person who had a deleted account of this name, and gets its history back.
    #[serde(default)]
    reuse_name: bool,
}

/// What is to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct UserBody {
    #[schema(value_type = Option<words::RoleOrNone>)]
    role: Option<String>,
    display_name: Option<String>,
    email: Option<String>,
    disabled: Option<bool>,
}

/// A new password.
#[derive(Deserialize, ToSchema)]
pub(crate) struct NewPassword {
    /// At least 12 characters.
    #[schema(value_type = String)]
    password: SecretString,
}

/// Who an account is to be elsewhere.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct IdentityBody {
    /// oidc:ID, ldap:ID, forge:ID or chat:CHANNEL.
    provider: String,
    /// What the provider calls them for good; at forges the login.
    subject: String,
    /// What people see there.
    #[serde(default)]
    label: String,
}

impl From<Account> for UserView {
    fn from(account: Account) -> Self {
        let Account { user, groups, locked_until, two_factor } = account;
        Self {
            id: user.id.0,
            display_name: filled(&user.display_name),
            email: filled(&user.email),
            name: user.name,
            role: role_word(user.role),
            source: user.source,
            disabled: user.disabled,
            locked_until: locked_until.map(|at| at.to_string()),
            two_factor,
            groups,
            last_seen_at: user.last_seen_at.map(|at| at.to_string()),
            created_at: user.created_at.to_string(),
        }
    }
}

impl From<Identity> for IdentityView {
    fn from(identity: Identity) -> Self {
        Self {
            id: identity.id,
            provider: identity.provider,
            subject: identity.subject,
            label: identity.label,
            created_at: identity.created_at.to_string(),
        }
    }
}

/// All accounts by name.
#[utoipa::path(get, path = "/api/v1/users", responses((status = 200, body = Page<UserView>), (status = 403, body = Problem)))]
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<Page<UserView>>, Problem> {
    caller.allow(Action::ManageUsers)?;
    Ok(Json(Page::whole(api.engine.accounts().await?.into_iter().map(UserView::from).collect())))
}

/// Makes an account.
#[utoipa::path(post, path = "/api/v1/users", request_body = NewUser,
    responses((status = 201, body = UserDetail), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(api): State<Api>,
    caller: Caller,
    Body(new): Body<NewUser>,
) -> Result<(StatusCode, Json<UserDetail>), Problem> {
    caller.allow_people()?;
    let account = NewAccount {
        name: new.name.trim().to_owned(),
        role: role(&new.role)?,
        password: new.password,
        display_name: new.display_name,
        email: new.email,
        reuse_name: new.reuse_name,
    };
    let user = api.engine.add_user(&account, caller.name()).await?;
    Ok((StatusCode::CREATED, Json(detail(&api, &user.name).await?)))
}

/// An account with its grants, identities and tokens.
#[utoipa::path(get, path = "/api/v1/users/{name}", params(("name" = String, Path)),
    responses((status = 200, body = UserDetail), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<UserDetail>, Problem> {
    caller.allow(Action::ManageUsers)?;
    Ok(Json(detail(&api, &name).await?))
}

/// Changes an account. A new role, and being disabled, log it out everywhere.
#[utoipa::path(patch, path = "/api/v1/users/{name}", params(("name" = String, Path)), request_body = UserBody,
    responses((status = 200, body = UserDetail), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn change(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Body(body): Body<UserBody>,
) -> Result<Json<UserDetail>, Problem> {
    caller.allow_people()?;
    let change = AccountChange {
        role: body.role.as_deref().map(role).transpose()?,
        display_name: body.display_name,
        email: body.email,
        disabled: body.disabled,
    };
    api.engine.change_user(&name, &change, caller.name()).await?;
    Ok(Json(detail(&api, &name).await?))
}

/// Deletes an account. The history keeps its name.
#[utoipa::path(delete, path = "/api/v1/users/{name}", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.allow_people()?;
    api.engine.delete_user(&name, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sets an account's password, which logs it out everywhere.
#[utoipa::path(post, path = "/api/v1/users/{name}/password", params(("name" = String, Path)), request_body = NewPassword,
    responses((status = 204), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn reset_password(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Body(body): Body<NewPassword>,
) -> Result<StatusCode, Problem> {
    caller.allow_people()?;
    api.engine.reset_password(&name, &body.password, caller.name()).await?;
    api.logins.forgive_name(&name);
    Ok(StatusCode::NO_CONTENT)
}

/// Lets somebody try again who typed too many wrong passwords.
#[utoipa::path(post, path = "/api/v1/users/{name}/unlock", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn unlock(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.allow_people()?;
    api.engine.unlock_user(&name, caller.name()).await?;
    api.logins.forgive_name(&name);
    Ok(StatusCode::NO_CONTENT)
}

/// Takes the second factor off an account whose owner has lost it.
#[utoipa::path(delete, path = "/api/v1/users/{name}/second-factor", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn remove_second_factor(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    caller.allow_people()?;
    api.engine.remove_second_factor(&name, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says who an account is elsewhere.
#[utoipa::path(put, path = "/api/v1/users/{name}/identities", params(("name" = String, Path)),
    request_body = IdentityBody,
    responses((status = 200, body = UserDetail), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn link(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Body(body): Body<IdentityBody>,
) -> Result<Json<UserDetail>, Problem> {
    caller.allow_people()?;
    let IdentityBody { provider, subject, label } = body;
    api.engine.link_identity(&name, provider.trim(), &subject, &label, caller.name()).await?;
    Ok(Json(detail(&api, &name).await?))
}

/// Forgets who an account is elsewhere.
#[utoipa::path(delete, path = "/api/v1/users/{name}/identities/{id}",
    params(("name" = String, Path), ("id" = i64, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn unlink(
    State(api): State<Api>,
    caller: Caller,
    Path((name, id)): Path<(String, i64)>,
) -> Result<StatusCode, Problem> {
    caller.allow_people()?;
    let user = api.engine.known_user(&name).await?;
    api.engine.unlink_identity(&user, id, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A text, when there is one.
pub(crate) fn filled(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn role(text: &str) -> Result<Option<Role>, Problem> {
    parse_role(text.trim()).map_err(Problem::invalid)
}

async fn detail(api: &Api, name: &str) -> Result<UserDetail, Problem> {
    let missing = || Problem::not_found(format!("there is no account named {name}"));
    let accounts = api.engine.accounts().await?;
    let account = accounts.into_iter().find(|account| account.user.name == name).ok_or_else(missing)?;
    let store = api.engine.store();
    let grants = store.grants().await?.into_iter().filter(|grant| {
        grant.user.as_deref() == Some(name) || grant.group.as_ref().is_some_and(|group| account.groups.contains(group))
    });
    Ok(UserDetail {
        grants: grants.map(GrantView::from).collect(),
        identities: store.identities_of(account.user.id).await?.into_iter().map(IdentityView::from).collect(),
        tokens: store.tokens_of(account.user.id).await?.into_iter().map(TokenView::from).collect(),
        user: account.into(),
    })
}
