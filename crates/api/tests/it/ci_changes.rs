//! Changes: opened, updated, from forks.

use crate::ci_support::{Ci, REPOSITORY, job, sha};
use davit_domain::ci::{RunState, Trigger};
use davit_domain::config::ForgeKind;
use davit_engine::EngineError;
use davit_engine::ci::{RetryWhat, StartWorkflow};
use davit_testkit::app::Database;
use davit_testkit::git::Repo;
use serde_json::json;

const ON_CHANGES: &str = "
name: Tests
on: pull_request
jobs:
  unit:
    runs-on: linux
    steps:
      - run: echo ${{ github.event_name }} ${{ github.event.action }} ${{ github.event.number }} to ${{ github.base_ref }} from ${{ github.head_ref }} token=${{ secrets.TOKEN }}
";

const WAITING: &str = "
name: Tests
on: pull_request
jobs:
  unit:
    runs-on: linux
    steps:
      - run: echo waiting; sleep 600
";

async fn a_change_is_tested(kind: ForgeKind, database: Database) {
    let ci = Ci::start_at(kind, database, "").await;
    ci.commit("Base", "on: push\njobs: { a: { runs-on: linux, steps: [{ run: 'true' }] } }\n", &[]);
    ci.repo.branch("topic");
    let head = ci.commit("Topic", ON_CHANGES, &[]);
    ci.change("opened", &head, false).await;
    ci.app.settle().await;
    let run = ci.only_run().await;
    assert_eq!((run.state, run.trigger, run.change), (RunState::Success, Trigger::PullRequest, Some(7)), "{run:#?}");
    assert_eq!(ci.output_of(run.id, "unit").await, ["pull_request opened 7 to main from topic token="]);
    let expected = ["success davit/ci/Tests (pull_request)", "success davit/ci/Tests / unit (pull_request)"];
    assert_eq!(ci.statuses(&head), expected);
    ci.finish().await;
}

#[tokio::test]
async fn a_change_at_github_is_tested() {
    a_change_is_tested(ForgeKind::Github, Database::Postgres).await;
}

#[tokio::test]
async fn a_change_at_gitlab_is_tested() {
    a_change_is_tested(ForgeKind::Gitlab, Database::Sqlite).await;
}

#[tokio::test]
async fn a_change_at_gitea_is_tested() {
    a_change_is_tested(ForgeKind::Gitea, Database::Sqlite).await;
}

#[tokio::test]
async fn a_change_at_gitee_is_tested() {
    a_change_is_tested(ForgeKind::Gitee, Database::Sqlite).await;
}

async fn a_newer_commit_ends_the_runs_of_the_older(database: Database) {
    let ci = Ci::start_at(ForgeKind::Github, database, "").await;
    ci.repo.branch("topic");
    let old = ci.commit("Old", WAITING, &[]);
    ci.change("opened", &old, false).await;
    ci.wait_for_line("waiting").await;
    let new = ci.commit("New", ON_CHANGES, &[]);
    ci.change("synchronize", &new, false).await;
    ci.app.settle().await;
    let [first, second] = &ci.runs().await[..] else { panic!("two runs") };
    assert_eq!((first.state, first.superseded_by), (RunState::Cancelled, Some(second.id)), "{first:#?}");
    assert_eq!((second.state, second.head.as_str()), (RunState::Success, new.as_str()));
    let job = job(&ci.jobs(first.id).await, "unit");
    assert!(job.reason.as_deref().unwrap().contains(&format!("{} is newer", &new[..7])), "{job:?}");
    assert!(ci.statuses(&old).iter().all(|status| status.starts_with("error ")), "{:?}", ci.statuses(&old));
    ci.finish().await;
}

#[tokio::test]
async fn a_newer_commit_ends_the_runs_of_the_older_on_sqlite() {
    a_newer_commit_ends_the_runs_of_the_older(Database::Sqlite).await;
}

#[tokio::test]
async fn a_newer_commit_ends_the_runs_of_the_older_on_postgres() {
    a_newer_commit_ends_the_runs_of_the_older(Database::Postgres).await;
}

