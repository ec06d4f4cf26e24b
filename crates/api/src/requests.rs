//! Release requests: list, review, edit, release, retry. Asking for them is in [`crate::asks`].

use crate::Api;
use crate::asks::what;
use crate::auth::Caller;
use crate::page::{Page, PageQuery};
use crate::problem::{Body, MaybeBody, Path, Problem, Query};
use crate::views::{RequestView, Seen};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use davit_domain::access::Action;
use davit_domain::ids::{HostName, RequestId};
use davit_domain::review::Person;
use davit_domain::time::Timestamp;
use davit_engine::intents::{Changes, Opinion, RetryHosts};
use davit_store::requests::{Request, RequestFilter};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;
use utoipa::{IntoParams, ToSchema};

/// Open requests that are looked through for those that wait for somebody.
const MOST_OPEN: i64 = 1_000;
const OPEN: [&str; 2] = ["awaiting_review", "awaiting_release"];
const OTHER: [&str; 4] = ["rejected", "withdrawn", "cancelled", "superseded"];

/// Which requests.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestQuery {
    /// One state.
    state: Option<String>,
    /// all, awaiting_review, awaiting_release, releasing, succeeded, failed, or other.
    #[param(inline)]
    group: Option<Group>,
    /// In title, description, commit, reference or author; or the number.
    q: Option<String>,
    app: Option<String>,
    environment: Option<String>,
    /// Who made them, as the list says it.
    author: Option<String>,
    /// The caller's own.
    #[serde(default)]
    mine: bool,
    /// Those that the caller may approve or release.
    #[serde(default)]
    waiting_for_me: bool,
    /// Those of a batch.
    batch: Option<i64>,
    /// 1 to 200; 50 without it.
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A tab of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Group {
    /// Every one.
    All,
    /// Somebody has to look.
    AwaitingReview,
    /// May go out.
    AwaitingRelease,
    /// Under way.
    Releasing,
    /// Live, or was.
    Succeeded,
    /// May be retried.
    Failed,
    /// Rejected, withdrawn, cancelled, superseded.
    Other,
}

impl Group {
    fn states(self) -> Vec<String> {
        let states: &[&str] = match self {
            Self::All => &[],
            Self::AwaitingReview => &["awaiting_review"],
            Self::AwaitingRelease => &["awaiting_release"],
            Self::Releasing => &["releasing"],
            Self::Succeeded => &["succeeded"],
            Self::Failed => &["failed"],
            Self::Other => &OTHER,
        };
        states.iter().map(ToString::to_string).collect()
    }
}

/// What a reviewer says along with yes.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApproveBody {
    /// The version that was seen: another one is not approved.
    version: Option<i64>,
    reason: Option<String>,
}

/// Why not.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RejectBody {
    /// The version that was seen.
    version: Option<i64>,
    reason: String,
}

/// How it goes out.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReleaseBody {
    /// The version that was seen: another one is not released.
    version: Option<i64>,
    /// Why it can't wait for locks, freeze windows and release windows to end.
    override_reason: Option<String>,
}

/// Which hosts to try again.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub(crate) struct RetryBody {
    #[serde(default)]
    hosts: RetryChoice,
}

/// All hosts, or those that did not end well.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RetryChoice {
    /// All of the last attempt.
    #[default]
    All,
    /// Those that did not end well.
    Failed,
}

/// What becomes another. What is absent stays as it is. Everything but `scheduled_at` makes a new version, which has no
/// approvals.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditBody {
    /// The version that was seen: another one is not edited.
    version: Option<i64>,
    title: Option<String>,
    description: Option<String>,
    /// A branch or tag; with `commit`: one that holds it.
    r#ref: Option<String>,
    /// A full SHA.
    commit: Option<String>,
    /// The number of a kept build.
    build: Option<i64>,
    /// Only these hosts; null: all.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    hosts: Option<Option<Vec<String>>>,
    /// All that is filled in.
    inputs: Option<BTreeMap<String, String>>,
    /// When it goes out by itself; null: when somebody lets it. Needs the right to release.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    scheduled_at: Option<Option<Timestamp>>,
    /// Whether the release config and the values are pinned as they are now.
    #[serde(default)]
    latest_config: bool,
}

