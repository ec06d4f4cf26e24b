//! Who sent it: everything that makes a delivery genuine, and everything that does not.

use crate::support::headers;
use davit_forge::{ForgeKind, Incoming, SignatureScheme, Verified, VerifyError, verify};
use hmac::{Hmac, KeyInit, Mac};
use proptest::prelude::*;
use reqwest::header::{HeaderMap, HeaderValue};
use secrecy::SecretString;

/// GitHub's own vector: <https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries>.
const SECRET: &str = "It's a Secret to Everybody";
const BODY: &[u8] = b"Hello, World!";
const HEX: &str = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
const DELIVERY: &str = "72d3162e-cc78-11e3-81ab-4c9367dc0958";

const WRONG: VerifyError = VerifyError::SignatureWrong { header: "X-Hub-Signature-256" };
const MISSING: VerifyError = VerifyError::SignatureMissing { header: "X-Hub-Signature-256" };

fn genuine() -> HeaderMap {
    signed(&format!("sha256={HEX}"))
}

fn signed(signature: &str) -> HeaderMap {
    headers(&[
        ("content-type", "application/json"),
        ("x-github-event", "push"),
        ("x-github-delivery", DELIVERY),
        ("x-hub-signature-256", signature),
    ])
}

fn signature_of(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    mac.update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

fn check(secret: &str, headers: &HeaderMap, body: &[u8]) -> Result<Verified, VerifyError> {
    check_as(SignatureScheme::HmacSha256, secret, headers, body)
}

fn check_as(scheme: SignatureScheme, secret: &str, headers: &HeaderMap, body: &[u8]) -> Result<Verified, VerifyError> {
    verify(ForgeKind::Github, &SecretString::from(secret), scheme, &Incoming { headers, body })
}

#[test]
fn githubs_vector_is_genuine() {
    let verified = check(SECRET, &genuine(), BODY).expect("genuine");
    assert_eq!(verified, Verified { event: "push".to_owned(), delivery: DELIVERY.to_owned(), payload: BODY.to_vec() });
}

#[test]
fn every_flipped_bit_is_refused() {
    for position in 0..BODY.len() * 8 {
        let mut body = BODY.to_vec();
        body[position / 8] ^= 1 << (position % 8);
        assert_eq!(check(SECRET, &genuine(), &body), Err(WRONG), "bit {position} of the body");
    }
    for position in 0..HEX.len() {
        let mut hex = HEX.as_bytes().to_vec();
        hex[position] = if hex[position] == b'0' { b'1' } else { b'0' };
        let hex = String::from_utf8(hex).expect("digits");
        assert_eq!(check(SECRET, &signed(&format!("sha256={hex}")), BODY), Err(WRONG), "digit {position}");
    }
}

#[test]
fn a_truncated_or_longer_body_is_refused() {
    for length in 0..BODY.len() {
        assert_eq!(check(SECRET, &genuine(), &BODY[..length]), Err(WRONG));
    }
    assert_eq!(check(SECRET, &genuine(), b"Hello, World!\n"), Err(WRONG));
}

#[test]
fn a_wrong_secret_is_refused() {
    for secret in ["it's a Secret to Everybody", "It's a Secret to Everybody ", "It's a Secret to Everybod", "x"] {
        assert_eq!(check(secret, &genuine(), BODY), Err(WRONG), "{secret:?}");
    }
}

#[test]
fn without_a_secret_nothing_is_genuine() {
    assert_eq!(check("", &genuine(), BODY), Err(VerifyError::NoSecret));
    assert_eq!(check("", &signed(&signature_of("", BODY)), BODY), Err(VerifyError::NoSecret));
}

#[test]
fn a_missing_or_empty_signature_is_refused() {
    let mut headers = genuine();
    headers.remove("x-hub-signature-256");
    assert_eq!(check(SECRET, &headers, BODY), Err(MISSING));
    assert_eq!(check(SECRET, &signed(""), BODY), Err(MISSING));
    assert_eq!(check(SECRET, &signed("sha256="), BODY), Err(WRONG));
}

#[test]
fn a_signature_has_one_spelling() {
    let upper = format!("sha256={}", HEX.to_uppercase());
    for bad in [upper.as_str(), &format!("SHA256={HEX}"), HEX, &format!("sha256={HEX}0"), &format!("sha256= {HEX}")] {
        assert_eq!(check(SECRET, &signed(bad), BODY), Err(WRONG), "{bad:?}");
    }
    let mut twice = genuine();
    twice.append("x-hub-signature-256", HeaderValue::from_str(&format!("sha256={HEX}")).expect("value"));
    assert_eq!(check(SECRET, &twice, BODY), Err(WRONG), "two signatures");
    let mut binary = genuine();
    binary.insert("x-hub-signature-256", HeaderValue::from_bytes(b"sha256=\xff").expect("value"));
    assert_eq!(check(SECRET, &binary, BODY), Err(WRONG), "not text");
}

#[test]
fn the_sender_does_not_pick_the_scheme() {
    // `printf 'Hello, World!' | openssl dgst -sha1 -hmac "It's a Secret to Everybody"`
    let sha1 = "sha1=01dc10d0c83e72ed246219cdd91669667fe2ca59";
    let mut headers = genuine();
    headers.remove("x-hub-signature-256");
    headers.insert("x-hub-signature", HeaderValue::from_static(sha1));
    assert_eq!(check(SECRET, &headers, BODY), Err(MISSING));
    assert_eq!(check(SECRET, &signed(sha1), BODY), Err(WRONG));

    assert!(check_as(SignatureScheme::HmacSha1, SECRET, &headers, BODY).is_ok());
    assert_eq!(
        check_as(SignatureScheme::HmacSha1, SECRET, &genuine(), BODY),
        Err(VerifyError::SignatureMissing { header: "X-Hub-Signature" })
    );
    let wrong = check_as(SignatureScheme::HmacSha1, "other", &headers, BODY);
    assert_eq!(wrong, Err(VerifyError::SignatureWrong { header: "X-Hub-Signature" }));
}

#[test]
fn a_form_is_signed_as_it_is_sent() {
    let json = r#"{"ref":"refs/heads/main","note":"a+b & c%"}"#;
    let encoded: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("payload", json).finish();
    let mut headers = signed(&signature_of(SECRET, encoded.as_bytes()));
    headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
    let verified = check(SECRET, &headers, encoded.as_bytes()).expect("genuine");
    assert_eq!(verified.payload, json.as_bytes());

    headers
        .insert("x-hub-signature-256", HeaderValue::from_str(&signature_of(SECRET, json.as_bytes())).expect("value"));
    assert_eq!(check(SECRET, &headers, encoded.as_bytes()), Err(WRONG), "signed over the JSON instead");
}

#[test]
fn a_broken_form_is_refused_after_its_signature() {
    for body in ["payload=a&payload=b", "payload=%", "a=b", ""] {
        let mut headers = signed(&signature_of(SECRET, body.as_bytes()));
        headers.insert("content-type", HeaderValue::from_static("application/x-www-form-urlencoded"));
        assert_eq!(check(SECRET, &headers, body.as_bytes()), Err(VerifyError::MalformedForm), "{body:?}");
        assert_eq!(check("other", &headers, body.as_bytes()), Err(WRONG), "{body:?}");
    }
}

#[test]
fn only_json_and_forms_are_read() {
    for good in ["application/json; charset=utf-8", "Application/JSON"] {
        let mut headers = genuine();
        headers.insert("content-type", HeaderValue::from_str(good).expect("value"));
        assert!(check(SECRET, &headers, BODY).is_ok(), "{good}");
    }
    for bad in ["text/plain", "application/jsonx", "multipart/form-data", ""] {
        let mut headers = genuine();
        headers.insert("content-type", HeaderValue::from_str(bad).expect("value"));
        assert_eq!(check(SECRET, &headers, BODY), Err(VerifyError::UnsupportedContentType), "{bad}");
    }
    let mut headers = genuine();
    headers.remove("content-type");
    assert_eq!(check(SECRET, &headers, BODY), Err(VerifyError::UnsupportedContentType));
}

#[test]
fn event_and_delivery_are_plain_names() {
    for (name, header) in [("x-github-event", "X-GitHub-Event"), ("x-github-delivery", "X-GitHub-Delivery")] {
        let mut headers = genuine();
        headers.remove(name);
        assert_eq!(check(SECRET, &headers, BODY), Err(VerifyError::Header { header }));
        for bad in ["", "a b", "<script>", "é", &"x".repeat(101)] {
            headers.insert(name, HeaderValue::from_bytes(bad.as_bytes()).expect("value"));
            assert_eq!(check(SECRET, &headers, BODY), Err(VerifyError::Header { header }), "{bad:?}");
        }
    }
}

#[test]
fn refusals_say_nothing_of_what_is_right() {
    let refusals = [
        VerifyError::NoSecret,
        VerifyError::UnsupportedContentType,
        MISSING,
        WRONG,
        VerifyError::Header { header: "X-GitHub-Event" },
        VerifyError::MalformedForm,
    ];
    let mut codes: Vec<_> = refusals.iter().map(VerifyError::code).collect();
    for refusal in &refusals {
        let text = format!("{refusal} {refusal:?} {}", refusal.code());
        assert!(!text.contains(SECRET) && !text.contains(HEX), "{text}");
    }
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), refusals.len());
}

proptest! {
    #[test]
    fn what_is_signed_is_accepted_and_nothing_panics(
        secret in "\\PC{1,100}",
        body in prop::collection::vec(any::<u8>(), 0..300),
        junk in "[ -~]{0,80}",
        form in any::<bool>(),
    ) {
        let content_type = if form { "application/x-www-form-urlencoded" } else { "application/json" };
        let mut headers = signed(&signature_of(&secret, &body));
        headers.insert("content-type", HeaderValue::from_static(content_type));
        let verdict = check(&secret, &headers, &body);
        prop_assert!(matches!(verdict, Ok(_) | Err(VerifyError::MalformedForm)));
        headers.insert("x-hub-signature-256", HeaderValue::from_str(&junk).expect("printable"));
        prop_assert!(check(&secret, &headers, &body).is_err_and(|refusal| refusal.is_unauthenticated()));
    }
}
