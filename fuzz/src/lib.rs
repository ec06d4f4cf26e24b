//! What is thrown at the readers of outside text, and what must hold whatever that is. One function a target:
//! `fuzz_targets/` calls them with libFuzzer's inputs, and the forge crate's tests call them on a stable compiler.
//!
//! A target panics when something does not hold. Signed requests are signed here, so that fuzzing gets past the
//! signature to what is behind it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use davit_domain::config::{Configuration, GenericHook, HookSignature, export};
use davit_domain::time::Timestamp;
use davit_forge::{ForgeEvent, ForgeKind, HookRules, Incoming, VerifyError, dedupe_key, parse, verify};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;

/// A target.
pub type Target = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: [(&str, Target); 12] = [
    ("verify_github", verify_github),
    ("verify_gitlab", verify_gitlab),
    ("verify_gitea", verify_gitea),
    ("verify_gitee", verify_gitee),
    ("verify_generic", verify_generic),
    ("parse_github", parse_github),
    ("parse_gitlab", parse_gitlab),
    ("parse_gitea", parse_gitea),
    ("parse_gitee", parse_gitee),
    ("parse_generic", parse_generic),
    ("form", form),
    ("configuration", configuration),
];

const SECRET: &str = "a secret that no input holds";
/// The same for Standard Webhooks.
const SIGNING_TOKEN: &str = "whsec_YSBzZWNyZXQgdGhhdCBubyBpbnB1dCBob2xkcw==";
const NOW: Timestamp = Timestamp::from_millis(1_772_442_900_000);

/// GitHub's headers and body: the first lines are the headers' values, the rest is the body.
pub fn verify_github(input: &[u8]) {
    const NAMES: [&str; 5] =
        ["content-type", "x-github-event", "x-github-delivery", "x-hub-signature-256", "x-hub-signature"];
    let (headers, body) = request(&NAMES, input);
    let signed = format!("sha256={}", hex(&hmac_sha256(SECRET.as_bytes(), body)));
    check(ForgeKind::Github, HookSignature::HmacSha256, &headers, body, ("x-hub-signature-256", signed));
    let signed = format!("sha1={}", hex(&hmac::<Hmac<sha1::Sha1>>(SECRET.as_bytes(), body)));
    check(ForgeKind::Github, HookSignature::HmacSha1, &headers, body, ("x-hub-signature", signed));
}

/// GitLab's.
pub fn verify_gitlab(input: &[u8]) {
    const NAMES: [&str; 7] = [
        "content-type",
        "x-gitlab-event",
        "idempotency-key",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "x-gitlab-token",
    ];
    let (headers, body) = request(&NAMES, input);
    let token = ("x-gitlab-token", SECRET.to_owned());
    check(ForgeKind::Gitlab, HookSignature::Token, &headers, body, token);
    let value = |name: &str| headers.get(name).map_or(&b""[..], HeaderValue::as_bytes);
    let signed = [value("webhook-id"), b".", value("webhook-timestamp"), b".", body].concat();
    let signature = format!("v1,{}", STANDARD.encode(hmac_sha256(SECRET.as_bytes(), &signed)));
    check(ForgeKind::Gitlab, HookSignature::StandardWebhooks, &headers, body, ("webhook-signature", signature));
}

/// Gitea's.
pub fn verify_gitea(input: &[u8]) {
    const NAMES: [&str; 4] = ["content-type", "x-gitea-event", "x-gitea-delivery", "x-gitea-signature"];
    let (headers, body) = request(&NAMES, input);
    // Of forms the JSON inside is signed: here of those that a plain decoder can read.
    let is_form = headers.get("content-type").is_some_and(|value| value.as_bytes().ends_with(b"form-urlencoded"));
    let json = url::form_urlencoded::parse(body).find(|(name, _)| name == "payload").map(|(_, value)| value);
    let signed = json.filter(|_| is_form).map_or(body.to_vec(), |json| json.into_owned().into_bytes());
    let signature = hex(&hmac_sha256(SECRET.as_bytes(), &signed));
    let _ = genuine(ForgeKind::Gitea, HookSignature::HmacSha256, &headers, body, ("x-gitea-signature", signature));
    refused(ForgeKind::Gitea, HookSignature::HmacSha256, &headers, body);
}

/// Gitee's.
pub fn verify_gitee(input: &[u8]) {
    const NAMES: [&str; 5] = ["content-type", "x-gitee-event", "x-gitee-timestamp", "x-gitee-ping", "x-gitee-token"];
    let (headers, body) = request(&NAMES, input);
    let password = ("x-gitee-token", SECRET.to_owned());
    check(ForgeKind::Gitee, HookSignature::Token, &headers, body, password);
    let timestamp = headers.get("x-gitee-timestamp").map_or(&b""[..], HeaderValue::as_bytes);
    let signed = [timestamp, b"\n", SECRET.as_bytes()].concat();
    let signature = STANDARD.encode(hmac_sha256(SECRET.as_bytes(), &signed));
    check(ForgeKind::Gitee, HookSignature::Timestamp, &headers, body, ("x-gitee-token", signature));
}

