//! Forges: what they send us and what we tell them, one module a forge.
//!
//! Lives here: the check of a webhook's signature ([`verify`]), its meaning in the domain's words ([`parse`]), and
//! the calls to a forge's API ([`Client`]). Does not live here, on purpose: storage, retries, rate budgets and the
//! order of calls (the outbox), what an event leads to (the domain), and any choice by the sender: which forge a
//! request is from is known from the URL it was sent to, and how it is signed from the configuration.
//!
//! A forge is a module with the same files: `webhook.rs` (bytes to [`ForgeEvent`]) and `payload.rs` (their JSON),
//! `api.rs` (calls) and `wire.rs` (their JSON). [`ForgeKind`] is what everything branches on.

mod answers;
mod api;
mod client;
mod deliveries;
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
mod probe;
mod proof;
mod rate;
mod refusal;
mod standard_webhooks;
mod text;
mod webhook;

pub use answers::{ChangeAtForge, FailedDelivery, Hook, MergeOrder, Need, NewHook, RateBudget, RepositoryAccess};
pub use client::{Client, ClientError, Credential, Setup, has_deployments};
pub use davit_domain::config::ForgeKind;
pub use davit_domain::event::ForgeEvent;
pub use error::{ApiError, MergeError};
pub use webhook::{HookRules, Incoming, ParseError, Verified, VerifyError, dedupe_key, parse, verify};
