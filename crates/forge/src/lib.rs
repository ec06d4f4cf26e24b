//! Forges: what they send us and what we tell them, one module a forge.
//!
//! Lives here: the check of a webhook's signature ([`verify`]), its meaning in the domain's words ([`parse`]), and
//! the calls to a forge's API ([`Client`]). Does not live here, on purpose: storage, retries, rate budgets and the
//! order of calls (the outbox), what an event leads to (the domain), and any choice by the sender: which forge a
//! request is from is known from the URL it was sent to, and how it is signed from the configuration.
//!
//! A forge is a module with the same files: `webhook.rs` (bytes to [`ForgeEvent`]) and `payload.rs` (their JSON),
//! `api.rs` (calls) and `wire.rs` (their JSON). [`ForgeKind`] is what everything branches on.

mod client;
mod error;
mod fields;
mod form;
mod generic;
mod gitea;
mod gitee;
mod github;
mod gitlab;
mod http;
mod incoming;
mod proof;
mod standard_webhooks;
mod webhook;

pub use client::{Client, ClientError, RepositoryAccess};
pub use davit_domain::config::ForgeKind;
pub use davit_domain::event::ForgeEvent;
pub use error::ApiError;
pub use webhook::{HookRules, Incoming, ParseError, Verified, VerifyError, dedupe_key, parse, verify};
