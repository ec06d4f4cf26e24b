//! The real binary: against a stub that speaks the API at the wire.

mod apply;
mod around;
mod changes;
mod ci_crash;
mod ci_lint;
mod ci_run;
mod crash;
mod declared;
mod deploy;
mod doctor_server;
mod exit_codes;
mod feed;
mod flood;
mod hosts;
mod lists;
mod login;
mod logs;
mod operate;
mod outage;
mod process;
mod runs;
mod server;
mod service;
mod stub;
mod team;
mod whole;
