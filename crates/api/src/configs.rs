//! Release configs as forms: reading, saving, history, copies, and looking at what they would meet and do.
//!
//! A form is the JSON of what `[[app.release]]` says, without `environment`. Who administers one place alone may name
//! hosts of its environment, and no others: a release config runs scripts where it points to. What runs on the server,
//! which is as davit, is for those who administer everything.

use crate::Api;
use crate::auth::Caller;
use crate::page::Page;
use crate::problem::{Body, Mistake, Path, Problem, Query};
use crate::words;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use davit_domain::access::Action;
use davit_domain::config::{Form, ReleaseConfig, read_release, release_form};
use davit_domain::ids::{AppKey, EnvironmentKey};
use davit_engine::configs::{Check, ConfigCheck, DryHost, DryRun, DryStep};
use davit_store::configuration::Revision;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn configs() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(show, save, delete))
        .routes(routes!(revisions))
        .routes(routes!(diff))
        .routes(routes!(revision))
        .routes(routes!(restore))
        .routes(routes!(clone))
        .routes(routes!(check))
        .routes(routes!(dry_run))
}

/// A release config in force.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SavedConfig {
    app: String,
    environment: String,
    revision: i64,
    saved_by: String,
    saved_at: String,
    /// What `[[app.release]]` says, without `environment`; what is not there is as davit does it anyway.
    #[schema(value_type = Object)]
    form: Form,
}

/// A form, and the revision that was looked at.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaveBody {
    #[schema(value_type = Object)]
    form: Form,
    /// None: there was no release config yet.
    base_revision: Option<i64>,
}

/// A form.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckBody {
    #[schema(value_type = Object)]
    form: Form,
}

/// Which revision was looked at.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DeleteQuery {
    /// Refused when another one is in force.
    base_revision: Option<i64>,
}

/// A save of a release config.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigRevisionView {
    revision: i64,
    saved_by: String,
    saved_at: String,
    in_force: bool,
}

/// What a revision said.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigRevisionFull {
    revision: i64,
    saved_by: String,
    saved_at: String,
    #[schema(value_type = Object)]
    form: Form,
    /// The same as a part of a `davit.toml`.
    toml: String,
}

/// Two revisions to compare.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ConfigDiffQuery {
    /// 0: an empty text.
    from: i64,
    to: i64,
}

/// What differs between two revisions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigDiff {
    /// A unified diff of their `davit.toml`; empty: nothing.
    diff: String,
}

/// Where a copy goes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloneConfigBody {
    /// None: the same app.
    to_app: Option<String>,
    to_environment: String,
    /// None: the same, which two release configs can't have on one host.
    deploy_path: Option<String>,
}

/// What was found about a form.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigCheckView {
    problems: Vec<Mistake>,
    checks: Vec<ConfigFinding>,
}

/// Something that was looked at.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigFinding {
    /// git, host or path.
    what: &'static str,
    subject: String,
    ok: bool,
    sentence: String,
}

/// What to release.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DryRunBody {
    /// A branch, a tag or a commit; none: the default branch.
    reference: Option<String>,
}

/// What a release would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DryRunView {
    commit: String,
    subject: String,
    steps: Vec<DryStepView>,
    hosts: Vec<DryHostView>,
    /// None when hooks on the server make the files.
    files: Option<DryFiles>,
    /// What is in the way now.
    gates: Vec<String>,
    /// Names of the values that hooks would see.
    values: Vec<String>,
}

/// A step.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DryStepView {
    step: u8,
    #[schema(value_type = words::StepPlace)]
    r#where: &'static str,
    sentence: String,
}

/// A host.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DryHostView {
    name: String,
    live: Option<String>,
    would: String,
}

/// The build.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DryFiles {
    count: u64,
    /// Of its archive.
    bytes: u64,
}

/// How an app is released to an environment, as a form.
#[utoipa::path(get, path = "/api/v1/apps/{app}/configs/{environment}",
    params(("app" = String, Path), ("environment" = String, Path)),
    responses((status = 200, body = SavedConfig), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(place): Path<(String, String)>,
) -> Result<Json<SavedConfig>, Problem> {
    let (app, environment) = allowed(&caller, Action::Review, place)?;
    let found = api.engine.store().release_config(&app, &environment).await?;
    let found = found.ok_or_else(|| Problem::not_found(format!("{app} is not released to {environment}")))?;
    Ok(Json(found.into()))
}

