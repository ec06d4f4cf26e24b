//! A repository at a forge of any kind, whose changes davit merges.

use davit_domain::config::ForgeKind;
use davit_domain::ids::{CommitSha, ForgeId};
use davit_domain::status::CommitState;
use davit_store::changes::Change;
use davit_store::checks::Check;
use davit_testkit::app::{Database, TestApp};
use davit_testkit::fake_forge::{NewComment, NewPullRequest, NewStatus};
use davit_testkit::git::Repo;
use std::time::Duration;

pub(crate) const REPOSITORY: &str = "acme/shop";
pub(crate) const KINDS: [ForgeKind; 4] = [ForgeKind::Github, ForgeKind::Gitlab, ForgeKind::Gitea, ForgeKind::Gitee];

pub(crate) struct Merging {
    pub(crate) app: TestApp,
    pub(crate) repo: Repo,
}

impl Merging {
    /// With `policy` as the rest of `[repository.merge]`. bob may push there, eve may not, and nobody knows mallory.
    pub(crate) async fn start(kind: ForgeKind, database: Database, policy: &str) -> Self {
        let app = TestApp::start_at(kind, database).await;
        let repo = Repo::init(app.path("work"));
        repo.commit("First", &[("index.html", "first")]);
        app.publish(&repo, REPOSITORY);
        for (login, may_push) in [("bob", true), ("carol", true), ("eve", false)] {
            app.forge.add_person(REPOSITORY, login, may_push);
        }
        let merging = Self { app, repo };
        merging.app.apply(&merging.document(policy)).await;
        // davit lists the open changes first: what a test does in silence later must not be found by that.
        let is_listed = async || (!merging.app.forge.requests().is_empty()).then_some(());
        merging.app.until("davit lists the open changes", is_listed).await;
        merging.app.settle().await;
        merging
    }

    /// Runs workflows in the real sandbox too, with `workflow` on the base branch.
    pub(crate) async fn start_testing(database: Database, policy: &str, workflow: &str) -> Self {
        let merging = Self::start(ForgeKind::Github, database, policy).await;
        merging.branch("main", ".davit/workflows/queue.yml", workflow);
        merging
    }

    pub(crate) fn document(&self, policy: &str) -> String {
        let forge = self.app.forge_id();
        let repository = format!("[[repository]]\nforge = {forge:?}\nname = {REPOSITORY:?}\n");
        format!("{}{repository}[repository.merge]\n{policy}\n", self.app.forge_table())
    }

    fn bare(&self) -> String {
        self.app.path("forge").join(format!("{REPOSITORY}.git")).display().to_string()
    }

    /// Where a branch is at the forge; `None`: it is gone.
    pub(crate) fn at_forge(&self, branch: &str) -> Option<CommitSha> {
        let listed = self.repo.git(&["ls-remote", &self.bare(), &format!("refs/heads/{branch}")]);
        listed.split_whitespace().next().map(|sha| sha.parse().unwrap())
    }

    /// What a file holds on the base branch at the forge.
    pub(crate) fn merged_file(&self, path: &str) -> String {
        self.repo.git(&["fetch", "--quiet", &self.bare(), "main"]);
        self.repo.git(&["show", &format!("FETCH_HEAD:{path}")])
    }

    /// A branch from the forge's `main` with one commit, pushed; nobody is told.
    pub(crate) fn branch(&self, name: &str, path: &str, content: &str) -> CommitSha {
        self.repo.git(&["fetch", "--quiet", &self.bare(), "main"]);
        self.repo.git(&["switch", "--quiet", "-C", name, "FETCH_HEAD"]);
        self.commit(name, path, content)
    }

    /// One more commit on a branch.
    pub(crate) fn commit(&self, branch: &str, path: &str, content: &str) -> CommitSha {
        self.repo.switch(branch);
        let commit = self.repo.commit(&format!("Change {path}"), &[(path, content)]);
        self.repo.git(&["push", "--quiet", "--force", &self.bare(), branch]);
        commit.parse().unwrap()
    }

    /// Opens a change with one commit, and tells davit.
    pub(crate) async fn open(&self, number: i64, path: &str, content: &str) -> CommitSha {
        let branch = format!("change-{number}");
        let head = self.branch(&branch, path, content);
        self.app.forge.open_change(&pull_request(number, &branch, &head, "opened"));
        self.tell(number, &head, "opened").await;
        head
    }

