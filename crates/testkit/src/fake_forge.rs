//! Forges to test against: GitHub, GitLab, Gitea and Gitee, each with its wire format, its refusals and its memory.
//!
//! Lives here: a forge's life, what a test arranges and what it asks afterwards. What all have in common on the wire is
//! [`server`]'s, what one answers is [`github`]'s, [`gitlab`]'s, [`gitea`]'s and [`gitee`]'s, the deliveries that they
//! would send are [`webhooks`]', and sending them [`deliveries`]'. A fake sends nothing by itself: a test decides when,
//! how often and in which order deliveries arrive; only what a client asks to have again is sent at once. What a forge
//! answers follows its own documentation and its observed words, which the modules name; never what our client expects.

mod changes;
mod connection;
mod deliveries;
mod gitea;
mod gitee;
mod github;
mod gitlab;
mod keeping;
mod lookup;
mod model;
mod server;
#[cfg(test)]
mod tests;
mod webhooks;
mod wire;

pub use deliveries::{Disorder, Mishaps};
pub use model::{
    Access, Attempt, Comment, DeployKey, Deployment, DeploymentStatus, Fault, Hook, Merge, Permission, Request, Review,
    Status,
};
pub use webhooks::{Delivery, NewComment, NewDeployment, NewPullRequest, NewPush, NewStatus};

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::KeyPair as _;
use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use davit_domain::config::{ForgeKind, HookSignature};
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitState;
use model::{Budget, Installation, Repository, State};
use server::{Dialect, millis};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;
use webhooks::Signing;

/// Any moment will do, as long as it is the same each time.
const START: i64 = 1_767_225_600_000;
/// What PKCS#8 puts before a key of RSA with 2048 bits.
const PKCS8_HEAD: usize = 26;

/// The server. It ends when this is dropped.
#[derive(Debug)]
pub struct FakeForge {
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

/// A GitHub App as its owner has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GithubApp {
    /// Its id.
    pub id: String,
    /// Its private key, as GitHub hands it out: PKCS#1 in PEM.
    pub private_key: String,
    /// The number of its installation.
    pub installation: i64,
}

/// What the server's tasks and the test share.
#[derive(Debug)]
struct Shared {
    kind: ForgeKind,
    dialect: &'static dyn Dialect,
    port: u16,
    token: String,
    web_url: String,
    git_root: Option<PathBuf>,
    clock: Arc<AtomicI64>,
    http: reqwest::Client,
    state: Mutex<State>,
    /// Deliveries that are sent again.
    tasks: Mutex<JoinSet<()>>,
    /// Counts what was accepted, so that waiting needs no clock.
    accepted: watch::Sender<u64>,
    /// Requests wait while this is true.
    held: watch::Sender<bool>,
}

impl FakeForge {
    /// Starts it on a free port, without real repositories: any well-formed SHA is a commit.
    pub async fn start(kind: ForgeKind) -> Self {
        Self::start_on(kind, None, Arc::new(AtomicI64::new(START))).await
    }

    /// Starts it on a free port over real repositories.
    pub async fn start_with_git(kind: ForgeKind, git: GitBackend) -> Self {
        Self::start_on(kind, Some(git), Arc::new(AtomicI64::new(START))).await
    }

    /// The same with a clock that the test moves: milliseconds since 1970.
    ///
    /// # Panics
    /// For the generic kind, which is no forge.
    pub async fn start_on(kind: ForgeKind, git: Option<GitBackend>, clock: Arc<AtomicI64>) -> Self {
        let dialect: &'static dyn Dialect = match kind {
            ForgeKind::Github => &github::GitHub,
            ForgeKind::Gitlab => &gitlab::GitLab,
            ForgeKind::Gitea => &gitea::Gitea,
            ForgeKind::Gitee => &gitee::Gitee,
            ForgeKind::Generic => panic!("a generic sender has no API"),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (git_root, git_router) = git.map_or_else(|| (None, Router::new()), |git| (Some(git.root), git.router));
        let http = reqwest::Client::builder().tls_certs_only([]).no_proxy();
        let shared = Arc::new(Shared {
            kind,
            dialect,
            port: address.port(),
            token: format!("fake-token-{}", address.port()),
            web_url: format!("http://{address}"),
            git_root,
            clock,
            http: http.redirect(reqwest::redirect::Policy::none()).build().expect("a client"),
            state: Mutex::default(),
            tasks: Mutex::default(),
            accepted: watch::Sender::new(0),
            held: watch::Sender::new(false),
        });
        let server = tokio::spawn(server::run(listener, Arc::clone(&shared), git_router));
        Self { shared, next_delivery: AtomicU64::new(1), _server: AbortOnDropHandle::new(server) }
    }

