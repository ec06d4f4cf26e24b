//! Git mirrors of the apps' repositories: one bare mirror an app below `mirrors/`.

use crate::{Engine, EngineError};
use davit_domain::config::{App, Repository};
use davit_exec::LineSink;
use davit_exec::git::{Credential, Mirror, Remote, Resolved};
use tokio_util::sync::CancellationToken;

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
        mirror.fetch(&nobody_listens(), &CancellationToken::new()).await?;
        Ok(mirror.resolve(reference.unwrap_or("HEAD")).await?)
    }

    /// Where an app's source is fetched from, and with what credential.
    async fn remote(&self, app: &App) -> Result<Remote, EngineError> {
        match &app.repository {
            Repository::Url { url } => Ok(Remote { url: url.clone(), credential: None }),
            Repository::Forge { forge, name } => {
                let client = self.forge_client(forge).await?;
                let credential = match self.forge_token(forge).await? {
                    Some(secret) => Some(Credential::Token { username: client.git_username().to_owned(), secret }),
                    None => None,
                };
                Ok(Remote { url: client.clone_url(name), credential })
            }
        }
    }
}

/// A sink for output that nobody reads.
pub(crate) fn nobody_listens() -> LineSink {
    tokio::sync::mpsc::channel(1).0
}
