//! Calls to a forge: one [`Client`] for one forge with one credential. It makes each call once; when to make it,
//! and whether again, is the outbox's business.

use crate::ForgeKind;
use crate::answers::{ChangeAtForge, FailedDelivery, Hook, MergeOrder, NewHook, RateBudget, RepositoryAccess};
use crate::api::{ForgeApi, Generic};
use crate::error::{ApiError, MergeError};
use crate::gitea::api::Gitea;
use crate::gitee::api::Gitee;
use crate::github::api::Github;
use crate::gitlab::api::Gitlab;
use crate::http::Route;
use davit_domain::deployment_at_forge::DeploymentAtForge;
use davit_domain::event::ChangeEvent;
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitStatus;
use davit_domain::time::Timestamp;
use secrecy::SecretString;
use std::fmt;

/// One forge's API, with our credential there.
pub struct Client {
    api: Api,
}

/// What a [`Client`] is made of.
#[derive(Debug, Clone)]
pub struct Setup<'a> {
    /// Which API it is.
    pub kind: ForgeKind,
    /// What API paths are appended to: `https://api.github.com`, `https://<host>/api/v3` for GitHub Enterprise Server,
    /// `https://<host>/api/v4`, `https://<host>/api/v1`, …. Not looked at for a generic forge.
    pub api_url: &'a str,
    /// Who asks.
    pub credential: Credential,
    /// Certificates (PEM, one or more) that are trusted beside the usual ones.
    pub ca_pem: Option<&'a [u8]>,
    /// The HTTP proxy on the way, for all calls; `None`: what the environment says (`HTTPS_PROXY`, `NO_PROXY`).
    pub proxy: Option<&'a str>,
}

/// Who asks.
#[derive(Debug, Clone)]
pub enum Credential {
    /// Nobody in particular: what is public can be read.
    None,
    /// Whom an access token is of.
    Token(SecretString),
    /// A GitHub App, as the installation that each repository's owner has of it.
    App {
        /// The App's id or client id.
        id: String,
        /// Its private key: RSA, PEM.
        private_key: SecretString,
    },
}

/// A client can't be made from the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The API URL is not usable.
    #[error(
        "The forge's API URL can't be used: {rule}. \
         Examples: https://api.github.com, https://github.example.com/api/v3, https://gitlab.example.com/api/v4."
    )]
    ApiUrl {
        /// What is wrong with it.
        rule: &'static str,
    },
    /// The proxy's address is not usable.
    #[error("The forge's proxy can't be used: {rule}. Example: http://proxy.example.com:3128.")]
    Proxy {
        /// What is wrong with it.
        rule: &'static str,
    },
    /// The token is empty or holds characters that no token has.
    #[error("The forge's token is empty or holds blanks or line breaks: set it again, without anything around it.")]
    Token,
    /// Only GitHub has Apps.
    #[error("Only GitHub has Apps: give this forge a token in place of the App.")]
    NoApps,
    /// The App's id is empty or holds characters that no id has.
    #[error("The GitHub App's id is empty or malformed: take the App ID or Client ID from the App's settings.")]
    AppId,
    /// The App's private key is not what GitHub gave.
    #[error(
        "The GitHub App's private key is not an RSA key in PEM: take the .pem file that the App's settings let you \
         download, unchanged and without a password."
    )]
    AppKey,
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

/// Whether forges of this kind have deployments. Where there are none, a commit status says what is deployed.
#[must_use]
pub const fn has_deployments(kind: ForgeKind) -> bool {
    match kind {
        ForgeKind::Github | ForgeKind::Gitlab => true,
        ForgeKind::Gitea | ForgeKind::Gitee | ForgeKind::Generic => false,
    }
}

enum Api {
    Github(Github),
    Gitlab(Gitlab),
    Gitea(Gitea),
    Gitee(Gitee),
    Generic(Generic),
}

/// Does with a client's API what is the same for all of them.
macro_rules! with {
    ($client:expr, $api:ident => $call:expr) => {
        match &$client.api {
            Api::Github($api) => $call,
            Api::Gitlab($api) => $call,
            Api::Gitea($api) => $call,
            Api::Gitee($api) => $call,
            Api::Generic($api) => $call,
        }
    };
}

