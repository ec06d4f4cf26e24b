//! Pull and merge requests: what a test arranges about them, how they stand, and merging them. Where there are real
//! repositories the merge is a real one, and whether there is a conflict is git's to say.

use super::model::{Change, Comment, Merge, Review, Standing};
use super::webhooks::{Delivery, NewComment, NewPullRequest, NewPush};
use super::{FakeForge, Shared};
use davit_domain::config::ForgeKind;
use davit_domain::ids::CommitSha;
use std::collections::BTreeSet;

/// Whether a forge can merge a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    /// Just asked for the first time: it will know at the next question.
    Computing,
    Clean,
    Conflict,
}

/// Where a base branch was before a merge, and where it is after.
type Made = (Option<CommitSha>, CommitSha);

/// Why a forge does not merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NoMerge {
    Unknown,
    Closed,
    Draft,
    HeadMoved,
    Conflict,
    Blocked(String),
    /// Somebody else merges at this very moment.
    Busy,
}

impl FakeForge {
    /// Lists a change among the open ones, in place of one with its number. `action` and `merge_commit` are not read.
    /// Real repositories get the ref that this forge has for it.
    pub fn open_change(&self, new: &NewPullRequest<'_>) {
        self.close_change(new.repository, new.number);
        self.shared.point_change(new.repository, new.number, new.head);
        self.shared.state().changes.push(Change::of(new));
        self.shared.note();
    }

    /// Takes a change out of the list of open ones.
    pub fn close_change(&self, repository: &str, number: i64) {
        let mut state = self.shared.state();
        state.changes.retain(|change| change.repository != repository || change.number != number);
    }

    /// Somebody closes it without merging it.
    pub fn give_up_change(&self, repository: &str, number: i64) {
        self.shared.change(repository, number, |change| change.standing = Standing::Closed);
    }

    /// New commits: its head is this one now.
    ///
    /// # Panics
    /// When there is no such change, as all calls below.
    pub fn move_head(&self, repository: &str, number: i64, head: &CommitSha) {
        self.shared.point_change(repository, number, head);
        self.shared.change(repository, number, |change| change.head = head.clone());
    }

    /// Marks it as a draft, or as ready.
    pub fn set_draft(&self, repository: &str, number: i64, draft: bool) {
        self.shared.change(repository, number, |change| change.draft = draft);
    }

    /// Gives it these labels and no others.
    pub fn set_labels(&self, repository: &str, number: i64, labels: &[&str]) {
        let labels = labels.iter().map(|label| (*label).to_owned()).collect();
        self.shared.change(repository, number, |change| change.labels = labels);
    }

    /// Somebody reviews it.
    pub fn review(&self, repository: &str, number: i64, login: &str, review: Review) {
        self.shared.change(repository, number, |change| change.reviews.push((login.to_owned(), review)));
    }

    /// Somebody pushes the forge's own button "merge when ready", or takes that back.
    pub fn set_auto_merge(&self, repository: &str, number: i64, wanted: bool) {
        self.shared.change(repository, number, |change| change.auto_merge = wanted);
    }

    /// A rule of the forge's own is in the way, in these words; `None`: no more.
    pub fn block(&self, repository: &str, number: i64, words: Option<&str>) {
        self.shared.change(repository, number, |change| change.blocked = words.map(str::to_owned));
    }

    /// Makes it contradict its base, where there is no real repository that says so.
    pub fn set_conflict(&self, repository: &str, number: i64, conflicts: bool) {
        self.shared.change(repository, number, |change| change.conflicts = conflicts);
    }

    /// Makes an account known in a repository. Nobody but these may push.
    pub fn add_person(&self, repository: &str, login: &str, may_push: bool) {
        self.shared.state().people.insert((repository.to_owned(), login.to_owned()), may_push);
    }

    /// The merges that were carried out, oldest first.
    #[must_use]
    pub fn merges(&self, repository: &str) -> Vec<Merge> {
        self.shared.state().merges.iter().filter(|merge| merge.repository == repository).cloned().collect()
    }

