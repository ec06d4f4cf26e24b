//! Values of any shape whose texts may hold expressions: the vectors of a matrix, and what is included and excluded.

use crate::expression::{Contexts, EvaluationError, SyntaxError, Template};
use crate::value::Value;
use serde::{Deserialize, Serialize};

/// A value with expressions in it. As JSON, it is what was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub enum Data {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A number, and a finite one.
    Number(f64),
    /// A text, or an expression of any kind.
    Text(Template),
    /// Values in order.
    List(Vec<Data>),
    /// Values by name, in the order of the file.
    Map(Vec<(String, Data)>),
}

impl Data {
    /// The value, with every expression evaluated.
    ///
    /// # Errors
    ///
    /// When an expression can't be evaluated.
    pub fn evaluate(&self, contexts: &Contexts<'_>) -> Result<Value, EvaluationError> {
        Ok(match self {
            Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(value) => Value::Number(*value),
            Self::Text(template) => template.evaluate(contexts)?,
            Self::List(items) => {
                Value::Array(items.iter().map(|item| item.evaluate(contexts)).collect::<Result<_, _>>()?)
            }
            Self::Map(entries) => {
                let entry = |(key, data): &(String, Self)| Ok((key.clone(), data.evaluate(contexts)?));
                Value::Object(entries.iter().map(entry).collect::<Result<_, EvaluationError>>()?)
            }
        })
    }
}

impl From<Data> for Value {
    fn from(data: Data) -> Self {
        match data {
            Data::Null => Self::Null,
            Data::Bool(value) => Self::Bool(value),
            Data::Number(value) => Self::Number(value),
            Data::Text(template) => Self::String(template.into()),
            Data::List(items) => Self::Array(items.into_iter().map(Self::from).collect()),
            Data::Map(entries) => Self::object(entries),
        }
    }
}

impl TryFrom<Value> for Data {
    type Error = SyntaxError;

    fn try_from(value: Value) -> Result<Self, SyntaxError> {
        Ok(match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(value),
            Value::Number(value) => Self::Number(value),
            Value::String(text) => Self::Text(Template::try_from(text)?),
            Value::Array(items) => Self::List(items.into_iter().map(Self::try_from).collect::<Result<_, _>>()?),
            Value::Object(entries) => {
                let entry = |(key, value)| Ok((key, Self::try_from(value)?));
                Self::Map(entries.into_iter().map(entry).collect::<Result<_, SyntaxError>>()?)
            }
        })
    }
}
