//! Every file in `tests/corpus/valid` makes the plans that its snapshot says, for the events that its comments name
//! (`# on push branch main changed a b`); without any, for a push to main.

use davit_ci::{
    Contexts, Decision, Event, Expansion, Instance, Plan, PlannedJob, Reference, Root, Value, plan, read_workflow,
};
use serde_json::json;
use std::path::{Path, PathBuf};

/// The files of a part of the corpus.
pub(crate) fn files(part: &str) -> Vec<(String, String)> {
    let directory = directory().join(part);
    let entries = std::fs::read_dir(&directory).expect("the corpus");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read_to_string(path).expect("a text"))
    };
    paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "yml")).map(read).collect()
}

pub(crate) fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus")
}

/// What the server would know of an event.
pub(crate) fn contexts(event: &Event) -> Contexts<'static> {
    let (reference, name) = match event {
        Event::Push { reference: Reference::Tag(name), .. } => (format!("refs/tags/{name}"), name.as_str()),
        Event::Push { reference: Reference::Branch(name), .. } => (format!("refs/heads/{name}"), name.as_str()),
        Event::PullRequest { .. } => ("refs/pull/7/merge".to_owned(), "7/merge"),
        Event::MergeGroup { .. } => ("refs/heads/davit-queue/main".to_owned(), "davit-queue/main"),
        Event::Dispatch { .. } | Event::Schedule { .. } => ("refs/heads/main".to_owned(), "main"),
    };
    let github = json!({
        "actor": "mona", "event_name": event.name(), "ref": reference, "ref_name": name, "workflow": "corpus",
        "sha": "0123456789012345678901234567890123456789", "event": {"repository": {"name": "app"}},
    });
    let vars = json!({"MATRIX": r#"{"shard": [1, 2], "include": [{"shard": 3, "slow": true}]}"#});
    let value = |json: serde_json::Value| Value::from_json(&json.to_string()).expect("JSON");
    Contexts::new().with(Root::Github, value(github)).with(Root::Vars, value(vars))
}

pub(crate) fn push_to_main() -> Event {
    read_event("push branch main")
}

#[test]
fn every_file_makes_the_plans_of_its_snapshot() {
    let files = files("valid");
    assert!(files.len() >= 40, "{} files", files.len());
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(directory().join("snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    for (name, text) in files {
        let workflow = read_workflow(&name, &text).unwrap_or_else(|errors| panic!("{errors}"));
        let mut events: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# on ")).collect();
        if events.is_empty() {
            events.push("push branch main");
        }
        let outcomes = events.iter().map(|line| (*line, outcome(&workflow, &read_event(line))));
        let outcomes: Vec<_> = outcomes.map(|(line, outcome)| json!({"on": line, "does": outcome})).collect();
        settings.bind(|| insta::assert_json_snapshot!(name.trim_end_matches(".yml"), outcomes));
    }
}

/// `push branch main changed a b`, `pull_request opened main message [skip ci]`, `merge_group main`, `dispatch name=value`, `schedule …`.
fn read_event(line: &str) -> Event {
    let (line, message) = line.split_once(" message ").unwrap_or((line, ""));
    let (line, changed) = match line.split_once(" changed ") {
        Some((line, paths)) => (line, Some(paths.split(' ').map(str::to_owned).collect())),
        None => (line, None),
    };
    let message = message.to_owned();
    let words: Vec<&str> = line.split(' ').collect();
    match words.as_slice() {
        ["push", "branch", name] => Event::Push { reference: Reference::Branch((*name).to_owned()), changed, message },
        ["push", "tag", name] => Event::Push { reference: Reference::Tag((*name).to_owned()), changed, message },
        ["pull_request", action, base] => {
            Event::PullRequest { action: (*action).to_owned(), base: (*base).to_owned(), changed, message }
        }
        ["merge_group", base] => Event::MergeGroup { base: (*base).to_owned() },
        ["dispatch", inputs @ ..] => {
            let input = |input: &&str| input.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
            Event::Dispatch { inputs: inputs.iter().filter_map(input).collect() }
        }
        ["schedule", cron @ ..] => Event::Schedule { cron: cron.join(" ") },
        other => panic!("no event: {other:?}"),
    }
}

fn outcome(workflow: &davit_ci::Workflow, event: &Event) -> serde_json::Value {
    match plan(workflow, event, &contexts(event)) {
        Ok(Decision::Runs(plan)) => shown(&plan),
        Ok(Decision::Not(selection)) => json!(format!("nothing: {selection:?}")),
        Err(error) => json!(format!("error: {error}")),
    }
}

/// What a plan says, without the steps; those are in the files.
fn shown(plan: &Plan) -> serde_json::Value {
    let mut shown = json!({"workflow": plan.workflow, "jobs": plan.jobs.iter().map(job).collect::<Vec<_>>()});
    let mut add = |key: &str, value: serde_json::Value, empty: bool| {
        if !empty {
            shown[key] = value;
        }
    };
    add("run_name", json!(plan.run_name), plan.run_name.is_none());
    add("inputs", json!(plan.inputs), plan.inputs == Value::Object(Vec::new()));
    add("concurrency", json!(plan.concurrency), plan.concurrency.is_none());
    shown
}

fn job(planned: &PlannedJob) -> serde_json::Value {
    let mut shown = json!({"id": planned.job.id});
    if !planned.job.needs.is_empty() {
        shown["needs"] = json!(planned.job.needs);
    }
    if let Some(condition) = planned.job.condition.expression() {
        shown["if"] = json!(condition.source());
    }
    shown["runs"] = match &planned.expansion {
        Expansion::AfterNeeds => json!("known after its needs"),
        Expansion::Now(instances) => instances.iter().map(instance).collect(),
    };
    shown
}

fn instance(instance: &Instance) -> serde_json::Value {
    let Instance { name, matrix, runs_on, continue_on_error, timeout_minutes, .. } = instance;
    let mut line = format!("{name} on {}", runs_on.join("+"));
    if *matrix != Value::Null {
        let matrix = serde_json::to_string(matrix).expect("JSON");
        line.push_str(&format!(" with {matrix}"));
    }
    timeout_minutes.iter().for_each(|minutes| line.push_str(&format!(", {minutes} min")));
    if *continue_on_error {
        line.push_str(", may fail");
    }
    instance.environment.iter().for_each(|environment| line.push_str(&format!(", in {environment}")));
    instance.concurrency.iter().for_each(|group| line.push_str(&format!(", of {group:?}")));
    json!(line)
}
