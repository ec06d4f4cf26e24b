//! Webhooks of every kind of forge, through the real route: taken once, refused without a trace, never punished for
//! being uninteresting.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use davit_domain::time::Timestamp;
use davit_testkit::app::{Database, TestApp};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use sha2::Sha256;
use std::path::Path;
use std::time::Duration;

const SECRET: &str = "a secret of six forges";
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

/// A forge in `davit.toml`, and how it signs.
struct Hook {
    id: &'static str,
    table: &'static str,
    /// The header with the proof.
    proof: &'static str,
    covers_body: bool,
    /// A push, and something that davit does nothing about: the forge's words for them.
    push: (&'static str, &'static str),
    other: &'static str,
    sign: fn(&Message<'_>) -> Vec<(&'static str, String)>,
}

/// What is signed.
struct Message<'a> {
    secret: &'a str,
    event: &'a str,
    /// Of the delivery.
    id: &'a str,
    at: Timestamp,
    body: &'a [u8],
}

const HOOKS: [Hook; 7] = [
    Hook {
        id: "github",
        table: "kind = \"github\"",
        proof: "x-hub-signature-256",
        covers_body: true,
        push: ("push", "push.branch"),
        other: "star",
        sign: |m| {
            vec![
                ("x-github-event", m.event.to_owned()),
                ("x-github-delivery", m.id.to_owned()),
                ("x-hub-signature-256", format!("sha256={}", hex(&mac(m.secret.as_bytes(), m.body)))),
            ]
        },
    },
    Hook {
        id: "lab-token",
        table: "kind = \"gitlab\"",
        proof: "x-gitlab-token",
        covers_body: false,
        push: ("Push Hook", "gitlab/push"),
        other: "Issue Hook",
        sign: |m| {
            vec![
                ("x-gitlab-event", m.event.to_owned()),
                ("idempotency-key", m.id.to_owned()),
                ("x-gitlab-event-uuid", "shared-by-all".to_owned()),
                ("x-gitlab-token", m.secret.to_owned()),
            ]
        },
    },
    Hook {
        id: "lab-signed",
        table: "kind = \"gitlab\"\nsignature = \"standard-webhooks\"",
        proof: "webhook-signature",
        covers_body: true,
        push: ("Push Hook", "gitlab/push"),
        other: "Issue Hook",
        sign: |m| {
            let time = (m.at.millis() / 1000).to_string();
            let signed = [m.id.as_bytes(), b".", time.as_bytes(), b".", m.body].concat();
            let key = STANDARD.decode(&m.secret["whsec_".len()..]).unwrap();
            vec![
                ("x-gitlab-event", m.event.to_owned()),
                ("webhook-id", m.id.to_owned()),
                ("webhook-signature", format!("v1,{}", STANDARD.encode(mac(&key, &signed)))),
                ("webhook-timestamp", time),
            ]
        },
    },
    Hook {
        id: "tea",
        table: "kind = \"gitea\"\napi_url = \"https://gitea.example.com/api/v1\"",
        proof: "x-gitea-signature",
        covers_body: true,
        push: ("push", "gitea/push"),
        other: "issues",
        sign: |m| {
            let proof = hex(&mac(m.secret.as_bytes(), m.body));
            vec![
                ("x-gitea-event", m.event.to_owned()),
                ("x-gitea-delivery", m.id.to_owned()),
                ("x-hub-signature-256", format!("sha256={proof}")),
                ("x-gitea-signature", proof),
            ]
        },
    },
    Hook {
        id: "ee-signed",
        table: "kind = \"gitee\"",
        proof: "x-gitee-token",
        covers_body: false,
        push: ("Push Hook", "gitee/push"),
        other: "Issue Hook",
        sign: |m| {
            let time = m.at.millis().to_string();
            let signed = format!("{time}\n{}", m.secret);
            vec![
                ("x-gitee-event", m.event.to_owned()),
                ("x-gitee-token", STANDARD.encode(mac(m.secret.as_bytes(), signed.as_bytes()))),
                ("x-gitee-timestamp", time),
            ]
        },
    },
    Hook {
        id: "ee-password",
        table: "kind = \"gitee\"\nsignature = \"token\"",
        proof: "x-gitee-token",
        covers_body: false,
        push: ("Push Hook", "gitee/push"),
        other: "Issue Hook",
        sign: |m| {
            vec![
                ("x-gitee-event", m.event.to_owned()),
                ("x-gitee-timestamp", m.at.millis().to_string()),
                ("x-gitee-token", m.secret.to_owned()),
            ]
        },
    },
    Hook {
        id: "else",
        table: "kind = \"generic\"\ngeneric = { header = \"X-Proof\", delivery_header = \"X-Delivery\", \
                repository = \"/repository/full_name\", ref = \"/ref\", commit = \"/after\" }",
        proof: "x-proof",
        covers_body: true,
        push: ("push", "generic/push"),
        other: "push",
        sign: |m| vec![("x-delivery", m.id.to_owned()), ("x-proof", hex(&mac(m.secret.as_bytes(), m.body)))],
    },
];

