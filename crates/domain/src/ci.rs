//! CI: the states of runs, jobs and steps, what starts runs, and what they tell the forge.
//!
//! Lives here: which state follows which, and the names of davit's contexts. Which job starts when is the `davit-ci`
//! crate's to say, because only a workflow file knows.

use crate::InvalidTransition;
use crate::status::CommitState;
use serde::{Deserialize, Serialize};

/// What the contexts of davit's own statuses about runs and jobs begin with.
pub const CI_CONTEXT: &str = "davit/ci/";

/// The context of what davit says of a commit whose workflows it could not look for.
pub const PLANNING_CONTEXT: &str = "davit/ci/planning";

/// An enum whose variants each have one word, the same in the database, in JSON and on the page.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word that is stored and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// From its word.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == word)
            }
        }
    };
}

words! {
    /// Where a run stands.
    RunState {
        /// It is of a fork's change, and waits for a person who looks at that very commit.
        AwaitingApproval = "awaiting_approval",
        /// No job of it has started.
        Queued = "queued",
        /// At least one job has started, and not all have ended.
        Running = "running",
        /// Every job that had to succeed did.
        Success = "success",
        /// A job failed, or the workflow file is wrong.
        Failure = "failure",
        /// Ended by a person or by a newer run.
        Cancelled = "cancelled",
        /// A job took longer than it may.
        TimedOut = "timed_out",
        /// No job had anything to do.
        Skipped = "skipped",
        /// davit or its surroundings failed, not the commit.
        Error = "error",
    }
}

words! {
    /// Where one attempt at a job stands.
    JobState {
        /// Waits for the jobs it needs, for its concurrency group, or for a free place.
        Queued = "queued",
        /// Its steps run.
        Running = "running",
        /// It succeeded, or may fail and did.
        Success = "success",
        /// A step of it failed.
        Failure = "failure",
        /// Ended by a person, by a newer run, or because another job of its matrix failed.
        Cancelled = "cancelled",
        /// It took longer than it may.
        TimedOut = "timed_out",
        /// It had nothing to do, or a job that it needs did not succeed.
        Skipped = "skipped",
        /// davit or its surroundings failed, not the commit.
        Error = "error",
    }
}

words! {
    /// Where a step stands.
    StepState {
        /// Not reached.
        Queued = "queued",
        /// It runs.
        Running = "running",
        /// It succeeded.
        Success = "success",
        /// It failed.
        Failure = "failure",
        /// It was ended.
        Cancelled = "cancelled",
        /// It took longer than it may.
        TimedOut = "timed_out",
        /// It had nothing to do.
        Skipped = "skipped",
    }
}

words! {
    /// What started a run. The words are those of workflow files.
    Trigger {
        /// A push to a branch or of a tag.
        Push = "push",
        /// A change was opened or has new commits.
        PullRequest = "pull_request",
        /// A person.
        Manual = "workflow_dispatch",
        /// The clock.
        Schedule = "schedule",
        /// The merge queue, on the change merged with its base.
        Queue = "merge_group",
    }
}

words! {
    /// How much an annotation matters.
    AnnotationLevel {
        /// For who is interested.
        Notice = "notice",
        /// Should be looked at.
        Warning = "warning",
        /// Must be repaired.
        Error = "error",
    }
}

/// Something that a job or a workflow file has to say about a place in the commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// How much it matters.
    pub level: AnnotationLevel,
    /// The file, relative to the repository.
    pub file: Option<String>,
    /// Its line, from 1.
    pub line: Option<u32>,
    /// The last line that it is about.
    pub end_line: Option<u32>,
    /// The column in characters, from 1.
    pub column: Option<u32>,
    /// A few words.
    pub title: Option<String>,
    /// What there is to say.
    pub message: String,
}

/// The context of a run's status: `davit/ci/<workflow> (pull_request)`. What a push says about a commit and what its
/// change says are two contexts, so that neither hides the other.
#[must_use]
pub fn run_context(workflow: &str, trigger: Trigger) -> String {
    format!("{CI_CONTEXT}{workflow} ({})", trigger.as_str())
}

/// The context of a job's status: `davit/ci/<workflow> / <job> (pull_request)`.
#[must_use]
pub fn job_context(workflow: &str, job_name: &str, trigger: Trigger) -> String {
    format!("{CI_CONTEXT}{workflow} / {job_name} ({})", trigger.as_str())
}

