//! The real binary: against a stub that speaks the API at the wire.

mod apply;
mod deploy;
mod exit_codes;
mod hosts;
mod lists;
mod login;
mod logs;
mod process;
mod server;
mod stub;
