//! davit-testkit

pub mod fake_forge;
