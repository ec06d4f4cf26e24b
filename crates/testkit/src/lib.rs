//! Real parts for tests: a whole davit, a forge that keeps state, git, sshd, PostgreSQL, an OpenID
//! Connect provider, a directory. Never used in production.

#![expect(clippy::disallowed_methods, reason = "its parts start tasks and programs, and end them when dropped")]

pub mod app;
pub mod fake_chat;
pub mod fake_forge;
pub mod fake_oidc;
pub mod fake_smtp;
pub mod git;
pub mod nobody;
pub mod postgres;
pub mod slapd;
pub mod sshd;
pub mod totp;
