//! The API of Docker and Podman as far as jobs need it: requests over the engine's socket, answers as plain JSON.
//!
//! Answers are not turned into types: engines differ in the words they use (Podman 4.3 calls a container `stopped`,
//! which Docker does not know), and a strict reader would then be unable even to remove it.

use bytes::{Buf, Bytes, BytesMut};
use davit_domain::log::Stream;
use reqwest::header::{CONNECTION, HeaderValue, UPGRADE};
use reqwest::{Body, Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use std::error::Error as _;
use std::io;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt};

/// How long an answer may take that is neither a stream nor an archive.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long an archive may take, in or out.
const LONG: Duration = Duration::from_secs(1_800);

/// The most of an error that is shown.
const MOST: usize = 2_000;

/// A connection is made for each request: engines close idle ones at moments of their own.
#[derive(Debug, Clone)]
pub(super) struct Api {
    http: Client,
    /// `http://engine/v1.41`.
    base: String,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum ApiError {
    /// The engine said no, in its words.
    #[error("{message}")]
    Status { code: StatusCode, message: String },
    /// There is no answer, or none that can be read.
    #[error("{0}")]
    Lost(String),
}

impl ApiError {
    /// Whether the engine said that there is no such thing.
    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Status { code, .. } if *code == StatusCode::NOT_FOUND)
    }

    fn lost(error: &reqwest::Error) -> Self {
        let mut text = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            text = next.to_string();
            cause = next.source();
        }
        Self::Lost(text)
    }
}

/// What is asked for below an address.
type Query<'a> = &'a [(&'a str, &'a str)];

impl Api {
    /// Speaks to the engine behind a socket, in the version that it likes best. Returns what it says of itself too.
    pub(super) async fn connect(socket: &Path) -> Result<(Self, Value), ApiError> {
        let http = Client::builder()
            .unix_socket(socket)
            .tls_certs_only([])
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| ApiError::lost(&error))?;
        let mut api = Self { http, base: "http://engine".to_owned() };
        let about = api.get("/version", &[]).await?;
        if let Some(version) = about["ApiVersion"].as_str() {
            api.base = format!("http://engine/v{version}");
        }
        Ok((api, about))
    }

    pub(super) async fn get(&self, path: &str, query: Query<'_>) -> Result<Value, ApiError> {
        read_json(send(self.request(Method::GET, path, query).timeout(PATIENCE)).await?).await
    }

    pub(super) async fn post(&self, path: &str, query: Query<'_>, body: &Value) -> Result<Value, ApiError> {
        read_json(send(self.request(Method::POST, path, query).timeout(PATIENCE).json(body)).await?).await
    }

    pub(super) async fn delete(&self, path: &str, query: Query<'_>) -> Result<(), ApiError> {
        send(self.request(Method::DELETE, path, query).timeout(PATIENCE)).await.map(drop)
    }

    /// A stream of the engine's own choosing, as long as it takes.
    pub(super) async fn stream(
        &self,
        method: Method,
        path: &str,
        query: Query<'_>,
        headers: &[(&'static str, HeaderValue)],
    ) -> Result<Response, ApiError> {
        let request = self.request(method, path, query);
        send(headers.iter().fold(request, |request, (name, value)| request.header(*name, value.clone()))).await
    }

    /// The archive of what is at `path` in a container.
    pub(super) async fn download(&self, container: &str, path: &str) -> Result<Response, ApiError> {
        let address = format!("/containers/{container}/archive");
        send(self.request(Method::GET, &address, &[("path", path)]).timeout(LONG)).await
    }

    /// Unpacks an archive in a directory of a container.
    pub(super) async fn upload(&self, container: &str, into: &str, tar: Body) -> Result<(), ApiError> {
        let request = self.request(Method::PUT, &format!("/containers/{container}/archive"), &[("path", into)]);
        send(request.timeout(LONG).header("content-type", "application/x-tar").body(tar)).await.map(drop)
    }

    /// Starts a program that was prepared in a container; its output, both streams apart.
    pub(super) async fn start_exec(
        &self,
        exec: &str,
    ) -> Result<Frames<impl AsyncRead + Send + Unpin + 'static>, ApiError> {
        let request = self
            .request(Method::POST, &format!("/exec/{exec}/start"), &[])
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "tcp")
            .json(&json!({ "Detach": false, "Tty": false }));
        let response = send(request).await?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(ApiError::Lost(format!("the engine answered {} to the start of a program", response.status())));
        }
        Ok(Frames::new(response.upgrade().await.map_err(|error| ApiError::lost(&error))?))
    }

    fn request(&self, method: Method, path: &str, query: Query<'_>) -> RequestBuilder {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        self.http.request(method, format!("{}{path}?{query}", self.base))
    }
}

