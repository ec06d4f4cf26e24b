//! What all fakes have in common on the wire: the record of requests, holds, faults, budgets, and who may come in.
//! What a forge answers, and in which words, is its own module's: a [`Dialect`].

use super::Shared;
use super::connection::{Connection, CuttableListener};
use super::model::{Access, Budget, Fault, Permission, Repository, Request};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::connect_info::ConnectInfo;
use axum::extract::{Request as HttpRequest, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header, request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Larger bodies than any test sends.
const MAX_BODY: usize = 32 << 20;

/// How one forge speaks.
pub(super) trait Dialect: Send + Sync + fmt::Debug {
    /// Below which path its API is.
    fn root(&self) -> &'static str;
    /// Its calls, relative to the root.
    fn routes(&self) -> Router<Arc<Shared>>;
    /// Why nobody who asks like this gets an answer; `None`: come in.
    fn refuse_caller(&self, shared: &Shared, request: &request::Parts) -> Option<Response>;
    /// A refusal with these words.
    fn refusal(&self, status: StatusCode, message: &str) -> Response;
    /// What it answers to a path that it does not have.
    fn no_such_path(&self) -> Response;
    /// What it answers to a path that it has not for this method.
    fn no_such_method(&self) -> Response {
        self.no_such_path()
    }
    /// What it answers where nothing is left until then.
    fn exhausted(&self, budget: &Budget, now: i64) -> Response;
    /// What every answer says about the budget.
    fn tell_budget(&self, budget: Option<&Budget>, now: i64, headers: &mut HeaderMap);
}

/// A refusal, on its way out of a handler.
#[derive(Debug)]
pub(super) struct Refused(Box<Response>);

impl From<Response> for Refused {
    fn from(response: Response) -> Self {
        Self(Box::new(response))
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// What a handler returns.
pub(super) type Answer = Result<Response, Refused>;

/// Why something may not be done; each forge says it in its own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denied {
    /// There is no such repository, or we may not know of it.
    Hidden,
    /// We may see it, and no more.
    Forbidden,
}

pub(super) async fn run(listener: TcpListener, shared: Arc<Shared>, git: Router) {
    let dialect = shared.dialect;
    let api = dialect
        .routes()
        .fallback(move || async move { dialect.no_such_path() })
        .method_not_allowed_fallback(move || async move { dialect.no_such_method() })
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), gatekeeper))
        .with_state(shared);
    let app = Router::new().nest(dialect.root(), api).fallback_service(git);
    let service = app.into_make_service_with_connect_info::<Connection>();
    axum::serve(CuttableListener(listener), service).await.expect("the server runs until it is dropped");
}

/// What stands before every route: the record, holds, faults, the budget and the checks that are the same for all.
async fn gatekeeper(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(connection): ConnectInfo<Connection>,
    request: HttpRequest,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let fault = shared.take_in(record(&parts, &body));
    let mut held = shared.held.subscribe();
    held.wait_for(|held| !held).await.expect("the sender lives as long as the fake");
    let refused = shared.dialect.refuse_caller(&shared, &parts).or_else(|| shared.spend(&parts.method));
    let request = HttpRequest::from_parts(parts, Body::from(body));
    let carry_out = async {
        match refused {
            Some(refused) => refused,
            None => next.run(request).await,
        }
    };
    let mut response = match fault {
        None => carry_out.await,
        Some(Fault::DropBefore) => {
            connection.cut();
            StatusCode::NO_CONTENT.into_response()
        }
        Some(Fault::DropAfter) => {
            let response = carry_out.await;
            connection.cut();
            response
        }
        Some(Fault::Slow(wait)) => {
            let response = carry_out.await;
            tokio::time::sleep(wait).await;
            response
        }
        Some(fault) => shared.faulty_answer(&fault),
    };
    shared.sign_off(response.headers_mut());
    response
}

fn record(parts: &request::Parts, body: &Bytes) -> Request {
    let headers = parts.headers.iter();
    Request {
        line: format!("{} {}", parts.method, parts.uri.path()),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into()))
            .collect(),
        body: String::from_utf8_lossy(body).into(),
    }
}

