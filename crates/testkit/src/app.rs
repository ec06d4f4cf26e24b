//! A whole davit in a test: the real engine, API and store, over HTTP on a loopback port, with a clock of the test's
//! own and a forge that keeps state.
//!
//! A test ends with [`TestApp::finish`], which fails when work was left lying; a test that forgets it panics.

mod work;

use crate::fake_forge::{Access, Delivery, FakeForge, GitBackend};
use crate::git::{self, Repo};
use crate::postgres::TestDatabase;
use davit_domain::access::Role;
use davit_domain::config::ForgeKind;
use davit_domain::ids::DeploymentId;
use davit_domain::time::Timestamp;
use davit_engine::apply::Apply;
use davit_engine::clock::Clock;
use davit_engine::hub::Topic;
use davit_engine::lifecycle::Lifecycle;
use davit_engine::queue::{Queue, QueueSettings};
use davit_engine::retention::Keep;
use davit_engine::seal::Sealer;
use davit_engine::terminals::Limits as TerminalLimits;
use davit_engine::{Engine, Parts, Settings};
use davit_store::Store;
use davit_store::inbox::Inbox;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use tempfile::TempDir;

/// Where a test's data lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Database {
    /// A file in the test's directory.
    Sqlite,
    /// A database of its own.
    Postgres,
}

/// A running davit.
pub struct TestApp {
    /// The forge of its configuration; its id there is the kind's name, `github` unless asked for another.
    pub forge: FakeForge,
    dir: TempDir,
    database: Option<TestDatabase>,
    clock: Arc<AtomicI64>,
    http: reqwest::Client,
    running: Option<Running>,
    tokens: BTreeMap<Role, String>,
    public_url: Option<String>,
    terminals: TerminalLimits,
    finished: bool,
}

struct Running {
    engine: Engine,
    /// Listens until the engine is down.
    http: Lifecycle,
    /// The inbox's writer, which stops last.
    storage: Lifecycle,
    url: String,
}

/// Of every account that a test starts with; each is named like its role.
pub const PASSWORD: &str = "a password of a test";

/// Any moment will do, as long as it is the same each time.
const START: i64 = 1_767_225_600_000;

/// For what comes at all, on a machine that is busy with everything else; less than the test runner's.
const PATIENCE: Duration = Duration::from_secs(200);

impl TestApp {
    /// On SQLite.
    pub async fn start() -> Self {
        Self::start_on(Database::Sqlite).await
    }

    /// On either database. The forge `github` is configured, with token and webhook secret, and an account for every
    /// role is there.
    ///
    /// # Panics
    /// When it can't start.
    pub async fn start_on(database: Database) -> Self {
        Self::start_at(ForgeKind::Github, database).await
    }

    /// The same with another forge, whose id in the configuration is the kind's name.
    ///
    /// # Panics
    /// When it can't start.
    pub async fn start_at(kind: ForgeKind, database: Database) -> Self {
        let mut app = Self::start_empty_at(kind, database).await;
        for role in Role::ALL {
            let engine = app.engine();
            engine.create_user(role.as_str(), role, &PASSWORD.into()).await.expect("an account");
            let token = engine.create_token(role.as_str(), "test").await.expect("a token");
            app.tokens.insert(role, secrecy::ExposeSecret::expose_secret(&token).to_owned());
        }
        app.apply(&app.forge_table()).await;
        app
    }

    /// Without accounts and configuration, as after a first start.
    ///
    /// # Panics
    /// When it can't start.
    pub async fn start_empty(database: Database) -> Self {
        Self::start_empty_at(ForgeKind::Github, database).await
    }

