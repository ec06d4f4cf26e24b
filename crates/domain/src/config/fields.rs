//! Every item as keys and TOML values: what an export prints and what a plan compares.

use super::{
    Action, ActionKind, App, Auto, AutoOn, BatchSize, BetweenBatches, Compress, DEFAULT_KEEP, DEFAULT_SSH_PORT,
    Environment, Filter, FilterMode, Forge, GenericHook, GithubApp, Health, HealthCheck, HealthFrom, Hooks, Host,
    HostKind, HostSelector, Input, Mode, OnFailure, ReleaseConfig, Repository, Review, SecretRef, Shared, StepTimeouts,
    Strategy, Transfer, TransferSource, Unchanged, Verify,
};
use crate::freeze::{FreezeWindow, ReleaseWindow, Weekday};
use std::borrow::Cow;
use std::fmt::Display;

/// One key of an item.
pub(super) struct Field<'c> {
    /// Its key, dotted where it is inside of a table.
    pub(super) key: &'static str,
    /// Its value as TOML. Empty: there is none.
    pub(super) toml: String,
    /// Whether a file says the same without it.
    pub(super) is_default: bool,
    /// The text of a script or of variables, which is too long (and may be too telling) for a plan.
    pub(super) script: Option<Cow<'c, str>>,
}

impl Field<'_> {
    pub(super) fn new(key: &'static str, toml: impl Into<String>) -> Self {
        Self { key, toml: toml.into(), is_default: false, script: None }
    }

    pub(super) fn unless(self, is_default: bool) -> Self {
        Self { is_default, ..self }
    }

    pub(super) fn optional(key: &'static str, toml: Option<String>) -> Self {
        let is_default = toml.is_none();
        Self::new(key, toml.unwrap_or_default()).unless(is_default)
    }
}

pub(super) fn script<'c>(key: &'static str, text: &'c str) -> Field<'c> {
    Field { key, toml: quoted(text), is_default: text.is_empty(), script: Some(Cow::Borrowed(text)) }
}

/// A TOML string: one line where it is one, else a multi-line string that reads like the text.
pub(super) fn quoted(text: impl Display) -> String {
    toml::Value::String(text.to_string()).to_string()
}

pub(super) fn list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let items: Vec<String> = items.into_iter().map(quoted).collect();
    format!("[{}]", items.join(", "))
}

pub(super) fn list_field<T: Display>(key: &'static str, items: &[T]) -> Field<'static> {
    Field::new(key, list(items)).unless(items.is_empty())
}

pub(super) fn table(entries: &[(&str, String)]) -> String {
    let entries: Vec<String> = entries.iter().map(|(key, value)| format!("{key} = {value}")).collect();
    format!("{{ {} }}", entries.join(", "))
}

pub(super) fn secret(secret: &SecretRef) -> String {
    match secret {
        SecretRef::Env(name) => table(&[("env", quoted(name))]),
        SecretRef::File(path) => table(&[("file", quoted(path))]),
        SecretRef::Secret(name) => table(&[("secret", quoted(name))]),
    }
}

pub(super) fn duration(seconds: u64) -> String {
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    quoted(
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect::<String>(),
    )
}

pub(super) fn forge(forge: &Forge) -> Vec<Field<'_>> {
    let api_url = forge.api_url.as_str();
    vec![
        Field::new("id", quoted(&forge.id)),
        Field::new("kind", quoted(forge.kind.as_str())),
        Field::new("api_url", quoted(api_url)).unless(api_url == forge.kind.default_api_url().unwrap_or_default()),
        Field::optional("token", forge.token.as_ref().map(secret)),
        Field::optional("app", forge.app.as_ref().map(github_app)),
        Field::optional("webhook_secret", forge.webhook_secret.as_ref().map(secret)),
        Field::optional("signature", forge.signature.map(|signature| quoted(signature.as_str()))),
        Field::optional("generic", forge.generic.as_ref().map(generic_hook)),
        Field::optional("ca", forge.ca.as_ref().map(secret)),
        Field::optional("proxy", forge.proxy.as_ref().map(quoted)),
        Field::optional("git_key", forge.git_key.as_ref().map(secret)),
    ]
}

