//! One run of a deployment: what it works with, and the small steps that everything else is made of.

use super::environment::{self, Variables};
use super::journal::{self, Change, Entry};
use super::stop::patiently;
use crate::hub::Topic;
use crate::{Engine, EngineError};
use davit_domain::config::{App, Configuration, ReleaseConfig, SecretRef};
use davit_domain::deployment::{CellState, DeploymentState};
use davit_domain::ids::HostName;
use davit_domain::log::{NewLine, Step, Stream};
use davit_domain::redact::Redactor;
use davit_domain::request::Kind;
use davit_domain::time::Timestamp;
use davit_exec::host::{HostTarget, Layout};
use davit_exec::{ExecError, Exit, LineSink, OutputLine, Timeouts};
use davit_store::deployments::Deployment;
use davit_store::logs::OutputMark;
use davit_store::requests::Request;
use secrecy::ExposeSecret;
use std::collections::{BTreeMap, HashMap};
use std::future::Future;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

pub(super) use super::stop::Stop;

/// A run.
pub(super) struct Run {
    pub(super) engine: Engine,
    /// As it was when the run began; its state has moved on since.
    pub(super) deployment: Deployment,
    pub(super) request: Request,
    pub(super) app: App,
    pub(super) config: ReleaseConfig,
    pub(super) layout: Layout,
    /// How each host is reached, or why that is not known: it may have been removed from the configuration.
    pub(super) targets: HashMap<HostName, Result<Arc<HostTarget>, String>>,
    pub(super) variables: Variables,
    /// What tells the values that hooks see apart from others, by name: a build is made from them.
    pub(super) value_marks: BTreeMap<String, String>,
    /// A person cancels or the server stops: for what can be cut off and done again.
    pub(super) cancel: CancellationToken,
    /// A person cancels: for what would go on by itself.
    pub(super) ended: CancellationToken,
    /// The server stops, or this worker may have lost its job.
    pub(super) stop: CancellationToken,
    pub(super) fence: i64,
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
        let targets = targets(engine, &configuration, &deployment).await?;
        let values = engine.open_values(&request.values).await?;
        let variables = environment::common(&app, &config, &request, &deployment, &values)?;
        let masked = values.iter().filter(|value| value.masked).map(|value| value.text.expose_secret().to_owned());
        let redactor = Redactor::new(secrets(engine, &configuration).await?.into_iter().chain(masked));
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
            value_marks: values.iter().map(|value| (value.name.clone(), engine.mark(value))).collect(),
            cancel: stop.child_token(),
            ended: CancellationToken::new(),
            stop,
            fence,
            lines,
            redactor,
            cancelled_by: Mutex::default(),
        };
        Ok((run, receiver))
    }

    /// Whether this goes back to a release that was there before.
    pub(super) fn is_rollback(&self) -> bool {
        self.deployment.kind == Kind::Rollback
    }

    /// How many hosts are worked on at the same time.
    pub(super) fn limit(&self) -> usize {
        self.engine.settings().parallel_hosts
    }

    /// How many hosts there are.
    pub(super) fn hosts(&self) -> usize {
        self.targets.len()
    }

    /// A line of davit's own.
    pub(super) async fn say(&self, host: Option<&HostName>, step: Step, text: impl Into<String>) -> Result<(), Stop> {
        for line in text.into().lines() {
            self.line(host, step, OutputLine { stream: Stream::System, text: line.to_owned() }, None).await?;
        }
        Ok(())
    }

    /// A line that a program said; `mark`: how far its output is read with it.
    pub(super) async fn line(
        &self,
        host: Option<&HostName>,
        step: Step,
        line: OutputLine,
        mark: Option<OutputMark>,
    ) -> Result<(), Stop> {
        let new = NewLine {
            at: self.engine.now(),
            host: host.cloned(),
            step,
            stream: line.stream,
            text: self.redactor.redact(&line.text).into_owned(),
        };
        // The writer is gone when lines can no longer be stored: then nothing may run unseen.
        self.lines.send(Entry::Line(new, mark)).await.map_err(|_| journal_lost())
    }

    /// Runs a program whose output goes into the log under (host, step). When lines can't be stored any more, the
    /// program is let go of: it must not wait for ever for somebody to read.
    pub(super) async fn with_output<T>(
        &self,
        host: Option<&HostName>,
        step: Step,
        program: impl AsyncFnOnce(LineSink) -> Result<T, ExecError>,
    ) -> Result<Result<T, ExecError>, Stop> {
        let (sink, mut output) = mpsc::channel::<OutputLine>(256);
        let forward = async move {
            while let Some(line) = output.recv().await {
                self.line(host, step, line, None).await?;
            }
            Ok::<(), Stop>(())
        };
        let run = async { Ok(program(sink).await) };
        tokio::try_join!(run, forward).map(|(result, ())| result)
    }

    /// Makes changes durable, all in one transaction, after every line that was said before.
    pub(super) async fn write(&self, changes: Vec<Change>) -> Result<(), Stop> {
        let (done, stored) = oneshot::channel();
        self.lines.send(Entry::Write(changes, done)).await.map_err(|_| journal_lost())?;
        stored.await.map_err(|_| journal_lost())
    }

    /// Returns when every line said so far is stored.
    pub(super) async fn flush(&self) -> Result<(), Stop> {
        self.write(Vec::new()).await
    }

    /// Sets one cell of the grid.
    pub(super) async fn cell(&self, host: Option<&HostName>, step: Step, state: CellState) -> Result<(), Stop> {
        self.write(vec![Change::Cell(host.cloned(), step, state)]).await
    }

    /// Moves the deployment on.
    pub(super) async fn advance(&self, to: DeploymentState) -> Result<(), Stop> {
        self.advance_with(to, None).await
    }

    /// Moves the deployment on; `next_job`: and gives it its next job, after so long.
    pub(super) async fn advance_with(&self, to: DeploymentState, next_job: Option<Duration>) -> Result<(), Stop> {
        self.flush().await?;
        let id = self.deployment.id;
        patiently(&self.stop, || async {
            let mut tx = self.engine.store().begin().await?;
            let current = tx.deployment_in_queue(id).await?;
            // A cancel that was accepted holds the same lock: after this no host is switched behind its back.
            if let (DeploymentState::Switching, Some(by)) = (&to, &current.cancel_requested_by) {
                return Err(Stop::Cancelled { reason: format!("cancelled by {by}: before the switch") });
            }
            let next = current.state.clone().advance(to.clone()).map_err(EngineError::from)?;
            tx.advance_deployment(id, Some(self.fence), &next, self.engine.now()).await?;
            if current.state == DeploymentState::Queued {
                self.engine.tell_begun(&mut tx, &self.request, &current).await?;
            }
            if let Some(after) = next_job {
                self.engine.next_job(&mut tx, &current, Some(after)).await?;
            }
            Ok(tx.commit().await?)
        })
        .await?;
        let deployment = &self.deployment;
        self.engine.hub().tell_deployment(Topic::Deployment, id, &deployment.app, &deployment.environment);
        Ok(())
    }

    /// Leaves a paused deployment to a job of its time.
    pub(super) async fn wait_until(&self, at: Timestamp) -> Result<(), Stop> {
        patiently(&self.stop, || async {
            let mut tx = self.engine.store().begin().await?;
            let current = tx.deployment_in_queue(self.deployment.id).await?;
            self.engine.next_job(&mut tx, &current, Some(at.since(self.engine.now()))).await?;
            Ok(tx.commit().await?)
        })
        .await
    }

    /// Ends the deployment, together with its request, its status, and the next in line. Every line said so far is
    /// stored before: who sees a deployment that has ended finds its whole log.
    pub(super) async fn end(&self, end: DeploymentState) -> Result<(), Stop> {
        self.end_with(end, &[]).await
    }

    /// As [`end`](Self::end), with the last changes in the same transaction.
    pub(super) async fn end_with(&self, end: DeploymentState, changes: &[Change]) -> Result<(), Stop> {
        self.flush().await?;
        let deployment = &self.deployment;
        patiently(&self.stop, || async {
            let mut tx = self.engine.store().begin().await?;
            let current = tx.deployment_in_queue(deployment.id).await?;
            for change in changes {
                change.make(&mut tx, self.engine.now(), deployment, self.fence).await?;
            }
            self.engine.finish(&mut tx, &current, Some(self.fence), end.clone()).await?;
            Ok(tx.commit().await?)
        })
        .await?;
        self.engine.hub().tell_deployment(Topic::Deployment, deployment.id, &deployment.app, &deployment.environment);
        self.engine.queue().wake();
        self.engine.hub().tell_topic(Topic::Request, Some(self.request.id.0));
        Ok(())
    }

    /// Watches for a person's wish to cancel; passes it on to programs, and never returns by itself.
    pub(super) async fn watch_for_cancel(&self) {
        let mut wake = self.engine.hub().subscribe();
        loop {
            if let Ok(Some(by)) = self.engine.store().cancel_requested(self.deployment.id).await {
                *self.cancelled_by.lock().unwrap_or_else(PoisonError::into_inner) = Some(by);
                self.ended.cancel();
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

    /// At a safe point that a person can't cancel at any more: stops when the server wants it.
    pub(super) fn check_stop(&self) -> Result<(), Stop> {
        if self.stop.is_cancelled() { Err(Stop::Interrupted) } else { Ok(()) }
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
            | ExecError::Io { .. } => {
                Stop::Failed { host: host.cloned(), step, reason: self.masked(&error.to_string()) }
            }
        }
    }

    /// A sentence that may repeat what a program said, without secrets.
    pub(super) fn masked(&self, sentence: &str) -> String {
        self.redactor.redact(sentence).into_owned()
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

    /// A person's wish to cancel, or else the server's stop.
    pub(super) fn stopped(&self, proof: &str) -> Stop {
        let by = self.cancelled_by.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match by {
            Some(by) => Stop::Cancelled { reason: format!("cancelled by {by}: {proof}") },
            None => Stop::Interrupted,
        }
    }
}

/// The writer says itself why it is gone; this only ends whoever wanted to write.
fn journal_lost() -> Stop {
    Stop::Later { reason: "the log can't be stored".into() }
}

async fn targets(
    engine: &Engine,
    configuration: &Configuration,
    deployment: &Deployment,
) -> Result<HashMap<HostName, Result<Arc<HostTarget>, String>>, EngineError> {
    let mut targets = HashMap::new();
    for run in engine.store().host_runs(deployment.id).await? {
        let target = match engine.target(configuration, &run.host).await {
            Ok(target) => Ok(Arc::new(target)),
            Err(error @ (EngineError::NotFound(_) | EngineError::Invalid(_))) => Err(error.to_string()),
            Err(error) => return Err(error),
        };
        targets.insert(run.host, target);
    }
    Ok(targets)
}

/// What the configuration has that must not be read in a log: the forges' tokens and webhook secrets, the hosts' keys.
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
