//! What a person sees of jobs that run here: every line with the name of its job before it.

use crate::failure::Failure;
use crate::output::{Output, Tone, visible};
use davit_domain::ci::StepState;
use davit_domain::log::Stream;
use davit_runner::{JobEvent, JobOutcome};

/// What was shown of one job so far.
#[derive(Debug)]
pub(super) struct Screen {
    output: Output,
    /// Nothing is shown where somebody wants JSON.
    quiet: bool,
    /// The name of the job, with blanks up to the longest.
    job: String,
    /// The names of the steps.
    steps: Vec<String>,
    /// The name of the step that runs.
    current: String,
    /// How many groups are open.
    groups: usize,
}

impl Screen {
    pub(super) fn new(output: Output, quiet: bool, job: &str, width: usize) -> Self {
        let job = visible(job);
        Self { output, quiet, job: format!("{job:width$}"), steps: Vec::new(), current: String::new(), groups: 0 }
    }

    /// Shows an event.
    pub(super) fn show(&mut self, event: &JobEvent) -> Result<(), Failure> {
        match event {
            JobEvent::Steps(names) => self.steps.clone_from(names),
            JobEvent::StepStarted { number, name } => {
                self.groups = 0;
                self.current.clone_from(name);
                if let Some(known) = self.steps.get_mut(*number as usize) {
                    known.clone_from(name);
                }
                self.line(&self.output.paint(Tone::Name, format!("▶ {}", visible(name))))?;
            }
            JobEvent::Line { stream, text, .. } => self.said(*stream, text)?,
            JobEvent::Annotation(_) | JobEvent::Summary { .. } => {}
            JobEvent::StepEnded { number, state, exit_code } => self.ended(*number, *state, *exit_code)?,
        }
        Ok(())
    }

    /// Shows how the job ended.
    pub(super) fn outcome(&self, outcome: &JobOutcome) -> Result<(), Failure> {
        let reason = outcome.reason.as_ref().map(|reason| format!(": {}", visible(reason))).unwrap_or_default();
        let text = format!("{}{reason}", outcome.state.as_str());
        self.line(&self.output.paint(crate::cmd::tone(outcome.state.as_str()), text))
    }

    /// Says something about a job that did not run.
    pub(super) fn note(&self, state: &str, reason: &str) -> Result<(), Failure> {
        self.line(&self.output.paint(crate::cmd::tone(state), format!("{state}: {}", visible(reason))))
    }

    fn said(&mut self, stream: Stream, text: &str) -> Result<(), Failure> {
        let text = match text.strip_prefix("::").and_then(|rest| rest.split_once("::")) {
            // The step is named already.
            Some(("group", title)) if stream == Stream::System && title == self.current => {
                self.groups += 1;
                return Ok(());
            }
            Some(("group", title)) => {
                let shown = self.output.paint(Tone::Busy, format!("{}▼ {}", self.indent(), visible(title)));
                self.groups += 1;
                return self.line(&shown);
            }
            Some(("endgroup", _)) => {
                self.groups = self.groups.saturating_sub(1);
                return Ok(());
            }
            Some(("error", text)) => self.output.paint(Tone::Bad, format!("error: {}", visible(text))),
            Some(("warning", text)) => self.output.paint(Tone::Busy, format!("warning: {}", visible(text))),
            Some((kind @ ("notice" | "debug"), text)) => {
                self.output.paint(Tone::Faint, format!("{kind}: {}", visible(text)))
            }
            Some(_) | None if stream == Stream::System => self.output.paint(Tone::Faint, visible(text)),
            Some(_) | None => self.output.program(text),
        };
        self.line(&format!("{}{text}", self.indent()))
    }

    fn ended(&self, number: u32, state: StepState, exit_code: Option<i32>) -> Result<(), Failure> {
        let name = visible(self.steps.get(number as usize).map_or("", String::as_str));
        let (tone, sign) = match state {
            StepState::Success => (Tone::Good, "✓"),
            StepState::Failure | StepState::TimedOut | StepState::Cancelled => (Tone::Bad, "✗"),
            StepState::Skipped | StepState::Queued | StepState::Running => (Tone::Faint, "–"),
        };
        let code = match exit_code {
            Some(0) | None => String::new(),
            Some(code) => format!(" (exit code {code})"),
        };
        let state = if state == StepState::Success { String::new() } else { format!(" {}", state.as_str()) };
        self.line(&self.output.paint(tone, format!("{sign} {name}{state}{code}")))
    }

    fn indent(&self) -> String {
        "  ".repeat(self.groups.min(4))
    }

    fn line(&self, text: &str) -> Result<(), Failure> {
        if self.quiet {
            return Ok(());
        }
        self.output.line(format!("{} {text}", self.output.paint(Tone::Name, format!("{} │", self.job))))
    }
}