/// Saves a form as the next revision; one that changes nothing saves none.
#[utoipa::path(put, path = "/api/v1/apps/{app}/configs/{environment}",
    params(("app" = String, Path), ("environment" = String, Path)), request_body = SaveBody,
    responses((status = 200, body = SavedConfig), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn save(
    State(api): State<Api>,
    caller: Caller,
    Path(place): Path<(String, String)>,
    Body(body): Body<SaveBody>,
) -> Result<Json<SavedConfig>, Problem> {
    let (app, environment) = allowed(&caller, Action::Configure, place)?;
    if let Some(config) = reached_by_form(&api, &caller, &app, &environment, &body.form).await? {
        check_scripts(&api, &caller, &app, &config).await?;
    }
    let (form, base) = (&body.form, body.base_revision);
    let saved = api.engine.save_release_config(&app, &environment, form, base, caller.name()).await?;
    Ok(Json(saved.into()))
}

/// Takes a release config away. Its revisions stay, and what is on hosts too.
#[utoipa::path(delete, path = "/api/v1/apps/{app}/configs/{environment}",
    params(("app" = String, Path), ("environment" = String, Path), DeleteQuery),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn delete(
    State(api): State<Api>,
    caller: Caller,
    Path(place): Path<(String, String)>,
    Query(query): Query<DeleteQuery>,
) -> Result<StatusCode, Problem> {
    let (app, environment) = allowed(&caller, Action::Configure, place)?;
    api.engine.delete_release_config(&app, &environment, query.base_revision, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The saves of a release config, newest first.
#[utoipa::path(get, path = "/api/v1/apps/{app}/configs/{environment}/revisions",
    params(("app" = String, Path), ("environment" = String, Path)),
    responses((status = 200, body = Page<ConfigRevisionView>), (status = 404, body = Problem)))]
pub(crate) async fn revisions(
    State(api): State<Api>,
    caller: Caller,
    Path(place): Path<(String, String)>,
) -> Result<Json<Page<ConfigRevisionView>>, Problem> {
    let (app, environment) = allowed(&caller, Action::Review, place)?;
    let store = api.engine.store();
    let in_force = store.release_config(&app, &environment).await?.map(|(revision, _)| revision.id);
    let found = store.revisions(&app, &environment).await?;
    if found.is_empty() {
        return Err(Problem::not_found(format!("{app} was never released to {environment}")));
    }
    let items = found.into_iter().map(|revision| ConfigRevisionView {
        revision: revision.number,
        saved_at: revision.saved_at.to_string(),
        in_force: in_force == Some(revision.id),
        saved_by: revision.saved_by,
    });
    Ok(Json(Page::whole(items.collect())))
}

/// What differs between two revisions.
#[utoipa::path(get, path = "/api/v1/apps/{app}/configs/{environment}/revisions/diff",
    params(("app" = String, Path), ("environment" = String, Path), ConfigDiffQuery),
    responses((status = 200, body = ConfigDiff), (status = 404, body = Problem)))]
pub(crate) async fn diff(
    State(api): State<Api>,
    caller: Caller,
    Path(place): Path<(String, String)>,
    Query(query): Query<ConfigDiffQuery>,
) -> Result<Json<ConfigDiff>, Problem> {
    let (app, environment) = allowed(&caller, Action::Review, place)?;
    let diff = api.engine.release_config_diff(&app, &environment, query.from, query.to).await?;
    Ok(Json(ConfigDiff { diff }))
}

/// What a revision said.
#[utoipa::path(get, path = "/api/v1/apps/{app}/configs/{environment}/revisions/{id}",
    params(("app" = String, Path), ("environment" = String, Path), ("id" = i64, Path)),
    responses((status = 200, body = ConfigRevisionFull), (status = 404, body = Problem)))]
