//! What `davit.toml` says, one item at a time, as forms: apps, environments, hosts, forges, repositories and channels.

use crate::Api;
use crate::auth::Caller;
use crate::problem::{Body, Path, Problem, Query};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use davit_domain::access::Action;
use davit_domain::config::{
    App, Channel, Environment, Forge, Form, Host, RepositorySettings, app_form, channel_form, environment_form,
    forge_form, host_form, repository_form,
};
use davit_domain::ids::{AppKey, ChannelId, EnvironmentKey, ForgeId, HostName};
use davit_engine::configs::{Base, Item, NamedSecrets, Order, Put};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub(crate) fn declared() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create_app))
        .routes(routes!(change_app, delete_app))
        .routes(routes!(show_environment, put_environment, delete_environment))
        .routes(routes!(show_host, put_host, delete_host))
        .routes(routes!(show_forge))
        .routes(routes!(put_forge, delete_forge))
        .routes(routes!(show_repository, put_repository, delete_repository))
        .routes(routes!(show_channel, put_channel, delete_channel))
}

/// A new app.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewApp {
    key: String,
    /// None: its key.
    name: Option<String>,
    /// `{forge, name}`, with a `url` where git fetches from elsewhere; or `{url}`.
    #[schema(value_type = Object)]
    repository: serde_json::Value,
}

/// What to change of an app. What is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppChange {
    name: Option<String>,
    #[schema(value_type = Option<Object>)]
    repository: Option<serde_json::Value>,
}

/// An environment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnvironmentBody {
    /// What `[[environment]]` says, without `key`.
    #[schema(value_type = Object)]
    form: Form,
    /// Its place in the list, from 0; absent: where it is, or the end.
    order: Option<usize>,
    /// With `order`: the keys of all environments in the order that the person saw; absent: whatever the order is.
    seen_order: Option<Vec<String>>,
    /// The form that the person saw, `null` where there was none; absent: whatever there is is replaced.
    #[serde(default, deserialize_with = "base")]
    #[schema(value_type = Option<Object>)]
    base: Base,
    /// Whether to stop when everything is checked.
    #[serde(default)]
    dry_run: bool,
}

/// A host, forge, repository or channel.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PutBody {
    /// What `[[host]]`, `[[forge]]`, `[[repository]]` or `[[channel]]` says, without what the address says.
    #[schema(value_type = Object)]
    form: Form,
    /// Values of what the form names as `{ "secret": "name" }`, by that name. What is absent stays as it is stored.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>)]
    secrets: NamedSecrets,
    /// The form that the person saw, `null` where there was none; absent: whatever there is is replaced.
    #[serde(default, deserialize_with = "base")]
    #[schema(value_type = Option<Object>)]
    base: Base,
    /// Whether to stop when everything is checked.
    #[serde(default)]
    dry_run: bool,
}

/// Something declared.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Declared {
    /// Its key or name.
    key: String,
    #[schema(value_type = Object)]
    form: Form,
    /// Names of the stored secrets that nothing else names: those that can go with it when it is taken away.
    own_secrets: Vec<String>,
}

/// What goes with it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct RemovalQuery {
    /// Names of stored secrets that nothing else names, with commas between them. Without it they stay.
    #[serde(default)]
    secrets: String,
}

impl RemovalQuery {
    fn names(&self) -> Vec<String> {
        self.secrets.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
    }
}

