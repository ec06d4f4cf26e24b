//! How fast webhooks are taken in: signed pushes of 10 KB over 64 connections to a real davit on SQLite, each answered
//! once it is on disk. Beside it, on the same disk: one fsynced insert of the same row after the other, which is what a
//! plain handler does; and, from the same client, the program `webhook` from Debian, which keeps nothing and starts
//! `/bin/true` for each.
//!
//! `DAVIT_BENCH_DELIVERIES`, `DAVIT_BENCH_PEER_DELIVERIES` and `DAVIT_BENCH_CONNECTIONS` change the amount of work.

mod client;
mod peer;

use anyhow::ensure;
use client::{BODY, SECRET, Taken, body, load, template};
use davit_bench::davit::Davit;
use davit_bench::table::{print, row, say};
use davit_bench::{directory, median, percentile, process, rate, setting};
use davit_store::Store;
use serde_json::json;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let (count, connections) = (setting("DAVIT_BENCH_DELIVERIES", 100_000), setting("DAVIT_BENCH_CONNECTIONS", 64));
    let peer_count = setting("DAVIT_BENCH_PEER_DELIVERIES", count / 10);
    let rounds = setting("DAVIT_BENCH_ROUNDS", 3);
    say(&format!("{count} signed pushes of {BODY} bytes over {connections} connections, {rounds} rounds"))?;
    let template = template()?;
    let mut tables = Tables::default();
    for round in 1..=rounds {
        let dir = directory()?;
        let single = one_by_one(dir.path(), &template, (count / 10).max(1)).await?;
        let (taken, worked_off) = take_in(dir.path(), &template, (count, connections)).await?;
        tables.add(round, count, &taken, single, worked_off);
        match peer::take_in(dir.path(), &template, (peer_count, connections)).await? {
            Some(peer) => tables.add_peer(round, rate(count, taken.wall), peer_count, &peer),
            None => say("Debian's webhook is not installed, so it is left out: bench/install-peers")?,
        }
    }
    tables.print(count)
}

/// What is printed.
#[derive(Default)]
struct Tables {
    rates: Vec<Vec<String>>,
    costs: Vec<Vec<String>>,
    peers: Vec<Vec<String>>,
    walls: Vec<Duration>,
}

impl Tables {
    fn add(&mut self, round: usize, count: usize, taken: &Taken, one: f64, worked_off: Duration) {
        let many = rate(count, taken.wall);
        let mut rates = vec![round.to_string(), format!("{many:.0}")];
        rates.extend(latencies(taken));
        rates.extend([format!("{one:.0}"), format!("{:.1} ×", many / one)]);
        self.rates.push(rates);
        let mut costs = vec![round.to_string(), process::mib(taken.before.now)];
        costs.extend(taken.quarters.iter().map(|kib| process::mib(*kib)));
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        costs.extend([process::mib(taken.after.peak), seconds(taken.cpu), seconds(worked_off)]);
        self.costs.push(costs);
        self.walls.push(taken.wall);
    }

    fn add_peer(&mut self, round: usize, ours: f64, count: usize, peer: &peer::Run) {
        let theirs = rate(count, peer.taken.wall);
        let mut row = vec![round.to_string(), format!("{theirs:.0}")];
        row.extend(latencies(&peer.taken));
        row.push(format!("{:.0}", rate(count, peer.done)));
        row.push(process::mib(peer.taken.after.peak));
        row.push(format!("{:.1} ×", ours / theirs));
        self.peers.push(row);
    }

    fn print(mut self, count: usize) -> anyhow::Result<()> {
        self.rates.insert(0, row(&[&"round", &"davit/s", &"p50", &"p99", &"max", &"one fsync a row/s", &"ratio"]));
        let memory = [&"RSS before", &"1/4", &"2/4", &"3/4", &"after", &"peak"];
        let mut header = row(&[&"round"]);
        header.extend(memory.iter().map(ToString::to_string));
        header.extend(row(&[&"CPU", &"worked off after"]));
        self.costs.insert(0, header);
        print("Durable deliveries", &self.rates)?;
        print("What they cost davit", &self.costs)?;
        if !self.peers.is_empty() {
            let header = row(&[&"round", &"webhook/s", &"p50", &"p99", &"max", &"commands/s", &"RSS peak", &"davit"]);
            self.peers.insert(0, header);
            print("Debian's webhook, which keeps nothing and runs /bin/true", &self.peers)?;
        }
        let best = self.walls.iter().min().copied().unwrap_or_default();
        say(&format!("\nBest {:.0}/s, median {:.0}/s", rate(count, best), rate(count, median(&self.walls))))
    }
}

fn latencies(taken: &Taken) -> [String; 3] {
    [0.5, 0.99, 1.0].map(|share| format!("{:.1} ms", percentile(&taken.latencies, share).as_secs_f64() * 1000.0))
}

/// What was found, and when the last delivery had been judged in the background, from the first one's sending on.
async fn take_in(dir: &Path, template: &Arc<str>, work: (usize, usize)) -> anyhow::Result<(Taken, Duration)> {
    let data = dir.join("data");
    let davit = Davit::start(&data).await?;
    let forge = "[[forge]]\nid = \"github\"\nkind = \"github\"\nwebhook_secret = { env = \"BENCH_SECRET\" }\n";
    davit.apply(forge, json!({ "env:BENCH_SECRET": SECRET })).await?;
    // 202: on disk.
    let taken = load(&davit.address, davit.pid()?, template, work, "202").await?;
    let worked_off = worked_off(&data, work.0, taken.started).await?;
    davit.stop().await?;
    Ok((taken, worked_off))
}

/// Waits until every delivery has been judged, and checks that all are there.
async fn worked_off(data: &Path, count: usize, started: Instant) -> anyhow::Result<Duration> {
    let options = SqliteConnectOptions::new().filename(data.join("davit.sqlite")).read_only(true);
    let mut database = options.connect().await?;
    loop {
        let (all, waiting): (i64, i64) =
            sqlx::query_as("SELECT COUNT(*), COUNT(*) FILTER (WHERE verdict = 'received') FROM deliveries")
                .fetch_one(&mut database)
                .await?;
        ensure!(usize::try_from(all)? == count, "{all} of {count} answered deliveries are stored");
        if waiting == 0 {
            return Ok(started.elapsed());
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// The peer: the same rows into the same table, each with a commit of its own. Rows a second.
async fn one_by_one(dir: &Path, template: &str, count: usize) -> anyhow::Result<f64> {
    let file = dir.join("one-by-one.sqlite");
    Store::open_sqlite(&file).await?.close().await;
    let options = SqliteConnectOptions::new()
        .filename(&file)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut database: SqliteConnection = options.connect().await?;
    let headers = "[[\"content-type\",\"application/json\"],[\"user-agent\",\"GitHub-Hookshot/davit\"]]";
    let started = Instant::now();
    for number in 0..count {
        sqlx::query(
            "INSERT INTO deliveries (forge, delivery, event, received_at, verdict, reason, summary, attempts, headers,
                 body)
             VALUES ('github', $1, 'push', $2, 'received', '', '', 0, $3, $4)",
        )
        .bind(format!("delivery-{number}"))
        .bind(i64::try_from(number)?)
        .bind(headers)
        .bind(body(template, number).into_bytes())
        .execute(&mut database)
        .await?;
    }
    let wall = started.elapsed();
    database.close().await?;
    Ok(rate(count, wall))
}
