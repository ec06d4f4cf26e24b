//! What people and the clock do with runs, and what a stop of the server leaves of them.

use crate::ci_support::{Ci, REPOSITORY, job, sha};
use davit_domain::ci::{JobState, RunState, Trigger};
use davit_domain::config::ForgeKind;
use davit_engine::ci::{RetryWhat, StartWorkflow};
use davit_store::ci_runs::PlannedRun;
use davit_testkit::app::Database;
use std::time::Duration;

/// A job that says that it waits, and does.
fn waiting(on: &str) -> String {
    format!(
        "
name: Wait
on: {on}
jobs:
  unit:
    runs-on: linux
    steps:
      - run: echo waiting; sleep 600
      - if: always()
        run: echo tidied up
"
    )
}

async fn a_cancelled_run_ends_with_proof(database: Database) {
    let ci = Ci::start_at(ForgeKind::Github, database, "").await;
    let commit = ci.commit("Change", &waiting("push"), &[]);
    ci.push(&commit).await;
    let running = ci.wait_for_line("waiting").await;
    ci.app.engine().cancel_run(running.run, "ada").await.unwrap();
    ci.app.settle().await;
    let run = ci.only_run().await;
    assert_eq!((run.state, run.reason.as_deref()), (RunState::Cancelled, Some("cancelled by ada")));
    let job = job(&ci.jobs(run.id).await, "unit");
    assert_eq!(job.state, JobState::Cancelled);
    assert!(job.reason.as_deref().unwrap().starts_with("cancelled by ada"), "{job:?}");
    let log = ci.log(&job).await;
    assert!(log.contains("tidied up"), "what always runs did: {log}");
    assert!(log.contains("ended"), "the log has the proof: {log}");
    assert!(ci.statuses(&commit).iter().all(|status| status.starts_with("error ")));
    let again = ci.app.engine().cancel_run(run.id, "ada").await.unwrap_err();
    assert!(again.to_string().contains("has ended"), "{again}");
    ci.finish().await;
}

#[tokio::test]
async fn a_cancelled_run_ends_with_proof_on_sqlite() {
    a_cancelled_run_ends_with_proof(Database::Sqlite).await;
}

#[tokio::test]
async fn a_cancelled_run_ends_with_proof_on_postgres() {
    a_cancelled_run_ends_with_proof(Database::Postgres).await;
}

#[tokio::test]
async fn a_job_that_is_cancelled_leaves_the_others_alone() {
    let ci = Ci::start("").await;
    let two = "
on: push
jobs:
  slow: { runs-on: linux, steps: [{ run: echo waiting; sleep 600 }] }
  fast: { runs-on: linux, steps: [{ run: echo done }] }
  behind: { needs: slow, runs-on: linux, steps: [{ run: echo never }] }
";
    let commit = ci.commit("Change", two, &[]);
    ci.push(&commit).await;
    let slow = ci.wait_for_line("waiting").await;
    ci.app.engine().cancel_job(slow.id, "ada").await.unwrap();
    ci.app.settle().await;
    let mut states = ci.states(slow.run).await;
    states.sort();
    assert_eq!(states, ["behind 1 skipped", "fast 1 success", "slow 1 cancelled"]);
    assert_eq!(ci.only_run().await.state, RunState::Cancelled);
    ci.finish().await;
}

#[tokio::test]
async fn a_retry_runs_what_failed_and_keeps_what_was_said() {
    let ci = Ci::start("").await;
    let workflow = "
on: push
jobs:
  good: { runs-on: linux, steps: [{ run: echo good }] }
  bad: { runs-on: linux, steps: [{ run: 'echo bad ${{ github.run_attempt }}; [ ${{ github.run_attempt }} != 1 ]' }] }
  behind: { needs: bad, runs-on: linux, steps: [{ run: echo behind }] }
";
    let run = ci.run(workflow).await;
    assert_eq!(run.state, RunState::Failure);
    ci.app.engine().retry_run(run.id, RetryWhat::Failed, "ada").await.unwrap();
    ci.app.settle().await;
    let mut states = ci.states(run.id).await;
    states.sort();
    let expected = ["bad 1 failure", "bad 2 success", "behind 1 skipped", "behind 2 success", "good 1 success"];
    assert_eq!(states, expected);
    let run = ci.only_run().await;
    assert_eq!((run.state, run.attempt), (RunState::Success, 2));
    let jobs = ci.jobs(run.id).await;
    let old = jobs.iter().find(|job| job.name == "bad" && job.attempt == 1).unwrap();
    assert_eq!(ci.output(old).await, ["bad 1"]);
    assert_eq!(ci.output_of(run.id, "bad").await, ["bad 2"]);
    assert!(ci.statuses(run.head.as_str()).iter().all(|status| status.starts_with("success ")));

    let good = job(&jobs, "good").id;
    ci.app.engine().retry_run(run.id, RetryWhat::Job(good), "ada").await.unwrap();
    ci.app.settle().await;
    assert!(ci.states(run.id).await.contains(&"good 2 success".to_owned()));
    let nothing = ci.app.engine().retry_run(run.id, RetryWhat::Failed, "ada").await.unwrap_err();
    assert!(nothing.to_string().contains("no job of this run failed"), "{nothing}");
    ci.finish().await;
}

