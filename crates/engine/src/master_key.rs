//! The master key of a database: finding it at start, refusing a wrong one, replacing it.
//!
//! The database names its key ([`Sealer::id`]) and, when it comes from a passphrase, has the salt. Replacing it seals
//! everything anew in one transaction: who is killed in the middle finds all as before, or all with the new key. The
//! new key file is durable before that transaction commits. A file that takes the place of the old one does so
//! afterwards; a start in between finds it beside the old one, and finishes that. Until then the file bears its key's name,
//! so that of several who replace the key at once none touches another's: who comes second is told so.
//!
//! Accepted: a server that runs on while its key is replaced (PostgreSQL; on SQLite the command refuses) reads no secret
//! until it is restarted. It can write none either, see [`Tx::put_secret`](davit_store::Tx::put_secret).

use crate::seal::{Sealer, sync_directory};
use crate::{Engine, EngineError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use davit_store::secrets::MASTER_KEY;
use davit_store::{Store, Tx};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The setting with the salt of the passphrase; absent or empty: the key is a file's.
const SALT: &str = "master_key_salt";
/// Bytes of a salt.
const SALT_LENGTH: usize = 16;

/// Where a master key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// A file of 32 bytes, made when it is missing.
    File(PathBuf),
    /// A file with a passphrase.
    Passphrase(PathBuf),
}

/// What to replace a master key with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewKey {
    /// A new one, in the file of the old one.
    InPlace,
    /// A new one, in a file that must not be there.
    File(PathBuf),
    /// One made from the passphrase in a file.
    Passphrase(PathBuf),
}

/// The key that the secrets of this database are sealed with.
///
/// # Errors
/// When it is another one, or not there; the sentence says what to do.
pub async fn open(store: &Store, source: &KeySource) -> Result<Sealer, EngineError> {
    let known = store.setting(MASTER_KEY).await?;
    let salt = store.setting(SALT).await?.filter(|salt| !salt.is_empty());
    let has_secrets = !store.secret_keys().await?.is_empty();
    match (source, salt) {
        (KeySource::File(path), Some(_)) => Err(refused(
            path,
            "the secrets of this database are sealed with a passphrase: start with --master-passphrase-file",
        )),
        (KeySource::Passphrase(path), None) if known.is_some() || has_secrets => Err(refused(
            path,
            "the secrets of this database are sealed with a key file: start with --master-key-file, or replace the key \
             with: davit admin rotate-master-key --to-passphrase-file",
        )),
        (KeySource::File(path), None) => {
            let sealer = match &known {
                Some(known) => of_file(path, known)?,
                None if has_secrets => Sealer::read_file(path)?,
                None => Sealer::from_file(path)?,
            };
            adopt(store, sealer, known, None).await
        }
        (KeySource::Passphrase(path), Some(salt)) => {
            let sealer = from_passphrase(path, salt.clone()).await?;
            adopt(store, sealer, known, Some(salt)).await
        }
        (KeySource::Passphrase(path), None) => {
            let salt = STANDARD.encode(rand::random::<[u8; SALT_LENGTH]>());
            let sealer = from_passphrase(path, salt.clone()).await?;
            adopt(store, sealer, known, Some(salt)).await
        }
    }
}

impl Engine {
    /// Replaces the master key; everything that is sealed is sealed with the new one, in one transaction. Returns how
    /// many secrets there are. No server may be running on the database.
    ///
    /// # Errors
    /// When the new key can't be made or something can't be opened with the old one, `Conflict` when the key was replaced
    /// since this process started; then everything is as before.
    pub async fn rotate_master_key(&self, to: &NewKey, by: &str) -> Result<usize, EngineError> {
        let mut tx = self.store().begin().await?;
        if tx.lock_master_key().await?.is_some_and(|known| known != self.sealer().id()) {
            return Err(EngineError::Conflict(
                "the master key was replaced meanwhile: start again with the new one if it is to be replaced once more"
                    .to_owned(),
            ));
        }
        let (new, salt) = self.make(to).await?;
        let resealed = self.reseal(&mut tx, &new, &salt, by).await;
        if resealed.is_err() && !matches!(to, NewKey::Passphrase(_)) {
            // Nothing is sealed with it. Once a commit was tried, nobody can be sure of that.
            let _ = std::fs::remove_file(new.file());
        }
        let count = resealed?;
        tx.commit().await?;
        if *to == NewKey::InPlace {
            take_place(self.sealer().file(), &new.id())?;
        }
        Ok(count)
    }

