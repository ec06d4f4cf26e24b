//! `on`: the events that a workflow runs on.

use super::fields::{Fields, entries, is_null, items, known_flag, text, texts};
use crate::cron::Cron;
use crate::event::PULL_REQUEST_TYPES;
use crate::filter::{Filter, Pattern};
use crate::model::{Dispatch, Input, InputKind, MergeGroup, PullRequest, Push, Triggers};
use crate::place::{Place, Problems, listed};
use crate::value::Value;
use crate::yaml::{Entry, Kind, Node, Plain, Scalar};

/// The events that davit runs workflows on.
const EVENTS: [&str; 5] = ["push", "pull_request", "merge_group", "workflow_dispatch", "schedule"];

/// What happened to a change, where `types` does not say it.
const DEFAULT_TYPES: [&str; 3] = ["opened", "synchronize", "reopened"];

/// Reads `on`: one event, a list of them, or a mapping.
pub(super) fn triggers(node: &Node, problems: &mut Problems) -> Option<Triggers> {
    let mut triggers = Triggers::default();
    match &node.kind {
        Kind::Scalar(_) | Kind::List(_) => {
            let events = texts(node, "`on`", problems);
            if events.is_empty() {
                problems.add(node.place, format!("`on` names no event; supported are {}", listed(EVENTS)));
            }
            for (event, place) in events {
                bare(&event, place, &mut triggers, problems);
            }
        }
        Kind::Map(entries) => {
            if entries.is_empty() {
                problems.add(node.place, format!("`on` names no event; supported are {}", listed(EVENTS)));
            }
            entries.iter().for_each(|entry| with_body(entry, &mut triggers, problems));
        }
    }
    Some(triggers)
}

/// An event without anything about it.
fn bare(event: &str, place: Place, triggers: &mut Triggers, problems: &mut Problems) {
    match event {
        "push" => triggers.push = Some(Push::default()),
        "pull_request" => triggers.pull_request = Some(any_change()),
        "merge_group" => triggers.merge_group = Some(MergeGroup::default()),
        "workflow_dispatch" => triggers.workflow_dispatch = Some(Dispatch::default()),
        "schedule" => problems.add(place, "`schedule` needs a list of `cron: '…'`"),
        other => problems.add(place, unsupported(other)),
    }
}

fn with_body(entry: &Entry, triggers: &mut Triggers, problems: &mut Problems) {
    let Entry { key, key_place, value } = entry;
    if is_null(value) {
        return bare(key, *key_place, triggers, problems);
    }
    match key.as_str() {
        "push" => triggers.push = push(value, problems),
        "pull_request" => triggers.pull_request = pull_request(value, problems),
        "merge_group" => triggers.merge_group = merge_group(value, problems),
        "workflow_dispatch" => triggers.workflow_dispatch = dispatch(value, problems),
        "schedule" => triggers.schedule = schedule(value, problems),
        other => problems.add(*key_place, unsupported(other)),
    }
}

fn unsupported(event: &str) -> String {
    format!("the event `{event}` is not supported; supported are {}", listed(EVENTS))
}

fn any_change() -> PullRequest {
    PullRequest { types: DEFAULT_TYPES.map(str::to_owned).to_vec(), branches: None, paths: None }
}

fn push(node: &Node, problems: &mut Problems) -> Option<Push> {
    let mut fields = Fields::of(node, "`on.push`", problems)?;
    let branches = filter(&mut fields, "branches", "branches-ignore", problems);
    let tags = filter(&mut fields, "tags", "tags-ignore", problems);
    let paths = filter(&mut fields, "paths", "paths-ignore", problems);
    fields.finish(&[], problems);
    Some(Push { branches, tags, paths })
}

