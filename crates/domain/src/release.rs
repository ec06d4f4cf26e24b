//! Releases kept on hosts: which stay, which go.

use crate::ids::ReleaseName;

/// Which of the releases found on a host may be removed, oldest first.
///
/// `good` are this app's releases in this environment that succeeded, newest first; `found` is what lies on the host.
/// Stay: the live one, the one before it (`previous`), the newest `keep` good ones, and whatever is not known to
/// davit at all (`known` decides): somebody else may have put it there.
#[must_use]
pub fn to_remove(
    found: &[ReleaseName],
    good: &[ReleaseName],
    live: Option<&ReleaseName>,
    previous: Option<&ReleaseName>,
    keep: u32,
    known: impl Fn(&ReleaseName) -> bool,
) -> Vec<ReleaseName> {
    let on_host = good.iter().filter(|release| found.contains(release));
    let kept: Vec<&ReleaseName> =
        on_host.take(usize::try_from(keep.max(1)).unwrap_or(usize::MAX)).chain(live).chain(previous).collect();
    let mut gone: Vec<ReleaseName> =
        found.iter().filter(|release| known(release) && !kept.contains(release)).cloned().collect();
    gone.sort();
    gone
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn release(n: usize) -> ReleaseName {
        format!("202601{:02}T120000Z-1a2b3c4-{n}", n % 28 + 1).parse().expect("a release name")
    }

    #[test]
    fn failed_releases_do_not_count() {
        let all: Vec<_> = (0..6).rev().map(release).collect();
        let good = vec![all[1].clone(), all[3].clone(), all[5].clone()];
        let gone = to_remove(&all, &good, Some(&all[1]), Some(&all[3]), 2, |_| true);
        assert_eq!(gone, vec![all[5].clone(), all[4].clone(), all[2].clone(), all[0].clone()]);
    }

    proptest! {
        #[test]
        fn the_live_one_and_the_one_before_always_stay(n in 1usize..20, live in 0usize..20, keep in 0u32..5) {
            let all: Vec<_> = (0..n).rev().map(release).collect();
            let live = &all[live % n];
            let previous = all.last().expect("one");
            let gone = to_remove(&all, &all, Some(live), Some(previous), keep, |_| true);
            prop_assert!(!gone.contains(live) && !gone.contains(previous));
            prop_assert!(all.len() - gone.len() >= usize::try_from(keep.max(1)).unwrap_or(1).min(n));
        }
    }
}