pub(crate) async fn revision(
    State(api): State<Api>,
    caller: Caller,
    Path((app, environment, number)): Path<(String, String, i64)>,
) -> Result<Json<ConfigRevisionFull>, Problem> {
    let (app, environment) = allowed(&caller, Action::Review, (app, environment))?;
    let found = api.engine.release_config_revision(&app, &environment, number).await?;
    Ok(Json(ConfigRevisionFull {
        revision: found.revision.number,
        saved_at: found.revision.saved_at.to_string(),
        saved_by: found.revision.saved_by,
        form: release_form(&found.config),
        toml: found.toml,
    }))
}

/// Puts what an earlier revision said into force again, as the next one.
#[utoipa::path(post, path = "/api/v1/apps/{app}/configs/{environment}/revisions/{id}/restore",
    params(("app" = String, Path), ("environment" = String, Path), ("id" = i64, Path)),
    responses((status = 200, body = SavedConfig), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn restore(
    State(api): State<Api>,
    caller: Caller,
    Path((app, environment, number)): Path<(String, String, i64)>,
) -> Result<Json<SavedConfig>, Problem> {
    let (app, environment) = allowed(&caller, Action::Configure, (app, environment))?;
    let wanted = api.engine.release_config_revision(&app, &environment, number).await?.config;
    check_reach(&api, &caller, &app, &wanted).await?;
    check_scripts(&api, &caller, &app, &wanted).await?;
    let saved = api.engine.restore_release_config(&app, &environment, number, caller.name()).await?;
    Ok(Json(saved.into()))
}

/// Makes a copy for another environment, another app, or both. Answers with the copy.
#[utoipa::path(post, path = "/api/v1/apps/{app}/configs/{environment}/clone",
    params(("app" = String, Path), ("environment" = String, Path)), request_body = CloneConfigBody,
    responses((status = 201, body = SavedConfig), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn clone(
    State(api): State<Api>,
    caller: Caller,
    Path(place): Path<(String, String)>,
    Body(body): Body<CloneConfigBody>,
) -> Result<(StatusCode, Json<SavedConfig>), Problem> {
    let (app, environment) = allowed(&caller, Action::Review, place)?;
    let to_app = body.to_app.unwrap_or_else(|| app.to_string());
    let to = allowed(&caller, Action::Configure, (to_app, body.to_environment))?;
    if let Some((_, source)) = api.engine.store().release_config(&app, &environment).await? {
        let copy = ReleaseConfig { environment: to.1.clone(), ..source };
        check_reach(&api, &caller, &to.0, &copy).await?;
        // Of the same app somebody trusted its scripts with its repository already.
        if to.0 != app {
            check_scripts(&api, &caller, &to.0, &copy).await?;
        }
    }
    let path = body.deploy_path.as_deref();
    let saved = api.engine.clone_release_config((&app, &environment), (&to.0, &to.1), path, caller.name()).await?;
    Ok((StatusCode::CREATED, Json(saved.into())))
}

/// Reads a form, asks git, and looks at the hosts that it selects. Nothing is saved or changed.
#[utoipa::path(post, path = "/api/v1/apps/{app}/configs/{environment}/check",
    params(("app" = String, Path), ("environment" = String, Path)), request_body = CheckBody,
    responses((status = 200, body = ConfigCheckView), (status = 404, body = Problem)))]
pub(crate) async fn check(
    State(api): State<Api>,
    caller: Caller,
    Path(place): Path<(String, String)>,
    Body(body): Body<CheckBody>,
) -> Result<Json<ConfigCheckView>, Problem> {
    let (app, environment) = allowed(&caller, Action::Configure, place)?;
    reached_by_form(&api, &caller, &app, &environment, &body.form).await?;
    let ConfigCheck { problems, checks } = api.engine.check_release_config(&app, &environment, &body.form).await?;
    let checks =
        checks.into_iter().map(|Check { what, subject, ok, sentence }| ConfigFinding { what, subject, ok, sentence });
    Ok(Json(ConfigCheckView { problems: problems.into_iter().map(Mistake::from).collect(), checks: checks.collect() }))
}

/// Says what a release would do. Hosts are looked at, and left as they are.
#[utoipa::path(post, path = "/api/v1/apps/{app}/configs/{environment}/dry-run",
    params(("app" = String, Path), ("environment" = String, Path)), request_body = DryRunBody,
    responses((status = 200, body = DryRunView), (status = 404, body = Problem), (status = 502, body = Problem)))]
