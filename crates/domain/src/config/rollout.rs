//! Reading what an `[[app.release]]` says about how it reaches its hosts: portions, health, transfer, inputs, and the
//! actions of custom mode.

use super::items::reference;
use super::parse::{Notes, each};
use super::plan::ItemKind;
use super::reader::{Fields, Value};
use super::values::{
    absolute_path, duration, filled_list, interval, is_inside, line, list, one_of, relative_path, script,
};
use super::{
    Action, ActionKind, BatchSize, BetweenBatches, Compress, Custom, Health, HealthCheck, HealthFrom, Input, Mode,
    OnFailure, Strategy, Transfer, TransferSource, Unchanged, Verify,
};
use crate::log::Step;
use crate::variables;

pub(super) fn strategy(value: &Value<'_>, notes: &mut Notes) -> Option<Strategy> {
    let default = Strategy::default();
    let mut fields = value.fields()?;
    let batches = fields.or("batches", Vec::new(), |value| batches(value, notes));
    let pause = fields.or("pause", default.pause, pause);
    let max_failures = fields.or("max_failures", default.max_failures, |value| {
        value.integer(1..=1_000_000).and_then(|count| u32::try_from(count).ok())
    });
    let on_failure = fields.or("on_failure", default.on_failure, |value| {
        one_of(value, &[("revert", OnFailure::Revert), ("hold", OnFailure::Hold)])
    });
    fields.finish();
    Some(Strategy { batches: batches?, pause: pause?, max_failures: max_failures?, on_failure: on_failure? })
}

/// `["1", "25%", ["web-1", "web-2"], "100%"]`. The same size twice is two batches.
fn batches(value: &Value<'_>, notes: &mut Notes) -> Option<Vec<BatchSize>> {
    let items = value.items()?;
    if items.is_empty() {
        return value.refuse(format!("{} must not be empty: leave it out for all hosts at once", value.name()));
    }
    let sizes: Vec<Option<BatchSize>> = items.iter().map(|item| batch_size(item, notes)).collect();
    let sizes: Vec<BatchSize> = sizes.into_iter().collect::<Option<_>>()?;
    let shares: Vec<u8> = sizes
        .iter()
        .filter_map(|size| if let BatchSize::Percent(percent) = size { Some(*percent) } else { None })
        .collect();
    if shares.windows(2).any(|pair| pair[0] >= pair[1]) {
        return value.refuse(format!(
            "the percentages of {} must grow: each says how many of all hosts are through after its batch",
            value.name()
        ));
    }
    // All hosts in one batch is what happens without any.
    Some(if sizes == [BatchSize::Percent(100)] { Vec::new() } else { sizes })
}

fn batch_size(value: &Value<'_>, notes: &mut Notes) -> Option<BatchSize> {
    if value.is_list() {
        let hosts = filled_list(value, |item| reference(item, ItemKind::Host, notes))?;
        return Some(BatchSize::Hosts(hosts));
    }
    let text = value.text()?;
    let size = match text.strip_suffix('%') {
        Some(digits) => digits.parse::<u8>().ok().filter(|percent| (1..=100).contains(percent)).map(BatchSize::Percent),
        None => text.parse::<u32>().ok().filter(|count| *count > 0).map(BatchSize::Count),
    };
    size.or_else(|| {
        value.refuse(format!(
            "{} must be a number of hosts like \"1\", a share like \"25%\", or a list of hosts, not {text:?}",
            value.name()
        ))
    })
}

fn pause(value: &Value<'_>) -> Option<BetweenBatches> {
    match value.text()? {
        "none" => Some(BetweenBatches::None),
        "confirm" => Some(BetweenBatches::Confirm),
        text if text.starts_with(|first: char| first.is_ascii_digit()) => {
            duration(value).map(|seconds| BetweenBatches::Wait { seconds })
        }
        text => value
            .refuse(format!("{} must be \"none\", \"confirm\" or a duration like \"5m\", not {text:?}", value.name())),
    }
}