/// A forge that has no API for something refuses the call for good ([`ApiError::Permanent`] without a status), as a
/// generic forge does every call.
impl Client {
    /// A client for one forge. Connects to nothing yet.
    ///
    /// # Errors
    /// The configuration is unusable; the message says which part.
    pub fn new(setup: Setup<'_>) -> Result<Self, ClientError> {
        let Setup { kind, api_url, credential, ca_pem, proxy } = setup;
        let route = Route { api_url, ca_pem, proxy };
        let token = |credential| match credential {
            Credential::None => Ok(None),
            Credential::Token(token) => Ok(Some(token)),
            Credential::App { .. } => Err(ClientError::NoApps),
        };
        let api = match kind {
            ForgeKind::Github => Api::Github(Github::new(&route, credential)?),
            ForgeKind::Gitlab => Api::Gitlab(Gitlab::new(&route, token(credential)?)?),
            ForgeKind::Gitea => Api::Gitea(Gitea::new(&route, token(credential)?)?),
            ForgeKind::Gitee => Api::Gitee(Gitee::new(&route, token(credential)?)?),
            ForgeKind::Generic => Api::Generic(Generic),
        };
        Ok(Self { api })
    }

    /// Sets a commit status. Cuts its description to what the forge takes. Gitee has no statuses: a check run stands
    /// in for one, and a comment on the commit's pull requests where check runs are refused.
    ///
    /// # Errors
    /// The status was not set, or the answer got lost on its way; see [`ApiError`].
    pub async fn set_status(&self, status: &CommitStatus) -> Result<(), ApiError> {
        with!(self, api => api.set_status(status).await)
    }

    /// The number that the forge gave to a deployment of davit's, when it has it already. For use after an answer to
    /// [`create_deployment`](Self::create_deployment) got lost.
    ///
    /// GitHub: the one that carries davit's own number and this server's address. GitLab lets nothing be attached to a
    /// deployment: the newest unfinished one of the same commit, ref and environment that our user made by the API.
    ///
    /// # Errors
    /// The forge can't be asked; see [`ApiError`].
    pub async fn find_deployment(&self, deployment: &DeploymentAtForge) -> Result<Option<i64>, ApiError> {
        with!(self, api => api.find_deployment(deployment).await)
    }

    /// Tells the forge of a new deployment. Gives the forge's number of it. On GitHub its state is set by
    /// [`set_deployment_state`](Self::set_deployment_state) alone; on GitLab it begins with the state given here.
    ///
    /// # Errors
    /// The deployment was not made, or the answer got lost on its way; see [`ApiError`].
    pub async fn create_deployment(&self, deployment: &DeploymentAtForge) -> Result<i64, ApiError> {
        with!(self, api => api.create_deployment(deployment).await)
    }

    /// Sets the state of the deployment that has this number at the forge. A state that it has already is fine.
    ///
    /// # Errors
    /// The state was not set, or the answer got lost on its way; see [`ApiError`].
    pub async fn set_deployment_state(&self, deployment: &DeploymentAtForge, number: i64) -> Result<(), ApiError> {
        with!(self, api => api.set_deployment_state(deployment, number).await)
    }

    /// All open changes (pull or merge requests) of a repository, as if each had just been opened.
    ///
    /// # Errors
    /// They can't be read with our credential, or the forge can't be asked; see [`ApiError`].
    pub async fn open_changes(&self, repository: &str) -> Result<Vec<ChangeEvent>, ApiError> {
        with!(self, api => api.open_changes(repository).await)
    }

    /// A change as it stands now, whatever its state.
    ///
    /// # Errors
    /// It can't be read with our credential, or the forge can't be asked; see [`ApiError`].
    pub async fn change(&self, repository: &str, number: i64) -> Result<ChangeAtForge, ApiError> {
        with!(self, api => api.change(repository, number).await)
    }

    /// Merges a change with exactly this head, and gives the commit that the base branch is at then. Gitee can't be told
    /// which head: it is looked at just before and just after.
    ///
    /// # Errors
    /// See [`MergeError`]. After an answer that got lost, [`change`](Self::change) tells what became of it.
    pub async fn merge(&self, repository: &str, order: &MergeOrder<'_>) -> Result<CommitSha, MergeError> {
        with!(self, api => api.merge(repository, order).await)
    }

    /// Comments on a change.
    ///
    /// # Errors
    /// The comment was not made, or the answer got lost on its way; see [`ApiError`].
    pub async fn comment(&self, repository: &str, number: i64, text: &str) -> Result<(), ApiError> {
        with!(self, api => api.comment(repository, number, text).await)
    }

    /// Whether an account may push to a repository. `false` for one that the forge does not know.
    ///
    /// # Errors
    /// It can't be read with our credential, or the forge can't be asked; see [`ApiError`].
    pub async fn may_write(&self, repository: &str, login: &str) -> Result<bool, ApiError> {
        with!(self, api => api.may_write(repository, login).await)
    }