/// What else it is made from.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CloneBody {
    /// Without it: the same.
    environment: Option<String>,
    /// Without it: the same.
    title: Option<String>,
}

/// How many requests there are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Counts {
    all: i64,
    awaiting_review: i64,
    awaiting_release: i64,
    releasing: i64,
    succeeded: i64,
    failed: i64,
    /// Rejected, withdrawn, cancelled, superseded.
    other: i64,
    rejected: i64,
    withdrawn: i64,
    cancelled: i64,
    superseded: i64,
    /// Those that the caller may approve or release.
    waiting_for_me: i64,
}

/// Null is something that was given.
#[expect(clippy::option_option, reason = "absent and null are two wishes")]
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Requests, newest first.
#[utoipa::path(get, path = "/api/v1/requests", params(RequestQuery),
    responses((status = 200, body = Page<RequestView>)))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<RequestQuery>,
) -> Result<Json<Page<RequestView>>, Problem> {
    caller.allow_somewhere(Action::See)?;
    let page = PageQuery { limit: query.limit, cursor: query.cursor.clone() };
    let (before, limit) = (page.before()?.map(RequestId), page.limit());
    let filter = filter(&api, &caller, &query).await?;
    let seen = Seen::new(&api, &caller).await?;
    let requests = if query.waiting_for_me {
        let mut waiting = waiting(&seen, &api, filter, before).await?;
        waiting.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        waiting
    } else {
        api.engine.store().requests(&filter, before, limit).await?
    };
    let mut items = Vec::with_capacity(requests.len());
    for request in requests {
        items.push(RequestView::load(&seen, request).await?);
    }
    Ok(Json(Page::cut(items, limit, |request| request.id)))
}

/// How many requests there are in each group and each state.
#[utoipa::path(get, path = "/api/v1/requests/counts", params(RequestQuery), responses((status = 200, body = Counts)))]
pub(crate) async fn counts(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<RequestQuery>,
) -> Result<Json<Counts>, Problem> {
    caller.allow_somewhere(Action::See)?;
    let filter = filter(&api, &caller, &query).await?;
    let counted = api.engine.store().request_counts(&filter).await?;
    let seen = Seen::new(&api, &caller).await?;
    let waiting = waiting(&seen, &api, filter, None).await?.len();
    let of = |state: &str| counted.get(state).copied().unwrap_or(0);
    Ok(Json(Counts {
        all: counted.values().sum(),
        awaiting_review: of("awaiting_review"),
        awaiting_release: of("awaiting_release"),
        releasing: of("releasing"),
        succeeded: of("succeeded"),
        failed: of("failed"),
        other: OTHER.iter().map(|state| of(state)).sum(),
        rejected: of("rejected"),
        withdrawn: of("withdrawn"),
        cancelled: of("cancelled"),
        superseded: of("superseded"),
        waiting_for_me: i64::try_from(waiting).unwrap_or(i64::MAX),
    }))
}

