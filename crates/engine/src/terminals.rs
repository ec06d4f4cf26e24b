//! People's shells on hosts: who may open one, who has one, what is kept of them.
//!
//! One is asked for first, and its browser comes for it at once: then [`session`] runs it, as a task of the engine that
//! the browser only looks at. What it shows is recorded while it happens ([`recorder`]); what is typed is not, because
//! passwords are typed. One whose process died is ended by the next look, with what is recorded so far.

mod recorder;
mod session;

use crate::hub::Topic;
use crate::{Engine, EngineError};
use bytes::Bytes;
use davit_domain::access::{Action, Target};
use davit_domain::config::{Host, HostKind};
use davit_domain::ids::{HostName, TerminalId};
use davit_domain::time::Timestamp;
use davit_store::accounts::User;
use davit_store::origin;
use davit_store::terminals::{Ending, NewTerminal, Terminal};
use serde_json::json;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;

pub use davit_exec::host::TerminalSize;

/// A browser that asked for a shell comes for it within this time, or not at all.
const COME_WITHIN: Duration = Duration::from_secs(30);
/// A shell that nobody has heard of for this long is gone with its process.
const LOST_AFTER: Duration = Duration::from_secs(60);
/// Between two looks for those.
const SWEEP_EVERY: Duration = Duration::from_secs(10);
/// What may wait on its way to the browser and back. Then the shell waits.
const WAITING: usize = 32;
/// Nobody has a terminal of more columns or rows.
const LARGEST: u16 = 1000;
/// Recordings, in the data directory.
const RECORDINGS: &str = "recordings";

/// How long and how much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Without a key typed.
    pub idle: Duration,
    /// How long before that somebody is warned.
    pub warning: Duration,
    /// In all.
    pub longest: Duration,
    /// At the same time for one person.
    pub per_person: i64,
    /// What is recorded. Bytes.
    pub recording: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(15 * 60),
            warning: Duration::from_secs(60),
            longest: Duration::from_secs(8 * 3600),
            per_person: 5,
            recording: 50_000_000,
        }
    }
}

/// What a browser does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// Keys, or what was pasted.
    Bytes(Bytes),
    /// Its window has another size.
    Resize(TerminalSize),
}

/// What a browser shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// The shell is there.
    Ready,
    /// It says something.
    Bytes(Bytes),
    /// It will be ended after so many seconds without a key.
    Idle(u64),
    /// There is no shell, and why. The last word.
    Failed(String),
    /// It has ended. The last word.
    Ended(Reason, Option<i32>),
}

/// Why a shell ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// By itself.
    Exited,
    /// Nobody typed for too long.
    Idle,
    /// It was open for too long.
    Longest,
    /// Somebody ended it.
    Ended,
    /// Its owner has logged out, or their session has ended otherwise.
    SignedOut,
    /// Its owner may not have it any more.
    Denied,
    /// The server stops.
    Draining,
    /// The recording was full.
    TooBig,
    /// It could not be recorded any more.
    Unrecorded,
    /// The connection to the host, or the server, went away.
    Lost,
    /// The browser went away.
    Disconnected,
    /// There never was one: the host could not be reached, or gave none.
    Unreachable,
}

impl Reason {
    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exited => "exited",
            Self::Idle => "idle",
            Self::Longest => "longest",
            Self::Ended => "ended",
            Self::SignedOut => "signed_out",
            Self::Denied => "denied",
            Self::Draining => "draining",
            Self::TooBig => "too_big",
            Self::Unrecorded => "unrecorded",
            Self::Lost => "lost",
            Self::Disconnected => "disconnected",
            Self::Unreachable => "unreachable",
        }
    }
}

/// A shell that a browser came for. Dropping either end lets it go.
#[derive(Debug)]
pub struct Attached {
    /// What the browser does goes here.
    pub typed: mpsc::Sender<Typed>,
    /// What it shows comes from here; the end of it is the end.
    pub shown: mpsc::Receiver<Shown>,
}

/// The shells of this process.
#[derive(Debug, Default)]
pub(crate) struct Live(Mutex<HashSet<TerminalId>>);

