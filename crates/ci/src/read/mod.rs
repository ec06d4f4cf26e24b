//! Workflow files: from YAML to the checked model. Every mistake is reported, not the first alone.

mod action;
mod container;
mod fields;
mod graph;
mod job;
mod step;
mod strategy;
mod triggers;

pub use action::{ActionInput, CompositeAction, read_action};

use crate::dynamic::Dynamic;
use crate::expression::Spot;
use crate::model::{Concurrency, Defaults, Permission, Permissions, Workflow};
use crate::place::{Diagnostics, Problems, listed};
use crate::yaml::{self, Kind, Node};
use fields::Fields;

/// Reads a workflow file; `file` is what its mistakes are reported under.
///
/// # Errors
///
/// Every mistake in the file.
pub fn read_workflow(file: &str, text: &str) -> Result<Workflow, Diagnostics> {
    let mut problems = Problems::default();
    let root = yaml::read(text, &mut problems);
    let workflow = root.and_then(|root| workflow(file, &root, &mut problems));
    problems.finish(file, workflow)
}

fn workflow(file: &str, root: &Node, problems: &mut Problems) -> Option<Workflow> {
    let mut fields = Fields::of(root, "a workflow", problems)?;
    let name = fields.get("name").and_then(|node| fields::text(node, "`name`", problems));
    let run_name = fields.get("run-name");
    let run_name = run_name.and_then(|node| fields::filled(node, "`run-name`", &Spot::RUN_NAME, problems));
    let on = fields.required("on", problems).and_then(|node| triggers::triggers(node, problems));
    let env = fields.get("env").map(|node| fields::templates(node, "`env`", &Spot::WORKFLOW_ENV, problems));
    let defaults = fields.get("defaults").map(|node| defaults(node, &Spot::NOTHING, problems));
    let concurrency = fields.get("concurrency");
    let concurrency = concurrency.and_then(|node| self::concurrency(node, &Spot::WORKFLOW_CONCURRENCY, problems));
    let permissions = fields.get("permissions").and_then(|node| permissions(node, problems));
    let jobs = fields.required("jobs", problems).map(|node| job::jobs(node, problems));
    fields.finish(&[], problems);
    Some(Workflow {
        file: file.to_owned(),
        name,
        run_name,
        on: on?,
        env: env.unwrap_or_default(),
        defaults: defaults.unwrap_or_default(),
        concurrency,
        permissions,
        jobs: jobs?,
    })
}

/// `defaults.run`.
fn defaults(node: &Node, spot: &Spot, problems: &mut Problems) -> Defaults {
    let mut found = Defaults::default();
    let Some(mut fields) = Fields::of(node, "`defaults`", problems) else { return found };
    let run = fields.get("run");
    fields.finish(&[], problems);
    let Some(mut fields) = run.and_then(|run| Fields::of(run, "`defaults.run`", problems)) else { return found };
    found.shell = fields.get("shell").and_then(|node| step::shell(node, spot, problems));
    let directory = fields.get("working-directory");
    found.working_directory = directory.and_then(|node| fields::filled(node, "`working-directory`", spot, problems));
    fields.finish(&[], problems);
    found
}

/// `concurrency`: the group alone, or a mapping.
fn concurrency(node: &Node, spot: &Spot, problems: &mut Problems) -> Option<Concurrency> {
    if let Kind::Scalar(_) = node.kind {
        let group = fields::filled(node, "`concurrency`", spot, problems)?;
        return Some(Concurrency { group, cancel_in_progress: Dynamic::Known(false) });
    }
    let mut fields = Fields::of(node, "`concurrency`", problems)?;
    let group = fields.required("group", problems);
    let group = group.and_then(|node| fields::filled(node, "`concurrency.group`", spot, problems));
    let cancel = fields.get("cancel-in-progress");
    let cancel = cancel.and_then(|node| fields::flag(node, "`cancel-in-progress`", spot, problems));
    fields.finish(&[], problems);
    Some(Concurrency { group: group?, cancel_in_progress: cancel.unwrap_or(Dynamic::Known(false)) })
}

/// The permissions that GitHub knows, and what each may be.
const PERMISSIONS: [(&str, &[Permission]); 14] = {
    use Permission::{None, Read, Write};
    const ANY: &[Permission] = &[Read, Write, None];
    [
        ("actions", ANY),
        ("attestations", ANY),
        ("checks", ANY),
        ("contents", ANY),
        ("deployments", ANY),
        ("discussions", ANY),
        ("id-token", &[Write, None]),
        ("issues", ANY),
        ("models", &[Read, None]),
        ("packages", ANY),
        ("pages", ANY),
        ("pull-requests", ANY),
        ("security-events", ANY),
        ("statuses", ANY),
    ]
};

fn permissions(node: &Node, problems: &mut Problems) -> Option<Permissions> {
    if let Kind::Scalar(_) = node.kind {
        let level = fields::text(node, "`permissions`", problems)?;
        return match level.as_str() {
            "read-all" => Some(Permissions::ReadAll),
            "write-all" => Some(Permissions::WriteAll),
            other => {
                let message = format!("`permissions` is `read-all`, `write-all` or a mapping, and not `{other}`");
                problems.add(node.place, message);
                None
            }
        };
    }
    let mut each = Vec::new();
    for entry in fields::entries(node, "`permissions`", problems)? {
        let Some((name, levels)) = PERMISSIONS.iter().find(|(name, _)| *name == entry.key) else {
            let known = listed(PERMISSIONS.map(|(name, _)| name));
            problems.add(entry.key_place, format!("there is no permission `{}`; there are {known}", entry.key));
            continue;
        };
        let Some(level) = fields::text(&entry.value, "a permission", problems) else { continue };
        match levels.iter().find(|known| known.name() == level) {
            Some(level) => each.push(((*name).to_owned(), *level)),
            None => {
                let known = listed(levels.iter().map(|level| level.name()));
                problems.add(entry.value.place, format!("`{name}` can't be `{level}`, but {known}"));
            }
        }
    }
    Some(Permissions::Each(each))
}

impl Permission {
    /// As it is written.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::None => "none",
        }
    }
}
