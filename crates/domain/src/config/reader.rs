//! A typed look at a TOML document that collects every error with its place instead of stopping at the first.
//!
//! A read that returns `None` has reported why. Nothing here knows what davit's keys mean.

use super::ConfigError;
use std::cell::RefCell;
use std::ops::RangeInclusive;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The errors found so far, by byte offset.
pub(super) struct Report<'a> {
    text: &'a str,
    found: RefCell<Vec<(usize, String)>>,
}

impl<'a> Report<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, found: RefCell::default() }
    }

    pub(super) fn error(&self, at: usize, message: impl Into<String>) {
        self.found.borrow_mut().push((at, message.into()));
    }

    /// Line and column of a byte offset, both from 1; columns are characters.
    pub(super) fn position(&self, at: usize) -> (usize, usize) {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let is_character = |byte: &&u8| **byte & 0b1100_0000 != 0b1000_0000;
        (line, 1 + before[line_start..].iter().filter(is_character).count())
    }

    /// All errors, in the order of the file.
    pub(super) fn into_errors(self) -> Vec<ConfigError> {
        let mut found = self.found.take();
        found.sort();
        found.dedup();
        let place = |(at, message)| {
            let (line, column) = self.position(at);
            ConfigError { line, column, message, field: None }
        };
        found.into_iter().map(place).collect()
    }
}

/// One value, with the path of keys that leads to it.
pub(super) struct Value<'a> {
    node: &'a Spanned<DeValue<'a>>,
    /// `review.required`.
    path: String,
    /// Whether it is one of the items of the list at `path`.
    is_item: bool,
    report: &'a Report<'a>,
}

impl<'a> Value<'a> {
    /// How a message names it.
    pub(super) fn name(&self) -> String {
        if self.is_item { format!("an item of `{}`", self.path) } else { format!("`{}`", self.path) }
    }

    /// Byte offset of its start.
    pub(super) fn at(&self) -> usize {
        self.node.span().start
    }

    /// Its text as the file has it.
    pub(super) fn source(&self) -> &'a str {
        self.report.text.get(self.node.span()).unwrap_or_default()
    }

    pub(super) fn report(&self) -> &'a Report<'a> {
        self.report
    }

    /// Reports an error at this value.
    pub(super) fn refuse<T>(&self, message: impl Into<String>) -> Option<T> {
        self.report.error(self.at(), message);
        None
    }

    /// The string it is, else `None` and no error.
    pub(super) fn as_text(&self) -> Option<&'a str> {
        self.node.get_ref().as_str()
    }

    /// Whether it is a list.
    pub(super) fn is_list(&self) -> bool {
        self.node.get_ref().is_array()
    }

    pub(super) fn text(&self) -> Option<&'a str> {
        self.as_text().or_else(|| self.wrong_type("a string"))
    }

    pub(super) fn boolean(&self) -> Option<bool> {
        self.node.get_ref().as_bool().or_else(|| self.wrong_type("true or false"))
    }

    /// The truth value it is, else `None` and no error.
    pub(super) fn as_boolean(&self) -> Option<bool> {
        self.node.get_ref().as_bool()
    }

    /// The digits of a number, whole or not, else `None` and no error.
    pub(super) fn as_number(&self) -> Option<&'a str> {
        let node = self.node.get_ref();
        let whole = node.as_integer().filter(|number| number.radix() == 10).map(|number| number.as_str());
        whole.or_else(|| node.as_float().map(|number| number.as_str()))
    }

    pub(super) fn integer(&self, range: RangeInclusive<i64>) -> Option<i64> {
        let Some(digits) = self.node.get_ref().as_integer() else {
            return self.wrong_type("a whole number");
        };
        let number = i64::from_str_radix(digits.as_str(), digits.radix()).ok();
        number.filter(|number| range.contains(number)).or_else(|| {
            self.refuse(format!("{} must be between {} and {}, not {digits}", self.name(), range.start(), range.end()))
        })
    }

    /// The items of a list.
    pub(super) fn items(&self) -> Option<Vec<Value<'a>>> {
        let Some(array) = self.node.get_ref().as_array() else {
            return self.wrong_type("a list");
        };
        Some(
            array
                .iter()
                .map(|node| Value { node, path: self.path.clone(), is_item: true, report: self.report })
                .collect(),
        )
    }

    /// The entries of a table whose keys people choose, in the order of the file.
    pub(super) fn entries(&self) -> Option<Vec<(&'a str, Value<'a>)>> {
        let Some(table) = self.node.get_ref().as_table() else {
            return self.wrong_type("a table { … }");
        };
        let mut entries: Vec<_> = table
            .iter()
            .map(|(key, node)| {
                let key = key.get_ref().as_ref();
                let path = format!("{}.{key}", self.path);
                (key, Value { node, path, is_item: false, report: self.report })
            })
            .collect();
        entries.sort_by_key(|(_, value)| value.at());
        Some(entries)
    }

    /// The fields of a table like `{ a = 1 }`.
    pub(super) fn fields(&self) -> Option<Fields<'a>> {
        let Some(table) = self.node.get_ref().as_table() else {
            return self.wrong_type("a table { … }");
        };
        let prefix = format!("{}.", self.path);
        Some(Fields::new(table, self.at(), format!("`{}`", self.path), prefix, self.report))
    }

    /// The tables of `[[title]]`, each with its fields.
    pub(super) fn sections(&self, title: &str) -> Vec<Fields<'a>> {
        if self.node.get_ref().is_table() {
            self.report.error(self.at(), format!("write [[{title}]], with two brackets: there can be several"));
            return Vec::new();
        }
        let sections = self.items().unwrap_or_default().into_iter().filter_map(|item| {
            let Some(table) = item.node.get_ref().as_table() else {
                return item.wrong_type("a table { … }");
            };
            Some(Fields::new(table, item.at(), format!("[[{title}]]"), String::new(), self.report))
        });
        sections.collect()
    }

    /// Reports that it should have been `wanted`.
    pub(super) fn wrong_type<T>(&self, wanted: &str) -> Option<T> {
        let found = match self.node.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a fraction",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date or time",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.refuse(format!("{} must be {wanted}, not {found}", self.name()))
    }
}

