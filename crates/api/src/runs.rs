//! CI runs: list, one with its jobs, search, and what people do with them.

use crate::Api;
use crate::auth::Caller;
use crate::kept::ArtifactView;
use crate::log_windows;
use crate::page::{Page, PageQuery};
use crate::problem::{Body, Path, Problem, Query};
use crate::views::{AnnotationView, JobView, RunAllowed, RunView};
use axum::Json;
use axum::extract::State;
use davit_domain::access::Action;
use davit_domain::ci::{RunState, Trigger};
use davit_domain::config::Configuration;
use davit_domain::ids::{JobId, RunId};
use davit_engine::ci::RetryWhat;
use davit_store::ci_runs::{Run, RunFilter};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// How many lines a search shows.
const MOST_FOUND: usize = 200;

/// Which runs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RunQuery {
    forge: Option<String>,
    repository: Option<String>,
    /// awaiting_approval, queued, running, success, failure, cancelled, timed_out, skipped, error; several with commas
    /// between them.
    state: Option<String>,
    branch: Option<String>,
    /// The forge's number of a change.
    change: Option<i64>,
    /// The name or file of a workflow.
    workflow: Option<String>,
    /// push, pull_request, workflow_dispatch, schedule, merge_group.
    trigger: Option<String>,
    /// The full SHA of a commit.
    head: Option<String>,
}

/// A run with everything about it but its log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunFull {
    run: RunDetail,
    /// Every attempt at every job, oldest first.
    jobs: Vec<JobView>,
    annotations: Vec<AnnotationView>,
    artifacts: Vec<ArtifactView>,
    summaries: Vec<SummaryView>,
    allowed: RunAllowed,
}

/// What to run again.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(tag = "what", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum RunRetryBody {
    /// Every job.
    All,
    /// Those that did not succeed, and whatever needs them.
    Failed,
    /// One job, and whatever needs it.
    Job {
        /// Its newest attempt.
        job_id: i64,
    },
}

/// What is approved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApproveRunBody {
    /// The full SHA of the commit that was looked at.
    head_sha: String,
}

/// A run, and where the forge shows what started it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RunDetail {
    #[serde(flatten)]
    run: RunView,
    /// davit's number of the change that it tests.
    change_id: Option<i64>,
    event_url: Option<String>,
}

/// What a step wrote for people.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SummaryView {
    job_id: i64,
    step: u32,
    markdown: String,
}

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// A part of a line, in any case.
    q: String,
}

/// A line that holds what was looked for.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FoundView {
    job_id: i64,
    seq: i64,
    step: u32,
    text: String,
}

/// Runs, newest first.
#[utoipa::path(get, path = "/api/v1/runs", params(RunQuery, PageQuery),
    responses((status = 200, body = Page<RunView>), (status = 422, body = Problem)))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<RunQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<RunView>>, Problem> {
    let configuration = caller.configuration(&api).await?;
    let filter = RunFilter {
        within: caller.repositories(&configuration),
        forge: query.forge.map(|forge| forge.parse()).transpose()?,
        repository: query.repository,
        states: states(query.state.as_deref().unwrap_or_default())?,
        branch: query.branch,
        change: query.change,
        head: query.head.map(|head| head.parse()).transpose()?,
        workflow: query.workflow,
        trigger: query.trigger.map(|word| trigger(&word)).transpose()?,
    };
    let store = api.engine.store();
    let runs = store.runs(&filter, page.before()?.map(RunId), page.limit()).await?;
    let items = runs.iter().map(|run| RunView::new(run, &configuration)).collect();
    Ok(Json(Page::cut(items, page.limit(), |run: &RunView| run.id)))
}

