//! What the service manager is told of the server (systemd's sd_notify): that it is ready, that it stops, that it lives.
//!
//! Where nobody asked (no `NOTIFY_SOCKET`, no `WATCHDOG_USEC`), nothing is said and nothing runs.

use davit_store::Store;
use sd_notify::NotifyState;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

/// What is asked for at a time while davit starts.
const MORE_TIME: Duration = Duration::from_mins(2);

/// The server takes requests; `address` shows in `systemctl status`.
pub(crate) fn ready(address: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(&format!("Serving {address}"))]);
}

/// No new work is begun.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping, NotifyState::Status("Stopping: what runs may go on for a while")]);
}

/// Asks for more time, again and again, for as long as `work` takes: a large database may have to be brought up to date
/// before davit is ready, and a start that is cut off in the middle of that begins anew the next time.
pub(crate) async fn while_starting<T>(work: impl Future<Output = T>) -> T {
    let ask = async {
        let mut turns = tokio::time::interval(MORE_TIME / 4);
        loop {
            turns.tick().await;
            let more = u32::try_from(MORE_TIME.as_micros()).unwrap_or(u32::MAX);
            tell(&[NotifyState::ExtendTimeoutUsec(more), NotifyState::Status("Opening the database")]);
        }
    };
    tokio::select! {
        done = work => done,
        never = ask => never,
    }
}

/// Says that the server lives, until `stop`. Runs as a task of its own on the runtime that serves: where that stands
/// still, nothing is said, and the service manager starts the server anew. A database that is away is only told: another
/// start would not bring it back, and would end what waits for it.
pub(crate) async fn feed_watchdog(store: Store, stop: CancellationToken) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    // Three turns within the limit: one may be late.
    let pause = limit / 3;
    let mut turns = tokio::time::interval(pause);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut pulse = Pulse::default();
    while stop.run_until_cancelled(turns.tick()).await.is_some() {
        tell(&[NotifyState::Watchdog]);
        let answer = tokio::time::timeout(pause, store.ping());
        let Some(answer) = stop.run_until_cancelled(answer).await else { return };
        if let Some(news) = pulse.after(matches!(answer, Ok(Ok(())))) {
            tell(&[NotifyState::Status(news)]);
        }
    }
}

/// Whether the last look found the database silent.
#[derive(Debug, Default)]
struct Pulse {
    silent: bool,
}

impl Pulse {
    /// What there is to say after a look.
    fn after(&mut self, answered: bool) -> Option<&'static str> {
        let changed = answered == self.silent;
        self.silent = !answered;
        changed.then_some(if answered { "The database answers again" } else { "The database does not answer" })
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "the service manager can't be told how davit is");
    }
}

#[cfg(test)]
mod tests {
    use super::Pulse;

    #[test]
    fn silence_is_told_once_and_so_is_its_end() {
        let mut pulse = Pulse::default();
        let said: Vec<_> = [true, false, false, true, true].into_iter().map(|answered| pulse.after(answered)).collect();
        assert_eq!(said, [None, Some("The database does not answer"), None, Some("The database answers again"), None]);
    }
}
