//! A push runs the workflows of its commit.

use crate::ci_support::{Ci, REPOSITORY, job, sha};
use davit_domain::ci::{JobState, RunState, StepState};
use davit_domain::config::ForgeKind;
use davit_domain::ids::ForgeId;
use davit_domain::status::CommitState;
use davit_testkit::app::Database;
use std::time::Duration;

const HELLO: &str = "
name: Tests
on: push
jobs:
  unit:
    runs-on: ubuntu-latest
    steps:
      - run: echo hello from ${{ github.ref_name }} of ${{ github.repository }}
";

async fn a_push_runs_a_job(kind: ForgeKind, database: Database) {
    let ci = Ci::start_at(kind, database, "").await;
    let run = ci.run(HELLO).await;
    assert_eq!((run.state, run.reason.as_deref()), (RunState::Success, None), "{:#?}", ci.jobs(run.id).await);
    assert_eq!((run.workflow.as_str(), run.title.as_str(), run.by.as_str()), ("Tests", "message", "octocat"));
    assert_eq!(ci.output_of(run.id, "unit").await, ["hello from main of acme/shop"]);
    let expected = ["success davit/ci/Tests (push)", "success davit/ci/Tests / unit (push)"];
    assert_eq!(ci.statuses(run.head.as_str()), expected);
    let told = ci.app.forge.statuses(REPOSITORY, &run.head);
    let first = told.iter().find(|status| status.context == "davit/ci/Tests (push)").unwrap();
    assert!(first.target_url.ends_with(&format!("/runs/{}", run.id)), "{first:?}");
    let steps = ci.app.engine().store().steps(ci.jobs(run.id).await[0].id).await.unwrap();
    assert!(steps.iter().all(|step| step.state == StepState::Success && step.ended_at.is_some()), "{steps:#?}");
    ci.finish().await;
}

#[tokio::test]
async fn a_push_runs_a_job_and_github_hears_of_it() {
    a_push_runs_a_job(ForgeKind::Github, Database::Sqlite).await;
}

#[tokio::test]
async fn a_push_runs_a_job_and_gitlab_hears_of_it() {
    a_push_runs_a_job(ForgeKind::Gitlab, Database::Postgres).await;
}

#[tokio::test]
async fn a_push_runs_a_job_and_gitea_hears_of_it() {
    a_push_runs_a_job(ForgeKind::Gitea, Database::Sqlite).await;
}

#[tokio::test]
async fn a_push_runs_a_job_and_gitee_hears_of_it() {
    a_push_runs_a_job(ForgeKind::Gitee, Database::Postgres).await;
}

#[tokio::test]
async fn one_push_runs_once_however_often_it_is_told() {
    let ci = Ci::start("").await;
    let commit = ci.commit("Change", HELLO, &[]);
    let delivery = ci.push_of("refs/heads/main", None, &commit, "message");
    for _ in 0..3 {
        ci.app.deliver(&delivery).await;
    }
    ci.app.settle().await;
    ci.push(&commit).await;
    ci.app.settle().await;
    let run = ci.only_run().await;
    assert_eq!(ci.jobs(run.id).await.len(), 1);
    let verdicts = ci.app.get("/deliveries").await;
    let reasons: Vec<&str> =
        verdicts["items"].as_array().unwrap().iter().map(|d| d["reason"].as_str().unwrap()).collect();
    assert!(reasons.iter().any(|reason| reason.contains("CI: looks which workflows run on")), "{reasons:?}");
    ci.finish().await;
}

