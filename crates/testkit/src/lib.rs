//! davit-testkit

pub mod fake_forge;
pub mod git;
pub mod sshd;