impl Hook {
    fn secret(&self) -> String {
        if self.proof == "webhook-signature" { format!("whsec_{}", STANDARD.encode(SECRET)) } else { SECRET.to_owned() }
    }

    fn headers(&self, app: &TestApp, secret: &str, event: &str, id: &str, body: &[u8]) -> HeaderMap {
        let message = Message { secret, event, id, at: app.engine().now(), body };
        let mut headers: HeaderMap = (self.sign)(&message)
            .into_iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(&value).unwrap()))
            .collect();
        headers.insert("content-type", HeaderValue::from_static(JSON));
        headers
    }

    fn genuine(&self, app: &TestApp, event: &str, id: &str, body: &[u8]) -> HeaderMap {
        self.headers(app, &self.secret(), event, id, body)
    }
}

/// A davit with all of these forges. `github` is the fake's, with a secret of its own before.
async fn start(database: Database) -> TestApp {
    let app = TestApp::start_on(database).await;
    let (mut document, mut values) = (String::new(), json!({}));
    for hook in &HOOKS {
        let name = format!("SECRET_OF_{}", hook.id.to_uppercase().replace('-', "_"));
        document +=
            &format!("[[forge]]\nid = {:?}\n{}\nwebhook_secret = {{ env = {name:?} }}\n\n", hook.id, hook.table);
        values[format!("env:{name}")] = json!(hook.secret());
    }
    let (status, answer) = app.post("/apply", json!({ "document": document, "values": values })).await;
    assert_eq!(status, 200, "{answer}\n{document}");
    // Another secret is in force once the old one is forgotten.
    app.advance(Duration::from_secs(5));
    app
}

async fn send(app: &TestApp, forge: &str, headers: &HeaderMap, body: &[u8]) -> (u16, Value) {
    let url = format!("{}/hooks/{forge}", app.url());
    let answer = app.http().post(url).headers(headers.clone()).body(body.to_vec()).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap_or(Value::Null))
}

