use crate::postgres::TestDatabase;
use crate::support::{at, commit};
use davit_domain::access::Role;
use davit_store::accounts::NewUser;
use davit_store::{Db, Store, StoreError, schema};
use sqlx::{Connection as _, SqliteConnection};

#[tokio::test]
async fn a_commit_on_sqlite_is_synced() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Store::open_sqlite(&directory.path().join("davit.db")).await.expect("opens");
    let Db::Sqlite { write, read } = store.db() else { panic!("it is SQLite") };
    let journal: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(write).await.expect("answers");
    let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(write).await.expect("answers");
    let foreign_keys: i64 = sqlx::query_scalar("PRAGMA foreign_keys").fetch_one(write).await.expect("answers");
    assert_eq!((journal.as_str(), synchronous, foreign_keys), ("wal", 2, 1), "2: FULL");
    assert!(sqlx::query("DELETE FROM users").execute(read).await.is_err(), "readers only read");
}

#[tokio::test]
async fn sqlite_is_opened_again_with_all_that_was_written() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("davit.db");
    for users in 0..3 {
        let store = Store::open_sqlite(&file).await.expect("opens");
        assert_eq!(store.count_users().await.expect("counts"), users);
        commit!(store, tx => tx.create_user(&NewUser::local(&format!("user-{users}"), Some(Role::Viewer)), at(0)));
        store.close().await;
    }
    assert!(!file.with_extension("db-wal").exists(), "the write-ahead log is folded into the file");
}

#[tokio::test]
async fn servers_that_start_at_once_share_a_new_postgres() {
    let database = TestDatabase::empty().await;
    let url = database.url();
    let (one, two, three) =
        tokio::join!(Store::open_postgres(&url), Store::open_postgres(&url), Store::open_postgres(&url));
    for store in [one, two, three] {
        let store = store.expect("opens");
        store.ping().await.expect("answers");
        store.close().await;
    }
}

#[tokio::test]
async fn what_can_not_be_opened_is_explained() {
    let directory = tempfile::tempdir().expect("a directory");
    let said = why(Store::open_sqlite(&directory.path().join("no/such/davit.db")).await);
    assert!(said.contains("no/such/davit.db") && said.contains("Check that the directory exists"), "{said}");
    let said = why(Store::open_postgres("postgres://davit:hunter2@127.0.0.1:1/davit").await);
    assert!(said.contains("127.0.0.1:1/davit") && !said.contains("hunter2"), "{said}");
    let said = why(Store::open_postgres("hunter2").await);
    assert!(said.contains("postgres://USER:PASSWORD@HOST") && !said.contains("hunter2"), "{said}");
}

fn why<T: std::fmt::Debug>(opened: Result<T, StoreError>) -> String {
    match opened {
        Err(error @ StoreError::Open(_)) => error.to_string(),
        other => panic!("not refused: {other:?}"),
    }
}

#[tokio::test]
async fn how_far_a_schema_is_can_be_seen_before_it_is_opened() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("davit.db");
    assert!(schema::of_sqlite(&file).await.is_err(), "looking makes no database");
    assert!(!file.exists());
    Store::open_sqlite(&file).await.expect("opens").close().await;
    let whole = schema::of_sqlite(&file).await.expect("readable");
    assert!(whole.version > 0 && (whole.to_do, whole.unknown, whole.clock) == (0, 0, None), "{whole:?}");

    let mut connection = SqliteConnection::connect(&file.display().to_string()).await.expect("opens");
    let newer = "UPDATE davit_migrations SET version = 9999 WHERE version = 1";
    sqlx::query(newer).execute(&mut connection).await.expect("changed");
    connection.close().await.expect("closes");
    let newer = schema::of_sqlite(&file).await.expect("readable");
    assert_eq!((newer.version, newer.to_do, newer.unknown), (9999, 1, 1));
}

#[tokio::test]
async fn an_empty_postgresql_has_everything_to_do() {
    let database = TestDatabase::empty().await;
    let url = database.url();
    let empty = schema::of_postgres(&url).await.expect("reachable");
    assert!(empty.version == 0 && empty.to_do > 0 && empty.unknown == 0 && empty.clock.is_some(), "{empty:?}");
    Store::open_postgres(&url).await.expect("opens").close().await;
    let whole = schema::of_postgres(&url).await.expect("reachable");
    assert!(whole.version > 0 && (whole.to_do, whole.unknown) == (0, 0), "{whole:?}");
    let said = why(schema::of_postgres("postgres://davit:hunter2@127.0.0.1:1/davit").await);
    assert!(said.contains("127.0.0.1:1/davit") && !said.contains("hunter2"), "{said}");
}
