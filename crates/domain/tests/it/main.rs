//! The rules of the domain, as tables and properties.

mod access;
mod ci;
mod deciding;
mod delivery;
mod forge_deployments;
mod heads;
mod merging;
mod queueing;
mod reviewing;
mod states;
