//! The HTTP side of the fake: routes, refusals in GitHub's words, and faults.

use super::{Access, Fault, Request, Shared, Status};
use axum::body::Bytes;
use axum::extract::connect_info::{ConnectInfo, Connected};
use axum::extract::{Path, Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::serve::{IncomingStream, Listener};
use axum::{Json, Router};
use davit_domain::status::CommitState;
use serde_json::{Value, json};
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// GitHub keeps this many statuses for one commit and context.
const MAX_STATUSES: usize = 1000;
const MAX_DESCRIPTION: usize = 140;
/// When answers with an hourly limit say they were sent. Fixed: no test depends on the time of day.
const LIMIT_DATE: (&str, u64) = ("Wed, 21 Oct 2015 07:28:00 GMT", 1_445_412_480);

pub(super) async fn run(listener: TcpListener, shared: Arc<Shared>, git: Router) {
    let api = Router::new()
        .route("/repos/{owner}/{name}", get(repository))
        .route("/repos/{owner}/{name}/statuses/{sha}", post(create_status))
        .route("/repos/{owner}/{name}/commits/{sha}/statuses", get(list_statuses))
        .fallback(|| async { not_found() })
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), gatekeeper))
        .with_state(shared);
    let app = Router::new().nest("/api/v3", api).fallback_service(git);
    let service = app.into_make_service_with_connect_info::<Connection>();
    axum::serve(CuttableListener(listener), service).await.expect("the server runs until it is dropped");
}

/// What stands before every route: the record, holds, faults and the checks that are the same for all.
async fn gatekeeper(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: HttpRequest,
    next: Next,
) -> Response {
    let fault = {
        let mut state = shared.state();
        state.requests.push(record(&request));
        state.faults.pop_front()
    };
    shared.note();
    let mut held = shared.held.subscribe();
    held.wait_for(|held| !held).await.expect("the sender lives as long as the fake");
    let refused = refuse_caller(&shared, request.headers());
    let mut response = match fault {
        Some(Fault::DropBefore) => {
            connection.cut();
            StatusCode::NO_CONTENT.into_response()
        }
        Some(Fault::DropAfter) => {
            let response = next.run(request).await;
            connection.cut();
            response
        }
        Some(fault) => faulty_answer(&fault),
        None => match refused {
            Some(refused) => refused,
            None => next.run(request).await,
        },
    };
    if let Some(scopes) = &shared.state().scopes {
        response.headers_mut().insert("x-oauth-scopes", HeaderValue::from_str(scopes).expect("plain scopes"));
    }
    response.headers_mut().entry("x-ratelimit-remaining").or_insert(HeaderValue::from_static("4999"));
    response
}

fn record(request: &HttpRequest) -> Request {
    let headers = request.headers().iter();
    Request {
        line: format!("{} {}", request.method(), request.uri().path()),
        headers: headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
            .collect(),
    }
}

fn refuse_caller(shared: &Shared, headers: &HeaderMap) -> Option<Response> {
    let is = |name: header::HeaderName, right: &str| {
        headers.get(name).is_some_and(|value| value.as_bytes() == right.as_bytes())
    };
    if !headers.contains_key(header::USER_AGENT) {
        return Some(refusal(
            StatusCode::FORBIDDEN,
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header",
        ));
    }
    if !is(header::AUTHORIZATION, &format!("Bearer {}", shared.token)) {
        return Some(refusal(StatusCode::UNAUTHORIZED, "Bad credentials"));
    }
    if !is(header::HeaderName::from_static("x-github-api-version"), "2022-11-28") {
        return Some(refusal(StatusCode::BAD_REQUEST, "Unsupported API version"));
    }
    None
}

