//! The health check after step 6: what must hold on a host before it counts as released to.
//!
//! On the host it is a script of davit's around the question, run and followed like any hook, so that it survives what
//! hooks survive. From the server it is asked here, and asked from the start again by whoever takes the deployment up.

use super::hooks::Script;
use super::place::Place;
use super::run::{Run, Stop};
use davit_domain::config::{Health, HealthCheck, HealthFrom};
use davit_domain::log::Step;
use davit_exec::{Timeouts, quote};
use reqwest::{Certificate, Client, redirect};
use std::future::Future;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

const LOOP: &str = include_str!("scripts/health.sh");
const HTTP: &str = include_str!("scripts/health_http.sh");
const TCP: &str = include_str!("scripts/health_tcp.sh");
const COMMAND: &str = include_str!("scripts/health_command.sh");
/// What starting the programs of a check may take, on top of its own limits.
const SLACK: Duration = Duration::from_secs(60);
/// Stands for the host's address.
const ADDRESS: &str = "{address}";
/// What a URL is asked by.
const USER_AGENT: &str = concat!("davit/", env!("CARGO_PKG_VERSION"));

impl Run {
    /// Asks until the host is healthy, or has been asked often enough.
    pub(super) async fn check_health(&self, place: &mut Place) -> Result<(), Stop> {
        let (step, name) = (Step::AfterRelease, place.name.clone());
        let Some(health) = &self.config.health else { return Ok(()) };
        let target = place.target().map_err(|error| self.stop_from(Some(&name), step, error))?;
        let address = if target.address.is_empty() { "127.0.0.1".to_owned() } else { target.address.clone() };
        let is_healthy = match (health.from, &health.check) {
            (HealthFrom::Server, HealthCheck::Http { url, status }) => {
                self.ask_http(place, health, &url.replace(ADDRESS, &address), *status).await?
            }
            (HealthFrom::Server, HealthCheck::Tcp { address: at }) => {
                self.ask_tcp(place, health, &at.replace(ADDRESS, &address)).await?
            }
            (HealthFrom::Host, _) | (HealthFrom::Server, HealthCheck::Command { .. }) => {
                self.ask_on_host(place, health, &address).await?
            }
        };
        if is_healthy {
            return Ok(());
        }
        let tries = health.retries.saturating_add(1);
        let after = if self.is_custom() { "the actions" } else { "step 6" };
        let reason = format!("{name} is not healthy: the health check after {after} failed {tries} times");
        Err(Stop::Failed { host: Some(name), step, reason })
    }

    async fn ask_on_host(&self, place: &mut Place, health: &Health, address: &str) -> Result<bool, Stop> {
        let (step, release) = (Step::AfterRelease, &self.deployment.release);
        let previous = place.state.switched_from().cloned().flatten();
        let limit = longest(health);
        let cwd = match self.is_custom() {
            // Nobody promised that its actions make a deploy path.
            true => self.directory_of(place, step).await?,
            false => self.layout.deploy_path().to_owned(),
        };
        let script = Script {
            step,
            id: self.hook_id(place, "health")?,
            text: host_script(health, address),
            cwd,
            env: self.environment_of(place, release, previous.as_ref())?,
            label: "health check".into(),
            timeouts: Timeouts { total: limit, idle: limit },
        };
        // After a switch a person rolls back instead of cancelling; actions can be cancelled to the end.
        let ended = if self.is_custom() { self.ended.clone() } else { CancellationToken::new() };
        let exit = self.script(place, script, &ended).await?;
        Ok(exit.is_success())
    }

    async fn ask_http(&self, place: &Place, health: &Health, url: &str, wanted: Option<u16>) -> Result<bool, Stop> {
        let client = client(health).map_err(|error| Stop::Failed {
            host: Some(place.name.clone()),
            step: Step::AfterRelease,
            reason: format!("the health check can't be made: {error}"),
        })?;
        let ask = || async {
            match client.get(url).send().await {
                Ok(answer) => {
                    let status = answer.status().as_u16();
                    let fine = wanted.map_or((200..400).contains(&status), |wanted| wanted == status);
                    (fine, format!("status {status} from {url}"))
                }
                Err(error) => (false, format!("no answer from {url}: {}", root_cause(&error))),
            }
        };
        self.ask_again(place, health, ask).await
    }

