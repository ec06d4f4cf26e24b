//! Gitea and Forgejo.

pub(crate) mod api;
mod changes;
mod payload;
mod permissions;
pub(crate) mod webhook;
mod wire;

use crate::http::{Page, numbered_page};
use crate::rate;
use crate::refusal::Manners;
use url::Url;

/// Sources: <https://docs.gitea.com/development/api-usage>, <https://forgejo.org/docs/latest/user/api-usage/>. Gitea
/// itself limits no caller; a proxy before it may.
pub(crate) const MANNERS: Manners = Manners {
    name: "Gitea",
    authorization: ("authorization", "token "),
    headers: &[("accept", "application/json")],
    rate: rate::X_RATELIMIT,
    passing: &[],
    next_page,
};

/// Every list tells how long it is. Pages may be shorter than asked for: an administrator sets their greatest length.
fn next_page(page: &Page<'_>) -> Option<Url> {
    let total: usize = page.headers.get("x-total-count")?.to_str().ok()?.parse().ok()?;
    (page.items > 0 && page.read < total).then(|| numbered_page(page))
}
