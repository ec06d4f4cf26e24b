//! Secrets at rest: sealed with ChaCha20-Poly1305 (RFC 8439) under the master key.
//!
//! A sealed secret is one version byte, a 12-byte random nonce, then ciphertext and tag; the secret's key (its name) is
//! authenticated with it, so that a sealed value can't be moved to another name.

use crate::EngineError;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Key, Nonce};
use secrecy::{ExposeSecret, SecretBox, SecretString};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

const VERSION: u8 = 1;
const NONCE: usize = 12;

/// Seals and opens secrets.
pub struct Sealer {
    key: SecretBox<[u8; 32]>,
    /// Where the key is read from.
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
        let problem = |what: String| EngineError::Unavailable(format!("master key file {}: {what}", path.display()));
        match std::fs::read(path) {
            Ok(bytes) => {
                let mode = std::fs::metadata(path).map_err(|e| problem(e.to_string()))?.permissions().mode();
                if mode & 0o077 != 0 {
                    return Err(problem("other users can read it. Run: chmod 600 on it".into()));
                }
                let key: [u8; 32] = bytes.try_into().map_err(|_| {
                    problem(
                        "it must hold exactly 32 bytes. Restore it from a backup: secrets can't be read without it"
                            .into(),
                    )
                })?;
                Ok(Self { key: SecretBox::new(Box::new(key)), file: path.to_owned() })
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let key: [u8; 32] = rand::random();
                let mut file = std::fs::OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(0o600)
                    .open(path)
                    .map_err(|e| problem(e.to_string()))?;
                file.write_all(&key).and_then(|()| file.sync_all()).map_err(|e| problem(e.to_string()))?;
                Ok(Self { key: SecretBox::new(Box::new(key)), file: path.to_owned() })
            }
            Err(error) => Err(problem(error.to_string())),
        }
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
        Ok([&[VERSION], &nonce[..], &sealed].concat())
    }

    /// Opens a sealed secret.
    ///
    /// # Errors
    /// When it was sealed under another key or name, or is damaged.
    pub fn open(&self, name: &str, sealed: &[u8]) -> Result<SecretString, EngineError> {
        let wrong = || {
            EngineError::Unavailable(format!(
                "the secret {name} can't be opened with this master key. Start with the key file it was stored with, or set it again"
            ))
        };
        let (Some(&VERSION), Some(nonce), Some(text)) =
            (sealed.first(), sealed.get(1..=NONCE), sealed.get(NONCE + 1..))
        else {
            return Err(wrong());
        };
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
}
