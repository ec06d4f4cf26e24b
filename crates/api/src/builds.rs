//! Builds that are kept, builds and files that people bring. What comes in goes to a file as it comes, never into memory.

use crate::Api;
use crate::auth::Caller;
use crate::page::{Page, PageQuery};
use crate::problem::{Path, Problem, Query};
use crate::sight::seen_app;
use crate::words;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use davit_domain::access::Action;
use davit_domain::ids::AppKey;
use davit_store::builds::{BuildRow, UploadRow};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path as Dir;
use std::time::Duration;
use tempfile::TempPath;
use tokio::io::AsyncWriteExt;
use utoipa::{IntoParams, ToSchema};

/// What an upload that broke off with its server left is removed after this.
const LEFT: Duration = Duration::from_secs(24 * 3600);

/// A kept build.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BuildView {
    id: i64,
    app: String,
    /// Of its content.
    digest: String,
    #[schema(value_type = words::BuildSource)]
    source: &'static str,
    /// Of an upload: the first 40 digits of its digest.
    commit: String,
    title: String,
    created_by: String,
    created_at: String,
    /// When it was last wanted.
    used_at: String,
    files: i64,
    bytes: i64,
}

/// An uploaded file, for the transfers of a custom release config.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UploadView {
    id: i64,
    app: String,
    /// What transfers call it; the newest of a name counts.
    name: String,
    digest: String,
    bytes: i64,
    created_by: String,
    created_at: String,
}

/// What an archive is.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct BuildQuery {
    /// For people; without it, the name.
    title: Option<String>,
    /// Of the file that it was.
    name: Option<String>,
}

/// What a file is.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct UploadQuery {
    /// What transfers call it.
    name: String,
}

impl From<BuildRow> for BuildView {
    fn from(build: BuildRow) -> Self {
        Self {
            id: build.id,
            app: build.app.to_string(),
            digest: build.digest,
            source: build.source.as_str(),
            commit: build.commit.to_string(),
            title: build.title,
            created_by: build.created_by,
            created_at: build.created_at.to_string(),
            used_at: build.used_at.to_string(),
            files: build.files,
            bytes: build.bytes,
        }
    }
}

impl From<UploadRow> for UploadView {
    fn from(upload: UploadRow) -> Self {
        Self {
            id: upload.id,
            app: upload.app.to_string(),
            name: upload.name,
            digest: upload.digest,
            bytes: upload.bytes,
            created_by: upload.created_by,
            created_at: upload.created_at.to_string(),
        }
    }
}

/// The newest builds of an app.
#[utoipa::path(get, path = "/api/v1/apps/{app}/builds", params(("app" = String, Path), PageQuery),
    responses((status = 200, body = Page<BuildView>), (status = 404, body = Problem)))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Path(app): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<BuildView>>, Problem> {
    let app = seen_app(&api, &caller, &app).await?.key;
    let builds = api.engine.store().builds(Some(&app), page.limit()).await?;
    Ok(Json(Page::whole(builds.into_iter().map(BuildView::from).collect())))
}

/// One build.
#[utoipa::path(get, path = "/api/v1/builds/{id}", params(("id" = i64, Path)),
    responses((status = 200, body = BuildView), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<BuildView>, Problem> {
    let missing = || Problem::not_found(format!("there is no build {id}: it may have been removed"));
    let build = api.engine.store().build(id).await?.ok_or_else(missing)?;
    let configuration = caller.configuration(&api).await?;
    // An app that is gone keeps its builds: they are for those who see everything.
    if !caller.may(Action::See) && configuration.apps.iter().all(|app| app.key != build.app) {
        return Err(missing());
    }
    Ok(Json(build.into()))
}

/// Makes a build of an archive: tar, tar.gz or zip. The same files again are the same build.
#[utoipa::path(post, path = "/api/v1/apps/{app}/builds", params(("app" = String, Path), BuildQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = BuildView), (status = 404, body = Problem), (status = 413, body = Problem),
              (status = 422, body = Problem)))]
pub(crate) async fn upload(
    State(api): State<Api>,
    caller: Caller,
    Path(app): Path<String>,
    Query(query): Query<BuildQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<BuildView>), Problem> {
    caller.allow_somewhere(Action::UploadBuild)?;
    let app = seen_app(&api, &caller, &app).await?;
    caller.allow_whole_app(Action::UploadBuild, &app)?;
    let app = app.key;
    let said = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
    let title = said(query.title).or(said(query.name)).unwrap_or_else(|| "Uploaded build".to_owned());
    let file = receive(&api, &headers, body).await?;
    let build = api.engine.import_build(&app, &title, caller.name(), file.to_path_buf()).await?;
    Ok((StatusCode::CREATED, Json(build.into())))
}

/// The newest uploaded files of an app.
#[utoipa::path(get, path = "/api/v1/apps/{app}/uploads", params(("app" = String, Path), PageQuery),
    responses((status = 200, body = Page<UploadView>), (status = 404, body = Problem)))]