pub(crate) async fn dry_run(
    State(api): State<Api>,
    caller: Caller,
    Path(place): Path<(String, String)>,
    Body(body): Body<DryRunBody>,
) -> Result<Json<DryRunView>, Problem> {
    let (app, environment) = allowed(&caller, Action::Ask, place)?;
    let would = api.engine.dry_run(&app, &environment, body.reference.as_deref()).await?;
    Ok(Json(would.into()))
}

fn allowed(
    caller: &Caller,
    action: Action,
    (app, environment): (String, String),
) -> Result<(AppKey, EnvironmentKey), Problem> {
    let (app, environment): (AppKey, EnvironmentKey) = (app.parse()?, environment.parse()?);
    caller.allow_in(action, &app, &environment)?;
    Ok((app, environment))
}

/// As [`check_reach`], for a form: what it says, where that was looked at. One with mistakes is told about them by whoever
/// reads it next.
async fn reached_by_form(
    api: &Api,
    caller: &Caller,
    app: &AppKey,
    environment: &EnvironmentKey,
    form: &Form,
) -> Result<Option<ReleaseConfig>, Problem> {
    if caller.may(Action::Configure) {
        return Ok(None);
    }
    let configuration = api.engine.store().configuration().await?;
    let Some(found) = configuration.apps.iter().find(|known| known.key == *app) else { return Ok(None) };
    let Ok(config) = read_release(found, environment, form, &configuration) else { return Ok(None) };
    check_reach(api, caller, app, &config).await?;
    Ok(Some(config))
}

/// Whether the caller may point a release config to these hosts: those of its environment, those that it has already,
/// and those that the caller looks after.
async fn check_reach(api: &Api, caller: &Caller, app: &AppKey, config: &ReleaseConfig) -> Result<(), Problem> {
    if caller.may(Action::Configure) {
        return Ok(());
    }
    let configuration = api.engine.store().configuration().await?;
    let environment = &config.environment;
    let known = api.engine.store().release_config(app, environment).await?;
    let before: Vec<_> = known.iter().flat_map(|(_, known)| known.select(&configuration.hosts)).collect();
    for host in config.select(&configuration.hosts) {
        let is_there = before.iter().any(|known| known.name == host.name);
        if !is_there && !host.environments.contains(environment) && !caller.may_host(Action::ManageHosts, host) {
            return Err(Problem::denied(format!(
                "{} does not belong to {environment}: only who looks after that host may release to it",
                host.name
            )));
        }
    }
    Ok(())
}

/// Whether the caller may have the server run this: what is in force there, or everything.
async fn check_scripts(api: &Api, caller: &Caller, app: &AppKey, config: &ReleaseConfig) -> Result<(), Problem> {
    if caller.may(Action::Configure) {
        return Ok(());
    }
    let hosts = api.engine.store().configuration().await?.hosts;
    let known = api.engine.store().release_config(app, &config.environment).await?;
    let before = known.as_ref().and_then(|(_, known)| known.as_davit(&hosts));
    let after = config.as_davit(&hosts);
    if after.is_none() || after == before {
        return Ok(());
    }
    Err(Problem::denied(
        "what runs on the server runs as davit: only who administers everything changes hooks and actions there, the \
         variables that they find, and what goes to the server as a host",
    ))
}

impl From<(Revision, ReleaseConfig)> for SavedConfig {
    fn from((revision, config): (Revision, ReleaseConfig)) -> Self {
        Self {
            app: revision.app.to_string(),
            environment: revision.environment.to_string(),
            revision: revision.number,
            saved_by: revision.saved_by,
            saved_at: revision.saved_at.to_string(),
            form: release_form(&config),
        }
    }
}

impl From<DryRun> for DryRunView {
    fn from(would: DryRun) -> Self {
        let step = |DryStep { step, on, sentence }| DryStepView { step, r#where: on, sentence };
        let host = |DryHost { name, live, would }| DryHostView { name: name.to_string(), live, would };
        Self {
            commit: would.commit.to_string(),
            subject: would.subject,
            steps: would.steps.into_iter().map(step).collect(),
            hosts: would.hosts.into_iter().map(host).collect(),
            files: would.files.map(|(count, bytes)| DryFiles { count, bytes }),
            gates: would.gates,
            values: would.values,
        }
    }
}
