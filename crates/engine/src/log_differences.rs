//! Where the logs of two attempts part: the first lines of a step on a host that are not the same in both.

use crate::EngineError;
use davit_domain::log::Line;
use davit_domain::log_text::comparable;
use davit_store::Store;
use davit_store::deployments::Deployment;
use davit_store::log_windows::LinesOf;

/// Lines read at once of each log.
const PIECE: i64 = 2_000;

/// How two logs are to each other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Compared {
    /// They say the same, this many lines.
    Same(i64),
    /// As far as they were read, which is this many lines, they say the same.
    SameSoFar(i64),
    /// They part.
    Part(Parting),
}

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

/// How far two logs are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Lines shown of each from where they part.
    pub show: usize,
    /// About so many lines are compared; whether they part later is left open.
    pub most: i64,
}

/// Where what the earlier attempt said of a step on a host and what the later one said part. Names of releases, times
/// and durations don't count.
///
/// # Errors
/// When the database does not answer.
pub async fn first_difference(
    store: &Store,
    earlier: &Deployment,
    later: &Deployment,
    of: &LinesOf,
    extent: Extent,
) -> Result<Compared, EngineError> {
    let host = of.host.as_ref().map(Option::as_ref);
    let (mut before_from, mut now_from, mut same) = (0, 0, 0);
    while same < extent.most {
        // By the lines' numbers and not by their places, so that no piece costs more than the first.
        let before = store.lines(earlier.id, before_from, host, of.step, PIECE).await?;
        let now = store.lines(later.id, now_from, host, of.step, PIECE).await?;
        let pairs = before.iter().zip(&now);
        let equal = pairs
            .take_while(|(before, now)| {
                before.stream == now.stream
                    && comparable(&before.text, earlier.release.as_str())
                        == comparable(&now.text, later.release.as_str())
            })
            .count();
        same += i64::try_from(equal).unwrap_or(i64::MAX);
        if equal < before.len() || equal < now.len() {
            let rest = |lines: Vec<Line>| lines.into_iter().skip(equal).take(extent.show).collect();
            return Ok(Compared::Part(Parting { same, before: rest(before), now: rest(now) }));
        }
        match (before.last(), now.last()) {
            // A piece that is not full is the last one.
            (Some(last_before), Some(last_now)) if same % PIECE == 0 => {
                (before_from, now_from) = (last_before.seq, last_now.seq);
            }
            _ => return Ok(Compared::Same(same)),
        }
    }
    Ok(Compared::SameSoFar(same))
}
