//! What goes into a job and what comes out of it, as values.

use crate::place::PlaceSpec;
use davit_ci::{Defaults, Instance, Job, Named, Template, Value};
use davit_domain::ci::{Annotation, JobState, StepState};
use davit_domain::log::Stream;
use secrecy::SecretString;

/// A job to run. Nothing of it is looked up anywhere: what is not in here, the job can't see.
#[derive(Debug, Clone)]
pub struct JobSpec {
    /// The job as it is written.
    pub job: Job,
    /// Which combination of it.
    pub instance: Instance,
    /// The workflow's `env`.
    pub workflow_env: Named<Template>,
    /// The workflow's `defaults.run`.
    pub workflow_defaults: Defaults,
    /// The context `github`: everything but what depends on the place (`workspace`, `event_path`, `action`, `job` and
    /// the like), which is added. `event` in it becomes the file that `GITHUB_EVENT_PATH` names.
    pub github: Value,
    /// The context `vars`.
    pub vars: Value,
    /// The context `needs`.
    pub needs: Value,
    /// The context `inputs`.
    pub inputs: Value,
    /// The context `secrets`. Every value is masked wherever it shows up.
    pub secrets: Vec<(String, SecretString)>,
    /// Where it runs, and within which limits.
    pub place: PlaceSpec,
}

/// What happens in a job. Texts are masked already. Step 0 is davit's own "Set up job"; the last is "Complete job".
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEvent {
    /// The names of the steps, from step 0; comes first, and once.
    Steps(Vec<String>),
    /// A step started.
    StepStarted {
        /// Which.
        number: u32,
        /// Its name, now that its expressions have values.
        name: String,
    },
    /// A line of the log. Lines that start with `::group::`, `::endgroup::`, `::notice::`, `::warning::`, `::error::` or
    /// `::debug::` are to be shown as what they say; other commands are not in the log.
    Line {
        /// The step that said it.
        step: u32,
        /// Which stream; davit itself is [`Stream::System`].
        stream: Stream,
        /// The text without its line ending.
        text: String,
    },
    /// Something about a place in the commit.
    Annotation(Annotation),
    /// What a step wrote to `GITHUB_STEP_SUMMARY`.
    Summary {
        /// The step.
        step: u32,
        /// Markdown, of whoever wrote the job: not to be trusted.
        markdown: String,
    },
    /// A step ended; comes for every step of [`JobEvent::Steps`], also for those that did not start.
    StepEnded {
        /// Which.
        number: u32,
        /// How, after `continue-on-error`.
        state: StepState,
        /// The exit code, where a program ended with one.
        exit_code: Option<i32>,
    },
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobOutcome {
    /// The state; always final. `continue-on-error` of the job does not change it.
    pub state: JobState,
    /// Why it is not a success, as a sentence.
    pub reason: Option<String>,
    /// The job's outputs. One that held a secret is not among them.
    pub outputs: Vec<(String, String)>,
}
