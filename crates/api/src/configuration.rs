//! The declared configuration: what there is, plan and apply, export.

use crate::Api;
use crate::auth::Caller;
use crate::locks::GateView;
use crate::page::Page;
use crate::problem::{Body, Problem};
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use davit_domain::access::Action;
use davit_domain::config::{Environment, Form, PlanItem, environment_form};
use davit_engine::apply::Apply;
use davit_engine::gates::Gate;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// An environment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EnvironmentView {
    key: String,
    name: String,
    color: Option<String>,
    required_approvals: u32,
    self_approval: bool,
    branches: Option<Vec<String>>,
    /// Where people see what runs there.
    url: Option<String>,
    /// What `[[environment]]` says, without `key`: its review rule, branches, windows and freezes.
    #[schema(value_type = Object)]
    form: Form,
    /// What keeps every app from it now.
    gate: GateView,
}

/// A `davit.toml` to check or apply.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplyBody {
    document: String,
    /// Secrets that the document refers to, by `env:NAME` or `file:PATH`.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    values: BTreeMap<String, SecretString>,
    /// Stop after the plan.
    #[serde(default)]
    dry_run: bool,
    /// Delete what the document does not name.
    #[serde(default)]
    prune: bool,
}

/// What changes, or has changed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Applied {
    #[schema(value_type = Vec<Object>)]
    plan: Vec<PlanItem>,
    applied: bool,
}

impl EnvironmentView {
    fn new(environment: &Environment, gate: GateView) -> Self {
        Self {
            form: environment_form(environment),
            key: environment.key.to_string(),
            name: environment.name.clone(),
            color: environment.color.clone(),
            required_approvals: environment.review.required,
            self_approval: environment.review.self_approval,
            branches: environment.branches.clone(),
            url: environment.url.clone(),
            gate,
        }
    }
}

/// All environments, in their order.
#[utoipa::path(get, path = "/api/v1/environments", responses((status = 200, body = Page<EnvironmentView>)))]
pub(crate) async fn environments(
    State(api): State<Api>,
    caller: Caller,
) -> Result<Json<Page<EnvironmentView>>, Problem> {
    let (configuration, now) = (caller.configuration(&api).await?, api.engine.now());
    let locks = api.engine.store().locks(now).await?;
    let view = |environment: &Environment| {
        let gate = Gate::of(&configuration, &locks, None, &environment.key, now);
        EnvironmentView::new(environment, gate.into())
    };
    Ok(Json(Page::whole(configuration.environments.iter().map(view).collect())))
}

/// Checks a document, shows the plan, and unless it is a dry run applies it, all or nothing.
#[utoipa::path(post, path = "/api/v1/apply", request_body = ApplyBody,
    responses((status = 200, body = Applied), (status = 422, body = Problem)))]
pub(crate) async fn apply(
    State(api): State<Api>,
    caller: Caller,
    Body(body): Body<ApplyBody>,
) -> Result<Json<Applied>, Problem> {
    caller.allow(Action::Configure)?;
    let applied = !body.dry_run;
    let apply = Apply { document: body.document, values: body.values, prune: body.prune, dry_run: body.dry_run };
    let plan = api.engine.apply(apply, caller.name()).await?;
    Ok(Json(Applied { plan, applied }))
}

/// The configuration in force as `davit.toml`.
#[utoipa::path(get, path = "/api/v1/export",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub(crate) async fn export(State(api): State<Api>, caller: Caller) -> Result<impl IntoResponse, Problem> {
    caller.allow(Action::Configure)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], api.engine.export().await?))
}
