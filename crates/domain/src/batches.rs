//! Which host goes when.

use crate::config::{BatchSize, Strategy};
use crate::ids::HostName;

/// The batch of each host, from 1, in the hosts' order. No batch is empty, and no number is left out.
///
/// A percentage is of all hosts and says how many are through after its batch, so `25%, 100%` is a quarter and then
/// the rest. Hosts that no entry reaches form one more batch.
#[must_use]
pub fn batches(strategy: &Strategy, hosts: &[HostName]) -> Vec<u32> {
    let mut placed: Vec<Option<u32>> = vec![None; hosts.len()];
    let mut number = 0;
    for size in &strategy.batches {
        let through = placed.iter().flatten().count();
        let more = match size {
            BatchSize::Count(count) => usize::try_from(*count).unwrap_or(usize::MAX),
            BatchSize::Percent(percent) => {
                let goal = (hosts.len() * usize::from(*percent)).div_ceil(100);
                goal.saturating_sub(through).max(1)
            }
            BatchSize::Hosts(_) => usize::MAX,
        };
        let is_meant = |host: &HostName| match size {
            BatchSize::Hosts(names) => names.contains(host),
            BatchSize::Count(_) | BatchSize::Percent(_) => true,
        };
        let next: Vec<usize> =
            (0..hosts.len()).filter(|at| placed[*at].is_none() && is_meant(&hosts[*at])).take(more).collect();
        if next.is_empty() {
            continue;
        }
        number += 1;
        for at in next {
            placed[at] = Some(number);
        }
    }
    placed.into_iter().map(|batch| batch.unwrap_or(number + 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::{BatchSize, HostName, batches};
    use crate::config::Strategy;
    use proptest::prelude::{prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
    use proptest::strategy::Strategy as _;

    fn hosts(count: usize) -> Vec<HostName> {
        (0..count).map(|number| format!("web-{number}").parse().expect("a name")).collect()
    }

    fn of(batches_: Vec<BatchSize>, count: usize) -> Vec<u32> {
        batches(&Strategy { batches: batches_, ..Strategy::default() }, &hosts(count))
    }

    #[test]
    fn portions_are_counts_shares_and_names() {
        use BatchSize::{Count, Hosts, Percent};
        assert_eq!(of(vec![], 3), [1, 1, 1]);
        assert_eq!(of(vec![Count(1), Percent(50), Percent(100)], 5), [1, 2, 2, 3, 3]);
        assert_eq!(of(vec![Percent(25), Percent(100)], 3), [1, 2, 2]);
        assert_eq!(of(vec![Hosts(vec!["web-2".parse().expect("a name")]), Percent(100)], 3), [2, 2, 1]);
        assert_eq!(of(vec![Hosts(vec!["other".parse().expect("a name")]), Count(1)], 3), [1, 2, 2]);
        assert_eq!(of(vec![Count(9), Count(9)], 2), [1, 1]);
        assert_eq!(of(vec![Percent(10), Percent(10)], 2), [1, 2], "a batch is at least one host more");
    }

    proptest! {
        #[test]
        fn every_host_is_in_one_batch_and_no_number_is_left_out(
            count in 1usize..40,
            sizes in prop::collection::vec(prop_oneof![
                (1u32..10).prop_map(BatchSize::Count),
                (1u8..=100).prop_map(BatchSize::Percent),
                prop::collection::vec(0usize..40, 1..4).prop_map(|at| BatchSize::Hosts(
                    at.into_iter().map(|at| format!("web-{at}").parse().expect("a name")).collect())),
            ], 0..6),
        ) {
            let found = of(sizes, count);
            prop_assert_eq!(found.len(), count);
            let last = found.iter().max().copied().unwrap_or(0);
            for number in 1..=last {
                prop_assert!(found.contains(&number), "{found:?}");
            }
            prop_assert!(!found.contains(&0));
        }
    }
}
