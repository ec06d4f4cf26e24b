//! Commands from chats: proven, taken once, done as the account that the sender is linked with, answered where the
//! channel is.

use crate::shop::{Kind, Shop};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use davit_domain::access::Role;
use davit_testkit::app::Database;
use davit_testkit::fake_chat::{FakeChat, Vendor};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use sha2::Sha256;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const SIGNING: &str = "8f742231b10e8888abcd99yyyzzz85a5";

fn sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A shop whose channel `ops` takes commands.
struct Office {
    shop: Shop,
    chat: FakeChat,
    http: reqwest::Client,
    triggers: AtomicUsize,
}

impl Office {
    async fn open(kind: &str, vendor: Vendor, database: Database, environment: &str) -> Self {
        let chat = FakeChat::start(vendor).await;
        let shop = Shop::bare(database, &[Kind::Local]).await;
        for (name, value) in [("url", chat.url.as_str()), ("key", SIGNING)] {
            let body = Some(json!({ "value": value }));
            let (status, answer) = shop.app.call(Role::Admin, Method::PUT, &format!("/secrets/{name}"), body).await;
            assert_eq!(status, 204, "{answer}");
        }
        let (key, language) = if kind == "slack" { ("signing_secret", "en") } else { ("app_secret", "zh") };
        let channel = format!(
            "[[channel]]\nid = \"ops\"\nkind = \"{kind}\"\nurl = {{ secret = \"url\" }}\nallow_private = true\n\
             language = \"{language}\"\nevents = [\"host_down\"]\ncommands = {{ {key} = {{ secret = \"key\" }} }}"
        );
        shop.configure(&shop.document(&format!("{}\n{channel}", shop.production(environment, "")))).await;
        let http = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
        Self { shop, chat, http, triggers: AtomicUsize::new(0) }
    }

    fn seconds(&self) -> i64 {
        self.shop.app.engine().now().millis() / 1_000
    }

    /// A slash command as Slack sends it.
    fn slash(&self, user: &str, text: &str) -> (i64, String) {
        let reply = format!("{}/commands/T1/{user}", self.chat.origin);
        // As Slack does, so that the same words in the same second are two commands.
        let trigger = self.triggers.fetch_add(1, Ordering::Relaxed).to_string();
        let form = [
            ("user_id", user),
            ("user_name", "roadrunner"),
            ("text", text),
            ("response_url", &reply),
            ("trigger_id", &trigger),
        ];
        let pair = |(name, value): &(&str, &str)| format!("{name}={}", escaped(value));
        (self.seconds(), form.iter().map(pair).collect::<Vec<_>>().join("&"))
    }

    async fn send(&self, (at, body): &(i64, String), key: &str) -> u16 {
        let signature = format!("v0={}", hex(&sha256(key.as_bytes(), format!("v0:{at}:{body}").as_bytes())));
        let request = self.http.post(format!("{}/chat/slack/ops", self.shop.app.url())).body(body.clone());
        let request = request
            .header("content-type", "application/x-www-form-urlencoded")
            .header("x-slack-request-timestamp", at.to_string())
            .header("x-slack-signature", signature);
        request.send().await.unwrap().status().as_u16()
    }

    /// What a sender is told.
    async fn say(&self, user: &str, text: &str) -> String {
        let before = self.chat.tries();
        assert_eq!(self.send(&self.slash(user, text), SIGNING).await, 200);
        let answered = async || (self.chat.tries() > before).then_some(());
        self.shop.app.until("an answer", answered).await;
        self.chat.taken().last().unwrap().json()["text"].as_str().unwrap().to_owned()
    }

