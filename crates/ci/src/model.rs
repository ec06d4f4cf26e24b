//! A workflow file that was read and checked, as values.
//!
//! Everything in it is supported, and every expression is valid where it stands.

use crate::condition::Condition;
use crate::cron::Cron;
use crate::data::Data;
use crate::dynamic::Dynamic;
use crate::expression::{Contexts, EvaluationError, Expression, Template};
use crate::filter::Filter;
use crate::named::Named;
use crate::place::Place;
use crate::value::Value;
use serde::{Deserialize, Serialize};

/// A workflow file.
#[derive(Debug, Clone, PartialEq)]
pub struct Workflow {
    /// The file's path.
    pub file: String,
    /// `name`.
    pub name: Option<String>,
    /// `run-name`: what its runs are called.
    pub run_name: Option<Template>,
    /// `on`: which events it runs on.
    pub on: Triggers,
    /// `env`, for all jobs.
    pub env: Named<Template>,
    /// `defaults.run`, for all jobs.
    pub defaults: Defaults,
    /// `concurrency` of its runs.
    pub concurrency: Option<Concurrency>,
    /// `permissions`, to be shown: davit grants none.
    pub permissions: Option<Permissions>,
    /// `jobs`, each after those that it needs.
    pub jobs: Vec<Job>,
}

/// `on`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Triggers {
    /// A branch or tag was pushed.
    pub push: Option<Push>,
    /// Something happened to a change.
    pub pull_request: Option<PullRequest>,
    /// The merge queue tests a change together with its base.
    pub merge_group: Option<MergeGroup>,
    /// A person starts it.
    pub workflow_dispatch: Option<Dispatch>,
    /// At these times.
    pub schedule: Vec<Cron>,
}

/// `on.push`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Push {
    /// `branches` or `branches-ignore`.
    pub branches: Option<Filter>,
    /// `tags` or `tags-ignore`.
    pub tags: Option<Filter>,
    /// `paths` or `paths-ignore`.
    pub paths: Option<Filter>,
}

/// `on.pull_request`.
#[derive(Debug, Clone, PartialEq)]
pub struct PullRequest {
    /// `types`: what happened to the change.
    pub types: Vec<String>,
    /// `branches` or `branches-ignore`: the branch that it is to be merged into.
    pub branches: Option<Filter>,
    /// `paths` or `paths-ignore`.
    pub paths: Option<Filter>,
}

/// `on.merge_group`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct MergeGroup {
    /// `branches` or `branches-ignore`: the branch that is to be merged into.
    pub branches: Option<Filter>,
}

/// `on.workflow_dispatch`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Dispatch {
    /// `inputs`.
    pub inputs: Named<Input>,
}

/// One of `on.workflow_dispatch.inputs`.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// `description`.
    pub description: Option<String>,
    /// `required`.
    pub required: bool,
    /// `default`, of the kind of the input.
    pub default: Option<Value>,
    /// `type`, with `options`.
    pub kind: InputKind,
}

/// What a person may enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputKind {
    /// Any text.
    String,
    /// True or false.
    Boolean,
    /// A number.
    Number,
    /// The name of an environment.
    Environment,
    /// One of these.
    Choice(Vec<String>),
}

/// `defaults.run`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Defaults {
    /// `shell`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shell: Option<Template>,
    /// `working-directory`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub working_directory: Option<Template>,
}

impl Defaults {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// `concurrency`: of one group, one runs at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Concurrency {
    /// `group`.
    pub group: Template,
    /// `cancel-in-progress`: whether the one that runs is cancelled; otherwise the new one waits.
    pub cancel_in_progress: Dynamic<bool>,
}

/// `permissions`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permissions {
    /// `read-all`.
    ReadAll,
    /// `write-all`.
    WriteAll,
    /// Each by its name; the others are `none`.
    Each(Vec<(String, Permission)>),
}

/// One permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// `read`.
    Read,
    /// `write`.
    Write,
    /// `none`.
    None,
}

