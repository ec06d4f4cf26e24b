//! Heads of branches and tags that davit was told about, and when it last looked at the remote for what it missed.
//! What differs and what follows from it is the domain's (`davit_domain::heads`) and the engine's.

use crate::{Store, StoreError, Tx, known, on_read, on_tx, parsed, repository_key, storable};
use davit_domain::event::GitRef;
use davit_domain::heads::SeenHead;
use davit_domain::ids::{CommitSha, DeliveryId, ForgeId};
use davit_domain::time::Timestamp;
use sqlx::QueryBuilder;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// The last look at a repository for what was missed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgeChecked {
    /// When it began.
    pub at: Timestamp,
    /// How far the forge's own list of deliveries was read, in the forge's terms.
    pub hook_cursor: Option<String>,
}

const OF_REPOSITORY: &str = "SELECT reference, commit_sha, before_sha, at, delivery_id FROM forge_seen
     WHERE forge = $1 AND repository = $2 ORDER BY at DESC, reference";
const OF_REFERENCE: &str = "SELECT reference, commit_sha, before_sha, at, delivery_id FROM forge_seen
     WHERE forge = $1 AND repository = $2 AND reference = $3 ORDER BY at DESC";

const NEWEST: &str = ")
     SELECT s.forge, s.repository, s.reference, s.commit_sha, s.before_sha, s.at, s.delivery_id
     FROM wanted w CROSS JOIN forge_seen s
     WHERE s.forge = w.forge AND s.repository = w.repository AND s.reference = w.reference AND s.at = (
         SELECT MAX(n.at) FROM forge_seen n
         WHERE n.forge = w.forge AND n.repository = w.repository AND n.reference = w.reference)
     ORDER BY s.at DESC, s.reference";
