//! Forgets runs, artefacts and caches that are long over, and removes files that nobody names.

use super::kept::{Keeper, Purpose};
use crate::{Engine, EngineError};
use davit_domain::config::{Configuration, RepositorySettings};
use davit_domain::time::Timestamp;
use std::time::Duration;

const DAY: i64 = 24 * 3600 * 1000;
/// Between two looks.
const EVERY: Duration = Duration::from_secs(600);
/// Rows a transaction: others get their turn in between.
const AT_ONCE: i64 = 50;

/// Looks every ten minutes until the process drains; for the first time soon after the start, which clears up what a
/// crash left.
pub(crate) async fn run(engine: Engine) {
    let drain = engine.lifecycle().drain_token();
    loop {
        let look = async {
            let configuration = engine.store().configuration().await?;
            Keeper::of(&engine).forget(&configuration).await
        };
        match look.await {
            Ok(gone) if gone == Gone::default() => {}
            Ok(Gone { runs, artifacts, caches, files }) => {
                tracing::info!(runs, artifacts, caches, files, "forgot what workflows left long ago");
            }
            Err(error) => tracing::warn!(%error, "what workflows left long ago can't be forgotten now"),
        }
        if drain.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_none() {
            return;
        }
    }
}

/// How much was forgotten.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Gone {
    runs: u64,
    /// Whose time was over.
    artifacts: usize,
    caches: usize,
    /// That no row named.
    files: usize,
}

impl Keeper {
    async fn forget(&self, configuration: &Configuration) -> Result<Gone, EngineError> {
        let gone = Gone {
            runs: self.forget_runs(configuration).await?,
            artifacts: self.forget_artifacts().await?,
            caches: self.forget_caches(configuration).await?,
            files: 0,
        };
        let mut files = 0;
        for purpose in Purpose::ALL {
            files += self.sweep(purpose).await?;
        }
        Ok(Gone { files, ..gone })
    }

    /// A repository that is not declared any more keeps its runs for the usual time.
    async fn forget_runs(&self, configuration: &Configuration) -> Result<u64, EngineError> {
        let mut runs = 0;
        for (forge, repository) in self.store.run_repositories().await? {
            let settings = configuration.repository(&forge, &repository);
            let days = settings.map_or(RepositorySettings::DEFAULT_KEEP_RUNS_DAYS, |settings| settings.keep_runs_days);
            let before = Timestamp::from_millis(self.clock.now().millis() - i64::from(days) * DAY);
            loop {
                let gone = self.store.forget_runs_before(&forge, &repository, before, AT_ONCE).await?;
                self.discard(gone.paths).await;
                if gone.runs == 0 {
                    break;
                }
                runs += gone.runs;
            }
        }
        Ok(runs)
    }

    async fn forget_artifacts(&self) -> Result<usize, EngineError> {
        let mut artifacts = 0;
        loop {
            let paths = self.store.forget_expired_artifacts(self.clock.now(), AT_ONCE).await?;
            if paths.is_empty() {
                return Ok(artifacts);
            }
            artifacts += paths.len();
            self.discard(paths).await;
        }
    }

    /// A repository that is not declared any more keeps none.
    async fn forget_caches(&self, configuration: &Configuration) -> Result<usize, EngineError> {
        let mut caches = 0;
        for (forge, repository) in self.store.cached_repositories().await? {
            let most = configuration.repository(&forge, &repository).map_or(0, |settings| settings.cache_size);
            caches += self.shrink_caches(&forge, &repository, most).await?;
        }
        Ok(caches)
    }
}

#[cfg(test)]
mod tests {
    use super::super::kept::IN_USE;
    use super::super::kept::tests::{Place, artifact, hub};
    use super::*;
    use davit_domain::ci::RunState;
    use davit_domain::ids::RunId;
    use davit_runner::Selector;

    const A_DAY: Duration = Duration::from_secs(24 * 3600);

    fn declared() -> Configuration {
        let shop =
            RepositorySettings { keep_runs_days: 10, cache_size: 5, ..RepositorySettings::new(hub(), "Acme/Shop") };
        Configuration { repositories: vec![shop], ..Configuration::default() }
    }

    async fn ended_run(place: &Place) -> RunId {
        let run = place.run("refs/heads/main").await.id;
        let job = place.job(run, "build").await;
        place.keeper.save_artifact(job, &artifact("long"), 100, &place.file("long")).await.expect("is kept");
        place.keeper.save_artifact(job, &artifact("short"), 5, &place.file("short")).await.expect("is kept");
        let mut tx = place.keeper.store.begin().await.expect("begins");
        tx.set_run_state(run, RunState::Success, None, place.keeper.clock.now()).await.expect("writes");
        tx.commit().await.expect("commits");
        run
    }

    #[tokio::test]
    async fn runs_artefacts_and_caches_go_when_their_time_is_over() {
        let place = Place::new().await;
        let old = ended_run(&place).await;
        let run = place.keeper.store.run(old).await.expect("reads").expect("is there");
        place.keeper.save_cache(5, &run, "deps", "v1", &place.file("12345")).await.expect("is kept");
        let forget = |configuration: Configuration| {
            let keeper = place.keeper.clone();
            async move { keeper.forget(&configuration).await.expect("forgets") }
        };
        assert_eq!(forget(declared()).await, Gone::default());
        place.pass(A_DAY * 5);
        assert_eq!(forget(declared()).await, Gone { artifacts: 1, ..Gone::default() });
        let young = ended_run(&place).await;
        place.pass(A_DAY * 5 + IN_USE);
        assert_eq!(forget(declared()).await, Gone { runs: 1, artifacts: 1, ..Gone::default() });
        assert!(place.keeper.store.run(old).await.expect("reads").is_none());
        let left = place.keeper.load_artifacts(young, &Selector::All).await.expect("reads");
        assert_eq!(left.len(), 1);
        assert_eq!(place.kept(Purpose::Artifacts), [left[0].1.clone()]);
        assert_eq!(place.kept(Purpose::Caches).len(), 1);
        let nothing = Configuration::default();
        assert_eq!(forget(nothing.clone()).await, Gone { caches: 1, ..Gone::default() });
        assert!(place.kept(Purpose::Caches).is_empty());
        place.pass(A_DAY * 90);
        assert_eq!(forget(nothing).await, Gone { runs: 1, ..Gone::default() });
        assert!(place.kept(Purpose::Artifacts).is_empty());
    }
}
