//! Before the switch: a host gets its copy of the release, checked, and step 4 runs in it. Nothing here changes what the
//! host serves.

use super::environment;
use super::hooks::Script;
use super::journal::Change;
use super::place::Place;
use super::run::{Run, Stop};
use super::stop::{jittered, patiently};
use davit_domain::config::{Compress, Transfer, Unchanged, Verify};
use davit_domain::deployment::{CellState, HostRunState};
use davit_domain::ids::ReleaseName;
use davit_domain::log::Step;
use davit_exec::ExecError;
use davit_exec::build::Build;
use davit_exec::host::{self, Host, HostFacts, Shared, StageReport, TransferOptions, Upload};
use davit_store::releases::ReleaseState;
use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// How often an upload is started whose connection is lost; each goes on where the one before it ended.
const TRIES: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_secs(1);
/// Uploads of one deployment at the same time: more fill the line and its buffers, and none of them gets done sooner.
const MOST_UPLOADS: usize = 16;

/// Ends what the other hosts are at when so many have failed that the deployment will not go on.
pub(super) struct Cut {
    /// Cuts what can be done again: connecting, uploading. Also when the server stops.
    work: CancellationToken,
    /// Ends hooks.
    hooks: CancellationToken,
    /// So many hosts may fail before that.
    spare: AtomicUsize,
}

impl Cut {
    /// Before the switch, where a person may cancel, and hooks are ended.
    pub(super) fn in_staging(run: &Run, spare: usize) -> Self {
        Self { work: run.cancel.child_token(), hooks: run.ended.child_token(), spare: AtomicUsize::new(spare) }
    }

    /// From the switch on: nobody waits any more for hosts that can't be reached, but hooks come to their ends.
    pub(super) fn in_switching(run: &Run, spare: usize) -> Self {
        Self { work: run.stop.child_token(), hooks: CancellationToken::new(), spare: AtomicUsize::new(spare) }
    }

    /// A host whose waiting it ends.
    pub(super) fn over<'p>(&self, place: &'p mut Place) -> &'p mut Place {
        place.patience = self.work.clone();
        place
    }

    /// Counts what a host comes to.
    pub(super) async fn count(&self, work: impl Future<Output = Result<(), Stop>>) -> Result<(), Stop> {
        let result = work.await;
        if let Err(stop) = &result {
            let spared = |left: usize| left.checked_sub(1);
            let failed = matches!(stop, Stop::Failed { .. });
            if !failed || self.spare.fetch_update(Ordering::SeqCst, Ordering::SeqCst, spared).is_err() {
                self.work.cancel();
                self.hooks.cancel();
            }
        }
        result
    }
}

/// What goes to the hosts: one build, read and packed once for all of them.
pub(super) struct Cargo {
    upload: Upload,
    shared: Shared,
    /// What the releases that hosts have were made from; `None`: that is not here any more.
    bases: tokio::sync::Mutex<HashMap<ReleaseName, Option<Build>>>,
    turns: Semaphore,
}

impl Cargo {
    /// What a release on a host was made from: then only what differs has to be sent.
    async fn base(&self, run: &Run, release: &ReleaseName) -> Result<Option<Build>, Stop> {
        let mut bases = self.bases.lock().await;
        if let Some(known) = bases.get(release) {
            return Ok(known.clone());
        }
        let found = run.build_of(release).await?;
        bases.insert(release.clone(), found.clone());
        Ok(found)
    }
}

impl Run {
    /// What the hosts will get; `None`: a rollback whose build is not here any more, for hosts that have the release.
    pub(super) async fn cargo(&self) -> Result<Option<Cargo>, Stop> {
        let build =
            if self.is_rollback() { self.build_of(&self.deployment.release).await? } else { Some(self.build().await?) };
        let shared = Shared::new(&self.config.shared.dirs, &self.config.shared.files)
            .map_err(|error| self.stop_from(None, Step::Release, error))?;
        let options = options(self.config.transfer);
        Ok(build.map(|build| Cargo {
            upload: Upload::new(build, self.work_dir().join("upload"), options),
            shared,
            bases: tokio::sync::Mutex::default(),
            turns: Semaphore::new(MOST_UPLOADS),
        }))
    }

