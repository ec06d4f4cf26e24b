//! The commits that are tested, and how their tests go.

use crate::ci::QueueRun;
use crate::repositories::nobody_listens;
use crate::{Engine, EngineError};
use davit_domain::ci::RunState;
use davit_domain::config::{ForgeKind, RepositorySettings};
use davit_domain::ids::{CommitSha, ForgeId};
use davit_exec::git::{Mirror, Obtain};
use davit_store::changes::Change;
use davit_store::merge_queue::{QueueChange, QueueEntry, QueueState};
use tokio_util::sync::CancellationToken;

/// How the test of an entry goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tested {
    /// It has not begun.
    NotYet,
    /// It goes on.
    Running,
    /// All is green.
    Good,
    /// Something is not.
    Bad {
        /// What, as a clause.
        reason: String,
    },
}

/// By the table and the runs in it.
pub(super) async fn verdict(engine: &Engine, entry: &QueueEntry) -> Result<Tested, EngineError> {
    if entry.state != QueueState::Testing || entry.test.is_none() {
        return Ok(Tested::NotYet);
    }
    let mut tested = Tested::Good;
    for id in &entry.runs {
        // What is forgotten proves nothing.
        let Some(run) = engine.store().run(*id).await? else { return Ok(Tested::NotYet) };
        match run.state {
            RunState::Success | RunState::Skipped => {}
            RunState::AwaitingApproval | RunState::Queued | RunState::Running => tested = Tested::Running,
            RunState::Failure | RunState::Cancelled | RunState::TimedOut | RunState::Error => {
                let reason = format!(
                    "{} is not green on it merged with {} ({})",
                    run.workflow,
                    entry.base_branch,
                    engine.run_url(*id)
                );
                return Ok(Tested::Bad { reason });
            }
        }
    }
    Ok(tested)
}

/// Whether an entry was tested as a fork's code is: without secrets.
pub(super) async fn was_distrusted(engine: &Engine, entry: &QueueEntry) -> Result<bool, EngineError> {
    for id in &entry.runs {
        if engine.store().run(*id).await?.is_some_and(|run| run.from_fork) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Ends what still tests an entry, and lets go of its commit. Nobody waits for that: a run that ends later changes nothing.
pub(super) async fn drop_all(engine: &Engine, forge: &ForgeId, repository: &str, entry: &QueueEntry) {
    for run in &entry.runs {
        if let Err(error) = engine.cancel_run(*run, "davit").await {
            tracing::debug!(run = run.0, %error, "a run of the merge queue has ended already");
        }
    }
    let forgotten = async {
        let configuration = engine.store().configuration().await?;
        let Some(settings) = configuration.repository(forge, repository) else { return Ok(()) };
        Ok::<(), EngineError>(engine.repository_mirror(settings).await?.forget_merge(&name_of(entry)).await?)
    };
    if let Err(error) = forgotten.await {
        tracing::debug!(entry = entry.id, %error, "the commit of a test stays in the mirror");
    }
}

fn name_of(entry: &QueueEntry) -> String {
    entry.id.to_string()
}

/// Where the commits are made: the repository's mirror.
pub(super) struct Bench<'a> {
    engine: &'a Engine,
    settings: &'a RepositorySettings,
    kind: ForgeKind,
    mirror: Mirror,
    branch: &'a str,
}

impl<'a> Bench<'a> {
    pub(super) async fn open(
        engine: &'a Engine,
        settings: &'a RepositorySettings,
        branch: &'a str,
    ) -> Result<Self, EngineError> {
        let kind = engine.configured_forge(&settings.forge).await?.kind;
        let mirror = engine.repository_mirror(settings).await?;
        Ok(Self { engine, settings, kind, mirror, branch })
    }

    /// Where the base branch is now.
    pub(super) async fn base(&self) -> Result<CommitSha, EngineError> {
        self.mirror.fetch(&nobody_listens(), &CancellationToken::new()).await?;
        Ok(self.mirror.resolve(&format!("refs/heads/{}", self.branch)).await?.commit)
    }

    /// Whether a commit is `head` merged with what `before` holds. A merge at the forge is another commit than the one
    /// that was tested, with the same content.
    pub(super) async fn is_of(
        &self,
        test: &CommitSha,
        before: &CommitSha,
        head: &CommitSha,
    ) -> Result<bool, EngineError> {
        let parents = self.mirror.parents_of(test).await?;
        let [first, second] = &parents[..] else { return Ok(false) };
        let (tested, now) = (self.mirror.tree_of(first).await?, self.mirror.tree_of(before).await?);
        Ok(second == head && tested.is_some() && tested == now)
    }

    /// Merges an entry's head with `before`; `None` when they conflict.
    pub(super) async fn make(
        &self,
        before: &CommitSha,
        entry: &QueueEntry,
        change: &Change,
    ) -> Result<Option<CommitSha>, EngineError> {
        let number = change.row.number;
        let change_ref = match self.kind {
            ForgeKind::Gitlab => format!("refs/merge-requests/{number}/head"),
            ForgeKind::Github | ForgeKind::Gitea | ForgeKind::Gitee | ForgeKind::Generic => {
                format!("refs/pull/{number}/head")
            }
        };
        let wanted = Obtain { commit: &entry.head, branches: &[], change_ref: Some(&change_ref) };
        self.mirror.obtain(wanted, &nobody_listens(), &CancellationToken::new()).await?;
        let message = format!("Test {} (#{number}) merged with {}", change.row.title, self.branch);
        Ok(self.mirror.merge(before, &entry.head, &message, &name_of(entry)).await?)
    }

    /// Writes down what is tested, and begins to; `from_fork`: it or one that it is merged with comes from a fork.
    pub(super) async fn start(
        &self,
        entry: &QueueEntry,
        change: &Change,
        before: &CommitSha,
        test: &CommitSha,
        from_fork: bool,
    ) -> Result<(), EngineError> {
        for run in entry.runs.iter().filter(|_| entry.test.as_ref() != Some(test)) {
            // Of what is not tested any more.
            let _ = self.engine.cancel_run(*run, "davit").await;
        }
        let by = change.asked.as_ref().map_or(change.row.author.as_str(), |ask| ask.by.as_str());
        let run = QueueRun {
            change: change.row.number,
            base_branch: self.branch,
            base: before,
            head: test,
            from_fork,
            title: &change.row.title,
            by,
        };
        let runs = self.engine.plan_queue_run(&self.settings.forge, &self.settings.name, run).await?;
        let mut tx = self.engine.store().begin().await?;
        let testing = QueueChange { state: QueueState::Testing, test: Some(test), runs: &runs, reason: None };
        tx.queue_set(entry.id, &testing, self.engine.now()).await?;
        tx.commit().await?;
        self.engine.told_of_change(change.id);
        Ok(())
    }
}
