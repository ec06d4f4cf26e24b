//! The davit that is measured: the release binary beside this one, or `DAVIT_BIN`, as a process of its own.

use anyhow::{Context, bail, ensure};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// The administrator of every davit that is measured.
pub const USER: &str = "bench";
/// Their password.
pub const PASSWORD: &str = "a password for a measurement";

/// A running server. Dropped, it is killed.
pub struct Davit {
    /// Where it listens: `127.0.0.1:8700`.
    pub address: String,
    child: Child,
    token: String,
    http: reqwest::Client,
}

/// Where the program is.
///
/// # Errors
/// When it is not there; the sentence says how to make it.
pub fn program() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("DAVIT_BIN") {
        return Ok(path.into());
    }
    let beside = std::env::current_exe()?.with_file_name("davit");
    ensure!(beside.exists(), "{} is not there: cargo build --release -p davit", beside.display());
    Ok(beside)
}

/// A command line on a data directory, with nothing of our own environment but what finds programs.
///
/// # Errors
/// As [`program`].
pub fn command(data: &Path, arguments: &[&str]) -> anyhow::Result<Command> {
    let mut command = Command::new(program()?);
    command.args(arguments).arg("--data-dir").arg(data).env_clear().kill_on_drop(true).stdin(Stdio::null());
    command.envs(
        ["PATH", "HOME", "DAVIT_PARALLEL_HOSTS", "DAVIT_PARALLEL_JOBS"]
            .iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?))),
    );
    if let Some(level) = std::env::var_os("DAVIT_LOG") {
        command.env("DAVIT_LOG", level);
    }
    Ok(command)
}

impl Davit {
    /// Makes an account and a token, and starts the server on a free port. Its log goes to `davit.log` beside the data.
    ///
    /// # Errors
    /// When any of that fails.
    pub async fn start(data: &Path) -> anyhow::Result<Self> {
        let user = ["admin", "create-user", "--name", USER, "--role", "admin", "--password-stdin"];
        run(command(data, &user)?, PASSWORD).await?;
        let token = run(command(data, &["admin", "create-token", "--user", USER, "--name", "bench"])?, "").await?;
        let (child, address) = spawn(data).await?;
        let http = reqwest::Client::builder().tls_certs_only([]).build()?;
        Ok(Self { address, child, token: token.trim().to_owned(), http })
    }

    /// Its process id.
    ///
    /// # Errors
    /// When it has ended.
    pub fn pid(&self) -> anyhow::Result<u32> {
        self.child.id().context("davit has ended; see davit.log")
    }

    /// Any call of the API.
    ///
    /// # Errors
    /// When the answer is not a success.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> anyhow::Result<Value> {
        let request = self.http.request(method, format!("http://{}/api/v1{path}", self.address));
        let request = request.bearer_auth(&self.token);
        let response = match body {
            Some(body) => request.json(&body).send().await?,
            None => request.send().await?,
        };
        let status = response.status();
        let answer: Value = response.json().await?;
        ensure!(status.is_success(), "{path}: {status}: {answer}");
        Ok(answer)
    }

    /// Applies a configuration; `values` are its secrets.
    ///
    /// # Errors
    /// When it is refused.
    pub async fn apply(&self, document: &str, values: Value) -> anyhow::Result<()> {
        let body = json!({ "document": document, "values": values, "dry_run": false, "prune": false });
        self.call(Method::POST, "/apply", Some(body)).await.map(drop)
    }

    /// Waits for a deployment's end and returns it.
    ///
    /// # Errors
    /// When it did not succeed; with its log.
    pub async fn succeeded(&self, deployment: i64) -> anyhow::Result<Value> {
        loop {
            let answer = self.call(Method::GET, &format!("/deployments/{deployment}"), None).await?;
            if !answer["finished_at"].is_null() {
                let log = self.call(Method::GET, &format!("/deployments/{deployment}/logs?limit=5000"), None).await?;
                ensure!(answer["state"] == "succeeded", "{answer}\n{log}");
                return Ok(answer);
            }
            sleep(Duration::from_millis(10)).await;
        }
    }

    /// Stops it in the orderly way.
    ///
    /// # Errors
    /// When it can't be asked.
    pub async fn stop(mut self) -> anyhow::Result<()> {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.pid()?)?);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM)?;
        let status = self.child.wait().await?;
        ensure!(status.success(), "davit ended with {status}");
        Ok(())
    }
}

/// Starts the server alone; its process and its address.
///
/// # Errors
/// When it does not start.
pub async fn spawn(data: &Path) -> anyhow::Result<(Child, String)> {
    let log = std::fs::File::options().create(true).append(true).open(data.with_file_name("davit.log"))?;
    let mut child = command(data, &["serve", "--listen", "127.0.0.1:0"])?.stdout(Stdio::piped()).stderr(log).spawn()?;
    let mut says = BufReader::new(child.stdout.take().context("piped")?).lines();
    let first = says.next_line().await?.unwrap_or_default();
    let Some(address) = first.split_whitespace().find_map(|word| word.strip_prefix("http://")) else {
        bail!("davit did not start: {first}");
    };
    Ok((child, address.to_owned()))
}

/// How long until `GET path` is answered with 200.
///
/// # Errors
/// When it is not within 30 s.
pub async fn until_ready(address: &str, path: &str) -> anyhow::Result<()> {
    let http = reqwest::Client::builder().tls_certs_only([]).build()?;
    let deadline = Instant::now() + Duration::from_secs(30);
    while Instant::now() < deadline {
        let answer = http.get(format!("http://{address}{path}")).send().await;
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            return Ok(());
        }
        sleep(Duration::from_millis(1)).await;
    }
    bail!("{address}{path} was not ready within 30 s")
}

/// Runs a command to its end; what it printed.
///
/// # Errors
/// When it fails, with what it said.
pub async fn run(mut command: Command, input: &str) -> anyhow::Result<String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().with_context(|| format!("{command:?}"))?;
    child.stdin.take().context("piped")?.write_all(input.as_bytes()).await?;
    let output = child.wait_with_output().await?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
