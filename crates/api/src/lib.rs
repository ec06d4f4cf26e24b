//! HTTP: webhooks, the JSON API under `/api/v1`, server-sent events, health, metrics, and the embedded UI.
//!
//! One file a resource; a handler is extract → allow → one call of the engine or the store → view. Response shapes
//! ([`views`]) are not domain types, so that the API stays put when the domain moves. Nothing here decides anything.

mod alerts;
mod apps;
mod asks;
mod auth;
mod badge;
mod builds;
mod changes;
mod channels;
mod chat;
mod comparison;
mod configs;
mod configuration;
mod declared;
mod deliveries;
mod delivery;
mod deployments;
mod diffs;
mod docs;
mod doctor;
mod document;
mod events;
mod feed;
mod forges;
mod groups;
mod health;
mod host_keys;
mod hosts;
mod job_logs;
mod kept;
mod limiter;
mod live;
mod locks;
mod log_windows;
mod needs;
mod operate;
mod origin;
mod outbox;
mod overview;
mod page;
mod people;
mod problem;
mod repositories;
mod request_batches;
mod requests;
mod runs;
mod search;
mod secrets;
mod session;
mod sight;
mod sign_in;
mod terminals;
mod tokens;
mod ui;
mod values;
mod views;
mod webhook;
mod words;
mod workflows;

use axum::Router;
use axum::handler::Handler;
use axum::http::{HeaderName, HeaderValue, header};
use axum::routing::get;
use davit_engine::Engine;
use limiter::LoginLimiter;
use std::sync::Arc;
use tower_http::compression::CompressionLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Renders the metrics that the process has collected, in Prometheus' text form.
pub type RenderMetrics = Arc<dyn Fn() -> String + Send + Sync>;

/// How much may come in.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Of a build or file that is uploaded. Bytes.
    pub upload: u64,
}

/// 2 GiB.
impl Default for Limits {
    fn default() -> Self {
        Self { upload: 2 * 1024 * 1024 * 1024 }
    }
}

/// What the handlers share.
#[derive(Clone)]
pub(crate) struct Api {
    engine: Engine,
    limits: Limits,
    logins: Arc<LoginLimiter>,
    searches: Arc<log_windows::Searches>,
    figures: Arc<delivery::Recent>,
    hooks: Arc<webhook::Hooks>,
    render_metrics: RenderMetrics,
}

#[derive(OpenApi)]
#[openapi(info(
    title = "davit",
    description = "Releases, their hosts and their history. Log in for a session cookie, or send an API token: \
                   `Authorization: Bearer davit_…`. Errors are `application/problem+json` with a stable `code`.",
    license(name = "Apache-2.0", identifier = "Apache-2.0")
))]
struct Document;

/// Every route, over one engine. Serve it with connect info: who logs in from where is limited by address.
pub fn router(engine: Engine, render_metrics: RenderMetrics, limits: Limits) -> Router {
    let hooks = Arc::new(webhook::Hooks::default());
    let (logins, searches, figures) = Default::default();
    let api = Api { engine, limits, logins, searches, figures, hooks, render_metrics };
    let (v1, document) = described();
    let document = Arc::new(document);
    let openapi = get(move || {
        let document = Arc::clone(&document);
        async move { axum::Json((*document).clone()) }
    });
    let routes = Router::new()
        .merge(v1)
        .route("/api/v1/openapi.json", openapi)
        .route("/api/{*rest}", axum::routing::any(problem::no_such_route))
        .merge(webhook::routes())
        .merge(chat::routes())
        .merge(sign_in::routes())
        .merge(health::routes())
        .merge(badge::routes())
        .merge(docs::routes())
        .fallback(ui::serve.layer(CompressionLayer::new()))
        .with_state(api);
    let routes = routes.layer(axum::middleware::from_fn(problem::refuse_nul));
    security_headers(routes).layer(axum::middleware::from_fn(origin::note))
}

/// The OpenAPI document, as served.
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    described().1
}

/// The routes, and the document about them.
fn described() -> (Router<Api>, utoipa::openapi::OpenApi) {
    let (routes, mut document) = v1().split_for_parts();
    document::complete(&mut document);
    (routes, document)
}

