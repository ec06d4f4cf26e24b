//! Requests for several apps that are made, and decided on, together.

use crate::Api;
use crate::asks::{host_names, idempotency_key, what};
use crate::auth::Caller;
use crate::problem::{Body, MaybeBody, Path, Problem};
use crate::requests::person;
use crate::views::{RequestView, Seen};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use davit_domain::access::Action;
use davit_domain::time::Timestamp;
use davit_engine::EngineError;
use davit_engine::intents::{BatchItem, Opinion, WantedBatch};
use davit_store::requests::{Batch, Request};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What to release together.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchBody {
    environment: String,
    /// Without it: the subject of each commit.
    title: Option<String>,
    #[serde(default)]
    description: String,
    items: Vec<BatchItemBody>,
    /// When they go out by themselves, if they may then. Needs the right to release.
    #[schema(value_type = Option<String>)]
    scheduled_at: Option<Timestamp>,
}

/// One app of it. Neither ref nor commit nor build: the default branch.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchItemBody {
    app: String,
    /// A branch or tag; with `commit`: one that holds it.
    r#ref: Option<String>,
    /// A full SHA.
    commit: Option<String>,
    /// The number of a kept build.
    build: Option<i64>,
    #[serde(default)]
    inputs: BTreeMap<String, String>,
    /// Only these.
    hosts: Option<Vec<String>>,
}

/// Why not.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BatchReasonBody {
    reason: Option<String>,
    /// The versions that were seen, by the requests' numbers: another one is left as it is.
    #[serde(default)]
    versions: BTreeMap<i64, i64>,
}

/// Requests that were made together.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatchView {
    id: i64,
    /// The same number.
    batch: i64,
    environment: String,
    title: String,
    description: String,
    created_by: String,
    created_at: String,
    /// Those that the caller may see.
    items: Vec<RequestView>,
}

/// What became of each.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatchAnswers {
    items: Vec<BatchAnswer>,
}

/// What became of one.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BatchAnswer {
    /// As it is now.
    request: RequestView,
    ok: bool,
    /// Why not.
    sentence: Option<String>,
}

/// What is done to each request of a batch.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Approve,
    Reject,
    Withdraw,
    Release,
}

impl Deed {
    const fn action(self) -> Action {
        match self {
            Self::Approve | Self::Reject => Action::Review,
            Self::Withdraw => Action::Ask,
            Self::Release => Action::Release,
        }
    }
}

/// Asks for a release of several apps: all of them, or none.
#[utoipa::path(post, path = "/api/v1/requests/batch", params(("Idempotency-Key" = Option<String>, Header)),
    request_body = BatchBody,
    responses((status = 201, body = BatchView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(api): State<Api>,
    caller: Caller,
    headers: HeaderMap,
    Body(body): Body<BatchBody>,
) -> Result<(StatusCode, Json<BatchView>), Problem> {
    caller.allow_somewhere(Action::Ask)?;
    let environment = body.environment.parse()?;
    let mut items = Vec::with_capacity(body.items.len());
    for item in body.items {
        let app = item.app.parse()?;
        caller.allow_in(Action::Ask, &app, &environment)?;
        if body.scheduled_at.is_some() {
            caller.allow_in(Action::Release, &app, &environment)?;
        }
        items.push(BatchItem {
            at_once: caller.may_in(Action::Release, &app, &environment),
            app,
            what: what(item.r#ref, item.commit, item.build)?,
            inputs: item.inputs,
            hosts: host_names(item.hosts)?,
        });
    }
    let wanted = WantedBatch {
        environment,
        title: body.title,
        description: body.description,
        items,
        scheduled_at: body.scheduled_at,
        by: caller.name().to_owned(),
        idempotency_key: idempotency_key(&headers, &caller)?,
    };
    let (batch, requests) = api.engine.ask_batch(wanted).await?;
    Ok((StatusCode::CREATED, Json(view(&api, &caller, batch, requests).await?)))
}

/// A batch with its requests.
#[utoipa::path(get, path = "/api/v1/batches/{id}", params(("id" = i64, Path)),
    responses((status = 200, body = BatchView), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<BatchView>, Problem> {
    let (batch, requests) = visible(&api, &caller, id, Action::See).await?;
    Ok(Json(view(&api, &caller, batch, requests).await?))
}

/// Approves each request of a batch that the caller may approve.
#[utoipa::path(post, path = "/api/v1/batches/{id}/approve", params(("id" = i64, Path)), request_body = BatchReasonBody,
    responses((status = 200, body = BatchAnswers), (status = 404, body = Problem)))]
pub(crate) async fn approve(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    MaybeBody(body): MaybeBody<BatchReasonBody>,
) -> Result<Json<BatchAnswers>, Problem> {
    to_each(&api, &caller, id, Deed::Approve, &body).await
}

/// Rejects each request of a batch that the caller may reject, with a reason.
#[utoipa::path(post, path = "/api/v1/batches/{id}/reject", params(("id" = i64, Path)), request_body = BatchReasonBody,
    responses((status = 200, body = BatchAnswers), (status = 404, body = Problem)))]
