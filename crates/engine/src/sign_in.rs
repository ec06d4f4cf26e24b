//! Signing in: passwords, second factors, identity providers, and the sessions that come of it.
//!
//! Who somebody is and what they may do is [`crate::accounts`] and the domain's `access`; here they prove it.

pub mod password;
pub mod sessions;
