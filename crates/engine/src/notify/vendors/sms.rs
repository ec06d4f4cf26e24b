//! Text messages: what all providers have in common.

use super::{sms_aliyun, sms_tencent, sms_twilio};
use crate::notify::Trouble;
use crate::notify::outgoing::Outgoing;
use crate::notify::render::Message;
use davit_domain::config::{Sms, SmsProvider, SmsText};
use davit_domain::time::Timestamp;
use secrecy::SecretString;
use serde_json::Value;

/// Characters that a variable of an approved template may have: the smaller one of what Aliyun
/// (<https://help.aliyun.com/zh/sms/user-guide/message-template-specifications>) and Tencent take.
const LONGEST_VARIABLE: usize = 35;

/// Sends a message to every number.
pub(in crate::notify) async fn send(
    out: &Outgoing,
    sms: &Sms,
    key: &SecretString,
    message: &Message,
    now: Timestamp,
) -> Result<(), Trouble> {
    match sms.provider {
        SmsProvider::Aliyun => sms_aliyun::send(out, sms, key, message, now).await,
        SmsProvider::Tencent => sms_tencent::send(out, sms, key, message, now).await,
        SmsProvider::Twilio => sms_twilio::send(out, sms, key, message).await,
    }
}

/// What a person sees of a message: the text, or the variables of the template.
pub(in crate::notify) fn text(sms: &Sms, message: &Message) -> String {
    match &sms.text {
        SmsText::Free { .. } => message.plain(),
        SmsText::Template { sign_name, template, params, .. } => {
            let line = |name: &String| format!("{name} = {}", variable(message, name));
            let lines: Vec<String> = params.iter().map(line).collect();
            format!("【{sign_name}】{template}\n{}", lines.join("\n"))
        }
    }
}

/// What a variable of a template is filled with. An empty one is refused by providers, so it is a dash.
pub(super) fn variable(message: &Message, name: &str) -> String {
    let text = match message.data.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => String::new(),
    };
    let short: String = text.chars().take(LONGEST_VARIABLE).collect();
    if short.is_empty() { "-".to_owned() } else { short }
}

/// A text as RFC 3986 writes it in a query: everything but letters, digits and `-_.~` is escaped.
pub(super) fn percent_encoded(text: &str) -> String {
    let escaped = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(escaped).collect()
}

/// A body of a form.
pub(super) fn form(pairs: &[(String, String)]) -> String {
    let pair = |(name, value): &(String, String)| format!("{}={}", percent_encoded(name), percent_encoded(value));
    pairs.iter().map(pair).collect::<Vec<_>>().join("&")
}
