//! GitHub's webhooks: from bytes to the domain's event.
//!
//! Decided here: a signature is accepted in lowercase hexadecimal alone, since that is what GitHub sends; so the
//! comparison is of one text with one text and no decoder stands in front of it.

use super::payload as wire;
use crate::form;
use crate::scheme::SignatureScheme;
use crate::webhook::{Incoming, ParseError, Verified, VerifyError};
use davit_domain::event::{ChangeAction, ChangeEvent, ForgeEvent, GitRef, Push};
use davit_domain::ids::CommitSha;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use subtle::ConstantTimeEq;

const EVENT: &str = "X-GitHub-Event";
const DELIVERY: &str = "X-GitHub-Delivery";
const SIGNATURE_SHA256: &str = "X-Hub-Signature-256";
const SIGNATURE_SHA1: &str = "X-Hub-Signature";

/// The name GitHub itself shows for an account that was deleted.
const GHOST: &str = "ghost";

pub(crate) fn verify(
    secret: &SecretString,
    scheme: SignatureScheme,
    incoming: &Incoming<'_>,
) -> Result<Verified, VerifyError> {
    let encoding = Encoding::of(incoming.headers)?;
    check_signature(secret, scheme, incoming)?;
    let event = name_header(incoming.headers, EVENT)?;
    let delivery = name_header(incoming.headers, DELIVERY)?;
    let payload = match encoding {
        Encoding::Json => incoming.body.to_vec(),
        Encoding::Form => form::payload_field(incoming.body).ok_or(VerifyError::MalformedForm)?,
    };
    Ok(Verified { event, delivery, payload })
}

pub(crate) fn parse(event: &str, payload: &[u8]) -> Result<ForgeEvent, ParseError> {
    match event {
        "ping" => read::<wire::PingEvent>(event, payload)
            .map(|ping| ForgeEvent::Ping { message: ping.zen.unwrap_or_default() }),
        "push" => push(event, read(event, payload)?),
        "pull_request" => pull_request(event, read(event, payload)?),
        _ => Ok(ForgeEvent::Other { name: event.to_owned() }),
    }
}

/// How the JSON is packed.
enum Encoding {
    Json,
    Form,
}

impl Encoding {
    fn of(headers: &HeaderMap) -> Result<Self, VerifyError> {
        let content_type = single(headers, "Content-Type").unwrap_or_default();
        let media_type = content_type.split(';').next().unwrap_or_default().trim();
        if media_type.eq_ignore_ascii_case("application/json") {
            Ok(Self::Json)
        } else if media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Ok(Self::Form)
        } else {
            Err(VerifyError::UnsupportedContentType)
        }
    }
}

/// The signature is over the raw body, for forms too.
fn check_signature(secret: &SecretString, scheme: SignatureScheme, incoming: &Incoming<'_>) -> Result<(), VerifyError> {
    let key = secret.expose_secret().as_bytes();
    if key.is_empty() {
        return Err(VerifyError::NoSecret);
    }
    let (header, prefix, right) = match scheme {
        SignatureScheme::HmacSha256 => {
            (SIGNATURE_SHA256, "sha256=", hex_mac::<Hmac<sha2::Sha256>>(key, incoming.body)?)
        }
        SignatureScheme::HmacSha1 => (SIGNATURE_SHA1, "sha1=", hex_mac::<Hmac<sha1::Sha1>>(key, incoming.body)?),
    };
    if incoming.headers.get(header).is_none_or(|value| value.is_empty()) {
        return Err(VerifyError::SignatureMissing { header });
    }
    let wrong = VerifyError::SignatureWrong { header };
    let Some(hex) = single(incoming.headers, header).and_then(|given| given.strip_prefix(prefix)) else {
        return Err(wrong);
    };
    if bool::from(hex.as_bytes().ct_eq(right.as_bytes())) { Ok(()) } else { Err(wrong) }
}

fn hex_mac<M: Mac + KeyInit>(key: &[u8], body: &[u8]) -> Result<String, VerifyError> {
    // Does not happen: an HMAC takes a key of any length.
    let mut mac = <M as KeyInit>::new_from_slice(key).map_err(|_| VerifyError::NoSecret)?;
    mac.update(body);
    Ok(mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A header that is there exactly once and is visible ASCII.
fn single<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() { None } else { value.to_str().ok() }
}

/// A header that holds a name or an id: these are stored and shown, so they are short and plain.
fn name_header(headers: &HeaderMap, header: &'static str) -> Result<String, VerifyError> {
    single(headers, header)
        .filter(|text| !text.is_empty() && text.len() <= 100)
        .filter(|text| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b)))
        .map(str::to_owned)
        .ok_or(VerifyError::Header { header })
}

