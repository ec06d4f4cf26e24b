//! Commands that come from chats: who said what, whether they may, and what they are told.
//!
//! A vendor's request is proven first ([`wire`]), taken once, and answered at once with nothing; the command runs on its
//! own and its answer is posted ([`replies`]). Whoever is linked with an account (`chat:CHANNEL` and the vendor's id of
//! the sender) does what that account may do, by the same calls as everywhere else; everybody else is told how to link,
//! and nothing more. Signatures age within five minutes, and what was taken once is not taken again.

mod commands;
mod replies;
mod wire;
mod words;

pub use wire::{Headers, NotHeard};

use crate::{Engine, EngineError};
use davit_domain::config::{Channel, ChannelKind, Commands};
use davit_domain::ids::ChannelId;
use secrecy::SecretString;
use serde_json::Value;
use std::time::Duration;

/// Ids of what was taken are kept so long: longer than any vendor sends the same again (Feishu: 7 hours).
const REMEMBER: Duration = Duration::from_secs(2 * 24 * 3600);

/// Something that somebody said to davit.
#[derive(Debug, Clone)]
struct Heard {
    /// Ids of it: when one of them is known, it is a repetition.
    ids: Vec<String>,
    /// The vendor's id of the sender.
    sender: String,
    /// What people call them.
    label: String,
    /// What they said, without the mention of davit.
    text: String,
    /// Where the vendor wants the answer; `None`: where notices go.
    reply_to: Option<SecretString>,
}

/// What a vendor's request was.
enum Request {
    /// The vendor wants to see that davit is there, and what with.
    Challenge(Value),
    /// Somebody said something.
    Said(Heard),
    /// Nothing for davit.
    Other,
}

impl Engine {
    /// Takes a vendor's request: proves it, and has what it asks for done. What to answer, at once.
    ///
    /// # Errors
    /// When the channel takes no commands of this kind, or the request is not proven.
    pub async fn hear(
        &self,
        kind: ChannelKind,
        id: &ChannelId,
        from: &Headers<'_>,
        body: &[u8],
    ) -> Result<Value, NotHeard> {
        let channel =
            self.store().channel(id).await.map_err(EngineError::from)?.filter(|channel| channel.kind() == kind);
        let channel = channel.ok_or(NotHeard::NoSuchChannel)?;
        let now = self.now();
        let request = match &channel.commands {
            None => return Err(NotHeard::NoSuchChannel),
            Some(Commands::Slack { signing_secret }) => {
                wire::slack(from, body, &self.secret(signing_secret).await?, now)?
            }
            Some(Commands::Dingtalk { app_secret }) => {
                wire::dingtalk(from, body, &self.secret(app_secret).await?, now)?
            }
            Some(Commands::Feishu { encrypt_key, verification_token }) => {
                let token = self.optional_secret(verification_token.as_ref()).await?;
                wire::feishu(from, body, &self.secret(encrypt_key).await?, token.as_ref(), now)?
            }
        };
        match request {
            Request::Challenge(answer) => return Ok(answer),
            Request::Other => {}
            Request::Said(heard) => {
                if self.is_new(&channel.id, &heard).await? {
                    let engine = self.clone();
                    let answering = async move { engine.obey(&channel, heard).await };
                    self.lifecycle().spawn("chat", answering);
                }
            }
        }
        Ok(replies::nothing(kind))
    }

    /// Whether it is the first time that this is heard. From here on it is not.
    async fn is_new(&self, channel: &ChannelId, heard: &Heard) -> Result<bool, EngineError> {
        let mut tx = self.store().begin().await?;
        let is_new = tx.take_chat_message(channel, &heard.ids, self.now(), REMEMBER).await?;
        tx.commit().await?;
        Ok(is_new)
    }

    /// Does what somebody said, and tells them what came of it.
    async fn obey(&self, channel: &Channel, heard: Heard) {
        let origin = format!("chat:{}", channel.id);
        let answer = davit_store::origin::scope(origin, self.answer(channel, &heard)).await;
        if let Err(trouble) = self.reply(channel, &heard, &answer).await {
            tracing::warn!(channel = %channel.id, trouble, "a chat could not be answered");
        }
    }
}
