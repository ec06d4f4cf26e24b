//! The end of a step before its time.

use super::{LINGER, Supervisor, reply_to};
use crate::processes::{self, Identity, Process};
use nix::sys::signal::Signal;
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::timeout;

/// Between TERM and KILL.
const TERM_GRACE: Duration = Duration::from_secs(5);

/// How long one look takes for what the shell says of a step that is to end, and how many there are from first to last:
/// it answers at once, unless the machine is busy with other things.
const LOOK: Duration = Duration::from_millis(20);
const ANSWER: u32 = 1500;

/// Among so many looks is one for whether the shell was stopped.
const WAKE: u32 = 10;

/// A process that has just begun ignores TERM as its supervisor does, for a moment. After this long it is told again.
const DEAF: Duration = Duration::from_millis(200);

impl Supervisor {
    /// TERM, and KILL when that does not help, for what came after `older`. Returns what was seen, for people.
    pub(super) async fn end_step(&mut self, older: &HashSet<Identity>) -> String {
        if self.running.is_some() && self.text.is_unsent() {
            // The shell has heard nothing of it, and never will.
            self.running = None;
            let _ = timeout(LINGER, self.output.end()).await;
            return "the step was not started".to_owned();
        }
        let mut looks = ANSWER;
        let first = self.begun(older, &mut looks).await;
        let mut proof = match first.as_slice() {
            [] => "nothing of it was running any more".to_owned(),
            some => format!("{} ended by TERM", processes::list(some)),
        };
        if !self.ended_by_term(&first, older).await {
            let stubborn = processes::list(&self.tree.newer(older));
            proof = match self.tree.kill_all(older).await {
                true => format!("{stubborn} did not end by TERM and was ended by KILL"),
                false => {
                    self.end_place(format!("{stubborn} did not end by TERM and KILL, so the whole place was ended"))
                }
            };
        }
        // The shell says how the step ended, on standard error too, before it replies.
        while self.is_awaited() && self.gone.is_none() {
            if !self.hear_of_the_end(&mut looks).await {
                let what = "the shell that runs the steps did not answer, so the whole place was ended";
                proof = self.end_place(what.to_owned());
            }
        }
        // What else holds the output open has no claim to hold up the end.
        let _ = timeout(LINGER, self.output.end()).await;
        proof
    }

    /// What the step has started. The shell may not have come to it yet, and would begin it when everybody takes it for
    /// ended: a step that it has heard of is ended only after it began.
    async fn begun(&mut self, older: &HashSet<Identity>, looks: &mut u32) -> Vec<Process> {
        loop {
            let started = self.tree.newer(older);
            if !started.is_empty() || !self.is_awaited() || !self.hear_of_the_end(looks).await {
                return started;
            }
        }
    }

    /// Sends TERM to what the step has started, and says whether all that came after `older` has ended by it.
    async fn ended_by_term(&self, started: &[Process], older: &HashSet<Identity>) -> bool {
        let deaf: Vec<&Process> = started.iter().filter(|process| process.ignores(Signal::SIGTERM)).collect();
        for process in started {
            process.signal(Signal::SIGTERM);
            // A stopped process would not see the TERM.
            process.signal(Signal::SIGCONT);
        }
        if !deaf.is_empty() {
            if self.tree.gone_within(older, DEAF).await {
                return true;
            }
            // Only these: others may take a second TERM for an order to leave everything as it lies.
            deaf.iter().filter(|process| process.is_alive()).for_each(|process| process.signal(Signal::SIGTERM));
        }
        self.tree.gone_within(older, TERM_GRACE).await
    }

    /// Whether there is a shell that has not said yet how the step ended.
    fn is_awaited(&mut self) -> bool {
        self.running.is_some() && matches!(self.child.try_wait(), Ok(None))
    }

    /// Listens a little for the shell's word that the step has ended. False when there are no looks left.
    async fn hear_of_the_end(&mut self, looks: &mut u32) -> bool {
        let Some(left) = looks.checked_sub(1) else { return false };
        if looks.is_multiple_of(WAKE) {
            // A stopped shell begins no step and does not notice the end of one.
            self.tree.wake_shell();
        }
        *looks = left;
        let Some(id) = &self.running else { return true };
        let word = async {
            self.text.send(&mut self.stdin).await;
            reply_to(&mut self.replies, id).await
        };
        if timeout(LOOK, word).await.is_ok() {
            self.running = None;
        }
        true
    }

    /// Ends everything, because it can't go on. Returns why, for people.
    fn end_place(&mut self, why: String) -> String {
        self.tree.kill_root();
        self.gone = Some(format!("the place was ended: {why}"));
        why
    }
}
