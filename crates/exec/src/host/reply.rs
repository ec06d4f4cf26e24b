//! What our scripts say back: lines `@davit KEY VALUE` on standard output. Whatever else is there, such as what a
//! login shell's start-up file prints, is not ours and skipped.

use super::layout::on;
use super::transport::Said;
use crate::{ExecError, Exit};
use davit_domain::ids::{HostName, ReleaseName};

/// The lines of a script that ended well.
#[derive(Debug)]
pub(super) struct Reply(Vec<Line>);

#[derive(Debug)]
struct Line {
    key: String,
    value: String,
    /// The value as it came: paths need not be UTF-8.
    bytes: Vec<u8>,
}

impl Reply {
    /// Reads what a script said, or makes a sentence of why it failed.
    pub(super) fn of(host: &HostName, said: Said, during: &'static str) -> Result<Self, ExecError> {
        let reply = Self::parse(&said.stdout);
        if let Some(sentence) = reply.value("refused") {
            return Err(on(host, sentence));
        }
        if let Some(sentence) = reply.value("failed") {
            return Err(on(host, &format!("{sentence} ({})", last_line(&said.stderr))));
        }
        match said.exit {
            // A script that ran to its end says so: a shell that never started it, or a cut program, does not.
            Exit::Code(0) if reply.value("done").is_some() => Ok(reply),
            Exit::Lost => Err(ExecError::ConnectionLost { host: host.clone(), during }),
            ended @ (Exit::Code(_) | Exit::Signal(_)) => {
                Err(on(host, &format!("{during} failed with {ended}: {}", last_line(&said.stderr))))
            }
        }
    }

    /// The lines that are ours.
    pub(super) fn parse(stdout: &[u8]) -> Self {
        let ours = stdout.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"@davit "));
        Self(ours.map(Line::of).collect())
    }

    /// The first value of a key.
    pub(super) fn value(&self, key: &str) -> Option<&str> {
        self.values(key).next()
    }

    /// All values of a key.
    pub(super) fn values(&self, key: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |line| line.key == key).map(|line| line.value.as_str())
    }

    /// All values of a key, which are paths `./…`: without the dot.
    pub(super) fn paths(&self, key: &str) -> Vec<Vec<u8>> {
        let lines = self.0.iter().filter(|line| line.key == key);
        lines.filter_map(|line| line.bytes.strip_prefix(b"./").map(<[u8]>::to_vec)).collect()
    }

    /// The first value of a key, when it names a release.
    pub(super) fn release(&self, key: &str) -> Option<ReleaseName> {
        self.value(key)?.parse().ok()
    }

    /// All values of a key that name releases, sorted: oldest first, because names begin with the time.
    pub(super) fn releases(&self, key: &str) -> Vec<ReleaseName> {
        let mut names: Vec<ReleaseName> = self.values(key).filter_map(|value| value.parse().ok()).collect();
        names.sort();
        names
    }
}

impl Line {
    fn of(line: &[u8]) -> Self {
        let mut words = line.splitn(2, |byte| *byte == b' ');
        let key = String::from_utf8_lossy(words.next().unwrap_or_default()).into_owned();
        let bytes = words.next().unwrap_or_default().to_vec();
        Self { key, value: String::from_utf8_lossy(&bytes).into_owned(), bytes }
    }
}

/// The last line that is not empty, cut to what fits a sentence.
fn last_line(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it did not say why");
    line.chars().filter(|c| !c.is_control()).take(300).collect()
}
