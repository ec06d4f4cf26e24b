//! `steps`, of jobs and of composite actions.

use super::fields::{self, Fields};
use super::job::{ID_RULE, is_id};
use crate::expression::{Spot, Template};
use crate::model::{Action, Step, Work};
use crate::named::Named;
use crate::place::{Problems, listed};
use crate::yaml::Node;

/// Whose steps they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Owner {
    /// A job's.
    Workflow,
    /// A composite action's.
    Action,
}

impl Owner {
    const fn spot(self) -> &'static Spot {
        match self {
            Self::Workflow => &Spot::STEP,
            Self::Action => &Spot::ACTION,
        }
    }

    const fn condition_spot(self) -> &'static Spot {
        match self {
            Self::Workflow => &Spot::STEP_IF,
            Self::Action => &Spot::ACTION_IF,
        }
    }

    const fn shell_spot(self) -> &'static Spot {
        match self {
            Self::Workflow => &Spot::NOTHING,
            Self::Action => &Spot::ACTION,
        }
    }
}

/// The actions that are built in, with the inputs that each takes.
const BUILT_IN: [(&str, Action, &[&str]); 4] = [
    (
        "actions/checkout",
        Action::Checkout,
        &["ref", "path", "fetch-depth", "fetch-tags", "clean", "submodules", "lfs", "persist-credentials"],
    ),
    ("actions/cache", Action::Cache, &["path", "key", "restore-keys", "fail-on-cache-miss", "lookup-only"]),
    (
        "actions/upload-artifact",
        Action::UploadArtifact,
        &[
            "name",
            "path",
            "if-no-files-found",
            "retention-days",
            "compression-level",
            "overwrite",
            "include-hidden-files",
        ],
    ),
    ("actions/download-artifact", Action::DownloadArtifact, &["name", "path", "pattern", "merge-multiple"]),
];

/// Keys of GitHub's that get more than "not supported".
const REASONS: [(&str, &str); 2] = [
    ("parallel", "steps run one after the other; make jobs of what is to run side by side"),
    ("background", "steps run one after the other; make jobs of what is to run side by side"),
];

/// Steps of one job.
const MOST_STEPS: usize = 1000;

/// Reads `steps`.
pub(super) fn steps(node: &Node, owner: Owner, problems: &mut Problems) -> Vec<Step> {
    let items = fields::items(node, "`steps`", problems).unwrap_or_default();
    if items.len() > MOST_STEPS {
        problems.add(node.place, format!("there are at most {MOST_STEPS} steps; these are {}", items.len()));
        return Vec::new();
    }
    let mut ids: Vec<String> = Vec::new();
    let mut steps = Vec::new();
    for item in items {
        let Some(step) = step(item, owner, problems) else { continue };
        if let Some(id) = &step.id {
            if ids.iter().any(|other| other.eq_ignore_ascii_case(id)) {
                problems.add(item.place, format!("two steps have the id `{id}`"));
            }
            ids.push(id.clone());
        }
        steps.push(step);
    }
    steps
}

fn step(node: &Node, owner: Owner, problems: &mut Problems) -> Option<Step> {
    let spot = owner.spot();
    let mut fields = Fields::of(node, "a step", problems)?;
    let id = fields.get("id").and_then(|node| id(node, problems));
    let name = fields.get("name").and_then(|node| fields::template(node, "`name`", spot, problems));
    let condition = fields.get("if");
    let condition = condition.and_then(|node| fields::condition(node, owner.condition_spot(), problems));
    let env = fields.get("env").map(|node| fields::templates(node, "`env`", spot, problems));
    let timeout_minutes = match owner {
        Owner::Workflow => fields.get("timeout-minutes"),
        Owner::Action => None,
    };
    let timeout_minutes = timeout_minutes.and_then(|node| fields::number(node, "`timeout-minutes`", spot, problems));
    let tolerant = fields.get("continue-on-error");
    let continue_on_error = tolerant.and_then(|node| fields::flag(node, "`continue-on-error`", spot, problems));
    let work = work(&mut fields, owner, problems);
    fields.finish(&REASONS, problems);
    Some(Step {
        place: node.place,
        id,
        name,
        condition: condition.unwrap_or_default(),
        env: env.unwrap_or_default(),
        timeout_minutes,
        continue_on_error,
        work: work?,
    })
}

fn id(node: &Node, problems: &mut Problems) -> Option<String> {
    let id = fields::text(node, "`id`", problems)?;
    if !is_id(&id) {
        problems.add(node.place, format!("`{id}` can't be the id of a step: it has {ID_RULE}"));
    }
    Some(id)
}

