//! Artefacts of runs: `.tar.gz` files that jobs leave for later jobs of their run and for people.

use super::kept::{Keeper, Kept, Purpose};
use crate::{Engine, EngineError};
use davit_domain::config::RepositorySettings;
use davit_domain::ids::{ArtifactId, JobId, RunId};
use davit_runner::{NewArtifact, SavedArtifact, Selector, ServiceError};
use davit_store::StoreError;
use davit_store::ci_artifacts::{self as rows, Artifact};
use globset::{GlobBuilder, GlobMatcher};
use std::path::{Path, PathBuf};
use std::time::Duration;

const DAY: u64 = 24 * 3600;

impl Engine {
    /// An artefact, and its file for somebody who opens it now.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number (any more).
    pub async fn open_artifact(&self, id: ArtifactId) -> Result<(Artifact, PathBuf), EngineError> {
        let missing = || EngineError::NotFound(format!("there is no artefact {id}, or its time is over"));
        let artifact = self.store().artifact(id).await?.filter(|artifact| artifact.expires_at > self.now());
        let artifact = artifact.ok_or_else(missing)?;
        let file = Keeper::of(self).hand_out(&artifact.path, &artifact.sha256).await?;
        file.map(|file| (artifact, file)).ok_or_else(missing)
    }
}

/// Keeps a file as an artefact of the run of a taken job, which is named with its fence.
pub(super) async fn save(
    engine: &Engine,
    settings: &RepositorySettings,
    job: (JobId, i64),
    artifact: &NewArtifact,
    file: &Path,
) -> Result<SavedArtifact, ServiceError> {
    let days = artifact.keep_days.filter(|days| *days > 0).unwrap_or(settings.keep_artifacts_days);
    let saved = Keeper::of(engine).save_artifact(job, artifact, days, file).await?;
    let url = format!("{}/api/v1/artifacts/{}", engine.settings().public_url, saved.0);
    Ok(SavedArtifact { id: saved.0.to_string(), url: Some(url), digest: saved.1.sha256 })
}

/// The artefacts of a run that are asked for, by name.
pub(super) async fn load(
    engine: &Engine,
    run: RunId,
    which: &Selector,
) -> Result<Vec<(String, PathBuf)>, ServiceError> {
    Keeper::of(engine).load_artifacts(run, which).await
}

impl Keeper {
    pub(super) async fn save_artifact(
        &self,
        (job, fence): (JobId, i64),
        artifact: &NewArtifact,
        days: u32,
        file: &Path,
    ) -> Result<(ArtifactId, Kept), ServiceError> {
        let kept = self.take_in(Purpose::Artifacts, file).await.map_err(failed)?;
        let now = self.clock.now();
        let row = rows::NewArtifact {
            job,
            name: artifact.name.clone(),
            size: kept.size,
            sha256: kept.sha256.clone(),
            path: kept.path.clone(),
            created_at: now,
            expires_at: now.plus(Duration::from_secs(u64::from(days) * DAY)),
            overwrite: artifact.overwrite,
        };
        let written = async {
            let mut tx = self.store.begin().await?;
            let written = tx.insert_artifact(fence, &row).await?;
            tx.commit().await?;
            Ok(written)
        };
        match written.await {
            Ok((id, replaced)) => {
                self.discard(replaced.into_iter().collect()).await;
                Ok((id, kept))
            }
            Err(StoreError::Conflict(sentence)) => {
                self.throw_away(&kept).await;
                Err(ServiceError::Refused(sentence))
            }
            // The commit may have worked without our knowing: the file stays, and the sweep decides by the rows.
            Err(error) => Err(failed(error.into())),
        }
    }

    pub(super) async fn load_artifacts(
        &self,
        run: RunId,
        which: &Selector,
    ) -> Result<Vec<(String, PathBuf)>, ServiceError> {
        let wanted = Wanted::read(which)?;
        let now = self.clock.now();
        let artifacts = self.store.artifacts(run).await.map_err(|error| failed(error.into()))?;
        let mut found = Vec::new();
        for artifact in artifacts.into_iter().filter(|artifact| artifact.expires_at > now && wanted.has(&artifact.name))
        {
            match self.hand_out(&artifact.path, &artifact.sha256).await.map_err(failed)? {
                Some(file) => found.push((artifact.name, file)),
                None => {
                    let said =
                        format!("the file of the artefact {:?} is missing or damaged on the server", artifact.name);
                    return Err(ServiceError::Failed(said));
                }
            }
        }
        Ok(found)
    }
}

/// A [`Selector`] that can be asked.
enum Wanted<'s> {
    Name(&'s str),
    Pattern(GlobMatcher),
    All,
}

