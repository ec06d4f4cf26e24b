//! What a forge's API can be asked for. A forge that has no call for something leaves the answer that stands here.

use crate::answers::{ChangeAtForge, FailedDelivery, Hook, MergeOrder, NewHook, RateBudget, RepositoryAccess};
use crate::error::{ApiError, MergeError};
use crate::refusal::has_no;
use davit_domain::deployment_at_forge::DeploymentAtForge;
use davit_domain::event::ChangeEvent;
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitStatus;
use davit_domain::time::Timestamp;
use secrecy::SecretString;

/// One forge's API. What each call means is in the documentation of [`crate::Client`].
pub(crate) trait ForgeApi {
    /// The user name that goes with a token when git fetches over HTTP.
    const GIT_USERNAME: &'static str;

    /// The forge's name, as people write it.
    fn name(&self) -> &'static str;

    /// Where its API is.
    fn api_url(&self) -> &str {
        ""
    }

    async fn set_status(&self, _: &CommitStatus) -> Result<(), ApiError> {
        Err(has_no(self.name(), "commit statuses"))
    }

    async fn find_deployment(&self, _: &DeploymentAtForge) -> Result<Option<i64>, ApiError> {
        Err(has_no(self.name(), "deployments"))
    }

    async fn create_deployment(&self, _: &DeploymentAtForge) -> Result<i64, ApiError> {
        Err(has_no(self.name(), "deployments"))
    }

    async fn set_deployment_state(&self, _: &DeploymentAtForge, _: i64) -> Result<(), ApiError> {
        Err(has_no(self.name(), "deployments"))
    }

    async fn open_changes(&self, _: &str) -> Result<Vec<ChangeEvent>, ApiError> {
        Err(has_no(self.name(), "changes"))
    }

    async fn change(&self, _: &str, _: i64) -> Result<ChangeAtForge, ApiError> {
        Err(has_no(self.name(), "changes"))
    }

    async fn merge(&self, _: &str, _: &MergeOrder<'_>) -> Result<CommitSha, MergeError> {
        Err(has_no(self.name(), "merges").into())
    }

    async fn comment(&self, _: &str, _: i64, _: &str) -> Result<(), ApiError> {
        Err(has_no(self.name(), "comments"))
    }

    async fn may_write(&self, _: &str, _: &str) -> Result<bool, ApiError> {
        Err(has_no(self.name(), "people"))
    }

    async fn hooks(&self, _: &str) -> Result<Vec<Hook>, ApiError> {
        Err(has_no(self.name(), "webhooks"))
    }

    async fn register_hook(&self, _: &str, _: &NewHook<'_>) -> Result<Hook, ApiError> {
        Err(has_no(self.name(), "webhooks"))
    }

    async fn failed_deliveries(&self, _: &str, _: i64, _: Timestamp) -> Result<Vec<FailedDelivery>, ApiError> {
        Err(has_no(self.name(), "deliveries of webhooks"))
    }

    async fn redeliver(&self, _: &str, _: i64, _: i64) -> Result<(), ApiError> {
        Err(has_no(self.name(), "deliveries of webhooks"))
    }

    async fn check(&self, _: &str) -> Result<RepositoryAccess, ApiError> {
        Err(has_no(self.name(), "repositories"))
    }

    async fn add_deploy_key(&self, _: &str, _: &str, _: &str) -> Result<(), ApiError> {
        Err(has_no(self.name(), "deploy keys"))
    }

    async fn git_token(&self, _: &str) -> Result<Option<SecretString>, ApiError> {
        Ok(None)
    }

    /// Holds no credential.
    fn clone_url(&self, _: &str) -> Option<String> {
        None
    }

    fn rate_budget(&self) -> Option<RateBudget> {
        None
    }

    fn server_time(&self) -> Option<jiff::Timestamp> {
        None
    }
}

/// A sender of webhooks without an API.
pub(crate) struct Generic;

impl ForgeApi for Generic {
    const GIT_USERNAME: &'static str = "git";

    fn name(&self) -> &'static str {
        "A generic forge"
    }
}
