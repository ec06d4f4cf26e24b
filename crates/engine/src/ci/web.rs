//! Where a repository is to be seen, as jobs are told it.

use crate::{Engine, EngineError};
use davit_domain::config::RepositorySettings;
use davit_domain::ids::CommitSha;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// A repository on the web, as it was when a run was made.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Web {
    /// `owner/name`, as it is declared.
    pub(super) name: String,
    /// The forge's front page, without a slash at the end; empty where that is not known.
    pub(super) server: String,
    /// The forge's API; may be empty.
    pub(super) api: String,
    clone_url: String,
}

impl Web {
    /// Of a declared repository.
    ///
    /// # Errors
    /// When its forge is not configured.
    pub(super) async fn of(engine: &Engine, settings: &RepositorySettings) -> Result<Self, EngineError> {
        let forge = engine.configured_forge(&settings.forge).await?;
        let clone_url = engine.forge_client(&settings.forge).await?.clone_url(&settings.name);
        let server = clone_url.as_deref().and_then(|url| url.strip_suffix(".git")?.strip_suffix(&settings.name));
        Ok(Self {
            name: settings.name.clone(),
            server: server.unwrap_or_default().trim_end_matches('/').to_owned(),
            api: forge.api_url.trim_end_matches('/').to_owned(),
            clone_url: clone_url.or_else(|| settings.url.clone()).unwrap_or_default(),
        })
    }

    /// The part before the last slash.
    pub(super) fn owner(&self) -> &str {
        self.name.rsplit_once('/').map_or("", |(owner, _)| owner)
    }

    /// Where people see a commit.
    pub(super) fn commit_url(&self, commit: &CommitSha) -> String {
        format!("{}/{}/commit/{commit}", self.server, self.name)
    }

    /// `github.event.repository`.
    pub(super) fn repository(&self) -> Value {
        let short = self.name.rsplit('/').next().unwrap_or_default();
        json!({
            "name": short,
            "full_name": self.name,
            "owner": { "login": self.owner(), "name": self.owner() },
            "html_url": format!("{}/{}", self.server, self.name),
            "clone_url": self.clone_url,
        })
    }
}
