//! Answers that are not a success, as failures: `application/problem+json` (RFC 9457), and whatever proxies say.

use super::Client;
use crate::failure::{Exit, Failure, Mistake};
use reqwest::{Response, StatusCode};
use serde::Deserialize;
use std::error::Error;
use url::Url;

/// The members of a problem that the command line reads.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    title: Option<String>,
    code: Option<String>,
    detail: Option<String>,
    errors: Vec<Mistake>,
}

/// What an answer without success means.
pub(super) async fn read(client: &Client, response: Response) -> Failure {
    let status = response.status();
    if status.is_redirection() {
        return redirected(client.base(), &response);
    }
    // Without a readable body the status has to do.
    let problem: Problem = match response.bytes().await {
        Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_default(),
        Err(_) => Problem::default(),
    };
    explain(client, status, problem)
}

/// No answer at all.
pub(super) fn unreachable(base: &Url, error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let why = if error.is_timeout() { "it took too long to answer".to_owned() } else { innermost(&error) };
    Failure::new(Exit::Unreachable, format!("{base} can't be reached: {why}"))
        .hint("start it with davit serve, or set DAVIT_URL to where it is")
}

fn explain(client: &Client, status: StatusCode, problem: Problem) -> Failure {
    let base = client.base();
    let said = problem.detail.or(problem.title);
    let gateway = said.is_none() && matches!(status.as_u16(), 502..=504);
    let message = said.unwrap_or_else(|| format!("{base} answered {status} and gave no reason"));
    let mut failure = Failure::new(exit(status, gateway), message);
    failure.mistakes = problem.errors;
    failure.code = problem.code;
    if failure.code.as_deref() == Some("setup_needed") {
        return failure.hint("davit setup --name NAME, or davit admin create-user --role admin on the server");
    }
    match failure.exit {
        Exit::Denied if status == StatusCode::UNAUTHORIZED && client.has_token() => {
            failure.hint("davit login, for a token that is valid")
        }
        Exit::Denied if status == StatusCode::UNAUTHORIZED => failure.hint("davit login"),
        Exit::Unreachable => failure.hint("davit doctor"),
        Exit::Done | Exit::Failed | Exit::Usage | Exit::Denied | Exit::NotFound | Exit::Ended(_) => failure,
    }
}

fn exit(status: StatusCode, gateway: bool) -> Exit {
    match status {
        _ if gateway => Exit::Unreachable,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Exit::Denied,
        StatusCode::NOT_FOUND => Exit::NotFound,
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => Exit::Usage,
        StatusCode::SERVICE_UNAVAILABLE => Exit::Unreachable,
        _ => Exit::Failed,
    }
}

/// Redirects are not followed: they could turn a write into a read, or carry the token elsewhere.
fn redirected(base: &Url, response: &Response) -> Failure {
    let target = response.headers().get("location").and_then(|value| value.to_str().ok()).unwrap_or("another address");
    Failure::new(Exit::Unreachable, format!("{base} sends requests on to {target}"))
        .hint("set DAVIT_URL to the address that the server itself answers at")
}

/// The cause at the bottom: `Connection refused (os error 111)` says more than the three layers above it.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
