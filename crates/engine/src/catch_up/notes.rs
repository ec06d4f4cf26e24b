//! What this process remembers between its looks. None of it is worth keeping over a restart: moves are noticed again.

use super::{EVERY, GRACE};
use davit_domain::event::GitRef;
use davit_domain::heads::{MissedHead, SeenHead};
use davit_domain::ids::{CommitSha, ForgeId};
use davit_domain::time::Timestamp;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How often one delivery is asked for again.
const MOST_REQUESTS: u8 = 3;
/// What is remembered of deliveries, and of branches and tags that are gone, a repository.
const MOST_REMEMBERED: usize = 1000;

/// What this process knows about its looks.
#[derive(Debug, Default)]
pub struct Notes {
    places: Mutex<HashMap<Place, PlaceNotes>>,
    /// The forges that are being looked at.
    busy: Mutex<HashSet<ForgeId>>,
    /// Which repositories were watched when those that nobody uses were last forgotten, and when that was.
    tidied: Mutex<Option<(Timestamp, BTreeSet<Place>)>>,
}

/// A repository at a forge, in lower case.
pub(super) type Place = (ForgeId, String);

#[derive(Debug, Default)]
struct PlaceNotes {
    /// When the next look is due; `None`: at once.
    next_look: Option<Timestamp>,
    /// Moves that no delivery told about yet, and when they were noticed.
    noticed: Vec<(MissedHead, Timestamp)>,
    /// What the last look did not find any more.
    missing: Vec<GitRef>,
    /// What was forgotten because it was gone, and where it was; the latest last.
    forgotten: Vec<(GitRef, CommitSha)>,
    /// How often deliveries were asked for again, by what all attempts at one have in common; the latest last.
    asked: Vec<(String, u8)>,
}

impl Notes {
    fn of(&self) -> MutexGuard<'_, HashMap<Place, PlaceNotes>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn busy(&self) -> MutexGuard<'_, HashSet<ForgeId>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_due(&self, place: &Place, now: Timestamp) -> bool {
        self.of().get(place).and_then(|notes| notes.next_look).is_none_or(|at| at <= now)
    }

    pub(super) fn look_again(&self, place: &Place, at: Timestamp) {
        self.of().entry(place.clone()).or_default().next_look = Some(at);
    }

    /// Those moves that were noticed long enough ago; the others are noticed now.
    pub(super) fn ripe(&self, place: &Place, missed: Vec<MissedHead>, now: Timestamp) -> Vec<MissedHead> {
        let mut all = self.of();
        let noticed = &mut all.entry(place.clone()).or_default().noticed;
        let since =
            |head: &MissedHead| noticed.iter().find(|(known, _)| known == head).map_or(now, |(_, since)| *since);
        let still: Vec<(MissedHead, Timestamp)> = missed.into_iter().map(|head| (head.clone(), since(&head))).collect();
        noticed.clone_from(&still);
        still.into_iter().filter(|(_, since)| now.since(*since) >= GRACE).map(|(head, _)| head).collect()
    }

    pub(super) fn waits(&self, place: &Place) -> bool {
        self.of().get(place).is_some_and(|notes| !notes.noticed.is_empty())
    }

    /// Which of the heads that a look did not find the look before did not find either; the others are missing now.
    pub(super) fn gone_for_good(&self, place: &Place, gone: &[&SeenHead]) -> Vec<GitRef> {
        let mut all = self.of();
        let notes = all.entry(place.clone()).or_default();
        let missing = gone.iter().map(|head| head.git_ref.clone()).collect();
        let before = std::mem::replace(&mut notes.missing, missing);
        let for_good: Vec<&&SeenHead> = gone.iter().filter(|head| before.contains(&head.git_ref)).collect();
        for head in &for_good {
            notes.forgotten.retain(|(git_ref, _)| *git_ref != head.git_ref);
            notes.forgotten.push((head.git_ref.clone(), head.commit.clone()));
        }
        shorten(&mut notes.forgotten);
        for_good.into_iter().map(|head| head.git_ref.clone()).collect()
    }