/// Between them the limit, less one and whole. The time of the last one that is wanted spares reading those before it;
/// the place cuts off what has the same time, which the first look at a repository gives to all that it finds.
const LATEST: [&str; 3] = [
    ")
     SELECT forge, repository, reference, commit_sha, before_sha, at, delivery_id
     FROM (SELECT s.forge, s.repository, s.reference, s.commit_sha, s.before_sha, s.at, s.delivery_id,
               ROW_NUMBER() OVER (PARTITION BY s.forge, s.repository ORDER BY s.at DESC, s.reference) AS place
         FROM wanted w CROSS JOIN forge_seen s
         WHERE s.forge = w.forge AND s.repository = w.repository AND s.at >= COALESCE((
             SELECT n.at FROM forge_seen n WHERE n.forge = w.forge AND n.repository = w.repository
             ORDER BY n.at DESC LIMIT 1 OFFSET ",
    "), 0)) AS latest
     WHERE place <= ",
    " ORDER BY at DESC, reference",
];
/// Repositories, or branches and tags, that are asked for at once: both databases count what is bound.
const AT_ONCE: usize = 5_000;

/// A head, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadOf {
    /// The forge.
    pub forge: ForgeId,
    /// `owner/name` there, in lower case.
    pub repository: String,
    /// The head.
    pub head: SeenHead,
}

#[derive(sqlx::FromRow)]
struct RowOf {
    forge: String,
    repository: String,
    #[sqlx(flatten)]
    seen: Row,
}

impl RowOf {
    fn read_all(rows: Vec<Self>) -> Result<Vec<HeadOf>, StoreError> {
        let read = |row: Self| {
            let forge = parsed("forge_seen", &row.forge)?;
            Ok(HeadOf { forge, repository: row.repository, head: row.seen.read()? })
        };
        let mut heads = rows.into_iter().map(read).collect::<Result<Vec<_>, StoreError>>()?;
        // Of several questions: each answer is in order already.
        heads.sort_by_key(|of| Reverse(of.head.at));
        Ok(heads)
    }
}

#[derive(sqlx::FromRow)]
struct Row {
    reference: String,
    commit_sha: String,
    before_sha: Option<String>,
    at: i64,
    delivery_id: Option<i64>,
}

impl Row {
    fn read(self) -> Result<SeenHead, StoreError> {
        let place = format!("forge_seen {}", self.reference);
        Ok(SeenHead {
            git_ref: known(&place, &self.reference, GitRef::parse(&self.reference))?,
            commit: parsed(&place, &self.commit_sha)?,
            before: self.before_sha.map(|before| parsed(&place, &before)).transpose()?,
            at: Timestamp::from_millis(self.at),
            delivery: self.delivery_id.map(DeliveryId),
        })
    }
}

fn each_once<T: Ord>(wanted: impl Iterator<Item = T>) -> Vec<T> {
    wanted.collect::<BTreeSet<_>>().into_iter().collect()
}

impl Store {
    /// The heads of a repository that davit knows of, the latest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn seen_heads(&self, forge: &ForgeId, repository: &str) -> Result<Vec<SeenHead>, StoreError> {
        let rows: Vec<Row> = on_read!(&self.db, p => sqlx::query_as(OF_REPOSITORY)
            .bind(forge.as_str()).bind(repository_key(repository).as_str())
            .fetch_all(p).await)?;
        rows.into_iter().map(Row::read).collect()
    }

    /// The newest head of each of these branches and tags, the latest first; of what is asked for twice, once.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn newest_heads(&self, wanted: &[(&ForgeId, &str, GitRef)]) -> Result<Vec<HeadOf>, StoreError> {
        let key = |(forge, repository, reference): &(&ForgeId, &str, GitRef)| {
            (forge.to_string(), repository_key(repository), storable(&reference.full()).into_owned())
        };
        let mut rows: Vec<RowOf> = Vec::new();
        for wanted in each_once(wanted.iter().map(key)).chunks(AT_ONCE) {
            rows.extend(on_read!(&self.db, p => {
                let mut query = QueryBuilder::new("WITH wanted (forge, repository, reference) AS (");
                query.push_values(wanted, |mut row, (forge, repository, reference)| {
                    row.push_bind(forge).push_bind(repository).push_bind(reference);
                });
                query.push(NEWEST).build_query_as().fetch_all(p).await
            })?);
        }
        RowOf::read_all(rows)
    }

    /// The newest heads of each of these repositories, at most `limit` of each; the latest first. Those of a repository
    /// that is asked for twice come once.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn latest_heads(&self, wanted: &[(&ForgeId, &str)], limit: i64) -> Result<Vec<HeadOf>, StoreError> {
        let [before, between, after] = LATEST;
        let mut rows: Vec<RowOf> = Vec::new();
        let wanted =
            each_once(wanted.iter().map(|(forge, repository)| (forge.to_string(), repository_key(repository))));
        for wanted in wanted.chunks(AT_ONCE) {
            rows.extend(on_read!(&self.db, p => {
                let mut query = QueryBuilder::new("WITH wanted (forge, repository) AS (");
                query.push_values(wanted, |mut row, (forge, repository)| {
                    row.push_bind(forge).push_bind(repository);
                });
                query.push(before).push_bind(limit - 1).push(between).push_bind(limit).push(after);
                query.build_query_as().fetch_all(p).await
            })?);
        }
        RowOf::read_all(rows)
    }

    /// When a repository was last looked at for what was missed; `None`: never.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forge_checked(&self, forge: &ForgeId, repository: &str) -> Result<Option<ForgeChecked>, StoreError> {
        let sql = "SELECT at, hook_cursor FROM forge_checked WHERE forge = $1 AND repository = $2";
        let row: Option<(i64, Option<String>)> = on_read!(&self.db, p => sqlx::query_as(sql)
            .bind(forge.as_str()).bind(repository_key(repository).as_str())
            .fetch_optional(p).await)?;
        Ok(row.map(|(at, hook_cursor)| ForgeChecked { at: Timestamp::from_millis(at), hook_cursor }))
    }

    /// The repositories that heads or looks are known of, in lower case.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn seen_repositories(&self) -> Result<Vec<(ForgeId, String)>, StoreError> {
        let sql = "SELECT forge, repository FROM forge_checked UNION SELECT forge, repository FROM forge_seen
             ORDER BY forge, repository";
        let rows: Vec<(String, String)> = on_read!(&self.db, p => sqlx::query_as(sql).fetch_all(p).await)?;
        rows.into_iter().map(|(forge, repository)| Ok((parsed("forge_seen", &forge)?, repository))).collect()
    }
}

