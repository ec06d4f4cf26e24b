//! Real, throw-away PostgreSQL: every test gets a database of its own, cloned from a template with the schema applied.
//!
//! The server is the one at `DAVIT_TEST_POSTGRES_URL` when that is set (`make test` starts one for the whole run);
//! otherwise each test process starts its own with `scripts/postgres-for-tests`, which ends with the process.

mod relay;

pub use relay::Relay;

use davit_store::Store;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use std::hash::{DefaultHasher, Hasher};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// Held while the template is made: several test processes may need it at once.
const TEMPLATE_LOCK: i64 = 0x0064_6176_6974;

/// A database of its own, gone when this is dropped.
#[derive(Debug)]
pub struct TestDatabase {
    server: PgConnectOptions,
    name: String,
}

impl TestDatabase {
    /// Makes a database with davit's schema and no rows.
    ///
    /// # Panics
    /// When there is no PostgreSQL to be had; the message says why.
    pub async fn create() -> Self {
        let (server, mut connection) = server().await;
        let template = template(&server, &mut connection).await;
        Self::copy(server, &mut connection, &template).await
    }

    /// Makes a database without a schema, as a first start finds it.
    ///
    /// # Panics
    /// As [`create`](Self::create).
    pub async fn empty() -> Self {
        let (server, mut connection) = server().await;
        Self::copy(server, &mut connection, "template0").await
    }

    async fn copy(server: PgConnectOptions, connection: &mut PgConnection, template: &str) -> Self {
        let name: String = sqlx::query_scalar("SELECT 'davit_test_' || replace(gen_random_uuid()::TEXT, '-', '')")
            .fetch_one(&mut *connection)
            .await
            .expect("PostgreSQL makes a name");
        run(connection, format!("CREATE DATABASE {name} TEMPLATE {template}")).await;
        Self { server, name }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        url(&self.server, &self.name)
    }

    /// Opens it as a server process would.
    ///
    /// # Panics
    /// When it can't be opened.
    pub async fn open(&self) -> Store {
        Store::open_postgres(&self.url()).await.expect("the test's own database opens")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        // A thread of its own, because the test's runtime can't be waited for from here.
        let dropped = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                run(&mut connect(&server).await, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
            });
        });
        if dropped.join().is_err() && !std::thread::panicking() {
            panic!("database {} could not be dropped", self.name);
        }
    }
}

/// The name of the template for the schema as it is now; makes it when it is not there yet.
async fn template(server: &PgConnectOptions, connection: &mut PgConnection) -> String {
    let name = format!("davit_template_{:016x}", schema_fingerprint());
    sqlx::query("SELECT pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(&mut *connection).await.expect("a lock");
    let there: Option<i32> = sqlx::query_scalar("SELECT 1 FROM pg_database WHERE datname = $1")
        .bind(&name)
        .fetch_optional(&mut *connection)
        .await
        .expect("PostgreSQL lists its databases");
    if there.is_none() {
        // Under another name until it is complete: a process that dies half-way leaves no broken template.
        let unfinished = format!("{name}_unfinished");
        run(connection, format!("DROP DATABASE IF EXISTS {unfinished} WITH (FORCE)")).await;
        run(connection, format!("CREATE DATABASE {unfinished}")).await;
        Store::open_postgres(&url(server, &unfinished)).await.expect("the migrations apply").close().await;
        run(connection, format!("ALTER DATABASE {unfinished} RENAME TO {name}")).await;
    }
    sqlx::query("SELECT pg_advisory_unlock($1)").bind(TEMPLATE_LOCK).execute(connection).await.expect("unlocks");
    name
}

/// Another schema, another template: the server may outlive many builds.
fn schema_fingerprint() -> u64 {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../store/migrations/postgres");
    let mut files: Vec<_> = std::fs::read_dir(&directory)
        .expect("the migrations are in the source tree")
        .map(|entry| entry.expect("a readable directory").path())
        .collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    for file in files {
        hasher.write(&std::fs::read(file).expect("a readable migration"));
    }
    hasher.finish()
}

fn url(server: &PgConnectOptions, database: &str) -> String {
    server.clone().database(database).to_url_lossy().to_string()
}

async fn server() -> (PgConnectOptions, PgConnection) {
    let server: PgConnectOptions = server_url().parse().expect("DAVIT_TEST_POSTGRES_URL is a PostgreSQL URL");
    let connection = connect(&server).await;
    (server, connection)
}

async fn connect(server: &PgConnectOptions) -> PgConnection {
    PgConnection::connect_with(server).await.expect("PostgreSQL at DAVIT_TEST_POSTGRES_URL takes connections")
}

/// Runs a statement about a database, whose name can't be bound; every name here is made of `a-z`, `0-9` and `_`.
async fn run(connection: &mut PgConnection, sql: String) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.clone())).execute(connection).await;
    if let Err(error) = done {
        panic!("PostgreSQL refuses {sql}: {error}");
    }
}

/// The server for this process.
fn server_url() -> &'static str {
    static SERVER: OnceLock<(String, Option<Child>)> = OnceLock::new();
    let (url, _own) = SERVER.get_or_init(|| match std::env::var("DAVIT_TEST_POSTGRES_URL") {
        Ok(url) => (url, None),
        Err(_) => {
            let (url, server) = start_server();
            (url, Some(server))
        }
    });
    url
}

/// Starts a server that ends when its standard input does: when this process is gone, however it went.
#[expect(clippy::disallowed_methods, reason = "once a process, before any test can go on")]
fn start_server() -> (String, Child) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/postgres-for-tests");
    let mut server = Command::new(script)
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("scripts/postgres-for-tests runs");
    let mut url = String::new();
    let stdout = server.stdout.as_mut().expect("piped");
    BufReader::new(stdout).read_line(&mut url).expect("readable output");
    if url.is_empty() {
        let mut why = String::new();
        server.stderr.as_mut().expect("piped").read_to_string(&mut why).expect("readable output");
        panic!("no PostgreSQL for the tests: {why}");
    }
    (url.trim_end().to_owned(), server)
}
