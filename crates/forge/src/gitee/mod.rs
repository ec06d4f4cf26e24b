//! Gitee.

mod payload;
pub(crate) mod webhook;
