//! davit at the same work: an app with a hook on each side of the switch, on hosts of its own.

use crate::cost::Cost;
use crate::davit::Davit;
use crate::hosts::Hosts;
use crate::process;
use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

/// What a deployment took.
#[derive(Debug, Clone, Copy, Default)]
pub struct Deployed {
    /// As of any other tool; CPU and memory are the server's, git and hooks on the server included.
    pub cost: Cost,
    /// Of the wall time, checkout and build on the server, which the other tools don't do.
    pub build: Duration,
    /// Bytes that went to all hosts, as the log says.
    pub sent: u64,
}

/// A davit with its hosts.
pub struct Releases<'h> {
    davit: Davit,
    hosts: &'h Hosts,
}

impl<'h> Releases<'h> {
    /// Starts a server with its data in `data`; `extra` goes into the release config.
    ///
    /// # Errors
    /// When it does not start, or refuses the configuration.
    pub async fn start(data: &Path, hosts: &'h Hosts, repository: &Path, extra: &str) -> anyhow::Result<Self> {
        let davit = Davit::start(data).await?;
        davit.apply(&configuration(hosts, repository, extra), json!({})).await?;
        Ok(Self { davit, hosts })
    }

    /// Releases what the repository's main branch has.
    ///
    /// # Errors
    /// When it does not succeed.
    pub async fn deploy(&self) -> anyhow::Result<Deployed> {
        self.go("deploy", json!({})).await
    }

    /// Goes back to the release before.
    ///
    /// # Errors
    /// When it does not succeed.
    pub async fn roll_back(&self) -> anyhow::Result<Deployed> {
        self.go("rollback", json!({})).await
    }

    /// Memory of the server now and at its peak since the last deployment began, in KiB.
    ///
    /// # Errors
    /// When it has ended.
    pub fn memory(&self) -> anyhow::Result<process::Memory> {
        process::memory(self.davit.pid()?)
    }

    /// Every host serves this version.
    ///
    /// # Errors
    /// When one does not.
    pub fn check(&self, version: &str) -> anyhow::Result<()> {
        for host in &self.hosts.hosts {
            let live = std::fs::read_link(host.root.join("davit/current"))?;
            let live = host.root.join(live.strip_prefix(&self.hosts.common)?);
            let found = std::fs::read_to_string(live.join("VERSION"))?;
            ensure!(found == version, "{} serves version {found:?}, not {version:?}", host.name);
        }
        Ok(())
    }

    /// Ends the server.
    ///
    /// # Errors
    /// When it does not end well.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.davit.stop().await
    }

    async fn go(&self, verb: &str, body: Value) -> anyhow::Result<Deployed> {
        let pid = self.davit.pid()?;
        process::forget_peak(pid)?;
        let cpu = process::cpu(pid)?;
        let started = Instant::now();
        let path = format!("/apps/bench/environments/bench/{verb}");
        let request = self.davit.call(Method::POST, &path, Some(body)).await?;
        let asked = started.elapsed();
        let id = request["deployment"].as_i64().context("a deployment")?;
        let deployment = self.davit.succeeded(id).await?;
        let wall = started.elapsed();
        let cost = Cost { wall, cpu: process::cpu(pid)?.saturating_sub(cpu), peak: process::memory(pid)?.peak };
        let log = self.davit.call(Method::GET, &format!("/deployments/{id}/logs?limit=5000&step=5"), None).await?;
        let lines = log["items"].as_array().context("lines")?;
        let sent = lines.iter().filter_map(|line| sent_kib(line["text"].as_str()?)).sum::<u64>() * 1024;
        Ok(Deployed { cost, build: asked + until_the_hosts(&deployment)?, sent })
    }
}

fn configuration(hosts: &Hosts, repository: &Path, extra: &str) -> String {
    let path = |name: &str| hosts.common.join(name);
    format!(
        "[[environment]]\nkey = \"bench\"\n\n{}[[app]]\nkey = \"bench\"\nrepository = {{ url = {repository:?} }}\n\n\
         [[app.release]]\nenvironment = \"bench\"\nhosts = {{ labels = [\"bench\"] }}\ndeploy_path = {:?}\n\
         releases_path = {:?}\nkeep = 5\n{extra}\n",
        hosts.tables("bench"),
        path("davit/current"),
        path("davit/releases"),
    )
}

/// From a deployment's creation until the first host's step began, as its grid says.
fn until_the_hosts(deployment: &Value) -> anyhow::Result<Duration> {
    let cells = deployment["cells"].as_array().context("cells")?;
    let on_hosts = cells.iter().filter(|cell| !cell["host"].is_null());
    let first = on_hosts.filter_map(|cell| millis_of(&cell["started_at"])).min().context("a host that began")?;
    let created = millis_of(&deployment["created_at"]).context("a time")?;
    Ok(Duration::from_millis(u64::try_from((first - created).rem_euclid(24 * 3600 * 1000))?))
}

/// The milliseconds of its day in `2026-01-31T13:45:10.123Z`: enough to subtract.
fn millis_of(time: &Value) -> Option<i64> {
    let (_, clock) = time.as_str()?.trim_end_matches('Z').split_once('T')?;
    let (clock, millis) = clock.split_once('.').unwrap_or((clock, "0"));
    let seconds = clock.split(':').try_fold(0_i64, |sum, part| Some(sum * 60 + part.parse::<i64>().ok()?))?;
    Some(seconds * 1000 + millis.parse::<i64>().ok()?)
}

/// The KiB in `Uploaded and checked 10 files, 257 KiB in 41 ms`.
fn sent_kib(line: &str) -> Option<u64> {
    let (before, _) = line.strip_prefix("Uploaded")?.split_once(" KiB")?;
    before.rsplit(' ').next()?.parse().ok()
}
