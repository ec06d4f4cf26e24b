//! Signing in at a provider that signs with a real key and checks PKCE.

use super::{Browser, request};
use davit_domain::access::Role;
use davit_engine::apply::Apply;
use davit_testkit::app::{PASSWORD, TestApp};
use davit_testkit::fake_oidc::{CLIENT_ID, CLIENT_SECRET, FakeOidc, Twist};
use davit_testkit::slapd::Slapd;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{Client, Method, Response, redirect};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

struct Site {
    app: TestApp,
    provider: FakeOidc,
    /// A browser follows redirects; here a test does, one by one.
    http: Client,
}

const MAPPED: &str = "role = \"developer\"\n[identity.groups]\n\"acme/leads\" = \"leads\"\n\"acme/ops\" = \"ops\"\n";

impl Site {
    async fn start(more: &str) -> Self {
        let (app, provider) = (TestApp::start().await, FakeOidc::start().await);
        for group in ["leads", "ops"] {
            assert_eq!(app.post("/groups", json!({ "name": group })).await.0, 201);
        }
        app.engine().set_secret("acme", &CLIENT_SECRET.into(), "test").await.unwrap();
        provider.person(person("u-1", "ana"));
        let http = Client::builder().tls_certs_only([]).redirect(redirect::Policy::none()).build().unwrap();
        let site = Self { app, provider, http };
        site.configure(more).await;
        site
    }

    async fn configure(&self, more: &str) {
        let Self { app, provider, .. } = self;
        let document = format!(
            "{}[[identity]]\nid = \"acme\"\nkind = \"oidc\"\nname = \"Acme <SSO>\"\nissuer = {:?}\nclient_id = {CLIENT_ID:?}\n\
             client_secret = {{ secret = \"acme\" }}\n{more}",
            app.forge_table(),
            provider.url()
        );
        let mut values: BTreeMap<String, secrecy::SecretString> = BTreeMap::new();
        values.insert("env:TEST_TOKEN".into(), app.forge.token().to_owned().into());
        values.insert("env:TEST_SECRET".into(), app.forge.webhook_secret().into());
        app.engine().apply(Apply { document, values, prune: false, dry_run: false }, "test").await.unwrap();
    }

    async fn get(&self, url: &str, cookie: &str) -> Response {
        self.http.get(url).header(COOKIE, cookie).send().await.unwrap()
    }

    /// To the provider: where the browser comes back to, and the cookie that it keeps meanwhile.
    async fn leave(&self, path: &str, cookie: &str) -> (String, String) {
        let left = self.get(&format!("{}{path}", self.app.url()), cookie).await;
        assert_eq!(left.status(), 303, "{}", left.text().await.unwrap());
        let journey = set(&left, "davit_sign_in").unwrap();
        let there = self.get(left.headers()[LOCATION].to_str().unwrap(), "").await;
        assert_eq!(there.status(), 303, "{}", there.text().await.unwrap());
        (there.headers()[LOCATION].to_str().unwrap().to_owned(), journey)
    }

    /// All the way, as a browser goes it.
    async fn sign_in(&self) -> Response {
        let (back, journey) = self.leave("/auth/oidc/acme/start", "").await;
        self.get(&back, &journey).await
    }

    async fn signed_in(&self) -> Browser<'_> {
        let response = self.sign_in().await;
        assert_eq!(response.status(), 200);
        Browser { app: &self.app, cookie: set(&response, "davit_session").unwrap() }
    }

    async fn refused(&self) -> (u16, String) {
        let response = self.sign_in().await;
        assert_eq!(set(&response, "davit_session"), None);
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn groups(&self, name: &str) -> Value {
        self.app.get(&format!("/users/{name}")).await["groups"].clone()
    }
}

fn person(subject: &str, name: &str) -> Value {
    json!({ "sub": subject, "preferred_username": name, "name": "Ana Lovelace", "email": "ana@acme.example",
        "groups": ["acme/leads", "acme/everybody"] })
}

/// The cookie of this name as it is sent back, when the answer sets it to something.
fn set(response: &Response, name: &str) -> Option<String> {
    let values = response.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = values.filter_map(|value| value.split(';').next());
    pairs.filter(|pair| !pair.ends_with('=')).find(|pair| pair.starts_with(&format!("{name}="))).map(str::to_owned)
}

