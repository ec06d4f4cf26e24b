//! Changes (pull and merge requests) as their forge last told them, who wants them merged, and what is in the way.
//! Whether a change is merged is the domain's to say (`davit_domain::merge`).

use crate::select::Select;
use crate::{Store, StoreError, Tx, from_json, known, on_read, on_tx, parsed, repository_key, storable, to_json};
use davit_domain::config::MergeBy;
use davit_domain::ids::{ChangeId, CommitSha, ForgeId};
use davit_domain::merge::{ChangeFacts, ChangeState, Hold, MergeAsk, Mergeable};
use davit_domain::status::CommitState;
use davit_domain::time::Timestamp;

/// A change as its forge tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeRow {
    /// The forge.
    pub forge: ForgeId,
    /// `owner/name` there; read back in lower case.
    pub repository: String,
    /// Its number there.
    pub number: i64,
    /// Its title.
    pub title: String,
    /// Login of its author.
    pub author: String,
    /// Its page at the forge.
    pub url: String,
    /// The commit under review.
    pub head: CommitSha,
    /// The branch it comes from.
    pub head_branch: String,
    /// The branch it goes to.
    pub base_branch: String,
    /// Whether it comes from another repository.
    pub from_fork: bool,
    /// Whether its author says that it is not ready.
    pub draft: bool,
    /// Where it stands.
    pub state: ChangeState,
    /// Its labels.
    pub labels: Vec<String>,
    /// Approvals that hold for it now.
    pub approvals: u32,
    /// Who wants it changed.
    pub changes_requested: Vec<String>,
    /// Whether the forge can merge it.
    pub mergeable: Mergeable,
    /// Whether the forge was told to merge it when it is ready.
    pub auto_merge: bool,
    /// What it became in its base branch, once it is merged and that is known.
    pub merge_commit: Option<CommitSha>,
}

/// A change, and what davit makes of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number in davit.
    pub id: ChangeId,
    /// As its forge tells it.
    pub row: ChangeRow,
    /// Who asked with a comment or at davit that it be merged.
    pub asked: Option<MergeAsk>,
    /// When.
    pub asked_at: Option<Timestamp>,
    /// What was in the way when it was last judged; `None`: it never was.
    pub holds: Option<Vec<Hold>>,
    /// When to judge it again; `None`: not before something changes.
    pub judge_at: Option<Timestamp>,
    /// When the forge was asked for what is known.
    pub refreshed_at: Timestamp,
    /// When davit first heard of it.
    pub created_at: Timestamp,
    /// When what the forge tells was last something new.
    pub updated_at: Timestamp,
}

impl Change {
    /// What there is to judge, with the checks of its head.
    #[must_use]
    pub fn facts(&self, checks: Vec<(String, CommitState)>) -> ChangeFacts {
        let row = self.row.clone();
        ChangeFacts {
            state: row.state,
            head: row.head,
            base_branch: row.base_branch,
            draft: row.draft,
            labels: row.labels,
            approvals: row.approvals,
            changes_requested: row.changes_requested,
            mergeable: row.mergeable,
            auto_merge: row.auto_merge,
            asked: self.asked.clone(),
            checks,
        }
    }
}

/// Which changes to list. Empty: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeFilter {
    /// Of this forge.
    pub forge: Option<ForgeId>,
    /// Of this repository, without case.
    pub repository: Option<String>,
    /// With this number at the forge.
    pub number: Option<i64>,
    /// In this state.
    pub state: Option<ChangeState>,
    /// Of these repositories alone; `None`: of all.
    pub within: Option<Vec<(ForgeId, String)>>,
}

/// `SELECT` of every column, with what follows.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, forge, repository, number, title, author, url, head_sha, head_branch, base_branch, from_fork, ",
            "draft, state, labels, approvals, changes_requested, mergeable, mergeable_reason, auto_merge, asked_how, ",
            "asked_by, asked_head, asked_at, merge_commit, holds, judge_at, refreshed_at, created_at, updated_at ",
            "FROM changes ",
            $rest
        )
    };
}