    async fn link(&self, role: Role, subject: &str) {
        let path = format!("/users/{}/identities", role.as_str());
        let body = json!({ "provider": "chat:ops", "subject": subject });
        let (status, answer) = self.shop.app.call(Role::Admin, Method::PUT, &path, Some(body)).await;
        assert!((200..300).contains(&status), "{answer}");
    }
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Answers go to `response_url`, which Slack does not check as it checks webhooks.
const SLACK: Vendor = Vendor::Mattermost;

#[tokio::test]
async fn a_release_is_asked_for_approved_and_released_from_a_chat_on_sqlite() {
    a_release_goes_out_from_a_chat(Database::Sqlite).await;
}

#[tokio::test]
async fn a_release_is_asked_for_approved_and_released_from_a_chat_on_postgres() {
    a_release_goes_out_from_a_chat(Database::Postgres).await;
}

async fn a_release_goes_out_from_a_chat(database: Database) {
    let office = Office::open("slack", SLACK, database, "review = { required = 1 }").await;
    let commit = office.shop.commit("Sell tea");
    assert!(office.say("U1", "status").await.starts_with("davit does not know you here."));
    assert!(office.say("U1", "deploy shop production").await.starts_with("davit does not know you here."));
    office.link(Role::Developer, "U1").await;
    office.link(Role::Reviewer, "U2").await;
    assert_eq!(office.say("U1", "status").await, "shop → production: nothing yet");
    let told = office.say("U1", "deploy shop production main").await;
    assert!(told.starts_with(&format!("#1 shop → production, {}: awaiting review\n", commit.short())), "{told}");
    assert!(office.say("U1", "approve 1").await.contains("developer may not do this"));
    let told = office.say("U2", "approve 1").await;
    assert!(told.starts_with(&format!("#1 shop → production, {}: awaiting release\n", commit.short())), "{told}");
    let feed = office.shop.app.get("/feed?action=request_approved").await;
    let entry = &feed["items"][0];
    assert_eq!((&entry["actor"], &entry["origin"]), (&json!("reviewer"), &json!("chat:ops")), "{feed}");
    assert_eq!(office.say("U2", "approve 99").await, "there is no request 99");
    office.shop.app.settle().await;
    office.shop.finish().await;
}

#[tokio::test]
async fn what_was_edited_since_is_not_approved_by_its_number_alone() {
    let office = Office::open("slack", SLACK, Database::Sqlite, "review = { required = 1 }").await;
    office.shop.commit("Sell tea");
    office.link(Role::Developer, "U1").await;
    office.link(Role::Reviewer, "U2").await;
    office.say("U1", "deploy shop production").await;
    let edit = Some(json!({ "title": "Sell something else" }));
    let (status, answer) = office.shop.app.call(Role::Developer, Method::PATCH, "/requests/1", edit).await;
    assert_eq!((status, &answer["version"]), (200, &json!(2)), "{answer}");
    let told = office.say("U2", "approve 1").await;
    assert!(told.contains("it is version 2 now") && told.ends_with("then say: approve 1 v2"), "{told}");
    assert!(office.say("U2", "approve 1 v2").await.contains("awaiting release"));
    office.shop.finish().await;
}

#[tokio::test]
async fn who_is_not_linked_links_with_a_code_and_nothing_else() {
    let office = Office::open("slack", SLACK, Database::Sqlite, "").await;
    let body = Some(json!({ "provider": "chat:ops" }));
    let (status, answer) =
        office.shop.app.call(Role::Viewer, Method::POST, "/session/identities/link-code", body).await;
    assert!((200..300).contains(&status), "{answer}");
    let code = answer["code"].as_str().unwrap();
    assert!(office.say("U7", "link wrong-code").await.contains("not right"));
    assert_eq!(office.say("U7", &format!("link {code}")).await, "You are viewer here from now on.");
    assert_eq!(office.say("U7", "status shop").await, "shop → production: nothing yet");
    assert!(office.say("U7", "deploy shop production").await.contains("may not do this"));
    assert!(office.say("U8", &format!("link {code}")).await.contains("not right"), "a code is good once");
    assert!(office.say("U7", "make me admin").await.starts_with("I don't understand that."));
    office.shop.finish().await;
}

#[tokio::test]
async fn what_is_forged_old_or_repeated_does_nothing() {
    let office = Office::open("slack", SLACK, Database::Sqlite, "review = { required = 1 }").await;
    office.shop.commit("Sell tea");
    office.link(Role::Developer, "U1").await;
    let command = office.slash("U1", "deploy shop production");
    assert_eq!(office.send(&command, "another secret").await, 401);
    assert_eq!(office.send(&(command.0 - 301, command.1.clone()), SIGNING).await, 401);
    assert_eq!(office.send(&(command.0 + 301, command.1.clone()), SIGNING).await, 401);
    let unsigned = office.http.post(format!("{}/chat/slack/ops", office.shop.app.url())).body("text=help");
    assert_eq!(unsigned.send().await.unwrap().status(), 401);
    for (path, kind) in [("dingtalk/ops", "another kind"), ("slack/nothing", "no channel"), ("email/ops", "no chat")] {
        let request = office.http.post(format!("{}/chat/{path}", office.shop.app.url())).body("{}");
        assert_eq!(request.send().await.unwrap().status(), 404, "{kind}");
    }
    assert_eq!(office.shop.app.get("/requests").await["items"], json!([]));
    for _ in 0..3 {
        assert_eq!(office.send(&command, SIGNING).await, 200);
    }
    let answered = async || (office.chat.tries() > 0).then_some(());
    office.shop.app.until("an answer", answered).await;
    // Whatever a repetition did would come before what comes after it.
    office.say("U1", "help").await;
    assert_eq!(office.shop.app.get("/requests").await["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(office.chat.tries(), 2);
    office.shop.app.advance(Duration::from_secs(301));
    assert_eq!(office.send(&command, SIGNING).await, 401);
    office.shop.finish().await;
}

#[tokio::test]
async fn an_answer_goes_to_the_channels_own_server_alone() {
    let office = Office::open("slack", SLACK, Database::Sqlite, "").await;
    let elsewhere = FakeChat::start(Vendor::Slack).await;
    let (at, body) = office.slash("U1", "help");
    let body = body.replace(&escaped(&office.chat.origin), &escaped(&elsewhere.origin));
    assert_eq!(office.send(&(at, body), SIGNING).await, 200);
    let answered = async || (office.chat.tries() > 0).then_some(());
    office.shop.app.until("an answer", answered).await;
    assert_eq!(elsewhere.tries(), 0);
    office.shop.finish().await;
}

#[tokio::test]
async fn a_robot_of_dingtalk_is_spoken_to_in_chinese() {
    let office = Office::open("dingtalk", Vendor::Dingtalk(None), Database::Sqlite, "").await;
    office.link(Role::Viewer, "staff-1").await;
    let at = office.seconds() * 1_000;
    let sign = STANDARD.encode(sha256(SIGNING.as_bytes(), format!("{at}\n{SIGNING}").as_bytes()));
    let body = json!({
        "msgtype": "text", "text": { "content": " 状态 shop " }, "msgId": "m1", "senderStaffId": "staff-1",
        "senderNick": "小明", "sessionWebhook": format!("{}/robot/sendBySession?session=1", office.chat.origin),
    });
    let send = async |sign: &str, body: &Value| {
        let request = office.http.post(format!("{}/chat/dingtalk/ops", office.shop.app.url())).json(body);
        let response = request.header("timestamp", at.to_string()).header("sign", sign).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    assert_eq!(send("bad", &body).await.0, 401);
    assert_eq!(send(&sign, &body).await, (200, json!({ "msgtype": "empty" })));
    let answered = async || (office.chat.tries() > 0).then_some(());
    office.shop.app.until("an answer", answered).await;
    assert_eq!(office.chat.taken()[0].json()["text"]["content"], "shop → production: 尚未发布");
    // A signature covers the time alone: with another body it is good for nothing any more.
    let other = json!({ "msgtype": "text", "text": { "content": "帮助" }, "msgId": "m2", "senderStaffId": "staff-1" });
    assert_eq!(send(&sign, &other).await.0, 200);
    assert_eq!(office.chat.tries(), 1);
    office.shop.finish().await;
}
