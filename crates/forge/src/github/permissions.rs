//! What our credential may do with a repository at GitHub. Sources:
//! <https://docs.github.com/en/rest/repos/repos#get-a-repository>,
//! <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/scopes-for-oauth-apps>,
//! <https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps>.
//!
//! An App's installation says exactly what it may. A classic token lists its scopes, which together with the account's
//! role in the repository are as exact. A fine-grained token says nothing: what it may read is tried, and what it may
//! not read it may not write either.

use super::api::Repository;
use super::wire;
use crate::answers::{Need, RepositoryAccess};
use crate::error::ApiError;
use crate::http::Request;
use crate::probe;
use crate::refusal::Call;
use std::collections::BTreeMap;

/// One thing that davit does with a repository, and what each sort of credential needs for it.
struct Rule {
    what: &'static str,
    /// As in the settings of Apps and fine-grained tokens, and its key in the API.
    permission: &'static str,
    key: &'static str,
    write: bool,
    /// Scopes of classic tokens, each of which is enough.
    scopes: &'static [&'static str],
    /// Whether `public_repo` is enough in a public repository.
    public_scope: bool,
    /// Whether an account must administrate the repository for it; to write, it must have write access.
    admin: bool,
    /// What can be read with the same permission; `{branch}` stands for the default branch.
    sample: &'static [&'static str],
}

const RULES: [Rule; 6] = [
    Rule {
        what: "read the code",
        permission: "Contents",
        key: "contents",
        write: false,
        scopes: &["repo"],
        public_scope: true,
        admin: false,
        sample: &["branches"],
    },
    Rule {
        what: "set commit statuses",
        permission: "Commit statuses",
        key: "statuses",
        write: true,
        scopes: &["repo", "repo:status"],
        public_scope: true,
        admin: false,
        sample: &["commits", "{branch}", "statuses"],
    },
    Rule {
        what: "report deployments",
        permission: "Deployments",
        key: "deployments",
        write: true,
        scopes: &["repo", "repo_deployment"],
        public_scope: true,
        admin: false,
        sample: &["deployments"],
    },
    Rule {
        what: "set its webhook and ask for what that missed",
        permission: "Webhooks",
        key: "repository_hooks",
        write: true,
        scopes: &["repo", "admin:repo_hook", "write:repo_hook"],
        public_scope: false,
        admin: true,
        sample: &["hooks"],
    },
    Rule {
        what: "see pull requests",
        permission: "Pull requests",
        key: "pull_requests",
        write: false,
        scopes: &["repo"],
        public_scope: true,
        admin: false,
        sample: &["pulls"],
    },
    Rule {
        what: "see checks",
        permission: "Checks",
        key: "checks",
        write: false,
        scopes: &["repo"],
        public_scope: true,
        admin: false,
        sample: &["commits", "{branch}", "check-runs"],
    },
];

pub(super) async fn check(repository: &Repository<'_>) -> Result<RepositoryAccess, ApiError> {
    let call = Call {
        what: format!("read the repository {}/{}", repository.owner, repository.name),
        permission: "Metadata: read (a classic token: the scope repo)",
        advice: &[],
        done: &[200],
    };
    let answer = repository.call(&call, Request::get(repository.url(&[]))).await?;
    let details: wire::RepositoryDetails = repository.parse(&answer)?;
    let installed = repository.installed_permissions().await?;
    let scopes = answer.headers.get("x-oauth-scopes").and_then(|scopes| scopes.to_str().ok());
    let mut needs = Vec::new();
    for rule in &RULES {
        let granted = match (&installed, scopes) {
            (Some(permissions), _) => Some(rule.installed(permissions)),
            (None, Some(scopes)) => Some(rule.in_scope(scopes, details.private) && rule.in_role(details.permissions)),
            (None, None) if !rule.in_role(details.permissions) => Some(false),
            (None, None) => rule.try_to_read(repository, &details.default_branch).await?,
        };
        needs.push(Need { what: rule.what, permission: rule.words(), granted });
    }
    Ok(RepositoryAccess { repository: details.full_name, default_branch: details.default_branch, needs })
}

impl Rule {
    fn words(&self) -> String {
        let level = if self.write { "write" } else { "read" };
        format!(
            "{}: {level} (a classic token: the scope {})",
            self.permission,
            self.scopes[self.scopes.len().min(2) - 1]
        )
    }

    fn installed(&self, permissions: &BTreeMap<String, String>) -> bool {
        match permissions.get(self.key).map(String::as_str) {
            Some("write" | "admin") => true,
            Some("read") => !self.write,
            Some(_) | None => false,
        }
    }

    fn in_scope(&self, scopes: &str, private: bool) -> bool {
        let enough =
            |scope: &str| self.scopes.contains(&scope) || (scope == "public_repo" && self.public_scope && !private);
        (!self.write && !private) || scopes.split(',').map(str::trim).any(enough)
    }

    /// What is left out says nothing.
    fn in_role(&self, role: Option<wire::Role>) -> bool {
        role.is_none_or(|role| if self.admin { role.admin } else { role.push || !self.write })
    }

    async fn try_to_read(&self, repository: &Repository<'_>, branch: &str) -> Result<Option<bool>, ApiError> {
        let call = Call {
            what: format!("let davit {} in {}/{}", self.what, repository.owner, repository.name),
            permission: self.permission,
            advice: &[],
            done: &[200],
        };
        let url = repository.url(&probe::parts(self.sample, branch));
        probe::granted(self.write, repository.call(&call, Request::get(url).query("per_page", "1")).await.map(drop))
    }
}
