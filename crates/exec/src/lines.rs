//! Bytes from a program become lines: split at `\n`, a trailing `\r` dropped, over-long lines cut with a mark.

use crate::{LineSink, OutputLine};
use davit_domain::log::{MAX_LINE, Stream};

/// Splits one stream's bytes into lines, however they arrive.
#[derive(Debug)]
pub struct Splitter {
    stream: Stream,
    partial: Vec<u8>,
    cut: bool,
}

impl Splitter {
    /// A splitter for one stream.
    #[must_use]
    pub const fn new(stream: Stream) -> Self {
        Self { stream, partial: Vec::new(), cut: false }
    }

    /// Takes bytes and returns the lines that are whole now.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<OutputLine> {
        self.push_counted(bytes).into_iter().map(|(line, _)| line).collect()
    }

    /// [`push`](Self::push), each line with how many of `bytes` were taken up to and including its line ending.
    pub fn push_counted(&mut self, bytes: &[u8]) -> Vec<(OutputLine, usize)> {
        let mut lines = Vec::new();
        let mut taken = 0;
        for piece in bytes.split_inclusive(|b| *b == b'\n') {
            taken += piece.len();
            let (text, ends) = match piece.split_last() {
                Some((b'\n', text)) => (text, true),
                Some(_) | None => (piece, false),
            };
            let room = MAX_LINE.saturating_sub(self.partial.len());
            self.cut |= text.len() > room;
            self.partial.extend_from_slice(&text[..text.len().min(room)]);
            if ends {
                lines.push((self.take(), taken));
            }
        }
        lines
    }

    /// The last line, when the program ended without a line ending.
    pub fn finish(&mut self) -> Option<OutputLine> {
        (!self.partial.is_empty() || self.cut).then(|| self.take())
    }

    /// [`push`](Self::push) into a sink. False when nobody listens any more.
    pub async fn feed(&mut self, bytes: &[u8], sink: &LineSink) -> bool {
        for line in self.push(bytes) {
            if sink.send(line).await.is_err() {
                return false;
            }
        }
        true
    }

    fn take(&mut self) -> OutputLine {
        let mut bytes = std::mem::take(&mut self.partial);
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        // PostgreSQL text can't hold NUL.
        let mut text = String::from_utf8_lossy(&bytes).replace('\0', "\u{FFFD}");
        if std::mem::take(&mut self.cut) {
            text.push_str(" […cut]");
        }
        OutputLine { stream: self.stream, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[OutputLine]) -> Vec<&str> {
        lines.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn lines_are_whole_however_bytes_arrive() {
        let mut splitter = Splitter::new(Stream::Stdout);
        assert!(splitter.push(b"on").is_empty());
        assert_eq!(texts(&splitter.push(b"e\r\ntwo\n\nthr")), ["one", "two", ""]);
        assert_eq!(splitter.finish().map(|l| l.text), Some("thr".into()));
        assert_eq!(splitter.finish(), None);
    }

    #[test]
    fn a_line_knows_where_it_ends() {
        let mut splitter = Splitter::new(Stream::Stdout);
        assert_eq!(splitter.push_counted(b"on"), []);
        let lines = splitter.push_counted(b"e\r\n\ntwo\nthr");
        let ends: Vec<(&str, usize)> = lines.iter().map(|(line, end)| (line.text.as_str(), *end)).collect();
        assert_eq!(ends, [("one", 3), ("", 4), ("two", 8)]);
    }

    #[test]
    fn a_line_without_end_stays_bounded() {
        let mut splitter = Splitter::new(Stream::Stderr);
        for _ in 0..100 {
            splitter.push(&[b'x'; 1000]);
        }
        let line = splitter.finish().expect("a line");
        assert!(line.text.len() < MAX_LINE + 20 && line.text.ends_with("[…cut]"));
    }
}
