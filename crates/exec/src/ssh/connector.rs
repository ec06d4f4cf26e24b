//! Who may connect when, and who shares a connection to a jump host.
//!
//! Connects under way are bounded, in all and for each door that is knocked at; connections that are open are not
//! counted, because who opens them knows how many it wants. What a connect is made of is in [`super::route`].

use super::login::Login;
use super::route::{self, Hop, Purpose};
use crate::ExecError;
use crate::host::HostTarget;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How connects are spread, repeated and watched.
#[derive(Debug, Clone)]
pub struct ConnectorSettings {
    /// Connects under way to one endpoint (address and port, through the same jump hosts). An sshd with default
    /// settings begins to drop connections at random once ten are not logged in yet (`MaxStartups 10:30:100`), and
    /// notices a login a little later than we do: with eight under way it drops one connect in thirty, with six none,
    /// and six are as fast.
    pub per_endpoint: usize,
    /// Connects under way in all. Bounds the file descriptors and the work of connecting.
    pub total: usize,
    /// How often a connect is tried that ends before the login.
    pub tries: u32,
    /// No new try after this long.
    pub patience: Duration,
    /// The pause before the second try, give or take a half; each further one is twice as long.
    pub pause: Duration,
    /// After this long without a word from the host it is asked whether it is there; three questions without an answer
    /// end the connection.
    pub keepalive: Duration,
    /// The socket of the SSH agent, for hosts that are logged in to with it.
    pub agent: Option<PathBuf>,
}

impl Default for ConnectorSettings {
    /// The agent is the one of this process's environment.
    fn default() -> Self {
        Self {
            per_endpoint: 6,
            total: 64,
            tries: 5,
            patience: Duration::from_secs(30),
            pause: Duration::from_millis(250),
            keepalive: Duration::from_secs(15),
            agent: std::env::var_os("SSH_AUTH_SOCK").filter(|path| !path.is_empty()).map(PathBuf::from),
        }
    }
}

/// Opens connections. Cheap to clone; clones share their limits and their jump hosts.
#[derive(Clone)]
pub struct Connector(Arc<Inner>);

struct Inner {
    settings: ConnectorSettings,
    total: Arc<Semaphore>,
    doors: Mutex<HashMap<String, Weak<Semaphore>>>,
    jumps: Mutex<HashMap<String, Arc<Slot>>>,
}

/// The connection to one jump host that is shared at the moment.
#[derive(Default)]
struct Slot {
    /// How many connects have ended.
    ended: AtomicU64,
    /// Locked while one is under way.
    shared: tokio::sync::Mutex<Shared>,
}

#[derive(Default)]
struct Shared {
    hop: Weak<Hop>,
    /// Why the last connect came to nothing.
    failed: Option<ExecError>,
}

/// The right to connect, until the login is done.
pub(super) struct Admission {
    _door: Option<OwnedSemaphorePermit>,
    _total: Option<OwnedSemaphorePermit>,
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Default for Connector {
    fn default() -> Self {
        Self::new(ConnectorSettings::default())
    }
}

impl Connector {
    /// A connector with these limits. A limit of nothing is taken as one.
    #[must_use]
    pub fn new(settings: ConnectorSettings) -> Self {
        Self(Arc::new(Inner {
            total: Arc::new(Semaphore::new(settings.total.max(1))),
            settings,
            doors: Mutex::default(),
            jumps: Mutex::default(),
        }))
    }

    pub(super) fn settings(&self) -> &ConnectorSettings {
        &self.0.settings
    }

    /// Waits for a turn at the target's door, then for one in all: who waits at a busy door keeps nobody else waiting.
    pub(super) async fn admission(&self, jumps: &[HostTarget], target: &HostTarget) -> Admission {
        let door = {
            let mut doors = self.0.doors.lock().unwrap_or_else(PoisonError::into_inner);
            let place = places(jumps, target);
            if let Some(door) = doors.get(&place).and_then(Weak::upgrade) {
                door
            } else {
                doors.retain(|_, door| door.strong_count() > 0);
                let door = Arc::new(Semaphore::new(self.settings().per_endpoint.max(1)));
                doors.insert(place, Arc::downgrade(&door));
                door
            }
        };
        // Neither is ever closed.
        let door = door.acquire_owned().await.ok();
        Admission { _door: door, _total: Arc::clone(&self.0.total).acquire_owned().await.ok() }
    }

