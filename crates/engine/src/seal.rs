//! Secrets at rest: sealed with ChaCha20-Poly1305 (RFC 8439) under the master key.
//!
//! A sealed secret is one version byte, 8 bytes that name the master key, a 12-byte random nonce, then ciphertext and tag;
//! the secret's key (its name) is authenticated with it, so that a sealed value can't be moved to another name. Version 1
//! did not name the key. Which key belongs to a database, and replacing it, is [`master_key`](crate::master_key)'s
//! business.

use crate::EngineError;
use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Without the name of the key.
const VERSION_1: u8 = 1;
const VERSION_2: u8 = 2;
const NONCE: usize = 12;
/// Bytes of a key.
const KEY: usize = 32;
/// Bytes of a key's name.
const KEY_ID: usize = 8;
/// What Argon2id takes: KiB, rounds, lanes. Once a start, so it may cost something.
const PASSPHRASE_COST: (u32, u32, u32) = (64 * 1024, 3, 1);
/// Shorter passphrases are guessed.
const SHORTEST_PASSPHRASE: usize = 12;

/// Seals and opens secrets.
pub struct Sealer {
    key: SecretBox<[u8; KEY]>,
    /// Where the key, or its passphrase, is read from.
    file: PathBuf,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

impl Sealer {
    /// Reads the master key file (32 bytes), or makes it with mode 0600 when it is missing.
    ///
    /// # Errors
    /// When it can't be read or written, has another size, or other users may read it.
    pub fn from_file(path: &Path) -> Result<Self, EngineError> {
        if path.try_exists().is_ok_and(|exists| exists) { Self::read_file(path) } else { Self::make_file(path) }
    }

    /// Reads the master key file.
    ///
    /// # Errors
    /// When it can't be read, has another size, or other users may read it.
    pub fn read_file(path: &Path) -> Result<Self, EngineError> {
        let bytes = read_private(path)?;
        let key: [u8; KEY] = bytes.try_into().map_err(|_| {
            problem(path, "it must hold exactly 32 bytes. Restore it from a backup: secrets can't be read without it")
        })?;
        Ok(Self { key: SecretBox::new(Box::new(key)), file: path.to_owned() })
    }

    /// Makes a master key and its file, which must not be there, with mode 0600. It is durable when this returns.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn make_file(path: &Path) -> Result<Self, EngineError> {
        Self::make_file_named(|_| path.to_owned())
    }

    /// As [`make_file`](Self::make_file), at a path that has to do with the key's [`id`](Self::id).
    pub(crate) fn make_file_named(path: impl FnOnce(&str) -> PathBuf) -> Result<Self, EngineError> {
        let key: [u8; KEY] = rand::random();
        let mut sealer = Self { key: SecretBox::new(Box::new(key)), file: PathBuf::new() };
        sealer.file = path(&sealer.id());
        let path = sealer.file.as_path();
        let io = |error: std::io::Error| problem(path, error);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(io)?;
        file.write_all(&key).and_then(|()| file.sync_all()).map_err(io)?;
        sync_directory(path).map_err(io)?;
        Ok(sealer)
    }

    /// Makes the master key from the passphrase in a file (its line end does not count) and a salt.
    ///
    /// # Errors
    /// When the file can't be read, other users may read it, or the passphrase is too short.
    pub fn from_passphrase(path: &Path, salt: &[u8]) -> Result<Self, EngineError> {
        let bytes = SecretBox::new(Box::new(read_private(path)?));
        let passphrase = bytes.expose_secret().trim_ascii_end();
        if passphrase.len() < SHORTEST_PASSPHRASE {
            return Err(problem(path, "a passphrase has at least 12 characters"));
        }
        let (memory, rounds, lanes) = PASSPHRASE_COST;
        let mut key = [0; KEY];
        Params::new(memory, rounds, lanes, Some(KEY))
            .and_then(|cost| {
                Argon2::new(Algorithm::Argon2id, Version::V0x13, cost).hash_password_into(passphrase, salt, &mut key)
            })
            .map_err(|error| problem(path, error))?;
        Ok(Self { key: SecretBox::new(Box::new(key)), file: path.to_owned() })
    }

