//! Integration tests of the engine.

#![expect(clippy::disallowed_methods, reason = "a test may wait for a program on its own thread")]

mod feed;
mod host_keys;
mod master_key;
mod queue;
