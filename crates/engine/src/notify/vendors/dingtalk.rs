//! DingTalk's custom robots (自定义机器人).
//! Source: <https://open.dingtalk.com/document/robots/custom-robot-access> and
//! <https://open.dingtalk.com/document/robots/customize-robot-security-settings>.

use super::{Call, Prepared, hmac_sha256};
use crate::notify::Trouble;
use crate::notify::outgoing::{Answer, Request};
use crate::notify::render::{Message, cut};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use std::time::Duration;
use url::Url;

/// A message has at most 20,000 bytes.
const LONGEST: usize = 18_000;
/// A robot that sends more than 20 messages a minute is locked out for ten minutes.
const LOCKED_OUT: Duration = Duration::from_secs(600);

pub(super) fn request(call: &Call<'_>) -> Prepared {
    let url = match call.secret {
        Some(secret) => signed(call.url, secret, call.now.millis())?,
        None => call.url.clone(),
    };
    let body = json!({
        "msgtype": "markdown",
        "markdown": { "title": call.message.headline, "text": text(call.message) },
    });
    Ok((url, Request::json(&body)))
}

/// The URL with `timestamp` (milliseconds) and `sign`: the Base64 of HMAC-SHA256 with the secret over
/// `timestamp + "\n" + secret`, URL-encoded.
fn signed(url: &SecretString, secret: &SecretString, millis: i64) -> Result<SecretString, Trouble> {
    let mut url = Url::parse(url.expose_secret().trim())
        .map_err(|_| Trouble::Refused("the channel's `url` is not a URL: set the secret behind it anew".to_owned()))?;
    let secret = secret.expose_secret().trim();
    let sign = STANDARD.encode(hmac_sha256(secret.as_bytes(), format!("{millis}\n{secret}").as_bytes()));
    url.query_pairs_mut().append_pair("timestamp", &millis.to_string()).append_pair("sign", &sign);
    Ok(SecretString::from(String::from(url)))
}

/// Its Markdown has no line ends but paragraphs and lists.
pub(super) fn text(message: &Message) -> String {
    let mut lines = message.body(|title| format!("#### {title}"), |label, value| format!("- **{label}**: {value}"));
    lines.extend(message.link.iter().map(|(label, url)| format!("[{label}]({url})")));
    cut(&lines.join("\n\n"), LONGEST).to_owned()
}

/// Refusals come with status 200 and an `errcode`:
/// <https://open.dingtalk.com/document/orgapp/server-api-error-codes-1>.
pub(super) fn judge(answer: &Answer) -> Result<(), Trouble> {
    answer.succeeded()?;
    let said = answer.json();
    let words = said["errmsg"].as_str().unwrap_or_default();
    match said["errcode"].as_i64() {
        Some(0) => Ok(()),
        Some(code @ -1) => Err(Trouble::Later(format!("DingTalk is busy ({code} {words})"))),
        Some(code @ (130_101 | 410_100)) => {
            Err(Trouble::Pause { after: Some(LOCKED_OUT), detail: format!("too many messages ({code} {words})") })
        }
        Some(code) => Err(Trouble::Refused(format!("DingTalk refused it ({code} {words})"))),
        None => Err(Trouble::Refused(format!("the answer is not DingTalk's: {}", answer.words()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `printf '%s\n%s' 1769860800000 SEC0123456789abcdef | openssl dgst -sha256 -hmac SEC0123456789abcdef -binary |
    /// base64`, URL-encoded.
    #[test]
    fn the_signature_is_what_openssl_makes_of_it() {
        let url = SecretString::from("https://oapi.dingtalk.com/robot/send?access_token=x");
        let signed = signed(&url, &"SEC0123456789abcdef".into(), 1_769_860_800_000).expect("signs");
        assert_eq!(
            signed.expose_secret(),
            "https://oapi.dingtalk.com/robot/send?access_token=x&timestamp=1769860800000&\
             sign=pg7o6tDsmnIF270qvQRLoZf0SGuFf3h%2FeCJ4g%2Feavww%3D"
        );
    }
}
