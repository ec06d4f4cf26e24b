//! The value of an expression, by GitHub's rules of coercion.

use super::check::head;
use super::{Expression, Root, functions};
use crate::value::Value;
use github_actions_expressions::context::Context;
use github_actions_expressions::literal::Literal;
use github_actions_expressions::op::{BinExpr, BinOp, UnOp};
use github_actions_expressions::{Expr, SpannedExpr};
use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// What `hashFiles` calls: patterns in, the hash of the files out (empty where there are none), or a reason.
pub type HashFiles<'a> = &'a dyn Fn(&[String]) -> Result<String, String>;

/// How things stand where a condition is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Status {
    /// Nothing failed before.
    #[default]
    Success,
    /// A step before, or a job before, failed.
    Failure,
    /// The run is being cancelled.
    Cancelled,
    /// A needed job did not run: neither a success nor a failure.
    Skipped,
}

/// What an expression is evaluated with.
#[derive(Clone, Default)]
pub struct Contexts<'a> {
    values: BTreeMap<Root, Value>,
    status: Status,
    hash_files: Option<HashFiles<'a>>,
}

impl<'a> Contexts<'a> {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds or replaces a context. One that is not there is "not known yet", unlike an empty one.
    #[must_use]
    pub fn with(mut self, root: Root, value: Value) -> Self {
        self.values.insert(root, value);
        self
    }

    /// Sets what `success()` and its like answer.
    #[must_use]
    pub fn with_status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// Sets what `hashFiles` calls.
    #[must_use]
    pub fn with_hash_files(mut self, hash_files: HashFiles<'a>) -> Self {
        self.hash_files = Some(hash_files);
        self
    }

    /// A context, where it is known.
    pub fn get(&self, root: Root) -> Option<&Value> {
        self.values.get(&root)
    }

    /// How things stand.
    pub const fn status(&self) -> Status {
        self.status
    }

    pub(super) const fn hash_files(&self) -> Option<HashFiles<'a>> {
        self.hash_files
    }
}

/// Why an expression has no value. Never says what a value is: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationError {
    /// It looks into a context that is not known yet; later it will have a value.
    #[error("`{expression}` needs the context `{root}`, which is not known yet")]
    NotYet {
        /// The expression.
        expression: String,
        /// The context.
        root: Root,
    },
    /// It never has one.
    #[error("`{expression}` can't be evaluated: {reason}")]
    Failed {
        /// The expression.
        expression: String,
        /// Why.
        reason: String,
    },
}

impl EvaluationError {
    /// A value of the wrong kind.
    pub(crate) fn unexpected(expression: &Expression, expected: &str, value: &Value) -> Self {
        let kind = match value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a text",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        let reason = format!("it must be {expected}, and is {kind}");
        Self::Failed { expression: expression.source().to_owned(), reason }
    }
}

/// Why evaluation stopped.
pub(super) enum Fault {
    NotYet(Root),
    Failed(String),
}

pub(super) type Evaluated = Result<Value, Fault>;

pub(super) fn evaluate(expression: &Expression, contexts: &Contexts<'_>) -> Result<Value, EvaluationError> {
    let source = || expression.source().to_owned();
    let failed = |reason| EvaluationError::Failed { expression: source(), reason };
    let parsed = expression.parsed().map_err(|error| failed(error.message))?;
    value_of(&parsed, contexts).map_err(|fault| match fault {
        Fault::NotYet(root) => EvaluationError::NotYet { expression: source(), root },
        Fault::Failed(reason) => failed(reason),
    })
}

/// The value of a part.
pub(super) fn value_of(expression: &SpannedExpr<'_>, contexts: &Contexts<'_>) -> Evaluated {
    match &**expression {
        Expr::Literal(literal) => Ok(match literal {
            Literal::Number(value) => Value::Number(*value),
            Literal::String(value) => Value::String(value.clone().into_owned()),
            Literal::Boolean(value) => Value::Bool(*value),
            Literal::Null => Value::Null,
        }),
        Expr::Call(call) => functions::call(call, contexts),
        Expr::Context(context) => look_up(context, contexts),
        Expr::BinExpr(BinExpr { lhs, op, rhs }) => operation(lhs, op, rhs, contexts),
        Expr::UnExpr { op: UnOp::Not, expr } => Ok(Value::Bool(!value_of(expr, contexts)?.is_truthy())),
        Expr::Index(index) => value_of(index, contexts),
        Expr::Star | Expr::Identifier(_) => Err(Fault::Failed("a name or `*` stands alone".to_owned())),
    }
}

