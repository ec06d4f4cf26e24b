//! A repository whose workflows run: at a fake forge, with real git, in the real sandbox.

use davit_domain::ci::RunState;
use davit_domain::config::ForgeKind;
use davit_domain::ids::{CommitSha, RunId};
use davit_store::ci_jobs::CiJob;
use davit_store::ci_runs::{Run, RunFilter};
use davit_testkit::app::{Database, TestApp};
use davit_testkit::fake_forge::{Delivery, NewPullRequest, NewPush, Status};
use davit_testkit::git::Repo;

pub(crate) const REPOSITORY: &str = "acme/shop";

pub(crate) struct Ci {
    pub(crate) app: TestApp,
    pub(crate) repo: Repo,
}

impl Ci {
    /// With `settings` as the rest of `[[repository]]`.
    pub(crate) async fn start(settings: &str) -> Self {
        Self::start_at(ForgeKind::Github, Database::Sqlite, settings).await
    }

    pub(crate) async fn start_at(kind: ForgeKind, database: Database, settings: &str) -> Self {
        let app = TestApp::start_at(kind, database).await;
        let repo = Repo::init(app.path("work"));
        repo.commit("First", &[("README.md", "shop")]);
        app.publish(&repo, REPOSITORY);
        let ci = Self { app, repo };
        ci.configure(settings).await;
        ci
    }

    pub(crate) async fn configure(&self, settings: &str) {
        let forge = self.app.forge_id();
        let table = format!("[[repository]]\nforge = {forge:?}\nname = {REPOSITORY:?}\n{settings}\n");
        self.app.apply(&format!("{}{table}", self.app.forge_table())).await;
    }

    /// Commits files, the workflow `ci.yml` among them, and has them at the forge.
    pub(crate) fn commit(&self, message: &str, workflow: &str, files: &[(&str, &str)]) -> String {
        let mut all = vec![(".davit/workflows/ci.yml", workflow)];
        all.extend_from_slice(files);
        let commit = self.repo.commit(message, &all);
        self.app.publish(&self.repo, REPOSITORY);
        commit
    }

    /// The delivery of a push.
    pub(crate) fn push_of(&self, git_ref: &str, before: Option<&str>, after: &str, message: &str) -> Delivery {
        let (before, after) = (before.map(sha), sha(after));
        self.app.forge.push_delivery(&NewPush {
            repository: REPOSITORY,
            git_ref,
            before: before.as_ref(),
            after: Some(&after),
            message,
            pusher: "octocat",
        })
    }

    /// Tells of a push to main.
    pub(crate) async fn push(&self, commit: &str) {
        let (status, body) = self.app.deliver(&self.push_of("refs/heads/main", None, commit, "message")).await;
        assert_eq!(status, 202, "{body}");
    }

    /// Commits a workflow, pushes it, and waits for the end of whatever runs.
    pub(crate) async fn run(&self, workflow: &str) -> Run {
        let commit = self.commit("Change", workflow, &[]);
        self.push(&commit).await;
        self.app.settle().await;
        self.only_run().await
    }

    /// Tells of a change from the branch `topic` of the repository itself, or of a fork.
    pub(crate) async fn change(&self, action: &str, head: &str, from_fork: bool) {
        let head = sha(head);
        let new = NewPullRequest {
            repository: REPOSITORY,
            number: 7,
            action,
            title: "Sell tea",
            author: "ada",
            head_repository: Some(if from_fork { "ada/shop" } else { REPOSITORY }),
            head_branch: "topic",
            head: &head,
            base_branch: "main",
            draft: false,
            merge_commit: None,
        };
        self.app.forge.open_change(&new);
        let delivery = self.app.forge.pull_request_delivery(&new);
        let (status, body) = self.app.deliver(&delivery).await;
        assert_eq!(status, 202, "{body}");
    }

    /// Has the newest delivery processed once more.
    pub(crate) async fn replay(&self) {
        let deliveries = self.app.get("/deliveries").await;
        let id = deliveries["items"][0]["id"].as_i64().unwrap();
        self.app.engine().replay_delivery(davit_domain::ids::DeliveryId(id), "test").await.unwrap();
    }

    /// All runs, oldest first.
    pub(crate) async fn runs(&self) -> Vec<Run> {
        let mut runs = self.app.engine().store().runs(&RunFilter::default(), None, 1000).await.unwrap();
        runs.reverse();
        runs
    }

