//! What davit.toml says, one thing at a time; apps; whether the server can work.

use crate::stub::{Run, Stub, json_response, not_found, problem};
use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// A server with one host, which takes whatever is put.
async fn server() -> Stub {
    Stub::start(|seen, _| match (seen.method.clone(), seen.route().split(' ').next_back().unwrap_or_default()) {
        (Method::GET, "/api/v1/hosts/web-1" | "/api/v1/environments/production" | "/api/v1/forges/hub/form") => {
            json_response(StatusCode::OK, &json!({ "key": "x", "form": before() }))
        }
        (Method::GET, "/api/v1/apps/shop/configs/production") => {
            json_response(StatusCode::OK, &json!({ "revision": 7, "form": before() }))
        }
        (Method::PUT, _) => match seen.json()["form"]["port"].as_i64() {
            Some(0) => problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "the port must be 1 to 65535"),
            Some(1) => problem(StatusCode::CONFLICT, "changed", "somebody changed it meanwhile"),
            _ => json_response(StatusCode::OK, &json!({ "key": "x", "form": seen.json()["form"] })),
        },
        (Method::DELETE, "/api/v1/hosts/web-1") => json_response(StatusCode::OK, &Value::Null),
        (Method::POST, "/api/v1/apps") => json_response(StatusCode::CREATED, &json!({ "key": "shop", "form": {} })),
        _ => not_found(),
    })
    .await
}

fn before() -> Value {
    json!({ "address": "10.0.0.1", "labels": ["web"], "review": { "required": 1 }, "note": "发布 \u{1b}[31mred" })
}

/// What was put, in order.
fn put(stub: &Stub) -> Vec<(String, Value)> {
    let puts = stub.seen().into_iter().filter(|seen| seen.method == Method::PUT);
    puts.map(|seen| (seen.target.clone(), seen.json())).collect()
}

#[tokio::test]
async fn what_is_said_is_shown_as_toml_or_json() {
    let stub = server().await;
    let shown = stub.davit(&["hosts", "show", "web-1"]).await;
    assert_eq!(shown.code, 0, "{}", shown.stderr);
    let said: toml::Table = shown.stdout.parse().expect("TOML");
    assert_eq!(said["review"]["required"].as_integer(), Some(1));
    assert!(!shown.stdout.contains('\u{1b}'), "{}", shown.stdout);
    assert_eq!(stub.davit(&["hosts", "show", "web-1", "--json"]).await.json(), before());
    let missing = stub.davit(&["hosts", "show", "web-9"]).await;
    assert_eq!(missing.code, 4);
    assert!(missing.stderr.contains("there is no host web-9") && missing.stderr.contains("davit hosts list"));
}

#[tokio::test]
async fn a_change_keeps_the_rest_and_names_what_was_seen() {
    let stub = server().await;
    let args = ["hosts", "set", "web-1", "port=2222", "review.self_approval=false", "--unset", "labels"];
    let run = stub.davit(&args).await;
    assert_eq!((run.code, run.stdout.as_str()), (0, "The host web-1 is changed\n"), "{}", run.stderr);
    let mut form = before();
    form["port"] = 2222.into();
    form["review"]["self_approval"] = false.into();
    form.as_object_mut().expect("an object").remove("labels");
    assert_eq!(put(&stub), [("/api/v1/hosts/web-1".to_owned(), json!({ "form": form, "base": before() }))]);
}

#[tokio::test]
async fn each_kind_has_its_place_and_something_new_is_said_to_be_new() {
    let stub = server().await;
    for (args, target, base) in [
        (&["environments", "set", "production", "name=P"][..], "/api/v1/environments/production", before()),
        (&["forges", "set", "hub", "kind=gitea"], "/api/v1/forges/hub", before()),
        (&["channels", "set", "ops", "kind=slack"], "/api/v1/channels/ops", Value::Null),
        (&["hosts", "set", "web-2", "--new", "address=10.0.0.2"], "/api/v1/hosts/web-2", Value::Null),
    ] {
        let run = stub.davit(args).await;
        assert_eq!(run.code, 0, "{args:?}: {}", run.stderr);
        assert!(run.stdout.ends_with(if base.is_null() { "is there now\n" } else { "is changed\n" }), "{}", run.stdout);
        let (asked, body) = put(&stub).pop().expect("it was put");
        assert_eq!((asked.as_str(), &body["base"]), (target, &base));
    }
    let run = stub.davit(&["configs", "set", "shop", "production", "keep=3"]).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    let (target, body) = put(&stub).pop().expect("it was put");
    assert_eq!((target.as_str(), &body["base_revision"]), ("/api/v1/apps/shop/configs/production", &json!(7)));
    let refused = stub.davit(&["hosts", "set", "web-1", "--new", "port=1"]).await;
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("there is a host web-1 already"), "{}", refused.stderr);
}

