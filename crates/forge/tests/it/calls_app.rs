//! davit as a GitHub App: its JWTs, and the tokens that it gets for them.

use crate::calls_server::{REPOSITORY, Reply, Seen, Server, client, permanent, reply, status};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use davit_domain::config::ForgeKind;
use davit_forge::{Client, ClientError, Credential, Setup};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

const APP: &str = "Iv23li.App";

pub(crate) struct Key {
    pkcs8: Vec<u8>,
    public: Vec<u8>,
}

impl Key {
    pub(crate) fn new() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let pkcs8: Pkcs8V1Der<'static> = pair.as_der().expect("DER");
        Self { pkcs8: pkcs8.as_ref().to_vec(), public: pair.public_key().as_ref().to_vec() }
    }

    /// As GitHub gives it: PKCS #8 is the same behind a header of 26 bytes.
    pub(crate) fn pkcs1_pem(&self) -> SecretString {
        pem("RSA PRIVATE KEY", &self.pkcs8[26..])
    }

    /// The claims of a JWT that this key signed.
    fn claims(&self, seen: &Seen) -> Value {
        let jwt = bearer(seen);
        let (signed, signature) = jwt.rsplit_once('.').expect("three parts");
        let (head, claims) = signed.split_once('.').expect("three parts");
        let part = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64url without padding");
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &self.public);
        key.verify(signed.as_bytes(), &part(signature)).expect("signed with the App's key");
        let head: Value = serde_json::from_slice(&part(head)).expect("JSON");
        assert_eq!(head, json!({ "alg": "RS256", "typ": "JWT" }));
        serde_json::from_slice(&part(claims)).expect("JSON")
    }
}

fn pem(label: &str, der: &[u8]) -> SecretString {
    let body = STANDARD.encode(der).into_bytes();
    let lines: Vec<_> = body.chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    SecretString::from(format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n")))
}

fn bearer(seen: &Seen) -> String {
    let value = seen.headers["authorization"].to_str().expect("text");
    value.strip_prefix("Bearer ").expect("a bearer token").to_owned()
}

fn app(url: &str, private_key: SecretString) -> Client {
    client(ForgeKind::Github, url, Credential::App { id: APP.to_owned(), private_key })
}

/// A GitHub with the App installed for everybody. Its clock is `skew` seconds ahead; tokens live for `life` seconds.
/// The tokens are `token-1`, `token-2`, …, and those up to `revoked` are refused.
struct Installed {
    server: Server,
    revoked: Arc<AtomicUsize>,
}

impl Installed {
    async fn start(skew: i64, life: i64) -> Self {
        let revoked = Arc::new(AtomicUsize::new(0));
        let (known, made) = (Arc::clone(&revoked), AtomicUsize::new(0));
        let answer = move |seen: &Seen| {
            let now = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(skew);
            let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now).expect("a date");
            answer(seen, now, life, &made, &known).header("date", date)
        };
        Self { server: Server::answering(answer).await, revoked }
    }
}

fn answer(seen: &Seen, now: jiff::Timestamp, life: i64, made: &AtomicUsize, revoked: &AtomicUsize) -> Reply {
    if seen.line.ends_with("/installation") {
        let claims = URL_SAFE_NO_PAD.decode(bearer(seen).split('.').nth(1).expect("claims")).expect("base64url");
        let claims: Value = serde_json::from_slice(&claims).expect("JSON");
        let (from, to) = (claims["iat"].as_i64().expect("iat"), claims["exp"].as_i64().expect("exp"));
        if from > now.as_second() || to <= now.as_second() || to > now.as_second() + 600 {
            return reply(
                401,
                &json!({ "message": "'Issued at' claim ('iat') must be an Integer representing the time" }),
            );
        }
        return reply(200, &json!({ "id": 77 }));
    }
    if seen.line == "POST /app/installations/77/access_tokens" {
        let number = made.fetch_add(1, Ordering::SeqCst) + 1;
        let expires_at = now + jiff::SignedDuration::from_secs(life);
        let permissions = json!({ "metadata": "read", "contents": "read", "statuses": "write", "deployments": "read",
            "pull_requests": "write", "repository_hooks": "admin" });
        return reply(
            201,
            &json!({ "token": format!("token-{number}"), "expires_at": expires_at.to_string(), "permissions": permissions }),
        );
    }
    let number: usize = bearer(seen).strip_prefix("token-").expect("a token of ours").parse().expect("a number");
    if number <= revoked.load(Ordering::SeqCst) {
        return reply(401, &json!({ "message": "Bad credentials" }));
    }
    if seen.line.starts_with("GET /repos/") {
        return reply(200, &json!({ "full_name": REPOSITORY, "default_branch": "main", "private": true }));
    }
    reply(201, &json!({}))
}

