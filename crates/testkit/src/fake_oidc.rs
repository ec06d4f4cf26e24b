//! An OpenID Connect provider that signs with a real RSA key, asks for PKCE, and hands each code out for one token.
//!
//! Whoever comes to it is signed in at once, as the person the test says. What it answers follows OpenID Connect Core
//! 1.0, Discovery 1.0 and RFC 7636; what it can do wrong is a [`Twist`].

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What davit is called there.
pub const CLIENT_ID: &str = "davit";
/// davit's secret there.
pub const CLIENT_SECRET: &str = "what the provider knows of davit";

/// What it does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Twist {
    /// The token is of another try.
    OtherNonce,
    /// The token is signed with a key that is not in its set.
    OtherKey,
    /// The token says that another provider made it.
    OtherIssuer,
    /// The token is for another client.
    OtherAudience,
    /// The token has ended.
    Expired,
    /// The token is signed with the client's secret.
    SharedSecret,
    /// The token is not signed.
    Unsigned,
    /// `userinfo` tells of somebody else.
    OtherUserinfo,
    /// Discovery tells of another issuer.
    OtherDiscovery,
    /// Everything but discovery leads elsewhere.
    Redirects,
    /// It lets nobody in.
    Refuses,
}

/// A running provider. It stops when it is dropped.
#[derive(Debug)]
pub struct FakeOidc {
    url: String,
    shared: Arc<Shared>,
    _stop: DropGuard,
}

#[derive(Debug)]
struct Shared {
    url: String,
    key: KeyPair,
    other_key: KeyPair,
    state: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    person: Value,
    userinfo: Value,
    twist: Option<Twist>,
    codes: BTreeMap<String, Code>,
    /// The claims of each access token.
    tokens: BTreeMap<String, Value>,
    asked: Vec<String>,
}

#[derive(Debug, Clone)]
struct Code {
    redirect_uri: String,
    challenge: String,
    nonce: String,
}

impl FakeOidc {
    /// Starts a provider.
    ///
    /// # Panics
    /// When there is no port or no key to be had.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a loopback port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let key = || KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let (key, other_key) = (key(), key());
        let shared = Arc::new(Shared { url: url.clone(), key, other_key, state: Mutex::default() });
        let routes = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/userinfo", get(userinfo))
            .with_state(Arc::clone(&shared));
        let stop = CancellationToken::new();
        let served = async move { axum::serve(listener, routes).await.expect("it serves until it is dropped") };
        tokio::spawn(stop.clone().run_until_cancelled_owned(served));
        Self { url, shared, _stop: stop.drop_guard() }
    }

    /// The issuer.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whoever comes from now on is this person: claims of the ID token, `sub` among them.
    pub fn person(&self, claims: Value) {
        self.shared.memory().person = claims;
    }

    /// What `userinfo` adds for whoever comes from now on.
    pub fn userinfo(&self, claims: Value) {
        self.shared.memory().userinfo = claims;
    }

    /// From now on it does this wrong.
    pub fn twist(&self, twist: Option<Twist>) {
        self.shared.memory().twist = twist;
    }

    /// The paths that were asked for, in their order, `/authorize` with its query.
    #[must_use]
    pub fn asked(&self) -> Vec<String> {
        self.shared.memory().asked.clone()
    }
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signed(&self, claims: &Value, twist: Option<Twist>) -> String {
        let key = if twist == Some(Twist::OtherKey) { &self.other_key } else { &self.key };
        let algorithm = if twist == Some(Twist::SharedSecret) {
            "HS256"
        } else if twist == Some(Twist::Unsigned) {
            "none"
        } else {
            "RS256"
        };
        let header = json!({ "alg": algorithm, "typ": "JWT", "kid": "one" });
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&header), part(claims));
        let signature = match algorithm {
            "HS256" => {
                let mut mac = Hmac::<Sha256>::new_from_slice(CLIENT_SECRET.as_bytes()).expect("a key of any length");
                mac.update(text.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
            "none" => Vec::new(),
            _ => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
                    .expect("a signature");
                signature
            }
        };
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

type Params = BTreeMap<String, String>;

async fn discovery(State(shared): State<Arc<Shared>>) -> Json<Value> {
    let mut memory = shared.memory();
    memory.asked.push("/.well-known/openid-configuration".to_owned());
    let url = &shared.url;
    let issuer = if memory.twist == Some(Twist::OtherDiscovery) { "https://evil.example" } else { url };
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "userinfo_endpoint": format!("{url}/userinfo"),
        "jwks_uri": format!("{url}/keys"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        "code_challenge_methods_supported": ["S256"],
    }))
}

async fn keys(State(shared): State<Arc<Shared>>) -> Response {
    shared.memory().asked.push("/keys".to_owned());
    let (modulus, exponent) = numbers(shared.key.public_key().as_ref());
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let key =
        json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": "one", "n": part(modulus), "e": part(exponent) });
    Json(json!({ "keys": [key] })).into_response()
}