    /// Whether a branch or tag was gone and is back where it was.
    pub(super) fn came_back(&self, place: &Place, head: &MissedHead) -> bool {
        let is_it = |(git_ref, commit): &(GitRef, CommitSha)| *git_ref == head.git_ref && *commit == head.after;
        head.before.is_none() && self.of().get(place).is_some_and(|notes| notes.forgotten.iter().any(is_it))
    }

    /// Whether a delivery was not asked for too often yet.
    pub(super) fn may_ask(&self, place: &Place, guid: &str) -> bool {
        let all = self.of();
        let asked = all.get(place).and_then(|notes| notes.asked.iter().find(|(known, _)| known == guid));
        asked.is_none_or(|(_, times)| *times < MOST_REQUESTS)
    }

    /// A delivery is asked for again.
    pub(super) fn ask(&self, place: &Place, guid: &str) {
        self.note_request(place, guid, |times| times.saturating_add(1));
    }

    /// The forge won't send a delivery again.
    pub(super) fn give_up(&self, place: &Place, guid: &str) {
        self.note_request(place, guid, |_| MOST_REQUESTS);
    }

    fn note_request(&self, place: &Place, guid: &str, times: impl Fn(u8) -> u8) {
        let mut all = self.of();
        let asked = &mut all.entry(place.clone()).or_default().asked;
        let known = asked.iter().position(|(known, _)| known == guid).map(|at| asked.remove(at).1);
        asked.push((guid.to_owned(), times(known.unwrap_or_default())));
        shorten(asked);
    }

    /// Whether it is time to forget the repositories that nobody uses: others are watched than the last time, or that
    /// was a while ago.
    pub(super) fn is_untidy(&self, watched: &BTreeSet<Place>, now: Timestamp) -> bool {
        let tidied = self.tidied.lock().unwrap_or_else(PoisonError::into_inner);
        tidied.as_ref().is_none_or(|(at, known)| known != watched || now.since(*at) >= EVERY)
    }

    /// Repositories that nobody uses are forgotten: only these are left.
    pub(super) fn tidied(&self, watched: BTreeSet<Place>, now: Timestamp) {
        self.of().retain(|place, _| watched.contains(place));
        *self.tidied.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, watched));
    }
}

/// Forgets the oldest of what is too much.
fn shorten<T>(list: &mut Vec<T>) {
    list.drain(..list.len().saturating_sub(MOST_REMEMBERED));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        ("hub".parse().expect("an id"), "acme/shop".to_owned())
    }

    #[test]
    fn a_delivery_is_asked_for_a_few_times() {
        let (notes, place) = (Notes::default(), place());
        for _ in 0..MOST_REQUESTS {
            assert!(notes.may_ask(&place, "lost"));
            notes.ask(&place, "lost");
        }
        assert!(!notes.may_ask(&place, "lost"));
        assert!(notes.may_ask(&place, "another"));
        notes.give_up(&place, "another");
        assert!(!notes.may_ask(&place, "another"));
        for number in 0..MOST_REMEMBERED {
            notes.ask(&place, &number.to_string());
        }
        assert!(notes.may_ask(&place, "lost"), "what is remembered has an end");
    }

    #[test]
    fn what_two_looks_do_not_find_is_gone() {
        let (notes, place) = (Notes::default(), place());
        let commit: CommitSha = "a".repeat(40).parse().expect("a SHA");
        let git_ref = GitRef::Branch("main".to_owned());
        let at = Timestamp::from_millis(1);
        let head = SeenHead { git_ref: git_ref.clone(), commit: commit.clone(), before: None, at, delivery: None };
        assert_eq!(notes.gone_for_good(&place, &[&head]), []);
        assert_eq!(notes.gone_for_good(&place, &[]), [], "it is back");
        assert_eq!(notes.gone_for_good(&place, &[&head]), []);
        assert_eq!(notes.gone_for_good(&place, &[&head]), std::slice::from_ref(&git_ref));
        let back = |after: CommitSha| MissedHead { git_ref: git_ref.clone(), before: None, after };
        assert!(notes.came_back(&place, &back(commit)));
        assert!(!notes.came_back(&place, &back("b".repeat(40).parse().expect("a SHA"))), "it is elsewhere");
    }
}
