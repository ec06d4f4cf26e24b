//! Webhooks of every forge: the check of who sent one, and what it says. No I/O.
//!
//! [`verify`] runs on the request, before anything of it is stored. [`parse`] runs later, on the stored row, since
//! what it finds never changes the answer that the forge gets.

use crate::github;
use crate::{ForgeKind, SignatureScheme};
use davit_domain::event::{ChangeAction, ForgeEvent};
use davit_domain::ids::CommitSha;
use reqwest::header::HeaderMap;
use secrecy::SecretString;

/// A webhook request as it came in.
#[derive(Debug, Clone, Copy)]
pub struct Incoming<'a> {
    /// Its headers.
    pub headers: &'a HeaderMap,
    /// Its body, byte for byte: signatures are over these bytes.
    pub body: &'a [u8],
}

/// What a request with a right signature says about itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The forge's name of the event, such as `push`.
    pub event: String,
    /// The forge's id of the delivery; the same again when the forge sends it again.
    pub delivery: String,
    /// The JSON document, taken out of its form field where it was in one. Not yet known to be valid JSON.
    pub payload: Vec<u8>,
}

/// A webhook request that is refused. Each message is for the sender and says nothing of the right value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Without a secret no request can prove where it is from.
    #[error("This forge has no webhook secret in davit: set one there and the same one in the forge's webhook.")]
    NoSecret,
    /// Neither JSON nor a form.
    #[error(
        "The content type is not supported: set the webhook's content type to application/json \
         (application/x-www-form-urlencoded works too)."
    )]
    UnsupportedContentType,
    /// The signature is not there, or is empty.
    #[error(
        "The header {header} is missing or empty: set the webhook's secret at the forge to the one that davit has."
    )]
    SignatureMissing {
        /// The header in which it is expected.
        header: &'static str,
    },
    /// The signature is there and is not that of this body with our secret.
    #[error(
        "The signature in {header} is wrong: the webhook's secret differs from the one that davit has, \
         or the body was changed on its way."
    )]
    SignatureWrong {
        /// The header that it came in.
        header: &'static str,
    },
    /// A header that says what this is about is not there, is there twice, or is not a plain short text.
    #[error("The header {header} is missing, repeated or malformed: send what the forge sends, unchanged.")]
    Header {
        /// Its name.
        header: &'static str,
    },
    /// A form without exactly one well-formed field `payload`.
    #[error("The form is malformed: it must have the JSON in exactly one field named payload.")]
    MalformedForm,
}

impl VerifyError {
    /// A short name that never changes, for machines.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoSecret => "webhook_no_secret",
            Self::UnsupportedContentType => "webhook_content_type",
            Self::SignatureMissing { .. } => "webhook_signature_missing",
            Self::SignatureWrong { .. } => "webhook_signature_wrong",
            Self::Header { .. } => "webhook_header",
            Self::MalformedForm => "webhook_form",
        }
    }

    /// Whether the sender could not prove who it is; otherwise what it sent is unusable.
    #[must_use]
    pub const fn is_unauthenticated(&self) -> bool {
        match self {
            Self::NoSecret | Self::SignatureMissing { .. } | Self::SignatureWrong { .. } => true,
            Self::UnsupportedContentType | Self::Header { .. } | Self::MalformedForm => false,
        }
    }
}

/// A payload that is not what its event promises.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Not JSON, nested too deeply, or a field is missing or of another type.
    #[error("The payload of the event {event} can't be read: {detail}.")]
    Malformed {
        /// The forge's name of the event.
        event: String,
        /// Where and why.
        detail: String,
    },
    /// A field has the right type and an impossible value.
    #[error("The payload of the event {event} has an impossible {field}.")]
    Field {
        /// The forge's name of the event.
        event: String,
        /// The path of the field.
        field: &'static str,
    },
}

/// Checks that a request is from the forge that knows `secret`, and takes out what it is about.
///
/// The signature covers the body alone: the event's name and the delivery's id are as trustworthy as the
/// connection, on every forge. So the id is good for recognising a repetition and for nothing else.
///
/// # Errors
/// The request must be refused; see [`VerifyError`].
pub fn verify(
    kind: ForgeKind,
    secret: &SecretString,
    scheme: SignatureScheme,
    incoming: &Incoming<'_>,
) -> Result<Verified, VerifyError> {
    match kind {
        ForgeKind::Github | ForgeKind::Gitlab | ForgeKind::Gitea | ForgeKind::Gitee | ForgeKind::Generic => {
            github::webhook::verify(secret, scheme, incoming)
        }
    }
}

/// What a payload says. Events that davit does not act on are [`ForgeEvent::Other`], whatever is in them.
///
/// # Errors
/// The payload of an event that davit acts on is not what the forge documents.
pub fn parse(kind: ForgeKind, event: &str, payload: &[u8]) -> Result<ForgeEvent, ParseError> {
    match kind {
        ForgeKind::Github | ForgeKind::Gitlab | ForgeKind::Gitea | ForgeKind::Gitee | ForgeKind::Generic => {
            github::webhook::parse(event, payload)
        }
    }
}

/// A text that is equal for two deliveries of one happening, within one forge: two hooks (a repository's and its
/// organisation's) may report one push under two delivery ids. `None` where repetition is harmless.
///
/// It says "probably the same": a branch that goes from A to B, back to A and to B again has the same key twice. So
/// compare it with deliveries of the last minutes, not of all time.
#[must_use]
pub fn dedupe_key(event: &ForgeEvent) -> Option<String> {
    match event {
        ForgeEvent::Ping { .. }
        | ForgeEvent::Other { .. }
        | ForgeEvent::Deployment(_)
        | ForgeEvent::DeploymentStatus(_)
        | ForgeEvent::Check(_)
        | ForgeEvent::MergeGroup(_) => None,
        ForgeEvent::Push(push) => {
            let (kind, name) = match &push.git_ref {
                davit_domain::event::GitRef::Branch(name) => ("branch", name),
                davit_domain::event::GitRef::Tag(name) => ("tag", name),
            };
            let (before, after) = (sha_or_none(push.before.as_ref()), sha_or_none(push.after.as_ref()));
            Some(format!("push {} {kind} {name} {before} {after}", push.repository))
        }
        ForgeEvent::Change(change) => {
            let action = match change.action {
                ChangeAction::Opened => "opened",
                ChangeAction::Updated => "updated",
                ChangeAction::Closed => "closed",
                ChangeAction::Merged => "merged",
                // Two labels on one head are two happenings with nothing here to tell them apart.
                ChangeAction::Edited => return None,
            };
            Some(format!("change {} {} {action} {}", change.repository, change.number, change.head))
        }
    }
}

fn sha_or_none(sha: Option<&CommitSha>) -> &str {
    sha.map_or("none", CommitSha::as_str)
}
