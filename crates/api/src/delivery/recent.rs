//! Figures that somebody asked for a moment ago. Working them out reads every deployment of up to two years, and every
//! open overview asks for them; yet they change only when a deployment ends or a day does.
//!
//! What an account sees is a part of the question: nobody is given the figures of places that they don't see.

use super::DeliveryFigures;
use crate::problem::Problem;
use davit_store::delivery::{DeliveryFilter, Ends};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::OnceCell;

/// Questions whose answers are kept. Some kilobytes each.
const ROOM: usize = 64;

/// All that the figures depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) filter: DeliveryFilter,
    pub(super) days: u16,
    pub(super) zone: String,
    /// Minutes since 1970: days end, and clocks are set.
    pub(super) minute: i64,
    pub(super) ends: Ends,
}

/// Filled once; whoever asks meanwhile waits for it.
type Answer = Arc<OnceCell<DeliveryFigures>>;

/// The last questions, newest first, and their answers.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<VecDeque<(Asked, Answer)>>);

impl Recent {
    /// The figures that were asked for: those of a moment ago, or else worked out now. A failure is not kept.
    pub(super) async fn get(
        &self,
        asked: Asked,
        work_out: impl AsyncFnOnce(&Asked) -> Result<DeliveryFigures, Problem>,
    ) -> Result<DeliveryFigures, Problem> {
        self.answer(&asked).get_or_try_init(|| work_out(&asked)).await.cloned()
    }

    fn answer(&self, asked: &Asked) -> Answer {
        // Nothing under the lock can leave the list half changed.
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, answer)) = recent.iter().find(|(known, _)| known == asked) {
            return Arc::clone(answer);
        }
        let answer = Answer::default();
        recent.push_front((asked.clone(), Arc::clone(&answer)));
        recent.truncate(ROOM);
        answer
    }
}
