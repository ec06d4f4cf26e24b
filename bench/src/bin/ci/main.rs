//! What a run of CI costs: from the webhook until the first line of the first step, one run alone and twenty at once;
//! and a hundred runs whose only step is `true`. Beside it, in the same run: the same number of sandboxes, made by a
//! shell loop around `bwrap` (which fetches nothing, keeps nothing and tells nobody), and Buildbot, which runs the step
//! without a sandbox.
//!
//! `DAVIT_BENCH_RUNS` and `DAVIT_BENCH_AT_ONCE` change the amount of work, `DAVIT_PARALLEL_JOBS` how many jobs run at
//! the same time.

mod buildbot;
mod client;

use anyhow::{Context, ensure};
use buildbot::Buildbot;
use client::{Client, SECRET};
use davit_bench::davit::{Davit, run};
use davit_bench::table::{print, row, say};
use davit_bench::{directory, percentile, process, rate, setting};
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, SqliteConnection};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};
use tokio::process::Command;
use tokio::time::{Instant, sleep};

/// What the first step says.
const WORD: &str = "the first line of the first step";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let (runs, at_once) = (setting("DAVIT_BENCH_RUNS", 100), setting("DAVIT_BENCH_AT_ONCE", 20));
    let parallel = setting("DAVIT_PARALLEL_JOBS", std::thread::available_parallelism()?.get().max(2));
    say(&format!("{runs} runs, {parallel} jobs at the same time"))?;
    let dir = directory()?;
    let mut site = Site::start(dir.path()).await?;

    let mut first = Vec::new();
    for _ in 0..at_once {
        first.extend(site.first_lines(1).await?);
    }
    let together = site.first_lines(at_once).await?;
    let mut rows = vec![row(&[&"webhook to first line", &"p50", &"p95", &"most"])];
    rows.push(latency("one run alone", first));
    rows.push(latency(&format!("{at_once} runs at once"), together));
    print("davit: how soon people see something", &rows)?;

    let davit = site.many(runs).await?;
    site.davit.stop().await?;
    let floor = sandboxes(runs, parallel).await.context("the loop of bwrap")?;
    let peer = match Buildbot::find() {
        Some(found) => Some(found.start(&dir.path().join("buildbot"), parallel).await?.many(runs).await?),
        None => {
            say("Buildbot is not installed, so it is left out: bench/install-peers")?;
            None
        }
    };
    let mut rows = vec![row(&[&"", &"total", &"runs/s", &"time of davit", &"memory before", &"peak"])];
    let line = |name: &str, cost: &Cost| {
        let ratio = davit.wall.as_secs_f64() / cost.wall.as_secs_f64();
        let memory = cost.memory.map(|(before, peak)| (process::mib(before), process::mib(peak)));
        let (before, peak) = memory.unwrap_or_default();
        let total = format!("{:.2} s", cost.wall.as_secs_f64());
        row(&[&name, &total, &format!("{:.1}", rate(runs, cost.wall)), &format!("{ratio:.2} ×"), &before, &peak])
    };
    rows.push(line("davit", &davit));
    rows.push(line("bwrap in a shell loop", &floor));
    rows.extend(peer.as_ref().map(|peer| line("Buildbot, without a sandbox", peer)));
    print(&format!("{runs} runs of one step, `true`"), &rows)
}

/// What many runs cost.
struct Cost {
    wall: Duration,
    /// Of the server: before them, and at most; KiB.
    memory: Option<(u64, u64)>,
}

/// davit with a repository that has a workflow.
struct Site {
    davit: Davit,
    client: Client,
    repository: PathBuf,
    database: SqliteConnection,
    pushed: usize,
}

impl Site {
    async fn start(dir: &Path) -> anyhow::Result<Self> {
        let (data, repository) = (dir.join("data"), dir.join("repository"));
        std::fs::create_dir_all(&repository)?;
        git(&repository, &["init", "--quiet", "--initial-branch=main"]).await?;
        let davit = Davit::start(&data).await?;
        let document = format!(
            "[[forge]]\nid = \"github\"\nkind = \"github\"\nwebhook_secret = {{ env = \"BENCH_SECRET\" }}\n\
             [[repository]]\nforge = \"github\"\nname = \"{}\"\nurl = {:?}\n",
            client::REPOSITORY,
            format!("file://{}", repository.display()),
        );
        davit.apply(&document, json!({ "env:BENCH_SECRET": SECRET })).await?;
        let client = Client::new(&davit.address)?;
        let options = SqliteConnectOptions::new().filename(data.join("davit.sqlite")).read_only(true);
        Ok(Self { davit, client, repository, database: options.connect().await?, pushed: 0 })
    }

