//! GitLab: gitlab.com and self-managed.

mod payload;
pub(crate) mod webhook;
