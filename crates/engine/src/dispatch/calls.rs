//! The calls that the outbox makes, one function a kind. Each makes its call once; when again is not decided here.

use crate::{Engine, EngineError};
use davit_domain::config::ForgeKind;
use davit_domain::deployment_at_forge::DeploymentAtForge;
use davit_domain::ids::ForgeId;
use davit_domain::status::CommitStatus;
use davit_forge::{ApiError, Client};
use davit_store::StoreError;
use davit_store::outbox::{OutboxRow, Target};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub(crate) const COMMIT_STATUS: &str = "commit_status";
pub(crate) const DEPLOYMENT_STATE: &str = "deployment_state";
pub(crate) const COMMENT: &str = "comment";

/// While a person has to mend something at the forge or in the configuration: often enough to be seen to work, too
/// seldom to be locked out.
const REFUSED_RETRY: Duration = Duration::from_secs(300);

const LONGEST_WINDOW: Duration = Duration::from_secs(3600);

/// A state of a deployment to be told to a forge.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DeploymentCall {
    /// The deployment.
    pub(crate) at_forge: DeploymentAtForge,
    /// The forge's number of it, where somebody else made it there; `None`: davit's own.
    pub(crate) number: Option<i64>,
}

/// A comment to be made on a change.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct CommentCall {
    pub(super) repository: String,
    pub(super) number: i64,
    pub(super) text: String,
}

/// Why a call was not made.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotMade {
    /// Later may be better.
    Later {
        /// When at the soonest; `None`: as it comes.
        after: Option<Duration>,
        /// Whether it wants no other call either until then.
        limit: bool,
        /// Why.
        detail: String,
    },
    /// It will never be made, unless a person changes something.
    Never {
        /// Why.
        detail: String,
    },
    /// Nobody is there to be told: the forge or channel is not configured any more, or takes no calls of davit's.
    Nobody {
        /// Why.
        detail: String,
    },
}

impl From<ApiError> for NotMade {
    fn from(error: ApiError) -> Self {
        match error {
            ApiError::Retry { after, detail } => Self::Later { after, limit: after.is_some(), detail },
            // A credential that is refused is refused for every call: asking on with it locks accounts out.
            ApiError::Permanent { detail, status: Some(401) } => {
                Self::Later { after: Some(REFUSED_RETRY), limit: true, detail }
            }
            // A permission or a repository that it doesn't have is mended by a person at the forge.
            ApiError::Permanent { detail, status: Some(403 | 404) } => {
                Self::Later { after: Some(REFUSED_RETRY), limit: false, detail }
            }
            ApiError::Permanent { detail, status: _ } => Self::Never { detail },
        }
    }
}

impl From<EngineError> for NotMade {
    fn from(error: EngineError) -> Self {
        let detail = error.to_string();
        match error {
            EngineError::NotFound(_) => Self::Nobody { detail },
            EngineError::Invalid(_) | EngineError::InvalidConfig(_) | EngineError::Denied(_) => {
                Self::Later { after: Some(REFUSED_RETRY), limit: false, detail }
            }
            EngineError::Unavailable(_)
            | EngineError::Upstream(_)
            | EngineError::Conflict(_)
            | EngineError::Changed(_) => Self::Later { after: None, limit: false, detail },
        }
    }
}

impl From<StoreError> for NotMade {
    fn from(error: StoreError) -> Self {
        EngineError::from(error).into()
    }
}

/// Makes a call.
pub(super) async fn make(engine: &Engine, row: &OutboxRow) -> Result<(), NotMade> {
    match &row.target {
        Target::Forge(forge) => call_forge(engine, row, forge).await,
        Target::Channel(channel) => Ok(crate::notify::deliver(engine, row, channel).await?),
    }
}

async fn call_forge(engine: &Engine, row: &OutboxRow, id: &ForgeId) -> Result<(), NotMade> {
    let forge = engine.configured_forge(id).await?;
    if !forge.has_api() {
        // It only tells davit what happens, and takes no calls.
        return Err(NotMade::Nobody { detail: format!("davit has no credential for the forge {id}") });
    }
    let kind = forge.kind;
    let client = engine.forge_client(id).await?;
    let made = match row.kind.as_str() {
        COMMIT_STATUS => {
            let status: CommitStatus = read(row)?;
            engine.traffic().count(id, kind, engine.now());
            client.set_status(&status).await.map_err(NotMade::from)
        }
        COMMENT => {
            let CommentCall { repository, number, text } = read(row)?;
            engine.traffic().count(id, kind, engine.now());
            client.comment(&repository, number, &text).await.map_err(NotMade::from)
        }
        DEPLOYMENT_STATE => tell_deployment(engine, &client, kind, id, &read(row)?).await,
        other => Err(NotMade::Never { detail: format!("{other} is not a kind of call that this version makes") }),
    };
    if let Some(budget) = client.rate_budget()
        && let (0, Some(reset)) = (budget.remaining, budget.reset)
    {
        // Its clock may be wrong; windows are not longer.
        engine.traffic().pause(id, reset.min(engine.now().plus(LONGEST_WINDOW)));
    }
    made
}

/// Sets the state of a deployment, which is made at the forge before where that has not happened.
///
/// Accepted race: a forge that takes a deployment in, does not answer within the client's time limit, and does not show
/// the deployment at the next try either, gets a second one.
async fn tell_deployment(
    engine: &Engine,
    client: &Client,
    kind: ForgeKind,
    forge: &ForgeId,
    call: &DeploymentCall,
) -> Result<(), NotMade> {
    let number = match call.number {
        Some(number) => number,
        None => number_of(engine, client, kind, forge, &call.at_forge).await?,
    };
    engine.traffic().count(forge, kind, engine.now());
    Ok(client.set_deployment_state(&call.at_forge, number).await?)
}

/// The forge's number of a deployment of davit's own: the stored one, else that of an answer that got lost, else a new
/// one.
async fn number_of(
    engine: &Engine,
    client: &Client,
    kind: ForgeKind,
    forge: &ForgeId,
    deployment: &DeploymentAtForge,
) -> Result<i64, NotMade> {
    let id = deployment.deployment;
    let stored = engine.store().forge_deployment(id).await?;
    if let Some(number) = stored.and_then(|stored| stored.number) {
        return Ok(number);
    }
    let found = match client.find_deployment(deployment).await? {
        // A forge that can't carry davit's own number shows what looks alike: another attempt's is not this one's.
        Some(number) => {
            let mut tx = engine.store().begin().await?;
            let of = tx.deployment_at_forge(forge, &deployment.repository, number).await?;
            of.is_none_or(|of| of == id).then_some(number)
        }
        None => None,
    };
    let number = match found {
        Some(number) => number,
        None => {
            engine.traffic().count(forge, kind, engine.now());
            client.create_deployment(deployment).await?
        }
    };
    let mut tx = engine.store().begin().await?;
    tx.set_forge_number(id, number).await?;
    tx.commit().await?;
    Ok(number)
}

fn read<T: DeserializeOwned>(row: &OutboxRow) -> Result<T, NotMade> {
    serde_json::from_str(&row.payload).map_err(|error| NotMade::Never { detail: error.to_string() })
}
