//! Deployments that have ended, as the delivery figures need them. What follows from them is the domain's
//! (`davit_domain::delivery`).

use crate::select::Select;
use crate::{Store, StoreError, known, on_read};
use davit_domain::access::Places;
use davit_domain::delivery::{End, Ended};
use davit_domain::ids::{AppKey, EnvironmentKey};
use davit_domain::request::Kind;
use davit_domain::time::Timestamp;

/// Which deployments the figures are about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Of this app.
    pub app: Option<AppKey>,
    /// To this environment.
    pub environment: Option<EnvironmentKey>,
    /// Of these places alone.
    pub places: Places,
}

/// Driven from the places, so that what ended long ago is not read. The number between the two: when the span begins. A
/// commit is brought live once a place.
const ENDED: (&str, &str) = (
    "SELECT deployments.app, deployments.environment, kind, state, release_name, switched_at, finished_at,
        CASE WHEN committed_at IS NOT NULL AND state = 'succeeded' AND kind <> 'rollback' AND NOT EXISTS (
            SELECT 1 FROM deployments AS earlier WHERE earlier.app = deployments.app
                AND earlier.environment = deployments.environment AND earlier.commit_sha = deployments.commit_sha
                AND earlier.state = 'succeeded' AND earlier.id < deployments.id
        ) THEN committed_at END AS committed_at
    FROM (
        SELECT app, environment,
            COALESCE(MAX(CASE WHEN state = 'succeeded' AND finished_at < ",
    " THEN finished_at END), 0) AS since
        FROM deployments WHERE finished_at IS NOT NULL GROUP BY app, environment
    ) AS places
    JOIN deployments ON deployments.app = places.app AND deployments.environment = places.environment
        AND deployments.finished_at >= places.since",
);

/// The other ends tell nothing about changes.
const ENDS: [&str; 3] = ["succeeded", "failed", "reverted"];

#[derive(sqlx::FromRow)]
struct Row {
    app: String,
    environment: String,
    kind: String,
    state: String,
    release_name: String,
    switched_at: Option<i64>,
    finished_at: i64,
    committed_at: Option<i64>,
}

impl Row {
    fn read(self) -> Result<Ended, StoreError> {
        let place = "deployments";
        Ok(Ended {
            kind: known(place, &self.kind, Kind::parse(&self.kind))?,
            end: known(place, &self.state, End::parse(&self.state))?,
            place: (self.app, self.environment),
            release: self.release_name,
            committed_at: self.committed_at.map(Timestamp::from_millis),
            switched_at: self.switched_at.map(Timestamp::from_millis),
            finished_at: Timestamp::from_millis(self.finished_at),
        })
    }
}

/// How far the ends are that are counted: far enough that none is noted later with a time before them.
const LATE: i64 = 600_000;

/// Which deployments have ended: another one has when this is not what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ends {
    newest: i64,
    count: i64,
}

impl Store {
    /// Which deployments have ended.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ends(&self) -> Result<Ends, StoreError> {
        let sql = "SELECT COALESCE(MAX(finished_at), 0), COUNT(*) FROM deployments
             WHERE finished_at >= (SELECT MAX(finished_at) FROM deployments) - $1";
        let (newest, count) = on_read!(&self.db, p => sqlx::query_as(sql).bind(LATE).fetch_one(p).await)?;
        Ok(Ends { newest, count })
    }

    /// What ended since then, by place and time; and in each place what ended from the last deployment on that went live
    /// before, since that is what the first ones of the span followed.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn ended_deployments(&self, filter: &DeliveryFilter, since: Timestamp) -> Result<Vec<Ended>, StoreError> {
        let rows: Vec<Row> = on_read!(&self.db, p => Select::around(ENDED, since.millis())
            .one_of("state", &ENDS)
            .equals("deployments.app", filter.app.as_ref())
            .equals("deployments.environment", filter.environment.as_ref())
            .within("deployments.app", "deployments.environment", Some(&filter.places))
            .ordered_by("deployments.app, deployments.environment, finished_at, id")
            .build_query_as().fetch_all(p).await)?;
        rows.into_iter().map(Row::read).collect()
    }
}
