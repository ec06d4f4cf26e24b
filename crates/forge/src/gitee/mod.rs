//! Gitee.

pub(crate) mod api;
mod changes;
mod checks;
mod payload;
pub(crate) mod webhook;
mod wire;

use crate::http::{Page, numbered_page};
use crate::rate;
use crate::refusal::Manners;
use url::Url;

/// Items asked for in a page, the most that Gitee gives.
const PAGE: usize = 100;

/// Sources: <https://gitee.com/api/v5/swagger>, and Gitee's own client <https://gitee.com/oschina/gitee-cli>: the token
/// in a header, JSON bodies, GitHub's names of the rate limit's headers, pages that are short where the list ends.
pub(crate) const MANNERS: Manners = Manners {
    name: "Gitee",
    authorization: ("authorization", "Bearer "),
    headers: &[("accept", "application/json")],
    rate: rate::X_RATELIMIT,
    passing: &[(403, "rate limit"), (403, "频繁")],
    next_page,
};

fn next_page(page: &Page<'_>) -> Option<Url> {
    (page.items >= PAGE).then(|| numbered_page(page))
}
