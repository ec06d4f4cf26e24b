//! A server that answers as a test says, and a `davit` that talks to it.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;

/// The token that every run sends unless the test says otherwise.
pub(crate) const TOKEN: &str = "davit_of-the-test";

/// A request that came in.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    /// `GET /api/v1/hosts`, without the query.
    pub(crate) fn route(&self) -> String {
        format!("{} {}", self.method, self.target.split('?').next().unwrap_or_default())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().expect("headers are text"))
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

/// What the stub answers to a request; the second argument counts earlier requests to the same route.
type Answer = dyn Fn(&Seen, usize) -> Response + Send + Sync;

/// The server.
pub(crate) struct Stub {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
    home: TempDir,
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What a run of `davit` left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// stdout as the one JSON object that it has to be.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is one JSON object ({error}): {self:?}"))
    }

    /// stdout as a JSON object a line.
    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).expect("every line is a JSON object")).collect()
    }
}

impl Stub {
    #[expect(clippy::disallowed_methods, reason = "a task of the test's own, which ends with the stub")]
    pub(crate) async fn start(answer: impl Fn(&Seen, usize) -> Response + Send + Sync + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Vec::<Seen>::new()));
        let (answer, log): (Arc<Answer>, _) = (Arc::new(answer), Arc::clone(&seen));
        let router = Router::new().fallback(move |request: Request| {
            let (answer, log) = (Arc::clone(&answer), Arc::clone(&log));
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.expect("the body arrives");
                let seen = Seen { method: parts.method, target: parts.uri.to_string(), headers: parts.headers, body };
                let earlier = {
                    let mut log = log.lock().expect("no test panics here");
                    let earlier = log.iter().filter(|other| other.route() == seen.route()).count();
                    log.push(seen.clone());
                    earlier
                };
                answer(&seen, earlier)
            }
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let task = tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
        Self { url, seen, task, home: tempfile::tempdir().expect("a home") }
    }

    /// A stub that gives every request to a route the same JSON; everything else is not found.
    pub(crate) async fn routes(routes: Vec<(&'static str, Value)>) -> Self {
        Self::start(move |seen, _| {
            let route = seen.route();
            let known = routes.iter().find(|(known, _)| *known == route);
            known.map_or_else(not_found, |(_, value)| json_response(StatusCode::OK, value))
        })
        .await
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no test panics here").clone()
    }

    /// The routes that were asked for, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.seen().iter().map(Seen::route).collect()
    }

    pub(crate) fn home(&self) -> &std::path::Path {
        self.home.path()
    }

    pub(crate) async fn davit(&self, args: &[&str]) -> Run {
        self.davit_with(args, &[], "").await
    }

    /// Runs `davit` with more variables; one with an empty value is taken away.
    pub(crate) async fn davit_with(&self, args: &[&str], variables: &[(&str, &str)], stdin: &str) -> Run {
        let mut command = davit(self.home());
        command.env("DAVIT_URL", &self.url).env("DAVIT_TOKEN", TOKEN).args(args);
        for (name, value) in variables {
            if value.is_empty() {
                command.env_remove(name)
            } else {
                command.env(name, value)
            };
        }
        run(command, stdin).await
    }
}

/// The binary, without anything of the surroundings that it could find.
pub(crate) fn davit(home: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_davit"));
    command.env_clear().env("HOME", home).env("PATH", "/usr/bin:/bin").current_dir(home);
    command
}

pub(crate) async fn run(mut command: Command, stdin: &str) -> Run {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().expect("davit starts");
    let mut pipe = child.stdin.take().expect("piped");
    // A davit that reads nothing may be gone already.
    let _ = pipe.write_all(stdin.as_bytes()).await;
    drop(pipe);
    let output = child.wait_with_output().await.expect("davit ends");
    Run {
        code: output.status.code().expect("davit ends by itself"),
        stdout: String::from_utf8(output.stdout).expect("stdout is UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("stderr is UTF-8"),
    }
}

pub(crate) fn json_response(status: StatusCode, value: &Value) -> Response {
    respond(status, "application/json", value.to_string())
}

pub(crate) fn problem(status: StatusCode, code: &str, detail: &str) -> Response {
    let status_number = status.as_u16();
    let body = json!({ "type": "about:blank", "title": "…", "status": status_number, "code": code, "detail": detail });
    respond(status, "application/problem+json", body.to_string())
}

pub(crate) fn not_found() -> Response {
    problem(StatusCode::NOT_FOUND, "not_found", "there is no such thing")
}

pub(crate) fn events(body: impl Into<Body>) -> Response {
    respond(StatusCode::OK, "text/event-stream", body)
}

fn respond(status: StatusCode, kind: &str, body: impl Into<Body>) -> Response {
    let response = Response::builder().status(status).header("content-type", kind);
    response.body(body.into()).expect("a valid response")
}

/// An event of a deployment's log.
pub(crate) fn line_event(seq: u64, host: Option<&str>, text: &str) -> String {
    format!("id: {seq}\nevent: line\ndata: {}\n\n", line(seq, host, text))
}

pub(crate) fn line(seq: u64, host: Option<&str>, text: &str) -> Value {
    let at = format!("2026-01-31T12:00:{seq:02}.000Z");
    json!({ "seq": seq, "at": at, "host": host, "step": 5, "stream": "stdout", "text": text })
}

pub(crate) fn request(id: i64, state: &str, deployment: Option<i64>) -> Value {
    json!({
        "id": id, "app": "shop", "environment": "production", "kind": "regular", "state": state,
        "commit": "0123456789abcdef0123456789abcdef01234567", "git_ref": "main", "title": "Sell more",
        "created_by": "ann", "created_at": "2026-01-31T12:00:00.000Z", "decided_by": null, "decided_at": null,
        "reason": null, "required_approvals": 1, "approvals": [], "deployment": deployment, "target_release": null
    })
}

pub(crate) fn deployment(id: i64, state: &str, hosts: &[(&str, &str)]) -> Value {
    let runs: Vec<_> = hosts
        .iter()
        .map(|(host, state)| {
            json!({ "host": host, "state": state, "step": null, "reason": null, "previous_release": null,
                    "updated_at": "2026-01-31T12:00:00.000Z" })
        })
        .collect();
    json!({
        "id": id, "request": 7, "app": "shop", "environment": "production", "kind": "regular", "state": state,
        "commit": "0123456789abcdef0123456789abcdef01234567", "git_ref": "main", "title": "Sell more",
        "release": "20260131T120000Z-0123456789", "attempt": 1, "created_at": "2026-01-31T12:00:00.000Z",
        "started_at": null, "finished_at": null, "reason": (state == "failed").then_some("web-2: step 5: disk full"),
        "user": "ann", "hosts_total": hosts.len(), "hosts_done": 0, "host_runs": runs,
        "steps": [{ "number": 5, "title": "release", "state": "running" }], "cells": [], "previous_release": null,
        "last_seq": 4
    })
}