/// One of `jobs`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Its key: letters, digits, `-` and `_`.
    pub id: String,
    /// Where in the file it is.
    pub place: Place,
    /// `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Template>,
    /// `needs`: the ids of other jobs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    /// `if`.
    #[serde(default, rename = "if", skip_serializing_if = "Condition::is_default")]
    pub condition: Condition,
    /// `runs-on`.
    pub runs_on: RunsOn,
    /// `environment`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// `permissions`, in place of the workflow's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Permissions>,
    /// `concurrency`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// `strategy`.
    #[serde(default, skip_serializing_if = "Strategy::is_empty")]
    pub strategy: Strategy,
    /// `env`.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub env: Named<Template>,
    /// `defaults.run`, before the workflow's.
    #[serde(default, skip_serializing_if = "Defaults::is_empty")]
    pub defaults: Defaults,
    /// `timeout-minutes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_minutes: Option<Dynamic<f64>>,
    /// `continue-on-error`: whether its failure leaves the run green.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continue_on_error: Option<Dynamic<bool>>,
    /// `container`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Container>,
    /// `services`.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub services: Named<Container>,
    /// `outputs`.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub outputs: Named<Template>,
    /// `steps`; there is at least one.
    pub steps: Vec<Step>,
}

/// `runs-on`: labels that a runner must have all of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunsOn(pub Vec<Template>);

impl RunsOn {
    /// The labels. An expression may give a text or a list of them.
    ///
    /// # Errors
    ///
    /// When an expression can't be evaluated, or gives something else.
    pub fn labels(&self, contexts: &Contexts<'_>) -> Result<Vec<String>, EvaluationError> {
        let mut labels = Vec::new();
        for template in &self.0 {
            let Some(expression) = template.as_expression() else {
                labels.push(template.render(contexts)?);
                continue;
            };
            match expression.evaluate(contexts)? {
                Value::String(label) if !label.is_empty() => labels.push(label),
                Value::Array(items) if items.iter().all(Value::is_primitive) => {
                    labels.extend(items.iter().map(Value::to_string));
                }
                other @ (Value::Null
                | Value::Bool(_)
                | Value::Number(_)
                | Value::String(_)
                | Value::Array(_)
                | Value::Object(_)) => {
                    return Err(EvaluationError::unexpected(expression, "a label or a list of labels", &other));
                }
            }
        }
        Ok(labels)
    }
}

/// `environment`: whose secrets and variables the job gets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// `name`.
    pub name: Template,
    /// `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<Template>,
}

/// `strategy`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Strategy {
    /// `matrix`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Matrix>,
    /// `fail-fast`; true where it is not written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_fast: Option<Dynamic<bool>>,
    /// `max-parallel`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_parallel: Option<Dynamic<f64>>,
}

impl Strategy {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// `matrix`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Matrix {
    /// The whole is the result of an expression.
    Expression(Expression),
    /// As written.
    Written {
        /// A list, or an expression that gives one, by name.
        vectors: Named<Data>,
        /// `include`: mappings, or an expression that gives them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        include: Option<Data>,
        /// `exclude`: mappings, or an expression that gives them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        exclude: Option<Data>,
    },
}

/// `container`, or one of `services`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Container {
    /// `image`.
    pub image: Template,
    /// `credentials` of the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials: Option<Credentials>,
    /// `env`.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub env: Named<Template>,
    /// `ports`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ports: Vec<Template>,
    /// `volumes`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub volumes: Vec<Template>,
    /// `options`, as `docker create` has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Template>,
}

/// `credentials` of a container.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Credentials {
    /// `username`.
    pub username: Template,
    /// `password`.
    pub password: Template,
}

/// One of `steps`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Where in the file it is.
    pub place: Place,
    /// `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Template>,
    /// `if`.
    #[serde(default, rename = "if", skip_serializing_if = "Condition::is_default")]
    pub condition: Condition,
    /// `env`.
    #[serde(default, skip_serializing_if = "Named::is_empty")]
    pub env: Named<Template>,
    /// `timeout-minutes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_minutes: Option<Dynamic<f64>>,
    /// `continue-on-error`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continue_on_error: Option<Dynamic<bool>>,
    /// What it does.
    #[serde(flatten)]
    pub work: Work,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// `run`: a script.
    Run {
        /// The script.
        script: Template,
        /// `shell`; an expression in composite actions alone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shell: Option<Template>,
        /// `working-directory`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        working_directory: Option<Template>,
    },
    /// `uses`: an action.
    Uses {
        /// Which one.
        action: Action,
        /// `with`.
        #[serde(default, skip_serializing_if = "Named::is_empty")]
        with: Named<Template>,
    },
}

/// The actions there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// `actions/checkout`.
    Checkout,
    /// `actions/cache`.
    Cache,
    /// `actions/upload-artifact`.
    UploadArtifact,
    /// `actions/download-artifact`.
    DownloadArtifact,
    /// A composite action in the repository: its directory, relative to the root, without `./`.
    Local(String),
}
