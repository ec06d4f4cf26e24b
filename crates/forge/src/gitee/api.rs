//! Calls to Gitee's REST API.

use super::MANNERS;
use crate::answers::RateBudget;
use crate::api::ForgeApi;
use crate::client::ClientError;
use crate::error::ApiError;
use crate::http::{Http, Route};
use secrecy::SecretString;

/// Gitee's API.
pub(crate) struct Gitee {
    http: Http,
}

impl Gitee {
    pub(crate) fn new(route: &Route<'_>, token: Option<SecretString>) -> Result<Self, ClientError> {
        Ok(Self { http: Http::new(route, &MANNERS, token)? })
    }
}

impl ForgeApi for Gitee {
    const GIT_USERNAME: &'static str = "oauth2";

    fn name(&self) -> &'static str {
        MANNERS.name
    }

    fn api_url(&self) -> &str {
        self.http.base.as_str()
    }

    async fn git_token(&self, _: &str) -> Result<Option<SecretString>, ApiError> {
        Ok(self.http.token().cloned())
    }

    fn rate_budget(&self) -> Option<RateBudget> {
        self.http.budget()
    }
}
