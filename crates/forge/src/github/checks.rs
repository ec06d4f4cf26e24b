//! What others find out about a commit: GitHub's commit statuses, check runs and check suites.
//!
//! Decided here: what can't be read as good is not good. A state of the future counts as pending, a conclusion of the
//! future as an error.

use super::payload;
use super::webhook::repository;
use crate::fields;
use crate::webhook::ParseError;
use davit_domain::event::{CheckEvent, ForgeEvent};
use davit_domain::status::CommitState;

pub(super) fn status(event: &str, status: payload::StatusEvent) -> Result<ForgeEvent, ParseError> {
    Ok(ForgeEvent::Check(CheckEvent {
        repository: repository(event, status.repository)?,
        commit: fields::sha(event, "sha", &status.sha)?,
        name: status.context,
        state: match status.state.as_str() {
            "success" => CommitState::Success,
            "failure" => CommitState::Failure,
            "error" => CommitState::Error,
            _ => CommitState::Pending,
        },
        at: fields::time(status.updated_at.as_deref().or(status.created_at.as_deref())),
        description: status.description.unwrap_or_default(),
        target_url: status.target_url.unwrap_or_default(),
    }))
}

/// `rerequested` and `requested_action` are wishes of people: the run's state is as it was.
pub(super) fn check_run(event: &str, payload: payload::CheckRunEvent) -> Result<ForgeEvent, ParseError> {
    if !matches!(payload.action.as_str(), "created" | "completed") {
        return Ok(ForgeEvent::Other { name: event.to_owned() });
    }
    let run = payload.check_run;
    let word = run.conclusion.as_deref().unwrap_or(&run.status);
    Ok(ForgeEvent::Check(CheckEvent {
        repository: repository(event, payload.repository)?,
        commit: fields::sha(event, "check_run.head_sha", &run.head_sha)?,
        state: state(run.conclusion.as_deref()),
        at: fields::time(run.completed_at.as_deref().or(run.started_at.as_deref())),
        description: run.output.and_then(|output| output.title).unwrap_or_else(|| word.to_owned()),
        target_url: run.html_url.or(run.details_url).unwrap_or_default(),
        name: run.name,
    }))
}

/// Suites are made for every App that might check something, and most stay empty: they count once they are done.
pub(super) fn check_suite(event: &str, payload: payload::CheckSuiteEvent) -> Result<ForgeEvent, ParseError> {
    if payload.action != "completed" {
        return Ok(ForgeEvent::Other { name: event.to_owned() });
    }
    let suite = payload.check_suite;
    let name = suite.app.and_then(|app| app.slug.or(app.name));
    Ok(ForgeEvent::Check(CheckEvent {
        repository: repository(event, payload.repository)?,
        commit: fields::sha(event, "check_suite.head_sha", &suite.head_sha)?,
        name: name.unwrap_or_else(|| "check suite".to_owned()),
        state: state(suite.conclusion.as_deref()),
        at: fields::time(suite.updated_at.as_deref()),
        description: suite.conclusion.unwrap_or_default(),
        target_url: String::new(),
    }))
}

/// What GitHub lets a pull request pass with is a success here.
fn state(conclusion: Option<&str>) -> CommitState {
    match conclusion {
        None => CommitState::Pending,
        Some("success" | "neutral" | "skipped") => CommitState::Success,
        Some("failure" | "timed_out" | "action_required") => CommitState::Failure,
        Some(_) => CommitState::Error,
    }
}
