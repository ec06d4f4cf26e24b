//! Gitee.

pub(crate) mod api;
mod payload;
pub(crate) mod webhook;

use crate::http::linked_page;
use crate::rate;
use crate::refusal::Manners;

/// Sources:
pub(crate) const MANNERS: Manners = Manners {
    name: "Gitee",
    authorization: ("authorization", "Bearer "),
    headers: &[],
    rate: rate::X_RATELIMIT,
    passing: &[],
    next_page: linked_page,
};
