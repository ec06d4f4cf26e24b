//! One action on one host.

use super::super::hooks::Script;
use super::super::journal::Change;
use super::super::place::Place;
use super::super::run::{Run, Stop};
use super::super::stop::{jittered, patiently};
use super::{Act, Ground};
use davit_domain::config::{ActionKind, TransferSource};
use davit_domain::deployment::{CellState, HostRunState};
use davit_domain::log::Step;
use davit_exec::ExecError;
use davit_exec::host::{FileSource, HostKind};
use std::path::PathBuf;
use std::time::Duration;

/// How often a transfer is started whose connection is lost. To put a file twice is to put it once.
const TRIES: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

impl Run {
    /// Runs an action on a host, or follows it to its end.
    pub(super) async fn act_on(&self, place: &mut Place, act: &Act<'_>, ground: &Ground) -> Result<(), Stop> {
        // A person's cancel ends the wait for a host that is gone.
        place.patience = self.cancel.clone();
        if place.is_untouched() {
            // Nothing of it is under way there, so nobody has to wait for a host that is down.
            let connected = self.connect(place, &self.cancel).await;
            connected.map_err(|error| self.stop_from(Some(&place.name), act.step, error))?;
        }
        let cell = |state| Change::Cell(Some(place.name.clone()), act.step, state);
        let (running, succeeded) = (cell(CellState::Running), cell(CellState::Succeeded));
        let state = HostRunState::Switching { previous: place.previous.clone() };
        self.set(place, state.clone(), [running]).await?;
        match &act.action.what {
            ActionKind::Host { run } => self.run_on(place, act, run).await?,
            ActionKind::Transfer { from, to, mode } => self.transfer(place, act, ground, (from, to, *mode)).await?,
            ActionKind::Server { .. } => {}
        }
        self.set(place, state, [succeeded]).await?;
        self.rest(place).await;
        Ok(())
    }

    /// The host has done all its actions.
    pub(super) async fn complete(&self, place: &mut Place) -> Result<(), Stop> {
        place.patience = self.cancel.clone();
        self.check_health(place).await?;
        let live = Change::Live(place.name.clone(), Some(self.deployment.release.clone()));
        self.set(place, HostRunState::Done { previous: place.previous.clone() }, [live]).await
    }

    /// Notes what the hosts had before, as the tables know it: in custom mode, no host can be asked.
    pub(super) async fn remember_live(&self, places: &mut [Place]) -> Result<(), Stop> {
        let deployment = &self.deployment;
        let live = patiently(&self.stop, || async {
            Ok(self.engine.store().live(&deployment.app, &deployment.environment).await?)
        })
        .await?;
        for place in places.iter_mut().filter(|place| !place.may_have_switched()) {
            place.previous = live.iter().find(|live| live.host == place.name).map(|live| live.release.clone());
        }
        Ok(())
    }

    async fn run_on(&self, place: &mut Place, act: &Act<'_>, run: &str) -> Result<(), Stop> {
        let step = act.step;
        let script = Script {
            step,
            id: self.hook_id(place, step.number())?,
            text: run.to_owned(),
            cwd: self.directory_of(place, step).await?,
            env: self.environment_of(place, &self.deployment.release, place.previous.as_ref())?,
            label: format!("{step}: {}", act.action.name),
            timeouts: self.timeouts(),
        };
        let exit = self.script(place, script, &self.ended).await?;
        self.check_exit(Some(&place.name), step, &exit)
    }

    /// Where actions and their health check start: in the deploy path when there is one, else where a login starts.
    pub(in super::super) async fn directory_of(&self, place: &mut Place, step: Step) -> Result<String, Stop> {
        let host = self.reach_or_stop(place, step).await?;
        let stop = |error| self.stop_from(Some(&place.name), step, error);
        let found = host.inspect(&self.layout).await.map_err(stop)?;
        if found.live.is_some() || found.foreign.is_some() {
            return Ok(self.layout.deploy_path().to_owned());
        }
        Ok(match place.target().map_err(stop)?.kind {
            HostKind::Ssh => ".".to_owned(),
            HostKind::Local => std::env::home_dir().unwrap_or_else(|| PathBuf::from("/")).display().to_string(),
        })
    }

    async fn transfer(
        &self,
        place: &mut Place,
        act: &Act<'_>,
        ground: &Ground,
        (from, to, mode): (&TransferSource, &str, Option<u32>),
    ) -> Result<(), Stop> {
        let (step, name) = (act.step, place.name.clone());
        let failed = |reason: String| Stop::Failed { host: Some(name.clone()), step, reason };
        let upload = match from {
            TransferSource::Build(_) => PathBuf::new(),
            TransferSource::Upload(upload) => self.uploaded(upload).await?.ok_or_else(|| {
                failed(format!("the file {upload} is not on this server: upload it again and make a new request"))
            })?,
        };
        let source = match (from, &ground.build) {
            (TransferSource::Upload(_), _) => FileSource::Local(&upload),
            (TransferSource::Build(path), Some(build)) => FileSource::Build { build, path },
            (TransferSource::Build(path), None) => {
                return Err(failed(format!("there is no build to take {path} from")));
            }
        };
        let mut tries = 1;
        loop {
            let host = self.reach_or_stop(place, step).await?;
            match host.put_file(source, to, mode, &self.cancel).await {
                Ok(report) => {
                    let (files, size) = (report.files, report.bytes / 1024);
                    let text = format!("Put {files} files, {size} KiB at {to}, checked");
                    return self.say(Some(&name), step, text).await;
                }
                Err(error @ ExecError::ConnectionLost { .. }) if tries < TRIES => {
                    tries += 1;
                    self.say(Some(&name), step, format!("{error}. Trying again")).await?;
                    self.disconnect(place).await;
                    self.cancel.run_until_cancelled(tokio::time::sleep(jittered(BETWEEN_TRIES))).await;
                }
                Err(error) => return Err(self.stop_from(Some(&name), step, error)),
            }
        }
    }

    /// The file that is pinned under this name, else (going back) the newest one; `None` when it is not here.
    async fn uploaded(&self, name: &str) -> Result<Option<PathBuf>, Stop> {
        let digest = match self.request.inputs.uploads.get(name) {
            Some(digest) => Some(digest.clone()),
            None => {
                patiently(&self.stop, || async { Ok(self.engine.store().newest_upload(&self.app.key, name).await?) })
                    .await?
                    .map(|upload| upload.digest)
            }
        };
        Ok(digest.map(|digest| self.engine.upload_path(&digest)).filter(|path| path.is_file()))
    }
}
