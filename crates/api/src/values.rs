//! Values of hooks and actions, by scope. Secret ones come in and never go out.

use crate::Api;
use crate::auth::Caller;
use crate::page::{Page, PageQuery};
use crate::problem::{Body, Problem, Query};
use crate::words;
use axum::Json;
use axum::extract::State;
use davit_domain::access::Action;
use davit_domain::time::Timestamp;
use davit_domain::values::{Effective, ValueChange, ValueScope, difference, is_steering};
use davit_engine::values::{NewValue, ValueEdit, ValueHistory};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// What has to do with the server needs this on everything: what a reference reads there belongs to no app, and a name that
/// says what programs run does so in the server's steps, too.
const OF_SERVER: Action = Action::Configure;

pub(crate) fn values() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(list, save))
        .routes(routes!(history))
        .routes(routes!(diff))
        .routes(routes!(restore))
}

/// Which scope. Neither: every app.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ScopeQuery {
    app: Option<String>,
    /// Only with an app.
    environment: Option<String>,
}

/// Which scope, and how much of it.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListQuery {
    app: Option<String>,
    /// Only with an app.
    environment: Option<String>,
    /// Also what the scope has from more general ones.
    #[serde(default)]
    inherited: bool,
}

/// The values of a scope.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ValuesView {
    #[schema(value_type = words::ValueLevel)]
    scope: &'static str,
    /// Of this scope, without what it inherits; 0: nothing was saved yet.
    revision: i64,
    may: MayView,
    items: Vec<ValueView>,
}

/// What the caller may do here.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MayView {
    /// Set and remove plain and secret values.
    plain: bool,
    /// Set values that are read on the server.
    reference: bool,
}

/// A value.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ValueView {
    key: String,
    #[schema(value_type = words::ValueKind)]
    kind: &'static str,
    /// The text, the name of the variable or the path of the file; none of a secret.
    value: Option<String>,
    /// Where it is set: global, app or environment.
    #[schema(value_type = words::ValueLevel)]
    from: &'static str,
    /// Whether a more general scope has one of this name too.
    overrides: bool,
    updated_by: String,
    updated_at: String,
}

/// A change of a scope.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ValuesBody {
    app: Option<String>,
    /// Only with an app.
    environment: Option<String>,
    /// The revision that was looked at; 0: none yet.
    base_revision: i64,
    /// What is set, by name.
    #[serde(default)]
    set: BTreeMap<String, NewValueBody>,
    /// Names of what is taken away.
    #[serde(default)]
    remove: Vec<String>,
}

/// What a value is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewValueBody {
    kind: KindWord,
    /// The text, the name of a variable of the server, or the absolute path of a file there.
    #[schema(value_type = String)]
    value: SecretString,
}

/// What kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KindWord {
    Plain,
    Secret,
    Env,
    File,
}

/// One save of a scope.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ValuesRevisionView {
    revision: i64,
    at: String,
    by: String,
    changes: Vec<ValueChangeView>,
}

/// What became of a value.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ValueChangeView {
    key: String,
    #[schema(value_type = words::ValueChangeKind)]
    change: &'static str,
    /// What it is, or was before it was removed.
    #[schema(value_type = words::ValueKind)]
    kind: &'static str,
    before: Option<String>,
    after: Option<String>,
}

/// Two revisions to compare.
#[derive(Debug, Clone, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct DiffQuery {
    app: Option<String>,
    /// Only with an app.
    environment: Option<String>,
    /// 0: nothing.
    from: i64,
    to: i64,
}

/// What differs between two revisions.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ValuesDiff {
    from: i64,
    to: i64,
    changes: Vec<ValueChangeView>,
}

/// What to go back to.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RestoreBody {
    app: Option<String>,
    /// Only with an app.
    environment: Option<String>,
    revision: i64,
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Restored {
    /// The revision now.
    revision: i64,
    /// Secrets that are not as they were then: they have no history, and stay as they are.
    kept: Vec<String>,
}

/// The values of a scope; with `inherited`, everything that holds there.
#[utoipa::path(get, path = "/api/v1/values", params(ListQuery),
    responses((status = 200, body = ValuesView), (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<ListQuery>,
) -> Result<Json<ValuesView>, Problem> {
    let scope = scope(query.app.as_deref(), query.environment.as_deref())?;
    allow(&caller, Action::See, &scope)?;
    view(&api, &caller, &scope, query.inherited).await.map(Json)
}

/// Sets and removes values of a scope. Answers with what the scope has then.
#[utoipa::path(put, path = "/api/v1/values", request_body = ValuesBody,
    responses((status = 200, body = ValuesView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn save(
    State(api): State<Api>,
    caller: Caller,
    Body(body): Body<ValuesBody>,
) -> Result<Json<ValuesView>, Problem> {
    let scope = scope(body.app.as_deref(), body.environment.as_deref())?;
    allow(&caller, Action::ManageValues, &scope)?;
    let is_reference = |new: &NewValueBody| matches!(new.kind, KindWord::Env | KindWord::File);
    if body.set.iter().any(|(name, new)| is_reference(new) || is_steering(name)) {
        caller.allow(OF_SERVER)?;
    }
    let set = body.set.into_iter().map(|(name, new)| (name, new.into())).collect();
    let edit = ValueEdit { scope: scope.clone(), base_revision: body.base_revision, set, remove: body.remove };
    api.engine.save_values(edit, caller.name()).await?;
    view(&api, &caller, &scope, false).await.map(Json)
}

/// The saves of a scope, newest first.
#[utoipa::path(get, path = "/api/v1/values/history", params(ScopeQuery, PageQuery),
    responses((status = 200, body = Page<ValuesRevisionView>), (status = 404, body = Problem)))]
pub(crate) async fn history(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<ScopeQuery>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<ValuesRevisionView>>, Problem> {
    let scope = scope(query.app.as_deref(), query.environment.as_deref())?;
    allow(&caller, Action::See, &scope)?;
    let history = api.engine.value_history(&scope, page.before()?, page.limit()).await?;
    let items = history.into_iter().map(ValuesRevisionView::from).collect();
    Ok(Json(Page::cut(items, page.limit(), |item: &ValuesRevisionView| item.revision)))
}

/// What differs between two revisions of a scope.
#[utoipa::path(get, path = "/api/v1/values/diff", params(DiffQuery),
    responses((status = 200, body = ValuesDiff), (status = 404, body = Problem)))]
