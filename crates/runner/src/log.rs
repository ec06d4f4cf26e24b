//! What a job says: every line is looked at for commands, masked, and sent on.

use crate::commands::{Commands, Said};
use crate::mask::Masks;
use crate::spec::JobEvent;
use davit_domain::ci::{Annotation, AnnotationLevel};
use davit_domain::log::Stream;
use davit_exec::OutputLine;
use tokio::sync::mpsc;

/// Annotations of one step, of each level: GitHub's limit.
const MOST_ANNOTATIONS: u32 = 10;

/// Where the lines and events of a job go.
#[derive(Debug)]
pub(crate) struct Log {
    events: mpsc::Sender<JobEvent>,
    masks: Masks,
    commands: Commands,
    /// How the workspace is called in the paths of annotations.
    workspace: String,
    /// Whether lines of `::debug::` are shown.
    debug: bool,
    step: u32,
    annotations: [u32; 3],
    /// What was refused in this step, so that it is said once.
    refused: Vec<&'static str>,
    hidden: bool,
}

impl Log {
    pub(crate) fn new(events: mpsc::Sender<JobEvent>, masks: Masks, debug: bool) -> Self {
        Self {
            events,
            masks,
            commands: Commands::default(),
            workspace: String::new(),
            debug,
            step: 0,
            annotations: [0; 3],
            refused: Vec::new(),
            hidden: false,
        }
    }

    /// The workspace is known now.
    pub(crate) fn set_workspace(&mut self, workspace: &str) {
        self.workspace = format!("{}/", workspace.trim_end_matches('/'));
    }

    /// What comes belongs to this step.
    pub(crate) fn begin_step(&mut self, step: u32) {
        self.step = step;
        self.annotations = [0; 3];
        self.refused.clear();
        self.begin_script();
    }

    /// Another program begins to talk: what one switched off is on again.
    pub(crate) fn begin_script(&mut self) {
        self.commands = Commands::default();
    }

    pub(crate) const fn masks(&self) -> &Masks {
        &self.masks
    }

    /// Sends an event whose texts hold no secret. Nobody needs to listen.
    pub(crate) async fn send(&self, event: JobEvent) {
        let _ = self.events.send(event).await;
    }

    /// Says something in davit's own words, which may quote the job's.
    pub(crate) async fn say(&self, text: &str) {
        self.put(Stream::System, text).await;
    }

    /// Says why something failed.
    pub(crate) async fn fail(&self, reason: &str) {
        self.put(Stream::System, &format!("::error::{reason}")).await;
    }

    /// Says what is not as it should be.
    pub(crate) async fn warn(&self, reason: &str) {
        self.put(Stream::System, &format!("::warning::{reason}")).await;
    }

    /// Sends what the step wrote to its summary.
    pub(crate) async fn summarize(&self, markdown: &str) {
        if !self.hidden {
            let markdown = self.masks.redact(markdown).into_owned();
            self.send(JobEvent::Summary { step: self.step, markdown }).await;
        }
    }

    /// Takes a line of a step's program.
    pub(crate) async fn take(&mut self, line: OutputLine) {
        let OutputLine { stream, text } = line;
        match self.commands.read(&text) {
            Said::Text(text) => self.put(stream, text).await,
            Said::Group(title) => self.put(stream, &format!("::group::{title}")).await,
            Said::EndGroup => self.put(stream, "::endgroup::").await,
            Said::Debug(text) if self.debug => self.put(stream, &format!("::debug::{text}")).await,
            Said::Debug(_) | Said::Nothing => {}
            Said::Annotation(annotation) => self.annotate(stream, annotation).await,
            Said::Mask(secret) => self.hide(&secret).await,
            Said::Refused(reason) if self.refused.contains(&reason) => {}
            Said::Refused(reason) => {
                self.refused.push(reason);
                self.warn(reason).await;
            }
        }
    }

    /// Masks `secret` from now on. Where that is not possible any more, nothing is shown.
    pub(crate) async fn hide(&mut self, secret: &str) {
        if let Err(reason) = self.masks.add(secret) {
            self.warn(&reason).await;
            self.hidden = true;
        }
    }

    async fn annotate(&mut self, stream: Stream, annotation: Annotation) {
        self.put(stream, &format!("::{}::{}", annotation.level.as_str(), annotation.message)).await;
        let count = &mut self.annotations[match annotation.level {
            AnnotationLevel::Notice => 0,
            AnnotationLevel::Warning => 1,
            AnnotationLevel::Error => 2,
        }];
        *count += 1;
        if *count > MOST_ANNOTATIONS || self.hidden {
            return;
        }
        let clean = |text: &str| self.masks.redact(text).into_owned();
        let file = annotation.file.as_deref().map(|file| {
            let relative = file.strip_prefix(self.workspace.as_str()).unwrap_or(file);
            clean(relative.strip_prefix("./").unwrap_or(relative))
        });
        let title = annotation.title.as_deref().map(clean);
        let message = clean(&annotation.message);
        self.send(JobEvent::Annotation(Annotation { file, title, message, ..annotation })).await;
    }

    /// The one way into the log. A text with several lines becomes several, masked as a whole before.
    async fn put(&self, stream: Stream, text: &str) {
        if self.hidden {
            return;
        }
        let masked = self.masks.redact(text);
        if masked.is_empty() {
            self.send(JobEvent::Line { step: self.step, stream, text: String::new() }).await;
        }
        for line in masked.lines() {
            self.send(JobEvent::Line { step: self.step, stream, text: line.to_owned() }).await;
        }
    }
}