#[tokio::test]
async fn a_repository_is_named_with_its_forge_or_found_among_those_that_there_are() {
    let listed = |forge: &str, name: &str| {
        json!({ "forge": forge, "name": name, "executor": "sandbox", "trusted": false, "network": true,
            "merge": false, "queue": false })
    };
    let items = vec![listed("hub", "acme/Shop"), listed("hub", "acme/tea"), listed("lab", "acme/tea")];
    let stub = Stub::start(move |seen, _| match (seen.method.clone(), seen.target.as_str()) {
        (Method::GET, "/api/v1/repositories") => {
            json_response(StatusCode::OK, &json!({ "items": items, "next": null }))
        }
        (Method::GET, "/api/v1/repositories/hub/acme/Shop") => {
            json_response(StatusCode::OK, &json!({ "key": "x", "form": { "memory": "4GiB" } }))
        }
        (Method::PUT, _) => json_response(StatusCode::OK, &json!({ "key": "x", "form": seen.json()["form"] })),
        (Method::DELETE, "/api/v1/repositories/hub/acme/Shop") => json_response(StatusCode::OK, &Value::Null),
        _ => not_found(),
    })
    .await;
    let run = stub.davit(&["ci", "repositories", "set", "acme/shop", "merge={ approvals = 1 }"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (0, "The repository acme/Shop at hub is changed\n"), "{}", run.stderr);
    let form = json!({ "memory": "4GiB", "merge": { "approvals": 1 } });
    let body = json!({ "form": form, "base": { "memory": "4GiB" } });
    assert_eq!(put(&stub), [("/api/v1/repositories/hub/acme/Shop".to_owned(), body)]);
    let run = stub.davit(&["ci", "repositories", "set", "lab:web/app/site", "--new"]).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    let (target, body) = put(&stub).pop().expect("it was put");
    assert_eq!((target.as_str(), &body["base"]), ("/api/v1/repositories/lab/web/app/site", &Value::Null));
    assert_eq!(stub.davit(&["ci", "repositories", "show", "acme/Shop"]).await.stdout, "memory = \"4GiB\"\n");
    let several = stub.davit(&["ci", "repositories", "edit", "acme/tea"]).await;
    assert!(several.code == 2 && several.stderr.contains("FORGE:acme/tea"), "{}", several.stderr);
    let none = stub.davit(&["ci", "repositories", "remove", "acme/nothing", "--yes"]).await;
    assert!(none.code == 4 && none.stderr.contains("FORGE:acme/nothing"), "{}", none.stderr);
    assert_eq!(stub.davit(&["ci", "repositories", "remove", "acme/shop", "--yes"]).await.code, 0);
    let listed = stub.davit(&["ci", "repositories", "--json"]).await;
    assert_eq!(listed.json()["items"][1]["name"], "acme/tea", "{}", listed.stderr);
}

#[tokio::test]
async fn a_refusal_is_told_in_the_servers_words() {
    let stub = server().await;
    for (port, code, sentence) in [("port=0", 2, "1 to 65535"), ("port=1", 1, "somebody changed it")] {
        let run = stub.davit(&["hosts", "set", "web-1", port]).await;
        assert_eq!(run.code, code, "{}", run.stderr);
        assert!(run.stderr.contains(sentence), "{}", run.stderr);
    }
    assert_eq!(stub.davit(&["hosts", "set", "web-1", "port"]).await.code, 2);
    assert_eq!(stub.davit(&["hosts", "set", "web-1", "address.x=1"]).await.code, 2);
}

#[tokio::test]
async fn a_file_replaces_everything() {
    let stub = server().await;
    let file = stub.home().join("host.toml");
    std::fs::write(&file, "address = \"10.0.0.9\"\n").expect("written");
    let run = stub.davit(&["hosts", "set", "web-1", "-f", "host.toml", "user=deploy"]).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(put(&stub)[0].1["form"], json!({ "address": "10.0.0.9", "user": "deploy" }));
    let run = stub.davit_with(&["hosts", "set", "web-1", "-f", "-"], &[], "address = 10\nuser = \"").await;
    assert_eq!((run.code, put(&stub).len()), (2, 1), "{}", run.stderr);
}

#[tokio::test]
async fn nothing_is_removed_or_edited_without_a_person() {
    let stub = server().await;
    let run = stub.davit(&["hosts", "remove", "web-1"]).await;
    assert_eq!((run.code, stub.asked().len()), (2, 0), "{}", run.stderr);
    assert!(run.stderr.contains("try: add --yes"), "{}", run.stderr);
    let run = stub.davit(&["hosts", "remove", "web-1", "--yes"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (0, "The host web-1 is removed\n"), "{}", run.stderr);
    assert_eq!(stub.davit(&["hosts", "remove", "web-9", "--yes"]).await.code, 4);
    assert_eq!(stub.davit(&["hosts", "edit", "web-1"]).await.code, 2);
}

#[tokio::test]
async fn secrets_go_along_when_that_is_said() {
    let stub =
        Stub::start(|seen, _| match (seen.method.clone(), seen.route().split(' ').next_back().unwrap_or_default()) {
            (Method::GET, "/api/v1/channels/ops") => {
                let own = ["slack", "signing"];
                json_response(StatusCode::OK, &json!({ "key": "ops", "form": {}, "own_secrets": own }))
            }
            (Method::DELETE, "/api/v1/channels/ops") => json_response(StatusCode::OK, &Value::Null),
            _ => not_found(),
        })
        .await;
    let run = stub.davit(&["channels", "remove", "ops", "--with-secrets", "--yes"]).await;
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (0, "The channel ops is removed, with slack, signing\n"),
        "{}",
        run.stderr
    );
    let deleted = |stub: &Stub| {
        let seen = stub.seen().into_iter().filter(|seen| seen.method == Method::DELETE);
        seen.map(|seen| seen.target.clone()).collect::<Vec<_>>()
    };
    assert_eq!(deleted(&stub), ["/api/v1/channels/ops?secrets=slack%2Csigning"]);
    assert_eq!(stub.davit(&["channels", "remove", "ops", "--yes"]).await.code, 0);
    assert_eq!(deleted(&stub)[1], "/api/v1/channels/ops");
    assert_eq!(stub.davit(&["channels", "remove", "web", "--with-secrets", "--yes"]).await.code, 4);
}

/// `davit hosts edit web-1` by a person, whose editor does this to the file `$2`.
async fn edit(stub: &Stub, editing: &str) -> Run {
    let editor = stub.home().join("editor");
    std::fs::write(&editor, format!("#!/bin/sh\n{editing}\n")).expect("written");
    std::fs::set_permissions(&editor, std::fs::Permissions::from_mode(0o755)).expect("executable");
    // `script` gives it a terminal, as a person has.
    let davit = env!("CARGO_BIN_EXE_davit");
    let mut script = tokio::process::Command::new("script");
    script.args(["--quiet", "--return", "--command", &format!("{davit} hosts edit web-1"), "/dev/null"]);
    script.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", stub.home()).current_dir(stub.home());
    script.env("DAVIT_URL", &stub.url).env("DAVIT_TOKEN", "t").env("TMPDIR", stub.home());
    script.env("VISUAL", format!("{} --wait", editor.display()));
    crate::stub::run(script, "").await
}

/// The files that davit made for editors and left.
fn left(stub: &Stub) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(stub.home()).expect("a directory").map(|entry| entry.expect("an entry").path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "toml")).collect()
}