impl Tx {
    /// The heads of a repository that davit knows of, the latest first. Until the transaction ends, nobody else gets
    /// an answer for this repository.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn seen_heads(&mut self, forge: &ForgeId, repository: &str) -> Result<Vec<SeenHead>, StoreError> {
        let repository = repository_key(repository);
        self.lock(&format!("heads {forge} {repository}")).await?;
        let rows: Vec<Row> = on_tx!(self, c => sqlx::query_as(OF_REPOSITORY)
            .bind(forge.as_str()).bind(repository.as_str())
            .fetch_all(&mut **c).await)?;
        rows.into_iter().map(Row::read).collect()
    }

    /// The heads that one branch or tag had, the latest first. Until the transaction ends, nobody else gets an answer
    /// for this repository.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn seen_of_ref(
        &mut self,
        forge: &ForgeId,
        repository: &str,
        git_ref: &GitRef,
    ) -> Result<Vec<SeenHead>, StoreError> {
        let repository = repository_key(repository);
        self.lock(&format!("heads {forge} {repository}")).await?;
        let rows: Vec<Row> = on_tx!(self, c => sqlx::query_as(OF_REFERENCE)
            .bind(forge.as_str()).bind(repository.as_str()).bind(storable(&git_ref.full()).as_ref())
            .fetch_all(&mut **c).await)?;
        rows.into_iter().map(Row::read).collect()
    }

    /// Writes down a head. Of two tellings of one commit on one branch or tag, the later one stays.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn see_head(&mut self, forge: &ForgeId, repository: &str, head: &SeenHead) -> Result<(), StoreError> {
        let sql = "INSERT INTO forge_seen (forge, repository, reference, commit_sha, before_sha, at, delivery_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (forge, repository, reference, commit_sha) DO UPDATE SET before_sha = excluded.before_sha,
                 at = excluded.at, delivery_id = excluded.delivery_id
             WHERE excluded.at >= forge_seen.at";
        on_tx!(self, c => sqlx::query(sql)
            .bind(forge.as_str())
            .bind(repository_key(repository).as_str())
            .bind(storable(&head.git_ref.full()).as_ref())
            .bind(head.commit.as_str())
            .bind(head.before.as_ref().map(CommitSha::as_str))
            .bind(head.at.millis())
            .bind(head.delivery.map(|delivery| delivery.0))
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Forgets a branch or tag that is gone: should it come back, it is new.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_ref(&mut self, forge: &ForgeId, repository: &str, git_ref: &GitRef) -> Result<(), StoreError> {
        let sql = "DELETE FROM forge_seen WHERE forge = $1 AND repository = $2 AND reference = $3";
        on_tx!(self, c => sqlx::query(sql)
            .bind(forge.as_str())
            .bind(repository_key(repository).as_str())
            .bind(storable(&git_ref.full()).as_ref())
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Forgets what was seen of a branch or tag before this time.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_ref_before(
        &mut self,
        forge: &ForgeId,
        repository: &str,
        git_ref: &GitRef,
        before: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "DELETE FROM forge_seen WHERE forge = $1 AND repository = $2 AND reference = $3 AND at < $4";
        on_tx!(self, c => sqlx::query(sql)
            .bind(forge.as_str())
            .bind(repository_key(repository).as_str())
            .bind(storable(&git_ref.full()).as_ref())
            .bind(before.millis())
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Forgets all heads of a repository and the looks at it: the next look is the first one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forget_repository(&mut self, forge: &ForgeId, repository: &str) -> Result<(), StoreError> {
        for sql in [
            "DELETE FROM forge_seen WHERE forge = $1 AND repository = $2",
            "DELETE FROM forge_checked WHERE forge = $1 AND repository = $2",
        ] {
            on_tx!(self, c => sqlx::query(sql)
                .bind(forge.as_str())
                .bind(repository_key(repository).as_str())
                .execute(&mut **c).await.map(drop))?;
        }
        Ok(())
    }

    /// Writes down that a repository was looked at for what was missed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_forge_checked(
        &mut self,
        forge: &ForgeId,
        repository: &str,
        checked: &ForgeChecked,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO forge_checked (forge, repository, at, hook_cursor) VALUES ($1, $2, $3, $4)
             ON CONFLICT (forge, repository) DO UPDATE SET at = excluded.at, hook_cursor = excluded.hook_cursor";
        on_tx!(self, c => sqlx::query(sql)
            .bind(forge.as_str())
            .bind(repository_key(repository).as_str())
            .bind(checked.at.millis())
            .bind(checked.hook_cursor.as_deref())
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }
}