/// A generic sender's.
pub fn verify_generic(input: &[u8]) {
    let (headers, body) = request(&["content-type", "x-delivery", "x-signature"], input);
    let signature = format!("sha256={}", hex(&hmac_sha256(SECRET.as_bytes(), body)));
    check(ForgeKind::Generic, HookSignature::HmacSha256, &headers, body, ("x-signature", signature));
}

/// A body as every event of GitHub's that is read.
pub fn parse_github(input: &[u8]) {
    read(
        ForgeKind::Github,
        &[
            "ping",
            "push",
            "delete",
            "pull_request",
            "deployment",
            "deployment_status",
            "status",
            "check_run",
            "check_suite",
            "merge_group",
            "create",
        ],
        input,
    );
}

/// A body as every event of GitLab's that is read.
pub fn parse_gitlab(input: &[u8]) {
    let events =
        ["Push Hook", "Tag Push Hook", "Merge Request Hook", "Pipeline Hook", "Deployment Hook", "System Hook", "?"];
    read(ForgeKind::Gitlab, &events, input);
}

/// A body as every event of Gitea's that is read.
pub fn parse_gitea(input: &[u8]) {
    read(ForgeKind::Gitea, &["push", "delete", "pull_request", "pull_request_sync", "status", "create"], input);
}

/// A body as every event of Gitee's that is read.
pub fn parse_gitee(input: &[u8]) {
    read(ForgeKind::Gitee, &["ping", "Push Hook", "Tag Push Hook", "Merge Request Hook", "Note Hook"], input);
}

/// A body from a generic sender.
pub fn parse_generic(input: &[u8]) {
    read(ForgeKind::Generic, &["push"], input);
}

/// A form with the JSON in its field `payload`: what is taken out is what any other decoder would take out.
pub fn form(input: &[u8]) {
    let headers = HeaderMap::from_iter([
        header("content-type", b"application/x-www-form-urlencoded"),
        header("x-github-event", b"push"),
        header("x-github-delivery", b"1"),
    ]);
    let signed = format!("sha256={}", hex(&hmac_sha256(SECRET.as_bytes(), input)));
    let place = ("x-hub-signature-256", signed);
    let Some(payload) = genuine(ForgeKind::Github, HookSignature::HmacSha256, &headers, input, place) else { return };
    let fields: Vec<_> = url::form_urlencoded::parse(input).filter(|(name, _)| name == "payload").collect();
    assert!(!fields.is_empty(), "a field that nobody else sees");
    if let ([(_, only)], Ok(payload)) = (fields.as_slice(), std::str::from_utf8(&payload)) {
        assert_eq!(only, payload);
    }
}

/// A `davit.toml`: what is read without an error is the same after it was written and read again.
pub fn configuration(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let nothing = Configuration::default();
    match davit_domain::config::parse(text, &nothing) {
        Ok(parsed) => {
            let written = export(&parsed.configuration);
            let again = davit_domain::config::parse(&written, &nothing);
            let again = again.unwrap_or_else(|errors| panic!("{errors:?}\n{written}"));
            assert_eq!(again.configuration, parsed.configuration, "\n{written}");
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a reason");
            assert!(errors.iter().all(|error| error.line >= 1 && error.column >= 1), "{errors:?}");
        }
    }
}

