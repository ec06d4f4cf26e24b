//! The two output streams of a place. They stay for its whole life and are read all the time, so that what a step
//! left in the background never waits for a reader; only while a step runs do lines go anywhere.

use davit_domain::log::Stream;
use davit_exec::lines::Splitter;
use davit_exec::{LineSink, OutputLine};
use nix::errno::Errno;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::task::JoinSet;

/// What a pipe can hold: what a step wrote before its end is within this many bytes.
const PIPE_CAPACITY: usize = 64 * 1024;

/// Both streams.
#[derive(Debug)]
pub(super) struct Output {
    streams: [mpsc::Sender<Order>; 2],
    budget: Arc<Budget>,
    _readers: JoinSet<()>,
}

/// How many bytes may still be said.
#[derive(Debug)]
pub(super) struct Budget {
    left: AtomicU64,
    spent: Notify,
}

impl Budget {
    /// Returns when more was said than allowed.
    pub(super) async fn is_spent(&self) {
        while self.left.load(Ordering::Relaxed) > 0 {
            self.spent.notified().await;
        }
    }

    /// Gives at least this much again.
    pub(super) fn grant(&self, bytes: u64) {
        self.left.fetch_max(bytes, Ordering::Relaxed);
    }

    /// Takes bytes. False when there were not that many.
    fn take(&self, bytes: usize) -> bool {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let before =
            self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| Some(left.saturating_sub(bytes)));
        let enough = before.is_ok_and(|left| left > bytes);
        if !enough {
            self.spent.notify_one();
        }
        enough
    }
}

enum Order {
    /// Lines go here from now on; what was said before belongs to no step.
    Begin(LineSink, oneshot::Sender<()>),
    /// Everything that is in the pipe now still goes to the sink, and nothing after it.
    End(oneshot::Sender<()>),
}

impl Output {
    /// Starts reading.
    ///
    /// # Errors
    /// The descriptors are no pipes.
    pub(super) fn new(stdout: OwnedFd, stderr: OwnedFd, most: u64) -> std::io::Result<Self> {
        let budget = Arc::new(Budget { left: AtomicU64::new(most), spent: Notify::new() });
        let mut readers = JoinSet::new();
        let mut follow = |fd: OwnedFd, stream: Stream| {
            let (orders, inbox) = mpsc::channel(1);
            let reader = Reader {
                pipe: Receiver::from_owned_fd(fd)?,
                splitter: Splitter::new(stream),
                sink: None,
                budget: Arc::clone(&budget),
            };
            readers.spawn(reader.follow(inbox));
            Ok::<_, std::io::Error>(orders)
        };
        let streams = [follow(stdout, Stream::Stdout)?, follow(stderr, Stream::Stderr)?];
        Ok(Self { streams, budget, _readers: readers })
    }

    pub(super) fn budget(&self) -> Arc<Budget> {
        Arc::clone(&self.budget)
    }

    /// When this returns, the sink gets everything that is said from now on.
    pub(super) async fn begin(&self, sink: &LineSink) {
        self.order(|done| Order::Begin(sink.clone(), done)).await;
    }

    /// When this returns, the sink has everything that was said before.
    pub(super) async fn end(&self) {
        self.order(Order::End).await;
    }

    /// Waits until both readers have done it. One that is gone has nothing to say.
    async fn order(&self, order: impl Fn(oneshot::Sender<()>) -> Order) {
        for stream in &self.streams {
            let (done, is_done) = oneshot::channel();
            if stream.send(order(done)).await.is_ok() {
                let _ = is_done.await;
            }
        }
    }
}

struct Reader {
    pipe: Receiver,
    splitter: Splitter,
    sink: Option<LineSink>,
    budget: Arc<Budget>,
}

impl Reader {
    async fn follow(mut self, mut orders: mpsc::Receiver<Order>) {
        let mut buffer = vec![0; PIPE_CAPACITY];
        let mut open = true;
        loop {
            tokio::select! {
                order = orders.recv() => match order {
                    Some(Order::Begin(sink, done)) => {
                        self.splitter.finish();
                        self.sink = Some(sink);
                        let _ = done.send(());
                    }
                    Some(Order::End(done)) => {
                        self.last_words(&mut buffer).await;
                        let _ = done.send(());
                    }
                    None => return,
                },
                read = self.pipe.read(&mut buffer), if open => match read {
                    Ok(1..) => {
                        let bytes = read.unwrap_or(0);
                        self.hand_over(&buffer[..bytes]).await;
                    }
                    Ok(0) | Err(_) => open = false,
                },
            }
        }
    }

    /// Asks the kernel itself: what the runtime knows of the pipe may be older than the news of the step's end.
    async fn last_words(&mut self, buffer: &mut [u8]) {
        let mut total = 0;
        while total < PIPE_CAPACITY {
            match nix::unistd::read(&self.pipe, buffer) {
                Ok(0) => break,
                Ok(bytes) => {
                    total += bytes;
                    self.hand_over(&buffer[..bytes]).await;
                }
                Err(Errno::EINTR) => {}
                Err(_) => break,
            }
        }
        if let (Some(line), Some(sink)) = (self.splitter.finish(), self.sink.take()) {
            send(&sink, line).await;
        }
        self.sink = None;
    }

    async fn hand_over(&mut self, bytes: &[u8]) {
        let Some(sink) = &self.sink else { return };
        if self.budget.take(bytes.len()) {
            for line in self.splitter.push(bytes) {
                send(sink, line).await;
            }
        }
    }
}

/// A closed sink means that nobody wants to know.
async fn send(sink: &LineSink, line: OutputLine) {
    let _ = sink.send(line).await;
}

#[cfg(test)]
mod tests {
    use super::Output;
    use std::io::Write;
    use tokio::sync::mpsc;

    /// On one thread, nothing is read between the order and the writing: both are there at once.
    #[tokio::test]
    async fn what_is_said_at_once_is_not_lost() {
        let (stdout, mut said) = std::io::pipe().expect("a pipe");
        let (stderr, _complained) = std::io::pipe().expect("a pipe");
        let output = Output::new(stdout.into(), stderr.into(), u64::MAX).expect("pipes");
        for number in 0..64 {
            let (sink, mut lines) = mpsc::channel(4);
            output.begin(&sink).await;
            writeln!(said, "line {number}").expect("is written");
            output.end().await;
            drop(sink);
            let line = lines.recv().await.expect("a line");
            assert_eq!(line.text, format!("line {number}"));
            assert!(lines.recv().await.is_none());
        }
    }
}
