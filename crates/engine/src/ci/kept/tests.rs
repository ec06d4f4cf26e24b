//! Files and rows against a real disk and a real database.

use super::*;
use davit_domain::ids::{ForgeId, JobId, RunId};
use davit_runner::{NewArtifact, Selector, ServiceError};
use davit_store::ci_jobs::NewCiJob;
use davit_store::ci_runs::{NewRun, Run};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use tempfile::TempDir;

pub(in crate::ci) const START: i64 = 1_767_225_600_000;

/// A keeper in a directory of its own, and the hands of its clock.
pub(in crate::ci) struct Place {
    pub(in crate::ci) keeper: Keeper,
    pub(in crate::ci) dir: TempDir,
    now: Arc<AtomicI64>,
}

impl Place {
    pub(in crate::ci) async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Store::open_sqlite(&dir.path().join("davit.db")).await.expect("opens");
        Self::over(dir, store)
    }

    fn over(dir: TempDir, store: Store) -> Self {
        let now = Arc::new(AtomicI64::new(START));
        let hands = Arc::clone(&now);
        let clock = Clock::new(move || Timestamp::from_millis(hands.load(Ordering::Relaxed)));
        let keeper = Keeper { store, data_dir: dir.path().join("data"), clock };
        Self { keeper, dir, now }
    }

    pub(in crate::ci) fn pass(&self, time: Duration) {
        let millis = i64::try_from(time.as_millis()).expect("fits");
        self.now.fetch_add(millis, Ordering::Relaxed);
    }

    /// A file as a job hands it over.
    pub(in crate::ci) fn file(&self, content: &str) -> PathBuf {
        let file = self.dir.path().join(format!("packed-{:08x}", rand::random::<u32>()));
        std::fs::write(&file, content).expect("writes");
        file
    }

    /// What is kept for this purpose, by name.
    pub(in crate::ci) fn kept(&self, purpose: Purpose) -> Vec<PathBuf> {
        let mut files = list(&self.keeper.data_dir.join(purpose.dir())).expect("lists");
        files.sort();
        files
    }

    /// A run of this branch, tag or change.
    pub(in crate::ci) async fn run(&self, git_ref: &str) -> Run {
        make_run(&self.keeper.store, git_ref).await
    }

    /// A job of a run that a worker has, with its fence.
    pub(in crate::ci) async fn job(&self, run: RunId, key: &str) -> (JobId, i64) {
        take_job(&self.keeper.store, run, key).await
    }
}

async fn make_run(store: &Store, git_ref: &str) -> Run {
    let new = NewRun {
        forge: hub(),
        repository: "acme/shop".into(),
        workflow_file: ".davit/workflows/test.yml".into(),
        workflow: "test".into(),
        title: "Sell more".into(),
        trigger: davit_domain::ci::Trigger::Push,
        action: String::new(),
        git_ref: Some(git_ref.into()),
        head: "1a2b3c4d".repeat(5).parse().expect("a commit"),
        base: None,
        change: None,
        from_fork: false,
        by: "alice".into(),
        state: davit_domain::ci::RunState::Queued,
        reason: None,
        group: None,
        cancel_in_progress: false,
        plan: json!({}),
        event: json!({}),
        idempotency_key: None,
        created_at: Timestamp::from_millis(START),
    };
    let mut tx = store.begin().await.expect("begins");
    let (id, _) = tx.insert_run(&new).await.expect("writes");
    tx.commit().await.expect("commits");
    store.run(id).await.expect("reads").expect("is there")
}

async fn take_job(store: &Store, run: RunId, key: &str) -> (JobId, i64) {
    let new = NewCiJob {
        run,
        key: key.into(),
        index: 0,
        name: key.into(),
        attempt: 1,
        state: davit_domain::ci::JobState::Queued,
        reason: None,
        needs: Vec::new(),
        instance: json!({}),
        group: None,
        environment: None,
        executor: "sandbox".into(),
        created_at: Timestamp::from_millis(START),
    };
    let mut tx = store.begin().await.expect("begins");
    let job = tx.insert_job(&new).await.expect("writes");
    let fence = tx.take_job(job, "worker", Timestamp::from_millis(START)).await.expect("writes").expect("is queued");
    tx.commit().await.expect("commits");
    (job, fence)
}

pub(in crate::ci) fn hub() -> ForgeId {
    "hub".parse().expect("a forge")
}

pub(in crate::ci) fn artifact(name: &str) -> NewArtifact {
    NewArtifact { name: name.into(), keep_days: None, overwrite: false }
}

pub(in crate::ci) fn read(file: &Path) -> String {
    std::fs::read_to_string(file).expect("reads")
}

#[tokio::test]
async fn what_is_taken_in_is_handed_out() {
    let place = Place::new().await;
    let file = place.file("content");
    let kept = place.keeper.take_in(Purpose::Caches, &file).await.expect("is taken in");
    assert!(!file.exists(), "it is moved");
    assert_eq!(kept.size, 7);
    assert_eq!(kept.sha256, "ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73");
    let out = place.keeper.hand_out(&kept.path, &kept.sha256).await.expect("reads").expect("is there");
    assert_eq!((out.clone(), read(&out).as_str()), (place.keeper.data_dir.join(&kept.path), "content"));
    assert_eq!(out.metadata().expect("is there").permissions().mode() & 0o777, 0o600);
    std::fs::write(&out, "Content").expect("writes");
    assert_eq!(place.keeper.hand_out(&kept.path, &kept.sha256).await.expect("reads"), None, "it is damaged");
    std::fs::remove_file(&out).expect("removes");
    assert_eq!(place.keeper.hand_out(&kept.path, &kept.sha256).await.expect("reads"), None, "it is gone");
}

