//! The rules of the domain, as tables and properties.

mod deciding;
mod forge_deployments;
mod heads;
mod queueing;
mod states;
