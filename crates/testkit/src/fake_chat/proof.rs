//! What each vendor's document asks of a message, and above all its signature.

use super::{Message, Vendor};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The good, or what is wrong with it.
pub(super) fn check(vendor: &Vendor, method: &str, message: &Message) -> Result<(), String> {
    if method != "POST" {
        return Err(format!("{method} is not how messages are sent"));
    }
    match vendor {
        Vendor::Dingtalk(secret) => dingtalk(message, secret.as_deref()),
        Vendor::Wecom(key) => wecom(message, key),
        Vendor::Feishu(secret) => feishu(message, secret.as_deref()),
        Vendor::Slack => slack(message),
        Vendor::Mattermost => text(&message.json()["text"], "text", 16_383).map(drop),
        Vendor::Webhook(key) => webhook(message, key),
        Vendor::Aliyun(secret) => aliyun(message, secret),
        Vendor::Tencent(secret) => tencent(message, secret),
        Vendor::Twilio(account, token) => twilio(message, account, token),
    }
}

fn dingtalk(message: &Message, secret: Option<&str>) -> Result<(), String> {
    let query = message.query();
    if message.target.starts_with("/robot/sendBySession?session=") {
        same(message.json()["msgtype"].as_str(), "text", "msgtype is not text")?;
        return text(&message.json()["text"]["content"], "content", 20_000).map(drop);
    }
    if query.get("access_token").is_none_or(|token| token.len() != 32) {
        return Err("token is not exist".to_owned());
    }
    if let Some(secret) = secret {
        let timestamp = query.get("timestamp").ok_or("timestamp is missing")?;
        if timestamp.len() != 13 {
            return Err("timestamp is not in milliseconds".to_owned());
        }
        let sign = sha256(secret.as_bytes(), format!("{timestamp}\n{secret}").as_bytes());
        same(query.get("sign"), &STANDARD.encode(sign), "sign not match")?;
    }
    let body = message.json();
    same(body["msgtype"].as_str(), "markdown", "msgtype is not markdown")?;
    text(&body["markdown"]["title"], "title", 200)?;
    text(&body["markdown"]["text"], "text", 20_000).map(drop)
}

fn wecom(message: &Message, key: &str) -> Result<(), String> {
    same(message.query().get("key"), key, "invalid webhook url")?;
    let body = message.json();
    same(body["msgtype"].as_str(), "markdown", "msgtype is not markdown")?;
    text(&body["markdown"]["content"], "content", 4_096).map(drop)
}

fn feishu(message: &Message, secret: Option<&str>) -> Result<(), String> {
    let body = message.json();
    if let Some(secret) = secret {
        let timestamp = body["timestamp"].as_str().ok_or("timestamp is missing")?;
        if timestamp.len() != 10 {
            return Err("timestamp is not in seconds".to_owned());
        }
        // The key is what the name of the function suggests to be the text.
        let sign = sha256(format!("{timestamp}\n{secret}").as_bytes(), b"");
        same(body["sign"].as_str(), &STANDARD.encode(sign), "sign match fail or timestamp is not within one hour")?;
    }
    same(body["msg_type"].as_str(), "post", "msg_type is not post")?;
    let post = &body["content"]["post"]["zh_cn"];
    text(&post["title"], "title", 500)?;
    let is_line = |line: &serde_json::Value| {
        let parts = line.as_array().map(Vec::as_slice).unwrap_or_default();
        !parts.is_empty() && parts.iter().all(|part| part["tag"] == "text" || part["href"].is_string())
    };
    match post["content"].as_array() {
        Some(lines) if lines.iter().all(is_line) => Ok(()),
        Some(_) | None => Err("content is not rich text".to_owned()),
    }
}

fn slack(message: &Message) -> Result<(), String> {
    let body = message.json();
    text(&body["text"], "text", 40_000)?;
    text(&body["blocks"][0]["text"]["text"], "a block's text", 3_000).map(drop)
}

fn webhook(message: &Message, key: &[u8]) -> Result<(), String> {
    let (id, timestamp) = (message.header("webhook-id"), message.header("webhook-timestamp"));
    if id.is_empty() || timestamp.len() != 10 {
        return Err("webhook-id or webhook-timestamp is missing".to_owned());
    }
    let signed = sha256(key, format!("{id}.{timestamp}.{}", message.body).as_bytes());
    let right = format!("v1,{}", STANDARD.encode(signed));
    same(Some(message.header("webhook-signature")), &right, "the signature is wrong")?;
    let body = message.json();
    text(&body["type"], "type", 100)?;
    text(&body["timestamp"], "timestamp", 40).map(drop)
}

