//! "What is really live?": asks the hosts, compares with what davit put there, and keeps the answers.

use crate::hub::Topic;
use crate::{Engine, EngineError};
use davit_domain::config::{Configuration, ReleaseConfig};
use davit_domain::ids::{AppKey, EnvironmentKey, HostName, ReleaseName};
use davit_exec::ExecError;
use davit_exec::host::{Host, Inspection, Layout};
use davit_store::gates::{LiveCheck, LiveDetail};
use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

/// The host serves what davit put there.
const OK: &str = "ok";
/// It serves something else, or something has changed it.
const DRIFT: &str = "drift";
/// It could not be asked.
const UNREACHABLE: &str = "unreachable";

impl Engine {
    /// Asks every host of an app in an environment what it serves, and stores the answers.
    ///
    /// # Errors
    /// When the app is not released there. A host that does not answer is an answer.
    pub async fn ask_live(&self, app: &AppKey, environment: &EnvironmentKey) -> Result<Vec<LiveCheck>, EngineError> {
        let configuration = self.store().configuration().await?;
        let (_, config) = crate::intents::release_config(&configuration, app, environment)?;
        let layout = Layout::new(app.clone(), &config.deploy_path, &config.releases_path)?;
        let expected = self.store().live(app, environment).await?;
        let hosts: Vec<HostName> =
            config.select(&configuration.hosts).into_iter().map(|host| host.name.clone()).collect();
        let looks = hosts.into_iter().map(|host| {
            let expected = expected.iter().find(|live| live.host == host).map(|live| live.release.clone());
            let (configuration, layout) = (&configuration, &layout);
            async move {
                let found = self.inspect(configuration, &host, layout).await;
                let (verdict, live, detail) = judge(found, expected.as_ref(), config);
                let (app, environment) = (app.clone(), environment.clone());
                LiveCheck { app, environment, host, at: self.now(), verdict: verdict.to_owned(), live, detail }
            }
        });
        let mut checks: Vec<LiveCheck> =
            futures::stream::iter(looks).buffer_unordered(self.settings().parallel_hosts.max(1)).collect().await;
        checks.sort_by(|a, b| a.host.cmp(&b.host));
        let mut tx = self.store().begin().await?;
        for check in &checks {
            tx.record_live_check(check).await?;
        }
        tx.commit().await?;
        self.hub().tell_topic(Topic::Host, None);
        Ok(checks)
    }

    async fn inspect(
        &self,
        configuration: &Configuration,
        host: &HostName,
        layout: &Layout,
    ) -> Result<Inspection, EngineError> {
        let target = self.target(configuration, host).await?;
        let connected = Host::connect(self.connector(), &target, &CancellationToken::new()).await?;
        let found = connected.inspect(layout).await.map_err(|error: ExecError| error.into());
        connected.close().await;
        found
    }
}

/// What an answer means. Files that differ are drift only where no hook of the release could have changed them.
fn judge(
    found: Result<Inspection, EngineError>,
    expected: Option<&ReleaseName>,
    config: &ReleaseConfig,
) -> (&'static str, Option<ReleaseName>, LiveDetail) {
    let found = match found {
        Ok(found) => found,
        Err(error) => {
            return (UNREACHABLE, None, LiveDetail { sentence: error.to_string(), ..LiveDetail::default() });
        }
    };
    let hooks_write =
        [&config.hooks.before_release, &config.hooks.after_release].into_iter().any(|script| !script.trim().is_empty());
    let altered = found.altered.unwrap_or(0);
    let (verdict, sentence) = match (&found.live, &found.foreign, expected) {
        (_, Some(foreign), _) => (DRIFT, format!("the deploy path leads to {foreign}, which is no release of davit's")),
        (Some(live), None, Some(expected)) if live != expected => {
            (DRIFT, format!("it serves {live}, and davit put {expected} there"))
        }
        (None, None, Some(expected)) => (DRIFT, format!("it serves nothing, and davit put {expected} there")),
        (Some(live), None, None) => (DRIFT, format!("it serves {live}, and davit does not know of it")),
        (None, None, None) => (OK, "nothing has been released to it yet".to_owned()),
        (Some(_), None, Some(_)) if altered > 0 && !hooks_write => {
            (DRIFT, format!("{altered} files of the live release are not as they were sent"))
        }
        (Some(_), None, Some(_)) if altered > 0 => {
            (OK, format!("{altered} files have changed since they were sent; hooks may have done that"))
        }
        (Some(_), None, Some(_)) => (OK, String::new()),
    };
    let files = found.altered_paths.iter().map(|path| String::from_utf8_lossy(path).into_owned()).collect();
    (verdict, found.live, LiveDetail { sentence, foreign: found.foreign, altered, files })
}
