//! Real programs, real git, real hosts.

#![expect(clippy::disallowed_methods, reason = "a test may wait for a program on its own thread")]

mod build;
mod git;
mod git_ci;
mod git_history;
mod hosts;
mod process;
