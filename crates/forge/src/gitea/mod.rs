//! Gitea and Forgejo.

mod payload;
pub(crate) mod webhook;
