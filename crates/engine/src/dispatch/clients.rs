//! Forge clients from the configuration: credentials, certificates and proxy put together, and kept while nothing of
//! that changes.

use crate::{Engine, EngineError};
use davit_domain::config::{Forge, SecretRef};
use davit_domain::ids::ForgeId;
use davit_domain::time::Timestamp;
use davit_forge::{Client, Credential, RateBudget, Setup};
use davit_store::outbox::Target;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

/// Open forge clients, by forge; a changed configuration or secret makes a new one.
#[derive(Debug, Default)]
pub struct Clients(tokio::sync::Mutex<HashMap<ForgeId, OpenClient>>);

/// A client, and the configuration and SHA-256 of the secrets that it was made with.
type OpenClient = (Forge, [u8; 32], Arc<Client>);

/// What davit may still ask of a forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leeway {
    /// As the forge's last answer said; `None`: it says no such thing, or nothing was asked yet.
    pub budget: Option<RateBudget>,
    /// Until when davit sends it nothing by itself, because of a limit; `None`: it does.
    pub paused_until: Option<Timestamp>,
}

impl Engine {
    /// A client for a forge.
    ///
    /// # Errors
    /// `NotFound` when it is not configured, `Invalid` when a secret is missing or its configuration is not usable.
    pub async fn forge_client(&self, id: &ForgeId) -> Result<Arc<Client>, EngineError> {
        let forge = self.configured_forge(id).await?;
        let token = self.optional_secret(forge.token.as_ref()).await?;
        let key = self.optional_secret(forge.app.as_ref().map(|app| &app.private_key)).await?;
        let ca = self.optional_secret(forge.ca.as_ref()).await?;
        let digest = digest([&token, &key, &ca]);
        let mut open = self.clients().0.lock().await;
        if let Some((known, of, client)) = open.get(id)
            && *known == forge
            && *of == digest
        {
            return Ok(Arc::clone(client));
        }
        let credential = match (token, &forge.app, key) {
            (Some(token), _, _) => Credential::Token(token),
            (None, Some(app), Some(private_key)) => Credential::App { id: app.id.clone(), private_key },
            (None, _, _) => Credential::None,
        };
        let setup = Setup {
            kind: forge.kind,
            api_url: &forge.api_url,
            credential,
            ca_pem: ca.as_ref().map(|pem| pem.expose_secret().as_bytes()),
            proxy: forge.proxy.as_deref(),
        };
        let client = Client::new(setup).map_err(|error| EngineError::Invalid(format!("forge {id}: {error}")))?;
        let client = Arc::new(client);
        open.insert(id.clone(), (forge, digest, Arc::clone(&client)));
        Ok(client)
    }

    /// What davit may still ask of a forge, as far as this process knows.
    pub async fn forge_leeway(&self, id: &ForgeId) -> Leeway {
        let budget = self.clients().0.lock().await.get(id).and_then(|(_, _, client)| client.rate_budget());
        Leeway { budget, paused_until: self.paused_until(&Target::Forge(id.clone())) }
    }

    /// Until when davit calls somebody not by itself, because of a limit; `None`: it does.
    #[must_use]
    pub fn paused_until(&self, target: &Target) -> Option<Timestamp> {
        self.traffic().closed_until(target, self.now())
    }

    /// Where the webhooks of a forge go.
    #[must_use]
    pub fn hook_url(&self, id: &ForgeId) -> String {
        format!("{}/hooks/{id}", self.settings().public_url)
    }

    pub(crate) async fn configured_forge(&self, id: &ForgeId) -> Result<Forge, EngineError> {
        self.store().forge(id).await?.ok_or_else(|| EngineError::NotFound(format!("there is no forge named {id}")))
    }

    pub(crate) async fn optional_secret(
        &self,
        reference: Option<&SecretRef>,
    ) -> Result<Option<SecretString>, EngineError> {
        match reference {
            Some(reference) => self.secret(reference).await.map(Some),
            None => Ok(None),
        }
    }
}

fn digest(secrets: [&Option<SecretString>; 3]) -> [u8; 32] {
    let mut all = Sha256::new();
    for secret in secrets {
        let text = secret.as_ref().map(|secret| secret.expose_secret()).unwrap_or_default();
        all.update(text.len().to_be_bytes());
        all.update(text.as_bytes());
    }
    all.finalize().into()
}
