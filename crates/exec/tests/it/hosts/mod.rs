//! Hosts, with the same tests on each kind: this machine, a real sshd with GNU tools, a real sshd with BusyBox alone.

mod attach;
mod connect;
mod hook;
mod output;
mod put;
mod resume;
mod shell;
mod stage;
mod support;
mod surroundings;
mod switch;
mod transfer;
