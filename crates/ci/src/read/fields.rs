//! Reading mappings, lists and scalars with every mistake reported at its place.

use crate::condition::Condition;
use crate::dynamic::Dynamic;
use crate::expression::{Expression, Spot, Template, TemplateProblem};
use crate::named::Named;
use crate::place::{Place, Problems, listed};
use crate::value::Value;
use crate::yaml::{Entry, Kind, MERGE_KEY, Node, Plain, Scalar};

/// The keys of one mapping. Each that is asked for is known; the others are mistakes.
pub(super) struct Fields<'n> {
    what: &'static str,
    pub(super) place: Place,
    entries: &'n [Entry],
    known: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The keys of a mapping, which is `what`.
    pub(super) fn of(node: &'n Node, what: &'static str, problems: &mut Problems) -> Option<Self> {
        let entries = entries(node, what, problems)?;
        Some(Self { what, place: node.place, entries, known: Vec::new() })
    }

    /// The value of a key, which is known from now on.
    pub(super) fn get(&mut self, key: &'static str) -> Option<&'n Node> {
        self.known.push(key);
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The value of a key that must be there.
    pub(super) fn required(&mut self, key: &'static str, problems: &mut Problems) -> Option<&'n Node> {
        let value = self.get(key);
        if value.is_none() {
            problems.add(self.place, format!("{} needs `{key}`", self.what));
        }
        value
    }

    /// Whether a key is there, known or not.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Where a key is.
    pub(super) fn place_of(&self, key: &str) -> Place {
        self.entries.iter().find(|entry| entry.key == key).map_or(self.place, |entry| entry.key_place)
    }

    /// Reports the keys that nobody asked for; `reasons` are what to say about some of them.
    pub(super) fn finish(self, reasons: &[(&str, &str)], problems: &mut Problems) {
        for entry in self.entries.iter().filter(|entry| !self.known.contains(&entry.key.as_str())) {
            let key = entry.key.as_str();
            if key == MERGE_KEY {
                continue;
            }
            if let Some((_, reason)) = reasons.iter().find(|(name, _)| *name == key) {
                problems.add(entry.key_place, *reason);
                continue;
            }
            let distance = |known: &&&str| strsim::damerau_levenshtein(known, key);
            let near = self.known.iter().min_by_key(distance).filter(|known| 3 * distance(known) <= key.len());
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let supported = listed(self.known.iter().copied());
            let message = format!("`{key}` is not supported in {}{hint}; supported are {supported}", self.what);
            problems.add(entry.key_place, message);
        }
    }
}

/// The entries of a mapping.
pub(super) fn entries<'n>(node: &'n Node, what: &str, problems: &mut Problems) -> Option<&'n [Entry]> {
    match &node.kind {
        Kind::Map(entries) => Some(entries),
        Kind::List(_) | Kind::Scalar(_) => {
            problems.add(node.place, format!("{what} must be a mapping, and is {}", node.described()));
            None
        }
    }
}

/// The items of a list.
pub(super) fn items<'n>(node: &'n Node, what: &str, problems: &mut Problems) -> Option<&'n [Node]> {
    match &node.kind {
        Kind::List(items) => Some(items),
        Kind::Map(_) | Kind::Scalar(_) => {
            problems.add(node.place, format!("{what} must be a list, and is {}", node.described()));
            None
        }
    }
}

/// Whether nothing is written there.
pub(super) fn is_null(node: &Node) -> bool {
    matches!(node.kind, Kind::Scalar(Scalar { plain: Plain::Null, .. }))
}

fn scalar<'n>(node: &'n Node, what: &str, problems: &mut Problems) -> Option<&'n Scalar> {
    match &node.kind {
        Kind::Scalar(scalar) => Some(scalar),
        Kind::List(_) | Kind::Map(_) => {
            problems.add(node.place, format!("{what} must be a text, and is {}", node.described()));
            None
        }
    }
}

/// The text of a scalar. Numbers and true or false are written as expressions write them.
fn text_of(scalar: &Scalar) -> String {
    match scalar.plain {
        Plain::Null => String::new(),
        Plain::Bool(value) => value.to_string(),
        Plain::Number(value) => Value::Number(value).to_string(),
        Plain::Text => scalar.text.clone(),
    }
}

/// A text that may not be empty and holds no expressions.
pub(super) fn text(node: &Node, what: &str, problems: &mut Problems) -> Option<String> {
    let scalar = scalar(node, what, problems)?;
    if let Some(place) = scalar.expressions.first() {
        problems.add(*place, format!("{what} can't hold expressions"));
        return None;
    }
    let text = text_of(scalar);
    if text.is_empty() {
        problems.add(node.place, format!("{what} is empty"));
        return None;
    }
    Some(text)
}

/// One text, or a list of them.
pub(super) fn texts(node: &Node, what: &str, problems: &mut Problems) -> Vec<(String, Place)> {
    match &node.kind {
        Kind::List(items) => items.iter().filter_map(|item| Some((text(item, what, problems)?, item.place))).collect(),
        Kind::Scalar(_) => text(node, what, problems).map(|text| (text, node.place)).into_iter().collect(),
        Kind::Map(_) => {
            problems.add(node.place, format!("{what} must be a text or a list of texts, and is a mapping"));
            Vec::new()
        }
    }
}

/// A text that may hold expressions, and may be empty.
pub(super) fn template(node: &Node, what: &str, spot: &Spot, problems: &mut Problems) -> Option<Template> {
    let scalar = scalar(node, what, problems)?;
    if let (true, Some(place)) = (spot.roots.is_empty(), scalar.expressions.first()) {
        problems.add(*place, format!("{what} can't hold expressions here"));
        return None;
    }
    let (template, found) = Template::check(&text_of(scalar), spot);
    if found.is_empty() {
        return Some(template);
    }
    for problem in found {
        problems.add(place_in(node, scalar, &problem), format!("{what}: {}", problem.message));
    }
    None
}

