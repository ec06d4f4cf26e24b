//! What vendors send, and what proves that it is theirs.

use super::{Heard, Request};
use crate::EngineError;
use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use davit_domain::time::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use std::time::Duration;
use subtle::ConstantTimeEq as _;

/// How old a request may be, or how far ahead a vendor's clock.
const TOLERANCE: Duration = Duration::from_secs(300);

/// The headers of a request: one value by name.
pub type Headers<'a> = dyn Fn(&str) -> Option<&'a str> + Send + Sync + 'a;

/// Why a request is not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotHeard {
    /// There is no such channel, or none that takes commands from this vendor.
    #[error("no channel of this name takes commands from here")]
    NoSuchChannel,
    /// It is not the vendor's, or too old.
    #[error("{0}")]
    NotProven(&'static str),
    /// The store does not answer, or a secret is missing.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

const UNSIGNED: NotHeard = NotHeard::NotProven("the signature is missing");
const WRONG: NotHeard = NotHeard::NotProven("the signature is wrong");
const OLD: NotHeard = NotHeard::NotProven("the request is older than five minutes, or from the future");
const ODD: NotHeard = NotHeard::NotProven("the request is not what this vendor sends");

/// A slash command: <https://api.slack.com/interactivity/slash-commands>, signed as
/// <https://api.slack.com/authentication/verifying-requests-from-slack> says.
pub(super) fn slack(
    from: &Headers<'_>,
    body: &[u8],
    secret: &SecretString,
    now: Timestamp,
) -> Result<Request, NotHeard> {
    let (timestamp, given) = from("x-slack-request-timestamp").zip(from("x-slack-signature")).ok_or(UNSIGNED)?;
    let signed = [format!("v0:{timestamp}:").as_bytes(), body].concat();
    let right = format!("v0={}", hex(hmac_sha256(secret, &signed).as_ref()));
    check(given, &right)?;
    is_fresh(timestamp, 1_000, now)?;
    let form: Vec<(String, String)> = url::form_urlencoded::parse(body).into_owned().collect();
    let field = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
    if field("ssl_check").is_some() {
        return Ok(Request::Other);
    }
    let sender = field("user_id").ok_or(ODD)?;
    Ok(Request::Said(Heard {
        // The same bytes at the same time are the same command.
        ids: vec![given.to_owned()],
        label: field("user_name").unwrap_or_else(|| sender.clone()),
        sender,
        text: field("text").unwrap_or_default(),
        reply_to: field("response_url").map(SecretString::from),
    }))
}

/// A robot's callback: <https://open.dingtalk.com/document/orgapp/receive-message>. Its signature covers the time alone,
/// so a signature is good for one message.
pub(super) fn dingtalk(
    from: &Headers<'_>,
    body: &[u8],
    secret: &SecretString,
    now: Timestamp,
) -> Result<Request, NotHeard> {
    let (timestamp, given) = from("timestamp").zip(from("sign")).ok_or(UNSIGNED)?;
    let signed = format!("{timestamp}\n{}", secret.expose_secret().trim());
    check(given, &STANDARD.encode(hmac_sha256(secret, signed.as_bytes())))?;
    is_fresh(timestamp, 1, now)?;
    let said: Value = serde_json::from_slice(body).map_err(|_| ODD)?;
    let text = |name: &str| said[name].as_str().filter(|text| !text.is_empty());
    let Some(words) = said["text"]["content"].as_str() else { return Ok(Request::Other) };
    // People of the robot's own company have a staff id, which administrators know.
    let sender = text("senderStaffId").or_else(|| text("senderId")).ok_or(ODD)?;
    Ok(Request::Said(Heard {
        ids: [Some(format!("sign {given}")), text("msgId").map(|id| format!("message {id}"))]
            .into_iter()
            .flatten()
            .collect(),
        sender: sender.to_owned(),
        label: text("senderNick").unwrap_or(sender).to_owned(),
        text: words.trim().to_owned(),
        reply_to: text("sessionWebhook").map(SecretString::from),
    }))
}

/// An event: <https://open.feishu.cn/document/server-docs/event-subscription-guide/event-subscription-configure-/request-url-configuration-case>,
/// encrypted and signed as
/// <https://open.feishu.cn/document/server-docs/event-subscription-guide/event-subscription-configure-/encrypt-key-encryption-configuration-case>
/// says.
pub(super) fn feishu(
    from: &Headers<'_>,
    body: &[u8],
    key: &SecretString,
    token: Option<&SecretString>,
    now: Timestamp,
) -> Result<Request, NotHeard> {
    let outer: Value = serde_json::from_slice(body).map_err(|_| ODD)?;
    let plain = decrypted(outer["encrypt"].as_str().ok_or(ODD)?, key).ok_or(WRONG)?;
    let said: Value = serde_json::from_slice(&plain).map_err(|_| WRONG)?;
    let given = said["header"]["token"].as_str().or_else(|| said["token"].as_str()).unwrap_or_default();
    if token.is_some_and(|token| !same(given, token.expose_secret().trim())) {
        return Err(WRONG);
    }
    let proof = from("x-lark-request-timestamp").zip(from("x-lark-request-nonce")).zip(from("x-lark-signature"));
    match proof {
        Some(((timestamp, nonce), given)) => {
            let head = format!("{timestamp}{nonce}{}", key.expose_secret().trim());
            let signed = [head.as_bytes(), body].concat();
            check(given, &hex(digest::digest(&digest::SHA256, &signed).as_ref()))?;
            is_fresh(timestamp, 1_000, now)?;
        }
        // Only the first look of its console comes without.
        None if said["type"] == "url_verification" => {}
        None => return Err(UNSIGNED),
    }
    if said["type"] == "url_verification" {
        return Ok(Request::Challenge(json!({ "challenge": said["challenge"] })));
    }
    let (event, message) = (&said["event"], &said["event"]["message"]);
    if said["header"]["event_type"] != "im.message.receive_v1" || message["message_type"] != "text" {
        return Ok(Request::Other);
    }
    let content: Value = serde_json::from_str(message["content"].as_str().unwrap_or_default()).map_err(|_| ODD)?;
    let words = content["text"].as_str().unwrap_or_default();
    let mentions = |word: &&str| !word.starts_with("@_");
    let sender = &event["sender"]["sender_id"];
    let sender = sender["user_id"].as_str().or_else(|| sender["open_id"].as_str()).ok_or(ODD)?;
    let id = said["header"]["event_id"].as_str().ok_or(ODD)?;
    let message = message["message_id"].as_str().map(|id| format!("message {id}"));
    Ok(Request::Said(Heard {
        ids: std::iter::once(format!("event {id}")).chain(message).collect(),
        sender: sender.to_owned(),
        label: sender.to_owned(),
        text: words.split_whitespace().filter(mentions).collect::<Vec<_>>().join(" "),
        reply_to: None,
    }))
}

/// AES-256-CBC with PKCS#7, the IV in front; the key is the SHA-256 of the configured text.
fn decrypted(encrypted: &str, key: &SecretString) -> Option<Vec<u8>> {
    let mut all = STANDARD.decode(encrypted).ok()?;
    let (iv, rest) = all.split_first_chunk_mut::<16>()?;
    let key = digest::digest(&digest::SHA256, key.expose_secret().trim().as_bytes());
    let key = UnboundCipherKey::new(&AES_256, key.as_ref()).ok()?;
    let context = DecryptionContext::Iv128(FixedLength::from(*iv));
    Some(PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?.decrypt(rest, context).ok()?.to_vec())
}

fn hmac_sha256(secret: &SecretString, text: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().trim().as_bytes()), text)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn check(given: &str, right: &str) -> Result<(), NotHeard> {
    if same(given, right) { Ok(()) } else { Err(WRONG) }
}

