//! Logs that are too long to be sent as a whole: windows into them, and search in them.

use crate::Api;
use crate::auth::Caller;
use crate::problem::{Path, Problem, Query};
use crate::{deployments, job_logs};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use davit_domain::ids::{DeploymentId, HostName, JobId, UserId};
use davit_domain::log::Line;
use davit_domain::log_text::Needle;
use davit_engine::EngineError;
use davit_store::log_search::{Found, LogOf};
use davit_store::log_windows::{Begin, LinesOf, Window};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};

const MOST_LINES: u32 = 5000;
const DEFAULT_LINES: u32 = 1000;
/// Matches named on either side of a line.
const MATCHES_AROUND: usize = 500;
const LONGEST_NEEDLE: usize = 500;

/// Searches that read at once. Each reads a whole log: SQLite's other readers are for pages.
const AT_ONCE: usize = 2;

/// Searches that wait for their turn, of everybody together.
const WAITING: usize = 32;
/// Searches of one account, under way and waiting: somebody with many tabs, but not the whole line.
const OF_ONE: usize = 8;

/// The searches in logs that are under way, and the line of those that wait.
#[derive(Debug)]
pub(crate) struct Searches {
    turns: Semaphore,
    line: Mutex<HashMap<UserId, usize>>,
}

/// A place in the line; whoever leaves it makes room for the next.
struct Place<'a> {
    searches: &'a Searches,
    user: UserId,
}

impl Default for Searches {
    fn default() -> Self {
        Self { turns: Semaphore::new(AT_ONCE), line: Mutex::default() }
    }
}

impl Searches {
    /// Waits until it is this one's turn; whoever came first is first. One that nobody waits for any more leaves the line.
    /// Where the line is too long, or this account has too many in it, the answer is that at once.
    pub(crate) async fn in_turn<T>(&self, user: UserId, search: impl Future<Output = T>) -> Result<T, Problem> {
        let _place = self.enter(user)?;
        let _turn = self.turns.acquire().await.map_err(|error| EngineError::Unavailable(error.to_string()))?;
        Ok(search.await)
    }

    fn enter(&self, user: UserId) -> Result<Place<'_>, Problem> {
        let mut line = self.line();
        let (all, own) = (line.values().sum::<usize>(), line.get(&user).copied().unwrap_or(0));
        let full = if own >= OF_ONE {
            "you search in so many logs at once that the others would wait: let one of your searches end, then try again"
        } else if all >= AT_ONCE + WAITING {
            "so many search in logs now that the line is full: try again in a moment"
        } else {
            line.insert(user, own + 1);
            return Ok(Place { searches: self, user });
        };
        Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", full))
    }

    fn line(&self) -> MutexGuard<'_, HashMap<UserId, usize>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut line = self.searches.line();
        match line.get_mut(&self.user) {
            Some(own) if *own > 1 => *own -= 1,
            Some(_) | None => drop(line.remove(&self.user)),
        }
    }
}

/// Where a window begins and what it shows.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct WindowQuery {
    /// From this place on among the lines that are shown, counted from 0.
    place: Option<i64>,
    /// Instead of `place`: from the line with this number on.
    line: Option<i64>,
    /// Of this host; `-` is the server.
    host: Option<String>,
    /// Of the step with this number.
    step: Option<u8>,
    /// 1 to 5000; 1000 without it.
    limit: Option<u32>,
}

/// What is searched for, and where.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// The text, without regard to case. Colours are not part of a line.
    q: String,
    /// Lines of this host; `-` is the server.
    host: Option<String>,
    /// Lines of the step with this number.
    step: Option<u8>,
    /// Lines around this one are named; 1 without it.
    from: Option<i64>,
}

/// What is searched for in a job's log.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct JobSearchQuery {
    /// The text, without regard to case. Colours are not part of a line.
    q: String,
    /// Lines of the step with this number.
    step: Option<u32>,
    /// Lines around this one are named; 1 without it.
    from: Option<i64>,
}

/// Lines that follow each other among those that are shown.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogWindow {
    /// The place of the first one, from 0.
    first: i64,
    /// How many there are in all, up to `last_seq`.
    total: i64,
    /// The last line of the whole log; a stream goes on after it.
    last_seq: i64,
    #[schema(value_type = Vec<Object>)]
    items: Vec<Line>,
}

/// Lines that hold a text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogMatches {
    /// How many lines hold it.
    total: i64,
    /// How many of them come before the first of `lines`.
    before: i64,
    /// The numbers of those around `from`: at most 500 before it, and 500 from it on.
    lines: Vec<i64>,
    /// The last line that was searched.
    last_seq: i64,
}

impl From<Found> for LogMatches {
    fn from(found: Found) -> Self {
        let Found { total, before, hits, last_seq } = found;
        Self { total, before, lines: hits, last_seq }
    }
}

/// A window into the log of a deployment, or of one host or step of it.
///
/// A line is found by its place without reading those before it, so that a viewer can jump about in a log of a million
/// lines and never holds more than it shows.
#[utoipa::path(get, path = "/api/v1/deployments/{id}/logs/window", params(("id" = i64, Path), WindowQuery),
    responses((status = 200, body = LogWindow), (status = 404, body = Problem)))]
