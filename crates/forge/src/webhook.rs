//! Webhooks of every forge: the check of who sent one, and what it says. No I/O.
//!
//! [`verify`] runs on the request, before anything of it is stored. [`parse`] runs later, on the stored row, since
//! what it finds never changes the answer that the forge gets.

use crate::{ForgeKind, generic, gitea, gitee, github, gitlab};
use davit_domain::config::{GenericHook, HookSignature};
use davit_domain::event::{ChangeAction, ChangeEvent, ForgeEvent, GitRef};
use davit_domain::ids::CommitSha;
use davit_domain::time::Timestamp;
use reqwest::header::HeaderMap;
use secrecy::SecretString;
use std::time::Duration;

/// What the configuration says about the webhooks of one forge. Nothing of it comes from a request.
#[derive(Debug, Clone, Copy)]
pub struct HookRules<'a> {
    /// Which forge it is.
    pub kind: ForgeKind,
    /// How its webhooks are signed; one of its kind's.
    pub signature: HookSignature,
    /// What they are signed with.
    pub secret: &'a SecretString,
    /// Where a generic sender puts things; `None` for the others.
    pub generic: Option<&'a GenericHook>,
    /// The time, for signatures that end.
    pub now: Timestamp,
}

impl HookRules<'_> {
    /// Refuses a time, in milliseconds, that is further from now than `tolerance`, before or after.
    pub(crate) fn check_time(&self, header: &str, millis: i64, tolerance: Duration) -> Result<(), VerifyError> {
        let at = Timestamp::from_millis(millis);
        let apart = self.now.since(at).max(at.since(self.now));
        if apart <= tolerance { Ok(()) } else { Err(VerifyError::Expired { header: header.to_owned() }) }
    }
}

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
    /// davit's configuration of this forge allows no proof.
    #[error("This forge's webhooks can't be checked: {detail}.")]
    Configuration {
        /// What to change.
        detail: &'static str,
    },
    /// The content type is none that this forge sends.
    #[error("The content type is not supported: set the webhook's content type to application/json.")]
    UnsupportedContentType,
    /// The signature is not there, or is empty.
    #[error(
        "The header {header} is missing or empty: set the webhook's secret at the forge to the one that davit has."
    )]
    SignatureMissing {
        /// The header in which it is expected.
        header: String,
    },
    /// The signature is there and is not the right one.
    #[error(
        "What {header} holds is wrong: the webhook's secret differs from the one that davit has, \
         or the request was changed on its way."
    )]
    SignatureWrong {
        /// The header that it came in.
        header: String,
    },
    /// The signature is right and of another time.
    #[error(
        "The time in {header} is too far from davit's: the request is an old one sent again, \
         or one of the two clocks is wrong."
    )]
    Expired {
        /// The header with the time.
        header: String,
    },
    /// A header that says what this is about is not there, is there twice, or is not a plain short text.
    #[error("The header {header} is missing, repeated or malformed: send what the forge sends, unchanged.")]
    Header {
        /// Its name.
        header: String,
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
            Self::Configuration { .. } => "webhook_configuration",
            Self::UnsupportedContentType => "webhook_content_type",
            Self::SignatureMissing { .. } => "webhook_signature_missing",
            Self::SignatureWrong { .. } => "webhook_signature_wrong",
            Self::Expired { .. } => "webhook_expired",
            Self::Header { .. } => "webhook_header",
            Self::MalformedForm => "webhook_form",
        }
    }

    /// Whether the sender could not prove who it is; otherwise what it sent is unusable.
    #[must_use]
    pub const fn is_unauthenticated(&self) -> bool {
        match self {
            Self::NoSecret
            | Self::Configuration { .. }
            | Self::SignatureMissing { .. }
            | Self::SignatureWrong { .. }
            | Self::Expired { .. } => true,
            Self::UnsupportedContentType | Self::Header { .. } | Self::MalformedForm => false,
        }
    }

    /// For a configuration that pairs a kind of forge with a signature that it does not have.
    pub(crate) const fn foreign_signature() -> Self {
        Self::Configuration { detail: "this kind of forge does not sign in the way that `signature` says" }
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

/// Checks that a request is from the forge that knows the secret, and takes out what it is about.
///
/// Most signatures cover the body alone, Gitee's and GitLab's token not even that: the event's name and the delivery's
/// id are then as trustworthy as the connection. So the id is good for recognising a repetition and for nothing else.
///
/// # Errors
/// The request must be refused; see [`VerifyError`].
pub fn verify(rules: &HookRules<'_>, incoming: &Incoming<'_>) -> Result<Verified, VerifyError> {
    match rules.kind {
        ForgeKind::Github => github::webhook::verify(rules, incoming),
        ForgeKind::Gitlab => gitlab::webhook::verify(rules, incoming),
        ForgeKind::Gitea => gitea::webhook::verify(rules, incoming),
        ForgeKind::Gitee => gitee::webhook::verify(rules, incoming),
        ForgeKind::Generic => generic::webhook::verify(rules, incoming),
    }
}

/// What a payload says. Events that davit does not act on are [`ForgeEvent::Other`], whatever is in them. `generic`
/// is what the configuration says of a generic sender.
///
/// # Errors
/// The payload of an event that davit acts on is not what the forge documents.
pub fn parse(
    kind: ForgeKind,
    generic: Option<&GenericHook>,
    event: &str,
    payload: &[u8],
) -> Result<ForgeEvent, ParseError> {
    match kind {
        ForgeKind::Github => github::webhook::parse(event, payload),
        ForgeKind::Gitlab => gitlab::webhook::parse(event, payload),
        ForgeKind::Gitea => gitea::webhook::parse(event, payload),
        ForgeKind::Gitee => gitee::webhook::parse(event, payload),
        ForgeKind::Generic => generic::webhook::parse(generic, event, payload),
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
        ForgeEvent::Ping { .. } | ForgeEvent::Other { .. } => None,
        // A state may come back within minutes (a check that runs again), and the newest one counts.
        ForgeEvent::Check(_) | ForgeEvent::DeploymentStatus(_) => None,
        // The same words may be meant again.
        ForgeEvent::Comment(_) => None,
        ForgeEvent::Push(push) => {
            let (kind, name) = match &push.git_ref {
                GitRef::Branch(name) => ("branch", name),
                GitRef::Tag(name) => ("tag", name),
            };
            let (before, after) = (sha_or_none(push.before.as_ref()), sha_or_none(push.after.as_ref()));
            Some(format!("push {} {kind} {name} {before} {after}", push.repository))
        }
        // A merge that git told of knows the commit that it made, and nothing else for sure.
        ForgeEvent::Change(ChangeEvent {
            action: ChangeAction::Merged, merge_commit: Some(merge), repository, ..
        }) => Some(format!("change {repository} merged {merge}")),
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
        ForgeEvent::Deployment(deployment) => {
            let state = deployment.state.as_str();
            Some(format!("deployment {} {} {state}", deployment.repository, deployment.number))
        }
        ForgeEvent::MergeGroup(group) => {
            let what = if group.requested { "requested" } else { "gone" };
            Some(format!("merge group {} {} {what}", group.repository, group.head))
        }
    }
}

fn sha_or_none(sha: Option<&CommitSha>) -> &str {
    sha.map_or("none", CommitSha::as_str)
}
