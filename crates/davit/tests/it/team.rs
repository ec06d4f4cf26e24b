//! The command line against a real server: what a team does beside releasing. Values, release configs, people, requests
//! that change before they go out, and a new master key.

use crate::process::{Server, Site, ended};
use crate::whole::{LOCAL, json, run};
use serde_json::{Value, json};

const SECRET: &str = "not for anybody's eyes";

/// What it prints when it does well.
async fn done(site: &Site, server: &Server, arguments: &[&str], input: &str) -> String {
    let (code, stdout, stderr) = run(site, server, arguments, input).await;
    assert_eq!(code, 0, "{arguments:?}: {stdout}{stderr}");
    stdout
}

/// The exit code, and what it says about the failure.
async fn fails(site: &Site, server: &Server, arguments: &[&str]) -> (i32, String) {
    let (code, stdout, stderr) = run(site, server, arguments, "").await;
    assert_ne!(code, 0, "{arguments:?}: {stdout}");
    (code, stderr)
}

fn named(list: &Value, key: &str, name: &str) -> Value {
    let items = list["items"].as_array().expect("items");
    items.iter().find(|item| item[key] == name).unwrap_or_else(|| panic!("{name}: {list}")).clone()
}

#[tokio::test]
async fn values_and_release_configs() {
    let site = Site::new(None).await;
    let server = site.set_up(&site.app(LOCAL, "", "")).await;
    let there = ["--app", "shop", "--environment", "test"];
    done(&site, &server, &["values", "set", "GREETING=hello"], "").await;
    done(&site, &server, &[&["values", "set", "GREETING=hi"], &there[..]].concat(), "").await;
    done(&site, &server, &[&["values", "set", "KEY", "--secret"], &there[..]].concat(), SECRET).await;
    let (code, said) = fails(&site, &server, &["values", "set", "KEY=x", "--secret"]).await;
    assert!(code == 2 && said.contains("on the command line"), "{said}");
    let values = json(&site, &server, &[&["values", "list"], &there[..]].concat()).await;
    let greeting = named(&values, "key", "GREETING");
    assert_eq!((&greeting["value"], &greeting["from"]), (&json!("hi"), &json!("environment")), "{values}");
    assert_eq!(named(&values, "key", "KEY")["value"], Value::Null);
    let history = json(&site, &server, &[&["values", "history"], &there[..]].concat()).await;
    assert_eq!(history["items"][0]["changes"][0]["key"], "KEY", "{history}");
    let diff = done(&site, &server, &[&["values", "diff", "0", "2"], &there[..]].concat(), "").await;
    assert!(diff.contains("GREETING: hi") && diff.contains("KEY is set"), "{diff}");
    for shown in [values.to_string(), history.to_string(), diff] {
        assert!(!shown.contains(SECRET), "{shown}");
    }
    done(&site, &server, &[&["values", "unset", "GREETING"], &there[..]].concat(), "").await;
    done(&site, &server, &[&["values", "restore", "2"], &there[..]].concat(), "").await;
    let values = json(&site, &server, &[&["values", "list", "--own"], &there[..]].concat()).await;
    assert_eq!(named(&values, "key", "GREETING")["value"], "hi");

    let shown = done(&site, &server, &["configs", "show", "shop", "test"], "").await;
    assert!(shown.contains("environment = \"test\"") && shown.contains("deploy_path"), "{shown}");
    let history = json(&site, &server, &["configs", "history", "shop", "test"]).await;
    let first = history["items"][0]["revision"].to_string();
    assert_eq!(history["items"][0]["in_force"], true, "{history}");
    let diff = done(&site, &server, &["configs", "diff", "shop", "test", "0", &first], "").await;
    assert!(diff.contains("+deploy_path"), "{diff}");
    let check = json(&site, &server, &["configs", "check", "shop", "test"]).await;
    assert!(check["checks"].as_array().expect("checks").iter().all(|check| check["ok"] == true), "{check}");
    let would = json(&site, &server, &["configs", "dry-run", "shop", "test", "--ref", "main"]).await;
    assert_eq!((&would["subject"], &would["hosts"][0]["name"]), (&json!("Begin"), &json!("web")), "{would}");
    assert_eq!(site.served(), None, "nothing is changed");
    assert_eq!(fails(&site, &server, &["configs", "show", "shop", "nowhere"]).await.0, 4);
}

