//! Hooks on hosts: exact ends, exact variables, and nothing left behind.

use super::support::{HOUR, Kind, Place, hook, never, new_id, on_every_host};
use davit_domain::log::Stream;
use davit_exec::host::HookEnd;
use davit_exec::{ExecError, Exit, OutputLine, Timeouts};
use std::fs;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

on_every_host! {
    async fn exit_codes_are_exact(place: Place) {
        for (script, exit) in [
            ("true", Exit::Code(0)),
            ("exit 12", Exit::Code(12)),
            ("exit 125", Exit::Code(125)),
            ("exit 143", Exit::Code(143)),
            ("exit 130", Exit::Code(130)),
            ("exit 200", Exit::Code(200)),
            ("exit 255", Exit::Code(255)),
            ("kill -TERM $$", Exit::Signal("TERM".into())),
            ("kill -INT $$", Exit::Signal("INT".into())),
            ("kill -PIPE $$", Exit::Signal("PIPE".into())),
            ("kill -KILL $$", Exit::Signal("KILL".into())),
            ("kill -USR1 $$", Exit::Signal("USR1".into())),
            ("kill -TERM 0", Exit::Signal("TERM".into())),
            ("no-such-program-anywhere", Exit::Code(127)),
            ("#!/no/such/interpreter", Exit::Code(127)),
        ] {
            let (ended, _) = place.hook(script).await;
            assert_eq!(ended.expect(script), HookEnd::Exited(exit), "{script}");
        }
        assert_eq!(place.in_davit_dir(), [""; 0], "nothing is left");
    }

    async fn every_line_counts(place: Place) {
        let (ended, lines) = place.hook("false\r\necho not reached\r\n").await;
        assert_eq!(ended.expect("ran"), exited(1));
        assert_eq!(lines, []);
    }

    async fn output_comes_as_lines_in_their_true_order(place: Place) {
        let (ended, lines) = place.hook("echo one; echo oops >&2; echo 'two  words'; cat; printf unfinished").await;
        assert_eq!(ended.expect("ran"), exited(0));
        assert_eq!(texts(&lines), ["one", "oops", "two  words", "unfinished"]);
        assert!(lines.iter().all(|line| line.stream == Stream::Stdout));
    }

    async fn much_output_arrives_whole(place: Place) {
        let (ended, lines) = place.hook("i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done").await;
        assert_eq!(ended.expect("ran"), exited(0));
        let expected: Vec<String> = (0..20000).map(|number| format!("line {number}")).collect();
        assert_eq!(texts(&lines), expected);
    }

    async fn variables_arrive_byte_for_byte_and_nowhere_else(place: Place) {
        let value = "it's \"quoted\" $(id) `id` \\ \n two\n\n é ✓ *";
        let mut hook = hook("printf '%s|' \"$SECRET\" \"$DAVIT_X\"; tr '\\0' '\\n' < /proc/$$/cmdline", place.root());
        hook.env = vec![("SECRET".into(), value.into()), ("DAVIT_X".into(), String::new()), ("lead".into(), "x".into())];
        let (ended, lines) = place.hook_with(&hook, HOUR, &never()).await;
        assert_eq!(ended.expect("ran"), exited(0));
        let text = texts(&lines).join("\n");
        let (shown, command_line) = text.split_once("||").expect("both");
        assert_eq!(shown, value);
        assert!(!command_line.contains("quoted"), "{command_line}");
    }

    async fn the_servers_own_variables_stay_with_it(place: Place) {
        let (_, lines) = place.hook("env").await;
        let env = texts(&lines);
        assert!(env.iter().any(|line| line.starts_with("HOME=")), "{env:?}");
        assert!(!env.iter().any(|line| line.starts_with("CARGO") || line.starts_with("LC_ALL=C")), "{env:?}");
    }

    async fn it_runs_where_it_is_told(place: Place) {
        let inside = place.root().join("a 'place'");
        fs::create_dir(&inside).expect("a directory");
        let (ended, lines) = place.hook_with(&hook("pwd; umask", &inside), HOUR, &never()).await;
        assert_eq!(ended.expect("ran"), exited(0));
        assert_eq!(texts(&lines), [inside.to_str().expect("UTF-8"), "0022"]);

        let (ended, _) = place.hook_with(&hook("true", &place.root().join("missing")), HOUR, &never()).await;
        let refusal = ended.expect_err("no such directory").to_string();
        assert!(refusal.contains("could not start") && refusal.contains("missing can't be entered"), "{refusal}");
        assert_eq!(place.in_davit_dir(), [""; 0]);
    }

    async fn its_script_is_its_users_alone(place: Place) {
        let (ended, lines) = place.hook("ls -l \"$0\"; ls -ld \"${0%/*}\"").await;
        assert_eq!(ended.expect("ran"), exited(0));
        let shown = texts(&lines);
        assert!(shown[0].starts_with("-rw-------") && shown[1].starts_with("drwx------"), "{shown:?}");
    }

    async fn background_processes_are_not_waited_for(place: Place) {
        let (ended, lines) = place.hook("sleep 3600 & echo $!").await;
        assert_eq!(ended.expect("ran"), exited(0));
        let pid = texts(&lines)[0].parse().expect("a pid");
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL).expect("it still runs");
    }

    async fn a_daemon_that_holds_the_output_is_neither_waited_for_nor_ended(place: Place) {
        let daemon = "mkfifo up; setsid sh -c 'echo $$; echo > up; exec sleep 3600' & read -r up < up";
        let (ended, lines) = place.hook(daemon).await;
        assert_eq!(ended.expect("ran"), exited(0));
        let first = texts(&lines)[0].parse().expect("a pid");
        let (ended, lines) = cancel_after(&place, &format!("rm up; {daemon}; echo still here; sleep 3600"), 2).await;
        let refusal = ended.expect_err("cancelled").to_string();
        assert!(refusal.ends_with("ended by TERM"), "{refusal}");
        let second = texts(&lines).iter().find_map(|line| line.parse().ok()).expect("a pid");
        for pid in [first, second] {
            let pid = nix::unistd::Pid::from_raw(pid);
            nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("it still runs");
        }
    }

    async fn what_ignores_term_is_killed(place: Place) {
        let script = "trap '' TERM; sh -c 'echo $$; while :; do sleep 1; done' & echo $$; while :; do sleep 1; done";
        let (ended, lines) = cancel_after(&place, script, 2).await;
        let refusal = ended.expect_err("cancelled").to_string();
        assert!(refusal.ends_with("ended by KILL"), "{refusal}");
        assert_all_gone(&texts(&lines));
    }

    async fn a_limit_ends_the_whole_group(place: Place) {
        let (short, control, cancel) = (Duration::from_millis(300), place.layout.control_dir(), never());
        let script = hook("sh -c 'sleep 3600 & echo $!; wait' & echo $!; sleep 3600", place.root());
        for timeouts in [Timeouts { idle: short, ..HOUR }, Timeouts { total: short, ..HOUR }] {
            // All of it is there before the limit can be reached, however long that takes on this machine.
            let (id, (sink, mut lines)) = (new_id(), tokio::sync::mpsc::channel(4));
            let pids = tokio::select! {
                ended = place.host.run_hook(&control, &id, &script, 0, HOUR, &sink, &cancel) => panic!("{ended:?}"),
                pids = async { [lines.recv().await, lines.recv().await] } => pids.map(|line| line.expect("a line").line),
            };
            let (sink, _lines) = tokio::sync::mpsc::channel(4);
            let refusal = place.host.run_hook(&control, &id, &script, 0, timeouts, &sink, &cancel).await;
            let refusal = refusal.expect_err("timed out");
            assert!(matches!(refusal, ExecError::TimedOut { limit, .. } if limit == short), "{refusal}");
            assert!(refusal.to_string().contains("ended by TERM"), "{refusal}");
            assert!(refusal.to_string().contains("step 4"), "{refusal}");
            assert_all_gone(&texts(&pids));
            place.host.forget_hooks(&control, &[id]).await.expect("cleared up");
        }
        assert_eq!(place.in_davit_dir(), [""; 0]);
    }

    async fn a_limit_counts_for_who_starts_it_too(place: Place) {
        let short = Duration::from_millis(300);
        for timeouts in [Timeouts { idle: short, ..HOUR }, Timeouts { total: short, ..HOUR }] {
            let (ended, _) = place.hook_with(&hook("sleep 3600", place.root()), timeouts, &never()).await;
            let refusal = ended.expect_err("timed out");
            assert!(matches!(refusal, ExecError::TimedOut { limit, .. } if limit == short), "{refusal}");
        }
        assert_eq!(place.in_davit_dir(), [""; 0]);
    }

    async fn cancelling_ends_the_whole_group_and_proves_it(place: Place) {
        let script = "sh -c 'sh -c \"sleep 3600 & echo \\$!; wait\" & echo $!; wait' & echo $!; sleep 3600";
        let (ended, lines) = cancel_after(&place, script, 3).await;
        let refusal = ended.expect_err("cancelled");
        let ExecError::Cancelled { proof } = &refusal else { panic!("{refusal}") };
        assert!(proof.starts_with("process group ") && proof.ends_with(" ended by TERM"), "{proof}");
        assert_all_gone(&texts(&lines));
        assert_eq!(place.in_davit_dir(), [""; 0]);
    }
}

