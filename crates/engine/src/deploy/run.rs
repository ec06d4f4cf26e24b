//! One run of a deployment: what it works with, and the small steps that everything else is made of.

use super::environment::{self, Variables};
use super::journal::{self, Entry};
use crate::hub::Topic;
use crate::{Engine, EngineError};
use davit_domain::config::{App, Configuration, ReleaseConfig, SecretRef};
use davit_domain::deployment::{CellState, DeploymentState, HostRunState};
use davit_domain::ids::HostName;
use davit_domain::log::{NewLine, Step, Stream};
use davit_domain::redact::Redactor;
use davit_exec::host::{HostTarget, Layout};
use davit_exec::{ExecError, Exit, LineSink, OutputLine, Timeouts};
use davit_store::deployments::Deployment;
use davit_store::requests::Request;
use davit_store::{StoreError, Tx};
use secrecy::ExposeSecret;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Why a run does not go on.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stop {
    /// A step failed; nothing is switched unless the caller knows better.
    #[error("{reason}")]
    Failed {
        /// On which host; `None`: on the server.
        host: Option<HostName>,
        /// Where.
        step: Step,
        /// Why.
        reason: String,
    },
    /// A person ended it.
    #[error("{reason}")]
    Cancelled {
        /// Who, and what was seen.
        reason: String,
    },
    /// The server stops: whoever starts next takes it up.
    #[error("the server was stopped")]
    Interrupted,
    /// Another worker has taken the deployment over.
    #[error("another worker has taken over")]
    Superseded,
    /// Something of davit's own is away: try again later.
    #[error("{reason}")]
    Later {
        /// What.
        reason: String,
    },
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict(_) => Self::Superseded,
            StoreError::Unavailable(_) | StoreError::NotFound(_) | StoreError::Corrupt { .. } | StoreError::Open(_) => {
                Self::Later { reason: error.to_string() }
            }
        }
    }
}

impl From<EngineError> for Stop {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Conflict(_) => Self::Superseded,
            EngineError::NotFound(_)
            | EngineError::Denied(_)
            | EngineError::Invalid(_)
            | EngineError::InvalidConfig(_)
            | EngineError::Upstream(_)
            | EngineError::Unavailable(_) => Self::Later { reason: error.to_string() },
        }
    }
}

/// A run.
pub(super) struct Run {
    pub(super) engine: Engine,
    pub(super) deployment: Deployment,
    pub(super) request: Request,
    pub(super) app: App,
    pub(super) config: ReleaseConfig,
    pub(super) layout: Layout,
    pub(super) targets: Vec<HostTarget>,
    pub(super) variables: Variables,
    /// Ends programs when a person cancels or the server stops.
    pub(super) cancel: CancellationToken,
    /// The server stops.
    pub(super) stop: CancellationToken,
    fence: i64,
    lines: mpsc::Sender<Entry>,
    redactor: Redactor,
    cancelled_by: Mutex<Option<String>>,
}

impl Run {
    /// Reads everything a run needs, as the request pinned it.
    pub(super) async fn load(
        engine: &Engine,
        deployment: Deployment,
        fence: i64,
        stop: CancellationToken,
    ) -> Result<(Self, mpsc::Receiver<Entry>), EngineError> {
        let store = engine.store();
        let request = store
            .request(deployment.request)
            .await?
            .ok_or_else(|| EngineError::NotFound(format!("request {} is gone", deployment.request)))?;
        let (_, config) = store.revision(request.revision).await?;
        let configuration = store.configuration().await?;
        let app = configuration
            .apps
            .iter()
            .find(|app| app.key == deployment.app)
            .cloned()
            .ok_or_else(|| EngineError::NotFound(format!("the app {} was deleted", deployment.app)))?;
        let layout = Layout::new(app.key.clone(), &config.deploy_path, &config.releases_path)?;
        let mut targets = Vec::new();
        for run in store.host_runs(deployment.id).await? {
            targets.push(engine.target(&configuration, &run.host).await?);
        }
        let variables = environment::common(&app, &config, &request, &deployment)?;
        let redactor = Redactor::new(secrets(engine, &configuration).await?);
        let (lines, receiver) = mpsc::channel(journal::BACKLOG);
        let run = Self {
            engine: engine.clone(),
            deployment,
            request,
            app,
            config,
            layout,
            targets,
            variables,
            cancel: stop.child_token(),
            stop,
            fence,
            lines,
            redactor,
            cancelled_by: Mutex::default(),
        };
        Ok((run, receiver))
    }

