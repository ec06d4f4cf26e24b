//! Release requests.

use crate::select::Select;
use crate::{Store, StoreError, Tx, from_json, known, on_read, on_tx, parsed, repository_key, storable, to_json};
use davit_domain::config::Review;
use davit_domain::event::GitRef;
use davit_domain::ids::{
    AppKey, CommitSha, DeliveryId, EnvironmentKey, ForgeId, HostName, ReleaseName, RequestId, RevisionId,
};
use davit_domain::request::{Kind, RequestState};
use davit_domain::time::Timestamp;
use davit_domain::values::Pinned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A release request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its number.
    pub id: RequestId,
    /// The app.
    pub app: AppKey,
    /// Where to.
    pub environment: EnvironmentKey,
    /// What it asks for.
    pub kind: Kind,
    /// Where it stands.
    pub state: RequestState,
    /// The pinned commit.
    pub commit: CommitSha,
    /// The branch or tag it was made from.
    pub git_ref: Option<String>,
    /// A line for people.
    pub title: String,
    /// The pinned config revision.
    pub revision: RevisionId,
    /// The review rule when it was made.
    pub review: Review,
    /// The release to go back to, for a rollback.
    pub target_release: Option<ReleaseName>,
    /// Only these hosts; `None`: all that the config selects.
    pub hosts: Option<Vec<HostName>>,
    /// The digest of the build to release; `None`: the one of the commit.
    pub build: Option<String>,
    /// What was filled in and uploaded for it.
    pub inputs: Inputs,
    /// The values that were effective when it was made.
    pub values: Pinned,
    /// Who asked.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// Who approved, rejected or withdrew it last.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// The delivery that made it.
    pub delivery: Option<DeliveryId>,
    /// The number at its forge of the deployment that asked for it.
    pub forge_deployment: Option<i64>,
}

/// What a person gave along with a request: pinned with it, so what is approved is what is used.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// Values of the release config's inputs, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// Digests of uploaded files, by the name that the release config's transfers use.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub uploads: BTreeMap<String, String>,
}

/// A request before it has a number. Fields as in [`Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRequest {
    /// The app.
    pub app: AppKey,
    /// Where to.
    pub environment: EnvironmentKey,
    /// What it asks for.
    pub kind: Kind,
    /// Where it starts.
    pub state: RequestState,
    /// The pinned commit.
    pub commit: CommitSha,
    /// The branch or tag it is made from.
    pub git_ref: Option<String>,
    /// A line for people.
    pub title: String,
    /// The pinned config revision.
    pub revision: RevisionId,
    /// The review rule now.
    pub review: Review,
    /// The release to go back to, for a rollback.
    pub target_release: Option<ReleaseName>,
    /// Only these hosts; `None`: all that the config selects.
    pub hosts: Option<Vec<HostName>>,
    /// The digest of the build to release; `None`: the one of the commit.
    pub build: Option<String>,
    /// What was filled in and uploaded for it.
    pub inputs: Inputs,
    /// The values that are effective now.
    pub values: Pinned,
    /// Who asks.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// The delivery that makes it.
    pub delivery: Option<DeliveryId>,
    /// The number at its forge of the deployment that asks for it.
    pub forge_deployment: Option<i64>,
    /// Asking again with the same key makes nothing new.
    pub idempotency_key: Option<String>,
}

/// What [`Tx::create_request`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// Made it.
    New(Request),
    /// There was one with this idempotency key.
    Existing(Request),
}

/// Which requests to list. Empty: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestFilter {
    /// In one of these states (their stored words).
    pub states: Vec<String>,
    /// Of this app.
    pub app: Option<AppKey>,
    /// To this environment.
    pub environment: Option<EnvironmentKey>,
}

const LIST: &str =
    "SELECT id, app, environment, kind, state_body, commit_sha, git_ref, title, revision_id, review_body,
        target_release, hosts, build_digest, inputs, values_body, created_by, created_at, decided_by, decided_at, delivery_id,
        forge_deployment
    FROM requests";
const ONE: &str = "SELECT id, app, environment, kind, state_body, commit_sha, git_ref, title, revision_id, review_body,
        target_release, hosts, build_digest, inputs, values_body, created_by, created_at, decided_by, decided_at, delivery_id,
        forge_deployment
    FROM requests WHERE id = $1";

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    app: String,
    environment: String,
    kind: String,
    state_body: String,
    commit_sha: String,
    git_ref: Option<String>,
    title: String,
    revision_id: i64,
    review_body: String,
    target_release: Option<String>,
    hosts: Option<String>,
    build_digest: Option<String>,
    inputs: String,
    values_body: Option<String>,
    created_by: String,
    created_at: i64,
    decided_by: Option<String>,
    decided_at: Option<i64>,
    delivery_id: Option<i64>,
    forge_deployment: Option<i64>,
}

