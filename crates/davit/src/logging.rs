//! The process's own log: on standard error, one line an event, level from `DAVIT_LOG`.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts it. `DAVIT_LOG=debug` or `DAVIT_LOG=davit_engine=debug,info` says more.
pub(crate) fn start() {
    start_with("info,russh=warn,sqlx=warn");
}

/// As [`start`], for commands whose own output is what people read.
pub(crate) fn start_quietly() {
    start_with("error");
}

fn start_with(default: &str) {
    let filter = EnvFilter::try_from_env("DAVIT_LOG").unwrap_or_else(|_| EnvFilter::new(default));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let started = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .with_target(false)
        .try_init();
    if started.is_err() {
        // Somebody else has started it, as the demo does before the server: one log is enough.
        tracing::debug!("logging was started before");
    }
}
