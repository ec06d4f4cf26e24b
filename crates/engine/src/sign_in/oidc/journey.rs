//! What a browser carries to a provider and back: sealed, so that it can neither read nor change it.

use crate::EngineError;
use crate::seal::Sealer;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long somebody may take to sign in at the provider.
pub const LASTS: Duration = Duration::from_secs(10 * 60);

/// What it is sealed as.
const NAME: &str = "davit:oidc-sign-in";

/// One try to sign in.
#[derive(Serialize, Deserialize)]
pub(super) struct Journey {
    /// The provider's id.
    pub(super) provider: String,
    /// That the answer is to this question.
    pub(super) state: String,
    /// That the token is of this try.
    pub(super) nonce: String,
    /// That whoever redeems the code is who asked for it.
    pub(super) verifier: String,
    /// The path to go on to.
    pub(super) next: String,
    /// The hash of the session that the browser had before, which nobody could end once there is a new one. It is not
    /// sent along on the way back.
    #[serde(default)]
    pub(super) former: Option<String>,
    /// The hash of the session whose account the provider is to be linked to; `None`: somebody signs in.
    pub(super) link: Option<String>,
    /// Milliseconds since 1970.
    pub(super) until: i64,
}

impl Journey {
    pub(super) fn seal(&self, sealer: &Sealer) -> Result<SecretString, EngineError> {
        let text = serde_json::to_string(self).map_err(|error| EngineError::Unavailable(error.to_string()))?;
        Ok(URL_SAFE_NO_PAD.encode(sealer.seal(NAME, &text.into())?).into())
    }

    /// `None`: it is not one of ours.
    pub(super) fn open(sealer: &Sealer, cookie: &str) -> Option<Self> {
        let sealed = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        let text = sealer.open(NAME, &sealed).ok()?;
        serde_json::from_str(text.expose_secret()).ok()
    }
}

/// The path when it is one of this server, else `/`: nobody is sent elsewhere by a link to us.
pub(super) fn local_path(next: &str) -> &str {
    let local = next.starts_with('/')
        && !next[1..].starts_with(['/', '\\'])
        && !next.contains(|c: char| c.is_control() || c == '\\')
        && next.len() <= 2_000;
    if local { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_elsewhere() {
        for next in ["/", "/requests/12?tab=diff#files", "/apps/shop"] {
            assert_eq!(local_path(next), next);
        }
        for next in [
            "",
            "requests",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/a\r\nSet-Cookie: x=y",
            "javascript:alert(1)",
            "\\\\evil.example",
        ] {
            assert_eq!(local_path(next), "/", "{next:?}");
        }
    }
}