#[tokio::test]
async fn a_token_is_made_once_an_owner() {
    let key = Key::new();
    let github = Installed::start(0, 3600).await;
    let client = app(&github.server.url, key.pkcs1_pem());
    let before = jiff::Timestamp::now().as_second();
    client.set_status(&status()).await.expect("set");
    client.set_status(&status()).await.expect("set");
    let mut other = status();
    other.repository = "Acme/blog".to_owned();
    client.set_status(&other).await.expect("set");
    other.repository = "ada/blog".to_owned();
    client.set_status(&other).await.expect("set");
    let after = jiff::Timestamp::now().as_second();
    let sha = &status().commit;
    assert_eq!(
        github.server.lines(),
        [
            "GET /repos/acme/shop/installation".to_owned(),
            "POST /app/installations/77/access_tokens".to_owned(),
            format!("POST /repos/acme/shop/statuses/{sha}"),
            format!("POST /repos/acme/shop/statuses/{sha}"),
            format!("POST /repos/Acme/blog/statuses/{sha}"),
            "GET /repos/ada/blog/installation".to_owned(),
            "POST /app/installations/77/access_tokens".to_owned(),
            format!("POST /repos/ada/blog/statuses/{sha}"),
        ]
    );
    let seen = github.server.seen();
    for jwt in &seen[..2] {
        let claims = key.claims(jwt);
        let (from, to) = (claims["iat"].as_i64().expect("iat"), claims["exp"].as_i64().expect("exp"));
        assert!((before - 60..=after - 60).contains(&from), "{claims} between {before} and {after}");
        assert_eq!(to - from, 10 * 60, "GitHub takes ten minutes at most");
        assert_eq!(claims["iss"], APP);
    }
    assert_eq!(bearer(&seen[4]), "token-1");
    assert_eq!(bearer(&seen[7]), "token-2");
}

#[tokio::test]
async fn who_comes_together_shares_a_token() {
    let key = Key::new();
    let github = Installed::start(0, 3600).await;
    let client = app(&github.server.url, key.pkcs1_pem());
    let wanted = status();
    let (a, b, c) = tokio::join!(client.set_status(&wanted), client.git_token(REPOSITORY), client.set_status(&wanted));
    a.and(c).expect("set");
    assert_eq!(b.expect("a token").expect("a token").expose_secret(), "token-1");
    assert_eq!(github.server.lines().iter().filter(|line| line.ends_with("access_tokens")).count(), 1);
}

#[tokio::test]
async fn git_gets_a_token_that_lives_for_a_while() {
    let key = Key::new();
    for (life, made) in [(5 * 60 + 30, 1), (5 * 60 - 30, 2)] {
        let github = Installed::start(0, life).await;
        let client = app(&github.server.url, key.pkcs1_pem());
        for _ in 0..2 {
            let token = client.git_token(REPOSITORY).await.expect("a token").expect("a token");
            assert!(token.expose_secret().starts_with("token-"));
        }
        let asked = github.server.lines().iter().filter(|line| line.ends_with("access_tokens")).count();
        assert_eq!(asked, made, "{life}");
    }
}

#[tokio::test]
async fn a_token_that_was_revoked_is_replaced() {
    let key = Key::new();
    let github = Installed::start(0, 3600).await;
    let client = app(&github.server.url, key.pkcs1_pem());
    client.set_status(&status()).await.expect("set");
    github.revoked.store(1, Ordering::SeqCst);
    client.set_status(&status()).await.expect("set with a new token");
    assert_eq!(bearer(github.server.seen().last().expect("a request")), "token-2");

    github.revoked.store(usize::MAX, Ordering::SeqCst);
    let before = github.server.seen().len();
    assert_eq!(permanent(client.set_status(&status()).await).0, Some(401));
    assert_eq!(github.server.seen().len() - before, 4, "the old one, two calls for a new one, the new one");
}

