//! Runs as people see them over HTTP: lists, one run, its log live and stored, what they keep, and what people do about
//! them. Real workflows run in the sandbox.

use crate::ci_support::{Ci, REPOSITORY, sha};
use crate::schema;
use crate::streams::{Events, numbers};
use davit_domain::access::Role;
use davit_domain::ci::{RunState, Trigger};
use davit_domain::ids::CommitSha;
use davit_store::ci_runs::NewRun;
use davit_testkit::fake_forge::NewPullRequest;
use reqwest::{Method, Response};
use serde_json::{Value, json};

async fn get(ci: &Ci, path: &str) -> Value {
    let answer = ci.app.get(path).await;
    schema::check(path, &answer);
    answer
}

async fn call(ci: &Ci, role: Role, path: &str, body: Value) -> (u16, Value) {
    ci.app.call(role, Method::POST, path, Some(body)).await
}

/// Status, content type and text of something that nobody logs in for.
async fn open(ci: &Ci, path: &str) -> (u16, String, String) {
    let response = ci.app.http().get(format!("{}{path}", ci.app.url())).send().await.unwrap();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    (response.status().as_u16(), kind, response.text().await.unwrap())
}

async fn download(ci: &Ci, path: &str) -> Response {
    let request = ci.app.http().get(format!("{}/api/v1{path}", ci.app.url()));
    request.bearer_auth(ci.app.token(Role::Viewer)).send().await.unwrap()
}

fn header<'r>(response: &'r Response, name: &str) -> &'r str {
    response.headers()[name].to_str().unwrap()
}

/// A run that has ended, as a row alone.
async fn ended(ci: &Ci, change: impl FnOnce(&mut NewRun)) {
    let mut new = NewRun {
        forge: "github".parse().unwrap(),
        repository: REPOSITORY.into(),
        workflow_file: ".github/workflows/ci.yml".into(),
        workflow: "build".into(),
        title: "Sell more".into(),
        trigger: Trigger::Push,
        action: String::new(),
        git_ref: Some("refs/heads/main".into()),
        head: "a".repeat(40).parse().unwrap(),
        base: None,
        change: None,
        from_fork: false,
        by: "ada".into(),
        state: RunState::Success,
        reason: None,
        group: None,
        cancel_in_progress: false,
        plan: Value::Null,
        event: Value::Null,
        idempotency_key: None,
        created_at: ci.app.engine().now(),
    };
    change(&mut new);
    let mut tx = ci.app.engine().store().begin().await.unwrap();
    tx.insert_run(&new).await.unwrap();
    tx.commit().await.unwrap();
}

