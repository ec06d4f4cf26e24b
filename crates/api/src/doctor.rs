//! The doctor: everything that the server can look at, with what to do where something is wrong.

use crate::Api;
use crate::auth::Caller;
use crate::problem::Problem;
use axum::Json;
use axum::extract::State;
use davit_domain::access::Action;
use davit_engine::doctor::{About, Finding};
use serde::Serialize;
use utoipa::ToSchema;

/// What was found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DoctorView {
    /// Whether all is as it should be.
    ok: bool,
    /// When it was looked at.
    at: String,
    checks: Vec<FindingView>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FindingView {
    /// server, forge, outbox, runner.
    about: &'static str,
    name: String,
    ok: bool,
    detail: String,
    /// What to do.
    fix: Option<String>,
}

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        let about = match finding.about {
            About::Server => "server",
            About::Forge => "forge",
            About::Outbox => "outbox",
            About::Runner => "runner",
        };
        let Finding { name, ok, detail, fix, .. } = finding;
        Self { about, name, ok, detail, fix }
    }
}

/// Examines the server, asks every forge about every repository that davit uses there, and tries out where jobs run.
#[utoipa::path(get, path = "/api/v1/doctor", responses((status = 200, body = DoctorView)))]
pub(crate) async fn examine(State(api): State<Api>, caller: Caller) -> Result<Json<DoctorView>, Problem> {
    caller.allow(Action::ManageForges)?;
    let findings = api.engine.doctor().await?;
    Ok(Json(DoctorView {
        ok: findings.iter().all(|finding| finding.ok),
        at: api.engine.now().to_string(),
        checks: findings.into_iter().map(FindingView::from).collect(),
    }))
}
