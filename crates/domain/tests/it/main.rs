//! The rules of the domain, as tables and properties.

mod deciding;
mod queueing;
mod states;
