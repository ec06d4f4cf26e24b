//! GitHub: github.com, GitHub Enterprise Cloud and GitHub Enterprise Server.

pub(crate) mod api;
mod app;
mod changes;
mod checks;
mod deployments;
mod hooks;
mod payload;
mod permissions;
pub(crate) mod webhook;
mod wire;

use crate::http::linked_page;
use crate::rate;
use crate::refusal::Manners;

/// Sources: <https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api>,
/// <https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api>,
/// <https://docs.github.com/en/rest/using-the-rest-api/troubleshooting-the-rest-api>.
pub(crate) const MANNERS: Manners = Manners {
    name: "GitHub",
    authorization: ("authorization", "Bearer "),
    headers: &[("accept", "application/vnd.github+json"), ("x-github-api-version", "2022-11-28")],
    rate: rate::X_RATELIMIT,
    passing: &[(403, "rate limit"), (403, "abuse detection")],
    next_page: linked_page,
};