#[tokio::test]
async fn a_person_starts_a_workflow_with_what_they_enter() {
    let ci = Ci::start("").await;
    let workflow = "
name: Release
on:
  workflow_dispatch:
    inputs:
      what: { description: What to sell, required: true, type: choice, options: [tea, milk] }
      loud: { type: boolean, default: false }
jobs:
  a: { runs-on: linux, steps: [{ run: 'echo ${{ inputs.what }} ${{ inputs.loud }} by ${{ github.actor }} on ${{ github.ref }}' }] }
";
    ci.commit("Change", workflow, &[(".davit/workflows/wrong.yml", "on: push\nnonsense: 1\n")]);
    let engine = ci.app.engine();
    let forge = ci.app.forge_id().parse().unwrap();
    let infos = engine.workflows(&forge, "Acme/Shop", None).await.unwrap();
    let [release, wrong] = &infos[..] else { panic!("{infos:#?}") };
    assert_eq!((release.name.as_str(), release.can_start, release.inputs.len()), ("Release", true, 2));
    assert_eq!(release.inputs[0].options, ["tea", "milk"]);
    assert!(!wrong.can_start && wrong.errors.iter().any(|error| error.contains("wrong.yml:2:1")), "{wrong:?}");

    let start = |inputs: &[(&str, &str)]| StartWorkflow {
        reference: Some("main".to_owned()),
        workflow_file: "ci.yml".to_owned(),
        inputs: inputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    };
    for (inputs, complaint) in [
        (&[][..], "the input `what` is required"),
        (&[("what", "wine")], "must be one of `tea` and `milk`"),
        (&[("what", "tea"), ("loud", "very")], "must be `true` or `false`"),
        (&[("what", "tea"), ("colour", "red")], "is none of the workflow"),
    ] {
        let refused = engine.start_workflow(&forge, REPOSITORY, start(inputs), "ada").await.unwrap_err();
        assert!(refused.to_string().contains(complaint), "{refused}");
    }
    let id = engine.start_workflow(&forge, REPOSITORY, start(&[("what", "tea")]), "ada").await.unwrap();
    ci.app.settle().await;
    let run = ci.only_run().await;
    assert_eq!((run.id, run.state, run.trigger, run.by.as_str()), (id, RunState::Success, Trigger::Manual, "ada"));
    assert_eq!(ci.output_of(id, "a").await, ["tea false by ada on refs/heads/main"]);
    ci.finish().await;
}

async fn a_schedule_runs_once_when_it_is_due(database: Database) {
    let ci = Ci::start_at(ForgeKind::Github, database, "").await;
    let workflow = "
on:
  schedule:
    - cron: '30 5 * * *'
jobs:
  a: { runs-on: linux, steps: [{ run: 'echo ${{ github.event.schedule }} on ${{ github.ref_name }}' }] }
";
    let commit = ci.commit("Change", workflow, &[]);
    ci.push(&commit).await;
    ci.app.settle().await;
    assert!(ci.runs().await.is_empty(), "a push is no reason");
    // Three days pass while nobody is there to see them.
    ci.app.advance(Duration::from_secs(3 * 24 * 3600));
    let made = async || (!ci.runs().await.is_empty()).then_some(());
    ci.app.until("a run", made).await;
    ci.app.settle().await;
    let run = ci.only_run().await;
    assert_eq!((run.state, run.trigger), (RunState::Success, Trigger::Schedule), "{run:#?}");
    assert_eq!(ci.output_of(run.id, "a").await, ["30 5 * * * on main"]);
    let gone = ci.commit("Gone", "on: push\njobs: { a: { runs-on: linux, steps: [{ run: 'true' }] } }\n", &[]);
    ci.push(&gone).await;
    ci.app.settle().await;
    let left = ci.app.engine().store().schedules(&ci.app.forge_id().parse().unwrap(), REPOSITORY).await.unwrap();
    assert!(left.is_empty(), "{left:?}");
    ci.finish().await;
}

