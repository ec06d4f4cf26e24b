//! `davit ci run`: the working copy in real sandboxes, without a server.

use crate::stub::{self, Run};
use std::path::Path;
use std::process::Stdio;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

/// Jobs of every kind: outputs, a matrix of them, an action, a cache, artefacts.
const WORKFLOW: &str = r#"
name: Whole
on: [push]
jobs:
  find:
    runs-on: linux
    outputs: {list: '${{ steps.list.outputs.list }}'}
    steps:
      - id: list
        run: echo 'list=["one","two"]' >> "$GITHUB_OUTPUT"
  test:
    needs: find
    runs-on: linux
    strategy: {matrix: {name: '${{ fromJSON(needs.find.outputs.list) }}'}}
    outputs: {cached: '${{ steps.cache.outputs.cache-hit }}'}
    steps:
      - uses: actions/checkout@v4
      - id: cache
        uses: actions/cache@v4
        with: {path: ~/kept, key: "${{ matrix.name }}-${{ hashFiles('tracked') }}"}
      - run: |
          echo "tracked=$(cat tracked) new=$(cat new) ignored=$(cat ignored 2>/dev/null || echo none)"
          echo "changed: $(git status --short | tr '\n' ' ')on $(git rev-parse --short=7 HEAD | wc -c)"
          mkdir -p ~/kept; echo "${{ matrix.name }}" > ~/kept/name
          mkdir out; cp tracked "out/${{ matrix.name }}"
      - uses: ./greet
        with: {who: "${{ matrix.name }}"}
      - uses: actions/upload-artifact@v4
        with: {name: "out-${{ matrix.name }}", path: out}
  last:
    needs: [find, test]
    runs-on: linux
    steps:
      - uses: actions/download-artifact@v4
        with: {merge-multiple: true}
      - run: ls; echo "token ${{ secrets.TOKEN }} ${{ vars.COLOR }} cached=${{ needs.test.outputs.cached }}"
"#;

const GREET: &str = "name: greet\ninputs: {who: {}}\nruns:\n  using: composite\n  steps:\n    \
                     - {shell: sh, run: 'echo hello ${{ inputs.who }}'}\n";

fn write(home: &Path, name: &str, text: &str) {
    let path = home.join("repository").join(name);
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
    std::fs::write(path, text).expect("written");
}

async fn git(home: &Path, arguments: &[&str]) {
    let mut git = Command::new("git");
    git.current_dir(home.join("repository")).args(["-c", "user.name=Mona", "-c", "user.email=mona@example.org"]);
    let status = git.args(arguments).status().await.expect("git starts");
    assert!(status.success(), "{arguments:?}");
}

/// A repository with a commit, and more that is not committed.
async fn repository(workflow: &str) -> TempDir {
    let home = tempfile::tempdir().expect("a home");
    write(home.path(), ".davit/workflows/whole.yml", workflow);
    write(home.path(), "greet/action.yml", GREET);
    write(home.path(), "tracked", "committed");
    write(home.path(), ".gitignore", "ignored\n");
    git(home.path(), &["init", "--quiet", "--initial-branch=main"]).await;
    git(home.path(), &["add", "."]).await;
    git(home.path(), &["commit", "--quiet", "--message=First"]).await;
    write(home.path(), "tracked", "changed");
    write(home.path(), "new", "untracked");
    write(home.path(), "ignored", "secret");
    home
}

async fn ci_run(home: &TempDir, arguments: &[&str]) -> Run {
    let mut davit = stub::davit(home.path());
    davit.current_dir(home.path().join("repository")).args(["ci", "run"]).args(arguments);
    stub::run(davit, "").await
}

/// Whether a line of a job is there.
fn said(run: &Run, job: &str, text: &str) -> bool {
    let is_it =
        |line: &str| line.split_once(" │ ").is_some_and(|(name, said)| name.trim() == job && said.trim() == text);
    run.stdout.lines().any(is_it)
}

#[tokio::test]
async fn a_whole_workflow_runs_on_what_is_not_committed() {
    let home = repository(WORKFLOW).await;
    std::fs::write(home.path().join("secrets"), "# mine\nTOKEN='hunter2-secret'\n").expect("written");
    let arguments = ["--secret-file", "../secrets", "--var", "COLOR=blue"];
    let run = ci_run(&home, &arguments).await;
    assert_eq!(run.code, 0, "{run:?}");
    for name in ["one", "two"] {
        let job = format!("test ({name})");
        assert!(said(&run, &job, "tracked=changed new=untracked ignored=none"), "{run:?}");
        assert!(said(&run, &job, "changed:  M tracked ?? new on 8"), "{run:?}");
        assert!(said(&run, &job, &format!("hello {name}")) && said(&run, &job, "success"), "{run:?}");
    }
    assert!(said(&run, "last", "one") && said(&run, "last", "two"), "{run:?}");
    assert!(said(&run, "last", "token *** blue cached="), "{run:?}");
    assert!(!format!("{run:?}").contains("hunter2"), "{run:?}");
    assert!(run.stderr.contains("Artefact out-one: "), "{run:?}");
    assert!(run.stderr.ends_with(".davit/workflows/whole.yml: success\n"), "{run:?}");

    let run = ci_run(&home, &[&arguments[..], &["--json"]].concat()).await;
    let report = run.json();
    assert_eq!((run.code, &report["conclusion"]), (0, &"success".into()), "{run:?}");
    let jobs = report["workflows"][0]["jobs"].as_array().expect("jobs");
    let test = jobs.iter().find(|job| job["name"] == "test (two)").expect("a job");
    assert_eq!(test["outputs"]["cached"], "true", "of the first run: {test}");
    assert_eq!(test["steps"][0]["name"], "Set up job", "{test}");
    assert!(!run.stdout.contains("hunter2"), "{run:?}");
}

