//! Who may call what: every route of the OpenAPI document, for everybody. The rows have a file an area.

mod base;
mod ci;
mod configs;
mod feed;
mod needs;
mod notices;
mod people;
mod requests;
mod search;
mod sign_in;
mod terminals;
mod values;

use crate::people::{grant, newcomer};
use crate::schema;
use crate::shop::REPOSITORY;
use crate::sign_in::Browser;
use davit_domain::access::Role;
use davit_testkit::app::{PASSWORD, TestApp};
use davit_testkit::git::Repo;
use needs::{Needs, Who};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Method and path in the document, what is sent instead of its parameters, and the answer when it is allowed. What is
/// needed for that is the document's to say: [`Needs`].
pub(crate) type Row = (&'static str, &'static str, Value, u16);

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

/// Row, and what the document says that it needs.
fn rows_with_needs() -> Vec<(Row, Needs)> {
    all_rows().map(|row| (row.clone(), Needs::of(row.0, bare(row.1)))).collect()
}

/// Things that nobody has declared are asked for by this name.
fn filled(path: &str) -> String {
    let url = path.replace("{id}", "4711").replace("{forge}", "github").replace("{repository}", "acme/none");
    ["{app}", "{environment}", "{host}", "{name}", "{user}"]
        .iter()
        .fold(url, |url, parameter| url.replace(parameter, "none"))
}

/// The body of an answer that never ends is not read.
async fn status(app: &TestApp, token: Option<&str>, (method, path, body, _): &Row) -> StatusCode {
    let url = format!("{}/api/v1{}", app.url(), filled(path));
    let request = app.http().request(method.parse::<Method>().unwrap(), url);
    let request = token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
    let request = if body.is_null() { request } else { request.json(body) };
    request.send().await.unwrap().status()
}

#[test]
fn every_operation_says_what_it_needs_and_has_its_row() {
    let in_document: BTreeSet<String> = schema::operations()
        .inspect(|(method, path, operation)| {
            assert!(operation["x-needs"]["who"].is_string(), "{method} {path} has no row in src/needs/table.rs");
        })
        .map(|(method, path, _)| format!("{method} {path}"))
        .collect();
    let in_table: BTreeSet<String> = all_rows().map(|(method, path, ..)| format!("{method} {}", bare(path))).collect();
    assert_eq!(in_table, in_document, "every route has its row here");
}

