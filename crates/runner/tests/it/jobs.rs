//! Jobs in a real sandbox: environment, shells, conditions, time, masks.

use crate::job_support::{World, job, planned, run, spec, steps, workflow};
use davit_domain::ci::{AnnotationLevel, JobState, StepState};
use davit_domain::log::Stream;
use davit_runner::{Executor, JobEvent};
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn scripts_see_their_environment() {
    let text = "
on: push
env: {A: workflow, B: workflow, C: workflow, GITHUB_SHA: mine}
jobs:
  build:
    runs-on: linux
    env: {B: job, C: job, D: '${{ vars.COLOR }}'}
    steps:
      - run: echo \"$A $B $C $D $E\"
        env: {C: step, E: '${{ env.C }}'}
      - run: echo \"$A $B $C $D\"
      - run: |
          echo \"$CI $GITHUB_ACTIONS $GITHUB_REPOSITORY $GITHUB_REF_NAME $GITHUB_JOB $RUNNER_OS\"
          echo \"$GITHUB_SHA\"
          grep -c head_commit \"$GITHUB_EVENT_PATH\"
          test \"$PWD\" = \"$GITHUB_WORKSPACE\" && test -d \"$RUNNER_TEMP\" && test -w \"$HOME\"
          env | grep -c PWNED || true
";
    let did = workflow(&World::new(), text).await;
    assert_eq!(did.outcome.state, JobState::Success, "{}", did.text());
    assert_eq!(did.said(1), ["workflow job step blue job"], "{}", did.text());
    assert_eq!(did.said(2), ["workflow job job blue"]);
    let expected = ["true true acme/shop main build Linux", "0123456789012345678901234567890123456789", "1", "0"];
    assert_eq!(did.said(3), expected);
    assert_eq!(did.states(), [StepState::Success; 5]);
}

#[tokio::test]
async fn every_shell_runs_as_github_runs_it() {
    let did = steps(
        &World::new(),
        "      - run: echo ${BASH_VERSION:+bash} $-; false | true
      - run: false | true; echo not reached
        shell: bash
        continue-on-error: true
      - run: echo ${BASH_VERSION:-sh}; false; echo not reached
        shell: sh
        continue-on-error: true
      - run: |
          import sys
          print('python', sys.version_info.major)
        shell: python
      - run: print 'perl ', 1 + 1
        shell: perl -w {0}
      - run: true
        shell: nothing {0}
        continue-on-error: true
      - run: pwd; echo written > here
        working-directory: sub
        continue-on-error: true
      - run: mkdir sub
      - run: pwd
        working-directory: ./sub/
",
    )
    .await;
    assert_eq!(did.outcome.state, JobState::Success, "{}", did.text());
    assert!(did.said(1)[0].starts_with("bash ") && did.said(1)[0].contains('e'), "{:?}", did.said(1));
    assert_eq!(did.said(2), [""; 0]);
    assert_eq!(did.said(3), ["sh"]);
    assert_eq!(did.said(4), ["python 3"]);
    assert_eq!(did.said(5), ["perl 2"]);
    assert!(did.text().contains("exit code 127"), "{}", did.text());
    assert_eq!(did.said(9), ["/workspace/sub"]);
    let exit_codes: Vec<Option<i32>> = did.ends().map(|(_, code)| code).collect();
    assert_eq!(exit_codes[2..4], [Some(1), Some(1)], "{}", did.text());
}

