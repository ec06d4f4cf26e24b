//! Programs on the server, as they really end.

use davit_domain::log::Stream;
use davit_exec::process::{Program, locate, run, run_hook};
use davit_exec::{ExecError, Exit, OutputLine, Timeouts};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const PATIENT: Timeouts = Timeouts { total: Duration::from_secs(300), idle: Duration::from_secs(300) };

/// A hook with all its output.
async fn hook(script: &str, timeouts: Timeouts) -> (Result<Exit, ExecError>, Vec<OutputLine>) {
    let cwd = TempDir::new().expect("a directory");
    hook_in(cwd.path(), script, timeouts, &CancellationToken::new()).await
}

async fn hook_in(
    cwd: &Path,
    script: &str,
    timeouts: Timeouts,
    cancel: &CancellationToken,
) -> (Result<Exit, ExecError>, Vec<OutputLine>) {
    let (sink, mut heard) = mpsc::channel(16);
    let env = [("GREETING".to_owned(), "hello there".to_owned())];
    let run = async move { run_hook(script, cwd, &env, timeouts, &sink, cancel).await };
    let hear = async {
        let mut lines = Vec::new();
        while let Some(line) = heard.recv().await {
            lines.push(line);
        }
        lines
    };
    tokio::join!(run, hear)
}

/// Starts a hook, waits for its first line, then cancels. Returns the proof and the first line.
async fn cancelled_after_first_line(script: &str) -> (String, String) {
    let cwd = TempDir::new().expect("a directory");
    let cancel = CancellationToken::new();
    let (sink, mut heard) = mpsc::channel(16);
    let run = run_hook(script, cwd.path(), &[], PATIENT, &sink, &cancel);
    let hear = async {
        let first = heard.recv().await.expect("a line").text;
        cancel.cancel();
        first
    };
    let (end, first) = tokio::join!(run, hear);
    match end {
        Err(ExecError::Cancelled { proof }) => (proof, first),
        other => panic!("cancelled, but {other:?}"),
    }
}

fn texts(lines: &[OutputLine]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

fn is_running(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(')').expect("a stat").1.starts_with(" Z"))
}

#[tokio::test]
async fn a_code_is_a_code_and_a_signal_is_a_signal() {
    assert_eq!(hook("exit 12", PATIENT).await.0.expect("it ran"), Exit::Code(12));
    assert_eq!(hook("", PATIENT).await.0.expect("it ran"), Exit::Code(0));
    assert_eq!(hook("kill -TERM $$", PATIENT).await.0.expect("it ran"), Exit::Signal("TERM".into()));
    assert_eq!(hook("kill -KILL $$", PATIENT).await.0.expect("it ran"), Exit::Signal("KILL".into()));
}

#[tokio::test]
async fn every_line_of_a_hook_counts() {
    let (end, lines) = hook("echo one\nfalse\necho two", PATIENT).await;
    assert_eq!(end.expect("it ran"), Exit::Code(1));
    assert_eq!(texts(&lines), ["one"]);
    let (end, lines) = hook("#!/bin/bash\n[[ 1 == 1 ]] && echo bash\nfalse\necho two", PATIENT).await;
    assert_eq!(end.expect("it ran"), Exit::Code(1));
    assert_eq!(texts(&lines), ["bash"]);
}

#[tokio::test]
async fn a_hook_sees_only_the_environment_it_was_given() {
    let (end, lines) = hook("env | cut -d= -f1 | sort; echo \"$GREETING\"", PATIENT).await;
    assert!(end.expect("it ran").is_success());
    let seen: Vec<&str> =
        texts(&lines).into_iter().filter(|name| !["_", "PWD", "SHLVL", "OLDPWD"].contains(name)).collect();
    assert_eq!(seen, ["DAVIT_PROCESS_MARK", "GREETING", "HOME", "LANG", "PATH", "hello there"]);
}

#[tokio::test]
async fn a_hook_leaves_nothing_in_its_directory_and_reads_nothing() {
    let cwd = TempDir::new().expect("a directory");
    let (end, lines) = hook_in(cwd.path(), "ls -A; cat; pwd", PATIENT, &CancellationToken::new()).await;
    assert!(end.expect("standard input is empty").is_success());
    assert_eq!(texts(&lines), [cwd.path().to_str().expect("UTF-8")]);
}

