//! What people do with a forge: ask what davit may do there, register its hook, give it a key for git.
//!
//! These are the only calls to forges that somebody waits for; all others go through the outbox ([`crate::dispatch`]).

use crate::hub::Topic;
use crate::{Engine, EngineError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use davit_domain::config::{Configuration, Forge, ForgeKind, HookSignature, Repository, SecretRef};
use davit_domain::ids::ForgeId;
use davit_exec::host;
use davit_forge::{ApiError, Client, Hook, NewHook, RepositoryAccess};
use secrecy::SecretString;
use std::sync::Arc;

/// What deploy keys are called at forges.
const KEY_TITLE: &str = "davit";

/// What davit found at a repository.
#[derive(Debug, Clone)]
pub struct ForgeCheck {
    /// As it was asked for.
    pub repository: String,
    /// What davit may do there; else why nobody knows, for people.
    pub access: Result<RepositoryAccess, String>,
    /// The hook that sends to davit.
    pub hook: HookStanding,
    /// How far the forge's clock is ahead of davit's; the forge says whole seconds. Milliseconds.
    pub clock_ahead: Option<i64>,
}

/// How the hook of a repository stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HookStanding {
    /// It is there and sends.
    Registered(Hook),
    /// It is there and switched off.
    Inactive(Hook),
    /// None sends to davit.
    Missing,
    /// Nobody knows; why, for people.
    Unknown(String),
}

/// Where the secret came from that a hook signs with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretOrigin {
    /// davit made it just now.
    Made,
    /// It was stored in davit.
    Stored,
    /// The server's environment, or that of whoever applied the configuration.
    Env,
    /// A file.
    File,
}

/// A key with which git reads a forge's repositories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployKey {
    /// As in `authorized_keys`.
    pub public_key: String,
    /// What the private part is stored as.
    pub secret: String,
    /// Whether it is new.
    pub made: bool,
    /// Whether the forge's `git_key` names it, so that git uses it.
    pub in_use: bool,
}

impl Engine {
    /// Asks a forge what davit may do with a repository, and whether the repository's hook sends here. Changes nothing.
    ///
    /// # Errors
    /// `NotFound` when there is no such forge, `Conflict` when davit has no credential there. A forge that does not
    /// answer is a result, not an error.
    pub async fn check_forge(&self, id: &ForgeId, repository: &str) -> Result<ForgeCheck, EngineError> {
        let (_, client) = self.credentialed(id).await?;
        let access = client.check(repository).await.map_err(|error| error.to_string());
        // By now the forge has said what time it is.
        let clock_ahead = client.server_time().map(|at| at.millis() - self.now().millis());
        let hook = match &access {
            Ok(_) => standing(client.hooks(repository).await, &self.hook_url(id)),
            Err(_) => HookStanding::Unknown("the repository can't be seen".to_owned()),
        };
        Ok(ForgeCheck { repository: repository.to_owned(), access, hook, clock_ahead })
    }

    /// Sets a repository's hook to send to davit, with the forge's webhook secret; makes the secret where it is one
    /// that davit stores and none is stored yet.
    ///
    /// # Errors
    /// `NotFound` when there is no such forge, `Conflict` when it has no credential or no `webhook_secret`, `Upstream`
    /// when the forge refuses.
    pub async fn register_hook(
        &self,
        id: &ForgeId,
        repository: &str,
        by: &str,
    ) -> Result<(Hook, SecretOrigin), EngineError> {
        let (forge, client) = self.credentialed(id).await?;
        let (secret, origin) = self.hook_secret(&forge, by).await?;
        let url = self.hook_url(id);
        let hook = NewHook { url: &url, secret: &secret, signature: forge.hook_signature() };
        let hook = client.register_hook(repository, &hook).await.map_err(upstream)?;
        let detail = serde_json::json!({ "forge": id, "hook": hook.id });
        self.tell_of_forge(by, "hook_registered", repository, detail).await?;
        Ok((hook, origin))
    }

    /// The key with which git reads a forge's repositories over SSH: what the forge's `git_key` names, else what is
    /// proposed for it; made where there is none.
    ///
    /// Accepted race: two who make it in the same second make two, and the last one stays; what pages show is read
    /// again then.
    ///
    /// # Errors
    /// `NotFound` when there is no such forge, `Conflict` when its key comes from elsewhere.
    pub async fn make_deploy_key(&self, id: &ForgeId, by: &str) -> Result<DeployKey, EngineError> {
        let forge = self.configured_forge(id).await?;
        let secret = match &forge.git_key {
            None => proposed_key(id),
            Some(SecretRef::Secret(name)) => name.clone(),
            Some(other @ (SecretRef::Env(_) | SecretRef::File(_))) => {
                return Err(EngineError::Conflict(format!(
                    "the git_key of {id} is {}, which davit does not write: make it {{ secret = \"{}\" }} first",
                    other.key(),
                    proposed_key(id)
                )));
            }
        };
        let made = match self.find_secret(&SecretRef::Secret(secret.clone())).await? {
            Some(_) => false,
            None => {
                let (private, _) = host::generate_key()?;
                self.set_secret(&secret, &private, by).await?;
                self.tell_of_forge(by, "deploy_key_made", id.as_str(), serde_json::json!({ "secret": secret })).await?;
                true
            }
        };
        let stored = self.secret(&SecretRef::Secret(secret.clone())).await?;
        Ok(DeployKey { public_key: host::public_key_line(&stored)?, secret, made, in_use: forge.git_key.is_some() })
    }