#[tokio::test]
async fn of_two_runs_of_one_commit_the_newer_one_speaks_for_it() {
    let ci = Ci::start("").await;
    ci.repo.branch("topic");
    let head = ci.commit("Same", WAITING, &[]);
    ci.change("opened", &head, false).await;
    ci.wait_for_line("waiting").await;
    ci.replay().await;
    let both = async || (ci.runs().await.len() == 2).then_some(());
    ci.app.until("a second run", both).await;
    let [first, second] = &ci.runs().await[..] else { panic!("two runs") };
    ci.wait_for_state(first.id, RunState::Cancelled).await;
    assert_eq!(ci.run_now(first.id).await.superseded_by, Some(second.id));
    ci.wait_for_line("waiting").await;
    ci.app.until_told().await;
    let pending = ["pending davit/ci/Tests (pull_request)", "pending davit/ci/Tests / unit (pull_request)"];
    assert_eq!(ci.statuses(&head), pending, "what the first one had to say at its end is not told");
    ci.app.engine().cancel_run(second.id, "ada").await.unwrap();
    ci.app.settle().await;
    assert!(ci.statuses(&head).iter().all(|status| status.starts_with("error ")));
    ci.finish().await;
}

async fn forks_wait_for_a_person(database: Database) {
    let ci = Ci::start_at(ForgeKind::Github, database, "[repository.secrets]\nTOKEN = { secret = \"token\" }\n").await;
    ci.app.engine().set_secret("token", &"hunter2-token".into(), "test").await.unwrap();
    let base = ci.commit("Base", ON_CHANGES, &[]);
    ci.repo.branch("topic");
    let own = ON_CHANGES.replace("- run: echo", "- run: echo own file; echo");
    let head = ci.commit("Topic", &own, &[]);
    ci.change("opened", &head, true).await;
    ci.app.settle().await;
    let run = ci.only_run().await;
    assert_eq!(run.state, RunState::AwaitingApproval);
    assert!(ci.jobs(run.id).await.is_empty(), "nothing of it is planned");
    assert_eq!(ci.statuses(&head), ["pending davit/ci/Tests (pull_request)"]);

    let engine = ci.app.engine();
    let other = engine.approve_run(run.id, &sha(&base), "rita").await.unwrap_err();
    assert!(other.to_string().contains("look at that commit first"), "{other}");
    let (status, body) = ci.app.post(&format!("/runs/{}/approve", run.id), json!({ "head_sha": head })).await;
    assert_eq!(status, 200, "{body}");
    ci.app.settle().await;
    let run = ci.only_run().await;
    assert_eq!((run.state, run.approved_by.is_some()), (RunState::Success, true), "{run:#?}");
    let said = ci.output_of(run.id, "unit").await;
    assert_eq!(said, ["own file", "pull_request opened 7 to main from topic token=***"]);
    let again = ci.app.engine().approve_run(run.id, &sha(&head), "rita").await.unwrap_err();
    assert!(again.to_string().contains("does not wait for approval"), "{again}");

    // The very same commit needs no second look; another one does.
    ci.replay().await;
    ci.app.settle().await;
    assert_eq!(ci.runs().await[1].state, RunState::Success, "{:#?}", ci.runs().await[1]);
    let said = ci.output_of(ci.runs().await[1].id, "unit").await;
    assert_eq!(said, ["own file", "pull_request opened 7 to main from topic token=***"]);
    let next = ci.commit("More", &own, &[]);
    ci.change("synchronize", &next, true).await;
    ci.app.settle().await;
    let newest = ci.runs().await.pop().unwrap();
    assert_eq!((newest.state, newest.head.as_str()), (RunState::AwaitingApproval, next.as_str()));
    ci.app.engine().cancel_run(newest.id, "rita").await.unwrap();
    ci.finish().await;
}

#[tokio::test]
async fn forks_wait_for_a_person_on_sqlite() {
    forks_wait_for_a_person(Database::Sqlite).await;
}

#[tokio::test]
async fn forks_wait_for_a_person_on_postgres() {
    forks_wait_for_a_person(Database::Postgres).await;
}

#[tokio::test]
async fn where_forks_are_never_tested_nothing_runs() {
    let ci = Ci::start("forks = \"never\"").await;
    ci.repo.branch("topic");
    let head = ci.commit("Topic", ON_CHANGES, &[]);
    ci.change("opened", &head, true).await;
    ci.app.settle().await;
    assert!(ci.runs().await.is_empty());
    ci.finish().await;
}

#[tokio::test]
async fn a_retry_of_a_change_speaks_for_the_same_commit() {
    let ci = Ci::start("").await;
    ci.repo.branch("topic");
    let head = ci.commit("Topic", &ON_CHANGES.replace("- run: echo", "- run: exit 1; echo"), &[]);
    ci.change("opened", &head, false).await;
    ci.app.settle().await;
    let run = ci.only_run().await;
    assert_eq!(run.state, RunState::Failure);
    ci.app.engine().retry_run(run.id, RetryWhat::All, "ada").await.unwrap();
    ci.app.settle().await;
    assert_eq!(ci.states(run.id).await, ["unit 1 failure", "unit 2 failure"]);
    assert_eq!(ci.only_run().await.attempt, 2);
    assert!(ci.statuses(&head).iter().all(|status| status.starts_with("failure ")));
    ci.finish().await;
}

