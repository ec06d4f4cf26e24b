//! One shell, from the connection to its end: three loops side by side – what the host shows, what the browser types,
//! and whether it may go on – of which the first to end ends all.

use super::recorder::{RecordError, Recorder};
use super::{LARGEST, Reason, Shown, TerminalSize, Typed};
use crate::hub::{self, Topic};
use crate::{Engine, EngineError};
use davit_domain::time::Timestamp;
use davit_exec::Exit;
use davit_exec::host::{Host, ShellEvent, ShellInput, ShellOutput};
use davit_store::terminals::{Ending, Terminal};
use std::pin::pin;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio_util::sync::CancellationToken;

/// Between two looks at the clock.
const TICK: Duration = Duration::from_secs(1);
/// Between two looks whether it may go on.
const CHECK_EVERY: Duration = Duration::from_secs(10);
/// For the last word to a browser that takes nothing.
const LAST_WORD: Duration = Duration::from_secs(1);
/// A person does not wait longer for a database that does not answer.
const CLOSING: Duration = Duration::from_secs(2);

/// A shell that a browser came for.
pub(super) struct Session {
    engine: Engine,
    terminal: Terminal,
    cookie: String,
    shown: mpsc::Sender<Shown>,
    opened: Timestamp,
    /// When somebody typed last. Milliseconds since the epoch.
    typed_at: AtomicI64,
    /// What was shown.
    bytes: AtomicI64,
}

/// A shell that runs.
struct Running {
    host: Host,
    input: ShellInput,
    output: ShellOutput,
    recorder: Recorder,
}

/// Why it ended, and what the shell exited with.
type End = (Reason, Option<i32>);

impl Session {
    pub(super) fn new(engine: Engine, terminal: Terminal, cookie: String, shown: mpsc::Sender<Shown>) -> Self {
        let opened = engine.now();
        let typed_at = AtomicI64::new(opened.millis());
        Self { engine, terminal, cookie, shown, opened, typed_at, bytes: AtomicI64::new(0) }
    }

    /// Runs it to its end, and writes down how that was.
    pub(super) async fn run(self, mut typed: mpsc::Receiver<Typed>) {
        let ((reason, exit_code), why_not) = match self.start().await {
            Ok(running) => (self.talk(running, &mut typed).await, None),
            Err((reason, why)) => ((reason, None), why),
        };
        let bytes = self.bytes.load(Ordering::Relaxed);
        let ending = Ending { reason: reason.as_str(), exit_code, bytes };
        let mut closing = pin!(self.engine.close_terminal(&self.terminal, &ending));
        // Before it is told: who sees that it has ended finds it so.
        let closed = tokio::time::timeout(CLOSING, &mut closing).await;
        let closed = async {
            match closed {
                Ok(closed) => closed,
                Err(_) => closing.await,
            }
        };
        let told = async {
            if let Some(why) = why_not {
                self.say(Shown::Failed(why)).await;
            }
            if reason != Reason::Unreachable {
                self.say(Shown::Ended(reason, exit_code)).await;
            }
        };
        let (closed, ()) = tokio::join!(closed, told);
        if let Err(error) = closed {
            tracing::warn!(%error, terminal = self.terminal.id.0, "the end of a terminal can't be written down now");
        }
        self.engine.0.terminals.remove(self.terminal.id);
    }

    /// Connects, starts the shell and its recording.
    async fn start(&self) -> Result<Running, (Reason, Option<String>)> {
        let stop = CancellationToken::new();
        let drain = self.engine.lifecycle().drain_token();
        let gone = async {
            tokio::select! { () = self.shown.closed() => Reason::Disconnected, () = drain.cancelled() => Reason::Draining }
        };
        let started = tokio::select! {
            started = self.connect(&stop) => started,
            reason = gone => return Err((reason, None)),
        };
        started.map_err(|error| (Reason::Unreachable, Some(error.to_string())))
    }

    async fn connect(&self, stop: &CancellationToken) -> Result<Running, EngineError> {
        let Terminal { id, host: name, size: (cols, rows), user_name, .. } = &self.terminal;
        let size = TerminalSize { cols: *cols, rows: *rows };
        let configuration = self.engine.store().configuration().await?;
        let target = self.engine.target(&configuration, name).await?;
        let host = Host::connect(self.engine.connector(), &target, stop).await?;
        let (input, output) = host.shell(size).await?;
        let (path, title) = (self.engine.recording(*id), format!("{user_name} on {name}"));
        let limit = self.engine.settings().terminals.recording;
        let recorder = Recorder::start(&path, &title, size, self.engine.now(), limit).await.map_err(|error| {
            tracing::error!(%error, path = %path.display(), "a terminal can't be recorded");
            EngineError::Unavailable("the terminal can't be recorded on the server's disk, so there is none".into())
        })?;
        self.note().await;
        Ok(Running { host, input, output, recorder })
    }

    async fn talk(&self, running: Running, typed: &mut mpsc::Receiver<Typed>) -> End {
        let Running { host, input, mut output, recorder } = running;
        let recorder = Mutex::new(recorder);
        self.say(Shown::Ready).await;
        let end = tokio::select! {
            end = self.show(&mut output, &recorder) => end,
            reason = self.take(typed, &input, &recorder) => (reason, None),
            reason = self.watch() => (reason, None),
        };
        drop((input, output));
        host.close().await;
        if let Err(error) = recorder.into_inner().finish(self.engine.now()).await {
            tracing::warn!(?error, terminal = self.terminal.id.0, "the end of a recording is missing");
        }
        end
    }

