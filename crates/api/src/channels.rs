//! Channels: where notices go, how each fares, and a try.

use crate::Api;
use crate::auth::Caller;
use crate::page::Page;
use crate::problem::{Path, Problem, Query};
use crate::words;
use axum::Json;
use axum::extract::State;
use davit_domain::access::Action;
use davit_domain::ids::ChannelId;
use davit_domain::notice::NoticeEvent;
use davit_engine::notify::{ChannelState, Tried};
use davit_store::outbox::{OutboxEntry, OutboxState};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes of this area.
pub(crate) fn channels() -> OpenApiRouter<Api> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(test)).routes(routes!(preview))
}

/// A channel. What is secret about it, its URL first of all, is nowhere in it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChannelView {
    id: String,
    #[schema(value_type = words::ChannelKind)]
    kind: &'static str,
    /// `en` or `zh`.
    language: &'static str,
    /// What it hears of; `null`: everything.
    events: Option<Vec<&'static str>>,
    /// Of which environments; `null`: all.
    environments: Option<Vec<String>>,
    /// Of which apps; `null`: all.
    apps: Option<Vec<String>>,
    /// Whether commands may come from it.
    commands: bool,
    /// The notice that ended last.
    last: Option<LastNotice>,
    /// How many notices wait to be sent.
    waiting: i64,
    /// How many notices were given up.
    dead: i64,
}

/// What became of a notice.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LastNotice {
    at: String,
    /// Whether the receiver took it.
    ok: bool,
    /// Why not.
    detail: String,
}

/// What came of a try.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TriedView {
    /// Whether the receiver took it.
    ok: bool,
    /// Why not; empty where it did.
    detail: String,
}

/// Which event.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PreviewQuery {
    /// `review_requested`, `reviewed`, `released`, `succeeded`, `failed`, `rolled_back`, `window_overridden`,
    /// `host_down`, `host_up`, `status_undeliverable` or `run_failed`.
    event: String,
}

/// What would be sent.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PreviewView {
    /// The text, marked up as the channel's vendor takes it.
    text: String,
}

impl From<ChannelState> for ChannelView {
    fn from(state: ChannelState) -> Self {
        let ChannelState { channel, last, waiting, dead } = state;
        let all = |names: Vec<String>| Some(names).filter(|names| !names.is_empty());
        Self {
            id: channel.id.to_string(),
            kind: channel.kind().as_str(),
            language: channel.language.as_str(),
            events: channel.events.as_ref().map(|events| events.iter().map(|event| event.as_str()).collect()),
            environments: all(channel.environments.iter().map(ToString::to_string).collect()),
            apps: all(channel.apps.iter().map(ToString::to_string).collect()),
            commands: channel.commands.is_some(),
            last: last.and_then(LastNotice::of),
            waiting,
            dead,
        }
    }
}

impl LastNotice {
    fn of(entry: OutboxEntry) -> Option<Self> {
        let ok = entry.state == OutboxState::Done;
        let detail = entry.last_error.filter(|_| !ok).unwrap_or_default();
        Some(Self { at: entry.done_at?.to_string(), ok, detail })
    }
}

/// All channels, in the order of davit.toml.
#[utoipa::path(get, path = "/api/v1/channels", responses((status = 200, body = Page<ChannelView>)))]
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<Page<ChannelView>>, Problem> {
    caller.allow(Action::See)?;
    let states = api.engine.channel_states().await?;
    Ok(Json(Page::whole(states.into_iter().map(ChannelView::from).collect())))
}

/// Sends a try to a channel at once, and says what came of it.
#[utoipa::path(post, path = "/api/v1/channels/{id}/test", params(("id" = String, Path)),
    responses((status = 200, body = TriedView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn test(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<TriedView>, Problem> {
    caller.allow(Action::ManageChannels)?;
    let Tried { ok, detail } = api.engine.try_channel(&channel_id(&id)?, caller.name()).await?;
    Ok(Json(TriedView { ok, detail }))
}

/// What a channel would be sent of an event.
#[utoipa::path(get, path = "/api/v1/channels/{id}/preview", params(("id" = String, Path), PreviewQuery),
    responses((status = 200, body = PreviewView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn preview(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    Query(query): Query<PreviewQuery>,
) -> Result<Json<PreviewView>, Problem> {
    caller.allow(Action::See)?;
    let event: NoticeEvent = query.event.parse().map_err(Problem::invalid)?;
    let text = api.engine.preview_notice(&channel_id(&id)?, event).await?;
    Ok(Json(PreviewView { text }))
}

fn channel_id(text: &str) -> Result<ChannelId, Problem> {
    text.parse().map_err(|_| Problem::not_found(format!("there is no channel named {text:?}")))
}
