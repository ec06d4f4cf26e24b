//! Debian's `webhook` (<https://github.com/adnanh/webhook>): it checks the same signature, starts a command for each
//! delivery, and answers without waiting for it.

use crate::client::{SECRET, Taken, load};
use anyhow::Context;
use davit_bench::{davit, process};
use serde_json::json;
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::sleep;

/// What one run found.
pub(crate) struct Run {
    pub(crate) taken: Taken,
    /// From the first delivery's sending to the end of the last command.
    pub(crate) done: Duration,
}

/// `None` where the program is not installed.
pub(crate) async fn take_in(dir: &Path, template: &Arc<str>, work: (usize, usize)) -> anyhow::Result<Option<Run>> {
    let Some((server, address)) = start(dir)? else { return Ok(None) };
    davit::until_ready(&address, "/").await?;
    let pid = server.id().context("webhook has ended")?;
    let taken = load(&address, pid, template, work, "200").await?;
    let done = quiet_since(pid, &taken).await?;
    Ok(Some(Run { taken, done }))
}

fn start(dir: &Path) -> anyhow::Result<Option<(Child, String)>> {
    let hooks = dir.join("hooks.json");
    let rule = json!({ "match": {
        "type": "payload-hmac-sha256",
        "secret": SECRET,
        "parameter": { "source": "header", "name": "X-Hub-Signature-256" },
    } });
    let hook = json!({ "id": "github", "execute-command": "/bin/true", "trigger-rule": rule,
                       "trigger-rule-mismatch-http-response-code": 401 });
    std::fs::write(&hooks, json!([hook]).to_string())?;
    // Free a moment ago; whoever takes it meanwhile makes this fail.
    let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let mut command = Command::new("webhook");
    command.args(["-ip", "127.0.0.1", "-port", &port.to_string(), "-hooks"]).arg(&hooks);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    match command.spawn() {
        Ok(child) => Ok(Some((child, format!("127.0.0.1:{port}")))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Waits until it and its commands have used no more processor for half a second.
async fn quiet_since(pid: u32, taken: &Taken) -> anyhow::Result<Duration> {
    let (mut used, mut since, mut calm) = (process::cpu(pid)?, taken.started.elapsed(), 0);
    while calm < 10 {
        sleep(Duration::from_millis(50)).await;
        let now = process::cpu(pid)?;
        if now == used {
            calm += 1;
        } else {
            (used, since, calm) = (now, taken.started.elapsed(), 0);
        }
    }
    Ok(since.max(taken.wall))
}