impl Shared {
    /// Writes the request down, and takes the first fault that is planned for one like it.
    fn take_in(&self, request: Request) -> Option<Fault> {
        let mut state = self.state();
        let planned = state.faults.iter().position(|(needle, _)| request.line.contains(needle));
        let fault = planned.and_then(|at| state.faults.remove(at)).map(|(_, fault)| fault);
        state.requests.push(request);
        drop(state);
        self.note();
        fault
    }

    /// Takes one request from the budget; the answer where nothing is left.
    fn spend(&self, method: &Method) -> Option<Response> {
        let now = self.now();
        let mut state = self.state();
        if let Some((allowed, made)) = &mut state.creations
            && *method == Method::POST
        {
            made.retain(|at| now - at < 60_000);
            if made.len() as u64 >= *allowed {
                let wait = made.first().map_or(60_000, |first| first + 60_000 - now);
                return Some(self.secondary_limit(wait));
            }
            made.push(now);
        }
        let budget = state.budget.as_mut()?;
        if now >= budget.reset {
            budget.remaining = budget.limit;
            budget.reset = now + budget.window;
        }
        if budget.remaining == 0 {
            let answer = self.dialect.exhausted(budget, now);
            return Some(answer);
        }
        budget.remaining -= 1;
        None
    }

    fn secondary_limit(&self, wait_ms: i64) -> Response {
        let words = "You have exceeded a secondary rate limit and have been temporarily blocked from content creation. \
                     Please retry your request again later.";
        let mut response = self.dialect.refusal(StatusCode::FORBIDDEN, words);
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from((wait_ms + 999) / 1000));
        response
    }

    fn faulty_answer(&self, fault: &Fault) -> Response {
        let refusal = |status, words| self.dialect.refusal(status, words);
        match fault {
            Fault::Status(status) => refusal(StatusCode::from_u16(*status).expect("a status"), "Server Error"),
            Fault::RetryAfter(wait) => {
                let mut response = refusal(StatusCode::TOO_MANY_REQUESTS, "You have exceeded a secondary rate limit");
                response.headers_mut().insert(header::RETRY_AFTER, wait.as_secs().into());
                response
            }
            Fault::HourlyLimit(wait) => {
                let now = self.now();
                let budget = Budget { limit: 5000, remaining: 0, reset: now + millis(*wait), window: 3_600_000 };
                let mut response = self.dialect.exhausted(&budget, now);
                self.dialect.tell_budget(Some(&budget), now, response.headers_mut());
                response
            }
            Fault::SecondaryLimit => refusal(
                StatusCode::FORBIDDEN,
                "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
            ),
            Fault::Redirect(status, to) => {
                let status = StatusCode::from_u16(*status).expect("a status");
                (status, [(header::LOCATION, HeaderValue::from_str(to).expect("an address"))]).into_response()
            }
            Fault::DropBefore | Fault::DropAfter | Fault::Slow(_) => {
                unreachable!("the gatekeeper does these itself")
            }
        }
    }

    /// What every answer carries. The date is the fake's clock's, so that no test depends on the time of day.
    fn sign_off(&self, headers: &mut HeaderMap) {
        let state = self.state();
        let now = self.now();
        if let Some(scopes) = state.scopes.as_ref().filter(|_| self.is_github()) {
            headers.insert("x-oauth-scopes", HeaderValue::from_str(scopes).expect("plain scopes"));
        }
        headers.entry(header::DATE).or_insert(HeaderValue::from_str(&http_date(now)).expect("a date is ASCII"));
        self.dialect.tell_budget(state.budget.as_ref(), now, headers);
    }

    /// Whether our credential may do something that needs this access, and this permission.
    pub(super) fn may(&self, repository: &str, needs: Access, permission: Option<Permission>) -> Result<(), Denied> {
        let state = self.state();
        let Some(Repository { access, denied, .. }) = state.repositories.get(repository) else {
            return Err(Denied::Hidden);
        };
        if *access == Access::Hidden {
            return Err(Denied::Hidden);
        }
        if *access < needs || permission.is_some_and(|permission| denied.contains(&permission)) {
            return Err(Denied::Forbidden);
        }
        Ok(())
    }
}

pub(super) fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 2)
}

/// `Wed, 21 Oct 2015 07:28:00 GMT`.
fn http_date(now: i64) -> String {
    moment(now).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

/// `2015-10-21T07:28:00Z`.
pub(super) fn rfc3339(now: i64) -> String {
    moment(now).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn moment(now: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(now).expect("a test's clock stays in this age")
}
