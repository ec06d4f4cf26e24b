//! Alibaba Cloud's text messages (阿里云短信服务): `SendSms` of the API 2017-05-25, signed as its RPC calls are.
//! Source: <https://help.aliyun.com/zh/sms/developer-reference/api-dysmsapi-2017-05-25-sendsms> and
//! <https://help.aliyun.com/zh/sdk/product-overview/rpc-mechanism>.

use super::sms::{form, percent_encoded, variable};
use crate::notify::Trouble;
use crate::notify::outgoing::{Answer, Outgoing, Request};
use crate::notify::render::Message;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use davit_domain::config::{Sms, SmsText};
use davit_domain::time::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};

type Pairs = Vec<(String, String)>;

pub(super) async fn send(
    out: &Outgoing,
    sms: &Sms,
    key: &SecretString,
    message: &Message,
    now: Timestamp,
) -> Result<(), Trouble> {
    let nonce = format!("{:032x}", rand::random::<u128>());
    let request = request(sms, key, message, now, nonce)?;
    judge(&out.post(&SecretString::from(format!("{}/", sms.api_url)), request).await?)
}

fn request(
    sms: &Sms,
    key: &SecretString,
    message: &Message,
    now: Timestamp,
    nonce: String,
) -> Result<Request, Trouble> {
    let SmsText::Template { sign_name, template, params, .. } = &sms.text else {
        return Err(Trouble::Refused("Aliyun sends approved templates only: give the channel a `template`".to_owned()));
    };
    let variables: serde_json::Map<_, _> =
        params.iter().map(|name| (name.clone(), variable(message, name).into())).collect();
    // Numbers have no plus sign here.
    let numbers: Vec<&str> = sms.to.iter().map(|number| number.trim_start_matches('+')).collect();
    let seconds = now.to_string();
    let pairs = [
        ("Action", "SendSms".to_owned()),
        ("Version", "2017-05-25".to_owned()),
        ("Format", "JSON".to_owned()),
        ("AccessKeyId", sms.key_id.clone()),
        ("SignatureMethod", "HMAC-SHA1".to_owned()),
        ("SignatureVersion", "1.0".to_owned()),
        ("SignatureNonce", nonce),
        // `2026-01-31T12:00:00Z`, without fractions.
        ("Timestamp", format!("{}Z", seconds.get(..19).unwrap_or(&seconds))),
        ("RegionId", sms.region.clone()),
        ("PhoneNumbers", numbers.join(",")),
        ("SignName", sign_name.clone()),
        ("TemplateCode", template.clone()),
        ("TemplateParam", serde_json::Value::Object(variables).to_string()),
    ];
    let mut pairs: Pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let signature = signature("POST", &mut pairs, key);
    pairs.push(("Signature".to_owned(), signature));
    let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
    Ok(Request { headers, body: form(&pairs).into_bytes() })
}

/// The Base64 of HMAC-SHA1 over `METHOD&%2F&` and the escaped query of all parameters in their order; the key is the
/// secret and `&`.
fn signature(method: &str, pairs: &mut Pairs, key: &SecretString) -> String {
    pairs.sort();
    let signed = format!("{method}&%2F&{}", percent_encoded(&form(pairs)));
    let key =
        hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, format!("{}&", key.expose_secret().trim()).as_bytes());
    STANDARD.encode(hmac::sign(&key, signed.as_bytes()))
}

/// `Code` is `OK`, or says why not: <https://help.aliyun.com/zh/sms/developer-reference/api-error-codes>.
fn judge(answer: &Answer) -> Result<(), Trouble> {
    let said = answer.json();
    let words = said["Message"].as_str().unwrap_or_default();
    match said["Code"].as_str() {
        Some("OK") => Ok(()),
        Some(code) if code.starts_with("isp.") || code.starts_with("Throttling") || code == "ServiceUnavailable" => {
            Err(Trouble::Pause { after: None, detail: format!("Aliyun is busy ({code} {words})") })
        }
        Some(code) => Err(Trouble::Refused(format!("Aliyun refused it ({code} {words})"))),
        None => {
            answer.succeeded()?;
            Err(Trouble::Refused(format!("the answer is not Aliyun's: {}", answer.words())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of Aliyun's documentation of signatures of text messages.
    #[test]
    fn the_published_example_is_signed_as_published() {
        let pairs = [
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureNonce", "45e25e9b-0a6f-4070-8c85-2956eda1b466"),
            ("AccessKeyId", "testId"),
            ("SignatureVersion", "1.0"),
            ("Timestamp", "2017-07-12T02:42:19Z"),
            ("Format", "XML"),
            ("Action", "SendSms"),
            ("Version", "2017-05-25"),
            ("RegionId", "cn-hangzhou"),
            ("PhoneNumbers", "15300000001"),
            ("SignName", "阿里云短信测试专用"),
            ("TemplateParam", "{\"customer\":\"test\"}"),
            ("TemplateCode", "SMS_71390007"),
            ("OutId", "123"),
        ];
        let mut pairs: Pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        assert_eq!(signature("GET", &mut pairs, &"testSecret".into()), "zJDF+Lrzhj/ThnlvIToysFRq6t4=");
    }
}
