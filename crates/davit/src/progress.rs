//! A deployment as it goes on, for people: a moving line a host on a terminal, plain lines elsewhere.
//!
//! All of it goes to stderr. What came of the deployment is the command's own to print.

use crate::client::follow::Update;
use crate::client::types::{Deployment, HostRun, Line, StepState};
use crate::cmd::tone;
use crate::output::{Output, Tone, visible};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Log lines kept for when it fails.
const TAIL: usize = 20;
const TICK: Duration = Duration::from_millis(120);

/// Draws what a deployment does.
pub(crate) struct Progress {
    output: Output,
    drawing: Drawing,
}

enum Drawing {
    Moving(Moving),
    Plain { state: String, hosts: BTreeMap<String, String> },
}

struct Moving {
    all: MultiProgress,
    server: ProgressBar,
    hosts: BTreeMap<String, ProgressBar>,
    tail: VecDeque<String>,
}

impl Progress {
    /// Starts to draw.
    pub(crate) fn new(output: Output) -> Self {
        let drawing = if output.is_terminal() {
            let all = MultiProgress::new();
            let server = all.add(bar("server"));
            Drawing::Moving(Moving { all, server, hosts: BTreeMap::new(), tail: VecDeque::new() })
        } else {
            Drawing::Plain { state: String::new(), hosts: BTreeMap::new() }
        };
        Self { output, drawing }
    }

    /// Draws one update.
    pub(crate) fn show(&mut self, update: &Update) {
        match (&mut self.drawing, update) {
            (Drawing::Moving(moving), Update::Line(line)) => moving.line(self.output, line),
            (Drawing::Moving(moving), Update::State(deployment)) => moving.state(self.output, deployment),
            (Drawing::Plain { .. }, Update::Line(line)) => self.output.note(self.output.log_line(line)),
            (Drawing::Plain { state, hosts }, Update::State(deployment)) => {
                plain_changes(state, hosts, deployment).iter().for_each(|change| self.output.note(change));
            }
        }
    }

    /// Says something that stays, between what moves.
    pub(crate) fn say(&self, sentence: &str) {
        match &self.drawing {
            Drawing::Moving(moving) => moving.all.suspend(|| self.output.note(sentence)),
            Drawing::Plain { .. } => self.output.note(sentence),
        }
    }

    /// Leaves the lines as they are; where the deployment failed, the end of its log comes below them.
    pub(crate) fn finish(self, failed: bool) {
        let Drawing::Moving(moving) = self.drawing else { return };
        moving.server.abandon();
        moving.hosts.values().for_each(ProgressBar::abandon);
        if failed {
            moving.tail.iter().for_each(|line| self.output.note(line));
        }
    }
}

impl Moving {
    fn line(&mut self, output: Output, line: &Line) {
        self.tail.push_back(output.log_line(line));
        if self.tail.len() > TAIL {
            self.tail.pop_front();
        }
    }

    fn state(&mut self, output: Output, deployment: &Deployment) {
        let running = deployment.steps.iter().find(|step| step.state == "running");
        let done = deployment.steps.iter().filter(|step| step.state == "succeeded").count();
        self.server.set_length(deployment.steps.len().max(1) as u64);
        self.server.set_position(done as u64);
        let step = running.map(|step| format!(": {}", step_name(step))).unwrap_or_default();
        let state = deployment.state.as_str();
        self.server.set_message(format!("{}{step}", output.paint(tone(state), state)));
        for run in &deployment.host_runs {
            let name = || format!("{}{}", visible(&run.host), batch_of(run, deployment));
            let bar = self.hosts.entry(run.host.clone()).or_insert_with(|| self.all.add(bar(&name())));
            bar.set_position(position(&run.state));
            bar.set_message(host_message(output, run));
        }
    }
}

/// What differs from the last state, one sentence each.
fn plain_changes(state: &mut String, hosts: &mut BTreeMap<String, String>, deployment: &Deployment) -> Vec<String> {
    let mut changes = Vec::new();
    if *state != deployment.state.as_str() {
        deployment.state.as_str().clone_into(state);
        changes.push(format!("deployment {}: {state}", deployment.id));
    }
    for run in &deployment.host_runs {
        if hosts.get(&run.host) != Some(&run.state) {
            hosts.insert(run.host.clone(), run.state.clone());
            let reason = run.reason.as_ref().map(|reason| format!(", {}", visible(reason))).unwrap_or_default();
            changes.push(format!("{}{}: {}{reason}", run.host, batch_of(run, deployment), run.state));
        }
    }
    changes
}

/// ` (2/3)` where hosts go in more than one portion.
fn batch_of(run: &HostRun, deployment: &Deployment) -> String {
    match (run.batch, deployment.batches) {
        (Some(batch), Some(batches)) if batches > 1 => format!(" ({batch}/{batches})"),
        (Some(_) | None, Some(_) | None) => String::new(),
    }
}

/// `5 release`; of an action, its name alone.
fn step_name(step: &StepState) -> String {
    if step.number <= 6 { format!("{} {}", step.number, visible(&step.title)) } else { visible(&step.title) }
}

fn host_message(output: Output, run: &HostRun) -> String {
    let reason = run.reason.as_ref().map(|reason| format!(" {}", output.paint(Tone::Faint, visible(reason))));
    format!("{}{}", output.paint(tone(&run.state), &run.state), reason.unwrap_or_default())
}

/// How far along the six stages of a host run a state is.
fn position(state: &str) -> u64 {
    match state {
        "staging" => 1,
        "staged" => 2,
        "switching" => 3,
        "live" => 4,
        "verifying" | "held" => 5,
        "done" => 6,
        _ => 0,
    }
}

fn bar(name: &str) -> ProgressBar {
    let bar = ProgressBar::new(6).with_prefix(name.to_owned());
    // The template is a constant: that it parses is seen at the first use.
    if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:16} {bar:12} {wide_msg}") {
        bar.set_style(style.progress_chars("━━┄"));
    }
    bar.enable_steady_tick(TICK);
    bar
}