    /// What the webhooks tell of the merges since this was called last: of each the push to the base branch, and that the
    /// change is merged.
    pub fn merge_deliveries(&self, repository: &str) -> Vec<Delivery> {
        let mut told = Vec::new();
        let merges = self.shared.untold_merges(repository);
        for (merge, change) in merges {
            let git_ref = format!("refs/heads/{}", change.base_branch);
            told.push(self.push_delivery(&NewPush {
                repository,
                git_ref: &git_ref,
                before: merge.before.as_ref(),
                after: Some(&merge.commit),
                message: &format!("Merge pull request #{}", merge.number),
                pusher: "davit",
            }));
            told.push(self.pull_request_delivery(&NewPullRequest {
                repository,
                number: merge.number,
                action: "closed",
                title: &change.title,
                author: &change.author,
                head_repository: change.head_repository.as_deref(),
                head_branch: &change.head_branch,
                head: &merge.head,
                base_branch: &change.base_branch,
                draft: change.draft,
                merge_commit: Some(&merge.commit),
            }));
        }
        told
    }

    /// Somebody comments, who is not davit. Returns what the webhooks tell of it.
    pub fn write_comment(&self, new: &NewComment<'_>) -> Delivery {
        let NewComment { repository, number, text, .. } = *new;
        self.shared.keep_comment(Comment { repository: repository.to_owned(), number, body: text.to_owned() });
        self.comment_delivery(new)
    }
}

impl Shared {
    /// Changes a change.
    fn change(&self, repository: &str, number: i64, act: impl FnOnce(&mut Change)) {
        let mut state = self.state();
        let mut changes = state.changes.iter_mut();
        act(changes.find(|c| c.repository == repository && c.number == number).expect("a known change"));
        drop(state);
        self.note();
    }

    /// A change, whatever its state.
    pub(super) fn find_change(&self, repository: &str, number: i64) -> Option<Change> {
        let state = self.state();
        state.changes.iter().find(|change| change.repository == repository && change.number == number).cloned()
    }

    /// Whether somebody may push to a repository; `None`: the forge does not know them.
    pub(super) fn may_push(&self, repository: &str, login: &str) -> Option<bool> {
        let state = self.state();
        let known = |(of, name): &(String, String)| of == repository && name.eq_ignore_ascii_case(login);
        state.people.iter().find(|(key, _)| known(key)).map(|(_, may)| *may)
    }

    /// The number of an account; `None`: the forge does not know it.
    pub(super) fn person_number(&self, login: &str) -> Option<usize> {
        let logins = self.logins();
        logins.iter().position(|known| known.eq_ignore_ascii_case(login)).map(|at| at + 1)
    }

    /// The account with that number.
    pub(super) fn person_numbered(&self, number: usize) -> Option<String> {
        self.logins().get(number.checked_sub(1)?).cloned()
    }

    fn logins(&self) -> Vec<String> {
        let state = self.state();
        let logins: BTreeSet<String> = state.people.keys().map(|(_, login)| login.clone()).collect();
        logins.into_iter().collect()
    }

    fn untold_merges(&self, repository: &str) -> Vec<(Merge, Change)> {
        let mut state = self.state();
        let untold = std::mem::take(&mut state.untold);
        let (mine, others): (Vec<usize>, Vec<usize>) =
            untold.into_iter().partition(|at| state.merges[*at].repository == repository);
        state.untold = others;
        let merges = mine.into_iter().map(|at| state.merges[at].clone()).collect::<Vec<_>>();
        let of = |merge: &Merge| {
            let mut changes = state.changes.iter();
            changes.find(|change| change.repository == merge.repository && change.number == merge.number).cloned()
        };
        merges.into_iter().filter_map(|merge| of(&merge).map(|change| (merge, change))).collect()
    }

    /// The ref that git finds a change's head under.
    fn point_change(&self, repository: &str, number: i64, head: &CommitSha) {
        let Some(root) = &self.git_root else { return };
        let name = match self.kind {
            ForgeKind::Gitlab => format!("refs/merge-requests/{number}/head"),
            ForgeKind::Github | ForgeKind::Gitea | ForgeKind::Gitee | ForgeKind::Generic => {
                format!("refs/pull/{number}/head")
            }
        };
        let mut git = std::process::Command::new("git");
        git.arg("--git-dir").arg(root.join(format!("{repository}.git")));
        // A commit that is not there yet has no ref: tests without one ask for none.
        let _ = git.args(["update-ref", &name, head.as_str()]).stderr(std::process::Stdio::null()).status();
    }