const ONE: &str = select!("WHERE id = $1");
const NUMBERED: &str = select!("WHERE forge = $1 AND repository = $2 AND number = $3");

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    forge: String,
    repository: String,
    number: i64,
    title: String,
    author: String,
    url: String,
    head_sha: String,
    head_branch: String,
    base_branch: String,
    from_fork: bool,
    draft: bool,
    state: String,
    labels: String,
    approvals: i64,
    changes_requested: String,
    mergeable: String,
    mergeable_reason: Option<String>,
    auto_merge: bool,
    asked_how: Option<String>,
    asked_by: Option<String>,
    asked_head: Option<String>,
    asked_at: Option<i64>,
    merge_commit: Option<String>,
    holds: Option<String>,
    judge_at: Option<i64>,
    refreshed_at: i64,
    created_at: i64,
    updated_at: i64,
}

impl Row {
    fn read(self) -> Result<Change, StoreError> {
        let place = format!("changes {}", self.id);
        let asked = match (self.asked_how, self.asked_by) {
            (Some(how), Some(by)) => Some(MergeAsk {
                how: known(&place, &how, MergeBy::parse(&how))?,
                by,
                head: self.asked_head.map(|head| parsed(&place, &head)).transpose()?,
            }),
            (_, _) => None,
        };
        let mergeable = Mergeable::parse(&self.mergeable, self.mergeable_reason.as_deref());
        let row = ChangeRow {
            forge: parsed(&place, &self.forge)?,
            repository: self.repository,
            number: self.number,
            title: self.title,
            author: self.author,
            url: self.url,
            head: parsed(&place, &self.head_sha)?,
            head_branch: self.head_branch,
            base_branch: self.base_branch,
            from_fork: self.from_fork,
            draft: self.draft,
            state: known(&place, &self.state, ChangeState::parse(&self.state))?,
            labels: from_json(&place, &self.labels)?,
            approvals: u32::try_from(self.approvals).unwrap_or(u32::MAX),
            changes_requested: from_json(&place, &self.changes_requested)?,
            mergeable: known(&place, &self.mergeable, mergeable)?,
            auto_merge: self.auto_merge,
            merge_commit: self.merge_commit.map(|commit| parsed(&place, &commit)).transpose()?,
        };
        Ok(Change {
            id: ChangeId(self.id),
            row,
            asked,
            asked_at: self.asked_at.map(Timestamp::from_millis),
            holds: self.holds.map(|holds| from_json(&place, &holds)).transpose()?,
            judge_at: self.judge_at.map(Timestamp::from_millis),
            refreshed_at: Timestamp::from_millis(self.refreshed_at),
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
        })
    }

    fn read_all(rows: Vec<Self>) -> Result<Vec<Change>, StoreError> {
        rows.into_iter().map(Self::read).collect()
    }
}

impl Store {
    /// A change.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn change(&self, id: ChangeId) -> Result<Option<Change>, StoreError> {
        let row: Option<Row> = on_read!(&self.db, p => sqlx::query_as(ONE).bind(id.0).fetch_optional(p).await)?;
        row.map(Row::read).transpose()
    }

    /// The change with this number at its forge.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn change_numbered(
        &self,
        forge: &ForgeId,
        repository: &str,
        number: i64,
    ) -> Result<Option<Change>, StoreError> {
        let row: Option<Row> = on_read!(&self.db, p => sqlx::query_as(NUMBERED)
            .bind(forge.as_str()).bind(repository_key(repository).as_str()).bind(number)
            .fetch_optional(p).await)?;
        row.map(Row::read).transpose()
    }

    /// Changes, newest first, below the id `before`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn changes(
        &self,
        filter: &ChangeFilter,
        before: Option<ChangeId>,
        limit: i64,
    ) -> Result<Vec<Change>, StoreError> {
        let rows: Vec<Row> = on_read!(&self.db, p => Select::new(select!(""))
            .equals("forge", filter.forge.as_ref())
            .equals("repository", filter.repository.as_deref().map(repository_key))
            .equals_number("number", filter.number)
            .equals("state", filter.state.map(ChangeState::as_str))
            .of_repositories(filter.within.as_deref())
            .newest_first(before.map(|id| id.0), limit)
            .build_query_as().fetch_all(p).await)?;
        Row::read_all(rows)
    }

    /// At most `limit` changes that are due to be judged, the one that waits longest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn changes_to_judge(&self, now: Timestamp, limit: i64) -> Result<Vec<Change>, StoreError> {
        let sql = select!("WHERE judge_at <= $1 ORDER BY judge_at, id LIMIT $2");
        Row::read_all(on_read!(&self.db, p => sqlx::query_as(sql).bind(now.millis()).bind(limit).fetch_all(p).await)?)
    }
}

