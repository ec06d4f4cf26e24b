//! `POST /hooks/<forge-id>`: verify, store, answer. What it means is decided later, from the stored row.

use crate::Api;
use crate::problem::Problem;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::routing::post;
use davit_domain::config::{Forge, GenericHook, HookSignature};
use davit_domain::ids::{DeliveryId, ForgeId};
use davit_domain::time::Timestamp;
use davit_forge::{ForgeKind, HookRules, Incoming, VerifyError};
use davit_store::StoreError;
use davit_store::feed::FeedEntry;
use davit_store::inbox::{NewDelivery, Put};
use secrecy::SecretString;
use serde_json::json;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// GitHub caps payloads at 25 MB (docs: webhook events and payloads).
const LARGEST_BODY: usize = 25 * 1024 * 1024;
/// A changed configuration is in force after this.
const REMEMBER: Duration = Duration::from_secs(2);
/// Refusals of one forge are recorded no more often: whoever sends nonsense must not fill the feed.
const RECORD_EVERY: Duration = Duration::from_secs(60);
/// Headers are stored as they came, but for those with one of these in their names.
const MASKED: [&str; 7] = ["authorization", "cookie", "token", "secret", "signature", "password", "api-key"];

/// What is remembered of each forge between deliveries.
#[derive(Default)]
pub(crate) struct Hooks {
    /// Reading the configuration and opening the secret for each delivery would halve the rate.
    known: Mutex<HashMap<ForgeId, (Timestamp, Arc<Known>)>>,
    refusals: Mutex<HashMap<ForgeId, Refusals>>,
}

/// A forge's webhooks, as configured.
struct Known {
    kind: ForgeKind,
    signature: HookSignature,
    secret: SecretString,
    generic: Option<GenericHook>,
}

/// Refused requests to one forge's hook.
#[derive(Debug, Clone, Copy)]
struct Refusals {
    recorded_at: Timestamp,
    /// Since then.
    unrecorded: u64,
}

pub(crate) fn routes() -> Router<Api> {
    Router::new().route("/hooks/{forge}", post(receive)).layer(DefaultBodyLimit::max(LARGEST_BODY))
}

async fn receive(
    State(api): State<Api>,
    forge: crate::problem::Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, axum::Json<serde_json::Value>), Problem> {
    let (forge, known) = known(&api, &forge.0).await?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "the body is larger than 25 MiB, which no forge sends: nothing was stored",
        ),
        other => Problem::new(other, "invalid", rejection.body_text()),
    })?;
    let now = api.engine.now();
    let incoming = Incoming { headers: &headers, body: &body };
    let verified = davit_forge::verify(&known.rules(now), &incoming).map_err(|error| refused(&api, &forge, &error))?;
    let put = api
        .engine
        .inbox()
        .put(NewDelivery {
            forge,
            delivery: verified.delivery,
            event: verified.event,
            received_at: now,
            headers: masked(&headers, known.generic.as_ref()),
            body: verified.payload,
        })
        .await?;
    let (status, id, detail) = match put {
        Put::New(DeliveryId(id)) => {
            api.engine.hub().tell_topic(davit_engine::hub::Topic::Delivery, Some(id));
            (StatusCode::ACCEPTED, id, "stored")
        }
        Put::Known(DeliveryId(id)) => (StatusCode::OK, id, "already received"),
    };
    Ok((status, axum::Json(json!({ "id": id, "detail": detail }))))
}

/// The forge that the address names. A forge without a secret takes no webhooks at all.
async fn known(api: &Api, id: &str) -> Result<(ForgeId, Arc<Known>), Problem> {
    let unknown = || Problem::not_found("there is no forge with this id: check the hook's URL");
    let id: ForgeId = id.parse().map_err(|_| unknown())?;
    let now = api.engine.now();
    if let Some((at, known)) = lock(&api.hooks.known).get(&id)
        && now.since(*at) < REMEMBER
    {
        return Ok((id, Arc::clone(known)));
    }
    let forge = api.engine.store().forge(&id).await?.ok_or_else(unknown)?;
    let secret = match &forge.webhook_secret {
        Some(reference) => api.engine.find_secret(reference).await?,
        None => None,
    };
    let Some(secret) = secret else {
        refused(api, &id, &VerifyError::NoSecret);
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            VerifyError::NoSecret.code(),
            format!("the forge {id} has no webhook secret in davit: set webhook_secret and apply the configuration"),
        ));
    };
    let known = Arc::new(Known::new(forge, secret));
    lock(&api.hooks.known).insert(id.clone(), (now, Arc::clone(&known)));
    Ok((id, known))
}

impl Known {
    fn new(forge: Forge, secret: SecretString) -> Self {
        Self { kind: forge.kind, signature: forge.hook_signature(), secret, generic: forge.generic }
    }

    fn rules(&self, now: Timestamp) -> HookRules<'_> {
        let Self { kind, signature, secret, generic } = self;
        HookRules { kind: *kind, signature: *signature, secret, generic: generic.as_ref(), now }
    }
}

/// The answer to a request that is refused. Who could not prove who it is goes to the feed, without a word of what
/// was sent; the answer does not wait for that.
fn refused(api: &Api, forge: &ForgeId, error: &VerifyError) -> Problem {
    tracing::warn!(forge = forge.as_str(), code = error.code(), "a webhook was refused");
    if !error.is_unauthenticated() {
        return Problem::new(StatusCode::BAD_REQUEST, error.code(), error.to_string());
    }
    let now = api.engine.now();
    if let Some(count) = api.hooks.count_refusal(forge, now) {
        let entry = FeedEntry {
            at: now,
            actor: "webhooks".to_owned(),
            action: "webhook_refused".to_owned(),
            subject: format!("forge {forge}"),
            app: None,
            environment: None,
            detail: json!({ "code": error.code(), "reason": error.to_string(), "refused": count }),
        };
        let engine = api.engine.clone();
        api.engine.lifecycle().spawn("webhook-refused", async move {
            if let Err(error) = record(engine.store(), entry).await {
                tracing::warn!(%error, "a refused webhook could not be recorded");
            }
        });
    }
    Problem::new(StatusCode::UNAUTHORIZED, error.code(), error.to_string())
}

async fn record(store: &davit_store::Store, entry: FeedEntry) -> Result<(), StoreError> {
    let mut tx = store.begin().await?;
    tx.feed(entry).await?;
    tx.commit().await
}

impl Hooks {
    /// How many were refused since the last record, this one included, when it is time for a record.
    fn count_refusal(&self, forge: &ForgeId, now: Timestamp) -> Option<u64> {
        let mut refusals = lock(&self.refusals);
        match refusals.get_mut(forge) {
            Some(before) if now.since(before.recorded_at) < RECORD_EVERY => {
                before.unrecorded += 1;
                None
            }
            before => {
                let count = before.map_or(0, |before| before.unrecorded) + 1;
                refusals.insert(forge.clone(), Refusals { recorded_at: now, unrecorded: 0 });
                Some(count)
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn masked(headers: &HeaderMap, generic: Option<&GenericHook>) -> Vec<(String, String)> {
    let is_secret = |name: &HeaderName| {
        MASKED.iter().any(|word| name.as_str().contains(word))
            || generic.is_some_and(|hook| hook.header.eq_ignore_ascii_case(name.as_str()))
    };
    headers
        .iter()
        .map(|(name, value)| {
            let text =
                if is_secret(name) { "***".to_owned() } else { String::from_utf8_lossy(value.as_bytes()).into_owned() };
            (name.as_str().to_owned(), text)
        })
        .collect()
}