#[tokio::test]
async fn a_flood_of_output_can_be_cancelled() {
    let place = Place::new(Kind::Ssh).await;
    let (ended, _) = cancel_after(&place, "while :; do echo y; done", 100).await;
    assert!(matches!(ended, Err(ExecError::Cancelled { .. })), "{ended:?}");
}

#[tokio::test]
async fn a_script_may_choose_its_interpreter() {
    let place = Place::new(Kind::Local).await;
    let (ended, lines) = place.hook("#!/usr/bin/env bash\nlist=(a b)\necho ${#list[@]}\nfalse\necho no").await;
    assert_eq!(ended.expect("ran"), exited(1));
    assert_eq!(texts(&lines), ["2"]);
}

/// Runs a hook, cancels it once it has said this many lines, and keeps reading.
async fn cancel_after(place: &Place, script: &str, wanted: usize) -> (Result<HookEnd, ExecError>, Vec<OutputLine>) {
    let (sink, mut lines) = tokio::sync::mpsc::channel(4);
    let (hook, cancel) = (hook(script, place.root()), CancellationToken::new());
    let (control, id) = (place.layout.control_dir(), new_id());
    let running = async {
        let sink = sink;
        place.host.run_hook(&control, &id, &hook, 0, HOUR, &sink, &cancel).await
    };
    let reading = async {
        let mut all = Vec::new();
        while let Some(line) = lines.recv().await {
            all.push(line.line);
            if all.len() == wanted {
                cancel.cancel();
            }
        }
        all
    };
    let ended = tokio::join!(running, reading);
    place.host.forget_hooks(&control, &[id]).await.expect("cleared up");
    ended
}

fn texts(lines: &[OutputLine]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

fn exited(code: i32) -> HookEnd {
    HookEnd::Exited(Exit::Code(code))
}

/// No process with these ids runs; one that only waits to be collected by its parent does not run.
fn assert_all_gone(pids: &[&str]) {
    assert!(pids.iter().all(|pid| pid.parse::<u32>().is_ok()) && pids.len() > 1, "{pids:?}");
    for pid in pids {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
        assert!(matches!(state, None | Some('Z' | 'X')), "process {pid} still runs: {stat}");
    }
}