/// Without the right proof nothing passes; with it nothing is called unproven but for the time.
fn check(kind: ForgeKind, signature: HookSignature, headers: &HeaderMap, body: &[u8], proof: (&'static str, String)) {
    refused(kind, signature, headers, body);
    genuine(kind, signature, headers, body, proof);
}

fn refused(kind: ForgeKind, signature: HookSignature, headers: &HeaderMap, body: &[u8]) {
    let verdict = ask(kind, signature, headers, body);
    assert!(verdict.is_err(), "{kind:?} {signature:?}: taken without a proof");
}

/// The payload, when the rest of the request is good too.
fn genuine(
    kind: ForgeKind,
    signature: HookSignature,
    headers: &HeaderMap,
    body: &[u8],
    (name, value): (&'static str, String),
) -> Option<Vec<u8>> {
    let mut headers = headers.clone();
    let value = HeaderValue::from_str(&value).unwrap_or_else(|_| panic!("proofs are ASCII"));
    headers.insert(name, value);
    match ask(kind, signature, &headers, body) {
        Ok(verified) => {
            assert!(!verified.event.is_empty() && verified.event.len() <= 100, "{:?}", verified.event);
            assert!(!verified.delivery.is_empty() && verified.delivery.len() <= 100, "{:?}", verified.delivery);
            Some(verified.payload)
        }
        // Gitea's forms that are read in two ways are signed for the other one here.
        Err(VerifyError::SignatureWrong { .. }) if kind == ForgeKind::Gitea => None,
        Err(
            refusal @ (VerifyError::SignatureWrong { .. }
            | VerifyError::SignatureMissing { .. }
            | VerifyError::NoSecret),
        ) => {
            panic!("{kind:?} {signature:?}: refused with the right proof: {refusal}")
        }
        Err(
            VerifyError::Configuration { .. }
            | VerifyError::UnsupportedContentType
            | VerifyError::Expired { .. }
            | VerifyError::Header { .. }
            | VerifyError::MalformedForm,
        ) => None,
    }
}

fn ask(
    kind: ForgeKind,
    signature: HookSignature,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<davit_forge::Verified, VerifyError> {
    let secret = if signature == HookSignature::StandardWebhooks { SIGNING_TOKEN } else { SECRET };
    let (secret, hook) = (SecretString::from(secret), generic_hook());
    let generic = (kind == ForgeKind::Generic).then_some(&hook);
    verify(&HookRules { kind, signature, secret: &secret, generic, now: NOW }, &Incoming { headers, body })
}

/// Whatever is understood is fit for what comes after: paths, URLs, the store.
fn read(kind: ForgeKind, events: &[&str], payload: &[u8]) {
    let hook = generic_hook();
    for name in events {
        match parse(kind, Some(&hook), name, payload) {
            Ok(event) => {
                assert!(dedupe_key(&event).is_none_or(|key| !key.is_empty()));
                if let Some(repository) = repository(&event) {
                    let parts: Vec<_> = repository.split('/').collect();
                    assert!(
                        parts.len() >= 2 && !parts.iter().any(|part| matches!(*part, "" | "." | "..")),
                        "{event:?}"
                    );
                    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
                    assert!(repository.chars().all(plain), "{event:?}");
                }
                let json = serde_json::to_string(&event).unwrap_or_else(|error| panic!("{error}: {event:?}"));
                assert_eq!(serde_json::from_str::<ForgeEvent>(&json).ok(), Some(event), "{json}");
            }
            Err(refusal) => assert!(refusal.to_string().len() < 1000, "{refusal}"),
        }
    }
}

fn repository(event: &ForgeEvent) -> Option<&str> {
    match event {
        ForgeEvent::Ping { .. } | ForgeEvent::Other { .. } => None,
        ForgeEvent::Push(push) => Some(&push.repository),
        ForgeEvent::Change(change) => Some(&change.repository),
        ForgeEvent::Deployment(deployment) => Some(&deployment.repository),
        ForgeEvent::DeploymentStatus(status) => Some(&status.repository),
        ForgeEvent::Check(check) => Some(&check.repository),
        ForgeEvent::MergeGroup(group) => Some(&group.repository),
        ForgeEvent::Comment(comment) => Some(&comment.repository),
    }
}

/// One line of input for the value of each header, where it can be one; the rest is the body.
fn request<'a>(names: &[&'static str], input: &'a [u8]) -> (HeaderMap, &'a [u8]) {
    let mut headers = HeaderMap::new();
    let mut rest = input;
    for name in names {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        if let Ok(value) = HeaderValue::from_bytes(&rest[..end]) {
            headers.insert(HeaderName::from_static(name), value);
        }
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    (headers, rest)
}

fn header(name: &'static str, value: &'static [u8]) -> (HeaderName, HeaderValue) {
    let value = HeaderValue::from_bytes(value).unwrap_or_else(|_| panic!("constants are values"));
    (HeaderName::from_static(name), value)
}

fn generic_hook() -> GenericHook {
    let pointer = |text: &str| text.to_owned();
    GenericHook {
        header: "X-Signature".to_owned(),
        prefix: "sha256=".to_owned(),
        delivery_header: Some("X-Delivery".to_owned()),
        repository: pointer("/repository/full_name"),
        reference: pointer("/ref"),
        commit: pointer("/after"),
        by: Some(pointer("/sender/login")),
        title: Some(pointer("/head_commit/message")),
    }
}

fn hmac_sha256(key: &[u8], signed: &[u8]) -> Vec<u8> {
    hmac::<Hmac<sha2::Sha256>>(key, signed)
}

fn hmac<M: Mac + KeyInit>(key: &[u8], signed: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).unwrap_or_else(|_| panic!("an HMAC takes any key"));
    mac.update(signed);
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
