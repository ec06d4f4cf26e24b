//! OpenID Connect: to the provider and back.
//!
//! The code flow with PKCE. What belongs to one try to sign in (state, nonce, verifier, where to go afterwards, and
//! from which session an account is to be linked) travels in a sealed cookie of the browser's, so that nothing is kept here and an
//! answer is worth nothing in another browser.

mod client;
mod journey;

use super::arrival::Somebody;
use super::{Whence, arrival};
use crate::accounts::token_hash;
use crate::{Engine, EngineError};
use client::{Claims, Provider, Way};
use davit_domain::config::{Identity, IdentityKind, OidcProvider};
use davit_domain::ids::IdentityId;
use davit_store::accounts::User;
use journey::Journey;
use openidconnect::{CsrfToken, Nonce, PkceCodeChallenge};
use secrecy::SecretString;
use serde_json::Value;
use subtle::ConstantTimeEq;

pub(crate) use client::Discovered;
pub use journey::LASTS;

/// Groups that one person is believed to be in.
const MOST_GROUPS: usize = 2_000;

/// What somebody goes to a provider for.
#[derive(Debug, Clone, Copy)]
pub enum Errand<'a> {
    /// To sign in; the session with this cookie ends then.
    SignIn {
        /// The browser's, when it has one.
        former: Option<&'a str>,
    },
    /// To link the provider to the account that is signed in.
    Link {
        /// The cookie of its session.
        session: &'a str,
    },
}

/// A way to a provider.
#[derive(Debug)]
pub struct Departure {
    /// Where the browser goes.
    pub url: String,
    /// What it keeps until it comes back.
    pub cookie: SecretString,
}

/// What the browser brings back.
#[derive(Debug)]
pub struct Answer<'a> {
    /// The cookie of its [`Departure`].
    pub cookie: Option<&'a str>,
    /// The `state` of its address.
    pub state: &'a str,
    /// What the provider lets us in with.
    pub code: Option<&'a str>,
    /// Why it does not.
    pub error: Option<&'a str>,
}

/// Somebody is in, or one's account is linked.
#[derive(Debug)]
pub struct Returned {
    /// The path that the browser goes on to.
    pub next: String,
    /// The cookie of a new session; `None`: the account was linked, and its session goes on.
    pub cookie: Option<SecretString>,
}

