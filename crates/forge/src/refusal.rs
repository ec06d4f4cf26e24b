//! What a forge's answer to a call means: done, try again later, or change something first. The same for all forges;
//! where they differ, their [`Manners`] say how.

use crate::error::ApiError;
use crate::http::{Answer, Http, Page};
use crate::rate;
use reqwest::StatusCode;
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// How one forge speaks.
pub(crate) struct Manners {
    /// Its name, as people write it.
    pub(crate) name: &'static str,
    /// The header that a token travels in, and what stands before the token there.
    pub(crate) authorization: (&'static str, &'static str),
    /// Headers of every request.
    pub(crate) headers: &'static [(&'static str, &'static str)],
    /// The headers with what is left to ask for.
    pub(crate) rate: rate::Headers,
    /// Refusals that pass by themselves, beside those of every web server: the status, and what its text holds (in
    /// lowercase; empty: any text).
    pub(crate) passing: &'static [(u16, &'static str)],
    /// The address of the page after this one.
    pub(crate) next_page: fn(&Page<'_>) -> Option<Url>,
}

/// A call, for judging its answer and for telling people about it.
pub(crate) struct Call {
    /// After "GitHub refused to …".
    pub(crate) what: String,
    /// What the credential needs for it, in the words of the forge's settings.
    pub(crate) permission: &'static str,
    /// What to look at when the forge answers this status, where that is more than the general advice.
    pub(crate) advice: &'static [(u16, &'static str)],
    /// The only statuses that mean "done": a redirect of a write may come back as a harmless read.
    pub(crate) done: &'static [u16],
}

/// `Ok` when the call did what it was for. `clean` takes secrets out of a text.
pub(crate) fn judge(http: &Http, call: &Call, answer: &Answer, clean: impl Fn(&str) -> String) -> Result<(), ApiError> {
    let status = answer.status.as_u16();
    if call.done.contains(&status) {
        return Ok(());
    }
    let words = clean(&words(&answer.body));
    let name = http.manners.name;
    let refused = format!("{name} refused to {}: {status}{words}.", call.what);
    if let Some(after) = wait(http.manners, answer, &words) {
        return Err(ApiError::Retry { after, detail: refused });
    }
    let special = call.advice.iter().find(|(of, _)| *of == status).map(|(_, advice)| (*advice).to_owned());
    let detail = format!("{refused} {}", special.unwrap_or_else(|| advice(http, call, status)));
    Err(ApiError::Permanent { detail, status: Some(status) })
}

/// Refuses what a forge has no call for.
pub(crate) fn has_no(name: &str, what: &str) -> ApiError {
    ApiError::Permanent { detail: format!("{name} has no API for {what}."), status: None }
}

fn advice(http: &Http, call: &Call, status: u16) -> String {
    let name = http.manners.name;
    let permission = call.permission;
    match status {
        401 if !http.has_credential => format!("davit has no token for this forge: set one that may {}.", call.what),
        401 => "The token is wrong, expired or revoked: set a new one for this forge.".to_owned(),
        403 => format!("Give the token the permission {permission}."),
        404 => {
            format!("Check the repository's name, and that the token is for it and has the permission {permission}.")
        }
        200..=399 => format!(
            "This is not how {name} answers that call: check the forge's API URL, and whether the repository was renamed."
        ),
        _ => format!("Check the forge's API URL and what lies between davit and {name}."),
    }
}

/// `None`: not worth another try. `Some(None)`: worth one, the forge does not say when.
fn wait(manners: &Manners, answer: &Answer, words: &str) -> Option<Option<Duration>> {
    let Answer { status, headers, .. } = answer;
    let stated = rate::wait(manners, headers);
    if status.is_server_error() || *status == StatusCode::REQUEST_TIMEOUT {
        return Some(stated);
    }
    let words = words.to_lowercase();
    let passes = |(of, text): &(u16, &str)| *of == status.as_u16() && words.contains(text);
    let limited = *status == StatusCode::TOO_MANY_REQUESTS
        || (*status == StatusCode::FORBIDDEN && stated.is_some())
        || manners.passing.iter().any(passes);
    limited.then_some(Some(stated.unwrap_or(rate::UNSTATED_LIMIT)))
}

/// A forge's own words in a refusal, after a blank; empty when there are none. Forges put them in `message`, `error`,
/// `error_description` and `errors`, as texts, lists of texts, lists of objects and objects of lists.
fn words(body: &[u8]) -> String {
    let refusal: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut all: Vec<String> = Vec::new();
    for member in ["message", "error", "error_description", "errors"] {
        if let Some(value) = refusal.get(member) {
            collect(value, &mut all);
        }
    }
    let mut text = String::new();
    for part in all.iter().map(|text| text.trim().trim_end_matches(['.', ':'])).filter(|text| !text.is_empty()) {
        text.push_str(if text.is_empty() { " " } else { ": " });
        text.push_str(part);
    }
    text
}

/// An error is a text, a list of errors, an object with a message, one with the field and what is wrong with it, or
/// one whose members are fields and their errors.
fn collect(value: &Value, all: &mut Vec<String>) {
    match value {
        Value::String(text) => all.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|value| collect(value, all)),
        Value::Object(object) => {
            let member = |name: &str| object.get(name).and_then(Value::as_str);
            if let Some(message) = member("message") {
                all.push(message.to_owned());
            } else if let (Some(field), Some(code)) = (member("field"), member("code")) {
                all.push(format!("{field} {code}"));
            } else {
                for (field, errors) in object {
                    let mut inner = Vec::new();
                    collect(errors, &mut inner);
                    all.extend(inner.iter().map(|error| format!("{field} {error}")));
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_every_shape() {
        for (body, expected) in [
            (r#"{"message":"Bad credentials"}"#, " Bad credentials"),
            (
                r#"{"message":"Validation Failed","errors":[{"resource":"Hook","field":"url","code":"invalid"}]}"#,
                " Validation Failed: url invalid",
            ),
            (r#"{"message":"Validation Failed","errors":["a","b."]}"#, " Validation Failed: a: b"),
            (
                r#"{"message":{"name":["is too long","is bad"],"url":["is blocked"]}}"#,
                " name is too long: name is bad: url is blocked",
            ),
            (r#"{"message":["already taken"]}"#, " already taken"),
            (r#"{"error":"insufficient_scope","error_description":"Needs more."}"#, " insufficient_scope: Needs more"),
            (r#"{"message":"401 Unauthorized"}"#, " 401 Unauthorized"),
            (r#"{"message":""}"#, ""),
            ("<html>", ""),
            ("", ""),
            ("[1]", ""),
        ] {
            assert_eq!(words(body.as_bytes()), expected, "{body}");
        }
    }
}