impl Tx {
    /// Writes down what the forge told about a change when it was asked at `asked_at`. What was learnt later stays. An
    /// open change is due to be judged then, another one is not.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn upsert_change(&mut self, row: &ChangeRow, asked_at: Timestamp) -> Result<ChangeId, StoreError> {
        let labels = to_json("changes", &row.labels)?;
        let requested = to_json("changes", &row.changes_requested)?;
        let repository = repository_key(&row.repository);
        on_tx!(self, c => sqlx::query(UPSERT)
            .bind(row.forge.as_str())
            .bind(repository.as_str())
            .bind(row.number)
            .bind(storable(&row.title).as_ref())
            .bind(storable(&row.author).as_ref())
            .bind(storable(&row.url).as_ref())
            .bind(row.head.as_str())
            .bind(storable(&row.head_branch).as_ref())
            .bind(storable(&row.base_branch).as_ref())
            .bind(row.from_fork)
            .bind(row.draft)
            .bind(row.state.as_str())
            .bind(labels.as_str())
            .bind(i64::from(row.approvals))
            .bind(requested.as_str())
            .bind(row.mergeable.as_str())
            .bind(row.mergeable.reason().map(storable).as_deref())
            .bind(row.auto_merge)
            .bind(row.merge_commit.as_ref().map(CommitSha::as_str))
            .bind((row.state == ChangeState::Open).then_some(asked_at.millis()))
            .bind(asked_at.millis())
            .execute(&mut **c).await.map(drop))?;
        let sql = "SELECT id FROM changes WHERE forge = $1 AND repository = $2 AND number = $3";
        let id: i64 = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(row.forge.as_str()).bind(repository.as_str()).bind(row.number)
            .fetch_one(&mut **c).await)?;
        Ok(ChangeId(id))
    }

    /// A change, which nobody else changes until the transaction ends.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn lock_change(&mut self, id: ChangeId) -> Result<Change, StoreError> {
        self.lock_row("SELECT 1 FROM changes WHERE id = $1 FOR NO KEY UPDATE", id.0).await?;
        let row: Option<Row> = on_tx!(self, c => sqlx::query_as(ONE).bind(id.0).fetch_optional(&mut **c).await)?;
        row.ok_or_else(|| not_found(id))?.read()
    }

    /// The change with this number at its forge.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn change_numbered(
        &mut self,
        forge: &ForgeId,
        repository: &str,
        number: i64,
    ) -> Result<Option<Change>, StoreError> {
        let row: Option<Row> = on_tx!(self, c => sqlx::query_as(NUMBERED)
            .bind(forge.as_str()).bind(repository_key(repository).as_str()).bind(number)
            .fetch_optional(&mut **c).await)?;
        row.map(Row::read).transpose()
    }

    /// Notes that somebody wants a change merged. The last one to ask counts. It is due to be judged.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn ask_merge(
        &mut self,
        id: ChangeId,
        how: MergeBy,
        by: &str,
        head: Option<&CommitSha>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE changes SET asked_how = $2, asked_by = $3, asked_head = $4, asked_at = $5, judge_at = $5
             WHERE id = $1";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0)
            .bind(how.as_str())
            .bind(storable(by).as_ref())
            .bind(head.map(CommitSha::as_str))
            .bind(at.millis())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(not_found(id)) } else { Ok(()) }
    }

    /// Takes the wish to have a change merged back.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn clear_ask(&mut self, id: ChangeId) -> Result<(), StoreError> {
        let sql =
            "UPDATE changes SET asked_how = NULL, asked_by = NULL, asked_head = NULL, asked_at = NULL WHERE id = $1";
        let done = on_tx!(self, c =>
            sqlx::query(sql).bind(id.0).execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(not_found(id)) } else { Ok(()) }
    }

    /// Writes down what a judgement found in the way, and when to judge again (`None`: not before something changes).
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn set_holds(
        &mut self,
        id: ChangeId,
        holds: &[Hold],
        judge_at: Option<Timestamp>,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE changes SET holds = $2, judge_at = $3 WHERE id = $1";
        let holds = to_json("changes", &holds)?;
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0).bind(storable(&holds).as_ref()).bind(judge_at.map(Timestamp::millis))
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(not_found(id)) } else { Ok(()) }
    }

    /// Makes the open changes whose head is this commit due to be judged, unless they are earlier; returns them, oldest
    /// first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn judge_changes_of_head(
        &mut self,
        forge: &ForgeId,
        repository: &str,
        head: &CommitSha,
        at: Timestamp,
    ) -> Result<Vec<ChangeId>, StoreError> {
        let sql = "UPDATE changes SET judge_at = CASE WHEN judge_at < $5 THEN judge_at ELSE $5 END
             WHERE forge = $1 AND repository = $2 AND head_sha = $3 AND state = $4 RETURNING id";
        let mut ids: Vec<i64> = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(forge.as_str())
            .bind(repository_key(repository).as_str())
            .bind(head.as_str())
            .bind(ChangeState::Open.as_str())
            .bind(at.millis())
            .fetch_all(&mut **c).await)?;
        ids.sort_unstable();
        Ok(ids.into_iter().map(ChangeId).collect())
    }

    /// Writes down that a change is merged, before the forge tells it. There is nothing to judge any more.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn set_change_merged(
        &mut self,
        id: ChangeId,
        commit: Option<&CommitSha>,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE changes SET state = $2, merge_commit = COALESCE($3, merge_commit), judge_at = NULL,
                 refreshed_at = $4, updated_at = $4
             WHERE id = $1";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0)
            .bind(ChangeState::Merged.as_str())
            .bind(commit.map(CommitSha::as_str))
            .bind(at.millis())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(not_found(id)) } else { Ok(()) }
    }
}

