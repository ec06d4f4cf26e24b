//! Calls to Gitee's REST API: lists of pull requests, webhooks, deploy keys and permissions. One pull request, and what
//! stands in for commit statuses, have files of their own. Source: <https://gitee.com/api/v5/swagger>.

use super::{MANNERS, changes, checks, wire};
use crate::answers::{ChangeAtForge, Hook, MergeOrder, Need, NewHook, RateBudget, RepositoryAccess};
use crate::api::ForgeApi;
use crate::client::ClientError;
use crate::error::{ApiError, MergeError};
use crate::http::{Http, Request, Route, clone_url, extend};
use crate::probe;
use crate::refusal::Call;
use crate::text::{owner_and_name, same_key};
use davit_domain::config::HookSignature;
use davit_domain::event::ChangeEvent;
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitStatus;
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// Gitee's API.
pub(crate) struct Gitee {
    http: Http,
}

/// A repository, and the API that it is at.
pub(super) struct Repository<'a> {
    pub(super) http: &'a Http,
    owner: &'a str,
    name: &'a str,
}

impl Gitee {
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

    /// `owner/name`.
    pub(super) fn path(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// `GET /repos/{owner}/{repo}/pulls`
    pub(super) async fn open_pull_requests(&self) -> Result<Vec<wire::PullRequest>, ApiError> {
        let what = format!("list the pull requests of {}/{}", self.owner, self.name);
        let request = Request::get(self.url(&["pulls"])).query("state", "open").query("per_page", "100");
        self.http.list(&call(what, "pull_requests", &[200]), request, |_| false).await
    }

    /// `GET /repos/{owner}/{repo}/hooks`
    async fn hooks(&self) -> Result<Vec<Hook>, ApiError> {
        let what = format!("list the webhooks of {}/{}", self.owner, self.name);
        let request = Request::get(self.url(&["hooks"])).query("per_page", "100");
        let hooks: Vec<wire::Hook> = self.http.list(&call(what, HOOKS, &[200]), request, |_| false).await?;
        Ok(hooks.into_iter().map(hook).collect())
    }

    /// Whether something can be read, for a need that a role is big enough for.
    async fn try_to_read(&self, rule: &Rule) -> Result<Option<bool>, ApiError> {
        let what = format!("let davit {} in {}/{}", rule.what, self.owner, self.name);
        let request = Request::get(self.url(&[rule.sample])).query("per_page", "1");
        let answer = self.http.call(&call(what, rule.permission, &[200]), request).await;
        probe::granted(rule.write, answer.map(drop))
    }
}

impl ForgeApi for Gitee {
    /// Gitee's own name for whom a token is of.
    const GIT_USERNAME: &'static str = "oauth2";

    fn name(&self) -> &'static str {
        MANNERS.name
    }

    fn api_url(&self) -> &str {
        self.http.base.as_str()
    }

    async fn set_status(&self, status: &CommitStatus) -> Result<(), ApiError> {
        checks::set_status(&self.repository(&status.repository)?, status).await
    }

