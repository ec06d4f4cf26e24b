//! Speaking to a provider: discovery, the address to send people to, and codes into claims.

use super::journey::Journey;
use crate::EngineError;
use crate::notify::outgoing::Outgoing;
use davit_domain::config::{Identity, OidcProvider};
use davit_domain::ids::IdentityId;
use davit_domain::time::Timestamp;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreRevocableToken,
    CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AsyncHttpClient, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IdTokenFields,
    IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
    StandardErrorResponse, StandardTokenResponse, TokenResponse, UserInfoClaims,
};
use reqwest::Certificate;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex as AsyncMutex;
use tokio_rustls::rustls::pki_types::CertificateDer;
use url::{Host, Url};

/// How long a provider may take for one answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long what a provider said of itself is believed.
const FRESH: Duration = Duration::from_secs(60);
/// How long one that did not answer as one is not asked again.
const REFUSED: Duration = Duration::from_secs(15);
/// Larger answers are none that we asked for. Bytes.
const LARGEST: usize = 1024 * 1024;

/// Whatever a provider says of somebody.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Others {
    #[serde(flatten)]
    all: Map<String, Value>,
}

impl AdditionalClaims for Others {}

/// What a provider says of somebody, by the ID token and, for what that leaves out, its `userinfo`.
#[derive(Debug)]
pub(super) struct Claims {
    /// `sub`.
    pub(super) subject: String,
    /// All of them by name.
    pub(super) all: Map<String, Value>,
}

type Fields = IdTokenFields<
    Others,
    EmptyExtraTokenFields,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJwsSigningAlgorithm,
>;

type Tokens = StandardTokenResponse<Fields, CoreTokenType>;

type OidcClient = Client<
    Others,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    Tokens,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What providers said of themselves lately, or why they said nothing: a place for each, as long as the configuration
/// leads to it in the same way.
#[derive(Debug, Default)]
pub(crate) struct Discovered(Mutex<HashMap<IdentityId, (Lead, Arc<Said>)>>);

/// What decides which provider answers, and whether it is believed.
#[derive(Debug, PartialEq, Eq)]
struct Lead {
    issuer: String,
    allow_private: bool,
    roots: Vec<CertificateDer<'static>>,
}

/// Whoever asks a provider holds it, so that a provider is asked once at a time, however many begin to sign in.
type Said = AsyncMutex<Option<(Timestamp, Result<CoreProviderMetadata, String>)>>;

impl Discovered {
    fn of(&self, id: &IdentityId, lead: Lead) -> Arc<Said> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, said)) = known.get(id).filter(|(known, _)| *known == lead) {
            return Arc::clone(said);
        }
        let said = Arc::<Said>::default();
        known.insert(id.clone(), (lead, Arc::clone(&said)));
        said
    }
}

/// What the provider said, if that counts still, else what it says now.
async fn said(
    said: &Said,
    clock: impl Fn() -> Timestamp,
    ask: impl Future<Output = Result<CoreProviderMetadata, EngineError>>,
) -> Result<CoreProviderMetadata, EngineError> {
    let mut said = said.lock().await;
    let lasts = |kept: &Result<_, _>| if kept.is_ok() { FRESH } else { REFUSED };
    if let Some((_, kept)) = said.as_ref().filter(|(at, kept)| clock().since(*at) < lasts(kept)) {
        return kept.clone().map_err(EngineError::Upstream);
    }
    let answer = ask.await;
    let kept = match &answer {
        Ok(metadata) => Ok(metadata.clone()),
        Err(error) => Err(error.to_string()),
    };
    *said = Some((clock(), kept));
    answer
}

/// What it takes to speak to a provider.
pub(super) struct Way<'a> {
    pub(super) identity: &'a Identity,
    pub(super) oidc: &'a OidcProvider,
    /// davit's secret there.
    pub(super) secret: Option<SecretString>,
    /// Where browsers come back to.
    pub(super) back: String,
}

/// A provider that has said where everything is.
pub(super) struct Provider {
    name: String,
    client: OidcClient,
    http: Http,
    /// The claims that somebody is known by; what the ID token has not, `userinfo` may have.
    wanted: [String; 2],
}

impl Provider {
    /// Asks a provider where everything is, and for its keys: anew after a minute, because keys are changed without a
    /// word; no sooner, because anybody may begin to sign in. One that failed is left alone for a moment.
    pub(super) async fn discover(
        known: &Discovered,
        clock: impl Fn() -> Timestamp,
        way: Way<'_>,
        roots: Vec<CertificateDer<'static>>,
    ) -> Result<Self, EngineError> {
        let Way { identity, oidc, secret, back } = way;
        let failed = |error: &dyn Error| refused(&identity.name, error);
        let http = Http::new(&roots, identity.allow_private).map_err(|error| failed(&error))?;
        let issuer = IssuerUrl::new(oidc.issuer.clone()).map_err(|error| failed(&error))?;
        let ask = async { CoreProviderMetadata::discover_async(issuer, &http).await.map_err(|error| failed(&error)) };
        let lead = Lead { issuer: oidc.issuer.clone(), allow_private: identity.allow_private, roots };
        let metadata = said(&known.of(&identity.id, lead), clock, ask).await?;
        // Who has the shared secret could make a token that is "signed" with it: keys of the provider's own alone.
        let signed = metadata.id_token_signing_alg_values_supported().iter().filter(|alg| is_signature(alg)).cloned();
        let metadata = {
            let signed = signed.collect();
            metadata.set_id_token_signing_alg_values_supported(signed)
        };
        let back = RedirectUrl::new(back).map_err(|error| failed(&error))?;
        let secret = secret.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        let client = OidcClient::from_provider_metadata(metadata, ClientId::new(oidc.client_id.clone()), secret);
        let client = client.set_redirect_uri(back);
        let wanted = [oidc.name_claim.clone(), oidc.groups_claim.clone()];
        Ok(Self { name: identity.name.clone(), client, http, wanted })
    }