    /// Tells davit of something that happened to a change.
    pub(crate) async fn tell(&self, number: i64, head: &CommitSha, action: &str) {
        let branch = format!("change-{number}");
        let delivery = self.app.forge.pull_request_delivery(&pull_request(number, &branch, head, action));
        self.deliver(&delivery).await;
    }

    pub(crate) async fn deliver(&self, delivery: &davit_testkit::fake_forge::Delivery) {
        let (status, answer) = self.app.deliver(delivery).await;
        assert!([200, 202].contains(&status), "{status} {answer}");
        self.app.settle().await;
    }

    pub(crate) async fn comment(&self, number: i64, author: &str, text: &str) {
        // Comments of one second would be one happening.
        self.app.advance(Duration::from_secs(1));
        let new = NewComment { repository: REPOSITORY, number, author, text };
        self.deliver(&self.app.forge.comment_delivery(&new)).await;
    }

    /// Somebody's check of a commit. Gitee tells nobody: there it is as if davit had found out.
    pub(crate) async fn check(&self, commit: &CommitSha, name: &str, state: CommitState) {
        self.app.advance(Duration::from_secs(1));
        if self.app.forge.kind() != ForgeKind::Gitee {
            let new = NewStatus { repository: REPOSITORY, commit, name, state, description: "", target_url: "" };
            self.deliver(&self.app.forge.status_delivery(&new)).await;
            return;
        }
        let engine = self.app.engine();
        let mut tx = engine.store().begin().await.unwrap();
        let check = Check {
            forge: self.forge(),
            repository: REPOSITORY.to_owned(),
            commit: commit.clone(),
            name: name.to_owned(),
            state,
            description: String::new(),
            target_url: String::new(),
            at: engine.now(),
        };
        tx.record_check(&check).await.unwrap();
        tx.judge_changes_of_head(&check.forge, REPOSITORY, commit, engine.now()).await.unwrap();
        tx.commit().await.unwrap();
        self.app.settle().await;
    }

    pub(crate) fn forge(&self) -> ForgeId {
        self.app.forge_id().parse().unwrap()
    }

    /// What davit knows of a change.
    pub(crate) async fn change(&self, number: i64) -> Option<Change> {
        self.app.engine().store().change_numbered(&self.forge(), REPOSITORY, number).await.unwrap()
    }

    /// The codes of what held a change up when it was last judged.
    pub(crate) async fn holds(&self, number: i64) -> Vec<&'static str> {
        let change = self.change(number).await;
        change.and_then(|change| change.holds).unwrap_or_default().iter().map(|hold| hold.code()).collect()
    }

    /// Lets time go on until a change is held up by exactly these things.
    pub(crate) async fn until_held(&self, number: i64, codes: &[&str]) {
        self.passing(&format!("#{number} held by {codes:?}"), async || {
            let held = self.holds(number).await;
            (held == codes).then_some(())
        })
        .await;
    }

    /// Lets time go on until a change is merged at the forge and davit knows; its merge commit.
    pub(crate) async fn until_merged(&self, number: i64) -> CommitSha {
        self.passing(&format!("#{number} merged"), async || self.change(number).await?.row.merge_commit).await
    }

    /// Lets time go on until `look` finds something.
    pub(crate) async fn passing<T>(&self, what: &str, look: impl AsyncFn() -> Option<T>) -> T {
        let looked = async || {
            self.app.advance_between_jobs(Duration::from_secs(2)).await;
            look().await
        };
        self.app.until(what, looked).await
    }

    /// The comments that davit wrote, those of people not among them.
    pub(crate) fn answers(&self, number: i64) -> Vec<String> {
        let comments = self.app.forge.comments(REPOSITORY).into_iter();
        comments.filter(|comment| comment.number == number).map(|comment| comment.body).collect()
    }

    pub(crate) async fn finish(self) {
        self.app.finish().await;
    }
}

pub(crate) fn pull_request<'a>(
    number: i64,
    branch: &'a str,
    head: &'a CommitSha,
    action: &'a str,
) -> NewPullRequest<'a> {
    NewPullRequest {
        repository: REPOSITORY,
        number,
        action,
        title: "A change",
        author: "ada",
        head_repository: Some(REPOSITORY),
        head_branch: branch,
        head,
        base_branch: "main",
        draft: false,
        merge_commit: None,
    }
}
