//! `davit ci lint`, which asks no server.

use crate::stub::{self, Run};
use std::path::Path;
use tempfile::TempDir;

const GOOD: &str = "on: push\njobs:\n  a:\n    runs-on: linux\n    steps:\n      - run: make\n";
const BAD: &str = "on: push\njobs:\n  a:\n    runs-on: linux\n    step: 1\n    steps:\n      - uses: other/action@v1\n";

fn write(home: &Path, name: &str, text: &str) {
    let path = home.join(name);
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("made");
    std::fs::write(path, text).expect("written");
}

async fn lint(home: &TempDir, args: &[&str]) -> Run {
    let mut davit = stub::davit(home.path());
    davit.args(["ci", "lint"]).args(args);
    stub::run(davit, "").await
}

#[tokio::test]
async fn mistakes_are_printed_with_their_places() {
    let home = tempfile::tempdir().expect("a home");
    write(home.path(), ".github/workflows/a.yml", BAD);
    write(home.path(), ".github/workflows/b.yaml", GOOD);
    let run = lint(&home, &[]).await;
    assert_eq!(run.code, 2, "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{run:?}");
    assert!(lines[0].starts_with(".github/workflows/a.yml:5:5: `step` is not supported in a job"), "{run:?}");
    assert!(lines[1].starts_with(".github/workflows/a.yml:7:15: the action `other/action@v1`"), "{run:?}");
    assert_eq!(run.stderr, "error: 2 mistakes in 2 files\n");

    let run = lint(&home, &["--json"]).await;
    assert_eq!(run.code, 2, "{run:?}");
    let report = run.json();
    assert_eq!(report["files"].as_array().map(Vec::len), Some(2), "{report}");
    assert_eq!(report["mistakes"][0]["line"], 5, "{report}");
    assert_eq!(report["mistakes"][0]["column"], 5, "{report}");
    assert_eq!(report["mistakes"][0]["file"], ".github/workflows/a.yml", "{report}");
}

#[tokio::test]
async fn the_first_directory_with_workflows_counts() {
    let home = tempfile::tempdir().expect("a home");
    write(home.path(), ".davit/workflows/a.yml", GOOD);
    write(home.path(), ".github/workflows/a.yml", BAD);
    let run = lint(&home, &[]).await;
    assert_eq!((run.code, run.stdout.as_str(), run.stderr.as_str()), (0, "", "No mistakes in 1 file.\n"), "{run:?}");
}

#[tokio::test]
async fn actions_of_the_repository_are_checked_too() {
    let home = tempfile::tempdir().expect("a home");
    let uses = |path: &str| GOOD.replace("run: make", &format!("uses: ./{path}"));
    write(home.path(), "a.yml", &uses("actions/one"));
    write(home.path(), "b.yml", &uses("actions/none"));
    let action = "name: one\nruns:\n  using: composite\n  steps:\n    - uses: ./actions/one\n    - run: make\n";
    write(home.path(), "actions/one/action.yml", action);
    let run = lint(&home, &["a.yml", "b.yml"]).await;
    assert_eq!(run.code, 2, "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], "actions/one/action.yml:6:7: a step needs `shell`");
    assert!(lines[1].starts_with("b.yml:6:9: `./actions/none` is no action"), "{run:?}");
    assert_eq!(lines.len(), 2, "{run:?}");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let home = tempfile::tempdir().expect("a home");
    let run = lint(&home, &[]).await;
    assert_eq!(run.code, 4, "{run:?}");
    assert!(run.stderr.contains("there is no workflow file in .davit/workflows"), "{run:?}");
    let run = lint(&home, &["missing.yml"]).await;
    assert_eq!(run.code, 4, "{run:?}");
    assert!(run.stderr.contains("missing.yml can't be read"), "{run:?}");
    std::fs::write(home.path().join("latin.yml"), b"on: \xe9").expect("written");
    let run = lint(&home, &["latin.yml"]).await;
    assert_eq!((run.code, run.stdout.as_str()), (2, "latin.yml:1:1: the file is not UTF-8\n"), "{run:?}");
}
