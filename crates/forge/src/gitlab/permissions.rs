//! What our token may do with a project at GitLab: its scopes, and the role of the account that it is of. Sources:
//! <https://docs.gitlab.com/api/projects/#get-a-single-project>,
//! <https://docs.gitlab.com/api/personal_access_tokens/#get-details-on-a-personal-access-token>,
//! <https://docs.gitlab.com/user/permissions/>.

use super::api::Project;
use super::wire;
use crate::answers::{Need, RepositoryAccess};
use crate::error::ApiError;
use crate::http::Request;
use crate::refusal::Call;

/// One thing that davit does with a project, and what it needs for it.
struct Rule {
    what: &'static str,
    /// Scopes, each of which is enough.
    scopes: &'static [&'static str],
    role: Role,
}

/// A role and its number in the API.
#[derive(Clone, Copy)]
enum Role {
    Reporter = 20,
    Developer = 30,
    Maintainer = 40,
}

const READ: &[&str] = &["api", "read_api"];
const WRITE: &[&str] = &["api"];
const RULES: [Rule; 6] = [
    Rule { what: "read the code", scopes: &["api", "read_repository", "write_repository"], role: Role::Reporter },
    Rule { what: "set commit statuses", scopes: WRITE, role: Role::Developer },
    Rule { what: "report deployments", scopes: WRITE, role: Role::Developer },
    Rule { what: "set its webhook and ask for what that missed", scopes: WRITE, role: Role::Maintainer },
    Rule { what: "see merge requests", scopes: READ, role: Role::Reporter },
    Rule { what: "see pipelines", scopes: READ, role: Role::Reporter },
];

pub(super) async fn check(project: &Project<'_>) -> Result<RepositoryAccess, ApiError> {
    let call = Call {
        what: format!("read the project {}", project.path),
        permission: "read_api or api, with the role Reporter in the project",
        advice: &[],
        done: &[200],
    };
    let details: wire::Project = project.http.read(&call, Request::get(project.url(&[]))).await?;
    let scopes = scopes(project).await?;
    let level = details.permissions.and_then(|permissions| {
        let levels = [permissions.project_access, permissions.group_access];
        levels.into_iter().flatten().map(|access| access.access_level).max()
    });
    let needs = RULES.iter().map(|rule| Need {
        what: rule.what,
        permission: format!("scope {}, role {}", rule.scopes[0], rule.role.name()),
        granted: rule.granted(scopes.as_deref(), level),
    });
    Ok(RepositoryAccess {
        needs: needs.collect(),
        repository: details.path_with_namespace,
        default_branch: details.default_branch.unwrap_or_default(),
    })
}

/// `None` for tokens that can't be asked about themselves, such as those of OAuth.
async fn scopes(project: &Project<'_>) -> Result<Option<Vec<String>>, ApiError> {
    let call =
        Call { what: "say what the token may".to_owned(), permission: "read_api or api", advice: &[], done: &[200] };
    let url = project.http.url(&["personal_access_tokens", "self"]);
    match project.http.read::<wire::Token>(&call, Request::get(url)).await {
        Ok(token) => Ok(Some(token.scopes)),
        Err(ApiError::Permanent { .. }) => Ok(None),
        Err(retry @ ApiError::Retry { .. }) => Err(retry),
    }
}

impl Rule {
    /// One side that says no is enough; to say yes takes both.
    fn granted(&self, scopes: Option<&[String]>, level: Option<u32>) -> Option<bool> {
        let scope = scopes.map(|scopes| scopes.iter().any(|scope| self.scopes.contains(&scope.as_str())));
        let role = level.map(|level| level >= self.role as u32);
        match (scope, role) {
            (Some(false), _) | (_, Some(false)) => Some(false),
            (Some(true), Some(true)) => Some(true),
            (None | Some(true), None) | (None, Some(true)) => None,
        }
    }
}

impl Role {
    const fn name(self) -> &'static str {
        match self {
            Self::Reporter => "Reporter",
            Self::Developer => "Developer",
            Self::Maintainer => "Maintainer",
        }
    }
}
