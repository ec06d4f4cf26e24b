//! Keys of many hosts at once, and davit's own key put onto a host.

use crate::Api;
use crate::auth::Caller;
use crate::hosts::CheckView;
use crate::hosts::managed;
use crate::page::Page;
use crate::problem::{Body, Path, Problem};
use crate::words;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use davit_domain::access::Action;
use davit_domain::ids::HostName;
use davit_engine::host_keys::{KeyImport, KeyScan, ScanStatus};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The password of the login, used once and kept nowhere.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordBody {
    #[schema(value_type = String)]
    password: SecretString,
}

/// Which hosts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScanBody {
    /// Without it: every host over SSH.
    names: Option<Vec<String>>,
}

/// The key that a host shows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyScanView {
    host: String,
    /// `SHA256:…`.
    fingerprint: Option<String>,
    #[schema(value_type = words::ScanStatus)]
    status: &'static str,
    /// Why it could not be asked, for people.
    detail: String,
}

/// Keys that a person has compared.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptKeysBody {
    items: Vec<ComparedKey>,
}

/// One of them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ComparedKey {
    host: String,
    fingerprint: String,
}

/// The text of a `known_hosts`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KnownHostsBody {
    text: String,
}

/// What became of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyImportView {
    /// Hosts that had no key and have one now.
    pinned: Vec<String>,
    /// Hosts whose pinned key is another one; it stays.
    conflicts: Vec<String>,
    /// Hosts without a key that the file says nothing about.
    missing: Vec<String>,
    /// Entries about none of davit's hosts.
    unknown: usize,
    /// Lines that could not be read.
    unreadable: usize,
}

impl From<KeyScan> for KeyScanView {
    fn from(scan: KeyScan) -> Self {
        Self {
            host: scan.host.to_string(),
            fingerprint: scan.fingerprint,
            status: match scan.status {
                ScanStatus::New => "new",
                ScanStatus::Same => "same",
                ScanStatus::Changed => "changed",
                ScanStatus::Failed => "failed",
            },
            detail: scan.detail,
        }
    }
}

impl From<KeyImport> for KeyImportView {
    fn from(import: KeyImport) -> Self {
        let names = |hosts: Vec<HostName>| hosts.iter().map(ToString::to_string).collect();
        Self {
            pinned: names(import.pinned),
            conflicts: names(import.conflicts),
            missing: names(import.missing),
            unknown: import.unknown,
            unreadable: import.unreadable,
        }
    }
}

/// Logs in to a host with a password, leaves davit's public key there, and verifies the host.
#[utoipa::path(post, path = "/api/v1/hosts/{name}/install-key", params(("name" = String, Path)),
    request_body = PasswordBody,
    responses((status = 200, body = CheckView), (status = 404, body = Problem), (status = 422, body = Problem),
              (status = 424, body = Problem)))]
pub(crate) async fn install(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    Body(body): Body<PasswordBody>,
) -> Result<Json<CheckView>, Problem> {
    let name = managed(&api, &caller, &name).await?.name;
    Ok(Json(api.engine.install_key(&name, &body.password, caller.name()).await?.into()))
}

/// Looks at the keys that hosts show now. Pins nothing.
#[utoipa::path(post, path = "/api/v1/hosts/scan-keys", request_body = ScanBody,
    responses((status = 200, body = Page<KeyScanView>), (status = 404, body = Problem)))]
pub(crate) async fn scan(
    State(api): State<Api>,
    caller: Caller,
    Body(body): Body<ScanBody>,
) -> Result<Json<Page<KeyScanView>>, Problem> {
    caller.allow_somewhere(Action::ManageHosts)?;
    let names = match body.names {
        None if caller.may(Action::ManageHosts) => None,
        None => {
            let hosts = caller.configuration(&api).await?.hosts.into_iter();
            Some(hosts.filter(|host| caller.may_host(Action::ManageHosts, host)).map(|host| host.name).collect())
        }
        Some(names) => {
            let mut hosts = Vec::with_capacity(names.len());
            for name in &names {
                hosts.push(managed(&api, &caller, name).await?.name);
            }
            Some(hosts)
        }
    };
    let scans = api.engine.scan_host_keys(names.as_deref()).await?;
    Ok(Json(Page::whole(scans.into_iter().map(KeyScanView::from).collect())))
}

/// Pins the keys that hosts show, when they have exactly these fingerprints: all of them or none.
#[utoipa::path(post, path = "/api/v1/hosts/accept-keys", request_body = AcceptKeysBody,
    responses((status = 204), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 424, body = Problem)))]
pub(crate) async fn accept(
    State(api): State<Api>,
    caller: Caller,
    Body(body): Body<AcceptKeysBody>,
) -> Result<StatusCode, Problem> {
    caller.allow_somewhere(Action::ManageHosts)?;
    let mut items: Vec<(HostName, String)> = Vec::with_capacity(body.items.len());
    for key in body.items {
        items.push((managed(&api, &caller, &key.host).await?.name, key.fingerprint.trim().to_owned()));
    }
    api.engine.accept_host_keys(&items, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Pins the keys that a `known_hosts` has for hosts without one. A pinned key is never replaced.
#[utoipa::path(post, path = "/api/v1/hosts/import-known-hosts", request_body = KnownHostsBody,
    responses((status = 200, body = KeyImportView)))]
pub(crate) async fn import(
    State(api): State<Api>,
    caller: Caller,
    Body(body): Body<KnownHostsBody>,
) -> Result<Json<KeyImportView>, Problem> {
    caller.allow(Action::ManageHosts)?;
    Ok(Json(api.engine.import_known_hosts(&body.text, caller.name()).await?.into()))
}
