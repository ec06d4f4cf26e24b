//! The WebSocket of a terminal: bytes both ways as binary messages, all else as JSON in text messages.

use crate::Api;
use crate::auth::Caller;
use crate::problem::{Path, Problem};
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use davit_domain::access::Action;
use davit_domain::ids::TerminalId;
use davit_engine::terminals::{Attached, Shown, TerminalSize, Typed};
use futures::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::json;
use tokio::sync::mpsc;
use url::Url;

/// What is pasted at once may be large; a message is what a browser makes of it. Bytes.
const LARGEST_MESSAGE: usize = 1 << 20;
/// So that a proxy in between does not take a quiet terminal for a dead one.
const PING_EVERY: std::time::Duration = std::time::Duration::from_secs(20);

/// What a browser says in words.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Word {
    Resize { cols: u16, rows: u16 },
}

/// The bytes of a terminal, for the browser that asked for it. Binary messages are what is typed and shown; text messages
/// are JSON: `{type:"resize",cols,rows}` from the browser, `ready`, `idle` with `seconds`, `error` with `message` and
/// `exit` with `code` and `reason` to it.
#[utoipa::path(get, path = "/api/v1/terminals/{id}/socket", params(("id" = i64, Path)),
    responses((status = 101, description = "the socket"), (status = 400, body = Problem), (status = 403, body = Problem),
              (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn socket(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    caller.allow_somewhere(Action::OpenTerminal)?;
    let missing = || Problem::not_found(format!("there is no terminal {id}"));
    let store = api.engine.store();
    let terminal = store.terminal(TerminalId(id)).await?.filter(|found| found.user == caller.user.id);
    let terminal = terminal.ok_or_else(missing)?;
    let Some(cookie) = &caller.session else {
        return Err(Problem::denied("a terminal is opened in the browser: an API token opens none"));
    };
    if !is_own_page(&headers, &api.engine.settings().public_url) {
        return Err(Problem::denied("only davit's own pages may open a terminal"));
    }
    let host = store.host(&terminal.host).await?.ok_or_else(missing)?;
    caller.allow_host(Action::OpenTerminal, &host)?;
    let upgrade = upgrade.map_err(|rejection| {
        Problem::new(StatusCode::BAD_REQUEST, "invalid", format!("this address is a WebSocket: {rejection}"))
    })?;
    let attached = api.engine.attach_terminal(terminal.id, &caller.user, cookie).await?;
    let upgrade = upgrade.max_message_size(LARGEST_MESSAGE).max_frame_size(LARGEST_MESSAGE);
    Ok(upgrade.on_upgrade(move |socket| talk(socket, attached)))
}

/// A browser says which page opens a socket; cookies go along with any page's. It must be one of this server's: as
/// people are told to come here, or as this very request came.
fn is_own_page(headers: &HeaderMap, public_url: &str) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    let (Some(origin), None) = (origins.next(), origins.next()) else { return false };
    let Some(origin) = origin.to_str().ok().and_then(|text| Url::parse(text).ok()) else { return false };
    if !matches!(origin.scheme(), "http" | "https") {
        return false;
    }
    let public = Url::parse(public_url).is_ok_and(|public| public.origin() == origin.origin());
    public || headers.get(header::HOST).and_then(|host| host.to_str().ok()).is_some_and(|host| is_at(&origin, host))
}

/// Whether a `Host` header means the same place.
fn is_at(origin: &Url, host: &str) -> bool {
    Url::parse(&format!("{}://{host}", origin.scheme())).is_ok_and(|asked| asked.origin() == origin.origin())
}

/// Passes on what comes from either side until one of them has nothing more to say.
async fn talk(socket: WebSocket, attached: Attached) {
    let Attached { typed, mut shown } = attached;
    let (mut to_browser, mut from_browser) = socket.split();
    let showing = async {
        let mut pings = tokio::time::interval(PING_EVERY);
        loop {
            let message = tokio::select! {
                word = shown.recv() => match word {
                    Some(Shown::Bytes(bytes)) => Message::Binary(bytes),
                    Some(word) => Message::Text(text(word).into()),
                    None => break,
                },
                _ = pings.tick() => Message::Ping(Vec::new().into()),
            };
            if to_browser.send(message).await.is_err() {
                return;
            }
        }
        let end = CloseFrame { code: close_code::NORMAL, reason: "".into() };
        // The last word is said; whether the browser still hears the good-bye is its own affair.
        drop(to_browser.send(Message::Close(Some(end))).await);
    };
    let typing = async {
        while let Some(Ok(message)) = from_browser.next().await {
            if !pass_on(message, &typed).await {
                return;
            }
        }
    };
    tokio::select! { () = showing => {}, () = typing => {} }
}

/// False: there is nothing more to come.
async fn pass_on(message: Message, typed: &mpsc::Sender<Typed>) -> bool {
    let typing = match message {
        Message::Binary(bytes) => Typed::Bytes(bytes),
        Message::Text(text) => match serde_json::from_str(&text) {
            Ok(Word::Resize { cols, rows }) => Typed::Resize(TerminalSize { cols, rows }),
            Err(_) => return false,
        },
        Message::Close(_) => return false,
        Message::Ping(_) | Message::Pong(_) => return true,
    };
    typed.send(typing).await.is_ok()
}

fn text(word: Shown) -> String {
    let word = match word {
        // Never here: bytes go as they are.
        Shown::Bytes(_) => json!({}),
        Shown::Ready => json!({ "type": "ready" }),
        Shown::Idle(seconds) => json!({ "type": "idle", "seconds": seconds }),
        Shown::Failed(message) => json!({ "type": "error", "message": message }),
        Shown::Ended(reason, code) => json!({ "type": "exit", "code": code, "reason": reason.as_str() }),
    };
    word.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn own(origins: &[&str], host: &str, public_url: &str) -> bool {
        let mut headers = HeaderMap::new();
        for origin in origins {
            headers.append(header::ORIGIN, HeaderValue::from_str(origin).expect("a header"));
        }
        headers.insert(header::HOST, HeaderValue::from_str(host).expect("a header"));
        is_own_page(&headers, public_url)
    }

    #[test]
    fn a_foreign_page_opens_no_socket() {
        let public = "https://davit.example.com";
        for (origin, host) in [
            ("https://davit.example.com", "10.0.0.1:8700"),
            ("https://davit.example.com:443", "10.0.0.1:8700"),
            ("http://10.0.0.1:8700", "10.0.0.1:8700"),
            ("http://localhost:8700", "localhost:8700"),
            ("http://[::1]:8700", "[::1]:8700"),
            ("https://davit.internal", "davit.internal"),
        ] {
            assert!(own(&[origin], host, public), "{origin} at {host}");
        }
        for (origin, host) in [
            ("https://evil.example", "davit.example.com"),
            ("http://davit.example.com", "10.0.0.1:8700"),
            ("https://davit.example.com.evil.example", "davit.example.com"),
            ("https://davit.example.com:8443", "davit.example.com"),
            ("https://evil.example@davit.example.com.evil", "davit.example.com"),
            ("http://localhost:8701", "localhost:8700"),
            ("null", "davit.example.com"),
            ("", "davit.example.com"),
            ("file://", "davit.example.com"),
        ] {
            assert!(!own(&[origin], host, public), "{origin} at {host}");
        }
        assert!(!own(&[], "davit.example.com", public), "a page says where it is from");
        assert!(!own(&[public, public], "davit.example.com", public), "and once");
    }
}
