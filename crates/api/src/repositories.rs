//! The repositories that davit tests and merges.

use crate::Api;
use crate::auth::Caller;
use crate::page::Page;
use crate::problem::Problem;
use crate::words;
use axum::Json;
use axum::extract::State;
use davit_domain::config::RepositorySettings;
use serde::Serialize;
use utoipa::ToSchema;

/// A repository that davit tests.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TestedRepositoryView {
    forge: String,
    name: String,
    #[schema(value_type = words::Executor)]
    executor: &'static str,
    /// Whether its jobs may do whatever the server's user may.
    trusted: bool,
    /// Whether its jobs have a network.
    network: bool,
    /// Whether davit merges its changes.
    merge: bool,
    /// Whether changes are tested merged with their base before.
    queue: bool,
}

impl From<&RepositorySettings> for TestedRepositoryView {
    fn from(repository: &RepositorySettings) -> Self {
        Self {
            forge: repository.forge.to_string(),
            name: repository.name.clone(),
            executor: repository.executor.as_str(),
            trusted: repository.trusted,
            network: repository.network,
            merge: repository.merge.is_some(),
            queue: repository.merge.as_ref().is_some_and(|policy| policy.queue),
        }
    }
}

/// The repositories that davit tests, in the order of the configuration.
#[utoipa::path(get, path = "/api/v1/repositories", responses((status = 200, body = Page<TestedRepositoryView>)))]
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<Page<TestedRepositoryView>>, Problem> {
    let configuration = caller.configuration(&api).await?;
    Ok(Json(Page::whole(configuration.repositories.iter().map(TestedRepositoryView::from).collect())))
}
