//! Locks, and what keeps deployments waiting in an environment now.

use crate::Api;
use crate::auth::Caller;
use crate::page::Page;
use crate::problem::{Body, Path, Problem, Query};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use davit_domain::access::Action;
use davit_domain::config::Configuration;
use davit_domain::ids::{AppKey, EnvironmentKey};
use davit_domain::time::Timestamp;
use davit_engine::gates::Gate;
use davit_store::gates::Lock;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A lock that holds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LockView {
    id: i64,
    environment: String,
    /// None: every app.
    app: Option<String>,
    reason: String,
    owner: String,
    created_at: String,
    /// None: until somebody ends it.
    expires_at: Option<String>,
}

/// A lock to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LockBody {
    environment: String,
    /// Without it: every app.
    app: Option<String>,
    /// For whoever waits.
    reason: String,
    /// When it ends by itself; without it: when somebody ends it.
    #[schema(value_type = Option<String>)]
    expires_at: Option<Timestamp>,
}

/// Of which app.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct GateQuery {
    /// Without it: what holds for every app.
    app: Option<String>,
}

/// What stands between an app and an environment now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GateView {
    /// Whether a new release would start at once.
    open: bool,
    reason: Option<String>,
    /// When it opens by itself, as far as that is known.
    until: Option<String>,
    locks: Vec<LockView>,
    frozen: Option<FrozenView>,
    /// The release windows are closed now.
    closed: Option<ClosedView>,
}

/// No release window is open now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClosedView {
    /// When the next one opens.
    until: Option<String>,
}

/// The freeze window that holds now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FrozenView {
    reason: String,
    until: String,
}

impl From<Lock> for LockView {
    fn from(lock: Lock) -> Self {
        Self {
            id: lock.id,
            environment: lock.environment.to_string(),
            app: lock.app.map(|app| app.to_string()),
            reason: lock.reason,
            owner: lock.owner,
            created_at: lock.created_at.to_string(),
            expires_at: lock.expires_at.map(|at| at.to_string()),
        }
    }
}

impl From<Gate> for GateView {
    fn from(gate: Gate) -> Self {
        let reason = gate.keeps(davit_domain::request::Kind::Regular);
        let locks = gate.locks.iter().map(|lock| lock.expires_at);
        let windows =
            gate.frozen.iter().map(|frozen| Some(frozen.until)).chain(gate.closed.iter().map(|closed| closed.until));
        let ends = locks.chain(windows);
        // The last of them opens it; one that only a person ends leaves that open.
        let until = ends.collect::<Option<Vec<Timestamp>>>().and_then(|ends| ends.into_iter().max());
        Self {
            open: reason.is_none(),
            reason,
            until: until.map(|at| at.to_string()),
            locks: gate.locks.into_iter().map(LockView::from).collect(),
            closed: gate.closed.map(|closed| ClosedView { until: closed.until.map(|at| at.to_string()) }),
            frozen: gate.frozen.map(|frozen| FrozenView { reason: frozen.reason, until: frozen.until.to_string() }),
        }
    }
}

/// The locks that hold now, oldest first.
#[utoipa::path(get, path = "/api/v1/locks", responses((status = 200, body = Page<LockView>)))]
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<Page<LockView>>, Problem> {
    let locks = api.engine.store().locks(api.engine.now()).await?;
    let configuration = caller.configuration(&api).await?;
    let seen = locks.into_iter().filter(|lock| sees(&caller, &configuration, lock));
    Ok(Json(Page::whole(seen.map(LockView::from).collect())))
}

/// Locks an environment, or one app in it: what is to be released there waits.
#[utoipa::path(post, path = "/api/v1/locks", request_body = LockBody,
    responses((status = 201, body = LockView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(api): State<Api>,
    caller: Caller,
    Body(body): Body<LockBody>,
) -> Result<(StatusCode, Json<LockView>), Problem> {
    let environment: EnvironmentKey = body.environment.parse()?;
    let app: Option<AppKey> = body.app.map(|app| app.parse()).transpose()?;
    allow_lock(&caller, app.as_ref(), &environment)?;
    let lock = api.engine.lock(&environment, app.as_ref(), &body.reason, body.expires_at, caller.name()).await?;
    Ok((StatusCode::CREATED, Json(lock.into())))
}

/// Ends a lock; what waited for it starts.
#[utoipa::path(delete, path = "/api/v1/locks/{id}", params(("id" = i64, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn delete(State(api): State<Api>, caller: Caller, Path(id): Path<i64>) -> Result<StatusCode, Problem> {
    caller.allow_somewhere(Action::LockEnvironment)?;
    let locks = api.engine.store().locks(api.engine.now()).await?;
    let missing = || Problem::not_found(format!("there is no lock {id} that holds"));
    let lock = locks.into_iter().find(|lock| lock.id == id).ok_or_else(missing)?;
    allow_lock(&caller, lock.app.as_ref(), &lock.environment).map_err(|problem| problem.or_missing(missing))?;
    api.engine.unlock(id, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether a new release to an environment would start at once, and if not, why.
#[utoipa::path(get, path = "/api/v1/environments/{environment}/gates",
    params(("environment" = String, Path), GateQuery),
    responses((status = 200, body = GateView), (status = 404, body = Problem)))]
pub(crate) async fn gates(
    State(api): State<Api>,
    caller: Caller,
    Path(environment): Path<String>,
    Query(query): Query<GateQuery>,
) -> Result<Json<GateView>, Problem> {
    let environment: EnvironmentKey = environment.parse()?;
    let app: Option<AppKey> = query.app.map(|app| app.parse()).transpose()?;
    match &app {
        Some(app) => caller.allow_in(Action::See, app, &environment)?,
        None if caller.configuration(&api).await?.environments.iter().all(|known| known.key != environment) => {
            return Err(Problem::not_found(format!("there is no environment {environment}")));
        }
        None => {}
    }
    let gate = api.engine.gate(&environment, app.as_ref()).await?;
    Ok(Json(gate.into()))
}

/// An app's lock is seen where the app is, an environment's by everybody who sees anything in it.
fn sees(caller: &Caller, configuration: &Configuration, lock: &Lock) -> bool {
    match &lock.app {
        Some(app) => caller.may_in(Action::See, app, &lock.environment),
        None => configuration.environments.iter().any(|environment| environment.key == lock.environment),
    }
}

fn allow_lock(caller: &Caller, app: Option<&AppKey>, environment: &EnvironmentKey) -> Result<(), Problem> {
    match app {
        Some(app) => caller.allow_in(Action::LockEnvironment, app, environment),
        None => caller.allow_environment(Action::LockEnvironment, environment),
    }
}
