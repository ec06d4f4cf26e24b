//! Following a request until it is released, and a deployment until it ends.

use super::Client;
use super::sse::Message;
use super::stream::Signal;
use super::types::{Deployment, Line, Request};
use crate::failure::{Exit, Failure};
use serde::de::DeserializeOwned;
use std::ops::ControlFlow;
use std::time::Duration;

/// How often a request is read again even though nobody said that it changed.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// What a deployment does while it is followed.
#[derive(Debug)]
pub(crate) enum Update {
    /// It says something. Lines come in order, each one once.
    Line(Line),
    /// It stands somewhere else now.
    State(Deployment),
}

impl Client {
    /// Tells `sink` what a deployment does, from log line `after` on, until it ends; as it is then.
    pub(crate) async fn follow(
        &self,
        deployment: i64,
        after: u64,
        mut sink: impl FnMut(Update) -> Result<(), Failure>,
    ) -> Result<Deployment, Failure> {
        self.follow_while(deployment, after, |update| sink(update).map(ControlFlow::Continue)).await
    }

    /// As [`follow`](Self::follow), until `sink` has seen enough.
    pub(crate) async fn follow_while(
        &self,
        deployment: i64,
        after: u64,
        mut sink: impl FnMut(Update) -> Result<ControlFlow<()>, Failure>,
    ) -> Result<Deployment, Failure> {
        let query = [("after", after.to_string())];
        let mut stream = self.stream(&["deployments", &deployment.to_string(), "logs", "stream"], &query);
        let mut seen = after;
        loop {
            let Signal::Message(message) = stream.next().await? else { continue };
            let flow = match message.event.as_str() {
                "line" => {
                    let line: Line = self.read(&message)?;
                    // What came twice is shown once, whatever the server thinks of Last-Event-ID.
                    if line.seq <= seen {
                        continue;
                    }
                    seen = line.seq;
                    sink(Update::Line(line))?
                }
                "state" => sink(Update::State(self.read(&message)?))?,
                "end" => ControlFlow::Break(()),
                _ => continue,
            };
            if flow.is_break() {
                return self.deployment(deployment).await;
            }
        }
    }

    /// Waits until a request has a deployment, or will never have one; the request as it is then. Tells `waits` what
    /// it waits for, once for every state.
    pub(crate) async fn wait_for_release(
        &self,
        mut request: Request,
        mut waits: impl FnMut(&Request),
    ) -> Result<Request, Failure> {
        let mut changes = self.stream(&["events"], &[]);
        let mut told = None;
        while request.state.waits() {
            if told != Some(request.state) {
                told = Some(request.state);
                waits(&request);
            }
            if let Ok(signal) = tokio::time::timeout(LOOK_AGAIN, changes.next()).await {
                match signal? {
                    Signal::Message(message) if message.event != "change" => continue,
                    Signal::Message(_) | Signal::Connected => {}
                }
            }
            match self.release_request(request.id).await {
                Ok(now) => request = now,
                // The stream says when the server has been away for too long.
                Err(failure) if failure.exit == Exit::Unreachable => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(request)
    }

    pub(super) fn read<T: DeserializeOwned>(&self, message: &Message) -> Result<T, Failure> {
        serde_json::from_str(&message.data).map_err(|error| {
            let event = &message.event;
            Failure::failed(format!("an event {event} of {} is not what this davit understands: {error}", self.base()))
                .hint("davit doctor, which compares the versions")
        })
    }
}