#[tokio::test]
async fn somebody_new_gets_an_account_with_the_groups_that_are_mapped() {
    let site = Site::start(MAPPED).await;
    let providers: Value =
        request(&site.app, Method::GET, "/auth/providers").send().await.unwrap().json().await.unwrap();
    let expected = json!({ "password": true, "items": [{ "id": "acme", "kind": "oidc", "name": "Acme <SSO>" }] });
    assert_eq!(providers, expected, "anybody may know");
    let browser = site.signed_in().await;
    let user = browser.get("/session").await["user"].clone();
    assert_eq!(
        (&user["name"], &user["role"], &user["source"]),
        (&json!("ana"), &json!("developer"), &json!("oidc:acme"))
    );
    assert_eq!((&user["display_name"], &user["email"]), (&json!("Ana Lovelace"), &json!("ana@acme.example")));
    assert_eq!(user["groups"], json!(["leads"]));
    assert_eq!(browser.get("/session/list").await["items"][0]["how"], "oidc:acme");

    site.provider.person(json!({ "sub": "u-1", "preferred_username": "ana.renamed", "groups": ["ACME/OPS"] }));
    assert_eq!(site.signed_in().await.get("/session").await["user"]["name"], "ana", "the same person");
    assert_eq!(site.groups("ana").await, json!(["ops"]), "as they are there now");
    site.provider.person(json!({ "sub": "u-1", "preferred_username": "ana" }));
    site.signed_in().await;
    assert_eq!(site.groups("ana").await, json!([]));
    assert_eq!(site.app.get("/users").await["items"].as_array().unwrap().len(), Role::ALL.len() + 1);
    site.app.finish().await;
}

#[tokio::test]
async fn groups_that_somebody_is_in_for_another_reason_stay() {
    let site = Site::start(MAPPED).await;
    site.signed_in().await;
    for group in ["leads", "ops"] {
        let (status, _) = site.app.call(Role::Admin, Method::PUT, &format!("/groups/{group}/members/ana"), None).await;
        assert!(status < 300, "{status}");
    }
    site.provider.person(json!({ "sub": "u-1", "preferred_username": "ana" }));
    site.signed_in().await;
    assert_eq!(site.groups("ana").await, json!(["leads", "ops"]));
    site.app.finish().await;
}

#[tokio::test]
async fn without_a_role_somebody_new_may_nothing() {
    let site = Site::start("").await;
    let browser = site.signed_in().await;
    assert_eq!(browser.get("/session").await["user"]["role"], Value::Null);
    assert_eq!(browser.status(Method::GET, "/export", Value::Null).await, 403);
    site.app.finish().await;
}

#[tokio::test]
async fn the_way_there_and_back_is_as_the_standard_says() {
    let site = Site::start("").await;
    let left = site.get(&format!("{}/auth/oidc/acme/start?next=/requests/7?tab=diff", site.app.url()), "").await;
    let whole = left.headers()[SET_COOKIE].to_str().unwrap();
    assert!(whole.ends_with("; Path=/auth/oidc; Max-Age=600; HttpOnly; SameSite=Lax"), "{whole}");
    assert_eq!(left.headers()["cache-control"], "no-store");
    let url = left.headers()[LOCATION].to_str().unwrap().to_owned();
    for part in ["response_type=code", "code_challenge_method=S256", "nonce=", "scope=openid+profile+email+groups"] {
        assert!(url.contains(part), "{part} in {url}");
    }
    let journey = set(&left, "davit_sign_in").unwrap();
    let there = site.get(&url, "").await;
    let back = site.get(there.headers()[LOCATION].to_str().unwrap(), &journey).await;
    assert_eq!(back.status(), 200);
    let cookies: Vec<&str> = back.headers().get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect();
    assert!(
        cookies.iter().any(|one| one.starts_with("davit_session=") && one.contains("SameSite=Strict")),
        "{cookies:?}"
    );
    assert!(cookies.iter().any(|one| one.starts_with("davit_sign_in=;") && one.contains("Max-Age=0")), "{cookies:?}");
    let page = back.text().await.unwrap();
    assert!(page.contains("content=\"0;url=/requests/7?tab=diff\""), "{page}");
    site.app.finish().await;
}

#[tokio::test]
async fn nobody_is_led_elsewhere() {
    let site = Site::start("").await;
    for next in
        ["https://evil.example/", "//evil.example", "/%5Cevil.example", "%2F%09%2Fevil.example", "javascript:alert(1)"]
    {
        let (back, journey) = site.leave(&format!("/auth/oidc/acme/start?next={next}"), "").await;
        let page = site.get(&back, &journey).await.text().await.unwrap();
        assert!(page.contains("content=\"0;url=/\"") && !page.contains("evil"), "{next}: {page}");
    }
    let (back, journey) = site.leave("/auth/oidc/acme/start?next=/%22%3E%3Cscript%3E", "").await;
    let page = site.get(&back, &journey).await.text().await.unwrap();
    assert!(!page.contains("<script>"), "{page}");
    site.app.finish().await;
}

