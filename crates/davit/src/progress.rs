//! A deployment as it goes on, for people: a moving line a host on a terminal, plain lines elsewhere. Of more hosts than
//! anybody reads, sums and the hosts that fail.
//!
//! All of it goes to stderr. What came of the deployment is the command's own to print.

use crate::client::follow::Update;
use crate::client::types::{Deployment, HostRun, Line, StepState};
use crate::cmd::tone;
use crate::output::{Output, Tone, visible};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::time::Duration;

/// Log lines kept for when it fails.
const TAIL: usize = 20;
/// More hosts than this are summed up.
const FEW: usize = 24;
/// Failed hosts that are named where hosts are summed up.
const NAMED: usize = 20;
const TICK: Duration = Duration::from_millis(120);

/// Draws what a deployment does.
pub(crate) struct Progress {
    output: Output,
    drawing: Drawing,
}

enum Drawing {
    Moving(Moving),
    Plain(Plain),
}

struct Moving {
    all: MultiProgress,
    server: ProgressBar,
    hosts: BTreeMap<String, ProgressBar>,
    sums: Option<ProgressBar>,
    failed: Failed,
    tail: VecDeque<String>,
}

#[derive(Default)]
struct Plain {
    state: String,
    hosts: BTreeMap<String, String>,
    /// The last sums that were said; empty: there are few hosts.
    sums: String,
    /// Whole tenths of the hosts that are through.
    tenths: usize,
    failed: Failed,
}

/// The failed hosts that were named already.
#[derive(Default)]
struct Failed(BTreeSet<String>);

/// How far many hosts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sums {
    all: usize,
    done: usize,
    failed: usize,
    /// Skipped or cancelled.
    left_out: usize,
    at_work: usize,
}

impl Progress {
    /// Starts to draw.
    pub(crate) fn new(output: Output) -> Self {
        let drawing = if output.is_terminal() {
            let all = MultiProgress::new();
            let server = all.add(bar("server"));
            let (hosts, tail) = (BTreeMap::new(), VecDeque::new());
            Drawing::Moving(Moving { all, server, hosts, sums: None, failed: Failed::default(), tail })
        } else {
            Drawing::Plain(Plain::default())
        };
        Self { output, drawing }
    }

    /// Draws one update.
    pub(crate) fn show(&mut self, update: &Update) {
        match (&mut self.drawing, update) {
            (Drawing::Moving(moving), Update::Line(line)) => moving.line(self.output, line),
            (Drawing::Moving(moving), Update::State(deployment)) => moving.state(self.output, deployment),
            // What many hosts say at the same time is for `davit logs` to sort.
            (Drawing::Plain(plain), Update::Line(line)) if plain.sums.is_empty() || line.host.is_none() => {
                self.output.note(self.output.log_line(line));
            }
            (Drawing::Plain(_), Update::Line(_)) => {}
            (Drawing::Plain(plain), Update::State(deployment)) => {
                plain.changes(deployment).iter().for_each(|change| self.output.note(change));
            }
        }
    }

    /// Says something that stays, between what moves.
    pub(crate) fn say(&self, sentence: &str) {
        match &self.drawing {
            Drawing::Moving(moving) => moving.all.suspend(|| self.output.note(sentence)),
            Drawing::Plain(_) => self.output.note(sentence),
        }
    }

    /// Leaves the lines as they are; where the deployment failed, the end of its log comes below them.
    pub(crate) fn finish(self, failed: bool) {
        let Drawing::Moving(moving) = self.drawing else { return };
        moving.server.abandon();
        moving.hosts.values().chain(&moving.sums).for_each(ProgressBar::abandon);
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
        if deployment.host_runs.len() > FEW {
            return self.many(output, deployment);
        }
        for run in &deployment.host_runs {
            let name = || format!("{}{}", visible(&run.host), batch_of(run, deployment));
            let bar = self.hosts.entry(run.host.clone()).or_insert_with(|| self.all.add(bar(&name())));
            bar.set_position(position(&run.state));
            bar.set_message(host_message(output, run));
        }
    }

    fn many(&mut self, output: Output, deployment: &Deployment) {
        for sentence in self.failed.newly(deployment) {
            self.all.suspend(|| output.note(&sentence));
        }
        let sums = Sums::of(deployment);
        let bar = self.sums.get_or_insert_with(|| self.all.add(bar("hosts")));
        bar.set_length(sums.all as u64);
        bar.set_position(sums.through() as u64);
        bar.set_message(sums.to_string());
    }
}

impl Plain {
    /// What differs from the last state, one sentence each.
    fn changes(&mut self, deployment: &Deployment) -> Vec<String> {
        let mut changes = Vec::new();
        if self.state != deployment.state.as_str() {
            deployment.state.as_str().clone_into(&mut self.state);
            changes.push(format!("deployment {}: {}", deployment.id, self.state));
        }
        if deployment.host_runs.len() > FEW {
            self.many(deployment, &mut changes);
            return changes;
        }
        for run in &deployment.host_runs {
            if self.hosts.get(&run.host) != Some(&run.state) {
                self.hosts.insert(run.host.clone(), run.state.clone());
                changes.push(format!("{}{}: {}{}", run.host, batch_of(run, deployment), run.state, reason_of(run)));
            }
        }
        changes
    }

