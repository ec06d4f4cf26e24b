//! Slack's incoming webhooks.
//! Source: <https://api.slack.com/messaging/webhooks> and <https://api.slack.com/reference/block-kit/blocks>.

use super::{Call, Prepared};
use crate::notify::outgoing::Request;
use crate::notify::render::{Message, cut};
use serde_json::json;

/// A text of a section has at most 3,000 characters.
const LONGEST: usize = 2_900;

pub(super) fn request(call: &Call<'_>) -> Prepared {
    let message = call.message;
    let body = json!({
        // What notifications show, and readers without blocks.
        "text": message.markup.escape(&message.headline),
        "blocks": [{ "type": "section", "text": { "type": "mrkdwn", "text": text(message) } }],
        "unfurl_links": false,
    });
    Ok((call.url.clone(), Request::json(&body)))
}

pub(super) fn text(message: &Message) -> String {
    let link = message.link.as_ref().map(|(label, url)| format!("\n<{url}|{label}>")).unwrap_or_default();
    let lines = message.body(|title| format!("*{title}*"), |label, value| format!("{label}: {value}"));
    let body = lines.join("\n");
    format!("{}{link}", cut(&body, LONGEST.saturating_sub(link.len())))
}