pub(crate) async fn window(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<WindowQuery>,
) -> Result<Json<LogWindow>, Problem> {
    let id = deployments::seen(&api, &caller, DeploymentId(id)).await?.id;
    let of = LinesOf { host: host_named(query.host.as_deref())?, step: query.step };
    let begin = query.line.map_or(Begin::Place(query.place.unwrap_or(0)), Begin::Line);
    let limit = query.limit.unwrap_or(DEFAULT_LINES).clamp(1, MOST_LINES);
    let window = api.engine.store().log_window(id, &of, begin, i64::from(limit)).await?;
    let Window { first, total, last_seq, items } = window;
    Ok(Json(LogWindow { first, total, last_seq, items }))
}

/// Search in the log of a deployment.
#[utoipa::path(get, path = "/api/v1/deployments/{id}/logs/search", params(("id" = i64, Path), SearchQuery),
    responses((status = 200, body = LogMatches), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn search(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<SearchQuery>,
) -> Result<Json<LogMatches>, Problem> {
    let id = deployments::seen(&api, &caller, DeploymentId(id)).await?.id;
    let of = LinesOf { host: host_named(query.host.as_deref())?, step: query.step };
    matches(&api, &caller, &LogOf::Deployment(id, of), &query.q, query.from).await
}

/// Search in the log of an attempt at a job.
#[utoipa::path(get, path = "/api/v1/jobs/{id}/logs/search", params(("id" = i64, Path), JobSearchQuery),
    responses((status = 200, body = LogMatches), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(crate) async fn search_job(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
    Query(query): Query<JobSearchQuery>,
) -> Result<Json<LogMatches>, Problem> {
    let id = job_logs::known(&api, &caller, JobId(id)).await?.id;
    matches(&api, &caller, &LogOf::Job(id, query.step), &query.q, query.from).await
}

/// What to search for.
pub(crate) fn needle(text: &str) -> Result<Needle, Problem> {
    if text.len() > LONGEST_NEEDLE {
        return Err(Problem::invalid(format!("search for at most {LONGEST_NEEDLE} bytes of text")));
    }
    Needle::new(text).ok_or_else(|| Problem::invalid("say in `q` what to search for"))
}

async fn matches(
    api: &Api,
    caller: &Caller,
    log: &LogOf,
    text: &str,
    from: Option<i64>,
) -> Result<Json<LogMatches>, Problem> {
    let needle = needle(text)?;
    let search = api.engine.store().search_log(log, &needle, from.unwrap_or(1), MATCHES_AROUND);
    Ok(Json(api.searches.in_turn(caller.user.id, search).await??.into()))
}

/// Whose lines: of all, of the server, of one host.
pub(crate) fn host_named(name: Option<&str>) -> Result<Option<Option<HostName>>, Problem> {
    Ok(match name {
        None => None,
        Some("-") => Some(None),
        Some(name) => Some(Some(name.parse()?)),
    })
}

#[cfg(test)]
mod tests {
    use super::{AT_ONCE, OF_ONE, Searches, WAITING};
    use axum::http::StatusCode;
    use davit_domain::ids::UserId;
    use futures::future::join_all;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn user(number: usize) -> UserId {
        UserId(i64::try_from(number).expect("a number"))
    }

    #[tokio::test]
    async fn searches_wait_in_line() {
        let (searches, under_way, most) = (Searches::default(), AtomicUsize::new(0), AtomicUsize::new(0));
        let search = async |number: usize| {
            most.fetch_max(under_way.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            under_way.fetch_sub(1, Ordering::SeqCst);
            number
        };
        let answers = join_all((0..20).map(|number| searches.in_turn(user(number), search(number)))).await;
        let answers: Vec<_> = answers.into_iter().map(|answer| answer.ok()).collect();
        assert_eq!(answers, (0..20).map(Some).collect::<Vec<_>>(), "each has had its turn");
        assert_eq!(most.load(Ordering::SeqCst), AT_ONCE);
    }

    #[tokio::test]
    async fn a_search_that_nobody_waits_for_takes_no_turn() {
        let searches = Searches::default();
        for _ in 0..10 {
            let search = searches.in_turn(user(1), std::future::pending::<()>());
            let given_up = tokio::time::timeout(std::time::Duration::ZERO, search);
            assert!(given_up.await.is_err());
        }
        assert!(searches.in_turn(user(1), async {}).await.is_ok());
        assert!(searches.line().is_empty());
    }

    #[tokio::test]
    async fn the_line_is_bounded_and_nobody_fills_it_alone() {
        let searches = Searches::default();
        let mut places = Vec::new();
        for number in 0..AT_ONCE + WAITING {
            let place = searches.enter(user(number / OF_ONE));
            assert!(place.is_ok(), "{number}");
            places.push(place);
        }
        let own = searches.in_turn(user(0), async {}).await.expect_err("is refused").into_parts();
        let all = searches.in_turn(user(99), async {}).await.expect_err("is refused").into_parts();
        assert_eq!((own.0, all.0), (StatusCode::TOO_MANY_REQUESTS, StatusCode::TOO_MANY_REQUESTS));
        assert!(own.1.contains("your searches") && all.1.contains("the line is full"));
        drop(places.remove(0));
        assert!(searches.in_turn(user(0), async {}).await.is_ok());
        places.clear();
        assert!(searches.line().is_empty());
    }
}
