//! Asks every host now and then whether davit can still log in, so that people hear of it before a release does.
//!
//! One miss is no news: networks hiccup. After the second in a row the host is an alert and channels are told; when it
//! answers again the alert ends and they are told that; it ends without a word when nobody looks at the host any more,
//! because it was taken away or hosts are not watched. What the last look at a host said is stored with it, so several
//! processes share the work: a host that anybody looked at lately is left alone.

use crate::hub::Topic;
use crate::{Engine, EngineError};
use davit_domain::config::{Host, HostKind};
use davit_domain::notice::NoticeEvent;
use davit_store::alerts::{Alert, Raised};
use davit_store::hosts::HostCheck;
use futures::StreamExt as _;
use std::time::Duration;

/// The kind of alert about a host that can't be reached; its subject is the host's name.
pub const ALERT: &str = "host_down";

/// A host that has not shown a key that somebody accepted is new, not down.
const NEW: &str = "host_key_unknown";
const OK: &str = "ok";

impl Engine {
    /// Looks at every host once that nobody has looked at lately.
    ///
    /// # Errors
    /// When the store does not answer. A host that does not is what this is for.
    pub async fn watch_hosts(&self) -> Result<(), EngineError> {
        let mut hosts = self.store().configuration().await?.hosts;
        hosts.retain(|host| host.kind == HostKind::Ssh);
        self.end_alerts_but_of(&hosts).await?;
        let checks = self.store().host_checks().await?;
        // A little less than the whole, so that a look is not put off for a moment's difference.
        let lately = self.settings().watch_hosts_every.mul_f64(0.8);
        let due = hosts.into_iter().filter_map(|host| {
            let before = checks.get(&host.name).cloned();
            let is_due = before.as_ref().is_none_or(|check| self.now().since(check.at) >= lately);
            is_due.then_some((host, before))
        });
        let due: Vec<_> = due.collect();
        let looks = due.into_iter().map(|(host, before)| self.look_at(host, before));
        let looked: Vec<Result<(), EngineError>> =
            futures::stream::iter(looks).buffer_unordered(self.settings().parallel_hosts.max(1)).collect().await;
        looked.into_iter().collect()
    }

    /// Ends the alerts about hosts that are none of these.
    async fn end_alerts_but_of(&self, hosts: &[Host]) -> Result<(), EngineError> {
        // Nearly always there is none.
        if self.store().open_alerts().await? == 0 {
            return Ok(());
        }
        let open = self.store().alerts(true, None, i64::MAX).await?;
        let is_over =
            |alert: &&Alert| alert.kind == ALERT && !hosts.iter().any(|host| host.name.as_str() == alert.subject);
        for alert in open.iter().filter(is_over) {
            let mut tx = self.store().begin().await?;
            tx.end_alert(ALERT, &alert.subject, self.now()).await?;
            tx.commit().await?;
            self.hub().tell_topic(Topic::Alert, Some(alert.id));
        }
        Ok(())
    }

    async fn look_at(&self, host: Host, before: Option<HostCheck>) -> Result<(), EngineError> {
        let now = match self.verify_host(&host.name).await {
            Ok(check) => check,
            // It was taken out of the configuration meanwhile, or a key of its is missing, which `doctor` tells.
            Err(EngineError::NotFound(_) | EngineError::Invalid(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        let was_bad = before.is_some_and(|check| is_bad(&check));
        if now.code == OK {
            self.host_is_up(&host).await
        } else if is_bad(&now) && was_bad {
            self.host_is_down(&host, &now.detail).await
        } else {
            Ok(())
        }
    }

    async fn host_is_down(&self, host: &Host, detail: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        let raised = tx.raise_alert(ALERT, host.name.as_str(), detail, self.now()).await?;
        if let Raised::New(_) = raised {
            self.notice_host(&mut tx, NoticeEvent::HostDown, host, Some(detail)).await?;
        }
        tx.commit().await?;
        if let Raised::New(id) = raised {
            self.hub().tell_topic(Topic::Alert, Some(id));
            self.hub().tell_topic(Topic::Outbox, None);
        }
        Ok(())
    }

    async fn host_is_up(&self, host: &Host) -> Result<(), EngineError> {
        // Nearly always there is none: no transaction for that.
        if self.store().open_alerts().await? == 0 {
            return Ok(());
        }
        let mut tx = self.store().begin().await?;
        let ended = tx.end_alert(ALERT, host.name.as_str(), self.now()).await?;
        if ended {
            self.notice_host(&mut tx, NoticeEvent::HostUp, host, None).await?;
        }
        tx.commit().await?;
        if ended {
            self.hub().tell_topic(Topic::Alert, None);
            self.hub().tell_topic(Topic::Outbox, None);
        }
        Ok(())
    }
}

fn is_bad(check: &HostCheck) -> bool {
    check.code != OK && check.code != NEW
}

/// Looks every now and then until the process drains; not at all where nobody wants it.
pub(crate) async fn run(engine: Engine) {
    let (drain, every) = (engine.lifecycle().drain_token(), engine.settings().watch_hosts_every);
    if every == Duration::ZERO {
        if let Err(error) = engine.end_alerts_but_of(&[]).await {
            tracing::warn!(%error, "alerts about hosts that nobody watches can't be ended now");
        }
        drain.cancelled().await;
        return;
    }
    loop {
        tokio::select! {
            () = drain.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        if let Err(error) = engine.watch_hosts().await {
            tracing::error!(%error, "hosts can't be looked at now");
        }
    }
}
