//! Where in a file something is, and what is wrong there.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A line and a column, both from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl Place {
    /// The first character of a file.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// One mistake in one file. Displayed as `file:line:column: message`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// The file, as the caller named it.
    pub file: String,
    /// Where the mistake is.
    #[serde(flatten)]
    pub place: Place,
    /// What is wrong, and what is supported.
    pub message: String,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, place, message } = self;
        write!(formatter, "{file}:{}:{}: {message}", place.line, place.column)
    }
}

/// Every mistake in one file, in the order of their places. Displayed as one line a mistake.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// The mistakes; there is at least one.
    pub fn as_slice(&self) -> &[Diagnostic] {
        &self.0
    }
}

impl IntoIterator for Diagnostics {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(formatter, "{separator}{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// Nobody reads more mistakes of one file.
const MOST_PROBLEMS: usize = 500;

/// The mistakes found so far. Reading goes on after each, so that a person sees all of them at once.
#[derive(Debug, Default)]
pub(crate) struct Problems(Vec<(Place, String)>);

impl Problems {
    /// Adds one, unless there are more than anybody reads.
    pub(crate) fn add(&mut self, place: Place, message: impl Into<String>) {
        if self.0.len() < MOST_PROBLEMS {
            self.0.push((place, message.into()));
        }
    }

    /// `value`, if nothing was wrong.
    pub(crate) fn finish<T>(mut self, file: &str, value: Option<T>) -> Result<T, Diagnostics> {
        match value {
            Some(value) if self.0.is_empty() => Ok(value),
            Some(_) | None => {
                self.0.sort();
                self.0.dedup();
                let diagnostic = |(place, message)| Diagnostic { file: file.to_owned(), place, message };
                Err(Diagnostics(self.0.into_iter().map(diagnostic).collect()))
            }
        }
    }
}

/// `one`, `one and two`, `one, two and three`, each in backticks.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => "nothing".to_owned(),
        Some((only, [])) => only.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
    }
}
