//! How soon davit answers after its start, and what it holds in memory while nothing happens. Beside it: a Node.js
//! process that does nothing but answer, which is where a service on that platform begins.

use anyhow::Context;
use davit_bench::davit::{spawn, until_ready};
use davit_bench::table::{print, row, say};
use davit_bench::{directory, median, process, setting};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

const IDLE: Duration = Duration::from_secs(5);
const NODE: &str = "const server = require('http').createServer((_, answer) => answer.end('ready')); \
                    server.listen(Number(process.argv[1]), '127.0.0.1')";

/// One start: until ready, and the memory after being idle.
struct Start {
    ready: Duration,
    idle: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let rounds = setting("DAVIT_BENCH_ROUNDS", 3);
    let dir = directory()?;
    let mut rows = vec![row(&[&"start", &"ready after", &"memory when idle"])];
    let mut davit = Vec::new();
    for round in 0..=rounds {
        let start = start_davit(&dir.path().join("data")).await?;
        let name = if round == 0 { "davit, new data directory".to_owned() } else { format!("davit, start {round}") };
        rows.push(row(&[&name, &millis(start.ready), &process::mib(start.idle)]));
        davit.push(start);
    }
    let node = match start_node().await {
        Ok(node) => {
            rows.push(row(&[&"node, empty server", &millis(node.ready), &process::mib(node.idle)]));
            Some(node)
        }
        Err(error) => {
            say(&format!("no Node.js to compare with: {error:#}"))?;
            None
        }
    };
    print("Starts", &rows)?;
    let best = davit.iter().map(|start| start.ready).min().unwrap_or_default();
    let middle = median(&davit.iter().map(|start| start.ready).collect::<Vec<_>>());
    say(&format!("\ndavit: best {}, median {}", millis(best), millis(middle)))?;
    if let (Some(node), Some(last)) = (node, davit.last()) {
        let time = middle.as_secs_f64() / node.ready.as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let memory = last.idle as f64 / node.idle as f64;
        say(&format!("davit against the empty Node.js server: time {time:.2} ×, memory {memory:.2} ×"))?;
    }
    Ok(())
}

async fn start_davit(data: &std::path::Path) -> anyhow::Result<Start> {
    let started = Instant::now();
    let (server, address) = spawn(data).await?;
    measure(server, &address, "/readyz", started).await
}

async fn start_node() -> anyhow::Result<Start> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let started = Instant::now();
    let node = Command::new("node")
        .args(["-e", NODE, &port.to_string()])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("node")?;
    measure(node, &format!("127.0.0.1:{port}"), "/", started).await
}

async fn measure(mut server: Child, address: &str, path: &str, started: Instant) -> anyhow::Result<Start> {
    until_ready(address, path).await?;
    let ready = started.elapsed();
    sleep(IDLE).await;
    let idle = process::memory(server.id().context("it has ended")?)?.now;
    server.kill().await?;
    Ok(Start { ready, idle })
}

fn millis(duration: Duration) -> String {
    format!("{:.0} ms", duration.as_secs_f64() * 1000.0)
}