impl Live {
    fn add(&self, id: TerminalId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
    }

    fn remove(&self, id: TerminalId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    fn holds(&self, id: TerminalId) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&id)
    }
}

impl Engine {
    /// Asks for a shell on a host; whoever calls has looked whether this person may.
    ///
    /// # Errors
    /// `Invalid` for a host that has none and a size that no terminal has, `Conflict` when the person has too many.
    pub async fn open_terminal(&self, host: &Host, size: TerminalSize, user: &User) -> Result<TerminalId, EngineError> {
        if host.kind == HostKind::Local {
            return Err(EngineError::Invalid(format!(
                "{} is the machine that davit runs on: a shell there would be davit itself. Add it as an SSH host to get one",
                host.name
            )));
        }
        if !(1..=LARGEST).contains(&size.cols) || !(1..=LARGEST).contains(&size.rows) {
            return Err(EngineError::Invalid(format!("a terminal has 1 to {LARGEST} columns and rows")));
        }
        let most = self.settings().terminals.per_person;
        let mut tx = self.store().begin().await?;
        if tx.count_terminals(user.id).await? >= most {
            return Err(EngineError::Conflict(format!("you have {most} terminals open already: end one of them")));
        }
        let origin = origin::current();
        let new = NewTerminal {
            host: &host.name,
            user: user.id,
            user_name: &user.name,
            origin: origin.as_deref(),
            size: (size.cols, size.rows),
        };
        let id = tx.create_terminal(&new, self.now()).await?;
        tx.commit().await?;
        Ok(id)
    }

    /// Comes for a shell that the owner of this session asked for, and starts it.
    ///
    /// # Errors
    /// `NotFound` when it is somebody else's, `Conflict` when somebody came before or too late.
    pub async fn attach_terminal(&self, id: TerminalId, user: &User, cookie: &str) -> Result<Attached, EngineError> {
        if self.lifecycle().is_draining() {
            return Err(EngineError::Unavailable("the server is stopping: try again in a moment".into()));
        }
        let terminal = self.store().terminal(id).await?.filter(|terminal| terminal.user == user.id);
        let terminal = terminal.ok_or_else(|| EngineError::NotFound(format!("there is no terminal {id}")))?;
        let now = self.now();
        let mut tx = self.store().begin().await?;
        if !tx.take_terminal(id, user.id, before(now, COME_WITHIN), now).await? {
            return Err(EngineError::Conflict(
                "this terminal was opened before, or asked for too long ago: open a new one".into(),
            ));
        }
        let detail = json!({ "terminal": id });
        self.feed(&mut tx, &user.name, "terminal_opened", terminal.host.as_str(), detail).await?;
        tx.commit().await?;
        let (typed, from_browser) = mpsc::channel(WAITING);
        let (to_browser, shown) = mpsc::channel(WAITING);
        let session = session::Session::new(self.clone(), terminal, cookie.to_owned(), to_browser);
        let origin = origin::current();
        self.0.terminals.add(id);
        self.lifecycle().spawn("terminal", async move {
            let running = session.run(from_browser);
            match origin {
                Some(origin) => origin::scope(origin, running).await,
                None => running.await,
            }
        });
        self.hub().tell_topic(Topic::Terminal, Some(id.0));
        Ok(Attached { typed, shown })
    }

