//! Alerts: what a person has to look at, until it is over.

use crate::Api;
use crate::auth::Caller;
use crate::page::{Page, PageQuery};
use crate::problem::{Problem, Query};
use axum::Json;
use axum::extract::State;
use davit_domain::access::Action;
use davit_store::alerts::Alert;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which alerts.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AlertQuery {
    /// true: those that are over as well.
    #[serde(default)]
    ended: bool,
}

/// Something that a person has to look at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AlertView {
    id: i64,
    /// What sort of thing, a stable word: `forge_call`.
    kind: String,
    /// What it is about.
    subject: String,
    /// What is wrong.
    detail: String,
    since: String,
    ended_at: Option<String>,
}

impl From<Alert> for AlertView {
    fn from(alert: Alert) -> Self {
        let Alert { id, kind, subject, detail, since, ended_at } = alert;
        let ended_at = ended_at.map(|at| at.to_string());
        Self { id, kind, subject, detail, since: since.to_string(), ended_at }
    }
}

/// Alerts, newest first; without more said, those that hold now. None for those who don't see everything.
#[utoipa::path(get, path = "/api/v1/alerts", params(AlertQuery, PageQuery),
    responses((status = 200, body = Page<AlertView>)))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<AlertQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<AlertView>>, Problem> {
    // They are about forges, channels and hosts, whoever uses them.
    if !caller.may(Action::See) {
        return Ok(Json(Page::whole(Vec::new())));
    }
    let found = api.engine.store().alerts(!query.ended, page.before()?, page.limit()).await?;
    let items = found.into_iter().map(AlertView::from).collect();
    Ok(Json(Page::cut(items, page.limit(), |alert| alert.id)))
}
