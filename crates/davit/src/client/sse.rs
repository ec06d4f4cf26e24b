//! Server-sent events: bytes in, messages out (HTML Living Standard, 9.2.6).
//!
//! Does not live here: connections, and what to do when one breaks.

use crate::failure::Failure;

/// Bytes that one event may have before something is wrong with the other side.
const MAX_EVENT: usize = 16 << 20;

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its type; empty: `message`.
    pub(crate) event: String,
    /// Its data lines, joined.
    pub(crate) data: String,
    /// Its own id, where it has one.
    pub(crate) id: Option<String>,
}

/// What has come of a stream. An event that was not finished when the stream broke never becomes a message.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    after_cr: bool,
    message: Message,
    has_data: bool,
}

impl Parser {
    /// Takes bytes as they come, and hands every event that they finish to `done`.
    pub(super) fn feed(&mut self, bytes: &[u8], mut done: impl FnMut(Message)) -> Result<(), Failure> {
        for &byte in bytes {
            let after_cr = std::mem::take(&mut self.after_cr);
            match byte {
                b'\n' if after_cr => {}
                b'\n' | b'\r' => {
                    self.after_cr = byte == b'\r';
                    if let Some(message) = self.end_line() {
                        done(message);
                    }
                }
                _ => self.line.push(byte),
            }
            if self.line.len() + self.message.data.len() > MAX_EVENT {
                return Err(
                    Failure::failed("the server sent an event that is too large to be one").hint("davit doctor")
                );
            }
        }
        Ok(())
    }

    fn end_line(&mut self) -> Option<Message> {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        if line.is_empty() {
            let message = std::mem::take(&mut self.message);
            return std::mem::take(&mut self.has_data).then_some(message);
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.message.event),
            "id" if !value.contains('\0') => self.message.id = Some(value.to_owned()),
            "data" => {
                if self.has_data {
                    self.message.data.push('\n');
                }
                self.has_data = true;
                self.message.data.push_str(value);
            }
            // Comments (a field without a name), `retry`, and what other versions may add.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Message, Parser};
    use proptest::prelude::*;

    fn parse(chunks: &[&[u8]]) -> Vec<Message> {
        let mut parser = Parser::default();
        let mut messages = Vec::new();
        for chunk in chunks {
            parser.feed(chunk, |message| messages.push(message)).expect("small enough");
        }
        messages
    }

    fn message(event: &str, data: &str, id: Option<&str>) -> Message {
        Message { event: event.to_owned(), data: data.to_owned(), id: id.map(str::to_owned) }
    }

    #[test]
    fn reads_events_comments_and_every_line_end() {
        let text = b": heartbeat\n\nid: 7\nevent: line\ndata: {\"a\":1}\n\ndata:x\r\ndata: y\r\n\r\ndata\rretry: 5\r\r";
        let expected = [message("line", "{\"a\":1}", Some("7")), message("", "x\ny", None), message("", "", None)];
        assert_eq!(parse(&[text]), expected);
    }

    #[test]
    fn drops_an_unfinished_event() {
        assert_eq!(parse(&[b"data: whole\n\nid: 8\ndata: cut\n"]), [message("", "whole", None)]);
    }

    #[test]
    fn refuses_an_event_without_end() {
        let mut parser = Parser::default();
        assert!((0..=super::MAX_EVENT / 1024).any(|_| parser.feed(&[b'x'; 1024], |_| {}).is_err()));
    }

    proptest! {
        #[test]
        fn does_not_care_where_the_bytes_are_cut(cut in 0usize..64) {
            let text = "id: 1\ndata: 发布\r\n\r\nid: 2\nevent: end\ndata: é\n\n".as_bytes();
            let (head, tail) = text.split_at(cut.min(text.len()));
            prop_assert_eq!(parse(&[head, tail]), parse(&[text]));
        }
    }
}