#[tokio::test]
async fn every_route_lets_in_whom_it_should() {
    let app = TestApp::start().await;
    let everybody = std::iter::once(None).chain(Role::ALL.map(Some));
    for caller in everybody {
        for (row, needs) in rows_with_needs() {
            let expected = match (needs.who, caller) {
                (Who::Account | Who::Unlimited | Who::Session, None) => 401,
                (_, Some(role)) if needs.role.is_some_and(|least| role < least) => 403,
                (Who::Anybody | Who::Account | Who::Unlimited | Who::Session, _) => row.3,
            };
            let token = caller.map(|role| app.token(role));
            assert_eq!(status(&app, token, &row).await, expected, "{} {} as {caller:?}", row.0, row.1);
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn without_a_role_one_has_what_is_ones_own() {
    let app = TestApp::start().await;
    let token = newcomer(&app, "ana").await;
    for (row, needs) in rows_with_needs() {
        let status = status(&app, Some(&token), &row).await;
        let refused = matches!(status.as_u16(), 403 | 404);
        assert_eq!(refused, needs.role.is_some() || matches!(row.3, 403 | 404), "{} {}: {status}", row.0, row.1);
    }
    app.finish().await;
}

#[tokio::test]
async fn a_limited_token_changes_no_account() {
    let app = TestApp::start().await;
    let (made, token) = app.post("/tokens", json!({ "name": "limited", "role": "admin" })).await;
    assert_eq!(made, 201, "{token}");
    for (row, needs) in rows_with_needs() {
        let expected = if needs.who == Who::Unlimited { 403 } else { row.3 };
        assert_eq!(status(&app, token["token"].as_str(), &row).await, expected, "{} {}", row.0, row.1);
    }
    app.finish().await;
}

#[tokio::test]
async fn what_needs_a_session_is_refused_to_a_token_alone() {
    let app = TestApp::start().await;
    app.apply("[[host]]\nname = \"none\"\nkind = \"local\"\n").await;
    for (row, needs) in rows_with_needs() {
        // The id of a terminal is one of a shell that was opened, which needs a session.
        if needs.who != Who::Session || row.1 == "/terminals/{id}/socket" {
            continue;
        }
        assert_eq!(status(&app, Some(app.token(Role::Admin)), &row).await, 403, "{} {}", row.0, row.1);
        // Each in a session of its own: some end others.
        let browser = Browser::log_in(&app, "admin", PASSWORD).await;
        let status = browser.status(row.0.parse().unwrap(), &filled(row.1), row.2.clone()).await;
        assert!(!matches!(status, 401 | 403), "{} {}: {status}", row.0, row.1);
    }
    app.finish().await;
}

/// Everything has the name that the rows ask for.
async fn estate() -> (TestApp, Repo) {
    let app = TestApp::start().await;
    let repo = Repo::init(app.path("work"));
    repo.commit("First", &[("index.html", "first")]);
    app.publish(&repo, "acme/none");
    let srv = app.path("srv");
    let rest = format!(
        "[[host]]\nname = \"none\"\nkind = \"local\"\nlabels = [\"none\"]\nenvironments = [\"none\"]\n\n\
         [[environment]]\nkey = \"none\"\n\n[[repository]]\nforge = \"github\"\nname = \"acme/none\"\n\n\
         [[app]]\nkey = \"none\"\nrepository = {{ forge = \"github\", name = \"acme/none\" }}\n\n\
         [[app.release]]\nenvironment = \"none\"\nhosts = [\"none\"]\n\
         deploy_path = \"{srv}/www\"\nreleases_path = \"{srv}/davit\"\n",
        srv = srv.display()
    );
    app.apply(&format!("{}{rest}", app.forge_table())).await;
    (app, repo)
}

/// What a role held there is good for, as `x-needs` has it in `where`.
const SCOPES: [(&str, &[&str]); 4] = [
    (
        "app:none",
        &["app", "part_of_app", "app_in_environment", "part_of_environment", "repository", "forge", "anywhere"],
    ),
    (
        "environment:none",
        &[
            "part_of_app",
            "app_in_environment",
            "environment",
            "part_of_environment",
            "environment_or_app_in_it",
            "host",
            "forge",
            "anywhere",
        ],
    ),
    ("app:none@none", &["part_of_app", "app_in_environment", "part_of_environment", "forge", "anywhere"]),
    ("label:none", &["host", "anywhere"]),
];

#[tokio::test]
async fn a_role_is_good_where_the_document_says() {
    for (scope, good_for) in SCOPES {
        let (app, _repo) = estate().await;
        let token = newcomer(&app, "ana").await;
        grant(&app, "ana", "admin", scope).await;
        let mut rows = rows_with_needs();
        // What is taken away last is there until then; of an app, first what is in it.
        rows.sort_by_key(|(row, _)| (row.0 == "DELETE", Reverse(row.1.len())));
        for (row, needs) in rows {
            let Some(held) = needs.held else { continue };
            let status = status(&app, Some(&token), &row).await;
            let is_refused = matches!(status.as_u16(), 403 | 404);
            let is_good = good_for.contains(&held.as_str());
            // What has a number, is of a commit or is a workflow isn't there; nor does a token open a shell. What has a
            // number is asked for with roles of all sorts in sight.rs.
            let is_missing = ["{id}", "from=1", "commit=", "workflows/start"].iter().any(|part| row.1.contains(part));
            if !is_good || !(is_missing || needs.who == Who::Session) {
                assert_eq!(is_refused, !is_good, "{} {} with a role on {scope}: {status}", row.0, row.1);
            }
        }
        app.settle().await;
        app.finish().await;
    }
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
