//! Lists, tables and their JSON.

use crate::stub::{Stub, deployment, json_response, not_found, request};
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

#[tokio::test]
async fn a_list_is_read_part_by_part_up_to_the_limit() {
    let stub = Stub::start(|seen, _| {
        let start: i64 = if seen.target.contains("cursor=x%26y") { 200 } else { 0 };
        let items: Vec<_> = (start..start + 200).map(|id| request(id, "succeeded", None)).collect();
        json_response(StatusCode::OK, &json!({ "items": items, "next": "x&y" }))
    })
    .await;
    let run = stub.davit(&["requests", "--state", "succeeded", "--app", "a b", "--limit", "250", "--json"]).await;
    let ids: Vec<_> = run.json()["items"].as_array().expect("items").iter().map(|item| item["id"].as_i64()).collect();
    assert_eq!((run.code, ids), (0, (0..250).map(Some).collect()));
    let asked: Vec<_> = stub.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(
        asked,
        [
            "/api/v1/requests?state=succeeded&app=a+b&limit=200",
            "/api/v1/requests?state=succeeded&app=a+b&limit=50&cursor=x%26y"
        ]
    );
}

#[tokio::test]
async fn requests_are_a_table() {
    let mut hostile = request(8, "awaiting_review", None);
    hostile["title"] = json!("发布\u{1b}[31m!");
    let items = json!({ "items": [hostile, request(7, "succeeded", Some(12))], "next": null });
    let stub = Stub::routes(vec![("GET /api/v1/requests", items)]).await;
    let run = stub.davit(&["requests"]).await;
    assert_eq!(
        run.stdout,
        "ID  APP   ENVIRONMENT  STATE            COMMIT      DEPLOYMENT  BY   AT (UTC)          TITLE\n\
         8   shop  production   awaiting_review  0123456789  -           ann  2026-01-31 12:00  发布!\n\
         7   shop  production   succeeded        0123456789  12          ann  2026-01-31 12:00  Sell more\n"
    );
}

