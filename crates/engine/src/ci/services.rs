//! What jobs get from the server: their commit out of the mirror, artefacts of their run, caches of their repository.

use super::advance::Loaded;
use super::{artifacts, caches};
use crate::repositories::nobody_listens;
use crate::{Engine, EngineError};
use davit_domain::config::RepositorySettings;
use davit_domain::event::GitRef;
use davit_domain::ids::{CommitSha, JobId};
use davit_exec::git::{Mirror, Obtain, Submodules, WorkingCopy};
use davit_exec::{ExecError, LineSink};
use davit_runner::{CheckoutRequest, NewArtifact, SavedArtifact, Selector, ServiceError, Services};
use davit_store::ci_runs::Run;
use std::path::{Path, PathBuf};
use tokio_util::sync::CancellationToken;

/// The services of one job.
pub(super) struct JobServices {
    engine: Engine,
    settings: RepositorySettings,
    run: Run,
    job: JobId,
    fence: i64,
    cancel: CancellationToken,
}

impl JobServices {
    pub(super) fn new(engine: &Engine, loaded: &Loaded, (job, fence): (JobId, i64), cancel: CancellationToken) -> Self {
        let (settings, run) = (loaded.settings.clone(), loaded.run.clone());
        Self { engine: engine.clone(), settings, run, job, fence, cancel }
    }

    /// The commit that a job means, and the branch or tag that it is known as.
    async fn meant(
        &self,
        mirror: &Mirror,
        reference: Option<&str>,
    ) -> Result<(CommitSha, Option<GitRef>), ServiceError> {
        let own = self.run.git_ref.as_deref();
        let Some(reference) = reference.filter(|reference| Some(*reference) != own && !reference.is_empty()) else {
            let git_ref = own.and_then(GitRef::parse);
            if !mirror.objects().map_err(refusal)?.has(&self.run.head).await.map_err(refusal)? {
                let obtain = Obtain { commit: &self.run.head, branches: &[], change_ref: None };
                mirror.obtain(obtain, &nobody_listens(), &self.cancel).await.map_err(refusal)?;
            }
            return Ok((self.run.head.clone(), git_ref));
        };
        mirror.fetch(&nobody_listens(), &self.cancel).await.map_err(refusal)?;
        // Any commit of the mirror will do, also one of a fork: to run what it holds is what the workflow's author
        // wrote, and which workflow file counts is decided before.
        let resolved = mirror.resolve(reference).await.map_err(refusal)?;
        let git_ref = resolved.branch.map(GitRef::Branch).or(resolved.tag.map(GitRef::Tag));
        Ok((resolved.commit, git_ref))
    }
}

impl Services for JobServices {
    async fn checkout(
        &self,
        request: &CheckoutRequest,
        into: &Path,
        sink: &LineSink,
    ) -> Result<CommitSha, ServiceError> {
        let mirror = self.engine.repository_mirror(&self.settings).await.map_err(failure)?;
        let (commit, git_ref) = self.meant(&mirror, request.reference.as_deref()).await?;
        // It makes the directory itself.
        match tokio::fs::remove_dir(into).await {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(ServiceError::Failed(format!("preparing {}: {error}", into.display())));
            }
            Ok(()) | Err(_) => {}
        }
        let wanted = WorkingCopy {
            commit: &commit,
            git_ref: git_ref.as_ref(),
            depth: (request.depth > 0).then_some(request.depth),
            tags: request.tags,
            submodules: match request.submodules {
                davit_runner::Submodules::None => Submodules::None,
                davit_runner::Submodules::Own => Submodules::Direct,
                davit_runner::Submodules::Recursive => Submodules::Recursive,
            },
            large_files: request.lfs,
        };
        mirror.working_copy(&wanted, into, sink, &self.cancel).await.map_err(refusal)?;
        Ok(commit)
    }

    async fn save_artifact(&self, artifact: &NewArtifact, file: &Path) -> Result<SavedArtifact, ServiceError> {
        artifacts::save(&self.engine, &self.settings, (self.job, self.fence), artifact, file).await
    }

    async fn load_artifacts(&self, which: &Selector) -> Result<Vec<(String, PathBuf)>, ServiceError> {
        artifacts::load(&self.engine, self.run.id, which).await
    }

    async fn restore_cache(
        &self,
        key: &str,
        restore_keys: &[String],
        version: &str,
    ) -> Result<Option<(String, PathBuf)>, ServiceError> {
        caches::restore(&self.engine, &self.settings, &self.run, key, restore_keys, version).await
    }

    async fn save_cache(&self, key: &str, version: &str, file: &Path) -> Result<bool, ServiceError> {
        caches::save(&self.engine, &self.settings, &self.run, key, version, file).await
    }
}

/// What went wrong between davit and git.
fn refusal(error: ExecError) -> ServiceError {
    match error {
        ExecError::Refused(_) | ExecError::Git(_) => ServiceError::Refused(error.to_string()),
        ExecError::Unreachable { .. }
        | ExecError::Denied { .. }
        | ExecError::HostKeyUnknown { .. }
        | ExecError::HostKeyChanged { .. }
        | ExecError::ConnectionLost { .. }
        | ExecError::Cancelled { .. }
        | ExecError::TimedOut { .. }
        | ExecError::Io { .. } => ServiceError::Failed(error.to_string()),
    }
}

fn failure(error: EngineError) -> ServiceError {
    ServiceError::Failed(error.to_string())
}
