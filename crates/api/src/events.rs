//! Server-sent events: the log of a deployment or a job, and "something changed" for the whole UI.
//!
//! A stream reads the store and sleeps until a wake-up or a second has passed; so it also sees what another process
//! writes, and a wake-up that is missed costs a second and nothing else.

use crate::Api;
use crate::auth::Caller;
use crate::deployments::{self, full};
use crate::job_logs::{self, JobLineView};
use crate::problem::{Path, Problem, Query};
use crate::views::{JobView, ended};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use davit_domain::access::Action;
use davit_domain::ids::{DeploymentId, JobId};
use davit_engine::Engine;
use davit_engine::hub::{Change, Topic};
use futures::stream::{self, Stream};
use serde::Deserialize;
use std::collections::VecDeque;
use std::convert::Infallible;
use std::mem;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use utoipa::IntoParams;

const PAGE: i64 = 1000;
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How soon a stream ends whose caller may not see it any more.
const ASK_AGAIN: Duration = Duration::from_secs(5);
const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Of the time that passes, at most one part in this many goes into reading the state: that of hundreds of hosts is long.
const STATE_SHARE: u32 = 20;

/// Where to go on.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct After {
    /// Lines after this number; `Last-Event-ID` counts more.
    after: Option<i64>,
}

/// Whose log it is.
#[derive(Debug, Clone, Copy)]
enum Source {
    Deployment(DeploymentId),
    Job(JobId),
}

struct LogStream {
    engine: Engine,
    watch: Watch,
    source: Source,
    wake: Receiver<Change>,
    down: CancellationToken,
    after: i64,
    ready: VecDeque<Event>,
    last_state: String,
    /// When the state may be read again.
    state_due: Instant,
    /// Something was told, and the state was not read since: it was not due.
    is_behind: bool,
    ended: bool,
}

/// The log and state of a deployment, live. Ends when the deployment has ended and its last line is out.
#[utoipa::path(get, path = "/api/v1/deployments/{id}/logs/stream",
    params(("id" = i64, Path), After, ("Last-Event-ID" = Option<i64>, Header)),
    responses((status = 200, description = "events `line`, `state`, `end`", content_type = "text/event-stream"),
              (status = 404, body = Problem)))]
pub(crate) async fn log_stream(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<After>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let id = deployments::seen(&api, &caller, DeploymentId(id)).await?.id;
    Ok(stream_of(api, caller, Source::Deployment(id), &query, &headers))
}

/// The log and state of an attempt at a job, live. Ends when the job has ended and its last line is out.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/log/stream",
    params(("id" = i64, Path), After, ("Last-Event-ID" = Option<i64>, Header)),
    responses((status = 200, description = "events `line`, `state`, `end`", content_type = "text/event-stream"),
              (status = 404, body = Problem)))]
pub(crate) async fn job_log_stream(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<After>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let id = job_logs::known(&api, &caller, JobId(id)).await?.id;
    Ok(stream_of(api, caller, Source::Job(id), &query, &headers))
}

fn stream_of(
    api: Api,
    caller: Caller,
    source: Source,
    query: &After,
    headers: &HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>> + use<>> {
    let last_seen = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let stream = LogStream {
        wake: api.engine.hub().subscribe(),
        down: api.engine.lifecycle().down_token(),
        engine: api.engine.clone(),
        watch: Watch::new(api, caller),
        source,
        after: last_seen.or(query.after).unwrap_or(0),
        ready: VecDeque::new(),
        last_state: String::new(),
        state_due: Instant::now(),
        is_behind: false,
        ended: false,
    };
    let events = stream::unfold(stream, async |mut stream| Some((Ok(stream.next().await?), stream)));
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// Since when.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Since {
    /// How many milliseconds ago the caller began to read what it shows. What changed meanwhile is sent first.
    age_ms: Option<u64>,
}

/// Wake-ups for the UI: what changed, so that it fetches that again. `lost`: anything may have.
#[utoipa::path(get, path = "/api/v1/events", params(Since),
    responses((status = 200, description = "events `change`, `lost`", content_type = "text/event-stream")))]
