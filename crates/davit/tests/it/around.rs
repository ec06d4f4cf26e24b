//! What stands around releases: locks, builds, uploads, secrets, host keys, and what hosts really serve.

use crate::stub::{Stub, json_response, not_found};
use axum::http::StatusCode;
use serde_json::{Value, json};

const AT: &str = "2026-01-31T12:00:00.000Z";

fn page(items: &[Value]) -> Value {
    json!({ "items": items, "next": null })
}

fn lock(id: i64, app: Option<&str>) -> Value {
    json!({ "id": id, "environment": "production", "app": app, "reason": "stock-taking", "owner": "ann",
            "created_at": AT, "expires_at": null })
}

fn build(id: i64) -> Value {
    json!({ "id": id, "app": "shop", "digest": "d1", "source": "upload", "created_by": "ann", "created_at": AT,
            "used_at": AT, "commit": "0123456789abcdef0123456789abcdef01234567", "title": "dist.tar.gz", "files": 3,
            "bytes": 2048 })
}

#[tokio::test]
async fn locks_are_made_listed_and_ended() {
    let stub = Stub::start(|seen, _| match seen.route().as_str() {
        "POST /api/v1/locks" => json_response(StatusCode::CREATED, &lock(5, None)),
        "GET /api/v1/locks" => json_response(StatusCode::OK, &page(&[lock(5, None), lock(6, Some("shop"))])),
        "DELETE /api/v1/locks/5" | "DELETE /api/v1/locks/6" => json_response(StatusCode::OK, &Value::Null),
        _ => not_found(),
    })
    .await;
    let run = stub.davit(&["lock", "production", "shop", "--reason", "stock-taking", "--for", "2h"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (0, "lock 5\n"), "{}", run.stderr);
    let sent = stub.seen()[0].json();
    assert_eq!((&sent["environment"], &sent["app"]), (&json!("production"), &json!("shop")));
    assert!(sent["expires_at"].is_string(), "{sent}");
    stub.davit(&["lock", "production", "--reason", "stock-taking"]).await;
    let sent = stub.seen()[1].json();
    assert_eq!((&sent["app"], &sent["expires_at"]), (&Value::Null, &Value::Null));

    let run = stub.davit(&["locks"]).await;
    assert_eq!(
        run.stdout,
        "ID  ENVIRONMENT  APP        BY   SINCE (UTC)       UNTIL (UTC)  REASON\n\
         5   production   every app  ann  2026-01-31 12:00  -            stock-taking\n\
         6   production   shop       ann  2026-01-31 12:00  -            stock-taking\n"
    );
    for (args, ended) in [
        (&["unlock", "5"][..], "DELETE /api/v1/locks/5"),
        (&["unlock", "production"], "DELETE /api/v1/locks/5"),
        (&["unlock", "production", "shop"], "DELETE /api/v1/locks/6"),
    ] {
        assert_eq!(stub.davit(args).await.code, 0, "{args:?}");
        assert_eq!(stub.asked().last().map(String::as_str), Some(ended));
    }
    for args in [&["unlock", "7"][..], &["unlock", "staging"]] {
        let run = stub.davit(args).await;
        assert_eq!(run.code, 4);
        assert!(run.stderr.contains("try: davit locks"), "{}", run.stderr);
    }
}

#[tokio::test]
async fn one_of_several_locks_is_named_by_its_number() {
    let stub = Stub::routes(vec![("GET /api/v1/locks", page(&[lock(5, None), lock(6, None)]))]).await;
    let run = stub.davit(&["unlock", "production"]).await;
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("locked 2 times: 5, 6") && run.stderr.contains("davit unlock 5"), "{}", run.stderr);
}

