//! What our token may do with a repository at Gitea. Sources:
//! <https://docs.gitea.com/api/#tag/repository/operation/repoGet>,
//! <https://docs.gitea.com/development/oauth2-provider#scopes>.
//!
//! Gitea tells the account's role in the repository and nothing of the token's scopes. So what may be read is tried,
//! and to write is refused for certain where the role is too small, or reading is refused already.

use super::api::Repository;
use super::wire;
use crate::answers::{Need, RepositoryAccess};
use crate::error::ApiError;
use crate::http::Request;
use crate::probe;
use crate::refusal::Call;

/// One thing that davit does with a repository, and what it needs for it.
struct Rule {
    what: &'static str,
    permission: &'static str,
    /// Whether a role is big enough.
    role: fn(wire::Role) -> bool,
    write: bool,
    /// What can be read with a smaller scope of the same kind; `{branch}` stands for the default branch.
    sample: &'static [&'static str],
}

const RULES: [Rule; 5] = [
    Rule {
        what: "read the code",
        permission: "scope read:repository",
        role: |_| true,
        write: false,
        sample: &["branches"],
    },
    Rule {
        what: "set commit statuses",
        permission: "scope write:repository, write access to the repository",
        role: |role| role.push,
        write: true,
        sample: &["commits", "{branch}", "statuses"],
    },
    Rule {
        what: "set its webhook",
        permission: "scope write:repository, administrator of the repository",
        role: |role| role.admin,
        write: true,
        sample: &["hooks"],
    },
    Rule {
        what: "see pull requests",
        permission: "scope read:repository",
        role: |_| true,
        write: false,
        sample: &["pulls"],
    },
    Rule {
        what: "see commit statuses",
        permission: "scope read:repository",
        role: |_| true,
        write: false,
        sample: &["commits", "{branch}", "statuses"],
    },
];

pub(super) async fn check(repository: &Repository<'_>) -> Result<RepositoryAccess, ApiError> {
    let call = Call {
        what: format!("read the repository {}/{}", repository.owner, repository.name),
        permission: "read:repository",
        advice: &[],
        done: &[200],
    };
    let details: wire::Repository = repository.http.read(&call, Request::get(repository.url(&[]))).await?;
    let mut needs = Vec::new();
    for rule in &RULES {
        let granted = match details.permissions {
            Some(role) if !(rule.role)(role) => Some(false),
            Some(_) | None => rule.try_to_read(repository, &details.default_branch).await?,
        };
        needs.push(Need { what: rule.what, permission: rule.permission.to_owned(), granted });
    }
    Ok(RepositoryAccess { repository: details.full_name, default_branch: details.default_branch, needs })
}

impl Rule {
    async fn try_to_read(&self, repository: &Repository<'_>, branch: &str) -> Result<Option<bool>, ApiError> {
        let call = Call {
            what: format!("let davit {} in {}/{}", self.what, repository.owner, repository.name),
            permission: self.permission,
            advice: &[],
            done: &[200],
        };
        let url = repository.url(&probe::parts(self.sample, branch));
        probe::granted(self.write, repository.http.call(&call, Request::get(url).query("limit", "1")).await.map(drop))
    }
}
