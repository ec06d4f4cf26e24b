//! Images from a registry that wants credentials: a fake that speaks the registry's API.

use crate::container_support::{Site, container, root_file_system};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use davit_runner::{ContainerSpec, PlaceSpec, RunnerError};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// `ci:sesame`, as a browser would send it.
const AUTHORIZATION: &str = "Basic Y2k6c2VzYW1l";

/// Blobs by their digest; the manifest also as `1`.
type Content = Arc<HashMap<String, (&'static str, Vec<u8>)>>;

/// A registry with one image, `team/app:1`; returns where it is.
async fn registry() -> String {
    let layer = root_file_system();
    let digest = |bytes: &[u8]| {
        let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        format!("sha256:{hex}")
    };
    let config = json!({
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "os": "linux",
        "config": { "Env": ["PATH=/bin", "FROM_THE_IMAGE=yes"] },
        "rootfs": { "type": "layers", "diff_ids": [digest(&layer)] },
    });
    let config = config.to_string().into_bytes();
    let part = |kind: &str, bytes: &[u8]| json!({ "mediaType": kind, "digest": digest(bytes), "size": bytes.len() });
    let manifest_type = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": manifest_type,
        "config": part("application/vnd.oci.image.config.v1+json", &config),
        "layers": [part("application/vnd.oci.image.layer.v1.tar", &layer)],
    });
    let manifest = manifest.to_string().into_bytes();
    let content = HashMap::from([
        (digest(&layer), ("application/octet-stream", layer)),
        (digest(&config), ("application/octet-stream", config)),
        (digest(&manifest), (manifest_type, manifest.clone())),
        ("1".to_owned(), (manifest_type, manifest)),
    ]);
    let app = Router::new()
        .route("/v2/", axum::routing::any(async |headers: HeaderMap| denied(&headers).unwrap_or_default()))
        .route("/v2/team/app/{kind}/{reference}", axum::routing::any(answer))
        .with_state(Arc::new(content));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let at = listener.local_addr().expect("an address").to_string();
    tokio::spawn(async move { axum::serve(listener, app).await });
    at
}

async fn answer(
    State(content): State<Content>,
    Path((_, reference)): Path<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    if let Some(denied) = denied(&headers) {
        return denied;
    }
    let Some((kind, bytes)) = content.get(&reference) else { return StatusCode::NOT_FOUND.into_response() };
    let length = bytes.len().to_string();
    let body = if method == Method::HEAD { Vec::new() } else { bytes.clone() };
    ([(header::CONTENT_TYPE, (*kind).to_owned()), (header::CONTENT_LENGTH, length)], body).into_response()
}

fn denied(headers: &HeaderMap) -> Option<Response> {
    if headers.get(header::AUTHORIZATION).is_some_and(|value| value == AUTHORIZATION) {
        return None;
    }
    let ask = [(header::WWW_AUTHENTICATE, "Basic realm=\"registry\"")];
    Some((StatusCode::UNAUTHORIZED, ask, r#"{"errors":[{"code":"UNAUTHORIZED","message":"who?"}]}"#).into_response())
}

#[tokio::test]
async fn an_image_comes_from_its_registry_with_the_jobs_credentials_alone() {
    let at = registry().await;
    let Some(site) = Site::with_registry(Some(&at)).await else { return };
    let with = |credentials: Option<(&str, &str)>| {
        let own = ContainerSpec {
            image: format!("{at}/team/app:1"),
            credentials: credentials.map(|(user, password)| (user.to_owned(), password.to_owned().into())),
            ..container()
        };
        PlaceSpec { container: Some(own), ..site.spec() }
    };
    let open = site.open_with(&with(Some(("ci", "sesame")))).await;
    assert!(open.lines.iter().any(|line| line == &format!("Pulling {at}/team/app:1")), "{:#?}", open.lines);
    assert_eq!(open.says("echo $FROM_THE_IMAGE").await, "yes");
    assert_eq!(open.place.base_env()[0], ("PATH".to_owned(), "/bin".to_owned()));
    open.close(&site).await;

    // It is on this machine now; whoever has no password does not get it all the same.
    for credentials in [None, Some(("ci", "wrong-password"))] {
        let (opened, lines) = site.try_open(&with(credentials), &CancellationToken::new()).await;
        let error = opened.expect_err("denied");
        assert!(matches!(error, RunnerError::Refused(_)), "{error:?} {lines:#?}");
        assert!(!format!("{error} {lines:?}").contains("wrong-password"), "{error} {lines:?}");
        assert_eq!(site.left(), Vec::<String>::new());
    }
}
