//! GitLab's webhooks of a project, and what of them never arrived. Source:
//! <https://docs.gitlab.com/api/project_webhooks/>.

use super::api::Project;
use super::wire;
use crate::answers::{FailedDelivery, Hook, NewHook};
use crate::deliveries::{self, Attempt};
use crate::error::ApiError;
use crate::http::Request;
use crate::rate;
use crate::refusal::Call;
use davit_domain::config::HookSignature;
use davit_domain::time::Timestamp;
use reqwest::Method;
use secrecy::ExposeSecret;
use std::collections::BTreeMap;

pub(super) async fn list(project: &Project<'_>) -> Result<Vec<Hook>, ApiError> {
    let what = format!("list the webhooks of {}", project.path);
    let request = Request::get(project.url(&["hooks"])).query("per_page", "100");
    let hooks: Vec<wire::Hook> = project.http.list(&call(what, &[200]), request, |_| false).await?;
    Ok(hooks.into_iter().map(hook).collect())
}

pub(super) async fn register(project: &Project<'_>, new: &NewHook<'_>) -> Result<Hook, ApiError> {
    let known = list(project).await?.into_iter().find(|hook| hook.url == new.url);
    let secret = new.secret.expose_secret();
    let signs = new.signature == HookSignature::StandardWebhooks;
    let body = wire::NewHook {
        url: new.url,
        token: (!signs).then_some(secret),
        signing_token: signs.then_some(secret),
        push_events: true,
        tag_push_events: true,
        merge_requests_events: true,
        pipeline_events: true,
        deployment_events: true,
        note_events: true,
        enable_ssl_verification: true,
    };
    let (call, request) = match known {
        Some(hook) => {
            let url = project.url(&["hooks", &hook.id.to_string()]);
            let what = format!("change the webhook {} of {}", hook.id, project.path);
            (call(what, &[200]), Request::json(Method::PUT, url, &body))
        }
        None => {
            let what = format!("set a webhook for {}", project.path);
            (call(what, &[201]), Request::json(Method::POST, project.url(&["hooks"]), &body))
        }
    };
    let set: wire::Hook = project.http.read(&call, request.hiding(new.secret)).await?;
    // A GitLab that has no signing tokens, or has them turned off, ignores the one it gets.
    if signs && set.signing_token_present != Some(true) {
        let detail = "GitLab set the webhook and did not take its signing token: use a newer GitLab, or signature = \
                      \"token\" for this forge.";
        return Err(ApiError::Permanent { detail: detail.to_owned(), status: None });
    }
    Ok(hook(set))
}

/// Newest first. The receiver's `Date` is the only time in it.
pub(super) async fn failed_deliveries(
    project: &Project<'_>,
    hook: i64,
    since: Timestamp,
) -> Result<Vec<FailedDelivery>, ApiError> {
    let what = format!("list the deliveries of the webhook {hook} of {}", project.path);
    let url = project.url(&["hooks", &hook.to_string(), "events"]);
    let older = |event: &wire::HookEvent| answered(event).is_some_and(|at| at < since);
    let all: Vec<wire::HookEvent> = project
        .http
        .list(&call(what, &[200]), Request::get(url).query("per_page", "20"), |list| list.iter().any(older))
        .await?;
    Ok(deliveries::failed(all.into_iter().filter(|event| !older(event)).map(|event| Attempt {
        arrived: event.response_status.as_deref().is_some_and(|status| status.len() == 3 && status.starts_with('2')),
        delivery: FailedDelivery {
            id: event.id,
            guid: header(&event.request_headers, "Idempotency-Key").unwrap_or_else(|| event.id.to_string()),
            at: answered(&event),
            event: header(&event.request_headers, "X-Gitlab-Event").unwrap_or(event.trigger),
        },
    })))
}

/// GitLab delivers while it answers: what the receiver makes of it is part of the answer, and no concern of this call.
pub(super) async fn redeliver(project: &Project<'_>, hook: i64, delivery: i64) -> Result<(), ApiError> {
    let what = format!("deliver {delivery} of the webhook {hook} of {} again", project.path);
    let url = project.url(&["hooks", &hook.to_string(), "events", &delivery.to_string(), "resend"]);
    project.http.call(&call(what, &[200, 201]), Request::bare(Method::POST, url)).await.map(drop)
}

fn call(what: String, done: &'static [u16]) -> Call {
    let advice = &[
        (
            404,
            "Check the project's path, and that the token has the permission api with the role Maintainer; deliveries \
               are told from GitLab 17.3 on.",
        ),
        (
            422,
            "Check the address that the webhook sends to: GitLab must be allowed to reach it (Admin > Settings > \
               Network > Outbound requests), and sends nothing again that was meant for another one.",
        ),
    ];
    Call { what, permission: "api, with the role Maintainer in the project", advice, done }
}

fn hook(hook: wire::Hook) -> Hook {
    let is_on = |(name, value): (String, serde_json::Value)| {
        (name.ends_with("_events") && value == serde_json::Value::Bool(true)).then_some(name)
    };
    let status = hook.alert_status.unwrap_or_else(|| "executable".to_owned());
    let active = status == "executable";
    let until = hook.disabled_until.map_or_else(String::new, |until| format!(" until {until}"));
    Hook {
        id: hook.id,
        url: hook.url,
        active,
        events: hook.rest.into_iter().filter_map(is_on).collect(),
        last_response: (!active).then(|| format!("{status}{until}")),
    }
}

fn answered(event: &wire::HookEvent) -> Option<Timestamp> {
    let date = rate::http_date(&header(&event.response_headers, "Date")?)?;
    Some(Timestamp::from_millis(date.as_millisecond()))
}

fn header(headers: &BTreeMap<String, String>, name: &str) -> Option<String> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.clone())
}
