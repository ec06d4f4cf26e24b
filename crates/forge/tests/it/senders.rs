//! Everybody who signs webhooks, one for each way of signing, so that one test can ask all of them.

use crate::support::{NOW, headers};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use davit_domain::config::{GenericHook, HookSignature};
use davit_domain::time::Timestamp;
use davit_forge::{ForgeKind, HookRules, Incoming, Verified, VerifyError, verify};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use sha1::Sha1;
use sha2::Sha256;

/// The delivery's id, where the sender has one.
pub(crate) const DELIVERY: &str = "72d3162e-cc78-11e3-81ab-4c9367dc0958";
/// Of no particular shape; what Standard Webhooks needs is put around it.
pub(crate) const SECRET: &str = "It's a Secret to Everybody";

/// One way in which one kind of forge proves who it is.
pub(crate) struct Sender {
    pub(crate) kind: ForgeKind,
    pub(crate) signature: HookSignature,
    /// The header with the proof.
    pub(crate) proof: &'static str,
    /// Whether a changed body makes the proof wrong.
    pub(crate) covers_body: bool,
    /// Whether it sends forms too.
    pub(crate) sends_forms: bool,
    /// An event that davit acts on.
    pub(crate) event: &'static str,
    others: &'static [(&'static str, &'static str)],
    prove: fn(secret: &str, body: &[u8]) -> String,
}

pub(crate) const SENDERS: [Sender; 8] = [
    Sender {
        kind: ForgeKind::Github,
        signature: HookSignature::HmacSha256,
        proof: "X-Hub-Signature-256",
        covers_body: true,
        sends_forms: true,
        event: "push",
        others: &[("x-github-event", "push"), ("x-github-delivery", DELIVERY)],
        prove: |secret, body| format!("sha256={}", hex(&hmac_sha256(secret.as_bytes(), body))),
    },
    Sender {
        kind: ForgeKind::Github,
        signature: HookSignature::HmacSha1,
        proof: "X-Hub-Signature",
        covers_body: true,
        sends_forms: true,
        event: "push",
        others: &[("x-github-event", "push"), ("x-github-delivery", DELIVERY)],
        prove: |secret, body| format!("sha1={}", hex(&hmac::<Hmac<Sha1>>(secret.as_bytes(), body))),
    },
    Sender {
        kind: ForgeKind::Gitlab,
        signature: HookSignature::Token,
        proof: "X-Gitlab-Token",
        covers_body: false,
        sends_forms: false,
        event: "Push Hook",
        others: &[("x-gitlab-event", "Push Hook"), ("idempotency-key", DELIVERY)],
        prove: |secret, _| secret.to_owned(),
    },
    Sender {
        kind: ForgeKind::Gitlab,
        signature: HookSignature::StandardWebhooks,
        proof: "webhook-signature",
        covers_body: true,
        sends_forms: false,
        event: "Push Hook",
        others: &[
            ("x-gitlab-event", "Push Hook"),
            ("webhook-id", DELIVERY),
            ("webhook-timestamp", "1772442900"),
            ("idempotency-key", "another-id"),
        ],
        prove: |secret, body| standard_signature(secret, DELIVERY, "1772442900", body),
    },
    Sender {
        kind: ForgeKind::Gitea,
        signature: HookSignature::HmacSha256,
        proof: "X-Gitea-Signature",
        covers_body: true,
        sends_forms: true,
        event: "push",
        // Gitea calls itself by these names too.
        others: &[
            ("x-gitea-event", "push"),
            ("x-gitea-delivery", DELIVERY),
            ("x-github-event", "push"),
            ("x-github-delivery", DELIVERY),
            ("x-gogs-event", "push"),
        ],
        prove: |secret, body| hex(&hmac_sha256(secret.as_bytes(), body)),
    },
    Sender {
        kind: ForgeKind::Gitee,
        signature: HookSignature::Timestamp,
        proof: "X-Gitee-Token",
        covers_body: false,
        sends_forms: false,
        event: "Push Hook",
        others: &[("x-gitee-event", "Push Hook"), ("x-gitee-timestamp", "1772442900000"), ("x-gitee-ping", "false")],
        prove: |secret, _| gitee_signature(secret, "1772442900000"),
    },
    Sender {
        kind: ForgeKind::Gitee,
        signature: HookSignature::Token,
        proof: "X-Gitee-Token",
        covers_body: false,
        sends_forms: false,
        event: "Push Hook",
        others: &[("x-gitee-event", "Push Hook"), ("x-gitee-timestamp", "1772442900000")],
        prove: |secret, _| secret.to_owned(),
    },
    Sender {
        kind: ForgeKind::Generic,
        signature: HookSignature::HmacSha256,
        proof: "X-Signature",
        covers_body: true,
        sends_forms: false,
        event: "push",
        others: &[("x-delivery", DELIVERY)],
        prove: |secret, body| format!("sha256={}", hex(&hmac_sha256(secret.as_bytes(), body))),
    },
];