#[tokio::test]
async fn an_empty_list_says_what_belongs_there() {
    let stub = Stub::routes(vec![("GET /api/v1/requests", json!({ "items": [], "next": null }))]).await;
    let run = stub.davit(&["requests"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (0, ""));
    assert!(run.stderr.contains("davit deploy"), "{}", run.stderr);
    assert_eq!(stub.davit(&["requests", "--json"]).await.json(), json!({ "items": [], "next": null }));
}

#[tokio::test]
async fn request_actions_send_what_they_mean() {
    let stub = Stub::start(|seen, _| match seen.method.as_str() {
        "POST" => json_response(StatusCode::OK, &request(7, "awaiting_release", None)),
        _ => not_found(),
    })
    .await;
    for args in [
        &["request", "approve", "7", "--json"][..],
        &["request", "reject", "7", "--reason", "too risky", "--json"],
        &["request", "withdraw", "7", "--json"],
    ] {
        let run = stub.davit(args).await;
        assert_eq!((run.code, run.json()["id"].as_i64()), (0, Some(7)), "{args:?}");
    }
    let sent: Vec<_> = stub.seen().iter().map(|seen| (seen.target.clone(), seen.json())).collect();
    let expected = [
        ("/api/v1/requests/7/approve".to_owned(), json!({})),
        ("/api/v1/requests/7/reject".to_owned(), json!({ "reason": "too risky" })),
        ("/api/v1/requests/7/withdraw".to_owned(), json!({})),
    ];
    assert_eq!(sent, expected);
}

fn overview() -> Value {
    let live = json!({
        "release": "20260131T120000Z-0123456789", "commit": "0123456789abcdef", "title": "t",
        "at": "2026-01-31T12:00:00.000Z", "deployment": 12, "hosts": 2
    });
    json!({
        "environments": [{ "key": "production", "name": "Production", "color": null }],
        "apps": [
            { "key": "shop", "name": "Shop", "cells": [
                { "environment": "staging", "live": null, "last": null },
                { "environment": "production", "live": live, "last": deployment(12, "succeeded", &[]) } ] },
            { "key": "blog", "name": "Blog", "cells": [{ "environment": "production", "live": null, "last": null }] }
        ],
        "running": [deployment(13, "staging", &[])], "waiting": [request(9, "awaiting_review", None)],
        "hosts": 2, "forges": 1
    })
}

#[tokio::test]
async fn status_is_a_table_of_what_is_live() {
    let stub = Stub::routes(vec![("GET /api/v1/overview", overview())]).await;
    let run = stub.davit(&["status", "shop"]).await;
    assert_eq!(run.code, 0);
    assert_eq!(
        run.stdout,
        "APP   ENVIRONMENT  LIVE RELEASE                 COMMIT      SINCE (UTC)       LAST DEPLOYMENT\n\
         shop  staging      -\n\
         shop  production   20260131T120000Z-0123456789  0123456789  2026-01-31 12:00  12               succeeded\n"
    );
    assert!(run.stderr.contains("davit logs -f 13") && run.stderr.contains("davit request show 9"), "{}", run.stderr);
}

#[tokio::test]
async fn status_json_is_the_overview_narrowed() {
    let stub = Stub::routes(vec![("GET /api/v1/overview", overview())]).await;
    assert_eq!(stub.davit(&["status", "--json"]).await.json()["apps"].as_array().map(Vec::len), Some(2));
    let run = stub.davit(&["status", "shop", "staging", "--json"]).await.json();
    assert_eq!(run["apps"][0]["cells"], json!([{ "environment": "staging", "live": null, "last": null }]));
    assert_eq!((&run["running"], &run["hosts"]), (&json!([]), &json!(2)));
    for args in [&["status", "nope"][..], &["status", "shop", "nope"]] {
        assert_eq!(stub.davit(args).await.code, 4);
    }
}

#[tokio::test]
async fn releases_cancel_and_export_print_what_the_server_says() {
    let release = json!({
        "release": "20260131T120000Z-0123456789", "commit": "0123456789abcdef", "title": "Sell more", "by": "ann",
        "at": "2026-01-31T12:00:00.000Z", "deployment": 12, "hosts": ["web-1", "web-2"], "live": true
    });
    let items = json!({ "items": [release], "next": null });
    let answers = items.clone();
    let stub = Stub::start(move |seen, _| match seen.route().as_str() {
        "GET /api/v1/apps/shop/environments/production/releases" => json_response(StatusCode::OK, &answers),
        "POST /api/v1/deployments/12/cancel" => json_response(StatusCode::OK, &deployment(12, "staging", &[])),
        "GET /api/v1/export" => Response::new(Body::from("[[forge]]\nid = \"github\"\n")),
        _ => not_found(),
    })
    .await;
    let run = stub.davit(&["releases", "shop", "production"]).await;
    assert!(run.stdout.contains("20260131T120000Z-0123456789  live  0123456789  2026-01-31 12:00"), "{}", run.stdout);
    assert_eq!(stub.davit(&["releases", "shop", "production", "--json"]).await.json(), items);
    let run = stub.davit(&["cancel", "12"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (0, "deployment 12 staging\n"));
    assert_eq!(stub.davit(&["export"]).await.stdout, "[[forge]]\nid = \"github\"\n");
}

#[tokio::test]
async fn deliveries_are_listed_shown_and_replayed() {
    let delivery = json!({
        "id": 3, "forge": "github", "event": "push", "delivery": "72d3", "received_at": "2026-01-31T12:00:00.000Z",
        "verdict": "processed", "reason": "", "attempts": 1, "repository": "acme/shop", "summary": "push to main"
    });
    let mut full = delivery.clone();
    full["headers"] = json!([["x-github-event", "push"], ["x-hub-signature-256", "***"]]);
    full["body"] = json!("{\"a\":1}");
    full["started"] = json!([{ "request": 7, "deployment": 12 }]);
    let stub = Stub::routes(vec![
        ("GET /api/v1/deliveries", json!({ "items": [delivery], "next": null })),
        ("GET /api/v1/deliveries/3", full.clone()),
        ("POST /api/v1/deliveries/3/replay", delivery.clone()),
    ])
    .await;
    let run = stub.davit(&["deliveries", "list", "--forge", "github", "--verdict", "processed", "--json"]).await;
    assert_eq!(run.json()["items"][0], delivery);
    assert_eq!(stub.seen()[0].target, "/api/v1/deliveries?forge=github&verdict=processed&limit=50");
    let run = stub.davit(&["deliveries", "show", "3"]).await;
    assert!(run.stdout.contains("started request 7, deployment 12"), "{}", run.stdout);
    assert!(run.stdout.ends_with("x-hub-signature-256: ***\n\n{\"a\":1}\n"), "{}", run.stdout);
    assert_eq!(stub.davit(&["deliveries", "show", "3", "--json"]).await.json(), full);
    assert_eq!(stub.davit(&["deliveries", "replay", "3", "--json"]).await.json(), delivery);
    assert_eq!(stub.davit(&["deliveries", "show", "4"]).await.code, 4);
}

#[tokio::test]
async fn calls_to_forges_are_listed_shown_and_tried_again() {
    let call = json!({
        "id": 9, "kind": "commit_status", "lane": "status github acme/shop 0a1f davit/deploy/production",
        "forge": "github", "repository": "acme/shop", "commit": "0a1f", "summary": "success: davit/deploy/production",
        "channel": null, "url": null, "state": "dead", "attempts": 94, "created_at": "2026-01-31T12:00:00.000Z", "next_at": null,
        "done_at": "2026-02-07T12:00:00.000Z", "error": "GitHub refused to set the status"
    });
    let mut full = call.clone();
    full["payload"] = json!({ "state": "success" });
    let stub = Stub::routes(vec![
        ("GET /api/v1/outbox", json!({ "items": [call], "next": null })),
        ("GET /api/v1/outbox/9", full.clone()),
        ("POST /api/v1/outbox/9/retry", call.clone()),
    ])
    .await;
    let run = stub.davit(&["outbox", "list"]).await;
    assert_eq!(stub.seen()[0].target, "/api/v1/outbox?state=dead%2Cwaiting%2Cleased&limit=50");
    assert!(run.stdout.contains("GitHub refused to set the status") && run.stdout.contains("94"), "{}", run.stdout);
    let run = stub.davit(&["outbox", "show", "9"]).await;
    assert!(run.stdout.starts_with("call 9 dead: success: davit/deploy/production\n"), "{}", run.stdout);
    assert!(run.stdout.ends_with("{\"state\":\"success\"}\n"), "{}", run.stdout);
    assert_eq!(stub.davit(&["outbox", "show", "9", "--json"]).await.json(), full);
    assert_eq!(stub.davit(&["outbox", "retry", "9", "--json"]).await.json(), call);
    assert_eq!(stub.davit(&["outbox", "retry", "4"]).await.code, 4);
}

#[tokio::test]
async fn forges_are_tested_and_get_hooks_and_keys() {
    let forge = json!({
        "id": "github", "kind": "github", "hook_url": "http://here/hooks/github", "has_token": true,
        "has_webhook_secret": false, "repositories": ["acme/shop"]
    });
    let check = json!({
        "repository": "acme/shop", "reachable": true, "detail": "", "default_branch": "main",
        "needs": [
            { "what": "read the code", "permission": "Contents: read", "granted": true },
            { "what": "report deployments", "permission": "Deployments: write", "granted": false },
            { "what": "see checks", "permission": "Checks: read", "granted": null }
        ],
        "hook": { "state": "missing", "id": null, "events": [], "last_response": null, "detail": "" },
        "clock_skew_ms": 0
    });
    let hook = json!({ "id": 1, "url": "http://here/hooks/github", "active": true, "events": [], "secret": "made" });
    let key = json!({
        "public_key": "ssh-ed25519 AAAA davit", "secret": "github-deploy-key", "made": true, "in_use": false,
        "added_to": null
    });
    let stub = Stub::routes(vec![
        ("GET /api/v1/forges", json!({ "items": [forge], "next": null })),
        ("GET /api/v1/forges/github", forge.clone()),
        ("POST /api/v1/forges/github/check", check.clone()),
        ("POST /api/v1/forges/github/hook", hook.clone()),
        ("POST /api/v1/forges/github/deploy-key", key.clone()),
    ])
    .await;
    let run = stub.davit(&["forges", "list"]).await;
    assert!(run.stdout.contains("http://here/hooks/github") && run.stdout.contains("missing"), "{}", run.stdout);
    let run = stub.davit(&["forges", "test", "github"]).await;
    assert_eq!(run.code, 1);
    let lines = [
        "✗ acme/shop\n",
        "✓ davit can read the code\n",
        "✗ davit can not report deployments: the credential lacks Deployments: write\n",
        "? the forge does not say whether davit can see checks (Checks: read)\n",
        "✗ no hook of it sends to davit\n",
    ];
    for line in lines {
        assert!(run.stdout.contains(line), "{line}: {}", run.stdout);
    }
    let run = stub.davit(&["forges", "test", "github", "--repository", "acme/other", "--json"]).await;
    assert_eq!(run.json()["items"], json!([check]));
    assert_eq!(stub.seen().last().expect("a request").json(), json!({ "repository": "acme/other" }));
    let run = stub.davit(&["forges", "register-hook", "github"]).await;
    assert_eq!(
        (run.code, run.stdout.as_str()),
        (0, "acme/shop sends to http://here/hooks/github: davit made its secret and keeps it\n")
    );
    let run = stub.davit(&["forges", "deploy-key", "github"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (0, "ssh-ed25519 AAAA davit\n"));
    assert!(run.stderr.contains("git_key = { secret = \"github-deploy-key\" }"), "{}", run.stderr);
    assert_eq!(stub.davit(&["forges", "test", "nope"]).await.code, 4);
}

#[tokio::test]
async fn completions_name_the_commands() {
    let stub = Stub::routes(vec![]).await;
    for shell in ["bash", "zsh", "fish"] {
        let run = stub.davit(&["completions", shell]).await;
        assert_eq!(run.code, 0);
        assert!(run.stdout.contains("scan-keys") && run.stdout.contains("deliveries"), "{shell}");
    }
}
