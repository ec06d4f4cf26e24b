//! Texts with `${{ }}` in them.

use super::functions::MOST_BYTES;
use super::{Contexts, EvaluationError, Expression, Spot, SyntaxError};
use crate::value::Value;
use serde::{Deserialize, Serialize};

/// A text with expressions in it, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Expression { expression: Expression, start: usize },
}

/// What is wrong with an expression in a text: which `${{` of the text it starts with, and how many characters
/// behind that; in an expression over several lines, none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateProblem {
    pub(crate) expression: usize,
    pub(crate) offset: usize,
    pub(crate) message: String,
}

impl Template {
    /// Reads a text with any number of expressions in it.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong.
    pub fn parse(source: &str) -> Result<Self, SyntaxError> {
        let mut first = None;
        let template = Self::read(source, &mut |offset, message| {
            first.get_or_insert(SyntaxError { offset, message });
        });
        first.map_or(Ok(template), Err)
    }

    /// As written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether there is no expression in it.
    pub fn is_literal(&self) -> bool {
        self.parts.iter().all(|part| matches!(part, Part::Text(_)))
    }

    /// The expressions in it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.parts.iter().filter_map(|part| match part {
            Part::Expression { expression, .. } => Some(expression),
            Part::Text(_) => None,
        })
    }

    /// The only thing in it, where that is an expression.
    pub fn as_expression(&self) -> Option<&Expression> {
        match self.parts.as_slice() {
            [Part::Expression { expression, .. }] => Some(expression),
            _ => None,
        }
    }

    /// Its value: of any kind where the whole is one expression, a text otherwise.
    ///
    /// # Errors
    ///
    /// When one of the expressions has no value, or the text becomes too long.
    pub fn evaluate(&self, contexts: &Contexts<'_>) -> Result<Value, EvaluationError> {
        match self.as_expression() {
            Some(expression) => expression.evaluate(contexts),
            None => self.render(contexts).map(Value::String),
        }
    }

    /// The text with the values of its expressions.
    ///
    /// # Errors
    ///
    /// When one of the expressions has no value, or the text becomes too long.
    pub fn render(&self, contexts: &Contexts<'_>) -> Result<String, EvaluationError> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(part) => text.push_str(part),
                Part::Expression { expression, .. } => {
                    let value = expression.evaluate(contexts)?.to_string();
                    if text.len() + value.len() > MOST_BYTES {
                        let reason = format!("the text becomes longer than {MOST_BYTES} bytes");
                        return Err(EvaluationError::Failed { expression: expression.source().to_owned(), reason });
                    }
                    text.push_str(&value);
                }
            }
        }
        Ok(text)
    }

    /// Reads a text for a place in a file; says everything that is wrong.
    pub(crate) fn check(source: &str, spot: &Spot) -> (Self, Vec<TemplateProblem>) {
        let mut found = Vec::new();
        let template = Self::read(source, &mut |offset, message| found.push(SyntaxError { offset, message }));
        for part in &template.parts {
            if let Part::Expression { expression, start } = part {
                let misplaced = expression.misplaced(spot).into_iter();
                found.extend(misplaced.map(|error| SyntaxError { offset: error.offset + start, ..error }));
            }
        }
        let problems = found.into_iter().map(|error| TemplateProblem::of(source, error)).collect();
        (template, problems)
    }

    fn read(source: &str, problem: &mut dyn FnMut(usize, String)) -> Self {
        let mut parts = Vec::new();
        let mut from = 0;
        while let Some(at) = source[from..].find("${{").map(|at| from + at) {
            let start = at + 3;
            let Some(length) = end_of(&source[start..]) else {
                problem(at, "this `${{` has no `}}`".to_owned());
                break;
            };
            if at > from {
                parts.push(Part::Text(source[from..at].to_owned()));
            }
            let inner = &source[start..start + length];
            match Expression::parse(inner) {
                Ok(expression) => {
                    let start = start + inner.len() - inner.trim_start().len();
                    parts.push(Part::Expression { expression, start });
                }
                Err(error) => problem(start + error.offset, error.message),
            }
            from = start + length + 2;
        }
        if from < source.len() {
            parts.push(Part::Text(source[from..].to_owned()));
        }
        Self { source: source.to_owned(), parts }
    }
}

impl TemplateProblem {
    fn of(source: &str, error: SyntaxError) -> Self {
        let offset = (0..=error.offset.min(source.len())).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0);
        // The `${{` that the mistake is behind; one that never ends starts right there.
        let reach = source.len().min(offset + 3);
        let reach = (0..=reach).rev().find(|at| source.is_char_boundary(*at)).unwrap_or(0);
        let start =
            if source[offset..].starts_with("${{") { offset } else { source[..reach].rfind("${{").unwrap_or(0) };
        let start = start.min(offset);
        let expression = source[..start].matches("${{").count();
        let before = &source[start..offset];
        let offset = if before.contains('\n') { 0 } else { before.chars().count() };
        Self { expression, offset, message: error.message }
    }
}

/// Where the `}}` is that ends an expression; texts in it are in single quotes.
fn end_of(text: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'\'' => quoted = !quoted,
            b'}' if !quoted && text.as_bytes().get(at + 1) == Some(&b'}') => return Some(at),
            _ => {}
        }
    }
    None
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        template.source
    }
}

impl TryFrom<String> for Template {
    type Error = SyntaxError;

    fn try_from(source: String) -> Result<Self, SyntaxError> {
        Self::parse(&source)
    }
}