    async fn open_changes(&self, repository: &str) -> Result<Vec<ChangeEvent>, ApiError> {
        let list = self.repository(repository)?.open_pull_requests().await?;
        list.iter().map(|pull_request| changes::event(repository, pull_request)).collect()
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

    /// `POST /repos/{owner}/{repo}/hooks`, `PATCH /repos/{owner}/{repo}/hooks/{id}`
    async fn register_hook(&self, repository: &str, new: &NewHook<'_>) -> Result<Hook, ApiError> {
        let place = self.repository(repository)?;
        let known = place.hooks().await?.into_iter().find(|hook| hook.url == new.url);
        let body = wire::NewHook {
            url: new.url,
            encryption_type: u8::from(new.signature == HookSignature::Timestamp),
            password: new.secret.expose_secret(),
            push_events: true,
            tag_push_events: true,
            merge_requests_events: true,
            issues_events: false,
            note_events: true,
        };
        let (call, request) = match known {
            Some(hook) => {
                let url = place.url(&["hooks", &hook.id.to_string()]);
                let what = format!("change the webhook {} of {repository}", hook.id);
                (call(what, HOOKS, &[200]), Request::json(Method::PATCH, url, &body))
            }
            None => {
                let what = format!("set a webhook for {repository}");
                (call(what, HOOKS, &[201]), Request::json(Method::POST, place.url(&["hooks"]), &body))
            }
        };
        self.http.read(&call, request.hiding(new.secret)).await.map(hook)
    }

    /// `GET /repos/{owner}/{repo}`
    async fn check(&self, repository: &str) -> Result<RepositoryAccess, ApiError> {
        let place = self.repository(repository)?;
        let what = format!("read the repository {repository}");
        let read = call(what, "projects", &[200]);
        let details: wire::Repository = self.http.read(&read, Request::get(place.url(&[]))).await?;
        let mut needs = Vec::new();
        for rule in &RULES {
            let granted = match details.permission {
                Some(role) if rule.admin && !role.admin => Some(false),
                Some(_) | None => place.try_to_read(rule).await?,
            };
            needs.push(Need { what: rule.what, permission: rule.permission.to_owned(), granted });
        }
        let default_branch = details.default_branch.unwrap_or_default();
        Ok(RepositoryAccess { repository: details.full_name, default_branch, needs })
    }

    /// `POST /repos/{owner}/{repo}/keys`
    async fn add_deploy_key(&self, repository: &str, title: &str, public_key: &str) -> Result<(), ApiError> {
        let place = self.repository(repository)?;
        let what = format!("add the deploy key {title} to {repository}");
        let permission = "projects, and its account must administrate the repository";
        let all = Request::get(place.url(&["keys"])).query("per_page", "100");
        let keys: Vec<wire::DeployKey> =
            self.http.list(&call(what.clone(), permission, &[200]), all, |_| false).await?;
        if keys.iter().any(|known| same_key(&known.key, public_key)) {
            return Ok(());
        }
        let body = wire::NewDeployKey { title, key: public_key.trim() };
        let request = Request::json(Method::POST, place.url(&["keys"]), &body);
        self.http.call(&call(what, permission, &[200, 201]), request).await.map(drop)
    }

    async fn git_token(&self, _: &str) -> Result<Option<SecretString>, ApiError> {
        Ok(self.http.token().cloned())
    }

    fn clone_url(&self, repository: &str) -> Option<String> {
        Some(clone_url(&self.http.base, "/api/v5", repository))
    }

    fn rate_budget(&self) -> Option<RateBudget> {
        self.http.budget()
    }

    fn server_time(&self) -> Option<jiff::Timestamp> {
        self.http.date()
    }
}

const HOOKS: &str = "hook, and its account must administrate the repository";

/// One thing that davit does with a repository, and what it needs for it. Gitee tells the account's role and nothing
/// of the token's scopes: those are tried.
struct Rule {
    what: &'static str,
    permission: &'static str,
    admin: bool,
    write: bool,
    /// What can be read with the same scope.
    sample: &'static str,
}

const RULES: [Rule; 4] = [
    Rule { what: "read the code", permission: "projects", admin: false, write: false, sample: "branches" },
    Rule {
        what: "set check runs",
        permission: "projects, and its account must administrate the repository",
        admin: true,
        write: true,
        sample: "branches",
    },
    Rule { what: "set its webhook", permission: HOOKS, admin: true, write: true, sample: "hooks" },
    Rule { what: "see pull requests", permission: "pull_requests", admin: false, write: false, sample: "pulls" },
];

fn call(what: String, permission: &'static str, done: &'static [u16]) -> Call {
    Call { what, permission, advice: &[], done }
}

fn hook(hook: wire::Hook) -> Hook {
    let kinds = [
        ("push_events", hook.push_events),
        ("tag_push_events", hook.tag_push_events),
        ("merge_requests_events", hook.merge_requests_events),
        ("note_events", hook.note_events),
    ];
    let result = hook.result.unwrap_or_default();
    Hook {
        id: hook.id,
        url: hook.url,
        active: true,
        events: kinds.into_iter().filter(|(_, on)| *on).map(|(name, _)| name.to_owned()).collect(),
        last_response: hook
            .result_code
            .filter(|code| *code != 0)
            .map(|code| format!("{code} {result}").trim().to_owned()),
    }
}