/// 阿里云 RPC 签名机制: sorted, escaped twice, HMAC-SHA1.
fn aliyun(message: &Message, secret: &str) -> Result<(), String> {
    let mut pairs = message.form();
    let given = pairs.remove("Signature").ok_or("Signature is missing")?;
    let query: Vec<String> =
        pairs.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
    let text = format!("POST&%2F&{}", escaped(&query.join("&")));
    let mut mac = Hmac::<Sha1>::new_from_slice(format!("{secret}&").as_bytes()).expect("any length");
    mac.update(text.as_bytes());
    same(Some(&given), &STANDARD.encode(mac.finalize().into_bytes()), "the signature does not match")?;
    let wanted = [("Action", "SendSms"), ("Version", "2017-05-25"), ("SignatureMethod", "HMAC-SHA1")];
    for (name, value) in wanted {
        same(pairs.get(name), value, &format!("{name} is wrong"))?;
    }
    let is_moment = |at: &String| at.len() == 20 && at.ends_with('Z') && !at.contains('.');
    if !pairs.get("Timestamp").is_some_and(is_moment) {
        return Err("Timestamp is not like 2017-07-12T02:42:19Z".to_owned());
    }
    match pairs.get("TemplateParam").map(|param| serde_json::from_str::<BTreeMap<String, String>>(param)) {
        Some(Ok(_)) => Ok(()),
        Some(Err(_)) | None => Err("TemplateParam is not JSON".to_owned()),
    }
}

/// 腾讯云 API 3.0 签名方法 v3.
fn tencent(message: &Message, secret: &str) -> Result<(), String> {
    same(Some(message.header("x-tc-action")), "SendSms", "the action is wrong")?;
    same(Some(message.header("x-tc-version")), "2021-01-11", "the version is wrong")?;
    let timestamp: i64 = message.header("x-tc-timestamp").parse().map_err(|_| "X-TC-Timestamp is wrong")?;
    let date =
        jiff::Timestamp::from_second(timestamp).map_err(|error| error.to_string())?.strftime("%Y-%m-%d").to_string();
    let (kind, host) = (message.header("content-type"), message.header("host"));
    let hash = hex(&Sha256::digest(message.body.as_bytes()));
    let canonical = format!("POST\n/\n\ncontent-type:{kind}\nhost:{host}\n\ncontent-type;host\n{hash}");
    let scope = format!("{date}/sms/tc3_request");
    let hash = hex(&Sha256::digest(canonical.as_bytes()));
    let text = format!("TC3-HMAC-SHA256\n{timestamp}\n{scope}\n{hash}");
    let key = sha256(format!("TC3{secret}").as_bytes(), date.as_bytes());
    let key = sha256(&sha256(&key, b"sms"), b"tc3_request");
    let signature = hex(&sha256(&key, text.as_bytes()));
    let given = message.header("authorization");
    if !given.contains(&format!("/{scope}, SignedHeaders=content-type;host, Signature={signature}")) {
        return Err("The provided credentials could not be validated".to_owned());
    }
    let body = message.json();
    for name in ["SmsSdkAppId", "SignName", "TemplateId"] {
        text_of(&body, name)?;
    }
    Ok(())
}

fn twilio(message: &Message, account: &str, token: &str) -> Result<(), String> {
    same(Some(&message.target), &format!("/2010-04-01/Accounts/{account}/Messages.json"), "no such resource")?;
    let login = format!("Basic {}", STANDARD.encode(format!("{account}:{token}")));
    same(Some(message.header("authorization")), &login, "Authenticate")?;
    let form = message.form();
    for name in ["To", "From", "Body"] {
        if form.get(name).is_none_or(String::is_empty) {
            return Err(format!("A '{name}' is required"));
        }
    }
    Ok(())
}

fn text<'v>(value: &'v serde_json::Value, name: &str, most: usize) -> Result<&'v str, String> {
    match value.as_str() {
        Some(text) if !text.is_empty() && text.len() <= most => Ok(text),
        Some(text) => Err(format!("{name} has {} bytes", text.len())),
        None => Err(format!("{name} is missing")),
    }
}

fn text_of(body: &serde_json::Value, name: &str) -> Result<(), String> {
    text(&body[name], name, 100).map(drop)
}

fn same(given: Option<impl AsRef<str>>, right: &str, why: &str) -> Result<(), String> {
    if given.is_some_and(|given| given.as_ref() == right) { Ok(()) } else { Err(why.to_owned()) }
}

fn sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// The pairs of a form or a query.
pub(super) fn form(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (unescaped(name), unescaped(value))).collect()
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let number = |digits: &[u8]| std::str::from_utf8(digits).ok().and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (first, after.get(..2).and_then(number)) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = after;
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
