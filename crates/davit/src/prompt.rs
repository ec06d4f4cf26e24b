//! Questions to the person at the terminal. They go to stderr, so that stdout stays the result alone.

use crate::ending;
use crate::failure::Failure;
use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use secrecy::SecretString;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::thread;
use tokio::sync::oneshot;

/// Whether there is somebody to ask.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// A yes-or-no question; anything but yes is a no.
pub(crate) async fn confirm(question: &str) -> Result<bool, Failure> {
    let answer = line(&format!("{question} [y/N] ")).await?;
    Ok(matches!(answer.to_lowercase().as_str(), "y" | "yes"))
}

/// One line of text.
pub(crate) async fn line(question: &str) -> Result<String, Failure> {
    typed(question).await.map(|answer| answer.trim().to_owned())
}

/// A secret, typed without being shown. Echoing ends before the question is seen, so that nobody is too fast for it.
pub(crate) async fn secret(question: &str) -> Result<SecretString, Failure> {
    let _quiet = Quiet::begin().map_err(unreadable)?;
    let typed = typed(question).await?;
    Ok(SecretString::from(typed.trim_end_matches(['\r', '\n'])))
}

/// The terminal does not show what is typed, but for the line end, until this is dropped: also when davit is ended from
/// outside.
struct Quiet {
    before: Termios,
}

impl Quiet {
    fn begin() -> io::Result<Self> {
        ending::in_order()?;
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_flags.remove(LocalFlags::ECHO);
        quiet.local_flags.insert(LocalFlags::ECHONL);
        tcsetattr(io::stdin(), SetArg::TCSANOW, &quiet)?;
        Ok(Self { before })
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Where the terminal is gone, nothing is to be put back.
        let _ = tcsetattr(io::stdin(), SetArg::TCSANOW, &self.before);
    }
}

/// A secret from stdin, without the line end that `echo` adds.
pub(crate) fn secret_from_stdin() -> Result<SecretString, Failure> {
    let mut text = String::new();
    io::stdin().lock().read_to_string(&mut text).map_err(unreadable)?;
    let text = text.trim_end_matches(['\r', '\n']);
    if text.is_empty() {
        return Err(Failure::usage("nothing came on stdin"));
    }
    Ok(SecretString::from(text))
}

/// The next line of stdin, as a secret.
pub(crate) fn secret_line_from_stdin(what: &str) -> Result<SecretString, Failure> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(unreadable)?;
    let line = line.trim_end_matches(['\r', '\n']);
    if line.is_empty() {
        return Err(Failure::usage(format!("stdin has no line with {what}")));
    }
    Ok(SecretString::from(line))
}

/// A line as it was typed, with its end.
async fn typed(question: &str) -> Result<String, Failure> {
    let asked = write!(io::stderr(), "{question}").and_then(|()| io::stderr().flush());
    asked.map_err(unreadable)?;
    let (tell, told) = oneshot::channel();
    // A thread that reads a terminal is woken by a line alone. Where nobody waits for that, it goes with the process.
    thread::spawn(move || {
        let mut answer = String::new();
        let read = io::stdin().lock().read_line(&mut answer).map(|_| answer);
        let _ = tell.send(read);
    });
    told.await.map_err(io::Error::other).flatten().map_err(unreadable)
}

fn unreadable(error: io::Error) -> Failure {
    Failure::failed(format!("no answer can be read: {error}"))
}
