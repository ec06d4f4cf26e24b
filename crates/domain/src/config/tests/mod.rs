//! `davit.toml` as a whole: bad files, the sample that the documentation shows, round trips, plans.

mod bad_channels;
mod bad_files;
mod bad_forges;
mod bad_hosts;
mod bad_repositories;
mod plans;
mod repositories;
mod round_trip;
mod sample;

use super::{ConfigError, Configuration, Repository, parse, problems};

/// A file that is good by itself.
fn good(text: &str) -> Configuration {
    parse(text, &Configuration::default()).map(|parsed| parsed.configuration).expect("a good file")
}

/// The errors of a file, one a line: `12:3 message`.
fn errors(text: &str) -> String {
    errors_beside(text, &Configuration::default())
}

/// The errors of a file that is added to what is stored.
fn errors_beside(text: &str, current: &Configuration) -> String {
    let line = |ConfigError { line, column, message, .. }: ConfigError| format!("{line}:{column} {message}");
    let errors = parse(text, current).expect_err("a bad file");
    errors.into_iter().map(line).collect::<Vec<_>>().join("\n")
}
