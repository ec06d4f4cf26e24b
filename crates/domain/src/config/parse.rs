//! From the text of `davit.toml` to a configuration, or to all of its errors.

use super::Configuration;
use super::channels;
use super::check;
use super::forges;
use super::identities;
use super::items;
use super::plan::{ItemKind, merge};
use super::reader::{Fields, Report, closest};
use super::repositories;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use toml::de::DeTable;

/// Something in the file that can't be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct ConfigError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// A sentence that says what to do. Never a secret.
    pub message: String,
    /// Of a form instead of a file: the field, such as `input[0].name`; empty: the form as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

impl ConfigError {
    /// A mistake in a form, which has no lines.
    #[must_use]
    pub fn of_field(field: &str, message: &str) -> Self {
        Self { line: 1, column: 1, message: message.to_owned(), field: Some(field.to_owned()) }
    }
}

/// A file that was read without an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parsed {
    /// What the file says, in its order. References may lead to what is stored already.
    pub configuration: Configuration,
    /// The line of each reference to a secret, by [`SecretRef::key`](super::SecretRef::key): where to send
    /// somebody whose secret can't be found.
    pub secret_lines: BTreeMap<String, usize>,
}

/// Reads `davit.toml` as an addition to `current`: its references may lead there. Pass an empty configuration for
/// a file that replaces everything (`--prune`).
///
/// # Errors
/// Everything that is wrong, in the order of the file. A file that is not TOML has one error.
pub fn parse(text: &str, current: &Configuration) -> Result<Parsed, Vec<ConfigError>> {
    // An editor's line ends are not a part of hooks: a `\r` would reach the shell.
    let text = text.replace("\r\n", "\n");
    let report = Report::new(&text);
    let document = match DeTable::parse(&text) {
        Ok(document) => document,
        Err(error) => {
            report.error(error.span().map_or(0, |span| span.start), format!("this is not TOML: {}", error.message()));
            return Err(report.into_errors());
        }
    };
    let mut notes = Notes::default();
    let configuration =
        read(Fields::new(document.get_ref(), 0, "davit.toml".into(), String::new(), &report), &mut notes);
    notes.check_references(&report, current);
    notes.check_whole(&report, &merge(current, &configuration, false));
    let secret_lines = notes.secrets.iter().map(|(key, at)| (key.clone(), report.position(*at).0)).collect();
    let errors = report.into_errors();
    if errors.is_empty() { Ok(Parsed { configuration, secret_lines }) } else { Err(errors) }
}

/// What could be read; the rest is in the report.
fn read(mut file: Fields<'_>, notes: &mut Notes) -> Configuration {
    let forges = each(&mut file, "forge", "forge", |fields| forges::forge(fields, notes));
    let environments = each(&mut file, "environment", "environment", |fields| items::environment(fields, notes));
    let hosts = each(&mut file, "host", "host", |fields| items::host(fields, notes));
    let apps = each(&mut file, "app", "app", |fields| items::app(fields, notes));
    let repositories = each(&mut file, "repository", "repository", |fields| repositories::repository(fields, notes));
    let channels = each(&mut file, "channel", "channel", |fields| channels::channel(fields, notes));
    let identities = each(&mut file, "identity", "identity", |fields| identities::identity(fields, notes));
    file.finish();
    Configuration { forges, environments, hosts, apps, repositories, channels, identities }
}

/// Reads every `[[title]]`, which are at `key` of `fields`.
pub(super) fn each<'a, T>(
    fields: &mut Fields<'a>,
    key: &'static str,
    title: &str,
    read: impl FnMut(Fields<'a>) -> Option<T>,
) -> Vec<T> {
    fields.get(key).map(|value| value.sections(title).into_iter().filter_map(read).collect()).unwrap_or_default()
}

/// What was seen on the way, for checks over the whole file.
#[derive(Default)]
pub(super) struct Notes {
    declared: BTreeMap<(ItemKind, String), usize>,
    references: Vec<Reference>,
    /// Where errors about an item as a whole belong, if not where it is named.
    places: BTreeMap<(ItemKind, String), usize>,
    secrets: BTreeMap<String, usize>,
}

struct Reference {
    kind: ItemKind,
    name: String,
    at: usize,
}

impl Notes {
    /// An item that the file declares, whether the rest of it is good or not.
    pub(super) fn declare(&mut self, report: &Report<'_>, kind: ItemKind, name: &str, at: usize) {
        let item = (kind, name.to_owned());
        if let Some(first) = self.declared.get(&item) {
            let line = report.position(*first).0;
            report.error(at, format!("there is a second {kind} {name:?}: the first one is in line {line}"));
        } else {
            self.declared.insert(item, at);
        }
    }

    /// A mention of an item.
    pub(super) fn refer(&mut self, kind: ItemKind, name: &str, at: usize) {
        self.references.push(Reference { kind, name: name.to_owned(), at });
    }

    /// Where errors about an item as a whole belong.
    pub(super) fn place(&mut self, kind: ItemKind, name: &str, at: usize) {
        self.places.insert((kind, name.to_owned()), at);
    }

    /// A mention of a secret.
    pub(super) fn secret(&mut self, key: String, at: usize) {
        self.secrets.entry(key).or_insert(at);
    }

    fn check_references(&self, report: &Report<'_>, current: &Configuration) {
        let stored = check::names(current);
        let known: BTreeSet<&(ItemKind, String)> = self.declared.keys().chain(&stored).collect();
        for Reference { kind, name, at } in &self.references {
            if known.contains(&(*kind, name.clone())) {
                continue;
            }
            let same_kind: Vec<&str> =
                known.iter().filter(|(other, _)| other == kind).map(|(_, name)| name.as_str()).collect();
            let hint = match closest(name, &same_kind) {
                Some(meant) => format!("did you mean {meant:?}?"),
                None => format!("declare it with [[{kind}]]"),
            };
            report.error(*at, format!("there is no {kind} {name:?}, neither in this file nor in davit: {hint}"));
        }
    }

    fn check_whole(&self, report: &Report<'_>, merged: &Configuration) {
        for problem in check::of_the_whole(merged) {
            let place = |item| self.places.get(item).or_else(|| self.declared.get(item));
            let at = problem.items.iter().filter_map(place).max();
            report.error(at.copied().unwrap_or_default(), problem.message);
        }
    }
}