fn pull_request(node: &Node, problems: &mut Problems) -> Option<PullRequest> {
    let mut fields = Fields::of(node, "`on.pull_request`", problems)?;
    let types = fields.get("types").map(|node| types(node, "pull_request", &PULL_REQUEST_TYPES, problems));
    let branches = filter(&mut fields, "branches", "branches-ignore", problems);
    let paths = filter(&mut fields, "paths", "paths-ignore", problems);
    fields.finish(&[], problems);
    Some(PullRequest { branches, paths, types: types.unwrap_or_else(|| any_change().types) })
}

fn merge_group(node: &Node, problems: &mut Problems) -> Option<MergeGroup> {
    let mut fields = Fields::of(node, "`on.merge_group`", problems)?;
    // There is one type: it says what is so without it.
    fields.get("types").into_iter().for_each(|node| {
        types(node, "merge_group", &["checks_requested"], problems);
    });
    let branches = filter(&mut fields, "branches", "branches-ignore", problems);
    fields.finish(&[], problems);
    Some(MergeGroup { branches })
}

fn types(node: &Node, event: &str, all: &[&str], problems: &mut Problems) -> Vec<String> {
    let mut found = Vec::new();
    for (kind, place) in texts(node, "`types`", problems) {
        if all.contains(&kind.as_str()) {
            found.push(kind);
        } else {
            let known = listed(all.iter().copied());
            problems.add(place, format!("`{event}` has no type `{kind}`; there are {known}"));
        }
    }
    found
}

/// `only` or `ignore`, and not both.
fn filter(
    fields: &mut Fields<'_>,
    only: &'static str,
    ignore: &'static str,
    problems: &mut Problems,
) -> Option<Filter> {
    let wanted = fields.get(only).map(|node| patterns(node, only, problems));
    let ignored = fields.get(ignore).map(|node| patterns(node, ignore, problems));
    match (wanted, ignored) {
        (Some(_), Some(_)) => {
            let message =
                format!("`{only}` and `{ignore}` exclude each other; write `!` before what `{only}` leaves out");
            problems.add(fields.place_of(ignore), message);
            None
        }
        (Some(patterns), None) => {
            if !patterns.is_empty() && patterns.iter().all(Pattern::excludes) {
                let message = format!("`{only}` holds nothing but exclusions; use `{ignore}`, or add what is wanted");
                problems.add(fields.place_of(only), message);
            }
            Some(Filter::Only(patterns))
        }
        (None, Some(patterns)) => Some(Filter::Ignore(patterns)),
        (None, None) => None,
    }
}

/// Patterns of one filter.
const MOST_PATTERNS: usize = 256;

fn patterns(node: &Node, what: &str, problems: &mut Problems) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    if matches!(&node.kind, Kind::List(items) if items.len() > MOST_PATTERNS) {
        problems.add(node.place, format!("`{what}` has more than {MOST_PATTERNS} patterns"));
        return patterns;
    }
    for (pattern, place) in texts(node, &format!("`{what}`"), problems) {
        match Pattern::parse(&pattern) {
            Ok(pattern) => patterns.push(pattern),
            Err(error) => problems.add(place, error.to_string()),
        }
    }
    patterns
}

fn schedule(node: &Node, problems: &mut Problems) -> Vec<Cron> {
    let items = items(node, "`on.schedule`", problems).unwrap_or_default();
    let mut found = Vec::new();
    for item in items {
        let Some(mut fields) = Fields::of(item, "an item of `on.schedule`", problems) else { continue };
        let cron = fields.required("cron", problems).and_then(|node| checked(node, "`cron`", Cron::parse, problems));
        let zone = fields.get("timezone");
        fields.finish(&[], problems);
        found.extend(match (cron, zone) {
            (Some(cron), Some(zone)) => checked(zone, "`timezone`", |name| cron.in_zone(name), problems),
            (cron, _) => cron,
        });
    }
    found
}

/// A text that `read` understands, or a mistake at its place.
fn checked<T>(
    node: &Node,
    what: &str,
    read: impl FnOnce(&str) -> Result<T, String>,
    problems: &mut Problems,
) -> Option<T> {
    let text = text(node, what, problems)?;
    read(&text).map_err(|message| problems.add(node.place, message)).ok()
}

