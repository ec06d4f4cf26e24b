//! The histories of branches that people look through, kept for a while: whoever types a word asks for the same history
//! with every letter.
//!
//! A history belongs to its newest commit and never changes, so nothing kept here grows old; it is only dropped for room.

use davit_domain::ids::{AppKey, CommitSha};
use davit_exec::git::CommitLine;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Commits of a history that are looked through.
pub(crate) const DEEPEST: usize = 100_000;
/// Commits that are kept, of all histories together: about 200 bytes each.
const ROOM: usize = 300_000;

/// The newest commits of a branch, newest first.
type History = Arc<Vec<CommitLine>>;

/// Histories by the app and their newest commit, the last used first.
#[derive(Debug, Default)]
pub(crate) struct Histories(Mutex<VecDeque<(AppKey, CommitSha, History)>>);

impl Histories {
    /// The history of this commit, if it is kept.
    pub(crate) fn get(&self, app: &AppKey, head: &CommitSha) -> Option<History> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = kept.iter().position(|(of, commit, _)| of == app && commit == head)?;
        let found = kept.remove(at)?;
        let history = Arc::clone(&found.2);
        kept.push_front(found);
        Some(history)
    }

    /// Keeps a history, and drops those that were not used for longest until there is room.
    pub(crate) fn keep(&self, app: &AppKey, head: &CommitSha, lines: Vec<CommitLine>) -> History {
        let history = Arc::new(lines);
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(of, commit, _)| (of, commit) != (app, head));
        kept.push_front((app.clone(), head.clone(), Arc::clone(&history)));
        while kept.len() > 1 && kept.iter().map(|(.., history)| history.len()).sum::<usize>() > ROOM {
            kept.pop_back();
        }
        history
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use davit_domain::time::Timestamp;

    fn commit(number: usize) -> CommitSha {
        format!("{number:040x}").parse().expect("a commit")
    }

    fn history(length: usize) -> Vec<CommitLine> {
        let line = |number| CommitLine {
            commit: commit(number),
            author: String::new(),
            at: Timestamp::from_millis(0),
            subject: String::new(),
        };
        // No commit is called zero.
        (1..=length).map(line).collect()
    }

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let (histories, app) = (Histories::default(), "shop".parse::<AppKey>().expect("a key"));
        for head in 1..=3 {
            histories.keep(&app, &commit(head), history(ROOM / 3));
        }
        assert!(histories.get(&app, &commit(1)).is_some());
        histories.keep(&app, &commit(4), history(1));
        assert!(histories.get(&app, &commit(2)).is_none(), "it was used before the others");
        assert_eq!(histories.get(&app, &commit(1)).map(|kept| kept.len()), Some(ROOM / 3));
        assert!(histories.get(&"web".parse().expect("a key"), &commit(1)).is_none());
        histories.keep(&app, &commit(5), history(ROOM + 1));
        assert!(histories.get(&app, &commit(5)).is_some(), "one is kept whatever its size");
        assert!(histories.get(&app, &commit(1)).is_none());
    }
}
