//! Jobs in real places on this machine.
#![expect(clippy::disallowed_methods, reason = "tests start programs and tasks of their own")]

mod isolation;
mod place_support;
mod places;