    /// A line of davit's own.
    pub(super) async fn say(&self, host: Option<&HostName>, step: Step, text: impl Into<String>) -> Result<(), Stop> {
        for line in text.into().lines() {
            self.line(host, step, OutputLine { stream: Stream::System, text: line.to_owned() }).await?;
        }
        Ok(())
    }

    /// Runs a program whose output goes into the log under (host, step).
    pub(super) async fn with_output<T>(
        &self,
        host: Option<&HostName>,
        step: Step,
        program: impl AsyncFnOnce(LineSink) -> Result<T, ExecError>,
    ) -> Result<Result<T, ExecError>, Stop> {
        let (sink, mut output) = mpsc::channel::<OutputLine>(256);
        let forward = async {
            while let Some(line) = output.recv().await {
                self.line(host, step, line).await?;
            }
            Ok::<(), Stop>(())
        };
        let (result, forwarded) = tokio::join!(program(sink), forward);
        forwarded?;
        Ok(result)
    }

    /// Moves the deployment on.
    pub(super) async fn advance(&self, to: DeploymentState) -> Result<(), Stop> {
        let mut tx = self.begin().await?;
        let current = tx.deployment_in_queue(self.deployment.id).await?;
        // A cancel that was accepted holds the same lock: after this no host is switched behind its back.
        if let (DeploymentState::Switching, Some(by)) = (&to, &current.cancel_requested_by) {
            return Err(Stop::Cancelled { reason: format!("cancelled by {by}: before the switch") });
        }
        let next = current.state.advance(to).map_err(EngineError::from)?;
        tx.advance_deployment(self.deployment.id, Some(self.fence), &next, self.engine.now()).await?;
        self.commit(tx).await
    }

    /// Sets where one host stands.
    pub(super) async fn host_state(&self, host: &HostName, state: &HostRunState) -> Result<(), Stop> {
        let mut tx = self.begin().await?;
        tx.set_host_run(self.deployment.id, self.fence, host, state, self.engine.now()).await?;
        self.commit(tx).await
    }

    /// Sets one cell of the grid.
    pub(super) async fn cell(&self, host: Option<&HostName>, step: Step, state: CellState) -> Result<(), Stop> {
        let mut tx = self.begin().await?;
        tx.set_cell(self.deployment.id, self.fence, host, step.number(), state, self.engine.now()).await?;
        self.commit(tx).await
    }

    /// A transaction; what it writes for this deployment carries the fence.
    pub(super) async fn begin(&self) -> Result<Tx, Stop> {
        Ok(self.engine.store().begin().await?)
    }

    /// Makes it durable and wakes whoever watches the deployment.
    pub(super) async fn commit(&self, tx: Tx) -> Result<(), Stop> {
        tx.commit().await?;
        let deployment = &self.deployment;
        self.engine.hub().tell_deployment(Topic::Deployment, deployment.id, &deployment.app, &deployment.environment);
        Ok(())
    }

    /// The transaction that will [`end`](Self::end) the deployment. First every line said so far is stored: who sees
    /// a deployment that has ended finds its whole log.
    pub(super) async fn begin_last(&self) -> Result<Tx, Stop> {
        let (done, stored) = oneshot::channel();
        self.lines.send(Entry::Flush(done)).await.map_err(|_| lines_lost())?;
        stored.await.map_err(|_| lines_lost())?;
        self.begin().await
    }

    /// Ends the deployment in the transaction of what goes with it: state, request, status, the next in line.
    pub(super) async fn end(&self, mut tx: Tx, end: DeploymentState) -> Result<(), Stop> {
        let current = tx.deployment_in_queue(self.deployment.id).await?;
        self.engine.finish(&mut tx, &current, Some(self.fence), end).await?;
        self.commit(tx).await?;
        self.engine.queue().wake();
        self.engine.hub().tell_topic(Topic::Request, Some(self.request.id.0));
        Ok(())
    }

