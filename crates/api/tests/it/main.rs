//! Behaviour, seen from outside: a whole davit over HTTP, real git, real hosts, a GitHub that keeps state.
#![expect(clippy::unwrap_used, reason = "a test that fails may say so with a panic")]

mod schema;
mod shop;
mod webhooks;
