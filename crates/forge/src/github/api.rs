//! Calls to GitHub's REST API: who asks, statuses, lists of pull requests and deploy keys. One pull request, deployments,
//! webhooks and permissions have files of their own.

use super::app::App;
use super::{MANNERS, changes, deployments, hooks, payload, permissions, webhook, wire};
use crate::answers::{ChangeAtForge, FailedDelivery, Hook, MergeOrder, NewHook, RateBudget, RepositoryAccess};
use crate::api::ForgeApi;
use crate::client::{ClientError, Credential};
use crate::error::{ApiError, MergeError};
use crate::http::{self, Answer, Http, Request, Route, extend};
use crate::refusal::Call;
use crate::text::{cut, owner_and_name, same_key};
use davit_domain::deployment_at_forge::DeploymentAtForge;
use davit_domain::event::ChangeEvent;
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitStatus;
use davit_domain::time::Timestamp;
use reqwest::Method;
use secrecy::SecretString;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use url::{Host, Url};

/// Characters, not bytes, of a description.
pub(super) const MAX_DESCRIPTION: usize = 140;

/// GitHub's API.
pub(crate) struct Github {
    http: Http,
    /// Set when davit is a GitHub App; otherwise the token, if any, is with `http`.
    app: Option<App>,
}

/// A repository, and who asks for it.
pub(super) struct Repository<'a> {
    github: &'a Github,
    pub(super) owner: &'a str,
    pub(super) name: &'a str,
}

impl Github {
    pub(crate) fn new(route: &Route<'_>, credential: Credential) -> Result<Self, ClientError> {
        let (token, app) = match credential {
            Credential::None => (None, None),
            Credential::Token(token) => (Some(token), None),
            Credential::App { id, private_key } => (None, Some(App::new(id, &private_key)?)),
        };
        let mut http = Http::new(route, &MANNERS, token)?;
        http.has_credential |= app.is_some();
        Ok(Self { http, app })
    }

    fn repository<'a>(&'a self, repository: &'a str) -> Result<Repository<'a>, ApiError> {
        let (owner, name) = owner_and_name(MANNERS.name, repository)?;
        Ok(Repository { github: self, owner, name })
    }
}

impl Repository<'_> {
    /// An address below the repository's.
    pub(super) fn url(&self, parts: &[&str]) -> Url {
        extend(&self.github.http.url(&["repos", self.owner, self.name]), parts.iter().copied())
    }

    /// What the App's installation may do; `None` when davit is not an App.
    pub(super) async fn installed_permissions(&self) -> Result<Option<BTreeMap<String, String>>, ApiError> {
        let Some(app) = &self.github.app else { return Ok(None) };
        Ok(Some(app.token(&self.github.http, self.owner, self.name).await?.permissions))
    }

    /// Makes a call. A token of the App's that was revoked before its time is replaced once: its refusal means that
    /// nothing was done.
    pub(super) async fn call(&self, call: &Call, request: Request) -> Result<Answer, ApiError> {
        let http = &self.github.http;
        let Some(app) = &self.github.app else {
            return http.call(call, request).await;
        };
        let token = app.token(http, self.owner, self.name).await?;
        let answer = http.call(call, request.clone().bearer(token.secret.clone())).await;
        if !matches!(answer, Err(ApiError::Permanent { status: Some(401), .. })) {
            return answer;
        }
        app.forget(self.owner, &token).await;
        let token = app.token(http, self.owner, self.name).await?;
        http.call(call, request.bearer(token.secret)).await
    }

    /// What an answer says.
    pub(super) fn parse<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, ApiError> {
        self.github.http.parse(answer)
    }

    /// Makes a call and reads what came back.
    pub(super) async fn read<T: DeserializeOwned>(&self, call: &Call, request: Request) -> Result<T, ApiError> {
        self.parse(&self.call(call, request).await?)
    }

    /// Reads a list until there is no more, or until `enough` of what has been read so far.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        call: &Call,
        first: Request,
        enough: impl Fn(&[T]) -> bool,
    ) -> Result<Vec<T>, ApiError> {
        self.github.http.pages(&call.what, first, enough, |request| self.call(call, request)).await
    }
}

impl ForgeApi for Github {
    /// GitHub wants it with every kind of token.
    const GIT_USERNAME: &'static str = "x-access-token";