    /// New commits with a workflow of this one step.
    async fn commits(&mut self, count: usize, step: &str) -> anyhow::Result<Vec<String>> {
        let file = self.repository.join(".davit/workflows/ci.yml");
        std::fs::create_dir_all(file.parent().context("a directory")?)?;
        let workflow =
            format!("on: push\njobs:\n  one:\n    runs-on: ubuntu-latest\n    steps:\n      - run: {step:?}\n");
        std::fs::write(file, workflow)?;
        let mut commits = Vec::with_capacity(count);
        for _ in 0..count {
            self.pushed += 1;
            git(&self.repository, &["add", "--all"]).await?;
            let message = format!("Commit {}", self.pushed);
            git(&self.repository, &["commit", "--quiet", "--allow-empty", "--message", &message]).await?;
            commits.push(git(&self.repository, &["rev-parse", "HEAD"]).await?.trim().to_owned());
        }
        Ok(commits)
    }

    /// How long after each of so many pushes at once its first line was there.
    async fn first_lines(&mut self, count: usize) -> anyhow::Result<Vec<Duration>> {
        let commits = self.commits(count, &format!("echo {WORD}")).await?;
        let sent = self.client.push_all(&commits).await?;
        self.all_ended().await?;
        let lines: Vec<(String, i64)> = sqlx::query_as(
            "SELECT r.head_sha, MIN(l.at) FROM ci_log_lines l
             JOIN ci_jobs j ON j.id = l.job_id JOIN ci_runs r ON r.id = j.run_id
             WHERE l.stream = 'stdout' AND l.text = $1 GROUP BY r.head_sha",
        )
        .bind(WORD)
        .fetch_all(&mut self.database)
        .await?;
        let lines: HashMap<String, i64> = lines.into_iter().collect();
        let latencies = sent.into_iter().map(|(commit, at)| {
            let line = lines.get(&commit).with_context(|| format!("{commit} said nothing"))?;
            let line = UNIX_EPOCH + Duration::from_millis(u64::try_from(*line)?);
            Ok(line.duration_since(at).unwrap_or_default())
        });
        latencies.collect()
    }

    /// So many runs, all pushed at once.
    async fn many(&mut self, count: usize) -> anyhow::Result<Cost> {
        let commits = self.commits(count, "true").await?;
        let pid = self.davit.pid()?;
        process::forget_peak(pid)?;
        let before = process::memory(pid)?.now;
        let started = Instant::now();
        self.client.push_all(&commits).await?;
        self.all_ended().await?;
        Ok(Cost { wall: started.elapsed(), memory: Some((before, process::memory(pid)?.peak)) })
    }

    /// Waits until every commit that was pushed has a run that succeeded.
    async fn all_ended(&mut self) -> anyhow::Result<()> {
        loop {
            let (ended, bad): (i64, i64) = sqlx::query_as(
                "SELECT COUNT(*) FILTER (WHERE ended_at IS NOT NULL),
                        COUNT(*) FILTER (WHERE ended_at IS NOT NULL AND state <> 'success') FROM ci_runs",
            )
            .fetch_one(&mut self.database)
            .await?;
            ensure!(bad == 0, "{bad} runs did not succeed");
            if usize::try_from(ended)? == self.pushed {
                return Ok(());
            }
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// The floor: the sandboxes alone, as many at the same time as davit runs jobs.
async fn sandboxes(count: usize, parallel: usize) -> anyhow::Result<Cost> {
    const ONE: &str = "bwrap --unshare-all --die-with-parent --new-session --ro-bind /usr /usr --symlink usr/bin /bin \
                       --symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp \
                       -- sh -c true";
    let mut command = Command::new("sh");
    command.args(["-c", &format!("seq {count} | xargs -P {parallel} -n 1 sh -c '{ONE}'")]);
    let started = Instant::now();
    run(command, "").await?;
    Ok(Cost { wall: started.elapsed(), memory: None })
}

fn latency(name: &str, mut latencies: Vec<Duration>) -> Vec<String> {
    latencies.sort();
    let [middle, most_of_them, most] =
        [0.5, 0.95, 1.0].map(|share| format!("{:.0} ms", percentile(&latencies, share).as_secs_f64() * 1000.0));
    row(&[&name, &middle, &most_of_them, &most])
}

async fn git(dir: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let mut command = Command::new("git");
    command.args(arguments).current_dir(dir).env("GIT_CONFIG_GLOBAL", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{role}_NAME"), "Bench").env(format!("GIT_{role}_EMAIL"), "bench@example.com");
    }
    run(command, "").await
}
