//! Changes are merged when somebody asked and nothing is in the way: with the head that was judged, once, and never
//! because an event got lost.

use crate::merge_support::{KINDS, Merging, REPOSITORY, pull_request};
use davit_domain::config::ForgeKind;
use davit_domain::ids::CommitSha;
use davit_domain::merge::ChangeState;
use davit_domain::status::CommitState::{Failure, Pending, Success};
use davit_testkit::app::Database;
use davit_testkit::fake_forge::{Fault, Review};
use std::time::Duration;

async fn a_command_merges_a_green_change(kind: ForgeKind, database: Database) {
    let merging = Merging::start(kind, database, "delete_branch = true").await;
    let base = merging.at_forge("main").unwrap();
    let head = merging.open(1, "new.html", "new").await;
    merging.until_held(1, &["not_asked", "no_checks"]).await;

    merging.comment(1, "bob", "Good.\n/merge").await;
    merging.until_held(1, &["no_checks"]).await;
    let answers = merging.answers(1);
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert!(answers[0].contains("@bob") && answers[0].contains("no check has said anything"), "{answers:?}");

    merging.check(&head, "build", Pending).await;
    merging.until_held(1, &["pending"]).await;
    merging.check(&head, "build", Failure).await;
    merging.until_held(1, &["red"]).await;
    assert_eq!(merging.app.forge.merges(REPOSITORY), []);

    merging.check(&head, "build", Success).await;
    let commit = merging.until_merged(1).await;
    let merges = merging.app.forge.merges(REPOSITORY);
    assert_eq!(merges.len(), 1);
    assert_eq!((&merges[0].head, &merges[0].commit, &merges[0].method[..]), (&head, &commit, "merge"));
    assert_eq!(merging.at_forge("main"), Some(commit.clone()));
    assert_eq!(merging.at_forge("change-1"), None, "the branch is deleted");
    assert_eq!(merging.merged_file("new.html"), "new");
    let parents = merging.repo.git(&["rev-list", "--parents", "-n", "1", commit.as_str()]);
    assert_eq!(parents, format!("{commit} {base} {head}"));

    // The forge's own word for it changes nothing.
    for delivery in merging.app.forge.merge_deliveries(REPOSITORY) {
        merging.deliver(&delivery).await;
    }
    let change = merging.change(1).await.unwrap();
    assert_eq!((change.row.state, change.row.merge_commit), (ChangeState::Merged, Some(commit)));
    assert_eq!(merging.answers(1), answers);
    merging.finish().await;
}

#[tokio::test]
async fn a_command_merges_a_green_change_at_github() {
    a_command_merges_a_green_change(ForgeKind::Github, Database::Sqlite).await;
}

#[tokio::test]
async fn a_command_merges_a_green_change_at_gitlab() {
    a_command_merges_a_green_change(ForgeKind::Gitlab, Database::Sqlite).await;
}

#[tokio::test]
async fn a_command_merges_a_green_change_at_gitea() {
    a_command_merges_a_green_change(ForgeKind::Gitea, Database::Sqlite).await;
}

#[tokio::test]
async fn a_command_merges_a_green_change_at_gitee() {
    a_command_merges_a_green_change(ForgeKind::Gitee, Database::Sqlite).await;
}

#[tokio::test]
async fn a_command_merges_a_green_change_on_postgresql() {
    a_command_merges_a_green_change(ForgeKind::Github, Database::Postgres).await;
}

#[tokio::test]
async fn only_those_who_may_push_command() {
    for kind in KINDS {
        let merging = Merging::start(kind, Database::Sqlite, "").await;
        let head = merging.open(1, "new.html", "new").await;
        merging.check(&head, "build", Success).await;
        for stranger in ["eve", "mallory"] {
            merging.comment(1, stranger, "/merge").await;
        }
        merging.comment(1, "bob", "I would not say `/merge` yet").await;
        let answers = merging.answers(1);
        assert_eq!(answers.len(), 2, "{kind:?} {answers:?}");
        assert!(answers.iter().all(|answer| answer.contains("who may push")), "{kind:?} {answers:?}");
        merging.until_held(1, &["not_asked"]).await;
        assert_eq!(merging.app.forge.merges(REPOSITORY), [], "{kind:?}");
        merging.finish().await;
    }
}

