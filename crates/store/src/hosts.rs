//! What the last check of each host said, and its pinned key. The hosts themselves are configuration.

use crate::{Store, StoreError, Tx, from_json, on_read, on_tx, parsed, storable, to_json};
use davit_domain::config::Host;
use davit_domain::ids::HostName;
use davit_domain::time::Timestamp;
use std::collections::BTreeMap;

/// The outcome of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostCheck {
    /// When.
    pub at: Timestamp,
    /// A stable word: `ok`, `unreachable`, `denied`, ….
    pub code: String,
    /// A sentence for people.
    pub detail: String,
    /// The fingerprint of the key that the host showed.
    pub fingerprint: Option<String>,
}

#[derive(sqlx::FromRow)]
struct CheckRow {
    host: String,
    at: i64,
    code: String,
    detail: String,
    fingerprint: Option<String>,
}

impl Store {
    /// The last check of every host that was ever checked.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn host_checks(&self) -> Result<BTreeMap<HostName, HostCheck>, StoreError> {
        let sql = "SELECT host, at, code, detail, fingerprint FROM host_checks";
        let rows: Vec<CheckRow> = on_read!(&self.db, p => sqlx::query_as(sql).fetch_all(p).await)?;
        rows.into_iter()
            .map(|row| {
                let check = HostCheck {
                    at: Timestamp::from_millis(row.at),
                    code: row.code,
                    detail: row.detail,
                    fingerprint: row.fingerprint,
                };
                Ok((parsed("host_checks", &row.host)?, check))
            })
            .collect()
    }
}

impl Tx {
    /// Remembers the outcome of a check in the place of the one before.
    ///
    /// # Errors
    /// `NotFound` when there is no such host (any more).
    pub async fn record_host_check(&mut self, host: &HostName, check: &HostCheck) -> Result<(), StoreError> {
        let sql = "INSERT INTO host_checks (host, at, code, detail, fingerprint)
             SELECT name, $2, $3, $4, $5 FROM hosts WHERE name = $1
             ON CONFLICT (host) DO UPDATE SET at = excluded.at, code = excluded.code, detail = excluded.detail,
                 fingerprint = excluded.fingerprint";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(host.as_str())
            .bind(check.at.millis())
            .bind(&check.code)
            .bind(storable(&check.detail).as_ref())
            .bind(check.fingerprint.as_deref())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        host_found(host, done)
    }

    /// Pins a host's key, in the form of `authorized_keys`.
    ///
    /// # Errors
    /// `NotFound` when there is no such host.
    pub async fn pin_host_key(&mut self, host: &HostName, key: &str) -> Result<(), StoreError> {
        self.lock_configuration().await?;
        let sql = "SELECT body FROM hosts WHERE name = $1";
        let body: Option<String> =
            on_tx!(self, c => sqlx::query_scalar(sql).bind(host.as_str()).fetch_optional(&mut **c).await)?;
        let body = body.ok_or_else(|| StoreError::NotFound(format!("host {host}")))?;
        let mut pinned: Host = from_json(&format!("hosts {host}"), &body)?;
        pinned.host_key = Some(key.to_owned());
        let body = to_json("hosts", &pinned)?;
        let sql = "UPDATE hosts SET body = $2 WHERE name = $1";
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(host.as_str()).bind(body.as_str())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        host_found(host, done)
    }
}

fn host_found(host: &HostName, rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::NotFound(format!("host {host}"))) } else { Ok(()) }
}
