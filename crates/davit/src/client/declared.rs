//! What `davit.toml` says, one thing at a time: read as a form, changed, written back.

use super::{Client, TIMEOUT};
use crate::failure::{Exit, Failure};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// What a table of `davit.toml` says, without the key that names it.
pub(crate) type Form = Map<String, Value>;

/// Something that is declared.
#[derive(Debug, Clone)]
pub(crate) enum Thing {
    /// `[[environment]]`
    Environment(String),
    /// `[[host]]`
    Host(String),
    /// `[[forge]]`
    Forge(String),
    /// `[[channel]]`
    Channel(String),
    /// `[[repository]]`
    Repository {
        /// The forge's id.
        forge: String,
        /// `owner/name`.
        name: String,
    },
    /// `[[app.release]]`
    Config {
        /// The app's key.
        app: String,
        /// The environment's key.
        environment: String,
    },
}

/// A form as it was seen.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Seen {
    pub(crate) form: Form,
    /// Of release configs.
    #[serde(default)]
    revision: Option<i64>,
    /// Stored secrets that nothing else names.
    #[serde(default)]
    pub(crate) own_secrets: Vec<String>,
}

impl Thing {
    /// What it is called in sentences.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Environment(key) => format!("environment {key}"),
            Self::Host(name) => format!("host {name}"),
            Self::Forge(id) => format!("forge {id}"),
            Self::Channel(id) => format!("channel {id}"),
            Self::Repository { forge, name } => format!("repository {name} at {forge}"),
            Self::Config { app, environment } => format!("release config of {app} for {environment}"),
        }
    }

    /// What a person types to name it.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Environment(name) | Self::Host(name) | Self::Forge(name) | Self::Channel(name) => name,
            Self::Repository { name, .. } => name,
            Self::Config { app, .. } => app,
        }
    }

    /// Where the others are listed.
    pub(crate) const fn see(&self) -> &'static str {
        match self {
            Self::Environment(_) => "davit environments list",
            Self::Host(_) => "davit hosts list",
            Self::Forge(_) => "davit forges list",
            Self::Channel(_) => "davit channels list",
            Self::Repository { .. } => "davit ci repositories",
            Self::Config { .. } => "davit status, which lists the apps and their environments",
        }
    }

    fn path(&self) -> Vec<&str> {
        match self {
            Self::Environment(key) => vec!["environments", key],
            Self::Host(name) => vec!["hosts", name],
            Self::Forge(id) => vec!["forges", id],
            Self::Channel(id) => vec!["channels", id],
            Self::Repository { forge, name } => ["repositories", forge].into_iter().chain(name.split('/')).collect(),
            Self::Config { app, environment } => vec!["apps", app, "configs", environment],
        }
    }
}

impl Client {
    /// What is declared; `None`: nothing of this name.
    pub(crate) async fn declared(&self, thing: &Thing) -> Result<Option<Seen>, Failure> {
        let mut path = thing.path();
        if matches!(thing, Thing::Forge(_)) {
            path.push("form");
        }
        match self.get(&path, &[]).await {
            Ok(seen) => Ok(Some(seen)),
            Err(failure) if failure.exit == Exit::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Declares it like that; refused when somebody changed it since it was `seen`.
    pub(crate) async fn declare(&self, thing: &Thing, form: &Form, seen: Option<&Seen>) -> Result<Form, Failure> {
        let body = match thing {
            Thing::Config { .. } => json!({ "form": form, "base_revision": seen.and_then(|seen| seen.revision) }),
            Thing::Environment(_) | Thing::Host(_) | Thing::Forge(_) | Thing::Channel(_) | Thing::Repository { .. } => {
                json!({ "form": form, "base": seen.map(|seen| &seen.form) })
            }
        };
        let request = self.request(Method::PUT, self.url(&thing.path(), &[])).timeout(TIMEOUT).json(&body);
        let now: Seen = self.body(self.send(request).await?).await?;
        Ok(now.form)
    }

    /// Takes it away, and stored secrets with it.
    pub(crate) async fn undeclare(&self, thing: &Thing, secrets: &[String]) -> Result<(), Failure> {
        let query = if secrets.is_empty() { Vec::new() } else { vec![("secrets", secrets.join(","))] };
        let request = self.request(Method::DELETE, self.url(&thing.path(), &query)).timeout(TIMEOUT);
        self.send(request).await.map(drop)
    }

    /// Changes an app's name or repository.
    pub(crate) async fn change_app(&self, app: &str, change: &Value) -> Result<Value, Failure> {
        let request = self.request(Method::PATCH, self.url(&["apps", app], &[])).timeout(TIMEOUT).json(change);
        self.body(self.send(request).await?).await
    }
}
