//! A shell on a host: the WebSocket that carries what is typed and what is shown.
//!
//! The server opens one for a session alone, and ends it with the session. What is typed waits in a line of its own, so that
//! a shell that takes nothing keeps nobody from reading what it shows, or from hanging up.

use super::session::OwnSession;
use crate::failure::Failure;
use bytes::Bytes;
use futures::future::{BoxFuture, Fuse, FusedFuture as _, FutureExt as _};
use futures::stream::BoxStream;
use futures::{SinkExt as _, StreamExt as _};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Error, Message};

/// Messages that wait to be sent, at most: of what is pasted, each has as much as the terminal gives at once.
const WAITING: usize = 16_384;
/// For the rest of what was typed, and for saying goodbye.
const CLOSING: Duration = Duration::from_secs(2);

/// How large a window is: characters a line, and lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    /// Characters a line.
    pub(crate) cols: u16,
    /// Lines.
    pub(crate) rows: u16,
}

/// What the server says in words.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Word {
    /// The shell is there.
    Ready,
    /// It ends in so many seconds unless somebody types.
    Idle { seconds: u64 },
    /// It did not come about.
    Error { message: String },
    /// It has ended.
    Exit { code: Option<i32>, reason: String },
}

/// What comes from a shell.
#[derive(Debug)]
pub(crate) enum Heard {
    /// It shows this.
    Bytes(Bytes),
    /// It is there.
    Ready,
    /// It ends in so many seconds unless somebody types.
    Idle(u64),
    /// It has ended: the shell's exit code, and the server's word for why.
    Ended(Option<i32>, String),
}

/// An open one.
pub(crate) struct Shell {
    shown: BoxStream<'static, Result<Message, Error>>,
    /// The way to `sending`.
    typed: mpsc::Sender<Message>,
    /// Sends what waits, and hangs up after the last of it.
    sending: Fuse<BoxFuture<'static, Result<(), Error>>>,
}

#[derive(Deserialize)]
struct Created {
    id: i64,
}

impl OwnSession<'_> {
    /// Opens a shell on a host.
    pub(crate) async fn shell(&mut self, host: &str, size: Size) -> Result<Shell, Failure> {
        let body = json!({ "cols": size.cols, "rows": size.rows });
        let created: Created = self.call(Method::POST, &["hosts", host, "terminals"], &body).await?;
        let path = ["terminals", &created.id.to_string(), "socket"];
        let upgraded = self.upgrade(&path, &generate_key()).await?;
        Ok(Shell::on(WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await))
    }
}

impl Shell {
    fn on(socket: WebSocketStream<impl AsyncRead + AsyncWrite + Unpin + Send + 'static>) -> Self {
        let (mut sink, shown) = socket.split();
        let (typed, mut waiting) = mpsc::channel(WAITING);
        let sending = async move {
            while let Some(message) = waiting.recv().await {
                sink.send(message).await?;
            }
            sink.close().await
        };
        Self { shown: shown.boxed(), typed, sending: sending.boxed().fuse() }
    }

    /// Types something. It is sent while one listens.
    pub(crate) fn type_in(&self, bytes: &[u8]) -> Result<(), Failure> {
        self.send(Message::Binary(Bytes::copy_from_slice(bytes)))
    }

    /// Says that the window has another size now.
    pub(crate) fn resize(&self, size: Size) -> Result<(), Failure> {
        let word = json!({ "type": "resize", "cols": size.cols, "rows": size.rows });
        self.send(Message::Text(word.to_string().into()))
    }

    fn send(&self, message: Message) -> Result<(), Failure> {
        match self.typed.try_send(message) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => {
                Err(Failure::failed("the shell takes nothing of what is typed, and more can't wait"))
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Err(cut(Error::ConnectionClosed)),
        }
    }

    /// What comes next.
    pub(crate) async fn hear(&mut self) -> Result<Heard, Failure> {
        loop {
            let message = tokio::select! {
                message = self.shown.next() => message.ok_or(Error::ConnectionClosed).flatten(),
                sent = &mut self.sending => Err(sent.err().unwrap_or(Error::ConnectionClosed)),
            };
            match message.map_err(cut)? {
                Message::Binary(bytes) => return Ok(Heard::Bytes(bytes)),
                Message::Text(text) => match serde_json::from_str(&text) {
                    Ok(Word::Ready) => return Ok(Heard::Ready),
                    Ok(Word::Idle { seconds }) => return Ok(Heard::Idle(seconds)),
                    Ok(Word::Error { message }) => return Err(Failure::failed(message)),
                    Ok(Word::Exit { code, reason }) => return Ok(Heard::Ended(code, reason)),
                    // A word of a newer server's.
                    Err(_) => {}
                },
                Message::Close(_) => return Err(cut(Error::ConnectionClosed)),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Hangs up, once what was typed is sent.
    pub(crate) async fn close(self) {
        let Self { shown: _shown, typed, sending } = self;
        drop(typed);
        if !sending.is_terminated() {
            // A connection that is gone already is closed as well, and one that takes nothing is given up.
            let _ = tokio::time::timeout(CLOSING, sending).await;
        }
    }
}

fn cut(error: Error) -> Failure {
    Failure::failed(format!("the connection to the shell broke: {error}"))
}

#[cfg(test)]
mod tests {
    use super::{Heard, Shell};
    use futures::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::Role;

    #[tokio::test]
    async fn what_is_shown_is_heard_though_nothing_is_taken() {
        let (here, there) = tokio::io::duplex(64);
        let mut server = WebSocketStream::from_raw_socket(there, Role::Server, None).await;
        let mut shell = Shell::on(WebSocketStream::from_raw_socket(here, Role::Client, None).await);
        for _ in 0..100 {
            shell.type_in(&[b'x'; 4096]).expect("it waits");
        }
        let sent = server.send(Message::Binary("still there".into()));
        let (sent, heard) = tokio::join!(sent, shell.hear());
        sent.expect("it is sent");
        assert!(matches!(heard, Ok(Heard::Bytes(bytes)) if bytes == "still there"));
        // It is given up after a while, and not waited for.
        shell.close().await;
    }

    #[tokio::test]
    async fn what_is_typed_is_sent_before_it_ends() {
        let (here, there) = tokio::io::duplex(64);
        let mut server = WebSocketStream::from_raw_socket(there, Role::Server, None).await;
        let shell = Shell::on(WebSocketStream::from_raw_socket(here, Role::Client, None).await);
        shell.type_in(b"exit\r").expect("it waits");
        let taken = async {
            let first = server.next().await.expect("a message").expect("a good one");
            let second = server.next().await.expect("a message").expect("a good one");
            (first.into_data(), second.is_close())
        };
        let ((first, is_close), ()) = tokio::join!(taken, shell.close());
        assert!(first == "exit\r" && is_close);
    }
}