/// `run` or `uses`, with what belongs to each.
fn work(fields: &mut Fields<'_>, owner: Owner, problems: &mut Problems) -> Option<Work> {
    let (runs, uses) = (fields.get("run"), fields.get("uses"));
    match (runs, uses) {
        (Some(script), None) => {
            let script = fields::template(script, "`run`", owner.spot(), problems);
            let shell = match owner {
                Owner::Workflow => fields.get("shell"),
                Owner::Action => fields.required("shell", problems),
            };
            let shell = shell.and_then(|node| self::shell(node, owner.shell_spot(), problems));
            let directory = fields.get("working-directory");
            let working_directory =
                directory.and_then(|node| fields::template(node, "`working-directory`", owner.spot(), problems));
            Some(Work::Run { script: script?, shell, working_directory })
        }
        (None, Some(node)) => {
            let with = fields.get("with");
            let (action, inputs) = uses_of(node, problems)?;
            let with = with.map(|with| inputs_of(with, node, inputs, owner, problems)).unwrap_or_default();
            if action == Action::Cache {
                required_inputs(&with, &["path", "key"], node, problems);
            }
            if action == Action::UploadArtifact {
                required_inputs(&with, &["path"], node, problems);
            }
            Some(Work::Uses { action, with })
        }
        (Some(_), Some(node)) => {
            problems.add(node.place, "a step has `run` or `uses`, not both");
            None
        }
        (None, None) => {
            problems.add(fields.place, "a step needs `run` or `uses`");
            None
        }
    }
}

/// Which action, and the inputs that it takes if that is known here.
fn uses_of(node: &Node, problems: &mut Problems) -> Option<(Action, Option<&'static [&'static str]>)> {
    let text = fields::text(node, "`uses`", problems)?;
    if let Some(path) = text.strip_prefix("./") {
        let path = path.trim_end_matches('/');
        let outside = path.split('/').any(|part| part == "..");
        if path.is_empty() || outside {
            problems.add(node.place, format!("`{text}` is no directory inside of the repository"));
            return None;
        }
        return Some((Action::Local(path.to_owned()), None));
    }
    let (name, version) = text.split_once('@').unwrap_or((&text, ""));
    match BUILT_IN.iter().find(|(known, _, _)| known.eq_ignore_ascii_case(name)) {
        Some(_) if version.is_empty() => {
            problems.add(node.place, format!("`{text}` needs a version, as in `{name}@v4`"));
            None
        }
        Some((_, action, inputs)) => Some((action.clone(), Some(inputs))),
        None => {
            let known = listed(BUILT_IN.iter().map(|(name, _, _)| *name));
            let message = format!(
                "the action `{text}` is not supported; supported are {known}, which are built in, and composite \
                 actions of the repository (`./path`)"
            );
            problems.add(node.place, message);
            None
        }
    }
}

/// `with`. A built-in action says which inputs it takes.
fn inputs_of(
    node: &Node,
    uses: &Node,
    known: Option<&[&str]>,
    owner: Owner,
    problems: &mut Problems,
) -> Named<Template> {
    let with = fields::templates(node, "`with`", owner.spot(), problems);
    let Some(known) = known else { return with };
    for entry in fields::entries(node, "`with`", &mut Problems::default()).unwrap_or_default() {
        if !known.contains(&entry.key.as_str()) {
            let message =
                format!("{} takes no `{}`; it takes {}", uses.described(), entry.key, listed(known.iter().copied()));
            problems.add(entry.key_place, message);
        }
    }
    with
}

fn required_inputs(with: &Named<Template>, names: &[&str], uses: &Node, problems: &mut Problems) {
    for name in names.iter().filter(|name| with.get(name).is_none()) {
        problems.add(uses.place, format!("{} needs `{name}` in `with`", uses.described()));
    }
}

/// `shell`: a known one, or a command line with `{0}` where the script's file goes.
pub(super) fn shell(node: &Node, spot: &Spot, problems: &mut Problems) -> Option<Template> {
    const SHELLS: [&str; 4] = ["bash", "sh", "python", "pwsh"];
    let shell = fields::filled(node, "`shell`", spot, problems)?;
    let text = shell.source();
    if shell.is_literal() && !SHELLS.contains(&text) && !text.contains("{0}") {
        let known = listed(SHELLS);
        let message = format!("there is no shell `{text}`; there are {known}, and command lines with `{{0}}`");
        problems.add(node.place, message);
        return None;
    }
    Some(shell)
}
