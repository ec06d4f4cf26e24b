//! Signing in: passwords, second factors, identity providers, and the sessions that come of it.
//!
//! Who somebody is and what they may do is [`crate::accounts`] and [`crate::people`]; here they prove it. What they
//! typed is checked in [`password`], which providers say who they are in [`oidc`] and [`ldap`], and
//! [`arrival`] makes an account of that.

mod arrival;
mod ldap;
pub mod oidc;
pub mod password;
mod passwords;
pub mod second_factor;
pub mod sessions;
mod tries;
mod trust;

pub(crate) use arrival::providers;

use crate::EngineError;
use davit_store::accounts::User;
use secrecy::SecretString;

/// What a wrong name, a wrong password, a wrong code, a locked and a disabled account are all told.
const WRONG: &str = "the name or the password is wrong";

/// How a session says that it came of a password that davit itself keeps.
pub const BY_PASSWORD: &str = "password";

/// From where somebody signs in, for them to know the session again.
#[derive(Debug, Clone, Default)]
pub struct Whence {
    /// The address; empty: nobody knows.
    pub ip: String,
    /// What the browser calls itself, cut; empty: it does not say.
    pub agent: String,
}

/// What came of a try to sign in that was not wrong.
#[derive(Debug)]
pub enum SignedIn {
    /// They are who they say.
    Yes(Box<User>, SecretString),
    /// The password is right; the account has a second factor, and a code of it was not sent along.
    CodeMissing,
}

fn wrong() -> EngineError {
    EngineError::Denied(WRONG.into())
}

/// As [`wrong`], for somebody who is in already and shows once more who they are.
fn unproved() -> EngineError {
    EngineError::Denied("that is not right, or was wrong too often: try again in a quarter of an hour".into())
}