    /// Where a browser goes.
    pub(super) fn authorize_url(
        &self,
        oidc: &OidcProvider,
        challenge: PkceCodeChallenge,
        state: CsrfToken,
        nonce: Nonce,
    ) -> Url {
        let flow = CoreAuthenticationFlow::AuthorizationCode;
        let ask = self.client.authorize_url(flow, move || state, move || nonce).set_pkce_challenge(challenge);
        // The library asks for `openid` by itself.
        let scopes = oidc.scopes.iter().filter(|scope| *scope != "openid").cloned().map(Scope::new);
        ask.add_scopes(scopes).url().0
    }

    /// What the provider says of whom it gave this code.
    pub(super) async fn redeem(&self, code: &str, journey: &Journey) -> Result<Claims, EngineError> {
        let failed = |error: &dyn Error| refused(&self.name, error);
        let ask = self.client.exchange_code(AuthorizationCode::new(code.to_owned())).map_err(|error| failed(&error))?;
        let ask = ask.set_pkce_verifier(PkceCodeVerifier::new(journey.verifier.clone()));
        let tokens = ask.request_async(&self.http).await.map_err(|error| failed(&error))?;
        let nameless = || EngineError::Upstream(format!("{} gave no ID token", self.name));
        let token = tokens.id_token().ok_or_else(nameless)?;
        let claims = token
            .claims(&self.client.id_token_verifier(), &Nonce::new(journey.nonce.clone()))
            .map_err(|error| failed(&error))?;
        let subject = claims.subject().clone();
        let mut all = as_map(claims);
        let is_whole = self.wanted.iter().all(|claim| all.contains_key(claim));
        if !is_whole && self.client.user_info_url().is_some() {
            let ask = self.client.user_info(tokens.access_token().clone(), Some(subject.clone()));
            let ask = ask.map_err(|error| failed(&error))?;
            let more: UserInfoClaims<Others, CoreGenderClaim> =
                ask.request_async(&self.http).await.map_err(|error| failed(&error))?;
            for (name, value) in as_map(&more) {
                all.entry(name).or_insert(value);
            }
        }
        Ok(Claims { subject: subject.to_string(), all })
    }
}

fn as_map(claims: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(claims) {
        Ok(Value::Object(map)) => map,
        Ok(_) | Err(_) => Map::new(),
    }
}

fn is_signature(algorithm: &CoreJwsSigningAlgorithm) -> bool {
    !matches!(
        algorithm,
        CoreJwsSigningAlgorithm::HmacSha256
            | CoreJwsSigningAlgorithm::HmacSha384
            | CoreJwsSigningAlgorithm::HmacSha512
            | CoreJwsSigningAlgorithm::None
    )
}

/// What went wrong there, for the log and, without a secret, for people.
fn refused(name: &str, error: &dyn Error) -> EngineError {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    EngineError::Upstream(format!("{name} does not answer as an OpenID Connect provider: {text}"))
}

/// Our HTTP client for the library: no redirects, no waiting without end, no answers without end.
struct Http {
    roots: Vec<Certificate>,
    /// Whether the provider may be at an address of a private network.
    allow_private: bool,
}

#[derive(Debug, thiserror::Error)]
enum HttpError {
    #[error(transparent)]
    Asked(#[from] reqwest::Error),
    #[error(transparent)]
    Built(#[from] openidconnect::http::Error),
    #[error("{0}")]
    NotThere(String),
    #[error("the answer is larger than {LARGEST} bytes")]
    TooLarge,
}

impl Http {
    fn new(roots: &[CertificateDer<'static>], allow_private: bool) -> Result<Self, HttpError> {
        let roots = roots.iter().map(|root| Certificate::from_der(root)).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { roots, allow_private })
    }

    async fn ask(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let request: reqwest::Request = request.try_into()?;
        let client = self.client(request.url()).await?;
        let mut answer = client.execute(request).await.map_err(reqwest::Error::without_url)?;
        let mut response = openidconnect::http::Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            response = response.header(name, value);
        }
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(reqwest::Error::without_url)? {
            if body.len() + part.len() > LARGEST {
                return Err(HttpError::TooLarge);
            }
            body.extend_from_slice(&part);
        }
        Ok(response.body(body)?)
    }

    /// Discovery says where to go next: each address is looked at, and the one that was is connected to.
    async fn client(&self, url: &Url) -> Result<reqwest::Client, HttpError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("davit/", env!("CARGO_PKG_VERSION")))
            .tls_certs_merge(self.roots.clone())
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT);
        if let (false, Some(host)) = (self.allow_private, url.host()) {
            let way = Outgoing { allow_private: false, ca: None };
            let port = url.port_or_known_default().unwrap_or(443);
            let addresses = way.addresses(&host, port).await.map_err(|why| HttpError::NotThere(why.into_detail()))?;
            builder = builder.no_proxy();
            if let Host::Domain(name) = host {
                builder = builder.resolve_to_addrs(name, &addresses);
            }
        }
        Ok(builder.build()?)
    }
}

impl<'c> AsyncHttpClient<'c> for Http {
    type Error = HttpError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.ask(request))
    }
}
