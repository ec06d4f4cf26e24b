//! The record of everything that happened, with who, when and from where. Entries are added and never changed; what
//! proves that nobody else did is in [`crate::feed_chain`].

use crate::feed_chain::content;
use crate::select::Select;
use crate::{Store, StoreError, Tx, from_json, on_read, on_tx, origin, parsed, storable, to_json};
use davit_domain::access::Places;
use davit_domain::ids::{AppKey, EnvironmentKey};
use davit_domain::time::Timestamp;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEntry {
    /// When.
    pub at: Timestamp,
    /// Who: an account's name, or the part of davit that acted.
    pub actor: String,
    /// What, as a word: `request_approved`.
    pub action: String,
    /// To what: `request 12`, a host's name.
    pub subject: String,
    /// The app it belongs to. Of requests and deployments it is looked up when it is not given.
    pub app: Option<AppKey>,
    /// The environment it belongs to, as [`app`](Self::app).
    pub environment: Option<EnvironmentKey>,
    /// Whatever else there is to say; never a secret.
    pub detail: serde_json::Value,
}

/// An entry with its place in the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Grows with every entry.
    pub id: i64,
    /// The entry.
    pub entry: FeedEntry,
    /// From where; `None`: davit did it by itself. See [`crate::origin`].
    pub origin: Option<String>,
    /// Its place in the chain, once it has one.
    pub position: Option<i64>,
    /// What binds it to all before it, once it is in the chain.
    pub seal: Option<Vec<u8>>,
}

/// Which entries are wanted; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedFilter {
    /// By whom.
    pub actor: Option<String>,
    /// What.
    pub action: Option<String>,
    /// To what.
    pub subject: Option<String>,
    /// Of which app.
    pub app: Option<AppKey>,
    /// In which environment.
    pub environment: Option<EnvironmentKey>,
    /// Not before this.
    pub from: Option<Timestamp>,
    /// Before this.
    pub to: Option<Timestamp>,
    /// A text in actor, subject or detail, without case.
    pub text: Option<String>,
    /// What belongs to these apps and environments alone.
    pub within: Option<Places>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    at: i64,
    actor: String,
    action: String,
    subject: String,
    app: Option<String>,
    environment: Option<String>,
    detail: String,
    origin: Option<String>,
    position: Option<i64>,
    seal: Option<Vec<u8>>,
}

impl Row {
    fn read(self) -> Result<Recorded, StoreError> {
        let place = format!("feed {}", self.id);
        let entry = FeedEntry {
            at: Timestamp::from_millis(self.at),
            actor: self.actor,
            action: self.action,
            subject: self.subject,
            app: self.app.map(|app| parsed(&place, &app)).transpose()?,
            environment: self.environment.map(|environment| parsed(&place, &environment)).transpose()?,
            detail: from_json(&place, &self.detail)?,
        };
        Ok(Recorded { id: self.id, entry, origin: self.origin, position: self.position, seal: self.seal })
    }
}

const COLUMNS: &str =
    "SELECT id, at, actor, action, subject, app, environment, detail, origin, position, seal FROM feed";

impl Store {
    /// The newest `limit` entries, or those below the id `before`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn feed(&self, before: Option<i64>, limit: i64) -> Result<Vec<Recorded>, StoreError> {
        self.filtered_feed(&FeedFilter::default(), before, limit).await
    }

    /// The newest `limit` of these entries, or those below the id `before`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn filtered_feed(
        &self,
        filter: &FeedFilter,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<Recorded>, StoreError> {
        let rows: Vec<Row> = on_read!(&self.db, p => Select::new(COLUMNS)
            .equals("actor", filter.actor.as_deref())
            .equals("action", filter.action.as_deref())
            .equals("subject", filter.subject.as_deref())
            .equals("app", filter.app.as_ref())
            .equals("environment", filter.environment.as_ref())
            .at_least("at", filter.from.map(Timestamp::millis))
            .less("at", filter.to.map(Timestamp::millis))
            .contains(&["actor", "subject", "detail"], filter.text.as_deref())
            .within("app", "environment", filter.within.as_ref())
            .newest_first(before, limit)
            .build_query_as().fetch_all(p).await)?;
        rows.into_iter().map(Row::read).collect()
    }

    /// The words that entries have as their action, sorted.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn feed_actions(&self) -> Result<Vec<String>, StoreError> {
        // From one word to the next in the index: there are few words and many entries.
        let sql = "WITH RECURSIVE words (word) AS (
                 SELECT MIN(action) FROM feed
                 UNION ALL SELECT (SELECT MIN(action) FROM feed WHERE action > words.word) FROM words
                     WHERE words.word IS NOT NULL)
             SELECT word FROM words WHERE word IS NOT NULL";
        let mut words: Vec<String> = on_read!(&self.db, p => sqlx::query_scalar(sql).fetch_all(p).await)?;
        words.sort_unstable();
        Ok(words)
    }
}

impl Tx {
    /// Adds an entry, with where it comes from and, when the store [signs](Store::signing_with), the proof that davit
    /// wrote it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn feed(&mut self, entry: FeedEntry) -> Result<(), StoreError> {
        let (app, environment) = match (&entry.app, &entry.environment) {
            // People name these as they like, "request 5" too.
            (None, None) if ["token_", "group_"].iter().any(|word| entry.action.starts_with(word)) => (None, None),
            (None, None) => self.place_of(&entry.subject).await?,
            (app, environment) => {
                (app.as_ref().map(ToString::to_string), environment.as_ref().map(ToString::to_string))
            }
        };
        let detail = to_json("feed", &entry.detail)?;
        let origin = origin::current();
        let (actor, subject) = (storable(&entry.actor), storable(&entry.subject));
        let origin = origin.as_deref().map(storable);
        let proof = self.signer().map(|signer| {
            let optional = [app.as_deref(), environment.as_deref(), origin.as_deref()];
            signer.prove(&content(entry.at.millis(), [&actor, &entry.action, &subject, &detail], optional))
        });
        let sql = "INSERT INTO feed (at, actor, action, subject, app, environment, detail, origin, proof)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        on_tx!(self, c => sqlx::query(sql)
            .bind(entry.at.millis())
            .bind(actor.as_ref())
            .bind(&entry.action)
            .bind(subject.as_ref())
            .bind(app.as_deref())
            .bind(environment.as_deref())
            .bind(detail.as_str())
            .bind(origin.as_deref())
            .bind(proof)
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// App and environment of what is called `request 12` or `deployment 3`.
    async fn place_of(&mut self, subject: &str) -> Result<(Option<String>, Option<String>), StoreError> {
        let Some((kind, id)) = subject.split_once(' ') else { return Ok((None, None)) };
        let sql = match kind {
            "request" => "SELECT app, environment FROM requests WHERE id = $1",
            "deployment" => "SELECT app, environment FROM deployments WHERE id = $1",
            _ => return Ok((None, None)),
        };
        let Ok(id) = id.parse::<i64>() else { return Ok((None, None)) };
        let found: Option<(String, String)> =
            on_tx!(self, c => sqlx::query_as(sql).bind(id).fetch_optional(&mut **c).await)?;
        Ok(found.map_or((None, None), |(app, environment)| (Some(app), Some(environment))))
    }
}