    /// Watches for a person's wish to cancel; passes it on to programs, and never returns by itself.
    pub(super) async fn watch_for_cancel(&self) {
        let mut wake = self.engine.hub().subscribe();
        loop {
            if let Ok(Some(by)) = self.engine.store().cancel_requested(self.deployment.id).await {
                *self.cancelled_by.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(by);
                self.cancel.cancel();
                std::future::pending::<()>().await;
            }
            // A wish from another process is found by looking; one from this process wakes us.
            let told = async {
                while let Ok(change) = wake.recv().await {
                    if change.topic == Topic::Cancel && change.id == Some(self.deployment.id.0) {
                        break;
                    }
                }
            };
            tokio::select! {
                () = told => {}
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    /// At a safe point: stops when a person or the server wants it.
    pub(super) fn check_cancel(&self) -> Result<(), Stop> {
        if self.cancel.is_cancelled() { Err(self.stopped("between two steps")) } else { Ok(()) }
    }

    /// Makes a stop of what a program or a host said no with.
    pub(super) fn stop_from(&self, host: Option<&HostName>, step: Step, error: ExecError) -> Stop {
        match error {
            ExecError::Cancelled { proof } => self.stopped(&proof),
            ExecError::Unreachable { .. }
            | ExecError::Denied { .. }
            | ExecError::HostKeyUnknown { .. }
            | ExecError::HostKeyChanged { .. }
            | ExecError::ConnectionLost { .. }
            | ExecError::Refused(_)
            | ExecError::TimedOut { .. }
            | ExecError::Git(_)
            | ExecError::Io { .. } => Stop::Failed { host: host.cloned(), step, reason: error.to_string() },
        }
    }

    /// Makes a stop of a hook that did not exit with 0.
    pub(super) fn check_exit(&self, host: Option<&HostName>, step: Step, exit: &Exit) -> Result<(), Stop> {
        if exit.is_success() {
            return Ok(());
        }
        let place = host.map_or_else(|| "the server".to_owned(), ToString::to_string);
        Err(Stop::Failed { host: host.cloned(), step, reason: format!("{step} on {place} ended with {exit}") })
    }

    /// Limits of a hook.
    pub(super) const fn timeouts(&self) -> Timeouts {
        Timeouts {
            total: Duration::from_secs(self.config.timeouts.step),
            idle: Duration::from_secs(self.config.timeouts.idle),
        }
    }

    /// Where this run works on the server; removed when it ends.
    pub(super) fn work_dir(&self) -> PathBuf {
        self.engine.settings().data_dir.join("work").join(self.deployment.id.to_string())
    }

    async fn line(&self, host: Option<&HostName>, step: Step, line: OutputLine) -> Result<(), Stop> {
        let new = NewLine {
            at: self.engine.now(),
            host: host.cloned(),
            step,
            stream: line.stream,
            text: self.redactor.redact(&line.text).into_owned(),
        };
        // The writer is gone when lines can no longer be stored: then nothing may run unseen.
        self.lines.send(Entry::Line(new)).await.map_err(|_| lines_lost())
    }

    fn stopped(&self, proof: &str) -> Stop {
        let by = self.cancelled_by.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        match by {
            Some(by) => Stop::Cancelled { reason: format!("cancelled by {by}: {proof}") },
            None => Stop::Interrupted,
        }
    }
}

fn lines_lost() -> Stop {
    Stop::Later { reason: "log lines can't be stored".into() }
}

/// Everything that must not be read in a log: the forges' tokens and webhook secrets, the hosts' keys.
async fn secrets(engine: &Engine, configuration: &Configuration) -> Result<Vec<String>, EngineError> {
    let mut found = Vec::new();
    for reference in configuration.secret_refs().values() {
        // A file that is not there has no secret to hide.
        if let Some(value) = engine.find_secret(reference).await? {
            found.push(value.expose_secret().to_owned());
        } else if let SecretRef::Secret(name) = reference {
            tracing::warn!(name, "a secret that the configuration refers to has no value");
        }
    }
    Ok(found)
}

/// Runs one future a host, at most `limit` at a time, and waits for all.
pub(super) async fn all<O, F: Future<Output = O>>(work: Vec<F>, limit: usize) -> Vec<O> {
    use futures::stream::StreamExt as _;
    futures::stream::iter(work).buffer_unordered(limit.max(1)).collect().await
}
