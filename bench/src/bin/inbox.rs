//! How fast webhooks are taken in: signed pushes of 10 KB over 64 connections to a real davit on SQLite, each answered
//! once it is on disk. Beside it, on the same disk: one fsynced insert of the same row after the other, which is what a
//! plain handler does.
//!
//! `DAVIT_BENCH_DELIVERIES` and `DAVIT_BENCH_CONNECTIONS` change the amount of work.

use anyhow::{Context, ensure};
use davit_bench::davit::Davit;
use davit_bench::table::{print, row, say};
use davit_bench::{directory, median, percentile, process, rate, setting};
use davit_store::Store;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

const SECRET: &str = "a secret for a measurement";
const PUSH: &str = include_str!("../../../crates/forge/tests/payloads/push.branch.json");
const BODY: usize = 10 * 1024;
/// What of the payload is replaced to make each delivery one of its own: the commit that was pushed.
const AFTER: &str = "\"after\":\"";

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let (count, connections) = (setting("DAVIT_BENCH_DELIVERIES", 20_000), setting("DAVIT_BENCH_CONNECTIONS", 64));
    let rounds = setting("DAVIT_BENCH_ROUNDS", 3);
    say(&format!("{count} signed pushes of {BODY} bytes over {connections} connections, {rounds} rounds"))?;
    let template = template()?;
    let mut rows = vec![row(&[&"round", &"davit/s", &"p50", &"p99", &"max", &"one fsync a row/s", &"ratio"])];
    let mut costs = vec![row(&[&"round", &"RSS before", &"RSS after", &"RSS peak", &"CPU", &"worked off after"])];
    let mut times = Vec::new();
    for round in 1..=rounds {
        let dir = directory()?;
        let single = one_by_one(dir.path(), &template, (count / 10).max(1)).await?;
        let taken = take_in(dir.path(), &template, count, connections).await?;
        let (many, one) = (rate(count, taken.wall), single);
        rows.push(row(&[
            &round,
            &format!("{many:.0}"),
            &millis(percentile(&taken.latencies, 0.5)),
            &millis(percentile(&taken.latencies, 0.99)),
            &millis(percentile(&taken.latencies, 1.0)),
            &format!("{one:.0}"),
            &format!("{:.1} ×", many / one),
        ]));
        costs.push(row(&[
            &round,
            &process::mib(taken.before.now),
            &process::mib(taken.after.now),
            &process::mib(taken.after.peak),
            &format!("{:.1} s", taken.cpu.as_secs_f64()),
            &format!("{:.1} s", taken.worked_off.as_secs_f64()),
        ]));
        times.push(taken.wall);
    }
    print("Durable deliveries", &rows)?;
    print("What they cost davit", &costs)?;
    let best = times.iter().min().copied().unwrap_or_default();
    say(&format!("\nBest {:.0}/s, median {:.0}/s", rate(count, best), rate(count, median(&times))))
}

/// What one round found.
struct Taken {
    wall: Duration,
    /// From sending to the end of the answer, sorted.
    latencies: Vec<Duration>,
    before: process::Memory,
    after: process::Memory,
    cpu: Duration,
    /// When the last delivery had been judged in the background, from the first one's sending on.
    worked_off: Duration,
}

async fn take_in(dir: &Path, template: &str, count: usize, connections: usize) -> anyhow::Result<Taken> {
    let data = dir.join("data");
    let davit = Davit::start(&data).await?;
    let forge = "[[forge]]\nid = \"github\"\nkind = \"github\"\nwebhook_secret = { env = \"BENCH_SECRET\" }\n";
    davit.apply(forge, json!({ "env:BENCH_SECRET": SECRET })).await?;
    let pid = davit.pid()?;
    let mut shares: Vec<Vec<Vec<u8>>> = vec![Vec::new(); connections];
    for number in 0..count {
        shares[number % connections].push(request(&davit.address, template, number)?);
    }
    let mut senders = Vec::new();
    for share in shares {
        senders.push((TcpStream::connect(&davit.address).await?, share));
    }

    let (before, cpu) = (process::memory(pid)?, process::cpu(pid)?);
    let started = Instant::now();
    let mut tasks = JoinSet::new();
    for (connection, share) in senders {
        tasks.spawn(send(connection, share));
    }
    let mut latencies = Vec::with_capacity(count);
    while let Some(done) = tasks.join_next().await {
        latencies.extend(done??);
    }
    let wall = started.elapsed();
    let (after, cpu) = (process::memory(pid)?, process::cpu(pid)?.saturating_sub(cpu));
    latencies.sort();
    let worked_off = worked_off(&data, count, started).await?;
    davit.stop().await?;
    Ok(Taken { wall, latencies, before, after, cpu, worked_off })
}

/// Sends requests one after the other on one connection; how long each took.
async fn send(mut connection: TcpStream, requests: Vec<Vec<u8>>) -> anyhow::Result<Vec<Duration>> {
    connection.set_nodelay(true)?;
    let mut latencies = Vec::with_capacity(requests.len());
    let mut answer = Vec::with_capacity(1024);
    for request in requests {
        let sent = Instant::now();
        connection.write_all(&request).await?;
        read_answer(&mut connection, &mut answer).await?;
        latencies.push(sent.elapsed());
    }
    Ok(latencies)
}

/// Reads one answer and checks that it is 202: stored.
async fn read_answer(connection: &mut TcpStream, answer: &mut Vec<u8>) -> anyhow::Result<()> {
    answer.clear();
    loop {
        ensure!(connection.read_buf(answer).await? > 0, "davit closed the connection");
        let text = std::str::from_utf8(answer)?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        ensure!(head.starts_with("HTTP/1.1 202"), "not stored: {text}");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).context("a length")?;
        if body.len() >= length.parse()? {
            return Ok(());
        }
    }
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

/// The payload, compact and filled up to its size.
fn template() -> anyhow::Result<String> {
    let mut payload: serde_json::Value = serde_json::from_str(PUSH)?;
    let length = payload.to_string().len();
    payload["filler"] = json!("x".repeat(BODY.saturating_sub(length + ",\"filler\":\"\"".len())));
    let text = payload.to_string();
    ensure!(text.contains(AFTER), "a push says what it moved to");
    Ok(text)
}

fn body(template: &str, number: usize) -> String {
    let mut text = template.to_owned();
    if let Some(at) = template.find(AFTER) {
        let start = at + AFTER.len();
        text.replace_range(start..start + 40, &format!("{:040x}", number + 1));
    }
    text
}

/// A whole HTTP request as GitHub sends it.
fn request(address: &str, template: &str, number: usize) -> anyhow::Result<Vec<u8>> {
    let body = body(template, number);
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    mac.update(body.as_bytes());
    let mut signature = String::new();
    for byte in mac.finalize().into_bytes() {
        write!(signature, "{byte:02x}")?;
    }
    let head = format!(
        "POST /hooks/github HTTP/1.1\r\nhost: {address}\r\nuser-agent: GitHub-Hookshot/davit\r\naccept: */*\r\n\
         content-type: application/json\r\ncontent-length: {}\r\nx-github-event: push\r\n\
         x-github-delivery: 00000000-0000-4000-8000-{number:012x}\r\nx-github-hook-id: 1\r\n\
         x-hub-signature-256: sha256={signature}\r\n\r\n",
        body.len()
    );
    Ok([head.into_bytes(), body.into_bytes()].concat())
}

fn millis(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1000.0)
}
