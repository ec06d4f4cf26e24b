//! `davit runs …` and `davit ci start`.

use crate::stub::{Run, Stub, json_response, not_found};
use axum::body::Body;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

fn run(id: i64, state: &str) -> Value {
    json!({
        "id": id, "forge": "github", "repository": "acme/shop", "workflow": "Tests",
        "workflow_file": ".davit/workflows/ci.yml", "title": "Sell more", "trigger": "push",
        "git_ref": "refs/heads/main", "head_sha": SHA, "change": null, "from_fork": false, "by": "ann", "state": state,
        "reason": null, "attempt": 1, "created_at": "2026-01-31T12:00:00.000Z", "started_at": null, "ended_at": null,
        "superseded_by": null, "approved_by": null
    })
}

fn job(id: i64, key: &str, state: &str, attempt: i64, latest: bool) -> Value {
    let started = (state != "queued").then_some("2026-01-31T12:00:00.000Z");
    json!({
        "id": id, "key": key, "name": format!("the {key}"), "index": 0, "attempt": attempt, "state": state,
        "reason": if state == "failure" { Some("step 1 failed") } else { None }, "needs": [],
        "created_at": "2026-01-31T12:00:00.000Z", "started_at": started, "ended_at": null, "environment": null,
        "steps": [], "latest": latest
    })
}

fn detail(state: &str, jobs: &[Value]) -> Value {
    let annotation = json!({
        "job_id": 2, "level": "error", "file": "src/main.rs", "line": 3, "end_line": null, "column": null,
        "title": null, "message": "two\u{1b}[2J is not one"
    });
    json!({ "run": run(7, state), "jobs": jobs, "annotations": [annotation], "artifacts": [], "summaries": [] })
}

fn line(seq: u64, text: &str) -> Value {
    json!({ "seq": seq, "at": "2026-01-31T12:00:00.000Z", "step": 1, "stream": "stdout", "text": text })
}

fn events(events: &[(&str, Option<u64>, Value)]) -> Response {
    let text: String = events
        .iter()
        .map(|(name, id, data)| {
            let id = id.map(|id| format!("id: {id}\n")).unwrap_or_default();
            format!("event: {name}\n{id}data: {data}\n\n")
        })
        .collect();
    Response::builder().header("content-type", "text/event-stream").body(Body::from(text)).expect("a response")
}

#[tokio::test]
async fn runs_are_a_table() {
    let items = json!({ "items": [run(8, "running"), run(7, "success")], "next": null });
    let stub = Stub::routes(vec![("GET /api/v1/runs", items)]).await;
    let listed =
        stub.davit(&["runs", "list", "--repository", "acme/shop", "--state", "running,success", "--change", "4"]).await;
    assert_eq!(
        listed.stdout,
        "ID  STATE    REPOSITORY  WORKFLOW  TRIGGER  COMMIT      BY   AT (UTC)          TITLE\n\
         8   running  acme/shop   Tests     push     0123456789  ann  2026-01-31 12:00  Sell more\n\
         7   success  acme/shop   Tests     push     0123456789  ann  2026-01-31 12:00  Sell more\n"
    );
    let asked = "/api/v1/runs?repository=acme%2Fshop&state=running%2Csuccess&change=4&limit=50";
    assert_eq!(stub.seen()[0].target, asked);
    assert_eq!(stub.davit(&["runs", "list", "--json"]).await.json()["items"][0]["id"], 8);
}

#[tokio::test]
async fn a_run_is_shown_with_its_newest_attempts() {
    let jobs = [job(1, "unit", "failure", 1, false), job(2, "unit", "failure", 2, true)];
    let stub = Stub::routes(vec![("GET /api/v1/runs/7", detail("failure", &jobs))]).await;
    let shown = stub.davit(&["runs", "show", "7"]).await;
    assert_eq!(
        shown.stdout,
        "run 7 failure: Sell more\n\
         \x20 Tests on 0123456789 of refs/heads/main in acme/shop, by ann\n\
         JOB  STATE    NAME      ATTEMPT  WHY\n\
         2    failure  the unit  2        step 1 failed\n\
         src/main.rs:3: error: two is not one\n"
    );
    assert_eq!(stub.davit(&["runs", "show", "7", "--json"]).await.json()["jobs"][0]["id"], 1);
    let missing = stub.davit(&["runs", "show", "8"]).await;
    assert_eq!(missing.code, 4);
    assert!(missing.stderr.contains("davit runs list"), "{}", missing.stderr);
}

#[tokio::test]
async fn actions_send_what_they_mean() {
    let stub = Stub::start(|seen, _| match seen.method.as_str() {
        "POST" => json_response(StatusCode::OK, &run(7, "queued")),
        _ => json_response(
            StatusCode::OK,
            &detail("failure", &[job(1, "unit", "failure", 1, false), job(2, "unit", "failure", 2, true)]),
        ),
    })
    .await;
    for args in [
        &["runs", "cancel", "7"][..],
        &["runs", "retry", "7"],
        &["runs", "retry", "7", "--failed"],
        &["runs", "retry", "7", "--job", "unit"],
        &["runs", "approve", "7"],
        &["runs", "approve", "7", "--head", "abc"],
    ] {
        let done = stub.davit(args).await;
        assert_eq!((done.code, done.stdout.lines().next()), (0, Some("run 7 queued: Sell more")), "{args:?}");
    }
    let posted = stub.seen().into_iter().filter(|seen| seen.method == "POST");
    let sent: Vec<_> = posted.map(|seen| (seen.target.clone(), seen.json())).collect();
    let path = |verb: &str| format!("/api/v1/runs/7/{verb}");
    let expected = [
        (path("cancel"), json!({})),
        (path("retry"), json!({ "what": "all" })),
        (path("retry"), json!({ "what": "failed" })),
        (path("retry"), json!({ "what": "job", "job_id": 2 })),
        (path("approve"), json!({ "head_sha": SHA })),
        (path("approve"), json!({ "head_sha": "abc" })),
    ];
    assert_eq!(sent, expected);
    let both = stub.davit(&["runs", "retry", "7", "--failed", "--job", "unit"]).await;
    assert_eq!(both.code, 2);
    let none = stub.davit(&["runs", "retry", "7", "--job", "lint"]).await;
    assert_eq!(none.code, 4);
    assert!(none.stderr.contains("lint"), "{}", none.stderr);
}