pub(crate) async fn reject(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    MaybeBody(body): MaybeBody<BatchReasonBody>,
) -> Result<Json<BatchAnswers>, Problem> {
    to_each(&api, &caller, id, Deed::Reject, &body).await
}

/// Takes each request of a batch back that the caller may take back.
#[utoipa::path(post, path = "/api/v1/batches/{id}/withdraw", params(("id" = i64, Path)), request_body = BatchReasonBody,
    responses((status = 200, body = BatchAnswers), (status = 404, body = Problem)))]
pub(crate) async fn withdraw(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    MaybeBody(body): MaybeBody<BatchReasonBody>,
) -> Result<Json<BatchAnswers>, Problem> {
    to_each(&api, &caller, id, Deed::Withdraw, &body).await
}

/// Lets each request of a batch go out that the caller may let out.
#[utoipa::path(post, path = "/api/v1/batches/{id}/release", params(("id" = i64, Path)), request_body = BatchReasonBody,
    responses((status = 200, body = BatchAnswers), (status = 404, body = Problem)))]
pub(crate) async fn release(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    MaybeBody(body): MaybeBody<BatchReasonBody>,
) -> Result<Json<BatchAnswers>, Problem> {
    to_each(&api, &caller, id, Deed::Release, &body).await
}

async fn to_each(
    api: &Api,
    caller: &Caller,
    id: i64,
    deed: Deed,
    body: &BatchReasonBody,
) -> Result<Json<BatchAnswers>, Problem> {
    let (_, requests) = visible(api, caller, id, deed.action()).await?;
    let mut done = Vec::with_capacity(requests.len());
    for request in requests {
        let (id, after) = (request.id, to_one(api, caller, &request, deed, body).await);
        let sentence = match after {
            Ok(()) => None,
            Err(Undone::Not(sentence)) => Some(sentence),
            Err(Undone::Failed(problem)) => return Err(problem),
        };
        done.push((api.engine.store().request(id).await?.unwrap_or(request), sentence));
    }
    let seen = Seen::new(api, caller).await?;
    let mut items = Vec::with_capacity(done.len());
    for (request, sentence) in done {
        items.push(BatchAnswer { request: RequestView::load(&seen, request).await?, ok: sentence.is_none(), sentence });
    }
    Ok(Json(BatchAnswers { items }))
}

/// Why something was not done to one of them.
enum Undone {
    /// It can't be done to this one, and the others are not concerned.
    Not(String),
    /// davit can't do anything now.
    Failed(Problem),
}

async fn to_one(
    api: &Api,
    caller: &Caller,
    request: &Request,
    deed: Deed,
    body: &BatchReasonBody,
) -> Result<(), Undone> {
    let (id, app, environment) = (request.id, &request.app, &request.environment);
    if !caller.may_in(deed.action(), app, environment) {
        return Err(Undone::Not(format!("{} may not do this to {app} in {environment}", caller.name())));
    }
    let version = body.versions.get(&id.0).copied();
    let opinion = Opinion { by: person(caller), version, reason: body.reason.as_deref() };
    let done = match deed {
        Deed::Approve => api.engine.approve(id, opinion).await,
        Deed::Reject => api.engine.reject(id, opinion).await,
        Deed::Withdraw => {
            let anybodys = caller.may_in(Action::Configure, app, environment);
            api.engine.withdraw(id, caller.name(), anybodys).await
        }
        Deed::Release => api.engine.release_passing(id, caller.name(), version, None).await,
    };
    match done {
        Ok(_) => Ok(()),
        Err(error @ EngineError::Unavailable(_)) => Err(Undone::Failed(error.into())),
        Err(error) => Err(Undone::Not(error.to_string())),
    }
}

/// The requests of a batch that the caller may see.
async fn visible(api: &Api, caller: &Caller, id: i64, action: Action) -> Result<(Batch, Vec<Request>), Problem> {
    caller.allow_somewhere(action)?;
    let batch = api.engine.batch(id).await?;
    let mut requests = api.engine.requests_of_batch(id).await?;
    requests.retain(|request| caller.may_in(Action::See, &request.app, &request.environment));
    if requests.is_empty() {
        return Err(Problem::not_found(format!("there is no batch {id}")));
    }
    Ok((batch, requests))
}

async fn view(api: &Api, caller: &Caller, batch: Batch, requests: Vec<Request>) -> Result<BatchView, Problem> {
    let seen = Seen::new(api, caller).await?;
    let mut items = Vec::with_capacity(requests.len());
    for request in requests {
        items.push(RequestView::load(&seen, request).await?);
    }
    Ok(BatchView {
        id: batch.id,
        batch: batch.id,
        environment: batch.environment.to_string(),
        title: batch.title,
        description: batch.description,
        created_by: batch.created_by,
        created_at: batch.created_at.to_string(),
        items,
    })
}
