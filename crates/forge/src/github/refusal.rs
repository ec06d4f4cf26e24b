//! What GitHub's answer to a call means: done, try again later, or change something first.
//!
//! Sources: <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api> and
//! <https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api>. Waiting times are reckoned
//! with the answer's own `Date`, so that a wrong clock on either side does no harm.

use super::wire;
use crate::error::ApiError;
use crate::http::{Answer, Http};
use reqwest::StatusCode;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use std::time::Duration;

/// What GitHub's documentation tells to wait when it limits a caller and does not say for how long.
const UNSTATED_LIMIT: Duration = Duration::from_secs(60);

/// No wait is longer than this, whatever a header says.
const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// A call, for judging its answer and for telling people about it.
pub(super) struct Call {
    /// After "GitHub refused to …".
    pub(super) what: String,
    /// What the token needs for it, in the words of GitHub's settings.
    pub(super) permission: &'static str,
    /// What to look at when GitHub calls the request itself wrong.
    pub(super) hint_422: &'static str,
    /// The only status that means "done": a redirect of a write may come back as a harmless read.
    pub(super) success: StatusCode,
}

/// `Ok` when the call did what it was for.
pub(super) fn judge(http: &Http, call: &Call, answer: &Answer) -> Result<(), ApiError> {
    let Answer { status, headers, body } = answer;
    if *status == call.success {
        return Ok(());
    }
    let words = http.clean(&words(body));
    let refused = format!("GitHub refused to {}: {}{words}.", call.what, status.as_u16());
    if let Some(after) = wait(*status, headers, &words) {
        return Err(ApiError::Retry { after, detail: refused });
    }
    let advice = match status.as_u16() {
        401 => "The token is wrong, expired or revoked: set a new one for this forge.".to_owned(),
        403 => format!("Give the token the permission {}.", call.permission),
        404 => format!(
            "Check the repository's name, and that the token is for it and has the permission {}.",
            call.permission
        ),
        422 => call.hint_422.to_owned(),
        200..=399 => "This is not how GitHub answers that call: check the forge's API URL, \
             and whether the repository was renamed."
            .to_owned(),
        _ => "Check the forge's API URL and what lies between davit and GitHub.".to_owned(),
    };
    Err(ApiError::Permanent { detail: format!("{refused} {advice}"), status: Some(status.as_u16()) })
}

/// `None`: not worth another try. `Some(None)`: worth one, GitHub does not say when.
fn wait(status: StatusCode, headers: &HeaderMap, words: &str) -> Option<Option<Duration>> {
    let stated = retry_after(headers).or_else(|| limit_reset(headers)).map(|wait| wait.min(MAX_WAIT));
    if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT {
        return Some(stated);
    }
    let limited = status == StatusCode::TOO_MANY_REQUESTS
        || (status == StatusCode::FORBIDDEN && (stated.is_some() || words.to_ascii_lowercase().contains("rate limit")));
    limited.then_some(Some(stated.unwrap_or(UNSTATED_LIMIT)))
}

/// Seconds, or a date from a proxy.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = text(headers, RETRY_AFTER.as_str())?;
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(until(headers, http_date(text)?))
}

/// When the hourly limit is used up: the moment it is full again, in Unix seconds.
fn limit_reset(headers: &HeaderMap) -> Option<Duration> {
    if text(headers, "x-ratelimit-remaining")? != "0" {
        return None;
    }
    let reset = text(headers, "x-ratelimit-reset")?.parse().ok()?;
    Some(until(headers, jiff::Timestamp::from_second(reset).ok()?))
}

/// From the answer's own date; a second more, since these times have no fractions.
fn until(headers: &HeaderMap, moment: jiff::Timestamp) -> Duration {
    let Some(now) = text(headers, DATE.as_str()).and_then(http_date) else {
        return UNSTATED_LIMIT;
    };
    let seconds = moment.as_second().saturating_sub(now.as_second()).saturating_add(1);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

fn http_date(text: &str) -> Option<jiff::Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// GitHub's message with its list of errors, after a blank; empty when there is none.
fn words(body: &[u8]) -> String {
    let refusal: wire::Refusal = serde_json::from_slice(body).unwrap_or_default();
    let errors = refusal.errors.as_array().into_iter().flatten().filter_map(error_text);
    std::iter::once(refusal.message)
        .chain(errors)
        .map(|text| text.trim().trim_end_matches('.').to_owned())
        .filter(|text| !text.is_empty())
        .map(|text| format!(" {text}"))
        .collect::<Vec<_>>()
        .join(":")
}

/// An error is a text, or an object with a message, or one with the field and what is wrong with it.
fn error_text(error: &serde_json::Value) -> Option<String> {
    let member = |name: &str| error.get(name).and_then(serde_json::Value::as_str);
    let field = || Some(format!("{} {}", member("field")?, member("code")?));
    error.as_str().or_else(|| member("message")).map(str::to_owned).or_else(field)
}
