//! What can be said about an expression without evaluating it: names, and whether it may stand where it does.

use super::{Root, SyntaxError};
use crate::place::listed;
use github_actions_expressions::call::{Call, Error as CallError, Function};
use github_actions_expressions::context::Context;
use github_actions_expressions::literal::Literal;
use github_actions_expressions::op::BinExpr;
use github_actions_expressions::{Error, Expr, SpannedExpr};

/// What expressions may use at one place of a file. The table is GitHub's "context availability".
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spot {
    pub(crate) roots: &'static [Root],
    pub(crate) hash_files: bool,
    pub(crate) status: bool,
}

use Root::{Env, Github, Inputs, Job, Matrix, Needs, Runner, Secrets, Steps, Strategy, Vars};

impl Spot {
    /// No expressions at all.
    pub(crate) const NOTHING: Self = Self::of(&[]);
    pub(crate) const RUN_NAME: Self = Self::of(&[Github, Inputs, Vars]);
    pub(crate) const WORKFLOW_CONCURRENCY: Self = Self::of(&[Github, Inputs, Vars]);
    pub(crate) const WORKFLOW_ENV: Self = Self::of(&[Github, Secrets, Inputs, Vars]);
    pub(crate) const JOB: Self = Self::of(&[Github, Needs, Strategy, Matrix, Vars, Inputs]);
    pub(crate) const JOB_ENV: Self = Self::of(&[Github, Needs, Strategy, Matrix, Vars, Secrets, Inputs]);
    pub(crate) const JOB_DEFAULTS: Self = Self::of(&[Github, Needs, Strategy, Matrix, Env, Vars, Inputs]);
    pub(crate) const JOB_IF: Self = Self { status: true, ..Self::of(&[Github, Needs, Vars, Inputs]) };
    pub(crate) const STRATEGY: Self = Self::of(&[Github, Needs, Vars, Inputs]);
    pub(crate) const ENVIRONMENT_URL: Self =
        Self::of(&[Github, Needs, Strategy, Matrix, Job, Runner, Env, Vars, Steps, Inputs]);
    pub(crate) const CREDENTIALS: Self = Self::of(&[Github, Env, Vars, Secrets, Inputs]);
    pub(crate) const CONTAINER_ENV: Self =
        Self::of(&[Github, Needs, Strategy, Matrix, Job, Runner, Env, Vars, Secrets, Inputs]);
    pub(crate) const OUTPUT: Self =
        Self::of(&[Github, Needs, Strategy, Matrix, Job, Runner, Env, Vars, Secrets, Steps, Inputs]);
    pub(crate) const STEP: Self = Self { hash_files: true, ..Self::OUTPUT };
    pub(crate) const STEP_IF: Self = Self {
        roots: &[Github, Needs, Strategy, Matrix, Job, Runner, Env, Vars, Steps, Inputs],
        hash_files: true,
        status: true,
    };
    pub(crate) const ACTION: Self =
        Self { roots: &[Github, Strategy, Matrix, Job, Runner, Env, Steps, Inputs], hash_files: true, status: false };
    pub(crate) const ACTION_DEFAULT: Self = Self::of(&[Github, Strategy, Matrix, Job, Runner]);
    pub(crate) const ACTION_IF: Self = Self { status: true, ..Self::ACTION };

    const fn of(roots: &'static [Root]) -> Self {
        Self { roots, hash_files: false, status: false }
    }
}

/// The functions there are, in the order in which errors name them.
const FUNCTIONS: [&str; 12] = [
    "contains",
    "startsWith",
    "endsWith",
    "format",
    "join",
    "toJSON",
    "fromJSON",
    "hashFiles",
    "success",
    "failure",
    "always",
    "cancelled",
];

/// What the parser did not like, in davit's words.
pub(super) fn syntax_error(source: &str, error: &Error) -> SyntaxError {
    match error {
        Error::Syntax(error) => SyntaxError {
            offset: error.offset.min(source.len()),
            message: format!("the expression is not valid: {}", error.message),
        },
        Error::Depth => SyntaxError { offset: 0, message: "the expression is nested too deeply".to_owned() },
        Error::Call(CallError::UnknownFunction(name)) => SyntaxError {
            offset: 0,
            message: format!("there is no function `{name}`; there are {}", listed(FUNCTIONS)),
        },
        Error::Call(error) => SyntaxError { offset: 0, message: error.to_string() },
    }
}

