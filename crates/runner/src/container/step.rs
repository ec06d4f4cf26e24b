//! One step's program in the job's container: started, followed line by line, ended with what it started.

use super::exec::{self, Exec};
use super::processes::{self, Signal};
use super::{Container, TEMP};
use crate::RunnerError;
use crate::place::{StepCommand, StepExit};
use davit_domain::log::Stream;
use davit_exec::LineSink;
use davit_exec::lines::Splitter;
use serde_json::json;
use std::pin::{Pin, pin};
use std::sync::OnceLock;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_util::sync::CancellationToken;

const BECOME: &str = include_str!("step.sh");

/// How long a program has between being asked to end and being ended.
const GRACE: Duration = Duration::from_secs(5);

/// How long one look takes whether a program that is to end has begun, and how many there are.
const HEAR: Duration = Duration::from_millis(20);
const BEGIN: u32 = 1500;

/// How often is asked whether a program has ended whose output is held open.
const LOOK: Duration = Duration::from_secs(1);

/// Rounds of ending; processes that start others faster than this are left to the end of the job.
const ROUNDS: u32 = 20;

/// The exit code of what the kernel ended (128 + KILL).
const KILLED: i32 = 137;

/// Why a step is ended before it ended by itself.
enum Reason {
    Cancelled,
    TimedOut,
    OverLimit(String),
}

pub(super) async fn run(
    container: &Container,
    command: &StepCommand,
    sink: &LineSink,
    cancel: &CancellationToken,
) -> Result<StepExit, RunnerError> {
    if cancel.is_cancelled() {
        return Ok(StepExit::Cancelled { proof: "the step was not started".to_owned() });
    }
    let word = format!("davit-{:016x}", rand::random::<u64>());
    let stdin = match &command.stdin {
        Some(bytes) => {
            let path = format!("{TEMP}/{word}");
            container.write_file(&path, bytes, 0o600).await?;
            path
        }
        None => String::new(),
    };
    let killed_before = processes::out_of_memory(container.engine(), &container.id).await;
    let exec = start(container, command, &word, &stdin).await?;
    let mut step = Running { container, exec, began: OnceLock::new(), word, over: OnceLock::new() };
    let exit = step.until_it_ends(command.timeout, sink, cancel).await?;
    if exit == StepExit::Code(KILLED)
        && processes::out_of_memory(container.engine(), &container.id).await > killed_before
    {
        return Ok(StepExit::OverLimit {
            what: "the step needed more memory than its repository may have, and the kernel ended it".to_owned(),
        });
    }
    Ok(exit)
}

async fn start(container: &Container, command: &StepCommand, word: &str, stdin: &str) -> Result<Exec, RunnerError> {
    let own = ["sh", "-c", BECOME, "davit", word, &command.cwd, stdin].map(str::to_owned);
    let config = json!({
        "Cmd": own.into_iter().chain(command.argv.iter().cloned()).collect::<Vec<_>>(),
        "Env": command.env.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>(),
    });
    exec::start(container.engine(), &container.id, config).await
}

struct Running<'a> {
    container: &'a Container,
    exec: Exec,
    /// When it began, as the container says: known as soon as the first line is there.
    began: OnceLock<u64>,
    word: String,
    /// Why its output is too much.
    over: OnceLock<String>,
}

impl Running<'_> {
    async fn until_it_ends(
        &mut self,
        limit: Option<Duration>,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<StepExit, RunnerError> {
        let container = self.container;
        let engine = container.engine();
        let Self { exec, began, word, over, .. } = self;
        let mut pump = pin!(pump(container, exec, sink, word, began, over));
        let reason = tokio::select! {
            biased;
            () = cancel.cancelled() => Reason::Cancelled,
            () = sleep(limit.unwrap_or(Duration::MAX)), if limit.is_some() => Reason::TimedOut,
            ended = &mut pump => match ended? {
                Some(code) => return Ok(StepExit::Code(code)),
                None => Reason::OverLimit(over.get().cloned().unwrap_or_default()),
            },
            what = container.used.disk_is_full(engine, &container.id) => Reason::OverLimit(what),
        };
        // The pump of a step that said too much has stopped for good.
        let pump = if over.get().is_some() { None } else { Some(pump.as_mut()) };
        let proof = end(container, began, pump).await?;
        Ok(match reason {
            Reason::Cancelled => StepExit::Cancelled { proof },
            Reason::TimedOut => StepExit::TimedOut { proof },
            Reason::OverLimit(what) => StepExit::OverLimit { what },
        })
    }
}

/// Ends what the step started: asks, waits while its last words come, then ends it. Says what was seen.
async fn end(
    container: &Container,
    began: &OnceLock<u64>,
    pump: Option<Pin<&mut impl Future<Output = Result<Option<i32>, RunnerError>>>>,
) -> Result<String, RunnerError> {
    let engine = container.engine();
    let (mut pump, mut by_itself) = (pump, false);
    // One that has not begun yet would begin after its end, and nobody could tell it from what is older.
    for _ in 0..BEGIN {
        let Some(begins) = pump.as_mut().filter(|_| began.get().is_none()) else { break };
        if timeout(HEAR, begins).await.is_ok() {
            (pump, by_itself) = (None, true);
        }
    }
    // One that never said when it began did not come far: everything but the container's own process goes then.
    let began = || began.get().copied().unwrap_or(0);
    let asked = processes::signal(engine, &container.id, began(), Signal::Term).await?;
    if let Some(pump) = pump {
        by_itself = timeout(GRACE, pump).await.is_ok();
    }
    let mut killed = Vec::new();
    for _ in 0..ROUNDS {
        let left = processes::signal(engine, &container.id, began(), Signal::Kill).await?;
        if left.is_empty() {
            return Ok(proof(&asked, &killed, by_itself));
        }
        killed.extend(left);
    }
    killed.sort();
    killed.dedup();
    Err(RunnerError::Ended(format!(
        "processes of the step start others faster than they can be ended: {}",
        listed(&killed)
    )))
}

