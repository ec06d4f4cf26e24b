//! Reading `[[repository]]`, and `require_green` of an environment.

use super::items::{git_url, reference, repository_name, secret_reference};
use super::parse::Notes;
use super::plan::ItemKind;
use super::reader::{Fields, Value};
use super::values::{
    branch_glob, bytes, context_glob, days, duration, filled_list, line, list, one_of, thousandths, variable_lines,
};
use super::{
    ExecutorKind, ForkPolicy, JobLimits, MergeBy, MergeMethod, MergePolicy, RepositoryEnvironment, RepositorySettings,
    SecretRef,
};
use crate::ids::ForgeId;
use crate::variables;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// A job needs some memory to begin with, and nobody has more than this.
const MEMORY: RangeInclusive<u64> = 16 << 20..=64 << 40;
const DISK: RangeInclusive<u64> = 16 << 20..=1 << 50;
const OUTPUT: RangeInclusive<u64> = 64 << 10..=16 << 30;
const CACHES: RangeInclusive<u64> = 0..=1 << 50;
const MILLICPUS: RangeInclusive<u32> = 100..=1_024_000;
const PROCESSES: RangeInclusive<i64> = 16..=1_000_000;
/// A week, in seconds.
const LONGEST_JOB: u64 = 7 * 24 * 3600;

pub(super) fn repository(mut fields: Fields<'_>, notes: &mut Notes) -> Option<RepositorySettings> {
    let forge: Option<ForgeId> = fields.required("forge", |value| reference::<ForgeId>(value, ItemKind::Forge, notes));
    let name = fields.required("name", |value| {
        let name = repository_name(value)?;
        if let Some(forge) = &forge {
            // Forges don't tell case apart.
            let item = item_name(forge, &name).to_ascii_lowercase();
            notes.declare(value.report(), ItemKind::Repository, &item, value.at());
        }
        Some(name)
    });
    let url = fields.optional("url", git_url);
    let trusted = fields.or("trusted", false, Value::boolean);
    let executor = fields.or("executor", ExecutorKind::Sandbox, |value| executor(value, trusted));
    let network = fields.or("network", true, |value| network(value, executor));
    let forks = fields.or("forks", ForkPolicy::Approve, |value| {
        one_of(value, &[ForkPolicy::Approve, ForkPolicy::Never].map(|policy| (policy.as_str(), policy)))
    });
    let limits = limits(&mut fields);
    let keep = keep(&mut fields);
    let cache_size = fields.or("cache_size", RepositorySettings::DEFAULT_CACHE_SIZE, |value| bytes(value, CACHES));
    let badge = fields.or("badge", false, Value::boolean);
    let variables = fields.or("variables", String::new(), variable_lines);
    let secrets = fields.or("secrets", BTreeMap::new(), |value| secrets(value, notes));
    let environments = fields.or("environments", BTreeMap::new(), |value| environments(value, notes));
    let merge = fields.optional("merge", merge);
    fields.finish();
    let (keep_runs_days, keep_artifacts_days) = keep?;
    Some(RepositorySettings {
        forge: forge?,
        name: name?,
        url: url?,
        executor: executor?,
        trusted: trusted?,
        network: network?,
        forks: forks?,
        limits: limits?,
        keep_runs_days,
        keep_artifacts_days,
        cache_size: cache_size?,
        badge: badge?,
        variables: variables?,
        secrets: secrets?,
        environments: environments?,
        merge: merge?,
    })
}

/// How plans and messages call a repository.
pub(super) fn item_name(forge: &ForgeId, name: &str) -> String {
    format!("{forge}/{name}")
}

/// `true`: every check. A list of globs: those.
pub(super) fn require_green(value: &Value<'_>) -> Option<Option<Vec<String>>> {
    if value.is_list() {
        return filled_list(value, context_glob).map(Some);
    }
    match value.as_boolean() {
        Some(wanted) => Some(wanted.then(Vec::new)),
        None => value.wrong_type("true, false or a list of contexts like [\"davit/ci/*\"]"),
    }
}

fn executor(value: &Value<'_>, trusted: Option<bool>) -> Option<ExecutorKind> {
    let executor = one_of(value, &[ExecutorKind::Sandbox, ExecutorKind::Host].map(|kind| (kind.as_str(), kind)))?;
    if executor == ExecutorKind::Host && trusted == Some(false) {
        return value.refuse(format!(
            "{} = \"host\" lets jobs do whatever davit itself may: add `trusted = true` if everybody who can push to the \
             repository may have that, else use \"sandbox\"",
            value.name()
        ));
    }
    Some(executor)
}

fn network(value: &Value<'_>, executor: Option<ExecutorKind>) -> Option<bool> {
    let network = value.boolean()?;
    if !network && executor == Some(ExecutorKind::Host) {
        return value.refuse(format!(
            "{} = false can't be kept with executor = \"host\", which separates nothing: use \"sandbox\"",
            value.name()
        ));
    }
    Some(network)
}

