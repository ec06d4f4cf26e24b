//! The declared configuration: what `davit.toml` says, and what the store keeps of it.
//!
//! [`parse`](parse()) reads the text and refuses everything wrong at once, [`plan`](plan()) says what applying it
//! would change, [`merge`] makes what is stored, [`export`](export()) writes it back. Does not live here, on
//! purpose: where secrets come from, and carrying anything out.

mod as_davit;
mod branches;
mod channel_fields;
mod channel_model;
mod channels;
mod check;
mod export;
mod fields;
mod forge_model;
mod forges;
mod form;
mod identities;
mod identity_fields;
mod identity_model;
mod items;
mod model;
mod parse;
mod plan;
mod reader;
mod releases;
mod repositories;
mod repository_fields;
mod repository_model;
mod rollout;
mod rollout_model;
mod values;
mod windows;

#[cfg(test)]
mod tests;

pub use as_davit::AsDavit;
pub use branches::branch_allowed;
pub use channel_model::*;
pub use check::problems;
pub use export::export;
pub use forge_model::*;
pub use form::{
    Form, app_form, channel_form, environment_form, forge_form, host_form, read_app, read_channel, read_environment,
    read_forge, read_host, read_release, read_repository, release_form, repository_form,
};
pub use identity_model::*;
pub use model::*;
pub use parse::{ConfigError, Parsed, parse};
pub use plan::{ItemKind, PlanAction, PlanItem, merge, plan};
pub use repository_model::*;
pub use rollout_model::*;
