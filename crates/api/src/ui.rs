//! The embedded UI: hashed files for ever, the page itself never from a cache.

use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
#[allow_missing = true]
struct Files;

/// A file of the UI, or its page for every address that the UI knows itself.
pub(crate) async fn serve(method: Method, uri: Uri) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        return (StatusCode::METHOD_NOT_ALLOWED, "this address can only be read\n").into_response();
    }
    let path = uri.path().trim_start_matches('/');
    if let Some(file) = Files::get(path) {
        let forever = path.starts_with("assets/");
        return answer(file, path, if forever { "public, max-age=31536000, immutable" } else { "no-cache" });
    }
    if path.starts_with("assets/") {
        return (StatusCode::NOT_FOUND, "no such file\n").into_response();
    }
    match Files::get("index.html") {
        Some(page) => answer(page, "index.html", "no-cache"),
        None => (StatusCode::NOT_FOUND, "This davit was built without its UI: run `make ui`, then build again.\n")
            .into_response(),
    }
}

fn answer(file: rust_embed::EmbeddedFile, path: &str, cache: &'static str) -> Response {
    let mut response = file.data.into_owned().into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

/// The types that the UI's build makes.
fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "json" | "map" => "application/json",
        "txt" => "text/plain; charset=utf-8",
        "woff2" => "font/woff2",
        _ => "application/octet-stream",
    }
}
