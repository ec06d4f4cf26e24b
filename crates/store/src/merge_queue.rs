//! The merge queues, one a base branch: who is tested merged with the base, and merged, after whom.

use crate::{Store, StoreError, Tx, from_json, known, on_read, on_tx, parsed, repository_key, storable, to_json};
use davit_domain::ids::{ChangeId, CommitSha, ForgeId, RunId};
use davit_domain::time::Timestamp;

/// Where an entry of a queue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum QueueState {
    /// Its turn has not come.
    Waiting,
    /// It is tested merged with its base.
    Testing,
    /// It is a part of its base.
    Merged,
    /// Its test or its merge did not work.
    Failed,
    /// It was taken out.
    Withdrawn,
}

impl QueueState {
    const ALL: [Self; 5] = [Self::Waiting, Self::Testing, Self::Merged, Self::Failed, Self::Withdrawn];

    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Testing => "testing",
            Self::Merged => "merged",
            Self::Failed => "failed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// From its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }

    /// Whether it has left the queue.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Waiting | Self::Testing)
    }
}

/// A change in a queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueEntry {
    /// Its number; the lower one is before.
    pub id: i64,
    /// The forge.
    pub forge: ForgeId,
    /// `owner/name` there, in lower case.
    pub repository: String,
    /// The branch that it is to be merged into.
    pub base_branch: String,
    /// The change.
    pub change: ChangeId,
    /// Where it stands.
    pub state: QueueState,
    /// The head that is to be merged, and no other.
    pub head: CommitSha,
    /// The commit that is tested: the head merged with the base.
    pub test: Option<CommitSha>,
    /// The runs that test it.
    pub runs: Vec<RunId>,
    /// Why it stands there.
    pub reason: Option<String>,
    /// When it came.
    pub created_at: Timestamp,
    /// When it left.
    pub ended_at: Option<Timestamp>,
}

/// What is new about an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueueChange<'a> {
    /// Where it stands.
    pub state: QueueState,
    /// The commit that is tested.
    pub test: Option<&'a CommitSha>,
    /// The runs that test it.
    pub runs: &'a [RunId],
    /// Why it stands there.
    pub reason: Option<&'a str>,
}

/// `SELECT` of every column, with what follows.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, forge, repository, base_branch, change_id, state, head_sha, test_sha, run_ids, reason, ",
            "created_at, ended_at FROM merge_queue ",
            $rest
        )
    };
}

const OPEN: &str =
    select!("WHERE forge = $1 AND repository = $2 AND base_branch = $3 AND ended_at IS NULL ORDER BY id");
const OF_CHANGE: &str = select!("WHERE change_id = $1 ORDER BY id DESC LIMIT 1");

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    forge: String,
    repository: String,
    base_branch: String,
    change_id: i64,
    state: String,
    head_sha: String,
    test_sha: Option<String>,
    run_ids: String,
    reason: Option<String>,
    created_at: i64,
    ended_at: Option<i64>,
}

impl Row {
    fn read(self) -> Result<QueueEntry, StoreError> {
        let place = format!("merge_queue {}", self.id);
        Ok(QueueEntry {
            id: self.id,
            forge: parsed(&place, &self.forge)?,
            repository: self.repository,
            base_branch: self.base_branch,
            change: ChangeId(self.change_id),
            state: known(&place, &self.state, QueueState::parse(&self.state))?,
            head: parsed(&place, &self.head_sha)?,
            test: self.test_sha.map(|test| parsed(&place, &test)).transpose()?,
            runs: from_json(&place, &self.run_ids)?,
            reason: self.reason,
            created_at: Timestamp::from_millis(self.created_at),
            ended_at: self.ended_at.map(Timestamp::from_millis),
        })
    }

    fn read_all(rows: Vec<Self>) -> Result<Vec<QueueEntry>, StoreError> {
        rows.into_iter().map(Self::read).collect()
    }
}