    /// Ends a shell, whoever's it is and wherever it runs.
    ///
    /// # Errors
    /// `Conflict` when it has ended.
    pub async fn end_terminal(&self, terminal: &Terminal, by: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        if !tx.ask_end_of_terminal(terminal.id, by).await? {
            return Err(EngineError::Conflict(format!("terminal {} has ended already", terminal.id)));
        }
        let detail = json!({ "terminal": terminal.id, "user": terminal.user_name });
        self.feed(&mut tx, by, "terminal_end_asked", terminal.host.as_str(), detail).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::Terminal, Some(terminal.id.0));
        Ok(())
    }

    /// Where the recording of a shell lies. A number can't lead out of the directory.
    #[must_use]
    pub fn recording(&self, id: TerminalId) -> PathBuf {
        self.data_dir().join(RECORDINGS).join(format!("{}.cast", id.0))
    }

    /// Whether this person may (still) have a shell on a host.
    async fn may_have_terminal(&self, user: User, host: &HostName) -> Result<bool, EngineError> {
        let Some(host) = self.store().host(host).await? else { return Ok(false) };
        let target = Target::Host { labels: &host.labels, environments: &host.environments };
        Ok(host.kind == HostKind::Ssh && self.person(user).await?.access.allows(Action::OpenTerminal, &target))
    }

    /// Writes down how a shell ended.
    async fn close_terminal(&self, terminal: &Terminal, ending: &Ending<'_>) -> Result<(), EngineError> {
        let now = self.now();
        let mut tx = self.store().begin().await?;
        if !tx.close_terminal(terminal.id, ending, now).await? {
            return Ok(());
        }
        let asked = tx.terminal_end_by(terminal.id).await?.filter(|_| ending.reason == Reason::Ended.as_str());
        let detail = json!({
            "terminal": terminal.id,
            "reason": ending.reason,
            "by": asked,
            "exit_code": ending.exit_code,
            "seconds": terminal.opened_at.map(|opened| now.since(opened).as_secs()),
            "bytes": ending.bytes,
        });
        self.feed(&mut tx, &terminal.user_name, "terminal_closed", terminal.host.as_str(), detail).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::Terminal, Some(terminal.id.0));
        Ok(())
    }

    /// Ends what a process that died has left, and forgets what nobody came for.
    async fn sweep_terminals(&self) -> Result<(), EngineError> {
        let now = self.now();
        for terminal in self.store().lost_terminals(before(now, LOST_AFTER), before(now, COME_WITHIN)).await? {
            if terminal.opened_at.is_none() {
                let mut tx = self.store().begin().await?;
                tx.forget_terminal(terminal.id).await?;
                tx.commit().await?;
            } else if !self.0.terminals.holds(terminal.id) {
                let ending = Ending { reason: Reason::Lost.as_str(), exit_code: None, bytes: terminal.bytes };
                self.close_terminal(&terminal, &ending).await?;
            }
        }
        Ok(())
    }

    /// Removes the recordings that are older than the settings want; how many.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn forget_recordings(&self) -> Result<usize, EngineError> {
        let until = before(self.now(), self.settings().keep.recordings);
        forget_aside(&self.data_dir().join(RECORDINGS), until).await;
        let old = self.store().old_recordings(until).await?;
        for id in &old {
            match tokio::fs::remove_file(self.recording(*id)).await {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    tracing::warn!(%error, terminal = id.0, "a recording can't be removed");
                    continue;
                }
                Ok(()) | Err(_) => {}
            }
            let mut tx = self.store().begin().await?;
            tx.forget_recording(*id).await?;
            tx.commit().await?;
        }
        Ok(old.len())
    }
}

/// Looks for shells without a process until the process drains.
pub(crate) async fn run(engine: Engine) {
    let drain = engine.lifecycle().drain_token();
    loop {
        if let Err(error) = engine.sweep_terminals().await {
            tracing::warn!(%error, "terminals without an end can't be looked for now");
        }
        if drain.run_until_cancelled(tokio::time::sleep(SWEEP_EVERY)).await.is_none() {
            return;
        }
    }
}

/// Removes what was put aside before a moment: no row tells of it.
async fn forget_aside(directory: &Path, until: Timestamp) {
    // There is no directory before there was a shell.
    let Ok(mut files) = tokio::fs::read_dir(directory).await else { return };
    while let Ok(Some(file)) = files.next_entry().await {
        let path = file.path();
        if recorder::put_aside_at(&path).is_some_and(|at| at < until)
            && let Err(error) = tokio::fs::remove_file(&path).await
        {
            tracing::warn!(%error, path = %path.display(), "a recording can't be removed");
        }
    }
}

fn before(now: Timestamp, ago: Duration) -> Timestamp {
    Timestamp::from_millis(now.millis().saturating_sub(i64::try_from(ago.as_millis()).unwrap_or(i64::MAX)))
}