fn limits(fields: &mut Fields<'_>) -> Option<JobLimits> {
    let default = JobLimits::default();
    let memory = fields.or("memory", default.memory, |value| bytes(value, MEMORY));
    let millicpus = fields.or("cpus", default.millicpus, |value| thousandths(value, MILLICPUS));
    let processes = fields
        .or("processes", default.processes, |value| value.integer(PROCESSES).and_then(|number| number.try_into().ok()));
    let disk = fields.or("disk", default.disk, |value| bytes(value, DISK));
    let output = fields.or("output", default.output, |value| bytes(value, OUTPUT));
    let timeout = fields.or("timeout", default.timeout, |value| {
        let seconds = duration(value)?;
        match seconds <= LONGEST_JOB {
            true => Some(seconds),
            false => value.refuse(format!("{} must not be longer than \"168h\", a week", value.name())),
        }
    });
    Some(JobLimits {
        memory: memory?,
        millicpus: millicpus?,
        processes: processes?,
        disk: disk?,
        output: output?,
        timeout: timeout?,
    })
}

/// Days that runs and artifacts are kept. Artifacts go with their run at the latest.
fn keep(fields: &mut Fields<'_>) -> Option<(u32, u32)> {
    let runs = fields.or("keep_runs", RepositorySettings::DEFAULT_KEEP_RUNS_DAYS, days);
    let artifacts = fields.optional("keep_artifacts", |value| {
        let artifacts = days(value)?;
        match runs {
            Some(runs) if artifacts > runs => value.refuse(format!(
                "{} must not be longer than `keep_runs`, {runs}d: artifacts go with their run",
                value.name()
            )),
            Some(_) | None => Some(artifacts),
        }
    });
    let runs = runs?;
    Some((runs, artifacts?.unwrap_or_else(|| RepositorySettings::default_keep_artifacts_days(runs))))
}

fn secrets(value: &Value<'_>, notes: &mut Notes) -> Option<BTreeMap<String, SecretRef>> {
    named(value, |name, value| {
        let upper = name.to_ascii_uppercase();
        if !variables::is_name(name) {
            return value.refuse(format!("{} can't be a secret's name: use letters, digits and '_'", value.name()));
        }
        if upper.starts_with("GITHUB_") || upper.starts_with("DAVIT_") {
            return value.refuse(format!(
                "{} can't be set: names that start with GITHUB_ or DAVIT_ are davit's own",
                value.name()
            ));
        }
        secret_reference(value, notes)
    })
}

fn environments(value: &Value<'_>, notes: &mut Notes) -> Option<BTreeMap<String, RepositoryEnvironment>> {
    named(value, |name, value| {
        if name.trim().is_empty() || name.chars().any(char::is_control) {
            return value.refuse(format!("{} can't be an environment's name: write it on one line", value.name()));
        }
        let mut fields = value.fields()?;
        let variables = fields.or("variables", String::new(), variable_lines);
        let secrets = fields.or("secrets", BTreeMap::new(), |value| secrets(value, notes));
        fields.finish();
        Some(RepositoryEnvironment { variables: variables?, secrets: secrets? })
    })
}

/// A table whose keys people choose. Workflows don't tell their case apart.
fn named<T>(value: &Value<'_>, mut read: impl FnMut(&str, &Value<'_>) -> Option<T>) -> Option<BTreeMap<String, T>> {
    let mut all: BTreeMap<String, T> = BTreeMap::new();
    let mut good = true;
    for (name, entry) in value.entries()? {
        let twin = all.keys().find(|known| known.eq_ignore_ascii_case(name)).cloned();
        let read = match twin {
            Some(twin) => entry.refuse(format!("{} is {twin:?} in another case: keep one of the two", entry.name())),
            None => read(name, &entry),
        };
        match read {
            Some(read) => drop(all.insert(name.to_owned(), read)),
            None => good = false,
        }
    }
    good.then_some(all)
}

fn merge(value: &Value<'_>) -> Option<MergePolicy> {
    let default = MergePolicy::default();
    let mut fields = value.fields()?;
    let by = fields.or("by", default.by, |value| {
        filled_list(value, |item| one_of(item, &MergeBy::ALL.map(|way| (way.as_str(), way))))
    });
    let label = fields.or("label", default.label, line);
    let blocking_labels = fields.or("blocking_labels", default.blocking_labels, |value| {
        let labels = list(value, line)?;
        let asks = |known: &&String| label.as_ref().is_some_and(|label| label.to_lowercase() == known.to_lowercase());
        match labels.iter().find(asks) {
            Some(both) => value.refuse(format!("the label {both:?} can't both ask for a merge and be in its way")),
            None => Some(labels),
        }
    });
    let required = fields.or("required", Vec::new(), |value| list(value, context_glob));
    let approvals = fields
        .or("approvals", default.approvals, |value| value.integer(0..=100).and_then(|number| number.try_into().ok()));
    let method = fields
        .or("method", default.method, |value| one_of(value, &MergeMethod::ALL.map(|method| (method.as_str(), method))));
    let branches = fields.or("branches", Vec::new(), |value| list(value, branch_glob));
    let delete_branch = fields.or("delete_branch", false, Value::boolean);
    let queue = fields.or("queue", false, Value::boolean);
    fields.finish();
    Some(MergePolicy {
        by: by?,
        label: label?,
        blocking_labels: blocking_labels?,
        required: required?,
        approvals: approvals?,
        method: method?,
        branches: branches?,
        delete_branch: delete_branch?,
        queue: queue?,
    })
}
