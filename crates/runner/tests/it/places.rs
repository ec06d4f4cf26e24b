//! Steps in sandbox and host: what they are given, how they end, what stays.

use crate::place_support::{open_with, run, sandbox, script};
use davit_domain::log::Stream;
use davit_runner::{Executor, RunnerError, StepExit};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_step_says_lines_on_two_streams_and_ends_with_its_code() {
    for executor in [Executor::Sandbox, Executor::Host] {
        let open = open_with(executor, |_| ()).await;
        let ran = open.sh("echo out; echo err >&2; printf 'no end'; exit 3").await;
        assert_eq!(ran.code(), 3);
        let of = |stream: Stream| -> Vec<&str> {
            ran.lines.iter().filter(|line| line.stream == stream).map(|line| line.text.as_str()).collect()
        };
        assert_eq!(of(Stream::Stdout), ["out", "no end"]);
        assert_eq!(of(Stream::Stderr), ["err"]);
        let proof = open.place.close().await;
        assert!(proof.clean, "{proof}");
        assert!(!open.directory.path().join("job").exists(), "its files are gone");
    }
}
