//! Where secret values come from: davit's own sealed store first, then the server's environment or files.

use crate::{Engine, EngineError};
use davit_domain::config::SecretRef;
use secrecy::SecretString;
use std::collections::BTreeMap;

/// The key under which davit's own SSH private key is sealed.
const OWN_SSH_KEY: &str = "davit:ssh-key";

impl Engine {
    /// The value of a declared secret.
    ///
    /// # Errors
    /// When there is none; the sentence says where it was looked for.
    pub async fn secret(&self, secret: &SecretRef) -> Result<SecretString, EngineError> {
        self.find_secret(secret).await?.ok_or_else(|| {
            EngineError::Invalid(match secret {
                SecretRef::Env(name) => format!(
                    "the secret {name} is not set: apply davit.toml again with {name} in the environment, or start the server with it"
                ),
                SecretRef::File(path) => format!(
                    "the secret file {path} is not readable: apply davit.toml again where the file is, or put it on the server"
                ),
                SecretRef::Secret(name) => format!("there is no secret named {name} in davit"),
            })
        })
    }

    /// As [`secret`](Self::secret), `None` when there is no value anywhere.
    ///
    /// # Errors
    /// When the store does not answer or the master key is another one.
    pub async fn find_secret(&self, secret: &SecretRef) -> Result<Option<SecretString>, EngineError> {
        let key = secret.key();
        if let Some(sealed) = self.store().secret(&key).await? {
            return self.sealer().open(&key, &sealed).map(Some);
        }
        Ok(match secret {
            SecretRef::Env(name) => std::env::var(name).ok().filter(|value| !value.is_empty()).map(SecretString::from),
            SecretRef::File(path) => tokio::fs::read_to_string(path).await.ok().map(SecretString::from),
            SecretRef::Secret(_) => None,
        })
    }

    /// Seals values that came with an apply call, by the key of their reference.
    pub(crate) async fn put_secrets(
        &self,
        tx: &mut davit_store::Tx,
        values: &BTreeMap<String, SecretString>,
    ) -> Result<(), EngineError> {
        for (key, value) in values {
            let sealed = self.sealer().seal(key, value)?;
            tx.put_secret(key, &sealed, self.now()).await?;
        }
        Ok(())
    }

    /// davit's own SSH key as (private key in OpenSSH form, public line); made on first use.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn own_ssh_key(&self) -> Result<(SecretString, String), EngineError> {
        if let Some(found) = self.read_own_ssh_key().await? {
            return Ok(found);
        }
        let (private, public) = davit_exec::host::generate_key()?;
        let sealed = self.sealer().seal(OWN_SSH_KEY, &private)?;
        let mut tx = self.store().begin().await?;
        if tx.setting_if_absent("ssh_public_key", &public).await? {
            tx.put_secret(OWN_SSH_KEY, &sealed, self.now()).await?;
        }
        tx.commit().await?;
        // Somebody else may have been faster: what is stored counts.
        self.read_own_ssh_key()
            .await?
            .ok_or_else(|| EngineError::Unavailable("davit's SSH key could not be stored".into()))
    }

    async fn read_own_ssh_key(&self) -> Result<Option<(SecretString, String)>, EngineError> {
        let public = self.store().setting("ssh_public_key").await?;
        let sealed = self.store().secret(OWN_SSH_KEY).await?;
        match (public, sealed) {
            (Some(public), Some(sealed)) => Ok(Some((self.sealer().open(OWN_SSH_KEY, &sealed)?, public))),
            (_, _) => Ok(None),
        }
    }
}