impl<'s> Wanted<'s> {
    fn read(which: &'s Selector) -> Result<Self, ServiceError> {
        Ok(match which {
            Selector::Name(name) => Self::Name(name),
            Selector::Pattern(pattern) => {
                let glob = GlobBuilder::new(pattern).literal_separator(true).build();
                let refused = |error| ServiceError::Refused(format!("the pattern of artefacts can't be read: {error}"));
                Self::Pattern(glob.map_err(refused)?.compile_matcher())
            }
            Selector::All => Self::All,
        })
    }

    fn has(&self, name: &str) -> bool {
        match self {
            Self::Name(wanted) => *wanted == name,
            Self::Pattern(pattern) => pattern.is_match(name),
            Self::All => true,
        }
    }
}

fn failed(error: EngineError) -> ServiceError {
    ServiceError::Failed(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::kept::tests::{Place, artifact, read};
    use super::*;

    async fn names(place: &Place, run: RunId, which: Selector) -> Vec<String> {
        let found = place.keeper.load_artifacts(run, &which).await.expect("reads");
        found.into_iter().map(|(name, _)| name).collect()
    }

    fn refusal<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> String {
        match result {
            Err(ServiceError::Refused(sentence)) => sentence,
            other => panic!("not refused: {other:?}"),
        }
    }

    #[tokio::test]
    async fn artefacts_are_found_by_name_and_pattern_within_their_run() {
        let place = Place::new().await;
        let (run, other) = (place.run("refs/heads/main").await.id, place.run("refs/heads/main").await.id);
        let (job, far) = (place.job(run, "build").await, place.job(other, "build").await);
        for name in ["site", "docs-en", "docs-zh"] {
            place.keeper.save_artifact(job, &artifact(name), 1, &place.file(name)).await.expect("is kept");
        }
        place.keeper.save_artifact(far, &artifact("site"), 1, &place.file("far")).await.expect("is kept");
        assert_eq!(names(&place, run, Selector::All).await, ["docs-en", "docs-zh", "site"]);
        assert_eq!(names(&place, run, Selector::Pattern("docs-*".into())).await, ["docs-en", "docs-zh"]);
        assert_eq!(names(&place, run, Selector::Name("docs-*".into())).await, [""; 0]);
        let wrong = place.keeper.load_artifacts(run, &Selector::Pattern("[".into())).await;
        assert!(refusal(wrong).starts_with("the pattern of artefacts can't be read"));
        let found = place.keeper.load_artifacts(other, &Selector::Name("site".into())).await.expect("reads");
        assert_eq!(read(&found[0].1), "far");
    }

    #[tokio::test]
    async fn a_name_is_kept_once_unless_it_is_to_be_overwritten() {
        let place = Place::new().await;
        let run = place.run("refs/heads/main").await.id;
        let job = place.job(run, "build").await;
        place.keeper.save_artifact(job, &artifact("site"), 1, &place.file("old")).await.expect("is kept");
        let twice = place.keeper.save_artifact(job, &artifact("site"), 1, &place.file("new")).await;
        assert!(refusal(twice).contains("overwrite: true"));
        assert_eq!(place.kept(Purpose::Artifacts).len(), 1, "what was refused is gone at once");
        let over = NewArtifact { overwrite: true, ..artifact("site") };
        place.keeper.save_artifact(job, &over, 1, &place.file("new")).await.expect("is kept");
        let found = place.keeper.load_artifacts(run, &Selector::All).await.expect("reads");
        assert_eq!((found.len(), read(&found[0].1).as_str()), (1, "new"));
    }

    #[tokio::test]
    async fn a_worker_that_lost_its_job_leaves_nothing() {
        let place = Place::new().await;
        let run = place.run("refs/heads/main").await.id;
        let (job, fence) = place.job(run, "build").await;
        let lost = place.keeper.save_artifact((job, fence + 1), &artifact("site"), 1, &place.file("x")).await;
        assert!(refusal(lost).contains("was taken away"));
        assert!(place.kept(Purpose::Artifacts).is_empty());
        assert!(names(&place, run, Selector::All).await.is_empty());
    }

    #[tokio::test]
    async fn what_is_over_or_damaged_is_not_handed_out() {
        let place = Place::new().await;
        let run = place.run("refs/heads/main").await.id;
        let job = place.job(run, "build").await;
        let saved = place.keeper.save_artifact(job, &artifact("short"), 1, &place.file("x")).await.expect("is kept");
        place.keeper.save_artifact(job, &artifact("long"), 2, &place.file("y")).await.expect("is kept");
        place.pass(Duration::from_secs(DAY));
        assert_eq!(names(&place, run, Selector::All).await, ["long"]);
        assert_eq!(place.keeper.store.artifact(saved.0).await.expect("reads").expect("is there").name, "short");
        for file in place.kept(Purpose::Artifacts) {
            std::fs::write(file, "other").expect("writes");
        }
        match place.keeper.load_artifacts(run, &Selector::All).await {
            Err(ServiceError::Failed(sentence)) => assert!(sentence.contains("\"long\" is missing or damaged")),
            other => panic!("{other:?}"),
        }
    }
}
