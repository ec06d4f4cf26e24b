//! Keys: pinned host keys and their check, private keys to log in with, new keys.
//!
//! No file is read here: keys come with the target and live encrypted in the store.

use crate::ExecError;
use crate::host::HostTarget;
use davit_domain::ids::HostName;
use russh::client::Handler;
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PrivateKey, PublicKey, PublicKeyOrCertificate};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;

/// A new Ed25519 key: the private part in OpenSSH form, and the line for `authorized_keys`.
///
/// # Errors
/// When the system has no randomness to give.
pub fn generate_key() -> Result<(SecretString, String), ExecError> {
    let failed = |error: russh::keys::ssh_key::Error| ExecError::Refused(format!("a key could not be made: {error}"));
    let mut key = PrivateKey::random(&mut russh::keys::key::safe_rng(), Algorithm::Ed25519).map_err(failed)?;
    key.set_comment("davit");
    let pem = key.to_openssh(LineEnding::LF).map_err(failed)?;
    Ok((SecretString::from(pem.as_str().to_owned()), public_line(key.public_key())))
}

/// The line for `authorized_keys` that belongs to a private key.
///
/// # Errors
/// When the key can't be read.
pub fn public_key_line(private_key: &SecretString) -> Result<String, ExecError> {
    let key = decode(private_key).map_err(ExecError::Refused)?;
    Ok(public_line(key.public_key()))
}

/// Whether a line is a public key as in `authorized_keys`, on one line and without options.
pub(crate) fn is_public(line: &str) -> bool {
    !line.contains(['\n', '\r', '\0']) && PublicKey::from_openssh(line).is_ok()
}

/// Why a connection ended before it was usable.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// The host key is not the pinned one.
    #[error(transparent)]
    Key(Box<ExecError>),
    /// Everything else.
    #[error(transparent)]
    Ssh(#[from] russh::Error),
}

/// Holds the pinned key against the one the host shows, before anything else is said.
pub(crate) struct KeyCheck {
    host: HostName,
    pinned: Option<PublicKey>,
    /// No key is good enough: it is only to be seen.
    only_look: bool,
}

impl KeyCheck {
    /// The check for this target.
    pub(crate) fn new(target: &HostTarget) -> Result<Self, ExecError> {
        let pinned = target.host_key.as_deref().map(PublicKey::from_openssh).transpose().map_err(|error| {
            ExecError::Refused(format!(
                "the pinned host key of {} can't be read ({error}): pin it again with davit hosts scan-keys {}",
                target.name, target.name
            ))
        })?;
        Ok(Self { host: target.name.clone(), pinned, only_look: false })
    }

    /// Lets no key pass, and so shows it; of several, one of the pinned kind.
    pub(crate) fn only_look(target: &HostTarget) -> Result<Self, ExecError> {
        Ok(Self { only_look: true, ..Self::new(target)? })
    }

    /// Host key algorithms to offer. The pinned key's own comes first: a host with several keys must show that one,
    /// or it would look as if its key had changed.
    pub(crate) fn algorithms(&self) -> Vec<Algorithm> {
        let mut all = vec![
            Algorithm::Ed25519,
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 },
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP384 },
            Algorithm::Ecdsa { curve: EcdsaCurve::NistP521 },
            Algorithm::Rsa { hash: Some(HashAlg::Sha512) },
            Algorithm::Rsa { hash: Some(HashAlg::Sha256) },
        ];
        if let Some(pinned) = &self.pinned {
            // RSA by family, because an RSA key is the same whatever hash signs with it.
            let family = |algorithm: &Algorithm| match algorithm.clone().is_rsa() {
                true => Algorithm::Rsa { hash: None },
                false => algorithm.clone(),
            };
            let pinned = family(&pinned.algorithm());
            all.sort_by_key(|algorithm| family(algorithm) != pinned);
        }
        all
    }

    fn verdict(&self, shown: &PublicKey) -> Result<(), ExecError> {
        let key = public_line(shown);
        let actual = fingerprint(shown);
        match self.pinned.as_ref().filter(|_| !self.only_look) {
            Some(pinned) if pinned.key_data() == shown.key_data() => Ok(()),
            Some(pinned) => {
                Err(ExecError::HostKeyChanged { host: self.host.clone(), expected: fingerprint(pinned), actual, key })
            }
            None => Err(ExecError::HostKeyUnknown { host: self.host.clone(), fingerprint: actual, key }),
        }
    }
}

impl Handler for KeyCheck {
    type Error = Stop;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Stop> {
        match shown {
            PublicKeyOrCertificate::PublicKey { key, .. } => {
                self.verdict(key).map(|()| true).map_err(|refusal| Stop::Key(Box::new(refusal)))
            }
            // Never asked for, so never trusted.
            PublicKeyOrCertificate::Certificate(_) => Ok(false),
        }
    }
}

/// The target's private key.
pub(crate) fn private_key(target: &HostTarget) -> Result<Arc<PrivateKey>, ExecError> {
    let denied = |detail: String| ExecError::Denied { host: target.name.clone(), user: target.user.clone(), detail };
    let Some(secret) = &target.private_key else {
        return Err(denied("no private key is set for it: set one on its page, or a default one".into()));
    };
    decode(secret).map(Arc::new).map_err(denied)
}

/// A private key, or a sentence that says why it is none and nothing of what is in it.
fn decode(secret: &SecretString) -> Result<PrivateKey, String> {
    let locked = || "its private key has a passphrase: import it without one".to_owned();
    // The first lines of a PEM file are not secret.
    if secret.expose_secret().lines().take(2).any(|line| line.contains("ENCRYPTED")) {
        return Err(locked());
    }
    match russh::keys::decode_secret_key(secret.expose_secret(), None) {
        Ok(key) if key.is_encrypted() => Err(locked()),
        Ok(key) => Ok(key),
        Err(russh::keys::Error::KeyIsEncrypted) => Err(locked()),
        Err(error) => {
            Err(format!("its private key can't be read ({error}): import it in OpenSSH form, without a passphrase"))
        }
    }
}

/// `ssh-ed25519 AAAA…`, without a comment.
pub(crate) fn public_line(key: &PublicKey) -> String {
    use russh::keys::PublicKeyBase64;
    format!("{} {}", key.algorithm().as_str(), key.public_key_base64())
}

/// `SHA256:…`, as OpenSSH prints it.
pub(crate) fn fingerprint(key: &PublicKey) -> String {
    key.fingerprint(HashAlg::Sha256).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_can_be_read_back() {
        let (private, public) = generate_key().expect("a key");
        let read = russh::keys::decode_secret_key(private.expose_secret(), None).expect("OpenSSH form");
        assert_eq!(public_line(read.public_key()), public);
        assert!(public.starts_with("ssh-ed25519 AAAA"), "{public}");
    }
}
