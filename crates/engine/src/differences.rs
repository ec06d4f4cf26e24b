//! What a release would change: the commits and files between what is live and what is asked for, and the release config.
//!
//! What can't be compared is no error: a first release, an uploaded build, a commit that the repository has lost. Then a
//! sentence says so in the place of the lists.

use crate::repositories::nobody_listens;
use crate::{Engine, EngineError};
use davit_domain::config::App;
use davit_domain::ids::{AppKey, CommitSha, DeploymentId, EnvironmentKey, ReleaseName};
use davit_exec::git::{ChangedFile, CommitLine, Cut, Distance, Mirror, Patch};
use davit_store::builds::BuildSource;
use davit_store::deployments::{Deployment, DeploymentFilter};
use davit_store::requests::Request;
use tokio_util::sync::CancellationToken;

/// Commits in an answer.
const MOST_COMMITS: usize = 200;
/// Files in an answer.
const MOST_FILES: usize = 1_000;
/// Bytes of the patch of one file.
const LARGEST_PATCH: usize = 256 * 1024;

/// What there is before the release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    /// Its commit.
    pub commit: CommitSha,
    /// The release that is served.
    pub release: ReleaseName,
    /// The deployment that made it so.
    pub deployment: DeploymentId,
    /// The number of the release config's revision.
    pub revision: i64,
}

/// What a release would change.
#[derive(Debug, Clone)]
pub struct Differences {
    /// What there is before; `None`: nothing.
    pub base: Option<Base>,
    /// What is asked for.
    pub head: CommitSha,
    /// How far they are from each other.
    pub distance: Option<Distance>,
    /// What the release would bring.
    pub commits: Cut<CommitLine>,
    /// What would be another on the hosts.
    pub files: Cut<ChangedFile>,
    /// Why there are no commits and files.
    pub note: Option<String>,
    /// The number of the revision to come.
    pub revision: i64,
    /// A unified diff of the release config.
    pub config: String,
}

/// What is compared with what there is.
struct Subject<'a> {
    app: &'a AppKey,
    environment: &'a EnvironmentKey,
    commit: &'a CommitSha,
    build: Option<&'a str>,
    base: Option<Base>,
}

impl Engine {
    /// What a request would change; of one that went out: what it did change.
    ///
    /// # Errors
    /// When the store or the disk does not answer.
    pub async fn request_differences(&self, request: &Request) -> Result<Differences, EngineError> {
        let subject = self.subject(request).await?;
        let (revision, _) = self.store().revision(request.revision).await?;
        self.differences(subject, revision.number).await
    }

    /// What a release of this commit would change now.
    ///
    /// # Errors
    /// `NotFound` when the app is not released there; else as [`request_differences`](Self::request_differences).
    pub async fn commit_differences(
        &self,
        app: &AppKey,
        environment: &EnvironmentKey,
        commit: &CommitSha,
    ) -> Result<Differences, EngineError> {
        let found = self.store().release_config(app, environment).await?;
        let (revision, _) =
            found.ok_or_else(|| EngineError::NotFound(format!("{app} has no release config for {environment}")))?;
        let base = self.base(app, environment, None).await?;
        self.differences(Subject { app, environment, commit, build: None, base }, revision.number).await
    }

    /// What a request would change in one file, by its path in the list.
    ///
    /// # Errors
    /// `NotFound` when it would change nothing there.
    pub async fn request_patch(&self, request: &Request, path: &str) -> Result<Patch, EngineError> {
        self.patch(self.subject(request).await?, path).await
    }

    /// What a release of this commit would change in one file now.
    ///
    /// # Errors
    /// As [`request_patch`](Self::request_patch).
    pub async fn commit_patch(
        &self,
        app: &AppKey,
        environment: &EnvironmentKey,
        commit: &CommitSha,
        path: &str,
    ) -> Result<Patch, EngineError> {
        let base = self.base(app, environment, None).await?;
        self.patch(Subject { app, environment, commit, build: None, base }, path).await
    }

