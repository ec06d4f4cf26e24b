//! Expressions: checked when a file is read, evaluated when a job runs.
//!
//! `github-actions-expressions` parses them. An [`Expression`] keeps its text alone and is parsed again to be
//! evaluated, which takes microseconds: so it can be stored and compared as what was written.

mod check;
mod evaluate;
mod functions;
mod template;

pub(crate) use check::Spot;
pub use evaluate::{Contexts, EvaluationError, HashFiles, Status};
pub use template::Template;
pub(crate) use template::TemplateProblem;

use crate::value::Value;
use github_actions_expressions::{Expr, SpannedExpr};
use serde::{Deserialize, Serialize};
use std::fmt;

/// GitHub's own limit of an expression, in characters.
const MOST_CHARACTERS: usize = 21_000;
/// Operators of one expression. Evaluating goes one call deeper for each; the parser itself limits what is in each
/// other.
const MOST_OPERATORS: usize = 250;

/// What an expression can look into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Root {
    /// The event and the repository.
    Github,
    /// Environment variables of workflow, job and step.
    Env,
    /// Variables of repository and environment.
    Vars,
    /// Secrets of repository and environment.
    Secrets,
    /// Results and outputs of the jobs that a job needs.
    Needs,
    /// The combination that a job is.
    Matrix,
    /// Results and outputs of the steps before.
    Steps,
    /// The machine.
    Runner,
    /// What a person entered to start the run.
    Inputs,
    /// The running job.
    Job,
    /// How the jobs of a matrix run.
    Strategy,
}

impl Root {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Github,
        Self::Env,
        Self::Vars,
        Self::Secrets,
        Self::Needs,
        Self::Matrix,
        Self::Steps,
        Self::Runner,
        Self::Inputs,
        Self::Job,
        Self::Strategy,
    ];

    /// Its name in expressions.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Env => "env",
            Self::Vars => "vars",
            Self::Secrets => "secrets",
            Self::Needs => "needs",
            Self::Matrix => "matrix",
            Self::Steps => "steps",
            Self::Runner => "runner",
            Self::Inputs => "inputs",
            Self::Job => "job",
            Self::Strategy => "strategy",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|root| root.name().eq_ignore_ascii_case(name))
    }
}

impl fmt::Display for Root {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// Why a text is no expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// Where in the text, in bytes.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
}

/// One expression, without the `${{ }}` around it. Its syntax is right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Expression(String);

impl Expression {
    /// Reads an expression without the `${{ }}` around it.
    ///
    /// # Errors
    ///
    /// When the text is no expression, names a function or context that there is not, or is larger than any should be.
    pub fn parse(source: &str) -> Result<Self, SyntaxError> {
        refuse_large(source)?;
        let parsed = Expr::parse(source).map_err(|error| check::syntax_error(source, &error))?;
        check::names(&parsed)?;
        Ok(Self(source.trim().to_owned()))
    }

    /// The expression as written, without the blanks around it.
    pub fn source(&self) -> &str {
        &self.0
    }

    /// Its value.
    ///
    /// # Errors
    ///
    /// When it looks into a context that is not there yet, or a function refuses its arguments.
    pub fn evaluate(&self, contexts: &Contexts<'_>) -> Result<Value, EvaluationError> {
        evaluate::evaluate(self, contexts)
    }

    /// Whether it asks for the status itself (`success()`, `failure()`, `cancelled()`, `always()`).
    pub fn asks_for_status(&self) -> bool {
        self.parsed().is_ok_and(|parsed| check::asks_for_status(&parsed))
    }

    /// The names that it looks up in a context: `build` in `needs.build.result`.
    pub(crate) fn looked_up(&self, root: Root) -> Vec<String> {
        self.parsed().map(|parsed| check::looked_up(&parsed, root)).unwrap_or_default()
    }

    /// What is not allowed where the expression stands, with the byte in [`Expression::source`].
    pub(crate) fn misplaced(&self, spot: &Spot) -> Vec<SyntaxError> {
        self.parsed().map(|parsed| check::misplaced(&parsed, spot)).unwrap_or_default()
    }

    /// It was parsed before, so an error does not happen; whoever asks decides what it would mean.
    fn parsed(&self) -> Result<SpannedExpr<'_>, SyntaxError> {
        Expr::parse(&self.0).map_err(|error| check::syntax_error(&self.0, &error))
    }
}

/// With the `${{ }}` around it, so that it can be told from a text.
impl From<Expression> for String {
    fn from(expression: Expression) -> Self {
        format!("${{{{ {} }}}}", expression.0)
    }
}

impl TryFrom<String> for Expression {
    type Error = SyntaxError;

    fn try_from(text: String) -> Result<Self, SyntaxError> {
        let inner = text.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}"));
        Self::parse(inner.ok_or_else(|| SyntaxError { offset: 0, message: "it is not in `${{ }}`".to_owned() })?)
    }
}

/// What could take more time or more of the stack than any expression should.
fn refuse_large(source: &str) -> Result<(), SyntaxError> {
    let refuse = |message: String| Err(SyntaxError { offset: 0, message });
    if source.trim().is_empty() {
        return refuse("the expression is empty".to_owned());
    }
    if source.chars().count() > MOST_CHARACTERS {
        return refuse(format!("an expression has at most {MOST_CHARACTERS} characters"));
    }
    // Every other part of a text between quotes; a quote in a text is doubled and changes nothing.
    let code = source.split('\'').step_by(2);
    let signs = code.map(|part| part.matches(['!', '|', '&', '=', '<', '>']).count()).sum::<usize>();
    if signs > 2 * MOST_OPERATORS {
        return refuse(format!("an expression has at most {MOST_OPERATORS} operators"));
    }
    Ok(())
}
