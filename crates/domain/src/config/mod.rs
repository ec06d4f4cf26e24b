//! The declared configuration: what `davit.toml` says, and what the store keeps of it.

mod model;

pub use model::*;
