//! The rules of the domain, as tables and properties.

mod ci;
mod deciding;
mod forge_deployments;
mod heads;
mod merging;
mod queueing;
mod states;