async fn authorize(State(shared): State<Arc<Shared>>, Query(ask): Query<Params>) -> Response {
    let part = |name: &str| ask.get(name).cloned().unwrap_or_default();
    let mut memory = shared.memory();
    memory.asked.push(format!("/authorize {ask:?}"));
    let scopes = part("scope");
    if part("response_type") != "code" || part("client_id") != CLIENT_ID || !scopes.split(' ').any(|s| s == "openid") {
        return (StatusCode::BAD_REQUEST, "not a request for a code").into_response();
    }
    if part("code_challenge_method") != "S256" || part("code_challenge").len() < 43 || part("state").is_empty() {
        return (StatusCode::BAD_REQUEST, "this provider asks for PKCE and a state").into_response();
    }
    let (back, state) = (part("redirect_uri"), part("state"));
    if memory.twist == Some(Twist::Refuses) {
        return Redirect::to(&format!("{back}?error=access_denied&state={state}")).into_response();
    }
    let code = format!("code-{}", rand::random::<u64>());
    let kept = Code { redirect_uri: back.clone(), challenge: part("code_challenge"), nonce: part("nonce") };
    memory.codes.insert(code.clone(), kept);
    Redirect::to(&format!("{back}?code={code}&state={state}")).into_response()
}

async fn token(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: String) -> Response {
    let ask: Params = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let refuse = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    let part = |name: &str| ask.get(name).map_or("", String::as_str);
    let mut memory = shared.memory();
    memory.asked.push("/token".to_owned());
    if memory.twist == Some(Twist::Redirects) {
        return Redirect::temporary("http://127.0.0.1:1/").into_response();
    }
    if !is_client(&headers) {
        return refuse("invalid_client");
    }
    // Each code is good for once (RFC 6749, 4.1.2).
    let Some(code) = memory.codes.remove(part("code")) else { return refuse("invalid_grant") };
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(part("code_verifier")));
    if part("grant_type") != "authorization_code" || code.redirect_uri != part("redirect_uri") {
        return refuse("invalid_grant");
    }
    if code.challenge != challenge {
        return refuse("invalid_grant");
    }
    let token = format!("access-{}", rand::random::<u64>());
    let mut more = memory.userinfo.clone();
    let other = memory.twist == Some(Twist::OtherUserinfo);
    more["sub"] = if other { "somebody else".into() } else { memory.person["sub"].clone() };
    memory.tokens.insert(token.clone(), more);
    let (twist, person) = (memory.twist, memory.person.clone());
    drop(memory);
    let id_token = shared.signed(&claims(&shared.url, person, &code.nonce, twist), twist);
    Json(json!({ "access_token": token, "token_type": "Bearer", "expires_in": 300, "id_token": id_token }))
        .into_response()
}

async fn userinfo(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    let mut memory = shared.memory();
    memory.asked.push("/userinfo".to_owned());
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match memory.tokens.get(bearer.trim_start_matches("Bearer ")) {
        Some(claims) => Json(claims.clone()).into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}

fn claims(url: &str, person: Value, nonce: &str, twist: Option<Twist>) -> Value {
    // The real time: that is the one a token is looked at with.
    let now = jiff::Timestamp::now().as_second();
    let mut claims = person;
    claims["iss"] = if twist == Some(Twist::OtherIssuer) { "https://evil.example".into() } else { url.into() };
    claims["aud"] = if twist == Some(Twist::OtherAudience) { "another".into() } else { CLIENT_ID.into() };
    claims["nonce"] = if twist == Some(Twist::OtherNonce) { "another".into() } else { nonce.into() };
    claims["iat"] = (now - 1000).into();
    claims["exp"] = if twist == Some(Twist::Expired) { (now - 500).into() } else { (now + 300).into() };
    claims
}

/// The client proves itself with HTTP Basic, name and secret form-encoded (RFC 6749, 2.3.1).
fn is_client(headers: &HeaderMap) -> bool {
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let told = STANDARD.decode(basic.trim_start_matches("Basic ")).unwrap_or_default();
    let secret = CLIENT_SECRET.replace(' ', "+");
    told == format!("{CLIENT_ID}:{secret}").into_bytes()
}

/// Modulus and exponent of an RSA public key: a DER sequence of two integers (RFC 8017, A.1.1).
fn numbers(der: &[u8]) -> (&[u8], &[u8]) {
    let (sequence, _) = element(der);
    let (modulus, rest) = element(sequence);
    let (exponent, _) = element(rest);
    (without_sign(modulus), without_sign(exponent))
}

/// What a DER element holds, and what comes after it.
fn element(der: &[u8]) -> (&[u8], &[u8]) {
    let short = usize::from(der[1]);
    let (length, start) = match short {
        0..=127 => (short, 2),
        more => {
            let octets = &der[2..2 + (more - 128)];
            (octets.iter().fold(0, |length, octet| length * 256 + usize::from(*octet)), 2 + octets.len())
        }
    };
    der[start..].split_at(length)
}

/// A positive integer may begin with a zero that is no part of the number.
fn without_sign(integer: &[u8]) -> &[u8] {
    integer.strip_prefix(&[0]).unwrap_or(integer)
}
