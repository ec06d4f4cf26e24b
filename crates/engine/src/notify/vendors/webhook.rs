//! Any receiver of JSON, signed as Standard Webhooks says.
//! Source: <https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>.

use super::{Call, Prepared, hmac_sha256};
use crate::notify::Trouble;
use crate::notify::outgoing::Request;
use crate::notify::render::Message;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

pub(super) fn request(call: &Call<'_>) -> Prepared {
    let message = call.message;
    let seconds = call.now.millis().div_euclid(1_000);
    let mut request = Request::json(&body(message))
        .header("webhook-id", message.id.clone())
        .header("webhook-timestamp", seconds.to_string());
    if let Some(secret) = call.secret {
        let signature = signature(secret, &message.id, seconds, &request.body)?;
        request = request.header("webhook-signature", signature);
    }
    Ok((call.url.clone(), request))
}

fn body(message: &Message) -> Value {
    let mut data = message.data.clone();
    data["text"] = json!(message.own.as_ref().unwrap_or(&message.headline));
    json!({ "type": format!("davit.{}", message.event), "timestamp": message.data["at"], "data": data })
}

pub(super) fn text(message: &Message) -> String {
    format!("{:#}", body(message))
}

/// `v1,` and the Base64 of HMAC-SHA256 over `id.timestamp.body`. The key is what follows `whsec_`, decoded; a secret of
/// any other form is the key itself.
fn signature(secret: &SecretString, id: &str, seconds: i64, body: &[u8]) -> Result<String, Trouble> {
    let secret = secret.expose_secret().trim();
    let key = match secret.strip_prefix("whsec_") {
        Some(encoded) => STANDARD_NO_PAD.decode(encoded.trim_end_matches('=')).map_err(|_| {
            Trouble::Refused("the channel's `secret` begins with whsec_ but is not Base64 after it".to_owned())
        })?,
        None => secret.as_bytes().to_vec(),
    };
    let signed = [format!("{id}.{seconds}.").as_bytes(), body].concat();
    Ok(format!("v1,{}", STANDARD.encode(hmac_sha256(&key, &signed))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the standard's own libraries.
    #[test]
    fn the_published_example_is_signed_as_published() {
        let secret = SecretString::from("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
        let signature = signature(&secret, id, 1_614_265_330, br#"{"test": 2432232314}"#).expect("signs");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }
}
