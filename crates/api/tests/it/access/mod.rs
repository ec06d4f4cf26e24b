//! Who may call what: every route of the OpenAPI document, for everybody. The rows have a file an area.

mod base;
mod ci;
mod configs;
mod feed;
mod notices;
mod people;
mod requests;
mod search;
mod sign_in;
mod terminals;
mod values;

use crate::schema;
use crate::shop::REPOSITORY;
use davit_domain::access::Role;
use davit_testkit::app::TestApp;
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::collections::BTreeSet;

/// The least that is needed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Needs {
    Nothing,
    Role(Role),
}

/// Method and path in the document, what is sent instead of its parameters, the least role, the answer when it is allowed.
pub(crate) type Row = (&'static str, &'static str, Value, Needs, u16);

const NOTHING: Needs = Needs::Nothing;
const VIEWER: Needs = Needs::Role(Role::Viewer);
const DEVELOPER: Needs = Needs::Role(Role::Developer);
const REVIEWER: Needs = Needs::Role(Role::Reviewer);
const RELEASER: Needs = Needs::Role(Role::Releaser);
const OPERATOR: Needs = Needs::Role(Role::Operator);
const ADMIN: Needs = Needs::Role(Role::Admin);

/// Parameters name things that are not there: whoever may ask gets 404, and nothing happens.
pub(crate) fn all_rows() -> impl Iterator<Item = Row> {
    let areas = [
        base::rows(),
        ci::rows(),
        people::rows(),
        sign_in::rows(),
        requests::rows(),
        search::rows(),
        configs::rows(),
        values::rows(),
        notices::rows(),
        feed::rows(),
        terminals::rows(),
    ];
    areas.into_iter().flatten()
}

/// A path without its query.
pub(crate) fn bare(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

#[tokio::test]
async fn every_route_lets_in_whom_it_should() {
    let in_document: BTreeSet<String> = schema::document()["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| methods.as_object().unwrap().keys().map(move |method| (path, method)))
        .filter(|(_, method)| *method != "parameters")
        .map(|(path, method)| format!("{} {}", method.to_uppercase(), path.trim_start_matches("/api/v1")))
        .collect();
    let in_table: BTreeSet<String> = all_rows().map(|(method, path, ..)| format!("{method} {}", bare(path))).collect();
    assert_eq!(in_table, in_document, "every route has its row here");

    let app = TestApp::start().await;
    let everybody = std::iter::once(None).chain(Role::ALL.map(Some));
    for caller in everybody {
        for (method, path, body, needs, allowed) in all_rows() {
            let url = path
                .replace("{id}", "4711")
                .replace("{app}", "none")
                .replace("{name}", "none")
                .replace("{host}", "none")
                .replace("{user}", "none");
            let url = format!("{}/api/v1{}", app.url(), url.replace("{environment}", "none"));
            let request = app.http().request(method.parse::<Method>().unwrap(), url);
            let request = caller.into_iter().fold(request, |request, role| request.bearer_auth(app.token(role)));
            let request = if body.is_null() { request } else { request.json(&body) };
            let expected = match (needs, caller) {
                (Needs::Role(_), None) => 401,
                (Needs::Role(least), Some(role)) if role < least => 403,
                (Needs::Nothing | Needs::Role(_), _) => allowed,
            };
            // The body of an answer that never ends is not read.
            let status = request.send().await.unwrap().status();
            assert_eq!(status, expected, "{method} {path} as {caller:?}");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_open_to_all_tells_nothing() {
    let app = TestApp::start().await;
    let get = async |path: &str| {
        let response = app.http().get(format!("{}{path}", app.url())).send().await.unwrap();
        (response.status(), response.text().await.unwrap())
    };
    for path in ["/healthz", "/readyz", "/metrics", "/api/v1/openapi.json"] {
        let (status, text) = get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        assert!(!text.contains(app.forge.token()) && !text.contains(REPOSITORY), "{path}: {text}");
    }
    let (status, text) = get("/api/v1/no/such/route").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(text.contains("\"not_found\""), "{text}");
    assert_eq!(get("/hooks/github").await.0, StatusCode::METHOD_NOT_ALLOWED);
    app.finish().await;
}

#[tokio::test]
async fn a_token_that_is_not_right_is_none() {
    let app = TestApp::start().await;
    let token = app.token(Role::Admin).to_owned();
    let longer = format!("{token}x");
    for bad in ["", "davit_", &token[..token.len() - 1], &longer, &token.to_uppercase()] {
        let request = app.http().get(format!("{}/api/v1/session", app.url())).bearer_auth(bad);
        assert_eq!(request.send().await.unwrap().status(), 401, "{bad:?}");
    }
    let basic = app.http().get(format!("{}/api/v1/session", app.url())).basic_auth("admin", Some(&token));
    assert_eq!(basic.send().await.unwrap().status(), 401);
    app.finish().await;
}
