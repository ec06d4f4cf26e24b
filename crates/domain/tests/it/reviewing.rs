//! Whatever people do in whatever order: nothing goes out that enough others have not looked at, as it is now.

use davit_domain::request::RequestState;
use davit_domain::review::{Person, Review};
use davit_domain::time::Timestamp;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::time::Duration;

const PEOPLE: [&str; 4] = ["ada", "bob", "cy", "dan"];
const AUTHOR: &str = "ada";

#[derive(Debug, Clone)]
enum Deed {
    Approve(usize),
    Edit(usize),
    Reject(usize),
    Wait(u64),
    Expire,
    Release,
    Withdraw,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        6 => (0..PEOPLE.len()).prop_map(Deed::Approve),
        1 => (0..PEOPLE.len()).prop_map(Deed::Edit),
        1 => (0..PEOPLE.len()).prop_map(Deed::Reject),
        3 => (1u64..40).prop_map(Deed::Wait),
        1 => Just(Deed::Expire),
        3 => Just(Deed::Release),
        1 => Just(Deed::Withdraw),
    ]
}

fn rule() -> impl Strategy<Value = Review> {
    (0u32..4, any::<bool>(), prop::option::of(10u64..100), prop::collection::vec(0..PEOPLE.len(), 0..3)).prop_map(
        |(required, self_approval, expires, named)| Review {
            required,
            self_approval,
            expires,
            reviewers: named.into_iter().map(|index| PEOPLE[index].parse().expect("a reviewer")).collect(),
        },
    )
}

proptest! {
    #[test]
    fn nothing_goes_out_that_enough_have_not_looked_at(review in rule(), deeds in prop::collection::vec(deed(), 1..40)) {
        let mut state = RequestState::initial(&review);
        let mut now = Timestamp::from_millis(0);
        let mut makers = vec![AUTHOR];
        // What really happened since the last edit: who said yes, and when.
        let mut said: BTreeMap<&str, Timestamp> = BTreeMap::new();
        for deed in deeds {
            let person = |index: usize| Person { name: PEOPLE[index], groups: &[] };
            match deed {
                Deed::Approve(index) => {
                    if let Ok(next) = state.clone().approve(person(index), &makers, &review, now) {
                        said.insert(PEOPLE[index], now);
                        state = next;
                    }
                }
                Deed::Edit(index) => {
                    if let Ok(next) = state.clone().edit(&review) {
                        makers.push(PEOPLE[index]);
                        said.clear();
                        state = next;
                    }
                }
                Deed::Reject(index) => {
                    if let Ok(next) = state.clone().reject(person(index), &review, "no") {
                        state = next;
                    }
                }
                Deed::Wait(seconds) => now = now.plus(Duration::from_secs(seconds)),
                Deed::Expire => state = state.expire(&review, now).0,
                Deed::Withdraw => {
                    if let Ok(next) = state.clone().withdraw() {
                        state = next;
                    }
                }
                Deed::Release => {
                    let Ok(next) = state.clone().release(&review, now) else { continue };
                    let counts = said.iter().filter(|(name, at)| {
                        let in_time = review.expires.is_none_or(|seconds| now < at.plus(Duration::from_secs(seconds)));
                        let named = review.names(Person { name, groups: &[] });
                        in_time && named && (review.self_approval || !makers.contains(*name))
                    });
                    let required = usize::try_from(review.required).expect("few");
                    prop_assert!(counts.count() >= required, "{said:?} at {now} under {review:?}");
                    state = next;
                }
            }
            // Approvals are of different people, whatever happened.
            let mut names: Vec<&str> = state.approvals().iter().map(|approval| approval.user.as_str()).collect();
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            prop_assert_eq!(names.len(), all);
        }
    }
}