    /// What a release was made from, when that is still here.
    pub(super) async fn build_of(&self, release: &ReleaseName) -> Result<Option<Build>, Stop> {
        let (app, environment) = (&self.deployment.app, &self.deployment.environment);
        patiently(&self.stop, || async { Ok(self.engine.build_of_release(app, environment, release).await?) }).await
    }

    /// Asks a host that was interrupted what has become of it, and puts it where it goes on.
    pub(super) async fn look(&self, place: &mut Place) -> Result<(), Stop> {
        let (step, name) = (Step::Release, place.name.clone());
        let stop = |error| self.stop_from(Some(&name), step, error);
        let host = self.reach_or_stop(place, step).await?;
        let facts = host.prepare(&self.layout, None, &self.cancel).await.map_err(stop)?;
        let release = &self.deployment.release;
        if place.may_have_switched() && facts.live.as_ref() == Some(release) {
            let previous = place.state.switched_from().cloned().flatten();
            self.say(Some(&name), step, format!("{name} serves {release}: going on from there")).await?;
            return self.switched(place, previous).await;
        }
        place.previous.clone_from(&facts.live);
        place.releases = Some(facts.releases.clone());
        let is_there = self.has_release(&host, &facts).await.map_err(stop)?;
        let staged = is_there && place.is_through(Step::BeforeRelease);
        let state = if staged { HostRunState::Staged } else { HostRunState::Waiting };
        if state == place.state { Ok(()) } else { self.set(place, state, []).await }
    }

    /// Brings a host to the barrier.
    pub(super) async fn stage(&self, place: &mut Place, cargo: Option<&Cargo>, cut: &Cut) -> Result<(), Stop> {
        let (step, name) = (Step::Release, place.name.clone());
        let running = Change::Cell(Some(name.clone()), step, CellState::Running);
        self.set(place, HostRunState::Staging, [running]).await?;
        let mut tries = 1;
        while let Err(error) = self.bring(place, cargo, &cut.work).await? {
            let again = matches!(error, ExecError::ConnectionLost { .. }) && tries < TRIES;
            if !again {
                return Err(self.stop_from(Some(&name), step, error));
            }
            tries += 1;
            self.say(Some(&name), step, format!("{error}. Trying again")).await?;
            self.disconnect(place).await;
            cut.work.run_until_cancelled(tokio::time::sleep(jittered(BETWEEN_TRIES))).await;
        }
        self.before_release(place, &cut.hooks).await?;
        self.set(place, HostRunState::Staged, []).await?;
        self.rest(place).await;
        Ok(())
    }

    /// Looks at the host and puts the release there, when it is not there yet.
    async fn bring(
        &self,
        place: &mut Place,
        cargo: Option<&Cargo>,
        cancel: &CancellationToken,
    ) -> Result<Result<(), ExecError>, Stop> {
        let (step, name) = (Step::Release, place.name.clone());
        let digest = cargo.map(|cargo| cargo.upload.build().digest.as_str());
        let looked = async {
            let host = self.connect(place, cancel).await?;
            let facts = host.prepare(&self.layout, digest, cancel).await?;
            let is_there = self.has_release(&host, &facts).await?;
            Ok((host, facts, is_there))
        };
        let (host, facts, is_there) = match looked.await {
            Ok(found) => found,
            Err(error) => return Ok(Err(error)),
        };
        place.previous.clone_from(&facts.live);
        place.releases = Some(facts.releases.clone());
        if let Some(foreign) = &facts.foreign {
            let text = format!("{} points to {foreign} now; the switch takes it over", self.layout.deploy_path());
            self.say(Some(&name), step, text).await?;
        }
        let release = &self.deployment.release;
        match cargo {
            _ if is_there && self.is_rollback() => return Ok(Ok(())),
            _ if is_there => self.say(Some(&name), step, format!("{release} is on {name} already, checked")).await?,
            Some(cargo) => match self.upload(&host, cargo, &facts, cancel).await? {
                Ok(report) => {
                    place.sent += report.bytes;
                    self.say(Some(&name), step, sentence(&report)).await?;
                    self.hook_anew(place, Step::BeforeRelease).await?;
                }
                Err(error) => return Ok(Err(error)),
            },
            None => {
                let text = format!("{release} is no longer on {name}; release its commit again instead");
                return Ok(Err(ExecError::Refused(text)));
            }
        }
        self.write(vec![Change::Release(name, ReleaseState::Staged)]).await?;
        Ok(Ok(()))
    }

