//! Notices: who is told what, in the form and with the signature that each vendor documents, again when it failed, and
//! never so that anything else waits.

use crate::shop::{Kind, Shop};
use davit_domain::access::Role;
use davit_testkit::app::Database;
use davit_testkit::fake_chat::{FakeChat, Message, Vendor};
use davit_testkit::fake_smtp::{FakeSmtp, Security};
use davit_testkit::nobody::Nobody;
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const SIGN: &str = "SEC0123456789abcdef0123456789abcdef";

/// Stores the URL of a channel as people do, and the rest of its secrets.
async fn store_secrets(shop: &Shop, secrets: &[(&str, &str)]) {
    for (name, value) in secrets {
        let body = Some(json!({ "value": value }));
        let (status, answer) = shop.app.call(Role::Admin, Method::PUT, &format!("/secrets/{name}"), body).await;
        assert_eq!(status, 204, "{answer}");
    }
}

/// A shop with one channel; `channel` is the rest of its table.
async fn with_channel(database: Database, environment: &str, release: &str, channel: &str) -> Shop {
    let shop = Shop::bare(database, &[Kind::Local]).await;
    let place = shop.production(environment, release);
    shop.configure(&shop.document(&format!("{place}\n[[channel]]\nid = \"ops\"\n{channel}"))).await;
    shop
}

async fn robot(database: Database, chat: &FakeChat, rest: &str) -> Shop {
    let channel = format!(
        "kind = \"dingtalk\"\nurl = {{ secret = \"robot\" }}\nsecret = {{ secret = \"sign\" }}\nallow_private = true\n{rest}"
    );
    let shop = Shop::bare(database, &[Kind::Local]).await;
    store_secrets(&shop, &[("robot", &chat.url), ("sign", SIGN)]).await;
    let place = shop.production("review = { required = 1 }", "");
    shop.configure(&shop.document(&format!("{place}\n[[channel]]\nid = \"ops\"\n{channel}"))).await;
    shop
}

fn titles(chat: &FakeChat) -> Vec<String> {
    let title = |message: &Message| message.json()["markdown"]["title"].as_str().unwrap_or_default().to_owned();
    chat.taken().iter().map(title).collect()
}

async fn ask(shop: &Shop) -> Value {
    let path = "/apps/shop/environments/production/deploy";
    let (status, request) = shop.app.call(Role::Developer, Method::POST, path, Some(json!({}))).await;
    assert_eq!(status, 201, "{request}");
    request
}

async fn say(shop: &Shop, role: Role, request: &Value, what: &str, body: Value) -> Value {
    let path = format!("/requests/{}/{what}", request["id"]);
    let (status, answer) = shop.app.call(role, Method::POST, &path, Some(body)).await;
    assert_eq!(status, 200, "{answer}");
    answer
}

#[tokio::test]
async fn a_review_and_a_release_are_told_on_sqlite() {
    a_review_and_a_release_are_told(Database::Sqlite).await;
}

#[tokio::test]
async fn a_review_and_a_release_are_told_on_postgres() {
    a_review_and_a_release_are_told(Database::Postgres).await;
}

async fn a_review_and_a_release_are_told(database: Database) {
    let chat = FakeChat::start(Vendor::Dingtalk(Some(SIGN.into()))).await;
    let shop = robot(database, &chat, "language = \"zh\"").await;
    shop.commit("Sell [tea](https://evil.example) @all");
    let request = ask(&shop).await;
    shop.app.settle().await;
    let answer = say(&shop, Role::Reviewer, &request, "approve", json!({ "reason": "fine" })).await;
    assert_eq!(answer["state"], "awaiting_release");
    shop.app.settle().await;
    let answer = say(&shop, Role::Releaser, &request, "release", json!({})).await;
    let ended = shop.ended(answer["deployment"].as_i64().unwrap()).await;
    assert_eq!(ended["state"], "succeeded", "{ended}");
    shop.app.settle().await;
    assert_eq!(chat.refused(), [""; 0]);
    let mut titles = titles(&chat);
    titles[2..].sort();
    assert_eq!(
        titles,
        [
            "shop → production：developer 提交了发布申请 #1，请审核",
            "shop → production：reviewer 通过了发布申请 #1",
            "shop → production：releaser 开始发布 #1",
            "shop → production：发布成功",
        ]
    );
    let text = chat.taken()[0].json()["markdown"]["text"].as_str().unwrap().to_owned();
    assert!(text.contains("Sell ［tea］(https://evil.example) ＠all"), "{text}");
    assert!(text.ends_with(&format!("[在 davit 中查看]({}/requests/1)", shop.app.engine().settings().public_url)));
    shop.finish().await;
}

