//! Where secret values come from: davit's own sealed store first, then the server's environment or files.

use crate::{Engine, EngineError};
use davit_domain::config::SecretRef;
use davit_domain::time::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;

/// The key under which davit's own SSH private key is sealed.
const OWN_SSH_KEY: &str = "davit:ssh-key";
/// What the keys of secrets that people store by name begin with; see [`SecretRef::key`].
const BY_NAME: &str = "secret:";
/// Keys of every kind fit; what is larger was given by mistake. Bytes.
const LARGEST: usize = 64 * 1024;

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
                SecretRef::Secret(name) => {
                    format!("there is no secret named {name} in davit: davit secrets set {name}")
                }
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

    /// The names of the secrets that people stored, sorted, each with when it was set last. Never a value.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn secret_names(&self) -> Result<Vec<(String, Timestamp)>, EngineError> {
        let keys = self.store().secret_keys().await?.into_iter();
        Ok(keys.filter_map(|(key, at)| Some((key.strip_prefix(BY_NAME)?.to_owned(), at))).collect())
    }

    /// Stores what `{ secret = "name" }` in a `davit.toml` stands for, in the place of what it stood for before.
    ///
    /// # Errors
    /// `Invalid` when the name or the value is none.
    pub async fn set_secret(&self, name: &str, value: &SecretString, by: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        self.put_named_secret(&mut tx, name, value, by).await?;
        tx.commit().await?;
        Ok(())
    }

    /// As [`set_secret`](Self::set_secret), in a transaction that goes on.
    pub(crate) async fn put_named_secret(
        &self,
        tx: &mut davit_store::Tx,
        name: &str,
        value: &SecretString,
        by: &str,
    ) -> Result<(), EngineError> {
        let fine = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if name.is_empty() || name.len() > 64 || !name.chars().all(fine) {
            return Err(EngineError::Invalid(
                "a secret's name has 1 to 64 ASCII letters, digits, '-', '_' or '.'".into(),
            ));
        }
        if value.expose_secret().is_empty() || value.expose_secret().len() > LARGEST {
            return Err(EngineError::Invalid("a secret has 1 to 65536 bytes".into()));
        }
        let key = SecretRef::Secret(name.to_owned()).key();
        let sealed = self.sealer().seal(&key, value)?;
        tx.put_secret(&key, &sealed, self.now()).await?;
        self.feed(tx, by, "secret_set", name, serde_json::Value::Null).await?;
        Ok(())
    }

    /// Forgets a secret that nothing in the configuration refers to any more.
    ///
    /// # Errors
    /// `NotFound` when there is none, `Conflict` when the configuration refers to it.
    pub async fn delete_secret(&self, name: &str, by: &str) -> Result<(), EngineError> {
        let key = SecretRef::Secret(name.to_owned()).key();
        let mut tx = self.store().begin().await?;
        // Under its lock: nobody begins to name it meanwhile.
        if tx.configuration().await?.secret_refs().contains_key(&key) {
            return Err(EngineError::Conflict(format!(
                "the configuration refers to the secret {name}: take it out of davit.toml and apply that first"
            )));
        }
        self.forget_secret(&mut tx, name, by).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Forgets a secret, whoever refers to it, in a transaction that goes on.
    pub(crate) async fn forget_secret(
        &self,
        tx: &mut davit_store::Tx,
        name: &str,
        by: &str,
    ) -> Result<(), EngineError> {
        if !tx.delete_secret(&SecretRef::Secret(name.to_owned()).key()).await? {
            return Err(EngineError::NotFound(format!("there is no secret named {name}")));
        }
        self.feed(tx, by, "secret_deleted", name, serde_json::Value::Null).await
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
