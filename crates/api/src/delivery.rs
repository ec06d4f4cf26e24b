//! The delivery figures: how fast and how safely changes go live. They are worked out once for all who ask the same:
//! [`recent`].

mod recent;

pub(crate) use recent::Recent;

use crate::Api;
use crate::auth::Caller;
use crate::problem::{Problem, Query};
use axum::Json;
use axum::extract::State;
use davit_domain::delivery::{Calendar, Figures, Span, Spread, calendar, figures};
use davit_domain::freeze::zone;
use davit_store::Store;
use davit_store::delivery::DeliveryFilter;
use recent::Asked;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

const DAYS: u16 = 30;

/// Which figures.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeliveryQuery {
    /// How many days, today included: 1 to 366; 30 without it.
    days: Option<u16>,
    /// Of this app alone.
    app: Option<String>,
    /// To this environment alone.
    environment: Option<String>,
    /// Whose days: an IANA time zone, such as `Europe/Berlin`; UTC without it.
    timezone: Option<String>,
}

/// The figures of the last days, of as many days before, and day by day or week by week.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DeliveryFigures {
    /// How many days.
    days: u16,
    /// The whole period.
    period: FiguresView,
    /// As many days before it.
    before: FiguresView,
    /// Whether a part is a week; else it is a day.
    weeks: bool,
    /// The period's days or weeks. The first week may be shorter.
    parts: Vec<FiguresView>,
    /// In how many places (an app in an environment) the last change has failed and nothing has put it right yet.
    open: usize,
}

/// What happened in a span of time.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FiguresView {
    /// Its first moment.
    from: String,
    /// Its end, which is no part of it.
    to: String,
    /// Changes that went live.
    live: usize,
    /// Those of `live` that a rollback took back later.
    rolled_back: usize,
    /// Changes that failed after the first host had begun to switch.
    failed: usize,
    /// Changes whose hosts went back at once.
    reverted: usize,
    /// Changes that failed before anything was switched: neither changes of a host nor failures of one.
    stopped: usize,
    /// Rollbacks that went live.
    rollbacks: usize,
    /// Deployment frequency: changes that went live, a day.
    per_day: f64,
    /// Change failure rate, from 0 to 1: `rolled_back`, `failed` and `reverted` among `live`, `failed` and `reverted`.
    failure_rate: Option<f64>,
    /// Lead time: from the commit to the end of the deployment that first brought it live.
    lead: Option<SpreadView>,
    /// Time to restore: from the first switch of a change that failed until its place was good again.
    restore: Option<SpreadView>,
}

/// Times that belong together, in seconds.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SpreadView {
    /// How many there are.
    count: usize,
    /// Half of them are shorter.
    median: u64,
    /// Nine of ten are no longer.
    p90: u64,
}

impl From<Spread> for SpreadView {
    fn from(spread: Spread) -> Self {
        let seconds = |time: Duration| time.as_secs_f64().round() as u64;
        Self { count: spread.count, median: seconds(spread.median), p90: seconds(spread.p90) }
    }
}

impl FiguresView {
    fn new(span @ (from, to): Span, figures: Figures) -> Self {
        let Figures { live, rolled_back, failed, reverted, stopped, rollbacks, lead, restore } = figures;
        let rate = |changes: usize| figures.failures() as f64 / changes as f64;
        Self {
            from: from.to_string(),
            to: to.to_string(),
            live,
            rolled_back,
            failed,
            reverted,
            stopped,
            rollbacks,
            per_day: live as f64 / length(span),
            failure_rate: (figures.changes() > 0).then(|| rate(figures.changes())),
            lead: lead.map(SpreadView::from),
            restore: restore.map(SpreadView::from),
        }
    }
}

/// The four delivery figures (DORA) of what the caller sees.
#[utoipa::path(get, path = "/api/v1/delivery", params(DeliveryQuery),
    responses((status = 200, body = DeliveryFigures), (status = 422, body = Problem)))]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<DeliveryQuery>,
) -> Result<Json<DeliveryFigures>, Problem> {
    let days = query.days.unwrap_or(DAYS);
    let name = query.timezone.as_deref().unwrap_or("UTC");
    let zone = zone(name).ok_or_else(|| {
        Problem::invalid(format!("{name:?} is no time zone: write one such as \"Europe/Berlin\" or \"UTC\""))
    })?;
    let calendar = calendar(&zone, api.engine.now(), days)
        .ok_or_else(|| Problem::invalid("days must be a number from 1 to 366"))?;
    let filter = DeliveryFilter {
        app: query.app.map(|app| app.parse()).transpose()?,
        environment: query.environment.map(|environment| environment.parse()).transpose()?,
        places: caller.sees(),
    };
    let (store, now) = (api.engine.store(), api.engine.now());
    let asked = Asked { filter, days, zone: name.to_owned(), minute: now.millis() / 60_000, ends: store.ends().await? };
    let figures = api.figures.get(asked, async |asked| work_out(store, &asked.filter, days, &calendar).await).await?;
    Ok(Json(figures))
}

async fn work_out(
    store: &Store,
    filter: &DeliveryFilter,
    days: u16,
    calendar: &Calendar,
) -> Result<DeliveryFigures, Problem> {
    let Calendar { period, before, parts, weeks } = calendar;
    let ended = store.ended_deployments(filter, before.0).await?;
    let whole = figures(&ended, &[*period, *before]);
    let view =
        |(span, figures): (&Span, Option<&Figures>)| FiguresView::new(*span, figures.copied().unwrap_or_default());
    Ok(DeliveryFigures {
        days,
        period: view((period, whole.spans.first())),
        before: view((before, whole.spans.get(1))),
        weeks: *weeks,
        parts: parts.iter().zip(figures(&ended, parts).spans.iter().map(Some)).map(view).collect(),
        open: whole.open,
    })
}

/// In days. One on which the clocks change is not exactly one.
fn length((from, to): Span) -> f64 {
    (to.since(from).as_secs_f64() / 86_400.0).round()
}
