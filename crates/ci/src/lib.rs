//! Workflow files in GitHub Actions syntax: a checked model, and the plan of jobs that an event makes of it.
//!
//! Text in, values out: no I/O, no clock, no async. [`read_workflow`] turns a file into a [`Workflow`] or into every
//! mistake in it; [`plan`](plan()) says what an [`Event`] makes of a workflow; [`Expression`] and [`Template`] are
//! what is left for the time when a job runs.
//!
//! YAML is read by `saphyr-parser`, which keeps lines and columns, and expressions by `github-actions-expressions`.
//! The models of `github-actions-models` are not used: they skip unknown keys, report one mistake without its place
//! where a value may have several shapes, and bring a second YAML reader.
//!
//! Does not live here: reading files, running anything, and the values of contexts, which the caller brings.

mod condition;
mod cron;
mod data;
mod dynamic;
mod event;
mod expression;
mod files;
mod filter;
mod matrix;
mod model;
mod named;
mod place;
mod plan;
mod progress;
mod read;
mod value;
mod yaml;

pub use condition::Condition;
pub use cron::Cron;
pub use data::Data;
pub use dynamic::Dynamic;
pub use event::{Event, InputError, Reference, Selection, has_skip_words};
pub use expression::{Contexts, EvaluationError, Expression, HashFiles, Root, Status, SyntaxError, Template};
pub use files::{WORKFLOW_DIRECTORIES, workflow_files};
pub use filter::{Filter, Pattern, PatternError};
pub use matrix::{MOST_COMBINATIONS, MatrixError};
pub use model::*;
pub use named::Named;
pub use place::{Diagnostic, Diagnostics, Place};
pub use plan::{Decision, Expansion, Group, Instance, Plan, PlanError, PlannedJob, expand, plan};
pub use progress::{Conclusion, JobProgress, Next, Progress, conclusion, needs_value, next};
pub use read::{ActionInput, CompositeAction, read_action, read_workflow};
pub use value::Value;
