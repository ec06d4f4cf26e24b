//! GitLab: gitlab.com and self-managed.

pub(crate) mod api;
mod changes;
mod deployments;
mod hooks;
mod payload;
mod permissions;
pub(crate) mod webhook;
mod wire;

use crate::http::linked_page;
use crate::rate;
use crate::refusal::Manners;

/// Sources: <https://docs.gitlab.com/api/rest/>, <https://docs.gitlab.com/api/rest/authentication/>,
/// <https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/>.
pub(crate) const MANNERS: Manners = Manners {
    name: "GitLab",
    authorization: ("private-token", ""),
    headers: &[],
    rate: rate::Headers { limit: "ratelimit-limit", remaining: "ratelimit-remaining", reset: "ratelimit-reset" },
    // Two statuses of one commit at one moment, from davit and from a pipeline.
    passing: &[(409, "is in progress")],
    next_page: linked_page,
};