    /// Makes the release on the host.
    async fn upload(
        &self,
        host: &Host,
        cargo: &Cargo,
        facts: &HostFacts,
        cancel: &CancellationToken,
    ) -> Result<Result<StageReport, ExecError>, Stop> {
        let base = match &facts.base {
            Some(base) => cargo.base(self, base).await?.map(|build| (base, build)),
            None => None,
        };
        let base = base.as_ref().map(|(base, build)| (*base, build));
        let (release, commit) = (&self.deployment.release, self.deployment.commit.as_str());
        let (upload, shared) = (&cargo.upload, &cargo.shared);
        // Never closed, so this is nothing but a wait.
        let _turn = cargo.turns.acquire().await.ok();
        let staged = host.stage(&self.layout, release, commit, upload, base, shared, facts.partial, cancel).await;
        Ok(staged)
    }

    /// Whether the release lies on the host, whole.
    async fn has_release(&self, host: &Host, facts: &HostFacts) -> Result<bool, ExecError> {
        let release = &self.deployment.release;
        // A kept release may be older than the notes that say whether one is whole.
        let named = facts.releases.contains(release);
        Ok(named && (self.is_rollback() || host.has_release(&self.layout, release).await?))
    }

    /// A hook that has begun in a copy which is gone runs once more, in the new one.
    async fn hook_anew(&self, place: &mut Place, step: Step) -> Result<(), Stop> {
        if !place.has_begun(step) {
            return Ok(());
        }
        place.tries = patiently(&self.stop, || async {
            let mut tx = self.engine.store().begin().await?;
            let tries = tx.next_try(self.deployment.id, &place.name).await?;
            tx.commit().await?;
            Ok(tries)
        })
        .await?;
        self.set_cell(place, step, CellState::Waiting).await
    }

    /// Step 4.
    async fn before_release(&self, place: &mut Place, ended: &CancellationToken) -> Result<(), Stop> {
        let step = Step::BeforeRelease;
        if place.is_through(step) {
            return Ok(());
        }
        let text = &self.config.hooks.before_release;
        if text.trim().is_empty() {
            return self.set_cell(place, step, CellState::Skipped).await;
        }
        self.set_cell(place, step, CellState::Running).await?;
        let release = &self.deployment.release;
        let script = Script {
            step,
            id: self.hook_id(place, step.number())?,
            text: text.clone(),
            cwd: self.layout.release_path(release),
            env: self.environment_of(place, release, place.previous.as_ref())?,
            label: step.title().to_owned(),
            timeouts: self.timeouts(),
        };
        let exit = self.script(place, script, ended).await?;
        self.check_exit(Some(&place.name), step, &exit)?;
        self.set_cell(place, step, CellState::Succeeded).await
    }

    /// The variables of a hook on a host.
    pub(super) fn environment_of(
        &self,
        place: &Place,
        release: &ReleaseName,
        previous: Option<&ReleaseName>,
    ) -> Result<environment::Variables, Stop> {
        let target = place.target().map_err(|error| self.stop_from(Some(&place.name), Step::Release, error))?;
        Ok(environment::on_host(&self.variables, target, &self.layout, release, previous))
    }
}

fn options(transfer: Transfer) -> TransferOptions {
    TransferOptions {
        unchanged: match transfer.unchanged {
            Unchanged::Copy => host::Unchanged::Copy,
            Unchanged::Hardlink => host::Unchanged::Hardlink,
        },
        verify: match transfer.verify {
            Verify::Sent => host::Verify::Sent,
            Verify::Full => host::Verify::Full,
        },
        compress: match transfer.compress {
            Compress::Auto => host::Compress::Auto,
            Compress::Always => host::Compress::Always,
            Compress::Never => host::Compress::Never,
        },
    }
}

/// What an upload came to, for the log.
fn sentence(report: &StageReport) -> String {
    let (files, sent) = (report.files, report.sent_files);
    let (size, millis) = (report.bytes / 1024, report.elapsed.as_millis());
    let from = match &report.base {
        Some(base) => format!(", the others are those of {base}"),
        None if sent < files => ", the others were there from before".to_owned(),
        None => String::new(),
    };
    let note = report.note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
    if sent == files && from.is_empty() {
        return format!("Uploaded and checked {files} files, {size} KiB in {millis} ms{note}");
    }
    format!("Uploaded and checked {sent} of {files} files, {size} KiB in {millis} ms{from}{note}")
}
