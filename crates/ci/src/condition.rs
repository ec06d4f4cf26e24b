//! `if`: whether a job or step runs.

use crate::expression::{Contexts, EvaluationError, Expression, Status};
use serde::{Deserialize, Serialize};

/// A condition. Where it does not ask for the status itself, it also needs everything before to have succeeded.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Condition {
    expression: Option<Expression>,
}

impl Condition {
    /// A condition with an expression. The default, without one, is `success()`.
    pub fn new(expression: Expression) -> Self {
        Self { expression: Some(expression) }
    }

    /// What was written, if anything.
    pub fn expression(&self) -> Option<&Expression> {
        self.expression.as_ref()
    }

    /// Whether nothing was written.
    pub(crate) fn is_default(&self) -> bool {
        self.expression.is_none()
    }

    /// Whether it holds now.
    ///
    /// # Errors
    ///
    /// When the expression can't be evaluated.
    pub fn holds(&self, contexts: &Contexts<'_>) -> Result<bool, EvaluationError> {
        let success = contexts.status() == Status::Success;
        match &self.expression {
            None => Ok(success),
            Some(expression) if !success && !expression.asks_for_status() => Ok(false),
            Some(expression) => Ok(expression.evaluate(contexts)?.is_truthy()),
        }
    }
}
