//! Deliveries: every webhook that came in, what became of it, and running it again.

use crate::Api;
use crate::auth::Caller;
use crate::page::{Page, PageQuery};
use crate::problem::{Path, Problem, Query};
use crate::words;
use axum::Json;
use axum::extract::State;
use davit_domain::access::Action;
use davit_domain::ids::DeliveryId;
use davit_store::deliveries::{Delivery, DeliveryFilter, Verdict};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What the ids begin with of those that no forge sent.
const CAUGHT_UP: &str = "catch-up:";

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveryQuery {
    forge: Option<String>,
    /// received, processed, ignored, failed.
    verdict: Option<String>,
    /// The forge's word.
    event: Option<String>,
    /// `owner/name`.
    repository: Option<String>,
    /// Words in the summary, the reason, the repository or the forge's id.
    search: Option<String>,
}

/// A webhook request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryView {
    id: i64,
    forge: String,
    event: String,
    /// The forge's own id.
    delivery: String,
    received_at: String,
    #[schema(value_type = words::Verdict)]
    verdict: &'static str,
    reason: String,
    attempts: i64,
    repository: Option<String>,
    summary: String,
    /// Whether davit found it by itself, because the forge's own delivery never came.
    caught_up: bool,
}

/// A webhook request with everything in it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeliveryFullView {
    #[serde(flatten)]
    delivery: DeliveryView,
    /// Names and values; secrets masked.
    headers: Vec<(String, String)>,
    body: String,
    started: Vec<Started>,
}

/// What it caused.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Started {
    request: i64,
    app: String,
    environment: String,
    title: String,
    /// The request's.
    #[schema(value_type = words::RequestState)]
    state: &'static str,
    /// Its newest attempt.
    deployment: Option<i64>,
}

impl From<Delivery> for DeliveryView {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id.0,
            forge: delivery.forge.to_string(),
            caught_up: delivery.delivery.starts_with(CAUGHT_UP),
            event: delivery.event,
            delivery: delivery.delivery,
            received_at: delivery.received_at.to_string(),
            verdict: delivery.verdict.as_str(),
            reason: delivery.reason,
            attempts: delivery.attempts,
            repository: delivery.repository,
            summary: delivery.summary,
        }
    }
}

/// Deliveries, newest first.
#[utoipa::path(get, path = "/api/v1/deliveries", params(DeliveryQuery, PageQuery),
    responses((status = 200, body = Page<DeliveryView>)))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<DeliveryQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<DeliveryView>>, Problem> {
    let configuration = caller.configuration(&api).await?;
    let verdict = query.verdict.map(|text| text.parse::<Verdict>()).transpose();
    let filter = DeliveryFilter {
        forge: query.forge.map(|forge| forge.parse()).transpose()?,
        verdict: verdict.map_err(|_| Problem::invalid("verdict is received, processed, ignored or failed"))?,
        event: query.event.filter(|event| !event.is_empty()),
        repository: query.repository.filter(|repository| !repository.is_empty()),
        text: query.search.filter(|text| !text.is_empty()),
        within: caller.repositories(&configuration),
    };
    let before = page.before()?.map(DeliveryId);
    let found = api.engine.store().deliveries(&filter, before, page.limit()).await?;
    let items = found.into_iter().map(DeliveryView::from).collect();
    Ok(Json(Page::cut(items, page.limit(), |delivery| delivery.id)))
}

/// One delivery.
#[utoipa::path(get, path = "/api/v1/deliveries/{id}", params(("id" = i64, Path)),
    responses((status = 200, body = DeliveryFullView), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<DeliveryFullView>, Problem> {
    let store = api.engine.store();
    let full = store.delivery(DeliveryId(id)).await?.ok_or_else(|| no_such(id))?;
    allow(&api, &caller, Action::See, &full.delivery).await?;
    let mut started = Vec::new();
    for id in store.delivery_requests(DeliveryId(id)).await? {
        let Some(request) = store.request(id).await? else { continue };
        if !caller.may_in(Action::See, &request.app, &request.environment) {
            continue;
        }
        started.push(Started {
            request: id.0,
            app: request.app.to_string(),
            environment: request.environment.to_string(),
            title: request.title,
            state: request.state.as_str(),
            deployment: store.deployment_of_request(id).await?.map(|deployment| deployment.id.0),
        });
    }
    Ok(Json(DeliveryFullView {
        delivery: full.delivery.into(),
        headers: full.headers,
        body: String::from_utf8_lossy(&full.body).into_owned(),
        started,
    }))
}

/// Runs a delivery again, as a new attempt.
#[utoipa::path(post, path = "/api/v1/deliveries/{id}/replay", params(("id" = i64, Path)),
    responses((status = 200, body = DeliveryView), (status = 404, body = Problem)))]
pub(crate) async fn replay(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<DeliveryView>, Problem> {
    caller.allow_somewhere(Action::ReplayDelivery)?;
    let full = api.engine.store().delivery(DeliveryId(id)).await?.ok_or_else(|| no_such(id))?;
    allow(&api, &caller, Action::ReplayDelivery, &full.delivery).await?;
    api.engine.replay_delivery(DeliveryId(id), caller.name()).await?;
    let full = api.engine.store().delivery(DeliveryId(id)).await?.ok_or_else(|| no_such(id))?;
    Ok(Json(full.delivery.into()))
}

/// One of no repository is for those who may do this to everything.
async fn allow(api: &Api, caller: &Caller, action: Action, delivery: &Delivery) -> Result<(), Problem> {
    let missing = || no_such(delivery.id.0);
    let Some(repository) = &delivery.repository else {
        return if caller.may(Action::See) { caller.allow(action) } else { Err(missing()) };
    };
    let configuration = caller.configuration(api).await?;
    caller.allow_repository(action, &configuration, (&delivery.forge, repository), missing)
}

fn no_such(id: i64) -> Problem {
    Problem::not_found(format!("there is no delivery {id}"))
}
