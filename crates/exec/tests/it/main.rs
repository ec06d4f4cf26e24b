//! Real programs, real git, real hosts.

mod build;
mod git;
mod hosts;
mod process;