#[tokio::test]
async fn a_failed_release_is_told_with_its_reason() {
    let chat = FakeChat::start(Vendor::Webhook(b"a key of bytes".to_vec())).await;
    let channel = "kind = \"webhook\"\nurl = { secret = \"url\" }\nsecret = { secret = \"sign\" }\n\
                   allow_private = true\nevents = [\"failed\", \"rolled_back\"]";
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    let sign =
        format!("whsec_{}", base64::Engine::encode(&base64::engine::general_purpose::STANDARD, b"a key of bytes"));
    store_secrets(&shop, &[("url", &chat.url), ("sign", &sign)]).await;
    let place = shop.production("", "hooks.before_release = \"exit 3\"");
    shop.configure(&shop.document(&format!("{place}\n[[channel]]\nid = \"ops\"\n{channel}"))).await;
    let ended = shop.release_new("Break").await;
    assert_eq!(ended["state"], "failed", "{ended}");
    shop.app.settle().await;
    assert_eq!(chat.refused(), [""; 0]);
    let [message] = chat.taken().try_into().expect("one message");
    let body = message.json();
    assert_eq!((&body["type"], &body["data"]["app"]), (&json!("davit.failed"), &json!("shop")), "{body}");
    assert!(body["data"]["reason"].as_str().unwrap().contains("step 4"), "{body}");
    assert!(body["data"]["url"].as_str().unwrap().ends_with("/deployments/1"), "{body}");
    shop.finish().await;
}

