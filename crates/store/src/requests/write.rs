//! What makes and changes requests.

use super::{Inputs, NewRequest, ONE, Request, Row, Schedule};
use crate::{StoreError, Tx, on_tx, parsed, repository_key, storable, to_json};
use davit_domain::config::Review;
use davit_domain::event::GitRef;
use davit_domain::ids::{AppKey, CommitSha, EnvironmentKey, ForgeId, HostName, ReleaseName, RequestId, RevisionId};
use davit_domain::request::{Kind, RequestState};
use davit_domain::time::Timestamp;
use davit_domain::values::Pinned;

/// What [`Tx::create_request`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Created {
    /// Made it.
    New(Request),
    /// There was one with this idempotency key.
    Existing(Request),
}

/// What an edit makes of a request. Fields as in [`Request`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Where it stands then.
    pub state: RequestState,
    /// The pinned commit.
    pub commit: CommitSha,
    /// The branch or tag it was made from.
    pub git_ref: Option<String>,
    /// A line for people.
    pub title: String,
    /// What more there is to know.
    pub description: String,
    /// The pinned config revision.
    pub revision: RevisionId,
    /// The review rule.
    pub review: Review,
    /// Only these hosts; `None`: all that the config selects.
    pub hosts: Option<Vec<HostName>>,
    /// The digest of the build to release; `None`: the one of the commit.
    pub build: Option<String>,
    /// What was filled in and uploaded for it.
    pub inputs: Inputs,
    /// The pinned values.
    pub values: Pinned,
    /// Everybody who has edited it.
    pub editors: Vec<String>,
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
                 idempotency_key, forge_deployment, values_body, description, scheduled_at, scheduled_by, batch_id,
                 cloned_from)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
                 $23, $24, $25)
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
            .bind(storable(&new.description).as_ref())
            .bind(new.schedule.as_ref().map(|schedule| schedule.at.millis()))
            .bind(new.schedule.as_ref().map(|schedule| schedule.by.as_str()))
            .bind(new.batch)
            .bind(new.cloned_from.map(|id| id.0))
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

    /// Writes what an edit made of a request, as its next version.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn edit_request(&mut self, id: RequestId, edit: &Edit, now: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE requests SET state = $2, state_body = $3, commit_sha = $4, git_ref = $5, title = $6,
                 description = $7, revision_id = $8, review_body = $9, hosts = $10, build_digest = $11, inputs = $12,
                 values_body = $13, updated_at = $14, editors = $15, version = version + 1, approvals_expire_at = NULL, held = NULL
             WHERE id = $1";
        let state = to_json("requests", &edit.state)?;
        let review = to_json("requests", &edit.review)?;
        let inputs = to_json("requests", &edit.inputs)?;
        let values = to_json("requests", &edit.values)?;
        let editors = to_json("requests", &edit.editors)?;
        let hosts = edit.hosts.as_ref().map(|hosts| to_json("requests", hosts)).transpose()?;
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0)
            .bind(edit.state.as_str())
            .bind(state.as_str())
            .bind(edit.commit.as_str())
            .bind(edit.git_ref.as_deref().map(storable).as_deref())
            .bind(storable(&edit.title).as_ref())
            .bind(storable(&edit.description).as_ref())
            .bind(edit.revision.0)
            .bind(review.as_str())
            .bind(hosts.as_deref())
            .bind(edit.build.as_deref())
            .bind(inputs.as_str())
            .bind(values.as_str())
            .bind(now.millis())
            .bind(editors.as_str())
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(StoreError::NotFound(format!("request {id}"))) } else { Ok(()) }
    }

    /// Says when a request goes out by itself; `None`: not any more.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn schedule_request(
        &mut self,
        id: RequestId,
        schedule: Option<&Schedule>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql =
            "UPDATE requests SET scheduled_at = $2, scheduled_by = $3, held = NULL, updated_at = $4 WHERE id = $1";
        on_tx!(self, c => sqlx::query(sql)
            .bind(id.0)
            .bind(schedule.map(|schedule| schedule.at.millis()))
            .bind(schedule.map(|schedule| schedule.by.as_str()))
            .bind(now.millis())
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Notes why the schedule has not let a request go out.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn hold_request(&mut self, id: RequestId, why: &str) -> Result<(), StoreError> {
        let sql = "UPDATE requests SET held = $2 WHERE id = $1";
        on_tx!(self, c =>
            sqlx::query(sql).bind(id.0).bind(storable(why).as_ref()).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Notes when the first approval of a request stops to count.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_approvals_expiry(&mut self, id: RequestId, at: Option<Timestamp>) -> Result<(), StoreError> {
        let sql = "UPDATE requests SET approvals_expire_at = $2 WHERE id = $1";
        on_tx!(self, c =>
            sqlx::query(sql).bind(id.0).bind(at.map(Timestamp::millis)).execute(&mut **c).await.map(drop))?;
        Ok(())
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
