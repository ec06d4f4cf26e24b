//! Reading `[[app.release]]`.

use super::check::release_name;
use super::items::{reference, references};
use super::parse::Notes;
use super::plan::ItemKind;
use super::reader::{Fields, Value};
use super::values::{
    absolute_path, branch_glob, duration, filled_list, ignore_pattern, is_inside, line, list, one_of, relative_path,
    script, variable_lines,
};
use super::{
    Auto, AutoOn, DEFAULT_KEEP, Filter, FilterMode, Hooks, HostSelector, Mode, ReleaseConfig, Shared, StepTimeouts,
    Strategy, Transfer, rollout,
};
use crate::ids::{AppKey, ChannelId, EnvironmentKey};

pub(super) fn release(mut fields: Fields<'_>, app: Option<&AppKey>, notes: &mut Notes) -> Option<ReleaseConfig> {
    let environment = environment(&mut fields, app, notes);
    let mode = rollout::mode(&mut fields);
    let hosts = fields.required("hosts", |value| hosts(value, notes));
    let paths = paths(&mut fields, app, environment.as_ref(), notes);
    let keep =
        fields.or("keep", DEFAULT_KEEP, |value| value.integer(1..=100).and_then(|keep| u32::try_from(keep).ok()));
    let build_dir = fields.or("build_dir", ".".to_owned(), relative_path);
    let filter = fields.optional("filter", filter);
    let shared = fields.or("shared", Shared::default(), shared);
    let variables = fields.or("variables", String::new(), variable_lines);
    let hooks = fields.or("hooks", Hooks::default(), hooks);
    let strategy = fields.or("strategy", Strategy::default(), |value| rollout::strategy(value, notes));
    let health = fields.optional("health", rollout::health);
    let transfer = fields.or("transfer", Transfer::default(), rollout::transfer);
    let caches = fields.or("caches", Vec::new(), rollout::caches);
    let share_builds = fields.or("share_builds", false, Value::boolean);
    let inputs = rollout::inputs(&mut fields);
    let timeouts = fields.or("timeouts", StepTimeouts::default(), timeouts);
    let auto = fields.optional("auto", auto);
    let notify = fields.optional("notify", |value| references::<ChannelId>(value, ItemKind::Channel, notes));
    let (at, report) = (fields.at(), fields.report());
    fields.finish();
    let (hooks, mode) = (hooks?, mode?);
    if matches!(mode, Mode::Custom(_)) && hooks != Hooks::default() {
        report.error(at, "mode = \"custom\" has no hooks: write them as [[app.release.action]]");
        return None;
    }
    if let Some(twice) =
        inputs.iter().enumerate().find(|(at, input)| inputs[..*at].iter().any(|i| i.name == input.name))
    {
        report.error(at, format!("there are two inputs named {}", twice.1.name));
        return None;
    }
    let (deploy_path, releases_path) = paths?;
    Some(ReleaseConfig {
        environment: environment?,
        hosts: hosts?,
        deploy_path,
        releases_path,
        keep: keep?,
        build_dir: build_dir?,
        filter: filter?,
        shared: shared?,
        variables: variables?,
        hooks,
        strategy: strategy?,
        health: health?,
        transfer: transfer?,
        caches: caches?,
        share_builds: share_builds?,
        inputs,
        mode,
        timeouts: timeouts?,
        auto: auto?,
        notify: notify?,
    })
}

fn environment(fields: &mut Fields<'_>, app: Option<&AppKey>, notes: &mut Notes) -> Option<EnvironmentKey> {
    fields.required("environment", |value| {
        let key: EnvironmentKey = reference(value, ItemKind::Environment, notes)?;
        if let Some(app) = app {
            let name = release_name(app.as_str(), key.as_str());
            notes.declare(value.report(), ItemKind::Release, &name, value.at());
        }
        Some(key)
    })
}

fn hosts(value: &Value<'_>, notes: &mut Notes) -> Option<HostSelector> {
    if value.is_list() {
        let names = references(value, ItemKind::Host, notes)?;
        if names.is_empty() {
            return value.refuse("`hosts` must not be empty: name hosts, or write { labels = [\"…\"] }");
        }
        return Some(HostSelector::Names(names));
    }
    if value.as_text().is_some() {
        return value.wrong_type("a list of names or { labels = [\"…\"] }");
    }
    let mut fields = value.fields()?;
    let labels = fields.required("labels", |value| filled_list(value, line));
    fields.finish();
    labels.map(HostSelector::Labels)
}

