//! The merge queue: what lands was tested as it lands, one after the other, and who breaks something is taken out.

use crate::merge_support::{Merging, REPOSITORY};
use davit_domain::config::ForgeKind;
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitState::Success;
use davit_store::merge_queue::QueueState;
use davit_testkit::app::Database;

/// Two files may not be there together, whoever brings the second.
const WORKFLOW: &str = "
on: merge_group
jobs:
  both:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: test ! -e one.html || test ! -e two.html
";

/// A change that is green and wanted.
async fn ready(merging: &Merging, number: i64, path: &str, content: &str) -> CommitSha {
    let head = merging.open(number, path, content).await;
    merging.app.forge.set_labels(REPOSITORY, number, &["merge"]);
    merging.check(&head, "build", Success).await;
    head
}

/// Tells davit of the label: now it may join.
async fn join(merging: &Merging, number: i64, head: &CommitSha) {
    merging.tell(number, head, "labeled").await;
}

async fn states(merging: &Merging, number: i64) -> Option<QueueState> {
    let change = merging.change(number).await?;
    Some(merging.app.engine().store().queue_entry_of(change.id).await.unwrap()?.state)
}

async fn until(merging: &Merging, number: i64, state: QueueState) {
    merging
        .passing(&format!("#{number} {}", state.as_str()), async || {
            (states(merging, number).await == Some(state)).then_some(())
        })
        .await;
}

#[tokio::test]
async fn changes_land_in_order_and_a_conflict_is_taken_out() {
    for kind in [ForgeKind::Github, ForgeKind::Gitlab] {
        let merging = Merging::start(kind, Database::Sqlite, "queue = true").await;
        let first = ready(&merging, 1, "index.html", "one").await;
        let second = ready(&merging, 2, "index.html", "two").await;
        let third = ready(&merging, 3, "other.html", "three").await;
        for (number, head) in [(1, &first), (2, &second), (3, &third)] {
            join(&merging, number, head).await;
        }
        until(&merging, 1, QueueState::Merged).await;
        until(&merging, 3, QueueState::Merged).await;
        merging.until_merged(3).await;
        let landed: Vec<i64> = merging.app.forge.merges(REPOSITORY).iter().map(|merge| merge.number).collect();
        assert_eq!(landed, [1, 3], "{kind:?}");
        assert_eq!(
            (merging.merged_file("index.html"), merging.merged_file("other.html")),
            ("one".into(), "three".into())
        );
        assert_ne!(states(&merging, 2).await, Some(QueueState::Merged));
        merging.finish().await;
    }
}

async fn a_bad_test_takes_one_out_and_the_rest_goes_on(database: Database) {
    let mut merging = Merging::start_testing(database, "queue = true", WORKFLOW).await;
    let first = ready(&merging, 1, "one.html", "one").await;
    let second = ready(&merging, 2, "two.html", "two").await;
    let third = ready(&merging, 3, "three.html", "three").await;
    join(&merging, 1, &first).await;
    join(&merging, 2, &second).await;
    // Whatever was begun is gone on with from the table.
    merging.app.restart().await;
    join(&merging, 3, &third).await;
    until(&merging, 1, QueueState::Merged).await;
    until(&merging, 2, QueueState::Failed).await;
    until(&merging, 3, QueueState::Merged).await;
    let landed: Vec<i64> = merging.app.forge.merges(REPOSITORY).iter().map(|merge| merge.number).collect();
    assert_eq!(landed, [1, 3]);
    merging.app.settle().await;
    let answers = merging.answers(2);
    assert!(answers.len() == 1 && answers[0].contains("out of the merge queue"), "{answers:?}");
    // Nobody asked again: it stays out.
    merging.check(&second, "build", Success).await;
    merging.until_held(2, &["failed"]).await;

    let better = merging.commit("change-2", "two.html", "two");
    merging.repo.git(&["mv", "two.html", "2.html"]);
    let better_still = merging.commit("change-2", "2.html", "two");
    assert_ne!(better, better_still);
    merging.app.forge.move_head(REPOSITORY, 2, &better_still);
    merging.tell(2, &better_still, "synchronize").await;
    merging.check(&better_still, "build", Success).await;
    until(&merging, 2, QueueState::Merged).await;
    merging.finish().await;
}

#[tokio::test]
async fn a_bad_test_takes_one_out_and_the_rest_goes_on_sqlite() {
    a_bad_test_takes_one_out_and_the_rest_goes_on(Database::Sqlite).await;
}

#[tokio::test]
async fn a_bad_test_takes_one_out_and_the_rest_goes_on_postgresql() {
    a_bad_test_takes_one_out_and_the_rest_goes_on(Database::Postgres).await;
}

#[tokio::test]
async fn who_is_not_wanted_any_more_leaves() {
    let slow = WORKFLOW.replace("test ! -e one.html || test ! -e two.html", "sleep 600");
    let merging = Merging::start_testing(Database::Sqlite, "queue = true", &slow).await;
    let head = ready(&merging, 1, "one.html", "one").await;
    join(&merging, 1, &head).await;
    until(&merging, 1, QueueState::Testing).await;
    merging.until_held(1, &["queued"]).await;
    merging.app.forge.set_labels(REPOSITORY, 1, &[]);
    join(&merging, 1, &head).await;
    until(&merging, 1, QueueState::Withdrawn).await;
    merging.until_held(1, &["not_asked"]).await;
    assert_eq!(merging.app.forge.merges(REPOSITORY), []);
    merging.finish().await;
}
