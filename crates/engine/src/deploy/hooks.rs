//! A person's scripts on hosts: started once, followed to their end whatever happens to the connection or to davit.

use super::environment::Variables;
use super::place::{Place, RECONNECTING};
use super::run::{Run, Stop};
use super::stop::patiently;
use davit_domain::log::Step;
use davit_exec::host::{HookEnd, HookId, HookLine, Host, HostHook};
use davit_exec::{ExecError, Exit, Timeouts};
use davit_store::logs::OutputMark;
use tokio::sync::mpsc;
use tokio::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// A connection that held for so long was a good one: what comes after it is a new mishap.
const HELD_WELL: Duration = Duration::from_secs(60);
/// Lines on their way from a hook to the journal.
const LINES: usize = 256;

/// A script to be run on a host.
pub(super) struct Script {
    /// Under which step its lines are shown.
    pub(super) step: Step,
    /// What distinguishes it from the other hooks of this host in this deployment.
    pub(super) id: HookId,
    pub(super) text: String,
    /// Where it starts on the host.
    pub(super) cwd: String,
    pub(super) env: Variables,
    /// What people call it.
    pub(super) label: String,
    pub(super) timeouts: Timeouts,
}

impl Run {
    /// The name of one hook of one host. `what` is a step's number or a word; a host that is tried again gets new ones.
    pub(super) fn hook_id(&self, place: &Place, what: impl std::fmt::Display) -> Result<HookId, Stop> {
        HookId::new(format!("{}-{what}-{}", self.deployment.id, place.tries))
            .map_err(|error| Stop::Later { reason: error.to_string() })
    }

    /// Runs a script on a host, or follows the one that was started before. When the server stops, it goes on by
    /// itself; `ended` ends it.
    pub(super) async fn script(
        &self,
        place: &mut Place,
        script: Script,
        ended: &CancellationToken,
    ) -> Result<Exit, Stop> {
        let hook = HostHook {
            script: script.text.clone(),
            cwd: script.cwd.clone(),
            env: script.env.clone(),
            label: script.label.clone(),
        };
        let (name, step) = (place.name.clone(), script.step);
        let mut trouble_since: Option<Instant> = None;
        loop {
            let host = match self.reach_or_stop(place, step).await {
                // Then nobody has ended it.
                Err(Stop::Cancelled { reason }) if trouble_since.is_some() => {
                    let reason = format!("{reason}; whether {step} still runs on {name} is not known");
                    return Err(Stop::Cancelled { reason });
                }
                reached => reached?,
            };
            if trouble_since.is_some() {
                self.say(Some(&name), step, format!("Connected to {name} again: following its hook")).await?;
            }
            let begun = Instant::now();
            let followed = self.follow(&host, &name, &script, &hook, ended).await?;
            match followed {
                Ok(HookEnd::Exited(exit)) => return Ok(exit),
                Ok(HookEnd::Vanished) => {
                    return Err(Stop::Failed {
                        host: Some(name.clone()),
                        step,
                        reason: format!(
                            "{step} on {name} was ended with its host (restarted, or killed): whether it did its work is not known"
                        ),
                    });
                }
                Ok(HookEnd::Lost) | Err(ExecError::ConnectionLost { .. }) => {
                    self.disconnect(place).await;
                    let since = match trouble_since {
                        Some(since) if begun.elapsed() < HELD_WELL => since,
                        Some(_) | None => Instant::now(),
                    };
                    if since.elapsed() > RECONNECTING {
                        let reason = format!("the connection to {name} is lost again and again during {step}");
                        return Err(Stop::Failed { host: Some(name), step, reason });
                    }
                    if trouble_since.is_none() {
                        let text = format!("The connection to {name} was lost; its hook goes on there");
                        self.say(Some(&name), step, text).await?;
                    }
                    trouble_since = Some(since);
                }
                Err(error) => {
                    // Of several hosts each has a proof of its own, and only one of them becomes the reason.
                    if let ExecError::Cancelled { proof } = &error {
                        self.say(Some(&name), step, format!("Cancelled: {proof}")).await?;
                    }
                    return Err(self.stop_from(Some(&name), step, error));
                }
            }
        }
    }

    /// As [`reach`](Self::reach), for a host that is in the middle of a deployment. A person's cancel does not end the
    /// wait.
    pub(super) async fn reach_or_stop(&self, place: &mut Place, step: Step) -> Result<Host, Stop> {
        let (name, patience) = (place.name.clone(), place.patience.clone());
        self.reach(place, &patience).await.map_err(|error| self.stop_from(Some(&name), step, error))
    }

    /// Follows a hook once, from where the log ends.
    async fn follow(
        &self,
        host: &Host,
        name: &davit_domain::ids::HostName,
        script: &Script,
        hook: &HostHook,
        ended: &CancellationToken,
    ) -> Result<Result<HookEnd, ExecError>, Stop> {
        // What was read before the connection went away counts, so it has to be in the tables first.
        self.flush().await?;
        let id = &script.id;
        let from = patiently(&self.stop, || async {
            Ok(self.engine.store().hook_offset(self.deployment.id, Some(name), id.as_str()).await?)
        })
        .await?;
        let (sink, mut lines) = mpsc::channel::<HookLine>(LINES);
        let forward = async move {
            while let Some(HookLine { line, end }) = lines.recv().await {
                let mark = OutputMark { host: Some(name.clone()), hook: id.as_str().to_owned(), bytes: end };
                self.line(Some(name), script.step, line, Some(mark)).await?;
            }
            Ok::<(), Stop>(())
        };
        let control = self.layout.control_dir();
        let follow = async {
            let running = async {
                let sink = sink;
                host.run_hook(&control, id, hook, from, script.timeouts, &sink, ended).await
            };
            // The hook stays: whoever takes the deployment up follows it on.
            self.stop.run_until_cancelled(running).await.ok_or(Stop::Interrupted)
        };
        tokio::try_join!(follow, forward).map(|(end, ())| end)
    }
}