#[tokio::test]
async fn the_same_notice_comes_again_until_it_is_taken() {
    let chat = FakeChat::start(Vendor::Dingtalk(Some(SIGN.into()))).await;
    chat.answer_next(500, "oh");
    chat.answer_next(200, r#"{"errcode":-1,"errmsg":"system busy"}"#);
    chat.answer_next(200, r#"{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}"#);
    let shop = robot(Database::Sqlite, &chat, "").await;
    ask(&shop).await;
    for tries in 1..=3 {
        shop.app.settle().await;
        assert_eq!(chat.tries(), tries);
        shop.app.advance(Duration::from_secs(30));
    }
    shop.app.settle().await;
    assert_eq!(chat.tries(), 3, "who sends too fast is locked out for ten minutes");
    assert_eq!(shop.get("/alerts").await["items"], json!([]));
    shop.app.advance(Duration::from_secs(600));
    shop.app.settle().await;
    assert_eq!(titles(&chat), ["shop → production: developer asks for a review of request #1"]);
    let channel = shop.get("/channels").await["items"][0].clone();
    assert_eq!((&channel["last"]["ok"], &channel["waiting"], &channel["dead"]), (&json!(true), &json!(0), &json!(0)));
    shop.finish().await;
}

#[tokio::test]
async fn what_is_refused_for_good_is_an_alert_until_something_gets_there() {
    let chat = FakeChat::start(Vendor::Dingtalk(Some("SEC another".into()))).await;
    let shop = robot(Database::Sqlite, &chat, "").await;
    ask(&shop).await;
    shop.app.settle().await;
    let alerts = shop.get("/alerts").await;
    let [alert] = alerts["items"].as_array().unwrap().as_slice() else { panic!("{alerts}") };
    assert_eq!((&alert["kind"], &alert["subject"]), (&json!("channel"), &json!("ops")));
    assert_eq!(alert["detail"], "DingTalk refused it (310000 sign not match)");
    let channel = shop.get("/channels").await["items"][0].clone();
    assert_eq!((&channel["last"]["ok"], &channel["dead"]), (&json!(false), &json!(1)), "{channel}");
    // The secret is mended: the same notice can go out once more, by a person's word.
    store_secrets(&shop, &[("sign", "SEC another")]).await;
    let calls = shop.get("/outbox?channel=ops&state=dead").await;
    let call = &calls["items"][0];
    assert_eq!((&call["channel"], &call["forge"], &call["kind"]), (&json!("ops"), &Value::Null, &json!("notice")));
    let (status, answer) =
        shop.app.call(Role::Admin, Method::POST, &format!("/outbox/{}/retry", call["id"]), Some(json!({}))).await;
    assert_eq!(status, 200, "{answer}");
    shop.app.settle().await;
    assert_eq!(titles(&chat).len(), 1);
    assert_eq!(shop.get("/alerts").await["items"], json!([]));
    shop.finish().await;
}

#[tokio::test]
async fn a_channel_that_is_down_raises_one_alert_and_holds_up_nothing() {
    let nobody = Nobody::listens();
    let url = format!("http://{}/robot/send?access_token=0123456789abcdef0123456789abcdef", nobody.address());
    let channel = "kind = \"dingtalk\"\nurl = { secret = \"robot\" }\nallow_private = true";
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    store_secrets(&shop, &[("robot", &url)]).await;
    let place = shop.production("", "");
    shop.configure(&shop.document(&format!("{place}\n[[channel]]\nid = \"ops\"\n{channel}"))).await;
    let ended = shop.release_new("Sell tea").await;
    assert_eq!(ended["state"], "succeeded", "{ended}");
    shop.app.settle().await;
    for _ in 0..30 {
        shop.app.advance(Duration::from_secs(60));
        shop.app.settle().await;
    }
    let alerts = shop.get("/alerts").await;
    assert_eq!(alerts["items"].as_array().map(Vec::len), Some(1), "{alerts}");
    let whole = format!("{alerts}{}", shop.get("/outbox").await);
    assert!(!whole.contains("0123456789abcdef"), "the token of the URL is shown: {whole}");
    // After a day nobody wants to know.
    for _ in 0..26 {
        shop.app.advance(Duration::from_secs(3600));
        shop.app.settle().await;
    }
    assert_eq!(shop.get("/channels").await["items"][0]["dead"], 2);
    shop.finish().await;
}

#[tokio::test]
async fn only_those_are_told_who_want_to_hear_of_it() {
    let (ops, all) = (FakeChat::start(Vendor::Slack).await, FakeChat::start(Vendor::Mattermost).await);
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    store_secrets(&shop, &[("ops", &ops.url), ("all", &all.url)]).await;
    let channels = "[[channel]]\nid = \"ops\"\nkind = \"slack\"\nurl = { secret = \"ops\" }\nallow_private = true\n\
                    events = [\"succeeded\"]\nenvironments = [\"production\"]\napps = [\"shop\"]\n\
                    [[channel]]\nid = \"all\"\nkind = \"mattermost\"\nurl = { secret = \"all\" }\nallow_private = true\n";
    let release = async |notify: &str| {
        let place = shop.production("", notify);
        shop.configure(&shop.document(&format!("{place}\n{channels}"))).await;
        shop.release_new("Sell tea").await;
        shop.app.settle().await;
        (ops.taken().len(), all.taken().len())
    };
    assert_eq!(release("").await, (1, 2));
    assert_eq!(release("notify = [\"ops\"]").await, (2, 2));
    assert_eq!(release("notify = []").await, (2, 2));
    assert_eq!((ops.refused(), all.refused()), (Vec::new(), Vec::new()));
    shop.finish().await;
}

async fn tried(shop: &Shop) -> (bool, String) {
    let (status, answer) = shop.app.call(Role::Admin, Method::POST, "/channels/ops/test", Some(json!({}))).await;
    assert_eq!(status, 200, "{answer}");
    (answer["ok"] == true, answer["detail"].as_str().unwrap_or_default().to_owned())
}

async fn hook_of(kind: &str, chat: &FakeChat, secret: Option<&str>) -> (Shop, (bool, String)) {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    store_secrets(&shop, &[("url", &chat.url), ("sign", secret.unwrap_or("none"))]).await;
    let sign = secret.map(|_| "secret = { secret = \"sign\" }").unwrap_or_default();
    let place = shop.production("", "");
    let channel = format!(
        "[[channel]]\nid = \"ops\"\nkind = \"{kind}\"\nurl = {{ secret = \"url\" }}\nallow_private = true\n{sign}"
    );
    shop.configure(&shop.document(&format!("{place}\n{channel}"))).await;
    let tried = tried(&shop).await;
    (shop, tried)
}

#[tokio::test]
async fn every_chat_takes_what_davit_sends() {
    let vendors = [
        ("dingtalk", Vendor::Dingtalk(Some(SIGN.into())), Some(SIGN)),
        ("dingtalk", Vendor::Dingtalk(None), None),
        ("wecom", Vendor::Wecom("693axxx6-7aoc-4bc4-97a0-0ec2sifa5aaa".into()), None),
        ("feishu", Vendor::Feishu(Some("iWs6kGfDXpL".into())), Some("iWs6kGfDXpL")),
        ("feishu", Vendor::Feishu(None), None),
        ("slack", Vendor::Slack, None),
        ("mattermost", Vendor::Mattermost, None),
        ("webhook", Vendor::Webhook(b"plain".to_vec()), Some("plain")),
    ];
    for (kind, vendor, secret) in vendors {
        let chat = FakeChat::start(vendor).await;
        let (shop, tried) = hook_of(kind, &chat, secret).await;
        assert_eq!(tried, (true, String::new()), "{kind} {:?}", chat.refused());
        let taken = chat.taken();
        assert_eq!(taken.len(), 1);
        assert!(taken[0].body.contains("Test – shop"), "{}", taken[0].body);
        shop.finish().await;
    }
}

#[tokio::test]
async fn what_a_vendor_refuses_is_shown_without_secrets() {
    let vendors = [
        ("dingtalk", Vendor::Dingtalk(Some("SEC other".into())), "DingTalk refused it (310000 sign not match)"),
        ("wecom", Vendor::Wecom("other".into()), "WeCom refused it (93000 invalid webhook url)"),
        (
            "feishu",
            Vendor::Feishu(Some("other".into())),
            "Feishu refused it (19021 sign match fail or timestamp is not within one hour)",
        ),
        ("webhook", Vendor::Webhook(b"other".to_vec()), "the receiver answered 401: the signature is wrong"),
    ];
    for (kind, vendor, why) in vendors {
        let mut chat = FakeChat::start(vendor).await;
        if kind == "wecom" {
            chat.url = chat.url.replace("key=other", "key=mine");
        }
        let secret = (kind != "wecom").then_some("the secret of mine");
        let (shop, tried) = hook_of(kind, &chat, secret).await;
        assert_eq!(tried, (false, why.to_owned()), "{kind}");
        shop.finish().await;
    }
    let chat = FakeChat::start(Vendor::Slack).await;
    chat.answer_next_with(302, &[("location", "http://169.254.169.254/")], "");
    let (shop, (ok, detail)) = hook_of("slack", &chat, None).await;
    assert!(!ok && detail.contains("davit follows nobody"), "{detail}");
    chat.answer_next(404, &format!("no such hook: {}", chat.url));
    let (ok, detail) = self::tried(&shop).await;
    assert!(!ok && detail.contains("no such hook") && !detail.contains("XXXXXX"), "{detail}");
    shop.finish().await;
}

const MESSAGES: [(&str, &str, &str); 3] = [
    (
        "aliyun",
        "key_id = \"testId\"\nsign_name = \"达维特\"\ntemplate = \"SMS_71390007\"\nparams = [\"app\", \"environment\", \"text\"]",
        "",
    ),
    ("tencent", "key_id = \"AKID\"\nsign_name = \"达维特\"\ntemplate = \"1234\"\napp_id = \"1400006666\"", ""),
    ("twilio", "account = \"AC1\"\nfrom = \"+15550001111\"", "AC1"),
];

#[tokio::test]
async fn text_messages_are_signed_as_each_provider_documents() {
    for (provider, keys, account) in MESSAGES {
        let secret = "the key".to_owned();
        let vendor = match provider {
            "aliyun" => Vendor::Aliyun(secret),
            "tencent" => Vendor::Tencent(secret),
            _ => Vendor::Twilio(account.to_owned(), secret),
        };
        let chat = FakeChat::start(vendor).await;
        let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
        store_secrets(&shop, &[("key", "the key")]).await;
        let channel = format!(
            "[[channel]]\nid = \"ops\"\nkind = \"sms\"\nprovider = \"{provider}\"\nkey_secret = {{ secret = \"key\" }}\n\
             api_url = \"{}\"\nto = [\"+8613800000000\", \"+8613800000001\"]\nallow_private = true\n{keys}",
            chat.origin
        );
        shop.configure(&shop.document(&format!("{}\n{channel}", shop.production("", "")))).await;
        assert_eq!(tried(&shop).await, (true, String::new()), "{provider} {:?}", chat.refused());
        let taken = chat.taken();
        match provider {
            "aliyun" => {
                let form = taken[0].form();
                assert_eq!(form["PhoneNumbers"], "8613800000000,8613800000001");
                let wanted =
                    json!({ "app": "shop", "environment": "production", "text": "Test – shop → production: released" });
                assert_eq!(serde_json::from_str::<Value>(&form["TemplateParam"]).unwrap(), wanted);
            }
            "tencent" => {
                let body = taken[0].json();
                assert_eq!(body["PhoneNumberSet"], json!(["+8613800000000", "+8613800000001"]));
                assert_eq!(body["TemplateParamSet"], json!(["Test – shop → production: released"]));
            }
            _ => {
                assert_eq!(taken.len(), 2, "a message a number");
                assert!(taken[1].form()["Body"].starts_with("Test – shop → production: released\nTitle: "));
            }
        }
        store_secrets(&shop, &[("key", "another key")]).await;
        let (ok, detail) = tried(&shop).await;
        assert!(!ok && !detail.contains("another key"), "{detail}");
        shop.finish().await;
    }
}

async fn mail_shop(smtp: &FakeSmtp, rest: &str) -> Shop {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    store_secrets(&shop, &[("password", "hunter2 of mail"), ("ca", &FakeSmtp::ca())]).await;
    let channel = format!(
        "[[channel]]\nid = \"ops\"\nkind = \"email\"\nhost = \"localhost\"\nport = {}\nfrom = \"davit <davit@example.com>\"\n\
         to = [\"Zoë <ops@example.com>\", \"boss@example.org\"]\nallow_private = true\n{rest}",
        smtp.port
    );
    shop.configure(&shop.document(&format!("{}\n{channel}", shop.production("", "")))).await;
    shop
}

const LOGIN: &str = "user = \"davit\"\npassword = { secret = \"password\" }\nca = { secret = \"ca\" }";

#[tokio::test]
async fn mail_goes_through_tls_with_a_login() {
    for (security, tls) in [(Security::Starttls, "starttls"), (Security::FromTheStart, "tls")] {
        let smtp = FakeSmtp::start(security, Some(("davit", "hunter2 of mail"))).await;
        let shop = mail_shop(&smtp, &format!("tls = \"{tls}\"\n{LOGIN}")).await;
        assert_eq!(tried(&shop).await, (true, String::new()), "{tls}");
        let [mail] = smtp.mails().try_into().expect("one mail");
        assert_eq!(
            (mail.from.as_str(), mail.user.as_deref(), mail.encrypted),
            ("davit@example.com", Some("davit"), true)
        );
        assert_eq!(mail.to, ["ops@example.com", "boss@example.org"]);
        let headers = mail.headers();
        assert!(headers.contains(&("auto-submitted".into(), "auto-generated".into())), "{headers:?}");
        shop.finish().await;
    }
}

#[tokio::test]
async fn mail_is_never_sent_in_clear_where_tls_is_asked_for() {
    let smtp = FakeSmtp::start(Security::Never, None).await;
    let shop = mail_shop(&smtp, "tls = \"starttls\"").await;
    let (ok, detail) = tried(&shop).await;
    assert!(!ok && smtp.mails().is_empty(), "{detail}");
    shop.finish().await;
    // A certificate that nobody vouches for.
    let smtp = FakeSmtp::start(Security::Starttls, None).await;
    let shop = mail_shop(&smtp, "").await;
    let (ok, detail) = tried(&shop).await;
    assert!(!ok && smtp.mails().is_empty(), "{detail}");
    shop.finish().await;
    let smtp = FakeSmtp::start(Security::Never, None).await;
    let shop = mail_shop(&smtp, "tls = \"none\"").await;
    assert_eq!(tried(&shop).await, (true, String::new()));
    shop.finish().await;
}

#[tokio::test]
async fn a_wrong_password_of_mail_is_not_shown() {
    let smtp = FakeSmtp::start(Security::Starttls, Some(("davit", "another"))).await;
    let shop = mail_shop(&smtp, LOGIN).await;
    let (ok, detail) = tried(&shop).await;
    assert!(!ok && detail.contains("authentication credentials invalid"), "{detail}");
    assert!(!detail.contains("hunter2") && !detail.contains("aHVudGVyMi"), "{detail}");
    shop.finish().await;
}

#[tokio::test]
async fn nothing_in_a_title_becomes_a_header_of_a_mail() {
    let smtp = FakeSmtp::start(Security::Never, None).await;
    let shop = mail_shop(&smtp, "tls = \"none\"\nevents = [\"succeeded\"]").await;
    shop.commit("Sell tea");
    let title = "Tea\r\nBcc: all@example.com\r\n\r\n<script> \u{202e}gnp";
    let path = "/apps/shop/environments/production/deploy";
    let (status, request) = shop.app.post(path, json!({ "title": title })).await;
    assert_eq!(status, 201, "{request}");
    shop.ended(request["deployment"].as_i64().unwrap()).await;
    shop.app.settle().await;
    let [mail] = smtp.mails().try_into().expect("one mail");
    assert!(!mail.headers().iter().any(|(name, _)| name == "bcc"), "{}", mail.data);
    assert_eq!(mail.to.len(), 2);
    shop.finish().await;
}

#[tokio::test]
async fn a_private_address_needs_an_administrators_word() {
    let chat = FakeChat::start(Vendor::Slack).await;
    let port = chat.origin.rsplit_once(':').unwrap().1.to_owned();
    let channel = "[[channel]]\nid = \"ops\"\nkind = \"slack\"\nurl = { secret = \"url\" }\n";
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    store_secrets(&shop, &[("url", &chat.url)]).await;
    shop.configure(&shop.document(&format!("{}\n{channel}", shop.production("", "")))).await;
    let forms =
        ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::ffff:127.0.0.1]", "[::1]"];
    for host in forms {
        store_secrets(&shop, &[("url", &format!("http://{host}:{port}/services/x"))]).await;
        let (ok, detail) = tried(&shop).await;
        assert!(!ok && detail.contains("allow_private = true"), "{host}: {detail}");
    }
    shop.configure(&shop.document(&format!("{}\n{channel}allow_private = true", shop.production("", "")))).await;
    for host in ["169.254.169.254", "[fe80::1]", "0.0.0.0", "[::ffff:169.254.169.254]", "100.100.100.200"] {
        store_secrets(&shop, &[("url", &format!("http://{host}:{port}/services/x"))]).await;
        let (ok, detail) = tried(&shop).await;
        assert!(!ok && detail.contains("never connects to"), "{host}: {detail}");
    }
    assert_eq!(chat.tries(), 0);
    shop.finish().await;
}

#[tokio::test]
async fn a_template_of_ones_own_is_shown_before_it_is_sent() {
    let chat = FakeChat::start(Vendor::Slack).await;
    let template = "templates = { failed = \"<!here> *{{ app }}* broke: {{ reason }} {{ nothing }}\" }";
    let shop = with_channel(
        Database::Sqlite,
        "",
        "",
        &format!("kind = \"slack\"\nurl = {{ env = \"NEVER_SET_ANYWHERE\" }}\n{template}"),
    )
    .await;
    let preview = shop.get("/channels/ops/preview?event=failed").await;
    let text = preview["text"].as_str().unwrap();
    assert!(text.starts_with("<!here> *shop* broke: step 6 on web-1: after release ended with 1"), "{text}");
    let (status, answer) = shop.app.call(Role::Viewer, Method::GET, "/channels/ops/preview?event=x", None).await;
    assert_eq!((status, &answer["code"]), (422, &json!("invalid")));
    let (ok, detail) = tried(&shop).await;
    assert!(!ok && detail.contains("NEVER_SET_ANYWHERE is not set"), "{detail}");
    assert_eq!(chat.tries(), 0);
    shop.finish().await;
}
