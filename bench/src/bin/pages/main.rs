//! How smooth the page of a deployment is with 500 hosts and a log of 1,000,000 lines: frames a second while it is
//! scrolled, how soon lines are there, and what the browser holds in memory. The deployment is written with the store,
//! as an executor would, and shown by a real davit to Debian's Chromium, which `bench/pages.mjs` drives.
//!
//! `DAVIT_BENCH_LOG_LINES` and `DAVIT_BENCH_LOG_HOSTS` change the size; `DAVIT_BENCH_PICTURES` names a directory for
//! pictures of what was measured.

mod made;

use anyhow::{Context, ensure};
use davit_bench::davit::{Davit, PASSWORD, USER, spawn, until_ready};
use davit_bench::table::{print, row, say};
use davit_bench::{directory, process, rate, setting};
use davit_store::Store;
use made::{Size, make};
use serde_json::json;
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;
use tokio::time::Instant;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let size =
        Size { lines: setting("DAVIT_BENCH_LOG_LINES", 1_000_000), hosts: setting("DAVIT_BENCH_LOG_HOSTS", 500) };
    say(&format!("one deployment to {} hosts with {} log lines", size.hosts, size.lines))?;
    let dir = directory()?;
    let data = dir.path().join("data");
    configure(&data, size.hosts).await?;
    let store = Store::open_sqlite(&data.join("davit.sqlite")).await?;
    let started = Instant::now();
    let deployment = make(&store, size).await?;
    let wall = started.elapsed();
    store.close().await;
    let stored = std::fs::metadata(data.join("davit.sqlite"))?.len() >> 10;
    let mut rows = vec![row(&[&"stored", &"lines/s", &"database"])];
    rows.push(row(&[&size.lines, &format!("{:.0}", rate(size.lines, wall)), &process::mib(stored)]));
    print("The log, written as executors do, a thousand lines a transaction", &rows)?;

    let (server, address) = spawn(&data).await?;
    until_ready(&address, "/readyz").await?;
    let measured = browse(&address, deployment, size).await?;
    print("The page of the deployment", &measured)?;
    let memory = process::memory(server.id().context("davit has ended; see davit.log")?)?;
    say(&format!("\ndavit itself: {} at its peak", process::mib(memory.peak)))?;
    drop(server);
    Ok(())
}

/// The data directory of a davit that knows the app and its hosts. Nothing runs there when this returns: what is written
/// next is nobody's to carry out.
async fn configure(data: &Path, hosts: usize) -> anyhow::Result<()> {
    let davit = Davit::start(data).await?;
    davit.apply(&made::configuration(hosts), json!({})).await?;
    davit.stop().await
}

/// What the browser measured, a row a figure.
async fn browse(address: &str, deployment: i64, size: Size) -> anyhow::Result<Vec<Vec<String>>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("pages.mjs");
    let output = Command::new("node")
        .arg(script)
        .args([&format!("http://{address}"), USER, PASSWORD, &deployment.to_string(), &size.lines.to_string()])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output()
        .await
        .context("node")?;
    ensure!(output.status.success(), "the browser measured nothing: see above");
    let text = String::from_utf8(output.stdout)?;
    Ok(text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}
