//! The services of a job: containers beside it, each known in the job's network by its key.

use super::ContainerSpec;
use super::api::Frames;
use super::create::{self, Role};
use super::engine::{Engine, failed};
use super::estate::{self, Estate};
use super::exec;
use super::image;
use super::options::Health;
use crate::RunnerError;
use crate::place::{PlaceSpec, Proof};
use davit_domain::log::Stream;
use davit_exec::{LineSink, OutputLine};
use reqwest::Method;
use serde_json::{Map, Value, json};
use std::fmt::Write as _;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

/// The longest pause between two checks: a service that is well does not keep its job waiting for a long interval.
const PAUSE: Duration = Duration::from_secs(1);

/// What holds where neither options nor image say anything; as Docker has it.
const INTERVAL: Duration = Duration::from_secs(30);
const RETRIES: u32 = 3;

/// How many of a service's last lines are told when it is not well.
const LAST_LINES: &str = "20";

/// A job's network and the services in it.
#[derive(Debug)]
pub struct Services {
    estate: Estate,
    running: Vec<Service>,
}

#[derive(Debug)]
struct Service {
    key: String,
    id: String,
    /// The port in the container, and where the server has it.
    ports: Vec<(String, String)>,
}

impl Services {
    /// Starts the services that `spec` names and waits until those that have a check are well. For a job without a
    /// container of its own: what their `ports` name is at 127.0.0.1 for its steps.
    ///
    /// # Errors
    /// As [`Container::open`](super::Container::open); also [`RunnerError::Refused`] when a service is not well in time.
    pub async fn open(spec: &PlaceSpec, sink: &LineSink, cancel: &CancellationToken) -> Result<Self, RunnerError> {
        if spec.container.is_none() && !spec.network {
            return Err(RunnerError::Refused(
                "this repository's jobs have no network, so steps could not reach the services: name a container for \
                 the job, it shares a network of its own with them"
                    .to_owned(),
            ));
        }
        Self::open_on(Engine::find().await?, spec, sink, cancel).await
    }

    /// [`open`](Self::open) on an engine that is known already.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub async fn open_on(
        engine: Engine,
        spec: &PlaceSpec,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<Self, RunnerError> {
        let estate = Estate::make(engine, spec).await?;
        match estate::unless_cancelled(cancel, start_all(&estate, spec, sink)).await {
            Ok(running) => Ok(Self { estate, running }),
            Err(error) => Err(estate::after_closing(error, estate.close().await)),
        }
    }

    /// What the context `job` says of services.
    #[must_use]
    pub fn job_context(&self) -> Value {
        let services: Map<String, Value> = self.running.iter().map(|it| (it.key.clone(), self.described(it))).collect();
        json!({ "services": services })
    }

    /// Removes the services and their network, and looks whether all are gone.
    pub async fn close(&self) -> Proof {
        self.estate.close().await
    }

    /// Notes once more that there is something to clear away, when the job's directory is gone but not all of this.
    pub(crate) fn remember(&self) -> Result<(), RunnerError> {
        self.estate.remember()
    }

    pub(super) const fn estate(&self) -> &Estate {
        &self.estate
    }

    fn described(&self, service: &Service) -> Value {
        let ports: Map<String, Value> =
            service.ports.iter().map(|(inside, outside)| (inside.clone(), json!(outside))).collect();
        json!({ "id": service.id, "network": self.estate.name(), "ports": ports })
    }
}

async fn start_all(estate: &Estate, spec: &PlaceSpec, sink: &LineSink) -> Result<Vec<Service>, RunnerError> {
    let mut running = Vec::new();
    let mut checks = Vec::new();
    for own in &spec.services {
        let of = |error: RunnerError| in_service(&own.key, error);
        let check = check_of(own)?;
        let image = image::pull(estate.engine(), own, sink).await.map_err(of)?;
        let body = create::body(estate, own, spec, &image, Role::Service).map_err(of)?;
        let id = estate.start(&format!("{}-{}", estate.name(), own.key), &own.image, &body).await.map_err(of)?;
        checks.push(match check {
            Wanted::Of(check) => Some(check),
            Wanted::OfTheImage => Check::of_image(&image.check),
            Wanted::None => None,
        });
        let seen = inspect(estate.engine(), &id).await?;
        running.push(Service { key: own.key.clone(), id, ports: ports_of(&seen) });
    }
    for (service, check) in running.iter().zip(checks) {
        match check {
            Some(check) => until_well(estate.engine(), service, &check, sink).await?,
            None => still_there(estate.engine(), service).await?,
        }
    }
    Ok(running)
}

fn in_service(key: &str, error: RunnerError) -> RunnerError {
    match error {
        RunnerError::Refused(text) => RunnerError::Refused(format!("service {key}: {text}")),
        other @ (RunnerError::Ended(_) | RunnerError::Unavailable(_) | RunnerError::Io { .. }) => other,
    }
}

/// How to see whether a service is well.
struct Check {
    command: Vec<String>,
    interval: Duration,
    timeout: Duration,
    patience: Duration,
}

