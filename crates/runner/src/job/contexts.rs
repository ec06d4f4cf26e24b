//! What expressions in a job see, and what programs find in their environment.

use super::variables::Variables;
use crate::search::Roots;
use crate::spec::JobSpec;
use davit_ci::{Contexts, Root, Status, Value};
use secrecy::ExposeSecret;

/// What of the context `github` is in the environment, as `GITHUB_…`.
const IN_ENVIRONMENT: [&str; 30] = [
    "action",
    "action_path",
    "actor",
    "actor_id",
    "api_url",
    "base_ref",
    "event_name",
    "event_path",
    "graphql_url",
    "head_ref",
    "job",
    "ref",
    "ref_name",
    "ref_protected",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "retention_days",
    "run_attempt",
    "run_id",
    "run_number",
    "server_url",
    "sha",
    "triggering_actor",
    "workflow",
    "workflow_ref",
    "workflow_sha",
    "workspace",
];

/// A step that ended, as `steps.<id>` has it.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Ended {
    pub(crate) outcome: &'static str,
    pub(crate) conclusion: &'static str,
    pub(crate) outputs: Vec<(String, String)>,
}

/// What steps of one list share: those of the job, or those of a composite action.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// The steps that ended and have an id.
    pub(crate) steps: Vec<(String, Ended)>,
    /// Whether a step failed.
    pub(crate) failed: bool,
    /// The context `inputs`.
    pub(crate) inputs: Value,
    /// What the step that uses an action sets for the steps of the action.
    pub(crate) env: Variables,
    /// The directory of the action.
    pub(crate) action_path: Option<String>,
    /// How many actions are around these steps.
    pub(crate) depth: usize,
}

impl Scope {
    /// The steps of a job.
    pub(crate) fn of_job(inputs: Value) -> Self {
        Self { steps: Vec::new(), failed: false, inputs, env: Variables::default(), action_path: None, depth: 0 }
    }
}

/// What does not change while the job runs.
#[derive(Debug)]
pub(crate) struct Known {
    github: Value,
    runner: Value,
    secrets: Value,
    vars: Value,
    needs: Value,
    matrix: Value,
    strategy: Value,
    containers: Value,
}

impl Known {
    /// What is known once the directories are; `containers` is what the context `job` says of containers.
    pub(crate) fn new(spec: &JobSpec, roots: &Roots, containers: Value) -> Self {
        let github = with_entries(
            &spec.github,
            [
                ("workspace", Value::from(roots.workspace.as_str())),
                ("event_path", Value::from(event_path(roots))),
                ("job", Value::from(spec.job.id.as_str())),
            ],
        );
        let secrets = spec.secrets.iter().map(|(name, secret)| (name.as_str(), secret.expose_secret()));
        Self {
            github,
            runner: runner(roots, is_debug(spec)),
            secrets: Value::object(secrets),
            vars: spec.vars.clone(),
            needs: spec.needs.clone(),
            matrix: spec.instance.matrix.clone(),
            strategy: spec.instance.strategy.clone(),
            containers,
        }
    }

    /// Everything that an expression can look at.
    pub(crate) fn contexts(&self, scope: &Scope, env: &Variables, status: Status) -> Contexts<'static> {
        let github = match &scope.action_path {
            Some(path) => with_entries(&self.github, [("action_path", Value::from(path.as_str()))]),
            None => self.github.clone(),
        };
        let job_status = match status {
            Status::Success | Status::Skipped => "success",
            Status::Failure => "failure",
            Status::Cancelled => "cancelled",
        };
        Contexts::new()
            .with(Root::Github, github)
            .with(Root::Env, env.value())
            .with(Root::Vars, self.vars.clone())
            .with(Root::Secrets, self.secrets.clone())
            .with(Root::Needs, self.needs.clone())
            .with(Root::Matrix, self.matrix.clone())
            .with(Root::Strategy, self.strategy.clone())
            .with(Root::Runner, self.runner.clone())
            .with(Root::Steps, steps(&scope.steps))
            .with(Root::Inputs, scope.inputs.clone())
            .with(Root::Job, with_entries(&self.containers, [("status", Value::from(job_status))]))
            .with_status(status)
    }

    /// What is in the environment of every program, and can't be set by a job.
    pub(crate) fn fixed(&self, scope: &Scope, action: &str) -> Variables {
        let mut variables = Variables::default();
        variables.set("GITHUB_ACTIONS", "true");
        for name in IN_ENVIRONMENT {
            match self.github.get(name) {
                Some(Value::Null) | None => {}
                Some(value) => variables.set(&format!("GITHUB_{}", name.to_ascii_uppercase()), value.to_string()),
            }
        }
        variables.set("GITHUB_ACTION", action);
        scope.action_path.iter().for_each(|path| variables.set("GITHUB_ACTION_PATH", path.as_str()));
        if let Value::Object(entries) = &self.runner {
            for (name, value) in entries {
                variables.set(&format!("RUNNER_{}", name.to_ascii_uppercase()), value.to_string());
            }
        }
        variables
    }
}

/// Where the event is for programs to read.
pub(crate) fn event_path(roots: &Roots) -> String {
    format!("{}/davit-event.json", roots.temp)
}

/// Whether the repository wants to see `::debug::`.
pub(crate) fn is_debug(spec: &JobSpec) -> bool {
    const NAME: &str = "ACTIONS_STEP_DEBUG";
    let secret = spec.secrets.iter().find(|(name, _)| name.eq_ignore_ascii_case(NAME));
    secret.is_some_and(|(_, value)| value.expose_secret() == "true")
        || spec.vars.get(NAME).is_some_and(|value| value.to_string() == "true")
}

fn runner(roots: &Roots, debug: bool) -> Value {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "X64",
        "x86" => "X86",
        "aarch64" => "ARM64",
        "arm" => "ARM",
        other => other,
    };
    let os = if cfg!(target_os = "macos") { "macOS" } else { "Linux" };
    let mut entries = vec![
        ("name", "davit".to_owned()),
        ("os", os.to_owned()),
        ("arch", arch.to_owned()),
        ("temp", roots.temp.clone()),
        ("tool_cache", format!("{}/tools", roots.home)),
        ("environment", "self-hosted".to_owned()),
    ];
    if debug {
        entries.push(("debug", "1".to_owned()));
    }
    Value::object(entries)
}

fn steps(ended: &[(String, Ended)]) -> Value {
    Value::object(ended.iter().map(|(id, step)| {
        let outputs = step.outputs.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let value = Value::object([
            ("outputs", Value::object(outputs)),
            ("outcome", Value::from(step.outcome)),
            ("conclusion", Value::from(step.conclusion)),
        ]);
        (id.as_str(), value)
    }))
}

/// An object with some entries in addition, or in place of its own.
fn with_entries<const N: usize>(object: &Value, entries: [(&str, Value); N]) -> Value {
    let mut all = match object {
        Value::Object(known) => known.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Vec::new(),
    };
    for (name, value) in entries {
        match all.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some(entry) => entry.1 = value,
            None => all.push((name.to_owned(), value)),
        }
    }
    Value::Object(all)
}
