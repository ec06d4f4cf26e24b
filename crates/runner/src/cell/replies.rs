//! What the supervisor answers. A job can write here too (it runs as the same user inside its walls): nothing but
//! short known lines is looked at, however much comes.

use std::io;
use std::path::Path;
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe::{OpenOptions, Receiver};

/// The longest line that means anything.
const LONGEST: usize = 128;

/// The reading end of a named pipe.
#[derive(Debug)]
pub(super) struct Replies {
    pipe: Receiver,
    buffer: Vec<u8>,
    taken: usize,
    line: Vec<u8>,
    too_long: bool,
}

impl Replies {
    /// Opens it. It never ends: this process holds the writing end as well.
    pub(super) fn open(fifo: &Path) -> io::Result<Self> {
        let pipe = OpenOptions::new().read_write(true).open_receiver(fifo)?;
        Ok(Self { pipe, buffer: Vec::new(), taken: 0, line: Vec::new(), too_long: false })
    }

    /// The next line that is short enough. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self) -> io::Result<String> {
        loop {
            while let Some(byte) = self.buffer.get(self.taken).copied() {
                self.taken += 1;
                if byte != b'\n' {
                    self.too_long |= self.line.len() >= LONGEST;
                    if !self.too_long {
                        self.line.push(byte);
                    }
                    continue;
                }
                let line = std::mem::take(&mut self.line);
                if !std::mem::take(&mut self.too_long) {
                    return Ok(String::from_utf8_lossy(&line).into_owned());
                }
            }
            self.buffer.clear();
            self.buffer.reserve(4096);
            self.taken = 0;
            self.pipe.read_buf(&mut self.buffer).await?;
        }
    }
}
