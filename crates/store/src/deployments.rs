//! Deployments: made, looked up, moved on. Their host runs and the grid of steps are in [`progress`].
//!
//! Whoever carries a deployment out holds its fence, a number that grows each time somebody takes over. Every write of
//! an executor names its fence and is refused once that is not the newest one: a worker that was thought dead and
//! wakes up changes nothing any more.

pub mod progress;

use crate::requests::Request;
use crate::select::Select;
use crate::{Store, StoreError, Tx, from_json, known, on_read, on_tx, parsed, to_json};
use davit_domain::access::Places;
use davit_domain::deployment::DeploymentState;
use davit_domain::ids::{AppKey, CommitSha, DeploymentId, EnvironmentKey, HostName, ReleaseName, RequestId};
use davit_domain::log::Step;
use davit_domain::request::Kind;
use davit_domain::time::Timestamp;
pub use progress::{Cell, HostCounts, HostRun};

/// One attempt to carry a request out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Its number.
    pub id: DeploymentId,
    /// The request it carries out.
    pub request: RequestId,
    /// The app.
    pub app: AppKey,
    /// Where to.
    pub environment: EnvironmentKey,
    /// What the request asks for.
    pub kind: Kind,
    /// Where it stands.
    pub state: DeploymentState,
    /// 1 for the first attempt of its request.
    pub attempt: i64,
    /// The release it makes, or goes back to.
    pub release: ReleaseName,
    /// The commit.
    pub commit: CommitSha,
    /// The newest fence; 0: nobody has taken it up yet.
    pub fence: i64,
    /// Who asked to cancel it.
    pub cancel_requested_by: Option<String>,
    /// How many jobs it has had: each pause of it ends one.
    pub jobs: i64,
    /// The build it releases, once that is known.
    pub build: Option<String>,
    /// Why it waits although its turn has come: a lock, a freeze window.
    pub blocked: Option<String>,
    /// Who let it pass locks and freeze windows.
    pub gates_overridden_by: Option<String>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was first taken up.
    pub started_at: Option<Timestamp>,
    /// When it reached a final state.
    pub finished_at: Option<Timestamp>,
}

/// A deployment to be made.
#[derive(Debug, Clone, Copy)]
pub struct NewDeployment<'a> {
    /// The request it carries out.
    pub request: &'a Request,
    /// 1 for the first attempt of its request.
    pub attempt: i64,
    /// Its hosts with their batches, which count from 1.
    pub hosts: &'a [(HostName, u32)],
    /// What is shown as its steps.
    pub steps: &'a [PlannedStep],
}

/// A column of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlannedStep {
    /// Which.
    pub step: Step,
    /// Whether it runs once on the server instead of on every host.
    pub on_server: bool,
    /// Whether it is known from the start that it has nothing to do.
    pub skipped: bool,
}

impl PlannedStep {
    /// The six of a regular release; a rollback has nothing to do on the server.
    #[must_use]
    pub fn regular(kind: Kind) -> Vec<Self> {
        let plan = |step: Step| Self {
            step,
            on_server: step.on_server(),
            skipped: step.on_server() && kind == Kind::Rollback,
        };
        Step::ALL.into_iter().map(plan).collect()
    }
}

/// Which deployments to list. Empty: all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeploymentFilter {
    /// Of this app.
    pub app: Option<AppKey>,
    /// To this environment.
    pub environment: Option<EnvironmentKey>,
    /// In one of these states (their stored words).
    pub states: Vec<String>,
    /// Of these places alone.
    pub places: Places,
}

/// `SELECT` of every column, with what follows.
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, request_id, app, environment, kind, state_body, attempt, release_name, commit_sha, fence, ",
            "cancel_requested_by, jobs, build_digest, blocked, gates_overridden_by, created_at, started_at, finished_at ",
            "FROM deployments ",
            $rest
        )
    };
}

const ONE: &str = select!("WHERE id = $1");

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    request_id: i64,
    app: String,
    environment: String,
    kind: String,
    state_body: String,
    attempt: i64,
    release_name: String,
    commit_sha: String,
    fence: i64,
    cancel_requested_by: Option<String>,
    jobs: i64,
    build_digest: Option<String>,
    blocked: Option<String>,
    gates_overridden_by: Option<String>,
    created_at: i64,
    started_at: Option<i64>,
    finished_at: Option<i64>,
}