fn payload(name: &str) -> Vec<u8> {
    let path = format!("{}/../forge/tests/payloads/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn mac(key: &[u8], signed: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(signed);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn count(app: &TestApp) -> usize {
    app.get("/deliveries?limit=200").await["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn every_forge_is_taken_once_on_sqlite() {
    every_forge_is_taken_once(Database::Sqlite).await;
}

#[tokio::test]
async fn every_forge_is_taken_once_on_postgres() {
    every_forge_is_taken_once(Database::Postgres).await;
}

async fn every_forge_is_taken_once(database: Database) {
    let app = start(database).await;
    for hook in &HOOKS {
        let (event, body) = (hook.push.0, payload(hook.push.1));
        let headers = hook.genuine(&app, event, "delivery-1", &body);
        let (status, first) = send(&app, hook.id, &headers, &body).await;
        assert_eq!((status, &first["detail"]), (202, &json!("stored")), "{}: {first}", hook.id);
        let (status, again) = send(&app, hook.id, &headers, &body).await;
        assert_eq!((status, &again["id"]), (200, &first["id"]), "{}: {again}", hook.id);

        app.settle().await;
        let page = app.get(&format!("/deliveries/{}", first["id"])).await;
        let reason = page["reason"].as_str().unwrap();
        assert_eq!(page["verdict"], "ignored", "{page}");
        assert!(reason.starts_with("no app uses the repository "), "{}: {reason}", hook.id);
        assert_eq!(page["event"], event);

        // Where ids are the sender's, another id is another delivery, whatever is in it.
        if !hook.id.starts_with("ee-") {
            let headers = hook.genuine(&app, event, "delivery-2", &body);
            let (status, second) = send(&app, hook.id, &headers, &body).await;
            assert!(status == 202 && second["id"] != first["id"], "{}: {second}", hook.id);
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_merely_uninteresting_is_taken_like_everything_else() {
    let app = start(Database::Sqlite).await;
    for hook in &HOOKS {
        let body = br#"{"action":"created","note":"nothing that davit knows"}"#;
        let headers = hook.genuine(&app, hook.other, "delivery-1", body);
        let (status, answer) = send(&app, hook.id, &headers, body).await;
        assert_eq!(status, 202, "{}: {answer}", hook.id);
        app.settle().await;
        let page = app.get(&format!("/deliveries/{}", answer["id"])).await;
        let reason = page["reason"].as_str().unwrap();
        assert!(page["verdict"] == "ignored" && reason.starts_with("davit does nothing about"), "{page}");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_not_proven_leaves_nothing_behind() {
    let app = start(Database::Sqlite).await;
    for hook in &HOOKS {
        let (event, body) = (hook.push.0, payload(hook.push.1));
        let genuine = hook.genuine(&app, event, "delivery-1", &body);
        let mut missing = genuine.clone();
        missing.remove(hook.proof);
        let mut empty = genuine.clone();
        empty.insert(hook.proof, HeaderValue::from_static(""));
        let mut upper = genuine.clone();
        let value = genuine[hook.proof].to_str().unwrap().to_uppercase();
        upper.insert(hook.proof, HeaderValue::from_str(&value).unwrap());
        let mut twice = genuine.clone();
        twice.append(hook.proof, genuine[hook.proof].clone());
        let other = hook.secret().replace("whsec_", "whsec_AAAA") + if hook.id == "lab-signed" { "" } else { "!" };
        let wrong = hook.headers(&app, &other, event, "delivery-1", &body);
        for (what, headers) in
            [("missing", missing), ("empty", empty), ("uppercase", upper), ("twice", twice), ("another secret", wrong)]
        {
            let (status, answer) = send(&app, hook.id, &headers, &body).await;
            assert_eq!(status, 401, "{} {what}: {answer}", hook.id);
        }
        if hook.covers_body {
            let mut flipped = body.clone();
            flipped[40] ^= 1;
            for changed in [&flipped[..], &body[..body.len() - 1], b""] {
                assert_eq!(send(&app, hook.id, &genuine, changed).await.0, 401, "{}", hook.id);
            }
        }
        let mut text = genuine.clone();
        text.insert("content-type", HeaderValue::from_static("text/plain"));
        assert_eq!(send(&app, hook.id, &text, &body).await.0, 400, "{}", hook.id);
        let huge = vec![b'x'; 26 << 20];
        assert_eq!(send(&app, hook.id, &genuine, &huge).await.0, 413, "{}", hook.id);
    }
    assert_eq!(count(&app).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn old_requests_are_not_taken_again() {
    let app = start(Database::Sqlite).await;
    for (id, good_for) in [("lab-signed", Duration::from_secs(300)), ("ee-signed", Duration::from_secs(3600))] {
        let hook = HOOKS.iter().find(|hook| hook.id == id).unwrap();
        let body = payload(hook.push.1);
        let headers = hook.genuine(&app, hook.push.0, "delivery-1", &body);
        app.advance(good_for + Duration::from_secs(1));
        let (status, answer) = send(&app, id, &headers, &body).await;
        assert_eq!((status, &answer["code"]), (401, &json!("webhook_expired")), "{answer}");
        let headers = hook.genuine(&app, hook.push.0, "delivery-1", &body);
        app.advance(good_for);
        assert_eq!(send(&app, id, &headers, &body).await.0, 202);
    }
    app.finish().await;
}

#[tokio::test]
async fn no_page_shows_a_secret() {
    let app = start(Database::Sqlite).await;
    for hook in &HOOKS {
        let mut document: Value = serde_json::from_slice(&payload(hook.push.1)).unwrap();
        if hook.id == "ee-password" {
            document["password"] = json!(hook.secret());
        }
        let body = serde_json::to_vec(&document).unwrap();
        let mut headers = hook.genuine(&app, hook.push.0, "delivery-1", &body);
        headers.insert("authorization", HeaderValue::from_static("Basic dXNlcjpwYXNz"));
        let proof = headers[hook.proof].to_str().unwrap().to_owned();
        let (_, answer) = send(&app, hook.id, &headers, &body).await;
        let page = app.get(&format!("/deliveries/{}", answer["id"])).await.to_string();
        for secret in [proof.as_str(), &hook.secret(), "dXNlcjpwYXNz"] {
            assert!(!page.contains(secret), "{}: {page}", hook.id);
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn a_forge_without_a_secret_takes_nothing() {
    let app = TestApp::start().await;
    for hook in &HOOKS {
        let document = format!("[[forge]]\nid = \"silent-{}\"\n{}\n", hook.id, hook.table);
        app.apply(&document).await;
        let body = payload(hook.push.1);
        for secret in [hook.secret(), if hook.id == "lab-signed" { "whsec_".to_owned() } else { String::new() }] {
            let headers = hook.headers(&app, &secret, hook.push.0, "delivery-1", &body);
            let (status, answer) = send(&app, &format!("silent-{}", hook.id), &headers, &body).await;
            assert_eq!((status, &answer["code"]), (401, &json!("webhook_no_secret")), "{answer}");
        }
    }
    assert_eq!(count(&app).await, 0);
    app.finish().await;
}

#[tokio::test]
async fn refusals_are_recorded_once_a_minute_and_forge() {
    let app = start(Database::Sqlite).await;
    let refuse = async |id: &str, times: usize| {
        for _ in 0..times {
            let mut headers = HeaderMap::new();
            headers.insert("content-type", HeaderValue::from_static(JSON));
            assert_eq!(send(&app, id, &headers, b"{\"stolen\":\"words\"}").await.0, 401);
        }
    };
    let records = async || -> Vec<(String, Value)> {
        let feed = app.engine().store().feed(None, 100).await.unwrap();
        let refused = feed.into_iter().map(|recorded| recorded.entry).filter(|e| e.action == "webhook_refused");
        refused.map(|entry| (entry.subject, entry.detail)).collect()
    };
    refuse("tea", 3).await;
    refuse("github", 1).await;
    app.until("two records", async || (records().await.len() == 2).then_some(())).await;
    app.advance(Duration::from_secs(61));
    refuse("tea", 2).await;
    app.until("a third", async || (records().await.len() == 3).then_some(())).await;
    let mut found = records().await;
    found.sort_by_key(|(subject, detail)| (subject.clone(), detail["refused"].as_u64()));
    let counts: Vec<_> = found.iter().map(|(subject, detail)| (subject.as_str(), detail["refused"].as_u64())).collect();
    assert_eq!(counts, [("forge github", Some(1)), ("forge tea", Some(1)), ("forge tea", Some(3))]);
    for (_, detail) in found {
        assert_eq!(detail["code"], "webhook_signature_missing");
        assert!(!detail.to_string().contains("stolen"), "{detail}");
    }
    app.finish().await;
}

/// One event in `index.json` of the npm package `@octokit/webhooks-examples`.
#[derive(Deserialize)]
struct Event {
    name: String,
    examples: Vec<Box<RawValue>>,
}

/// `DAVIT_WEBHOOK_EXAMPLES` names the directory of the package; `make test` sets it.
#[tokio::test]
async fn every_example_of_github_is_taken_and_read() {
    let Some(directory) = std::env::var_os("DAVIT_WEBHOOK_EXAMPLES") else { return };
    let app = start(Database::Sqlite).await;
    let github = &HOOKS[0];
    let mut sent = 0;
    for server in ["api.github.com", "ghes-31", "ghes-32", "ghes-33", "ghes-34", "ghes-35"] {
        let text = std::fs::read(Path::new(&directory).join(server).join("index.json")).unwrap();
        let events: Vec<Event> = serde_json::from_slice(&text).unwrap();
        for (event, example) in events.iter().flat_map(|event| event.examples.iter().map(move |e| (event, e))) {
            sent += 1;
            let json = example.get();
            let form = url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", json).finish();
            for (content_type, body) in [(JSON, json), (FORM, form.as_str())] {
                let id = format!("{server}-{sent}-{}", content_type.len());
                let mut headers = github.genuine(&app, &event.name, &id, body.as_bytes());
                headers.insert("content-type", HeaderValue::from_static(content_type));
                let (status, answer) = send(&app, "github", &headers, body.as_bytes()).await;
                assert_eq!(status, 202, "{} as {content_type}: {answer}", event.name);
            }
        }
    }
    assert!(sent >= 329, "{sent} examples are too few: is the package complete?");
    app.settle().await;
    let failed = app.get("/deliveries?verdict=failed").await;
    assert_eq!(failed["items"], json!([]));
    app.finish().await;
}