impl Engine {
    /// Makes sure that there is a provider to go to, without asking it.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn leads_to_a_provider(&self, id: &IdentityId) -> Result<(), EngineError> {
        self.oidc(id).await.map(drop)
    }

    /// Sends somebody to a provider.
    ///
    /// # Errors
    /// `NotFound` when there is no such provider, `Upstream` when it does not answer as one.
    pub async fn depart(&self, id: &IdentityId, next: &str, errand: Errand<'_>) -> Result<Departure, EngineError> {
        let (former, link) = match errand {
            Errand::SignIn { former } => (former, None),
            Errand::Link { session } => (None, Some(session)),
        };
        let (identity, oidc) = self.oidc(id).await?;
        let provider = self.discover(&identity, &oidc).await?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let (state, nonce) = (CsrfToken::new_random(), Nonce::new_random());
        let url = provider.authorize_url(&oidc, challenge, state.clone(), nonce.clone());
        let journey = Journey {
            provider: id.to_string(),
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
            next: journey::local_path(next).to_owned(),
            former: former.map(token_hash),
            link: link.map(token_hash),
            until: self.now().plus(LASTS).millis(),
        };
        Ok(Departure { url: url.into(), cookie: journey.seal(self.sealer())? })
    }

    /// Takes in what a provider says of somebody who comes back from it.
    ///
    /// # Errors
    /// `Denied` when the answer is not to what this browser asked, or the provider or davit does not let them in;
    /// `Upstream` when the provider does not answer as one.
    pub async fn arrive(&self, id: &IdentityId, answer: &Answer<'_>, whence: &Whence) -> Result<Returned, EngineError> {
        let journey = self.journey_of(id, answer)?;
        let (identity, oidc) = self.oidc(id).await?;
        let Some(code) = answer.code else {
            tracing::info!(provider = %id, error = answer.error.unwrap_or_default(), "a provider let somebody not in");
            return Err(EngineError::Denied(format!("{} did not let you in", identity.name)));
        };
        let provider = self.discover(&identity, &oidc).await?;
        let claims = provider.redeem(code, &journey).await?;
        let somebody = somebody(&identity, &oidc, &claims)?;
        let linking = match &journey.link {
            Some(session) => Some(self.still_signed_in(session).await?),
            None => None,
        };
        let mut tx = self.store().begin().await?;
        let cookie = match linking {
            Some(user) => {
                self.link(&mut tx, &identity, &user, &somebody).await?;
                None
            }
            None => {
                let user = self.admit(&mut tx, &identity, &somebody).await?;
                if let Some(former) = &journey.former {
                    tx.delete_session(former).await?;
                }
                Some(self.open_session_in(&mut tx, &user, &arrival::provider(&identity), whence).await?)
            }
        };
        tx.commit().await?;
        Ok(Returned { next: journey.next, cookie })
    }

    /// Whose session this is. One that ended meanwhile, or whose account was disabled, links nothing.
    async fn still_signed_in(&self, session: &str) -> Result<User, EngineError> {
        let user = self.store().session_user(session, self.now()).await?;
        user.ok_or_else(|| {
            EngineError::Denied("the session that this began in has ended: log in, and link the provider again".into())
        })
    }

    fn journey_of(&self, id: &IdentityId, answer: &Answer<'_>) -> Result<Journey, EngineError> {
        let journey = answer.cookie.and_then(|cookie| Journey::open(self.sealer(), cookie));
        let fits = |journey: &Journey| {
            journey.provider == id.as_str()
                && journey.until > self.now().millis()
                && bool::from(journey.state.as_bytes().ct_eq(answer.state.as_bytes()))
        };
        journey.filter(fits).ok_or_else(|| {
            EngineError::Denied("this did not begin in this browser, or too long ago: sign in again".into())
        })
    }

    async fn oidc(&self, id: &IdentityId) -> Result<(Identity, OidcProvider), EngineError> {
        let missing = || EngineError::NotFound(format!("there is no OpenID Connect provider {id}"));
        let identity = self.identity(id).await?.ok_or_else(missing)?;
        match identity.kind.clone() {
            IdentityKind::Oidc(oidc) => Ok((identity, oidc)),
            IdentityKind::Ldap(_) => Err(missing()),
        }
    }

    async fn discover(&self, identity: &Identity, oidc: &OidcProvider) -> Result<Provider, EngineError> {
        let secret = match &oidc.client_secret {
            Some(secret) => Some(self.secret(secret).await?),
            None => None,
        };
        let back = format!("{}/auth/oidc/{}/callback", self.settings().public_url, identity.id);
        let way = Way { identity, oidc, secret, back };
        Provider::discover(self.discovered(), || self.now(), way, self.roots(identity).await?).await
    }

    /// An identity provider of the configuration.
    pub(super) async fn identity(&self, id: &IdentityId) -> Result<Option<Identity>, EngineError> {
        let identities = self.store().configuration().await?.identities;
        Ok(identities.into_iter().find(|identity| identity.id == *id))
    }
}

/// Who it is by the claims that the configuration names.
fn somebody(identity: &Identity, oidc: &OidcProvider, claims: &Claims) -> Result<Somebody, EngineError> {
    let text = |claim: &str| claims.all.get(claim).and_then(Value::as_str).unwrap_or_default().to_owned();
    let name = text(&oidc.name_claim);
    if name.is_empty() {
        return Err(EngineError::Denied(format!(
            "{} does not say what you are called: it sends no claim {}",
            identity.name, oidc.name_claim
        )));
    }
    let verified = claims.all.get("email_verified").and_then(Value::as_bool).unwrap_or(true);
    let groups = match claims.all.get(&oidc.groups_claim) {
        Some(Value::Array(groups)) => {
            groups.iter().filter_map(Value::as_str).take(MOST_GROUPS).map(str::to_owned).collect()
        }
        Some(Value::String(group)) => vec![group.clone()],
        Some(_) | None => Vec::new(),
    };
    Ok(Somebody {
        subject: claims.subject.clone(),
        name,
        display_name: text("name"),
        email: if verified { text("email") } else { String::new() },
        groups,
    })
}