#[tokio::test]
async fn only_files_are_taken_in() {
    let place = Place::new().await;
    let secret = place.file("secret");
    let link = place.dir.path().join("link");
    std::os::unix::fs::symlink(&secret, &link).expect("links");
    for path in [link, place.dir.path().to_owned(), place.dir.path().join("missing")] {
        place.keeper.take_in(Purpose::Artifacts, &path).await.expect_err("is no file");
    }
    assert!(place.kept(Purpose::Artifacts).is_empty());
    assert_eq!(read(&secret), "secret");
}

#[tokio::test]
async fn files_that_no_row_names_go_once_nobody_uses_them() {
    let place = Place::new().await;
    let run = place.run("refs/heads/main").await;
    let job = place.job(run.id, "build").await;
    let saved = place.keeper.save_artifact(job, &artifact("site"), 1, &place.file("site")).await.expect("is kept");
    let orphan = place.keeper.take_in(Purpose::Artifacts, &place.file("orphan")).await.expect("is taken in");
    let half = place.keeper.data_dir.join("ci/artifacts/.new-half");
    std::fs::write(&half, "ha").expect("writes");
    let written = File::options().write(true).open(&half).expect("opens");
    written.set_modified(system_time(place.keeper.clock.now())).expect("sets");
    assert_eq!(place.keeper.sweep(Purpose::Artifacts).await.expect("sweeps"), 0, "somebody may be at it");
    place.pass(IN_USE / 2);
    place.keeper.hand_out(&orphan.path, &orphan.sha256).await.expect("reads").expect("is there");
    place.pass(IN_USE / 2);
    assert_eq!(place.keeper.sweep(Purpose::Artifacts).await.expect("sweeps"), 1, "the other one was just handed out");
    place.pass(IN_USE / 2);
    assert_eq!(place.keeper.sweep(Purpose::Artifacts).await.expect("sweeps"), 1);
    assert_eq!(place.kept(Purpose::Artifacts), [place.keeper.data_dir.join(&saved.1.path)]);
    assert_eq!(place.keeper.sweep(Purpose::Caches).await.expect("there is no directory"), 0);
}

/// Set in a process of [`child`]: its directory.
const DIR: &str = "DAVIT_TEST_KEEP_DIR";
const MARK: &str = "kept";

#[tokio::test]
async fn what_was_kept_survives_a_kill() {
    use tokio::io::{AsyncBufReadExt, BufReader};
    let dir = tempfile::tempdir().expect("a directory");
    let mut answered = Vec::new();
    for _ in 0..3 {
        let before = answered.len();
        let mut child = tokio::process::Command::new(std::env::current_exe().expect("this executable"))
            .args(["ci::kept::tests::child", "--exact", "--ignored", "--nocapture"])
            .env(DIR, dir.path())
            .stdout(std::process::Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("runs");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        while let Some(line) = lines.next_line().await.expect("text") {
            let words: Vec<&str> = line.split(' ').skip_while(|word| *word != MARK).collect();
            if let [MARK, run, name, "end"] = words[..] {
                answered.push((RunId(run.parse().expect("a number")), name.to_owned()));
            }
            // It may have kept many more before it is killed.
            if answered.len() == before + 20 {
                child.start_kill().expect("SIGKILL");
            }
        }
        child.wait().await.expect("ended");
    }
    let store = Store::open_sqlite(&dir.path().join("davit.db")).await.expect("opens after a kill");
    let place = Place::over(dir, store);
    for (run, name) in &answered {
        let found = place.keeper.load_artifacts(*run, &Selector::Name(name.clone())).await.expect("reads");
        assert_eq!(found.len(), 1, "{name} was promised");
        assert_eq!(&read(&found[0].1), name);
    }
    assert!(answered.len() >= 60);
    // What was cut off before its time was set has that of the real clock, which is far ahead of this one.
    place.pass(IN_USE * 1_000_000);
    place.keeper.sweep(Purpose::Artifacts).await.expect("sweeps");
    let rows = place.keeper.store.artifact_paths().await.expect("reads");
    assert_eq!(place.kept(Purpose::Artifacts).len(), rows.len(), "nothing else is left");
}

/// Keeps artefacts without end, and prints each one that was kept.
#[tokio::test]
#[ignore = "a process of its own, for the test above"]
#[expect(clippy::print_stdout, reason = "the parent reads it")]
async fn child() {
    let Some(dir) = std::env::var_os(DIR).map(PathBuf::from) else { return };
    let store = Store::open_sqlite(&dir.join("davit.db")).await.expect("opens");
    let clock = Clock::new(|| Timestamp::from_millis(START));
    let keeper = Keeper { store, data_dir: dir.join("data"), clock };
    let run = make_run(&keeper.store, "refs/heads/main").await;
    let job = take_job(&keeper.store, run.id, "build").await;
    for number in 0.. {
        let name = format!("{}-{number}", run.id);
        let file = dir.join(&name);
        std::fs::write(&file, &name).expect("writes");
        match keeper.save_artifact(job, &artifact(&name), 1, &file).await {
            Ok(_) => println!("{MARK} {} {name} end", run.id),
            Err(ServiceError::Refused(error) | ServiceError::Failed(error)) => panic!("{error}"),
        }
    }
}