    /// What names the key without giving it away: 16 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> String {
        self.id_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn id_bytes(&self) -> [u8; KEY_ID] {
        let whole = blake3::derive_key("davit 2026 name of the master key", self.key.expose_secret());
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&whole[..KEY_ID]);
        id
    }

    /// Seals a secret under its name.
    ///
    /// # Errors
    /// Never in practice; the cipher's type says it may.
    pub fn seal(&self, name: &str, secret: &SecretString) -> Result<Vec<u8>, EngineError> {
        let nonce: [u8; NONCE] = rand::random();
        let payload = Payload { msg: secret.expose_secret().as_bytes(), aad: name.as_bytes() };
        let sealed = self
            .cipher()
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|_| EngineError::Unavailable(format!("the secret {name} can't be sealed")))?;
        Ok([&[VERSION_2], &self.id_bytes()[..], &nonce[..], &sealed].concat())
    }

    /// Opens a sealed secret.
    ///
    /// # Errors
    /// When it was sealed under another key or name, or is damaged.
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<SecretString, EngineError> {
        let wrong = || {
            EngineError::Unavailable(format!(
                "the secret {name} can't be opened with this master key. Start with the key it was stored with (a running \
                 server does not notice that the key was replaced: restart it), or set it again"
            ))
        };
        let rest = match sealed.split_first() {
            Some((&VERSION_1, rest)) => rest,
            Some((&VERSION_2, rest)) => rest.strip_prefix(&self.id_bytes()).ok_or_else(wrong)?,
            Some(_) | None => return Err(wrong()),
        };
        let (nonce, text) = rest.split_at_checked(NONCE).ok_or_else(wrong)?;
        let nonce: [u8; NONCE] = nonce.try_into().map_err(|_| wrong())?;
        let payload = Payload { msg: text, aad: name.as_bytes() };
        let open = self.cipher().decrypt(&Nonce::from(nonce), payload).map_err(|_| wrong())?;
        String::from_utf8(open).map(SecretString::from).map_err(|_| wrong())
    }

    /// The file that the key, or what it is made from, is read from.
    #[must_use]
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Tells contents apart without giving them away: a BLAKE3 hash that only who has the key can make.
    #[must_use]
    pub fn fingerprint(&self, secret: &SecretString) -> String {
        let key = blake3::derive_key("davit 2026 fingerprints of secrets", self.key.expose_secret());
        blake3::keyed_hash(&key, secret.expose_secret().as_bytes()).to_hex().to_string()
    }

    fn cipher(&self) -> ChaCha20Poly1305 {
        ChaCha20Poly1305::new(&Key::from(*self.key.expose_secret()))
    }
}

fn problem(path: &Path, what: impl std::fmt::Display) -> EngineError {
    EngineError::Unavailable(format!("master key file {}: {what}", path.display()))
}

/// Reads a file that nobody else may read.
fn read_private(path: &Path) -> Result<Vec<u8>, EngineError> {
    let io = |error: std::io::Error| problem(path, error);
    let bytes = std::fs::read(path).map_err(io)?;
    if std::fs::metadata(path).map_err(io)?.permissions().mode() & 0o077 != 0 {
        return Err(problem(path, "other users can read it. Run: chmod 600 on it"));
    }
    Ok(bytes)
}

/// Makes the name of a new or moved file durable.
pub(crate) fn sync_directory(path: &Path) -> std::io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_under_its_own_name_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("master.key");
        let sealer = Sealer::from_file(&file).expect("made");
        let sealed = sealer.seal("env:TOKEN", &"geheim".into()).expect("sealed");
        assert!(!sealed.windows(6).any(|w| w == b"geheim"));
        let again = Sealer::from_file(&file).expect("read");
        assert_eq!(again.open("env:TOKEN", &sealed).expect("opens").expose_secret(), "geheim");
        assert!(again.open("env:OTHER", &sealed).is_err());
        let mut damaged = sealed.clone();
        *damaged.last_mut().expect("a byte") ^= 1;
        assert!(again.open("env:TOKEN", &damaged).is_err());
        assert!(again.open("env:TOKEN", &[]).is_err());
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).expect("chmod");
        assert!(Sealer::from_file(&file).is_err());
    }

    #[test]
    fn what_the_first_version_sealed_still_opens() {
        let dir = tempfile::tempdir().expect("a directory");
        let sealer = Sealer::from_file(&dir.path().join("master.key")).expect("made");
        let sealed = sealer.seal("a", &"geheim".into()).expect("sealed");
        let first = [&[VERSION_1], &sealed[1 + KEY_ID..]].concat();
        assert_eq!(sealer.open("a", &first).expect("opens").expose_secret(), "geheim");
    }

    #[test]
    fn a_passphrase_makes_the_same_key_with_the_same_salt_alone() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("passphrase");
        let write = |text: &str, mode: u32| {
            std::fs::write(&file, text).expect("written");
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("chmod");
        };
        write("correct horse battery\n", 0o600);
        let one = Sealer::from_passphrase(&file, b"sixteen bytes at").expect("a key");
        write("correct horse battery", 0o600);
        assert_eq!(one.id(), Sealer::from_passphrase(&file, b"sixteen bytes at").expect("a key").id());
        assert_ne!(one.id(), Sealer::from_passphrase(&file, b"another sixteen.").expect("a key").id());
        write("too short", 0o600);
        assert!(Sealer::from_passphrase(&file, b"sixteen bytes at").is_err());
        write("correct horse battery", 0o640);
        assert!(Sealer::from_passphrase(&file, b"sixteen bytes at").is_err());
    }
}