    /// The shared connection to the last of these jump hosts, made when there is none or it is lost.
    pub(super) async fn jump(&self, before: &[HostTarget], jump: &HostTarget) -> Result<Arc<Hop>, ExecError> {
        self.jump_except(before, jump, None).await
    }

    /// As [`jump`](Self::jump), but not this one, which takes no more channels. It stays open for those who use it.
    pub(super) async fn jump_except(
        &self,
        before: &[HostTarget],
        jump: &HostTarget,
        full: Option<&Arc<Hop>>,
    ) -> Result<Arc<Hop>, ExecError> {
        let login = Login::of(self, jump)?;
        let slot = self.slot(format!("{} as {}", trust(before, jump), login.identity()));
        let ended = slot.ended.load(Ordering::Acquire);
        let mut shared = slot.shared.lock().await;
        if let Some(hop) = shared.hop.upgrade()
            && !hop.handle.is_closed()
            && full.is_none_or(|full| !Arc::ptr_eq(full, &hop))
        {
            return Ok(hop);
        }
        // Somebody else tried in vain while we waited: to try the same again, once for each who waits, would take hours
        // with hundreds of hosts.
        if let Some(error) = &shared.failed
            && slot.ended.load(Ordering::Acquire) != ended
        {
            return Err(repeat(error));
        }
        let opened = Box::pin(route::open(self, before, jump, &login, Purpose::Jump)).await.map(Arc::new);
        slot.ended.fetch_add(1, Ordering::AcqRel);
        *shared = match &opened {
            Ok(hop) => Shared { hop: Arc::downgrade(hop), failed: None },
            Err(error) => Shared { hop: Weak::new(), failed: Some(repeat(error)) },
        };
        opened
    }

    fn slot(&self, key: String) -> Arc<Slot> {
        let mut jumps = self.0.jumps.lock().unwrap_or_else(PoisonError::into_inner);
        if !jumps.contains_key(&key) {
            jumps.retain(|_, slot| {
                Arc::strong_count(slot) > 1 || slot.shared.try_lock().is_ok_and(|shared| shared.hop.strong_count() > 0)
            });
        }
        Arc::clone(jumps.entry(key).or_default())
    }
}

/// Where a way leads: every hop's address and port.
fn places(jumps: &[HostTarget], target: &HostTarget) -> String {
    let hops: Vec<_> = jumps.iter().chain([target]).map(route::place).collect();
    hops.join(" > ")
}

/// Where a way leads, and as whom and to which keys.
fn trust(jumps: &[HostTarget], target: &HostTarget) -> String {
    let hops = jumps.iter().chain([target]).map(|hop| {
        format!("{} {}@{} {}", hop.name, hop.user, route::place(hop), hop.host_key.as_deref().unwrap_or_default())
    });
    hops.collect::<Vec<_>>().join(" > ")
}

/// The same error for one more who waited for the same thing.
fn repeat(error: &ExecError) -> ExecError {
    match error {
        ExecError::Unreachable { host, detail } => {
            ExecError::Unreachable { host: host.clone(), detail: detail.clone() }
        }
        ExecError::Denied { host, user, detail } => {
            ExecError::Denied { host: host.clone(), user: user.clone(), detail: detail.clone() }
        }
        ExecError::HostKeyUnknown { host, fingerprint, key } => {
            ExecError::HostKeyUnknown { host: host.clone(), fingerprint: fingerprint.clone(), key: key.clone() }
        }
        ExecError::HostKeyChanged { host, expected, actual, key } => ExecError::HostKeyChanged {
            host: host.clone(),
            expected: expected.clone(),
            actual: actual.clone(),
            key: key.clone(),
        },
        ExecError::ConnectionLost { host, during } => ExecError::ConnectionLost { host: host.clone(), during },
        ExecError::Refused(_)
        | ExecError::Cancelled { .. }
        | ExecError::TimedOut { .. }
        | ExecError::Git(_)
        | ExecError::Io { .. } => ExecError::Refused(error.to_string()),
    }
}