impl Check {
    fn new(command: Vec<String>, health: &Health) -> Self {
        let interval = health.interval.filter(|it| !it.is_zero()).unwrap_or(INTERVAL);
        let retries = health.retries.filter(|it| *it > 0).unwrap_or(RETRIES);
        let patience = health.start_period.unwrap_or_default().saturating_add(interval.saturating_mul(retries));
        Self { command, interval, timeout: health.timeout.filter(|it| !it.is_zero()).unwrap_or(INTERVAL), patience }
    }

    /// What the image's `HEALTHCHECK` says.
    fn of_image(health: &Value) -> Option<Self> {
        let span = |name: &str| health[name].as_u64().map(Duration::from_nanos);
        let wishes = Health {
            interval: span("Interval"),
            timeout: span("Timeout"),
            start_period: span("StartPeriod"),
            retries: health["Retries"].as_u64().and_then(|retries| u32::try_from(retries).ok()),
            ..Health::default()
        };
        let test = health["Test"].as_array()?.iter().filter_map(|word| word.as_str().map(str::to_owned));
        Some(Self::new(words(&test.collect::<Vec<_>>())?, &wishes))
    }
}

/// What the options say of checks.
enum Wanted {
    Of(Check),
    OfTheImage,
    None,
}

fn check_of(own: &ContainerSpec) -> Result<Wanted, RunnerError> {
    let health = create::options(own).map_err(|error| in_service(&own.key, error))?.health;
    Ok(match &health.command {
        _ if health.none => Wanted::None,
        Some(text) => Wanted::Of(Check::new(vec!["sh".to_owned(), "-c".to_owned(), text.clone()], &health)),
        None => Wanted::OfTheImage,
    })
}

fn words(test: &[String]) -> Option<Vec<String>> {
    match test.split_first() {
        Some((kind, rest)) if kind == "CMD-SHELL" => Some(vec!["sh".to_owned(), "-c".to_owned(), rest.join(" ")]),
        Some((kind, rest)) if kind == "CMD" => Some(rest.to_vec()),
        Some(_) | None => None,
    }
}

/// Asks until the service is well, at most as long as its check allows.
async fn until_well(engine: &Engine, service: &Service, check: &Check, sink: &LineSink) -> Result<(), RunnerError> {
    // A closed sink means that nobody wants to know.
    let text = format!("Waiting until service {} is well", service.key);
    let _ = sink.send(OutputLine { stream: Stream::System, text }).await;
    let deadline = Instant::now() + check.patience;
    loop {
        still_there(engine, service).await?;
        let said = match exec::capture(engine, &service.id, check.command.clone(), None, check.timeout).await {
            Ok(answer) if answer.code == 0 => return Ok(()),
            Ok(answer) => format!("exit code {}: {} {}", answer.code, answer.stdout.trim(), answer.stderr.trim()),
            Err(error) => error.to_string(),
        };
        if Instant::now() >= deadline {
            let mut text = format!(
                "service {} was not well within {} s; its check said {}",
                service.key,
                check.patience.as_secs(),
                said.trim()
            );
            tell_last_lines(engine, service, &mut text).await;
            return Err(RunnerError::Refused(text));
        }
        sleep(check.interval.min(PAUSE)).await;
    }
}

/// A service that has ended is none.
async fn still_there(engine: &Engine, service: &Service) -> Result<(), RunnerError> {
    let state = &inspect(engine, &service.id).await?["State"];
    if state["Running"] == true {
        return Ok(());
    }
    let mut text = format!("service {} ended with exit code {}", service.key, state["ExitCode"]);
    if state["OOMKilled"] == true {
        text.push_str(" because it needed more memory than the repository may have");
    }
    tell_last_lines(engine, service, &mut text).await;
    Err(RunnerError::Refused(text))
}

async fn tell_last_lines(engine: &Engine, service: &Service, text: &mut String) {
    let query = [("stdout", "true"), ("stderr", "true"), ("tail", LAST_LINES)];
    let lines = engine.api().stream(Method::GET, &format!("/containers/{}/logs", service.id), &query, &[]).await;
    let bytes = match lines {
        Ok(lines) => lines.bytes().await.unwrap_or_default(),
        // What is told without them is true all the same.
        Err(_) => return,
    };
    let mut frames = Frames::new(&bytes[..]);
    let mut said = String::new();
    while let Ok(Some((_, piece))) = frames.next().await {
        said.push_str(&String::from_utf8_lossy(&piece));
    }
    if !said.trim().is_empty() {
        // Writing to a string can't fail.
        let _ = write!(text, ". Its last lines:\n{}", said.trim_end());
    }
}

async fn inspect(engine: &Engine, id: &str) -> Result<Value, RunnerError> {
    engine.api().get(&format!("/containers/{id}/json"), &[]).await.map_err(failed("a service can't be looked at"))
}

/// `5432` and where it is, from `5432/tcp`; `53/udp` keeps its protocol.
fn ports_of(seen: &Value) -> Vec<(String, String)> {
    let ports = seen["NetworkSettings"]["Ports"].as_object().cloned().unwrap_or_default();
    let mut known: Vec<(String, String)> = ports
        .iter()
        .filter_map(|(inside, bindings)| {
            let outside = bindings.as_array()?.iter().find_map(|binding| binding["HostPort"].as_str())?;
            Some((inside.trim_end_matches("/tcp").to_owned(), outside.to_owned()))
        })
        .collect();
    known.sort();
    known
}
