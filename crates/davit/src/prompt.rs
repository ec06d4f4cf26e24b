//! Questions to the person at the terminal. They go to stderr, so that stdout stays the result alone.

use crate::failure::Failure;
use console::Term;
use secrecy::SecretString;
use std::io::{self, BufRead, IsTerminal, Read, Write};

/// Whether there is somebody to ask.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// A yes-or-no question; anything but yes is a no.
pub(crate) fn confirm(question: &str) -> Result<bool, Failure> {
    let answer = line(&format!("{question} [y/N] "))?;
    Ok(matches!(answer.to_lowercase().as_str(), "y" | "yes"))
}

/// One line of text.
pub(crate) fn line(question: &str) -> Result<String, Failure> {
    let mut stderr = io::stderr().lock();
    write!(stderr, "{question}").and_then(|()| stderr.flush()).map_err(unreadable)?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).map_err(unreadable)?;
    Ok(answer.trim().to_owned())
}

/// A secret, typed without being shown.
pub(crate) fn secret(question: &str) -> Result<SecretString, Failure> {
    let terminal = Term::stderr();
    terminal.write_str(question).map_err(unreadable)?;
    terminal.read_secure_line().map(SecretString::from).map_err(unreadable)
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

fn unreadable(error: io::Error) -> Failure {
    Failure::failed(format!("no answer can be read: {error}"))
}
