//! What a database of an earlier version holds is taken along.

use crate::ci::{make_run, new_run};
use crate::postgres::TestDatabase;
use davit_store::Store;
use sqlx::migrate::{Migrate, Migrator};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// The files of the migrations in their order, each by the number that its name begins with.
fn files(dialect: &str, numbers: &RangeInclusive<u32>) -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations").join(dialect);
    let mut files: Vec<_> =
        std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    let name = |file: &PathBuf| file.file_name().and_then(|name| name.to_str()).expect("a name").to_owned();
    files.retain(|file| numbers.contains(&name(file)[..4].parse().expect("a number")));
    files
}

async fn migrate(connection: &mut SqliteConnection, numbers: RangeInclusive<u32>) {
    for file in files("sqlite", &numbers) {
        let text = std::fs::read_to_string(&file).expect("a text");
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *connection).await.expect("migrates");
    }
}

/// What a davit that knew the first `last` migrations made of an empty database.
async fn made_by_an_earlier_version<C>(dialect: &str, last: u32, connection: &mut C)
where
    C: Migrate,
{
    let directory = tempfile::tempdir().expect("a directory");
    for file in files(dialect, &(1..=last)) {
        std::fs::copy(&file, directory.path().join(file.file_name().expect("a name"))).expect("copies");
    }
    let mut migrator = Migrator::new(directory.path()).await.expect("reads");
    migrator.dangerous_set_table_name("davit_migrations");
    migrator.run_direct(None, connection, false).await.expect("migrates");
}

/// As version 0.1 of the tables holds them: without what came later.
const ENVIRONMENT: &str = r##"INSERT INTO environments (key, position, body) VALUES ('production', 0,
     '{"key":"production","name":"P","color":null,"review":{"required":1,"self_approval":false},"branches":null,"url":null}')"##;
const FEED: &str = "INSERT INTO feed (at, actor, action, subject, detail) VALUES (1, 'alice', 'a', 's', '{}')";

async fn is_taken_along(store: Store) {
    let whole = store.configuration().await.expect("reads");
    assert_eq!((whole.environments[0].name.as_str(), &whole.environments[0].require_green), ("P", &None));
    assert!(whole.repositories.is_empty());
    assert_eq!(store.feed(None, 9).await.expect("reads")[0].entry.actor, "alice");
    make_run(&store, &new_run()).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_of_before_there_were_runs_is_taken_along() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("davit.db");
    let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
    let mut connection = options.connect().await.expect("opens");
    made_by_an_earlier_version("sqlite", 4, &mut connection).await;
    for sql in [ENVIRONMENT, FEED] {
        sqlx::query(sql).execute(&mut connection).await.expect("writes");
    }
    connection.close().await.expect("closes");
    is_taken_along(Store::open_sqlite(&file).await.expect("opens")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_of_before_there_were_runs_is_taken_along() {
    let database = TestDatabase::empty().await;
    let mut connection = PgConnection::connect(&database.url()).await.expect("connects");
    made_by_an_earlier_version("postgres", 4, &mut connection).await;
    for sql in [ENVIRONMENT, FEED] {
        sqlx::query(sql).execute(&mut connection).await.expect("writes");
    }
    connection.close().await.expect("closes");
    is_taken_along(database.open().await).await;
}

#[tokio::test]
async fn calls_that_were_waiting_keep_the_start_of_their_day() {
    let memory = SqliteConnectOptions::new().in_memory(true).foreign_keys(true);
    let mut connection = memory.connect().await.expect("opens");
    migrate(&mut connection, 1..=3).await;
    let insert = "INSERT INTO outbox (kind, lane, forge, payload, state, attempts, next_at, created_at)
         VALUES ('commit_status', 'a', 'hub', '{}', 'waiting', 3, 99, 42)";
    sqlx::query(insert).execute(&mut connection).await.expect("writes");
    migrate(&mut connection, 4..=4).await;
    let row: (i64, bool) =
        sqlx::query_as("SELECT tried_since, is_final FROM outbox").fetch_one(&mut connection).await.expect("reads");
    assert_eq!(row, (42, false));
    migrate(&mut connection, 9..=9).await;
    let target: String =
        sqlx::query_scalar("SELECT target FROM outbox").fetch_one(&mut connection).await.expect("reads");
    assert_eq!(target, "forge:hub");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_of_before_there_were_blocks_are_counted() {
    let memory = SqliteConnectOptions::new().in_memory(true).foreign_keys(false);
    let mut connection = memory.connect().await.expect("opens");
    migrate(&mut connection, 1..=13).await;
    for sql in [
        "INSERT INTO deployments (id, request_id, app, environment, kind, state, state_body, attempt, release_name,
             commit_sha, created_at) VALUES (7, 1, 'shop', 'production', 'regular', 'queued', '{}', 1, 'r', 'c', 1)",
        "WITH RECURSIVE n (seq) AS (SELECT 1 UNION ALL SELECT seq + 1 FROM n WHERE seq < 5000)
         INSERT INTO log_lines (deployment_id, seq, at, host, step, stream, text)
         SELECT 7, seq, 1, CASE WHEN seq <= 96 THEN NULL ELSE 'web-1' END, CASE WHEN seq <= 1096 THEN 2 ELSE 4 END,
             'stdout', '' FROM n",
    ] {
        sqlx::query(sql).execute(&mut connection).await.expect("writes");
    }
    migrate(&mut connection, 14..=18).await;
    let steps = "SELECT step, block, lines FROM log_blocks ORDER BY step";
    let steps: Vec<(i64, i64, i64)> = sqlx::query_as(steps).fetch_all(&mut connection).await.expect("reads");
    assert_eq!(steps, [(2, 0, 1096), (4, 0, 3000)]);
    let hosts = "SELECT host, step, block, lines FROM log_host_blocks ORDER BY host, step";
    let hosts: Vec<(String, i64, i64, i64)> = sqlx::query_as(hosts).fetch_all(&mut connection).await.expect("reads");
    let web = "web-1".to_owned();
    assert_eq!(hosts, [(String::new(), 2, 0, 96), (web.clone(), 2, 0, 1000), (web, 4, 0, 3000)]);
}