    /// Which forge it is.
    #[must_use]
    pub fn kind(&self) -> ForgeKind {
        self.shared.kind
    }

    /// Where API calls go, as it is written in davit's configuration.
    #[must_use]
    pub fn api_url(&self) -> String {
        self.shared.api_url()
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
        self.shared.signing().secret
    }

    /// How it signs deliveries.
    #[must_use]
    pub fn signature(&self) -> HookSignature {
        self.shared.signing().signature
    }

    /// Makes it sign differently from now on, in a way that this forge has. The secret may change with it.
    ///
    /// # Panics
    /// Where the forge does not sign like this.
    pub fn set_signature(&self, signature: HookSignature) {
        assert!(self.kind().signatures().contains(&signature), "{:?} does not sign like this", self.kind());
        self.shared.state().signature = Some(signature);
    }

    /// Makes a repository known (`owner/name`), or changes what we may do there.
    pub fn add_repository(&self, repository: &str, access: Access) {
        let mut state = self.shared.state();
        let id = 1000 + i64::try_from(state.repositories.len()).expect("few repositories");
        let new = Repository { id, access, denied: BTreeSet::new() };
        state.repositories.entry(repository.to_owned()).or_insert(new).access = access;
    }

    /// Withholds one thing in a repository, which has to be known.
    pub fn deny(&self, repository: &str, permission: Permission) {
        let mut state = self.shared.state();
        state.repositories.get_mut(repository).expect("a known repository").denied.insert(permission);
    }

    /// Gives back what was withheld.
    pub fn allow(&self, repository: &str, permission: Permission) {
        let mut state = self.shared.state();
        state.repositories.get_mut(repository).expect("a known repository").denied.remove(&permission);
    }

    /// Gives the token these scopes: GitHub's classic ones, or GitLab's. Before that GitHub's token is one that lists
    /// none, and GitLab's has `api`.
    pub fn set_scopes(&self, scopes: &str) {
        self.shared.state().scopes = Some(scopes.to_owned());
    }

    /// Makes a GitHub App, installed at the account `owner` with all permissions.
    ///
    /// # Panics
    /// When no key can be made.
    #[must_use]
    pub fn create_app(&self, owner: &str) -> GithubApp {
        let key = KeyPair::generate(KeySize::Rsa2048).expect("a key");
        let pkcs8: Pkcs8V1Der<'_> = key.as_der().expect("a key in DER");
        let body = STANDARD.encode(&pkcs8.as_ref()[PKCS8_HEAD..]);
        let lines: Vec<&str> = body.as_bytes().chunks(64).filter_map(|line| std::str::from_utf8(line).ok()).collect();
        let mut state = self.shared.state();
        let number = 100 + state.installations.len();
        let installation = i64::try_from(1000 + number).expect("a small number");
        state.installations.push(Installation {
            app: number.to_string(),
            id: installation,
            owner: owner.to_owned(),
            public_key: key.public_key().as_ref().to_vec(),
            tokens: Vec::new(),
        });
        let private_key =
            format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n", lines.join("\n"));
        GithubApp { id: number.to_string(), private_key, installation }
    }

    /// Takes back all tokens of installations.
    pub fn revoke_installation_tokens(&self) {
        for installation in &mut self.shared.state().installations {
            installation.tokens.clear();
        }
    }

    /// A deployment that somebody made who is not davit. Returns its number.
    pub fn add_deployment(&self, new: &NewDeployment<'_>) -> i64 {
        let made = self.shared.keep_deployment(Deployment {
            number: 0,
            repository: new.repository.to_owned(),
            sha: new.commit.as_str().to_owned(),
            reference: new.reference.to_owned(),
            is_tag: false,
            environment: new.environment.to_owned(),
            payload: new.payload(),
            description: new.description.to_owned(),
            creator: new.by.to_owned(),
            statuses: Vec::new(),
        });
        made.number
    }