    async fn ask_tcp(&self, place: &Place, health: &Health, at: &str) -> Result<bool, Stop> {
        let limit = Duration::from_millis(health.timeout_ms);
        let ask = || async {
            match tokio::time::timeout(limit, TcpStream::connect(at)).await {
                Ok(Ok(_)) => (true, format!("{at} takes connections")),
                Ok(Err(error)) => (false, format!("{at} takes no connections: {error}")),
                Err(_) => (false, format!("{at} does not answer")),
            }
        };
        self.ask_again(place, health, ask).await
    }

    async fn ask_again<F: Future<Output = (bool, String)>>(
        &self,
        place: &Place,
        health: &Health,
        ask: impl Fn() -> F,
    ) -> Result<bool, Stop> {
        let (step, name) = (Step::AfterRelease, &place.name);
        let end = if self.is_custom() { &self.cancel } else { &self.stop };
        let ended = || self.stopped("in the health check");
        for number in 1..=health.retries.saturating_add(1) {
            let (fine, said) = end.run_until_cancelled(ask()).await.ok_or_else(ended)?;
            let text = if fine { format!("healthy at try {number}: {said}") } else { format!("try {number}: {said}") };
            self.say(Some(name), step, text).await?;
            if fine {
                return Ok(true);
            }
            if number <= health.retries {
                let pause = tokio::time::sleep(Duration::from_millis(health.interval_ms));
                end.run_until_cancelled(pause).await.ok_or_else(ended)?;
            }
        }
        Ok(false)
    }
}

/// The longest that a check may take on a host.
fn longest(health: &Health) -> Duration {
    let one = Duration::from_millis(health.interval_ms.saturating_add(health.timeout_ms)) + Duration::from_secs(1);
    one.saturating_mul(health.retries.saturating_add(1)).saturating_add(SLACK)
}

/// The question and the loop around it, for `sh`.
fn host_script(health: &Health, address: &str) -> String {
    // Programs on hosts take whole seconds.
    let limit = health.timeout_ms.div_ceil(1000).max(1).to_string();
    let mut values = vec![
        ("retries", health.retries.to_string()),
        ("interval", format!("{}.{:03}", health.interval_ms / 1000, health.interval_ms % 1000)),
        ("limit", limit),
    ];
    let check = match &health.check {
        HealthCheck::Http { url, status } => {
            values.push(("url", url.replace(ADDRESS, address)));
            values.push(("wanted", status.map_or_else(String::new, |status| status.to_string())));
            HTTP
        }
        HealthCheck::Tcp { address: at } => {
            let at = at.replace(ADDRESS, address);
            let (host, port) = at.rsplit_once(':').unwrap_or((&at, ""));
            values.push(("host", host.trim_matches(['[', ']']).to_owned()));
            values.push(("port", port.to_owned()));
            TCP
        }
        HealthCheck::Command { run } => {
            values.push(("command", run.clone()));
            COMMAND
        }
    };
    let mut script = String::new();
    for (name, value) in values {
        script.push_str(name);
        script.push('=');
        script.push_str(&String::from_utf8_lossy(&quote::sh(value)));
        script.push('\n');
    }
    script.push_str(check);
    script.push_str(LOOP);
    script
}

/// Asks one URL as it is: no proxy, no redirect.
fn client(health: &Health) -> reqwest::Result<Client> {
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().map(|root| Certificate::from_der(root));
    Client::builder()
        .user_agent(USER_AGENT)
        .tls_certs_merge(roots.collect::<reqwest::Result<Vec<_>>>()?)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .timeout(Duration::from_millis(health.timeout_ms))
        .build()
}

/// The innermost sentence of an error: the outer ones repeat the URL.
fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