impl Row {
    fn read(self) -> Result<Request, StoreError> {
        let place = format!("requests {}", self.id);
        Ok(Request {
            id: RequestId(self.id),
            app: parsed(&place, &self.app)?,
            environment: parsed(&place, &self.environment)?,
            kind: known(&place, &self.kind, Kind::parse(&self.kind))?,
            state: from_json(&place, &self.state_body)?,
            commit: parsed(&place, &self.commit_sha)?,
            git_ref: self.git_ref,
            title: self.title,
            revision: RevisionId(self.revision_id),
            review: from_json(&place, &self.review_body)?,
            target_release: self.target_release.map(|release| parsed(&place, &release)).transpose()?,
            hosts: self.hosts.map(|hosts| from_json(&place, &hosts)).transpose()?,
            build: self.build_digest,
            inputs: from_json(&place, &self.inputs)?,
            values: self.values_body.map_or_else(|| Ok(Pinned::new()), |body| from_json(&place, &body))?,
            created_by: self.created_by,
            created_at: Timestamp::from_millis(self.created_at),
            decided_by: self.decided_by,
            decided_at: self.decided_at.map(Timestamp::from_millis),
            delivery: self.delivery_id.map(DeliveryId),
            forge_deployment: self.forge_deployment,
        })
    }
}

impl Store {
    /// A request.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn request(&self, id: RequestId) -> Result<Option<Request>, StoreError> {
        let row: Option<Row> = on_read!(&self.db, p => sqlx::query_as(ONE).bind(id.0).fetch_optional(p).await)?;
        row.map(Row::read).transpose()
    }

    /// Requests, newest first, below the id `before`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn requests(
        &self,
        filter: &RequestFilter,
        before: Option<RequestId>,
        limit: i64,
    ) -> Result<Vec<Request>, StoreError> {
        let rows: Vec<Row> = on_read!(&self.db, p => Select::new(LIST)
            .one_of("state", &filter.states)
            .equals("app", filter.app.as_ref())
            .equals("environment", filter.environment.as_ref())
            .newest_first(before.map(|id| id.0), limit)
            .build_query_as().fetch_all(p).await)?;
        rows.into_iter().map(Row::read).collect()
    }

    /// How many requests there are in each state (its stored word). States without any are absent.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn request_counts(&self) -> Result<BTreeMap<String, i64>, StoreError> {
        let sql = "SELECT state, COUNT(*) FROM requests GROUP BY state";
        let counts: Vec<(String, i64)> = on_read!(&self.db, p => sqlx::query_as(sql).fetch_all(p).await)?;
        Ok(counts.into_iter().collect())
    }
}

impl Tx {
    /// Makes a request, or finds the one that was made with the same idempotency key.
    ///
    /// # Errors
    /// `Conflict` when its revision or delivery does not exist, or a person used the key for something else before.
    pub async fn create_request(&mut self, new: &NewRequest) -> Result<Created, StoreError> {
        if let Some(id) = self.insert_request(new).await? {
            return Ok(Created::New(self.request(RequestId(id)).await?));
        }
        let sql = "SELECT id FROM requests WHERE idempotency_key = $1";
        let id: i64 = on_tx!(self, c =>
            sqlx::query_scalar(sql).bind(new.idempotency_key.as_deref()).fetch_one(&mut **c).await)?;
        let existing = self.request(RequestId(id)).await?;
        if !is_same_wish(&existing, new) {
            return Err(StoreError::Conflict(format!(
                "this idempotency key was used before to ask for something else (request {id}): use a new one"
            )));
        }
        Ok(Created::Existing(existing))
    }

