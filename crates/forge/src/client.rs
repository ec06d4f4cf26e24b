//! Calls to a forge: one [`Client`] for one forge with one credential. It makes each call once; when to make it,
//! and whether again, is the outbox's business.

use crate::ForgeKind;
use crate::error::ApiError;
use crate::github;
use crate::http::Http;
use davit_domain::status::CommitStatus;
use secrecy::SecretString;
use std::fmt;

/// One forge's API, with our credential there.
pub struct Client {
    kind: ForgeKind,
    http: Http,
}

/// A client can't be made from the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The API URL is not usable.
    #[error(
        "The forge's API URL can't be used: {rule}. \
         Examples: https://api.github.com, https://github.example.com/api/v3."
    )]
    ApiUrl {
        /// What is wrong with it.
        rule: &'static str,
    },
    /// The token is empty or holds characters that no token has.
    #[error("The forge's token is empty or holds blanks or line breaks: set it again, without anything around it.")]
    Token,
    /// The additional certificates are not PEM.
    #[error("The file with the forge's own certificate authority holds no valid PEM certificate.")]
    ExtraCa,
    /// TLS could not be set up.
    #[error("The connection to the forge can't be set up: {detail}.")]
    Build {
        /// Why.
        detail: String,
    },
}

/// What our credential may do with a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryAccess {
    /// The repository's name as the forge writes it; another one than asked for after a rename.
    pub repository: String,
    /// Its default branch.
    pub default_branch: String,
    /// Whether commit statuses may be set; `None` when the forge does not say so for this sort of token.
    pub can_set_statuses: Option<bool>,
}

impl Client {
    /// `api_url` is what API paths are appended to: `https://api.github.com`, or `https://<host>/api/v3` for GitHub
    /// Enterprise Server. `extra_ca_pem` holds certificates (PEM, one or more) that are trusted beside the usual ones.
    ///
    /// # Errors
    /// The configuration is unusable; the message says which part.
    pub fn new(
        kind: ForgeKind,
        api_url: &str,
        token: SecretString,
        extra_ca_pem: Option<&[u8]>,
    ) -> Result<Self, ClientError> {
        let headers = match kind {
            ForgeKind::Github | ForgeKind::Gitlab | ForgeKind::Gitea | ForgeKind::Gitee | ForgeKind::Generic => {
                github::api::headers()
            }
        };
        Ok(Self { kind, http: Http::new(api_url, token, extra_ca_pem, headers)? })
    }

    /// Sets a commit status. Cuts its description to what the forge takes.
    ///
    /// # Errors
    /// The status was not set, or the answer got lost on its way; see [`ApiError`].
    pub async fn set_status(&self, status: &CommitStatus) -> Result<(), ApiError> {
        match self.kind {
            ForgeKind::Github | ForgeKind::Gitlab | ForgeKind::Gitea | ForgeKind::Gitee | ForgeKind::Generic => {
                github::api::set_status(&self.http, status).await
            }
        }
    }

    /// Asks what our credential may do with a repository, and changes nothing.
    ///
    /// # Errors
    /// The repository can't be seen with our credential, or the forge can't be asked; see [`ApiError`].
    pub async fn check(&self, repository: &str) -> Result<RepositoryAccess, ApiError> {
        match self.kind {
            ForgeKind::Github | ForgeKind::Gitlab | ForgeKind::Gitea | ForgeKind::Gitee | ForgeKind::Generic => {
                github::api::check(&self.http, repository).await
            }
        }
    }

    /// Where git fetches a repository from over HTTP. Holds no credential.
    #[must_use]
    pub fn clone_url(&self, repository: &str) -> String {
        match self.kind {
            ForgeKind::Github | ForgeKind::Gitlab | ForgeKind::Gitea | ForgeKind::Gitee | ForgeKind::Generic => {
                github::api::clone_url(&self.http.base, repository)
            }
        }
    }

    /// The user name that goes with the token as a password when git fetches over HTTP.
    #[must_use]
    pub const fn git_username(&self) -> &'static str {
        match self.kind {
            ForgeKind::Github | ForgeKind::Gitlab | ForgeKind::Gitea | ForgeKind::Gitee | ForgeKind::Generic => {
                github::api::GIT_USERNAME
            }
        }
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("kind", &self.kind)
            .field("api_url", &self.http.base.as_str())
            .finish_non_exhaustive()
    }
}
