//! Runs one job of a workflow: in a sandbox, in a container, or on the machine itself.
//!
//! Knows neither the database nor forges nor people: what a job needs comes in as values, what it says goes out as
//! events.

mod cell;
pub mod container;
mod error;
mod host;
mod job;
mod layout;
mod place;
mod prepare;
mod sandbox;
mod services;
mod spec;

pub use cell::Cell;
pub use container::{Container, ContainerSpec};
pub use error::RunnerError;
pub use job::{GRACE, run_job};
pub use place::{Executor, Limits, Place, PlaceSpec, Proof, StepCommand, StepExit};
pub use services::{CheckoutRequest, NewArtifact, SavedArtifact, Selector, ServiceError, Services, Submodules};
pub use spec::{JobEvent, JobOutcome, JobSpec};
