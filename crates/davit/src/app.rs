//! The composition root: the only place where concrete types meet.

use crate::failure::Failure;
use crate::service;
use crate::settings::{Data, Server};
use davit_engine::clock::Clock;
use davit_engine::lifecycle::Lifecycle;
use davit_engine::master_key;
use davit_engine::queue::{Queue, QueueSettings};
use davit_engine::retention::Keep;
use davit_engine::{Engine, Parts, Settings};
use davit_store::Store;
use davit_store::inbox::Inbox;
use nix::fcntl::{Flock, FlockArg};
use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long running work may go on after SIGTERM before it is asked to stop at its next safe point.
const GRACE: Duration = Duration::from_secs(25);
/// How long clients may take for their last answers.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
const RECONCILE_EVERY: Duration = Duration::from_secs(5);

/// A server that listens.
pub(crate) struct App {
    pub(crate) engine: Engine,
    pub(crate) address: SocketAddr,
    listener: TcpListener,
    router: axum::Router,
    /// The inbox's writer, which stops last: a delivery that is being stored must get its answer.
    storage: Lifecycle,
    /// Held as long as the process lives: two servers on one SQLite file would each take the other's work.
    _lock: Option<Flock<File>>,
}

impl App {
    /// Opens everything and starts the background work; requests are answered from [`run`](Self::run) on.
    pub(crate) async fn start(server: Server) -> Result<Self, Failure> {
        let lock = lock(&server.data)?;
        let listener = TcpListener::bind(server.listen).await.map_err(|error| {
            Failure::failed(format!(
                "davit can't listen on {}: {error}. Is another davit running? Choose another address with --listen",
                server.listen
            ))
        })?;
        let address = listener.local_addr().map_err(|error| Failure::failed(error.to_string()))?;
        let render = metrics()?;
        let (engine, storage) = service::while_starting(engine(&server, address)).await?;
        engine.start().await.map_err(|error| Failure::failed(error.to_string()))?;
        storage.spawn("watchdog", service::feed_watchdog(engine.store().clone(), storage.drain_token()));
        let limits = davit_api::Limits { upload: server.largest_upload };
        let router = davit_api::router(engine.clone(), render, limits);
        Ok(Self { engine, address, listener, router, storage, _lock: lock })
    }

    /// Answers requests until `stop` resolves, then shuts down in two steps.
    pub(crate) async fn run(self, stop: impl Future<Output = ()> + Send + 'static) -> Result<(), Failure> {
        use axum::serve::ListenerExt as _;
        let lifecycle = self.engine.lifecycle().clone();
        // Until running work is through: a webhook that comes meanwhile is stored, not refused.
        let (down, closed) = (lifecycle.down_token(), lifecycle.down_token());
        let listener = self.listener.tap_io(|connection| {
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY");
            }
        });
        let app = self.router.into_make_service_with_connect_info::<SocketAddr>();
        let server =
            axum::serve(listener, app).with_graceful_shutdown(async move { closed.cancelled().await }).into_future();
        let shut_down = async {
            stop.await;
            service::stopping();
            tracing::info!("stopping: no new work, running deployments go on for a while");
            lifecycle.shut_down(GRACE).await;
        };
        let serve = async {
            tokio::select! {
                served = server => served,
                // A client that keeps its connection open must not keep the process.
                () = async { down.cancelled().await; tokio::time::sleep(LAST_ANSWERS).await } => Ok(()),
            }
        };
        // Whoever connects from now on gets an answer: the listener is open, and polled next.
        service::ready(&self.address.to_string());
        let (served, ()) = tokio::join!(serve, shut_down);
        served.map_err(|error| Failure::failed(error.to_string()))?;
        self.storage.shut_down(LAST_ANSWERS).await;
        self.engine.store().close().await;
        Ok(())
    }
}