#[tokio::test]
async fn a_stored_log_is_read_part_by_part() {
    let stub = Stub::start(|seen, _| match seen.route().as_str() {
        "GET /api/v1/runs/7" => {
            let jobs = [
                job(1, "unit", "failure", 1, false),
                job(2, "unit", "success", 2, true),
                job(3, "late", "queued", 1, true),
            ];
            json_response(StatusCode::OK, &detail("running", &jobs))
        }
        "GET /api/v1/jobs/2/logs" if seen.target.contains("after=0") => json_response(
            StatusCode::OK,
            &json!({ "items": [line(1, "one"), line(2, "\u{1b}]0;x\u{7}two")], "last_seq": 3 }),
        ),
        "GET /api/v1/jobs/2/logs" => {
            json_response(StatusCode::OK, &json!({ "items": [line(3, "three")], "last_seq": 3 }))
        }
        _ => not_found(),
    })
    .await;
    let log = stub.davit(&["runs", "logs", "7"]).await;
    assert_eq!(log.stdout, "12:00:00 the unit 1| one\n12:00:00 the unit 1| two\n12:00:00 the unit 1| three\n");
    let lines = stub.davit(&["runs", "logs", "7", "--job", "unit", "--json"]).await.json_lines();
    assert_eq!((lines.len(), &lines[2]["text"], &lines[2]["job"]), (3, &json!("three"), &json!(2)));
}

/// A run of two jobs, the second of which starts when the first one has ended.
async fn followed(last: &'static str) -> Run {
    let stub = Stub::start(move |seen, earlier| match seen.route().as_str() {
        "POST /api/v1/workflows/start" => json_response(StatusCode::CREATED, &json!({ "id": 7 })),
        "GET /api/v1/repositories" => json_response(
            StatusCode::OK,
            &json!({ "items": [{ "forge": "github", "name": "acme/shop" }, { "forge": "github", "name": "acme/docs" }], "next": null }),
        ),
        "GET /api/v1/runs/7" => {
            let (state, jobs) = match earlier {
                0 => ("queued", vec![job(1, "unit", "queued", 1, true)]),
                1 => ("running", vec![job(1, "unit", "running", 1, true)]),
                2 => ("running", vec![job(1, "unit", "success", 1, true), job(2, "after", "running", 1, true)]),
                _ => (last, vec![job(1, "unit", "success", 1, true), job(2, "after", last, 1, true)]),
            };
            json_response(StatusCode::OK, &detail(state, &jobs))
        }
        "GET /api/v1/events" => events(&[("change", None, json!({ "topic": "run", "id": 7 }))]),
        "GET /api/v1/jobs/1/log/stream" => {
            let twice = [("line", Some(1), line(1, "one")), ("line", Some(1), line(1, "one"))];
            events(&[&twice[..], &[("state", None, json!({})), ("end", None, json!({ "state": "success" }))]].concat())
        }
        "GET /api/v1/jobs/2/log/stream" => {
            events(&[("line", Some(1), line(1, "two")), ("end", None, json!({ "state": last }))])
        }
        _ => not_found(),
    })
    .await;
    stub.davit(&["ci", "start", "ci.yml", "--repository", "Acme/Shop", "--input", "who=a=b", "-f"]).await
}

#[tokio::test]
async fn a_run_is_followed_job_after_job() {
    let good = followed("success").await;
    assert_eq!((good.code, good.stdout.as_str()), (0, "12:00:00 the unit 1| one\n12:00:00 the after 1| two\n"));
    let bad = followed("failure").await;
    assert_eq!(bad.code, 1);
    assert!(
        bad.stderr.contains("run 7 ended as failure") && bad.stderr.contains("davit runs show 7"),
        "{}",
        bad.stderr
    );
}

#[tokio::test]
async fn a_workflow_is_started_where_it_is_meant() {
    let repositories = json!({ "items": [{ "forge": "github", "name": "acme/shop" }, { "forge": "lab", "name": "acme/shop" }], "next": null });
    let stub = Stub::routes(vec![
        ("GET /api/v1/repositories", repositories),
        ("POST /api/v1/workflows/start", json!({ "id": 7 })),
    ])
    .await;
    let unclear = stub.davit(&["ci", "start", "ci.yml"]).await;
    assert_eq!(unclear.code, 2);
    assert!(unclear.stderr.contains("--repository"), "{}", unclear.stderr);
    assert_eq!(stub.davit(&["ci", "start", "ci.yml", "--repository", "acme/none"]).await.code, 4);
    let args =
        ["ci", "start", "ci.yml", "--forge", "lab", "--ref", "main", "--input", "a=1", "--input", "b=", "--json"];
    assert_eq!(stub.davit(&args).await.json(), json!({ "id": 7 }));
    let sent = stub.seen().pop().expect("a call").json();
    let expected = json!({ "forge": "lab", "repository": "acme/shop", "ref": "main", "file": "ci.yml", "inputs": { "a": "1", "b": "" } });
    assert_eq!(sent, expected);
    assert_eq!(stub.davit(&["ci", "start", "ci.yml", "--input", "a"]).await.code, 2);
}
