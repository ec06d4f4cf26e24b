//! `jobs`.

use super::fields::{self, Fields};
use super::{concurrency, container, defaults, graph, permissions, step, strategy};
use crate::condition::Condition;
use crate::expression::Spot;
use crate::model::{Environment, Job, RunsOn};
use crate::place::{Place, Problems};
use crate::yaml::{Entry, Kind, Node};

const REUSABLE: &str = "workflows that call other workflows are not supported; put what they share into a composite \
                        action of the repository (`uses: ./path`)";

/// Keys of GitHub's that get more than "not supported".
const REASONS: [(&str, &str); 4] = [
    ("uses", REUSABLE),
    ("with", REUSABLE),
    ("secrets", REUSABLE),
    ("snapshot", "`snapshot` makes images of GitHub's own runners; there are none here"),
];

/// Jobs of one file, before matrices.
const MOST_JOBS: usize = 256;

/// Reads `jobs`, and puts each behind those that it needs.
pub(super) fn jobs(node: &Node, problems: &mut Problems) -> Vec<Job> {
    let entries = fields::entries(node, "`jobs`", problems).unwrap_or_default();
    if entries.is_empty() {
        problems.add(node.place, "`jobs` is empty; a workflow has at least one job");
    }
    if entries.len() > MOST_JOBS {
        problems.add(node.place, format!("a workflow has at most {MOST_JOBS} jobs; this one has {}", entries.len()));
        return Vec::new();
    }
    let jobs = entries.iter().map(|entry| (entry, job(entry, problems))).collect::<Vec<_>>();
    graph::order(jobs, problems)
}

/// Whether `id` can name a job or a step.
pub(super) fn is_id(id: &str) -> bool {
    let starts = id.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && !id.starts_with("__");
    starts && id.len() < 100 && id.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// What an id must be, for people.
pub(super) const ID_RULE: &str = "letters, digits, `-` and `_`, fewer than 100, starting with a letter or one `_`";

fn job(entry: &Entry, problems: &mut Problems) -> Option<Job> {
    if !is_id(&entry.key) {
        problems.add(entry.key_place, format!("`{}` can't be the id of a job: it has {ID_RULE}", entry.key));
    }
    let mut fields = Fields::of(&entry.value, "a job", problems)?;
    let calls = fields.has("uses");
    let name = fields.get("name").and_then(|node| fields::template(node, "`name`", &Spot::JOB, problems));
    let needs = fields.get("needs").map(|node| needs(node, problems)).unwrap_or_default();
    let condition = fields.get("if").and_then(|node| fields::condition(node, &Spot::JOB_IF, problems));
    // A job that calls a workflow has none of them; that it calls is the mistake.
    let runs_on = if calls { fields.get("runs-on") } else { fields.required("runs-on", problems) };
    let runs_on = runs_on.map(|node| runs_on_of(node, problems));
    let environment = fields.get("environment").and_then(|node| environment(node, problems));
    let permissions = fields.get("permissions").and_then(|node| permissions(node, problems));
    let concurrency = fields.get("concurrency").and_then(|node| concurrency(node, &Spot::JOB, problems));
    let strategy = fields.get("strategy").map(|node| strategy::strategy(node, problems));
    let env = fields.get("env").map(|node| fields::templates(node, "`env`", &Spot::JOB_ENV, problems));
    let defaults = fields.get("defaults").map(|node| defaults(node, &Spot::JOB_DEFAULTS, problems));
    let timeout = fields.get("timeout-minutes");
    let timeout_minutes = timeout.and_then(|node| fields::number(node, "`timeout-minutes`", &Spot::JOB, problems));
    let tolerant = fields.get("continue-on-error");
    let continue_on_error = tolerant.and_then(|node| fields::flag(node, "`continue-on-error`", &Spot::JOB, problems));
    let container = fields.get("container").and_then(|node| container::container(node, problems));
    let services = fields.get("services").map(|node| container::services(node, problems));
    let outputs = fields.get("outputs").map(|node| fields::templates(node, "`outputs`", &Spot::OUTPUT, problems));
    let steps = if calls { fields.get("steps") } else { fields.required("steps", problems) };
    let steps = steps.map(|node| step::steps(node, step::Owner::Workflow, problems));
    fields.finish(&REASONS, problems);
    Some(Job {
        id: entry.key.clone(),
        place: entry.key_place,
        name,
        needs: needs.into_iter().map(|(id, _)| id).collect(),
        condition: condition.unwrap_or_else(Condition::default),
        runs_on: runs_on?,
        environment,
        permissions,
        concurrency,
        strategy: strategy.unwrap_or_default(),
        env: env.unwrap_or_default(),
        defaults: defaults.unwrap_or_default(),
        timeout_minutes,
        continue_on_error,
        container,
        services: services.unwrap_or_default(),
        outputs: outputs.unwrap_or_default(),
        steps: steps?,
    })
}

/// `needs`: one job, or a list of them. Whether they exist is seen when all are read.
fn needs(node: &Node, problems: &mut Problems) -> Vec<(String, Place)> {
    if matches!(&node.kind, Kind::List(items) if items.len() > MOST_JOBS) {
        problems.add(node.place, format!("`needs` has more than {MOST_JOBS} jobs, which is more than a workflow has"));
        return Vec::new();
    }
    fields::texts(node, "`needs`", problems)
}

/// `runs-on`: a label, a list of them, or a mapping with `labels`.
fn runs_on_of(node: &Node, problems: &mut Problems) -> RunsOn {
    let what = "`runs-on`";
    let labels = match &node.kind {
        Kind::Scalar(_) => fields::filled(node, what, &Spot::JOB, problems).into_iter().collect(),
        Kind::List(items) => {
            if items.is_empty() {
                problems.add(node.place, "`runs-on` names no label");
            }
            fields::template_list(node, what, &Spot::JOB, problems)
        }
        Kind::Map(_) => {
            let Some(mut fields) = Fields::of(node, what, problems) else { return RunsOn(Vec::new()) };
            let labels = fields.required("labels", problems);
            fields.finish(&[("group", "groups of runners are not supported; name `labels` alone")], problems);
            return labels.map_or(RunsOn(Vec::new()), |labels| match labels.kind {
                Kind::Map(_) => {
                    problems.add(labels.place, "`labels` must be a text or a list of texts, and is a mapping");
                    RunsOn(Vec::new())
                }
                Kind::Scalar(_) | Kind::List(_) => runs_on_of(labels, problems),
            });
        }
    };
    RunsOn(labels)
}

/// `environment`: the name alone, or a mapping.
fn environment(node: &Node, problems: &mut Problems) -> Option<Environment> {
    if let Kind::Scalar(_) = node.kind {
        let name = fields::filled(node, "`environment`", &Spot::JOB, problems)?;
        return Some(Environment { name, url: None });
    }
    let mut fields = Fields::of(node, "`environment`", problems)?;
    let name = fields.required("name", problems);
    let name = name.and_then(|node| fields::filled(node, "`environment.name`", &Spot::JOB, problems));
    let url = fields.get("url");
    let url = url.and_then(|node| fields::filled(node, "`environment.url`", &Spot::ENVIRONMENT_URL, problems));
    fields.finish(&[], problems);
    Some(Environment { name: name?, url })
}
