//! What commands print: results on stdout, everything else on stderr, colours only for people.
//!
//! Does not live here: questions ([`crate::prompt`]) and the moving lines of a deployment ([`crate::progress`]).

use crate::client::types::Line;
use crate::failure::Failure;
use davit_domain::time::Timestamp;
use serde::Serialize;
use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

/// Blanks between two columns.
const COLUMN_GAP: usize = 2;

/// What a piece of text means. Which colour that is, is decided here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// It went well, or is new.
    Good,
    /// It failed, or goes away.
    Bad,
    /// It is under way, waits, or changes.
    Busy,
    /// A name to find one's way by.
    Name,
    /// Less important than its surroundings.
    Faint,
}

impl Tone {
    /// The number of the SGR sequence.
    const fn sgr(self) -> u8 {
        match self {
            Self::Good => 32,
            Self::Bad => 31,
            Self::Busy => 33,
            Self::Name => 36,
            Self::Faint => 2,
        }
    }
}

/// When there are colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum When {
    /// For a person at a terminal who did not say `NO_COLOR`.
    Auto,
    /// Also into pipes.
    Always,
    /// Not at all.
    Never,
}

/// What the command line says about colours; it is said once, before anything is printed.
static CHOSEN: OnceLock<When> = OnceLock::new();

/// Takes the person's word for it.
pub(crate) fn choose(when: When) {
    // A second word is never said: main does this once.
    let _ = CHOSEN.set(when);
}

/// Where output goes and what may be used there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    terminal: bool,
    color: bool,
}

impl Output {
    /// Colours and moving lines need a person at both stdout and stderr; `NO_COLOR` takes the colours away, `--color`
    /// has the last word.
    pub(crate) fn detect() -> Self {
        let terminal = io::stdout().is_terminal() && io::stderr().is_terminal();
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let color = match CHOSEN.get() {
            Some(When::Always) => true,
            Some(When::Never) => false,
            Some(When::Auto) | None => terminal && !no_color,
        };
        Self { terminal, color }
    }

    /// Whether lines may move.
    pub(crate) const fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// `text` in the colour of `tone`, where there are colours.
    pub(crate) fn paint(&self, tone: Tone, text: impl AsRef<str>) -> String {
        let text = text.as_ref();
        if self.color { format!("\u{1b}[{}m{text}\u{1b}[0m", tone.sgr()) } else { text.to_owned() }
    }

    /// One line of the result.
    pub(crate) fn line(&self, text: impl AsRef<str>) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{}", text.as_ref())?;
        Ok(stdout.flush()?)
    }

    /// The result as one JSON object on one line.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value)
            .map_err(|error| Failure::failed(format!("the result can't be written as JSON: {error}")))?;
        self.line(text)
    }

    /// The result as a text that already ends its own lines.
    pub(crate) fn text(&self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        Ok(stdout.flush()?)
    }

    /// One line about the result, for people: on stderr.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        // A stderr that is gone must not end the command.
        let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
    }

    /// Rows under a header; `empty`, on stderr, where there are none.
    pub(crate) fn table(&self, header: &[&str], rows: &[Vec<Cell>], empty: &str) -> Result<(), Failure> {
        if rows.is_empty() {
            self.note(empty);
            return Ok(());
        }
        let titles = header.iter().map(|title| Cell::toned(Tone::Faint, title.to_uppercase())).collect();
        let rows: Vec<&Vec<Cell>> = [&titles].into_iter().chain(rows).collect();
        let width = |column| rows.iter().filter_map(|row| row.get(column)).map(Cell::width).max().unwrap_or(0);
        let widths: Vec<usize> = (0..header.len()).map(width).collect();
        rows.iter().try_for_each(|row| self.line(self.row(row, &widths)))
    }

    fn row(&self, row: &[Cell], widths: &[usize]) -> String {
        let mut line = String::new();
        let mut gap = 0;
        for (cell, width) in row.iter().zip(widths).filter(|(_, width)| **width > 0) {
            let used = cell.width();
            if used > 0 {
                line.extend(std::iter::repeat_n(' ', std::mem::take(&mut gap)));
                line.push_str(&cell.tone.map_or_else(|| cell.text.clone(), |tone| self.paint(tone, &cell.text)));
            }
            gap += width - used + COLUMN_GAP;
        }
        line
    }

    /// What a program said: with its colours where there are colours, and nothing else that a terminal would obey.
    pub(crate) fn program(&self, text: &str) -> String {
        if self.color { colours_only(text) } else { visible(text) }
    }

    /// `HH:MM:SS job step| text`, the time in UTC.
    pub(crate) fn job_line(&self, job: &str, at: Timestamp, step: u32, text: &str) -> String {
        format!(
            "{} {} {}| {}",
            self.paint(Tone::Faint, clock(at)),
            self.paint(Tone::Name, visible(job)),
            self.paint(Tone::Faint, step.to_string()),
            if self.color { colours_only(text) } else { visible(text) },
        )
    }

    /// `HH:MM:SS host step| text`, the time in UTC.
    pub(crate) fn log_line(&self, line: &Line) -> String {
        format!(
            "{} {} {}| {}",
            self.paint(Tone::Faint, clock(line.at)),
            self.paint(Tone::Name, line.host.as_deref().unwrap_or("server")),
            self.paint(Tone::Faint, line.step.to_string()),
            if self.color { colours_only(&line.text) } else { visible(&line.text) },
        )
    }
}