    /// Whether it can be merged. The first question about a head and a base has no answer yet.
    pub(super) async fn look(&self, change: &Change) -> Look {
        let base = self.resolve(&change.repository, &format!("refs/heads/{}", change.base_branch)).await;
        let base = base.unwrap_or_default();
        let now = (change.head.as_str().to_owned(), base.clone());
        if change.looked_at.as_ref() != Some(&now) {
            self.change(&change.repository, change.number, |change| change.looked_at = Some(now));
            return Look::Computing;
        }
        let is_clean = match self.git_root {
            None => !change.conflicts,
            Some(_) => self.merged_tree(&change.repository, &base, change.head.as_str()).await.is_some(),
        };
        if is_clean { Look::Clean } else { Look::Conflict }
    }

    /// Merges. `head`: the only head that is merged; `None`: whichever it is.
    pub(super) async fn merge_change(
        &self,
        repository: &str,
        number: i64,
        head: Option<&str>,
        method: &str,
        delete_branch: bool,
    ) -> Result<String, NoMerge> {
        let change = self.begin_merge(repository, number, head)?;
        let made = self.make_merge(&change, method).await;
        let commit = self.end_merge(&change, method, made)?;
        if delete_branch && change.head_repository.as_deref() == Some(repository) {
            self.delete_branch(repository, &change.head_branch).await;
        }
        self.note();
        Ok(commit.to_string())
    }

    /// Keeps what came of a merge.
    fn end_merge(&self, change: &Change, method: &str, made: Option<Made>) -> Result<CommitSha, NoMerge> {
        let (repository, number) = (&change.repository, change.number);
        let mut state = self.state();
        let Some(kept) = state.changes.iter_mut().find(|c| c.repository == *repository && c.number == number) else {
            return Err(NoMerge::Unknown);
        };
        let Some((before, commit)) = made else {
            kept.standing = Standing::Open;
            return Err(NoMerge::Conflict);
        };
        kept.standing = Standing::Merged;
        kept.merge_commit = Some(commit.clone());
        let merge = Merge {
            repository: repository.clone(),
            number,
            head: change.head.clone(),
            method: method.to_owned(),
            before,
            commit: commit.clone(),
        };
        let at = state.merges.len();
        state.untold.push(at);
        state.merges.push(merge);
        Ok(commit)
    }

    /// One merge of a change at a time, and nothing that must not be merged.
    fn begin_merge(&self, repository: &str, number: i64, head: Option<&str>) -> Result<Change, NoMerge> {
        let mut state = self.state();
        let mut changes = state.changes.iter_mut();
        let Some(change) = changes.find(|c| c.repository == repository && c.number == number) else {
            return Err(NoMerge::Unknown);
        };
        match change.standing {
            Standing::Open => {}
            Standing::Merging => return Err(NoMerge::Busy),
            Standing::Merged | Standing::Closed => return Err(NoMerge::Closed),
        }
        if change.draft {
            return Err(NoMerge::Draft);
        }
        if let Some(words) = &change.blocked {
            return Err(NoMerge::Blocked(words.clone()));
        }
        if head.is_some_and(|head| head != change.head.as_str()) {
            return Err(NoMerge::HeadMoved);
        }
        change.standing = Standing::Merging;
        Ok(change.clone())
    }

    /// Where the base branch was and is; `None` where they conflict.
    async fn make_merge(&self, change: &Change, method: &str) -> Option<Made> {
        let sha = |text: String| CommitSha::try_from(text).expect("git names commits");
        if self.git_root.is_none() {
            let made = self.resolve(&change.repository, &format!("{method} of {}", change.head)).await;
            return (!change.conflicts).then(|| (None, sha(made.expect("every name is a commit"))));
        }
        let (repository, head) = (&change.repository, change.head.as_str());
        let base = self.resolve(repository, &format!("refs/heads/{}", change.base_branch)).await?;
        let tree = self.merged_tree(repository, &base, head).await?;
        let message = match method {
            "merge" => format!("Merge pull request #{} from {}", change.number, change.head_branch),
            _ => format!("{} (#{})", change.title, change.number),
        };
        let parents = match method {
            "merge" => vec![base.as_str(), head],
            _ => vec![base.as_str()],
        };
        let commit = self.commit_tree(repository, &tree, &parents, &message).await?;
        self.move_branch(repository, &change.base_branch, &commit, &base).await?;
        Some((Some(sha(base)), sha(commit)))
    }
}
