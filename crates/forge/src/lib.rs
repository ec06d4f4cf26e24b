//! Forges: what they send us and what we tell them, one module a forge.
//!
//! Lives here: the check of a webhook's signature ([`verify`]), its meaning in the domain's words ([`parse`]), and
//! the calls to a forge's API ([`Client`]). Does not live here, on purpose: storage, retries, rate budgets and the
//! order of calls (the outbox), what an event leads to (the domain), and any choice by the sender: which forge a
//! request is from is known from the URL it was sent to, and the signature scheme from the configuration.
//!
//! A forge is a module with the same four files: `webhook.rs` (bytes to [`ForgeEvent`]), `api.rs` (calls),
//! `wire.rs` (its JSON) and `mod.rs`. [`ForgeKind`] is what everything branches on.

mod client;
mod error;
mod form;
mod github;
mod http;
mod scheme;
mod webhook;

pub use client::{Client, ClientError, RepositoryAccess};
pub use davit_domain::config::ForgeKind;
pub use davit_domain::event::ForgeEvent;
pub use error::ApiError;
pub use scheme::SignatureScheme;
pub use webhook::{Incoming, ParseError, Verified, VerifyError, dedupe_key, parse, verify};