fn proof(asked: &[String], killed: &[String], by_itself: bool) -> String {
    let how = match (asked.is_empty(), killed.is_empty()) {
        (true, true) => "nothing of the step was running any more".to_owned(),
        (false, true) => format!("{} ended by TERM", listed(asked)),
        (_, false) => format!("{} ended by KILL", listed(killed)),
    };
    let after = if by_itself || killed.is_empty() { "" } else { ", after TERM had no effect" };
    format!("{how}{after}; no process of the step is left in the container")
}

fn listed(processes: &[String]) -> String {
    const MOST: usize = 5;
    let shown = processes.iter().take(MOST).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = processes.len().saturating_sub(MOST);
    if more == 0 { format!("process {shown}") } else { format!("process {shown} and {more} more") }
}

/// Passes output on until the program has ended; returns its exit code, or `None` when it said too much.
async fn pump(
    container: &Container,
    exec: &mut Exec,
    sink: &LineSink,
    word: &str,
    began: &OnceLock<u64>,
    over: &OnceLock<String>,
) -> Result<Option<i32>, RunnerError> {
    let mut stdout = Splitter::new(Stream::Stdout);
    let mut stderr = Splitter::new(Stream::Stderr);
    let mut first = Some(Vec::new());
    let mut look = interval_at(Instant::now() + LOOK, LOOK);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ended = None;
    loop {
        let piece = tokio::select! {
            biased;
            piece = exec.next() => piece?,
            _ = look.tick() => {
                // Its output may be held open by what it left in the background: nobody waits for that.
                if ended.is_some() {
                    break;
                }
                ended = exec.ended(container.engine()).await?;
                continue;
            }
        };
        let Some((stream, message)) = piece else { break };
        let (splitter, bytes) = if stream == Stream::Stderr {
            (&mut stderr, after_first_line(&mut first, &message, word, began))
        } else {
            (&mut stdout, message.to_vec())
        };
        if let Err(sentence) = container.used.said(bytes.len()) {
            // Set once: the pump stops here.
            let _ = over.set(sentence);
            return Ok(None);
        }
        // A closed sink means that nobody wants to know; the program goes on all the same.
        splitter.feed(&bytes, sink).await;
    }
    for line in [stdout.finish(), stderr.finish()].into_iter().flatten() {
        let _ = sink.send(line).await;
    }
    match ended {
        Some(code) => Ok(Some(code)),
        None => exec.exit_code(container.engine()).await.map(Some),
    }
}

/// Takes davit's own line off the beginning of standard error; what the engine says instead, when it could not start
/// the program, passes.
fn after_first_line(first: &mut Option<Vec<u8>>, message: &[u8], word: &str, began: &OnceLock<u64>) -> Vec<u8> {
    let Some(mut start) = first.take() else { return message.to_vec() };
    start.extend_from_slice(message);
    let own = start.iter().zip(word.as_bytes()).all(|(one, other)| one == other);
    let Some(end) = start.iter().position(|byte| *byte == b'\n').filter(|_| own) else {
        if own {
            *first = Some(start);
            return Vec::new();
        }
        return start;
    };
    // State, parent, … and as the 20th word when it began; after the word nobody guesses.
    const WHEN: usize = 20;
    let line = String::from_utf8_lossy(&start[..end]);
    if let Some(when) = line.split_ascii_whitespace().nth(WHEN).and_then(|text| text.parse().ok()) {
        // Set once: there is one first line.
        let _ = began.set(when);
    }
    start.split_off(end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "davit-1 S 0 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0\n";

    fn fed(pieces: &[&str]) -> (String, Option<u64>) {
        let (mut first, began) = (Some(Vec::new()), OnceLock::new());
        let said = pieces.iter().flat_map(|piece| after_first_line(&mut first, piece.as_bytes(), "davit-1", &began));
        let said: Vec<u8> = said.collect();
        (String::from_utf8(said).expect("text"), began.get().copied())
    }

    #[test]
    fn the_first_line_tells_when_a_step_began() {
        assert_eq!(fed(&[LINE, "hello\n"]), ("hello\n".to_owned(), Some(4711)));
        let all = format!("{LINE}hello");
        assert_eq!(fed(&[&all]), ("hello".to_owned(), Some(4711)));
        assert_eq!(fed(&[&LINE[..3], &LINE[3..12], &LINE[12..]]), (String::new(), Some(4711)));
    }

    #[test]
    fn what_the_engine_says_instead_passes() {
        assert_eq!(fed(&["exec failed", ": no sh\n"]), ("exec failed: no sh\n".to_owned(), None));
    }

    #[test]
    fn a_proof_names_what_was_ended() {
        let some = ["7 sleep".to_owned()];
        assert!(proof(&some, &[], true).starts_with("process 7 sleep ended by TERM; no process"));
        assert!(proof(&some, &some, false).starts_with("process 7 sleep ended by KILL, after TERM had no effect"));
        let many: Vec<String> = (0..7).map(|n| format!("{n} x")).collect();
        assert!(listed(&many).ends_with("4 x and 2 more"));
    }
}
