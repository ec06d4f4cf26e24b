//! Notices: what people outside of davit are told, and how it gets to them.
//!
//! A notice is written to the outbox, one row a channel, in the transaction of what it tells about ([`events`]); the
//! dispatcher sends it later ([`deliver`]), with the retries of all outgoing calls, so that no channel ever holds up a
//! deployment. How a channel looks like is read when a notice is sent: a mended URL holds for those that wait. The words
//! are [`render`]'s, the wire forms [`vendors`]', the way out is [`outgoing`]'s.

mod events;
pub(crate) mod outgoing;
mod people;
pub(crate) mod render;
mod vendors;

pub use people::{ChannelState, Tried};

use crate::dispatch::NotMade;
use crate::{Engine, EngineError};
use davit_domain::config::{Channel, Hook, Receiver};
use davit_domain::ids::{AppKey, ChannelId, EnvironmentKey};
use davit_domain::notice::NoticeEvent;
use davit_domain::time::Timestamp;
use davit_store::Tx;
use davit_store::outbox::{NewCall, OutboxRow, Target};
use outgoing::Outgoing;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The kind of call that carries a notice.
pub(crate) const NOTICE: &str = "notice";

/// One thing that happened, as it is told. Everything that a template may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notice {
    /// The same for every try: receivers know a repetition by it.
    pub(crate) id: String,
    pub(crate) event: NoticeEvent,
    pub(crate) at: Timestamp,
    pub(crate) app: Option<AppKey>,
    pub(crate) environment: Option<EnvironmentKey>,
    pub(crate) request: Option<i64>,
    pub(crate) deployment: Option<i64>,
    pub(crate) host: Option<String>,
    /// `owner/name`, where it is about a run.
    #[serde(default)]
    pub(crate) repository: Option<String>,
    /// What was asked for, in the words of who asked.
    pub(crate) title: Option<String>,
    /// Who did what is told.
    pub(crate) person: Option<String>,
    /// Who asked for the release.
    pub(crate) author: Option<String>,
    pub(crate) commit: Option<String>,
    pub(crate) reference: Option<String>,
    /// `approved`, `rejected`, `succeeded`, `failed`, …
    pub(crate) state: Option<String>,
    /// Why, in a sentence.
    pub(crate) reason: Option<String>,
    /// Where people read more.
    pub(crate) url: Option<String>,
    /// Whether it is only a try of the channel.
    #[serde(default)]
    pub(crate) test: bool,
}

impl Notice {
    /// A notice that says nothing yet but what happened.
    fn new(event: NoticeEvent, at: Timestamp) -> Self {
        Self {
            id: format!("msg_{:032x}", rand::random::<u128>()),
            event,
            at,
            app: None,
            environment: None,
            request: None,
            deployment: None,
            host: None,
            repository: None,
            title: None,
            person: None,
            author: None,
            commit: None,
            reference: None,
            state: None,
            reason: None,
            url: None,
            test: false,
        }
    }
}

impl Engine {
    /// Writes a notice for these channels, in the transaction of what it tells about.
    async fn enqueue_notice(&self, tx: &mut Tx, notice: &Notice, channels: &[&Channel]) -> Result<(), EngineError> {
        let payload = serde_json::to_string(notice).map_err(|error| EngineError::Unavailable(error.to_string()))?;
        for channel in channels {
            let target = Target::Channel(channel.id.clone());
            // Every notice is sent, so every one has a lane of its own.
            let lane = format!("notice {} {} {}", channel.id, notice.event, notice.id);
            let call = NewCall { kind: NOTICE, lane: &lane, target: &target, payload: &payload, is_final: true };
            tx.enqueue_outbox(&call, self.now()).await?;
        }
        Ok(())
    }
}

/// Sends what a row of the outbox says.
pub(crate) async fn deliver(engine: &Engine, row: &OutboxRow, id: &ChannelId) -> Result<(), NotMade> {
    let Some(channel) = engine.store().channel(id).await? else {
        return Err(NotMade::Nobody { detail: format!("there is no channel named {id} any more") });
    };
    let notice: Notice =
        serde_json::from_str(&row.payload).map_err(|error| NotMade::Never { detail: error.to_string() })?;
    engine.traffic().count_message(&row.target, channel.kind(), engine.now());
    send(engine, &channel, &notice).await
}

/// Sends a notice to a channel, once.
pub(crate) async fn send(engine: &Engine, channel: &Channel, notice: &Notice) -> Result<(), NotMade> {
    let message = render::message(channel, notice, &engine.settings().public_url);
    let ca = engine.optional_secret(channel.ca.as_ref()).await?;
    let out = Outgoing { allow_private: channel.allow_private, ca };
    let sent = match &channel.receiver {
        Receiver::Hook(kind, hook) => {
            let (url, secret) = opened(engine, hook).await?;
            let call = vendors::Call { url: &url, secret: secret.as_ref(), message: &message, now: engine.now() };
            vendors::post(&out, *kind, &call).await
        }
        Receiver::Mail(mail) => {
            let password = engine.optional_secret(mail.password.as_ref()).await?;
            vendors::email::send(&out, mail, password.as_ref(), &message, engine.now()).await
        }
        Receiver::Sms(sms) => {
            let key = engine.secret(&sms.key_secret).await?;
            vendors::sms::send(&out, sms, &key, &message, engine.now()).await
        }
    };
    sent.map_err(NotMade::from)
}

impl Engine {
    /// Says something in a chat that is no notice: the answer to a command.
    pub(crate) async fn say_in(&self, channel: &Channel, text: &str) -> Result<(), Trouble> {
        let unwell = |error: EngineError| Trouble::Later(error.to_string());
        let Receiver::Hook(kind, hook) = &channel.receiver else { return Ok(()) };
        let (url, secret) = opened(self, hook).await.map_err(unwell)?;
        let ca = self.optional_secret(channel.ca.as_ref()).await.map_err(unwell)?;
        let message = render::words(*kind, text);
        let call = vendors::Call { url: &url, secret: secret.as_ref(), message: &message, now: self.now() };
        vendors::post(&Outgoing { allow_private: channel.allow_private, ca }, *kind, &call).await
    }
}

async fn opened(engine: &Engine, hook: &Hook) -> Result<(SecretString, Option<SecretString>), EngineError> {
    Ok((engine.secret(&hook.url).await?, engine.optional_secret(hook.secret.as_ref()).await?))
}

/// Why a message did not get there. Sentences never hold a URL or a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The network or the receiver is not well: later may be better.
    Later(String),
    /// The receiver wants a pause.
    Pause {
        /// How long; `None`: it does not say.
        after: Option<Duration>,
        /// What it said.
        detail: String,
    },
    /// The receiver refused it, and will again.
    Refused(String),
}

/// What a receiver that wants a pause gets where it does not say for how long.
const USUAL_PAUSE: Duration = Duration::from_secs(60);

impl Trouble {
    /// The sentence.
    pub(crate) fn into_detail(self) -> String {
        match self {
            Self::Later(detail) | Self::Pause { detail, .. } | Self::Refused(detail) => detail,
        }
    }
}

impl From<Trouble> for NotMade {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::Later(detail) => Self::Later { after: None, limit: false, detail },
            Trouble::Pause { after, detail } => {
                Self::Later { after: Some(after.unwrap_or(USUAL_PAUSE)), limit: true, detail }
            }
            Trouble::Refused(detail) => Self::Never { detail },
        }
    }
}