impl Row {
    fn read(self) -> Result<Deployment, StoreError> {
        let place = format!("deployments {}", self.id);
        Ok(Deployment {
            id: DeploymentId(self.id),
            request: RequestId(self.request_id),
            app: parsed(&place, &self.app)?,
            environment: parsed(&place, &self.environment)?,
            kind: known(&place, &self.kind, Kind::parse(&self.kind))?,
            state: from_json(&place, &self.state_body)?,
            attempt: self.attempt,
            release: parsed(&place, &self.release_name)?,
            commit: parsed(&place, &self.commit_sha)?,
            fence: self.fence,
            cancel_requested_by: self.cancel_requested_by,
            jobs: self.jobs,
            build: self.build_digest,
            blocked: self.blocked,
            gates_overridden_by: self.gates_overridden_by,
            created_at: Timestamp::from_millis(self.created_at),
            started_at: self.started_at.map(Timestamp::from_millis),
            finished_at: self.finished_at.map(Timestamp::from_millis),
        })
    }

    fn read_all(rows: Vec<Self>) -> Result<Vec<Deployment>, StoreError> {
        rows.into_iter().map(Self::read).collect()
    }
}

impl Store {
    /// A deployment.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn deployment(&self, id: DeploymentId) -> Result<Option<Deployment>, StoreError> {
        let row: Option<Row> = on_read!(&self.db, p => sqlx::query_as(ONE).bind(id.0).fetch_optional(p).await)?;
        row.map(Row::read).transpose()
    }

    /// Deployments, newest first, below the id `before`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn deployments(
        &self,
        filter: &DeploymentFilter,
        before: Option<DeploymentId>,
        limit: i64,
    ) -> Result<Vec<Deployment>, StoreError> {
        let rows: Vec<Row> = on_read!(&self.db, p => Select::new(select!(""))
            .equals("app", filter.app.as_ref())
            .equals("environment", filter.environment.as_ref())
            .one_of("state", &filter.states)
            .within("app", "environment", Some(&filter.places))
            .newest_first(before.map(|id| id.0), limit)
            .build_query_as().fetch_all(p).await)?;
        Row::read_all(rows)
    }

    /// The newest deployment of every (app, environment) that ever had one.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn latest_deployments(&self) -> Result<Vec<Deployment>, StoreError> {
        let sql = select!("WHERE id IN (SELECT MAX(id) FROM deployments GROUP BY app, environment) ORDER BY id DESC");
        Row::read_all(on_read!(&self.db, p => sqlx::query_as(sql).fetch_all(p).await)?)
    }

    /// The newest attempt of a request.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn deployment_of_request(&self, request: RequestId) -> Result<Option<Deployment>, StoreError> {
        let sql = select!("WHERE request_id = $1 ORDER BY id DESC LIMIT 1");
        let row: Option<Row> = on_read!(&self.db, p => sqlx::query_as(sql).bind(request.0).fetch_optional(p).await)?;
        row.map(Row::read).transpose()
    }

    /// Every deployment that has not ended, oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn all_unfinished(&self) -> Result<Vec<Deployment>, StoreError> {
        let sql = select!("WHERE finished_at IS NULL ORDER BY id");
        Row::read_all(on_read!(&self.db, p => sqlx::query_as(sql).fetch_all(p).await)?)
    }

    /// Who asked to cancel a deployment, if anybody did.
    ///
    /// # Errors
    /// `NotFound` when there is no such deployment.
    pub async fn cancel_requested(&self, id: DeploymentId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT cancel_requested_by FROM deployments WHERE id = $1";
        let found: Option<Option<String>> =
            on_read!(&self.db, p => sqlx::query_scalar(sql).bind(id.0).fetch_optional(p).await)?;
        found.ok_or_else(|| not_found(id))
    }
}

impl Tx {
    /// Makes the next attempt of a request: queued, every host waiting, nothing run. Its release name holds its own
    /// number; a rollback's is the release it goes back to.
    ///
    /// # Errors
    /// `Corrupt` when a rollback names no release.
    pub async fn create_deployment(
        &mut self,
        new: &NewDeployment<'_>,
        now: Timestamp,
    ) -> Result<Deployment, StoreError> {
        let NewDeployment { request, attempt, hosts, steps } = *new;
        let id = DeploymentId(self.insert_deployment(request, attempt, now).await?);
        let release = match (request.kind, &request.target_release) {
            (Kind::Rollback, Some(target)) => target.clone(),
            (Kind::Rollback, None) => {
                return Err(StoreError::Corrupt {
                    place: format!("requests {}", request.id),
                    detail: "a rollback without a release to go back to".into(),
                });
            }
            (Kind::Regular | Kind::Auto, _) => ReleaseName::new(now, &request.commit, id),
        };
        let sql = "UPDATE deployments SET release_name = $2 WHERE id = $1";
        on_tx!(self, c => sqlx::query(sql).bind(id.0).bind(release.as_str()).execute(&mut **c).await.map(drop))?;
        self.create_progress(id, hosts, steps, now).await?;
        self.deployment(id).await
    }