#[tokio::test]
async fn conditions_see_what_happened_before() {
    let did = steps(
        &World::new(),
        "      - id: first
        run: exit 3
        continue-on-error: true
      - run: echo ${{ steps.first.outcome }} ${{ steps.first.conclusion }} ${{ job.status }}
      - run: echo never
        if: failure()
      - id: second
        name: Break ${{ vars.COLOR }}
        run: exit 4
      - run: echo never
      - run: echo ${{ job.status }} ${{ steps.second.outcome }} ${{ steps.third.outcome || 'none' }}
        if: failure() && steps.second.conclusion == 'failure'
      - run: echo always
        if: always()
      - run: echo never
        if: cancelled()
",
    )
    .await;
    use StepState::{Failure, Skipped, Success};
    let expected = [Success, Success, Success, Skipped, Failure, Skipped, Success, Success, Skipped, Success];
    assert_eq!(did.states(), expected, "{}", did.text());
    assert_eq!((did.said(2), did.said(6)), (vec!["failure success success"], vec!["failure failure none"]));
    assert_eq!(did.outcome.state, JobState::Failure);
    assert_eq!(did.outcome.reason.as_deref(), Some("`Break blue`: exit code 4"));
}

#[tokio::test]
async fn steps_tell_each_other_through_files() {
    let did = job(
        &World::new(),
        r#"    outputs:
      one: ${{ steps.set.outputs.one }}
      many: ${{ steps.set.outputs.many }}
      secret: "https://x/${{ secrets.TOKEN }}"
      state: ${{ job.status }}
    steps:
      - id: set
        run: |
          echo "one=1=1" >> "$GITHUB_OUTPUT"
          { echo 'many<<END'; printf 'a\n\nb\n'; echo END; } >> "$GITHUB_OUTPUT"
          echo "LATER=${{ vars.COLOR }}" >> "$GITHUB_ENV"
          echo "SHADOW=late" >> "$GITHUB_ENV"
          mkdir -p "$HOME/bin"; printf '#!/bin/sh\necho tool\n' > "$HOME/bin/mine"; chmod +x "$HOME/bin/mine"
          echo "$HOME/bin" >> "$GITHUB_PATH"
          echo "summary **${{ secrets.TOKEN }}**" >> "$GITHUB_STEP_SUMMARY"
          echo "now: $LATER"
      - run: mine; echo "$LATER ${{ env.LATER }} $SHADOW"
        env: {SHADOW: step}
      - run: echo "NODE_OPTIONS=x" >> "$GITHUB_ENV"
        continue-on-error: true
      - run: printf 'ok=1\nnonsense ${{ secrets.TOKEN }}\n' >> "$GITHUB_OUTPUT"
        continue-on-error: true
      - run: head -c 2000000 /dev/zero | tr '\0' 'x' >> "$GITHUB_STEP_SUMMARY"
      - run: ln -sf /etc/hostname "$GITHUB_OUTPUT"
        continue-on-error: true
      - run: echo "${NODE_OPTIONS:-none}"
"#,
    )
    .await;
    assert_eq!(did.outcome.state, JobState::Success, "{}", did.text());
    assert_eq!(did.said(1), ["now: "]);
    assert_eq!(did.said(2), ["tool", "blue blue step"]);
    assert_eq!((did.output("one"), did.output("many")), (Some("1=1"), Some("a\n\nb")));
    assert_eq!((did.output("state"), did.output("secret")), (Some("success"), None), "{}", did.text());
    assert!(did.lines(8).iter().any(|line| line.contains("`secret` is left out")), "{}", did.text());
    assert!(did.text().contains("`NODE_OPTIONS` can't be set through $GITHUB_ENV"));
    assert!(did.text().contains("line 2 of $GITHUB_OUTPUT is neither"));
    assert!(did.lines(5).iter().any(|line| line.contains("the summary is not shown")), "{}", did.text());
    assert!(did.lines(6).iter().any(|line| line.starts_with("::error::")), "a link: {}", did.text());
    assert_eq!(did.said(7), ["none"]);
    let summaries: Vec<&JobEvent> =
        did.events.iter().filter(|event| matches!(event, JobEvent::Summary { .. })).collect();
    assert_eq!(summaries, [&JobEvent::Summary { step: 1, markdown: "summary *******\n".to_owned() }]);
    assert!(!format!("{did:?}").contains("hunter2"), "{did:?}");
}