/// A text that may hold expressions and may not be empty.
pub(super) fn filled(node: &Node, what: &str, spot: &Spot, problems: &mut Problems) -> Option<Template> {
    let template = template(node, what, spot, problems)?;
    if template.source().is_empty() {
        problems.add(node.place, format!("{what} is empty"));
        return None;
    }
    Some(template)
}

/// Texts by name.
pub(super) fn templates(node: &Node, what: &str, spot: &Spot, problems: &mut Problems) -> Named<Template> {
    let entries = entries(node, what, problems).unwrap_or_default();
    let mut named = Vec::new();
    for entry in entries {
        let key = name(entry, what, problems);
        let value = template(&entry.value, &format!("`{}` in {what}", entry.key), spot, problems);
        named.extend(key.zip(value));
    }
    named.into_iter().collect()
}

/// The key of an entry, which holds no expressions and is not empty.
pub(super) fn name(entry: &Entry, what: &str, problems: &mut Problems) -> Option<String> {
    if entry.key.is_empty() || entry.key.contains("${{") {
        problems.add(entry.key_place, format!("a key of {what} can't be empty or hold expressions"));
        return None;
    }
    Some(entry.key.clone())
}

/// A list of texts that may hold expressions.
pub(super) fn template_list(node: &Node, what: &str, spot: &Spot, problems: &mut Problems) -> Vec<Template> {
    let items = items(node, what, problems).unwrap_or_default();
    items.iter().filter_map(|item| filled(item, what, spot, problems)).collect()
}

/// True, false or an expression.
pub(super) fn flag(node: &Node, what: &str, spot: &Spot, problems: &mut Problems) -> Option<Dynamic<bool>> {
    match &node.kind {
        Kind::Scalar(Scalar { plain: Plain::Bool(value), .. }) => Some(Dynamic::Known(*value)),
        Kind::Scalar(scalar) if !scalar.expressions.is_empty() => {
            expression(node, what, spot, problems).map(Dynamic::Expression)
        }
        Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => {
            let message = format!("{what} must be `true`, `false` or an expression, and is {}", node.described());
            problems.add(node.place, message);
            None
        }
    }
}

/// True or false.
pub(super) fn known_flag(node: &Node, what: &str, problems: &mut Problems) -> Option<bool> {
    match node.kind {
        Kind::Scalar(Scalar { plain: Plain::Bool(value), .. }) => Some(value),
        Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => {
            problems.add(node.place, format!("{what} must be `true` or `false`, and is {}", node.described()));
            None
        }
    }
}

/// A number above zero, or an expression.
pub(super) fn number(node: &Node, what: &str, spot: &Spot, problems: &mut Problems) -> Option<Dynamic<f64>> {
    match &node.kind {
        Kind::Scalar(Scalar { plain: Plain::Number(value), .. }) if value.is_finite() && *value > 0.0 => {
            Some(Dynamic::Known(*value))
        }
        Kind::Scalar(scalar) if !scalar.expressions.is_empty() => {
            expression(node, what, spot, problems).map(Dynamic::Expression)
        }
        Kind::Scalar(_) | Kind::List(_) | Kind::Map(_) => {
            let message = format!("{what} must be a number above zero or an expression, and is {}", node.described());
            problems.add(node.place, message);
            None
        }
    }
}

/// One expression and nothing around it.
pub(super) fn expression(node: &Node, what: &str, spot: &Spot, problems: &mut Problems) -> Option<Expression> {
    let template = template(node, what, spot, problems)?;
    let expression = template.as_expression().cloned();
    if expression.is_none() {
        problems.add(node.place, format!("{what} must be one expression with nothing around it"));
    }
    expression
}

/// `if`: an expression, with or without `${{ }}`.
pub(super) fn condition(node: &Node, spot: &Spot, problems: &mut Problems) -> Option<Condition> {
    let scalar = scalar(node, "`if`", problems)?;
    let text = text_of(scalar);
    if text.trim().is_empty() {
        problems.add(node.place, "`if` is empty; leave it out, or write a condition");
        return None;
    }
    if !scalar.expressions.is_empty() {
        let template = template(node, "`if`", spot, problems)?;
        let Some(expression) = Template::parse(template.source().trim()).ok()?.as_expression().cloned() else {
            let message = "`if` is a text with expressions in it, which always holds; put the whole condition into one \
                           `${{ }}`, or write it without";
            problems.add(node.place, message);
            return None;
        };
        return Some(Condition::new(expression));
    }
    let offset = text.len() - text.trim_start().len();
    let place = |at: usize| {
        let columns = if scalar.verbatim { text.get(..at).map_or(0, |before| before.chars().count()) } else { 0 };
        Place { column: node.place.column + columns, ..node.place }
    };
    match Expression::parse(&text) {
        Ok(expression) => {
            let misplaced = expression.misplaced(spot);
            for problem in &misplaced {
                problems.add(place(offset + problem.offset), format!("`if`: {}", problem.message));
            }
            misplaced.is_empty().then(|| Condition::new(expression))
        }
        Err(error) => {
            problems.add(place(error.offset), format!("`if`: {}", error.message));
            None
        }
    }
}

/// Where in the file a mistake in an expression is.
fn place_in(node: &Node, scalar: &Scalar, problem: &TemplateProblem) -> Place {
    let Some(start) = scalar.expressions.get(problem.expression) else {
        return node.place;
    };
    Place { column: start.column + problem.offset, ..*start }
}
