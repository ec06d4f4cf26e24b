//! Composite actions of the repository: `action.yml`.

use super::fields::{Fields, entries, filled, is_null, known_flag, name, template, text};
use super::step::{Owner, steps};
use crate::expression::{Spot, Template};
use crate::model::Step;
use crate::named::Named;
use crate::place::{Diagnostics, Problems};
use crate::yaml::{self, Node};
use serde::{Deserialize, Serialize};

/// A composite action.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompositeAction {
    /// `name`.
    pub name: String,
    /// `description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `inputs`.
    pub inputs: Named<ActionInput>,
    /// `outputs`, each by its `value`.
    pub outputs: Named<Template>,
    /// `runs.steps`.
    pub steps: Vec<Step>,
}

/// One of an action's `inputs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ActionInput {
    /// `description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// `required`.
    pub required: bool,
    /// `default`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Template>,
}

/// Reads an `action.yml`; `file` is what its mistakes are reported under.
///
/// # Errors
///
/// Every mistake in the file; that it is no composite action is one.
pub fn read_action(file: &str, text: &str) -> Result<CompositeAction, Diagnostics> {
    let mut problems = Problems::default();
    let root = yaml::read(text, &mut problems);
    let action = root.and_then(|root| action(&root, &mut problems));
    problems.finish(file, action)
}

fn action(root: &Node, problems: &mut Problems) -> Option<CompositeAction> {
    let mut fields = Fields::of(root, "an action", problems)?;
    let name = fields.required("name", problems).and_then(|node| text(node, "`name`", problems));
    let description = fields.get("description").filter(|node| !is_null(node));
    let description = description.and_then(|node| text(node, "`description`", problems));
    // Who wrote it and how a market place shows it has no effect.
    let _ = (fields.get("author"), fields.get("branding"));
    let inputs = fields.get("inputs").map(|node| named(node, "`inputs`", input, problems));
    let outputs = fields.get("outputs").map(|node| named(node, "`outputs`", output, problems));
    let steps = fields.required("runs", problems).and_then(|node| runs(node, problems));
    fields.finish(&[], problems);
    Some(CompositeAction {
        name: name?,
        description,
        inputs: inputs.unwrap_or_default(),
        outputs: outputs.unwrap_or_default(),
        steps: steps?,
    })
}

fn named<T>(
    node: &Node,
    what: &'static str,
    read: fn(&Node, &mut Problems) -> Option<T>,
    problems: &mut Problems,
) -> Named<T> {
    let mut found = Vec::new();
    for entry in entries(node, what, problems).unwrap_or_default() {
        let key = name(entry, what, problems);
        found.extend(key.zip(read(&entry.value, problems)));
    }
    found.into_iter().collect()
}

fn input(node: &Node, problems: &mut Problems) -> Option<ActionInput> {
    if is_null(node) {
        return Some(ActionInput { description: None, required: false, default: None });
    }
    let mut fields = Fields::of(node, "an input", problems)?;
    let description = fields.get("description").filter(|node| !is_null(node));
    let description = description.and_then(|node| text(node, "`description`", problems));
    let required = fields.get("required").and_then(|node| known_flag(node, "`required`", problems));
    let default = fields.get("default").and_then(|node| template(node, "`default`", &Spot::ACTION_DEFAULT, problems));
    fields.finish(&[], problems);
    Some(ActionInput { description, required: required.unwrap_or(false), default })
}

fn output(node: &Node, problems: &mut Problems) -> Option<Template> {
    let mut fields = Fields::of(node, "an output", problems)?;
    let _ = fields.get("description");
    let value = fields.required("value", problems);
    let value = value.and_then(|node| filled(node, "`value`", &Spot::ACTION, problems));
    fields.finish(&[], problems);
    value
}

fn runs(node: &Node, problems: &mut Problems) -> Option<Vec<Step>> {
    let mut fields = Fields::of(node, "`runs`", problems)?;
    let using = fields.required("using", problems)?;
    let kind = text(using, "`using`", problems)?;
    if kind != "composite" {
        let message = format!("actions that run with `{kind}` are not supported; supported is `composite`");
        problems.add(using.place, message);
        return None;
    }
    let steps = fields.required("steps", problems).map(|node| steps(node, Owner::Action, problems));
    fields.finish(&[], problems);
    steps
}
