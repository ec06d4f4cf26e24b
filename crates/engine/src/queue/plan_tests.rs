//! Twenty thousand waiting jobs must not slow the queue down: its statements walk an index to the rows they need and
//! touch no others. Asserted on the plans, not on time.

use super::sql::{CLAIM_POSTGRES, CLAIM_SQLITE, NEXT_DUE, RESCUE_POSTGRES, RESCUE_SQLITE};
use davit_store::{Db, Store};
use davit_testkit::postgres::TestDatabase;
use sqlx::{AssertSqlSafe, Row as _};

const MANY: i64 = 20_000;
const TAKEN: i64 = 4;

#[tokio::test]
async fn sqlite_walks_an_index_to_the_few_rows_it_needs() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open_sqlite(&dir.path().join("davit.db")).await.expect("opens");
    let Db::Sqlite { write, .. } = store.db() else { unreachable!("SQLite was opened") };
    sqlx::query(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $1) \
         INSERT INTO queue_jobs (kind, key, payload, state, max_attempts, run_at, created_at) \
         SELECT 'deploy', 'job ' || i, '{}', 'waiting', 3, i % 100, 0 FROM n",
    )
    .bind(MANY)
    .execute(write)
    .await
    .expect("twenty thousand rows");
    let plan = async |text: &str| -> String {
        let rows =
            sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"))).fetch_all(write).await.expect("plans");
        rows.iter().map(|row| row.get::<String, _>("detail") + "\n").collect()
    };
    for (text, index) in
        [(CLAIM_SQLITE, "queue_jobs_due"), (NEXT_DUE, "queue_jobs_due"), (RESCUE_SQLITE, "queue_jobs_leased")]
    {
        let plan = plan(text).await;
        assert!(plan.contains(&format!("INDEX {index} (kind=?")), "not by the index {index}:\n{plan}");
        assert!(!plan.contains("SCAN queue_jobs"), "reads the whole table:\n{plan}");
        assert!(!plan.contains("TEMP B-TREE"), "sorts what it reads:\n{plan}");
    }
}

#[tokio::test]
async fn postgres_walks_an_index_to_the_few_rows_it_needs() {
    let database = TestDatabase::create().await;
    let store = database.open().await;
    let Db::Postgres(pool) = store.db() else { unreachable!("PostgreSQL was opened") };
    sqlx::query(
        "INSERT INTO queue_jobs (kind, key, payload, state, max_attempts, run_at, created_at) \
         SELECT 'deploy', 'job ' || i, '{}', 'waiting', 3, i % 100, 0 FROM generate_series(1, $1) AS i",
    )
    .bind(MANY)
    .execute(pool)
    .await
    .expect("twenty thousand rows");
    sqlx::query("ANALYZE queue_jobs").execute(pool).await.expect("statistics");
    let explain = |text: &str| AssertSqlSafe(format!("EXPLAIN (ANALYZE, TIMING OFF, SUMMARY OFF) {text}"));

    let claim = sqlx::query(explain(CLAIM_POSTGRES)).bind("w").bind(1_000_i64).bind("deploy").bind(500_i64).bind(TAKEN);
    let claim = text(&claim.fetch_all(pool).await.expect("explains"));
    assert_plan(&claim, "queue_jobs_due", TAKEN);
    let next = sqlx::query(explain(NEXT_DUE)).bind("deploy").bind(50_i64);
    assert_plan(&text(&next.fetch_all(pool).await.expect("explains")), "queue_jobs_due", 1);
    let rescue = sqlx::query(explain(RESCUE_POSTGRES)).bind(2_000_i64).bind("deploy");
    assert_plan(&text(&rescue.fetch_all(pool).await.expect("explains")), "queue_jobs_leased", TAKEN);
}

fn text(rows: &[sqlx::postgres::PgRow]) -> String {
    rows.iter().map(|row| row.get::<String, _>(0) + "\n").collect()
}

/// By the index, no whole table, and no step of the plan met more rows than were wanted.
fn assert_plan(plan: &str, index: &str, most: i64) {
    assert!(plan.contains(&format!("using {index} ")), "not by the index {index}:\n{plan}");
    assert!(!plan.contains("Seq Scan on queue_jobs"), "reads the whole table:\n{plan}");
    assert!(!plan.contains("Rows Removed by Filter"), "reads rows that it does not want:\n{plan}");
    let met = plan.split("actual rows=").skip(1);
    for rows in met.map(|rest| rest.split_whitespace().next().and_then(|n| n.parse::<i64>().ok()).expect("a number")) {
        assert!(rows <= most, "met {rows} rows, wanted {most}:\n{plan}");
    }
}
