//! Where the logs of two attempts part: the first lines of a step on a host that are not the same in both.

use crate::EngineError;
use davit_domain::log::Line;
use davit_domain::log_text::comparable;
use davit_store::Store;
use davit_store::deployments::Deployment;
use davit_store::log_windows::{Begin, LinesOf};

/// Lines read at once of each log.
const PIECE: i64 = 2_000;

/// Where two logs part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parting {
    /// Lines at the beginning that are the same in both.
    pub same: i64,
    /// What the earlier attempt said from there on, the first few lines. Empty: nothing more.
    pub before: Vec<Line>,
    /// What the later attempt said from there on.
    pub now: Vec<Line>,
}

/// Where what the earlier attempt said of a step on a host and what the later one said part, with at most `show` lines
/// of each; `None`: they say the same. Names of releases, times and durations don't count.
///
/// # Errors
/// When the database does not answer.
pub async fn first_difference(
    store: &Store,
    earlier: &Deployment,
    later: &Deployment,
    of: &LinesOf,
    show: usize,
) -> Result<Option<Parting>, EngineError> {
    let mut same = 0;
    loop {
        let before = store.log_window(earlier.id, of, Begin::Place(same), PIECE).await?;
        let now = store.log_window(later.id, of, Begin::Place(same), PIECE).await?;
        let pairs = before.items.iter().zip(&now.items);
        let equal = pairs
            .take_while(|(before, now)| {
                before.stream == now.stream
                    && comparable(&before.text, earlier.release.as_str())
                        == comparable(&now.text, later.release.as_str())
            })
            .count();
        if equal < before.items.len() || equal < now.items.len() {
            let rest = |lines: Vec<Line>| lines.into_iter().skip(equal).take(show).collect();
            let same = same + i64::try_from(equal).unwrap_or(i64::MAX);
            return Ok(Some(Parting { same, before: rest(before.items), now: rest(now.items) }));
        }
        if equal == 0 {
            return Ok(None);
        }
        same += i64::try_from(equal).unwrap_or(i64::MAX);
    }
}