async fn send(request: RequestBuilder) -> Result<Response, ApiError> {
    let response = request.send().await.map_err(|error| ApiError::lost(&error))?;
    let code = response.status();
    if code.is_success() || code == StatusCode::SWITCHING_PROTOCOLS || code == StatusCode::NOT_MODIFIED {
        return Ok(response);
    }
    let text = response.text().await.unwrap_or_default();
    let said = serde_json::from_str::<Value>(&text).ok().and_then(|it| Some(it.get("message")?.as_str()?.to_owned()));
    let message: String = said.unwrap_or(text).trim().chars().take(MOST).collect();
    Err(ApiError::Status { code, message: if message.is_empty() { code.to_string() } else { message } })
}

async fn read_json(response: Response) -> Result<Value, ApiError> {
    let bytes = response.bytes().await.map_err(|error| ApiError::lost(&error))?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Null);
    }
    serde_json::from_slice(&bytes)
        .map_err(|error| ApiError::Lost(format!("the engine's answer can't be read: {error}")))
}

/// The output of a program: pieces, each with the stream it came from, in a frame of eight bytes and the piece.
pub(super) struct Frames<R> {
    source: R,
    buffer: BytesMut,
}

impl<R: AsyncRead + Unpin> Frames<R> {
    pub(super) fn new(source: R) -> Self {
        Self { source, buffer: BytesMut::with_capacity(32 * 1024) }
    }

    /// The same, whatever it reads from.
    pub(super) fn boxed(self) -> Frames<Box<dyn AsyncRead + Send + Unpin>>
    where
        R: Send + 'static,
    {
        Frames { source: Box::new(self.source), buffer: self.buffer }
    }

    /// The next piece; `None` at the end. Nothing is lost when this is dropped while it waits.
    pub(super) async fn next(&mut self) -> io::Result<Option<(Stream, Bytes)>> {
        const HEAD: usize = 8;
        loop {
            if let Some(&[kind, _, _, _, a, b, c, d]) = self.buffer.first_chunk::<HEAD>() {
                let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or(usize::MAX);
                // A frame need not be whole to be passed on, and its length is not to be believed.
                let there = (self.buffer.len() - HEAD).min(length);
                if there > 0 || length == 0 {
                    let rest = u32::try_from(length - there).unwrap_or(u32::MAX);
                    self.buffer.advance(HEAD);
                    let piece = self.buffer.split_to(there).freeze();
                    if rest > 0 {
                        let mut head = BytesMut::from(&[kind, 0, 0, 0][..]);
                        head.extend_from_slice(&rest.to_be_bytes());
                        self.buffer = head;
                    }
                    return Ok(Some((if kind == 2 { Stream::Stderr } else { Stream::Stdout }, piece)));
                }
            }
            if self.source.read_buf(&mut self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pieces(bytes: &'static [u8]) -> Vec<(Stream, String)> {
        let mut frames = Frames::new(bytes);
        let mut pieces = Vec::new();
        while let Some((stream, piece)) = frames.next().await.expect("readable") {
            pieces.push((stream, String::from_utf8(piece.to_vec()).expect("text")));
        }
        pieces
    }

    #[tokio::test]
    async fn frames_tell_the_streams_apart() {
        let said = pieces(b"\x01\0\0\0\0\0\0\x03out\x02\0\0\0\0\0\0\x05error\x01\0\0\0\0\0\0\0").await;
        assert_eq!(
            said,
            [(Stream::Stdout, "out".to_owned()), (Stream::Stderr, "error".to_owned()), (Stream::Stdout, String::new())]
        );
    }

    #[tokio::test]
    async fn a_frame_that_comes_in_parts_is_passed_on_in_parts() {
        let (mut writer, reader) = tokio::io::duplex(100);
        let mut frames = Frames::new(reader);
        for (bytes, said) in [(&b"\x02\0\0\0\0\0\0\x06ab"[..], "ab"), (b"cd", "cd"), (b"ef\x01", "ef")] {
            tokio::io::AsyncWriteExt::write_all(&mut writer, bytes).await.expect("written");
            let (stream, piece) = frames.next().await.expect("readable").expect("a piece");
            assert_eq!((stream, &piece[..]), (Stream::Stderr, said.as_bytes()));
        }
        drop(writer);
        assert!(frames.next().await.expect("readable").is_none(), "half a frame is none");
    }
}
