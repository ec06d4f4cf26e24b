//! Webhooks and API calls as they go over the wire: published vectors, documented payloads, and fake forges that keep
//! state.

mod calls;
mod calls_app;
mod calls_changes;
mod calls_fakes;
mod calls_gitea;
mod calls_gitee;
mod calls_github;
mod calls_gitlab;
mod calls_route;
mod calls_server;
mod contract;
mod examples;
mod fuzz;
mod meaning;
mod meaning_generic;
mod meaning_gitea;
mod meaning_gitee;
mod meaning_gitlab;
mod senders;
mod signature;
mod signature_all;
mod support;