#[tokio::test]
async fn the_editor_gets_what_is_there_and_what_it_leaves_is_put() {
    let stub = server().await;
    let run = edit(&stub, "sed -i 's/10.0.0.1/10.0.0.2/' \"$2\"\necho \"$1\" > edited").await;
    assert_eq!(run.code, 0, "{run:?}");
    let mut form = before();
    form["address"] = "10.0.0.2".into();
    assert_eq!(put(&stub), [("/api/v1/hosts/web-1".to_owned(), json!({ "form": form, "base": before() }))]);
    assert_eq!(std::fs::read_to_string(stub.home().join("edited")).expect("it ran"), "--wait\n");
    assert_eq!(left(&stub), <[PathBuf; 0]>::default());
}

#[tokio::test]
async fn what_was_typed_is_kept_when_the_server_does_not_take_it() {
    let stub = server().await;
    let run = edit(&stub, "echo 'port = 1' > \"$2\"").await;
    let [file] = &left(&stub)[..] else { panic!("one file: {run:?}") };
    let said = format!("somebody changed it meanwhile; what you typed is kept in {}", file.display());
    assert!(run.code == 1 && run.stdout.contains(&said), "{run:?}");
    assert_eq!(std::fs::read_to_string(file).expect("it is there"), "port = 1\n");
}

