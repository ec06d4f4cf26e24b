//! The feed, as the server's API tells it: see [`types`](super::types), whose rules hold here too.

use super::types::{More, Page};
use super::{Client, PAGE};
use crate::failure::Failure;
use davit_domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that happened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entry {
    /// Its number.
    pub(crate) id: i64,
    /// When.
    pub(crate) at: Timestamp,
    /// Who.
    pub(crate) actor: String,
    /// From where; `None`: davit by itself.
    pub(crate) origin: Option<String>,
    /// What, as a word.
    pub(crate) action: String,
    /// To what.
    pub(crate) subject: String,
    /// Of which app.
    pub(crate) app: Option<String>,
    /// In which environment.
    pub(crate) environment: Option<String>,
    /// What else there is to say.
    pub(crate) detail: serde_json::Value,
    #[serde(flatten)]
    pub(crate) more: More,
}

impl Client {
    /// The entries that came after one, oldest first.
    pub(crate) async fn feed_since(&self, filter: &[(&str, String)], id: i64) -> Result<Vec<Entry>, Failure> {
        let mut new = Vec::new();
        let mut cursor = None;
        loop {
            let mut query = filter.to_vec();
            query.push(("limit", PAGE.to_string()));
            query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
            let page: Page<Entry> = self.get(&["feed"], &query).await?;
            let reaches_back = page.items.last().is_none_or(|last| last.id <= id);
            new.extend(page.items.into_iter().filter(|entry| entry.id > id));
            match page.next {
                Some(next) if !reaches_back => cursor = Some(next),
                Some(_) | None => break,
            }
        }
        new.reverse();
        Ok(new)
    }
}
