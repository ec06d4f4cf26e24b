//! The merge queue: what lands was tested as it lands, one after the other, and who breaks something is taken out.

use crate::merge_support::{Merging, REPOSITORY, pull_request};
use davit_domain::ci::Trigger;
use davit_domain::config::ForgeKind;
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitState::Success;
use davit_store::ci_runs::{Run, RunFilter};
use davit_store::merge_queue::QueueState;
use davit_testkit::app::Database;
use davit_testkit::fake_forge::{NewPullRequest, Review};

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

const FORK: Option<&str> = Some("ada/shop");

/// A change that is green and wanted.
async fn ready(merging: &Merging, number: i64, path: &str, content: &str) -> CommitSha {
    let head = merging.open(number, path, content).await;
    merging.app.forge.set_labels(REPOSITORY, number, &["merge"]);
    merging.check(&head, "build", Success).await;
    head
}

/// The same of a fork's change, with bob's approval.
async fn ready_from_fork(merging: &Merging, number: i64, path: &str) -> CommitSha {
    let branch = format!("change-{number}");
    let head = merging.branch(&branch, path, "theirs");
    let opened = NewPullRequest { head_repository: FORK, ..pull_request(number, &branch, &head, "opened") };
    merging.app.forge.open_change(&opened);
    merging.app.forge.review(REPOSITORY, number, "bob", Review::Approved);
    merging.deliver(&merging.app.forge.pull_request_delivery(&opened)).await;
    merging.check(&head, "build", Success).await;
    head
}

/// Gives a change these labels and tells davit, without waiting for what comes of it.
async fn label(merging: &Merging, number: i64, head: &CommitSha, from: Option<&str>, labels: &[&str]) {
    merging.app.forge.set_labels(REPOSITORY, number, labels);
    let branch = format!("change-{number}");
    let labeled = NewPullRequest { head_repository: from, ..pull_request(number, &branch, head, "labeled") };
    let (status, answer) = merging.app.deliver(&merging.app.forge.pull_request_delivery(&labeled)).await;
    assert!([200, 202].contains(&status), "{status} {answer}");
}

/// The runs of a change, oldest first.
async fn runs(merging: &Merging, number: i64, trigger: Trigger) -> Vec<Run> {
    let filter = RunFilter { change: Some(number), trigger: Some(trigger), ..RunFilter::default() };
    let mut runs = merging.app.engine().store().runs(&filter, None, 100).await.unwrap();
    runs.reverse();
    runs
}

/// Waits until the newest test of a change has said this, and gives the test.
async fn said_in_test(merging: &Merging, number: i64, text: &str) -> Run {
    let store = merging.app.engine().store();
    let what = format!("#{number} says {text}");
    let look = async || {
        let run = runs(merging, number, Trigger::Queue).await.pop()?;
        for job in store.jobs(run.id).await.unwrap() {
            let lines = store.job_lines(job.id, 0, None, 1000).await.unwrap();
            if lines.iter().any(|line| line.text == text) {
                return Some(run);
            }
        }
        None
    };
    merging.passing(&what, look).await
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
    // Nobody waits for the end of this test: there is none.
    label(&merging, 1, &head, Some(REPOSITORY), &["merge"]).await;
    until(&merging, 1, QueueState::Testing).await;
    merging.until_held(1, &["queued"]).await;
    label(&merging, 1, &head, Some(REPOSITORY), &[]).await;
    until(&merging, 1, QueueState::Withdrawn).await;
    merging.until_held(1, &["not_asked"]).await;
    assert_eq!(merging.app.forge.merges(REPOSITORY), []);
    merging.finish().await;
}

#[tokio::test]
async fn a_test_that_holds_a_forks_code_gets_no_secrets() {
    let workflow = "
on: merge_group
jobs:
  unit:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - run: |
          echo \"token=[$TOKEN]\"
          if test -e two.html; then test ! -e one.html; else sleep 600; fi
        env:
          TOKEN: ${{ secrets.TOKEN }}
";
    let policy = "queue = true\napprovals = 1\n[repository.secrets]\nTOKEN = { secret = \"token\" }";
    let merging = Merging::start_testing(Database::Sqlite, policy, workflow).await;
    merging.app.engine().set_secret("token", &"hunter2-token".into(), "test").await.unwrap();
    let theirs = ready_from_fork(&merging, 1, "one.html").await;
    let own = ready(&merging, 2, "two.html", "two").await;
    merging.app.forge.review(REPOSITORY, 2, "bob", Review::Approved);
    label(&merging, 1, &theirs, FORK, &["merge"]).await;
    assert!(said_in_test(&merging, 1, "token=[]").await.from_fork);
    label(&merging, 2, &own, Some(REPOSITORY), &["merge"]).await;
    assert!(said_in_test(&merging, 2, "token=[]").await.from_fork, "the fork's code runs in it too");

    label(&merging, 1, &theirs, FORK, &[]).await;
    until(&merging, 1, QueueState::Withdrawn).await;
    assert!(!said_in_test(&merging, 2, "token=[***]").await.from_fork);
    merging.until_merged(2).await;
    merging.finish().await;
}

#[tokio::test]
async fn a_forks_change_is_not_tested_before_somebody_approved_its_run() {
    // On the host, what the forge counts is not enough.
    for (settings, approvals) in [("", 0), ("executor = \"host\"\ntrusted = true\n", 1)] {
        let workflow = WORKFLOW.replace("on: merge_group", "on: [pull_request, merge_group]");
        let policy = format!("queue = true\nrequired = [\"build\"]\napprovals = {approvals}");
        let merging = Merging::start_testing(Database::Sqlite, &policy, &workflow).await;
        let table = "[repository.merge]";
        let document = merging.document(&policy).replace(table, &format!("{settings}{table}"));
        merging.app.apply(&document).await;
        let head = ready_from_fork(&merging, 1, "one.html").await;
        label(&merging, 1, &head, FORK, &["merge"]).await;
        merging.until_held(1, &["fork_not_approved"]).await;
        assert_eq!(states(&merging, 1).await, None, "{settings}");
        let waiting = runs(&merging, 1, Trigger::PullRequest).await.pop().unwrap();
        merging.app.engine().approve_run(waiting.id, &head, "rita").await.unwrap();
        merging.until_merged(1).await;
        assert_eq!(runs(&merging, 1, Trigger::Queue).await.len(), 1);
        merging.finish().await;
    }
}

#[tokio::test]
async fn a_workflow_that_can_not_be_read_is_no_good_test() {
    let merging = Merging::start_testing(Database::Sqlite, "queue = true\nrequired = [\"build\"]", WORKFLOW).await;
    let broken = ready(&merging, 1, ".davit/workflows/queue.yml", "on: [").await;
    join(&merging, 1, &broken).await;
    until(&merging, 1, QueueState::Failed).await;
    assert_eq!(merging.app.forge.merges(REPOSITORY), []);
    merging.app.settle().await;
    let answers = merging.answers(1);
    assert!(answers.len() == 1 && answers[0].contains("is not green"), "{answers:?}");
    merging.finish().await;
}
