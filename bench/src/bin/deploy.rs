//! How long a release takes to get to ten hosts: 2,000 files of 50 MB in all, over real sshd on loopback addresses.
//! Beside it, to the same hosts in the same run: `tar c | ssh host tar x`, all hosts at once, which neither checks nor
//! switches nor remembers anything. Then a release with ten changed files, and a rollback.
//!
//! `DAVIT_BENCH_HOSTS`, `_FILES`, `_BYTES` and `_ROUNDS` change the amount of work.

use anyhow::{Context, ensure};
use davit_bench::davit::{Davit, run};
use davit_bench::hosts::{Host, Hosts};
use davit_bench::table::{print, row, say};
use davit_bench::{directory, median, process, setting, tree};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio::time::Instant;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let count = u8::try_from(setting("DAVIT_BENCH_HOSTS", 10)).context("DAVIT_BENCH_HOSTS is at most 254")?;
    let size = tree::Size {
        files: setting("DAVIT_BENCH_FILES", 2_000),
        bytes: setting("DAVIT_BENCH_BYTES", 50 * 1024 * 1024),
    };
    let dir = directory()?;
    let hosts = match Hosts::start(dir.path(), count).await {
        Ok(hosts) => hosts,
        Err(error) => return say(&format!("not measured: {error:#}")),
    };
    say(&format!("{} files, {} MiB, to {count} hosts over SSH", size.files, size.bytes / 1024 / 1024))?;
    let repository = Repository::make(dir.path(), size).await?;
    let davit = Davit::start(&dir.path().join("data")).await?;
    davit.apply(&configuration(&hosts, &repository), json!({})).await?;
    let bench = Bench { davit, hosts, repository, size };
    bench.first_releases(setting("DAVIT_BENCH_ROUNDS", 3)).await?;
    bench.later_ones().await?;
    bench.davit.stop().await
}

struct Bench {
    davit: Davit,
    hosts: Hosts,
    repository: Repository,
    size: tree::Size,
}

/// What a deployment took.
struct Deployed {
    /// From the request to its end.
    wall: Duration,
    /// Of that, checkout and build on the server: until the first host's step began.
    server: Duration,
    cpu: Duration,
    peak: u64,
}