/// Of two answers of the forge the one to the later question counts.
const UPSERT: &str = "INSERT INTO changes (forge, repository, number, title, author, url, head_sha, head_branch,
         base_branch, from_fork, draft, state, labels, approvals, changes_requested, mergeable, mergeable_reason,
         auto_merge, merge_commit, judge_at, refreshed_at, created_at, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $21, $21)
     ON CONFLICT (forge, repository, number) DO UPDATE SET title = excluded.title, author = excluded.author,
         url = excluded.url, head_sha = excluded.head_sha, head_branch = excluded.head_branch,
         base_branch = excluded.base_branch, from_fork = excluded.from_fork, draft = excluded.draft,
         state = excluded.state, labels = excluded.labels, approvals = excluded.approvals,
         changes_requested = excluded.changes_requested, mergeable = excluded.mergeable,
         mergeable_reason = excluded.mergeable_reason, auto_merge = excluded.auto_merge,
         merge_commit = COALESCE(excluded.merge_commit, changes.merge_commit), judge_at = excluded.judge_at,
         refreshed_at = excluded.refreshed_at,
         updated_at = CASE WHEN changes.title <> excluded.title OR changes.head_sha <> excluded.head_sha
             OR changes.base_branch <> excluded.base_branch OR changes.draft <> excluded.draft
             OR changes.state <> excluded.state OR changes.labels <> excluded.labels
             OR changes.approvals <> excluded.approvals OR changes.changes_requested <> excluded.changes_requested
             OR changes.mergeable <> excluded.mergeable OR changes.auto_merge <> excluded.auto_merge
             THEN excluded.updated_at ELSE changes.updated_at END
     WHERE excluded.refreshed_at >= changes.refreshed_at";

fn not_found(id: ChangeId) -> StoreError {
    StoreError::NotFound(format!("change {id}"))
}
