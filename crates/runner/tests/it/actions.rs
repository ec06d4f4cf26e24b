//! The built-in actions and composite actions, in a real sandbox.

use crate::job_support::{World, job, planned, run, spec, steps};
use davit_domain::ci::{JobState, StepState};
use davit_runner::{CheckoutRequest, Executor, Submodules};
use std::fs;
use std::path::Path;
use tokio_util::sync::CancellationToken;

/// A repository with a few files.
fn world() -> World {
    let world = World::new();
    world.write("README.md", "hello\n");
    world.write("src/a.rs", "fn a() {}\n");
    world.write("src/deep/b.rs", "fn b() {}\n");
    world
}

#[tokio::test]
async fn checkout_brings_the_commit() {
    let world = world();
    let did = steps(
        &world,
        "      - uses: actions/checkout@v4
      - run: find . -type f | sort; echo changed > README.md; touch extra
      - id: again
        uses: actions/checkout@v4
        with: {ref: v1, path: other/place, fetch-depth: 0, fetch-tags: true, submodules: recursive, lfs: true}
      - run: ls; ls other/place; echo ${{ steps.again.outputs.commit }}
      - uses: actions/checkout@v4
        with: {clean: false}
      - run: ls; cat README.md
      - uses: actions/checkout@v4
      - run: ls
      - uses: actions/checkout@v4
        with: {path: ../outside}
        continue-on-error: true
      - uses: actions/checkout@v4
        with: {ref: nothing}
",
    )
    .await;
    assert_eq!(did.said(2), ["./README.md", "./src/a.rs", "./src/deep/b.rs"], "{}", did.text());
    let commit = "0123456789012345678901234567890123456789";
    assert_eq!(did.said(4), ["README.md", "extra", "other", "src", "README.md", "src", commit], "{}", did.text());
    assert_eq!(did.said(6), ["README.md", "extra", "other", "src", "hello"], "{}", did.text());
    assert_eq!(did.said(8), ["README.md", "src"], "{}", did.text());
    assert!(did.lines(9).iter().any(|line| line.contains("`path` must be in the workspace")), "{}", did.text());
    assert_eq!(did.outcome.state, JobState::Failure);
    assert!(did.outcome.reason.expect("why").contains("no branch, tag or commit `nothing`"));
    let requests = world.requests.lock().expect("a list");
    assert_eq!(requests[0], CheckoutRequest::default());
    let all = CheckoutRequest {
        reference: Some("v1".to_owned()),
        depth: 0,
        tags: true,
        submodules: Submodules::Recursive,
        lfs: true,
    };
    assert_eq!(requests[1], all);
}

#[tokio::test]
async fn a_planted_link_leads_nowhere() {
    let world = world();
    let victim = tempfile::tempdir().expect("a directory");
    fs::write(victim.path().join("kept"), "kept").expect("written");
    let outside = victim.path().display();
    let did = steps(
        &world,
        &format!(
            "      - run: ln -s {outside} out; ln -s {outside} here
      - uses: actions/checkout@v4
        with: {{path: out}}
        continue-on-error: true
      - run: mkdir -p real; ln -s {outside} real/link; echo x > real/file
      - uses: actions/upload-artifact@v4
        with: {{name: links, path: real}}
      - uses: actions/download-artifact@v4
        with: {{name: links, path: here/deep}}
        continue-on-error: true
      - uses: ./here
        continue-on-error: true
"
        ),
    )
    .await;
    assert_eq!(did.outcome.state, JobState::Success, "{}", did.text());
    let left: Vec<_> =
        fs::read_dir(victim.path()).expect("a directory").map(|entry| entry.expect("one").file_name()).collect();
    assert_eq!(left, ["kept"], "{}", did.text());
}

#[tokio::test]
async fn files_are_hashed_where_they_are() {
    let world = world();
    let did = steps(
        &world,
        "      - uses: actions/checkout@v4
      - run: |
          echo ${{ hashFiles('**/*.rs') }}
          echo ${{ hashFiles('src') }}
          echo ${{ hashFiles('src/a.rs', 'src/deep/*.rs') }}
          echo ${{ hashFiles('**/*.rs', '!src/deep/**') }}
          echo \"[${{ hashFiles('*.lock') }}]\"
          { sha256sum src/a.rs; sha256sum src/deep/b.rs; } | cut -c 1-64 | xxd -r -p | sha256sum | cut -c 1-64
      - run: echo once
        if: hashFiles('README.md') != '' && hashFiles('/etc/passwd') == ''
",
    )
    .await;
    assert_eq!(did.outcome.state, JobState::Success, "{}", did.text());
    let said = did.said(2);
    assert_eq!((said[0], said[0], said[0]), (said[1], said[2], said[5]), "{said:?}");
    assert!(said[3].len() == 64 && said[3] != said[0] && said[4] == "[]", "{said:?}");
    assert_eq!(did.said(3), ["once"]);
}