impl Sender {
    /// How tests call it.
    pub(crate) fn name(&self) -> String {
        format!("{:?} {:?}", self.kind, self.signature)
    }

    /// The header with the proof, as header maps have it.
    pub(crate) fn proof_header(&self) -> HeaderName {
        self.proof.to_ascii_lowercase().parse().expect("a header name")
    }

    /// The secret as the forge's administrator would copy it.
    pub(crate) fn secret(&self, seed: &str) -> String {
        if self.signature == HookSignature::StandardWebhooks {
            format!("whsec_{}", STANDARD.encode(seed))
        } else {
            seed.to_owned()
        }
    }

    /// The proof of a body.
    pub(crate) fn prove(&self, secret: &str, body: &[u8]) -> String {
        (self.prove)(secret, body)
    }

    /// All headers of a genuine request with JSON.
    pub(crate) fn genuine(&self, body: &[u8]) -> HeaderMap {
        self.signed(&self.prove(&self.secret(SECRET), body))
    }

    /// All headers with this proof.
    pub(crate) fn signed(&self, proof: &str) -> HeaderMap {
        let mut headers = headers(self.others.iter().copied().chain([("content-type", "application/json")]));
        headers.insert(self.proof_header(), HeaderValue::from_str(proof).expect("a header value"));
        headers
    }

    /// What davit says, with the right secret.
    pub(crate) fn check(&self, headers: &HeaderMap, body: &[u8]) -> Result<Verified, VerifyError> {
        self.check_with(&self.secret(SECRET), headers, body)
    }

    /// What davit says with this secret.
    pub(crate) fn check_with(&self, secret: &str, headers: &HeaderMap, body: &[u8]) -> Result<Verified, VerifyError> {
        self.check_at(NOW, secret, headers, body)
    }

    /// What davit says at another time.
    pub(crate) fn check_at(
        &self,
        now: Timestamp,
        secret: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Verified, VerifyError> {
        let (hook, secret) = (generic_hook(), SecretString::from(secret));
        let generic = (self.kind == ForgeKind::Generic).then_some(&hook);
        let rules = HookRules { kind: self.kind, signature: self.signature, secret: &secret, generic, now };
        verify(&rules, &Incoming { headers, body })
    }

    pub(crate) fn wrong(&self) -> VerifyError {
        VerifyError::SignatureWrong { header: self.proof.to_owned() }
    }

    pub(crate) fn missing(&self) -> VerifyError {
        VerifyError::SignatureMissing { header: self.proof.to_owned() }
    }
}

/// Who signs like this.
pub(crate) fn sender(kind: ForgeKind, signature: HookSignature) -> &'static Sender {
    const ALL: &[Sender] = &SENDERS;
    ALL.iter().find(|sender| sender.kind == kind && sender.signature == signature).expect("one that exists")
}

/// A generic sender that looks like GitHub.
pub(crate) fn generic_hook() -> GenericHook {
    GenericHook {
        header: "X-Signature".to_owned(),
        prefix: "sha256=".to_owned(),
        delivery_header: Some("X-Delivery".to_owned()),
        repository: "/repository/full_name".to_owned(),
        reference: "/ref".to_owned(),
        commit: "/after".to_owned(),
        by: Some("/sender/login".to_owned()),
        title: Some("/head_commit/message".to_owned()),
    }
}

pub(crate) fn standard_signature(secret: &str, id: &str, timestamp: &str, body: &[u8]) -> String {
    let encoded = secret.strip_prefix("whsec_").unwrap_or(secret);
    let key = STANDARD.decode(encoded).unwrap_or_else(|_| encoded.as_bytes().to_vec());
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    format!("v1,{}", STANDARD.encode(hmac_sha256(&key, &signed)))
}

pub(crate) fn gitee_signature(secret: &str, timestamp: &str) -> String {
    STANDARD.encode(hmac_sha256(secret.as_bytes(), format!("{timestamp}\n{secret}").as_bytes()))
}

pub(crate) fn hmac_sha256(key: &[u8], signed: &[u8]) -> Vec<u8> {
    hmac::<Hmac<Sha256>>(key, signed)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hmac<M: Mac + KeyInit>(key: &[u8], signed: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("any length");
    mac.update(signed);
    mac.finalize().into_bytes().to_vec()
}
