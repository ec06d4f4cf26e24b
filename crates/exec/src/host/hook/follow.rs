//! The server's side of following a hook: counts its bytes, makes lines of them, and knows when it takes too long.

use super::decode::{Decoder, Piece};
use super::{HookEnd, HookLine, HookSink, MAX_OUTPUT};
use crate::host::transport::Running;
use crate::lines::Splitter;
use crate::{Exit, OutputLine, Timeouts};
use davit_domain::log::Stream;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

/// Why there is nothing more to follow.
pub(super) enum Over {
    /// As the caller is told.
    End(HookEnd),
    /// Nothing was started, for this reason.
    Refused(String),
}

/// Follows one hook once.
pub(super) struct Follower<'a> {
    mark: &'a str,
    from: u64,
    timeouts: Timeouts,
    sink: &'a HookSink,
    /// When the total limit is reached.
    deadline: watch::Sender<Instant>,
    /// Whether it said nothing for too long.
    quiet: watch::Sender<bool>,
}

impl<'a> Follower<'a> {
    pub(super) fn new(mark: &'a str, from: u64, timeouts: Timeouts, sink: &'a HookSink) -> Self {
        let deadline = watch::Sender::new(far(timeouts.total));
        Self { mark, from, timeouts, sink, deadline, quiet: watch::Sender::new(false) }
    }

    /// Feeds the program and hands lines on until the end. Goes on when a limit is reached.
    pub(super) async fn follow(&self, mut running: Running, program: &[u8]) -> Over {
        running.send_all(program).await;
        let mut decoder = Decoder::new(self.mark);
        let mut output = Output::new(self.from, self.sink);
        let mut begun = false;
        let mut last_error = Splitter::new(Stream::Stderr);
        let mut why = String::new();
        loop {
            // What is not wanted any more is not sent either, so silence says nothing then.
            let idle = if output.position > MAX_OUTPUT { Duration::MAX } else { self.timeouts.idle };
            let Ok(next) = timeout(idle, running.output.next()).await else {
                self.quiet.send_replace(true);
                continue;
            };
            let Some((is_stderr, bytes)) = next else { break };
            if is_stderr {
                for line in last_error.push(&bytes) {
                    if !line.text.trim().is_empty() {
                        why = line.text;
                    }
                }
                continue;
            }
            for piece in decoder.push(&bytes) {
                match piece {
                    Piece::Output(bytes) => output.push(&bytes).await,
                    Piece::Mark(text) => match Mark::of(&text) {
                        Mark::Begin(elapsed) => {
                            begun = true;
                            self.deadline.send_replace(far(self.timeouts.total.saturating_sub(elapsed)));
                        }
                        Mark::Refused(why) => return Over::Refused(why),
                        Mark::End(end) => {
                            output.finish().await;
                            return Over::End(end);
                        }
                    },
                }
            }
        }
        match running.output.exit() {
            // The host has no shell, or no room for one more process: nothing was started.
            exit @ Exit::Code(_) if !begun => Over::Refused(if why.is_empty() { exit.to_string() } else { why }),
            Exit::Code(_) | Exit::Signal(_) | Exit::Lost => Over::End(HookEnd::Lost),
        }
    }

    /// Waits for a limit to be reached, and says which.
    pub(super) async fn limit(&self) -> Duration {
        let mut deadline = self.deadline.subscribe();
        let mut quiet = self.quiet.subscribe();
        loop {
            let at = *deadline.borrow_and_update();
            // The senders are in `self`: a change is all that `changed` and `wait_for` can report.
            tokio::select! {
                () = sleep_until(at) => return self.timeouts.total,
                _ = quiet.wait_for(|quiet| *quiet) => return self.timeouts.idle,
                _ = deadline.changed() => {}
            }
        }
    }
}

/// What a mark says.
enum Mark {
    /// The hook runs, for this long already.
    Begin(Duration),
    Refused(String),
    End(HookEnd),
}

