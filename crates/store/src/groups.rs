//! Groups of accounts: local ones, and those that an identity provider's groups are mapped to.

use crate::{Store, StoreError, Tx, on_read, on_tx, storable};
use davit_domain::ids::UserId;
use davit_domain::time::Timestamp;
use std::collections::BTreeMap;

/// A group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its number.
    pub id: i64,
    /// Its name, unique.
    pub name: String,
    /// What it is for; may be empty.
    pub description: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// Somebody in a group, as often as something says so.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Member {
    /// The group's name.
    pub group_name: String,
    /// The account's name.
    pub user_name: String,
    /// `local`, or the identity provider that says so.
    pub source: String,
}

#[derive(sqlx::FromRow)]
struct GroupRow {
    id: i64,
    name: String,
    description: String,
    created_at: i64,
}

impl GroupRow {
    fn read(self) -> Group {
        Group {
            id: self.id,
            name: self.name,
            description: self.description,
            created_at: Timestamp::from_millis(self.created_at),
        }
    }
}

impl Store {
    /// All groups by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn groups(&self) -> Result<Vec<Group>, StoreError> {
        let sql = "SELECT id, name, description, created_at FROM groups";
        let rows: Vec<GroupRow> = on_read!(&self.db, p => sqlx::query_as(sql).fetch_all(p).await)?;
        let mut groups: Vec<Group> = rows.into_iter().map(GroupRow::read).collect();
        // Sorted here: PostgreSQL's collation would put them in another order than SQLite's.
        groups.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(groups)
    }

    /// Who is in which group: by group and account.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn members(&self) -> Result<Vec<Member>, StoreError> {
        let sql = "SELECT g.name AS group_name, u.name AS user_name, m.source
             FROM group_members m JOIN groups g ON g.id = m.group_id JOIN users u ON u.id = m.user_id";
        let mut rows: Vec<Member> = on_read!(&self.db, p => sqlx::query_as(sql).fetch_all(p).await)?;
        rows.sort_by(|a, b| (&a.group_name, &a.user_name, &a.source).cmp(&(&b.group_name, &b.user_name, &b.source)));
        Ok(rows)
    }
}

impl Tx {
    /// The group of this name.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn group(&mut self, name: &str) -> Result<Group, StoreError> {
        let sql = "SELECT id, name, description, created_at FROM groups WHERE name = $1";
        let row: Option<GroupRow> =
            on_tx!(self, c => sqlx::query_as(sql).bind(storable(name).as_ref()).fetch_optional(&mut **c).await)?;
        row.map(GroupRow::read).ok_or_else(|| StoreError::NotFound(format!("the group {name}")))
    }

    /// Makes a group.
    ///
    /// # Errors
    /// `Conflict` when the name is taken.
    pub async fn create_group(&mut self, name: &str, description: &str, now: Timestamp) -> Result<Group, StoreError> {
        let sql = "INSERT INTO groups (name, description, created_at) VALUES ($1, $2, $3)
             ON CONFLICT (name) DO NOTHING RETURNING id";
        let id: Option<i64> = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(name).bind(description).bind(now.millis()).fetch_optional(&mut **c).await)?;
        let id = id.ok_or_else(|| StoreError::Conflict(format!("there is a group named {name} already")))?;
        Ok(Group { id, name: name.to_owned(), description: description.to_owned(), created_at: now })
    }

    /// Renames and describes a group.
    ///
    /// # Errors
    /// `Conflict` when another one has the name.
    pub async fn set_group(&mut self, id: i64, name: &str, description: &str) -> Result<(), StoreError> {
        let taken = "SELECT COUNT(*) FROM groups WHERE name = $1 AND id <> $2";
        let sql = "UPDATE groups SET name = $2, description = $3 WHERE id = $1";
        let others: i64 = on_tx!(self, c => sqlx::query_scalar(taken).bind(name).bind(id).fetch_one(&mut **c).await)?;
        if others > 0 {
            return Err(StoreError::Conflict(format!("there is a group named {name} already")));
        }
        on_tx!(self, c =>
            sqlx::query(sql).bind(id).bind(name).bind(description).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Takes a group away, with its memberships and grants.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn delete_group(&mut self, id: i64) -> Result<(), StoreError> {
        let sql = "DELETE FROM groups WHERE id = $1";
        on_tx!(self, c => sqlx::query(sql).bind(id).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Puts somebody into a group; whether they were not in it by this source.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn add_member(&mut self, group: i64, user: UserId, source: &str) -> Result<bool, StoreError> {
        let sql = "INSERT INTO group_members (group_id, user_id, source) VALUES ($1, $2, $3)
             ON CONFLICT (group_id, user_id, source) DO NOTHING";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(group).bind(user.0).bind(source).execute(&mut **c).await.map(|done| done.rows_affected()))?;
        Ok(done == 1)
    }

    /// Takes somebody out of a group; whether they were in it by this source.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn remove_member(&mut self, group: i64, user: UserId, source: &str) -> Result<bool, StoreError> {
        let sql = "DELETE FROM group_members WHERE group_id = $1 AND user_id = $2 AND source = $3";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(group).bind(user.0).bind(source).execute(&mut **c).await.map(|done| done.rows_affected()))?;
        Ok(done == 1)
    }

    /// Makes the groups that an account is in by this source exactly these; names that are no group count for nothing.
    /// Returns the groups it was put into and those it was taken out of.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn replace_memberships(
        &mut self,
        user: UserId,
        source: &str,
        groups: &[String],
    ) -> Result<(Vec<String>, Vec<String>), StoreError> {
        let all = "SELECT name, id FROM groups";
        let held = "SELECT group_id FROM group_members WHERE user_id = $1 AND source = $2";
        let ids: Vec<(String, i64)> = on_tx!(self, c => sqlx::query_as(all).fetch_all(&mut **c).await)?;
        let ids: BTreeMap<String, i64> = ids.into_iter().collect();
        let held: Vec<i64> =
            on_tx!(self, c => sqlx::query_scalar(held).bind(user.0).bind(source).fetch_all(&mut **c).await)?;
        let (mut joined, mut left) = (Vec::new(), Vec::new());
        for (name, id) in ids {
            match (groups.contains(&name), held.contains(&id)) {
                (true, false) => {
                    self.add_member(id, user, source).await?;
                    joined.push(name);
                }
                (false, true) => {
                    self.remove_member(id, user, source).await?;
                    left.push(name);
                }
                (true, true) | (false, false) => {}
            }
        }
        Ok((joined, left))
    }

    /// Takes away every membership that came of this source; the groups, by whose they were.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn drop_memberships(&mut self, source: &str) -> Result<BTreeMap<String, Vec<String>>, StoreError> {
        let held = "SELECT u.name, g.name FROM group_members m
             JOIN users u ON u.id = m.user_id JOIN groups g ON g.id = m.group_id WHERE m.source = $1";
        let sql = "DELETE FROM group_members WHERE source = $1";
        let held: Vec<(String, String)> =
            on_tx!(self, c => sqlx::query_as(held).bind(source).fetch_all(&mut **c).await)?;
        on_tx!(self, c => sqlx::query(sql).bind(source).execute(&mut **c).await.map(drop))?;
        let mut gone: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (user, group) in held {
            gone.entry(user).or_default().push(group);
        }
        gone.values_mut().for_each(|groups| groups.sort());
        Ok(gone)
    }
}