    async fn reseal(&self, tx: &mut Tx, new: &Sealer, salt: &str, by: &str) -> Result<usize, EngineError> {
        tx.set_master_key(&new.id()).await?;
        tx.set_setting(SALT, salt).await?;
        let secrets = tx.secrets().await?;
        for (key, sealed) in &secrets {
            let text = self.sealer().open(key, sealed)?;
            tx.reseal_secret(key, &new.seal(key, &text)?).await?;
        }
        let detail = serde_json::json!({ "before": self.sealer().id(), "after": new.id(), "secrets": secrets.len() });
        self.feed(tx, by, "master_key_rotated", "master key", detail).await?;
        Ok(secrets.len())
    }

    /// The new key and, of a passphrase, its salt.
    async fn make(&self, to: &NewKey) -> Result<(Sealer, String), EngineError> {
        match to {
            NewKey::InPlace if self.store().setting(SALT).await?.is_some_and(|salt| !salt.is_empty()) => {
                Err(EngineError::Invalid(
                    "the key comes from a passphrase: name a file with the new one, --to-passphrase-file, or a new key \
                     file, --to-file"
                        .to_owned(),
                ))
            }
            NewKey::InPlace => {
                let path = self.sealer().file();
                Ok((Sealer::make_file_named(|id| beside(path, id))?, String::new()))
            }
            NewKey::File(path) => Ok((Sealer::make_file(path)?, String::new())),
            NewKey::Passphrase(path) => {
                let salt = STANDARD.encode(rand::random::<[u8; SALT_LENGTH]>());
                Ok((from_passphrase(path, salt.clone()).await?, salt))
            }
        }
    }
}

/// The key in this file, or the one that is about to take its place.
fn of_file(path: &Path, known: &str) -> Result<Sealer, EngineError> {
    if beside(path, known).exists() {
        take_place(path, known)?;
    }
    if path.exists() {
        let sealer = Sealer::read_file(path)?;
        return if sealer.id() == known { Ok(sealer) } else { Err(wrong(path)) };
    }
    Err(refused(path, "it is missing, and the database holds secrets. Restore it from a backup"))
}

async fn from_passphrase(path: &Path, salt: String) -> Result<Sealer, EngineError> {
    let path = path.to_owned();
    let make = move || {
        let salt = STANDARD.decode(&salt).map_err(|_| refused(&path, "the salt in the database is damaged"))?;
        Sealer::from_passphrase(&path, &salt)
    };
    tokio::task::spawn_blocking(make).await.map_err(|error| EngineError::Unavailable(error.to_string()))?
}

/// Makes sure that it is the right key; a database that knows none is told.
async fn adopt(
    store: &Store,
    sealer: Sealer,
    known: Option<String>,
    salt: Option<String>,
) -> Result<Sealer, EngineError> {
    if let Some(known) = known {
        return if known == sealer.id() { Ok(sealer) } else { Err(wrong(sealer.file())) };
    }
    // Sealed before keys had names: what can be opened proves the key.
    if let Some((key, _)) = store.secret_keys().await?.first()
        && let Some(sealed) = store.secret(key).await?
        && sealer.open(key, &sealed).is_err()
    {
        return Err(wrong(sealer.file()));
    }
    let mut tx = store.begin().await?;
    let is_first = tx.setting_if_absent(MASTER_KEY, &sealer.id()).await?;
    if is_first && let Some(salt) = salt {
        tx.set_setting(SALT, &salt).await?;
    }
    tx.commit().await?;
    // Of several servers that start at once, one was first.
    match store.setting(MASTER_KEY).await? {
        Some(known) if known == sealer.id() => Ok(sealer),
        Some(_) | None => Err(wrong(sealer.file())),
    }
}

/// Where the new key of this name waits until the old one is of no use.
fn beside(path: &Path, id: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{id}.new"));
    name.into()
}

/// Puts the key of this name, which is in force, where the old one was. Somebody else may just have done so.
fn take_place(path: &Path, id: &str) -> Result<(), EngineError> {
    match std::fs::rename(beside(path, id), path).and_then(|()| sync_directory(path)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(refused(path, error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn wrong(path: &Path) -> EngineError {
    refused(
        path,
        "this is not the key (or passphrase) that the secrets of this database are sealed with. Give the right one, or \
         restore it from a backup",
    )
}

fn refused(path: &Path, what: impl std::fmt::Display) -> EngineError {
    EngineError::Unavailable(format!("master key file {}: {what}", path.display()))
}
