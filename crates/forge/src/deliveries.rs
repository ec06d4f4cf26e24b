//! Which deliveries of a webhook never arrived, out of the list of all attempts at them.

use crate::answers::FailedDelivery;
use std::collections::{HashMap, HashSet};

/// One attempt at a delivery.
pub(crate) struct Attempt {
    /// Whether it was answered with success.
    pub(crate) arrived: bool,
    /// What it is if it did not arrive.
    pub(crate) delivery: FailedDelivery,
}

/// The newest attempt of each delivery without a success, oldest first. `attempts` come newest first.
pub(crate) fn failed(attempts: impl Iterator<Item = Attempt>) -> Vec<FailedDelivery> {
    let mut arrived = HashSet::new();
    let mut newest = HashMap::new();
    let mut order = Vec::new();
    for Attempt { arrived: success, delivery } in attempts {
        if success {
            arrived.insert(delivery.guid);
        } else if !newest.contains_key(&delivery.guid) {
            order.push(delivery.guid.clone());
            newest.insert(delivery.guid.clone(), delivery);
        }
    }
    let lost = order.into_iter().rev().filter(|guid| !arrived.contains(guid));
    lost.filter_map(|guid| newest.remove(&guid)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(id: i64, guid: &str, arrived: bool) -> Attempt {
        let delivery = FailedDelivery { id, guid: guid.to_owned(), at: None, event: "push".to_owned() };
        Attempt { arrived, delivery }
    }

    #[test]
    fn a_success_before_or_after_counts() {
        let newest_first = [
            attempt(9, "later-success", true),
            attempt(8, "never", false),
            attempt(7, "resent-in-vain", false),
            attempt(6, "later-success", false),
            attempt(5, "resent-in-vain", false),
            attempt(4, "resent-by-hand", false),
            attempt(3, "resent-by-hand", true),
            attempt(2, "oldest", false),
        ];
        let failed = failed(newest_first.into_iter());
        let found: Vec<_> = failed.iter().map(|delivery| (delivery.id, delivery.guid.as_str())).collect();
        assert_eq!(found, [(2, "oldest"), (7, "resent-in-vain"), (8, "never")]);
    }
}