    async fn subject<'r>(&self, request: &'r Request) -> Result<Subject<'r>, EngineError> {
        let own = self.store().deployment_of_request(request.id).await?;
        let base = self.base(&request.app, &request.environment, own.as_ref()).await?;
        let Request { app, environment, commit, build, .. } = request;
        Ok(Subject { app, environment, commit, build: build.as_deref(), base })
    }

    /// What is live; of what was deployed already: what was live before it.
    async fn base(
        &self,
        app: &AppKey,
        environment: &EnvironmentKey,
        own: Option<&Deployment>,
    ) -> Result<Option<Base>, EngineError> {
        let store = self.store();
        let deployment = match own {
            Some(own) => {
                let filter = DeploymentFilter {
                    app: Some(app.clone()),
                    environment: Some(environment.clone()),
                    states: vec!["succeeded".into()],
                    ..DeploymentFilter::default()
                };
                // Attempts of the same request are no state before it.
                let before = store.deployments(&filter, Some(own.id), 20).await?;
                before.into_iter().find(|earlier| earlier.request != own.request)
            }
            None => match store.live(app, environment).await?.into_iter().max_by_key(|live| live.at) {
                Some(live) => store.deployment(live.deployment).await?,
                None => None,
            },
        };
        let Some(deployment) = deployment else { return Ok(None) };
        let Some(request) = store.request(deployment.request).await? else { return Ok(None) };
        let (revision, _) = store.revision(request.revision).await?;
        Ok(Some(Base {
            commit: deployment.commit,
            release: deployment.release,
            deployment: deployment.id,
            revision: revision.number,
        }))
    }

    async fn differences(&self, subject: Subject<'_>, revision: i64) -> Result<Differences, EngineError> {
        let from = subject.base.as_ref().map_or(0, |base| base.revision);
        let config = self.release_config_diff(subject.app, subject.environment, from, revision).await?;
        let mut all = Differences {
            base: subject.base.clone(),
            head: subject.commit.clone(),
            distance: None,
            commits: Cut { items: Vec::new(), truncated: false },
            files: Cut { items: Vec::new(), truncated: false },
            note: None,
            revision,
            config,
        };
        match self.comparable(&subject).await? {
            Ok((mirror, base)) => {
                all.distance = Some(mirror.distance(&base, subject.commit).await?);
                all.commits = mirror.commits_between(&base, subject.commit, MOST_COMMITS).await?;
                all.files = mirror.changed_files(&base, subject.commit, MOST_FILES).await?;
            }
            Err(note) => all.note = Some(note),
        }
        Ok(all)
    }

    async fn patch(&self, subject: Subject<'_>, path: &str) -> Result<Patch, EngineError> {
        let (mirror, base) = self.comparable(&subject).await?.map_err(EngineError::NotFound)?;
        let patch = mirror.patch(&base, subject.commit, path, LARGEST_PATCH).await?;
        patch.ok_or_else(|| EngineError::NotFound(format!("nothing changes in {path}")))
    }

    /// The mirror and the commit to compare with, or the sentence why there is nothing to compare.
    async fn comparable(&self, subject: &Subject<'_>) -> Result<Result<(Mirror, CommitSha), String>, EngineError> {
        let Some(base) = &subject.base else {
            return Ok(Err(format!("nothing of {} is live in {} yet", subject.app, subject.environment)));
        };
        if let Some(digest) = subject.build {
            let build = self.store().build_by_digest(subject.app, digest).await?;
            if build.is_some_and(|build| build.source == BuildSource::Upload) {
                return Ok(Err("an uploaded build comes from no commit that could be compared".into()));
            }
        }
        let Some(app) = self.store().app(subject.app).await? else {
            return Ok(Err(format!("there is no app named {} any more", subject.app)));
        };
        self.with_both(&app, base, subject.commit).await
    }

    async fn with_both(
        &self,
        app: &App,
        base: &Base,
        head: &CommitSha,
    ) -> Result<Result<(Mirror, CommitSha), String>, EngineError> {
        let mirror = self.mirror(app).await?;
        for commit in [head, &base.commit] {
            if let Err(error) = mirror.ensure_commit(commit, &nobody_listens(), &CancellationToken::new()).await {
                return Ok(Err(error.to_string()));
            }
        }
        Ok(Ok((mirror, base.commit.clone())))
    }
}
