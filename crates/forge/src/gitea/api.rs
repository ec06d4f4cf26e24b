//! Calls to Gitea's REST API. One pull request, and permissions, have files of their own.

use super::{MANNERS, changes, payload, permissions, webhook, wire};
use crate::answers::{ChangeAtForge, Hook, MergeOrder, NewHook, RateBudget, RepositoryAccess};
use crate::api::ForgeApi;
use crate::client::ClientError;
use crate::error::{ApiError, MergeError};
use crate::http::{Http, Request, Route, clone_url, extend};
use crate::refusal::Call;
use crate::text::{cut, owner_and_name, same_key};
use davit_domain::event::ChangeEvent;
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitStatus;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// Characters of a status's description. Gitea takes any number and shows one line.
const MAX_DESCRIPTION: usize = 255;
/// Everything that davit understands. `pull_request` stands for all that happens to one.
const EVENTS: &[&str] = &["push", "delete", "pull_request", "status"];
/// Gitea's greatest length of a page, unless its administrator set another one.
pub(super) const PAGE: &str = "50";

/// Gitea's API.
pub(crate) struct Gitea {
    http: Http,
}

/// A repository, and the API that it is at.
pub(super) struct Repository<'a> {
    pub(super) http: &'a Http,
    pub(super) owner: &'a str,
    pub(super) name: &'a str,
}

impl Gitea {
    pub(crate) fn new(route: &Route<'_>, token: Option<SecretString>) -> Result<Self, ClientError> {
        Ok(Self { http: Http::new(route, &MANNERS, token)? })
    }

    fn repository<'a>(&'a self, repository: &'a str) -> Result<Repository<'a>, ApiError> {
        let (owner, name) = owner_and_name(MANNERS.name, repository)?;
        Ok(Repository { http: &self.http, owner, name })
    }
}

impl Repository<'_> {
    /// An address below the repository's.
    pub(super) fn url(&self, parts: &[&str]) -> Url {
        extend(&self.http.url(&["repos", self.owner, self.name]), parts.iter().copied())
    }

    async fn hooks(&self) -> Result<Vec<Hook>, ApiError> {
        let what = format!("list the webhooks of {}/{}", self.owner, self.name);
        let request = Request::get(self.url(&["hooks"])).query("limit", PAGE);
        let hooks: Vec<wire::Hook> = self.http.list(&hook_call(what, &[200]), request, |_| false).await?;
        Ok(hooks.into_iter().map(hook).collect())
    }
}

impl ForgeApi for Gitea {
    /// Gitea takes any name with a token as the password.
    const GIT_USERNAME: &'static str = "oauth2";

