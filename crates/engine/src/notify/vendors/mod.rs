//! The wire forms, one file a vendor: how a message looks, how it is signed, and what an answer means.
//!
//! Each vendor's part is two pure functions, of which the tests know the documented results; the way out is
//! [`outgoing`](super::outgoing)'s.

mod dingtalk;
pub(super) mod email;
mod feishu;
mod mattermost;
mod slack;
pub(super) mod sms;
mod sms_aliyun;
mod sms_tencent;
mod sms_twilio;
mod webhook;
mod wecom;

use super::Trouble;
use super::outgoing::{Answer, Outgoing, Request};
use super::render::Message;
use aws_lc_rs::{digest, hmac};
use davit_domain::config::ChannelKind;
use davit_domain::time::Timestamp;
use secrecy::SecretString;

/// A message on its way to a URL.
pub(super) struct Call<'a> {
    pub(super) url: &'a SecretString,
    pub(super) secret: Option<&'a SecretString>,
    pub(super) message: &'a Message,
    pub(super) now: Timestamp,
}

/// A request, and the URL that it goes to.
type Prepared = Result<(SecretString, Request), Trouble>;

/// Posts a message in the form that a kind takes.
pub(super) async fn post(out: &Outgoing, kind: ChannelKind, call: &Call<'_>) -> Result<(), Trouble> {
    type Judge = fn(&Answer) -> Result<(), Trouble>;
    let (prepared, judge): (Prepared, Judge) = match kind {
        ChannelKind::Dingtalk => (dingtalk::request(call), dingtalk::judge),
        ChannelKind::Wecom => (wecom::request(call), wecom::judge),
        ChannelKind::Feishu => (feishu::request(call), feishu::judge),
        ChannelKind::Slack => (slack::request(call), Answer::succeeded),
        ChannelKind::Mattermost => (mattermost::request(call), Answer::succeeded),
        ChannelKind::Webhook => (webhook::request(call), Answer::succeeded),
        ChannelKind::Email | ChannelKind::Sms => {
            return Err(Trouble::Refused(format!("{} takes no URL", kind.as_str())));
        }
    };
    let (url, request) = prepared?;
    judge(&out.post(&url, request).await?)
}

/// What a person sees of a message in a channel of a kind.
pub(super) fn text(kind: ChannelKind, message: &Message) -> String {
    match kind {
        ChannelKind::Dingtalk => dingtalk::text(message),
        ChannelKind::Wecom => wecom::text(message),
        ChannelKind::Slack => slack::text(message),
        ChannelKind::Mattermost => mattermost::text(message),
        ChannelKind::Webhook => webhook::text(message),
        ChannelKind::Feishu | ChannelKind::Email | ChannelKind::Sms => message.plain(),
    }
}

fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref().to_vec()
}

fn sha256_hex(text: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, text).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