#[tokio::test]
async fn a_label_asks_and_labels_drafts_and_reviews_hold() {
    let merging = Merging::start(ForgeKind::Github, Database::Sqlite, "approvals = 1\nmethod = \"squash\"").await;
    let forge = &merging.app.forge;
    let head = merging.open(1, "new.html", "new").await;
    merging.check(&head, "build", Success).await;
    forge.set_draft(REPOSITORY, 1, true);
    forge.set_labels(REPOSITORY, 1, &["Merge", "WIP"]);
    forge.review(REPOSITORY, 1, "eve", Review::Approved);
    forge.review(REPOSITORY, 1, "carol", Review::ChangesRequested);
    merging.tell(1, &head, "labeled").await;
    merging.until_held(1, &["draft", "blocking_label", "changes_requested", "approvals"]).await;

    forge.set_draft(REPOSITORY, 1, false);
    forge.set_labels(REPOSITORY, 1, &["Merge"]);
    merging.tell(1, &head, "unlabeled").await;
    merging.until_held(1, &["changes_requested", "approvals"]).await;

    forge.review(REPOSITORY, 1, "carol", Review::Approved);
    let review = forge.review_delivery(&pull_request(1, "change-1", &head, ""), "carol", Review::Approved);
    merging.deliver(&review).await;
    let commit = merging.until_merged(1).await;
    assert_eq!(forge.merges(REPOSITORY)[0].method, "squash");
    let parents = merging.merged_file("new.html");
    assert_eq!((parents.as_str(), merging.at_forge("main")), ("new", Some(commit)));
    merging.finish().await;
}

#[tokio::test]
async fn the_forges_own_button_and_davits_ask() {
    let merging = Merging::start(ForgeKind::Github, Database::Sqlite, "by = [\"forge\", \"ui\"]").await;
    let forge = &merging.app.forge;
    let first = merging.open(1, "one.html", "one").await;
    let second = merging.open(2, "two.html", "two").await;
    for head in [&first, &second] {
        merging.check(head, "build", Success).await;
    }
    merging.comment(1, "bob", "/merge").await;
    assert!(merging.answers(1)[0].contains("not merge because of a comment"), "{:?}", merging.answers(1));
    forge.set_auto_merge(REPOSITORY, 1, true);
    merging.tell(1, &first, "auto_merge_enabled").await;
    merging.until_merged(1).await;

    let id = merging.change(2).await.unwrap().id;
    forge.block(REPOSITORY, 2, Some("At least 1 approving review is required by reviewers with write access."));
    merging.app.engine().ask_merge(id, &second, "reviewer").await.unwrap();
    merging.until_held(2, &["refused"]).await;
    merging.app.engine().withdraw_merge(id, "reviewer").await.unwrap();
    merging.until_held(2, &["not_asked", "refused"]).await;
    assert!(merging.app.engine().withdraw_merge(id, "reviewer").await.is_err());
    merging.app.engine().ask_merge(id, &second, "reviewer").await.unwrap();
    // The forge allows it, and tells nobody.
    forge.block(REPOSITORY, 2, None);
    merging.until_merged(2).await;
    assert!(merging.app.engine().ask_merge(id, &second, "reviewer").await.is_err(), "it is merged");
    merging.finish().await;
}

#[tokio::test]
async fn a_wish_is_for_the_head_that_was_seen_and_a_label_for_every_head() {
    let merging = Merging::start(ForgeKind::Github, Database::Sqlite, "").await;
    merging.open(1, "new.html", "new").await;
    merging.comment(1, "bob", "/merge").await;
    merging.until_held(1, &["no_checks"]).await;
    let head = merging.commit("change-1", "new.html", "newer");
    merging.app.forge.move_head(REPOSITORY, 1, &head);
    merging.tell(1, &head, "synchronize").await;
    merging.check(&head, "build", Success).await;
    merging.until_held(1, &["not_asked"]).await;
    assert_eq!(merging.change(1).await.unwrap().asked, None);

    merging.app.forge.set_labels(REPOSITORY, 1, &["merge"]);
    let newest = merging.commit("change-1", "new.html", "newest");
    merging.app.forge.move_head(REPOSITORY, 1, &newest);
    merging.tell(1, &newest, "synchronize").await;
    merging.until_held(1, &["no_checks"]).await;
    merging.check(&newest, "build", Success).await;
    merging.until_merged(1).await;
    assert_eq!(merging.app.forge.merges(REPOSITORY)[0].head, newest);
    merging.finish().await;
}

#[tokio::test]
async fn a_command_is_for_the_head_that_its_author_could_see() {
    for kind in KINDS {
        let merging = Merging::start(kind, Database::Sqlite, "").await;
        merging.open(1, "new.html", "new").await;
        let pushed = merging.commit("change-1", "new.html", "not seen");
        merging.app.forge.move_head(REPOSITORY, 1, &pushed);
        merging.check(&pushed, "build", Success).await;
        merging.comment(1, "bob", "/merge").await;
        merging.until_held(1, &["not_asked"]).await;
        let answers = merging.answers(1);
        let words = format!("@bob a push came in between: look at {}, and say `/merge` again.", pushed.short());
        assert!(answers.len() == 1 && answers[0].starts_with(&words), "{kind:?} {answers:?}");
        assert_eq!(merging.app.forge.merges(REPOSITORY), [], "{kind:?}");
        merging.comment(1, "bob", "/merge").await;
        merging.until_merged(1).await;
        assert_eq!(merging.app.forge.merges(REPOSITORY)[0].head, pushed, "{kind:?}");
        merging.finish().await;
    }
}

