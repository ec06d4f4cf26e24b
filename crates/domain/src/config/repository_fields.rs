//! A repository as keys and TOML values. See [`fields`](super::fields).

use super::fields::{Field, basic, duration, list, list_field, quoted, script, secret, table};
use super::values::in_units;
use super::{ExecutorKind, ForkPolicy, JobLimits, MergePolicy, RepositoryEnvironment, RepositorySettings, SecretRef};
use std::borrow::Cow;
use std::collections::BTreeMap;

pub(super) fn repository(repository: &RepositorySettings) -> Vec<Field<'_>> {
    let RepositorySettings { limits, keep_runs_days, keep_artifacts_days, .. } = repository;
    let default = JobLimits::default();
    let usual_artifacts = RepositorySettings::default_keep_artifacts_days(*keep_runs_days);
    let mut fields = vec![
        Field::new("forge", quoted(&repository.forge)),
        Field::new("name", quoted(&repository.name)),
        Field::optional("url", repository.url.as_ref().map(quoted)),
        Field::new("executor", quoted(repository.executor.as_str()))
            .unless(repository.executor == ExecutorKind::Sandbox),
        Field::new("trusted", repository.trusted.to_string()).unless(!repository.trusted),
        Field::new("network", repository.network.to_string()).unless(repository.network),
        Field::new("forks", quoted(repository.forks.as_str())).unless(repository.forks == ForkPolicy::Approve),
        Field::new("memory", bytes(limits.memory)).unless(limits.memory == default.memory),
        Field::new("cpus", thousandths(limits.millicpus)).unless(limits.millicpus == default.millicpus),
        Field::new("processes", limits.processes.to_string()).unless(limits.processes == default.processes),
        Field::new("disk", bytes(limits.disk)).unless(limits.disk == default.disk),
        Field::new("output", bytes(limits.output)).unless(limits.output == default.output),
        Field::new("timeout", duration(limits.timeout)).unless(limits.timeout == default.timeout),
        Field::new("keep_runs", days(*keep_runs_days))
            .unless(*keep_runs_days == RepositorySettings::DEFAULT_KEEP_RUNS_DAYS),
        Field::new("keep_artifacts", days(*keep_artifacts_days)).unless(*keep_artifacts_days == usual_artifacts),
        Field::new("cache_size", bytes(repository.cache_size))
            .unless(repository.cache_size == RepositorySettings::DEFAULT_CACHE_SIZE),
        Field::new("badge", repository.badge.to_string()).unless(!repository.badge),
        script("variables", &repository.variables),
        Field::new("secrets", secrets(&repository.secrets)).unless(repository.secrets.is_empty()),
        environments(&repository.environments),
    ];
    fields.extend(merge(repository.merge.as_ref()));
    fields
}

/// Variables in them are as telling as elsewhere: a plan says how many lines differ.
fn environments(environments: &BTreeMap<String, RepositoryEnvironment>) -> Field<'static> {
    let entries: Vec<_> = environments.iter().map(|(name, entry)| (basic(name), environment(entry))).collect();
    let lines: String = entries.iter().map(|(name, entry)| format!("{name} = {entry}\n")).collect();
    let entries: Vec<_> = entries.iter().map(|(name, entry)| (name.as_str(), entry.clone())).collect();
    let field = Field::new("environments", table(&entries)).unless(environments.is_empty());
    Field { script: Some(Cow::Owned(lines)), ..field }
}

fn environment(environment: &RepositoryEnvironment) -> String {
    let RepositoryEnvironment { variables, secrets: own } = environment;
    let variables = (!variables.is_empty()).then(|| ("variables", basic(variables)));
    let own = (!own.is_empty()).then(|| ("secrets", secrets(own)));
    table(&variables.into_iter().chain(own).collect::<Vec<_>>())
}

fn secrets(secrets: &BTreeMap<String, SecretRef>) -> String {
    table(&secrets.iter().map(|(name, from)| (name.as_str(), secret(from))).collect::<Vec<_>>())
}

/// A table of defaults alone still says that davit merges; otherwise its keys say so.
fn merge(merge: Option<&MergePolicy>) -> Vec<Field<'_>> {
    let default = MergePolicy::default();
    let policy = merge.unwrap_or(&default);
    let MergePolicy { by, label, blocking_labels, required, approvals, method, branches, delete_branch, queue } =
        policy;
    vec![
        Field::new("merge", merge.map(|_| "{}").unwrap_or_default()).unless(merge != Some(&default)),
        Field::new("merge.by", list(by.iter().map(|way| way.as_str()))).unless(*by == default.by),
        Field::new("merge.label", quoted(label)).unless(*label == default.label),
        Field::new("merge.blocking_labels", list(blocking_labels)).unless(*blocking_labels == default.blocking_labels),
        list_field("merge.required", required),
        Field::new("merge.approvals", approvals.to_string()).unless(*approvals == default.approvals),
        Field::new("merge.method", quoted(method.as_str())).unless(*method == default.method),
        list_field("merge.branches", branches),
        Field::new("merge.delete_branch", delete_branch.to_string()).unless(!delete_branch),
        Field::new("merge.queue", queue.to_string()).unless(!queue),
    ]
}

fn bytes(bytes: u64) -> String {
    quoted(in_units(bytes))
}

fn days(days: u32) -> String {
    quoted(format!("{days}d"))
}

/// `1.5`, and `2` without a fraction.
fn thousandths(thousandths: u32) -> String {
    let (whole, rest) = (thousandths / 1_000, thousandths % 1_000);
    if rest == 0 { whole.to_string() } else { format!("{whole}.{rest:03}").trim_end_matches('0').to_owned() }
}