    pub(crate) async fn only_run(&self) -> Run {
        let runs = self.runs().await;
        assert_eq!(runs.len(), 1, "{runs:#?}");
        runs.into_iter().next().unwrap()
    }

    pub(crate) async fn run_now(&self, id: RunId) -> Run {
        self.app.engine().store().run(id).await.unwrap().unwrap()
    }

    /// Every attempt of every job.
    pub(crate) async fn jobs(&self, run: RunId) -> Vec<CiJob> {
        self.app.engine().store().jobs(run).await.unwrap()
    }

    /// `name attempt state` of every job.
    pub(crate) async fn states(&self, run: RunId) -> Vec<String> {
        let jobs = self.jobs(run).await;
        jobs.iter().map(|job| format!("{} {} {}", job.name, job.attempt, job.state.as_str())).collect()
    }

    /// What a job said, without davit's own words.
    pub(crate) async fn output(&self, job: &CiJob) -> Vec<String> {
        let lines = self.app.engine().store().job_lines(job.id, 0, None, 100_000).await.unwrap();
        for (expected, line) in (1..).zip(&lines) {
            assert_eq!(line.seq, expected, "a log has no gaps");
        }
        let own = lines.into_iter().filter(|line| line.stream != davit_domain::log::Stream::System);
        own.map(|line| line.text).collect()
    }

    /// Everything that a job's log holds, as one text.
    pub(crate) async fn log(&self, job: &CiJob) -> String {
        let lines = self.app.engine().store().job_lines(job.id, 0, None, 100_000).await.unwrap();
        lines.iter().map(|line| format!("{} {} {}\n", line.step, line.stream.as_str(), line.text)).collect()
    }

    /// The logs of all jobs of a run.
    pub(crate) async fn logs(&self, run: RunId) -> String {
        let mut all = String::new();
        for job in self.jobs(run).await {
            all.push_str(&format!("{} {} {:?}\n{}", job.name, job.attempt, job.reason, self.log(&job).await));
        }
        all
    }

    /// What the newest attempt of a job said.
    pub(crate) async fn output_of(&self, run: RunId, name: &str) -> Vec<String> {
        let jobs = self.jobs(run).await;
        let job = jobs.iter().rfind(|job| job.name == name);
        self.output(job.unwrap_or_else(|| panic!("no job {name}: {jobs:#?}"))).await
    }

    /// Waits until a job has said this. That davit names the script that says it, before it runs, is not enough.
    pub(crate) async fn wait_for_line(&self, text: &str) -> CiJob {
        let said = async || {
            for job in self.app.engine().store().unfinished_jobs().await.unwrap() {
                if self.output(&job).await.iter().any(|line| line.contains(text)) {
                    return Some(job);
                }
            }
            None
        };
        self.app.until(&format!("a job that says {text:?}"), said).await
    }

    pub(crate) async fn wait_for_state(&self, run: RunId, state: RunState) {
        let reached = async || (self.run_now(run).await.state == state).then_some(());
        self.app.until(&format!("run {run} is {}", state.as_str()), reached).await;
    }

    /// `state context` of a commit's statuses as they are at the forge now, sorted.
    pub(crate) fn statuses(&self, commit: &str) -> Vec<String> {
        let mut newest: Vec<Status> = Vec::new();
        for status in self.app.forge.statuses(REPOSITORY, &sha(commit)) {
            newest.retain(|known| known.context != status.context);
            newest.push(status);
        }
        let mut texts: Vec<String> =
            newest.iter().map(|status| format!("{} {}", status.state.as_str(), status.context)).collect();
        texts.sort();
        texts
    }

    pub(crate) async fn finish(self) {
        self.app.settle().await;
        for run in self.runs().await {
            let waits = run.state == RunState::AwaitingApproval;
            assert!(run.state.is_final() || waits, "nothing stays open: {run:#?}");
            assert!(self.jobs(run.id).await.iter().all(|job| job.state.is_final()), "run {}", run.id);
        }
        let left: Vec<_> = std::fs::read_dir(self.app.path("jobs")).into_iter().flatten().flatten().collect();
        assert!(left.is_empty(), "nothing of a job is left: {left:?}");
        self.app.finish().await;
    }
}

pub(crate) fn sha(text: &str) -> CommitSha {
    text.parse().unwrap()
}

/// The newest attempt of a job.
pub(crate) fn job(jobs: &[CiJob], name: &str) -> CiJob {
    jobs.iter().rfind(|job| job.name == name).unwrap_or_else(|| panic!("no job {name}: {jobs:#?}")).clone()
}
