//! A server that is killed at many points of a run: after a restart the run ends, the job's broken attempt says why,
//! its log has no gaps, statuses at the forge are final, and no process of the sandbox is left.

use crate::process::{REPOSITORY, Server, Site, TAKEN_UP, until};
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitState;
use davit_testkit::postgres::TestDatabase;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What a job says while its lines are watched.
const LINES: usize = 300;

/// Where a server is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Point {
    /// As soon as the delivery was taken.
    Planning,
    /// As soon as the job has begun: it makes its sandbox and fetches the commit.
    Setup,
    /// While a step waits.
    Step,
    /// While a process waits that a step forked twice, and the next step too.
    Background,
    /// While lines come.
    Lines,
}

/// The steps of a job call here and wait until they are let go; a call ends when the process that made it does.
struct Calls {
    listener: TcpListener,
}

/// A process of a step that waits.
struct Call {
    name: String,
    stream: BufReader<TcpStream>,
}

impl Calls {
    async fn new() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.expect("a port") }
    }

    /// Bash that calls with a name and waits for an answer.
    fn script(&self, name: &str) -> String {
        let port = self.listener.local_addr().expect("an address").port();
        format!("exec 3<>/dev/tcp/127.0.0.1/{port}; echo {name} >&3; read -r answer <&3 || true")
    }

    async fn next(&self) -> Call {
        loop {
            let (stream, _) = self.listener.accept().await.expect("a call");
            let mut stream = BufReader::new(stream);
            let mut name = String::new();
            // One that ended with its server before it said its name is none.
            if stream.read_line(&mut name).await.is_ok() && name.ends_with('\n') {
                return Call { name: name.trim().to_owned(), stream };
            }
        }
    }

    /// Lets everybody go who calls, for as long as this is awaited.
    async fn answer_all(&self) {
        loop {
            drop(self.next().await);
        }
    }
}

impl Call {
    /// Waits until the process has ended, which was never let go.
    async fn hung_up(mut self) {
        let mut rest = Vec::new();
        // A connection that is reset has ended as well.
        let _ = self.stream.read_to_end(&mut rest).await;
    }
}

/// The last step waits too, so that no job is through with its lines before its server is killed.
fn workflow(calls: &Calls, mark: &str) -> String {
    let (step, background, end) = (calls.script("step"), calls.script("background"), calls.script("end"));
    format!(
        "on: push\nenv:\n  MARK: {mark}\njobs:\n  test:\n    runs-on: ubuntu-latest\n    steps:\n      \
         - uses: actions/checkout@v4\n      \
         - run: |\n          (setsid bash -c '{background}; sleep 7777' >/dev/null 2>&1 &)\n      \
         - run: |\n          cat index.html\n          {step}\n      \
         - run: |\n          for n in $(seq {LINES}); do echo \"line $n\"; sleep 0.005; done\n          {end}\n"
    )
}

/// A push, a kill at this point, a restart, and everything that must hold then.
async fn killed_at(site: Site, server: Server, point: Point) -> (Site, Server) {
    let calls = Calls::new().await;
    let mark = format!("davit-crash-{:016x}", rand::random::<u64>());
    site.repo.commit("Change the workflow", &[(".davit/workflows/ci.yml", &workflow(&calls, &mark))]);
    let commit = site.commit(&format!("{point:?}"));
    let answer = server.deliver(&site.push(&commit)).await.expect("an answer");
    assert!(answer.0 < 300, "{answer:?}");

    let held = reach(&server, &calls, &commit, point).await;
    server.kill().await;
    let mut server = site.serve().await;
    server.token = site.new_token("data").await;
    for call in held {
        until_gone(call).await;
    }
    let ended = async {
        let run = run_of(&server, &commit).await;
        until("the run ends", TAKEN_UP, async || {
            let run = server.get(&format!("/runs/{run}")).await;
            (!run["run"]["ended_at"].is_null()).then_some(run)
        })
        .await
    };
    let run = tokio::select! {
        run = ended => run,
        () = calls.answer_all() => unreachable!("it never ends"),
    };
    check(&site, &server, &run, &commit, point).await;
    until("no process of the job is left", TAKEN_UP, async || marked(&mark).is_empty().then_some(())).await;
    (site, server)
}

