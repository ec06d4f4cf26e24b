//! Releases to 1, 10, 50 and 100 hosts over real sshd on loopback addresses, beside what people use today: the first
//! release of 2,000 files of 50 MB, a release with ten changed files, a rollback. Then what 500 hosts cost that only run
//! `true`, and what ten changed files of 20,000 cost.
//!
//! `DAVIT_BENCH_HOSTS` (a list), `_FILES`, `_BYTES`, `_PEERS=no` and `_PEERS=ssh` (the floors and rsync alone: the
//! others take minutes from 50 hosts on) change the amount of work; `_MANY=0` leaves the 500 hosts out.

use anyhow::Context;
use davit_bench::cost::Cost;
use davit_bench::hosts::Hosts;
use davit_bench::peers::{self, Ansible, Capistrano, Floors, Peer, Rsync};
use davit_bench::releases::{Deployed, Releases};
use davit_bench::repository::Repository;
use davit_bench::table::{print, row, say};
use davit_bench::{directory, process, setting, tree};
use std::path::Path;
use std::time::Duration;
use tokio::process::Command;

/// A hook on each side of the switch, as real releases have.
const HOOKS: &str = "hooks.before_release = \"true\"\nhooks.after_release = \"true\"\n";
/// For apps that never write into a release; the peers with hard links need the same.
const LINKED: &str = "transfer = { unchanged = \"hardlink\" }\n";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let counts = std::env::var("DAVIT_BENCH_HOSTS").unwrap_or_else(|_| "1,10,50,100".into());
    let size = tree::Size {
        files: setting("DAVIT_BENCH_FILES", 2_000),
        bytes: setting("DAVIT_BENCH_BYTES", 50 * 1024 * 1024),
    };
    say(&format!(
        "{} files, {} MiB; wall time, CPU and peak memory of the side that releases",
        size.files,
        size.bytes >> 20
    ))?;
    for count in counts.split(',') {
        let count = count.trim().parse().context("DAVIT_BENCH_HOSTS is a list of numbers")?;
        if let Err(error) = table_of(count, size).await {
            say(&format!("{count} hosts: not measured: {error:#}"))?;
        }
    }
    many(setting("DAVIT_BENCH_MANY", 500)).await?;
    of_many_files(size).await
}

/// One tool's three works.
struct Column {
    name: String,
    costs: [Cost; 3],
}

/// All tools, one after the other, each on hosts that are empty.
async fn table_of(count: usize, size: tree::Size) -> anyhow::Result<()> {
    let dir = directory()?;
    let hosts = Hosts::start(dir.path(), count).await?;
    let repository = Repository::make(dir.path(), size).await?;
    let mut columns = Vec::new();
    for (name, extra) in [("davit (hard links)", LINKED), ("davit (copies)", "")] {
        repository.first().await?;
        hosts.wipe()?;
        let data = dir.path().join(format!("data-{}", columns.len()));
        let deployed = davit_of(&data, &hosts, &repository, &format!("{HOOKS}{extra}")).await?;
        let builds = deployed.map(|work| format!("{:.2} s", work.build.as_secs_f64()));
        say(&format!("{count} hosts, {name}: of the wall time, checkout and build {}", builds.join(", ")))?;
        columns.push(Column { name: name.to_owned(), costs: deployed.map(|work| work.cost) });
    }
    let peers = std::env::var("DAVIT_BENCH_PEERS").unwrap_or_else(|_| "yes".into());
    if peers != "no" {
        peers_of(dir.path(), &hosts, &repository, peers == "ssh", &mut columns).await?;
    }
    hosts.wipe()?;
    show(count, &columns)
}

async fn davit_of(data: &Path, hosts: &Hosts, repository: &Repository, extra: &str) -> anyhow::Result<[Deployed; 3]> {
    let releases = Releases::start(data, hosts, &repository.dir(), extra).await?;
    quiet().await?;
    let first = releases.deploy().await?;
    releases.check("1")?;
    repository.second().await?;
    quiet().await?;
    let next = releases.deploy().await?;
    releases.check("2")?;
    quiet().await?;
    let back = releases.roll_back().await?;
    releases.check("1")?;
    releases.stop().await?;
    Ok([first, next, back])
}