pub(super) fn health(value: &Value<'_>) -> Option<Health> {
    let mut fields = value.fields()?;
    let http = fields.optional("http", http_url);
    let tcp = fields.optional("tcp", tcp_address);
    let command = fields.optional("command", script);
    let status =
        fields.optional("status", |value| value.integer(100..=599).and_then(|status| u16::try_from(status).ok()));
    let from = fields.or("from", HealthFrom::Host, |value| {
        one_of(value, &[("host", HealthFrom::Host), ("server", HealthFrom::Server)])
    });
    let retries =
        fields.or("retries", 10, |value| value.integer(0..=1_000).and_then(|tries| u32::try_from(tries).ok()));
    let interval_ms = fields.or("interval", 1_000, interval);
    let timeout_ms = fields.or("timeout", 5_000, interval);
    fields.finish();
    let (from, status) = (from?, status?);
    let has_http = matches!(&http, Some(Some(_)));
    let check = match (http?, tcp?, command?) {
        (Some(url), None, None) => HealthCheck::Http { url, status },
        (None, Some(address), None) => HealthCheck::Tcp { address },
        (None, None, Some(run)) => HealthCheck::Command { run },
        (_, _, _) => {
            return value.refuse(format!("{} needs exactly one of `http`, `tcp` and `command`", value.name()));
        }
    };
    if status.is_some() && !has_http {
        return value.refuse("`health.status` has no meaning without `health.http`: leave it out");
    }
    if from == HealthFrom::Server && matches!(check, HealthCheck::Command { .. }) {
        return value.refuse("`health.command` runs on the host: leave `from` out, or use `http` or `tcp`");
    }
    Some(Health { check, from, retries: retries?, interval_ms: interval_ms?, timeout_ms: timeout_ms? })
}

fn http_url(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    if rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/')) && !text.contains(char::is_whitespace) {
        return Some(text);
    }
    value.refuse(format!("{} must be a URL like \"http://127.0.0.1:8080/health\", not {text:?}", value.name()))
}

fn tcp_address(value: &Value<'_>) -> Option<String> {
    let text = line(value)?;
    let good = text.rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty() && !host.contains(char::is_whitespace) && port.parse::<u16>().is_ok_and(|port| port > 0)
    });
    if good {
        return Some(text);
    }
    value.refuse(format!("{} must look like \"127.0.0.1:5432\", not {text:?}", value.name()))
}

pub(super) fn transfer(value: &Value<'_>) -> Option<Transfer> {
    let default = Transfer::default();
    let mut fields = value.fields()?;
    let unchanged = fields.or("unchanged", default.unchanged, |value| {
        one_of(value, &[("copy", Unchanged::Copy), ("hardlink", Unchanged::Hardlink)])
    });
    let verify =
        fields.or("verify", default.verify, |value| one_of(value, &[("sent", Verify::Sent), ("full", Verify::Full)]));
    let compress = fields.or("compress", default.compress, |value| {
        one_of(value, &[("auto", Compress::Auto), ("always", Compress::Always), ("never", Compress::Never)])
    });
    fields.finish();
    Some(Transfer { unchanged: unchanged?, verify: verify?, compress: compress? })
}

/// Directories of the checkout, none inside of another.
pub(super) fn caches(value: &Value<'_>) -> Option<Vec<String>> {
    let caches = list(value, |item| {
        let path = relative_path(item)?;
        if path == "." || is_inside(&path, ".git") {
            return item.refuse(format!("{} can't be the checkout itself: name what is in it", item.name()));
        }
        Some(path)
    })?;
    for outer in &caches {
        if let Some(inner) = caches.iter().find(|inner| *inner != outer && is_inside(inner, outer)) {
            return value
                .refuse(format!("{} has {inner:?} inside of {outer:?}: keep only the outer one", value.name()));
        }
    }
    Some(caches)
}