fn github_app(app: &GithubApp) -> String {
    table(&[("id", quoted(&app.id)), ("private_key", secret(&app.private_key))])
}

fn generic_hook(hook: &GenericHook) -> String {
    let GenericHook { header, prefix, delivery_header, repository, reference, commit, by, title } = hook;
    let optional = |key, value: &Option<String>| value.as_ref().map(|value| (key, basic(value)));
    let mut entries = vec![("header", basic(header))];
    entries.extend((!prefix.is_empty()).then(|| ("prefix", basic(prefix))));
    entries.extend(optional("delivery_header", delivery_header));
    entries.extend([("repository", basic(repository)), ("ref", basic(reference)), ("commit", basic(commit))]);
    entries.extend([optional("by", by), optional("title", title)].into_iter().flatten());
    table(&entries)
}

pub(super) fn environment(environment: &Environment) -> Vec<Field<'_>> {
    vec![
        Field::new("key", quoted(&environment.key)),
        Field::new("name", quoted(&environment.name)).unless(environment.name == environment.key.as_str()),
        Field::optional("color", environment.color.as_ref().map(quoted)),
        Field::new("review", review(&environment.review)).unless(environment.review == Review::default()),
        Field::optional("branches", environment.branches.as_ref().map(list)),
        Field::optional("url", environment.url.as_ref().map(quoted)),
        Field::optional("forge_name", environment.forge_name.as_ref().map(quoted)),
        Field::new("freeze", tables(environment.freeze.iter().map(freeze))).unless(environment.freeze.is_empty()),
        Field::new("window", tables(environment.windows.iter().map(window))).unless(environment.windows.is_empty()),
        Field::optional("require_green", environment.require_green.as_ref().map(require_green)),
    ]
}

fn review(review: &Review) -> String {
    let Review { required, self_approval, reviewers, expires } = review;
    let mut entries = vec![("required", required.to_string())];
    if *self_approval {
        entries.push(("self_approval", true.to_string()));
    }
    if !reviewers.is_empty() {
        entries.push(("reviewers", tables(reviewers.iter().map(|reviewer| basic(&reviewer.to_string())))));
    }
    entries.extend(expires.map(|seconds| ("expires", duration(seconds))));
    table(&entries)
}

fn require_green(contexts: &Vec<String>) -> String {
    if contexts.is_empty() { true.to_string() } else { list(contexts) }
}

pub(super) fn host(host: &Host) -> Vec<Field<'_>> {
    let (kind, is_local) = match host.kind {
        HostKind::Ssh => ("ssh", false),
        HostKind::Local => ("local", true),
    };
    vec![
        Field::new("name", quoted(&host.name)),
        Field::new("kind", quoted(kind)).unless(!is_local),
        Field::new("address", quoted(&host.address)).unless(is_local),
        Field::new("port", host.port.to_string()).unless(host.port == DEFAULT_SSH_PORT),
        Field::new("user", quoted(&host.user)).unless(is_local),
        list_field("jump", &host.jump),
        list_field("labels", &host.labels),
        Field::optional("category", host.category.as_ref().map(quoted)),
        list_field("environments", &host.environments),
        Field::optional("host_key", host.host_key.as_ref().map(quoted)),
        Field::optional("private_key", host.private_key.as_ref().map(secret)),
        Field::new("agent", host.agent.to_string()).unless(!host.agent),
    ]
}

/// An app's own keys, without its release configs.
pub(super) fn app(app: &App) -> Vec<Field<'_>> {
    let repository = match &app.repository {
        Repository::Forge { forge, name, url } => {
            let url = url.as_ref().map(|url| ("url", quoted(url)));
            let entries = [("forge", quoted(forge)), ("name", quoted(name))].into_iter().chain(url);
            table(&entries.collect::<Vec<_>>())
        }
        Repository::Url { url } => table(&[("url", quoted(url))]),
    };
    vec![
        Field::new("key", quoted(&app.key)),
        Field::new("name", quoted(&app.name)).unless(app.name == app.key.as_str()),
        Field::new("repository", repository),
    ]
}

