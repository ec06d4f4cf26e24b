//! `strategy`.

use super::fields::{self, Fields};
use crate::data::Data;
use crate::expression::{Contexts, Spot, Template};
use crate::matrix::MatrixError;
use crate::model::{Matrix, Strategy};
use crate::place::Problems;
use crate::yaml::{Entry, Kind, Node, Plain};

pub(super) fn strategy(node: &Node, problems: &mut Problems) -> Strategy {
    let spot = &Spot::STRATEGY;
    let Some(mut fields) = Fields::of(node, "`strategy`", problems) else { return Strategy::default() };
    let matrix = fields.get("matrix").and_then(|node| matrix(node, problems));
    let fail_fast = fields.get("fail-fast").and_then(|node| fields::flag(node, "`fail-fast`", spot, problems));
    let parallel = fields.get("max-parallel");
    let max_parallel = parallel.and_then(|node| fields::number(node, "`max-parallel`", spot, problems));
    fields.finish(&[], problems);
    Strategy { matrix, fail_fast, max_parallel }
}

fn matrix(node: &Node, problems: &mut Problems) -> Option<Matrix> {
    if let Kind::Scalar(_) = node.kind {
        return fields::expression(node, "`matrix`", &Spot::STRATEGY, problems).map(Matrix::Expression);
    }
    let (mut vectors, mut include, mut exclude) = (Vec::new(), None, None);
    let entries = fields::entries(node, "`matrix`", problems)?;
    if entries.iter().all(|entry| entry.key == "exclude") {
        problems.add(node.place, "`matrix` is empty; it needs a list, or `include`");
        return None;
    }
    for entry in entries {
        match entry.key.as_str() {
            "include" => include = combinations(entry, problems),
            "exclude" => exclude = combinations(entry, problems),
            _ => vectors.extend(vector(entry, problems)),
        }
    }
    if vectors.is_empty() && include.is_none() {
        return None;
    }
    let matrix = Matrix::Written { vectors: vectors.into_iter().collect(), include, exclude };
    // What does not depend on anything can be tried out now.
    if let Err(error @ (MatrixError::Shape(_) | MatrixError::TooMany)) = matrix.combinations(&Contexts::new()) {
        problems.add(node.place, error.to_string());
    }
    Some(matrix)
}

fn vector(entry: &Entry, problems: &mut Problems) -> Option<(String, Data)> {
    let name = fields::name(entry, "`matrix`", problems)?;
    let data = data(&entry.value, problems)?;
    let right = match &data {
        Data::List(items) => !items.is_empty(),
        Data::Text(template) => template.as_expression().is_some(),
        Data::Null | Data::Bool(_) | Data::Number(_) | Data::Map(_) => false,
    };
    if !right {
        let message =
            format!("`{name}` in `matrix` must be a list with something in it, or an expression that gives one");
        problems.add(entry.value.place, message);
        return None;
    }
    Some((name, data))
}

/// `include` or `exclude`.
fn combinations(entry: &Entry, problems: &mut Problems) -> Option<Data> {
    let data = data(&entry.value, problems)?;
    let right = match &data {
        Data::List(items) => items.iter().all(|item| match item {
            Data::Map(_) => true,
            Data::Text(template) => template.as_expression().is_some(),
            Data::Null | Data::Bool(_) | Data::Number(_) | Data::List(_) => false,
        }),
        Data::Text(template) => template.as_expression().is_some(),
        Data::Null | Data::Bool(_) | Data::Number(_) | Data::Map(_) => false,
    };
    if !right {
        let message = format!("`{}` must be a list of mappings, or an expression that gives one", entry.key);
        problems.add(entry.value.place, message);
        return None;
    }
    Some(data)
}

/// Any value, with expressions in its texts.
fn data(node: &Node, problems: &mut Problems) -> Option<Data> {
    match &node.kind {
        Kind::List(items) => items.iter().map(|item| data(item, problems)).collect::<Option<_>>().map(Data::List),
        Kind::Map(entries) => {
            let pair = |entry: &Entry, problems: &mut Problems| {
                Some((fields::name(entry, "`matrix`", problems)?, data(&entry.value, problems)?))
            };
            entries.iter().map(|entry| pair(entry, problems)).collect::<Option<_>>().map(Data::Map)
        }
        Kind::Scalar(scalar) => match scalar.plain {
            Plain::Null => Some(Data::Null),
            Plain::Bool(value) => Some(Data::Bool(value)),
            Plain::Number(value) if value.is_finite() => Some(Data::Number(value)),
            Plain::Number(_) => {
                problems.add(node.place, "a matrix holds finite numbers alone; quote it to have a text");
                None
            }
            Plain::Text => text(node, problems).map(Data::Text),
        },
    }
}

fn text(node: &Node, problems: &mut Problems) -> Option<Template> {
    fields::template(node, "`matrix`", &Spot::STRATEGY, problems)
}