#[tokio::test]
async fn output_keeps_its_streams_and_its_last_line() {
    let (_, lines) = hook("echo out; echo err >&2; printf 'no end'", PATIENT).await;
    let of = |stream| lines.iter().filter(|line| line.stream == stream).map(|line| &line.text).collect::<Vec<_>>();
    assert_eq!(of(Stream::Stdout), ["out", "no end"]);
    assert_eq!(of(Stream::Stderr), ["err"]);
}

#[tokio::test]
async fn a_program_that_is_not_there_is_an_error_that_names_it() {
    let program = Program { argv: vec!["no-such-program".into()], env: vec![], cwd: "/".into() };
    let (sink, _heard) = mpsc::channel(1);
    let error = run(&program, PATIENT, &sink, &CancellationToken::new()).await.expect_err("it is not there");
    assert!(error.to_string().contains("no-such-program"), "{error}");
}

#[tokio::test]
async fn cancel_ends_grandchildren() {
    let (proof, pid) = cancelled_after_first_line("sh -c 'sleep 1000 & echo $!; wait'; true").await;
    assert!(proof.starts_with("process group ") && proof.ends_with(" ended by TERM"), "{proof}");
    assert!(!is_running(&pid));
}

#[tokio::test]
async fn cancel_names_what_left_the_group() {
    // Stopped, it neither ends nor writes into the pipe that nobody reads any more.
    let script = "setsid sh -c 'echo $$; kill -STOP $$' & wait";
    let (proof, pid) = cancelled_after_first_line(script).await;
    assert!(proof.contains(&format!("left the group: {pid} (")), "{proof}");
    assert!(is_running(&pid), "it left on purpose");
    let killed = std::process::Command::new("kill").args(["-KILL", &pid]).status().expect("kill runs");
    assert!(killed.success());
}

#[tokio::test]
async fn who_ignores_term_gets_killed() {
    let (proof, _) = cancelled_after_first_line("trap '' TERM; echo ready; while :; do sleep 1 || :; done").await;
    assert!(proof.contains("did not end by TERM and was ended by KILL"), "{proof}");
}

#[tokio::test]
async fn a_stopped_program_can_be_cancelled() {
    let (proof, _) = cancelled_after_first_line("echo ready; kill -STOP $$").await;
    assert!(proof.ends_with("ended by TERM"), "{proof}");
}

#[tokio::test]
async fn the_last_words_after_a_cancel_are_heard() {
    let cwd = TempDir::new().expect("a directory");
    let cancel = CancellationToken::new();
    let (sink, mut heard) = mpsc::channel(16);
    let script = "trap 'echo cleaning up; exit 0' TERM; echo ready; while :; do sleep 0.01 || :; done";
    let run = async {
        let end = run_hook(script, cwd.path(), &[], PATIENT, &sink, &cancel).await;
        drop(sink);
        end
    };
    let hear = async {
        let mut lines = Vec::new();
        while let Some(line) = heard.recv().await {
            cancel.cancel();
            lines.push(line);
        }
        lines
    };
    let (_, mut lines) = tokio::join!(run, hear);
    // The shell also reports its sleep's end on standard error.
    lines.retain(|line| line.stream == Stream::Stdout);
    assert_eq!(texts(&lines), ["ready", "cleaning up"]);
}

#[tokio::test]
async fn limits_end_the_group() {
    let short = Duration::from_millis(50);
    let (end, _) = hook("sleep 1000", Timeouts { total: short, ..PATIENT }).await;
    let error = end.expect_err("too long");
    assert!(matches!(&error, ExecError::TimedOut { limit, .. } if *limit == short), "{error}");
    let (end, lines) = hook("echo first; sleep 1000", Timeouts { idle: short, ..PATIENT }).await;
    let error = end.expect_err("too silent");
    assert!(error.to_string().contains("without a line of output, took longer than 50ms"), "{error}");
    assert!(lines.len() <= 1);
}