pub(super) fn release(release: &ReleaseConfig) -> Vec<Field<'_>> {
    let ReleaseConfig { hooks, timeouts, shared, .. } = release;
    let hosts = match &release.hosts {
        HostSelector::Names(names) => list(names),
        HostSelector::Labels(labels) => table(&[("labels", list(labels))]),
    };
    let Hooks { before_checkout, after_checkout, before_release, after_release } = hooks;
    let Shared { dirs, files } = shared;
    let actions = match &release.mode {
        Mode::Regular => None,
        Mode::Custom(custom) => Some(custom),
    };
    let rollback = actions.map(|custom| custom.rollback_actions.as_slice()).unwrap_or_default();
    vec![
        Field::new("environment", quoted(&release.environment)),
        Field::new("hosts", hosts),
        Field::new("deploy_path", quoted(&release.deploy_path)),
        Field::new("releases_path", quoted(&release.releases_path)),
        Field::new("keep", release.keep.to_string()).unless(release.keep == DEFAULT_KEEP),
        Field::new("build_dir", quoted(&release.build_dir)).unless(release.build_dir == "."),
        Field::optional("filter", release.filter.as_ref().map(filter)),
        list_field("shared.dirs", dirs),
        list_field("shared.files", files),
        script("variables", &release.variables),
        script("hooks.before_checkout", before_checkout),
        script("hooks.after_checkout", after_checkout),
        script("hooks.before_release", before_release),
        script("hooks.after_release", after_release),
        Field::new("strategy", strategy(&release.strategy)).unless(release.strategy == Strategy::default()),
        Field::optional("health", release.health.as_ref().map(health)),
        Field::new("transfer", transfer(release.transfer)).unless(release.transfer == Transfer::default()),
        list_field("caches", &release.caches),
        Field::new("share_builds", release.share_builds.to_string()).unless(!release.share_builds),
        Field::new("timeouts.step", duration(timeouts.step)).unless(timeouts.step == StepTimeouts::default().step),
        Field::new("timeouts.idle", duration(timeouts.idle)).unless(timeouts.idle == StepTimeouts::default().idle),
        Field::optional("auto", release.auto.as_ref().map(auto)),
        Field::optional("notify", release.notify.as_ref().map(list)),
        Field::new("input", tables(release.inputs.iter().map(input))).unless(release.inputs.is_empty()),
        Field::new("mode", quoted(if actions.is_some() { "custom" } else { "regular" })).unless(actions.is_none()),
        Field::new("action", tables(actions.iter().flat_map(|custom| &custom.actions).map(action)))
            .unless(actions.is_none()),
        Field::new("rollback_action", tables(rollback.iter().map(action))).unless(rollback.is_empty()),
    ]
}

/// An array of inline tables, which says the same as `[[…]]` sections.
fn tables(items: impl Iterator<Item = String>) -> String {
    format!("[{}]", items.collect::<Vec<_>>().join(", "))
}

fn strategy(strategy: &Strategy) -> String {
    let size = |size: &BatchSize| match size {
        BatchSize::Count(count) => quoted(count),
        BatchSize::Percent(percent) => quoted(format!("{percent}%")),
        BatchSize::Hosts(hosts) => list(hosts),
    };
    let mut entries = Vec::new();
    if !strategy.batches.is_empty() {
        entries.push(("batches", tables(strategy.batches.iter().map(size))));
    }
    match strategy.pause {
        BetweenBatches::None => {}
        BetweenBatches::Confirm => entries.push(("pause", quoted("confirm"))),
        BetweenBatches::Wait { seconds } => entries.push(("pause", duration(seconds))),
    }
    if strategy.max_failures != Strategy::default().max_failures {
        entries.push(("max_failures", strategy.max_failures.to_string()));
    }
    match strategy.on_failure {
        OnFailure::Revert => {}
        OnFailure::Hold => entries.push(("on_failure", quoted("hold"))),
    }
    table(&entries)
}

fn health(health: &Health) -> String {
    let mut entries = match &health.check {
        HealthCheck::Http { url, status } => {
            let status = status.map(|status| ("status", status.to_string()));
            std::iter::once(("http", quoted(url))).chain(status).collect()
        }
        HealthCheck::Tcp { address } => vec![("tcp", quoted(address))],
        HealthCheck::Command { run } => vec![("command", basic(run))],
    };
    if health.from == HealthFrom::Server {
        entries.push(("from", quoted("server")));
    }
    entries.extend([
        ("retries", health.retries.to_string()),
        ("interval", interval(health.interval_ms)),
        ("timeout", interval(health.timeout_ms)),
    ]);
    table(&entries)
}

