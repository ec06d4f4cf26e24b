//! What an answer's headers say about waiting and about what is left to ask for. Waiting times are reckoned with the
//! answer's own `Date`, so that a wrong clock on either side does no harm.

use crate::answers::RateBudget;
use crate::refusal::Manners;
use davit_domain::time::Timestamp;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use std::time::Duration;

/// What to wait when a forge limits a caller and does not say for how long; GitHub's documentation tells that.
pub(crate) const UNSTATED_LIMIT: Duration = Duration::from_secs(60);

/// No wait is longer than this, whatever a header says.
const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Names of the headers that tell what is left. The last is a moment in Unix seconds.
pub(crate) struct Headers {
    pub(crate) limit: &'static str,
    pub(crate) remaining: &'static str,
    pub(crate) reset: &'static str,
}

/// GitHub's, which others took over.
pub(crate) const X_RATELIMIT: Headers =
    Headers { limit: "x-ratelimit-limit", remaining: "x-ratelimit-remaining", reset: "x-ratelimit-reset" };

/// How long the answer asks to wait, at most a day.
pub(crate) fn wait(manners: &Manners, headers: &HeaderMap) -> Option<Duration> {
    retry_after(headers).or_else(|| limit_reset(manners, headers)).map(|wait| wait.min(MAX_WAIT))
}

/// What is left; `None` when the answer does not say.
pub(crate) fn budget(manners: &Manners, headers: &HeaderMap) -> Option<RateBudget> {
    let number = |name| text(headers, name)?.parse().ok();
    Some(RateBudget {
        limit: number(manners.rate.limit),
        remaining: number(manners.rate.remaining)?,
        reset: moment(headers, manners.rate.reset).map(|reset| Timestamp::from_millis(reset.as_millisecond())),
    })
}

/// When the answer was sent, by the forge's clock.
pub(crate) fn date(headers: &HeaderMap) -> Option<jiff::Timestamp> {
    http_date(text(headers, DATE.as_str())?)
}

/// Seconds, or a date from a proxy.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = text(headers, RETRY_AFTER.as_str())?;
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    Some(until(headers, http_date(text)?))
}

/// When the limit is used up: the moment it is full again.
fn limit_reset(manners: &Manners, headers: &HeaderMap) -> Option<Duration> {
    if text(headers, manners.rate.remaining)? != "0" {
        return None;
    }
    Some(until(headers, moment(headers, manners.rate.reset)?))
}

fn moment(headers: &HeaderMap, name: &str) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_second(text(headers, name)?.parse().ok()?).ok()
}

/// From the answer's own date; a second more, since these times have no fractions.
fn until(headers: &HeaderMap, moment: jiff::Timestamp) -> Duration {
    let Some(now) = date(headers) else {
        return UNSTATED_LIMIT;
    };
    let seconds = moment.as_second().saturating_sub(now.as_second()).saturating_add(1);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

/// A date as headers have it.
pub(crate) fn http_date(text: &str) -> Option<jiff::Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
