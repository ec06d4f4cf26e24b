//! GitHub's webhooks of a repository, and what of them never arrived. Source:
//! <https://docs.github.com/en/rest/repos/webhooks>.

use super::api::Repository;
use super::wire;
use crate::answers::{FailedDelivery, Hook, NewHook};
use crate::deliveries::{self, Attempt};
use crate::error::ApiError;
use crate::http::Request;
use crate::refusal::Call;
use davit_domain::time::Timestamp;
use reqwest::Method;
use secrecy::ExposeSecret;

/// Everything that davit understands. A push of a branch or tag covers `create` and `delete`.
const EVENTS: &[&str] = &[
    "push",
    "pull_request",
    "pull_request_review",
    "issue_comment",
    "deployment",
    "deployment_status",
    "status",
    "check_run",
    "check_suite",
    "merge_group",
];

pub(super) async fn list(repository: &Repository<'_>) -> Result<Vec<Hook>, ApiError> {
    let what = format!("list the webhooks of {}/{}", repository.owner, repository.name);
    let request = Request::get(repository.url(&["hooks"])).query("per_page", "100");
    let hooks: Vec<wire::Hook> = repository.list(&call(what, &[200]), request, |_| false).await?;
    Ok(hooks.into_iter().map(hook).collect())
}

pub(super) async fn register(repository: &Repository<'_>, new: &NewHook<'_>) -> Result<Hook, ApiError> {
    let known = list(repository).await?.into_iter().find(|hook| hook.url == new.url);
    let body = wire::NewHook {
        name: known.is_none().then_some("web"),
        active: true,
        events: EVENTS,
        config: wire::HookConfig {
            url: new.url,
            content_type: "json",
            secret: new.secret.expose_secret(),
            insecure_ssl: "0",
        },
    };
    let name = format!("{}/{}", repository.owner, repository.name);
    let (call, request) = match known {
        Some(hook) => {
            let url = repository.url(&["hooks", &hook.id.to_string()]);
            let what = format!("change the webhook {} of {name}", hook.id);
            (call(what, &[200]), Request::json(Method::PATCH, url, &body))
        }
        None => {
            let what = format!("set a webhook for {name}");
            (call(what, &[201]), Request::json(Method::POST, repository.url(&["hooks"]), &body))
        }
    };
    repository.read(&call, request.hiding(new.secret)).await.map(hook)
}

/// Newest first; the first that is older than `since` ends the list.
pub(super) async fn failed_deliveries(
    repository: &Repository<'_>,
    hook: i64,
    since: Timestamp,
) -> Result<Vec<FailedDelivery>, ApiError> {
    let what = format!("list the deliveries of the webhook {hook} of {}/{}", repository.owner, repository.name);
    let url = repository.url(&["hooks", &hook.to_string(), "deliveries"]);
    let older = |delivery: &wire::Delivery| delivery.delivered_at.as_millisecond() < since.millis();
    let all: Vec<wire::Delivery> = repository
        .list(&call(what, &[200]), Request::get(url).query("per_page", "100"), |list| list.iter().any(older))
        .await?;
    let attempts = all.into_iter().filter(|delivery| !older(delivery)).map(|delivery| Attempt {
        arrived: (200..300).contains(&delivery.status_code),
        delivery: FailedDelivery {
            id: delivery.id,
            guid: delivery.guid,
            at: Some(Timestamp::from_millis(delivery.delivered_at.as_millisecond())),
            event: delivery.event,
        },
    });
    Ok(deliveries::failed(attempts))
}

pub(super) async fn redeliver(repository: &Repository<'_>, hook: i64, delivery: i64) -> Result<(), ApiError> {
    let what = format!("deliver {delivery} of the webhook {hook} of {}/{} again", repository.owner, repository.name);
    let url = repository.url(&["hooks", &hook.to_string(), "deliveries", &delivery.to_string(), "attempts"]);
    repository.call(&call(what, &[202]), Request::bare(Method::POST, url)).await.map(drop)
}

fn call(what: String, done: &'static [u16]) -> Call {
    Call {
        what,
        permission: "Webhooks: write (a classic token: the scope admin:repo_hook)",
        advice: &[(422, "Check the address that the webhook is to send to: GitHub must be able to reach it.")],
        done,
    }
}

fn hook(hook: wire::Hook) -> Hook {
    let last_response = hook.last_response.and_then(|last| {
        let message = last.message.unwrap_or_default();
        last.code.map(|code| format!("{code} {message}").trim().to_owned())
    });
    Hook { id: hook.id, url: hook.config.url, active: hook.active, events: hook.events, last_response }
}