#[tokio::test]
async fn tokens_that_are_not_for_us_let_nobody_in() {
    let site = Site::start("groups_claim = \"none\"\n").await;
    site.provider.userinfo(json!({ "none": [] }));
    for twist in [
        Twist::OtherNonce,
        Twist::OtherKey,
        Twist::OtherIssuer,
        Twist::OtherAudience,
        Twist::Expired,
        Twist::SharedSecret,
        Twist::Unsigned,
        Twist::OtherUserinfo,
        Twist::Redirects,
    ] {
        site.provider.twist(Some(twist));
        let (status, page) = site.refused().await;
        assert!(status >= 400 && page.contains("not signed in"), "{twist:?}: {status} {page}");
        assert!(!page.contains(CLIENT_SECRET) && page.contains("Acme &lt;SSO&gt;"), "{twist:?}: {page}");
    }
    site.provider.twist(Some(Twist::Refuses));
    assert_eq!(site.refused().await.0, 403);
    site.provider.twist(Some(Twist::OtherDiscovery));
    // What it says of itself is believed for a minute.
    site.app.advance(Duration::from_secs(61));
    let response = site.get(&format!("{}/auth/oidc/acme/start", site.app.url()), "").await;
    assert!(response.status().as_u16() >= 400);
    site.provider.twist(None);
    site.app.advance(Duration::from_secs(15));
    site.signed_in().await;
    site.app.finish().await;
}

#[tokio::test]
async fn a_provider_that_failed_is_not_asked_again_at_once_by_anybody() {
    let site = Site::start("").await;
    let start = format!("{}/auth/oidc/acme/start", site.app.url());
    let asked = || site.provider.asked().iter().filter(|path| path.contains("openid-configuration")).count();
    site.provider.twist(Some(Twist::OtherDiscovery));
    let many = futures::future::join_all((0..8).map(|_| site.get(&start, ""))).await;
    assert!(many.iter().all(|response| response.status() == 424));
    assert_eq!(asked(), 1, "once for all of them");
    site.provider.twist(None);
    let remembered = site.get(&start, "").await;
    assert_eq!(remembered.status(), 424);
    assert!(remembered.text().await.unwrap().contains("does not answer as an OpenID Connect provider"));
    site.app.advance(Duration::from_secs(15));
    let many = futures::future::join_all((0..8).map(|_| site.get(&start, ""))).await;
    assert!(many.iter().all(|response| response.status() == 303));
    assert_eq!(asked(), 2);
    site.app.finish().await;
}

#[tokio::test]
async fn a_provider_that_failed_is_asked_at_once_when_an_administrator_has_changed_something() {
    let site = Site::start("").await;
    let start = format!("{}/auth/oidc/acme/start", site.app.url());
    site.provider.twist(Some(Twist::OtherDiscovery));
    assert_eq!(site.get(&start, "").await.status(), 424);
    site.provider.twist(None);
    assert_eq!(site.get(&start, "").await.status(), 424, "remembered");
    site.app.engine().set_secret("ca", &Slapd::ca().into(), "test").await.unwrap();
    site.configure("ca = { secret = \"ca\" }\n").await;
    assert_eq!(site.get(&start, "").await.status(), 303);
    site.app.finish().await;
}

#[tokio::test]
async fn who_begins_too_often_waits() {
    let site = Site::start("").await;
    let leave_for = async |provider: &str, address: &str| {
        let start = format!("{}/auth/oidc/{provider}/start", site.app.url());
        let asked = site.http.get(start).header("x-forwarded-for", address);
        asked.send().await.unwrap().status().as_u16()
    };
    for _ in 0..600 {
        assert_eq!(leave_for("none", "192.0.2.1").await, 404);
    }
    for _ in 0..600 {
        assert_eq!(leave_for("acme", "192.0.2.1").await, 303, "what leads nowhere did not count");
    }
    assert_eq!(leave_for("acme", "192.0.2.1").await, 429);
    assert_eq!(leave_for("none", "192.0.2.1").await, 404);
    assert_eq!(leave_for("acme", "192.0.2.2").await, 303);
    site.app.advance(Duration::from_secs(60));
    assert_eq!(leave_for("acme", "192.0.2.1").await, 303);
    site.app.finish().await;
}