impl Store {
    /// Who is in the queue of a base branch, in order.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn queue_of(
        &self,
        forge: &ForgeId,
        repository: &str,
        base_branch: &str,
    ) -> Result<Vec<QueueEntry>, StoreError> {
        Row::read_all(on_read!(&self.db, p => sqlx::query_as(OPEN)
            .bind(forge.as_str()).bind(repository_key(repository).as_str()).bind(storable(base_branch).as_ref())
            .fetch_all(p).await)?)
    }

    /// The newest entry of a change, whether it is in a queue or has left it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn queue_entry_of(&self, change: ChangeId) -> Result<Option<QueueEntry>, StoreError> {
        let row: Option<Row> =
            on_read!(&self.db, p => sqlx::query_as(OF_CHANGE).bind(change.0).fetch_optional(p).await)?;
        row.map(Row::read).transpose()
    }

    /// The queues that somebody is in: forge, repository, base branch.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open_queues(&self) -> Result<Vec<(ForgeId, String, String)>, StoreError> {
        let sql = "SELECT DISTINCT forge, repository, base_branch FROM merge_queue WHERE ended_at IS NULL
             ORDER BY forge, repository, base_branch";
        let rows: Vec<(String, String, String)> = on_read!(&self.db, p => sqlx::query_as(sql).fetch_all(p).await)?;
        let read =
            |(forge, repository, branch): (String, _, _)| Ok((parsed("merge_queue", &forge)?, repository, branch));
        rows.into_iter().map(read).collect()
    }
}

impl Tx {
    /// Puts a change at the end of the queue of its base branch, to be merged with this head; or finds where it is
    /// already (`true`), with whatever head. Keeps the queue until the transaction ends.
    ///
    /// # Errors
    /// `Conflict` when there is no such change.
    pub async fn queue_push(
        &mut self,
        forge: &ForgeId,
        repository: &str,
        base_branch: &str,
        change: ChangeId,
        head: &CommitSha,
        at: Timestamp,
    ) -> Result<(i64, bool), StoreError> {
        let repository = repository_key(repository);
        self.lock_queue(forge, &repository, base_branch).await?;
        let sql = "INSERT INTO merge_queue (forge, repository, base_branch, change_id, state, head_sha, run_ids,
                 created_at)
             VALUES ($1, $2, $3, $4, $5, $6, '[]', $7)
             ON CONFLICT (change_id) WHERE ended_at IS NULL DO NOTHING RETURNING id";
        let id: Option<i64> = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(forge.as_str())
            .bind(repository.as_str())
            .bind(storable(base_branch).as_ref())
            .bind(change.0)
            .bind(QueueState::Waiting.as_str())
            .bind(head.as_str())
            .bind(at.millis())
            .fetch_optional(&mut **c).await)?;
        if let Some(id) = id {
            return Ok((id, false));
        }
        let sql = "SELECT id FROM merge_queue WHERE change_id = $1 AND ended_at IS NULL";
        let id = on_tx!(self, c => sqlx::query_scalar(sql).bind(change.0).fetch_one(&mut **c).await)?;
        Ok((id, true))
    }

    /// Who is in the queue of a base branch, in order. Until the transaction ends, nobody else gets an answer for this
    /// queue, so that what is decided from it stays true.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn queue_of(
        &mut self,
        forge: &ForgeId,
        repository: &str,
        base_branch: &str,
    ) -> Result<Vec<QueueEntry>, StoreError> {
        let repository = repository_key(repository);
        self.lock_queue(forge, &repository, base_branch).await?;
        Row::read_all(on_tx!(self, c => sqlx::query_as(OPEN)
            .bind(forge.as_str()).bind(repository.as_str()).bind(storable(base_branch).as_ref())
            .fetch_all(&mut **c).await)?)
    }

    /// The newest entry of a change, whether it is in a queue or has left it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn queue_entry_of(&mut self, change: ChangeId) -> Result<Option<QueueEntry>, StoreError> {
        let row: Option<Row> =
            on_tx!(self, c => sqlx::query_as(OF_CHANGE).bind(change.0).fetch_optional(&mut **c).await)?;
        row.map(Row::read).transpose()
    }

    /// Moves an entry on; a final state takes it out of the queue. What has left stays as it left: then `false`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn queue_set(&mut self, id: i64, change: &QueueChange<'_>, at: Timestamp) -> Result<bool, StoreError> {
        let sql = "UPDATE merge_queue SET state = $2, test_sha = $3, run_ids = $4, reason = $5, ended_at = $6
             WHERE id = $1 AND ended_at IS NULL";
        let runs = to_json("merge_queue", &change.runs)?;
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id)
            .bind(change.state.as_str())
            .bind(change.test.map(CommitSha::as_str))
            .bind(runs.as_str())
            .bind(change.reason.map(storable).as_deref())
            .bind(change.state.is_final().then_some(at.millis()))
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        Ok(done > 0)
    }

    async fn lock_queue(&mut self, forge: &ForgeId, repository: &str, base_branch: &str) -> Result<(), StoreError> {
        self.lock(&format!("merge queue {forge} {repository} {}", storable(base_branch))).await
    }
}
