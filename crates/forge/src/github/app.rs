//! davit as a GitHub App: a signed JWT says which App it is, an installation token what it may do for one owner of
//! repositories. Sources:
//! <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>,
//! <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-an-installation-access-token-for-a-github-app>.
//!
//! Clocks: a token's life is reckoned with its answer's own `Date`; a JWT's times with our clock,
//! and with GitHub's once that has refused one.

use super::wire;
use crate::client::ClientError;
use crate::error::ApiError;
use crate::http::{Answer, Http, Request};
use crate::rate;
use crate::refusal::Call;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use reqwest::Method;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret, SecretString};
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// GitHub's documentation advises it, for clocks that differ a little.
const BACKDATED: i64 = 60;
/// Seconds. GitHub takes ten minutes at most, from its own time.
const LIFETIME: i64 = 9 * 60;
/// A token is used no more when less than this is left of it: git may be at work for a while with it.
const SPARE: Duration = Duration::from_secs(5 * 60);
/// Seconds by which clocks may differ without being worth a word.
const SKEW: i64 = 30;

/// An App, and the tokens of its installations.
pub(super) struct App {
    id: String,
    key: RsaKeyPair,
    /// Seconds from our clock to GitHub's.
    ahead: AtomicI64,
    /// By owner in lowercase. Each has a lock of its own: one owner's slow answer stops no other's.
    owners: Mutex<HashMap<String, Arc<tokio::sync::Mutex<Option<Token>>>>>,
}

/// An installation's token.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) secret: SecretString,
    /// What the installation may: `statuses` → `write`.
    pub(super) permissions: BTreeMap<String, String>,
    until: Instant,
}

impl App {
    pub(super) fn new(id: String, private_key: &SecretString) -> Result<Self, ClientError> {
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.') {
            return Err(ClientError::AppId);
        }
        Ok(Self { id, key: key(private_key)?, ahead: AtomicI64::new(0), owners: Mutex::default() })
    }

    /// The token for the owner of a repository: the one at hand, or a new one.
    pub(super) async fn token(&self, http: &Http, owner: &str, name: &str) -> Result<Token, ApiError> {
        let place = self.place(owner);
        let mut held = place.lock().await;
        if let Some(token) = &*held
            && token.until > Instant::now()
        {
            return Ok(token.clone());
        }
        let token = self.new_token(http, owner, name).await?;
        *held = Some(token.clone());
        Ok(token)
    }

    /// Forgets a token that GitHub takes no more, unless another one took its place already.
    pub(super) async fn forget(&self, owner: &str, token: &Token) {
        let place = self.place(owner);
        let mut held = place.lock().await;
        if held.as_ref().is_some_and(|held| held.secret.expose_secret() == token.secret.expose_secret()) {
            *held = None;
        }
    }

    fn place(&self, owner: &str) -> Arc<tokio::sync::Mutex<Option<Token>>> {
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(owners.entry(owner.to_lowercase()).or_default())
    }

    /// `GET /repos/{owner}/{repo}/installation`, `POST /app/installations/{installation_id}/access_tokens`.
    /// <https://docs.github.com/en/rest/apps/apps>
    async fn new_token(&self, http: &Http, owner: &str, name: &str) -> Result<Token, ApiError> {
        let find = Call {
            what: format!("say where the App is installed for {owner}/{name}"),
            permission: "Metadata: read",
            advice: &[
                (401, "Check the App's id and that this private key is one of the App's."),
                (
                    404,
                    "Install the App for this repository's owner, with access to this repository, and check its name.",
                ),
            ],
            done: &[200],
        };
        let url = http.url(&["repos", owner, name, "installation"]);
        let answer = self.call(http, &find, Request::get(url)).await?;
        let installation: wire::Installation = http.parse(&answer)?;

        let make = Call {
            what: format!("make a token for the App's installation of {owner}"),
            permission: "Metadata: read",
            advice: &[
                (401, "Check the App's id and that this private key is one of the App's."),
                (403, "The App's installation is suspended: let its owner take it up again."),
                (404, "The App was uninstalled just now: install it for this repository's owner."),
            ],
            done: &[201],
        };
        let url = http.url(&["app", "installations", &installation.id.to_string(), "access_tokens"]);
        let answer = self.call(http, &make, Request::bare(Method::POST, url)).await?;
        let token: wire::InstallationToken = http.parse(&answer)?;
        let sent = rate::date(&answer.headers).unwrap_or_else(|| self.now());
        let life = Duration::try_from(token.expires_at.duration_since(sent)).unwrap_or_default();
        Ok(Token {
            secret: SecretString::from(token.token),
            permissions: token.permissions,
            until: Instant::now() + life.saturating_sub(SPARE),
        })
    }

    /// As the App itself. A refusal that a wrong clock explains did nothing: the call is made again by GitHub's clock.
    async fn call(&self, http: &Http, call: &Call, request: Request) -> Result<Answer, ApiError> {
        let answer = http.call(call, request.clone().bearer(self.jwt()?)).await;
        let (Err(ApiError::Permanent { status: Some(401), .. }), Some(date)) = (&answer, http.date()) else {
            return answer;
        };
        let ahead = date.as_second() - jiff::Timestamp::now().as_second();
        let known = self.ahead.swap(ahead, Ordering::Relaxed);
        if (ahead - known).abs() <= SKEW {
            return answer;
        }
        http.call(call, request.bearer(self.jwt()?)).await
    }

    fn now(&self) -> jiff::Timestamp {
        let ahead = jiff::SignedDuration::from_secs(self.ahead.load(Ordering::Relaxed));
        jiff::Timestamp::now().saturating_add(ahead).unwrap_or_else(|_| jiff::Timestamp::now())
    }

    fn jwt(&self) -> Result<SecretString, ApiError> {
        let now = self.now().as_second();
        let claims = serde_json::json!({ "iat": now - BACKDATED, "exp": now + LIFETIME, "iss": self.id });
        let text =
            format!("{}.{}", BASE64URL.encode(r#"{"alg":"RS256","typ":"JWT"}"#), BASE64URL.encode(claims.to_string()));
        let mut signature = vec![0; self.key.public_modulus_len()];
        self.key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).map_err(|_| {
            ApiError::Permanent {
                detail: "The GitHub App's private key can't sign: make a new one.".to_owned(),
                status: None,
            }
        })?;
        Ok(SecretString::from(format!("{text}.{}", BASE64URL.encode(signature))))
    }
}

/// GitHub gives PKCS #1 (`BEGIN RSA PRIVATE KEY`); people convert it to PKCS #8.
fn key(pem: &SecretString) -> Result<RsaKeyPair, ClientError> {
    let key = PrivateKeyDer::from_pem_slice(pem.expose_secret().as_bytes()).map_err(|_| ClientError::AppKey)?;
    match &key {
        PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
        PrivateKeyDer::Sec1(_) | _ => return Err(ClientError::AppKey),
    }
    .map_err(|_| ClientError::AppKey)
}
