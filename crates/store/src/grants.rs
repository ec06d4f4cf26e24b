//! What accounts and groups are granted where.

use crate::{Store, StoreError, on_read, parsed};
use davit_domain::access::Grant;
use davit_domain::ids::UserId;

/// What an account has beside its base role.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Standing {
    /// Names of its groups, sorted.
    pub groups: Vec<String>,
    /// Its own grants and those of its groups.
    pub grants: Vec<Grant>,
}

#[derive(sqlx::FromRow)]
struct StandingRow {
    /// NULL for a grant.
    name: Option<String>,
    role: Option<String>,
    scope: Option<String>,
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
}
