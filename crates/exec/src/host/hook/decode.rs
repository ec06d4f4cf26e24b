//! What the following program prints: noise of a login shell, a begin mark, the hook's bytes as they are, an end mark.
//!
//! The mark holds a random number that is new for every connection, so neither a banner nor the hook can print it.
//! Both marks are in the one stream that the bytes are in: the end can't overtake the last of them.

/// What came out of the stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// A mark, with what it says.
    Mark(String),
    /// The hook's own bytes.
    Output(Vec<u8>),
}

/// Takes the stream apart, however its bytes arrive.
pub(super) struct Decoder {
    mark: Vec<u8>,
    held: Vec<u8>,
    place: Place,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before the begin mark: noise.
    Noise,
    /// The bytes of the hook.
    Output,
    /// After the end mark.
    Over,
}

impl Decoder {
    pub(super) fn new(mark: &str) -> Self {
        Self { mark: mark.as_bytes().to_vec(), held: Vec::new(), place: Place::Noise }
    }

    /// Takes bytes and returns what is certain now: a tail that could be the beginning of a mark waits.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<Piece> {
        self.held.extend_from_slice(bytes);
        let mut pieces = Vec::new();
        while self.place != Place::Over {
            let Some(at) = self.held.windows(self.mark.len()).position(|window| window == self.mark) else {
                let certain = self.held.len() - self.beginning_of_mark();
                self.take(certain, &mut pieces);
                break;
            };
            self.take(at, &mut pieces);
            let Some(length) = self.held.iter().position(|byte| *byte == b'\n') else { break };
            let line: Vec<u8> = self.held.drain(..=length).collect();
            pieces.push(Piece::Mark(String::from_utf8_lossy(&line[self.mark.len()..length]).trim().to_owned()));
            self.place = if self.place == Place::Noise { Place::Output } else { Place::Over };
        }
        pieces
    }

    /// The first `count` held bytes are no mark.
    fn take(&mut self, count: usize, pieces: &mut Vec<Piece>) {
        let bytes: Vec<u8> = self.held.drain(..count).collect();
        if self.place == Place::Output && !bytes.is_empty() {
            pieces.push(Piece::Output(bytes));
        }
    }

    /// How many of the last held bytes a mark could begin with.
    fn beginning_of_mark(&self) -> usize {
        let most = self.held.len().min(self.mark.len() - 1);
        (1..=most).rev().find(|length| self.held.ends_with(&self.mark[..*length])).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: &str = "@davit-0123 ";
    const STREAM: &[u8] =
        b"Welcome!\n@davit @davit-0123 begin 1 2\none\n@davit-012\n@@davit-\xff\r\n@davit-0123 end code 1\nbye\n";
    const OUTPUT: &[u8] = b"one\n@davit-012\n@@davit-\xff\r\n";

    #[test]
    fn bytes_come_through_as_they_are_however_the_stream_is_cut() {
        for size in 1..STREAM.len() {
            let mut decoder = Decoder::new(MARK);
            let (mut output, mut marks) = (Vec::new(), Vec::new());
            for chunk in STREAM.chunks(size) {
                for piece in decoder.push(chunk) {
                    match piece {
                        Piece::Output(bytes) => output.extend(bytes),
                        Piece::Mark(text) => marks.push(text),
                    }
                }
            }
            assert_eq!((output.as_slice(), marks.as_slice()), (OUTPUT, &["begin 1 2".into(), "end code 1".into()][..]));
        }
    }

    #[test]
    fn a_whole_line_does_not_wait_for_the_next() {
        let mut decoder = Decoder::new(MARK);
        decoder.push(b"@davit-0123 begin\n");
        assert_eq!(decoder.push(b"one\n"), [Piece::Output(b"one\n".to_vec())]);
        assert_eq!(decoder.push(b"a@dav"), [Piece::Output(b"a".to_vec())]);
        assert_eq!(decoder.push(b"e\n"), [Piece::Output(b"@dave\n".to_vec())]);
    }

    #[test]
    fn a_mark_that_is_cut_says_nothing() {
        let mut decoder = Decoder::new(MARK);
        assert_eq!(decoder.push(b"@davit-0123 begin 1"), []);
        assert_eq!(decoder.push(b"\n@davit-0123 end code 0"), [Piece::Mark("begin 1".into())]);
    }
}
