//! What a terminal showed, as an asciinema file (version 2), written while it happens: whoever kills the server loses
//! nothing of it.

use super::TerminalSize;
use davit_domain::time::Timestamp;
use serde_json::json;
use std::io;
use std::path::{Path, PathBuf};
use tokio::fs::{DirBuilder, File, OpenOptions};
use tokio::io::AsyncWriteExt as _;

/// A recording under way.
pub(super) struct Recorder {
    file: File,
    started: Timestamp,
    /// Never goes back, whatever the clock does. Milliseconds.
    last: u128,
    /// The beginning of a character whose rest is still on its way.
    cut: Vec<u8>,
    written: u64,
    limit: u64,
}

/// Why nothing more is recorded.
#[derive(Debug)]
pub(super) enum RecordError {
    /// The file is as large as it may become.
    Full,
    /// The disk.
    Disk(io::Error),
}

impl From<io::Error> for RecordError {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl Recorder {
    /// Starts a file that nobody else may read, in a directory that nobody else may look into. One that is there already
    /// is of a shell that a restored database knows nothing of: it is kept as [`aside`].
    pub(super) async fn start(
        path: &Path,
        title: &str,
        size: TerminalSize,
        now: Timestamp,
        limit: u64,
    ) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(directory).await?;
        }
        let mut create = OpenOptions::new();
        create.write(true).create_new(true).mode(0o600);
        let file = match create.open(path).await {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                tokio::fs::rename(path, aside(path, now)).await?;
                create.open(path).await?
            }
            opened => opened?,
        };
        let mut recorder = Self { file, started: now, last: 0, cut: Vec::new(), written: 0, limit };
        let header = json!({
            "version": 2,
            "width": size.cols,
            "height": size.rows,
            "timestamp": now.millis() / 1000,
            "title": title,
            "env": { "TERM": "xterm-256color" },
        });
        recorder.line(&header.to_string()).await?;
        Ok(recorder)
    }

    /// Something was shown.
    pub(super) async fn output(&mut self, now: Timestamp, bytes: &[u8]) -> Result<(), RecordError> {
        let text = self.text(bytes);
        if text.is_empty() { Ok(()) } else { self.event(now, "o", &text).await }
    }

    /// The window has another size.
    pub(super) async fn resize(&mut self, now: Timestamp, size: TerminalSize) -> Result<(), RecordError> {
        self.event(now, "r", &format!("{}x{}", size.cols, size.rows)).await
    }

    /// Half a character that never got its rest is shown as such; then all is on disk.
    pub(super) async fn finish(mut self, now: Timestamp) -> Result<(), RecordError> {
        if !std::mem::take(&mut self.cut).is_empty() {
            self.event(now, "o", "\u{FFFD}").await?;
        }
        Ok(self.file.sync_all().await?)
    }

    async fn event(&mut self, now: Timestamp, kind: &str, data: &str) -> Result<(), RecordError> {
        self.last = self.last.max(now.since(self.started).as_millis());
        let (seconds, millis) = (self.last / 1000, self.last % 1000);
        let line = format!("[{seconds}.{millis:03}, {}, {}]", json!(kind), json!(data));
        if self.written + line.len() as u64 >= self.limit {
            return Err(RecordError::Full);
        }
        Ok(self.line(&line).await?)
    }

    async fn line(&mut self, line: &str) -> io::Result<()> {
        let line = format!("{line}\n");
        self.file.write_all(line.as_bytes()).await?;
        self.file.flush().await?;
        self.written += line.len() as u64;
        Ok(())
    }

    /// The text of these bytes and what was left of those before; what is not UTF-8 becomes `U+FFFD`.
    fn text(&mut self, bytes: &[u8]) -> String {
        let mut all = std::mem::take(&mut self.cut);
        all.extend_from_slice(bytes);
        let mut text = String::with_capacity(all.len());
        let mut rest = all.as_slice();
        loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    return text;
                }
                Err(error) => {
                    let (valid, broken) = rest.split_at(error.valid_up_to());
                    text.push_str(&String::from_utf8_lossy(valid));
                    let Some(length) = error.error_len() else {
                        self.cut = broken.to_vec();
                        return text;
                    };
                    text.push('\u{FFFD}');
                    rest = broken.get(length..).unwrap_or_default();
                }
            }
        }
    }
}

/// Where a recording goes whose number was given anew at a moment: `7.cast` becomes `7.cast.1769860800000`.
pub(super) fn aside(path: &Path, now: Timestamp) -> PathBuf {
    path.with_added_extension(now.millis().to_string())
}

/// When a recording was put [`aside`]; `None`: it was not.
pub(super) fn put_aside_at(path: &Path) -> Option<Timestamp> {
    let name = path.file_name()?.to_str()?;
    let (_, millis) = name.split_once(".cast.")?;
    millis.parse().ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests;