#[tokio::test]
async fn a_schedule_runs_once_when_it_is_due_on_sqlite() {
    a_schedule_runs_once_when_it_is_due(Database::Sqlite).await;
}

#[tokio::test]
async fn a_schedule_runs_once_when_it_is_due_on_postgres() {
    a_schedule_runs_once_when_it_is_due(Database::Postgres).await;
}

#[tokio::test]
async fn of_a_concurrency_group_one_runs_and_the_newest_waits() {
    let ci = Ci::start("").await;
    let workflow = |text: &str| {
        format!(
            "
on: push
concurrency: deploy
jobs:
  a: {{ runs-on: linux, steps: [{{ run: '{text}' }}] }}
"
        )
    };
    let mut commits = Vec::new();
    for text in ["echo waiting; sleep 600", "echo second", "echo third"] {
        let commit = ci.commit(text, &workflow(text), &[]);
        ci.push(&commit).await;
        commits.push(commit);
        if commits.len() == 1 {
            ci.wait_for_line("waiting").await;
        } else {
            let made = async || (ci.runs().await.len() == commits.len()).then_some(());
            ci.app.until("a run", made).await;
        }
    }
    let second_ended = async || (ci.runs().await[1].state == RunState::Cancelled).then_some(());
    ci.app.until("the second to give way", second_ended).await;
    let runs = ci.runs().await;
    assert_eq!((runs[0].state, runs[2].state), (RunState::Running, RunState::Queued));
    assert!(runs[2].reason.as_deref().unwrap().contains("waits for run 1"), "{:?}", runs[2]);
    ci.app.engine().cancel_run(runs[0].id, "ada").await.unwrap();
    ci.app.settle().await;
    let runs = ci.runs().await;
    assert_eq!((runs[2].state, runs[1].superseded_by), (RunState::Success, Some(runs[2].id)));
    assert_eq!(ci.output_of(runs[2].id, "a").await, ["third"]);
    ci.finish().await;
}

#[tokio::test]
async fn cancel_in_progress_ends_who_runs() {
    let ci = Ci::start("").await;
    let workflow = |text: &str| {
        format!(
            "
on: push
jobs:
  a:
    runs-on: linux
    concurrency: {{ group: one, cancel-in-progress: true }}
    steps: [{{ run: '{text}' }}]
"
        )
    };
    let first = ci.commit("First", &workflow("echo waiting; sleep 600"), &[]);
    ci.push(&first).await;
    ci.wait_for_line("waiting").await;
    let second = ci.commit("Second", &workflow("echo second"), &[]);
    ci.push(&second).await;
    let both = async || ci.runs().await.iter().filter(|run| run.state.is_final()).count() == 2;
    ci.app.until("both to end", async || both().await.then_some(())).await;
    ci.app.settle().await;
    let runs = ci.runs().await;
    assert_eq!((runs[0].state, runs[1].state), (RunState::Cancelled, RunState::Success), "{runs:#?}");
    ci.finish().await;
}

#[tokio::test]
async fn a_matrix_runs_so_many_at_once_and_ends_with_the_first_failure() {
    let ci = Ci::start("").await;
    let workflow = "
on: push
jobs:
  each:
    runs-on: linux
    strategy:
      max-parallel: 1
      matrix: { n: [1, 2, 3] }
    steps: [{ run: 'echo ${{ matrix.n }}; [ ${{ matrix.n }} != 2 ]' }]
";
    let run = ci.run(workflow).await;
    assert_eq!(ci.states(run.id).await, ["each (1) 1 success", "each (2) 1 failure", "each (3) 1 cancelled"]);
    assert_eq!(run.state, RunState::Failure);
    ci.finish().await;
}