/// Waits until the server is where it is to be killed; who waits there.
async fn reach(server: &Server, calls: &Calls, commit: &CommitSha, point: Point) -> Vec<Call> {
    if point == Point::Planning {
        return Vec::new();
    }
    let run = run_of(server, commit).await;
    if point == Point::Setup {
        until("the job begins", TAKEN_UP, async || (job(server, run).await["state"] == "running").then_some(())).await;
        return Vec::new();
    }
    let (one, other) = (calls.next().await, calls.next().await);
    let (background, step) = if one.name == "background" { (one, other) } else { (other, one) };
    match point {
        Point::Step | Point::Background => vec![background, step],
        Point::Lines => {
            drop(step);
            until("lines come", TAKEN_UP, async || {
                let job = job(server, run).await;
                let log = server.get(&format!("/jobs/{}/logs?limit=5000", job["id"])).await;
                let lines = log["items"].as_array().expect("lines").clone();
                lines.iter().any(|line| line["text"] == "line 20").then_some(())
            })
            .await;
            vec![background]
        }
        Point::Planning | Point::Setup => Vec::new(),
    }
}

async fn until_gone(call: Call) {
    let name = call.name.clone();
    let gone = tokio::time::timeout(TAKEN_UP, call.hung_up()).await;
    assert!(gone.is_ok(), "{name} lives on without its server");
}

async fn run_of(server: &Server, commit: &CommitSha) -> i64 {
    until("there is a run", TAKEN_UP, async || {
        let runs = server.get(&format!("/runs?head={commit}")).await;
        runs["items"][0]["id"].as_i64()
    })
    .await
}

/// The newest attempt of the run's job.
async fn job(server: &Server, run: i64) -> Value {
    let run = server.get(&format!("/runs/{run}")).await;
    run["jobs"].as_array().and_then(|jobs| jobs.last()).cloned().unwrap_or_default()
}

async fn check(site: &Site, server: &Server, run: &Value, commit: &CommitSha, point: Point) {
    assert_eq!(run["run"]["state"], "success", "{point:?}: {run:#}");
    let jobs = run["jobs"].as_array().expect("jobs");
    let (last, earlier) = jobs.split_last().expect("a job");
    assert_eq!(last["state"], "success", "{point:?}: {run:#}");
    if point != Point::Planning {
        assert_eq!(earlier.len(), 1, "{point:?}: {run:#}");
    }
    for broken in earlier {
        assert_eq!(broken["state"], "error", "{point:?}: {broken:#}");
        assert!(broken["reason"].as_str().is_some_and(|why| why.contains("the server stopped")), "{broken:#}");
        log_of(server, broken).await;
    }
    let said: Vec<String> = log_of(server, last).await.into_iter().filter(|line| line.starts_with("line ")).collect();
    let expected: Vec<String> = (1..=LINES).map(|n| format!("line {n}")).collect();
    assert_eq!(said, expected, "no line is lost or doubled");

    until(&format!("statuses are final after {point:?}"), TAKEN_UP, async || {
        let last = site.forge.statuses(REPOSITORY, commit).into_iter().map(|status| (status.context, status.state));
        let last: BTreeMap<String, CommitState> = last.collect();
        (last.len() == 2 && last.values().all(|state| *state == CommitState::Success)).then_some(())
    })
    .await;
}

/// The texts of a job's log.
async fn log_of(server: &Server, job: &Value) -> Vec<String> {
    let answer = server.get(&format!("/jobs/{}/logs?limit=5000", job["id"])).await;
    let lines = answer["items"].as_array().expect("lines");
    for (expected, line) in (1_i64..).zip(lines) {
        assert_eq!(line["seq"], expected, "a log has no gaps");
    }
    lines.iter().map(|line| line["text"].as_str().expect("a text").to_owned()).collect()
}

/// Processes of this machine with this in their environment or command line.
fn marked(mark: &str) -> Vec<String> {
    let processes = fs::read_dir("/proc").expect("processes").flatten();
    let has = |path: &std::path::Path| {
        ["environ", "cmdline"].iter().any(|file| {
            let bytes = fs::read(path.join(file)).unwrap_or_default();
            bytes.windows(mark.len()).any(|part| part == mark.as_bytes())
        })
    };
    processes.map(|entry| entry.path()).filter(|path| has(path)).map(|path| path.display().to_string()).collect()
}

const CI: &str = "[[repository]]\nforge = \"github\"\nname = \"acme/shop\"\n";

async fn killed_at_each(database: Option<String>, points: &[Point]) {
    let site = Site::new(database).await;
    let server = site.set_up(CI).await;
    let mut both = (site, server);
    for point in points {
        both = killed_at(both.0, both.1, *point).await;
    }
}

#[tokio::test]
async fn killed_before_its_job_does_anything_a_run_is_carried_out() {
    killed_at_each(None, &[Point::Planning, Point::Setup]).await;
}

#[tokio::test]
async fn killed_in_a_job_a_run_begins_it_again() {
    killed_at_each(None, &[Point::Step, Point::Background, Point::Lines]).await;
}

#[tokio::test]
async fn killed_in_a_job_a_run_begins_it_again_with_postgres() {
    let database = TestDatabase::create().await;
    killed_at_each(Some(database.url()), &[Point::Lines, Point::Setup]).await;
}