    fn name(&self) -> &'static str {
        MANNERS.name
    }

    fn api_url(&self) -> &str {
        self.http.base.as_str()
    }

    /// <https://docs.gitea.com/api/#tag/repository/operation/repoCreateStatus>
    async fn set_status(&self, status: &CommitStatus) -> Result<(), ApiError> {
        let repository = self.repository(&status.repository)?;
        let call = Call {
            what: format!("set the status {} on {}@{}", status.context, status.repository, status.commit.short()),
            permission: "write:repository, and its account write access to the repository",
            advice: &[],
            done: &[201],
        };
        let body = wire::NewStatus {
            state: status.state.as_str(),
            context: &status.context,
            description: &cut(&status.description, MAX_DESCRIPTION),
            target_url: &status.target_url,
        };
        let url = repository.url(&["statuses", status.commit.as_str()]);
        self.http.call(&call, Request::json(Method::POST, url, &body)).await.map(drop)
    }

    /// <https://docs.gitea.com/api/#tag/repository/operation/repoListPullRequests>
    async fn open_changes(&self, repository: &str) -> Result<Vec<ChangeEvent>, ApiError> {
        let place = self.repository(repository)?;
        let call = Call {
            what: format!("list the pull requests of {repository}"),
            permission: "read:repository, and its account access to the repository's pull requests",
            advice: &[],
            done: &[200],
        };
        let request = Request::get(place.url(&["pulls"])).query("state", "open").query("limit", PAGE);
        let list: Vec<payload::PullRequest> = self.http.list(&call, request, |_| false).await?;
        list.into_iter().map(|pull_request| opened(repository, pull_request)).collect()
    }

    async fn change(&self, repository: &str, number: i64) -> Result<ChangeAtForge, ApiError> {
        changes::change(&self.repository(repository)?, number).await
    }

    async fn merge(&self, repository: &str, order: &MergeOrder<'_>) -> Result<CommitSha, MergeError> {
        changes::merge(&self.repository(repository)?, order).await
    }

    async fn comment(&self, repository: &str, number: i64, text: &str) -> Result<(), ApiError> {
        changes::comment(&self.repository(repository)?, number, text).await
    }

    async fn may_write(&self, repository: &str, login: &str) -> Result<bool, ApiError> {
        changes::may_write(&self.repository(repository)?, login).await
    }

    async fn hooks(&self, repository: &str) -> Result<Vec<Hook>, ApiError> {
        self.repository(repository)?.hooks().await
    }

    /// <https://docs.gitea.com/api/#tag/repository/operation/repoCreateHook>
    async fn register_hook(&self, repository: &str, new: &NewHook<'_>) -> Result<Hook, ApiError> {
        let place = self.repository(repository)?;
        let known = place.hooks().await?.into_iter().find(|hook| hook.url == new.url);
        let body = wire::NewHook {
            kind: known.is_none().then_some("gitea"),
            active: true,
            events: EVENTS,
            config: wire::HookConfig { url: new.url, content_type: "json", secret: new.secret.expose_secret() },
        };
        let (call, request) = match known {
            Some(hook) => {
                let url = place.url(&["hooks", &hook.id.to_string()]);
                let what = format!("change the webhook {} of {repository}", hook.id);
                (hook_call(what, &[200]), Request::json(Method::PATCH, url, &body))
            }
            None => {
                let what = format!("set a webhook for {repository}");
                (hook_call(what, &[201]), Request::json(Method::POST, place.url(&["hooks"]), &body))
            }
        };
        self.http.read(&call, request.hiding(new.secret)).await.map(hook)
    }

    async fn check(&self, repository: &str) -> Result<RepositoryAccess, ApiError> {
        permissions::check(&self.repository(repository)?).await
    }

    /// <https://docs.gitea.com/api/#tag/repository/operation/repoCreateKey>
    async fn add_deploy_key(&self, repository: &str, title: &str, public_key: &str) -> Result<(), ApiError> {
        let place = self.repository(repository)?;
        let mut call = Call {
            what: format!("add the deploy key {title} to {repository}"),
            permission: "write:repository, and its account must administrate the repository",
            advice: &[(422, "Each key and each title can be there once: take another title, or make a new key.")],
            done: &[200],
        };
        let all = Request::get(place.url(&["keys"])).query("limit", PAGE);
        let keys: Vec<wire::DeployKey> = self.http.list(&call, all, |_| false).await?;
        if keys.iter().any(|known| same_key(&known.key, public_key)) {
            return Ok(());
        }
        call.done = &[201];
        let body = wire::NewDeployKey { title, key: public_key.trim(), read_only: true };
        self.http.call(&call, Request::json(Method::POST, place.url(&["keys"]), &body)).await.map(drop)
    }

    async fn git_token(&self, _: &str) -> Result<Option<SecretString>, ApiError> {
        Ok(self.http.token().cloned())
    }

    fn clone_url(&self, repository: &str) -> Option<String> {
        Some(clone_url(&self.http.base, "/api/v1", repository))
    }

    fn rate_budget(&self) -> Option<RateBudget> {
        self.http.budget()
    }

    fn server_time(&self) -> Option<jiff::Timestamp> {
        self.http.date()
    }
}

/// A pull request has the same fields here as in a webhook.
fn opened(repository: &str, pull_request: payload::PullRequest) -> Result<ChangeEvent, ApiError> {
    let event = payload::PullRequestEvent {
        action: "opened".to_owned(),
        pull_request,
        repository: payload::Repository { full_name: repository.to_owned() },
    };
    webhook::pull_request("pull_request", event)
        .map_err(|error| ApiError::Permanent { detail: error.to_string(), status: Some(200) })
}

fn hook_call(what: String, done: &'static [u16]) -> Call {
    Call {
        what,
        permission: "write:repository, and its account must administrate the repository",
        advice: &[(
            422,
            "Check the address that the webhook is to send to: Gitea must be allowed to reach it (ALLOWED_HOST_LIST).",
        )],
        done,
    }
}

/// Gitea keeps what became of deliveries to itself.
fn hook(hook: wire::Hook) -> Hook {
    Hook { id: hook.id, url: hook.config.url, active: hook.active, events: hook.events, last_response: None }
}