/// The keys of one table. Every key that is asked for is a known one; [`Fields::finish`] reports the others.
pub(super) struct Fields<'a> {
    table: &'a DeTable<'a>,
    at: usize,
    title: String,
    prefix: String,
    known: Vec<&'static str>,
    report: &'a Report<'a>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(
        table: &'a DeTable<'a>,
        at: usize,
        title: String,
        prefix: String,
        report: &'a Report<'a>,
    ) -> Self {
        Self { table, at, title, prefix, known: Vec::new(), report }
    }

    /// Byte offset of its header or opening brace.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn report(&self) -> &'a Report<'a> {
        self.report
    }

    /// A key that may be absent.
    pub(super) fn get(&mut self, key: &'static str) -> Option<Value<'a>> {
        self.known.push(key);
        let node = self.table.get(key)?;
        Some(Value { node, path: format!("{}{key}", self.prefix), is_item: false, report: self.report })
    }

    /// A key that must be there.
    pub(super) fn required<T>(&mut self, key: &'static str, read: impl FnOnce(&Value<'a>) -> Option<T>) -> Option<T> {
        let Some(value) = self.get(key) else {
            self.report.error(self.at, format!("{} needs `{key}`", self.title));
            return None;
        };
        read(&value)
    }

    /// A key that may be absent: `Some(None)`.
    pub(super) fn optional<T>(
        &mut self,
        key: &'static str,
        read: impl FnOnce(&Value<'a>) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.get(key) {
            Some(value) => read(&value).map(Some),
            None => Some(None),
        }
    }

    /// A key that is `default` where absent.
    pub(super) fn or<T>(
        &mut self,
        key: &'static str,
        default: T,
        read: impl FnOnce(&Value<'a>) -> Option<T>,
    ) -> Option<T> {
        match self.get(key) {
            Some(value) => read(&value),
            None => Some(default),
        }
    }

    /// Reports every key that nobody asked for.
    pub(super) fn finish(self) {
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if self.known.contains(&name) {
                continue;
            }
            let hint = match closest(name, &self.known) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("what is known: {}", self.known.join(", ")),
            };
            self.report.error(key.span().start, format!("{} has no key {name:?}: {hint}", self.title));
        }
    }
}

/// The word of `known` that was probably meant by `word`.
pub(super) fn closest<'w>(word: &str, known: &[&'w str]) -> Option<&'w str> {
    let short: String = word.chars().take(64).collect();
    let distance = |candidate: &&&str| strsim::osa_distance(&short, candidate);
    let nearest = known.iter().min_by_key(distance)?;
    (distance(&nearest) <= 1 + nearest.chars().count() / 4).then_some(nearest)
}
