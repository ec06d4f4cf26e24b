//! Calls to GitHub's REST API. One function a call; what a refusal means is in [`super::refusal`].

use super::refusal::{Call, judge};
use super::wire;
use crate::client::RepositoryAccess;
use crate::error::ApiError;
use crate::http::{Answer, Http, extend};
use davit_domain::status::CommitStatus;
use reqwest::StatusCode;
use reqwest::header::{ACCEPT, HeaderMap, HeaderName, HeaderValue};
use url::{Host, Url};

/// The user name that GitHub wants with every kind of token.
pub(crate) const GIT_USERNAME: &str = "x-access-token";

/// Characters, not bytes.
const MAX_DESCRIPTION: usize = 140;

/// Headers of every request.
pub(crate) fn headers() -> HeaderMap {
    HeaderMap::from_iter([
        (ACCEPT, HeaderValue::from_static("application/vnd.github+json")),
        (HeaderName::from_static("x-github-api-version"), HeaderValue::from_static("2022-11-28")),
    ])
}

/// `POST /repos/{owner}/{name}/statuses/{sha}`
pub(crate) async fn set_status(http: &Http, status: &CommitStatus) -> Result<(), ApiError> {
    let call = Call {
        what: format!("set the status {} on {}@{}", status.context, status.repository, status.commit.short()),
        permission: "Commit statuses: write (a classic token: the scope repo:status)",
        hint_422: "Check that the commit is still in the repository; a commit takes 1000 statuses a context.",
        success: StatusCode::CREATED,
    };
    let (owner, name) = split(&status.repository)?;
    let body = wire::NewStatus {
        state: status.state.as_str(),
        context: &status.context,
        description: &cut(&status.description),
        target_url: &status.target_url,
    };
    let url = http.url(&["repos", owner, name, "statuses", status.commit.as_str()]);
    let answer = http.send("GitHub", http.client.post(url).json(&body)).await?;
    judge(http, &call, &answer)
}

/// `GET /repos/{owner}/{name}`
pub(crate) async fn check(http: &Http, repository: &str) -> Result<RepositoryAccess, ApiError> {
    let call = Call {
        what: format!("read the repository {repository}"),
        permission: "Metadata: read (a classic token: the scope repo)",
        hint_422: "Check the repository's name.",
        success: StatusCode::OK,
    };
    let (owner, name) = split(repository)?;
    let answer = http.send("GitHub", http.client.get(http.url(&["repos", owner, name]))).await?;
    judge(http, &call, &answer)?;
    let details: wire::RepositoryDetails = serde_json::from_slice(&answer.body).map_err(|_| ApiError::Permanent {
        detail: "The answer is not GitHub's: check the forge's API URL.".to_owned(),
        status: Some(answer.status.as_u16()),
    })?;
    Ok(RepositoryAccess {
        can_set_statuses: can_set_statuses(&answer, &details),
        repository: details.full_name,
        default_branch: details.default_branch,
    })
}

/// The web address (and so git's) that belongs to an API address: `api.github.com` and `api.<name>.ghe.com` lose
/// their first label, GitHub Enterprise Server its path.
pub(crate) fn clone_url(api: &Url, repository: &str) -> String {
    let mut web = api.clone();
    if let Some(Host::Domain(host)) = api.host()
        && let Some(rest) = host.strip_prefix("api.")
        && (rest == "github.com" || rest.ends_with(".ghe.com"))
    {
        // Always Ok: what is left of a host name after a label is one.
        let _ = web.set_host(Some(rest));
    }
    let path = api.path().trim_end_matches('/');
    web.set_path(path.strip_suffix("/api/v3").unwrap_or(path));
    extend(&web, format!("{repository}.git").split('/')).into()
}

/// Only a classic token lists its scopes; only then the account's role and the token together are the answer.
fn can_set_statuses(answer: &Answer, details: &wire::RepositoryDetails) -> Option<bool> {
    let scopes = answer.headers.get("x-oauth-scopes")?.to_str().ok()?;
    let enough =
        |scope: &str| scope == "repo" || scope == "repo:status" || (scope == "public_repo" && !details.private);
    Some(details.permissions.push && scopes.split(',').map(str::trim).any(enough))
}

fn split(repository: &str) -> Result<(&str, &str), ApiError> {
    repository
        .split_once('/')
        .filter(|(owner, name)| [owner, name].into_iter().all(|part| !matches!(*part, "" | "." | "..")))
        .filter(|(_, name)| !name.contains('/'))
        .ok_or_else(|| ApiError::Permanent {
            detail: format!("{repository:?} is not a repository at GitHub: write owner/name."),
            status: None,
        })
}

fn cut(description: &str) -> String {
    if description.chars().count() <= MAX_DESCRIPTION {
        return description.to_owned();
    }
    description.chars().take(MAX_DESCRIPTION - 1).chain(['…']).collect()
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
        ] {
            assert_eq!(clone_url(&Url::parse(api).expect("URL"), "acme/shop"), clone, "{api}");
        }
    }

    #[test]
    fn descriptions_are_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        assert_eq!(cut(&"ä".repeat(140)), "ä".repeat(140));
        let cut = cut(&"発".repeat(141));
        assert_eq!(cut, format!("{}…", "発".repeat(139)));
        assert_eq!(cut.chars().count(), 140);
    }

    #[test]
    fn only_owner_and_name_make_a_repository() {
        assert_eq!(split("acme/shop"), Ok(("acme", "shop")));
        for bad in ["", "acme", "acme/", "/shop", "a/b/c", "../shop", "acme/.."] {
            assert!(matches!(split(bad), Err(ApiError::Permanent { status: None, .. })), "{bad:?}");
        }
    }
}
