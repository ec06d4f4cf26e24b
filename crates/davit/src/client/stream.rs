//! A stream of events that goes on after a cut at the event after the last one that came.

use super::Client;
use super::sse::{Message, Parser};
use crate::failure::{Exit, Failure};
use reqwest::{Method, Response};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

/// The server says something at least every 15 s; a connection that is silent for longer than this is dead.
const SILENCE: Duration = Duration::from_secs(45);
/// How long a server may be away, as for a restart, before following it ends.
const OUTAGE: Duration = Duration::from_secs(120);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What comes out of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signal {
    /// A connection stands: the first one, or one after a cut, in which events without an id may have been lost.
    Connected,
    /// An event.
    Message(Message),
}

/// A stream of events of the server.
#[derive(Debug)]
pub(crate) struct Stream {
    client: Client,
    url: Url,
    last_id: Option<String>,
    connection: Option<Response>,
    parser: Parser,
    ready: VecDeque<Message>,
    outage: Option<Outage>,
}

#[derive(Debug)]
struct Outage {
    since: Instant,
    pause: Duration,
}

impl Client {
    /// Opens `/api/v1/<path>` as a stream. That the first connection fails is a failure; later ones are repeated.
    pub(crate) fn stream(&self, path: &[&str], query: &[(&str, String)]) -> Stream {
        Stream {
            client: self.clone(),
            url: self.url(path, query),
            last_id: None,
            connection: None,
            parser: Parser::default(),
            ready: VecDeque::new(),
            outage: None,
        }
    }
}

impl Stream {
    /// The next thing that happens. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Signal, Failure> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                if message.id.is_some() {
                    self.last_id.clone_from(&message.id);
                }
                return Ok(Signal::Message(message));
            }
            let Some(connection) = &mut self.connection else {
                if self.connect().await? {
                    return Ok(Signal::Connected);
                }
                continue;
            };
            if let Ok(Ok(Some(bytes))) = timeout(SILENCE, connection.chunk()).await {
                self.outage = None;
                let ready = &mut self.ready;
                self.parser.feed(&bytes, |message| ready.push_back(message))?;
            } else {
                self.disconnected();
            }
        }
    }

    /// Connects, after a pause where that did not work before. `false`: not yet.
    async fn connect(&mut self) -> Result<bool, Failure> {
        if let Some(outage) = &mut self.outage {
            sleep(outage.pause).await;
            outage.pause = (outage.pause * 2).min(LONGEST_PAUSE);
        }
        let mut request = self.client.request(Method::GET, self.url.clone()).header("accept", "text/event-stream");
        if let Some(id) = &self.last_id {
            request = request.header("last-event-id", id);
        }
        match (timeout(SILENCE, self.client.send(request)).await, &self.outage) {
            (Ok(Ok(response)), _) => {
                self.connection = Some(response);
                Ok(true)
            }
            // Answers that say no stay no; everything else may pass while the server restarts.
            (Ok(Err(failure)), Some(outage)) if is_passing(&failure) && outage.since.elapsed() < OUTAGE => Ok(false),
            (Err(_), Some(outage)) if outage.since.elapsed() < OUTAGE => Ok(false),
            (Ok(Err(failure)), _) => Err(failure),
            (Err(_), _) => {
                Err(Failure::new(Exit::Unreachable, format!("{} does not answer", self.client.base()))
                    .hint("davit doctor"))
            }
        }
    }

    fn disconnected(&mut self) {
        self.connection = None;
        self.parser = Parser::default();
        self.outage.get_or_insert_with(|| Outage { since: Instant::now(), pause: FIRST_PAUSE });
    }
}

const fn is_passing(failure: &Failure) -> bool {
    match failure.exit {
        Exit::Failed | Exit::Unreachable => true,
        Exit::Done | Exit::Usage | Exit::Denied | Exit::NotFound | Exit::Ended(_) => false,
    }
}
