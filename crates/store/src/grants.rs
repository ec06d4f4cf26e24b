//! What accounts and groups are granted where.

use crate::{Store, StoreError, Tx, on_read, on_tx, parsed};
use davit_domain::access::{Grant, Scope};
use davit_domain::ids::UserId;
use davit_domain::time::Timestamp;

/// What an account has beside its base role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// Names of its groups, sorted.
    pub groups: Vec<String>,
    /// Its own grants and those of its groups.
    pub grants: Vec<Grant>,
}

/// To whom something is granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holder {
    /// An account.
    User(UserId),
    /// A group, by its number.
    Group(i64),
}

/// A grant as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptGrant {
    /// Its number.
    pub id: i64,
    /// The account's name, when it is an account's.
    pub user: Option<String>,
    /// The group's name, when it is a group's.
    pub group: Option<String>,
    /// What is granted where.
    pub grant: Grant,
    /// Who granted it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct StandingRow {
    /// NULL for a grant.
    name: Option<String>,
    role: Option<String>,
    scope: Option<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    user_name: Option<String>,
    group_name: Option<String>,
    role: String,
    scope: String,
    created_by: String,
    created_at: i64,
}

macro_rules! kept {
    ($rest:literal) => {
        concat!(
            "SELECT r.id, u.name AS user_name, g.name AS group_name, r.role, r.scope, r.created_by, r.created_at
             FROM grants r LEFT JOIN users u ON u.id = r.user_id LEFT JOIN groups g ON g.id = r.group_id ",
            $rest
        )
    };
}

impl Row {
    fn read(self) -> Result<KeptGrant, StoreError> {
        let place = format!("grants {}", self.id);
        Ok(KeptGrant {
            id: self.id,
            user: self.user_name,
            group: self.group_name,
            grant: Grant { role: parsed(&place, &self.role)?, scope: parsed(&place, &self.scope)? },
            created_by: self.created_by,
            created_at: Timestamp::from_millis(self.created_at),
        })
    }
}

impl Store {
    /// What an account has beside its base role. Every call to the API asks this: one statement.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn standing(&self, user: UserId) -> Result<Standing, StoreError> {
        let sql = "SELECT g.name AS name, NULL AS role, NULL AS scope FROM groups g
                 WHERE g.id IN (SELECT group_id FROM group_members WHERE user_id = $1)
             UNION ALL
             SELECT NULL, role, scope FROM grants
                 WHERE user_id = $1 OR group_id IN (SELECT group_id FROM group_members WHERE user_id = $1)";
        let rows: Vec<StandingRow> = on_read!(&self.db, p => sqlx::query_as(sql).bind(user.0).fetch_all(p).await)?;
        let mut standing = Standing::default();
        let place = format!("grants of account {user}");
        for row in rows {
            match (row.name, row.role, row.scope) {
                (Some(group), ..) => standing.groups.push(group),
                (None, Some(role), Some(scope)) => {
                    let (role, scope) = (parsed(&place, &role)?, parsed(&place, &scope)?);
                    standing.grants.push(Grant { role, scope });
                }
                (None, ..) => {}
            }
        }
        standing.groups.sort();
        Ok(standing)
    }

    /// All grants, the oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn grants(&self) -> Result<Vec<KeptGrant>, StoreError> {
        let rows: Vec<Row> = on_read!(&self.db, p => sqlx::query_as(kept!("ORDER BY r.id")).fetch_all(p).await)?;
        rows.into_iter().map(Row::read).collect()
    }
}

impl Tx {
    /// Grants something; returns its number.
    ///
    /// # Errors
    /// `Conflict` when the holder has a grant there.
    pub async fn create_grant(
        &mut self,
        holder: Holder,
        grant: &Grant,
        by: &str,
        now: Timestamp,
    ) -> Result<i64, StoreError> {
        let (user, group) = match holder {
            Holder::User(user) => (Some(user.0), None),
            Holder::Group(group) => (None, Some(group)),
        };
        let sql = "INSERT INTO grants (user_id, group_id, role, scope, created_by, created_at)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING RETURNING id";
        let id: Option<i64> = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(user).bind(group).bind(grant.role.as_str()).bind(grant.scope.to_string())
            .bind(by).bind(now.millis()).fetch_optional(&mut **c).await)?;
        id.ok_or_else(|| StoreError::Conflict(format!("there is a grant on {} already", grant.scope)))
    }

    /// The grant of this number, which nobody else changes until the transaction ends.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn grant(&mut self, id: i64) -> Result<KeptGrant, StoreError> {
        self.lock_row("SELECT 1 FROM grants WHERE id = $1 FOR UPDATE", id).await?;
        let row: Option<Row> =
            on_tx!(self, c => sqlx::query_as(kept!("WHERE r.id = $1")).bind(id).fetch_optional(&mut **c).await)?;
        row.ok_or_else(|| StoreError::NotFound(format!("the grant {id}")))?.read()
    }

    /// Takes a grant away.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn delete_grant(&mut self, id: i64) -> Result<(), StoreError> {
        let sql = "DELETE FROM grants WHERE id = $1";
        on_tx!(self, c => sqlx::query(sql).bind(id).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Takes away all that is granted exactly there; returns it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn drop_grants(&mut self, scope: &Scope) -> Result<Vec<KeptGrant>, StoreError> {
        let (scope, held) = (scope.to_string(), kept!("WHERE r.scope = $1 ORDER BY r.id"));
        let sql = "DELETE FROM grants WHERE scope = $1";
        let rows: Vec<Row> = on_tx!(self, c => sqlx::query_as(held).bind(scope.as_str()).fetch_all(&mut **c).await)?;
        on_tx!(self, c => sqlx::query(sql).bind(scope.as_str()).execute(&mut **c).await.map(drop))?;
        rows.into_iter().map(Row::read).collect()
    }
}