#[tokio::test]
async fn commands_are_carried_out() {
    let did = steps(
        &World::new(),
        r#"      - run: |
          echo "::group::Build ${{ secrets.TOKEN }}"
          echo inside
          echo "::endgroup::"
          echo "::add-mask::swordfish"
          echo "now swordfish and c3dvcmRmaXNo"
          echo "::error file=$GITHUB_WORKSPACE/src/a.rs,line=3,title=Bad::it is swordfish%0Asecond"
          echo "::set-output name=a::b"; echo "::set-output name=a::b"
          echo "::debug::hidden"
          for i in 1 2 3 4 5 6 7 8 9 10 11 12; do echo "::warning::w$i"; done
          echo "::stop-commands::halt"; echo "::warning::no command"; echo "::halt::"
          echo "::notice::swordfish again" >&2
      - run: echo "::warning::another step has its own ten, and swordfish stays masked"
"#,
    )
    .await;
    assert_eq!(did.outcome.state, JobState::Success, "{}", did.text());
    let said = did.said(1);
    let expected = [
        "::group::Build ***",
        "inside",
        "::endgroup::",
        "now *** and ***",
        "::error::it is ***",
        "second",
        "::warning::w1",
    ];
    assert_eq!(said[..7], expected);
    assert!(said.contains(&"::warning::w12") && said.contains(&"::warning::no command"));
    let refused = did.lines(1).iter().filter(|line| line.contains("set-output")).count();
    assert_eq!(refused, 1 + 1, "the script, and once what is wrong: {}", did.text());
    assert!(!did.text().contains("hidden") || did.lines(1).iter().filter(|line| line.contains("hidden")).count() == 1);
    let annotations = did.annotations();
    let of = |level| annotations.iter().filter(|one| one.level == level).count();
    assert_eq!((of(AnnotationLevel::Error), of(AnnotationLevel::Warning), of(AnnotationLevel::Notice)), (1, 11, 1));
    let error = annotations[0];
    assert_eq!((error.file.as_deref(), error.line, error.title.as_deref()), (Some("src/a.rs"), Some(3), Some("Bad")));
    assert_eq!(error.message, "it is ***\nsecond");
    let by_programs =
        |event: &&JobEvent| !matches!(event, JobEvent::Steps(_) | JobEvent::Line { stream: Stream::System, .. });
    let shown: Vec<String> = did.events.iter().filter(by_programs).map(|event| format!("{event:?}")).collect();
    assert!(!shown.concat().contains("swordfish"), "{shown:?}");
}

#[tokio::test]
async fn time_is_limited() {
    let did = job(
        &World::new(),
        "    timeout-minutes: 5
    steps:
      - run: sleep 600 & sleep 600
        timeout-minutes: 0.01
        continue-on-error: true
      - run: echo after
      - run: sleep 600
        timeout-minutes: 0.01
      - run: echo never
      - run: echo told
        if: failure()
",
    )
    .await;
    use StepState::{Skipped, Success, TimedOut};
    assert_eq!(did.states(), [Success, Success, Success, TimedOut, Skipped, Success, Success], "{}", did.text());
    assert_eq!(did.outcome.state, JobState::Failure);
    assert_eq!(did.outcome.reason.as_deref(), Some("`Run sleep 600`: it took longer than its `timeout-minutes`"));

    // Time enough to make the place and to begin, whatever else the machine does.
    let did = job(
        &World::new(),
        "    timeout-minutes: 0.2
    steps:
      - run: sleep 600
      - run: echo never
      - run: echo clean
        if: always()
",
    )
    .await;
    assert_eq!(did.states(), [Success, TimedOut, Skipped, Success, Success], "{}", did.text());
    assert_eq!(did.outcome.state, JobState::TimedOut, "{}", did.text());
    assert_eq!(did.outcome.reason.as_deref(), Some("the job took longer than 12 seconds"));
}