fn v1() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(overview::overview))
        .routes(routes!(search::search))
        .routes(routes!(delivery::show))
        .routes(routes!(apps::list))
        .routes(routes!(apps::show))
        .routes(routes!(apps::releases))
        .routes(routes!(apps::config_toml))
        .routes(routes!(live::show, live::ask))
        .routes(routes!(builds::list, builds::upload))
        .routes(routes!(builds::show))
        .routes(routes!(builds::list_files, builds::upload_file))
        .routes(routes!(deployments::list))
        .routes(routes!(deployments::show))
        .routes(routes!(deployments::cancel))
        .routes(routes!(operate::go_on))
        .routes(routes!(operate::revert))
        .routes(routes!(operate::retry_host))
        .routes(routes!(operate::skip_host))
        .routes(routes!(operate::override_gates))
        .routes(routes!(locks::list, locks::create))
        .routes(routes!(locks::delete))
        .routes(routes!(locks::gates))
        .routes(routes!(deployments::logs))
        .routes(routes!(deployments::log_text))
        .routes(routes!(log_windows::window))
        .routes(routes!(log_windows::search))
        .routes(routes!(comparison::show))
        .routes(routes!(comparison::lines))
        .routes(routes!(events::log_stream))
        .routes(routes!(events::changes))
        .routes(routes!(hosts::list))
        .routes(routes!(hosts::verify))
        .routes(routes!(hosts::accept_key))
        .routes(routes!(hosts::public_key))
        .routes(routes!(host_keys::install))
        .routes(routes!(host_keys::scan))
        .routes(routes!(host_keys::accept))
        .routes(routes!(host_keys::import))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::show))
        .routes(routes!(deliveries::replay))
        .routes(routes!(outbox::list))
        .routes(routes!(outbox::show))
        .routes(routes!(outbox::retry))
        .routes(routes!(forges::list))
        .routes(routes!(forges::show))
        .routes(routes!(forges::check))
        .routes(routes!(forges::register_hook))
        .routes(routes!(forges::deploy_key))
        .routes(routes!(alerts::list))
        .routes(routes!(doctor::examine))
        .routes(routes!(configuration::environments))
        .routes(routes!(secrets::list))
        .routes(routes!(secrets::put, secrets::delete))
        .routes(routes!(configuration::apply))
        .routes(routes!(configuration::export))
        .merge(watching())
        .merge(ci())
        .merge(release_requests())
        .merge(sign_in::sign_in())
        .merge(people::people())
        .merge(channels::channels())
        .merge(values::values())
        .merge(configs::configs())
        .merge(declared::declared())
}

/// Asking for releases, and what becomes of it.
fn release_requests() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(asks::refs))
        .routes(routes!(asks::commits))
        .routes(routes!(asks::deploy))
        .routes(routes!(asks::rollback))
        .routes(routes!(diffs::of_commit))
        .routes(routes!(diffs::file_of_commit))
        .routes(routes!(requests::list))
        .routes(routes!(requests::counts))
        .routes(routes!(requests::show, requests::edit))
        .routes(routes!(requests::approve))
        .routes(routes!(requests::reject))
        .routes(routes!(requests::withdraw))
        .routes(routes!(requests::release))
        .routes(routes!(requests::retry))
        .routes(routes!(requests::clone))
        .routes(routes!(diffs::of_request))
        .routes(routes!(diffs::file_of_request))
        .routes(routes!(request_batches::create))
        .routes(routes!(request_batches::show))
        .routes(routes!(request_batches::approve))
        .routes(routes!(request_batches::reject))
        .routes(routes!(request_batches::withdraw))
        .routes(routes!(request_batches::release))
}

/// Who did what, and people's shells on hosts.
fn watching() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(feed::list))
        .routes(routes!(feed::export))
        .routes(routes!(feed::actions))
        .routes(routes!(terminals::create))
        .routes(routes!(terminals::list))
        .routes(routes!(terminals::show, terminals::end))
        .routes(routes!(terminals::recording))
        .routes(routes!(terminals::socket))
}

/// Runs, changes, and what stands around them.
fn ci() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(runs::list))
        .routes(routes!(runs::show))
        .routes(routes!(runs::search))
        .routes(routes!(runs::cancel))
        .routes(routes!(runs::retry))
        .routes(routes!(runs::approve))
        .routes(routes!(kept::download))
        .routes(routes!(kept::caches))
        .routes(routes!(kept::delete_cache))
        .routes(routes!(workflows::list))
        .routes(routes!(workflows::start))
        .routes(routes!(changes::list))
        .routes(routes!(changes::show))
        .routes(routes!(changes::ask_merge, changes::withdraw_merge))
        .routes(routes!(changes::refresh))
        .routes(routes!(repositories::list))
        .routes(routes!(job_logs::logs))
        .routes(routes!(job_logs::log_text))
        .routes(routes!(log_windows::search_job))
        .routes(routes!(job_logs::outline))
        .routes(routes!(events::job_log_stream))
}

/// The UI loads nothing from anywhere else, is framed by nobody, and no answer is taken for another type.
fn security_headers(routes: Router) -> Router {
    const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                          frame-ancestors 'none'; base-uri 'none'; form-action 'self'";
    let set = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    routes
        .layer(set(header::CONTENT_SECURITY_POLICY, POLICY))
        .layer(set(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(set(header::REFERRER_POLICY, "same-origin"))
        .layer(set(header::X_FRAME_OPTIONS, "DENY"))
}