    fn name(&self) -> &'static str {
        MANNERS.name
    }

    fn api_url(&self) -> &str {
        self.http.base.as_str()
    }

    /// <https://docs.github.com/en/rest/commits/statuses#create-a-commit-status>
    async fn set_status(&self, status: &CommitStatus) -> Result<(), ApiError> {
        let repository = self.repository(&status.repository)?;
        let call = Call {
            what: format!("set the status {} on {}@{}", status.context, status.repository, status.commit.short()),
            permission: "Commit statuses: write (a classic token: the scope repo:status)",
            advice: &[(
                422,
                "Check that the commit is still in the repository; a commit takes 1000 statuses a context.",
            )],
            done: &[201],
        };
        let body = wire::NewStatus {
            state: status.state.as_str(),
            context: &status.context,
            description: &cut(&status.description, MAX_DESCRIPTION),
            target_url: &status.target_url,
        };
        let url = repository.url(&["statuses", status.commit.as_str()]);
        repository.call(&call, Request::json(Method::POST, url, &body)).await.map(drop)
    }

    async fn find_deployment(&self, deployment: &DeploymentAtForge) -> Result<Option<i64>, ApiError> {
        deployments::find(&self.repository(&deployment.repository)?, deployment).await
    }

    async fn create_deployment(&self, deployment: &DeploymentAtForge) -> Result<i64, ApiError> {
        deployments::create(&self.repository(&deployment.repository)?, deployment).await
    }

    async fn set_deployment_state(&self, deployment: &DeploymentAtForge, number: i64) -> Result<(), ApiError> {
        deployments::set_state(&self.repository(&deployment.repository)?, deployment, number).await
    }

    /// <https://docs.github.com/en/rest/pulls/pulls#list-pull-requests>
    async fn open_changes(&self, repository: &str) -> Result<Vec<ChangeEvent>, ApiError> {
        let repository = self.repository(repository)?;
        let call = Call {
            what: format!("list the pull requests of {}/{}", repository.owner, repository.name),
            permission: "Pull requests: read (a classic token: the scope repo)",
            advice: &[],
            done: &[200],
        };
        let request = Request::get(repository.url(&["pulls"])).query("state", "open").query("per_page", "50");
        let list: Vec<payload::PullRequest> = repository.list(&call, request, |_| false).await?;
        list.into_iter().map(opened).collect()
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
        hooks::list(&self.repository(repository)?).await
    }

    async fn register_hook(&self, repository: &str, hook: &NewHook<'_>) -> Result<Hook, ApiError> {
        hooks::register(&self.repository(repository)?, hook).await
    }

    async fn failed_deliveries(
        &self,
        repository: &str,
        hook: i64,
        since: Timestamp,
    ) -> Result<Vec<FailedDelivery>, ApiError> {
        hooks::failed_deliveries(&self.repository(repository)?, hook, since).await
    }

    async fn redeliver(&self, repository: &str, hook: i64, delivery: i64) -> Result<(), ApiError> {
        hooks::redeliver(&self.repository(repository)?, hook, delivery).await
    }

    async fn check(&self, repository: &str) -> Result<RepositoryAccess, ApiError> {
        permissions::check(&self.repository(repository)?).await
    }

    /// <https://docs.github.com/en/rest/deploy-keys/deploy-keys>
    async fn add_deploy_key(&self, repository: &str, title: &str, public_key: &str) -> Result<(), ApiError> {
        let repository = self.repository(repository)?;
        let mut call = Call {
            what: format!("add the deploy key {title} to {}/{}", repository.owner, repository.name),
            permission: "Administration: write (a classic token: the scope repo, of somebody who administrates it)",
            advice: &[(
                422,
                "A key can be in use once at GitHub: remove it from the other repository or account, or make a new one.",
            )],
            done: &[200],
        };
        let all = Request::get(repository.url(&["keys"])).query("per_page", "100");
        let keys: Vec<wire::DeployKey> = repository.list(&call, all, |_| false).await?;
        if keys.iter().any(|known| same_key(&known.key, public_key)) {
            return Ok(());
        }
        call.done = &[201];
        let body = wire::NewDeployKey { title, key: public_key.trim(), read_only: true };
        repository.call(&call, Request::json(Method::POST, repository.url(&["keys"]), &body)).await.map(drop)
    }

    async fn git_token(&self, repository: &str) -> Result<Option<SecretString>, ApiError> {
        let Some(app) = &self.app else { return Ok(self.http.token().cloned()) };
        let Repository { owner, name, .. } = self.repository(repository)?;
        Ok(Some(app.token(&self.http, owner, name).await?.secret))
    }

    fn clone_url(&self, repository: &str) -> Option<String> {
        Some(clone_url(&self.http.base, repository))
    }

    fn rate_budget(&self) -> Option<RateBudget> {
        self.http.budget()
    }

    fn server_time(&self) -> Option<jiff::Timestamp> {
        self.http.date()
    }
}

/// A pull request has the same fields here as in a webhook.
fn opened(pull_request: payload::PullRequest) -> Result<ChangeEvent, ApiError> {
    let event = payload::PullRequestEvent { action: "opened".to_owned(), pull_request };
    webhook::pull_request("pull_request", event)
        .map_err(|error| ApiError::Permanent { detail: error.to_string(), status: Some(200) })
}

/// The web address (and so git's) that belongs to an API address: `api.github.com` and `api.<name>.ghe.com` lose
/// their first label, GitHub Enterprise Server its path.
fn clone_url(api: &Url, repository: &str) -> String {
    let mut web = api.clone();
    if let Some(Host::Domain(host)) = api.host()
        && let Some(rest) = host.strip_prefix("api.")
        && (rest == "github.com" || rest.ends_with(".ghe.com"))
    {
        // Always Ok: what is left of a host name after a label is one.
        let _ = web.set_host(Some(rest));
    }
    http::clone_url(&web, "/api/v3", repository)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clone_urls_follow_the_api_url() {
        for (api, clone) in [
            ("https://api.github.com", "https://github.com/acme/shop.git"),
            ("https://api.github.com/", "https://github.com/acme/shop.git"),
            ("https://api.acme.ghe.com", "https://acme.ghe.com/acme/shop.git"),
            ("https://git.example.com/api/v3", "https://git.example.com/acme/shop.git"),
            ("https://git.example.com:8443/github/api/v3/", "https://git.example.com:8443/github/acme/shop.git"),
            ("https://api.example.com/api/v3", "https://api.example.com/acme/shop.git"),
            ("http://127.0.0.1:4321", "http://127.0.0.1:4321/acme/shop.git"),
            ("http://[::1]:4321/api/v3", "http://[::1]:4321/acme/shop.git"),
        ] {
            assert_eq!(clone_url(&Url::parse(api).expect("URL"), "acme/shop"), clone, "{api}");
        }
    }
}
