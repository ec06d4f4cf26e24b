//! Answers to chats: where they go, and in which form.
//!
//! Vendors say with each command where its answer may go. davit goes there only when that is at the server that the
//! channel's own URL names: what proves a command does not always prove this part of it.

use super::Heard;
use crate::Engine;
use crate::notify::outgoing::{Outgoing, Request};
use davit_domain::config::{Channel, ChannelKind, Receiver};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;

/// What a vendor takes as "wait for it".
pub(super) fn nothing(kind: ChannelKind) -> Value {
    match kind {
        ChannelKind::Dingtalk => json!({ "msgtype": "empty" }),
        ChannelKind::Slack
        | ChannelKind::Feishu
        | ChannelKind::Wecom
        | ChannelKind::Mattermost
        | ChannelKind::Email
        | ChannelKind::Sms
        | ChannelKind::Webhook => json!({}),
    }
}

impl Engine {
    /// Posts an answer; why not, without anything secret.
    pub(super) async fn reply(&self, channel: &Channel, heard: &Heard, answer: &str) -> Result<(), String> {
        let Receiver::Hook(kind, hook) = &channel.receiver else { return Ok(()) };
        let url = self.secret(&hook.url).await.map_err(|error| error.to_string())?;
        let ca = self.optional_secret(channel.ca.as_ref()).await.map_err(|error| error.to_string())?;
        let out = Outgoing { allow_private: channel.allow_private, ca };
        let reply_to = heard.reply_to.as_ref().filter(|reply_to| same_server(reply_to, &url));
        let sent = match (kind, reply_to) {
            (ChannelKind::Slack, Some(reply_to)) => {
                let text = answer.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
                let body = json!({ "response_type": "ephemeral", "text": text });
                out.post(reply_to, Request::json(&body)).await
            }
            (ChannelKind::Dingtalk, Some(reply_to)) => {
                let body = json!({ "msgtype": "text", "text": { "content": answer } });
                out.post(reply_to, Request::json(&body)).await
            }
            // Everybody in the chat may read it, as they read the command.
            _ => return self.say_in(channel, answer).await.map_err(crate::notify::Trouble::into_detail),
        };
        sent.and_then(|answer| answer.succeeded()).map_err(crate::notify::Trouble::into_detail)
    }
}

fn same_server(one: &SecretString, other: &SecretString) -> bool {
    let origin = |url: &SecretString| Url::parse(url.expose_secret().trim()).ok().map(|url| url.origin());
    origin(one).is_some_and(|one| Some(one) == origin(other))
}
