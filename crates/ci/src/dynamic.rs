//! A setting that is either written down or the result of an expression.

use crate::expression::{Contexts, EvaluationError, Expression};
use crate::value::Value;
use serde::{Deserialize, Serialize};

/// Known from the file, or only when the job runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Dynamic<T> {
    /// As written.
    Known(T),
    /// To be evaluated.
    Expression(Expression),
}

impl Dynamic<bool> {
    /// Whether it is on.
    ///
    /// # Errors
    ///
    /// When the expression can't be evaluated, or is neither true nor false.
    pub fn evaluate(&self, contexts: &Contexts<'_>) -> Result<bool, EvaluationError> {
        match self {
            Self::Known(value) => Ok(*value),
            Self::Expression(expression) => match expression.evaluate(contexts)? {
                Value::Bool(value) => Ok(value),
                Value::String(text) if text == "true" => Ok(true),
                Value::String(text) if text == "false" => Ok(false),
                other @ (Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
                    Err(EvaluationError::unexpected(expression, "true or false", &other))
                }
            },
        }
    }
}

impl Dynamic<f64> {
    /// The number.
    ///
    /// # Errors
    ///
    /// When the expression can't be evaluated, or is no positive number.
    pub fn evaluate(&self, contexts: &Contexts<'_>) -> Result<f64, EvaluationError> {
        match self {
            Self::Known(value) => Ok(*value),
            Self::Expression(expression) => {
                let value = expression.evaluate(contexts)?;
                let number = value.to_number();
                if number.is_finite() && number > 0.0 && value.is_primitive() {
                    Ok(number)
                } else {
                    Err(EvaluationError::unexpected(expression, "a number above zero", &value))
                }
            }
        }
    }
}
