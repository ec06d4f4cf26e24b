//! Runs as people see them: lists, one run, its log live and stored, badges. The rows are written as the engine
//! writes them; what the engine does is another file's business.

use crate::schema;
use crate::streams::{Events, numbers};
use davit_domain::access::Role;
use davit_domain::ci::{Annotation, AnnotationLevel, JobState, RunState, StepState, Trigger};
use davit_domain::ids::{JobId, RunId};
use davit_domain::log::Stream;
use davit_engine::hub::Topic;
use davit_store::ci_jobs::NewCiJob;
use davit_store::ci_logs::NewJobLine;
use davit_store::ci_runs::NewRun;
use davit_store::ci_steps::StepChange;
use davit_testkit::app::TestApp;
use reqwest::Method;
use serde_json::{Value, json};

const REPOSITORIES: &str = r#"
[[repository]]
forge = "github"
name = "Acme/Shop"
badge = true

[[repository]]
forge = "github"
name = "acme/secret"
"#;

struct Ci {
    app: TestApp,
}

impl Ci {
    async fn start() -> Self {
        let app = TestApp::start().await;
        app.apply(&format!("{}{REPOSITORIES}", app.forge_table())).await;
        Self { app }
    }

    async fn run(&self, change: impl FnOnce(&mut NewRun)) -> RunId {
        let mut new = NewRun {
            forge: "github".parse().unwrap(),
            repository: "acme/shop".into(),
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
            state: RunState::Queued,
            reason: None,
            group: None,
            cancel_in_progress: false,
            plan: Value::Null,
            event: json!({ "head_commit": { "url": "https://github/acme/shop/commit/a" } }),
            idempotency_key: None,
            created_at: self.app.engine().now(),
        };
        change(&mut new);
        let mut tx = self.app.engine().store().begin().await.unwrap();
        let (id, _) = tx.insert_run(&new).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    async fn job(&self, run: RunId, key: &str, attempt: i64) -> JobId {
        let new = NewCiJob {
            run,
            key: key.into(),
            index: 0,
            name: format!("the {key}"),
            attempt,
            state: JobState::Queued,
            reason: None,
            needs: vec!["lint".into()],
            instance: Value::Null,
            group: None,
            environment: None,
            executor: "sandbox".into(),
            created_at: self.app.engine().now(),
        };
        let mut tx = self.app.engine().store().begin().await.unwrap();
        let id = tx.insert_job(&new).await.unwrap();
        tx.commit().await.unwrap();
        id
    }

    /// Takes a job up, as a worker does.
    async fn begin(&self, job: JobId) -> i64 {
        let now = self.app.engine().now();
        let mut tx = self.app.engine().store().begin().await.unwrap();
        let fence = tx.take_job(job, "worker", now).await.unwrap().unwrap();
        tx.put_steps(job, fence, &["Set up job", "Test"]).await.unwrap();
        tx.commit().await.unwrap();
        fence
    }

    async fn say(&self, job: JobId, fence: i64, first: i64, texts: &[&str]) {
        let at = self.app.engine().now();
        let line = |text: &&str| NewJobLine { at, step: 1, stream: Stream::Stdout, text: (*text).to_owned() };
        let lines: Vec<NewJobLine> = texts.iter().map(line).collect();
        self.app.engine().store().append_job_lines(job, fence, first, &lines).await.unwrap();
        self.app.engine().hub().tell_topic(Topic::JobLog, Some(job.0));
    }

    async fn end(&self, job: JobId, fence: i64, state: JobState) {
        let at = self.app.engine().now();
        let mut tx = self.app.engine().store().begin().await.unwrap();
        let change = StepChange {
            state: Some(StepState::Failure),
            exit_code: Some(2),
            summary: Some("# 1 failed".into()),
            ..StepChange::default()
        };
        tx.set_step(job, fence, 1, &change).await.unwrap();
        tx.end_job(job, fence, state, Some("step 1 failed"), &Value::Null, at).await.unwrap();
        tx.commit().await.unwrap();
        self.app.engine().hub().tell_topic(Topic::Job, Some(job.0));
    }

    async fn set(&self, run: RunId, states: &[RunState]) {
        let mut tx = self.app.engine().store().begin().await.unwrap();
        for state in states {
            tx.set_run_state(run, *state, None, self.app.engine().now()).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.app.get(path).await;
        schema::check(path, &answer);
        answer
    }

    async fn ids(&self, query: &str) -> Vec<i64> {
        let page = self.get(&format!("/runs?{query}")).await;
        page["items"].as_array().unwrap().iter().map(|run| run["id"].as_i64().unwrap()).collect()
    }

    /// Status, content type and text of something that nobody logs in for.
    async fn open(&self, path: &str) -> (u16, String, String) {
        let response = self.app.http().get(format!("{}{path}", self.app.url())).send().await.unwrap();
        let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
        (response.status().as_u16(), kind, response.text().await.unwrap())
    }
}

#[tokio::test]
async fn runs_are_listed_and_filtered() {
    let ci = Ci::start().await;
    ci.run(|_| {}).await;
    ci.run(|run| run.state = RunState::Failure).await;
    ci.run(|run| {
        run.trigger = Trigger::PullRequest;
        run.change = Some(7);
        run.git_ref = Some("refs/heads/better".into());
        run.workflow = "docs".into();
    })
    .await;
    ci.run(|run| {
        run.repository = "acme/secret".into();
        run.head = "b".repeat(40).parse().unwrap();
    })
    .await;

    assert_eq!(ci.ids("").await, [4, 3, 2, 1]);
    assert_eq!(ci.ids("repository=ACME/shop").await, [3, 2, 1]);
    assert_eq!(ci.ids("forge=other").await, [0; 0]);
    assert_eq!(ci.ids("state=failure").await, [2]);
    assert_eq!(ci.ids("state=failure,queued").await, [4, 3, 2, 1]);
    assert_eq!(ci.ids("branch=better").await, [3]);
    assert_eq!(ci.ids("change=7&trigger=pull_request").await, [3]);
    assert_eq!(ci.ids("workflow=docs").await, [3]);
    assert_eq!(ci.ids(&format!("head={}", "b".repeat(40))).await, [4]);
    assert_eq!(ci.ids("limit=2").await, [4, 3]);
    assert_eq!(ci.ids("limit=2&cursor=3").await, [2, 1]);
    assert_eq!(ci.get("/runs?limit=1&cursor=2").await["items"][0]["repository"], "Acme/Shop", "as it is declared");
    for bad in ["state=done", "trigger=cron", "head=abc", "cursor=x"] {
        let (status, problem) = ci.app.call(Role::Viewer, Method::GET, &format!("/runs?{bad}"), None).await;
        assert_eq!((status, &problem["code"]), (422, &json!("invalid")), "{bad}");
    }
    ci.app.finish().await;
}

#[tokio::test]
async fn a_run_shows_every_attempt() {
    let ci = Ci::start().await;
    let run = ci.run(|_| {}).await;
    let first = ci.job(run, "test", 1).await;
    let fence = ci.begin(first).await;
    ci.say(first, fence, 1, &["one", "two: FAILED", "three"]).await;
    ci.end(first, fence, JobState::Failure).await;
    let second = ci.job(run, "test", 2).await;
    let mut tx = ci.app.engine().store().begin().await.unwrap();
    let annotation = Annotation {
        level: AnnotationLevel::Error,
        file: Some("src/main.rs".into()),
        line: Some(3),
        end_line: None,
        column: Some(5),
        title: None,
        message: "two is not one".into(),
    };
    tx.add_annotation(run, Some(first), &annotation).await.unwrap();
    tx.commit().await.unwrap();

    let shown = ci.get(&format!("/runs/{run}")).await;
    assert_eq!(shown["run"]["event_url"], "https://github/acme/shop/commit/a");
    assert_eq!(shown["run"]["state"], "queued");
    let jobs = shown["jobs"].as_array().unwrap();
    assert_eq!(jobs.len(), 2);
    assert_eq!((&jobs[0]["latest"], &jobs[1]["latest"]), (&json!(false), &json!(true)));
    assert_eq!((&jobs[0]["state"], &jobs[0]["reason"]), (&json!("failure"), &json!("step 1 failed")));
    let step = &jobs[0]["steps"][1];
    assert_eq!((&step["number"], &step["state"], &step["exit_code"]), (&json!(1), &json!("failure"), &json!(2)));
    assert_eq!(jobs[1]["id"], second.0);
    assert_eq!(shown["annotations"][0]["line"], 3);
    assert_eq!(shown["summaries"], json!([{ "job_id": first.0, "step": 1, "markdown": "# 1 failed" }]));

    let found = ci.get(&format!("/runs/{run}/search?q=failed")).await;
    assert_eq!(found["items"], json!([{ "job_id": first.0, "seq": 2, "step": 1, "text": "two: FAILED" }]));
    assert_eq!(ci.app.call(Role::Viewer, Method::GET, &format!("/runs/{run}/search?q="), None).await.0, 422);
    ci.app.finish().await;
}

#[tokio::test]
async fn people_are_offered_what_they_may_do() {
    let ci = Ci::start().await;
    let run = ci.run(|run| run.state = RunState::AwaitingApproval).await;
    let allowed = async |role| {
        let (_, answer) = ci.app.call(role, Method::GET, &format!("/runs/{run}"), None).await;
        let may = |what: &str| answer["allowed"][what].as_bool().unwrap();
        (may("cancel"), may("retry"), may("approve"))
    };
    assert_eq!(allowed(Role::Viewer).await, (false, false, false));
    assert_eq!(allowed(Role::Developer).await, (true, false, false));
    assert_eq!(allowed(Role::Reviewer).await, (true, false, true));
    ci.set(run, &[RunState::Queued, RunState::Running]).await;
    assert_eq!(allowed(Role::Reviewer).await, (true, false, false));
    ci.set(run, &[RunState::Failure]).await;
    assert_eq!(allowed(Role::Developer).await, (false, true, false));
    ci.app.finish().await;
}

#[tokio::test]
async fn a_jobs_log_is_read_in_parts_and_as_a_whole() {
    let ci = Ci::start().await;
    let run = ci.run(|_| {}).await;
    let job = ci.job(run, "test", 1).await;
    let fence = ci.begin(job).await;
    ci.say(job, fence, 1, &["one", "two", "three"]).await;
    let lines = ci.get(&format!("/jobs/{job}/logs?after=1&limit=1")).await;
    assert_eq!((&lines["items"][0]["text"], &lines["last_seq"]), (&json!("two"), &json!(3)));
    assert_eq!(lines["items"].as_array().unwrap().len(), 1);
    assert_eq!(ci.get(&format!("/jobs/{job}/logs?step=0")).await["items"], json!([]));
    let request = ci.app.http().get(format!("{}/api/v1/jobs/{job}/log.txt", ci.app.url()));
    let response = request.bearer_auth(ci.app.token(Role::Viewer)).send().await.unwrap();
    assert_eq!(response.headers()["content-disposition"], format!("attachment; filename=\"job-{job}.log\""));
    let text = response.text().await.unwrap();
    let ends: Vec<&str> = text.lines().map(|line| line.split_once(" 1 stdout| ").unwrap().1).collect();
    assert_eq!(ends, ["one", "two", "three"]);
    ci.end(job, fence, JobState::Success).await;
    ci.app.finish().await;
}

#[tokio::test]
async fn a_jobs_log_is_followed_and_resumed_without_a_gap() {
    let ci = Ci::start().await;
    let run = ci.run(|_| {}).await;
    let job = ci.job(run, "test", 1).await;
    let fence = ci.begin(job).await;
    ci.say(job, fence, 1, &["one"]).await;
    let path = format!("/jobs/{job}/log/stream");
    let mut stream = Events::of(&ci.app, &path, None).await;
    let start = stream.until(|event| event.name == "state").await;
    assert_eq!(numbers(&start), [1]);
    assert_eq!(start.last().unwrap().data["state"], "running");
    ci.say(job, fence, 2, &["two"]).await;
    let seen = stream.until(|event| event.name == "line").await;
    assert_eq!((seen.last().unwrap().id, &seen.last().unwrap().data["text"]), (Some(2), &json!("two")));
    drop(stream);

    ci.say(job, fence, 3, &["three", "four"]).await;
    let mut resumed = Events::of(&ci.app, &path, Some(2)).await;
    let seen = resumed.until(|event| event.name == "state").await;
    assert_eq!(numbers(&seen), [3, 4]);
    ci.say(job, fence, 5, &["five"]).await;
    ci.end(job, fence, JobState::Failure).await;
    let rest = resumed.until(|event| event.name == "end").await;
    assert_eq!(numbers(&rest), [5]);
    assert_eq!(rest.last().unwrap().data, json!({ "state": "failure" }));
    assert!(resumed.next().await.is_none(), "nothing comes after the end");
    ci.app.finish().await;
}

#[tokio::test]
async fn a_badge_is_seen_where_it_may_be_and_nowhere_else() {
    let ci = Ci::start().await;
    let run = ci.run(|_| {}).await;
    let (status, kind, svg) = ci.open("/badge/github/acme/shop.svg").await;
    assert_eq!((status, kind.as_str()), (200, "image/svg+xml; charset=utf-8"));
    assert!(svg.contains("running"), "{svg}");
    ci.set(run, &[RunState::Running, RunState::Success]).await;
    assert!(ci.open("/badge/github/Acme/Shop.svg?branch=main&workflow=build").await.2.contains("passing"));
    assert!(ci.open("/badge/github/acme/shop.svg?branch=other").await.2.contains("no runs"));
    assert!(ci.open("/badge/github/acme/shop.svg?workflow=docs").await.2.contains("no runs"));

    ci.run(|run| run.repository = "acme/secret".into()).await;
    let hidden = ci.open("/badge/github/acme/secret.svg").await;
    assert_eq!(hidden.0, 404);
    for other in ["/badge/github/acme/none.svg", "/badge/none/acme/shop.svg", "/badge/github/acme/shop"] {
        assert_eq!(ci.open(other).await, hidden, "{other}: whether it exists is not told");
    }
    ci.app.finish().await;
}

#[tokio::test]
async fn declared_repositories_are_listed() {
    let ci = Ci::start().await;
    let listed = ci.get("/repositories").await;
    assert_eq!(
        listed["items"][0],
        json!({
            "forge": "github", "name": "Acme/Shop", "executor": "sandbox", "trusted": false, "network": true,
            "merge": false, "queue": false,
        })
    );
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    ci.app.finish().await;
}