/// Makes an app.
#[utoipa::path(post, path = "/api/v1/apps", request_body = NewApp,
    responses((status = 201, body = Declared), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn create_app(
    State(api): State<Api>,
    caller: Caller,
    Body(body): Body<NewApp>,
) -> Result<(StatusCode, Json<Declared>), Problem> {
    caller.allow(Action::Configure)?;
    let key: AppKey = body.key.parse()?;
    let form = app_fields(body.name, Some(body.repository));
    let app = api.engine.put_app(&key, &form, true, caller.name()).await?;
    Ok((StatusCode::CREATED, Json(app.into())))
}

/// Changes an app's name or repository.
#[utoipa::path(patch, path = "/api/v1/apps/{app}", params(("app" = String, Path)), request_body = AppChange,
    responses((status = 200, body = Declared), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn change_app(
    State(api): State<Api>,
    caller: Caller,
    Path(app): Path<String>,
    Body(body): Body<AppChange>,
) -> Result<Json<Declared>, Problem> {
    let key: AppKey = app.parse()?;
    caller.allow_app(Action::Configure, &key)?;
    // A repository may be any that the server can read, so it is not the app's own affair.
    if body.repository.is_some() {
        caller.allow(Action::Configure)?;
    }
    let form = app_fields(body.name, body.repository);
    Ok(Json(api.engine.put_app(&key, &form, false, caller.name()).await?.into()))
}

/// Takes an app away, with its release configs and values. What it left on hosts stays, and so does its history.
#[utoipa::path(delete, path = "/api/v1/apps/{app}", params(("app" = String, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn delete_app(
    State(api): State<Api>,
    caller: Caller,
    Path(app): Path<String>,
) -> Result<StatusCode, Problem> {
    let key: AppKey = app.parse()?;
    caller.allow_app(Action::Configure, &key)?;
    api.engine.delete_app(&key, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An environment as a form.
#[utoipa::path(get, path = "/api/v1/environments/{environment}", params(("environment" = String, Path)),
    responses((status = 200, body = Declared), (status = 404, body = Problem)))]
pub(crate) async fn show_environment(
    State(api): State<Api>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<Json<Declared>, Problem> {
    let key: EnvironmentKey = key.parse()?;
    caller.allow_environment(Action::See, &key)?;
    let found = api.engine.store().environment(&key).await?;
    Ok(Json(found.ok_or_else(|| Problem::not_found(format!("there is no environment {key}")))?.into()))
}

/// Makes an environment, or replaces what is said of it.
#[utoipa::path(put, path = "/api/v1/environments/{environment}", params(("environment" = String, Path)), request_body = EnvironmentBody,
    responses((status = 200, body = Declared), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn put_environment(
    State(api): State<Api>,
    caller: Caller,
    Path(key): Path<String>,
    Body(body): Body<EnvironmentBody>,
) -> Result<Json<Declared>, Problem> {
    let key: EnvironmentKey = key.parse()?;
    caller.allow(Action::Configure)?;
    let EnvironmentBody { form, order, seen_order, base, dry_run } = body;
    let (put, order) =
        (Put { form, secrets: NamedSecrets::new(), base, dry_run }, Order { place: order, seen: seen_order });
    Ok(Json(api.engine.put_environment(&key, &put, &order, caller.name()).await?.into()))
}

/// Takes an environment away that nothing refers to any more.
#[utoipa::path(delete, path = "/api/v1/environments/{environment}", params(("environment" = String, Path)),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn delete_environment(
    State(api): State<Api>,
    caller: Caller,
    Path(key): Path<String>,
) -> Result<StatusCode, Problem> {
    let key: EnvironmentKey = key.parse()?;
    caller.allow(Action::Configure)?;
    api.engine.delete_environment(&key, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A host as a form.
#[utoipa::path(get, path = "/api/v1/hosts/{name}", params(("name" = String, Path)),
    responses((status = 200, body = Declared), (status = 404, body = Problem)))]
pub(crate) async fn show_host(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<Declared>, Problem> {
    let name: HostName = name.parse()?;
    let missing = || Problem::not_found(format!("there is no host named {name}"));
    caller.allow_somewhere(Action::ManageHosts)?;
    let host = api.engine.store().host(&name).await?.ok_or_else(missing)?;
    caller.allow_host(Action::ManageHosts, &host)?;
    with_secrets(&api, Item::Host(&name), host).await
}

/// Makes a host, or replaces what is said of it.
#[utoipa::path(put, path = "/api/v1/hosts/{name}", params(("name" = String, Path)), request_body = PutBody,
    responses((status = 200, body = Declared), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn put_host(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Body(body): Body<PutBody>,
) -> Result<Json<Declared>, Problem> {
    let name: HostName = name.parse()?;
    caller.allow(Action::Configure)?;
    let host = api.engine.put_host(&name, &body.into(), caller.name()).await?;
    with_secrets(&api, Item::Host(&name), host).await
}

/// Takes a host away that nothing refers to any more. What is on it stays.
#[utoipa::path(delete, path = "/api/v1/hosts/{name}", params(("name" = String, Path), RemovalQuery),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub(crate) async fn delete_host(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Query(removal): Query<RemovalQuery>,
) -> Result<StatusCode, Problem> {
    let name: HostName = name.parse()?;
    caller.allow(Action::Configure)?;
    api.engine.delete_host(&name, &removal.names(), caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A forge as a form: what its secrets are called, never what they are.
#[utoipa::path(get, path = "/api/v1/forges/{id}/form", params(("id" = String, Path)),
    responses((status = 200, body = Declared), (status = 404, body = Problem)))]
pub(crate) async fn show_forge(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Declared>, Problem> {
    let id: ForgeId = id.parse()?;
    caller.allow(Action::Configure)?;
    let found = api.engine.store().forge(&id).await?;
    let forge = found.ok_or_else(|| Problem::not_found(format!("there is no forge named {id}")))?;
    with_secrets(&api, Item::Forge(&id), forge).await
}

/// Makes a forge, or replaces what is said of it. Secrets that come along are stored with it.
#[utoipa::path(put, path = "/api/v1/forges/{id}", params(("id" = String, Path)), request_body = PutBody,
    responses((status = 200, body = Declared), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn put_forge(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    Body(body): Body<PutBody>,
) -> Result<Json<Declared>, Problem> {
    let id: ForgeId = id.parse()?;
    caller.allow(Action::Configure)?;
    let forge = api.engine.put_forge(&id, &body.into(), caller.name()).await?;
    with_secrets(&api, Item::Forge(&id), forge).await
}

/// Takes a forge away that nothing refers to any more.
#[utoipa::path(delete, path = "/api/v1/forges/{id}", params(("id" = String, Path), RemovalQuery),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub(crate) async fn delete_forge(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    Query(removal): Query<RemovalQuery>,
) -> Result<StatusCode, Problem> {
    let id: ForgeId = id.parse()?;
    caller.allow(Action::Configure)?;
    api.engine.delete_forge(&id, &removal.names(), caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is said of a repository that davit tests, as a form: what its secrets are called, never what they are.
#[utoipa::path(get, path = "/api/v1/repositories/{forge}/{*repository}",
    params(("forge" = String, Path), ("repository" = String, Path, description = "`owner/name`, with its slashes or with `%2F`")),
    responses((status = 200, body = Declared), (status = 404, body = Problem)))]
pub(crate) async fn show_repository(
    State(api): State<Api>,
    caller: Caller,
    Path((forge, name)): Path<(String, String)>,
) -> Result<Json<Declared>, Problem> {
    let forge: ForgeId = forge.parse()?;
    caller.allow(Action::Configure)?;
    let repository = api.engine.repository(&forge, &name).await?;
    with_secrets(&api, Item::Repository(&forge, &name), repository).await
}

/// Has davit test a repository from its next push on, or replaces what is said of it. Secrets that come along are stored
/// with it.
#[utoipa::path(put, path = "/api/v1/repositories/{forge}/{*repository}", request_body = PutBody,
    params(("forge" = String, Path), ("repository" = String, Path, description = "`owner/name`, with its slashes or with `%2F`")),
    responses((status = 200, body = Declared), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn put_repository(
    State(api): State<Api>,
    caller: Caller,
    Path((forge, name)): Path<(String, String)>,
    Body(body): Body<PutBody>,
) -> Result<Json<Declared>, Problem> {
    let forge: ForgeId = forge.parse()?;
    caller.allow(Action::Configure)?;
    let repository = api.engine.put_repository(&forge, &name, &body.into(), caller.name()).await?;
    with_secrets(&api, Item::Repository(&forge, &name), repository).await
}

/// Has davit test and merge a repository no more. Its runs stay as long as they are kept.
#[utoipa::path(delete, path = "/api/v1/repositories/{forge}/{*repository}",
    params(("forge" = String, Path), ("repository" = String, Path, description = "`owner/name`, with its slashes or with `%2F`"),
        RemovalQuery),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem),
        (status = 422, body = Problem)))]
pub(crate) async fn delete_repository(
    State(api): State<Api>,
    caller: Caller,
    Path((forge, name)): Path<(String, String)>,
    Query(removal): Query<RemovalQuery>,
) -> Result<StatusCode, Problem> {
    let forge: ForgeId = forge.parse()?;
    caller.allow(Action::Configure)?;
    api.engine.delete_repository(&forge, &name, &removal.names(), caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A channel as a form: what its secrets are called, never what they are.
#[utoipa::path(get, path = "/api/v1/channels/{id}", params(("id" = String, Path)),
    responses((status = 200, body = Declared), (status = 404, body = Problem)))]
pub(crate) async fn show_channel(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<Declared>, Problem> {
    let id: ChannelId = id.parse()?;
    caller.allow(Action::ManageChannels)?;
    with_secrets(&api, Item::Channel(&id), api.engine.channel(&id).await?).await
}

/// Makes a channel, or replaces what is said of it. Secrets that come along are stored with it.
#[utoipa::path(put, path = "/api/v1/channels/{id}", params(("id" = String, Path)), request_body = PutBody,
    responses((status = 200, body = Declared), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn put_channel(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    Body(body): Body<PutBody>,
) -> Result<Json<Declared>, Problem> {
    let id: ChannelId = id.parse()?;
    caller.allow(Action::Configure)?;
    let channel = api.engine.put_channel(&id, &body.into(), caller.name()).await?;
    with_secrets(&api, Item::Channel(&id), channel).await
}

/// Takes a channel away that no release config names any more.
#[utoipa::path(delete, path = "/api/v1/channels/{id}", params(("id" = String, Path), RemovalQuery),
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub(crate) async fn delete_channel(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    Query(removal): Query<RemovalQuery>,
) -> Result<StatusCode, Problem> {
    let id: ChannelId = id.parse()?;
    caller.allow(Action::Configure)?;
    api.engine.delete_channel(&id, &removal.names(), caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// It, and which secrets are its own.
async fn with_secrets(api: &Api, item: Item<'_>, declared: impl Into<Declared>) -> Result<Json<Declared>, Problem> {
    let own_secrets = api.engine.secrets_of(item).await?;
    Ok(Json(Declared { own_secrets, ..declared.into() }))
}

/// What there was to see, which may well have been nothing.
fn base<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Base, D::Error> {
    Ok(Option::<Form>::deserialize(deserializer)?.map_or(Base::Nothing, Base::Form))
}

fn app_fields(name: Option<String>, repository: Option<serde_json::Value>) -> Form {
    let name = name.map(|name| ("name".to_owned(), name.into()));
    name.into_iter().chain(repository.map(|repository| ("repository".to_owned(), repository))).collect()
}

impl From<PutBody> for Put {
    fn from(PutBody { form, secrets, base, dry_run }: PutBody) -> Self {
        Self { form, secrets, base, dry_run }
    }
}

impl From<App> for Declared {
    fn from(app: App) -> Self {
        Self { key: app.key.to_string(), form: app_form(&app), own_secrets: Vec::new() }
    }
}

impl From<Environment> for Declared {
    fn from(environment: Environment) -> Self {
        Self { key: environment.key.to_string(), form: environment_form(&environment), own_secrets: Vec::new() }
    }
}

impl From<Host> for Declared {
    fn from(host: Host) -> Self {
        Self { key: host.name.to_string(), form: host_form(&host), own_secrets: Vec::new() }
    }
}

impl From<Forge> for Declared {
    fn from(forge: Forge) -> Self {
        Self { key: forge.id.to_string(), form: forge_form(&forge), own_secrets: Vec::new() }
    }
}

impl From<RepositorySettings> for Declared {
    fn from(repository: RepositorySettings) -> Self {
        Self {
            key: format!("{}/{}", repository.forge, repository.name),
            form: repository_form(&repository),
            own_secrets: Vec::new(),
        }
    }
}

impl From<Channel> for Declared {
    fn from(channel: Channel) -> Self {
        Self { key: channel.id.to_string(), form: channel_form(&channel), own_secrets: Vec::new() }
    }
}
