//! What the service manager is told of the server (systemd's sd_notify): that it is ready, that it stops, that it lives.
//!
//! Where nobody asked (no `NOTIFY_SOCKET`, no `WATCHDOG_USEC`), nothing is said and nothing runs.

use davit_store::Store;
use sd_notify::NotifyState;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// The server takes requests; `address` shows in `systemctl status`.
pub(crate) fn ready(address: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("Serving {address}"))]);
}

/// No new work is begun.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("Stopping: what runs may go on for a while")]);
}

/// Says that the server lives as long as the database answers in time, until `stop`. Runs as a task of its own on the
/// runtime that serves: where that stands still, nothing is said, and the service manager starts the server anew.
pub(crate) async fn feed_watchdog(store: Store, stop: CancellationToken) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    // Three looks within the limit: one may be lost.
    let pause = limit / 3;
    let mut turns = tokio::time::interval(pause);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pulse = Pulse::default();
    while stop.run_until_cancelled(turns.tick()).await.is_some() {
        let answer = tokio::time::timeout(pause, store.ping());
        let Some(answer) = stop.run_until_cancelled(answer).await else { return };
        tell(&pulse.after(matches!(answer, Ok(Ok(())))));
    }
}

/// Whether the last look found the database silent.
#[derive(Debug, Default)]
struct Pulse {
    silent: bool,
}

impl Pulse {
    /// What there is to say after a look.
    fn after(&mut self, answered: bool) -> Vec<NotifyState<'static>> {
        let mut states = Vec::new();
        if answered {
            states.push(NotifyState::Watchdog);
        }
        if answered == self.silent {
            self.silent = !answered;
            let status = if answered { "The database answers again" } else { "The database does not answer" };
            states.push(NotifyState::Status(status));
        }
        states
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if states.is_empty() {
        return;
    }
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager can't be told how davit is");
    }
}

#[cfg(test)]
mod tests {
    use super::Pulse;

    #[test]
    fn an_answer_feeds_and_silence_does_not() {
        let mut pulse = Pulse::default();
        let mut said = |answered| pulse.after(answered).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(said(true), ["WATCHDOG=1"]);
        assert_eq!(said(true), ["WATCHDOG=1"]);
        assert_eq!(said(false), ["STATUS=The database does not answer"]);
        assert_eq!(said(false), <[&str; 0]>::default());
        assert_eq!(said(true), ["WATCHDOG=1", "STATUS=The database answers again"]);
    }
}
