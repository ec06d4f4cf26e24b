//! A push runs the workflows of its commit.

use crate::ci_support::{Ci, REPOSITORY};
use davit_domain::ci::RunState;

const HELLO: &str = "
name: Tests
on: push
jobs:
  unit:
    runs-on: ubuntu-latest
    steps:
      - run: echo hello from ${{ github.ref_name }} of ${{ github.repository }}
";

#[tokio::test]
async fn a_push_runs_a_job_and_the_forge_hears_of_it() {
    let ci = Ci::start("").await;
    let run = ci.run(HELLO).await;
    assert_eq!((run.state, run.reason.as_deref()), (RunState::Success, None), "{:#?}", ci.jobs(run.id).await);
    assert_eq!((run.workflow.as_str(), run.title.as_str(), run.by.as_str()), ("Tests", "message", "octocat"));
    assert_eq!(ci.output_of(run.id, "unit").await, ["hello from main of acme/shop"]);
    let expected = ["success davit/ci/Tests (push)", "success davit/ci/Tests / unit (push)"];
    assert_eq!(ci.statuses(run.head.as_str()), expected);
    let told = ci.app.forge.statuses(REPOSITORY, &run.head);
    assert_eq!(told.first().map(|status| status.state.as_str()), Some("pending"), "{told:?}");
    ci.finish().await;
}
