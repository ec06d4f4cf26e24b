//! The store against real databases: every test runs on SQLite and on PostgreSQL, and both must say the same.

mod accounts;
mod alerts;
mod builds;
mod chat;
mod checks;
mod ci;
mod configuration;
mod deliveries;
mod delivery;
mod deployments;
mod feed;
mod forge_deployments;
mod gates;
mod hosts;
mod inbox;
mod kill;
mod log_outline;
mod log_windows;
mod logs;
mod opening;
mod outbox;
mod people;
mod releases;
mod requests;
mod retention;
mod schema;
mod search;
mod secrets;
mod seen;
mod sign_in;
mod support;
mod upgrade;

/// The testkit's own module, taken as it is: the whole testkit would bring the engine and the API with it, and the
/// store's tests should build and run without them.
#[path = "../../../testkit/src"]
#[expect(
    unreachable_pub,
    unused_imports,
    dead_code,
    clippy::disallowed_methods,
    reason = "what it has is public, used and allowed where it lives"
)]
mod testkit {
    pub mod postgres;
}
use testkit::postgres;
