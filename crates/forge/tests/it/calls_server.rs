//! A forge that answers what it was told to and keeps what it was asked. Knows no forge's rules.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use davit_domain::config::ForgeKind;
use davit_domain::deployment_at_forge::{DeploymentAtForge, ForgeDeploymentState};
use davit_domain::ids::{CommitSha, DeploymentId};
use davit_domain::status::{CommitState, CommitStatus};
use davit_forge::{ApiError, Client, Credential, Setup};
use secrecy::SecretString;
use serde_json::Value;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub(crate) const TOKEN: &str = "t0ken-of-the-forge";
pub(crate) const REPOSITORY: &str = "acme/shop";

/// A request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// `GET /repos/acme/shop?page=2`
    pub(crate) line: String,
    pub(crate) headers: HeaderMap,
    /// `Null` when there is none.
    pub(crate) body: Value,
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
}

/// A JSON answer.
pub(crate) fn reply(status: u16, body: &Value) -> Reply {
    Reply { status, headers: Vec::new(), body: body.to_string() }
}

/// Any answer.
pub(crate) fn text(status: u16, body: &str) -> Reply {
    Reply { status, headers: Vec::new(), body: body.to_owned() }
}

impl Reply {
    pub(crate) fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }
}

type Answer = Box<dyn FnMut(&Seen) -> Reply + Send>;

struct Shared {
    seen: Mutex<Vec<Seen>>,
    answer: Mutex<Answer>,
}

/// It runs until it is dropped.
pub(crate) struct Server {
    pub(crate) url: String,
    shared: Arc<Shared>,
    _task: JoinSet<()>,
}

impl Server {
    /// Answers in this order. A request after the last one is an internal error of the server.
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let mut replies: VecDeque<_> = replies.into_iter().collect();
        Self::answering(move |seen| {
            replies.pop_front().unwrap_or_else(|| text(500, &format!("nobody expected {}", seen.line)))
        })
        .await
    }

    pub(crate) async fn answering(answer: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        Self::at("127.0.0.1:0", answer).await
    }

    pub(crate) async fn at(address: &str, answer: impl FnMut(&Seen) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind(address).await.expect("a port");
        let address: SocketAddr = listener.local_addr().expect("an address");
        let shared = Arc::new(Shared { seen: Mutex::default(), answer: Mutex::new(Box::new(answer)) });
        let app = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let mut task = JoinSet::new();
        task.spawn(async move { axum::serve(listener, app).await.expect("the server runs until it is dropped") });
        Self { url: format!("http://{address}"), shared, _task: task }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.shared.seen.lock().expect("no test panicked in it").clone()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.line).collect()
    }

    /// The only request that was made.
    pub(crate) fn only(&self) -> Seen {
        let mut seen = self.seen();
        assert_eq!(seen.len(), 1, "{seen:?}");
        seen.remove(0)
    }

    pub(crate) fn client(&self, kind: ForgeKind) -> Client {
        client(kind, &self.url, Credential::Token(SecretString::from(TOKEN)))
    }
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.expect("a small body");
    let seen = Seen {
        line: format!("{} {}", head.method, head.uri),
        headers: head.headers,
        body: if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).expect("JSON") },
    };
    let reply = (shared.answer.lock().expect("no test panicked in it"))(&seen);
    shared.seen.lock().expect("no test panicked in it").push(seen);
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).expect("a status");
    for (name, value) in reply.headers {
        let name: HeaderName = name.parse().expect("a header's name");
        response.headers_mut().append(name, HeaderValue::from_str(&value).expect("a header's value"));
    }
    response
}

pub(crate) fn client(kind: ForgeKind, api_url: &str, credential: Credential) -> Client {
    Client::new(Setup { kind, api_url, credential, ca_pem: None, proxy: None }).expect("a client")
}

/// A server that takes a request and hangs up: whether it did anything, nobody knows.
pub(crate) async fn hanging_up() -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let mut task = JoinSet::new();
    task.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.readable().await.expect("a request");
            drop(stream);
        }
    });
    (url, task)
}

pub(crate) fn commit() -> CommitSha {
    "1a2b3c4d".repeat(5).parse().expect("a SHA")
}

pub(crate) fn status() -> CommitStatus {
    CommitStatus {
        repository: REPOSITORY.to_owned(),
        commit: commit(),
        context: "davit/deploy/production".to_owned(),
        state: CommitState::Pending,
        description: "Releasing to 3 hosts".to_owned(),
        target_url: "https://davit.example.com/deployments/17".to_owned(),
    }
}

pub(crate) fn deployment() -> DeploymentAtForge {
    DeploymentAtForge {
        repository: REPOSITORY.to_owned(),
        commit: commit(),
        reference: "main".to_owned(),
        is_tag: false,
        environment: "production".to_owned(),
        deployment: DeploymentId(17),
        by: "ada".to_owned(),
        title: "Add the cart".to_owned(),
        state: ForgeDeploymentState::InProgress,
        description: "Releasing to 3 hosts".to_owned(),
        log_url: "https://davit.example.com/deployments/17".to_owned(),
        environment_url: "https://shop.example.com".to_owned(),
    }
}

/// The status and the sentence of a refusal for good.
pub(crate) fn permanent<T: std::fmt::Debug>(result: Result<T, ApiError>) -> (Option<u16>, String) {
    match result {
        Err(ApiError::Permanent { detail, status }) => (status, detail),
        other => panic!("{other:?}"),
    }
}

/// The seconds to wait and the sentence of a refusal that passes.
pub(crate) fn retry<T: std::fmt::Debug>(result: Result<T, ApiError>) -> (Option<u64>, String) {
    match result {
        Err(ApiError::Retry { after, detail }) => (after.map(|after| after.as_secs()), detail),
        other => panic!("{other:?}"),
    }
}
