//! People's shells on hosts: asked for, then a WebSocket with its bytes; who had one, and what it showed.
//!
//! The socket belongs to the browser: it takes a session's cookie, from a page of this server, of the account that asked
//! for the shell, once. A token opens none.

mod socket;

pub(crate) use socket::*;

use crate::Api;
use crate::auth::Caller;
use crate::page::{Page, PageQuery};
use crate::problem::{self, Path, Problem, Query};
use crate::words;
use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use davit_domain::access::Action;
use davit_domain::config::Host;
use davit_domain::ids::{HostName, TerminalId};
use davit_engine::terminals::TerminalSize;
use davit_store::terminals::Terminal;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use tokio_util::io::ReaderStream;
use utoipa::{IntoParams, ToSchema};

/// How large the window is.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct NewTerminal {
    /// Characters a line.
    #[schema(minimum = 1, maximum = 1000)]
    cols: u16,
    /// Lines.
    #[schema(minimum = 1, maximum = 1000)]
    rows: u16,
}

/// A shell that was asked for: its socket is to be opened within 30 seconds.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreatedTerminal {
    id: i64,
}

/// Which ones.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TerminalFilter {
    /// On this host.
    host: Option<String>,
    /// Of this person.
    user: Option<String>,
}

/// A shell that somebody has or had.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TerminalView {
    id: i64,
    host: String,
    user: String,
    /// From where.
    origin: Option<String>,
    #[schema(value_type = words::TerminalState)]
    state: &'static str,
    opened_at: String,
    closed_at: Option<String>,
    /// Why it ended.
    #[schema(value_type = Option<words::TerminalEnd>)]
    reason: Option<String>,
    /// Who ended it.
    ended_by: Option<String>,
    exit_code: Option<i32>,
    /// What it has shown.
    bytes: i64,
    recorded: bool,
    /// Whether it is the caller's own.
    mine: bool,
    /// Whether the caller may end it.
    may_end: bool,
    /// Whether the caller may see its recording.
    may_play: bool,
}

impl TerminalView {
    fn new(terminal: Terminal, caller: &Caller) -> Self {
        let mine = terminal.user == caller.user.id;
        let oversees = mine || caller.may(Action::ManageUsers);
        let state = match (terminal.opened_at, terminal.closed_at) {
            (_, Some(_)) => "closed",
            (Some(_), None) => "open",
            (None, None) => "waiting",
        };
        Self {
            id: terminal.id.0,
            host: terminal.host.to_string(),
            user: terminal.user_name,
            origin: terminal.origin,
            state,
            opened_at: terminal.opened_at.unwrap_or(terminal.created_at).to_string(),
            closed_at: terminal.closed_at.map(|at| at.to_string()),
            reason: terminal.reason,
            ended_by: terminal.end_by,
            exit_code: terminal.exit_code,
            bytes: terminal.bytes,
            recorded: terminal.recorded,
            mine,
            may_end: oversees && state != "closed",
            may_play: oversees && terminal.recorded,
        }
    }
}

/// Asks for a shell on a host.
#[utoipa::path(post, path = "/api/v1/hosts/{name}/terminals", params(("name" = String, Path)), request_body = NewTerminal,
    responses((status = 201, body = CreatedTerminal), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub(crate) async fn create(
    State(api): State<Api>,
    caller: Caller,
    Path(name): Path<String>,
    problem::Body(body): problem::Body<NewTerminal>,
) -> Result<(StatusCode, Json<CreatedTerminal>), Problem> {
    caller.allow_somewhere(Action::OpenTerminal)?;
    let name: HostName = name.parse()?;
    let missing = || Problem::not_found(format!("there is no host named {name}"));
    let host = api.engine.store().host(&name).await?.ok_or_else(missing)?;
    caller.allow_host(Action::OpenTerminal, &host)?;
    if caller.session.is_none() {
        return Err(Problem::denied("a terminal is opened in the browser: an API token opens none"));
    }
    let size = TerminalSize { cols: body.cols, rows: body.rows };
    let id = api.engine.open_terminal(&host, size, &caller.user).await?;
    Ok((StatusCode::CREATED, Json(CreatedTerminal { id: id.0 })))
}

/// Who has or had a shell, newest first: one's own, and those on hosts where one may open some.
#[utoipa::path(get, path = "/api/v1/terminals", params(TerminalFilter, PageQuery),
    responses((status = 200, body = Page<TerminalView>)))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(filter): Query<TerminalFilter>,
    Query(page): Query<PageQuery>,
) -> Result<Json<Page<TerminalView>>, Problem> {
    caller.allow_somewhere(Action::OpenTerminal)?;
    let (host, user) = (word(filter.host)?, word(filter.user)?);
    let limit = page.limit();
    let found = api.engine.store().terminals(host.as_deref(), user.as_deref(), page.before()?, limit).await?;
    let next = Page::cut(found.iter().map(|terminal| terminal.id.0).collect(), limit, |id| *id).next;
    let hosts = api.engine.store().configuration().await?.hosts;
    let hosts: HashMap<&HostName, &Host> = hosts.iter().map(|host| (&host.name, host)).collect();
    let items = found.into_iter().filter(|terminal| sees(&caller, terminal, hosts.get(&terminal.host).copied()));
    Ok(Json(Page { items: items.map(|terminal| TerminalView::new(terminal, &caller)).collect(), next }))
}

