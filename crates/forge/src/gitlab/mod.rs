//! GitLab: gitlab.com and self-managed.

pub(crate) mod api;
mod payload;
pub(crate) mod webhook;

use crate::http::linked_page;
use crate::rate;
use crate::refusal::Manners;

/// Sources:
pub(crate) const MANNERS: Manners = Manners {
    name: "GitLab",
    authorization: ("private-token", ""),
    headers: &[],
    rate: rate::Headers { limit: "ratelimit-limit", remaining: "ratelimit-remaining", reset: "ratelimit-reset" },
    passing: &[],
    next_page: linked_page,
};