#[tokio::test]
async fn what_does_not_apply_leaves_nothing_behind() {
    let ci = Ci::start("").await;
    let filtered = "
on:
  push:
    branches: [main]
    paths: [src/**]
jobs: { a: { runs-on: linux, steps: [{ run: 'true' }] } }
";
    let first = ci.commit("Skip this [skip ci]", HELLO, &[]);
    ci.push(&first).await;
    let second = ci.commit("Docs", filtered, &[("docs/a.md", "x")]);
    ci.app.deliver(&ci.push_of("refs/heads/main", Some(&first), &second, "Docs")).await;
    let third = ci.commit("Sources", filtered, &[("src/a.rs", "x")]);
    ci.app.deliver(&ci.push_of("refs/heads/other", None, &third, "Sources")).await;
    ci.app.settle().await;
    assert!(ci.runs().await.is_empty(), "{:#?}", ci.runs().await);
    ci.app.deliver(&ci.push_of("refs/heads/main", Some(&second), &third, "Sources")).await;
    ci.app.settle().await;
    assert_eq!(ci.only_run().await.head.as_str(), third);
    ci.finish().await;
}

#[tokio::test]
async fn a_file_with_mistakes_is_a_failed_run_that_says_where() {
    let ci = Ci::start("").await;
    let run = ci.run("on: push\njobs:\n  a:\n    runs-on: linux\n    stepz: []\n").await;
    assert_eq!(run.state, RunState::Failure);
    let annotations = ci.app.engine().store().annotations(run.id).await.unwrap();
    let places: Vec<_> = annotations.iter().map(|a| (a.annotation.file.as_deref(), a.annotation.line)).collect();
    assert!(places.contains(&(Some(".davit/workflows/ci.yml"), Some(5))), "{annotations:#?}");
    assert_eq!(ci.statuses(run.head.as_str()), ["failure davit/ci/.davit/workflows/ci.yml (push)"]);
    ci.finish().await;
}

#[tokio::test]
async fn jobs_run_behind_those_they_need_with_their_outputs() {
    let ci = Ci::start("").await;
    let run = ci
        .run(
            "
on: push
jobs:
  first:
    runs-on: linux
    outputs:
      list: ${{ steps.make.outputs.list }}
    steps:
      - id: make
        run: echo 'list=[\"tea\",\"milk\"]' >> \"$GITHUB_OUTPUT\"
  each:
    needs: first
    runs-on: linux
    strategy:
      matrix:
        thing: ${{ fromJSON(needs.first.outputs.list) }}
    steps:
      - run: echo ${{ matrix.thing }}
  broken:
    needs: first
    runs-on: linux
    steps:
      - run: exit 3
  behind:
    needs: broken
    runs-on: linux
    steps:
      - run: echo never
  last:
    needs: [each, broken]
    if: always()
    runs-on: linux
    steps:
      - run: echo ${{ needs.each.result }} ${{ needs.broken.result }}
",
        )
        .await;
    let mut states = ci.states(run.id).await;
    states.sort();
    let expected = [
        "behind 1 skipped",
        "broken 1 failure",
        "each (milk) 1 success",
        "each (tea) 1 success",
        "first 1 success",
        "last 1 success",
    ];
    assert_eq!(states, expected);
    assert_eq!((run.state, ci.output_of(run.id, "each (milk)").await), (RunState::Failure, vec!["milk".to_owned()]));
    assert_eq!(ci.output_of(run.id, "last").await, ["success failure"]);
    assert!(run.reason.as_deref().unwrap().starts_with("broken"), "{run:?}");
    let statuses = ci.statuses(run.head.as_str());
    assert!(statuses.contains(&"failure davit/ci/.davit/workflows/ci.yml / broken (push)".to_owned()), "{statuses:?}");
    assert!(statuses.contains(&"success davit/ci/.davit/workflows/ci.yml / behind (push)".to_owned()), "{statuses:?}");
    assert!(statuses.iter().all(|status| !status.starts_with("pending")), "{statuses:?}");
    ci.finish().await;
}

#[tokio::test]
async fn annotations_and_summaries_are_kept() {
    let ci = Ci::start("").await;
    let workflow = "
on: push
jobs:
  lint:
    runs-on: linux
    steps:
      - run: |
          echo '::warning file=src/a.rs,line=3,title=Style::too long'
          echo '# Result' >> \"$GITHUB_STEP_SUMMARY\"
";
    let run = ci.run(workflow).await;
    let annotations = ci.app.engine().store().annotations(run.id).await.unwrap();
    let [found] = &annotations[..] else { panic!("{annotations:#?}") };
    assert_eq!((found.annotation.line, found.annotation.message.as_str()), (Some(3), "too long"));
    let job = job(&ci.jobs(run.id).await, "lint");
    assert_eq!(found.job, Some(job.id));
    let steps = ci.app.engine().store().steps(job.id).await.unwrap();
    assert!(
        steps.iter().any(|step| step.summary.as_deref().is_some_and(|text| text.contains("# Result"))),
        "{steps:#?}"
    );
    ci.finish().await;
}

#[tokio::test]
async fn a_checkout_artefacts_and_a_cache_go_from_job_to_job() {
    let ci = Ci::start("").await;
    let workflow = "
on: push
jobs:
  build:
    runs-on: linux
    steps:
      - uses: actions/checkout@v4
      - id: cache
        uses: actions/cache@v4
        with: { path: kept, key: deps-1 }
      - run: |
          echo hit=${{ steps.cache.outputs.cache-hit }}
          git log -1 --format=%s
          mkdir -p kept && echo milk > kept/list
          echo tea > out.txt
      - uses: actions/upload-artifact@v4
        with: { name: result, path: out.txt }
  use:
    needs: build
    runs-on: linux
    steps:
      - uses: actions/download-artifact@v4
        with: { name: result }
      - run: cat out.txt
";
    let first = ci.run(workflow).await;
    assert_eq!(first.state, RunState::Success, "{:#?}\n{}", first, ci.logs(first.id).await);
    assert_eq!(ci.output_of(first.id, "use").await, ["tea"]);
    let said = ci.output_of(first.id, "build").await;
    assert!(said.contains(&"hit=false".to_owned()) || said.contains(&"hit=".to_owned()), "{said:?}");
    assert!(said.contains(&"Change".to_owned()), "{said:?}");
    let again = ci.commit("Again", workflow, &[]);
    ci.push(&again).await;
    ci.app.settle().await;
    let second = ci.runs().await.pop().unwrap();
    assert!(ci.output_of(second.id, "build").await.contains(&"hit=true".to_owned()));
    ci.finish().await;
}

#[tokio::test]
async fn a_job_for_a_machine_that_is_not_there_fails_and_says_so() {
    let ci = Ci::start("").await;
    let run = ci.run("on: push\njobs: { a: { runs-on: windows-latest, steps: [{ run: 'true' }] } }\n").await;
    assert_eq!(run.state, RunState::Failure);
    let job = job(&ci.jobs(run.id).await, "a");
    assert_eq!(job.state, JobState::Failure);
    assert!(job.reason.as_deref().unwrap().contains("windows-latest"), "{job:?}");
    ci.finish().await;
}

#[tokio::test]
async fn a_job_that_takes_too_long_is_ended() {
    let ci = Ci::start("timeout = \"1s\"").await;
    let run = ci.run("on: push\njobs: { a: { runs-on: linux, steps: [{ run: sleep 600 }] } }\n").await;
    assert_eq!(run.state, RunState::TimedOut, "{run:#?}");
    assert!(ci.statuses(run.head.as_str()).iter().all(|status| status.starts_with("failure")));
    ci.finish().await;
}

#[tokio::test]
async fn secrets_and_variables_are_those_of_repository_and_environment_and_are_masked() {
    let ci = Ci::start("").await;
    for (name, value) in [("npm", "hunter2-repo"), ("npm-prod", "hunter2-prod")] {
        ci.app.engine().set_secret(name, &value.into(), "test").await.unwrap();
    }
    let settings = "
variables = '''
PLACE=everywhere
'''
[repository.secrets]
NPM_TOKEN = { secret = \"npm\" }
MISSING = { secret = \"nobody-set-it\" }
[repository.environments.production]
variables = '''
PLACE=production
'''
[repository.environments.production.secrets]
NPM_TOKEN = { secret = \"npm-prod\" }
";
    ci.configure(settings).await;
    let run = ci
        .run(
            "
on: push
jobs:
  plain:
    runs-on: linux
    steps:
      - run: echo ${{ vars.PLACE }} $T; printf %s \"$T\" | wc -c
        env: { T: '${{ secrets.NPM_TOKEN }}' }
  release:
    runs-on: linux
    environment: production
    steps:
      - run: echo ${{ vars.PLACE }} $T ; [ \"$T\" = hunter2-prod ] && echo right
        env: { T: '${{ secrets.NPM_TOKEN }}' }
",
        )
        .await;
    assert_eq!(ci.output_of(run.id, "plain").await, ["everywhere ***", "12"], "{}", ci.logs(run.id).await);
    assert_eq!(ci.output_of(run.id, "release").await, ["production ***", "right"]);
    let log = ci.logs(run.id).await;
    assert!(!log.contains("hunter2") && log.contains("The secret MISSING has no value"), "{log}");
    ci.finish().await;
}

#[tokio::test]
async fn a_forge_that_takes_no_calls_is_told_nothing() {
    let ci = Ci::start("").await;
    let forge = ci.app.forge_table().replace("token = { env = \"TEST_TOKEN\" }\n", "");
    let document = format!("{forge}[[repository]]\nforge = \"github\"\nname = {REPOSITORY:?}\n");
    let values = [("env:TEST_SECRET".to_owned(), ci.app.forge.webhook_secret().into())].into();
    let apply = davit_engine::apply::Apply { document, values, prune: false, dry_run: false };
    ci.app.engine().apply(apply, "test").await.unwrap();
    let run = ci.run(HELLO).await;
    assert_eq!(run.state, RunState::Success, "{}", ci.logs(run.id).await);
    assert!(ci.statuses(run.head.as_str()).is_empty());
    let calls = ci.app.get("/outbox").await;
    assert_eq!(calls["items"].as_array().map(Vec::len), Some(0), "{calls}");
    let checks = ci.app.engine().store().checks(&run.forge, REPOSITORY, &run.head).await.unwrap();
    assert_eq!(checks.len(), 2, "gates see them all the same: {checks:?}");
    ci.finish().await;
}

#[tokio::test]
async fn of_two_of_one_name_none_hides_the_other() {
    let ci = Ci::start("").await;
    let red = "
name: Tests
on: push
jobs:
  one: { name: Unit, runs-on: linux, steps: [{ run: exit 1 }] }
  two: { name: unit, runs-on: linux, steps: [{ run: 'true' }] }
";
    let green = "name: tests\non: push\njobs: { a: { runs-on: linux, steps: [{ run: 'true' }] } }\n";
    let commit = ci.commit("Change", red, &[(".davit/workflows/more.yml", green)]);
    ci.push(&commit).await;
    ci.app.settle().await;
    let expected = [
        "failure davit/ci/Tests (ci.yml) (push)",
        "failure davit/ci/Tests (ci.yml) / Unit (one) (push)",
        "success davit/ci/Tests (ci.yml) / unit (two) (push)",
        "success davit/ci/tests (more.yml) (push)",
        "success davit/ci/tests (more.yml) / a (push)",
    ];
    assert_eq!(ci.statuses(&commit), expected);
    ci.finish().await;
}

#[tokio::test]
async fn a_commit_whose_workflows_can_not_be_looked_for_is_not_green() {
    let ci = Ci::start("").await;
    let workflow = "name: Tests\non: push\njobs: { a: { runs-on: linux, steps: [{ run: 'true' }] } }\n";
    // The forge tells of a commit that it does not hand out.
    let commit = ci.repo.commit("Change", &[(".davit/workflows/ci.yml", workflow)]);
    ci.push(&commit).await;
    let engine = ci.app.engine();
    let forge: ForgeId = ci.app.forge_id().parse().unwrap();
    let checks = async || engine.store().checks(&forge, REPOSITORY, &sha(&commit)).await.unwrap();
    let given_up = async || {
        ci.app.advance_between_jobs(Duration::from_secs(400)).await;
        checks().await.pop()
    };
    let check = ci.app.until("planning is given up", given_up).await;
    assert_eq!((check.name.as_str(), check.state), ("davit/ci/planning", CommitState::Error));
    assert!(ci.runs().await.is_empty());
    ci.finish().await;
}
