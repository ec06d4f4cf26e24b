//! Which deployment of davit's is which deployment at a forge.

use crate::{Store, StoreError, Tx, on_read, on_tx, parsed, repository_key, storable};
use davit_domain::ids::{CommitSha, DeploymentId, ForgeId};
use davit_domain::time::Timestamp;

/// A deployment of davit's that a forge knows, or is to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForgeDeployment {
    /// davit's number.
    pub deployment: DeploymentId,
    /// The forge.
    pub forge: ForgeId,
    /// `owner/name` there; read back in lower case.
    pub repository: String,
    /// The forge's name of the environment.
    pub environment: String,
    /// The forge's number; `None` until the forge has said it.
    pub number: Option<i64>,
    /// Whether davit made it there. Otherwise the forge asked for it, and davit carries it out.
    pub made_by_davit: bool,
}

const ONE: &str = "SELECT deployment_id, forge, repository, environment, number, made_by_davit
     FROM forge_deployments WHERE deployment_id = $1";

#[derive(sqlx::FromRow)]
struct Row {
    deployment_id: i64,
    forge: String,
    repository: String,
    environment: String,
    number: Option<i64>,
    made_by_davit: bool,
}

impl Row {
    fn read(self) -> Result<ForgeDeployment, StoreError> {
        Ok(ForgeDeployment {
            deployment: DeploymentId(self.deployment_id),
            forge: parsed(&format!("forge_deployments {}", self.deployment_id), &self.forge)?,
            repository: self.repository,
            environment: self.environment,
            number: self.number,
            made_by_davit: self.made_by_davit,
        })
    }
}

impl Store {
    /// What a forge knows of a deployment.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forge_deployment(&self, id: DeploymentId) -> Result<Option<ForgeDeployment>, StoreError> {
        let row: Option<Row> = on_read!(&self.db, p => sqlx::query_as(ONE).bind(id.0).fetch_optional(p).await)?;
        row.map(Row::read).transpose()
    }
}

impl Tx {
    /// What a forge knows of a deployment.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn forge_deployment(&mut self, id: DeploymentId) -> Result<Option<ForgeDeployment>, StoreError> {
        let row: Option<Row> = on_tx!(self, c => sqlx::query_as(ONE).bind(id.0).fetch_optional(&mut **c).await)?;
        row.map(Row::read).transpose()
    }

    /// Writes down that a forge knows a deployment, or is to know it. What was written down first stays.
    ///
    /// # Errors
    /// `Conflict` when davit has no such deployment.
    pub async fn put_forge_deployment(&mut self, new: &ForgeDeployment) -> Result<(), StoreError> {
        let sql = "INSERT INTO forge_deployments (deployment_id, forge, repository, environment, number, made_by_davit)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (deployment_id) DO NOTHING";
        on_tx!(self, c => sqlx::query(sql)
            .bind(new.deployment.0)
            .bind(new.forge.as_str())
            .bind(repository_key(&new.repository).as_str())
            .bind(storable(&new.environment).as_ref())
            .bind(new.number)
            .bind(new.made_by_davit)
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    /// Writes down the forge's number of a deployment, once the forge has said it.
    ///
    /// # Errors
    /// `NotFound` when nothing was written down about this deployment; `Conflict` when it has another number.
    pub async fn set_forge_number(&mut self, id: DeploymentId, number: i64) -> Result<(), StoreError> {
        let sql =
            "UPDATE forge_deployments SET number = $2 WHERE deployment_id = $1 AND (number IS NULL OR number = $2)";
        let written = on_tx!(self, c => sqlx::query(sql)
            .bind(id.0).bind(number)
            .execute(&mut **c).await.map(|done| done.rows_affected()))?;
        if written > 0 {
            return Ok(());
        }
        Err(match self.forge_deployment(id).await? {
            Some(known) => StoreError::Conflict(format!(
                "deployment {id} is number {} at {}, not {number}",
                known.number.unwrap_or_default(),
                known.forge
            )),
            None => StoreError::NotFound(format!("deployment {id} at a forge")),
        })
    }

    /// davit's newest deployment that has this number at a forge.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn deployment_at_forge(
        &mut self,
        forge: &ForgeId,
        repository: &str,
        number: i64,
    ) -> Result<Option<DeploymentId>, StoreError> {
        let sql = "SELECT deployment_id FROM forge_deployments
             WHERE forge = $1 AND repository = $2 AND number = $3 ORDER BY deployment_id DESC LIMIT 1";
        let id: Option<i64> = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(forge.as_str()).bind(repository_key(repository).as_str()).bind(number)
            .fetch_optional(&mut **c).await)?;
        Ok(id.map(DeploymentId))
    }

    /// Whether davit tells a forge about a deployment of a commit to an environment (the forge's name of it), made at
    /// or after `since`, and has not heard its number yet.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn awaits_forge_number(
        &mut self,
        forge: &ForgeId,
        repository: &str,
        environment: &str,
        commit: &CommitSha,
        since: Timestamp,
    ) -> Result<bool, StoreError> {
        let sql = "SELECT COUNT(*) FROM forge_deployments f JOIN deployments d ON d.id = f.deployment_id
             WHERE f.forge = $1 AND f.repository = $2 AND f.number IS NULL AND f.made_by_davit
                 AND LOWER(f.environment) = LOWER($3) AND d.commit_sha = $4 AND d.created_at >= $5";
        let waiting: i64 = on_tx!(self, c => sqlx::query_scalar(sql)
            .bind(forge.as_str())
            .bind(repository_key(repository).as_str())
            .bind(storable(environment).as_ref())
            .bind(commit.as_str())
            .bind(since.millis())
            .fetch_one(&mut **c).await)?;
        Ok(waiting > 0)
    }
}