pub(crate) async fn changes(
    State(api): State<Api>,
    caller: Caller,
    Query(since): Query<Since>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    caller.allow_somewhere(Action::See)?;
    let age = Duration::from_millis(since.age_ms.unwrap_or(0));
    let (wake, before) = match age {
        Duration::ZERO => (api.engine.hub().subscribe(), Some(Vec::new())),
        age => api.engine.hub().subscribe_since(age),
    };
    let is_lost = before.is_none();
    let stream = ChangeStream {
        down: api.engine.lifecycle().down_token(),
        watch: Watch::new(api, caller),
        wake,
        before: before.unwrap_or_default(),
        is_lost,
    };
    let events = stream::unfold(stream, async |mut stream| Some((Ok(stream.next().await?), stream)));
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct ChangeStream {
    watch: Watch,
    wake: Receiver<Change>,
    down: CancellationToken,
    /// What changed before the stream began.
    before: Vec<Change>,
    /// Something changed that nobody remembers.
    is_lost: bool,
}

impl ChangeStream {
    async fn next(&mut self) -> Option<Event> {
        if mem::take(&mut self.is_lost) {
            return Some(lost());
        }
        loop {
            let change = match self.before.pop() {
                Some(change) => Ok(change),
                None => tokio::select! {
                    () = self.down.cancelled() => return None,
                    change = self.wake.recv() => change,
                    () = self.watch.due() => {
                        self.watch.sees_something().await?;
                        continue;
                    }
                },
            };
            match change {
                Ok(change) if !change.topic.has_page() => {}
                Ok(change) => {
                    if change.topic == Topic::People {
                        self.watch.sees_something().await?;
                    }
                    let told = self.watch.caller.told(change);
                    if let Some(Ok(event)) = told.map(|change| Event::default().event("change").json_data(change)) {
                        return Some(event);
                    }
                }
                // Too slow.
                Err(RecvError::Lagged(_)) => return Some(lost()),
                Err(RecvError::Closed) => return None,
            }
        }
    }
}

/// Everything may have changed.
fn lost() -> Event {
    Event::default().event("lost").data("{}")
}

/// Whose stream it is. A stream lives long: what they may see is asked again every few seconds.
struct Watch {
    api: Api,
    caller: Caller,
    next: Instant,
}

impl Watch {
    fn new(api: Api, caller: Caller) -> Self {
        Self { api, caller, next: Instant::now() + ASK_AGAIN }
    }

    fn is_due(&self) -> bool {
        Instant::now() >= self.next
    }

    async fn due(&self) {
        tokio::time::sleep_until(self.next).await;
    }

    /// Asks who the caller is now; `None`: nobody any more, or somebody who sees nothing at all.
    async fn sees_something(&mut self) -> Option<()> {
        self.look().await?;
        self.caller.access().anywhere(Action::See).then_some(())
    }

    /// Asks who the caller is now; `None`: nobody any more.
    async fn look(&mut self) -> Option<Api> {
        self.next = Instant::now() + ASK_AGAIN;
        self.caller = self.caller.again(&self.api).await?;
        Some(self.api.clone())
    }
}

impl Source {
    /// `None`: the caller does not see it any more.
    async fn seen(self, api: &Api, caller: &Caller) -> Option<()> {
        match self {
            Self::Deployment(id) => deployments::seen(api, caller, id).await.map(drop).ok(),
            Self::Job(id) => job_logs::known(api, caller, id).await.map(drop).ok(),
        }
    }

    /// What is seen of it now, as JSON, and the word of its state once that is final.
    async fn state(self, engine: &Engine) -> Option<(String, Option<&'static str>)> {
        let (state, ended) = match self {
            Self::Deployment(id) => {
                let deployment = full(engine, id).await.ok()?;
                let ended = deployment.summary.is_final().then_some(deployment.summary.state);
                (serde_json::to_string(&deployment), ended)
            }
            Self::Job(id) => {
                let store = engine.store();
                let job = store.job(id).await.ok()??;
                let steps = store.steps(id).await.ok()?;
                let all = store.jobs(job.run).await.ok()?;
                (serde_json::to_string(&JobView::new(&job, &steps, &all)), ended(job.state))
            }
        };
        Some((state.ok()?, ended))
    }

    /// A page of the lines after one, each with its number.
    async fn lines(self, engine: &Engine, after: i64) -> Option<Vec<(i64, Event)>> {
        fn event(seq: i64, line: impl serde::Serialize) -> Option<(i64, Event)> {
            Some((seq, Event::default().event("line").id(seq.to_string()).json_data(line).ok()?))
        }
        let store = engine.store();
        match self {
            Self::Deployment(id) => {
                let lines = store.lines(id, after, None, None, PAGE).await.ok()?;
                Some(lines.into_iter().filter_map(|line| event(line.seq, line)).collect())
            }
            Self::Job(id) => {
                let lines = store.job_lines(id, after, None, PAGE).await.ok()?;
                Some(lines.into_iter().filter_map(|line| event(line.seq, JobLineView::from(line))).collect())
            }
        }
    }

    /// Whether there may be something new of it.
    fn is_told_by(self, change: &Change) -> bool {
        match self {
            Self::Deployment(id) => change.id == Some(id.0) && matches!(change.topic, Topic::Log | Topic::Deployment),
            Self::Job(id) => change.id == Some(id.0) && matches!(change.topic, Topic::JobLog | Topic::Job),
        }
    }
}

impl LogStream {
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.ended || self.down.is_cancelled() {
                return None;
            }
            if self.watch.is_due() {
                let api = self.watch.look().await?;
                self.source.seen(&api, &self.watch.caller).await?;
            }
            if !self.look().await {
                self.sleep().await;
            }
        }
    }

    /// Reads what is new. False: nothing.
    async fn look(&mut self) -> bool {
        // The state first: when it is final, every line before it is stored already.
        let mut ended = None;
        let mut changed = None;
        self.is_behind = Instant::now() < self.state_due;
        if !self.is_behind {
            let began = Instant::now();
            let Some((state, end)) = self.source.state(&self.engine).await else { return false };
            self.state_due = Instant::now() + (began.elapsed() * STATE_SHARE).min(LOOK_AGAIN);
            ended = end;
            changed = (state != self.last_state).then_some(state);
        }
        let Some(lines) = self.source.lines(&self.engine, self.after).await else { return false };
        let is_last_page = i64::try_from(lines.len()).is_ok_and(|count| count < PAGE);
        for (seq, line) in lines {
            self.after = seq;
            self.ready.push_back(line);
        }
        if let Some(state) = changed {
            self.ready.push_back(Event::default().event("state").data(state.clone()));
            self.last_state = state;
        }
        if let (Some(state), true) = (ended, is_last_page) {
            self.ready.extend(Event::default().event("end").json_data(serde_json::json!({ "state": state })).ok());
            self.ended = true;
        }
        !self.ready.is_empty()
    }

    async fn sleep(&mut self) {
        let source = self.source;
        let down = self.down.clone();
        let until = if self.is_behind { self.state_due } else { Instant::now() + LOOK_AGAIN };
        let told = async {
            loop {
                match self.wake.recv().await {
                    Ok(change) if source.is_told_by(&change) => return,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => std::future::pending().await,
                }
            }
        };
        tokio::select! {
            () = told => {}
            () = tokio::time::sleep_until(until) => {}
            () = down.cancelled() => {}
        }
    }
}