fn dispatch(node: &Node, problems: &mut Problems) -> Option<Dispatch> {
    let mut fields = Fields::of(node, "`on.workflow_dispatch`", problems)?;
    let inputs = fields.get("inputs").filter(|inputs| !is_null(inputs));
    fields.finish(&[], problems);
    let entries = inputs.and_then(|inputs| entries(inputs, "`inputs`", problems)).unwrap_or_default();
    let inputs = entries.iter().filter_map(|entry| Some((entry.key.clone(), input(&entry.value, problems)?)));
    Some(Dispatch { inputs: inputs.collect() })
}

fn input(node: &Node, problems: &mut Problems) -> Option<Input> {
    let mut fields = Fields::of(node, "an input", problems)?;
    let description = fields.get("description").filter(|node| !is_null(node));
    let description = description.and_then(|node| text(node, "`description`", problems));
    let required = fields.get("required").and_then(|node| known_flag(node, "`required`", problems));
    let kind = fields.get("type");
    let options = fields.get("options");
    let kind = input_kind(kind, options, problems);
    let default = fields.get("default").zip(kind.as_ref());
    let default = default.and_then(|(node, kind)| default_of(node, kind, problems));
    fields.finish(&[], problems);
    Some(Input { description, required: required.unwrap_or(false), default, kind: kind? })
}

fn input_kind(node: Option<&Node>, options: Option<&Node>, problems: &mut Problems) -> Option<InputKind> {
    let kind = match node {
        Some(node) => text(node, "`type`", problems)?,
        None => "string".to_owned(),
    };
    let place = node.map_or(Place::START, |node| node.place);
    if let (Some(options), true) = (options, kind != "choice") {
        problems.add(options.place, "`options` belong to the type `choice` alone");
    }
    match kind.as_str() {
        "string" => Some(InputKind::String),
        "boolean" => Some(InputKind::Boolean),
        "number" => Some(InputKind::Number),
        "environment" => Some(InputKind::Environment),
        "choice" => {
            let listed = options.and_then(|node| items(node, "`options`", problems)).unwrap_or_default();
            let choices: Vec<String> = listed.iter().filter_map(|node| text(node, "an option", problems)).collect();
            if choices.is_empty() {
                problems.add(place, "the type `choice` needs `options`");
            }
            Some(InputKind::Choice(choices))
        }
        other => {
            let known = listed(["string", "boolean", "number", "choice", "environment"]);
            problems.add(place, format!("there is no type `{other}` of inputs; there are {known}"));
            None
        }
    }
}

/// `default`, which must be something that a person could enter.
fn default_of(node: &Node, kind: &InputKind, problems: &mut Problems) -> Option<Value> {
    let kind_of = |plain: Plain| match kind {
        InputKind::Boolean => matches!(plain, Plain::Bool(_)),
        InputKind::Number => matches!(plain, Plain::Number(_)),
        InputKind::String | InputKind::Environment | InputKind::Choice(_) => plain == Plain::Text,
    };
    let Kind::Scalar(Scalar { text, plain, .. }) = &node.kind else {
        problems
            .add(node.place, format!("`default` must be a text, a number, true or false, and is {}", node.described()));
        return None;
    };
    if !kind_of(*plain) {
        let message =
            format!("`default` must be of the input's type, and is {}; quote what is a text", node.described());
        problems.add(node.place, message);
        return None;
    }
    let written = match plain {
        Plain::Bool(value) => value.to_string(),
        Plain::Number(value) => Value::Number(*value).to_string(),
        Plain::Null | Plain::Text => text.clone(),
    };
    match kind.accept(&written) {
        Ok(value) => Some(value),
        Err(reason) => {
            problems.add(node.place, format!("`default` {reason}"));
            None
        }
    }
}