pub(crate) async fn list_files(
    State(api): State<Api>,
    caller: Caller,
    Path(app): Path<String>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<UploadView>>, Problem> {
    let app: AppKey = seen_app(&api, &caller, &app).await?.key;
    let uploads = api.engine.store().uploads(&app, page.limit()).await?;
    Ok(Json(Page::whole(uploads.into_iter().map(UploadView::from).collect())))
}

/// Keeps a file for the transfers of a custom release config: requests that come take the newest of its name.
#[utoipa::path(post, path = "/api/v1/apps/{app}/uploads", params(("app" = String, Path), UploadQuery),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses((status = 201, body = UploadView), (status = 404, body = Problem), (status = 413, body = Problem),
              (status = 422, body = Problem)))]
pub(crate) async fn upload_file(
    State(api): State<Api>,
    caller: Caller,
    Path(app): Path<String>,
    Query(query): Query<UploadQuery>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<UploadView>), Problem> {
    caller.allow_somewhere(Action::UploadBuild)?;
    let app = seen_app(&api, &caller, &app).await?;
    caller.allow_whole_app(Action::UploadBuild, &app)?;
    let app = app.key;
    let file = receive(&api, &headers, body).await?;
    let upload = api.engine.add_upload(&app, query.name.trim(), caller.name(), file.to_path_buf()).await?;
    Ok((StatusCode::CREATED, Json(upload.into())))
}

/// Takes a body in; its file is removed when nobody has moved it away.
async fn receive(api: &Api, headers: &HeaderMap, body: Body) -> Result<TempPath, Problem> {
    let limit = api.limits.upload;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > limit) {
        return Err(too_large(limit));
    }
    let dir = api.engine.settings().data_dir.join("incoming");
    let file = tokio::task::spawn_blocking(move || make_file(&dir)).await;
    let (file, path) = file.map_err(io::Error::other).flatten().map_err(|error| full(&error))?;
    write(tokio::fs::File::from_std(file), limit, body).await?;
    Ok(path)
}

async fn write(mut file: tokio::fs::File, limit: u64, body: Body) -> Result<(), Problem> {
    let mut body = body.into_data_stream();
    let mut bytes = 0_u64;
    while let Some(part) = body.next().await {
        let part = part.map_err(|_| {
            Problem::new(StatusCode::BAD_REQUEST, "invalid", "the upload broke off before its end: send it again")
        })?;
        bytes = bytes.saturating_add(part.len() as u64);
        if bytes > limit {
            return Err(too_large(limit));
        }
        file.write_all(&part).await.map_err(|error| full(&error))?;
    }
    file.flush().await.map_err(|error| full(&error))
}

fn make_file(dir: &Dir) -> io::Result<(std::fs::File, TempPath)> {
    std::fs::create_dir_all(dir)?;
    for entry in std::fs::read_dir(dir)? {
        // Somebody else may have removed it meanwhile.
        let Ok(entry) = entry else { continue };
        if is_left(&entry).unwrap_or(false) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
    Ok(tempfile::NamedTempFile::new_in(dir)?.into_parts())
}

/// A file that somebody still writes to is younger.
fn is_left(entry: &std::fs::DirEntry) -> io::Result<bool> {
    Ok(entry.metadata()?.modified()?.elapsed().is_ok_and(|age| age > LEFT))
}

fn too_large(limit: u64) -> Problem {
    let detail = format!(
        "at most {} MiB may be uploaded here: leave out what is not released, or start the server with a larger \
         --largest-upload",
        limit / (1024 * 1024)
    );
    Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail)
}

fn full(error: &io::Error) -> Problem {
    tracing::error!(%error, "an upload can't be written");
    let detail = format!("the upload can't be written on the server: {error}. See that its disk has room");
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::FileTimes;
    use std::time::SystemTime;

    #[tokio::test]
    async fn a_body_is_written_up_to_its_limit() {
        let dir = tempfile::tempdir().expect("a directory");
        for (limit, fits) in [(6, true), (5, false)] {
            let (file, path) = make_file(dir.path()).expect("a file");
            let parts = futures::stream::iter(["abc", "def"].map(Ok::<_, io::Error>));
            let outcome = write(tokio::fs::File::from_std(file), limit, Body::from_stream(parts)).await;
            assert_eq!(outcome.is_ok(), fits);
            if fits {
                assert_eq!(std::fs::read(&path).expect("readable"), b"abcdef");
            }
        }
        assert_eq!(std::fs::read_dir(dir.path()).expect("a directory").count(), 0, "files go with their paths");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "files have the time of the system")]
    fn what_a_crash_left_goes_with_the_next_upload() {
        let dir = tempfile::tempdir().expect("a directory");
        for (name, age) in [("old", 2 * LEFT), ("young", LEFT / 2)] {
            let file = std::fs::File::create(dir.path().join(name)).expect("a file");
            let at = FileTimes::new().set_modified(SystemTime::now() - age);
            file.set_times(at).expect("its time is set");
        }
        let (_, path) = make_file(dir.path()).expect("a file");
        assert!(!dir.path().join("old").exists() && dir.path().join("young").exists());
        assert!(path.starts_with(dir.path()));
    }
}
