//! The outbox: calls to forges, written with the state that caused them, made here with retries.
//!
//! One lane a (forge, repository, SHA, context): within it the newest state wins, and one call is under way at a time,
//! so that a late "pending" never follows "success".

use crate::hub::{self, Topic};
use crate::{Engine, EngineError};
use davit_domain::config::Forge;
use davit_domain::ids::ForgeId;
use davit_domain::status::CommitStatus;
use davit_forge::{ApiError, Client};
use davit_store::Tx;
use davit_store::outbox::{OutboxEnd, OutboxRow};
use secrecy::SecretString;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

const COMMIT_STATUS: &str = "commit_status";
const LEASE: Duration = Duration::from_secs(60);
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LONGEST_RETRY: Duration = Duration::from_secs(600);
/// While a person has to mend something at the forge: often enough to be seen to work, too seldom to be locked out.
const REFUSED_RETRY: Duration = Duration::from_secs(300);
/// After this a call is given up, loudly.
const GIVE_UP: Duration = Duration::from_secs(24 * 3600);

/// Open forge clients, by forge; a changed configuration or token makes a new one.
#[derive(Debug, Default)]
pub struct Clients(tokio::sync::Mutex<HashMap<ForgeId, OpenClient>>);

/// A client, and the configuration and SHA-256 of the token that it was made with.
type OpenClient = (Forge, [u8; 32], Arc<Client>);

impl Engine {
    /// Writes a commit status to be set, in the transaction of what it tells about.
    pub(crate) async fn enqueue_status(
        &self,
        tx: &mut Tx,
        forge: &ForgeId,
        status: &CommitStatus,
    ) -> Result<(), EngineError> {
        let lane = format!("status {forge} {} {} {}", status.repository, status.commit, status.context.to_lowercase());
        let payload = serde_json::to_string(status).map_err(|error| EngineError::Unavailable(error.to_string()))?;
        tx.enqueue_outbox(COMMIT_STATUS, &lane, forge, &payload, self.now()).await?;
        Ok(())
    }

    /// The token of a forge, when it has one.
    pub(crate) async fn forge_token(&self, id: &ForgeId) -> Result<Option<SecretString>, EngineError> {
        let forge = self.configured_forge(id).await?;
        match &forge.token {
            Some(reference) => self.find_secret(reference).await,
            None => Ok(None),
        }
    }

    /// A client for a forge.
    ///
    /// # Errors
    /// When it is not configured or its URL is not usable.
    pub async fn forge_client(&self, id: &ForgeId) -> Result<Arc<Client>, EngineError> {
        use secrecy::ExposeSecret as _;
        use sha2::Digest as _;
        let forge = self.configured_forge(id).await?;
        let token = match &forge.token {
            Some(reference) => self.find_secret(reference).await?,
            None => None,
        }
        .unwrap_or_else(|| SecretString::from(String::new()));
        let digest: [u8; 32] = sha2::Sha256::digest(token.expose_secret().as_bytes()).into();
        let mut open = self.clients().0.lock().await;
        if let Some((known, of, client)) = open.get(id)
            && *known == forge
            && *of == digest
        {
            return Ok(Arc::clone(client));
        }
        let client = Client::new(forge.kind, &forge.api_url, token, None)
            .map_err(|error| EngineError::Invalid(error.to_string()))?;
        let client = Arc::new(client);
        open.insert(id.clone(), (forge, digest, Arc::clone(&client)));
        Ok(client)
    }

    async fn configured_forge(&self, id: &ForgeId) -> Result<Forge, EngineError> {
        self.store().forge(id).await?.ok_or_else(|| EngineError::NotFound(format!("there is no forge named {id}")))
    }
}

/// Makes calls until the process drains.
pub(crate) async fn run(engine: Engine) {
    let drain = engine.lifecycle().drain_token();
    let mut wake = engine.hub().subscribe();
    loop {
        let pause = match next(&engine).await {
            Ok(true) => Duration::ZERO,
            Ok(false) => until_due(&engine).await,
            Err(error) => {
                tracing::error!(%error, "the outbox can't be read now");
                Duration::from_secs(1)
            }
        };
        if drain.is_cancelled() {
            return;
        }
        if pause > Duration::ZERO {
            tokio::select! {
                () = drain.cancelled() => return,
                () = hub::changed(&mut wake, &[Topic::Outbox, Topic::Deployment, Topic::Request]) => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
}

async fn until_due(engine: &Engine) -> Duration {
    let longest = engine.settings().reconcile_every;
    match engine.store().outbox_next_due().await {
        Ok(Some(due)) => due.since(engine.now()).clamp(Duration::from_millis(20), longest),
        Ok(None) | Err(_) => longest,
    }
}

/// Makes the next call that is due. False: none is.
///
/// # Errors
/// When the store does not answer.
pub async fn next(engine: &Engine) -> Result<bool, EngineError> {
    let Some(row) = engine.store().claim_outbox(engine.now(), LEASE).await? else { return Ok(false) };
    let store = engine.store();
    match send(engine, &row).await.map_err(mendable) {
        Ok(()) => store.finish_outbox(row.id, OutboxEnd::Done, None, engine.now()).await?,
        Err(ApiError::Permanent { detail, .. }) => {
            tracing::error!(lane = row.lane, detail, "a call to the forge was refused for good");
            store.finish_outbox(row.id, OutboxEnd::Dead, Some(&detail), engine.now()).await?;
        }
        Err(ApiError::Retry { after, detail }) => {
            let now = engine.now();
            if now.since(row.created_at) > GIVE_UP {
                tracing::error!(lane = row.lane, detail, "a call to the forge was given up after a day");
                store.finish_outbox(row.id, OutboxEnd::Dead, Some(&detail), now).await?;
            } else {
                let wait = after.unwrap_or_else(|| backoff(row.attempts));
                store.retry_outbox(row.id, now.plus(wait), &detail).await?;
            }
        }
    }
    engine.hub().tell_topic(Topic::Outbox, Some(row.id));
    Ok(true)
}

/// A credential that is refused, or a repository that it doesn't see, is mended by a person at the forge: the final
/// status is not given up for that within the day.
fn mendable(error: ApiError) -> ApiError {
    match error {
        ApiError::Permanent { detail, status: Some(401 | 403 | 404) } => {
            ApiError::Retry { after: Some(REFUSED_RETRY), detail }
        }
        other @ (ApiError::Permanent { .. } | ApiError::Retry { .. }) => other,
    }
}

async fn send(engine: &Engine, row: &OutboxRow) -> Result<(), ApiError> {
    let permanent = |detail: String| ApiError::Permanent { detail, status: None };
    let status: CommitStatus = match row.kind.as_str() {
        COMMIT_STATUS => serde_json::from_str(&row.payload).map_err(|error| permanent(error.to_string()))?,
        other => return Err(permanent(format!("{other} is not a kind of call that this version makes"))),
    };
    let client = match engine.forge_client(&row.forge).await {
        Ok(client) => client,
        Err(EngineError::Unavailable(detail)) => return Err(ApiError::Retry { after: None, detail }),
        Err(error) => return Err(permanent(error.to_string())),
    };
    client.set_status(&status).await
}

/// Doubles from [`FIRST_RETRY`], with jitter so that many do not come back at once.
fn backoff(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(0, 16)).unwrap_or(0);
    let base = FIRST_RETRY.saturating_mul(2_u32.saturating_pow(doublings)).min(LONGEST_RETRY);
    base.mul_f64(rand::random_range(0.75..1.25))
}
