//! Being ended from outside: Ctrl-C, `kill`, a terminal that closes.
//!
//! A command dies of these like any other, until it begins something that has to be put in order: a terminal that shows
//! nothing, a file that is half there. From then on they end it by dropping it, and `Drop` puts things in order. The server
//! and `davit ci run` listen by themselves.

use crate::failure::{Exit, Failure};
use std::future::poll_fn;
use std::io;
use std::task::Poll;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{Mutex, SetOnce};

/// What is listened to, once there is something to put in order.
static SIGNALS: SetOnce<Mutex<Signals>> = SetOnce::const_new();

/// From now on the process ends in order.
///
/// # Errors
/// When signals can't be listened to.
pub(crate) fn in_order() -> io::Result<()> {
    if SIGNALS.get().is_none() {
        // Where another was faster, it is listened to by that one.
        let _ = SIGNALS.set(Mutex::new(Signals::listen()?));
    }
    Ok(())
}

/// Waits for the end, which never comes where nothing has to be put in order.
pub(crate) async fn ended() -> Failure {
    let number = SIGNALS.wait().await.lock().await.next().await;
    Failure::new(Exit::Ended(number), "")
}

/// Those that end a process, with their numbers.
#[derive(Debug)]
struct Signals(Vec<(i32, Signal)>);

impl Signals {
    /// What is ignored stays so: whoever says `nohup` means it.
    fn listen() -> io::Result<Self> {
        let ignored = ignored(&std::fs::read_to_string("/proc/self/status").unwrap_or_default());
        let ends = [SignalKind::hangup(), SignalKind::interrupt(), SignalKind::terminate()].into_iter();
        let wanted = ends.filter(|kind| ignored >> (kind.as_raw_value() - 1) & 1 == 0);
        wanted.map(|kind| Ok((kind.as_raw_value(), signal(kind)?))).collect::<io::Result<_>>().map(Self)
    }

    async fn next(&mut self) -> i32 {
        poll_fn(|context| {
            let came = self.0.iter_mut().find_map(|(number, signal)| {
                let is_here = signal.poll_recv(context).is_ready();
                is_here.then_some(*number)
            });
            came.map_or(Poll::Pending, Poll::Ready)
        })
        .await
    }
}

/// Which signals are ignored, a bit each from 1 on, as the system says of a process (proc(5)).
fn ignored(status: &str) -> u64 {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::ignored;

    #[test]
    fn what_the_system_says_is_read() {
        assert_eq!(ignored("Name:\tdavit\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n"), 0x1001);
        assert_eq!(ignored(""), 0);
    }
}
