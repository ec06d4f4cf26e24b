//! `davit apply`: the plan first, secrets from where the file is, mistakes with their places.

use crate::stub::{Stub, json_response};
use axum::http::StatusCode;
use serde_json::{Value, json};
use std::fs;

const DOCUMENT: &str = r#"
[[forge]]
id = "github"
token = { env = "FORGE_TOKEN" }
webhook_secret = { file = "hook-secret" }

[[forge]]
id = "other"
token = { env = "NOT_SET_HERE" }
webhook_secret = { secret = "stored" }
"#;

fn item(action: &str, kind: &str, name: &str, changes: &[&str]) -> Value {
    json!({ "action": action, "kind": kind, "name": name, "changes": changes })
}

/// A server that plans these items.
async fn server(plan: Vec<Value>) -> Stub {
    let stub = Stub::start(move |seen, _| {
        let applied = seen.json()["dry_run"] == false;
        json_response(StatusCode::OK, &json!({ "plan": plan, "applied": applied }))
    })
    .await;
    let directory = stub.home().join("config");
    fs::create_dir(&directory).expect("made");
    fs::write(directory.join("davit.toml"), DOCUMENT).expect("written");
    fs::write(directory.join("hook-secret"), "from the file\n").expect("written");
    stub
}

fn changes() -> Vec<Value> {
    vec![
        item("create", "forge", "github", &[]),
        item("update", "release", "shop/production", &["keep: 5 → 3"]),
        item("delete", "host", "web-9", &[]),
        item("unchanged", "app", "shop", &[]),
    ]
}

#[tokio::test]
async fn shows_the_plan_and_sends_the_secrets_it_finds() {
    let stub = server(changes()).await;
    let args = ["apply", "-f", "config/davit.toml", "--yes", "--prune"];
    let run = stub.davit_with(&args, &[("FORGE_TOKEN", "from the environment")], "").await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(
        run.stdout,
        "+ forge github\n~ release shop/production\n    keep: 5 → 3\n- host web-9\n\
         Applied: 1 created, 1 updated, 1 deleted, 2 secret values stored.\n"
    );
    assert!(run.stderr.contains("env:NOT_SET_HERE is not here"), "{}", run.stderr);
    let bodies: Vec<_> = stub.seen().iter().map(|seen| seen.json()).collect();
    let values = json!({ "env:FORGE_TOKEN": "from the environment", "file:hook-secret": "from the file" });
    // Nothing secret leaves before somebody said yes.
    assert_eq!(bodies[0], json!({ "document": DOCUMENT, "values": {}, "dry_run": true, "prune": true }));
    assert_eq!(bodies[1], json!({ "document": DOCUMENT, "values": values, "dry_run": false, "prune": true }));
    assert!(!format!("{}{}", run.stdout, run.stderr).contains("from the"));
}

#[tokio::test]
async fn without_a_terminal_it_needs_yes() {
    let stub = server(changes()).await;
    let run = stub.davit(&["apply", "-f", "config/davit.toml"]).await;
    assert_eq!(run.code, 2);
    assert!(run.stdout.contains("+ forge github"), "the plan is shown all the same: {}", run.stdout);
    assert!(run.stderr.contains("--yes"), "{}", run.stderr);
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn an_empty_plan_asks_nothing_and_refreshes_secrets() {
    let stub = server(vec![item("unchanged", "app", "shop", &[])]).await;
    let run = stub.davit(&["apply", "-f", "config/davit.toml"]).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.starts_with("Nothing to change.\n"), "{}", run.stdout);
    assert_eq!(stub.seen()[1].json()["values"], json!({ "file:hook-secret": "from the file" }));
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let stub = server(changes()).await;
    let run = stub.davit(&["apply", "-f", "config/davit.toml", "--dry-run", "--json"]).await;
    assert_eq!((run.code, run.json()), (0, json!({ "plan": changes(), "applied": false })));
    assert_eq!(stub.seen().len(), 1);
}

#[tokio::test]
async fn json_is_the_answer_alone() {
    let stub = server(changes()).await;
    let run = stub.davit(&["apply", "-f", "config/davit.toml", "--yes", "--json"]).await;
    assert_eq!((run.code, run.json()), (0, json!({ "plan": changes(), "applied": true })));
}

#[tokio::test]
async fn every_mistake_comes_with_its_place() {
    let stub = Stub::start(|_, _| {
        let errors = json!([
            { "line": 3, "column": 1, "message": "unknown key `tokn`; did you mean `token`?" },
            { "line": 12, "column": 8, "message": "there is no environment named prod" },
        ]);
        let problem = json!({
            "type": "about:blank", "title": "Unprocessable Entity", "status": 422, "code": "invalid_config",
            "detail": "the document has 2 mistakes", "errors": errors
        });
        json_response(StatusCode::UNPROCESSABLE_ENTITY, &problem)
    })
    .await;
    fs::write(stub.home().join("davit.toml"), "[[forge]]\n").expect("written");
    let run = stub.davit(&["apply", "--yes"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert_eq!(
        run.stderr,
        "davit.toml:3:1: unknown key `tokn`; did you mean `token`?\n\
         davit.toml:12:8: there is no environment named prod\n\
         error: nothing was changed because of these 2 mistakes\n"
    );
}