fn faulty_answer(fault: &Fault) -> Response {
    match fault {
        Fault::Status(status) => refusal(StatusCode::from_u16(*status).expect("a status"), "Server Error"),
        Fault::RetryAfter(wait) => {
            let mut response = refusal(StatusCode::TOO_MANY_REQUESTS, "You have exceeded a secondary rate limit");
            response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().into());
            response
        }
        Fault::HourlyLimit(wait) => {
            let (date, seconds) = LIMIT_DATE;
            let mut response = refusal(StatusCode::FORBIDDEN, "API rate limit exceeded for user ID 1.");
            let headers = response.headers_mut();
            headers.insert("x-ratelimit-remaining", HeaderValue::from_static("0"));
            headers.insert("x-ratelimit-reset", (seconds + wait.as_secs()).into());
            headers.insert(header::DATE, HeaderValue::from_static(date));
            response
        }
        Fault::SecondaryLimit => refusal(
            StatusCode::FORBIDDEN,
            "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        ),
        Fault::Redirect(status, to) => {
            let status = StatusCode::from_u16(*status).expect("a status");
            (status, [(header::LOCATION, HeaderValue::from_str(to).expect("an address"))]).into_response()
        }
        Fault::DropBefore | Fault::DropAfter => unreachable!("the gatekeeper cuts the connection itself"),
    }
}

async fn repository(State(shared): State<Arc<Shared>>, Path((owner, name)): Path<(String, String)>) -> Response {
    let full_name = format!("{owner}/{name}");
    let access = shared.access(&full_name);
    if access == Access::Hidden {
        return not_found();
    }
    let may_write = access == Access::Write;
    let web = &shared.web_url;
    Json(json!({
        "id": 1_296_269,
        "name": name,
        "full_name": full_name,
        "private": true,
        "owner": { "login": owner, "id": 1, "type": "User" },
        "html_url": format!("{web}/{full_name}"),
        "clone_url": format!("{web}/{full_name}.git"),
        "default_branch": "main",
        "permissions": { "admin": false, "maintain": false, "push": may_write, "triage": may_write, "pull": true },
    }))
    .into_response()
}

async fn create_status(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, sha)): Path<(String, String, String)>,
    body: Bytes,
) -> Response {
    let repository = format!("{owner}/{name}");
    match shared.access(&repository) {
        Access::Hidden => return not_found(),
        Access::Read => {
            let mut response = refusal(StatusCode::FORBIDDEN, "Resource not accessible by personal access token");
            let needed = HeaderValue::from_static("statuses=write");
            response.headers_mut().insert("x-accepted-github-permissions", needed);
            return response;
        }
        Access::Write => {}
    }
    if !shared.has_commit(&repository, &sha).await {
        return refusal(StatusCode::UNPROCESSABLE_ENTITY, &format!("No commit found for SHA: {sha}"));
    }
    let Ok(Value::Object(fields)) = serde_json::from_slice(&body) else {
        return refusal(StatusCode::BAD_REQUEST, "Problems parsing JSON");
    };
    match read_status(&fields, repository, sha) {
        Ok(status) => shared.accept(status),
        Err(invalid) => invalid.into_response(),
    }
}

async fn list_statuses(
    State(shared): State<Arc<Shared>>,
    Path((owner, name, sha)): Path<(String, String, String)>,
) -> Response {
    let repository = format!("{owner}/{name}");
    if shared.access(&repository) == Access::Hidden {
        return not_found();
    }
    let state = shared.state();
    let newest_first =
        state.statuses.iter().enumerate().rev().filter(|(_, s)| s.repository == repository && s.sha == sha);
    Json(newest_first.map(|(id, status)| shown(&shared, id, status)).collect::<Vec<_>>()).into_response()
}

/// The checks of GitHub's description of this call.
fn read_status(fields: &serde_json::Map<String, Value>, repository: String, sha: String) -> Result<Status, Invalid> {
    let text = |field: &'static str| match fields.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(Invalid { field, message: "must be a string" }),
    };
    let state = match text("state")? {
        Some("pending") => CommitState::Pending,
        Some("success") => CommitState::Success,
        Some("failure") => CommitState::Failure,
        Some("error") => CommitState::Error,
        Some(_) | None => return Err(Invalid { field: "state", message: "state is not included in the list" }),
    };
    let description = text("description")?.unwrap_or_default();
    if description.chars().count() > MAX_DESCRIPTION {
        return Err(Invalid { field: "description", message: "description is too long (maximum is 140 characters)" });
    }
    let target_url = text("target_url")?;
    if target_url.is_some_and(|url| !url.starts_with("http://") && !url.starts_with("https://")) {
        return Err(Invalid { field: "target_url", message: "target_url must use http(s) scheme" });
    }
    Ok(Status {
        repository,
        sha,
        context: text("context")?.unwrap_or("default").to_owned(),
        state,
        description: description.to_owned(),
        target_url: target_url.unwrap_or_default().to_owned(),
    })
}

