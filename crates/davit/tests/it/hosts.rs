//! `davit hosts` and `davit doctor`.

use crate::stub::{Stub, json_response, not_found, problem};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

fn host(name: &str, pinned: Option<&str>) -> Value {
    json!({
        "name": name, "kind": "ssh", "address": "10.0.0.1", "port": 22, "user": "deploy", "labels": [],
        "environments": ["production"], "host_key_fingerprint": pinned, "jump": [], "check": null
    })
}

fn check(code: &str, fingerprint: Option<&str>) -> Value {
    json!({ "at": "2026-01-31T12:00:00.000Z", "ok": code == "ok", "detail": format!("it is {code}"),
            "fingerprint": fingerprint, "code": code })
}

fn ok(value: &Value) -> Response {
    json_response(StatusCode::OK, value)
}

/// good: fine; new: an unknown key; moved: another key than the pinned one; off: does not answer.
async fn server() -> Stub {
    Stub::start(|seen, _| match seen.route().as_str() {
        "GET /api/v1/hosts" => {
            let hosts = [
                host("good", Some("SHA256:good")),
                host("new", None),
                host("moved", Some("SHA256:old")),
                host("off", Some("SHA256:off")),
            ];
            ok(&json!({ "items": hosts, "next": null }))
        }
        "POST /api/v1/hosts/good/verify" => ok(&check("ok", None)),
        "POST /api/v1/hosts/new/verify" => ok(&check("host_key_unknown", Some("SHA256:new"))),
        "POST /api/v1/hosts/moved/verify" => ok(&check("host_key_changed", Some("SHA256:other"))),
        "POST /api/v1/hosts/off/verify" => ok(&check("unreachable", None)),
        "POST /api/v1/hosts/new/accept-key" | "POST /api/v1/hosts/moved/accept-key" => ok(&host("any", None)),
        "GET /api/v1/hosts/public-key" => ok(&json!({ "public_key": "ssh-ed25519 AAAA davit" })),
        "GET /healthz" => Response::new("ok\n".into()),
        "GET /readyz" => ok(&json!({ "ready": true })),
        "GET /api/v1/session" => ok(&json!({
            "user": { "id": 1, "name": "ann", "role": "operator" }, "version": env!("CARGO_PKG_VERSION"),
            "public_url": "http://here"
        })),
        "GET /api/v1/forges" => ok(&json!({ "items": [{
            "id": "github", "kind": "github", "api_url": "https://api.github.com",
            "hook_url": "http://here/hooks/github", "has_token": true, "has_webhook_secret": false
        }], "next": null })),
        _ => not_found(),
    })
    .await
}

fn accepted(stub: &Stub) -> Vec<(String, Value)> {
    let seen = stub.seen().into_iter().filter(|seen| seen.target.ends_with("/accept-key"));
    seen.map(|seen| (seen.target.clone(), seen.json()["fingerprint"].clone())).collect()
}

#[tokio::test]
async fn verify_checks_all_and_fails_when_one_does() {
    let stub = server().await;
    let run = stub.davit(&["hosts", "verify"]).await;
    assert_eq!(run.code, 1);
    assert_eq!(
        run.stdout,
        "✓ good: it is ok\n✗ new: it is host_key_unknown\n✗ moved: it is host_key_changed\n✗ off: it is unreachable\n"
    );
    assert!(run.stderr.contains("3 of 4 hosts") && run.stderr.contains("try: davit hosts scan-keys"), "{}", run.stderr);
    let run = stub.davit(&["hosts", "verify", "good", "--json"]).await;
    assert_eq!((run.code, run.json()["items"][0]["name"].as_str()), (0, Some("good")));
    assert_eq!(stub.davit(&["hosts", "verify", "nope"]).await.code, 4);
}

#[tokio::test]
async fn scan_keys_shows_and_without_a_terminal_accepts_nothing() {
    let stub = server().await;
    let run = stub.davit(&["hosts", "scan-keys"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (2, "new SHA256:new: it is host_key_unknown\n"));
    assert!(run.stderr.contains("--fingerprint"), "{}", run.stderr);
    assert_eq!(accepted(&stub), []);
}

#[tokio::test]
async fn scan_keys_yes_accepts_first_keys_and_never_changed_ones() {
    let stub = server().await;
    let run = stub.davit(&["hosts", "scan-keys", "--yes", "--json"]).await;
    let expected = json!({ "items": [{
        "name": "new", "fingerprint": "SHA256:new", "code": "host_key_unknown", "detail": "it is host_key_unknown",
        "accepted": true
    }] });
    assert_eq!((run.code, run.json()), (0, expected));
    let run = stub.davit(&["hosts", "scan-keys", "--yes", "moved", "good"]).await;
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("no key was pinned for moved\n"), "{}", run.stderr);
    assert_eq!(accepted(&stub), [("/api/v1/hosts/new/accept-key".to_owned(), json!("SHA256:new"))]);
}