    /// Lets the forge's deploy key read a repository there.
    ///
    /// # Errors
    /// As [`make_deploy_key`](Self::make_deploy_key); `Upstream` when the forge refuses.
    pub async fn add_deploy_key(&self, id: &ForgeId, repository: &str, by: &str) -> Result<DeployKey, EngineError> {
        let (_, client) = self.credentialed(id).await?;
        let key = self.make_deploy_key(id, by).await?;
        client.add_deploy_key(repository, KEY_TITLE, &key.public_key).await.map_err(upstream)?;
        self.tell_of_forge(by, "deploy_key_added", repository, serde_json::json!({ "forge": id })).await?;
        Ok(key)
    }

    /// The public line of a forge's deploy key, where davit stores one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn deploy_key(&self, forge: &Forge) -> Result<Option<String>, EngineError> {
        let name = match &forge.git_key {
            None => proposed_key(&forge.id),
            Some(SecretRef::Secret(name)) => name.clone(),
            Some(SecretRef::Env(_) | SecretRef::File(_)) => return Ok(None),
        };
        let stored = self.find_secret(&SecretRef::Secret(name)).await?;
        // What a person stored under this name may be no key: then there is none to show.
        Ok(stored.and_then(|private| host::public_key_line(&private).ok()))
    }

    /// A forge that davit can ask, and its client.
    async fn credentialed(&self, id: &ForgeId) -> Result<(Forge, Arc<Client>), EngineError> {
        let forge = self.configured_forge(id).await?;
        if forge.kind == ForgeKind::Generic {
            return Err(EngineError::Conflict(format!("{id} is a generic sender of webhooks: it has no API to ask")));
        }
        if !forge.has_api() {
            let sentence = format!("davit has no credential at {id}: set token under its [[forge]] and apply");
            return Err(EngineError::Conflict(sentence));
        }
        let client = self.forge_client(id).await?;
        Ok((forge, client))
    }

    /// What a forge's hooks sign with.
    async fn hook_secret(&self, forge: &Forge, by: &str) -> Result<(SecretString, SecretOrigin), EngineError> {
        let Some(reference) = &forge.webhook_secret else {
            return Err(EngineError::Conflict(format!(
                "{0} has no webhook_secret: write webhook_secret = {{ secret = \"{0}-hook\" }} under its [[forge]] and \
                 apply, then davit makes one",
                forge.id
            )));
        };
        let origin = match reference {
            SecretRef::Secret(_) => SecretOrigin::Stored,
            SecretRef::Env(_) => SecretOrigin::Env,
            SecretRef::File(_) => SecretOrigin::File,
        };
        if let SecretRef::Secret(name) = reference
            && self.find_secret(reference).await?.is_none()
        {
            let secret = new_secret(forge.hook_signature());
            self.set_secret(name, &secret, by).await?;
            return Ok((secret, SecretOrigin::Made));
        }
        Ok((self.secret(reference).await?, origin))
    }

    async fn tell_of_forge(
        &self,
        by: &str,
        action: &str,
        subject: &str,
        detail: serde_json::Value,
    ) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        self.feed(&mut tx, by, action, subject, detail).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::Config, None);
        Ok(())
    }
}

/// The repositories at a forge that apps release and that davit tests, sorted; each one once, as it is written first.
#[must_use]
pub fn repositories_at(configuration: &Configuration, id: &ForgeId) -> Vec<String> {
    let names = configuration.apps.iter().filter_map(|app| match &app.repository {
        Repository::Forge { forge, name, .. } if forge == id => Some(name.clone()),
        Repository::Forge { .. } | Repository::Url { .. } => None,
    });
    let tested = configuration.repositories.iter().filter(|tested| tested.forge == *id);
    let mut names: Vec<String> = names.chain(tested.map(|tested| tested.name.clone())).collect();
    // Stable: of two in different case the one of an app stays.
    names.sort_by_key(|name| name.to_ascii_lowercase());
    names.dedup_by(|later, first| later.eq_ignore_ascii_case(first));
    names
}

/// What a forge's deploy key is stored as until `git_key` says otherwise.
fn proposed_key(id: &ForgeId) -> String {
    format!("{id}-deploy-key")
}

/// 32 random bytes in the form that the signature takes.
fn new_secret(signature: HookSignature) -> SecretString {
    let bytes: [u8; 32] = rand::random();
    match signature {
        HookSignature::StandardWebhooks => format!("whsec_{}", STANDARD.encode(bytes)).into(),
        HookSignature::HmacSha256 | HookSignature::HmacSha1 | HookSignature::Token | HookSignature::Timestamp => {
            bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
        }
    }
}

fn standing(hooks: Result<Vec<Hook>, ApiError>, url: &str) -> HookStanding {
    match hooks {
        Err(error) => HookStanding::Unknown(error.to_string()),
        Ok(hooks) => match hooks.into_iter().filter(|hook| hook.url == url).max_by_key(|hook| hook.active) {
            Some(hook) if hook.active => HookStanding::Registered(hook),
            Some(hook) => HookStanding::Inactive(hook),
            None => HookStanding::Missing,
        },
    }
}

fn upstream(error: ApiError) -> EngineError {
    EngineError::Upstream(error.to_string())
}
