//! Behaviour, seen from outside: a whole davit over HTTP, real git, real hosts, a GitHub that keeps state.
#![expect(clippy::unwrap_used, reason = "a test that fails may say so with a panic")]
#![expect(clippy::disallowed_methods, reason = "a test may wait for a program on its own thread")]

mod access;
mod batches;
mod builds;
mod cancelling;
mod changes;
mod ci_changes;
mod ci_control;
mod ci_kept;
mod ci_push;
mod ci_support;
mod clocks;
mod configuration;
mod content;
mod custom;
mod custom_lost;
mod failures;
mod forge_catch_up;
mod forge_deployments;
mod forge_interleavings;
mod forge_outbox;
mod forges;
mod hold;
mod hooks_forges;
mod install_key;
mod lists;
mod merge_gate;
mod merge_support;
mod openapi;
mod operate;
mod outbox;
mod queueing;
mod races;
mod repositories;
mod restart;
mod review;
mod rollback;
mod runs;
mod schema;
mod session;
mod shop;
mod streams;
mod unknown;
mod uploads;
mod webhooks;