async fn ids(ci: &Ci, query: &str) -> Vec<i64> {
    let page = get(ci, &format!("/runs?{query}")).await;
    page["items"].as_array().unwrap().iter().map(|run| run["id"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn runs_are_listed_and_filtered() {
    let ci = Ci::start("").await;
    ended(&ci, |_| {}).await;
    ended(&ci, |run| run.state = RunState::Failure).await;
    ended(&ci, |run| {
        run.trigger = Trigger::PullRequest;
        run.change = Some(7);
        run.git_ref = Some("refs/heads/better".into());
        run.workflow = "docs".into();
    })
    .await;
    ended(&ci, |run| {
        run.repository = "acme/other".into();
        run.head = "b".repeat(40).parse().unwrap();
    })
    .await;

    assert_eq!(ids(&ci, "").await, [4, 3, 2, 1]);
    assert_eq!(ids(&ci, "repository=ACME/shop").await, [3, 2, 1]);
    assert_eq!(ids(&ci, "forge=other").await, [0; 0]);
    assert_eq!(ids(&ci, "state=failure").await, [2]);
    assert_eq!(ids(&ci, "state=failure,success").await, [4, 3, 2, 1]);
    assert_eq!(ids(&ci, "branch=better").await, [3]);
    assert_eq!(ids(&ci, "change=7&trigger=pull_request").await, [3]);
    assert_eq!(ids(&ci, "workflow=docs").await, [3]);
    assert_eq!(ids(&ci, &format!("head={}", "b".repeat(40))).await, [4]);
    assert_eq!(ids(&ci, "limit=2").await, [4, 3]);
    assert_eq!(ids(&ci, "limit=2&cursor=3").await, [2, 1]);
    for bad in ["state=done", "trigger=cron", "head=abc", "cursor=x"] {
        let (status, problem) = ci.app.call(Role::Viewer, Method::GET, &format!("/runs?{bad}"), None).await;
        assert_eq!((status, &problem["code"]), (422, &json!("invalid")), "{bad}");
    }
    ci.finish().await;
}

const EVERYTHING: &str = "
name: Tests
on: push
jobs:
  unit:
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo one; echo 'two: FAILED'; echo three > report.txt
          echo '# 1 failed' >> $GITHUB_STEP_SUMMARY
          echo '::error file=src/main.rs,line=3,col=5::two is not one'
      - uses: actions/cache@v4
        with: { path: report.txt, key: reports }
      - uses: actions/upload-artifact@v4
        with: { name: 'Report 数', path: report.txt }
      - run: exit 2
  after:
    needs: unit
    runs-on: ubuntu-latest
    steps: [{ run: 'true' }]
";

#[tokio::test]
async fn a_run_shows_all_that_became_of_it() {
    let ci = Ci::start("").await;
    let run = ci.run(EVERYTHING).await;
    assert_eq!(run.state, RunState::Failure, "{}", ci.logs(run.id).await);
    let path = format!("/runs/{}", run.id);
    let shown = get(&ci, &path).await;
    assert_eq!((&shown["run"]["state"], &shown["run"]["repository"]), (&json!("failure"), &json!(REPOSITORY)));
    let unit = &shown["jobs"][0];
    assert_eq!((&unit["key"], &unit["state"], &unit["latest"]), (&json!("unit"), &json!("failure"), &json!(true)));
    assert_eq!((&shown["jobs"][1]["state"], &shown["jobs"][1]["needs"]), (&json!("skipped"), &json!(["unit"])));
    let failed = unit["steps"].as_array().unwrap().iter().find(|step| step["state"] == "failure").unwrap();
    assert_eq!(failed["exit_code"], 2);
    let annotation = &shown["annotations"][0];
    assert_eq!((&annotation["file"], &annotation["line"]), (&json!("src/main.rs"), &json!(3)));
    assert_eq!(shown["summaries"][0]["markdown"].as_str().map(str::trim), Some("# 1 failed"));

    let found = get(&ci, &format!("{path}/search?q=TWO:")).await;
    // Before that davit says what it runs.
    let said = found["items"].as_array().unwrap().last().unwrap();
    assert_eq!((&said["text"], &said["job_id"]), (&json!("two: FAILED"), &unit["id"]));
    assert_eq!(ci.app.call(Role::Viewer, Method::GET, &format!("{path}/search?q="), None).await.0, 422);
    a_log_is_read(&ci, unit["id"].as_i64().unwrap()).await;
    what_is_kept_is_given_out(&ci, &shown).await;
    ci.finish().await;
}

async fn a_log_is_read(ci: &Ci, job: i64) {
    let whole = get(ci, &format!("/jobs/{job}/logs")).await;
    let lines = whole["items"].as_array().unwrap();
    assert_eq!(whole["last_seq"], lines.last().unwrap()["seq"]);
    let second = get(ci, &format!("/jobs/{job}/logs?after=1&limit=1")).await;
    assert_eq!(second["items"], json!([lines[1]]));
    let of_step = get(ci, &format!("/jobs/{job}/logs?step=1")).await;
    assert!(of_step["items"].as_array().unwrap().iter().all(|line| line["step"] == 1));
    let text = download(ci, &format!("/jobs/{job}/log.txt")).await;
    assert_eq!(header(&text, "content-disposition"), format!("attachment; filename=\"job-{job}.log\""));
    let text = text.text().await.unwrap();
    assert_eq!(text.lines().count(), lines.len());
    assert!(text.contains(" stdout| one\n"), "{text}");
}

async fn what_is_kept_is_given_out(ci: &Ci, shown: &Value) {
    let artifact = &shown["artifacts"][0];
    assert_eq!(artifact["name"], "Report 数");
    let file = download(ci, &format!("/artifacts/{}", artifact["id"])).await;
    assert_eq!((file.status().as_u16(), header(&file, "content-type")), (200, "application/gzip"));
    let expected = "attachment; filename=\"Report__.tar.gz\"; filename*=UTF-8''Report%20%E6%95%B0.tar.gz";
    assert_eq!(header(&file, "content-disposition"), expected);
    let bytes = file.bytes().await.unwrap();
    assert_eq!(json!(bytes.len()), artifact["size"]);
    assert!(bytes.starts_with(&[0x1f, 0x8b]), "it is gzip");

    let query = format!("/caches?forge={}&repository={REPOSITORY}", ci.app.forge_id());
    let caches = get(ci, &query).await;
    // A job that failed keeps no cache.
    assert_eq!(caches["items"], json!([]));
}

const CACHED: &str = "
name: Tests
on: push
jobs:
  unit:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/cache@v4
        with: { path: made.txt, key: reports }
      - run: echo made > made.txt
";

#[tokio::test]
async fn a_cache_is_listed_until_somebody_removes_it() {
    let ci = Ci::start("").await;
    let run = ci.run(CACHED).await;
    assert_eq!(run.state, RunState::Success, "{}", ci.logs(run.id).await);
    let query = format!("/caches?forge={}&repository={REPOSITORY}", ci.app.forge_id());
    let caches = get(&ci, &query).await;
    assert_eq!(
        (&caches["items"][0]["key"], &caches["items"][0]["git_ref"]),
        (&json!("reports"), &json!("refs/heads/main"))
    );
    let path = format!("/caches/{}", caches["items"][0]["id"]);
    assert_eq!(ci.app.call(Role::Operator, Method::DELETE, &path, None).await.0, 204);
    assert_eq!(ci.app.call(Role::Operator, Method::DELETE, &path, None).await.0, 404);
    assert_eq!(get(&ci, &query).await["items"], json!([]));
    ci.finish().await;
}

/// Says `one`, waits for a file, says `two`, and fails where there is no other file.
fn waiting(ci: &Ci) -> String {
    let (go, good) = (ci.app.path("go"), ci.app.path("good"));
    format!(
        "
name: Tests
on: push
jobs:
  unit:
    runs-on: ubuntu-latest
    steps:
      - run: |
          echo one
          until [ -e {go} ]; do sleep 0.05; done
          echo two
          test -e {good}
",
        go = go.display(),
        good = good.display()
    )
}

const ON_THE_HOST: &str = "executor = \"host\"\ntrusted = true";

fn touch(ci: &Ci, name: &str) {
    std::fs::write(ci.app.path(name), "").unwrap();
}

#[tokio::test]
async fn a_jobs_log_is_followed_and_resumed_without_a_gap() {
    let ci = Ci::start(ON_THE_HOST).await;
    let commit = ci.commit("Change", &waiting(&ci), &[]);
    ci.push(&commit).await;
    let job = ci.wait_for_line("one").await;
    let path = format!("/jobs/{}/log/stream", job.id);
    let mut stream = Events::of(&ci.app, &path, None).await;
    let start = stream.until(|event| event.name == "state").await;
    assert_eq!(start.last().unwrap().data["state"], "running");
    let last = *numbers(&start).last().unwrap();
    drop(stream);

    let mut resumed = Events::of(&ci.app, &path, Some(last)).await;
    touch(&ci, "go");
    let rest = resumed.until(|event| event.name == "end").await;
    let seen = numbers(&rest);
    assert_eq!(seen.first(), Some(&(last + 1)), "no gap, and nothing twice");
    assert!(seen.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seen:?}");
    assert_eq!(rest.last().unwrap().data, json!({ "state": "failure" }));
    assert!(resumed.next().await.is_none(), "nothing comes after the end");
    let stored = get(&ci, &format!("/jobs/{}/logs", job.id)).await;
    assert_eq!(stored["last_seq"].as_i64(), seen.last().copied());
    ci.finish().await;
}

#[tokio::test]
async fn a_run_is_cancelled_and_its_jobs_run_again() {
    let ci = Ci::start(ON_THE_HOST).await;
    let commit = ci.commit("Change", &waiting(&ci), &[]);
    ci.push(&commit).await;
    ci.wait_for_line("one").await;
    let run = ci.only_run().await.id;
    let path = |what: &str| format!("/runs/{run}{what}");
    let allowed = get(&ci, &path("")).await["allowed"].clone();
    assert_eq!(allowed, json!({ "cancel": true, "retry": false, "approve": false }));
    assert_eq!(call(&ci, Role::Developer, &path("/retry"), json!({ "what": "all" })).await.0, 409, "it has not ended");
    let (status, answer) = call(&ci, Role::Developer, &path("/cancel"), json!({})).await;
    assert_eq!((status, &answer["id"]), (200, &json!(run.0)), "{answer}");
    ci.wait_for_state(run, RunState::Cancelled).await;
    assert_eq!(call(&ci, Role::Developer, &path("/cancel"), json!({})).await.0, 409, "it has ended");

    touch(&ci, "go");
    for (what, body) in [("failed", json!({ "what": "failed" })), ("all", json!({ "what": "all" }))] {
        let (status, answer) = call(&ci, Role::Developer, &path("/retry"), body).await;
        assert_eq!(status, 200, "{what}: {answer}");
        ci.wait_for_state(run, RunState::Failure).await;
    }
    touch(&ci, "good");
    let job = ci.jobs(run).await.last().unwrap().id;
    let one = json!({ "what": "job", "job_id": job });
    assert_eq!(call(&ci, Role::Developer, &path("/retry"), one).await.0, 200);
    ci.wait_for_state(run, RunState::Success).await;
    let shown = get(&ci, &path("")).await;
    let attempts: Vec<_> =
        shown["jobs"].as_array().unwrap().iter().map(|job| (job["attempt"].as_i64(), job["latest"] == true)).collect();
    assert_eq!(attempts, [(Some(1), false), (Some(2), false), (Some(3), false), (Some(4), true)]);
    for bad in [json!({ "what": "some" }), json!({ "what": "job" }), json!({})] {
        assert_eq!(call(&ci, Role::Developer, &path("/retry"), bad.clone()).await.0, 422, "{bad}");
    }
    ci.finish().await;
}

/// The change that [`Ci::change`] tells of, at the forge.
fn proposed(commit: &CommitSha) -> NewPullRequest<'_> {
    NewPullRequest {
        repository: REPOSITORY,
        number: 7,
        action: "opened",
        title: "Sell tea",
        author: "ada",
        head_repository: Some("ada/shop"),
        head_branch: "topic",
        head: commit,
        base_branch: "main",
        draft: false,
        merge_commit: None,
    }
}

const ON_CHANGES: &str = "
name: Tests
on: pull_request
jobs:
  unit:
    runs-on: ubuntu-latest
    steps: [{ run: 'true' }]
";

#[tokio::test]
async fn a_forks_run_waits_for_somebody_who_looks_at_its_commit() {
    let ci = Ci::start("").await;
    let commit = ci.commit("Change", ON_CHANGES, &[]);
    ci.app.forge.open_change(&proposed(&sha(&commit)));
    ci.change("opened", &commit, true).await;
    ci.app.settle().await;
    let run = ci.only_run().await;
    assert_eq!(run.state, RunState::AwaitingApproval);
    let path = format!("/runs/{}", run.id);
    let allowed = async |role| {
        let (_, answer) = ci.app.call(role, Method::GET, &path, None).await;
        answer["allowed"].clone()
    };
    assert_eq!(allowed(Role::Viewer).await, json!({ "cancel": false, "retry": false, "approve": false }));
    assert_eq!(allowed(Role::Developer).await, json!({ "cancel": true, "retry": false, "approve": false }));
    assert_eq!(allowed(Role::Reviewer).await, json!({ "cancel": true, "retry": false, "approve": true }));
    let approve = format!("{path}/approve");
    let (status, problem) = call(&ci, Role::Reviewer, &approve, json!({ "head_sha": "b".repeat(40) })).await;
    assert_eq!(status, 409, "another commit: {problem}");
    assert_eq!(call(&ci, Role::Reviewer, &approve, json!({ "head_sha": "main" })).await.0, 422);
    let (status, answer) = call(&ci, Role::Reviewer, &approve, json!({ "head_sha": commit })).await;
    assert_eq!((status, &answer["approved_by"]), (200, &json!("reviewer")), "{answer}");
    ci.wait_for_state(run.id, RunState::Success).await;
    ci.finish().await;
}

const BY_HAND: &str = "
name: By hand
on:
  workflow_dispatch:
    inputs:
      who: { description: 'Whom to greet', required: true, type: choice, options: [ada, bob] }
      loud: { type: boolean, default: true }
jobs:
  greet:
    runs-on: ubuntu-latest
    steps: [{ run: 'echo hello ${{ inputs.who }} ${{ inputs.loud }}' }]
";

#[tokio::test]
async fn a_workflow_is_started_by_hand() {
    let ci = Ci::start("").await;
    ci.commit("Change", BY_HAND, &[(".davit/workflows/bad.yml", "on: push\njobs: 1\n")]);
    let forge = ci.app.forge_id();
    let listed = get(&ci, &format!("/workflows?forge={forge}&repository={REPOSITORY}&ref=main")).await;
    let items = listed["items"].as_array().unwrap();
    let by_hand = items.iter().find(|workflow| workflow["name"] == "By hand").unwrap();
    assert_eq!((&by_hand["file"], &by_hand["can_start"]), (&json!(".davit/workflows/ci.yml"), &json!(true)));
    let who = json!({
        "name": "who", "description": "Whom to greet", "required": true, "default": null, "type": "choice",
        "options": ["ada", "bob"],
    });
    assert_eq!(by_hand["inputs"][0], who);
    assert_eq!(by_hand["inputs"][1]["default"], "true");
    let bad = items.iter().find(|workflow| workflow["file"] == ".davit/workflows/bad.yml").unwrap();
    assert_eq!(bad["can_start"], false);
    assert!(bad["errors"][0].as_str().unwrap().contains("2:"), "{bad}");

    let start = async |file: &str, inputs: Value| {
        let body = json!({ "forge": forge, "repository": REPOSITORY, "ref": "main", "file": file, "inputs": inputs });
        call(&ci, Role::Developer, "/workflows/start", body).await
    };
    assert_eq!(start("none.yml", json!({})).await.0, 404);
    assert_eq!(start("ci.yml", json!({})).await.0, 422, "an input is missing");
    assert_eq!(start("ci.yml", json!({ "who": "eve" })).await.0, 422, "an input is none of the choices");
    let (status, started) = start("ci.yml", json!({ "who": "ada" })).await;
    assert_eq!(status, 201, "{started}");
    ci.app.settle().await;
    let run = ci.only_run().await;
    assert_eq!(
        (run.id.0, run.by.as_str(), run.state),
        (started["id"].as_i64().unwrap(), "developer", RunState::Success)
    );
    assert_eq!(ci.output_of(run.id, "greet").await, ["hello ada true"]);
    ci.finish().await;
}

#[tokio::test]
async fn a_badge_is_seen_where_it_may_be_and_nowhere_else() {
    let ci = Ci::start("badge = true").await;
    assert!(open(&ci, "/badge/github/acme/shop.svg").await.2.contains("no runs"));
    ended(&ci, |run| run.state = RunState::Failure).await;
    let (status, kind, svg) = open(&ci, "/badge/github/acme/shop.svg").await;
    assert_eq!((status, kind.as_str()), (200, "image/svg+xml; charset=utf-8"));
    assert!(svg.contains("failing"), "{svg}");
    ended(&ci, |_| {}).await;
    assert!(open(&ci, "/badge/github/Acme/Shop.svg?branch=main&workflow=build").await.2.contains("passing"));
    assert!(open(&ci, "/badge/github/acme/shop.svg?branch=other").await.2.contains("no runs"));
    assert!(open(&ci, "/badge/github/acme/shop.svg?workflow=docs").await.2.contains("no runs"));

    ci.configure("badge = false").await;
    let hidden = open(&ci, "/badge/github/acme/shop.svg").await;
    assert_eq!(hidden.0, 404);
    for other in ["/badge/github/acme/none.svg", "/badge/none/acme/shop.svg", "/badge/github/acme/shop"] {
        assert_eq!(open(&ci, other).await, hidden, "{other}: whether it exists is not told");
    }
    ci.finish().await;
}

#[tokio::test]
async fn declared_repositories_are_listed() {
    let ci = Ci::start("network = false\nmerge = { queue = true }").await;
    let listed = get(&ci, "/repositories").await;
    let expected = json!([{
        "forge": "github", "name": REPOSITORY, "executor": "sandbox", "trusted": false, "network": false,
        "merge": true, "queue": true,
    }]);
    assert_eq!(listed["items"], expected);
    ci.finish().await;
}