    /// What the host shows goes into the recording first.
    async fn show(&self, output: &mut ShellOutput, recorder: &Mutex<Recorder>) -> End {
        while let Some(event) = output.next().await {
            let bytes = match event {
                ShellEvent::Output(bytes) => bytes,
                ShellEvent::Exit(Exit::Code(code)) => return (Reason::Exited, Some(code)),
                ShellEvent::Exit(Exit::Signal(_)) => return (Reason::Exited, None),
                ShellEvent::Exit(Exit::Lost) => return (Reason::Lost, None),
            };
            self.bytes.fetch_add(i64::try_from(bytes.len()).unwrap_or(i64::MAX), Ordering::Relaxed);
            if let Err(error) = recorder.lock().await.output(self.engine.now(), &bytes).await {
                return (self.why(&error), None);
            }
            if self.shown.send(Shown::Bytes(bytes)).await.is_err() {
                return (Reason::Disconnected, None);
            }
        }
        (Reason::Lost, None)
    }

    /// What the browser types goes to the host, and nowhere else.
    async fn take(&self, typed: &mut mpsc::Receiver<Typed>, input: &ShellInput, recorder: &Mutex<Recorder>) -> Reason {
        while let Some(typed) = typed.recv().await {
            let sent = match typed {
                Typed::Bytes(bytes) => {
                    self.typed_at.store(self.engine.now().millis(), Ordering::Relaxed);
                    input.send(bytes).await
                }
                Typed::Resize(TerminalSize { cols, rows }) => {
                    let size = TerminalSize { cols: cols.clamp(1, LARGEST), rows: rows.clamp(1, LARGEST) };
                    if let Err(error) = recorder.lock().await.resize(self.engine.now(), size).await {
                        return self.why(&error);
                    }
                    input.resize(size).await
                }
            };
            if sent.is_err() {
                return Reason::Lost;
            }
        }
        Reason::Disconnected
    }

    /// Whether it may go on: the clock, whoever wants it ended, the owner's session and rights, the server.
    async fn watch(&self) -> Reason {
        let limits = self.engine.settings().terminals;
        let drain = self.engine.lifecycle().drain_token();
        let mut changes = self.engine.hub().subscribe();
        let (mut checked, mut ticks, mut warned_of) = (self.engine.now(), Duration::ZERO, None);
        loop {
            let is_told = tokio::select! {
                () = drain.cancelled() => return Reason::Draining,
                () = self.shown.closed() => return Reason::Disconnected,
                () = hub::changed(&mut changes, &[Topic::Terminal, Topic::People]) => true,
                () = tokio::time::sleep(TICK) => false,
            };
            let now = self.engine.now();
            let typed_at = Timestamp::from_millis(self.typed_at.load(Ordering::Relaxed));
            let idle = now.since(typed_at);
            if idle >= limits.idle {
                return Reason::Idle;
            }
            if now.since(self.opened) >= limits.longest {
                return Reason::Longest;
            }
            let left = limits.idle.saturating_sub(idle);
            if left <= limits.warning && warned_of != Some(typed_at) {
                warned_of = Some(typed_at);
                // A browser that takes nothing needs no warning either.
                drop(self.shown.try_send(Shown::Idle(left.as_secs())));
            }
            ticks += TICK;
            if is_told || ticks >= CHECK_EVERY || now.since(checked) >= CHECK_EVERY {
                (checked, ticks) = (now, Duration::ZERO);
                if let Some(reason) = self.check().await {
                    return reason;
                }
            }
        }
    }

    /// A database that does not answer ends no shell: nobody could have taken a right away in it.
    async fn check(&self) -> Option<Reason> {
        match self.must_end().await {
            Ok(None) => {
                self.note().await;
                None
            }
            Ok(reason) => reason,
            Err(error) => {
                tracing::warn!(%error, terminal = self.terminal.id.0, "whether a terminal may go on can't be asked now");
                None
            }
        }
    }

    async fn must_end(&self) -> Result<Option<Reason>, EngineError> {
        match self.engine.store().terminal(self.terminal.id).await? {
            Some(terminal) if terminal.closed_at.is_some() => return Ok(Some(Reason::Lost)),
            Some(terminal) if terminal.end_by.is_some() => return Ok(Some(Reason::Ended)),
            Some(_) => {}
            None => return Ok(Some(Reason::Lost)),
        }
        let user = match self.engine.session_user(&self.cookie).await? {
            Some(user) if user.id == self.terminal.user => user,
            Some(_) | None => return Ok(Some(Reason::SignedOut)),
        };
        let may = self.engine.may_have_terminal(user, &self.terminal.host).await?;
        Ok((!may).then_some(Reason::Denied))
    }

    /// Notes that it lives.
    async fn note(&self) {
        let noted = async {
            let mut tx = self.engine.store().begin().await?;
            tx.see_terminal(self.terminal.id, self.bytes.load(Ordering::Relaxed), self.engine.now()).await?;
            tx.commit().await
        };
        if let Err(error) = noted.await {
            tracing::warn!(%error, terminal = self.terminal.id.0, "that a terminal lives can't be noted now");
        }
    }

    async fn say(&self, word: Shown) {
        // Whoever went away hears nothing.
        drop(tokio::time::timeout(LAST_WORD, self.shown.send(word)).await);
    }

    fn why(&self, error: &RecordError) -> Reason {
        match error {
            RecordError::Full => Reason::TooBig,
            RecordError::Disk(error) => {
                tracing::error!(%error, terminal = self.terminal.id.0, "a terminal can't be recorded any more");
                Reason::Unrecorded
            }
        }
    }
}