#[tokio::test]
async fn a_change_without_workflows_ends_what_ran_for_it() {
    let ci = Ci::start("").await;
    ci.repo.branch("topic");
    let old = ci.commit("Old", WAITING, &[]);
    ci.change("opened", &old, false).await;
    let running = ci.wait_for_line("waiting").await;
    std::fs::remove_file(ci.repo.path().join(".davit/workflows/ci.yml")).unwrap();
    let new = ci.repo.commit("No workflows", &[("x", "y")]);
    ci.app.publish(&ci.repo, REPOSITORY);
    ci.change("synchronize", &new, false).await;
    ci.wait_for_state(running.run, RunState::Cancelled).await;
    ci.finish().await;
}

#[tokio::test]
async fn starting_a_workflow_is_no_way_around_the_approval_of_a_fork() {
    let ci = Ci::start("").await;
    let workflow = ON_CHANGES.replace("on: pull_request", "on: [pull_request, workflow_dispatch]");
    let base = ci.commit("Base", &workflow, &[]);
    ci.repo.branch("topic");
    let head = ci.commit("Topic", &workflow.replace("- run: echo", "- run: echo own file; echo"), &[]);
    // As a forge has what comes from a fork: no branch holds it.
    let forge = Repo::at(ci.app.path("forge/acme/shop.git"));
    forge.git(&["update-ref", "refs/pull/7/head", &head]);
    forge.git(&["update-ref", "-d", "refs/heads/topic"]);
    ci.change("opened", &head, true).await;
    ci.app.settle().await;
    assert_eq!(ci.only_run().await.state, RunState::AwaitingApproval);
    let id = ci.app.forge_id().parse().unwrap();
    let start = |reference: &str| {
        let reference = Some(reference.to_owned());
        let start = StartWorkflow { reference, workflow_file: "ci.yml".to_owned(), inputs: Vec::new() };
        ci.app.engine().start_workflow(&id, REPOSITORY, start, "dev")
    };
    for reference in [&head, &head[..12], "refs/pull/7/head"] {
        let refused = start(reference).await.unwrap_err();
        assert!(matches!(refused, EngineError::Invalid(_)), "{reference}: {refused}");
    }
    let refused = start(&head).await.unwrap_err().to_string();
    assert!(refused.contains("no branch or tag of the repository holds"), "{refused}");
    start(&base).await.unwrap();
    forge.git(&["tag", "v1", &head]);
    start(&head).await.unwrap();
    ci.app.settle().await;
    assert_eq!(ci.runs().await.len(), 3);
    ci.finish().await;
}

#[tokio::test]
async fn a_fork_that_renames_its_workflow_is_not_green_for_nothing() {
    let ci = Ci::start("").await;
    ci.commit("Base", ON_CHANGES, &[]);
    ci.repo.branch("topic");
    ci.repo.git(&["mv", ".davit/workflows/ci.yml", ".davit/workflows/moved.yml"]);
    let own = ON_CHANGES.replace("name: Tests", "name: Moved");
    let head = ci.repo.commit("Rename", &[(".davit/workflows/moved.yml", &own)]);
    ci.app.publish(&ci.repo, REPOSITORY);
    ci.change("opened", &head, true).await;
    ci.app.settle().await;
    let held = ci.only_run().await;
    assert_eq!((held.state, held.workflow_file.as_str()), (RunState::AwaitingApproval, ".davit/workflows/ci.yml"));
    ci.app.engine().approve_run(held.id, &sha(&head), "rita").await.unwrap();
    ci.app.settle().await;
    let [gone, moved] = &ci.runs().await[..] else { panic!("two runs") };
    assert_eq!(gone.state, RunState::Failure);
    assert_eq!(gone.reason.as_deref(), Some("the commit does not have this workflow"));
    assert_eq!((moved.state, moved.approved_by.as_deref()), (RunState::Success, Some("rita")), "{moved:#?}");
    let expected = [
        "failure davit/ci/Tests (pull_request)",
        "success davit/ci/Moved (pull_request)",
        "success davit/ci/Moved / unit (pull_request)",
    ];
    assert_eq!(ci.statuses(&head), expected);
    ci.finish().await;
}