#[tokio::test]
async fn a_push_that_nobody_told_of_is_not_merged() {
    for kind in KINDS {
        let merging = Merging::start(kind, Database::Sqlite, "").await;
        let head = merging.open(1, "new.html", "new").await;
        merging.app.forge.set_labels(REPOSITORY, 1, &["merge"]);
        merging.tell(1, &head, "labeled").await;
        let secret = merging.commit("change-1", "new.html", "not tested");
        merging.app.forge.move_head(REPOSITORY, 1, &secret);
        merging.check(&head, "build", Success).await;
        merging
            .passing("the head that nobody told of", async || {
                (merging.change(1).await?.row.head == secret).then_some(())
            })
            .await;
        merging.until_held(1, &["no_checks"]).await;
        assert_eq!(merging.app.forge.merges(REPOSITORY), [], "{kind:?}");
        merging.finish().await;
    }
}

#[tokio::test]
async fn an_answer_that_got_lost_is_found_by_asking_again() {
    for (kind, fault) in
        KINDS.into_iter().zip([Fault::DropAfter, Fault::DropAfter, Fault::DropBefore, Fault::DropAfter])
    {
        let merging = Merging::start(kind, Database::Sqlite, "").await;
        let head = merging.open(1, "new.html", "new").await;
        merging.app.forge.set_labels(REPOSITORY, 1, &["merge"]);
        merging.tell(1, &head, "labeled").await;
        merging.app.forge.fail_where("/1/merge", 1, &fault);
        merging.check(&head, "build", Success).await;
        merging.until_merged(1).await;
        assert_eq!(merging.app.forge.merges(REPOSITORY).len(), 1, "{kind:?} {fault:?}");
        merging.finish().await;
    }
}

#[tokio::test]
async fn conflicts_are_said_and_found_to_be_gone() {
    for kind in KINDS {
        let merging = Merging::start(kind, Database::Sqlite, "").await;
        let first = merging.open(1, "index.html", "one").await;
        let second = merging.open(2, "index.html", "two").await;
        merging.app.forge.set_labels(REPOSITORY, 1, &["merge"]);
        merging.app.forge.set_labels(REPOSITORY, 2, &["merge"]);
        merging.tell(1, &first, "labeled").await;
        merging.check(&first, "build", Success).await;
        merging.until_merged(1).await;
        merging.tell(2, &second, "labeled").await;
        merging.check(&second, "build", Success).await;
        let word = if matches!(kind, ForgeKind::Github | ForgeKind::Gitlab) { "conflict" } else { "refused" };
        merging.until_held(2, &[word]).await;
        assert_eq!(merging.app.forge.merges(REPOSITORY).len(), 1);
        merging.finish().await;
    }
}

#[tokio::test]
async fn a_change_that_nobody_told_of_is_found() {
    let merging = Merging::start(ForgeKind::Gitea, Database::Sqlite, "required = [\"build\"]").await;
    let head = merging.branch("change-7", "new.html", "new");
    merging.check(&head, "build", Success).await;
    merging.app.forge.open_change(&pull_request(7, "change-7", &head, "opened"));
    merging.app.forge.set_labels(REPOSITORY, 7, &["merge"]);
    merging.app.advance(Duration::from_secs(600));
    merging.until_merged(7).await;
    merging.finish().await;
}

#[tokio::test]
async fn what_nobody_told_of_is_tested() {
    let workflow = "on: pull_request\njobs:\n  see:\n    runs-on: ubuntu-latest\n    steps:\n      - run: 'true'\n";
    let merging = Merging::start_testing(Database::Sqlite, "required = [\"davit/ci/*\"]", workflow).await;
    merging.open(1, "one.html", "one").await;
    let moved = merging.commit("change-1", "one.html", "another");
    merging.app.forge.move_head(REPOSITORY, 1, &moved);
    let new = merging.branch("change-2", "two.html", "two");
    merging.app.forge.open_change(&pull_request(2, "change-2", &new, "opened"));
    for number in [1, 2] {
        merging.app.forge.set_labels(REPOSITORY, number, &["merge"]);
    }
    merging.app.advance(Duration::from_secs(600));
    merging.until_merged(1).await;
    merging.until_merged(2).await;
    let heads: Vec<CommitSha> = merging.app.forge.merges(REPOSITORY).into_iter().map(|merge| merge.head).collect();
    assert!(heads.contains(&moved) && heads.contains(&new), "{heads:?}");
    merging.finish().await;
}