#[tokio::test]
async fn an_answer_counts_in_the_browser_that_asked_and_once() {
    let site = Site::start("").await;
    let (back, journey) = site.leave("/auth/oidc/acme/start", "").await;
    let (other_back, other_journey) = site.leave("/auth/oidc/acme/start", "").await;
    for cookie in ["", "davit_sign_in=", "davit_sign_in=nonsense", &other_journey] {
        let response = site.get(&back, cookie).await;
        assert_eq!((response.status().as_u16(), set(&response, "davit_session")), (403, None), "{cookie}");
    }
    assert_eq!(site.get(&other_back, &journey).await.status(), 403);
    assert_eq!(site.get(&back, &journey).await.status(), 200);
    let again = site.get(&back, &journey).await;
    assert_eq!(set(&again, "davit_session"), None, "the code is used up");
    site.app.finish().await;
}

#[tokio::test]
async fn who_takes_too_long_starts_again() {
    let site = Site::start("").await;
    let (back, journey) = site.leave("/auth/oidc/acme/start", "").await;
    site.app.advance(Duration::from_secs(601));
    assert_eq!(site.get(&back, &journey).await.status(), 403);
    site.app.finish().await;
}

#[tokio::test]
async fn no_provider_takes_an_account_over_by_its_name() {
    let site = Site::start("role = \"admin\"\n").await;
    site.provider.person(person("u-9", "admin"));
    let (status, page) = site.refused().await;
    assert_eq!(status, 403);
    assert!(page.contains("account named admin already"), "{page}");
    for name in ["", "a b", "../../etc", "x\u{0}y", &"x".repeat(65)] {
        site.provider.person(person("u-9", name));
        assert_eq!(site.refused().await.0, 403, "{name:?}");
    }
    site.app.finish().await;
}

#[tokio::test]
async fn one_links_a_provider_to_ones_account() {
    let site = Site::start(MAPPED).await;
    let link = format!("{}/auth/oidc/acme/link?next=/account", site.app.url());
    assert_eq!(site.get(&link, "").await.status(), 401, "somebody has to be signed in");
    let viewer = Browser::log_in(&site.app, "viewer", PASSWORD).await;
    let (back, journey) = site.leave("/auth/oidc/acme/link?next=/account", &viewer.cookie).await;
    // On the way back from another site the session's cookie is not sent along.
    let linked = site.get(&back, &journey).await;
    assert_eq!((linked.status().as_u16(), set(&linked, "davit_session")), (200, None));
    assert!(linked.text().await.unwrap().contains("url=/account"));
    assert_eq!(site.signed_in().await.get("/session").await["user"]["name"], "viewer");
    assert_eq!(site.groups("viewer").await, json!(["leads"]));

    let reviewer = Browser::log_in(&site.app, "reviewer", PASSWORD).await;
    let (back, journey) = site.leave("/auth/oidc/acme/link", &reviewer.cookie).await;
    assert_eq!(site.get(&back, &journey).await.status(), 409, "that is somebody else already");
    site.app.finish().await;
}

#[tokio::test]
async fn a_token_links_nobody_to_the_account_of_its_owner() {
    let site = Site::start(MAPPED).await;
    let link = format!("{}/auth/oidc/acme/link", site.app.url());
    let asked = site.http.get(link).bearer_auth(site.app.token(Role::Admin)).send().await.unwrap();
    assert_eq!((asked.status().as_u16(), set(&asked, "davit_sign_in")), (403, None));
    site.app.finish().await;
}

#[tokio::test]
async fn a_session_that_ended_on_the_way_links_nobody() {
    let site = Site::start(MAPPED).await;
    let viewer = Browser::log_in(&site.app, "viewer", PASSWORD).await;
    let (back, journey) = site.leave("/auth/oidc/acme/link", &viewer.cookie).await;
    assert_eq!(viewer.status(Method::DELETE, "/session", Value::Null).await, 204);
    assert_eq!(site.get(&back, &journey).await.status(), 403);

    let viewer = Browser::log_in(&site.app, "viewer", PASSWORD).await;
    let (back, journey) = site.leave("/auth/oidc/acme/link", &viewer.cookie).await;
    let off = Some(json!({ "disabled": true }));
    assert_eq!(site.app.call(Role::Admin, Method::PATCH, "/users/viewer", off).await.0, 200);
    assert_eq!(site.get(&back, &journey).await.status(), 403);
    assert_eq!(site.app.get("/users/viewer").await["identities"], json!([]));
    site.app.finish().await;
}

#[tokio::test]
async fn a_disabled_account_stays_out() {
    let site = Site::start("").await;
    site.signed_in().await;
    let off = Some(json!({ "disabled": true }));
    assert_eq!(site.app.call(Role::Admin, Method::PATCH, "/users/ana", off).await.0, 200);
    let (status, page) = site.refused().await;
    assert_eq!(status, 403);
    assert!(page.contains("disabled"), "{page}");
    site.app.finish().await;
}

