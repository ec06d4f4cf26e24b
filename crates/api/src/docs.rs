//! The documentation as pages under `/docs`: the guide in `docs/` of the repository, in both languages, and a reference
//! made from the OpenAPI document. Anybody may read it, no script is needed, and what is asked for is only ever looked up
//! among what was rendered, never as a path.

mod language;
mod markdown;
mod reference;
mod schema;
mod search;
mod site;

use crate::Api;
use crate::problem::{Path, Query};
use axum::Router;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use language::Language;
use serde::Deserialize;
use site::{Document, Site};
use std::sync::LazyLock;
use tower_http::compression::CompressionLayer;

/// Rendered when somebody reads it for the first time: a process that nobody asks has nothing to do.
static SITE: LazyLock<Site> = LazyLock::new(Site::render);

/// What is searched for.
#[derive(Debug, Deserialize)]
struct Search {
    #[serde(default)]
    q: String,
}

/// The pages, their pictures and their search.
pub(crate) fn routes() -> Router<Api> {
    Router::new()
        .route("/docs", get(async |headers: HeaderMap| document("", &headers)))
        .route("/docs/", get(async || Redirect::permanent("/docs")))
        .route("/docs/search", get(async |Query(search): Query<Search>| found(Language::English, &search)))
        .route("/docs/zh-CN/search", get(async |Query(search): Query<Search>| found(Language::Chinese, &search)))
        .route("/docs/{*path}", get(async |Path(path): Path<String>, headers: HeaderMap| document(&path, &headers)))
        .layer(CompressionLayer::new())
}

/// A page or picture, unless the reader has it already.
fn document(path: &str, headers: &HeaderMap) -> Response {
    let Some(document) = SITE.document(path) else {
        return elsewhere(path).unwrap_or_else(|| missing(path));
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
    response
}

/// Where an address leads that is written as the repository names its files, or with a slash too many.
fn elsewhere(path: &str) -> Option<Response> {
    let name = path.trim_end_matches('/');
    let name = name.strip_suffix(".md").unwrap_or(name);
    let name = name.strip_suffix("index").map_or(name, |directory| directory.trim_end_matches('/'));
    let known = name != path && SITE.document(name).is_some();
    known.then(|| Redirect::permanent(format!("/docs/{name}").trim_end_matches('/')).into_response())
}

fn missing(path: &str) -> Response {
    let page = SITE.missing(Language::of_path(path));
    (StatusCode::NOT_FOUND, [(header::CACHE_CONTROL, "no-cache")], axum::response::Html(page)).into_response()
}

fn found(language: Language, search: &Search) -> Response {
    let page = SITE.found(language, &search.q);
    ([(header::CACHE_CONTROL, "no-cache")], axum::response::Html(page)).into_response()
}
