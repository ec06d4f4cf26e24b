//! The outbox: calls to forges and channels that wait, were made or were given up, and making one again.

use crate::Api;
use crate::auth::Caller;
use crate::page::{Page, PageQuery};
use crate::problem::{Path, Problem, Query};
use crate::words;
use axum::Json;
use axum::extract::State;
use davit_domain::access::Action;
use davit_domain::deployment_at_forge::DeploymentAtForge;
use davit_domain::status::CommitStatus;
use davit_store::outbox::{OutboxEntry, OutboxFilter, OutboxState, Target};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// Which calls.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct OutboxQuery {
    /// waiting, leased, done, dead, superseded; several with commas between them.
    state: Option<String>,
    forge: Option<String>,
    channel: Option<String>,
    /// Words in the lane, the kind or the last error.
    search: Option<String>,
}

impl OutboxQuery {
    fn target(&self) -> Result<Option<Target>, Problem> {
        Ok(match (&self.forge, &self.channel) {
            (Some(_), Some(_)) => return Err(Problem::invalid("a call goes to a forge or to a channel: name one")),
            (Some(forge), None) => Some(Target::Forge(forge.parse()?)),
            (None, Some(channel)) => Some(Target::Channel(channel.parse()?)),
            (None, None) => None,
        })
    }
}

/// A call to a forge or a channel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CallView {
    id: i64,
    /// `commit_status`, `deployment_state`, `comment`, `notice`.
    kind: String,
    /// Of the calls of one lane the newest counts, and one is under way at a time.
    lane: String,
    /// The forge that it goes to.
    forge: Option<String>,
    /// The channel that it goes to.
    channel: Option<String>,
    repository: Option<String>,
    commit: Option<String>,
    /// What it says, in a few words.
    summary: String,
    /// What it points people to.
    url: Option<String>,
    /// waiting, leased (under way), done, dead (given up), superseded (a newer one took its place).
    #[schema(value_type = words::OutboxState)]
    state: &'static str,
    attempts: i64,
    created_at: String,
    /// When it is tried next, while it waits.
    next_at: Option<String>,
    done_at: Option<String>,
    /// What went wrong last.
    error: Option<String>,
}

/// A call with everything in it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CallFullView {
    #[serde(flatten)]
    call: CallView,
    /// What is said, in the kind's own form.
    #[schema(value_type = Object)]
    payload: Value,
}

/// What a payload says to people.
#[derive(Default)]
struct Said {
    repository: Option<String>,
    commit: Option<String>,
    summary: String,
    url: Option<String>,
}

impl Said {
    fn read(kind: &str, payload: &Value) -> Self {
        if let Ok(status) = serde_json::from_value::<CommitStatus>(payload.clone()) {
            return Self {
                summary: format!("{}: {}", status.state.as_str(), status.context),
                repository: Some(status.repository),
                commit: Some(status.commit.to_string()),
                url: Some(status.target_url).filter(|url| !url.is_empty()),
            };
        }
        let text = |name: &str| payload.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        if let Some(event) = text("event") {
            let place = [text("app"), text("environment"), text("host")].into_iter().flatten().collect::<Vec<_>>();
            let (commit, url) = (text("commit"), text("url"));
            return Self { repository: None, commit, summary: format!("{event}: {}", place.join(" to ")), url };
        }
        match payload.get("at_forge").cloned().map(serde_json::from_value::<DeploymentAtForge>) {
            Some(Ok(told)) => Self {
                summary: format!("{}: deployment {} to {}", told.state.as_str(), told.deployment, told.environment),
                repository: Some(told.repository),
                commit: Some(told.commit.to_string()),
                url: Some(told.log_url).filter(|url| !url.is_empty()),
            },
            // Written by another version: its kind has to do.
            Some(Err(_)) | None => Self { summary: kind.to_owned(), ..Self::default() },
        }
    }
}

impl From<OutboxEntry> for CallFullView {
    fn from(entry: OutboxEntry) -> Self {
        let OutboxEntry { row, state, next_at, last_error, done_at } = entry;
        let payload: Value = serde_json::from_str(&row.payload).unwrap_or_default();
        let Said { repository, commit, summary, url } = Said::read(&row.kind, &payload);
        let call = CallView {
            id: row.id,
            kind: row.kind,
            lane: row.lane,
            forge: row.target.forge().map(ToString::to_string),
            channel: row.target.channel().map(ToString::to_string),
            repository,
            commit,
            summary,
            url,
            state: state.as_str(),
            attempts: row.attempts,
            created_at: row.created_at.to_string(),
            next_at: (state == OutboxState::Waiting).then(|| next_at.to_string()),
            done_at: done_at.map(|at| at.to_string()),
            error: last_error,
        };
        Self { call, payload }
    }
}

/// Calls to forges and channels, newest first.
#[utoipa::path(get, path = "/api/v1/outbox", params(OutboxQuery, PageQuery),
    responses((status = 200, body = Page<CallView>), (status = 422, body = Problem)))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<OutboxQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<CallView>>, Problem> {
    caller.allow(Action::See)?;
    let states = query.state.as_deref().unwrap_or_default().split(',').filter(|word| !word.is_empty());
    let states: Result<Vec<OutboxState>, _> = states.map(str::parse).collect();
    let filter = OutboxFilter {
        states: states.map_err(|_| Problem::invalid("state is waiting, leased, done, dead or superseded"))?,
        target: query.target()?,
        text: query.search.filter(|text| !text.is_empty()),
    };
    let found = api.engine.store().outbox(&filter, page.before()?, page.limit()).await?;
    let items = found.into_iter().map(|entry| CallFullView::from(entry).call).collect();
    Ok(Json(Page::cut(items, page.limit(), |call| call.id)))
}

/// One call.
#[utoipa::path(get, path = "/api/v1/outbox/{id}", params(("id" = i64, Path)),
    responses((status = 200, body = CallFullView), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<CallFullView>, Problem> {
    caller.allow(Action::See)?;
    let entry = api.engine.store().outbox_entry(id).await?;
    let entry = entry.ok_or_else(|| Problem::not_found(format!("there is no outgoing call {id}")))?;
    Ok(Json(entry.into()))
}

/// Has a call made now: one that waits for its next try, or one that was given up.
#[utoipa::path(post, path = "/api/v1/outbox/{id}/retry", params(("id" = i64, Path)),
    responses((status = 200, body = CallView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn retry(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<CallView>, Problem> {
    caller.allow(Action::ManageForges)?;
    let entry = api.engine.retry_call(id, caller.name()).await?;
    Ok(Json(CallFullView::from(entry).call))
}