#[tokio::test]
async fn scan_keys_accepts_a_changed_key_by_its_fingerprint() {
    let stub = server().await;
    let wrong = stub.davit(&["hosts", "scan-keys", "moved", "--fingerprint", "SHA256:else"]).await;
    assert_eq!((wrong.code, accepted(&stub)), (1, vec![]));
    let right = stub.davit(&["hosts", "scan-keys", "moved", "--fingerprint", "SHA256:other"]).await;
    assert_eq!(right.code, 0, "{}", right.stderr);
    assert_eq!(accepted(&stub), [("/api/v1/hosts/moved/accept-key".to_owned(), json!("SHA256:other"))]);
    assert_eq!(stub.davit(&["hosts", "scan-keys", "moved", "new", "--fingerprint", "x"]).await.code, 2);
}

#[tokio::test]
async fn hosts_are_listed_and_the_public_key_printed() {
    let stub = server().await;
    let run = stub.davit(&["hosts", "list", "--limit", "1"]).await;
    assert_eq!(
        run.stdout,
        "HOST  AT                  ENVIRONMENTS  CHECK    KEY          DETAIL\n\
         good  deploy@10.0.0.1:22  production    not yet  SHA256:good\n"
    );
    assert_eq!(stub.davit(&["hosts", "public-key"]).await.stdout, "ssh-ed25519 AAAA davit\n");
}

#[tokio::test]
async fn doctor_says_what_is_wrong_and_what_to_do() {
    let stub = server().await;
    let run = stub.davit(&["doctor"]).await;
    assert_eq!(run.code, 1);
    let marks: Vec<_> = run.stdout.lines().filter(|line| !line.starts_with(' ')).map(|line| &line[..3]).collect();
    assert_eq!(marks, ["✓", "✓", "✓", "✓", "✓", "✗", "✗", "✗", "✗"], "{}", run.stdout);
    for fix in ["davit hosts scan-keys new", "10.0.0.1:22 answers", "give [[forge]] \"github\" a webhook_secret"] {
        assert!(run.stdout.contains(fix), "{fix}: {}", run.stdout);
    }
    let json = stub.davit(&["doctor", "--json"]).await.json();
    assert_eq!((&json["ok"], json["checks"].as_array().map(Vec::len)), (&json!(false), Some(9)));
}

#[tokio::test]
async fn doctor_has_the_server_look_at_what_it_alone_can_see() {
    let stub = Stub::routes(vec![
        ("GET /healthz", json!("ok")),
        ("GET /readyz", json!({ "ready": true })),
        (
            "GET /api/v1/session",
            json!({ "user": { "id": 1, "name": "ann", "role": "operator" }, "version": env!("CARGO_PKG_VERSION") }),
        ),
        ("GET /api/v1/hosts", json!({ "items": [], "next": null })),
        (
            "GET /api/v1/doctor",
            json!({ "ok": false, "at": "2026-01-31T12:00:00.000Z", "checks": [{
                "about": "forge", "name": "github acme/shop", "ok": false, "detail": "davit can not report deployments",
                "fix": "give the credential at github this permission: Deployments: write"
            }] }),
        ),
    ])
    .await;
    let run = stub.davit(&["doctor"]).await;
    assert_eq!(run.code, 1);
    let end = "✗ github acme/shop: davit can not report deployments\n    \
               try: give the credential at github this permission: Deployments: write\n";
    assert!(run.stdout.ends_with(end), "{}", run.stdout);
}

#[tokio::test]
async fn doctor_stops_where_the_rest_can_not_be_seen() {
    let stub = Stub::start(|seen, _| match seen.route().as_str() {
        "GET /healthz" => Response::new("ok\n".into()),
        "GET /readyz" => problem(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "no database"),
        _ => problem(StatusCode::UNAUTHORIZED, "unauthenticated", "log in, or send a valid API token"),
    })
    .await;
    let run = stub.davit(&["doctor"]).await;
    assert_eq!(run.code, 1);
    assert!(run.stdout.contains("✗ readiness: /readyz answers 503"), "{}", run.stdout);
    let end = "✗ login: log in, or send a valid API token\n    try: davit login, for a token that is valid\n";
    assert!(run.stdout.ends_with(end), "{}", run.stdout);
}