#[tokio::test]
async fn people_groups_grants_and_tokens() {
    let site = Site::new(None).await;
    let mut server = site.set_up(&site.app(LOCAL, "", "")).await;
    let add = ["users", "add", "ben", "--role", "none", "--display-name", "Ben Ode", "--stdin"];
    done(&site, &server, &add, "a kettle full of rain\n").await;
    done(&site, &server, &["groups", "add", "leads", "--description", "who decide"], "").await;
    done(&site, &server, &["groups", "join", "leads", "ben"], "").await;
    let grant = ["grants", "add", "--group", "leads", "--role", "releaser", "--scope", "app:shop@test"];
    assert!(done(&site, &server, &grant, "").await.contains("releaser on app:shop@test"));
    let ben = json(&site, &server, &["users", "show", "ben"]).await;
    assert_eq!((&ben["groups"], &ben["display_name"]), (&json!(["leads"]), &json!("Ben Ode")), "{ben}");
    let grants = json(&site, &server, &["grants", "list"]).await;
    assert_eq!(grants["items"][0]["scope"], "app:shop@test", "{grants}");

    let create = ["tokens", "create", "ci", "--role", "viewer", "--scope", "app:shop", "--expires", "7"];
    let token = done(&site, &server, &create, "").await.trim().to_owned();
    let tokens = json(&site, &server, &["tokens", "list"]).await;
    let ci = named(&tokens, "name", "ci");
    assert_eq!((&ci["role"], &ci["scopes"]), (&json!("viewer"), &json!(["app:shop"])), "{ci}");
    let admins = std::mem::replace(&mut server.token, token);
    done(&site, &server, &["status", "shop"], "").await;
    assert_eq!(fails(&site, &server, &["users", "list"]).await.0, 3, "a token has what it was given");
    let limited = std::mem::replace(&mut server.token, admins);
    done(&site, &server, &["tokens", "revoke", &ci["id"].to_string()], "").await;
    let admins = std::mem::replace(&mut server.token, limited);
    assert_eq!(fails(&site, &server, &["status"]).await.0, 3);
    server.token = admins;

    done(&site, &server, &["users", "set", "ben", "--role", "viewer"], "").await;
    done(&site, &server, &["users", "disable", "ben"], "").await;
    assert_eq!(named(&json(&site, &server, &["users", "list"]).await, "name", "ben")["disabled"], true);
    done(&site, &server, &["users", "enable", "ben"], "").await;
    let (code, said) = fails(&site, &server, &["users", "set", "admin", "--role", "viewer"]).await;
    assert_eq!(code, 1, "nobody could administer any more: {said}");
    done(&site, &server, &["grants", "remove", &grants["items"][0]["id"].to_string()], "").await;
    done(&site, &server, &["groups", "leave", "leads", "ben"], "").await;
    done(&site, &server, &["groups", "remove", "leads"], "").await;
    done(&site, &server, &["users", "remove", "ben"], "").await;
    assert_eq!(fails(&site, &server, &["users", "show", "ben"]).await.0, 4);
}

#[tokio::test]
async fn requests_that_change_before_they_go_out() {
    let site = Site::new(None).await;
    let server = site.set_up(&site.app(LOCAL, "", "")).await;
    let asked = json(&site, &server, &["deploy", "shop", "test", "--at", "+2h"]).await;
    let id = asked["request"].to_string();
    let shown = done(&site, &server, &["request", "show", &id], "").await;
    assert!(shown.contains("scheduled"), "{shown}");
    let edit = ["request", "edit", &id, "--title", "Better", "--unschedule", "--version", "1"];
    let edited = json(&site, &server, &edit).await;
    assert_eq!((&edited["version"], &edited["scheduled_at"]), (&json!(2), &Value::Null), "{edited}");
    let diff = json(&site, &server, &["request", "diff", &id]).await;
    assert_eq!((&diff["base"], &diff["head"]), (&Value::Null, &asked["commit"]), "{diff}");
    let clone = json(&site, &server, &["request", "clone", &id, "--title", "Once more"]).await;
    assert_eq!((&clone["title"], &clone["state"]), (&json!("Once more"), &json!("awaiting_release")), "{clone}");
    let new = ["request", "batch", "new", "test", "shop@main", "--title", "All", "--at", "+1h"];
    let batch = json(&site, &server, &new).await;
    let number = batch["id"].to_string();
    done(&site, &server, &["request", "batch", "withdraw", &number], "").await;
    let batch = json(&site, &server, &["request", "batch", "show", &number]).await;
    assert_eq!(batch["items"][0]["state"], "withdrawn", "{batch}");

    let (code, said) = fails(&site, &server, &["request", "release", &id, "--version", "1"]).await;
    assert!(code == 1 && said.contains("it is version 2 now"), "{code}: {said}");
    done(&site, &server, &["request", "release", &id, "--version", "2", "--follow"], "").await;
    assert_eq!(site.served().as_deref(), Some("begin"));
}

#[tokio::test]
async fn a_new_master_key_opens_what_the_old_one_did() {
    let site = Site::new(None).await;
    let server = site.set_up(&site.app(LOCAL, "", "printf %s \"$KEY\" > \"$DAVIT_RELEASE_PATH/key\"")).await;
    done(&site, &server, &["values", "set", "KEY", "--secret"], SECRET).await;
    let rotate = async || ended(site.davit("data", &["admin", "rotate-master-key"]), "").await;
    let refused = rotate().await;
    assert!(!refused.status.success(), "a server runs: {refused:?}");
    let token = server.token.clone();
    server.kill().await;
    let before = std::fs::read(site.path("master.key")).expect("a key");
    let rotated = rotate().await;
    assert!(rotated.status.success(), "{rotated:?}");
    assert_ne!(std::fs::read(site.path("master.key")).expect("a key"), before);

    let mut server = site.serve().await;
    server.token = token;
    done(&site, &server, &["deploy", "shop", "test", "--follow"], "").await;
    let kept = std::fs::read_to_string(site.path("www/current/key")).expect("the hook has written it");
    assert_eq!(kept, SECRET);
    let verified = ended(site.davit("data", &["admin", "verify-feed"]), "").await;
    assert!(verified.status.success(), "{verified:?}");
}
