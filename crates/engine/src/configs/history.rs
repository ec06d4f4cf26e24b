//! Revisions of a release config: what each said, what differs, and going back to one.

use super::{known_app, known_environment};
use crate::hub::Topic;
use crate::{Engine, EngineError};
use davit_domain::config::{App, Configuration, ReleaseConfig, export};
use davit_domain::ids::{AppKey, EnvironmentKey};
use davit_store::configuration::Revision;
use similar::TextDiff;

/// Lines around a change that a diff shows.
const CONTEXT: usize = 3;

/// A revision and what it said.
#[derive(Debug, Clone)]
pub struct RevisionText {
    /// Which one.
    pub revision: Revision,
    /// What it said.
    pub config: ReleaseConfig,
    /// The same as a part of a `davit.toml`.
    pub toml: String,
}

impl Engine {
    /// A revision by its number.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn release_config_revision(
        &self,
        app: &AppKey,
        environment: &EnvironmentKey,
        number: i64,
    ) -> Result<RevisionText, EngineError> {
        let revisions = self.store().revisions(app, environment).await?;
        let found = revisions.into_iter().find(|revision| revision.number == number).ok_or_else(|| {
            EngineError::NotFound(format!("the release config of {app} for {environment} has no revision {number}"))
        })?;
        let (revision, config) = self.store().revision(found.id).await?;
        let toml = as_toml(&config);
        Ok(RevisionText { revision, config, toml })
    }

    /// What differs between two revisions, as a unified diff of their text; empty when nothing does. Number 0 is an
    /// empty text.
    ///
    /// # Errors
    /// `NotFound` when there is no such revision.
    pub async fn release_config_diff(
        &self,
        app: &AppKey,
        environment: &EnvironmentKey,
        from: i64,
        to: i64,
    ) -> Result<String, EngineError> {
        let mut texts = Vec::new();
        for number in [from, to] {
            texts.push(match number {
                0 => String::new(),
                number => self.release_config_revision(app, environment, number).await?.toml,
            });
        }
        let diff = TextDiff::from_lines(&texts[0], &texts[1]);
        let (from, to) = (format!("revision {from}"), format!("revision {to}"));
        Ok(diff.unified_diff().context_radius(CONTEXT).header(&from, &to).to_string())
    }

    /// Puts what an earlier revision said into force, as the next one. It must still be right: hosts that it names may
    /// be gone.
    ///
    /// # Errors
    /// `NotFound` when there is no such revision, `Invalid` when it does not fit any more.
    pub async fn restore_release_config(
        &self,
        app: &AppKey,
        environment: &EnvironmentKey,
        number: i64,
        by: &str,
    ) -> Result<(Revision, ReleaseConfig), EngineError> {
        let wanted = self.release_config_revision(app, environment, number).await?.config;
        let mut tx = self.store().begin().await?;
        let current = tx.configuration().await?;
        known_environment(&current, environment)?;
        known_app(&current, app)?;
        let saved = self.put_release(&mut tx, &current, app, wanted, by, "config_restored").await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::Config, None);
        Ok(saved)
    }
}

/// The `[[app.release]]` section alone.
fn as_toml(config: &ReleaseConfig) -> String {
    let Ok(key) = "app".parse::<AppKey>() else { return String::new() };
    let repository = davit_domain::config::Repository::Url { url: String::new() };
    let app = App { name: key.to_string(), key, repository, releases: vec![config.clone()] };
    let text = export(&Configuration { apps: vec![app], ..Configuration::default() });
    text.find("[[app.release]]").map(|at| text[at..].to_owned()).unwrap_or_default()
}
