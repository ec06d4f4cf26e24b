//! Tencent Cloud's text messages (腾讯云短信): `SendSms` of the API 2021-01-11, signed with TC3-HMAC-SHA256.
//! Source: <https://cloud.tencent.com/document/product/382/55981> and
//! <https://cloud.tencent.com/document/product/382/52072>.

use super::sms::variable;
use super::{hex, hmac_sha256, sha256_hex};
use crate::notify::Trouble;
use crate::notify::outgoing::{Answer, Outgoing, Request};
use crate::notify::render::Message;
use davit_domain::config::{Sms, SmsText};
use davit_domain::time::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use url::Url;

const CONTENT_TYPE: &str = "application/json; charset=utf-8";

pub(super) async fn send(
    out: &Outgoing,
    sms: &Sms,
    key: &SecretString,
    message: &Message,
    now: Timestamp,
) -> Result<(), Trouble> {
    let request = request(sms, key, message, now)?;
    judge(&out.post(&SecretString::from(format!("{}/", sms.api_url)), request).await?)
}

fn request(sms: &Sms, key: &SecretString, message: &Message, now: Timestamp) -> Result<Request, Trouble> {
    let SmsText::Template { sign_name, template, params, app_id } = &sms.text else {
        return Err(Trouble::Refused(
            "Tencent sends approved templates only: give the channel a `template`".to_owned(),
        ));
    };
    let body = json!({
        "PhoneNumberSet": sms.to,
        "SmsSdkAppId": app_id,
        "SignName": sign_name,
        "TemplateId": template,
        "TemplateParamSet": params.iter().map(|name| variable(message, name)).collect::<Vec<_>>(),
    });
    let body = body.to_string();
    let host = host(&sms.api_url)?;
    let seconds = now.millis().div_euclid(1_000);
    let date = now.to_string().get(..10).unwrap_or_default().to_owned();
    let signing = Signing { service: "sms", key_id: &sms.key_id, key, host: &host, seconds, date: &date };
    let headers = vec![
        ("content-type", CONTENT_TYPE.to_owned()),
        ("authorization", signing.authorization(&body)),
        ("x-tc-action", "SendSms".to_owned()),
        ("x-tc-version", "2021-01-11".to_owned()),
        ("x-tc-timestamp", seconds.to_string()),
        ("x-tc-region", sms.region.clone()),
    ];
    Ok(Request { headers, body: body.into_bytes() })
}

/// As the header says it: with the port where it is not the usual one.
fn host(api_url: &str) -> Result<String, Trouble> {
    let url = Url::parse(api_url).ok();
    let host = url.as_ref().and_then(Url::host_str).map(|host| match url.as_ref().and_then(Url::port) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    });
    host.ok_or_else(|| Trouble::Refused("the channel's `api_url` is not a URL".to_owned()))
}

struct Signing<'a> {
    service: &'a str,
    key_id: &'a str,
    key: &'a SecretString,
    host: &'a str,
    seconds: i64,
    /// UTC, `YYYY-MM-DD`.
    date: &'a str,
}

impl Signing<'_> {
    fn authorization(&self, body: &str) -> String {
        let Self { service, key_id, key, host, seconds, date } = self;
        let headers = "content-type;host";
        let canonical = format!(
            "POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{host}\n\n{headers}\n{}",
            sha256_hex(body.as_bytes())
        );
        let scope = format!("{date}/{service}/tc3_request");
        let signed = format!("TC3-HMAC-SHA256\n{seconds}\n{scope}\n{}", sha256_hex(canonical.as_bytes()));
        let key = hmac_sha256(format!("TC3{}", key.expose_secret().trim()).as_bytes(), date.as_bytes());
        let key = hmac_sha256(&hmac_sha256(&key, service.as_bytes()), b"tc3_request");
        let signature = hex(&hmac_sha256(&key, signed.as_bytes()));
        format!("TC3-HMAC-SHA256 Credential={key_id}/{scope}, SignedHeaders={headers}, Signature={signature}")
    }
}

/// An error for all, or a code a number: <https://cloud.tencent.com/document/product/382/59177>.
fn judge(answer: &Answer) -> Result<(), Trouble> {
    let said = answer.json();
    let response = &said["Response"];
    if let Some(code) = response["Error"]["Code"].as_str() {
        let detail =
            format!("Tencent refused it ({code} {})", response["Error"]["Message"].as_str().unwrap_or_default());
        return Err(match code {
            "RequestLimitExceeded" => Trouble::Pause { after: None, detail },
            code if code.starts_with("InternalError") => Trouble::Later(detail),
            _ => Trouble::Refused(detail),
        });
    }
    let Some(numbers) = response["SendStatusSet"].as_array() else {
        answer.succeeded()?;
        return Err(Trouble::Refused(format!("the answer is not Tencent's: {}", answer.words())));
    };
    let refused: Vec<&str> =
        numbers.iter().filter_map(|number| number["Code"].as_str()).filter(|code| *code != "Ok").collect();
    match refused.first() {
        None => Ok(()),
        Some(code) => {
            // Tried again it would get to those who have it already.
            let detail = format!("Tencent refused {} of {} numbers ({code})", refused.len(), numbers.len());
            Err(Trouble::Refused(detail))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Tencent's documentation of signatures, as its own libraries test it.
    #[test]
    fn the_published_example_is_signed_as_published() {
        let key = SecretString::from("Gu5t9xGARNpq86cd98joQYCN3EXAMPLE");
        let signing = Signing {
            service: "cvm",
            key_id: "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE",
            key: &key,
            host: "cvm.tencentcloudapi.com",
            seconds: 1_551_113_065,
            date: "2019-02-25",
        };
        let body = r#"{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}"#;
        assert!(
            signing
                .authorization(body)
                .ends_with("Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168"),
            "{}",
            signing.authorization(body)
        );
    }
}
