//! `POST /hooks/<forge-id>`: verify, store, answer. What it means is decided later, from the stored row.

use crate::Api;
use crate::problem::Problem;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use davit_domain::ids::{DeliveryId, ForgeId};
use davit_domain::time::Timestamp;
use davit_forge::{ForgeKind, Incoming, SignatureScheme};
use davit_store::inbox::{NewDelivery, Put};
use secrecy::SecretString;
use serde_json::json;
use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

/// GitHub caps payloads at 25 MB (docs: webhook events and payloads).
const LARGEST_BODY: usize = 25 * 1024 * 1024;
/// A changed secret is in force after this.
const REMEMBER: Duration = Duration::from_secs(2);
/// Stored as they came, but for these.
const MASKED: [&str; 6] =
    ["authorization", "cookie", "x-gitlab-token", "x-gitee-token", "x-hub-signature", "x-hub-signature-256"];

/// Webhook secrets, remembered for a moment: reading and opening them for each delivery would halve the rate.
#[derive(Default)]
pub(crate) struct HookSecrets(Mutex<HashMap<ForgeId, (Timestamp, ForgeKind, SecretString)>>);

pub(crate) fn routes() -> Router<Api> {
    Router::new().route("/hooks/{forge}", post(receive)).layer(DefaultBodyLimit::max(LARGEST_BODY))
}

async fn receive(
    State(api): State<Api>,
    forge: crate::problem::Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, axum::Json<serde_json::Value>), Problem> {
    let (forge, kind, secret) = known(&api, &forge.0).await?;
    let body = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            "the body is larger than 25 MiB, which no forge sends: nothing was stored",
        ),
        other => Problem::new(other, "invalid", rejection.body_text()),
    })?;
    let incoming = Incoming { headers: &headers, body: &body };
    let verified = davit_forge::verify(kind, &secret, SignatureScheme::HmacSha256, &incoming).map_err(|error| {
        tracing::warn!(forge = forge.as_str(), code = error.code(), "a webhook was refused");
        let status = if error.is_unauthenticated() { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        Problem::new(status, error.code(), error.to_string())
    })?;
    let put = api
        .engine
        .inbox()
        .put(NewDelivery {
            forge,
            delivery: verified.delivery,
            event: verified.event,
            received_at: api.engine.now(),
            headers: masked(&headers),
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
async fn known(api: &Api, id: &str) -> Result<(ForgeId, ForgeKind, SecretString), Problem> {
    let unknown = || Problem::not_found("there is no forge with this id: check the hook's URL");
    let id: ForgeId = id.parse().map_err(|_| unknown())?;
    let now = api.engine.now();
    if let Some((at, kind, secret)) = api.hooks.lock().get(&id)
        && now.since(*at) < REMEMBER
    {
        return Ok((id, *kind, secret.clone()));
    }
    let forge = api.engine.store().forge(&id).await?.ok_or_else(unknown)?;
    let secret = match &forge.webhook_secret {
        Some(reference) => api.engine.find_secret(reference).await?,
        None => None,
    }
    .ok_or_else(|| {
        Problem::new(
            StatusCode::UNAUTHORIZED,
            "webhook_no_secret",
            format!("the forge {id} has no webhook secret in davit: set webhook_secret and apply the configuration"),
        )
    })?;
    let kind = forge.kind;
    api.hooks.lock().insert(id.clone(), (now, kind, secret.clone()));
    Ok((id, kind, secret))
}

impl HookSecrets {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<ForgeId, (Timestamp, ForgeKind, SecretString)>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn masked(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            let text = if MASKED.contains(&name.as_str()) {
                "***".to_owned()
            } else {
                String::from_utf8_lossy(value.as_bytes()).into_owned()
            };
            (name.as_str().to_owned(), text)
        })
        .collect()
}
