//! Hosts: list, verify, and whose key is believed.

use crate::Api;
use crate::auth::Caller;
use crate::page::Page;
use crate::problem::{Body, Path, Problem};
use crate::words;
use axum::Json;
use axum::extract::State;
use davit_domain::access::{Action, Target};
use davit_domain::config::{Host, HostKind};
use davit_domain::ids::HostName;
use davit_store::hosts::HostCheck;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A host.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HostView {
    name: String,
    #[schema(value_type = words::HostKind)]
    kind: &'static str,
    address: String,
    port: u16,
    user: String,
    labels: Vec<String>,
    category: Option<String>,
    environments: Vec<String>,
    host_key_fingerprint: Option<String>,
    jump: Vec<String>,
    check: Option<CheckView>,
}

/// What the last look at a host found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckView {
    at: String,
    ok: bool,
    #[schema(value_type = words::HostCheckCode)]
    code: String,
    detail: String,
    /// Of a key that a person has to look at.
    fingerprint: Option<String>,
}

/// The fingerprint that a person compared.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct AcceptBody {
    fingerprint: String,
}

/// davit's own key.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PublicKey {
    /// A line for `authorized_keys`.
    public_key: String,
}

impl From<HostCheck> for CheckView {
    fn from(check: HostCheck) -> Self {
        Self {
            at: check.at.to_string(),
            ok: check.code == "ok",
            code: check.code,
            detail: check.detail,
            fingerprint: check.fingerprint,
        }
    }
}

impl HostView {
    fn new(host: Host, check: Option<HostCheck>) -> Self {
        Self {
            name: host.name.to_string(),
            kind: match host.kind {
                HostKind::Local => "local",
                HostKind::Ssh => "ssh",
            },
            address: host.address,
            port: host.port,
            user: host.user,
            labels: host.labels,
            category: host.category,
            environments: host.environments.iter().map(ToString::to_string).collect(),
            host_key_fingerprint: host.host_key.as_deref().and_then(davit_engine::hosts::fingerprint),
            jump: host.jump.iter().map(ToString::to_string).collect(),
            check: check.map(CheckView::from),
        }
    }
}

/// All hosts.
#[utoipa::path(get, path = "/api/v1/hosts", responses((status = 200, body = Page<HostView>)))]
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<Page<HostView>>, Problem> {
    let mut checks = api.engine.store().host_checks().await?;
    let hosts = caller.configuration(&api).await?.hosts;
    let items = hosts.into_iter().map(|host| {
        let check = checks.remove(&host.name);
        HostView::new(host, check)
    });
    Ok(Json(Page::whole(items.collect())))
}

/// Logs in to a host and says what was found.
#[utoipa::path(post, path = "/api/v1/hosts/{name}/verify", params(("name" = String, Path)),
    responses((status = 200, body = CheckView), (status = 404, body = Problem)))]
pub(crate) async fn verify(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Json<CheckView>, Problem> {
    let name = managed(&api, &caller, &name).await?.name;
    Ok(Json(api.engine.verify_host(&name).await?.into()))
}

/// Pins the key that a host shows, when it has exactly this fingerprint.
#[utoipa::path(post, path = "/api/v1/hosts/{name}/accept-key", params(("name" = String, Path)),
    request_body = AcceptBody,
    responses((status = 200, body = HostView), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn accept_key(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Body(body): Body<AcceptBody>,
) -> Result<Json<HostView>, Problem> {
    let name = managed(&api, &caller, &name).await?.name;
    api.engine.accept_host_key(&name, body.fingerprint.trim(), caller.name()).await?;
    let store = api.engine.store();
    let host = store.host(&name).await?.ok_or_else(|| Problem::not_found(format!("there is no host named {name}")))?;
    let check = store.host_checks().await?.remove(&name);
    Ok(Json(HostView::new(host, check)))
}

/// davit's own public key, for hosts that have no key of their own configured.
#[utoipa::path(get, path = "/api/v1/hosts/public-key", responses((status = 200, body = PublicKey)))]
pub(crate) async fn public_key(State(api): State<Api>, caller: Caller) -> Result<Json<PublicKey>, Problem> {
    caller.allow_somewhere(Action::See)?;
    Ok(Json(PublicKey { public_key: api.engine.own_ssh_key().await?.1 }))
}

/// The host, for somebody who looks after it.
pub(crate) async fn managed(api: &Api, caller: &Caller, name: &str) -> Result<Host, Problem> {
    caller.allow_somewhere(Action::ManageHosts)?;
    let missing = || Problem::not_found(format!("there is no host named {name}"));
    let name: HostName = name.parse()?;
    let host = api.engine.store().host(&name).await?.ok_or_else(missing)?;
    let is_seen = caller.configuration(api).await?.hosts.iter().any(|seen| seen.name == host.name);
    match caller.allow_host(Action::ManageHosts, &host) {
        // Whoever releases to a host sees it without holding a role on it.
        Err(problem) if problem.is_not_found() && is_seen => {
            Err(caller.denied_on(Action::ManageHosts, &Target::Everything))
        }
        allowed => allowed.map(|()| host),
    }
}