#[tokio::test]
async fn an_app_is_added_with_its_repository() {
    let stub = server().await;
    let run = stub.davit(&["apps", "add", "shop", "--repository", "hub:acme/shop", "--name", "Shop 商店"]).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    let body = json!({ "key": "shop", "name": "Shop 商店", "repository": { "forge": "hub", "name": "acme/shop" } });
    assert_eq!(stub.seen()[0].json(), body);
    for args in
        [&["apps", "add", "shop"][..], &["apps", "add", "shop", "--repository", "acme/shop"], &["apps", "set", "shop"]]
    {
        assert_eq!(stub.davit(args).await.code, 2, "{args:?}");
    }
}

#[tokio::test]
async fn apps_refs_commits_and_environments_are_listed() {
    let at = "2026-01-31T12:00:00.000Z";
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let git_ref = |name: &str| json!({ "name": name, "commit": commit, "subject": "Sell more", "at": at });
    let stub = Stub::routes(vec![
        (
            "GET /api/v1/apps",
            json!({ "items": [{ "key": "shop", "name": "商店", "repository": { "forge": "hub", "name": "acme/shop" },
                "environments": [{ "environment": "test" }, { "environment": "production" }] }], "next": null }),
        ),
        ("GET /api/v1/apps/shop/refs", json!({ "branches": [git_ref("main")], "tags": [git_ref("v1")] })),
        (
            "GET /api/v1/apps/shop/commits",
            json!({ "items": [{ "sha": commit, "author": "ann", "at": at, "subject": "Sell more" }], "next": null }),
        ),
        (
            "GET /api/v1/environments",
            json!({ "items": [
                { "key": "production", "name": "Production", "required_approvals": 1, "branches": ["main"],
                  "gate": { "open": false, "reason": "locked by ann" } },
                { "key": "test", "name": "测试", "required_approvals": 0, "branches": null,
                  "gate": { "open": true, "reason": null } }
            ], "next": null }),
        ),
    ])
    .await;
    for (args, expected) in [
        (
            &["apps", "list"][..],
            "APP   NAME  REPOSITORY     ENVIRONMENTS\nshop  商店  hub:acme/shop  test, production\n",
        ),
        (
            &["apps", "refs", "shop"],
            "        NAME  COMMIT      AT (UTC)          SUBJECT\nbranch  main  0123456789  2026-01-31 12:00  Sell more\n\
             tag     v1    0123456789  2026-01-31 12:00  Sell more\n",
        ),
        (
            &["apps", "commits", "shop", "--ref", "main"],
            "COMMIT      AT (UTC)          AUTHOR  SUBJECT\n0123456789  2026-01-31 12:00  ann     Sell more\n",
        ),
        (
            &["environments", "list"],
            "ENVIRONMENT  NAME        APPROVALS  BRANCHES  RELEASES\nproduction   Production  1          main      locked by ann\n\
             test         测试        0          all       start at once\n",
        ),
    ] {
        let run = stub.davit(args).await;
        assert_eq!((run.code, run.stdout.as_str()), (0, expected), "{}", run.stderr);
    }
}