pub(crate) async fn diff(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<DiffQuery>,
) -> Result<Json<ValuesDiff>, Problem> {
    let scope = scope(query.app.as_deref(), query.environment.as_deref())?;
    allow(&caller, Action::See, &scope)?;
    let store = api.engine.store();
    let from = store.value_revision(&scope, query.from).await?;
    let to = store.value_revision(&scope, query.to).await?;
    let changes = difference(&from.values, &to.values).into_iter().map(ValueChangeView::from).collect();
    Ok(Json(ValuesDiff { from: query.from, to: query.to, changes }))
}

/// Brings an earlier revision back, as the next one; secrets stay as they are.
#[utoipa::path(post, path = "/api/v1/values/restore", request_body = RestoreBody,
    responses((status = 200, body = Restored), (status = 404, body = Problem)))]
pub(crate) async fn restore(
    State(api): State<Api>,
    caller: Caller,
    Body(body): Body<RestoreBody>,
) -> Result<Json<Restored>, Problem> {
    let scope = scope(body.app.as_deref(), body.environment.as_deref())?;
    allow(&caller, Action::ManageValues, &scope)?;
    let store = api.engine.store();
    let now = store.values(&scope).await?.values;
    let then = store.value_revision(&scope, body.revision).await?.values;
    // What comes back only comes back by who may set it.
    let is_of_server = |change: &ValueChange| {
        change.after_kind.is_some_and(|kind| matches!(kind, "env" | "file") || is_steering(&change.key))
    };
    if difference(&now, &then).iter().any(is_of_server) {
        caller.allow(OF_SERVER)?;
    }
    let kept = api.engine.restore_values(&scope, body.revision, caller.name()).await?;
    Ok(Json(Restored { revision: store.values(&scope).await?.number, kept }))
}

async fn view(api: &Api, caller: &Caller, scope: &ValueScope, inherited: bool) -> Result<ValuesView, Problem> {
    let own = api.engine.store().values(scope).await?;
    let mut all = api.engine.inherited_values(scope).await?;
    if !inherited {
        all.retain(|_, found| found.from == *scope);
    }
    Ok(ValuesView {
        scope: scope.word(),
        revision: own.number,
        may: MayView { plain: allow(caller, Action::ManageValues, scope).is_ok(), reference: caller.may(OF_SERVER) },
        items: all.into_iter().map(ValueView::from).collect(),
    })
}

fn scope(app: Option<&str>, environment: Option<&str>) -> Result<ValueScope, Problem> {
    Ok(match (app, environment) {
        (None, None) => ValueScope::Global,
        (Some(app), None) => ValueScope::App(app.parse()?),
        (Some(app), Some(environment)) => ValueScope::Place(app.parse()?, environment.parse()?),
        (None, Some(_)) => return Err(Problem::invalid("name the app too: values hold for an app in an environment")),
    })
}

fn allow(caller: &Caller, action: Action, scope: &ValueScope) -> Result<(), Problem> {
    match scope {
        ValueScope::Global => caller.allow(action),
        ValueScope::App(app) => caller.allow_app(action, app),
        ValueScope::Place(app, environment) => caller.allow_in(action, app, environment),
    }
}

impl From<(String, Effective)> for ValueView {
    fn from((key, found): (String, Effective)) -> Self {
        let Effective { set, from, overrides } = found;
        Self {
            key,
            kind: set.value.kind(),
            value: set.value.shown().map(str::to_owned),
            from: from.word(),
            overrides,
            updated_by: set.by,
            updated_at: Timestamp::from_millis(set.at).to_string(),
        }
    }
}

impl From<NewValueBody> for NewValue {
    fn from(body: NewValueBody) -> Self {
        use secrecy::ExposeSecret as _;
        let text = || body.value.expose_secret().to_owned();
        match body.kind {
            KindWord::Plain => Self::Plain(text()),
            KindWord::Secret => Self::Secret(body.value),
            KindWord::Env => Self::Env(text()),
            KindWord::File => Self::File(text()),
        }
    }
}

impl From<ValueChange> for ValueChangeView {
    fn from(change: ValueChange) -> Self {
        let ValueChange { key, change, before_kind, after_kind, before, after } = change;
        Self { key, change, kind: after_kind.or(before_kind).unwrap_or("plain"), before, after }
    }
}

impl From<ValueHistory> for ValuesRevisionView {
    fn from(history: ValueHistory) -> Self {
        let ValueHistory { revision, changes } = history;
        Self {
            revision: revision.number,
            at: revision.saved_at.to_string(),
            by: revision.saved_by,
            changes: changes.into_iter().map(ValueChangeView::from).collect(),
        }
    }
}