/// A shell that somebody has or had.
#[utoipa::path(get, path = "/api/v1/terminals/{id}", params(("id" = i64, Path)),
    responses((status = 200, body = TerminalView), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Json<TerminalView>, Problem> {
    let terminal = known(&api, &caller, id).await?;
    Ok(Json(TerminalView::new(terminal, &caller)))
}

/// What a shell showed, as an asciinema file (version 2); so far, when it is open. One's own, or anybody's for an
/// administrator: what people do on hosts may hold secrets.
#[utoipa::path(get, path = "/api/v1/terminals/{id}/recording", params(("id" = i64, Path)),
    responses((status = 200, description = "the recording", content_type = "application/x-asciicast"),
              (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(crate) async fn recording(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<i64>,
) -> Result<Response, Problem> {
    let terminal = known(&api, &caller, id).await?;
    owner_or_admin(&caller, &terminal, "see its recording")?;
    let gone = || Problem::not_found(format!("there is no recording of terminal {id} on this server (any more)"));
    if !terminal.recorded {
        return Err(gone());
    }
    let file = tokio::fs::File::open(api.engine.recording(terminal.id)).await.map_err(|_| gone())?;
    let mut response = Response::new(Body::from_stream(ReaderStream::new(file)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-asciicast"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(name) = HeaderValue::try_from(format!("attachment; filename=\"terminal-{}.cast\"", terminal.id)) {
        headers.insert(header::CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

/// Ends a shell: one's own, or anybody's for an administrator.
#[utoipa::path(delete, path = "/api/v1/terminals/{id}", params(("id" = i64, Path)),
    responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn end(State(api): State<Api>, caller: Caller, Path(id): Path<i64>) -> Result<StatusCode, Problem> {
    let terminal = known(&api, &caller, id).await?;
    owner_or_admin(&caller, &terminal, "end it")?;
    api.engine.end_terminal(&terminal, caller.name()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// One that the caller may know of.
async fn known(api: &Api, caller: &Caller, id: i64) -> Result<Terminal, Problem> {
    caller.allow_somewhere(Action::OpenTerminal)?;
    let missing = || Problem::not_found(format!("there is no terminal {id}"));
    let terminal = api.engine.store().terminal(TerminalId(id)).await?.ok_or_else(missing)?;
    let host = api.engine.store().host(&terminal.host).await?;
    if sees(caller, &terminal, host.as_ref()) { Ok(terminal) } else { Err(missing()) }
}

/// A host that is no longer configured is seen by those who see everything.
fn sees(caller: &Caller, terminal: &Terminal, host: Option<&Host>) -> bool {
    terminal.user == caller.user.id
        || caller.may(Action::OpenTerminal)
        || host.is_some_and(|host| caller.may_host(Action::OpenTerminal, host))
}

fn owner_or_admin(caller: &Caller, terminal: &Terminal, what: &str) -> Result<(), Problem> {
    if terminal.user == caller.user.id || caller.may(Action::ManageUsers) {
        return Ok(());
    }
    let owner = &terminal.user_name;
    Err(Problem::denied(format!("this is {owner}'s terminal: {owner} or an administrator may {what}")))
}

fn word(text: Option<String>) -> Result<Option<String>, Problem> {
    match text.filter(|text| !text.is_empty()) {
        Some(text) if text.contains('\0') => Err(Problem::invalid("no name holds the character NUL")),
        text => Ok(text),
    }
}