#[tokio::test]
async fn clocks_may_differ() {
    let key = Key::new();
    for skew in [-1800, 1800] {
        let github = Installed::start(skew, 3600).await;
        let client = app(&github.server.url, key.pkcs1_pem());
        client.set_status(&status()).await.expect("by GitHub's clock");
        client.set_status(&status()).await.expect("with the token, which lives by GitHub's clock");
        let sha = status().commit;
        assert_eq!(
            github.server.lines(),
            [
                "GET /repos/acme/shop/installation".to_owned(),
                "GET /repos/acme/shop/installation".to_owned(),
                "POST /app/installations/77/access_tokens".to_owned(),
                format!("POST /repos/acme/shop/statuses/{sha}"),
                format!("POST /repos/acme/shop/statuses/{sha}"),
            ],
            "one refusal is enough to know GitHub's clock"
        );
    }
}

#[tokio::test]
async fn an_app_knows_exactly_what_it_may() {
    let key = Key::new();
    let github = Installed::start(0, 3600).await;
    let access = app(&github.server.url, key.pkcs1_pem()).check(REPOSITORY).await.expect("visible");
    let granted: Vec<_> = access.needs.iter().map(|need| (need.what, need.granted)).collect();
    assert_eq!(
        granted,
        [
            ("read the code", Some(true)),
            ("set commit statuses", Some(true)),
            ("report deployments", Some(false)),
            ("set its webhook and ask for what that missed", Some(true)),
            ("see pull requests", Some(true)),
            ("see checks", Some(false)),
        ]
    );
    assert_eq!(github.server.lines().last().map(String::as_str), Some("GET /repos/acme/shop"));
}

#[tokio::test]
async fn an_app_that_is_not_installed_says_where_to_install_it() {
    let key = Key::new();
    for (replies, says) in [
        (vec![reply(404, &json!({ "message": "Not Found" }))], "Install the App for this repository's owner"),
        (vec![reply(401, &json!({ "message": "A JSON web token could not be decoded" }))], "one of the App's"),
        (vec![reply(200, &json!({ "id": 77 })), reply(403, &json!({ "message": "suspended" }))], "is suspended"),
    ] {
        let server = Server::start(replies).await;
        let client = app(&server.url, key.pkcs1_pem());
        let (_, detail) = permanent(client.set_status(&status()).await);
        assert!(detail.contains(says), "{detail}");
        let jwt = bearer(&server.seen()[0]);
        assert!(!detail.contains(&jwt));
    }
}

#[tokio::test]
async fn no_error_of_an_app_shows_a_token() {
    let key = Key::new();
    let echoed = Arc::new(AtomicI64::new(0));
    let count = Arc::clone(&echoed);
    let server = Server::answering(move |seen: &Seen| {
        if seen.line.ends_with("/installation") {
            return reply(200, &json!({ "id": 77 }));
        }
        if seen.line.ends_with("/access_tokens") {
            return reply(201, &json!({ "token": "ghs_sesame", "expires_at": "2999-01-01T00:00:00Z" }));
        }
        count.fetch_add(1, Ordering::SeqCst);
        reply(422, &json!({ "message": format!("you said {}", bearer(seen)) }))
    })
    .await;
    let client = app(&server.url, key.pkcs1_pem());
    let (_, detail) = permanent(client.set_status(&status()).await);
    assert!(detail.contains("you said [secret]") && !detail.contains("sesame"), "{detail}");
    assert_eq!(echoed.load(Ordering::SeqCst), 1);
    assert!(!format!("{client:?}").contains("sesame"));
}

#[test]
fn keys_are_taken_as_they_are_given_and_nothing_else_is() {
    let key = Key::new();
    let make = |kind, id: &str, private_key: SecretString| {
        let credential = Credential::App { id: id.to_owned(), private_key };
        Client::new(Setup { kind, api_url: "https://x/", credential, ca_pem: None, proxy: None }).err()
    };
    assert_eq!(make(ForgeKind::Github, "12345", key.pkcs1_pem()), None);
    assert_eq!(make(ForgeKind::Github, APP, pem("PRIVATE KEY", &key.pkcs8)), None);
    for bad in ["", "nonsense", "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n"] {
        assert_eq!(make(ForgeKind::Github, APP, SecretString::from(bad)), Some(ClientError::AppKey), "{bad:?}");
    }
    assert_eq!(make(ForgeKind::Github, "", key.pkcs1_pem()), Some(ClientError::AppId));
    assert_eq!(make(ForgeKind::Github, "1 2", key.pkcs1_pem()), Some(ClientError::AppId));
    for kind in [ForgeKind::Gitlab, ForgeKind::Gitea, ForgeKind::Gitee] {
        assert_eq!(make(kind, APP, key.pkcs1_pem()), Some(ClientError::NoApps));
    }
}
