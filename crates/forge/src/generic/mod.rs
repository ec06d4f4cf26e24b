//! Any other sender of signed JSON. What is where in it comes from configuration.

pub(crate) mod webhook;