#[tokio::test]
async fn waiting_for_a_slow_reader_is_not_silence() {
    let cwd = TempDir::new().expect("a directory");
    let (sink, mut heard) = mpsc::channel(1);
    // So long that no program takes it to say its first line, on a machine with much else to do either.
    let limits = Timeouts { idle: Duration::from_secs(10), ..PATIENT };
    let cancel = CancellationToken::new();
    let run = async {
        let end = run_hook("seq 1 100000", cwd.path(), &[], limits, &sink, &cancel).await;
        drop(sink);
        end
    };
    let hear = async {
        let mut count = 0_u32;
        while let Some(line) = heard.recv().await {
            count += 1;
            assert_eq!(line.text, count.to_string());
            if count == 1 {
                // The slow reader itself: longer than the idle limit.
                tokio::time::sleep(limits.idle + Duration::from_secs(1)).await;
            }
        }
        count
    };
    let (end, count) = tokio::join!(run, hear);
    assert!(end.expect("it ran").is_success());
    assert_eq!(count, 100_000);
}

#[tokio::test]
async fn a_cancel_does_not_wait_for_a_reader_that_stopped() {
    let cwd = TempDir::new().expect("a directory");
    let (sink, mut heard) = mpsc::channel(1);
    let cancel = CancellationToken::new();
    let run = run_hook("yes", cwd.path(), &[], PATIENT, &sink, &cancel);
    let stop = async {
        heard.recv().await.expect("a line");
        cancel.cancel();
    };
    let (end, ()) = tokio::join!(run, stop);
    assert!(matches!(end, Err(ExecError::Cancelled { .. })), "{end:?}");
}

#[tokio::test]
async fn a_background_child_that_holds_the_output_does_not_hold_us() {
    let (end, lines) = hook("sleep 1000 & echo $!", PATIENT).await;
    assert!(end.expect("it ran").is_success());
    let [pid, note] = &texts(&lines)[..] else { panic!("{lines:?}") };
    assert!(note.contains("background process"), "{note}");
    assert!(is_running(pid), "it may live on");
    let killed = std::process::Command::new("kill").arg(pid).status().expect("kill runs");
    assert!(killed.success());
}

#[tokio::test]
async fn a_background_child_that_never_stops_talking_does_not_hold_us() {
    let (end, lines) = hook("yes & exit 3", PATIENT).await;
    assert_eq!(end.expect("it ran"), Exit::Code(3));
    assert!(lines.last().is_some_and(|line| line.text.contains("background process")));
}

#[tokio::test]
async fn nothing_starts_after_a_cancel() {
    let cwd = TempDir::new().expect("a directory");
    let cancel = CancellationToken::new();
    cancel.cancel();
    let (end, _) = hook_in(cwd.path(), "touch started", PATIENT, &cancel).await;
    assert!(matches!(end, Err(ExecError::Cancelled { .. })), "{end:?}");
    assert!(!cwd.path().join("started").exists());
}

#[test]
fn programs_are_found_as_the_system_finds_them() {
    let found = |name: &str, path: &str| locate(name.as_ref(), Some(path.as_ref()));
    let directory = TempDir::new().expect("a directory");
    let here = directory.path().display();
    std::fs::write(directory.path().join("sh"), "not executable").expect("written");
    let sh = found("sh", &format!("/no/such/directory:{here}:/usr/bin:/bin"));
    assert!(sh.is_absolute() && sh.ends_with("sh") && !sh.starts_with(directory.path()), "{}", sh.display());
    // What is not found, found from where the program is to run, or named by its path is left to the system.
    for (name, path) in [
        ("no-such-program", "/usr/bin:/bin"),
        ("sh", ""),
        ("./sh", "/bin"),
        ("bin/sh", "/"),
        ("sh", "../../../../../../../../bin"),
    ] {
        assert_eq!(found(name, path), Path::new(name), "{path}");
    }
}

#[tokio::test]
async fn a_program_hears_the_name_it_was_called_by() {
    let (sink, mut heard) = mpsc::channel(16);
    let program = Program {
        argv: ["sh", "-c", "tr '\\0' ' ' </proc/$$/cmdline"].map(Into::into).into(),
        env: vec![("PATH".into(), "/usr/bin:/bin".into())],
        cwd: "/".into(),
    };
    let exit = run(&program, PATIENT, &sink, &CancellationToken::new()).await.expect("an end");
    assert_eq!(exit, Exit::Code(0));
    assert_eq!(heard.recv().await.expect("a line").text, "sh -c tr '\\0' ' ' </proc/$$/cmdline ");
}
