//! Changes: list, one with what holds it up, and asking for a merge.

use crate::Api;
use crate::auth::Caller;
use crate::page::{Page, PageQuery};
use crate::problem::{Body, Path, Problem, Query};
use crate::views::{ChangeCheckView, ChangeView, PolicyView, QueueView, RunView};
use axum::Json;
use axum::extract::State;
use davit_domain::access::Action;
use davit_domain::config::{Configuration, MergeBy};
use davit_domain::ids::ChangeId;
use davit_domain::merge::ChangeState;
use davit_store::changes::{Change, ChangeFilter};
use davit_store::ci_runs::RunFilter;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How many runs of its head a change shows.
const MOST_RUNS: i64 = 50;

/// Which changes.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ChangeQuery {
    forge: Option<String>,
    repository: Option<String>,
    /// open, merged, closed or all; without it: open.
    state: Option<String>,
    /// The forge's number.
    number: Option<i64>,
}

/// What is to be merged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MergeBody {
    /// The full SHA of the commit that was looked at.
    head_sha: String,
}

/// A change with everything that its merge depends on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangeFull {
    change: ChangeView,
    /// Of its head, davit's own included.
    checks: Vec<ChangeCheckView>,
    /// Of its head, newest first.
    runs: Vec<RunView>,
    /// The merge queue of its base branch, where there is one.
    queue: Vec<QueueView>,
    /// None: davit does not merge in this repository.
    policy: Option<PolicyView>,
    allowed: ChangeAllowed,
}

/// What the caller may do with a change now.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub(crate) struct ChangeAllowed {
    /// Ask for its merge, and take that back.
    merge: bool,
    refresh: bool,
}

/// Changes, newest first.
#[utoipa::path(get, path = "/api/v1/changes", params(ChangeQuery, PageQuery),
    responses((status = 200, body = Page<ChangeView>), (status = 422, body = Problem)))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<ChangeQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ChangeView>>, Problem> {
    let configuration = caller.configuration(&api).await?;
    let filter = ChangeFilter {
        within: caller.repositories(&configuration),
        forge: query.forge.map(|forge| forge.parse()).transpose()?,
        repository: query.repository,
        number: query.number,
        state: state(query.state.as_deref().unwrap_or("open"))?,
    };
    let store = api.engine.store();
    let changes = store.changes(&filter, page.before()?.map(ChangeId), page.limit()).await?;
    let items = changes.iter().map(|change| ChangeView::new(change, &configuration)).collect();
    Ok(Json(Page::cut(items, page.limit(), |change: &ChangeView| change.id)))
}