#[tokio::test]
async fn a_failure_is_the_exit_code() {
    let home = repository(
        "on: workflow_dispatch
jobs:
  bad: {runs-on: linux, steps: [{run: 'echo \"::error file=new,line=1::wrong\"; exit 3'}]}
  after: {runs-on: linux, needs: bad, steps: [{run: echo never}]}
  clean: {runs-on: linux, needs: bad, if: always(), steps: [{run: echo cleaned}]}
",
    )
    .await;
    let run = ci_run(&home, &["whole"]).await;
    assert_eq!(run.code, 1, "{run:?}");
    assert!(said(&run, "bad", "error: wrong"), "{run:?}");
    assert!(run.stdout.contains("failure: `Run echo") && run.stdout.contains("exit code 3"), "{run:?}");
    assert!(run.stdout.contains("skipped: `bad`, which it needs, ended with failure"), "{run:?}");
    assert!(said(&run, "clean", "cleaned"), "{run:?}");

    let run = ci_run(&home, &["--job", "clean", "--json", "whole.yml"]).await;
    let report = run.json();
    let keys: Vec<_> = report["workflows"][0]["jobs"].as_array().expect("jobs").iter().map(|job| &job["key"]).collect();
    assert_eq!(keys, ["bad", "clean"], "what it needs, and no other: {report}");
    assert_eq!(report["workflows"][0]["jobs"][0]["annotations"][0]["file"], "new", "{report}");
    assert_eq!(report["workflows"][0]["jobs"][0]["steps"][1]["exit_code"], 3, "{report}");
}

#[tokio::test]
async fn inputs_are_entered() {
    let home = repository(
        "on: {workflow_dispatch: {inputs: {who: {required: true}, loud: {type: boolean}}}}
jobs:
  a: {runs-on: linux, steps: [{run: 'echo \"hi ${{ inputs.who }} ${{ github.event_name }}\"', if: inputs.loud}]}
",
    )
    .await;
    let run = ci_run(&home, &["--event", "workflow_dispatch", "--input", "who=Mona", "--input", "loud=true"]).await;
    assert!(run.code == 0 && said(&run, "a", "hi Mona workflow_dispatch"), "{run:?}");
    let run = ci_run(&home, &["whole"]).await;
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("the input `who` is required"), "{run:?}");
    let run = ci_run(&home, &[]).await;
    assert_eq!(run.code, 4, "{run:?}");
    assert!(run.stderr.contains("no workflow runs on push"), "{run:?}");
}

#[tokio::test]
async fn the_host_runs_jobs_without_a_sandbox() {
    let home = repository("on: push\njobs:\n  a: {runs-on: linux, steps: [{run: pwd; cat /etc/hostname}]}\n").await;
    let run = ci_run(&home, &["--executor", "host"]).await;
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stderr.starts_with("Jobs run on this machine as you, without a sandbox.\n"), "{run:?}");
    assert!(!said(&run, "a", "/workspace"), "{run:?}");
}

#[tokio::test]
async fn an_interrupt_cancels_and_cleans_up() {
    let home = repository(
        "on: push
jobs:
  slow:
    runs-on: linux
    steps: [{run: echo started; sleep 600}, {run: 'echo \"then ${{ job.status }}\"', if: always()}]
  never: {runs-on: linux, needs: slow, steps: [{run: echo never}]}
  told: {runs-on: linux, needs: slow, if: cancelled(), steps: [{run: 'echo \"told ${{ needs.slow.result }}\"'}]}
",
    )
    .await;
    let mut davit = stub::davit(home.path());
    davit.current_dir(home.path().join("repository")).args(["ci", "run"]);
    davit.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = davit.spawn().expect("davit starts");
    let id = i32::try_from(child.id().expect("it runs")).expect("a process id");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut stdout = String::new();
    while let Some(line) = lines.next_line().await.expect("a text") {
        if line.starts_with("slow ") && line.ends_with("│ started") {
            nix::sys::signal::kill(nix::unistd::Pid::from_raw(id), nix::sys::signal::Signal::SIGINT).expect("it runs");
        }
        stdout += &line;
        stdout += "\n";
    }
    let output = child.wait_with_output().await.expect("davit ends");
    let run = Run {
        code: output.status.code().expect("davit ends by itself"),
        stdout,
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    };
    assert_eq!(run.code, 1, "{run:?}");
    assert!(said(&run, "slow", "then cancelled") && said(&run, "told", "told cancelled"), "{run:?}");
    assert!(said(&run, "never", "cancelled: the run was cancelled"), "{run:?}");
    assert!(run.stderr.ends_with("whole.yml: cancelled\n"), "{run:?}");
}

#[tokio::test]
async fn what_can_not_run_says_why() {
    let home = tempfile::tempdir().expect("a home");
    std::fs::create_dir(home.path().join("repository")).expect("made");
    let run = ci_run(&home, &[]).await;
    assert_eq!(run.code, 4, "{run:?}");
    assert!(run.stderr.contains("there is no git working copy here"), "{run:?}");

    let home = repository("on: push\njobs:\n  a: {runs-on: linux, steps: [{uses: other/action@v1}]}\n").await;
    let run = ci_run(&home, &[]).await;
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("whole.yml:3:38: the action `other/action@v1` is not supported"), "{run:?}");
    let run = ci_run(&home, &["nothing"]).await;
    assert_eq!(run.code, 4, "{run:?}");
    assert!(run.stderr.contains("there is no workflow nothing; there are whole.yml"), "{run:?}");
}
