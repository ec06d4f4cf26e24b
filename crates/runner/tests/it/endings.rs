//! How steps end in sandbox and host: in time, cancelled, over a limit, before they began.

use crate::place_support::{BOTH, Open, cancelled_never, mark, open_with, processes_with, run, sandbox, script};
use davit_exec::OutputLine;
use davit_runner::{Executor, StepCommand, StepExit};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Runs `text` until it has said `ready`, then cancels.
async fn cancelled_when_ready(open: &Open, text: &str) -> (StepExit, Vec<String>) {
    let (sink, mut lines) = mpsc::channel::<OutputLine>(16);
    let cancel = CancellationToken::new();
    let listen = async {
        let mut said = Vec::new();
        while let Some(line) = lines.recv().await {
            if line.text == "ready" {
                cancel.cancel();
            }
            said.push(line.text);
        }
        said
    };
    let step = async {
        let exit = open.place.run(script(&open.place, text), &sink, &cancel).await;
        drop(sink);
        exit
    };
    let (exit, said) = tokio::join!(step, listen);
    (exit.expect("an end"), said)
}

#[tokio::test]
async fn a_cancelled_step_goes_with_all_it_started_and_the_place_lives_on() {
    for executor in BOTH {
        let open = open_with(executor, |_| ()).await;
        let (kept, ended) = (mark(), mark());
        open.sh(&format!("sleep {kept} & true")).await;
        while processes_with(&kept).is_empty() {
            tokio::task::yield_now().await;
        }
        let text = format!(
            "setsid sleep {ended} & ( ( sleep {ended} & ) & ); trap 'echo bye; exit 1' TERM; echo ready; sleep {ended} & wait"
        );
        let (exit, said) = cancelled_when_ready(&open, &text).await;
        let StepExit::Cancelled { proof } = exit else { panic!("{exit:?}") };
        assert!(proof.contains("(s") && proof.contains("TERM"), "{proof}");
        assert_eq!(said, ["ready", "bye"], "a step may say last words");
        assert_eq!(processes_with(&ended), Vec::<String>::new(), "{executor:?}");
        assert_eq!(processes_with(&kept).len(), 1, "an older step's background lives on");
        assert_eq!(open.sh("echo always").await.text(), "always");
        open.close().await;
        assert_eq!(processes_with(&kept), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_step_that_does_not_want_to_end_is_killed() {
    let open = sandbox().await;
    let mark = mark();
    let text =
        format!("trap '' TERM INT HUP; ( trap '' TERM; sleep {mark} ) & echo ready; while :; do sleep {mark}; done");
    let (exit, _) = cancelled_when_ready(&open, &text).await;
    let StepExit::Cancelled { proof } = exit else { panic!("{exit:?}") };
    assert!(proof.contains("KILL"), "{proof}");
    assert_eq!(processes_with(&mark), Vec::<String>::new());
    assert_eq!(open.sh("echo always").await.text(), "always");
    open.close().await;
}

#[tokio::test]
async fn a_step_has_its_time_and_the_job_too() {
    let open = sandbox().await;
    let limited = StepCommand { timeout: Some(Duration::from_millis(50)), ..script(&open.place, "sleep 600") };
    let ran = run(&open.place, limited, &cancelled_never()).await;
    assert!(matches!(&ran.exit, Ok(StepExit::TimedOut { proof }) if proof.contains("ended by")), "{ran:?}");
    assert_eq!(open.sh("echo next").await.text(), "next");
    open.close().await;

    let open = open_with(Executor::Sandbox, |spec| spec.limits.time = Duration::from_millis(400)).await;
    let ran = open.sh("sleep 600").await;
    assert!(matches!(&ran.exit, Ok(StepExit::OverLimit { what }) if what.contains("longer")), "{ran:?}");
    assert_eq!(open.sh("echo cleaning up").await.text(), "cleaning up");
    open.close().await;
}

#[tokio::test]
async fn a_step_that_stops_its_supervisor_does_not_stop_the_job() {
    let open = sandbox().await;
    let text = "kill -STOP $PPID; exec sleep 600";
    let limited = StepCommand { timeout: Some(Duration::from_millis(100)), ..script(&open.place, text) };
    let ran = run(&open.place, limited, &cancelled_never()).await;
    assert!(matches!(ran.exit, Ok(StepExit::TimedOut { .. })), "{ran:?}");
    assert_eq!(open.sh("echo next").await.text(), "next");
    open.close().await;
}

#[tokio::test]
async fn a_step_that_is_ended_before_it_began_never_goes_on() {
    for executor in BOTH {
        let open = open_with(executor, |_| ()).await;
        let (go, stopped) = (format!("{0}/go", open.place.workspace()), format!("{0}/stopped", open.place.workspace()));
        // A supervisor that is stopped is as late as one on a machine that has no time for it.
        let stop = "supervisor=$PPID; ( until [ -e go ]; do :; done; kill -STOP $supervisor; : >stopped ) & true";
        assert_eq!(open.sh(stop).await.code(), 0);
        open.place.write_file(&go, b"", 0o644).await.expect("written");
        while open.place.read_file(&stopped, 1).await.expect("read").is_none() {
            tokio::task::yield_now().await;
        }
        // More than a pipe holds: half of it is with the supervisor when the step is ended.
        let mut late = StepCommand { timeout: Some(Duration::from_millis(50)), ..script(&open.place, "sleep 600") };
        late.env.extend((0..4).map(|number| (format!("LARGE_{number}"), "x".repeat(50_000))));
        let ran = run(&open.place, late, &cancelled_never()).await;
        assert!(matches!(&ran.exit, Ok(StepExit::TimedOut { proof }) if proof.contains("ended by")), "{ran:?}");
        assert_eq!(open.sh("echo next").await.text(), "next", "{executor:?}");
        open.close().await;
    }
}

#[tokio::test]
async fn a_step_that_is_cancelled_before_anything_of_it_was_sent_is_not_started() {
    for executor in BOTH {
        let open = open_with(executor, |_| ()).await;
        let (sink, mut lines) = mpsc::channel::<OutputLine>(16);
        let before = CancellationToken::new();
        before.cancel();
        let exit = open.place.run(script(&open.place, "echo begun; : >begun"), &sink, &before).await;
        assert!(matches!(&exit, Ok(StepExit::Cancelled { proof }) if proof == "the step was not started"), "{exit:?}");
        // Nobody has cancelled it when the step is asked for, only before the shell can have heard of it: on one thread,
        // no reader has taken its order yet.
        let cancel = CancellationToken::new();
        let (exit, ()) = tokio::join!(
            biased;
            open.place.run(script(&open.place, "echo begun; : >begun"), &sink, &cancel),
            async { cancel.cancel() },
        );
        assert!(matches!(&exit, Ok(StepExit::Cancelled { proof }) if proof == "the step was not started"), "{exit:?}");
        let next = open.sh("[ ! -e begun ] && echo next").await;
        assert_eq!((next.code(), next.text().as_str()), (0, "next"), "{executor:?}");
        drop(sink);
        assert_eq!(lines.recv().await, None, "{executor:?}");
        open.close().await;
    }
}

#[tokio::test]
async fn a_step_that_nobody_waits_for_before_it_was_sent_is_none() {
    for executor in BOTH {
        let open = open_with(executor, |_| ()).await;
        let (sink, _lines) = mpsc::channel::<OutputLine>(16);
        let never = cancelled_never();
        // Looked at once, and dropped where it waits first.
        tokio::select! {
            biased;
            exit = open.place.run(script(&open.place, ": >begun"), &sink, &never) => panic!("{exit:?}"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(open.sh("[ ! -e begun ] && echo next").await.text(), "next", "{executor:?}");
        open.close().await;
    }
}

#[tokio::test]
async fn a_step_says_no_more_than_the_job_may() {
    let open = open_with(Executor::Sandbox, |spec| spec.limits.output = 1 << 20).await;
    let ran = open.sh("yes").await;
    assert!(matches!(&ran.exit, Ok(StepExit::OverLimit { what }) if what.contains("1 MiB")), "{:?}", ran.exit);
    assert!(ran.lines.len() <= 1 << 19, "{}", ran.lines.len());
    assert_eq!(open.sh("echo cleaning up").await.text(), "cleaning up");
    open.close().await;
}

#[tokio::test]
async fn a_step_that_nobody_waits_for_is_ended_before_the_next() {
    let open = sandbox().await;
    let mark = mark();
    let (sink, mut lines) = mpsc::channel::<OutputLine>(16);
    let cancel = CancellationToken::new();
    tokio::select! {
        exit = open.place.run(script(&open.place, &format!("echo ready; sleep {mark}")), &sink, &cancel) => panic!("{exit:?}"),
        line = lines.recv() => assert_eq!(line.expect("a line").text, "ready"),
    }
    drop(sink);
    assert_eq!(open.sh("echo next").await.text(), "next");
    assert_eq!(processes_with(&mark), Vec::<String>::new());
    open.close().await;
}
