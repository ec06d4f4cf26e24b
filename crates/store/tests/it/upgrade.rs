//! What a database of an earlier version holds is taken along.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, SqliteConnection};
use std::path::Path;

/// The migrations in their order, each by the number that its file's name begins with.
async fn migrate(connection: &mut SqliteConnection, numbers: std::ops::RangeInclusive<u32>) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/sqlite");
    let mut files: Vec<_> =
        std::fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    for file in files {
        let name = file.file_name().and_then(|name| name.to_str()).expect("a name");
        if numbers.contains(&name[..4].parse().expect("a number")) {
            let text = std::fs::read_to_string(&file).expect("a text");
            sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut *connection).await.expect("migrates");
        }
    }
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
}