fn read<'a, T: Deserialize<'a>>(event: &str, payload: &'a [u8]) -> Result<T, ParseError> {
    serde_json::from_slice(payload).map_err(|error| ParseError::Malformed {
        event: event.to_owned(),
        detail: error.to_string().chars().take(200).collect(),
    })
}

fn push(event: &str, push: wire::PushEvent) -> Result<ForgeEvent, ParseError> {
    let Some(git_ref) = GitRef::parse(&push.git_ref) else {
        return Ok(ForgeEvent::Other { name: event.to_owned() });
    };
    // A tag's `after` may be the tag object; what is built and gets statuses is the commit that it points to.
    let after = match (&git_ref, &push.head_commit) {
        (GitRef::Tag(_), Some(commit)) => &commit.id,
        (GitRef::Tag(_) | GitRef::Branch(_), _) => &push.after,
    };
    let pusher = push.sender.map(|user| user.login).or_else(|| push.pusher.and_then(|pusher| pusher.name));
    let message = push.head_commit.as_ref().map_or("", |commit| &commit.message);
    Ok(ForgeEvent::Push(Push {
        repository: repository(event, "repository.full_name", push.repository)?,
        before: if push.created { None } else { sha_or_zero(event, "before", &push.before)? },
        after: if push.deleted { None } else { sha_or_zero(event, "after", after)? },
        git_ref,
        pusher: pusher.unwrap_or_else(|| GHOST.to_owned()),
        title: message.lines().next().unwrap_or_default().to_owned(),
    }))
}

fn pull_request(event: &str, payload: wire::PullRequestEvent) -> Result<ForgeEvent, ParseError> {
    let wire::PullRequest { number, title, user, draft, merged, merge_commit_sha, head, base } = payload.pull_request;
    let merged = merged.unwrap_or(false);
    let base_name = repository(event, "pull_request.base.repo.full_name", base.repo)?;
    // While a pull request is open this field is a test merge that nobody approved.
    let merge_commit = if merged {
        merge_commit_sha.map(|text| sha(event, "pull_request.merge_commit_sha", &text)).transpose()?
    } else {
        None
    };
    Ok(ForgeEvent::Change(ChangeEvent {
        number,
        action: match payload.action.as_str() {
            "opened" | "reopened" => ChangeAction::Opened,
            "synchronize" => ChangeAction::Updated,
            "closed" if merged => ChangeAction::Merged,
            "closed" => ChangeAction::Closed,
            _ => ChangeAction::Edited,
        },
        title,
        author: user.map_or_else(|| GHOST.to_owned(), |user| user.login),
        head: sha(event, "pull_request.head.sha", &head.sha)?,
        head_branch: head.git_ref,
        base_branch: base.git_ref,
        // A deleted repository was another one: a fork's pull request outlives its fork.
        from_fork: head.repo.is_none_or(|repo| repo.full_name != base_name),
        draft,
        merge_commit,
        repository: base_name,
    }))
}

/// `owner/name`, of characters that GitHub allows in them: this text becomes part of URLs and of paths.
fn repository(event: &str, field: &'static str, wire: wire::Repository) -> Result<String, ParseError> {
    let good_part = |part: &str| {
        !matches!(part, "" | "." | "..") && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    match wire.full_name.split_once('/') {
        Some((owner, name)) if good_part(owner) && good_part(name) => Ok(wire.full_name),
        Some(_) | None => Err(ParseError::Field { event: event.to_owned(), field }),
    }
}

fn sha(event: &str, field: &'static str, text: &str) -> Result<CommitSha, ParseError> {
    text.parse().map_err(|_| ParseError::Field { event: event.to_owned(), field })
}

/// All zeros is GitHub's way to say that there is no commit.
fn sha_or_zero(event: &str, field: &'static str, text: &str) -> Result<Option<CommitSha>, ParseError> {
    if !text.is_empty() && text.bytes().all(|b| b == b'0') { Ok(None) } else { sha(event, field, text).map(Some) }
}
