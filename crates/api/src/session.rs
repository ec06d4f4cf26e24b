//! Who is logged in: what they may do, their profile, and who they are elsewhere. Logging in and out is
//! [`crate::sign_in`].

use crate::Api;
use crate::auth::Caller;
use crate::page::Page;
use crate::people::{IdentityView, filled};
use crate::problem::{Body, Path, Problem};
use crate::words;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use davit_domain::access::{Access, Action, Grant, Role};
use davit_engine::Engine;
use davit_engine::accounts::AccountChange;
use davit_store::accounts::User;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Who is logged in, and to what.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Session {
    user: SessionUser,
    version: &'static str,
    public_url: String,
}

/// The account that is logged in, with what it may do here and now: a token may leave less of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SessionUser {
    id: i64,
    name: String,
    display_name: Option<String>,
    email: Option<String>,
    /// On everything; null: only what grants give.
    #[schema(value_type = Option<words::Role>)]
    role: Option<&'static str>,
    /// Names of groups.
    groups: Vec<String>,
    /// Roles held somewhere.
    grants: Vec<HeldGrant>,
    two_factor: bool,
    /// local, or the identity provider that made the account.
    source: String,
}

/// A role that is held somewhere.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HeldGrant {
    #[schema(value_type = words::Role)]
    role: &'static str,
    /// all, environment:KEY, app:KEY, app:KEY@ENVIRONMENT or label:WORD.
    scope: String,
}

/// What is to change of one's own profile; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ProfileBody {
    display_name: Option<String>,
    email: Option<String>,
}

/// Where the code will come from.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct LinkBody {
    /// chat:CHANNEL.
    provider: String,
}

/// A code to be sent from elsewhere.
#[derive(Serialize, ToSchema)]
pub(crate) struct LinkCode {
    code: String,
    expires_at: String,
}

impl From<Grant> for HeldGrant {
    fn from(grant: Grant) -> Self {
        Self { role: grant.role.as_str(), scope: grant.scope.to_string() }
    }
}

impl Session {
    /// Of somebody who has just logged in.
    pub(crate) async fn of(engine: &Engine, user: User) -> Result<Self, Problem> {
        let person = engine.person(user).await?;
        Self::new(engine, &person.user, &person.access, person.groups).await
    }

    async fn new(engine: &Engine, user: &User, access: &Access, groups: Vec<String>) -> Result<Self, Problem> {
        let (role, grants) = access.effective();
        Ok(Self {
            user: SessionUser {
                id: user.id.0,
                name: user.name.clone(),
                display_name: filled(&user.display_name),
                email: filled(&user.email),
                role: role.map(Role::as_str),
                groups,
                grants: grants.into_iter().map(HeldGrant::from).collect(),
                two_factor: engine.has_second_factor(user.id).await?,
                source: user.source.clone(),
            },
            version: env!("CARGO_PKG_VERSION"),
            public_url: engine.settings().public_url.clone(),
        })
    }
}

/// Who is logged in.
#[utoipa::path(get, path = "/api/v1/session", responses((status = 200, body = Session), (status = 401, body = Problem)))]
pub(crate) async fn show(State(api): State<Api>, caller: Caller) -> Result<Json<Session>, Problem> {
    let groups = caller.groups().to_vec();
    Ok(Json(Session::new(&api.engine, &caller.user, caller.access(), groups).await?))
}

/// Changes one's own profile.
#[utoipa::path(patch, path = "/api/v1/session/profile", request_body = ProfileBody,
    responses((status = 200, body = Session), (status = 422, body = Problem)))]
pub(crate) async fn change_profile(
    State(api): State<Api>,
    caller: Caller,
    Body(body): Body<ProfileBody>,
) -> Result<Json<Session>, Problem> {
    caller.allow_own()?;
    let change = AccountChange { display_name: body.display_name, email: body.email, ..AccountChange::default() };
    let user = api.engine.change_user(caller.name(), &change, caller.name()).await?;
    let groups = caller.groups().to_vec();
    Ok(Json(Session::new(&api.engine, &user, caller.access(), groups).await?))
}

/// Who one is elsewhere.
#[utoipa::path(get, path = "/api/v1/session/identities", responses((status = 200, body = Page<IdentityView>)))]
pub(crate) async fn identities(State(api): State<Api>, caller: Caller) -> Result<Json<Page<IdentityView>>, Problem> {
    let identities = api.engine.store().identities_of(caller.user.id).await?;
    Ok(Json(Page::whole(identities.into_iter().map(IdentityView::from).collect())))
}

/// Makes a code: who sends `link CODE` from there within ten minutes is this account there.
#[utoipa::path(post, path = "/api/v1/session/identities/link-code", request_body = LinkBody,
    responses((status = 201, body = LinkCode), (status = 422, body = Problem)))]
pub(crate) async fn link_code(
    State(api): State<Api>,
    caller: Caller,
    Body(body): Body<LinkBody>,
) -> Result<(StatusCode, Json<LinkCode>), Problem> {
    caller.allow_own()?;
    let (code, expires) = api.engine.link_code(&caller.user, body.provider.trim()).await?;
    let code = LinkCode { code: code.expose_secret().to_owned(), expires_at: expires.to_string() };
    Ok((StatusCode::CREATED, Json(code)))
}

/// Forgets who one is elsewhere. Who one is at a forge stays an administrator's word: requests that one's pushes made
/// would look like somebody else's.
#[utoipa::path(delete, path = "/api/v1/session/identities/{id}", params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem),
        (status = 409, body = Problem)))]
pub(crate) async fn unlink(State(api): State<Api>, caller: Caller, Path(id): Path<i64>) -> Result<StatusCode, Problem> {
    caller.allow_own()?;
    let identities = api.engine.store().identities_of(caller.user.id).await?;
    if identities.iter().any(|one| one.id == id && one.provider.starts_with("forge:")) {
        caller.allow(Action::ManageUsers)?;
    }
    api.engine.unlink_identity(&caller.user, id, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}