fn operation(left: &SpannedExpr<'_>, operator: &BinOp, right: &SpannedExpr<'_>, contexts: &Contexts<'_>) -> Evaluated {
    let first = value_of(left, contexts)?;
    if (*operator == BinOp::And && !first.is_truthy()) || (*operator == BinOp::Or && first.is_truthy()) {
        return Ok(first);
    }
    let second = value_of(right, contexts)?;
    let ordered = |accept: fn(Ordering) -> bool| first.loosely_compares(&second).is_some_and(accept);
    Ok(Value::Bool(match operator {
        BinOp::And | BinOp::Or => return Ok(second),
        BinOp::Eq => first.loosely_equals(&second),
        BinOp::Neq => !first.loosely_equals(&second),
        BinOp::Gt => ordered(Ordering::is_gt),
        BinOp::Ge => ordered(Ordering::is_ge),
        BinOp::Lt => ordered(Ordering::is_lt),
        BinOp::Le => ordered(Ordering::is_le),
    }))
}

/// What a path has led to so far.
enum Found<'a> {
    One(Cow<'a, Value>),
    /// Behind a `*`: whatever follows is looked up in each.
    Each(Vec<Cow<'a, Value>>),
}

fn look_up(context: &Context<'_>, contexts: &Contexts<'_>) -> Evaluated {
    let Some((first, path)) = context.parts.split_first() else {
        return Ok(Value::Null);
    };
    let start = match head(context) {
        Some(name) => {
            let root = Root::named(name).ok_or_else(|| Fault::Failed(format!("there is no context `{name}`")))?;
            Cow::Borrowed(contexts.get(root).ok_or(Fault::NotYet(root))?)
        }
        None => Cow::Owned(value_of(first, contexts)?),
    };
    let mut found = Found::One(start);
    for part in path {
        found = match &**part {
            Expr::Star => all(found),
            Expr::Identifier(name) => step(found, &Value::from(name.as_str())),
            Expr::Index(index) if matches!(***index, Expr::Star) => all(found),
            Expr::Index(index) => step(found, &value_of(index, contexts)?),
            Expr::Literal(_) | Expr::Call(_) | Expr::Context(_) | Expr::BinExpr(_) | Expr::UnExpr { .. } => {
                return Err(Fault::Failed("a context has names, `*` and `[]` alone".to_owned()));
            }
        };
    }
    Ok(match found {
        Found::One(value) => value.into_owned(),
        Found::Each(values) => Value::Array(values.into_iter().map(Cow::into_owned).collect()),
    })
}

/// One step down.
fn step<'a>(found: Found<'a>, key: &Value) -> Found<'a> {
    match found {
        Found::One(value) => Found::One(child(value, key).unwrap_or(Cow::Owned(Value::Null))),
        Found::Each(values) => Found::Each(values.into_iter().filter_map(|value| child(value, key)).collect()),
    }
}

/// All children.
fn all(found: Found<'_>) -> Found<'_> {
    match found {
        Found::One(value) => Found::Each(children(value)),
        Found::Each(values) => Found::Each(values.into_iter().flat_map(children).collect()),
    }
}

fn child<'a>(value: Cow<'a, Value>, key: &Value) -> Option<Cow<'a, Value>> {
    match value {
        Cow::Borrowed(value) => in_value(value, key).map(Cow::Borrowed),
        Cow::Owned(value) => in_value(&value, key).cloned().map(Cow::Owned),
    }
}

fn in_value<'a>(value: &'a Value, key: &Value) -> Option<&'a Value> {
    match value {
        Value::Object(_) if key.is_primitive() => value.get(&key.to_string()),
        Value::Array(items) => items.get(position(key)?),
        Value::Object(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be a small whole number")]
fn position(key: &Value) -> Option<usize> {
    let number = key.to_number().floor();
    (0.0..=f64::from(u32::MAX)).contains(&number).then_some(number as usize)
}

fn children(value: Cow<'_, Value>) -> Vec<Cow<'_, Value>> {
    match value {
        Cow::Borrowed(Value::Array(items)) => items.iter().map(Cow::Borrowed).collect(),
        Cow::Borrowed(Value::Object(entries)) => entries.iter().map(|(_, value)| Cow::Borrowed(value)).collect(),
        Cow::Owned(Value::Array(items)) => items.into_iter().map(Cow::Owned).collect(),
        Cow::Owned(Value::Object(entries)) => entries.into_iter().map(|(_, value)| Cow::Owned(value)).collect(),
        Cow::Borrowed(_) | Cow::Owned(_) => Vec::new(),
    }
}