impl Bench {
    async fn first_releases(&self, rounds: usize) -> anyhow::Result<()> {
        let head =
            ["round", "davit", "of it build", "hosts", "tar | ssh", "ratio", "ratio of hosts", "CPU", "peak RSS"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        let (mut davit, mut tar) = (Vec::new(), Vec::new());
        for round in 1..=rounds {
            self.fresh().await?;
            let raw = self.tar_to_all().await?;
            self.fresh().await?;
            let deployed = self.deploy().await?;
            self.check("1")?;
            let on_hosts = deployed.wall.saturating_sub(deployed.server);
            rows.push(row(&[
                &round,
                &seconds(deployed.wall),
                &seconds(deployed.server),
                &seconds(on_hosts),
                &seconds(raw),
                &ratio(deployed.wall, raw),
                &ratio(on_hosts, raw),
                &seconds(deployed.cpu),
                &process::mib(deployed.peak),
            ]));
            davit.push(deployed.wall);
            tar.push(raw);
        }
        print("First release", &rows)?;
        let best = |all: &[Duration]| all.iter().min().copied().unwrap_or_default();
        say(&format!(
            "\nBest {} against {}: {}; median {} against {}: {}",
            seconds(best(&davit)),
            seconds(best(&tar)),
            ratio(best(&davit), best(&tar)),
            seconds(median(&davit)),
            seconds(median(&tar)),
            ratio(median(&davit), median(&tar)),
        ))
    }

    async fn later_ones(&self) -> anyhow::Result<()> {
        tree::change(&self.repository.dir, self.size, 10, 2)?;
        self.repository.commit("Change ten files").await?;
        sync().await?;
        let second = self.deploy().await?;
        self.check("2")?;
        sync().await?;
        let back = self.go("rollback", json!({})).await?;
        self.check("1")?;
        let mut rows = vec![row(&[&"then", &"wall", &"of it build", &"CPU", &"peak RSS"])];
        for (name, done) in [("10 files changed", second), ("rollback", back)] {
            let peak = process::mib(done.peak);
            rows.push(row(&[&name, &seconds(done.wall), &seconds(done.server), &seconds(done.cpu), &peak]));
        }
        print("Later", &rows)
    }

    async fn deploy(&self) -> anyhow::Result<Deployed> {
        self.go("deploy", json!({})).await
    }

    async fn go(&self, verb: &str, body: Value) -> anyhow::Result<Deployed> {
        let pid = self.davit.pid()?;
        process::forget_peak(pid)?;
        let cpu = process::cpu(pid)?;
        let started = Instant::now();
        let path = format!("/apps/bench/environments/bench/{verb}");
        let request = self.davit.call(Method::POST, &path, Some(body)).await?;
        let asked = started.elapsed();
        let deployment = self.davit.succeeded(request["deployment"].as_i64().context("a deployment")?).await?;
        let wall = started.elapsed();
        let server = asked + until_the_hosts(&deployment)?;
        let cpu = process::cpu(pid)?.saturating_sub(cpu);
        Ok(Deployed { wall, server, cpu, peak: process::memory(pid)?.peak })
    }

    /// Every host serves the whole tree of this version.
    fn check(&self, version: &str) -> anyhow::Result<()> {
        for host in &self.hosts.hosts {
            let live = std::fs::read_link(host.root.join("www/current"))?;
            let live = host.root.join(live.strip_prefix(&self.hosts.common)?);
            let found = std::fs::read_to_string(live.join("VERSION"))?;
            ensure!(found == version, "{} serves version {found:?}, not {version:?}", host.name);
            let directories = std::fs::read_dir(&live)?.filter_map(Result::ok).map(|entry| entry.path());
            let files = directories.filter_map(|path| std::fs::read_dir(path).ok()).map(Iterator::count).sum::<usize>();
            ensure!(files == self.size.files, "{} has {files} files, not {}", host.name, self.size.files);
        }
        Ok(())
    }

    /// Empty hosts, and a disk that has nothing left to do.
    async fn fresh(&self) -> anyhow::Result<()> {
        self.hosts.wipe()?;
        for host in &self.hosts.hosts {
            std::fs::create_dir_all(host.root.join("www"))?;
        }
        sync().await
    }

    async fn tar_to_all(&self) -> anyhow::Result<Duration> {
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for host in &self.hosts.hosts {
            tasks.spawn(tar_to(self.tar_command(host)));
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Ok(started.elapsed())
    }

    /// `tar c | ssh host tar x`.
    fn tar_command(&self, host: &Host) -> Command {
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg("tar -C \"$1\" --exclude=.git -cf - . | ssh -F \"$2\" \"$3\" \"mkdir '$4' && tar -C '$4' -xf -\"");
        command.arg("sh").arg(&self.repository.dir).arg(&self.hosts.ssh_config).arg(&host.name);
        command.arg(self.hosts.common.join("tar"));
        command
    }
}

async fn tar_to(mut command: Command) -> anyhow::Result<()> {
    let status = command.stdin(Stdio::null()).kill_on_drop(true).status().await?;
    ensure!(status.success(), "tar over ssh: {status}");
    Ok(())
}

/// The repository that is released.
struct Repository {
    dir: PathBuf,
}

impl Repository {
    async fn make(below: &Path, size: tree::Size) -> anyhow::Result<Self> {
        let repository = Self { dir: below.join("repository") };
        tree::write(&repository.dir, size)?;
        repository.git(&["init", "--quiet", "--initial-branch=main"]).await?;
        std::fs::write(repository.dir.join("VERSION"), "0")?;
        repository.commit("Begin").await?;
        Ok(repository)
    }

    /// Commits what is there, as the next version.
    async fn commit(&self, message: &str) -> anyhow::Result<()> {
        let file = self.dir.join("VERSION");
        let version: u32 = std::fs::read_to_string(&file)?.parse()?;
        std::fs::write(&file, (version + 1).to_string())?;
        self.git(&["add", "--all"]).await?;
        self.git(&["commit", "--quiet", "--message", message]).await
    }

    async fn git(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = Command::new("git");
        command.args(arguments).current_dir(&self.dir).env("GIT_CONFIG_GLOBAL", "/dev/null");
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "Bench").env(format!("GIT_{role}_EMAIL"), "bench@example.com");
        }
        run(command, "").await.map(drop)
    }
}

fn configuration(hosts: &Hosts, repository: &Repository) -> String {
    let path = |name: &str| hosts.common.join(name);
    format!(
        "[[environment]]\nkey = \"bench\"\n\n{}[[app]]\nkey = \"bench\"\nrepository = {{ url = {:?} }}\n\n\
         [[app.release]]\nenvironment = \"bench\"\nhosts = {{ labels = [\"bench\"] }}\ndeploy_path = {:?}\n\
         releases_path = {:?}\nkeep = 5\n",
        hosts.tables("bench"),
        repository.dir,
        path("www/current"),
        path("releases"),
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

async fn sync() -> anyhow::Result<()> {
    run(Command::new("sync"), "").await.map(drop)
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

fn ratio(ours: Duration, theirs: Duration) -> String {
    format!("{:.2} ×", ours.as_secs_f64() / theirs.as_secs_f64().max(f64::EPSILON))
}
