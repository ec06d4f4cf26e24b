//! A GitHub Enterprise Server to test against: its wire formats, its refusals, and its memory.
//!
//! Lives here: the server's life, what a test arranges and what it asks afterwards. [`server`] holds the HTTP side,
//! [`webhooks`] the deliveries it would send. It sends nothing by itself: a test decides when, how often and in which
//! order deliveries arrive. What it answers follows GitHub's published OpenAPI description and its observed words.

mod server;
#[cfg(test)]
mod tests;
mod webhooks;

pub use webhooks::{Delivery, NewPullRequest, NewPush};

use axum::Router;
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitState;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

/// The server. It ends when this is dropped.
#[derive(Debug)]
pub struct FakeGitHub {
    address: std::net::SocketAddr,
    shared: Arc<Shared>,
    next_delivery: AtomicU64,
    _server: AbortOnDropHandle<()>,
}

/// Real repositories behind the fake: commits are looked up there, and git fetches from there.
#[derive(Debug, Clone)]
pub struct GitBackend {
    /// Holds `<owner>/<name>.git`.
    pub root: PathBuf,
    /// Answers git's requests to `/<owner>/<name>.git/…`.
    pub router: Router,
}

/// A status as it was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// `owner/name`.
    pub repository: String,
    /// The commit's id.
    pub sha: String,
    /// Its context, as it was written.
    pub context: String,
    /// Its state.
    pub state: CommitState,
    /// Its description.
    pub description: String,
    /// Its link; empty when there was none.
    pub target_url: String,
}

/// What our credential may do in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Read and write.
    Write,
    /// Read; writing is refused with 403.
    Read,
    /// As if there were no such repository.
    Hidden,
}

/// What happens to a request to the API instead of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// An answer with this status from 400 up and no words that help.
    Status(u16),
    /// 429 with `retry-after`.
    RetryAfter(Duration),
    /// 403 with `x-ratelimit-remaining: 0`, full again after this time.
    HourlyLimit(Duration),
    /// 403 with nothing but the words "secondary rate limit".
    SecondaryLimit,
    /// The connection ends before anything is done.
    DropBefore,
    /// The request is carried out, and the connection ends before the answer.
    DropAfter,
    /// A redirect of this status (301, 302, 307, …) to this address.
    Redirect(u16, String),
}

/// One request to the API, as it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its method and path: `GET /repos/acme/shop`.
    pub line: String,
    /// Its headers; lowercase names.
    pub headers: BTreeMap<String, String>,
}

/// What the server's tasks and the test share.
#[derive(Debug)]
struct Shared {
    token: String,
    web_url: String,
    git_root: Option<PathBuf>,
    state: Mutex<State>,
    /// Counts what was accepted, so that waiting needs no clock.
    accepted: watch::Sender<u64>,
    /// Requests wait while this is true.
    held: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    repositories: BTreeMap<String, Access>,
    statuses: Vec<Status>,
    requests: Vec<Request>,
    faults: VecDeque<Fault>,
    scopes: Option<String>,
}

impl FakeGitHub {
    /// Starts it on a free port, without real repositories: any well-formed SHA is a commit.
    pub async fn start() -> Self {
        Self::launch(None).await
    }

    /// Starts it on a free port over real repositories.
    pub async fn start_with_git(git: GitBackend) -> Self {
        Self::launch(Some(git)).await
    }

    async fn launch(git: Option<GitBackend>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (git_root, git_router) = git.map_or_else(|| (None, Router::new()), |git| (Some(git.root), git.router));
        let shared = Arc::new(Shared {
            token: format!("fake-token-{}", address.port()),
            web_url: format!("http://{address}"),
            git_root,
            state: Mutex::default(),
            accepted: watch::Sender::new(0),
            held: watch::Sender::new(false),
        });
        let server = tokio::spawn(server::run(listener, Arc::clone(&shared), git_router));
        Self { address, shared, next_delivery: AtomicU64::new(1), _server: AbortOnDropHandle::new(server) }
    }

    /// Where API calls go, as it is written in davit's configuration.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("{}/api/v3", self.shared.web_url)
    }

    /// Where people and git go.
    #[must_use]
    pub fn web_url(&self) -> &str {
        &self.shared.web_url
    }

    /// The one token that it knows. Recognisable, so that a test can look for it where it must not be.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.shared.token
    }

    /// The secret that it signs deliveries with.
    #[must_use]
    pub fn webhook_secret(&self) -> String {
        format!("fake-webhook-secret-{}", self.address.port())
    }

    /// Makes a repository known (`owner/name`), or changes what we may do there.
    pub fn add_repository(&self, repository: &str, access: Access) {
        self.shared.state().repositories.insert(repository.to_owned(), access);
    }

    /// Makes the token a classic one with these scopes; before that it is one that lists none.
    pub fn set_scopes(&self, scopes: &str) {
        self.shared.state().scopes = Some(scopes.to_owned());
    }

    /// Gives the next `count` requests to the API this fault, after the faults that are already planned.
    pub fn fail_next(&self, count: usize, fault: &Fault) {
        self.shared.state().faults.extend(std::iter::repeat_n(fault.clone(), count));
    }

    /// Makes API requests wait, unanswered, until the guard is dropped.
    #[must_use]
    pub fn hold(&self) -> Hold {
        self.shared.held.send_replace(true);
        Hold(Arc::clone(&self.shared))
    }

    /// The statuses of a commit, in the order in which they were accepted.
    #[must_use]
    pub fn statuses(&self, repository: &str, sha: &CommitSha) -> Vec<Status> {
        let state = self.shared.state();
        state.statuses.iter().filter(|s| s.repository == repository && s.sha == sha.as_str()).cloned().collect()
    }

    /// Every API request so far, refused ones too, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.shared.state().requests.clone()
    }

    /// Waits until the commit has had this state in this context, and says what was accepted. It has no time limit of
    /// its own: the test runner's is enough.
    pub async fn wait_for_status(
        &self,
        repository: &str,
        sha: &CommitSha,
        context: &str,
        state: CommitState,
    ) -> Status {
        let mut accepted = self.shared.accepted.subscribe();
        loop {
            accepted.borrow_and_update();
            let found = self.statuses(repository, sha).into_iter();
            let mut found = found.filter(|s| s.context.eq_ignore_ascii_case(context) && s.state == state);
            if let Some(status) = found.next() {
                return status;
            }
            accepted.changed().await.expect("the sender lives as long as the fake");
        }
    }
}

/// Requests wait while this lives.
#[derive(Debug)]
pub struct Hold(Arc<Shared>);

impl Hold {
    /// Waits until this many API requests came in since the fake started.
    pub async fn until_requests(&self, count: usize) {
        let mut accepted = self.0.accepted.subscribe();
        while self.0.state().requests.len() < count {
            accepted.changed().await.expect("the sender lives as long as the fake");
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.held.send_replace(false);
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no test panics while it holds the state")
    }

    fn note(&self) {
        self.accepted.send_modify(|count| *count += 1);
    }
}

impl FakeGitHub {
    fn next_delivery_id(&self) -> String {
        let number = self.next_delivery.fetch_add(1, Ordering::Relaxed);
        format!("{:08x}-fa4e-4000-8000-{number:012x}", self.address.port())
    }
}
