//! `/healthz`, `/readyz`, `/metrics`: for machines that look after the process. No account needed, and nothing told
//! that an account would be needed for.

use crate::Api;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::json;

pub(crate) fn routes() -> Router<Api> {
    Router::new().route("/healthz", get(alive)).route("/readyz", get(ready)).route("/metrics", get(metrics))
}

async fn alive() -> &'static str {
    "ok\n"
}

async fn ready(State(api): State<Api>) -> impl IntoResponse {
    let database = api.engine.store().ping().await.is_ok();
    let data_dir = tokio::fs::metadata(&api.engine.settings().data_dir).await.is_ok_and(|dir| dir.is_dir());
    let workers = !api.engine.lifecycle().is_draining();
    let ready = database && data_dir && workers;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": ready, "database": database, "data_dir": data_dir, "workers": workers })))
}

async fn metrics(State(api): State<Api>) -> impl IntoResponse {
    if let Ok(counts) = api.engine.queue().counts().await {
        metrics::gauge!("davit_jobs", "state" => "waiting").set(counts.waiting as f64);
        metrics::gauge!("davit_jobs", "state" => "running").set(counts.running as f64);
        metrics::gauge!("davit_jobs", "state" => "dead").set(counts.dead as f64);
    }
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], (api.render_metrics)())
}