fn same(given: &str, right: &str) -> bool {
    bool::from(given.as_bytes().ct_eq(right.as_bytes()))
}

/// `unit`: milliseconds that one of the vendor's units has.
fn is_fresh(timestamp: &str, unit: i64, now: Timestamp) -> Result<(), NotHeard> {
    let at = timestamp.parse::<i64>().ok().and_then(|at| at.checked_mul(unit)).ok_or(OLD)?;
    let at = Timestamp::from_millis(at);
    if now.since(at).max(at.since(now)) <= TOLERANCE { Ok(()) } else { Err(OLD) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    /// The example of Slack's documentation.
    const SLACK: &str = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&\
                         channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&\
                         response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F\
                         96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const SIGNATURE: &str = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";

    fn from_slack(signature: &'static str, body: &str, now: i64) -> Result<Request, NotHeard> {
        let headers = move |name: &str| match name {
            "x-slack-request-timestamp" => Some("1531420618"),
            "x-slack-signature" => Some(signature),
            _ => None,
        };
        slack(&headers, body.as_bytes(), &"8f742231b10e8888abcd99yyyzzz85a5".into(), at(now))
    }

    #[test]
    fn slacks_published_example_is_taken_within_five_minutes() {
        for now in [1_531_420_318, 1_531_420_618, 1_531_420_918] {
            let Ok(Request::Said(heard)) = from_slack(SIGNATURE, SLACK, now) else { panic!("refused at {now}") };
            assert_eq!((heard.sender.as_str(), heard.label.as_str()), ("U2CERLKJA", "roadrunner"));
        }
        for now in [1_531_420_317, 1_531_420_919] {
            assert!(
                matches!(from_slack(SIGNATURE, SLACK, now), Err(NotHeard::NotProven(why)) if why.contains("older"))
            );
        }
        let changed = SLACK.replace("U2CERLKJA", "U2CERLKJB");
        assert!(matches!(from_slack(SIGNATURE, &changed, 1_531_420_618), Err(NotHeard::NotProven(_))));
        assert!(matches!(from_slack("", SLACK, 1_531_420_618), Err(NotHeard::NotProven(_))));
    }

    /// The example of Feishu's documentation.
    #[test]
    fn feishus_published_example_is_decrypted() {
        let plain = decrypted("P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=", &"test key".into());
        assert_eq!(plain.as_deref(), Some(b"hello world".as_slice()));
        assert_eq!(decrypted("P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk=", &"another key".into()), None);
        assert_eq!(decrypted("c2hvcnQ=", &"test key".into()), None);
    }
}
