//! The documentation as pages under `/docs`: the guide in `docs/` of the repository, in both languages, and a reference
//! made from the OpenAPI document. Anybody may read it, no script is needed, and what is asked for is only ever looked up
//! among what was rendered, never as a path.

mod language;
mod markdown;
mod needs;
mod reference;
mod schema;
mod search;
mod site;
mod template;

use crate::Api;
use crate::problem::{Path, Problem};
use axum::Router;
use axum::extract::RawQuery;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::get;
use davit_engine::EngineError;
use language::Language;
use site::{Document, Site};
use std::sync::OnceLock;
use tower_http::compression::CompressionLayer;
use url::form_urlencoded;

/// Rendered when somebody reads it for the first time: a process that nobody asks has nothing to do.
static SITE: OnceLock<Site> = OnceLock::new();

/// The pages, their pictures and their search.
pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/docs", get(async |headers: HeaderMap| document("", &headers).await))
        .route("/docs/", get(async || Redirect::permanent("/docs")))
        .route("/docs/search", get(async |RawQuery(query): RawQuery| found(Language::English, query).await))
        .route("/docs/zh-CN/search", get(async |RawQuery(query): RawQuery| found(Language::Chinese, query).await))
        .route(
            "/docs/{*path}",
            get(async |Path(path): Path<String>, headers: HeaderMap| document(&path, &headers).await),
        )
        .layer(CompressionLayer::new())
}

/// Rendering takes a while, so the first readers wait where they keep nobody else waiting.
async fn site() -> Result<&'static Site, Problem> {
    match SITE.get() {
        Some(site) => Ok(site),
        None => tokio::task::spawn_blocking(|| SITE.get_or_init(Site::render))
            .await
            .map_err(|error| EngineError::Unavailable(error.to_string()).into()),
    }
}

/// A page or picture, unless the reader has it already.
async fn document(path: &str, headers: &HeaderMap) -> Result<Response, Problem> {
    let site = site().await?;
    let Some(document) = site.document(path) else {
        return Ok(elsewhere(site, path).unwrap_or_else(|| missing(site, path)));
    };
    let Document { media_type, etag, bytes } = document;
    let known = headers.get(header::IF_NONE_MATCH).and_then(|tags| tags.to_str().ok());
    let known = known.is_some_and(|tags| tags.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag));
    let mut response = if known { StatusCode::NOT_MODIFIED.into_response() } else { bytes.into_response() };
    let answer = response.headers_mut();
    answer.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        answer.insert(header::ETAG, etag);
    }
    Ok(response)
}

/// Where an address leads that is written as the repository names its files, or with a slash too many.
fn elsewhere(site: &Site, path: &str) -> Option<Response> {
    let name = path.trim_end_matches('/');
    let name = name.strip_suffix(".md").unwrap_or(name);
    let name = name.strip_suffix("index").map_or(name, |directory| directory.trim_end_matches('/'));
    let known = name != path && site.document(name).is_some();
    known.then(|| Redirect::permanent(format!("/docs/{name}").trim_end_matches('/')).into_response())
}

fn missing(site: &Site, path: &str) -> Response {
    let page = site.missing(Language::of_path(path));
    (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-cache")], Html(page)).into_response()
}

/// The places that answer the first `q` of an address, whatever else stands in it: people read the answer, not programs.
async fn found(language: Language, query: Option<String>) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    let sought = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "q");
    let sought = sought.map(|(_, sought)| sought).unwrap_or_default();
    let page = site().await?.found(language, &sought);
    Ok(([(header::CACHE_CONTROL, "no-cache")], Html(page)).into_response())
}
