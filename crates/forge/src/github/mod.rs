//! GitHub: github.com, GitHub Enterprise Cloud and GitHub Enterprise Server.

pub(crate) mod api;
mod payload;
mod refusal;
pub(crate) mod webhook;
mod wire;