    /// Allows this many requests until the budget is full again, and tells it with every answer as the forge does.
    pub fn set_budget(&self, limit: u64, remaining: u64, resets_in: Duration) {
        let reset = self.shared.now() + millis(resets_in);
        self.shared.state().budget = Some(Budget { limit, remaining, reset, window: 3_600_000 });
    }

    /// Allows this many `POST` requests a minute; GitHub's secondary limit answers the others.
    pub fn limit_creations(&self, per_minute: u64) {
        self.shared.state().creations = Some((per_minute, Vec::new()));
    }

    /// Gives the next `count` requests to the API this fault, after the faults that are already planned.
    pub fn fail_next(&self, count: usize, fault: &Fault) {
        self.fail_where("", count, fault);
    }

    /// The same for requests with this text in their line, such as `POST /repos/acme/shop/deployments`.
    pub fn fail_where(&self, needle: &str, count: usize, fault: &Fault) {
        self.shared.state().faults.extend(std::iter::repeat_n((needle.to_owned(), fault.clone()), count));
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

    /// The deployments of a repository, oldest first.
    #[must_use]
    pub fn deployments(&self, repository: &str) -> Vec<Deployment> {
        self.shared.deployments_of(repository)
    }

    /// The comments on a repository's changes, oldest first.
    #[must_use]
    pub fn comments(&self, repository: &str) -> Vec<Comment> {
        let state = self.shared.state();
        state.comments.iter().filter(|comment| comment.repository == repository).cloned().collect()
    }

    /// The deploy keys of a repository, oldest first.
    #[must_use]
    pub fn deploy_keys(&self, repository: &str) -> Vec<DeployKey> {
        let state = self.shared.state();
        state.deploy_keys.iter().filter(|key| key.repository == repository).cloned().collect()
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
        self.until(|fake| {
            let mut found = fake.statuses(repository, sha).into_iter();
            found.find(|s| s.context.eq_ignore_ascii_case(context) && s.state == state)
        })
        .await
    }

    /// Waits until `look` finds what it looks for; it looks again after everything that the fake takes in.
    pub async fn until<T>(&self, look: impl Fn(&Self) -> Option<T>) -> T {
        let mut accepted = self.shared.accepted.subscribe();
        loop {
            accepted.borrow_and_update();
            if let Some(found) = look(self) {
                return found;
            }
            accepted.changed().await.expect("the sender lives as long as the fake");
        }
    }

    fn next_delivery_id(&self) -> String {
        let number = self.next_delivery.fetch_add(1, Ordering::Relaxed);
        format!("{:08x}-fa4e-4000-8000-{number:012x}", self.shared.port)
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

    /// Milliseconds since 1970.
    fn now(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    fn api_url(&self) -> String {
        format!("{}{}", self.web_url, self.dialect.root())
    }

    /// Name and port, as in links.
    fn host(&self) -> &str {
        self.web_url.trim_start_matches("http://")
    }

    fn is_github(&self) -> bool {
        self.kind == ForgeKind::Github
    }

    /// A signing token has a form of its own; any other secret is a text.
    fn signing(&self) -> Signing {
        let signature = self.state().signature.unwrap_or(self.kind.signatures()[0]);
        let plain = format!("fake-webhook-secret-{}", self.port);
        let secret = if signature == HookSignature::StandardWebhooks {
            format!("whsec_{}", STANDARD.encode(Sha256::digest(&plain)))
        } else {
            plain
        };
        Signing { secret, signature, form: false }
    }
}

/// What a list of branches shows, in the words that all forges share.
fn branches() -> serde_json::Value {
    serde_json::json!([{ "name": "main", "protected": false }])
}

/// Whether it looks like a line of `authorized_keys`.
fn is_public_key(text: &str) -> bool {
    let mut parts = text.split_whitespace();
    let (kind, key) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    (kind.starts_with("ssh-") || kind.starts_with("ecdsa-")) && STANDARD.decode(key).is_ok_and(|key| !key.is_empty())
}
