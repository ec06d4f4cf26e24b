//! Runs one job of a workflow: in a sandbox, in a container, or on the machine itself.
//!
//! Knows neither the database nor forges nor people: what a job needs comes in as values, what it says goes out as
//! events.

mod actions;
mod cell;
mod commands;
pub mod container;
mod disk;
mod error;
mod examine;
mod files;
mod host;
mod job;
mod launch;
mod layout;
mod limits;
mod log;
mod mask;
mod place;
mod prepare;
mod processes;
mod record;
mod sandbox;
mod search;
mod services;
mod shell;
mod size;
mod spec;
mod sweep;
mod tree;
mod user;
mod watch;

pub use cell::Cell;
pub use container::{Container, ContainerSpec};
pub use error::RunnerError;
pub use examine::{Finding, examine};
pub use job::{GRACE, run_job};
pub use place::{Executor, Limits, Place, PlaceSpec, Proof, StepCommand, StepExit};
pub use services::{CheckoutRequest, NewArtifact, SavedArtifact, Selector, ServiceError, Services, Submodules};
pub use spec::{JobEvent, JobOutcome, JobSpec};
pub use sweep::sweep;