#[tokio::test]
async fn a_cancelled_job_cleans_up() {
    let plan = planned(
        "
on: push
jobs:
  a:
    runs-on: linux
    steps:
      - run: echo started; sleep 600
      - run: echo never
      - run: echo ${{ job.status }}
        if: cancelled()
      - run: echo never
        if: failure()
      - run: echo clean
        if: always()
",
    );
    let (world, directory, cancel) = (World::new(), tempfile::tempdir().expect("one"), CancellationToken::new());
    let spec = spec(&plan, 0, 0, &directory, Executor::Sandbox);
    let did = crate::job_support::run_until(spec, &world, &cancel, |event| {
        if matches!(event, JobEvent::Line { text, .. } if text == "started") {
            cancel.cancel();
        }
    })
    .await;
    use StepState::{Cancelled, Skipped, Success};
    assert_eq!(did.states(), [Success, Cancelled, Skipped, Success, Skipped, Success, Success], "{}", did.text());
    assert_eq!((did.said(3), did.said(5)), (vec!["cancelled"], vec!["clean"]));
    assert_eq!(did.outcome.state, JobState::Cancelled);
    assert!(!directory.path().join("job").exists(), "nothing is left");
}

#[tokio::test]
async fn a_cancellation_that_comes_first_runs_nothing() {
    let plan = planned("on: push\njobs:\n  a:\n    runs-on: linux\n    steps: [{run: echo no}]\n");
    let (world, directory, cancel) = (World::new(), tempfile::tempdir().expect("one"), CancellationToken::new());
    cancel.cancel();
    let did = run(spec(&plan, 0, 0, &directory, Executor::Sandbox), &world, &cancel).await;
    assert_eq!(did.outcome.state, JobState::Cancelled, "{}", did.text());
    assert_eq!(did.said(1), [""; 0]);
}

#[tokio::test]
async fn nobody_needs_to_listen() {
    let plan = planned("on: push\njobs:\n  a:\n    runs-on: linux\n    steps: [{run: seq 10000}]\n");
    let (world, directory) = (World::new(), tempfile::tempdir().expect("one"));
    let (events, inbox) = tokio::sync::mpsc::channel(1);
    drop(inbox);
    let spec = spec(&plan, 0, 0, &directory, Executor::Sandbox);
    let outcome = davit_runner::run_job(spec, &world, events, CancellationToken::new()).await;
    assert_eq!(outcome.state, JobState::Success);
}

#[tokio::test]
async fn every_combination_of_a_matrix_is_its_own() {
    let plan = planned(
        r#"
on: push
jobs:
  a:
    runs-on: linux
    strategy: {matrix: {os: [x, y], level: [{n: 1}]}}
    outputs: {seen: '${{ steps.s.outputs.seen }}'}
    steps:
      - id: s
        if: matrix.os == 'y'
        run: echo "seen=${{ matrix.os }} ${{ matrix.level.n }} ${{ strategy.job-index }}" >> "$GITHUB_OUTPUT"
"#,
    );
    let mut seen = Vec::new();
    for index in 0..2 {
        let (world, directory) = (World::new(), tempfile::tempdir().expect("one"));
        let did = run(spec(&plan, 0, index, &directory, Executor::Sandbox), &world, &CancellationToken::new()).await;
        seen.push(did.output("seen").map(str::to_owned));
    }
    assert_eq!(seen, [Some(String::new()), Some("y 1 1".to_owned())]);
}

#[tokio::test]
async fn the_host_runs_jobs_too() {
    let plan = planned(
        r#"
on: push
jobs:
  a:
    runs-on: linux
    steps:
      - run: echo $GITHUB_REPOSITORY > f; cat f
      - run: test "$PWD" = "${{ github.workspace }}" && echo "${{ hashFiles('f') }}"
"#,
    );
    let (world, directory) = (World::new(), tempfile::tempdir().expect("one"));
    let did = run(spec(&plan, 0, 0, &directory, Executor::Host), &world, &CancellationToken::new()).await;
    assert_eq!(did.outcome.state, JobState::Success, "{}", did.text());
    assert_eq!(did.said(1), ["acme/shop"]);
    assert_eq!(did.said(2)[0].len(), 64);
    assert!(did.lines(0)[0].contains("without a sandbox"), "{:?}", did.lines(0));
}