/// `[[app.release.input]]`.
pub(super) fn inputs(fields: &mut Fields<'_>) -> Vec<Input> {
    each(fields, "input", "app.release.input", |mut fields| {
        let name = fields.required("name", |value| {
            let text = line(value)?;
            if text.starts_with("DAVIT_") || !variables::is_name(&text) {
                return value.refuse(format!(
                    "{} must be a variable name of letters, digits and _, not starting with a digit or DAVIT_, not {text:?}",
                    value.name()
                ));
            }
            Some(text)
        });
        let label = fields.optional("label", line);
        let choices = fields.or("choices", Vec::new(), |value| list(value, line));
        let default = fields.optional("default", |value| value.text().map(str::to_owned));
        let required = fields.or("required", false, Value::boolean);
        let (at, report) = (fields.at(), fields.report());
        fields.finish();
        let (name, choices, default) = (name?, choices?, default?);
        if default.as_ref().is_some_and(|default| !choices.is_empty() && !choices.contains(default)) {
            report.error(at, format!("the default of the input {name} is none of its choices"));
            return None;
        }
        Some(Input { label: label?.unwrap_or_else(|| name.clone()), name, default, required: required?, choices })
    })
}

/// `mode` with its `[[app.release.action]]` and `[[app.release.rollback_action]]`.
pub(super) fn mode(fields: &mut Fields<'_>) -> Option<Mode> {
    let is_custom = fields.or("mode", false, |value| one_of(value, &[("regular", false), ("custom", true)]));
    let (at, report) = (fields.at(), fields.report());
    let before = [fields.get("action"), fields.get("rollback_action")].into_iter().flatten().next();
    if is_custom == Some(false) {
        return match before {
            None => Some(Mode::Regular),
            Some(action) => action.refuse(format!("{} needs mode = \"custom\"", action.name())),
        };
    }
    let actions = each(fields, "action", "app.release.action", action);
    let rollback_actions = each(fields, "rollback_action", "app.release.rollback_action", action);
    is_custom?;
    if actions.is_empty() && before.is_none() {
        report.error(at, "mode = \"custom\" needs at least one [[app.release.action]]");
        return None;
    }
    if [&actions, &rollback_actions].into_iter().any(|list| list.len() > usize::from(Step::MOST_ACTIONS)) {
        report.error(at, format!("a release config has at most {} actions", Step::MOST_ACTIONS));
        return None;
    }
    Some(Mode::Custom(Custom { actions, rollback_actions }))
}

fn action(mut fields: Fields<'_>) -> Option<Action> {
    let name = fields.required("name", line);
    let on = fields.optional("on", |value| one_of(value, &[("server", true), ("host", false)]));
    let run = fields.optional("run", script);
    let transfer = fields.optional("transfer", file_transfer);
    let (at, report) = (fields.at(), fields.report());
    fields.finish();
    let what = match (on?, run?, transfer?) {
        (Some(true), Some(run), None) => ActionKind::Server { run },
        (Some(false), Some(run), None) => ActionKind::Host { run },
        (None, None, Some(transfer)) => transfer,
        (_, _, _) => {
            report.error(at, "an action needs either `on` (\"server\" or \"host\") and `run`, or `transfer`");
            return None;
        }
    };
    Some(Action { name: name?, what })
}

fn file_transfer(value: &Value<'_>) -> Option<ActionKind> {
    let mut fields = value.fields()?;
    let from = fields.optional("from", relative_path);
    let upload = fields.optional("upload", line);
    let to = fields.required("to", absolute_path);
    let mode = fields.optional("mode", |value| {
        let text = value.text()?;
        let bits = u32::from_str_radix(text, 8).ok().filter(|bits| *bits <= 0o777 && text.len() <= 4);
        bits.or_else(|| value.refuse(format!("{} must be octal like \"0644\", not {text:?}", value.name())))
    });
    fields.finish();
    let from = match (from?, upload?) {
        (Some(path), None) => TransferSource::Build(path),
        (None, Some(name)) => TransferSource::Upload(name),
        (_, _) => {
            return value
                .refuse(format!("{} needs either `from`, a path in the build, or `upload`, a name", value.name()));
        }
    };
    Some(ActionKind::Transfer { from, to: to?, mode: mode? })
}