    /// The sums whenever another tenth of the hosts is through, and with every change of the deployment's state.
    fn many(&mut self, deployment: &Deployment, changes: &mut Vec<String>) {
        let named = self.failed.newly(deployment);
        let sums = Sums::of(deployment);
        let tenths = sums.through() * 10 / sums.all;
        let text = sums.to_string();
        if text != self.sums && (tenths != self.tenths || self.sums.is_empty() || !changes.is_empty()) {
            (self.sums, self.tenths) = (text.clone(), tenths);
            changes.push(format!("hosts: {text}"));
        }
        changes.extend(named);
    }
}

impl Failed {
    /// Sentences about the hosts that failed since the last time.
    fn newly(&mut self, deployment: &Deployment) -> Vec<String> {
        let mut sentences = Vec::new();
        for run in deployment.host_runs.iter().filter(|run| has_failed(&run.state)) {
            if !self.0.insert(run.host.clone()) {
                continue;
            }
            match self.0.len() {
                number if number <= NAMED => {
                    sentences.push(format!("{}: {}{}", visible(&run.host), run.state, reason_of(run)))
                }
                number if number == NAMED + 1 => {
                    sentences.push(format!("More hosts failed: davit deployment show {}", deployment.id));
                }
                _ => {}
            }
        }
        sentences
    }
}

impl Sums {
    /// Hosts where nothing more will happen.
    const fn through(self) -> usize {
        self.done + self.failed + self.left_out
    }

    fn of(deployment: &Deployment) -> Self {
        let runs = &deployment.host_runs;
        let count = |wanted: fn(&str) -> bool| runs.iter().filter(|run| wanted(&run.state)).count();
        Self {
            all: runs.len(),
            done: count(|state| state == "done"),
            failed: count(has_failed),
            left_out: count(|state| matches!(state, "skipped" | "cancelled")),
            at_work: count(|state| (1..=5).contains(&position(state)) && state != "held"),
        }
    }
}

impl fmt::Display for Sums {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { all, done, failed, left_out, at_work } = self;
        write!(f, "{done} of {all} done")?;
        if *at_work > 0 {
            write!(f, ", {at_work} at work")?;
        }
        if *failed > 0 {
            write!(f, ", {failed} failed")?;
        }
        if *left_out > 0 {
            write!(f, ", {left_out} left out")?;
        }
        Ok(())
    }
}

fn has_failed(state: &str) -> bool {
    matches!(state, "failed" | "held" | "reverted" | "unknown")
}

/// `, disk full` where there is a reason.
fn reason_of(run: &HostRun) -> String {
    run.reason.as_ref().map(|reason| format!(", {}", visible(reason))).unwrap_or_default()
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(state: &str, hosts: impl Iterator<Item = (usize, &'static str)>) -> Deployment {
        let runs: Vec<_> = hosts
            .map(|(number, state)| {
                let reason = (state == "failed").then_some("disk full");
                json!({ "host": format!("web-{number:03}"), "state": state, "reason": reason })
            })
            .collect();
        let commit = "0123456789abcdef0123456789abcdef01234567";
        serde_json::from_value(json!({
            "id": 12, "request": 7, "app": "shop", "environment": "production", "kind": "regular", "state": state,
            "commit": commit, "title": "Sell more", "created_at": "2026-01-31T12:00:00.000Z", "attempt": 1,
            "host_runs": runs
        }))
        .expect("a deployment")
    }

    #[test]
    fn few_hosts_are_told_one_by_one() {
        let mut plain = Plain::default();
        let told = plain.changes(&deployment("staging", [(1, "staging"), (2, "waiting")].into_iter()));
        assert_eq!(told, ["deployment 12: staging", "web-001: staging", "web-002: waiting"]);
        let told = plain.changes(&deployment("staging", [(1, "done"), (2, "failed")].into_iter()));
        assert_eq!(told, ["web-001: done", "web-002: failed, disk full"]);
    }

    #[test]
    fn many_hosts_are_summed_up_and_the_failed_ones_named() {
        let mut plain = Plain::default();
        let mut told = Vec::new();
        for through in 0..=500_usize {
            let state = |number| match number {
                7 | 300 if number < through => "failed",
                _ if number < through => "done",
                _ if number < through + 16 => "staging",
                _ => "waiting",
            };
            told.extend(plain.changes(&deployment("staging", (0..500).map(|number| (number, state(number))))));
        }
        assert_eq!(
            told[..3],
            ["deployment 12: staging", "hosts: 0 of 500 done, 16 at work", "web-007: failed, disk full"]
        );
        assert_eq!(told.last().map(String::as_str), Some("hosts: 498 of 500 done, 2 failed"));
        assert_eq!(told.len(), 1 + 11 + 2, "the state, the sums at the start and ten times, two hosts: {told:#?}");
    }

    #[test]
    fn of_very_many_failures_the_first_are_named() {
        let mut failed = Failed::default();
        let told = failed.newly(&deployment("staging", (0..100).map(|number| (number, "failed"))));
        assert_eq!(told.len(), NAMED + 1);
        assert_eq!(told[NAMED], "More hosts failed: davit deployment show 12");
        assert!(failed.newly(&deployment("failed", (0..100).map(|number| (number, "failed")))).is_empty());
    }
}
