//! Mattermost's incoming webhooks.
//! Source: <https://developers.mattermost.com/integrate/webhooks/incoming/>.

use super::{Call, Prepared};
use crate::notify::outgoing::Request;
use crate::notify::render::{Message, cut};
use serde_json::json;

/// A post has at most 16,383 characters.
const LONGEST: usize = 12_000;

pub(super) fn request(call: &Call<'_>) -> Prepared {
    Ok((call.url.clone(), Request::json(&json!({ "text": text(call.message) }))))
}

pub(super) fn text(message: &Message) -> String {
    let mut lines = message.body(|title| format!("#### {title}"), |label, value| format!("- **{label}**: {value}"));
    lines.extend(message.link.iter().map(|(label, url)| format!("\n[{label}]({url})")));
    cut(&lines.join("\n"), LONGEST).to_owned()
}
