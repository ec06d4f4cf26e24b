//! Whose turn it is, under any order of arrivals and ends.

use davit_domain::decide::{Turn, Waiting, next_in_line};
use davit_domain::ids::DeploymentId;
use davit_domain::request::Kind;
use proptest::prelude::*;

fn waiting(id: i64, kind: Kind, running: bool) -> Waiting {
    Waiting { id: DeploymentId(id), kind, running }
}

#[test]
fn one_at_a_time_in_order() {
    use Kind::{Auto, Regular, Rollback};
    let turn = |queue: &[Waiting]| next_in_line(queue);
    assert_eq!(turn(&[]), Turn::default());
    let two = [waiting(1, Regular, false), waiting(2, Rollback, false)];
    assert_eq!(turn(&two), Turn { start: Some(DeploymentId(1)), superseded: vec![] });
    let busy = [waiting(1, Regular, true), waiting(2, Regular, false)];
    assert_eq!(turn(&busy), Turn { start: None, superseded: vec![] });
    let pushes = [waiting(1, Auto, true), waiting(2, Auto, false), waiting(3, Regular, false), waiting(4, Auto, false)];
    let superseded = vec![(DeploymentId(2), DeploymentId(4))];
    assert_eq!(turn(&pushes), Turn { start: None, superseded: superseded.clone() });
    let pushes = [waiting(2, Auto, false), waiting(3, Regular, false), waiting(4, Auto, false)];
    assert_eq!(turn(&pushes), Turn { start: Some(DeploymentId(3)), superseded });
}

#[derive(Debug, Clone)]
enum Happening {
    Arrives(Kind),
    Ends,
    /// A reconciler looks once more, or a wake-up comes twice.
    Repeats,
}

fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        Just(Happening::Arrives(Kind::Auto)),
        Just(Happening::Arrives(Kind::Regular)),
        Just(Happening::Arrives(Kind::Rollback)),
        Just(Happening::Ends),
        Just(Happening::Repeats),
    ]
}

proptest! {
    /// At most one runs; nobody overtakes an older one of a person; only automatic ones are superseded, and only by a
    /// newer automatic one; in the end nothing is left.
    #[test]
    fn everybody_gets_their_turn(happenings in proptest::collection::vec(happening(), 1..60)) {
        let mut queue: Vec<Waiting> = Vec::new();
        let mut next_id = 1;
        let mut started = Vec::new();
        let drain = std::iter::repeat_n(Happening::Ends, happenings.len() + 1);
        for happening in happenings.iter().cloned().chain(drain) {
            match happening {
                Happening::Arrives(kind) => {
                    queue.push(waiting(next_id, kind, false));
                    next_id += 1;
                }
                Happening::Ends => queue.retain(|d| !d.running),
                Happening::Repeats => {}
            }
            let turn = next_in_line(&queue);
            for (old, new) in &turn.superseded {
                let find = |id| queue.iter().find(|d| d.id == id).expect("both are in the queue");
                let (old, new) = (find(*old), find(*new));
                prop_assert!(!old.running && old.kind == Kind::Auto && new.kind == Kind::Auto && old.id < new.id);
            }
            queue.retain(|d| turn.superseded.iter().all(|(old, _)| *old != d.id));
            if let Some(id) = turn.start {
                prop_assert!(queue.iter().all(|d| !d.running), "one at a time");
                prop_assert!(queue.iter().all(|d| d.id >= id), "the oldest first");
                let next = queue.iter_mut().find(|d| d.id == id).expect("it waits");
                next.running = true;
                started.push(id);
            }
            // Asking again changes nothing.
            prop_assert_eq!(next_in_line(&queue).superseded, vec![]);
        }
        prop_assert!(queue.is_empty(), "left: {:?}", queue);
        prop_assert!(started.is_sorted());
    }
}
