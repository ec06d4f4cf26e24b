//! Release requests: what is stored of each. Lists, what changes them, reviews and batches have files of their own.

mod batches;
mod list;
mod reviews;
mod write;

pub use batches::{Batch, NewBatch};
pub use list::RequestFilter;
pub use reviews::{NewReview, Verdict, Word};
pub use write::{Created, Edit};

use crate::{Store, StoreError, from_json, known, on_read, parsed};
use davit_domain::config::Review;
use davit_domain::ids::{AppKey, CommitSha, DeliveryId, EnvironmentKey, HostName, ReleaseName, RequestId, RevisionId};
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
    /// What more there is to know about it; may have several lines, or none.
    pub description: String,
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
    /// 1, and one more with every edit: what a reviewer saw.
    pub version: i64,
    /// Who edited it, beside or instead of who made it.
    pub editors: Vec<String>,
    /// When it was edited or scheduled last; `None`: never.
    pub updated_at: Option<Timestamp>,
    /// When it goes out by itself, if it may then.
    pub schedule: Option<Schedule>,
    /// Why it has not gone out although its time has come.
    pub held: Option<String>,
    /// The requests that were made together with it.
    pub batch: Option<i64>,
    /// The request that it was made from.
    pub cloned_from: Option<RequestId>,
}

/// When a request goes out by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// When.
    pub at: Timestamp,
    /// Who said so: it goes out in their name, while they may.
    pub by: String,
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
    /// What more there is to know about it; may have several lines, or none.
    pub description: String,
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
    /// When it goes out by itself.
    pub schedule: Option<Schedule>,
    /// The batch that it is made in.
    pub batch: Option<i64>,
    /// The request that it is made from.
    pub cloned_from: Option<RequestId>,
    /// Asking again with the same key makes nothing new.
    pub idempotency_key: Option<String>,
}

const LIST: &str =
    "SELECT id, app, environment, kind, state_body, commit_sha, git_ref, title, description, revision_id, review_body,
        target_release, hosts, build_digest, inputs, created_by, created_at, decided_by, decided_at, delivery_id,
        forge_deployment, version, updated_at, scheduled_at, scheduled_by, held, batch_id, cloned_from, values_body, editors
    FROM requests";
const ONE: &str =
    "SELECT id, app, environment, kind, state_body, commit_sha, git_ref, title, description, revision_id, review_body,
        target_release, hosts, build_digest, inputs, created_by, created_at, decided_by, decided_at, delivery_id,
        forge_deployment, version, updated_at, scheduled_at, scheduled_by, held, batch_id, cloned_from, values_body, editors
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
    description: String,
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
    version: i64,
    updated_at: Option<i64>,
    scheduled_at: Option<i64>,
    scheduled_by: Option<String>,
    held: Option<String>,
    batch_id: Option<i64>,
    cloned_from: Option<i64>,
    editors: String,
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
            description: self.description,
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
            version: self.version,
            editors: from_json(&place, &self.editors)?,
            updated_at: self.updated_at.map(Timestamp::from_millis),
            schedule: match (self.scheduled_at, self.scheduled_by) {
                (Some(at), Some(by)) => Some(Schedule { at: Timestamp::from_millis(at), by }),
                (_, _) => None,
            },
            held: self.held,
            batch: self.batch_id,
            cloned_from: self.cloned_from.map(RequestId),
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
}