async fn a_job_goes_on_as_a_new_attempt_after_a_restart(database: Database) {
    let mut ci = Ci::start_at(ForgeKind::Github, database, "").await;
    let flag = "
on: push
jobs:
  a:
    runs-on: linux
    steps: [{ run: 'echo attempt; [ ! -e /nowhere ] && sleep ${{ vars.SECONDS }}' }]
";
    ci.configure("variables = '''\nSECONDS=600\n'''").await;
    let commit = ci.commit("Change", flag, &[]);
    ci.push(&commit).await;
    let first = ci.wait_for_line("attempt").await;
    ci.configure("variables = '''\nSECONDS=0\n'''").await;
    ci.app.restart().await;
    ci.app.settle().await;
    assert_eq!(ci.states(first.run).await, ["a 1 error", "a 2 success"]);
    let jobs = ci.jobs(first.run).await;
    assert!(jobs[0].reason.as_deref().unwrap().starts_with("the server stopped while this ran"), "{:?}", jobs[0]);
    assert_eq!(ci.output(&jobs[0]).await.first().map(String::as_str), Some("attempt"));
    assert_eq!(ci.only_run().await.state, RunState::Success);
    assert!(ci.statuses(&commit).iter().all(|status| status.starts_with("success ")));
    ci.finish().await;
}

#[tokio::test]
async fn a_job_goes_on_as_a_new_attempt_after_a_restart_on_sqlite() {
    a_job_goes_on_as_a_new_attempt_after_a_restart(Database::Sqlite).await;
}

#[tokio::test]
async fn a_job_goes_on_as_a_new_attempt_after_a_restart_on_postgres() {
    a_job_goes_on_as_a_new_attempt_after_a_restart(Database::Postgres).await;
}

#[tokio::test]
async fn a_job_that_no_server_survives_is_left_to_a_person() {
    let mut ci = Ci::start("").await;
    let commit = ci.commit("Change", &waiting("push"), &[]);
    ci.push(&commit).await;
    for _ in 0..3 {
        ci.wait_for_line("waiting").await;
        ci.app.restart().await;
    }
    ci.app.settle().await;
    let run = ci.only_run().await;
    assert_eq!(ci.states(run.id).await, ["unit 1 error", "unit 2 error", "unit 3 error"]);
    assert_eq!(run.state, RunState::Error);
    assert!(ci.statuses(&commit).iter().all(|status| status.starts_with("error ")));
    ci.finish().await;
}

#[tokio::test]
async fn a_repository_that_is_declared_no_more_leaves_nothing_running() {
    let ci = Ci::start("").await;
    let commit = ci.commit("Change", &waiting("push"), &[]);
    ci.push(&commit).await;
    let running = ci.wait_for_line("waiting").await;
    let document = ci.app.forge_table();
    let apply = davit_engine::apply::Apply { document, values: Default::default(), prune: true, dry_run: false };
    ci.app.engine().apply(apply, "test").await.unwrap();
    ci.wait_for_state(running.run, RunState::Error).await;
    ci.app.settle().await;
    assert!(ci.statuses(&commit).iter().all(|status| status.starts_with("error ")), "{:?}", ci.statuses(&commit));
    let ended = ci.run_now(running.run).await;
    assert!(ended.reason.as_deref().unwrap().contains("not in the configuration"), "{ended:?}");
    assert_eq!(sha(&commit), ended.head);
    ci.finish().await;
}

#[tokio::test]
async fn a_run_whose_plan_can_not_be_read_ends_with_that() {
    let ci = Ci::start("").await;
    let commit = ci.commit("Change", &waiting("push"), &[]);
    ci.push(&commit).await;
    let running = ci.wait_for_line("waiting").await;
    let mut tx = ci.app.engine().store().begin().await.unwrap();
    let plan = serde_json::json!({ "of": "another version" });
    let planned = PlannedRun { workflow: "Wait", title: "Change", group: None, cancel_in_progress: false, plan: &plan };
    tx.set_run_plan(running.run, &planned).await.unwrap();
    tx.commit().await.unwrap();
    ci.app.engine().cancel_run(running.run, "ada").await.unwrap();
    ci.wait_for_state(running.run, RunState::Error).await;
    ci.app.settle().await;
    assert_eq!(ci.states(running.run).await, ["unit 1 error"]);
    assert!(ci.statuses(&commit).iter().all(|status| status.starts_with("error ")), "{:?}", ci.statuses(&commit));
    ci.finish().await;
}
