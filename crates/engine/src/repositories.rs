//! Git mirrors of the apps' repositories: one bare mirror an app below `mirrors/`.

use crate::{Engine, EngineError};
use davit_domain::config::{App, Repository};
pub use davit_exec::git::NamedRef;
use davit_exec::git::{Credential, Mirror, Remote, Resolved};
use davit_exec::{ExecError, LineSink};
use tokio_util::sync::CancellationToken;

/// A list for people: nobody reads further.
const MOST_REFS: usize = 500;

impl Engine {
    /// The mirror of an app's repository, made when it is missing. Two on one directory take turns.
    ///
    /// # Errors
    /// When the forge's credential is missing or the disk refuses.
    pub async fn mirror(&self, app: &App) -> Result<Mirror, EngineError> {
        let dir = self.data_dir().join("mirrors").join(app.key.as_str());
        Ok(Mirror::open(&dir, self.remote(app).await?).await?)
    }

    /// What a branch, tag or SHA means right now, after asking the remote. Nothing: the default branch.
    ///
    /// # Errors
    /// When the remote can't be reached or the name means nothing there.
    pub async fn resolve(&self, app: &App, reference: Option<&str>) -> Result<Resolved, EngineError> {
        let mirror = self.mirror(app).await?;
        let cancel = CancellationToken::new();
        mirror.fetch(&nobody_listens(), &cancel).await?;
        if let Some(reference) = reference {
            return mirror.resolve(reference).await.map_err(no_such_ref);
        }
        let default = mirror.default_branch(&nobody_listens(), &cancel).await?.ok_or_else(|| {
            EngineError::Invalid(format!(
                "the repository of {} has no default branch with a commit: name a ref",
                app.key
            ))
        })?;
        Ok(mirror.resolve(&format!("refs/heads/{default}")).await?)
    }

    /// Branches and tags, newest first, after asking the remote.
    ///
    /// # Errors
    /// When the remote can't be reached.
    pub async fn refs(&self, app: &App) -> Result<(Vec<NamedRef>, Vec<NamedRef>), EngineError> {
        let mirror = self.mirror(app).await?;
        mirror.fetch(&nobody_listens(), &CancellationToken::new()).await?;
        Ok((mirror.branches(MOST_REFS).await?, mirror.tags(MOST_REFS).await?))
    }

    /// Where an app's source is fetched from, and with what credential.
    async fn remote(&self, app: &App) -> Result<Remote, EngineError> {
        match &app.repository {
            Repository::Url { url } => Ok(Remote { url: url.clone(), credential: None }),
            Repository::Forge { forge, name } => {
                let client = self.forge_client(forge).await?;
                let username = client.git_username().to_owned();
                let credential = self.forge_token(forge).await?.map(|secret| Credential::Token { username, secret });
                Ok(Remote { url: client.clone_url(name), credential })
            }
        }
    }
}

/// The remote has answered: what is left to be wrong is the name.
fn no_such_ref(error: ExecError) -> EngineError {
    if let ExecError::Git(sentence) = error { EngineError::Invalid(sentence) } else { error.into() }
}

/// A sink for output that nobody reads.
pub(crate) fn nobody_listens() -> LineSink {
    tokio::sync::mpsc::channel(1).0
}