#[tokio::test]
async fn colours_are_for_terminals_and_for_those_who_ask() {
    let gate = json!({ "open": true, "reason": null });
    let environment = json!({ "key": "test", "name": "Test", "required_approvals": 0, "branches": null, "gate": gate });
    let stub = Stub::routes(vec![("GET /api/v1/environments", json!({ "items": [environment], "next": null }))]).await;
    for (args, variables, coloured) in [
        (&["environments", "list"][..], &[][..], false),
        (&["environments", "list", "--color", "always"], &[], true),
        (&["--color=always", "environments", "list"], &[("NO_COLOR", "1")], true),
        (&["environments", "list", "--color", "never"], &[], false),
    ] {
        let run = stub.davit_with(args, variables, "").await;
        assert_eq!((run.code, run.stdout.contains("\u{1b}[32m")), (0, coloured), "{args:?}: {}", run.stdout);
    }
}

#[tokio::test]
async fn what_is_searched_and_counted_is_shown() {
    let figures = |live: u32| {
        json!({ "live": live, "per_day": 0.5, "failure_rate": 0.25, "lead": { "count": 1, "median": 3700, "p90": 9 },
                "restore": null })
    };
    let stub = Stub::start(move |seen, _| match seen.target.as_str() {
        "/api/v1/search?q=faster+search" => json_response(
            StatusCode::OK,
            &json!({ "items": [{ "kind": "request", "key": "7", "title": "Faster search", "detail": "shop",
                "state": "failed", "at": "2026-01-31T12:00:00.000Z" }], "next": null }),
        ),
        "/api/v1/search?q=nothing" => json_response(StatusCode::OK, &json!({ "items": [], "next": null })),
        "/api/v1/delivery?app=shop&days=7" => json_response(
            StatusCode::OK,
            &json!({ "days": 7, "period": figures(4), "before": figures(2), "weeks": false, "parts": [] }),
        ),
        _ => not_found(),
    })
    .await;
    let run = stub.davit(&["search", "faster", "search"]).await;
    let expected = "WHAT     WHICH  TITLE                AT (UTC)\nrequest  7      Faster search  shop  2026-01-31 12:00  failed\n";
    assert_eq!((run.code, run.stdout.as_str()), (0, expected), "{}", run.stderr);
    assert_eq!(stub.davit(&["search", "nothing"]).await.code, 4);
    let run = stub.davit(&["delivery", "--app", "shop", "--days", "7"]).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stdout.contains("LAST 7 DAYS") && run.stdout.contains("1 h 1 min") && run.stdout.contains("25 %"));
}

#[tokio::test]
async fn who_is_logged_in_is_said_and_a_stored_login_forgotten() {
    let user = json!({ "id": 1, "name": "ann", "role": "operator" });
    let stub = Stub::routes(vec![("GET /api/v1/session", json!({ "user": user, "version": "1.2.3" }))]).await;
    let run = stub.davit(&["whoami"]).await;
    assert_eq!((run.code, run.stdout), (0, format!("ann (operator) at {}/, davit 1.2.3\n", stub.url)));
    let unset = [("DAVIT_URL", ""), ("DAVIT_TOKEN", "")];
    let login = stub.davit_with(&["login", "--url", &stub.url, "--token-stdin"], &unset, "davit_token\n").await;
    assert_eq!(login.code, 0, "{}", login.stderr);
    let run = stub.davit_with(&["logout"], &unset, "").await;
    assert!(run.code == 0 && run.stdout.contains("is forgotten"), "{run:?}");
    assert!(!stub.home().join(".config/davit/login.toml").exists());
    assert_eq!(stub.davit_with(&["logout"], &unset, "").await.code, 0);
}

#[tokio::test]
async fn ping_waits_until_the_server_can_work() {
    let stub = Stub::start(|_, earlier| {
        let ready = earlier >= 2;
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        json_response(status, &json!({ "ready": ready, "database": ready, "data_dir": true, "workers": true }))
    })
    .await;
    let run = stub.davit(&["ping"]).await;
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("can't work: database missing"), "{}", run.stderr);
    let run = stub.davit_with(&["ping", "--wait", "1m", "--json"], &[("DAVIT_TOKEN", "")], "").await;
    assert_eq!((run.code, run.json()["ready"].clone()), (0, json!(true)));
    let other = Stub::start(|_, _| axum::response::Response::new("<h1>Hello</h1>".into())).await;
    assert_eq!(other.davit(&["ping"]).await.code, 5);
}
