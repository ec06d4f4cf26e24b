//! Hosts, with the same tests on each kind: this machine, a real sshd with GNU tools, a real sshd with BusyBox alone.

mod connect;
mod hook;
mod stage;
mod support;
mod switch;