/// `deploy_path` and `releases_path`, apart from each other.
fn paths(
    fields: &mut Fields<'_>,
    app: Option<&AppKey>,
    environment: Option<&EnvironmentKey>,
    notes: &mut Notes,
) -> Option<(String, String)> {
    let deploy_path = fields.required("deploy_path", |value| {
        if let (Some(app), Some(environment)) = (app, environment) {
            notes.place(ItemKind::Release, &release_name(app.as_str(), environment.as_str()), value.at());
        }
        Some((absolute_path(value)?, value.at()))
    });
    let releases_path = fields.required("releases_path", |value| Some((absolute_path(value)?, value.at())));
    let ((deploy_path, deploy_at), (releases_path, releases_at)) = (deploy_path?, releases_path?);
    if is_inside(&releases_path, &deploy_path) {
        let message = "`releases_path` must not be inside `deploy_path`: every release would replace it; \
                       choose a directory elsewhere, like \"/data/davit\"";
        fields.report().error(releases_at, message);
        return None;
    }
    let own = app.map(|app| format!("{releases_path}/{app}"));
    let parts = ["releases", "shared", ".davit"];
    if own.is_some_and(|own| {
        is_inside(&own, &deploy_path) || parts.iter().any(|part| is_inside(&deploy_path, &format!("{own}/{part}")))
    }) {
        let message =
            format!("`deploy_path` {deploy_path:?} is where davit keeps the releases themselves: choose another path");
        fields.report().error(deploy_at, message);
        return None;
    }
    Some((deploy_path, releases_path))
}

fn filter(value: &Value<'_>) -> Option<Filter> {
    let mut fields = value.fields()?;
    let modes = [("include", FilterMode::Include), ("exclude", FilterMode::Exclude)];
    let mode = fields.required("mode", |value| one_of(value, &modes));
    let patterns = fields.required("patterns", |value| filled_list(value, ignore_pattern));
    fields.finish();
    Some(Filter { mode: mode?, patterns: patterns? })
}

fn shared(value: &Value<'_>) -> Option<Shared> {
    let mut fields = value.fields()?;
    let dirs = fields.or("dirs", Vec::new(), |value| list(value, shared_path));
    let files = fields.or("files", Vec::new(), |value| list(value, shared_path));
    fields.finish();
    let shared = Shared { dirs: dirs?, files: files? };
    let all: Vec<&String> = shared.dirs.iter().chain(&shared.files).collect();
    for (index, path) in all.iter().enumerate() {
        let others = all.iter().enumerate().filter(|(other, _)| *other != index);
        if let Some((_, outer)) = others.into_iter().find(|(_, outer)| is_inside(path, outer)) {
            return value.refuse(format!("`shared` has {path:?} inside of {outer:?}: keep only the outer one"));
        }
    }
    Some(shared)
}

fn shared_path(value: &Value<'_>) -> Option<String> {
    let path = relative_path(value)?;
    if path == "." {
        return value.refuse(format!("{} can't be the whole release: name what is in it", value.name()));
    }
    Some(path)
}

fn hooks(value: &Value<'_>) -> Option<Hooks> {
    let mut fields = value.fields()?;
    let before_checkout = fields.or("before_checkout", String::new(), script);
    let after_checkout = fields.or("after_checkout", String::new(), script);
    let before_release = fields.or("before_release", String::new(), script);
    let after_release = fields.or("after_release", String::new(), script);
    fields.finish();
    Some(Hooks {
        before_checkout: before_checkout?,
        after_checkout: after_checkout?,
        before_release: before_release?,
        after_release: after_release?,
    })
}

fn timeouts(value: &Value<'_>) -> Option<StepTimeouts> {
    let default = StepTimeouts::default();
    let mut fields = value.fields()?;
    let step = fields.or("step", default.step, duration);
    let idle = fields.or("idle", default.idle, duration);
    fields.finish();
    Some(StepTimeouts { step: step?, idle: idle? })
}

fn auto(value: &Value<'_>) -> Option<Auto> {
    let mut fields = value.fields()?;
    let events = [
        ("push", AutoOn::Push),
        ("tag", AutoOn::Tag),
        ("merge", AutoOn::Merge),
        ("deployment_event", AutoOn::DeploymentEvent),
    ];
    let on = fields.required("on", |value| one_of(value, &events));
    let branches = fields.or("branches", Vec::new(), |value| list(value, branch_glob));
    let ungated = fields.or("require_green", (), |value| match value.boolean()? {
        true => value.refuse(format!(
            "{} is not written here: write `require_green = true` in [[environment]], where it holds for everybody",
            value.name()
        )),
        false => Some(()),
    });
    fields.finish();
    Some(Auto { on: on?, branches: branches? }).filter(|_| ungated.is_some())
}