fn interval(millis: u64) -> String {
    if millis.is_multiple_of(1_000) { duration(millis / 1_000) } else { quoted(format!("{millis}ms")) }
}

fn transfer(transfer: Transfer) -> String {
    let mut entries = Vec::new();
    if transfer.unchanged == Unchanged::Hardlink {
        entries.push(("unchanged", quoted("hardlink")));
    }
    if transfer.verify == Verify::Full {
        entries.push(("verify", quoted("full")));
    }
    match transfer.compress {
        Compress::Auto => {}
        Compress::Always => entries.push(("compress", quoted("always"))),
        Compress::Never => entries.push(("compress", quoted("never"))),
    }
    table(&entries)
}

fn input(input: &Input) -> String {
    let mut entries = vec![("name", basic(&input.name))];
    if input.label != input.name {
        entries.push(("label", basic(&input.label)));
    }
    if let Some(default) = &input.default {
        entries.push(("default", basic(default)));
    }
    if input.required {
        entries.push(("required", true.to_string()));
    }
    if !input.choices.is_empty() {
        entries.push(("choices", tables(input.choices.iter().map(|choice| basic(choice)))));
    }
    table(&entries)
}

fn action(action: &Action) -> String {
    let mut entries = vec![("name", basic(&action.name))];
    match &action.what {
        ActionKind::Server { run } => entries.extend([("on", quoted("server")), ("run", basic(run))]),
        ActionKind::Host { run } => entries.extend([("on", quoted("host")), ("run", basic(run))]),
        ActionKind::Transfer { from, to, mode } => {
            let mut parts = match from {
                TransferSource::Build(path) => vec![("from", basic(path))],
                TransferSource::Upload(name) => vec![("upload", basic(name))],
            };
            parts.push(("to", basic(to)));
            if let Some(mode) = mode {
                parts.push(("mode", quoted(format!("{mode:04o}"))));
            }
            entries.push(("transfer", table(&parts)));
        }
    }
    table(&entries)
}

/// A TOML string on one line, as an inline table needs it.
pub(super) fn basic(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            letter if letter.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(letter))),
            letter => quoted.push(letter),
        }
    }
    quoted.push('"');
    quoted
}

fn time(minutes: u16) -> String {
    quoted(format!("{:02}:{:02}", minutes / 60, minutes % 60))
}

fn week_days(days: &[Weekday]) -> Option<(&'static str, String)> {
    (!days.is_empty()).then(|| ("days", list(days.iter().map(|day| day.as_str()))))
}

fn window(window: &ReleaseWindow) -> String {
    let ReleaseWindow { days, from, to, zone } = window;
    let rest = [("from", time(*from)), ("to", time(*to)), ("zone", quoted(zone))];
    table(&week_days(days).into_iter().chain(rest).collect::<Vec<_>>())
}

fn freeze(window: &FreezeWindow) -> String {
    match window {
        FreezeWindow::Weekly { days, from, to, zone, reason } => {
            let rest = [("from", time(*from)), ("to", time(*to)), ("zone", quoted(zone)), ("reason", basic(reason))];
            table(&week_days(days).into_iter().chain(rest).collect::<Vec<_>>())
        }
        FreezeWindow::Dated { from, until, zone, reason } => table(&[
            ("from", quoted(from)),
            ("until", quoted(until)),
            ("zone", quoted(zone)),
            ("reason", basic(reason)),
        ]),
    }
}

fn filter(filter: &Filter) -> String {
    let mode = match filter.mode {
        FilterMode::Include => "include",
        FilterMode::Exclude => "exclude",
    };
    table(&[("mode", quoted(mode)), ("patterns", list(&filter.patterns))])
}

fn auto(auto: &Auto) -> String {
    let on = match auto.on {
        AutoOn::Push => "push",
        AutoOn::Tag => "tag",
        AutoOn::Merge => "merge",
        AutoOn::DeploymentEvent => "deployment_event",
    };
    let mut entries = vec![("on", quoted(on))];
    if !auto.branches.is_empty() {
        entries.push(("branches", list(&auto.branches)));
    }
    table(&entries)
}