#[tokio::test]
async fn archives_and_files_are_sent_as_they_are() {
    let stub = Stub::start(|seen, _| match seen.route().as_str() {
        "POST /api/v1/apps/shop/builds" => json_response(StatusCode::CREATED, &build(4)),
        "POST /api/v1/apps/shop/uploads" => {
            let upload = json!({ "id": 9, "app": "shop", "name": "firmware", "digest": "d2", "bytes": 4,
                                 "created_by": "ann", "created_at": AT });
            json_response(StatusCode::CREATED, &upload)
        }
        "GET /api/v1/apps/shop/builds" => json_response(StatusCode::OK, &page(&[build(4)])),
        "GET /api/v1/builds/4" => json_response(StatusCode::OK, &build(4)),
        _ => not_found(),
    })
    .await;
    std::fs::write(stub.home().join("a b.tar.gz"), [0, 255, 7, 10]).expect("written");
    let run = stub.davit(&["builds", "upload", "shop", "a b.tar.gz", "--title", "From & CI"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (0, "build 4\n"), "{}", run.stderr);
    assert!(run.stderr.contains("davit deploy shop ENV --build 4"), "{}", run.stderr);
    let run = stub.davit(&["uploads", "shop", "upload", "a b.tar.gz", "--name", "firmware"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (0, "upload 9: firmware (4 B)\n"), "{}", run.stderr);
    let seen = stub.seen();
    let targets: Vec<_> = seen.iter().map(|seen| seen.target.as_str()).collect();
    assert_eq!(
        targets,
        ["/api/v1/apps/shop/builds?name=a+b.tar.gz&title=From+%26+CI", "/api/v1/apps/shop/uploads?name=firmware"]
    );
    for seen in &seen {
        assert_eq!(&seen.body[..], [0, 255, 7, 10]);
        assert_eq!(
            (seen.header("content-type"), seen.header("content-length")),
            (Some("application/octet-stream"), Some("4"))
        );
    }
    let run = stub.davit(&["builds", "list", "shop"]).await;
    assert!(run.stdout.contains("2.0 KiB") && run.stdout.contains("dist.tar.gz"), "{}", run.stdout);
    assert_eq!(stub.davit(&["builds", "show", "4", "--json"]).await.json(), build(4));
    for file in ["nowhere", "."] {
        assert_eq!(stub.davit(&["builds", "upload", "shop", file]).await.code, 2, "{file}");
    }
}

#[tokio::test]
async fn secrets_come_from_stdin_and_are_never_shown() {
    let stub = Stub::start(|seen, _| match seen.route().as_str() {
        "PUT /api/v1/secrets/github" | "DELETE /api/v1/secrets/github" => json_response(StatusCode::OK, &Value::Null),
        "GET /api/v1/secrets" => json_response(StatusCode::OK, &page(&[json!({ "name": "github", "updated_at": AT })])),
        _ => not_found(),
    })
    .await;
    let run = stub.davit_with(&["secrets", "set", "github", "--stdin"], &[], "hush\n").await;
    assert_eq!((run.code, run.stdout.as_str()), (0, "github is stored\n"), "{}", run.stderr);
    assert_eq!(stub.seen()[0].json(), json!({ "value": "hush" }));
    assert!(!stub.seen()[0].target.contains("hush"));
    assert_eq!(stub.davit(&["secrets", "list"]).await.stdout, "NAME    SET (UTC)\ngithub  2026-01-31 12:00\n");
    assert_eq!(stub.davit(&["secrets", "delete", "github"]).await.code, 0);
    assert_eq!(stub.davit(&["secrets", "delete", "other"]).await.code, 4);
    let nobody_to_ask = stub.davit(&["secrets", "set", "github"]).await;
    assert_eq!(nobody_to_ask.code, 2);
    assert!(nobody_to_ask.stderr.contains("--stdin"), "{}", nobody_to_ask.stderr);
}

#[tokio::test]
async fn a_password_installs_the_key_and_goes_into_the_body_alone() {
    let stub = Stub::start(|seen, _| {
        let check =
            |ok: bool, detail: &str| json!({ "at": AT, "ok": ok, "code": "x", "detail": detail, "fingerprint": null });
        match seen.route().as_str() {
            "POST /api/v1/hosts/web-1/install-key" => json_response(StatusCode::OK, &check(true, "it took the key")),
            "POST /api/v1/hosts/web-2/install-key" => json_response(StatusCode::OK, &check(false, "wrong password")),
            _ => not_found(),
        }
    })
    .await;
    let args = ["hosts", "install-key", "web-1", "web-2", "--password-stdin"];
    let run = stub.davit_with(&args, &[], "hush\n").await;
    assert_eq!((run.code, run.stdout.as_str()), (1, "✓ web-1: it took the key\n✗ web-2: wrong password\n"));
    for seen in stub.seen() {
        assert_eq!(seen.json(), json!({ "password": "hush" }));
        assert!(!seen.target.contains("hush"));
    }
    assert!(!run.stderr.contains("hush") && run.stderr.contains("1 of 2 hosts"), "{}", run.stderr);
    assert_eq!(stub.davit_with(&["hosts", "install-key", "web-3", "--password-stdin"], &[], "x").await.code, 4);
    assert_eq!(stub.davit(&["hosts", "install-key", "web-1"]).await.code, 2);
}

#[tokio::test]
async fn all_keys_are_scanned_and_new_ones_pinned_after_a_yes() {
    let key = |host: &str, status: &str| json!({ "host": host, "fingerprint": format!("SHA256:{host}"), "status": status, "detail": "" });
    let changed = page(&[key("a", "new"), key("b", "same"), key("c", "changed")]);
    let fine = page(&[key("a", "new"), key("b", "same")]);
    for (keys, code) in [(changed, 1), (fine, 0)] {
        let stub =
            Stub::routes(vec![("POST /api/v1/hosts/scan-keys", keys), ("POST /api/v1/hosts/accept-keys", Value::Null)])
                .await;
        let silent = stub.davit(&["hosts", "scan-keys", "--all", "--json"]).await;
        assert_eq!((silent.code, stub.asked().len()), (if code == 0 { 2 } else { 1 }, 1), "nothing is pinned unasked");
        let run = stub.davit(&["hosts", "scan-keys", "--all", "--yes", "--json"]).await;
        assert_eq!((run.code, &run.json()["pinned"]), (code, &json!(1)), "{}", run.stderr);
        let accepted = stub.seen().pop().expect("a request").json();
        assert_eq!(accepted, json!({ "items": [{ "host": "a", "fingerprint": "SHA256:a" }] }));
    }
}

#[tokio::test]
async fn known_hosts_are_imported() {
    let answer = json!({ "pinned": ["web-1"], "conflicts": [], "unknown": 2 });
    let stub = Stub::routes(vec![("POST /api/v1/hosts/import-known-hosts", answer)]).await;
    std::fs::write(stub.home().join("known_hosts"), "web-1 ssh-ed25519 AAAA\n").expect("written");
    let run = stub.davit(&["hosts", "import-known-hosts", "known_hosts"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (0, "pinned: web-1\n"), "{}", run.stderr);
    assert_eq!(stub.seen()[0].json(), json!({ "text": "web-1 ssh-ed25519 AAAA\n" }));
    assert_eq!(stub.davit(&["hosts", "import-known-hosts", "nowhere"]).await.code, 2);
}

#[tokio::test]
async fn asking_hosts_fails_when_one_serves_something_else() {
    let check = |host: &str, verdict: &str| {
        json!({ "host": host, "verdict": verdict, "live": "r1", "expected": "r2", "at": AT,
                "detail": { "sentence": "it is so", "foreign": null, "altered": 0, "files": [] } })
    };
    let path = "POST /api/v1/apps/shop/environments/production/live";
    for (verdict, code) in [("ok", 0), ("drift", 1), ("unreachable", 1)] {
        let stub = Stub::routes(vec![(path, page(&[check("web-1", "ok"), check("web-2", verdict)]))]).await;
        let run = stub.davit(&["status", "shop", "production", "--ask"]).await;
        assert_eq!(run.code, code, "{}", run.stderr);
        assert!(run.stdout.contains(&format!("web-2  {verdict}")), "{}", run.stdout);
        let json = stub.davit(&["status", "shop", "production", "--ask", "--json"]).await;
        assert_eq!((json.code, &json.json()["items"][1]["verdict"]), (code, &json!(verdict)));
    }
    let stub = Stub::routes(vec![]).await;
    assert_eq!(stub.davit(&["status", "shop", "--ask"]).await.code, 2);
}
