//! Webhooks and API calls as they go over the wire: published vectors, documented payloads, and fake forges that keep
//! state.

mod calls;
mod examples;
mod meaning;
mod meaning_generic;
mod meaning_gitea;
mod meaning_gitee;
mod meaning_gitlab;
mod senders;
mod signature;
mod signature_all;
mod support;