/// Opens the database that the settings name.
pub(crate) async fn open_store(data: &Data) -> Result<Store, Failure> {
    let opened = match &data.database_url {
        Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
            Store::open_postgres(url).await
        }
        Some(_) => {
            return Err(Failure::usage(
                "the database URL must begin with postgres://. Leave it out to use SQLite in the data directory",
            ));
        }
        None => {
            let file = data.dir.join("davit.sqlite");
            make_private(&file)?;
            Store::open_sqlite(&file).await
        }
    };
    opened.map_err(|error| Failure::failed(error.to_string()))
}

/// Makes the database file before SQLite does, which would let everybody read it. Its log gets the same permissions.
fn make_private(file: &Path) -> Result<(), Failure> {
    let options = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(file);
    options.map(drop).map_err(|error| Failure::failed(format!("{}: {error}", file.display())))
}

/// An engine that nobody starts: for commands that work on the database directly.
pub(crate) async fn idle_engine(data: Data) -> Result<Engine, Failure> {
    let server = Server {
        data,
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        public_url: None,
        parallel_deployments: 1,
        parallel_hosts: 1,
        parallel_jobs: 1,
        runner_labels: Vec::new(),
        ci_tools: Vec::new(),
        largest_upload: crate::settings::LARGEST_UPLOAD,
        watch_hosts_every: Duration::ZERO,
        keep: Keep::default(),
    };
    engine(&server, server.listen).await.map(|(engine, _)| engine)
}

async fn engine(server: &Server, address: SocketAddr) -> Result<(Engine, Lifecycle), Failure> {
    let failed = |error: &dyn std::fmt::Display| Failure::failed(error.to_string());
    let store = open_store(&server.data).await?;
    let clock = Clock::system();
    let lifecycle = Lifecycle::default();
    let worker = format!("{}-{}", address, std::process::id());
    let queue = Queue::open(&store, QueueSettings::new(worker, clock.clone())).await.map_err(|error| failed(&error))?;
    let sealer = master_key::open(&store, &server.data.master_key).await.map_err(|error| failed(&error))?;
    let store = davit_engine::feed::signed(store, &sealer, clock.now()).await.map_err(|error| failed(&error))?;
    let storage = Lifecycle::default();
    let (inbox, writer) = Inbox::start(store.clone(), storage.drain_token());
    storage.spawn("inbox-writer", writer);
    let settings = Settings {
        data_dir: server.data.dir.clone(),
        public_url: server.public_url.clone().unwrap_or_else(|| format!("http://{address}")),
        parallel_deployments: server.parallel_deployments,
        parallel_hosts: server.parallel_hosts,
        parallel_jobs: server.parallel_jobs,
        runner_labels: server.runner_labels.clone(),
        ci_tools: server.ci_tools.clone(),
        reconcile_every: RECONCILE_EVERY,
        watch_hosts_every: server.watch_hosts_every,
        keep: server.keep,
        terminals: davit_engine::terminals::Limits::default(),
    };
    Ok((Engine::new(Parts { store, queue, inbox, clock, sealer, lifecycle, settings }), storage))
}

fn metrics() -> Result<davit_api::RenderMetrics, Failure> {
    let handle = metrics_exporter_prometheus::PrometheusBuilder::new()
        .install_recorder()
        .map_err(|error| Failure::failed(format!("metrics can't be collected: {error}")))?;
    Ok(Arc::new(move || handle.render()))
}

pub(crate) fn lock(data: &Data) -> Result<Option<Flock<File>>, Failure> {
    if data.database_url.is_some() {
        return Ok(None);
    }
    let path = data.dir.join("davit.lock");
    let file = File::create(&path).map_err(|error| Failure::failed(format!("{}: {error}", path.display())))?;
    Flock::lock(file, FlockArg::LockExclusiveNonblock).map(Some).map_err(|_| {
        Failure::failed(format!(
            "another davit is running on {}. Stop it first, or use PostgreSQL for several servers: --database-url",
            data.dir.display()
        ))
    })
}