/// One request.
#[utoipa::path(get, path = "/api/v1/requests/{id}", params(("id" = i64, Path)),
    responses((status = 200, body = RequestView), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<RequestView>, Problem> {
    let request = allowed(&api, &caller, id, Action::See).await?;
    view(&api, &caller, request).await
}

/// Changes what one's own request asks for; administrators may change anybody's. What was approved of it is void.
#[utoipa::path(patch, path = "/api/v1/requests/{id}", params(("id" = i64, Path)), request_body = EditBody,
    responses((status = 200, body = RequestView), (status = 403, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn edit(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Body(body): Body<EditBody>,
) -> Result<Json<RequestView>, Problem> {
    let request = allowed(&api, &caller, id, Action::Ask).await?;
    let EditBody { version, title, description, r#ref, commit, build, hosts, inputs, scheduled_at, latest_config } =
        body;
    // A form sends what it has been shown, too.
    let scheduled_at = scheduled_at.filter(|at| *at != request.schedule.as_ref().map(|schedule| schedule.at));
    if scheduled_at.is_some() {
        caller.allow_in(Action::Release, &request.app, &request.environment)?;
    }
    let is_named = r#ref.is_some() || commit.is_some() || build.is_some();
    let what = if is_named { Some(what(r#ref, commit, build)?) } else { None };
    let hosts = hosts.map(|hosts| hosts.map(|names| names.iter().map(|name| name.parse()).collect()).transpose());
    let hosts: Option<Option<Vec<HostName>>> = hosts.transpose()?;
    let changes = Changes { version, title, description, what, hosts, inputs, latest_config, scheduled_at };
    let anybodys = caller.may_in(Action::Configure, &request.app, &request.environment);
    let request = api.engine.edit_request(request.id, changes, caller.name(), anybodys).await?;
    view(&api, &caller, request).await
}

/// Approves.
#[utoipa::path(post, path = "/api/v1/requests/{id}/approve", params(("id" = i64, Path)), request_body = ApproveBody,
    responses((status = 200, body = RequestView), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn approve(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    MaybeBody(body): MaybeBody<ApproveBody>,
) -> Result<Json<RequestView>, Problem> {
    let request = allowed(&api, &caller, id, Action::Review).await?;
    let opinion = Opinion { by: person(&caller), version: body.version, reason: body.reason.as_deref() };
    view(&api, &caller, api.engine.approve(request.id, opinion).await?).await
}

/// Rejects, with a reason.
#[utoipa::path(post, path = "/api/v1/requests/{id}/reject", params(("id" = i64, Path)), request_body = RejectBody,
    responses((status = 200, body = RequestView), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn reject(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Body(body): Body<RejectBody>,
) -> Result<Json<RequestView>, Problem> {
    let request = allowed(&api, &caller, id, Action::Review).await?;
    let opinion = Opinion { by: person(&caller), version: body.version, reason: Some(&body.reason) };
    view(&api, &caller, api.engine.reject(request.id, opinion).await?).await
}

/// Takes one's own request back; administrators may take anybody's.
#[utoipa::path(post, path = "/api/v1/requests/{id}/withdraw", params(("id" = i64, Path)),
    responses((status = 200, body = RequestView), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn withdraw(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<RequestView>, Problem> {
    let request = allowed(&api, &caller, id, Action::Ask).await?;
    let anybodys = caller.may_in(Action::Configure, &request.app, &request.environment);
    view(&api, &caller, api.engine.withdraw(request.id, caller.name(), anybodys).await?).await
}

/// Lets an approved request go out; with a reason, whoever may override gates lets it pass locks and windows.
#[utoipa::path(post, path = "/api/v1/requests/{id}/release", params(("id" = i64, Path)), request_body = ReleaseBody,
    responses((status = 200, body = RequestView), (status = 403, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn release(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    MaybeBody(body): MaybeBody<ReleaseBody>,
) -> Result<Json<RequestView>, Problem> {
    let request = allowed(&api, &caller, id, Action::Release).await?;
    if body.override_reason.is_some() {
        caller.allow_in(Action::OverrideGates, &request.app, &request.environment)?;
    }
    let reason = body.override_reason.as_deref();
    view(&api, &caller, api.engine.release_passing(request.id, caller.name(), body.version, reason).await?).await
}

/// Lets a failed or cancelled request go out again.
#[utoipa::path(post, path = "/api/v1/requests/{id}/retry", params(("id" = i64, Path)), request_body = RetryBody,
    responses((status = 200, body = RequestView), (status = 409, body = Problem)))]
pub(crate) async fn retry(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Body(body): Body<RetryBody>,
) -> Result<Json<RequestView>, Problem> {
    let request = allowed(&api, &caller, id, Action::Release).await?;
    let hosts = match body.hosts {
        RetryChoice::All => RetryHosts::All,
        RetryChoice::Failed => RetryHosts::Failed,
    };
    view(&api, &caller, api.engine.retry(request.id, caller.name(), hosts).await?).await
}

/// Asks for the same once more, there or elsewhere, with the release config of now. Nothing goes out by this.
#[utoipa::path(post, path = "/api/v1/requests/{id}/clone", params(("id" = i64, Path)), request_body = CloneBody,
    responses((status = 201, body = RequestView), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn clone(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    headers: axum::http::HeaderMap,
    MaybeBody(body): MaybeBody<CloneBody>,
) -> Result<(StatusCode, Json<RequestView>), Problem> {
    caller.allow_somewhere(Action::Ask)?;
    let request = allowed(&api, &caller, id, Action::See).await?;
    let environment = match body.environment {
        Some(environment) => environment.parse()?,
        None => request.environment.clone(),
    };
    caller.allow_in(Action::Ask, &request.app, &environment)?;
    let key = crate::asks::idempotency_key(&headers, &caller)?;
    let cloned = api.engine.clone_request(request.id, Some(&environment), body.title, caller.name(), key).await?;
    Ok((StatusCode::CREATED, view(&api, &caller, cloned).await?))
}

/// A request to which the caller may do this.
pub(crate) async fn allowed(api: &Api, caller: &Caller, id: i64, action: Action) -> Result<Request, Problem> {
    caller.allow_somewhere(action)?;
    let missing = || Problem::not_found(format!("there is no request {id}"));
    let request = api.engine.store().request(RequestId(id)).await?.ok_or_else(missing)?;
    if !caller.may_in(Action::See, &request.app, &request.environment) {
        return Err(missing());
    }
    caller.allow_in(action, &request.app, &request.environment)?;
    Ok(request)
}

/// The caller as a reviewer.
pub(crate) fn person(caller: &Caller) -> Person<'_> {
    Person { name: caller.name(), groups: caller.groups() }
}

async fn filter(api: &Api, caller: &Caller, query: &RequestQuery) -> Result<RequestFilter, Problem> {
    let mut states: Vec<String> = query.state.iter().cloned().collect();
    states.extend(query.group.map(Group::states).unwrap_or_default());
    let mut authors: Vec<String> = query.author.iter().cloned().collect();
    if query.mine {
        authors.extend(api.engine.signatures(&caller.user).await?);
    }
    Ok(RequestFilter {
        states,
        app: query.app.as_deref().map(str::parse).transpose()?,
        environment: query.environment.as_deref().map(str::parse).transpose()?,
        authors,
        batch: query.batch,
        text: query.q.as_deref().map(|text| text.trim().trim_start_matches('#').to_owned()),
        places: caller.access().places(Action::See),
    })
}

/// The requests of the filter that the caller may approve or release.
async fn waiting(
    seen: &Seen<'_>,
    api: &Api,
    filter: RequestFilter,
    before: Option<RequestId>,
) -> Result<Vec<Request>, Problem> {
    let is_meant = |state: &&str| filter.states.is_empty() || filter.states.iter().any(|wanted| wanted == state);
    let states: Vec<String> = OPEN.iter().copied().filter(is_meant).map(str::to_owned).collect();
    let mut waiting = Vec::new();
    if states.is_empty() {
        return Ok(waiting);
    }
    for request in api.engine.store().requests(&RequestFilter { states, ..filter }, before, MOST_OPEN).await? {
        let allowed = seen.allowed(&request).await?;
        if allowed.approve || allowed.release {
            waiting.push(request);
        }
    }
    Ok(waiting)
}

async fn view(api: &Api, caller: &Caller, request: Request) -> Result<Json<RequestView>, Problem> {
    let seen = Seen::new(api, caller).await?;
    Ok(Json(RequestView::load(&seen, request).await?))
}