/// One run, with its jobs and their steps.
#[utoipa::path(get, path = "/api/v1/runs/{id}", params(("id" = i64, Path)),
    responses((status = 200, body = RunFull), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<RunFull>, Problem> {
    let (run, configuration) = known(&api, &caller, RunId(id)).await?;
    let store = api.engine.store();
    let event_url = store.run_plan(run.id).await?.and_then(|plan| event_url(&plan.event));
    let all = store.jobs(run.id).await?;
    let (mut jobs, mut summaries) = (Vec::with_capacity(all.len()), Vec::new());
    for job in &all {
        let steps = store.steps(job.id).await?;
        jobs.push(JobView::new(job, &steps, &all));
        let written = steps.into_iter().filter_map(|step| Some((step.number, step.summary?)));
        summaries.extend(written.map(|(step, markdown)| SummaryView { job_id: job.id.0, step, markdown }));
    }
    let annotations = store.annotations(run.id).await?.into_iter().map(AnnotationView::from).collect();
    let artifacts = store.artifacts(run.id).await?.iter().map(ArtifactView::from).collect();
    let may = |action| caller.may_repository(action, &configuration, (&run.forge, &run.repository));
    let allowed = RunAllowed::new(run.state, may(Action::RunWorkflow), may(Action::ApproveRun));
    let change_id = match run.change {
        Some(number) => store.change_numbered(&run.forge, &run.repository, number).await?.map(|change| change.id.0),
        None => None,
    };
    let run = RunDetail { run: RunView::new(&run, &configuration), change_id, event_url };
    Ok(Json(RunFull { run, jobs, annotations, artifacts, summaries, allowed }))
}

/// Ends a run. Jobs that run whatever happens still do.
#[utoipa::path(post, path = "/api/v1/runs/{id}/cancel", params(("id" = i64, Path)),
    responses((status = 200, body = RunView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn cancel(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<RunView>, Problem> {
    let id = allow(&api, &caller, Action::RunWorkflow, RunId(id)).await?;
    api.engine.cancel_run(id, caller.name()).await?;
    seen(&api, &caller, id).await
}

/// Runs jobs again; earlier attempts and their logs stay.
#[utoipa::path(post, path = "/api/v1/runs/{id}/retry", params(("id" = i64, Path)), request_body = RunRetryBody,
    responses((status = 200, body = RunView), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub(crate) async fn retry(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Body(body): Body<RunRetryBody>,
) -> Result<Json<RunView>, Problem> {
    let id = allow(&api, &caller, Action::RunWorkflow, RunId(id)).await?;
    let what = match body {
        RunRetryBody::All => RetryWhat::All,
        RunRetryBody::Failed => RetryWhat::Failed,
        RunRetryBody::Job { job_id } => RetryWhat::Job(JobId(job_id)),
    };
    api.engine.retry_run(id, what, caller.name()).await?;
    seen(&api, &caller, id).await
}

/// Lets the workflows of a fork's change run, with secrets, on the commit that somebody looked at.
#[utoipa::path(post, path = "/api/v1/runs/{id}/approve", params(("id" = i64, Path)), request_body = ApproveRunBody,
    responses((status = 200, body = RunView), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub(crate) async fn approve(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Body(body): Body<ApproveRunBody>,
) -> Result<Json<RunView>, Problem> {
    let id = allow(&api, &caller, Action::ApproveRun, RunId(id)).await?;
    api.engine.approve_run(id, &body.head_sha.parse()?, caller.name()).await?;
    seen(&api, &caller, id).await
}

/// The lines of a run's log that hold a text: the first 200 of them.
#[utoipa::path(get, path = "/api/v1/runs/{id}/search", params(("id" = i64, Path), SearchQuery),
    responses((status = 200, body = Page<FoundView>), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn search(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Page<FoundView>>, Problem> {
    let (run, _) = known(&api, &caller, RunId(id)).await?;
    let needle = log_windows::needle(&query.q)?;
    let search = api.engine.store().search_run(run.id, &needle, MOST_FOUND);
    let found = api.searches.in_turn(caller.user.id, search).await??;
    let items = found
        .into_iter()
        .map(|line| FoundView { job_id: line.job.0, seq: line.seq, step: line.step, text: line.text })
        .collect();
    Ok(Json(Page::whole(items)))
}

async fn seen(api: &Api, caller: &Caller, id: RunId) -> Result<Json<RunView>, Problem> {
    let (run, configuration) = known(api, caller, id).await?;
    Ok(Json(RunView::new(&run, &configuration)))
}

/// The run, when the caller sees its repository, and what they see of the configuration.
pub(crate) async fn known(api: &Api, caller: &Caller, id: RunId) -> Result<(Run, Configuration), Problem> {
    let missing = || Problem::not_found(format!("there is no run {id}: it may have been removed"));
    let run = api.engine.store().run(id).await?.ok_or_else(missing)?;
    let configuration = caller.configuration(api).await?;
    caller.allow_repository(Action::See, &configuration, (&run.forge, &run.repository), missing)?;
    Ok((run, configuration))
}

/// Lets the request go on when the account may do this to the run.
async fn allow(api: &Api, caller: &Caller, action: Action, id: RunId) -> Result<RunId, Problem> {
    caller.allow_somewhere(action)?;
    let (run, configuration) = known(api, caller, id).await?;
    let missing = || Problem::not_found(format!("there is no run {id}"));
    caller.allow_repository(action, &configuration, (&run.forge, &run.repository), missing)?;
    Ok(id)
}

fn states(words: &str) -> Result<Vec<RunState>, Problem> {
    let parse = |word| {
        let known: Vec<&str> = RunState::ALL.iter().map(|state| state.as_str()).collect();
        RunState::parse(word).ok_or_else(|| Problem::invalid(format!("state is one of {}", known.join(", "))))
    };
    words.split(',').filter(|word| !word.is_empty()).map(parse).collect()
}

fn trigger(word: &str) -> Result<Trigger, Problem> {
    let known: Vec<&str> = Trigger::ALL.iter().map(|trigger| trigger.as_str()).collect();
    Trigger::parse(word).ok_or_else(|| Problem::invalid(format!("trigger is one of {}", known.join(", "))))
}

/// Where the forge shows the change or the commit, as its event has it. Nothing but a web address goes to the page.
fn event_url(event: &Value) -> Option<String> {
    let places = ["/pull_request/html_url", "/head_commit/url", "/compare"];
    let texts = places.iter().filter_map(|place| event.pointer(place)?.as_str());
    texts.into_iter().find(|text| text.starts_with("https://") || text.starts_with("http://")).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_web_addresses_are_linked() {
        let change = json!({ "pull_request": { "html_url": "https://forge/acme/shop/pull/7" } });
        assert_eq!(event_url(&change).as_deref(), Some("https://forge/acme/shop/pull/7"));
        let commit = json!({ "pull_request": {}, "head_commit": { "url": "http://forge/commit/1" } });
        assert_eq!(event_url(&commit).as_deref(), Some("http://forge/commit/1"));
        assert_eq!(event_url(&json!({ "compare": "javascript:alert(1)" })), None);
        assert_eq!(event_url(&Value::Null), None);
    }

    #[test]
    fn states_are_words_with_commas() {
        assert_eq!(states("queued,timed_out").expect("known"), [RunState::Queued, RunState::TimedOut]);
        assert!(states("").expect("none").is_empty() && states("done").is_err());
    }
}
