//! The peer: Buildbot, a master and a worker as processes of their own, with a change hook, a scheduler and one builder.

use crate::Cost;
use anyhow::{Context, ensure};
use davit_bench::davit::run;
use davit_bench::process;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

/// What the master is told; ports and numbers are filled in.
const CONFIGURATION: &str = r#"
from buildbot.plugins import schedulers, steps, util, worker
c = BuildmasterConfig = {}
c["workers"] = [worker.Worker("bench", "bench", max_builds=PARALLEL)]
c["protocols"] = {"pb": {"port": "tcp:WORKERS:interface=127.0.0.1"}}
c["schedulers"] = [schedulers.AnyBranchScheduler(name="all", treeStableTimer=None, builderNames=["ci"])]
factory = util.BuildFactory([steps.ShellCommand(command=["true"])])
c["builders"] = [util.BuilderConfig(name="ci", workernames=["bench"], factory=factory, collapseRequests=False)]
c["www"] = {"port": "tcp:HTTP:interface=127.0.0.1", "change_hook_dialects": {"base": True}}
c["db"] = {"db_url": "sqlite:///state.sqlite"}
c["buildbotNetUsageData"] = None
"#;

/// How long it may take until the worker has found its master.
const START: Duration = Duration::from_secs(60);

/// Where its programs are.
pub(crate) struct Buildbot {
    programs: PathBuf,
}

impl Buildbot {
    /// The one that `bench/install-peers` puts below `target/`, or `DAVIT_BENCH_BUILDBOT`.
    pub(crate) fn find() -> Option<Self> {
        let default = || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../target/bench-venv/bin"));
        let programs = std::env::var_os("DAVIT_BENCH_BUILDBOT").map_or_else(default, PathBuf::from);
        programs.join("buildbot-worker").exists().then_some(Self { programs })
    }

    /// Starts a master and a worker with empty data.
    pub(crate) async fn start(self, dir: &Path, parallel: usize) -> anyhow::Result<Running> {
        std::fs::create_dir_all(dir)?;
        let (http_port, workers_port) = (free_port()?, free_port()?);
        let command = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(self.programs.join(program));
            command.args(arguments).current_dir(dir).stdin(Stdio::null()).kill_on_drop(true);
            command
        };
        let master = format!("127.0.0.1:{workers_port}");
        run(command("buildbot", &["create-master", "--relocatable", "master"]), "").await?;
        run(command("buildbot-worker", &["create-worker", "worker", &master, "bench", "bench"]), "").await?;
        let configuration = CONFIGURATION
            .replace("PARALLEL", &parallel.to_string())
            .replace("WORKERS", &workers_port.to_string())
            .replace("HTTP", &http_port.to_string());
        std::fs::write(dir.join("master/master.cfg"), configuration)?;
        let quiet = |mut command: Command| command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let running = Running {
            http: reqwest::Client::builder().tls_certs_only([]).build()?,
            base: format!("http://127.0.0.1:{http_port}"),
            master: quiet(command("buildbot", &["start", "--nodaemon", "master"]))?,
            _worker: quiet(command("buildbot-worker", &["start", "--nodaemon", "worker"]))?,
        };
        let deadline = Instant::now() + START;
        while running.count("workers", "connected_to").await.unwrap_or(0) == 0 {
            ensure!(Instant::now() < deadline, "Buildbot's worker did not find its master within {START:?}");
            sleep(Duration::from_millis(100)).await;
        }
        Ok(running)
    }
}

/// Dropped, both are killed.
pub(crate) struct Running {
    http: reqwest::Client,
    base: String,
    master: Child,
    _worker: Child,
}

impl Running {
    /// So many builds, all asked for at once. The memory is the master's alone.
    pub(crate) async fn many(self, count: usize) -> anyhow::Result<Cost> {
        let pid = self.master.id().context("Buildbot has ended")?;
        process::forget_peak(pid)?;
        let before = process::memory(pid)?.now;
        let started = Instant::now();
        let mut under_way = JoinSet::new();
        for number in 0..count {
            let form = format!("revision={number:040x}&branch=main&author=bench&comments=push&repository=bench");
            let request = self.http.post(format!("{}/change_hook/base", self.base)).body(form);
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            under_way.spawn(async move { Ok::<_, anyhow::Error>(request.send().await?.error_for_status()?) });
        }
        for answered in under_way.join_all().await {
            answered?;
        }
        while self.complete().await? < count {
            sleep(Duration::from_millis(100)).await;
        }
        Ok(Cost { wall: started.elapsed(), memory: Some((before, process::memory(pid)?.peak)) })
    }

    /// How many of a collection have something in this field.
    async fn count(&self, collection: &str, field: &str) -> anyhow::Result<usize> {
        let answer = self.ask(collection).await?;
        let items = answer[collection].as_array().context("a list")?;
        Ok(items.iter().filter(|item| item[field].as_array().is_some_and(|list| !list.is_empty())).count())
    }

    /// How many builds have ended.
    async fn complete(&self) -> anyhow::Result<usize> {
        let answer = self.ask("builds?complete=true").await?;
        Ok(answer["builds"].as_array().context("a list")?.len())
    }

    async fn ask(&self, path: &str) -> anyhow::Result<serde_json::Value> {
        Ok(self.http.get(format!("{}/api/v2/{path}", self.base)).send().await?.error_for_status()?.json().await?)
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
