//! Feishu's and Lark's custom bots (自定义机器人).
//! Source: <https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot>.

use super::{Call, Prepared, hmac_sha256};
use crate::notify::Trouble;
use crate::notify::outgoing::{Answer, Request};
use crate::notify::render::{Message, cut};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

/// A request has at most 20 KB.
const LONGEST_LINE: usize = 2_000;

pub(super) fn request(call: &Call<'_>) -> Prepared {
    let mut body = json!({ "msg_type": "post", "content": { "post": { "zh_cn": post(call.message) } } });
    if let Some(secret) = call.secret {
        let seconds = call.now.millis().div_euclid(1_000);
        body["timestamp"] = json!(seconds.to_string());
        body["sign"] = json!(sign(secret, seconds));
    }
    Ok((call.url.clone(), Request::json(&body)))
}

/// The Base64 of an HMAC-SHA256 over nothing, whose key is `timestamp + "\n" + secret`.
fn sign(secret: &SecretString, seconds: i64) -> String {
    let key = format!("{seconds}\n{}", secret.expose_secret().trim());
    STANDARD.encode(hmac_sha256(key.as_bytes(), b""))
}

/// Rich text: its parts are texts and links, so nothing in a value means anything.
fn post(message: &Message) -> Value {
    let text = |text: &str| json!([{ "tag": "text", "text": cut(text, LONGEST_LINE) }]);
    let title = format!("{} {}", message.sign, message.headline);
    let mut lines: Vec<Value> = match &message.own {
        Some(own) => own.trim().lines().map(text).collect(),
        None => message.facts.iter().map(|(label, value)| text(&format!("{label}: {value}"))).collect(),
    };
    lines.extend(message.link.iter().map(|(label, url)| json!([{ "tag": "a", "text": label, "href": url }])));
    json!({ "title": title, "content": lines })
}

/// Refusals come with status 200 and a `code`.
pub(super) fn judge(answer: &Answer) -> Result<(), Trouble> {
    let said = answer.json();
    let words = said["msg"].as_str().unwrap_or_default();
    match said["code"].as_i64() {
        Some(0) => Ok(()),
        Some(code @ (11_232 | 11_233)) => {
            Err(Trouble::Pause { after: None, detail: format!("too many messages ({code} {words})") })
        }
        Some(code) => Err(Trouble::Refused(format!("Feishu refused it ({code} {words})"))),
        None => {
            answer.succeeded()?;
            Err(Trouble::Refused(format!("the answer is not Feishu's: {}", answer.words())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `openssl dgst -sha256 -mac HMAC -macopt hexkey:$(printf '1769860800\niWs6kGfDXpL' | xxd -p) -binary < /dev/null |
    /// base64`
    #[test]
    fn the_signature_is_what_openssl_makes_of_it() {
        assert_eq!(sign(&"iWs6kGfDXpL".into(), 1_769_860_800), "bwPV2vrokDapYGShwT+20iabGgVRutacmcJfrq71UfI=");
    }
}