#[tokio::test]
async fn what_the_token_leaves_out_userinfo_says() {
    let site = Site::start(MAPPED).await;
    site.provider.person(json!({ "sub": "u-1", "preferred_username": "ana" }));
    site.provider.userinfo(json!({ "groups": ["acme/leads"], "email": "x@acme.example", "email_verified": false }));
    let browser = site.signed_in().await;
    let user = browser.get("/session").await["user"].clone();
    assert_eq!((&user["groups"], &user["email"]), (&json!(["leads"]), &Value::Null), "an address that nobody checked");
    site.app.finish().await;
}

#[tokio::test]
async fn two_who_are_one_arrive_at_once() {
    let site = Site::start("").await;
    let both = [site.leave("/auth/oidc/acme/start", "").await, site.leave("/auth/oidc/acme/start", "").await];
    let arrived = futures::future::join_all(both.iter().map(|(back, journey)| site.get(back, journey))).await;
    assert!(arrived.iter().all(|response| response.status() == 200));
    assert_eq!(site.app.get("/users").await["items"].as_array().unwrap().len(), Role::ALL.len() + 1);
    site.app.finish().await;
}

#[tokio::test]
async fn a_provider_at_a_private_address_needs_an_administrators_word() {
    let site = Site::start("allow_private = false\n").await;
    let response = site.get(&format!("{}/auth/oidc/acme/start", site.app.url()), "").await;
    assert_eq!(response.status(), 424);
    assert!(response.text().await.unwrap().contains("private"));
    assert!(site.provider.asked().is_empty(), "nothing was sent");
    site.app.finish().await;
}

#[tokio::test]
async fn there_is_nothing_where_no_provider_is() {
    let site = Site::start("").await;
    for path in ["/auth/oidc/none/start", "/auth/oidc/none/callback?state=x&code=y", "/auth/oidc/%00/start"] {
        let status = site.get(&format!("{}{path}", site.app.url()), "").await.status().as_u16();
        assert!(matches!(status, 403 | 404), "{path}: {status}");
    }
    site.app.finish().await;
}

#[tokio::test]
async fn the_name_may_be_what_userinfo_says() {
    let site = Site::start(MAPPED).await;
    site.provider.person(json!({ "sub": "u-1", "groups": ["acme/leads"] }));
    site.provider.userinfo(json!({ "preferred_username": "ana" }));
    let browser = site.signed_in().await;
    assert_eq!(browser.get("/session").await["user"]["name"], "ana");
    site.app.finish().await;
}

#[tokio::test]
async fn a_provider_that_is_taken_away_takes_its_groups_along_but_not_the_last_administrator() {
    let site = Site::start(MAPPED).await;
    site.signed_in().await;
    assert_eq!(site.groups("ana").await, json!(["leads"]));
    let role = Some(json!({ "role": "admin" }));
    assert_eq!(site.app.call(Role::Admin, Method::PATCH, "/users/ana", role).await.0, 200);
    let off = Some(json!({ "disabled": true }));
    let (status, answer) = site.app.call(Role::Admin, Method::PATCH, "/users/admin", off).await;
    assert_eq!(status, 200, "ana is one still: {answer}");

    let away = async || {
        let document = site.app.forge_table();
        site.app.engine().apply(Apply { document, values: BTreeMap::new(), prune: true, dry_run: false }, "test").await
    };
    let refused = away().await.expect_err("nobody could sign in").to_string();
    assert!(refused.contains("every administrator signs in through"), "{refused}");
    site.app.engine().disable_user("admin", false).await.unwrap();
    away().await.unwrap();
    assert_eq!(site.groups("ana").await, json!([]));
    let mapped = site.app.get("/feed?action=groups_mapped&limit=1").await["items"][0]["detail"].clone();
    assert_eq!((&mapped["left"], &mapped["provider"]), (&json!(["leads"]), &json!("oidc:acme")), "{mapped}");
    let off = Some(json!({ "disabled": true }));
    let (status, _) = site.app.call(Role::Admin, Method::PATCH, "/users/admin", off).await;
    assert_eq!(status, 409, "ana has no way in any more");
    site.app.finish().await;
}

#[tokio::test]
async fn signing_in_again_ends_the_session_that_the_browser_had() {
    let site = Site::start("").await;
    let before = site.signed_in().await;
    let (back, journey) = site.leave("/auth/oidc/acme/start", &before.cookie).await;
    assert_eq!(site.get(&back, &journey).await.status(), 200);
    let session = site.get(&format!("{}/api/v1/session", site.app.url()), &before.cookie).await;
    assert_eq!(session.status(), 401);
    site.app.finish().await;
}