async fn peers_of(
    dir: &Path,
    hosts: &Hosts,
    repository: &Repository,
    only_ssh: bool,
    columns: &mut Vec<Column>,
) -> anyhow::Result<()> {
    let source = &repository.source;
    let mut all: Vec<Box<dyn Peer>> = vec![Box::new(Floors), Box::new(Rsync)];
    if !only_ssh {
        match Capistrano::new(dir.join("capistrano"), hosts, source) {
            Ok(peer) => all.push(Box::new(peer)),
            Err(error) => say(&format!("Capistrano is left out: {error:#}"))?,
        }
        match Ansible::new(dir.join("ansible"), hosts) {
            Ok(peer) => all.push(Box::new(peer)),
            Err(error) => say(&format!("Ansible is left out: {error:#}"))?,
        }
    }
    for peer in all {
        repository.first().await?;
        hosts.wipe()?;
        quiet().await?;
        match peer_of(peer.as_ref(), hosts, repository).await {
            Ok(costs) => columns.push(Column { name: peer.name().to_owned(), costs }),
            Err(error) => say(&format!("{} is left out: {error:#}", peer.name()))?,
        }
    }
    Ok(())
}

async fn peer_of(peer: &dyn Peer, hosts: &Hosts, repository: &Repository) -> anyhow::Result<[Cost; 3]> {
    let source = &repository.source;
    let first = peers::run(peer.first(hosts, source)?).await?;
    repository.second().await?;
    quiet().await?;
    let next = peers::run(peer.next(hosts, source)?).await?;
    quiet().await?;
    let back = peers::run(peer.back(hosts, source)?).await?;
    Ok([first, next, back])
}

/// The works of all tools, with the ratio of davit's first column to each.
fn show(count: usize, columns: &[Column]) -> anyhow::Result<()> {
    for (work, name) in ["first release", "10 files changed", "rollback"].into_iter().enumerate() {
        let mut rows = vec![row(&[&"", &"wall", &"CPU", &"peak", &"davit / this"])];
        let ours = columns.first().map(|column| column.costs[work].wall).unwrap_or_default();
        for column in columns {
            let Cost { wall, cpu, peak } = column.costs[work];
            rows.push(row(&[&column.name, &seconds(wall), &seconds(cpu), &process::mib(peak), &ratio(ours, wall)]));
        }
        print(&format!("{count} hosts, {name}"), &rows)?;
    }
    Ok(())
}

/// Hosts that do nothing: what each costs in memory.
async fn many(count: usize) -> anyhow::Result<()> {
    if count == 0 {
        return Ok(());
    }
    let dir = directory()?;
    let size = tree::Size { files: 1, bytes: 1024 };
    let hosts = Hosts::start(dir.path(), count).await?;
    let repository = Repository::make(dir.path(), size).await?;
    let custom = "mode = \"custom\"\n[[app.release.action]]\nname = \"Nothing\"\non = \"host\"\nrun = \"true\"\n";
    let releases = Releases::start(&dir.path().join("data"), &hosts, &repository.dir(), custom).await?;
    let before = releases.memory()?.now;
    let deployed = releases.deploy().await?;
    let more = deployed.cost.peak.saturating_sub(before);
    say(&format!(
        "\n{count} hosts that run `true`: {}, CPU {}; memory {} before, {} at the peak: {:.3} MiB a host",
        seconds(deployed.cost.wall),
        seconds(deployed.cost.cpu),
        process::mib(before),
        process::mib(deployed.cost.peak),
        f64::from(u32::try_from(more)?) / 1024.0 / f64::from(u32::try_from(count)?),
    ))?;
    releases.stop().await
}

/// Ten changed files among ten times as many: the cost follows the change.
async fn of_many_files(size: tree::Size) -> anyhow::Result<()> {
    let mut found = Vec::new();
    for factor in [1, 10] {
        let size = tree::Size { files: size.files * factor, bytes: size.bytes * factor };
        let dir = directory()?;
        let hosts = Hosts::start(dir.path(), 10).await?;
        let repository = Repository::make(dir.path(), size).await?;
        let works = davit_of(&dir.path().join("data"), &hosts, &repository, &format!("{HOOKS}{LINKED}")).await?;
        found.push((size.files, works[1]));
    }
    let mut rows = vec![row(&[&"10 files changed of", &"sent", &"CPU", &"wall without build"])];
    for (files, work) in &found {
        let sent = process::mib(work.sent / 1024);
        rows.push(row(&[files, &sent, &seconds(work.cost.cpu), &seconds(work.cost.wall.saturating_sub(work.build))]));
    }
    print("10 hosts, hard links", &rows)
}

/// Nothing of the work before is still on its way to the disk.
async fn quiet() -> anyhow::Result<()> {
    davit_bench::davit::run(Command::new("sync"), "").await.map(drop)
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

fn ratio(ours: Duration, theirs: Duration) -> String {
    format!("{:.2} ×", ours.as_secs_f64() / theirs.as_secs_f64().max(f64::EPSILON))
}
