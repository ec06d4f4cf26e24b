//! `davit terminals open HOST`: a shell of one's own, through the server.

use crate::client::Client;
use crate::client::shell::{Heard, Shell, Size};
use crate::cmd::account::own_session;
use crate::cmd::asking::Asking;
use crate::ending;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Output, visible};
use crate::prompt;
use clap::Args;
use nix::fcntl::OFlag;
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe::Receiver;
use tokio::signal::unix::{SignalKind, signal};

/// What is typed at once, at most. Bytes.
const TYPED: usize = 4096;

/// Where.
#[derive(Debug, Args)]
pub(crate) struct OpenArgs {
    /// The host's name
    host: String,
}

/// The person's terminal: keys go through as they are typed, until this is dropped: also when davit is ended from outside.
struct Raw {
    terminal: File,
    /// The same, without waiting.
    keys: Receiver,
    before: Termios,
}

impl Raw {
    /// A file of its own, so that what started davit keeps its standard input as it is.
    fn open() -> io::Result<Self> {
        ending::in_order()?;
        let flags = (OFlag::O_NONBLOCK | OFlag::O_NOCTTY).bits();
        let terminal = OpenOptions::new().read(true).write(true).custom_flags(flags).open("/dev/tty")?;
        let before = tcgetattr(&terminal)?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        // It is no pipe, and is waited for like one.
        let keys = Receiver::from_file_unchecked(terminal.try_clone()?)?;
        tcsetattr(&terminal, SetArg::TCSADRAIN, &raw)?;
        Ok(Self { terminal, keys, before })
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        // Where the terminal is gone, nothing is to be put back.
        let _ = tcsetattr(&self.terminal, SetArg::TCSADRAIN, &self.before);
    }
}

/// `~.` at the beginning of a line hangs up, as it does in ssh: it works where nothing else does.
#[derive(Debug)]
struct HangUp {
    /// How much of "line end, tilde" was typed.
    seen: u8,
}

impl HangUp {
    const fn new() -> Self {
        Self { seen: 1 }
    }

    /// Whether it is among this.
    fn is_in(&mut self, typed: &[u8]) -> bool {
        typed.iter().any(|byte| {
            self.seen = match (self.seen, byte) {
                (_, b'\r' | b'\n') => 1,
                (1, b'~') => 2,
                (2, b'.') => return true,
                _ => 0,
            };
            false
        })
    }
}

pub(super) async fn open(client: &Client, args: OpenArgs) -> Outcome {
    let output = Output::detect();
    if !prompt::can_ask() || !output.is_terminal() {
        return Err(Failure::usage("a shell needs a terminal").hint("davit terminals play, for what one showed"));
    }
    let (mut session, _) = own_session(client, Asking { stdin: false }).await?;
    let done = match session.shell(&args.host, size()).await {
        Ok(shell) => talk(shell, output).await,
        Err(failure) => Err(failure.hint_if_not_found("davit hosts list")),
    };
    session.close().await;
    done
}

async fn talk(mut shell: Shell, output: Output) -> Outcome {
    let unusable = |error: io::Error| Failure::failed(format!("this terminal can't be used: {error}"));
    let mut resized = signal(SignalKind::window_change()).map_err(unusable)?;
    let mut raw = Raw::open().map_err(unusable)?;
    let mut typed = [0; TYPED];
    let mut hang_up = HangUp::new();
    let ended = loop {
        tokio::select! {
            heard = shell.hear() => match heard {
                Ok(Heard::Bytes(bytes)) => show(&bytes)?,
                Ok(Heard::Ready) => output.note("Connected; ~. at the beginning of a line hangs up.\r"),
                Ok(Heard::Idle(seconds)) => output.note(format!("\r\nIt ends in {seconds} seconds: type something\r")),
                Ok(Heard::Ended(code, reason)) => break Ok(Some((code, reason))),
                Err(failure) => break Err(failure),
            },
            read = raw.keys.read(&mut typed) => match read {
                Ok(0) | Err(_) => break Ok(None),
                Ok(count) if hang_up.is_in(&typed[..count]) => break Ok(None),
                Ok(count) => shell.type_in(&typed[..count])?,
            },
            _ = resized.recv() => shell.resize(size())?,
        }
    };
    drop(raw);
    shell.close().await;
    match ended? {
        None => {
            output.note("\nHung up.");
            Ok(Exit::Done)
        }
        Some((Some(0) | None, reason)) if reason == "exited" => Ok(Exit::Done),
        Some((Some(code), reason)) if reason == "exited" => {
            Err(Failure::failed(format!("the shell ended with exit code {code}")))
        }
        Some((_, reason)) => Err(Failure::failed(format!("the shell ended: {}", visible(&reason)))),
    }
}

fn show(bytes: &[u8]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes)?;
    stdout.flush()
}

fn size() -> Size {
    let (rows, cols) = console::Term::stdout().size();
    Size { cols: cols.clamp(1, 1000), rows: rows.clamp(1, 1000) }
}

#[cfg(test)]
mod tests {
    use super::HangUp;

    #[test]
    fn a_tilde_and_a_dot_hang_up_at_the_beginning_of_a_line() {
        for (typed, hangs_up) in [
            (&["~."][..], true),
            (&["ls\r~."], true),
            (&["ls\r", "~", "."], true),
            (&["ls ~."], false),
            (&["~x."], false),
            (&["\r~~."], false),
            (&["echo a~.b\r"], false),
        ] {
            let mut state = HangUp::new();
            assert_eq!(typed.iter().any(|typed| state.is_in(typed.as_bytes())), hangs_up, "{typed:?}");
        }
    }
}