    async fn start_empty_at(kind: ForgeKind, database: Database) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let repositories = dir.path().join("forge");
        std::fs::create_dir_all(&repositories).expect("a directory for the forge's repositories");
        let backend = GitBackend { root: repositories.clone(), router: git::router(&repositories) };
        let clock = Arc::new(AtomicI64::new(START));
        let forge = FakeForge::start_on(kind, Some(backend), Arc::clone(&clock)).await;
        let database = match database {
            Database::Sqlite => None,
            Database::Postgres => Some(TestDatabase::create().await),
        };
        let mut app = Self {
            forge,
            dir,
            database,
            clock,
            http: reqwest::Client::builder().tls_certs_only([]).build().expect("a client"),
            running: None,
            tokens: BTreeMap::new(),
            public_url: None,
            terminals: TerminalLimits::default(),
            finished: false,
        };
        app.launch().await;
        app
    }

    /// The engine inside.
    ///
    /// # Panics
    /// Between a stop and the next start.
    #[must_use]
    pub fn engine(&self) -> &Engine {
        &self.running.as_ref().expect("davit runs").engine
    }

    /// The server's address.
    ///
    /// # Panics
    /// Between a stop and the next start.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.running.as_ref().expect("davit runs").url
    }

    /// A directory of the test's own, for hosts and repositories.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// An HTTP client without any credential.
    #[must_use]
    pub const fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// The API token of the account of this role.
    #[must_use]
    pub fn token(&self, role: Role) -> &str {
        &self.tokens[&role]
    }

    /// A bare repository at the forge, made from `repo`; pushed to again with the same call.
    pub fn publish(&self, repo: &Repo, name: &str) {
        self.forge.add_repository(name, Access::Admin);
        let bare = self.dir.path().join("forge").join(format!("{name}.git"));
        if bare.exists() {
            repo.git(&["push", "--quiet", "--mirror", &bare.display().to_string()]);
        } else {
            std::fs::create_dir_all(bare.parent().unwrap_or(Path::new("/"))).expect("the owner's directory");
            repo.clone_bare(&bare);
        }
    }

    /// The forge in `davit.toml`.
    #[must_use]
    pub fn forge_table(&self) -> String {
        let id = self.forge_id();
        let signature = self.forge.signature().as_str();
        format!(
            "[[forge]]\nid = {id:?}\nkind = {id:?}\napi_url = {:?}\ntoken = {{ env = \"TEST_TOKEN\" }}\n\
             webhook_secret = {{ env = \"TEST_SECRET\" }}\nsignature = {signature:?}\n\n",
            self.forge.api_url()
        )
    }

    /// The forge's id in the configuration.
    #[must_use]
    pub fn forge_id(&self) -> &'static str {
        self.forge.kind().as_str()
    }

    /// Where the forge's webhooks go.
    #[must_use]
    pub fn hook_url(&self) -> String {
        format!("{}/hooks/{}", self.url(), self.forge_id())
    }

    /// Applies a configuration; secrets of the forge are known.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn apply(&self, document: &str) {
        let mut values = BTreeMap::new();
        if document.contains("TEST_TOKEN") {
            values.insert("env:TEST_TOKEN".to_owned(), self.forge.token().to_owned().into());
            values.insert("env:TEST_SECRET".to_owned(), self.forge.webhook_secret().into());
        }
        let apply = Apply { document: document.to_owned(), values, prune: false, dry_run: false };
        if let Err(error) = self.engine().apply(apply, "test").await {
            panic!("the configuration is refused: {error:?}\n{document}");
        }
    }

    /// Sends a webhook; status and answer.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn deliver(&self, delivery: &Delivery) -> (u16, Value) {
        let request = self.http.post(self.hook_url());
        let response = request.headers(delivery.headers.clone()).body(delivery.body.clone()).send().await;
        read(response.expect("an answer")).await
    }

    /// `GET /api/v1…` as the administrator.
    ///
    /// # Panics
    /// When the answer is not 200.
    pub async fn get(&self, path: &str) -> Value {
        let (status, body) = self.call(Role::Admin, reqwest::Method::GET, path, None).await;
        assert_eq!(status, 200, "GET {path}: {body}");
        body
    }

    /// `POST /api/v1…` as the administrator; status and answer.
    pub async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        self.call(Role::Admin, reqwest::Method::POST, path, Some(body)).await
    }

    /// Any call as the account of a role; status and answer (`null` when it is not JSON).
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn call(&self, role: Role, method: reqwest::Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.http.request(method, format!("{}/api/v1{path}", self.url())).bearer_auth(self.token(role));
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        read(request.send().await.expect("an answer")).await
    }

    /// Lets the clock go on, and wakes whoever waits for it.
    pub fn advance(&self, by: Duration) {
        self.clock.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        self.engine().queue().wake();
        self.engine().hub().tell_topic(Topic::Outbox, None);
    }

    /// Sets the clock forth or, with a negative number, back by so many seconds, as a person or NTP does: nobody is told.
    pub fn jump(&self, seconds: i64) {
        self.clock.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// Lets the clock go on where no job runs: a lease must not end because a test is in a hurry.
    ///
    /// # Panics
    /// When the queue can't be read.
    pub async fn advance_between_jobs(&self, by: Duration) {
        if self.engine().queue().counts().await.expect("jobs").running == 0 {
            self.advance(by);
        }
    }

    /// Waits until nothing is left to be done now: no delivery, no job, no call to the forge that is due or under way.
    ///
    /// # Panics
    /// When that takes too long, with what is still open.
    pub async fn settle(&self) {
        let nothing_open = async || self.open_work().await.is_empty().then_some(());
        if self.look(nothing_open).await.is_none() {
            panic!("still open after {PATIENCE:?}: {:?}", self.open_work().await);
        }
    }

    /// Waits until `look` finds what it looks for. It looks again after every change.
    ///
    /// # Panics
    /// When that takes too long.
    pub async fn until<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        match self.look(look).await {
            Some(found) => found,
            None => panic!("waited {PATIENCE:?} for this: {what}"),
        }
    }

    /// Waits until no call to a forge or a channel is due or under way, whatever else goes on.
    ///
    /// # Panics
    /// When that takes too long.
    pub async fn until_told(&self) {
        self.until("all calls to be made", async || self.open_calls().await.is_empty().then_some(())).await;
    }

    /// Waits until a deployment's log has `count` lines that hold `text`.
    ///
    /// # Panics
    /// When that takes too long.
    pub async fn wait_for_lines(&self, id: i64, text: &str, count: usize) {
        let enough = async || {
            let lines = self.log(id).await;
            (lines.iter().filter(|line| line.contains(text)).count() >= count).then_some(())
        };
        self.until(&format!("{count} lines with {text:?}"), enough).await;
    }

    /// Waits for a deployment's end and returns it as the API shows it.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn ended(&self, id: i64) -> Value {
        self.settle().await;
        let deployment = self.get(&format!("/deployments/{id}")).await;
        assert!(!deployment["finished_at"].is_null(), "deployment {id} has not ended: {deployment}");
        deployment
    }

    /// Asks for a release as the administrator, waits for its end, and returns the deployment.
    ///
    /// # Panics
    /// When it is refused.
    pub async fn deploy(&self, app: &str, environment: &str, body: Value) -> Value {
        let (status, request) = self.post(&format!("/apps/{app}/environments/{environment}/deploy"), body).await;
        assert_eq!(status, 201, "{request}");
        self.ended(request["deployment"].as_i64().expect("a deployment")).await
    }

    /// All lines of a deployment, as `host step stream text`.
    ///
    /// # Panics
    /// When numbers are missing or double.
    pub async fn log(&self, id: i64) -> Vec<String> {
        let lines = self.engine().store().lines(DeploymentId(id), 0, None, None, 100_000).await.expect("the log");
        for (expected, line) in (1..).zip(&lines) {
            assert_eq!(line.seq, expected, "a log has no gaps");
        }
        let host = |host: &Option<davit_domain::ids::HostName>| host.as_ref().map_or("-".into(), ToString::to_string);
        lines.iter().map(|l| format!("{} {} {} {}", host(&l.host), l.step, l.stream.as_str(), l.text)).collect()
    }

    /// Stops as a server does on SIGTERM, with little patience, and starts again on the same data.
    pub async fn restart(&mut self) {
        self.stop(Duration::from_millis(50)).await;
        self.launch().await;
    }

    /// As [`restart`](Self::restart), and from now on people and forges come through a proxy at this address.
    pub async fn restart_behind(&mut self, public_url: &str) {
        self.public_url = Some(public_url.to_owned());
        self.restart().await;
    }

    /// As [`restart`](Self::restart), with other limits for people's shells.
    pub async fn restart_with_terminals(&mut self, limits: TerminalLimits) {
        self.terminals = limits;
        self.restart().await;
    }

    /// Checks that nothing was left lying, and stops.
    ///
    /// # Panics
    /// When a job, a delivery or a deployment is unfinished.
    pub async fn finish(mut self) {
        self.settle().await;
        let unfinished = self.engine().store().all_unfinished().await.expect("deployments");
        assert!(unfinished.is_empty(), "unfinished deployments: {unfinished:?}");
        self.stop(Duration::from_secs(5)).await;
        self.finished = true;
    }

    async fn launch(&mut self) {
        let store = match &self.database {
            None => Store::open_sqlite(&self.dir.path().join("davit.sqlite")).await.expect("SQLite opens"),
            Some(database) => database.open().await,
        };
        let now = Arc::clone(&self.clock);
        let clock = Clock::new(move || Timestamp::from_millis(now.load(Ordering::SeqCst)));
        let lifecycle = Lifecycle::default();
        let settings = QueueSettings::new("test", clock.clone());
        let queue = Queue::open(&store, settings).await.expect("the queue opens");
        let sealer = Sealer::from_file(&self.dir.path().join("master.key")).expect("a key");
        let store = davit_engine::feed::signed(store, &sealer, clock.now()).await.expect("the feed's key");
        let storage = Lifecycle::default();
        let (inbox, writer) = Inbox::start(store.clone(), storage.drain_token());
        storage.spawn("inbox-writer", writer);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let settings = Settings {
            data_dir: self.dir.path().to_owned(),
            public_url: self.public_url.clone().unwrap_or_else(|| url.clone()),
            parallel_deployments: 4,
            parallel_hosts: 16,
            parallel_jobs: 4,
            runner_labels: Settings::default_runner_labels(),
            ci_tools: Vec::new(),
            reconcile_every: Duration::from_millis(200),
            // A test looks at hosts itself.
            watch_hosts_every: Duration::ZERO,
            keep: Keep::default(),
            terminals: self.terminals,
        };
        let engine = Engine::new(Parts { store, queue, inbox, clock, sealer, lifecycle, settings });
        engine.start().await.expect("the engine starts");
        let router = davit_api::router(engine.clone(), Arc::new(String::new), davit_api::Limits::default());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let (http, down) = (Lifecycle::default(), engine.lifecycle().down_token());
        http.spawn("http", async move {
            let stop = async move { down.cancelled().await };
            drop(axum::serve(listener, service).with_graceful_shutdown(stop).await);
        });
        self.running = Some(Running { engine, http, storage, url });
    }

    async fn stop(&mut self, grace: Duration) {
        let Running { engine, http, storage, .. } = self.running.take().expect("davit runs");
        // A client that keeps connections open would keep the server's task.
        self.http = reqwest::Client::builder().tls_certs_only([]).build().expect("a client");
        engine.lifecycle().shut_down(grace).await;
        http.shut_down(Duration::from_secs(5)).await;
        storage.shut_down(Duration::from_secs(5)).await;
        engine.store().close().await;
    }

    /// `None` after a while: a test that waits for what never comes has to end too.
    async fn look<T>(&self, look: impl AsyncFn() -> Option<T>) -> Option<T> {
        let mut wake = self.engine().hub().subscribe();
        let found = async {
            loop {
                if let Some(found) = look().await {
                    return found;
                }
                // Whatever changes tells the hub; the pause covers what changes without a word, such as a job's row.
                let pause = tokio::time::sleep(Duration::from_millis(20));
                tokio::select! { _ = wake.recv() => {}, () = pause => {} }
            }
        };
        tokio::time::timeout(PATIENCE, found).await.ok()
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        assert!(self.finished || std::thread::panicking(), "a test ends with TestApp::finish");
    }
}

async fn read(response: reqwest::Response) -> (u16, Value) {
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}
