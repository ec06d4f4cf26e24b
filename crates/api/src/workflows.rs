//! Workflow files as people start them.

use crate::Api;
use crate::auth::Caller;
use crate::page::Page;
use crate::problem::{Body, Problem, Query};
use crate::words;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use davit_domain::access::Action;
use davit_domain::ids::ForgeId;
use davit_engine::ci::{InputInfo, StartWorkflow, WorkflowInfo};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// Whose workflows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WorkflowQuery {
    forge: String,
    /// `owner/name`.
    repository: String,
    /// A branch, tag or commit; without it the default branch.
    r#ref: Option<String>,
}

/// A workflow file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkflowView {
    file: String,
    name: String,
    inputs: Vec<WorkflowInputView>,
    /// What is wrong with it, each with its place.
    errors: Vec<String>,
    /// Whether people may start it: it has `on.workflow_dispatch` and no mistakes.
    can_start: bool,
}

/// What is asked for when a person starts a workflow.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WorkflowInputView {
    name: String,
    description: Option<String>,
    required: bool,
    default: Option<String>,
    #[schema(value_type = words::WorkflowInputType)]
    r#type: &'static str,
    /// Of a choice.
    options: Vec<String>,
}

/// A workflow to be started.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartBody {
    forge: String,
    /// `owner/name`.
    repository: String,
    /// A branch, tag or commit; without it the default branch.
    r#ref: Option<String>,
    /// The workflow's file, in full or by its last part.
    file: String,
    /// What was entered, by name.
    #[serde(default)]
    inputs: BTreeMap<String, String>,
}

/// A run that was made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StartedView {
    id: i64,
}

impl From<WorkflowInfo> for WorkflowView {
    fn from(workflow: WorkflowInfo) -> Self {
        Self {
            file: workflow.file,
            name: workflow.name,
            inputs: workflow.inputs.into_iter().map(WorkflowInputView::from).collect(),
            errors: workflow.errors,
            can_start: workflow.can_start,
        }
    }
}

impl From<InputInfo> for WorkflowInputView {
    fn from(input: InputInfo) -> Self {
        let text = |value: Value| match value {
            Value::Null => None,
            Value::String(text) => Some(text),
            other @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => Some(other.to_string()),
        };
        Self {
            name: input.name,
            description: input.description,
            required: input.required,
            default: input.default.and_then(text),
            r#type: input.kind,
            options: input.options,
        }
    }
}

/// The workflow files of a repository at a branch, tag or commit. Asks its git.
#[utoipa::path(get, path = "/api/v1/workflows", params(WorkflowQuery),
    responses((status = 200, body = Page<WorkflowView>), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<WorkflowQuery>,
) -> Result<Json<Page<WorkflowView>>, Problem> {
    let forge: ForgeId = query.forge.parse()?;
    allow(&api, &caller, &forge, &query.repository).await?;
    let reference = query.r#ref.as_deref().filter(|reference| !reference.is_empty());
    let found = api.engine.workflows(&forge, &query.repository, reference).await?;
    Ok(Json(Page::whole(found.into_iter().map(WorkflowView::from).collect())))
}

/// Starts a workflow that has `on.workflow_dispatch`.
#[utoipa::path(post, path = "/api/v1/workflows/start", request_body = StartBody,
    responses((status = 201, body = StartedView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn start(
    State(api): State<Api>,
    caller: Caller,
    Body(body): Body<StartBody>,
) -> Result<(StatusCode, Json<StartedView>), Problem> {
    let forge: ForgeId = body.forge.parse()?;
    allow(&api, &caller, &forge, &body.repository).await?;
    let start = StartWorkflow {
        reference: body.r#ref.filter(|reference| !reference.is_empty()),
        workflow_file: body.file,
        inputs: body.inputs.into_iter().collect(),
    };
    let run = api.engine.start_workflow(&forge, &body.repository, start, caller.name()).await?;
    Ok((StatusCode::CREATED, Json(StartedView { id: run.0 })))
}

async fn allow(api: &Api, caller: &Caller, forge: &ForgeId, repository: &str) -> Result<(), Problem> {
    caller.allow_somewhere(Action::RunWorkflow)?;
    let configuration = caller.configuration(api).await?;
    let missing = || Problem::not_found(format!("{repository} at {forge} is no repository that davit tests"));
    caller.allow_repository(Action::RunWorkflow, &configuration, (forge, repository), missing)
}
