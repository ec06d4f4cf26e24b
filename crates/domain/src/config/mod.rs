//! The declared configuration: what `davit.toml` says, and what the store keeps of it.

mod branches;
mod model;

pub use branches::branch_allowed;
pub use model::*;