/// Whether all contexts exist and all functions are given what they need.
pub(super) fn names(expression: &SpannedExpr<'_>) -> Result<(), SyntaxError> {
    let mut found = None;
    walk(expression, &mut |part| {
        if found.is_some() {
            return;
        }
        let offset = part.origin.span.start;
        found = match &**part {
            Expr::Context(context) => match head(context) {
                Some(name) if Root::named(name).is_none() => {
                    let roots = listed(Root::ALL.map(Root::name));
                    Some(SyntaxError { offset, message: format!("there is no context `{name}`; there are {roots}") })
                }
                Some(_) | None => None,
            },
            Expr::Call(call) => arity(call).map(|message| SyntaxError { offset, message }),
            Expr::Literal(_)
            | Expr::Star
            | Expr::Identifier(_)
            | Expr::Index(_)
            | Expr::BinExpr(_)
            | Expr::UnExpr { .. } => None,
        };
    });
    found.map_or(Ok(()), Err)
}

pub(super) fn asks_for_status(expression: &SpannedExpr<'_>) -> bool {
    let mut found = false;
    walk(expression, &mut |part| {
        if let Expr::Call(call) = &**part {
            found |= is_status(call.func);
        }
    });
    found
}

pub(super) fn looked_up(expression: &SpannedExpr<'_>, root: Root) -> Vec<String> {
    let mut names = Vec::new();
    walk(expression, &mut |part| {
        let Expr::Context(context) = &**part else { return };
        if head(context).and_then(Root::named) != Some(root) {
            return;
        }
        match context.parts.get(1).map(|part| &**part) {
            Some(Expr::Identifier(name)) => names.push(name.as_str().to_owned()),
            Some(Expr::Index(index)) => {
                if let Expr::Literal(Literal::String(name)) = &***index {
                    names.push(name.clone().into_owned());
                }
            }
            _ => {}
        }
    });
    names
}

pub(super) fn misplaced(expression: &SpannedExpr<'_>, spot: &Spot) -> Vec<SyntaxError> {
    let mut found = Vec::new();
    walk(expression, &mut |part| {
        let offset = part.origin.span.start;
        match &**part {
            Expr::Context(context) => {
                if let Some(root) = head(context).and_then(Root::named).filter(|root| !spot.roots.contains(root)) {
                    let allowed = listed(spot.roots.iter().map(|root| root.name()));
                    let message = format!("the context `{root}` is not known here; known are {allowed}");
                    found.push(SyntaxError { offset, message });
                }
            }
            Expr::Call(Call { func: Function::HashFiles, .. }) if !spot.hash_files => {
                let message = "`hashFiles` works in steps alone: there are no files before".to_owned();
                found.push(SyntaxError { offset, message });
            }
            Expr::Call(Call { func, .. }) if is_status(*func) && !spot.status => {
                let message = "`success`, `failure`, `always` and `cancelled` work in `if` alone".to_owned();
                found.push(SyntaxError { offset, message });
            }
            Expr::Call(_)
            | Expr::Literal(_)
            | Expr::Star
            | Expr::Identifier(_)
            | Expr::Index(_)
            | Expr::BinExpr(_)
            | Expr::UnExpr { .. } => {}
        }
    });
    found
}

/// The name that a context starts with; [`None`] where it starts with a call or a value.
pub(super) fn head<'a>(context: &'a Context<'_>) -> Option<&'a str> {
    match context.parts.first().map(|part| &**part) {
        Some(Expr::Identifier(name)) => Some(name.as_str()),
        _ => None,
    }
}

fn is_status(function: Function) -> bool {
    matches!(function, Function::Success | Function::Failure | Function::Always | Function::Cancelled)
}

/// What is wrong with the number of arguments, where the parser does not say it.
fn arity(call: &Call<'_>) -> Option<String> {
    if call.func == Function::Case {
        return Some(format!("there is no function `case`; there are {}", listed(FUNCTIONS)));
    }
    if call.func == Function::Format && call.args.is_empty() {
        return Some("`format` needs a text".to_owned());
    }
    let long = call.func == Function::Join && call.args.len() > 2;
    long.then(|| "`join` has at most two arguments".to_owned())
}

/// Calls `visit` for every part of an expression, the whole first.
fn walk(expression: &SpannedExpr<'_>, visit: &mut impl FnMut(&SpannedExpr<'_>)) {
    visit(expression);
    match &**expression {
        Expr::Literal(_) | Expr::Star | Expr::Identifier(_) => {}
        Expr::Call(call) => call.args.iter().for_each(|argument| walk(argument, visit)),
        Expr::Index(index) => walk(index, visit),
        Expr::Context(context) => context.parts.iter().for_each(|part| walk(part, visit)),
        Expr::BinExpr(BinExpr { lhs, rhs, .. }) => {
            walk(lhs, visit);
            walk(rhs, visit);
        }
        Expr::UnExpr { expr, .. } => walk(expr, visit),
    }
}