    /// The webhooks of a repository.
    ///
    /// # Errors
    /// They can't be seen with our credential, or the forge can't be asked; see [`ApiError`].
    pub async fn hooks(&self, repository: &str) -> Result<Vec<Hook>, ApiError> {
        with!(self, api => api.hooks(repository).await)
    }

    /// Sets a webhook for everything that davit understands. Where one with this URL is there already, that one is
    /// changed.
    ///
    /// # Errors
    /// It was not set; see [`ApiError`]. No error holds the secret.
    pub async fn register_hook(&self, repository: &str, hook: &NewHook<'_>) -> Result<Hook, ApiError> {
        with!(self, api => api.register_hook(repository, hook).await)
    }

    /// What a webhook tried to deliver since a moment without any success, oldest first. GitHub keeps three days of
    /// deliveries, GitLab (from 17.3) a week. GitLab says no time for most failures: those come however old they are.
    ///
    /// # Errors
    /// They can't be seen with our credential, or the forge can't be asked; see [`ApiError`].
    pub async fn failed_deliveries(
        &self,
        repository: &str,
        hook: i64,
        since: Timestamp,
    ) -> Result<Vec<FailedDelivery>, ApiError> {
        with!(self, api => api.failed_deliveries(repository, hook, since).await)
    }

    /// Asks the forge to deliver once more. The delivery comes as a webhook, with the same id as before.
    ///
    /// # Errors
    /// The forge won't, or can't be asked; see [`ApiError`].
    pub async fn redeliver(&self, repository: &str, hook: i64, delivery: i64) -> Result<(), ApiError> {
        with!(self, api => api.redeliver(repository, hook, delivery).await)
    }

    /// Asks what our credential may do with a repository, and changes nothing.
    ///
    /// # Errors
    /// The repository can't be seen with our credential, or the forge can't be asked; see [`ApiError`].
    pub async fn check(&self, repository: &str) -> Result<RepositoryAccess, ApiError> {
        with!(self, api => api.check(repository).await)
    }

    /// Lets the private key of this public key (one line, as in `authorized_keys`) read a repository with git. A key
    /// that may already is fine.
    ///
    /// # Errors
    /// The key was not added; see [`ApiError`].
    pub async fn add_deploy_key(&self, repository: &str, title: &str, public_key: &str) -> Result<(), ApiError> {
        with!(self, api => api.add_deploy_key(repository, title, public_key).await)
    }

    /// What git takes as the password for a repository over HTTP: the token, or the token of the App's installation
    /// that the repository's owner has. Valid for at least five minutes.
    ///
    /// # Errors
    /// The App is not installed there, or GitHub can't be asked; see [`ApiError`].
    pub async fn git_token(&self, repository: &str) -> Result<Option<SecretString>, ApiError> {
        with!(self, api => api.git_token(repository).await)
    }

    /// The user name that goes with [`git_token`](Self::git_token).
    #[must_use]
    pub const fn git_username(&self) -> &'static str {
        match &self.api {
            Api::Github(_) => Github::GIT_USERNAME,
            Api::Gitlab(_) => Gitlab::GIT_USERNAME,
            Api::Gitea(_) => Gitea::GIT_USERNAME,
            Api::Gitee(_) => Gitee::GIT_USERNAME,
            Api::Generic(_) => Generic::GIT_USERNAME,
        }
    }

    /// Where git fetches a repository from over HTTP. Holds no credential. `None` for a generic forge.
    #[must_use]
    pub fn clone_url(&self, repository: &str) -> Option<String> {
        with!(self, api => api.clone_url(repository))
    }

    /// What the forge lets us ask for still, as its last answer said. `None`: it says no such thing, or nothing was
    /// asked yet.
    #[must_use]
    pub fn rate_budget(&self) -> Option<RateBudget> {
        with!(self, api => api.rate_budget())
    }

    /// What the forge's clock showed at its last answer, in whole seconds. `None`: nothing was asked yet.
    #[must_use]
    pub fn server_time(&self) -> Option<Timestamp> {
        let time = with!(self, api => api.server_time());
        time.map(|time| Timestamp::from_millis(time.as_millisecond()))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, api_url) = with!(self, api => (api.name(), api.api_url()));
        f.debug_struct("Client").field("forge", &name).field("api_url", &api_url).finish_non_exhaustive()
    }
}