    async fn insert_request(&mut self, new: &NewRequest) -> Result<Option<i64>, StoreError> {
        let sql = "INSERT INTO requests (app, environment, kind, state, state_body, commit_sha, git_ref, title,
                 revision_id, review_body, target_release, hosts, build_digest, inputs, created_by, created_at, delivery_id,
                 idempotency_key, forge_deployment, values_body)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
             ON CONFLICT (idempotency_key) DO NOTHING RETURNING id";
        let state = to_json("requests", &new.state)?;
        let review = to_json("requests", &new.review)?;
        let inputs = to_json("requests", &new.inputs)?;
        let values = to_json("requests", &new.values)?;
        let hosts = new.hosts.as_ref().map(|hosts| to_json("requests", hosts)).transpose()?;
        Ok(on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(new.app.as_str())
            .bind(new.environment.as_str())
            .bind(new.kind.as_str())
            .bind(new.state.as_str())
            .bind(state.as_str())
            .bind(new.commit.as_str())
            .bind(new.git_ref.as_deref().map(storable).as_deref())
            .bind(storable(&new.title).as_ref())
            .bind(new.revision.0)
            .bind(review.as_str())
            .bind(new.target_release.as_ref().map(ReleaseName::as_str))
            .bind(hosts.as_deref())
            .bind(new.build.as_deref())
            .bind(inputs.as_str())
            .bind(new.created_by.as_str())
            .bind(new.created_at.millis())
            .bind(new.delivery.map(|delivery| delivery.0))
            .bind(new.idempotency_key.as_deref())
            .bind(new.forge_deployment)
            .bind(values.as_str())
            .fetch_optional(&mut **c).await)?)
    }

    /// The newest request that a deployment at a forge has asked for. Until the transaction ends, nobody else gets an
    /// answer for this number.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn request_for_forge_deployment(
        &mut self,
        forge: &ForgeId,
        repository: &str,
        number: i64,
    ) -> Result<Option<RequestId>, StoreError> {
        let repository = repository_key(repository);
        self.lock(&format!("forge deployment {forge} {repository} {number}")).await?;
        let sql = "SELECT r.id FROM requests r JOIN deliveries d ON d.id = r.delivery_id
             WHERE r.forge_deployment = $3 AND d.forge = $1 AND LOWER(d.repository) = $2 ORDER BY r.id DESC LIMIT 1";
        let id: Option<i64> = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(forge.as_str()).bind(repository.as_str()).bind(number)
            .fetch_optional(&mut **c).await)?;
        Ok(id.map(RequestId))
    }

    /// What the newest request that a move of this branch or tag, or a merge into it, has led to is about.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn newest_automatic(
        &mut self,
        app: &AppKey,
        environment: &EnvironmentKey,
        git_ref: &GitRef,
    ) -> Result<Option<CommitSha>, StoreError> {
        let sql = "SELECT commit_sha FROM requests
             WHERE app = $1 AND environment = $2 AND git_ref = $3 AND kind = $4 AND forge_deployment IS NULL
             ORDER BY id DESC LIMIT 1";
        let commit: Option<String> = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(app.as_str()).bind(environment.as_str()).bind(git_ref.full()).bind(Kind::Auto.as_str())
            .fetch_optional(&mut **c).await)?;
        commit.map(|commit| parsed("requests", &commit)).transpose()
    }

    /// A request, which nobody else changes until the transaction ends.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn request(&mut self, id: RequestId) -> Result<Request, StoreError> {
        self.lock_row("SELECT 1 FROM requests WHERE id = $1 FOR NO KEY UPDATE", id.0).await?;
        let row: Option<Row> = on_tx!(self, c => sqlx::query_as(ONE).bind(id.0).fetch_optional(&mut **c).await)?;
        row.ok_or_else(|| StoreError::NotFound(format!("request {id}")))?.read()
    }

    /// Moves a request on. `decided`: who decided it and when; `None` leaves what is there.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn set_request_state(
        &mut self,
        id: RequestId,
        state: &RequestState,
        decided: Option<(&str, Timestamp)>,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE requests SET state = $2, state_body = $3, decided_by = COALESCE($4, decided_by),
                 decided_at = COALESCE($5, decided_at)
             WHERE id = $1";
        let body = to_json("requests", state)?;
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0)
            .bind(state.as_str())
            .bind(body.as_str())
            .bind(decided.map(|(by, _)| by))
            .bind(decided.map(|(_, at)| at.millis()))
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(StoreError::NotFound(format!("request {id}"))) } else { Ok(()) }
    }
}

/// Whether what a person asks for is what was asked for with the same key before, as far as it does not depend on what
/// a name means at the moment: a branch moves on, and what there is to go back to changes. Events are told apart by
/// their keys.
fn is_same_wish(request: &Request, new: &NewRequest) -> bool {
    let same_place = request.app == new.app && request.environment == new.environment && request.hosts == new.hosts;
    let same_source = request.build == new.build
        && request.inputs == new.inputs
        && request.git_ref == new.git_ref
        && (new.git_ref.is_some() || request.commit == new.commit);
    match new.kind {
        Kind::Auto => true,
        Kind::Rollback => request.kind == new.kind && same_place,
        Kind::Regular => request.kind == new.kind && same_place && same_source,
    }
}