impl Mark {
    /// Reads `begin STARTED NOW` (seconds of one clock), `refused SENTENCE`, `end code 12`, `end signal TERM`,
    /// `end vanished`.
    fn of(text: &str) -> Self {
        let (kind, rest) = text.split_once(' ').unwrap_or((text, ""));
        let words = rest.split_once(' ').unwrap_or((rest, ""));
        match (kind, words) {
            ("begin", (started, now)) => Self::Begin(elapsed(started, now)),
            ("refused", _) => Self::Refused(rest.to_owned()),
            ("end", ("code", code)) if code.parse::<i32>().is_ok() => {
                Self::End(HookEnd::Exited(Exit::Code(code.parse().unwrap_or_default())))
            }
            ("end", ("signal", name)) => Self::End(HookEnd::Exited(Exit::Signal(name.to_owned()))),
            // Not written as a whole, which only a full disk or a crash of the host brings about.
            (_, _) => Self::End(HookEnd::Vanished),
        }
    }
}

/// Seconds of a clock on the host. One that went backwards is no reason to end a hook.
fn elapsed(started: &str, now: &str) -> Duration {
    let seconds = |text: &str| text.parse::<f64>().unwrap_or_default();
    Duration::try_from_secs_f64(seconds(now) - seconds(started)).unwrap_or_default()
}

/// This long from now, or as late as can be said.
fn far(after: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
    let now = Instant::now();
    now.checked_add(after).unwrap_or(now + YEAR)
}

/// Bytes become lines that know where they end.
struct Output<'a> {
    splitter: Splitter,
    /// How many bytes of output came before the next one.
    position: u64,
    /// Where the line that comes next starts.
    line_start: u64,
    sink: &'a HookSink,
}

impl<'a> Output<'a> {
    const fn new(from: u64, sink: &'a HookSink) -> Self {
        Self { splitter: Splitter::new(Stream::Stdout), position: from, line_start: from, sink }
    }

    async fn push(&mut self, bytes: &[u8]) {
        let start = self.position;
        self.position += bytes.len() as u64;
        for (line, taken) in self.splitter.push_counted(bytes) {
            self.hand_on(line, start + taken as u64).await;
        }
    }

    /// The last line, when it has no line ending.
    async fn finish(&mut self) {
        if let Some(line) = self.splitter.finish() {
            self.hand_on(line, self.position).await;
        }
    }

    async fn hand_on(&mut self, line: OutputLine, end: u64) {
        let start = std::mem::replace(&mut self.line_start, end);
        let line = match (start > MAX_OUTPUT, end > MAX_OUTPUT) {
            (false, false) => line,
            (false, true) => OutputLine {
                stream: Stream::System,
                text: format!("this is more than {} MiB of output: the rest is not kept", MAX_OUTPUT >> 20),
            },
            // Said before, whoever heard it.
            (true, _) => return,
        };
        // Nobody listening any more is no reason to stop a hook halfway.
        let _ = self.sink.send(HookLine { line, end }).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read() {
        assert!(matches!(Mark::of("end code 12"), Mark::End(HookEnd::Exited(Exit::Code(12)))));
        assert!(
            matches!(Mark::of("end signal TERM"), Mark::End(HookEnd::Exited(Exit::Signal(name))) if name == "TERM")
        );
        assert!(matches!(Mark::of("end vanished"), Mark::End(HookEnd::Vanished)));
        assert!(matches!(Mark::of("end code "), Mark::End(HookEnd::Vanished)), "an exit file that is not whole");
        assert!(matches!(Mark::of("refused it's so"), Mark::Refused(why) if why == "it's so"));
        for (text, millis) in [("begin 10.5 12.75", 2250), ("begin 1700000000 1690000000", 0), ("begin - ?", 0)] {
            assert!(matches!(Mark::of(text), Mark::Begin(elapsed) if elapsed.as_millis() == millis), "{text}");
        }
    }

    #[tokio::test]
    async fn output_beyond_the_limit_is_dropped_and_said_once() {
        let (sink, mut lines) = tokio::sync::mpsc::channel(8);
        let mut output = Output::new(MAX_OUTPUT - 2, &sink);
        output.push(b"a\nb\nc\n").await;
        let mut later = Output::new(MAX_OUTPUT + 2, &sink);
        later.push(b"c\nd").await;
        later.finish().await;
        drop(sink);
        let mut seen = Vec::new();
        while let Some(line) = lines.recv().await {
            seen.push((line.line.stream, line.end - MAX_OUTPUT));
        }
        assert_eq!(seen, [(Stream::Stdout, 0), (Stream::System, 2)]);
    }
}