/// One change: its checks and runs, what holds it up, and its place in the queue.
#[utoipa::path(get, path = "/api/v1/changes/{id}", params(("id" = i64, Path)),
    responses((status = 200, body = ChangeFull), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<ChangeFull>, Problem> {
    let (change, configuration) = known(&api, &caller, ChangeId(id)).await?;
    let (store, row) = (api.engine.store(), &change.row);
    let checks = store.checks(&row.forge, &row.repository, &row.head).await?;
    let filter = RunFilter {
        forge: Some(row.forge.clone()),
        repository: Some(row.repository.clone()),
        head: Some(row.head.clone()),
        ..RunFilter::default()
    };
    let runs = store.runs(&filter, None, MOST_RUNS).await?;
    let policy = configuration.repository(&row.forge, &row.repository).and_then(|found| found.merge.as_ref());
    let is_open = row.state == ChangeState::Open;
    let may = |action| caller.may_repository(action, &configuration, (&row.forge, &row.repository));
    let allowed = ChangeAllowed {
        merge: is_open && policy.is_some_and(|policy| policy.by.contains(&MergeBy::Ui)) && may(Action::Merge),
        refresh: may(Action::Ask),
    };
    Ok(Json(ChangeFull {
        checks: checks.into_iter().map(ChangeCheckView::from).collect(),
        runs: runs.iter().map(|run| RunView::new(run, &configuration)).collect(),
        queue: queue(&api, &change).await?,
        policy: policy.map(PolicyView::from),
        allowed,
        change: ChangeView::new(&change, &configuration),
    }))
}

/// Asks davit to merge a change as soon as nothing holds it up: with the head that somebody looked at.
#[utoipa::path(post, path = "/api/v1/changes/{id}/merge", params(("id" = i64, Path)), request_body = MergeBody,
    responses((status = 200, body = ChangeView), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub(crate) async fn ask_merge(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Body(body): Body<MergeBody>,
) -> Result<Json<ChangeView>, Problem> {
    let id = allow(&api, &caller, Action::Merge, ChangeId(id)).await?;
    api.engine.ask_merge(id, &body.head_sha.parse()?, caller.name()).await?;
    seen(&api, &caller, id).await
}

/// Takes back that davit was asked to merge a change.
#[utoipa::path(delete, path = "/api/v1/changes/{id}/merge", params(("id" = i64, Path)),
    responses((status = 200, body = ChangeView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn withdraw_merge(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<ChangeView>, Problem> {
    let id = allow(&api, &caller, Action::Merge, ChangeId(id)).await?;
    api.engine.withdraw_merge(id, caller.name()).await?;
    seen(&api, &caller, id).await
}

/// Has davit ask the forge about a change again.
#[utoipa::path(post, path = "/api/v1/changes/{id}/refresh", params(("id" = i64, Path)),
    responses((status = 200, body = ChangeView), (status = 404, body = Problem)))]
pub(crate) async fn refresh(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<ChangeView>, Problem> {
    let id = allow(&api, &caller, Action::Ask, ChangeId(id)).await?;
    api.engine.refresh_change(id).await?;
    seen(&api, &caller, id).await
}

/// The change, when the caller sees its repository, and what they see of the configuration.
async fn known(api: &Api, caller: &Caller, id: ChangeId) -> Result<(Change, Configuration), Problem> {
    let missing = || Problem::not_found(format!("there is no change {id}: this is davit's number, not the forge's"));
    let change = api.engine.store().change(id).await?.ok_or_else(missing)?;
    let configuration = caller.configuration(api).await?;
    caller.allow_repository(Action::See, &configuration, (&change.row.forge, &change.row.repository), missing)?;
    Ok((change, configuration))
}

/// Lets the request go on when the account may do this to the change.
async fn allow(api: &Api, caller: &Caller, action: Action, id: ChangeId) -> Result<ChangeId, Problem> {
    caller.allow_somewhere(action)?;
    let (change, configuration) = known(api, caller, id).await?;
    let missing = || Problem::not_found(format!("there is no change {id}"));
    caller.allow_repository(action, &configuration, (&change.row.forge, &change.row.repository), missing)?;
    Ok(id)
}

async fn seen(api: &Api, caller: &Caller, id: ChangeId) -> Result<Json<ChangeView>, Problem> {
    let (change, configuration) = known(api, caller, id).await?;
    Ok(Json(ChangeView::new(&change, &configuration)))
}

/// The queue of the change's base branch, first come first.
async fn queue(api: &Api, change: &Change) -> Result<Vec<QueueView>, Problem> {
    let (store, row) = (api.engine.store(), &change.row);
    let mut queue = Vec::new();
    for entry in store.queue_of(&row.forge, &row.repository, &row.base_branch).await? {
        if let Some(waiting) = store.change(entry.change).await? {
            queue.push(QueueView::new(queue.len() + 1, &entry, &waiting));
        }
    }
    Ok(queue)
}

/// `None`: every state.
fn state(word: &str) -> Result<Option<ChangeState>, Problem> {
    match (word, ChangeState::parse(word)) {
        ("all", _) => Ok(None),
        (_, Some(state)) => Ok(Some(state)),
        (_, None) => Err(Problem::invalid("state is open, merged, closed or all")),
    }
}
