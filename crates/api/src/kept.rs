//! What runs keep: artifacts, which people download, and caches, which later runs take.

use crate::Api;
use crate::auth::Caller;
use crate::page::Page;
use crate::problem::{Path, Problem, Query};
use crate::runs;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use davit_domain::access::Action;
use davit_domain::ids::{ArtifactId, CacheId, ForgeId};
use davit_store::ci_artifacts::Artifact;
use davit_store::ci_caches::Cache;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use tokio_util::io::ReaderStream;
use utoipa::{IntoParams, ToSchema};

/// A file that a run keeps.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ArtifactView {
    id: i64,
    name: String,
    /// Bytes.
    size: u64,
    created_at: String,
    expires_at: String,
}

impl From<&Artifact> for ArtifactView {
    fn from(artifact: &Artifact) -> Self {
        Self {
            id: artifact.id.0,
            name: artifact.name.clone(),
            size: artifact.size,
            created_at: artifact.created_at.to_string(),
            expires_at: artifact.expires_at.to_string(),
        }
    }
}

/// Whose caches.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct CacheFilter {
    forge: String,
    /// `owner/name`.
    repository: String,
}

/// Files that runs hand on to later ones.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CacheView {
    id: i64,
    /// The branch whose runs made it, in full.
    git_ref: String,
    key: String,
    /// Bytes.
    size: u64,
    created_at: String,
    used_at: String,
}

impl From<Cache> for CacheView {
    fn from(cache: Cache) -> Self {
        Self {
            id: cache.id.0,
            git_ref: cache.git_ref,
            key: cache.key,
            size: cache.size,
            created_at: cache.created_at.to_string(),
            used_at: cache.used_at.to_string(),
        }
    }
}

/// An artifact, as a tar.gz.
#[utoipa::path(get, path = "/api/v1/artifacts/{id}", params(("id" = i64, Path)),
    responses((status = 200, body = Vec<u8>, content_type = "application/gzip"), (status = 404, body = Problem)))]
pub(crate) async fn download(State(api): State<Api>, caller: Caller, Path(id): Path<i64>) -> Result<Response, Problem> {
    let (artifact, path) = api.engine.open_artifact(ArtifactId(id)).await?;
    let missing = || Problem::not_found(format!("there is no artefact {id}, or its time is over"));
    runs::known(&api, &caller, artifact.run).await.map_err(|problem| problem.or_missing(missing))?;
    let file = tokio::fs::File::open(&path).await.map_err(|error| {
        tracing::error!(%error, artifact = id, "an artifact can't be read");
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            format!("the artifact {id} can't be read on the server: {error}. Run its job again to make it anew"),
        )
    })?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/gzip")),
        (header::CONTENT_LENGTH, HeaderValue::from(artifact.size)),
        (header::CONTENT_DISPOSITION, attachment(&format!("{}.tar.gz", artifact.name))),
    ];
    Ok((headers, Body::from_stream(ReaderStream::new(file))).into_response())
}

/// The caches of a repository, the one used last first.
#[utoipa::path(get, path = "/api/v1/caches", params(CacheFilter),
    responses((status = 200, body = Page<CacheView>), (status = 422, body = Problem)))]
pub(crate) async fn caches(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<CacheFilter>,
) -> Result<Json<Page<CacheView>>, Problem> {
    let forge: ForgeId = query.forge.parse()?;
    let configuration = caller.configuration(&api).await?;
    if !caller.may_repository(Action::See, &configuration, (&forge, &query.repository)) {
        return Ok(Json(Page::whole(Vec::new())));
    }
    let found = api.engine.store().caches(&forge, &query.repository).await?;
    Ok(Json(Page::whole(found.into_iter().map(CacheView::from).collect())))
}

/// Removes a cache: the next run makes it anew.
#[utoipa::path(delete, path = "/api/v1/caches/{id}", params(("id" = i64, Path)),
    responses((status = 204), (status = 404, body = Problem)))]
pub(crate) async fn delete_cache(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<StatusCode, Problem> {
    caller.allow_somewhere(Action::ManageCaches)?;
    let missing = || Problem::not_found(format!("there is no cache {id}: it may have been removed"));
    let cache = api.engine.store().cache(CacheId(id)).await?.ok_or_else(missing)?;
    let configuration = caller.configuration(&api).await?;
    let repository = (&cache.forge, cache.repository.as_str());
    caller.allow_repository(Action::ManageCaches, &configuration, repository, missing)?;
    api.engine.delete_cache(CacheId(id), caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A `Content-Disposition` that saves under this name (RFC 6266). Workflows choose names: nothing of one reaches the
/// header but letters, digits and what is percent-encoded, and nothing of it is a path.
fn attachment(name: &str) -> HeaderValue {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.');
    let fallback: String = name.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect();
    let mut encoded = String::with_capacity(name.len());
    for byte in name.replace(['/', '\\'], "_").bytes() {
        if plain(char::from(byte)) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    let text = format!("attachment; filename=\"{fallback}\"; filename*=UTF-8''{encoded}");
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::attachment;

    #[test]
    fn a_name_stays_a_name() {
        for (name, expected) in [
            ("build.tar.gz", "attachment; filename=\"build.tar.gz\"; filename*=UTF-8''build.tar.gz"),
            ("../a\"b;\r\nX: y", "attachment; filename=\".._a_b___X__y\"; filename*=UTF-8''.._a%22b%3B%0D%0AX%3A%20y"),
            ("发布", "attachment; filename=\"__\"; filename*=UTF-8''%E5%8F%91%E5%B8%83"),
        ] {
            assert_eq!(attachment(name), expected);
        }
    }
}