/// Names of which no two are the same, so that of two contexts neither hides the other. `named` has each name with
/// what tells it apart from others of that name, which goes in brackets behind it where it is needed. Case does not
/// count: it does not for every forge.
#[must_use]
pub fn tell_apart(named: &[(&str, &str)]) -> Vec<String> {
    let is_same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
    let apart = |&(name, mark): &(&str, &str)| match named.iter().filter(|(other, _)| is_same(name, other)).count() {
        0 | 1 => name.to_owned(),
        2.. => format!("{name} ({mark})"),
    };
    named.iter().map(apart).collect()
}

impl RunState {
    /// Whether nothing more happens unless a person asks for another attempt.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::AwaitingApproval | Self::Queued | Self::Running)
    }

    /// What the forge is told.
    #[must_use]
    pub const fn commit_state(self) -> CommitState {
        match self {
            Self::AwaitingApproval | Self::Queued | Self::Running => CommitState::Pending,
            Self::Success | Self::Skipped => CommitState::Success,
            Self::Failure | Self::TimedOut => CommitState::Failure,
            Self::Cancelled | Self::Error => CommitState::Error,
        }
    }

    /// Moves on, when that is a way a run can go. A run that has ended starts again as another attempt: from
    /// [`Queued`](Self::Queued).
    pub fn advance(self, to: Self) -> Result<Self, InvalidTransition> {
        let allowed = match (self, to) {
            (_, Self::AwaitingApproval) => false,
            // A person can't let start what then turns out not to be a run that succeeded or ran out of time.
            (Self::AwaitingApproval, to) => !matches!(to, Self::Running | Self::Success | Self::TimedOut),
            (Self::Queued, to) => to != Self::Queued,
            (Self::Running, to) => to.is_final(),
            (_, to) => to == Self::Queued,
        };
        let action = match to {
            Self::AwaitingApproval => "wait for approval",
            Self::Queued => "start again",
            Self::Running => "start",
            Self::Success => "succeed",
            Self::Failure => "fail",
            Self::Cancelled => "be cancelled",
            Self::TimedOut => "time out",
            Self::Skipped => "be skipped",
            Self::Error => "end with an error",
        };
        refuse_unless(allowed, to, "the run", self.as_str(), action)
    }
}

impl JobState {
    /// Whether nothing more happens to this attempt.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// What the forge is told.
    #[must_use]
    pub const fn commit_state(self) -> CommitState {
        match self {
            Self::Queued | Self::Running => CommitState::Pending,
            Self::Success | Self::Skipped => CommitState::Success,
            Self::Failure | Self::TimedOut => CommitState::Failure,
            Self::Cancelled | Self::Error => CommitState::Error,
        }
    }

    /// Moves on, when that is a way an attempt at a job can go. What has ended stays ended: another attempt is
    /// another job.
    pub fn advance(self, to: Self) -> Result<Self, InvalidTransition> {
        let allowed = match (self, to) {
            (Self::Queued, to) => !matches!(to, Self::Queued | Self::Success | Self::TimedOut),
            (Self::Running, to) => to.is_final(),
            (_, _) => false,
        };
        let action = match to {
            Self::Queued => "wait",
            Self::Running => "start",
            Self::Success => "succeed",
            Self::Failure => "fail",
            Self::Cancelled => "be cancelled",
            Self::TimedOut => "time out",
            Self::Skipped => "be skipped",
            Self::Error => "end with an error",
        };
        refuse_unless(allowed, to, "the job", self.as_str(), action)
    }
}

impl StepState {
    /// Whether nothing more happens.
    #[must_use]
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// Moves on, when that is a way a step can go.
    pub fn advance(self, to: Self) -> Result<Self, InvalidTransition> {
        let allowed = match (self, to) {
            (Self::Queued, to) => to != Self::Queued,
            (Self::Running, to) => to.is_final(),
            (_, _) => false,
        };
        let action = match to {
            Self::Queued => "wait",
            Self::Running => "start",
            Self::Success => "succeed",
            Self::Failure => "fail",
            Self::Cancelled => "be cancelled",
            Self::TimedOut => "time out",
            Self::Skipped => "be skipped",
        };
        refuse_unless(allowed, to, "the step", self.as_str(), action)
    }
}

fn refuse_unless<S>(
    allowed: bool,
    to: S,
    what: &str,
    from: &str,
    action: &'static str,
) -> Result<S, InvalidTransition> {
    if allowed { Ok(to) } else { Err(InvalidTransition { what: what.into(), from: from.into(), action }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_occur_twice_say_whose_they_are() {
        let named = [("Tests", "a.yml"), ("tests", "b.yml"), ("Lint", "c.yml")];
        assert_eq!(tell_apart(&named), ["Tests (a.yml)", "tests (b.yml)", "Lint"]);
    }
}
