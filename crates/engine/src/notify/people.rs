//! Channels as people see them: how each fares, a try, and what a notice would look like.

use super::{Notice, render, send, vendors};
use crate::dispatch::NotMade;
use crate::{Engine, EngineError};
use davit_domain::config::{Channel, Receiver};
use davit_domain::ids::ChannelId;
use davit_domain::notice::NoticeEvent;
use davit_store::outbox::{OutboxEntry, OutboxState, Target};
use std::time::Duration;

/// A person waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// How a channel fares.
#[derive(Debug, Clone)]
pub struct ChannelState {
    /// The channel.
    pub channel: Channel,
    /// The last notice that got there, or did not.
    pub last: Option<OutboxEntry>,
    /// How many notices wait.
    pub waiting: i64,
    /// How many were given up.
    pub dead: i64,
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    /// Whether the receiver took it.
    pub ok: bool,
    /// Why not; empty where it did.
    pub detail: String,
}

impl Engine {
    /// All channels, in the order of the configuration.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn channel_states(&self) -> Result<Vec<ChannelState>, EngineError> {
        let store = self.store();
        let (configuration, counts) = (store.configuration().await?, store.outbox_counts().await?);
        let mut states = Vec::with_capacity(configuration.channels.len());
        for channel in configuration.channels {
            let target = Target::Channel(channel.id.clone());
            let count = |states: &[OutboxState]| {
                let of = counts.iter().filter(|count| count.target == target && states.contains(&count.state));
                of.map(|count| count.count).sum()
            };
            states.push(ChannelState {
                waiting: count(&[OutboxState::Waiting, OutboxState::Leased]),
                dead: count(&[OutboxState::Dead]),
                last: store.last_call(&target).await?,
                channel,
            });
        }
        Ok(states)
    }

    /// Sends a try to a channel at once, and says what came of it.
    ///
    /// # Errors
    /// `NotFound` when there is no such channel.
    pub async fn try_channel(&self, id: &ChannelId, by: &str) -> Result<Tried, EngineError> {
        let channel = self.known_channel(id).await?;
        let notice = Notice { test: true, person: Some(by.to_owned()), ..self.example(&channel, None) };
        let sent = tokio::time::timeout(PATIENCE, send(self, &channel, &notice)).await;
        let tried = match sent {
            Ok(Ok(())) => Tried { ok: true, detail: String::new() },
            Ok(Err(NotMade::Later { detail, .. } | NotMade::Never { detail } | NotMade::Nobody { detail })) => {
                Tried { ok: false, detail }
            }
            Err(_) => Tried { ok: false, detail: format!("it took longer than {} s", PATIENCE.as_secs()) },
        };
        let mut tx = self.store().begin().await?;
        let detail = serde_json::json!({ "ok": tried.ok, "detail": tried.detail });
        self.feed(&mut tx, by, "channel_tested", &format!("channel {id}"), detail).await?;
        tx.commit().await?;
        Ok(tried)
    }

    /// What a channel would be sent of an event, as its vendor takes it.
    ///
    /// # Errors
    /// `NotFound` when there is no such channel.
    pub async fn preview_notice(&self, id: &ChannelId, event: NoticeEvent) -> Result<String, EngineError> {
        let channel = self.known_channel(id).await?;
        let notice = self.example(&channel, Some(event));
        let message = render::message(&channel, &notice, &self.settings().public_url);
        Ok(match &channel.receiver {
            Receiver::Hook(kind, _) => vendors::text(*kind, &message),
            Receiver::Mail(_) => format!("Subject: [davit] {}\n\n{}", message.headline, message.plain()),
            Receiver::Sms(sms) => vendors::sms::text(sms, &message),
        })
    }

    async fn known_channel(&self, id: &ChannelId) -> Result<Channel, EngineError> {
        let found = self.store().channel(id).await?;
        found.ok_or_else(|| EngineError::NotFound(format!("there is no channel named {id}")))
    }

    /// Something that could have happened.
    fn example(&self, channel: &Channel, event: Option<NoticeEvent>) -> Notice {
        let first = channel.events.as_ref().and_then(|events| events.first().copied());
        let event = event.or(first).unwrap_or(NoticeEvent::Succeeded);
        let is_of_host = matches!(event, NoticeEvent::HostDown | NoticeEvent::HostUp);
        let about_release = |text: &str| (!is_of_host).then(|| text.to_owned());
        let url = &self.settings().public_url;
        Notice {
            app: if is_of_host { None } else { channel.apps.first().cloned().or_else(|| "shop".parse().ok()) },
            environment: channel.environments.first().cloned().or_else(|| "production".parse().ok()),
            request: (!is_of_host).then_some(42),
            host: is_of_host.then(|| "web-1".to_owned()),
            title: about_release("Basket: keep what guests put in"),
            person: about_release("ana"),
            author: about_release("ben"),
            commit: about_release("1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d"),
            reference: about_release("refs/heads/main"),
            state: match event {
                NoticeEvent::Reviewed => Some("approved".to_owned()),
                NoticeEvent::ReviewRequested
                | NoticeEvent::Released
                | NoticeEvent::Succeeded
                | NoticeEvent::Failed
                | NoticeEvent::RolledBack
                | NoticeEvent::WindowOverridden
                | NoticeEvent::HostDown
                | NoticeEvent::HostUp
                | NoticeEvent::StatusUndeliverable
                | NoticeEvent::RunFailed => None,
            },
            reason: matches!(event, NoticeEvent::Failed)
                .then(|| "step 6 on web-1: after release ended with 1".to_owned()),
            url: Some(if is_of_host { format!("{url}/hosts") } else { format!("{url}/requests/42") }),
            ..Notice::new(event, self.now())
        }
    }
}
