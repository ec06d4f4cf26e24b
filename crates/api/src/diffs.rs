//! What a release would change: commits, files, release config.

use crate::Api;
use crate::asks::CommitView;
use crate::auth::Caller;
use crate::problem::{Path, Problem, Query};
use crate::requests::allowed;
use crate::words;
use axum::Json;
use axum::extract::State;
use davit_domain::access::Action;
use davit_domain::ids::{AppKey, CommitSha, EnvironmentKey};
use davit_engine::differences::{Base, Differences};
use davit_engine::git::{ChangedFile, Patch};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What a release would change, compared with what is live; of one that went out, with what was live before.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DiffView {
    /// None: nothing was live.
    base: Option<BaseView>,
    /// The commit that is asked for.
    head: String,
    /// Commits that come.
    ahead: Option<u64>,
    /// Commits that are live and go.
    behind: Option<u64>,
    /// Those that come, newest first; at most 200.
    commits: Vec<CommitView>,
    commits_truncated: bool,
    /// At most 1,000.
    files: Vec<FileView>,
    files_truncated: bool,
    /// Why there are no commits and files.
    note: Option<String>,
    config: ConfigDiffView,
}

/// What is compared with.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BaseView {
    commit: String,
    release: String,
    deployment: i64,
}

/// A file that differs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FileView {
    /// Invalid UTF-8 replaced.
    path: String,
    /// Where it was, when it was elsewhere.
    old_path: Option<String>,
    #[schema(value_type = words::FileStatus)]
    status: &'static str,
    /// Lines; none for what is not text.
    additions: Option<u64>,
    /// Lines; none for what is not text.
    deletions: Option<u64>,
}

/// How the release config differs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigDiffView {
    /// The revision that is live; none: none is.
    from: Option<i64>,
    /// The revision that it goes out with.
    to: i64,
    /// Unified; empty when nothing differs.
    diff: String,
}

/// What differs in one file.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PatchView {
    /// Unified; at most 256 KiB.
    patch: String,
    truncated: bool,
}

/// Which file.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FileQuery {
    /// As the list of files has it.
    path: String,
}

/// Which commit.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CommitQuery {
    /// A full SHA.
    commit: String,
}

/// Which commit, and which file.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CommitFileQuery {
    /// A full SHA.
    commit: String,
    /// As the list of files has it.
    path: String,
}

/// What a request would change, or has changed.
#[utoipa::path(get, path = "/api/v1/requests/{id}/diff", params(("id" = i64, Path)),
    responses((status = 200, body = DiffView), (status = 404, body = Problem)))]
pub(crate) async fn of_request(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<DiffView>, Problem> {
    let request = allowed(&api, &caller, id, Action::See).await?;
    Ok(Json(api.engine.request_differences(&request).await?.into()))
}

/// What a request would change in one file.
#[utoipa::path(get, path = "/api/v1/requests/{id}/diff/file", params(("id" = i64, Path), FileQuery),
    responses((status = 200, body = PatchView), (status = 404, body = Problem)))]
pub(crate) async fn file_of_request(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<FileQuery>,
) -> Result<Json<PatchView>, Problem> {
    let request = allowed(&api, &caller, id, Action::See).await?;
    Ok(Json(api.engine.request_patch(&request, &query.path).await?.into()))
}

/// What a release of a commit would change now.
#[utoipa::path(get, path = "/api/v1/apps/{app}/environments/{environment}/diff",
    params(("app" = String, Path), ("environment" = String, Path), CommitQuery),
    responses((status = 200, body = DiffView), (status = 404, body = Problem)))]
pub(crate) async fn of_commit(
    State(api): State<Api>,
    caller: Caller,
    Path((app, environment)): Path<(String, String)>,
    Query(query): Query<CommitQuery>,
) -> Result<Json<DiffView>, Problem> {
    let (app, environment) = place(&caller, &app, &environment)?;
    let commit: CommitSha = query.commit.parse()?;
    Ok(Json(api.engine.commit_differences(&app, &environment, &commit).await?.into()))
}

/// What a release of a commit would change in one file now.
#[utoipa::path(get, path = "/api/v1/apps/{app}/environments/{environment}/diff/file",
    params(("app" = String, Path), ("environment" = String, Path), CommitFileQuery),
    responses((status = 200, body = PatchView), (status = 404, body = Problem)))]
pub(crate) async fn file_of_commit(
    State(api): State<Api>,
    caller: Caller,
    Path((app, environment)): Path<(String, String)>,
    Query(query): Query<CommitFileQuery>,
) -> Result<Json<PatchView>, Problem> {
    let (app, environment) = place(&caller, &app, &environment)?;
    let commit: CommitSha = query.commit.parse()?;
    Ok(Json(api.engine.commit_patch(&app, &environment, &commit, &query.path).await?.into()))
}

/// Naming any commit shows what is in it: that is for those who may ask for its release.
fn place(caller: &Caller, app: &str, environment: &str) -> Result<(AppKey, EnvironmentKey), Problem> {
    caller.allow_somewhere(Action::Ask)?;
    let (app, environment) = (app.parse()?, environment.parse()?);
    caller.allow_in(Action::Ask, &app, &environment)?;
    Ok((app, environment))
}

impl From<Differences> for DiffView {
    fn from(differences: Differences) -> Self {
        let Differences { base, head, distance, commits, files, note, revision, config } = differences;
        Self {
            config: ConfigDiffView { from: base.as_ref().map(|base| base.revision), to: revision, diff: config },
            base: base.map(BaseView::from),
            head: head.to_string(),
            ahead: distance.map(|distance| distance.ahead),
            behind: distance.map(|distance| distance.behind),
            commits: commits.items.into_iter().map(CommitView::from).collect(),
            commits_truncated: commits.truncated,
            files: files.items.into_iter().map(FileView::from).collect(),
            files_truncated: files.truncated,
            note,
        }
    }
}

impl From<Base> for BaseView {
    fn from(base: Base) -> Self {
        Self { commit: base.commit.to_string(), release: base.release.to_string(), deployment: base.deployment.0 }
    }
}

impl From<ChangedFile> for FileView {
    fn from(file: ChangedFile) -> Self {
        Self {
            path: file.path,
            old_path: file.old_path,
            status: file.status.as_str(),
            additions: file.additions,
            deletions: file.deletions,
        }
    }
}

impl From<Patch> for PatchView {
    fn from(patch: Patch) -> Self {
        Self { patch: patch.text, truncated: patch.truncated }
    }
}
