//! Jobs in real places on this machine.
#![expect(clippy::disallowed_methods, reason = "tests start programs and tasks of their own")]

mod actions;
mod container_registry;
mod container_support;
mod containers;
mod endings;
mod isolation;
mod job_support;
mod jobs;
mod place_support;
mod places;