/// One cell of a table. Its text is whatever a server, build or person wrote; what a terminal would obey is dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    tone: Option<Tone>,
}

impl Cell {
    /// A cell with a colour.
    pub(crate) fn toned(tone: Tone, text: impl AsRef<str>) -> Self {
        Self { text: visible(text.as_ref()), tone: Some(tone) }
    }

    fn width(&self) -> usize {
        console::measure_text_width(&self.text)
    }
}

impl<T: AsRef<str>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: visible(text.as_ref()), tone: None }
    }
}

/// `HH:MM:SS` in UTC.
pub(crate) fn clock(at: Timestamp) -> String {
    at.to_string().get(11..19).unwrap_or_default().to_owned()
}

/// `YYYY-MM-DD HH:MM` in UTC.
pub(crate) fn minute(at: Timestamp) -> String {
    at.to_string().get(..16).unwrap_or_default().replace('T', " ")
}

/// The first ten digits of a commit: enough to recognise it.
pub(crate) fn short(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

/// `text` without anything that a terminal would obey: it comes from builds, hosts and forges.
pub(crate) fn visible(text: &str) -> String {
    escapes(text).filter_map(|piece| piece.err()).collect()
}

/// As [`visible`], but colours stay, and end with the text.
fn colours_only(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut coloured = false;
    for piece in escapes(text) {
        match piece {
            Ok(sequence) if sequence.starts_with("\u{1b}[") && sequence.ends_with('m') => {
                coloured = true;
                out.push_str(sequence);
            }
            Ok(_) => {}
            Err(character) => out.push(character),
        }
    }
    if coloured {
        out.push_str("\u{1b}[0m");
    }
    out
}

/// A text as terminal sequences (`Ok`) and the characters between them (`Err`); other control characters are dropped,
/// but for the tab.
fn escapes(text: &str) -> impl Iterator<Item = Result<&str, char>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let first = rest.chars().next()?;
            if first == '\u{1b}' {
                let (sequence, after) = rest.split_at(sequence_length(rest));
                rest = after;
                return Some(Ok(sequence));
            }
            rest = &rest[first.len_utf8()..];
            if first == '\t' || !first.is_control() {
                return Some(Err(first));
            }
        }
    })
}

/// The bytes of the sequence at the start of `text`, which starts with ESC. An unfinished one takes the rest.
fn sequence_length(text: &str) -> usize {
    let body = &text[1..];
    let end = match body.chars().next() {
        Some('[') => body[1..].find(|c: char| ('@'..='~').contains(&c)).map(|at| at + 2),
        // An operating system command, a device control string and their like end with BEL or ESC \.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let bell = body.find('\u{7}').map(|at| at + 1);
            let string_end = body.find("\u{1b}\\").map(|at| at + 2);
            [bell, string_end].into_iter().flatten().min()
        }
        Some(other) => Some(other.len_utf8()),
        None => None,
    };
    end.map_or(text.len(), |end| end + 1)
}

#[cfg(test)]
mod tests {
    use super::{colours_only, visible};

    #[test]
    fn keeps_what_can_be_read() {
        assert_eq!(visible("plain\ttext – ünïcode 发布"), "plain\ttext – ünïcode 发布");
    }

    #[test]
    fn drops_what_a_terminal_obeys() {
        let hostile = "a\u{1b}]0;title\u{7}b\u{1b}[2Jc\u{1b}P1\u{1b}\\d\re\u{1b}cf\u{9b}31mg";
        assert_eq!(visible(hostile), "abcdef31mg");
        assert_eq!(visible("cut short \u{1b}["), "cut short ");
        assert_eq!(visible("\u{1b}"), "");
        assert_eq!(visible("\u{1b}é!"), "!");
    }

    #[test]
    fn lets_colours_through_and_ends_them() {
        assert_eq!(colours_only("\u{1b}[31mred\u{1b}[1A up"), "\u{1b}[31mred up\u{1b}[0m");
        assert_eq!(colours_only("none"), "none");
    }
}