impl Shared {
    fn access(&self, repository: &str) -> Access {
        self.state().repositories.get(repository).copied().unwrap_or(Access::Hidden)
    }

    async fn has_commit(&self, repository: &str, sha: &str) -> bool {
        if sha.len() != 40 || !sha.bytes().all(|b| b.is_ascii_hexdigit()) {
            return false;
        }
        let Some(root) = &self.git_root else { return true };
        let git_dir = root.join(format!("{repository}.git"));
        let mut git = tokio::process::Command::new("git");
        git.arg("--git-dir").arg(git_dir).args(["cat-file", "-e", &format!("{sha}^{{commit}}")]);
        git.output().await.expect("git is installed").status.success()
    }

    fn accept(&self, status: Status) -> Response {
        let mut state = self.state();
        let same = |other: &&Status| {
            other.repository == status.repository
                && other.sha == status.sha
                && other.context.eq_ignore_ascii_case(&status.context)
        };
        if state.statuses.iter().filter(same).count() >= MAX_STATUSES {
            return Invalid {
                field: "context",
                message: "This SHA and context has reached the maximum number of statuses.",
            }
            .into_response();
        }
        let body = shown(self, state.statuses.len(), &status);
        state.statuses.push(status);
        drop(state);
        self.note();
        (StatusCode::CREATED, Json(body)).into_response()
    }
}

/// A status as GitHub shows it.
fn shown(shared: &Shared, id: usize, status: &Status) -> Value {
    let url = format!("{}/api/v3/repos/{}/statuses/{}", shared.web_url, status.repository, status.sha);
    json!({
        "url": url,
        "id": id,
        "state": status.state.as_str(),
        "description": status.description,
        "target_url": status.target_url,
        "context": status.context,
        "created_at": "2026-01-31T12:00:00Z",
        "updated_at": "2026-01-31T12:00:00Z",
        "creator": { "login": "davit", "id": 1, "type": "User" },
    })
}

fn refusal(status: StatusCode, message: &str) -> Response {
    let documentation = "https://docs.github.com/rest";
    (status, Json(json!({ "message": message, "documentation_url": documentation, "status": status.as_str() })))
        .into_response()
}

fn not_found() -> Response {
    refusal(StatusCode::NOT_FOUND, "Not Found")
}

/// A field that GitHub's description of a call does not allow.
struct Invalid {
    field: &'static str,
    message: &'static str,
}

impl IntoResponse for Invalid {
    fn into_response(self) -> Response {
        let Self { field, message } = self;
        let errors = json!([{ "resource": "Status", "code": "custom", "field": field, "message": message }]);
        let body = json!({ "message": "Validation Failed", "errors": errors, "status": "422" });
        (StatusCode::UNPROCESSABLE_ENTITY, Json(body)).into_response()
    }
}

/// A listener whose connections can be cut from inside a request.
struct CuttableListener(TcpListener);

impl Listener for CuttableListener {
    type Io = CuttableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (CuttableStream, SocketAddr) {
        let (stream, address) = Listener::accept(&mut self.0).await;
        (CuttableStream { stream, connection: Connection::default() }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// A handle on one connection.
#[derive(Debug, Clone, Default)]
struct Connection(Arc<AtomicBool>);

impl Connection {
    /// Nothing is written to it from now on, and the first attempt ends it.
    fn cut(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Connected<IncomingStream<'_, CuttableListener>> for Connection {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        stream.io().connection.clone()
    }
}

struct CuttableStream {
    stream: TcpStream,
    connection: Connection,
}

impl AsyncRead for CuttableStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.connection.0.load(Ordering::Relaxed) {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
