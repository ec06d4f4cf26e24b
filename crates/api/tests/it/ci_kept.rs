//! What runs leave: who gets which cache, and artefacts until their time is over.

use crate::ci_support::{Ci, sha};
use davit_domain::access::Role;
use davit_domain::ci::RunState;
use davit_domain::config::ForgeKind;
use davit_domain::ids::RunId;
use davit_engine::ci::RetryWhat;
use davit_testkit::app::Database;
use std::time::Duration;

const CACHED: &str = "
on: [push, pull_request]
jobs:
  build:
    runs-on: linux
    steps:
      - uses: actions/cache@v4
        with: { path: kept, key: 'deps-${{ github.sha }}', restore-keys: deps- }
      - run: |
          cat kept/who 2>/dev/null || echo nobody
          mkdir -p kept && echo ${{ github.event_name }} > kept/who
";

/// What the newest run found in its cache.
async fn found(ci: &Ci) -> String {
    ci.app.settle().await;
    let run = ci.runs().await.pop().expect("a run");
    assert_eq!(run.state, RunState::Success, "{}", ci.logs(run.id).await);
    ci.output_of(run.id, "build").await.remove(0)
}

#[tokio::test]
async fn what_a_fork_caches_reaches_nobody_else() {
    let ci = Ci::start_at(ForgeKind::Gitea, Database::Sqlite, "").await;
    let first = ci.commit("First", CACHED, &[]);
    ci.push(&first).await;
    assert_eq!(found(&ci).await, "nobody");
    ci.repo.branch("topic");
    let head = ci.commit("Topic", CACHED, &[("a.txt", "a")]);
    ci.change("opened", &head, true).await;
    ci.app.settle().await;
    let run = ci.runs().await.pop().expect("a run");
    assert_eq!(run.state, RunState::AwaitingApproval);
    ci.app.engine().approve_run(run.id, &sha(&head), "reviewer").await.expect("is approved");
    assert_eq!(found(&ci).await, "push", "a change reads what its base branch kept");
    let caches = ci.app.get("/caches?forge=gitea&repository=acme/shop").await;
    let refs: Vec<&str> = caches["items"].as_array().unwrap().iter().map(|c| c["git_ref"].as_str().unwrap()).collect();
    assert_eq!(refs, ["refs/pull/7/head", "refs/heads/main"]);
    let second = ci.commit("Second", CACHED, &[("b.txt", "b")]);
    ci.app.deliver(&ci.push_of("refs/heads/main", Some(&first), &second, "Second")).await;
    assert_eq!(found(&ci).await, "push", "what a change kept is not seen by its base branch");
    let other = ci.commit("Other", CACHED, &[("c.txt", "c")]);
    ci.app.deliver(&ci.push_of("refs/heads/other", None, &other, "Other")).await;
    assert_eq!(found(&ci).await, "push", "nor by another branch, which reads the default branch's");
    ci.finish().await;
}

/// The only artefact of a run, unpacked by hand; and the status of asking for it.
async fn download(ci: &Ci, run: RunId) -> (u16, Vec<u8>) {
    let [artifact] = &ci.app.engine().store().artifacts(run).await.unwrap()[..] else { panic!("one artefact") };
    let url = format!("{}/api/v1/artifacts/{}", ci.app.url(), artifact.id);
    let response = ci.app.http().get(url).bearer_auth(ci.app.token(Role::Viewer)).send().await.unwrap();
    (response.status().as_u16(), response.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn an_artefact_is_there_until_its_time_is_over() {
    let ci = Ci::start("").await;
    let workflow = "
on: push
jobs:
  build:
    runs-on: linux
    steps:
      - run: echo tea > out.txt
      - uses: actions/upload-artifact@v4
        with: { name: result, path: out.txt, retention-days: 3 }
";
    let run = ci.run(workflow).await;
    assert_eq!(run.state, RunState::Success, "{}", ci.logs(run.id).await);
    let (status, body) = download(&ci, run.id).await;
    assert_eq!((status, &body[..2]), (200, &[0x1f, 0x8b][..]), "it is a .tar.gz");
    ci.app.advance(Duration::from_secs(3 * 24 * 3600));
    assert_eq!(download(&ci, run.id).await.0, 404);
    ci.finish().await;
}

#[tokio::test]
async fn another_attempt_leaves_its_artefact_in_the_place_of_the_first() {
    let ci = Ci::start("").await;
    let workflow = "
on: push
jobs:
  build:
    runs-on: linux
    steps:
      - run: echo attempt ${{ github.run_attempt }} > out.txt
      - uses: actions/upload-artifact@v4
        with: { name: result, path: out.txt }
      - run: test ${{ github.run_attempt }} = 2
  use:
    needs: build
    runs-on: linux
    steps:
      - uses: actions/download-artifact@v4
        with: { name: result }
      - run: cat out.txt
";
    let run = ci.run(workflow).await;
    assert_eq!(run.state, RunState::Failure);
    let before = ci.app.engine().store().artifacts(run.id).await.unwrap();
    ci.app.engine().retry_run(run.id, RetryWhat::Failed, "developer").await.expect("is retried");
    ci.app.settle().await;
    assert_eq!(ci.run_now(run.id).await.state, RunState::Success, "{}", ci.logs(run.id).await);
    assert_eq!(ci.output_of(run.id, "use").await, ["attempt 2"]);
    let after = ci.app.engine().store().artifacts(run.id).await.unwrap();
    assert_eq!((before.len(), after.len()), (1, 1));
    assert_ne!((&before[0].path, before[0].job), (&after[0].path, after[0].job));
    ci.finish().await;
}