#[tokio::test]
async fn artefacts_go_from_job_to_job() {
    let world = world();
    let did = steps(
        &world,
        "      - uses: actions/checkout@v4
      - run: mkdir -p dist/.hidden; echo 1 > dist/one.txt; echo 2 > dist/.hidden/two; ln -s one.txt dist/link; echo l > a.log
      - id: up
        uses: actions/upload-artifact@v4
        with: {name: dist, path: dist}
      - uses: actions/upload-artifact@v4
        with: {name: logs, path: '*.log', retention-days: 3}
      - uses: actions/upload-artifact@v4
        with:
          name: all
          include-hidden-files: true
          path: |
            dist
            src/**/*.rs
            !src/a.rs
      - uses: actions/upload-artifact@v4
        with: {name: none, path: nothing/**}
      - uses: actions/upload-artifact@v4
        with: {name: dist, path: dist}
        continue-on-error: true
      - uses: actions/upload-artifact@v4
        with: {name: dist, path: dist, overwrite: true}
      - uses: actions/upload-artifact@v4
        with: {name: none, path: nothing, if-no-files-found: error}
        continue-on-error: true
      - run: echo ${{ steps.up.outputs.artifact-id }} ${{ steps.up.outputs.artifact-digest }}
",
    )
    .await;
    assert_eq!(did.outcome.state, JobState::Success, "{}", did.text());
    assert_eq!(world.names("artifacts"), ["all", "dist", "logs"]);
    assert_eq!(did.said(10), ["7 abc"]);
    assert!(did.lines(6).iter().any(|line| line.starts_with("::warning::no file was found")), "{}", did.text());
    assert!(did.lines(7).iter().any(|line| line.contains("already")), "{}", did.text());
    assert!(did.lines(9).iter().any(|line| line.starts_with("::error::no file was found")), "{}", did.text());

    let did = steps(
        &world,
        "      - uses: actions/download-artifact@v4
        with: {name: dist, path: one}
      - uses: actions/download-artifact@v4
        with: {path: every}
      - uses: actions/download-artifact@v4
        with: {pattern: 'd*', merge-multiple: true, path: ~/together}
      - run: (cd one; find . | sort); (cd every; find . -type f | sort); ls ~/together; readlink one/link
      - uses: actions/download-artifact@v4
        with: {name: nothing}
",
    )
    .await;
    let expected = [
        ".",
        "./link",
        "./one.txt",
        "./all/dist/.hidden/two",
        "./all/dist/one.txt",
        "./all/src/deep/b.rs",
        "./dist/one.txt",
        "./logs/a.log",
        "link",
        "one.txt",
        "one.txt",
    ];
    assert_eq!(did.said(4), expected, "{}", did.text());
    assert!(did.outcome.reason.expect("why").contains("no artefact `nothing`"));
}

/// A job that keeps what is in two directories.
const CACHES: &str = "
on: push
jobs:
  a:
    runs-on: linux
    strategy: {matrix: {key: ['deps-1', 'deps-2', 'deps-1'], fails: [false]}}
    env: {KEY: '${{ matrix.key }}'}
    steps:
      - id: cache
        uses: actions/cache@v4
        with:
          key: ${{ env.KEY }}
          restore-keys: |
            deps-
          path: |
            node_modules
            ~/.cache/*
      - run: |
          echo \"hit=[${{ steps.cache.outputs.cache-hit }}] matched=[${{ steps.cache.outputs.cache-matched-key }}]\"
          cat node_modules/a ~/.cache/x/b 2>/dev/null || echo nothing
          mkdir -p node_modules ~/.cache/x; echo $KEY > node_modules/a; echo home > ~/.cache/x/b
";

#[tokio::test]
async fn caches_come_back() {
    let (world, plan) = (World::new(), planned(CACHES));
    let mut said = Vec::new();
    for index in [0, 1, 2] {
        let directory = tempfile::tempdir().expect("one");
        let executor = if index == 1 { Executor::Host } else { Executor::Sandbox };
        let did = run(spec(&plan, 0, index, &directory, executor), &world, &CancellationToken::new()).await;
        assert_eq!(did.outcome.state, JobState::Success, "{}", did.text());
        said.push(did.said(2).join("|"));
    }
    let expected = [
        "hit=[] matched=[]|nothing",
        "hit=[false] matched=[deps-1]|deps-1|home",
        "hit=[true] matched=[deps-1]|deps-1|home",
    ];
    assert_eq!(said, expected);
    assert_eq!(world.names("caches").len(), 2, "the third had the same key");
}

#[tokio::test]
async fn a_cache_is_kept_by_a_job_that_succeeds() {
    let (world, cache) = (World::new(), "      - uses: actions/cache@v4\n        with: {path: x, key: 'a/b'}\n");
    let did = steps(&world, &format!("{cache}      - run: mkdir x; exit 1\n")).await;
    assert_eq!(did.outcome.state, JobState::Failure);
    assert!(world.names("caches").is_empty(), "{}", did.text());
    let did = steps(&world, &format!("{cache}      - run: echo nothing to keep\n")).await;
    assert_eq!(did.outcome.state, JobState::Success);
    assert!(did.text().contains("none of its paths is there"), "{}", did.text());
    steps(&world, &format!("{cache}      - run: mkdir x; echo 1 > x/y\n")).await;
    assert_eq!(world.names("caches").len(), 1);
    fs::write(world.at("caches").join(&world.names("caches")[0]), "no archive").expect("written");
    let did = steps(&world, &format!("{cache}      - run: ls x || mkdir x\n")).await;
    assert_eq!(did.outcome.state, JobState::Success, "a broken cache only costs time: {}", did.text());
    let missing = "      - uses: actions/cache@v4\n        with: {path: x, key: c, fail-on-cache-miss: true}\n";
    assert_eq!(steps(&world, missing).await.outcome.state, JobState::Failure);
}

#[tokio::test]
async fn composite_actions_are_steps_in_a_step() {
    let world = world();
    world.write(
        ".davit/actions/greet/action.yml",
        "name: Greet
description: Says hello
inputs:
  who: {required: true}
  how: {default: 'Hello from ${{ github.repository }}'}
outputs:
  said: {value: '${{ steps.say.outputs.said }}'}
runs:
  using: composite
  steps:
    - id: say
      shell: bash
      env: {OWN: own}
      run: |
        echo \"${{ inputs.how }}, ${{ inputs.who }} $OUTER $OWN ${{ env.OUTER }}\"
        echo \"said=${{ inputs.who }}\" >> \"$GITHUB_OUTPUT\"
        echo \"FROM_ACTION=yes\" >> \"$GITHUB_ENV\"
        test \"$GITHUB_ACTION_PATH\" = \"$PWD/.davit/actions/greet\" && cat ${{ github.action_path }}/data
    - uses: ./.davit/actions/inner
      with: {text: '${{ steps.say.outputs.said }}'}
    - if: failure()
      shell: sh
      run: echo not shown
",
    );
    world.write(".davit/actions/greet/data", "data of the action\n");
    world.write(
        ".davit/actions/inner/action.yaml",
        "name: Inner
inputs: {text: {}}
runs:
  using: composite
  steps:
    - {shell: sh, run: 'echo inner ${{ inputs.text }} $OUTER; echo \"[${{ steps.say.outputs.said }}]\"'}
",
    );
    world.write(
        "broken/action.yml",
        "name: Broken
runs:
  using: composite
  steps:
    - {id: a, shell: sh, run: exit 5}
    - {shell: sh, run: echo never}
    - {shell: sh, if: failure(), run: 'echo told ${{ steps.a.outcome }}'}
",
    );
    world.write("loop/action.yml", "name: Loop\nruns: {using: composite, steps: [{uses: ./loop}]}\n");
    let did = job(
        &world,
        "    env: {OUTER: job}
    steps:
      - uses: actions/checkout@v4
      - id: greet
        uses: ./.davit/actions/greet
        with: {who: Mona, more: 1}
        env: {OUTER: step}
      - run: echo ${{ steps.greet.outputs.said }} $FROM_ACTION $OUTER
      - uses: ./broken
        continue-on-error: true
      - uses: ./loop
        continue-on-error: true
      - uses: ./missing
        continue-on-error: true
      - uses: ./.davit/actions/greet
",
    )
    .await;
    let expected = ["Hello from acme/shop, Mona step own step", "data of the action", "inner Mona step", "[]"];
    assert_eq!(did.said(2), expected, "{}", did.text());
    assert!(did.lines(2).contains(&"::warning::`./.davit/actions/greet` has no input `more`"), "{}", did.text());
    assert_eq!(did.said(3), ["Mona yes job"]);
    assert_eq!(did.said(4), ["told failure"]);
    assert!(did.lines(5).iter().any(|line| line.contains("more than 10 actions deep")), "{}", did.text());
    assert!(did.lines(6).iter().any(|line| line.contains("neither `action.yml`")), "{}", did.text());
    assert_eq!(did.states().last(), Some(&StepState::Success));
    assert!(did.outcome.reason.expect("why").contains("needs `who` in `with`"));
}

#[tokio::test]
async fn nothing_of_a_job_stays_on_the_machine() {
    let world = world();
    let plan = planned(
        "on: push\njobs:\n  a:\n    runs-on: linux\n    steps: [{uses: actions/checkout@v4}, {run: sleep 300 &}]\n",
    );
    let directory = tempfile::tempdir().expect("one");
    let did = run(spec(&plan, 0, 0, &directory, Executor::Sandbox), &world, &CancellationToken::new()).await;
    assert_eq!(did.outcome.state, JobState::Success, "{}", did.text());
    let left: Vec<_> = fs::read_dir(directory.path()).expect("a directory").collect();
    assert!(left.is_empty() && !Path::new("/workspace").exists(), "{left:?}");
}
