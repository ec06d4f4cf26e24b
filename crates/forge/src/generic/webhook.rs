//! A generic sender's webhooks: from bytes to a push.

use crate::fields;
use crate::incoming;
use crate::proof::{self, Algorithm};
use crate::webhook::{HookRules, Incoming, ParseError, Verified, VerifyError};
use davit_domain::config::{GenericHook, HookSignature};
use davit_domain::event::{ForgeEvent, GitRef, Push};
use serde_json::Value;

/// Generic senders have one event, and this is its name.
const EVENT: &str = "push";
/// Who did it, where nobody says.
const SOMEBODY: &str = "somebody";

pub(crate) fn verify(rules: &HookRules<'_>, incoming: &Incoming<'_>) -> Result<Verified, VerifyError> {
    incoming::require_json(incoming.headers)?;
    let (HookSignature::HmacSha256, Some(hook)) = (rules.signature, rules.generic) else {
        return Err(VerifyError::foreign_signature());
    };
    let place = (hook.header.as_str(), hook.prefix.as_str());
    proof::check_hex(rules, incoming.headers, place, Algorithm::Sha256, incoming.body)?;
    let delivery = match &hook.delivery_header {
        Some(header) => incoming::delivery(incoming.headers, header)?,
        None => incoming::content_id(b"", incoming.body),
    };
    Ok(Verified { event: EVENT.to_owned(), delivery, payload: incoming.body.to_vec() })
}

/// A document in which nothing is where a push has it is about something else.
pub(crate) fn parse(hook: Option<&GenericHook>, event: &str, payload: &[u8]) -> Result<ForgeEvent, ParseError> {
    let Some(hook) = hook else {
        let detail = "the configuration no longer says where things are in it".to_owned();
        return Err(ParseError::Malformed { event: event.to_owned(), detail });
    };
    let document: Value = fields::read(event, payload)?;
    let places = [&hook.repository, &hook.reference, &hook.commit];
    if places.iter().all(|pointer| document.pointer(pointer).is_none()) {
        return Ok(ForgeEvent::Other { name: event.to_owned() });
    }
    let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str);
    let required = |field, pointer: &str| text(pointer).ok_or_else(|| fields::impossible(event, field));
    let Some(git_ref) = reference(required("ref", &hook.reference)?) else {
        return Ok(ForgeEvent::Other { name: event.to_owned() });
    };
    let optional = |pointer: &Option<String>| pointer.as_deref().and_then(text).filter(|text| !text.is_empty());
    Ok(ForgeEvent::Push(Push {
        repository: fields::project(event, "repository", required("repository", &hook.repository)?.to_owned())?,
        git_ref,
        before: None,
        after: fields::sha_or_zero(event, "commit", required("commit", &hook.commit)?)?,
        pusher: optional(&hook.by).unwrap_or(SOMEBODY).to_owned(),
        title: fields::first_line(optional(&hook.title).unwrap_or_default()),
    }))
}

/// In full, or a branch's bare name; `None` for what is neither a branch nor a tag.
fn reference(text: &str) -> Option<GitRef> {
    if text.starts_with("refs/") {
        fields::git_ref(text)
    } else {
        Some(text).filter(|name| !name.is_empty()).map(|name| GitRef::Branch(name.to_owned()))
    }
}