    async fn insert_deployment(&mut self, request: &Request, attempt: i64, now: Timestamp) -> Result<i64, StoreError> {
        // The release name needs the number, so it is filled in right after.
        let sql = "INSERT INTO deployments (request_id, app, environment, kind, state, state_body, attempt,
                 release_name, commit_sha, build_digest, fence, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, '', $8, $9, 0, $10) RETURNING id";
        let state = DeploymentState::Queued;
        let body = to_json("deployments", &state)?;
        Ok(on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(request.id.0)
            .bind(request.app.as_str())
            .bind(request.environment.as_str())
            .bind(request.kind.as_str())
            .bind(state.as_str())
            .bind(body.as_str())
            .bind(attempt)
            .bind(request.commit.as_str())
            .bind(request.build.as_deref())
            .bind(now.millis())
            .fetch_one(&mut **c).await)?)
    }

    /// A deployment, which nobody else changes until the transaction ends.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn deployment(&mut self, id: DeploymentId) -> Result<Deployment, StoreError> {
        self.lock_row(LOCK, id.0).await?;
        let row: Option<Row> = on_tx!(self, c => sqlx::query_as(ONE).bind(id.0).fetch_optional(&mut **c).await)?;
        row.ok_or_else(|| not_found(id))?.read()
    }

    /// As [`deployment`](Self::deployment), for a change of its state. Its queue is kept too, and before the row, as all
    /// do it: what is decided about a queue ([`unfinished`](Self::unfinished)) must not change behind its back.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn deployment_in_queue(&mut self, id: DeploymentId) -> Result<Deployment, StoreError> {
        let sql = "SELECT app, environment FROM deployments WHERE id = $1";
        let queue: Option<(String, String)> =
            on_tx!(self, c => sqlx::query_as(sql).bind(id.0).fetch_optional(&mut **c).await)?;
        let (app, environment) = queue.ok_or_else(|| not_found(id))?;
        self.lock(&queue_lock(&app, &environment)).await?;
        self.deployment(id).await
    }

    /// The deployments of an app to an environment that have not ended, oldest first. Until the transaction ends,
    /// nobody else gets an answer for this pair, nor changes a state of theirs that was read with
    /// [`deployment_in_queue`](Self::deployment_in_queue), so that what is decided from it stays true.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn unfinished(
        &mut self,
        app: &AppKey,
        environment: &EnvironmentKey,
    ) -> Result<Vec<Deployment>, StoreError> {
        self.lock(&queue_lock(app.as_str(), environment.as_str())).await?;
        let sql = select!("WHERE app = $1 AND environment = $2 AND finished_at IS NULL ORDER BY id");
        let rows = on_tx!(self, c => sqlx::query_as(sql)
            .bind(app.as_str()).bind(environment.as_str())
            .fetch_all(&mut **c).await)?;
        Row::read_all(rows)
    }

    /// Takes a deployment over: whoever held it before is refused from now on. Returns the new fence.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn take_fence(&mut self, id: DeploymentId, now: Timestamp) -> Result<i64, StoreError> {
        let sql = "UPDATE deployments SET fence = fence + 1, started_at = COALESCE(started_at, $2)
             WHERE id = $1 RETURNING fence";
        let fence: Option<i64> = on_tx!(self, c =>
            sqlx::query_scalar(sql).bind(id.0).bind(now.millis()).fetch_optional(&mut **c).await)?;
        fence.ok_or_else(|| not_found(id))
    }

    /// Moves a deployment on; the first switch sets when hosts began to change, and a final state when it ended.
    /// `fence`: the executor's, or `None` for anybody else.
    ///
    /// # Errors
    /// `Conflict` when another worker has taken over, `NotFound` when there is no such deployment.
    pub async fn advance_deployment(
        &mut self,
        id: DeploymentId,
        fence: Option<i64>,
        state: &DeploymentState,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if let Some(fence) = fence {
            self.hold_fence(id, fence).await?;
        }
        let sql = "UPDATE deployments SET state = $2, state_body = $3, finished_at = COALESCE(finished_at, $4),
                 switched_at = COALESCE(switched_at, $5)
             WHERE id = $1";
        let body = to_json("deployments", state)?;
        let done = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0)
            .bind(state.as_str())
            .bind(body.as_str())
            .bind(state.is_final().then_some(now.millis()))
            .bind(matches!(state, DeploymentState::Switching).then_some(now.millis()))
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(not_found(id)) } else { Ok(()) }
    }

    /// Notes which build a deployment releases.
    ///
    /// # Errors
    /// `Conflict` when another worker has taken over, `NotFound` when there is no such deployment.
    pub async fn set_deployment_build(&mut self, id: DeploymentId, fence: i64, digest: &str) -> Result<(), StoreError> {
        self.hold_fence(id, fence).await?;
        let sql = "UPDATE deployments SET build_digest = $2 WHERE id = $1";
        on_tx!(self, c => sqlx::query(sql).bind(id.0).bind(digest).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Notes when the commit of a deployment was made. The first word stays.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_committed_at(&mut self, id: DeploymentId, at: Timestamp) -> Result<(), StoreError> {
        let sql = "UPDATE deployments SET committed_at = COALESCE(committed_at, $2) WHERE id = $1";
        on_tx!(self, c => sqlx::query(sql).bind(id.0).bind(at.millis()).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Counts one more job of a deployment and returns its number, from 1: part of the job's key.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn count_deployment_job(&mut self, id: DeploymentId) -> Result<i64, StoreError> {
        let sql = "UPDATE deployments SET jobs = jobs + 1 WHERE id = $1 RETURNING jobs";
        let jobs: Option<i64> = on_tx!(self, c => sqlx::query_scalar(sql).bind(id.0).fetch_optional(&mut **c).await)?;
        jobs.ok_or_else(|| not_found(id))
    }

    /// Notes why a deployment waits although its turn has come; `None`: nothing keeps it.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn set_blocked(&mut self, id: DeploymentId, why: Option<&str>) -> Result<(), StoreError> {
        let sql = "UPDATE deployments SET blocked = $2 WHERE id = $1";
        on_tx!(self, c => sqlx::query(sql).bind(id.0).bind(why).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Lets a deployment pass locks and freeze windows.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn override_gates(&mut self, id: DeploymentId, by: &str) -> Result<(), StoreError> {
        let sql = "UPDATE deployments SET gates_overridden_by = $2, blocked = NULL WHERE id = $1";
        on_tx!(self, c => sqlx::query(sql).bind(id.0).bind(by).execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Notes that somebody wants a deployment cancelled. The first one to ask stays on record.
    ///
    /// # Errors
    /// `NotFound` when there is none with this number.
    pub async fn request_cancel(&mut self, id: DeploymentId, by: &str) -> Result<(), StoreError> {
        let sql = "UPDATE deployments SET cancel_requested_by = COALESCE(cancel_requested_by, $2) WHERE id = $1";
        let done = on_tx!(self, c =>
            sqlx::query(sql).bind(id.0).bind(by).execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if done == 0 { Err(not_found(id)) } else { Ok(()) }
    }

    /// Checks that `fence` is still the newest one, and keeps it so until the transaction ends.
    pub(crate) async fn hold_fence(&mut self, id: DeploymentId, fence: i64) -> Result<(), StoreError> {
        self.lock_row(LOCK, id.0).await?;
        let sql = "SELECT fence FROM deployments WHERE id = $1";
        let stored: Option<i64> = on_tx!(self, c => sqlx::query_scalar(sql).bind(id.0).fetch_optional(&mut **c).await)?;
        match stored {
            Some(stored) if stored == fence => Ok(()),
            Some(_) => Err(StoreError::Conflict(format!("another worker has taken over deployment {id}"))),
            None => Err(not_found(id)),
        }
    }
}

const LOCK: &str = "SELECT 1 FROM deployments WHERE id = $1 FOR NO KEY UPDATE";

fn queue_lock(app: &str, environment: &str) -> String {
    format!("deployments {app} {environment}")
}

fn not_found(id: DeploymentId) -> StoreError {
    StoreError::NotFound(format!("deployment {id}"))
}
