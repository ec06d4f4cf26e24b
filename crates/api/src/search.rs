//! Finding things of any kind by words, a number or a commit: what somebody types who knows what it is called but not
//! where it is.

use crate::Api;
use crate::auth::Caller;
use crate::page::Page;
use crate::problem::{Problem, Query};
use crate::words;
use axum::Json;
use axum::extract::State;
use davit_domain::access::Action;
use davit_domain::config::{Configuration, Host, Repository};
use davit_domain::search::{Closeness, Wanted};
use davit_domain::time::Timestamp;
use davit_store::Store;
use davit_store::search::Sought;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Of one kind in an answer: more would push the others out.
const OF_A_KIND: usize = 6;
const FEW: i64 = 6;
/// Characters that are looked for at most.
const LONGEST: usize = 200;

/// What is looked for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct SearchQuery {
    /// Words of names and titles, a number with `#` or without, or the beginning of a commit (4 letters or more).
    #[serde(default)]
    q: String,
}

/// Something that was found.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SearchHit {
    #[schema(value_type = words::SearchKind)]
    kind: &'static str,
    /// Its name in addresses: a key, a name, or davit's number.
    key: String,
    title: String,
    /// What tells it from others.
    detail: String,
    /// Of requests, deployments, runs and changes.
    state: Option<String>,
    /// When it was made; of changes: when the forge last told something new.
    at: Option<String>,
}

impl SearchHit {
    fn named(kind: &'static str, key: impl ToString, title: &str, detail: String) -> Self {
        Self { kind, key: key.to_string(), title: title.to_owned(), detail, state: None, at: None }
    }

    fn numbered(kind: &'static str, id: i64, title: String, detail: String, (state, at): (String, i64)) -> Self {
        let at = Timestamp::from_millis(at).to_string();
        Self { kind, key: id.to_string(), title, detail, state: Some(state), at: Some(at) }
    }
}

/// Apps, environments, hosts, forges, requests, deployments, runs, changes, and for administrators people and groups:
/// whatever of it the caller sees. The best first, at most six of a kind; nothing is asked for: nothing is found.
#[utoipa::path(get, path = "/api/v1/search", params(SearchQuery),
    responses((status = 200, body = Page<SearchHit>), (status = 422, body = Problem)))]
pub(crate) async fn search(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<SearchQuery>,
) -> Result<Json<Page<SearchHit>>, Problem> {
    if query.q.chars().count() > LONGEST {
        return Err(Problem::invalid(format!("q has more than {LONGEST} characters")));
    }
    let Some(wanted) = Wanted::parse(&query.q) else { return Ok(Json(Page::whole(Vec::new()))) };
    let configuration = caller.configuration(&api).await?;
    let mut found = in_configuration(&wanted, &configuration);
    if caller.may(Action::ManageUsers) {
        found.extend(people(&wanted, api.engine.store()).await?);
    }
    for sought in soughts(&wanted) {
        // A number or a commit is meant as such; words of titles answer like words of names.
        let closeness = if matches!(sought, Sought::Text(_)) { Closeness::Words } else { Closeness::Same };
        let rows = in_database(sought, &api, &caller, &configuration).await?;
        found.extend(rows.into_iter().map(|hit| (closeness, hit)));
    }
    Ok(Json(Page::whole(best(found))))
}

/// The best first; of those that answer equally well, names before rows. Each once, and few of a kind.
fn best(mut found: Vec<(Closeness, SearchHit)>) -> Vec<SearchHit> {
    found.sort_by_key(|(closeness, _)| *closeness);
    let mut chosen: Vec<SearchHit> = Vec::new();
    for (_, hit) in found {
        let of_kind = || chosen.iter().filter(|other| other.kind == hit.kind);
        if of_kind().count() < OF_A_KIND && of_kind().all(|other| other.key != hit.key) {
            chosen.push(hit);
        }
    }
    chosen
}

fn in_configuration(wanted: &Wanted, seen: &Configuration) -> Vec<(Closeness, SearchHit)> {
    let apps = seen.apps.iter().filter_map(|app| {
        let source = match &app.repository {
            Repository::Forge { name, .. } => name.as_str(),
            Repository::Url { url } => url.as_str(),
        };
        let close = wanted.closeness(&[app.key.as_str(), &app.name, source])?;
        let detail = if app.name == app.key.as_str() { String::new() } else { app.key.to_string() };
        Some((close, SearchHit::named("app", &app.key, &app.name, detail)))
    });
    let environments = seen.environments.iter().filter_map(|environment| {
        let close = wanted.closeness(&[environment.key.as_str(), &environment.name])?;
        Some((close, SearchHit::named("environment", &environment.key, &environment.name, environment.key.to_string())))
    });
    let hosts = seen.hosts.iter().filter_map(|host| {
        let names = [host.name.as_str(), &host.address].into_iter().chain(host.labels.iter().map(String::as_str));
        let close = wanted.closeness(&names.collect::<Vec<_>>())?;
        Some((close, SearchHit::named("host", &host.name, host.name.as_str(), place_of(host))))
    });
    let forges = seen.forges.iter().filter_map(|forge| {
        let close = wanted.closeness(&[forge.id.as_str(), forge.kind.as_str()])?;
        Some((close, SearchHit::named("forge", &forge.id, forge.id.as_str(), forge.kind.as_str().to_owned())))
    });
    apps.chain(environments).chain(hosts).chain(forges).collect()
}

/// Where a host is and what it is for.
fn place_of(host: &Host) -> String {
    let address = (!host.address.is_empty()).then_some(host.address.as_str());
    address.into_iter().chain(host.labels.iter().map(String::as_str)).collect::<Vec<_>>().join(" · ")
}

async fn people(wanted: &Wanted, store: &Store) -> Result<Vec<(Closeness, SearchHit)>, Problem> {
    let mut found = Vec::new();
    for user in store.users().await? {
        let title = if user.display_name.is_empty() { &user.name } else { &user.display_name };
        if let Some(close) = wanted.closeness(&[&user.name, &user.display_name, &user.email]) {
            found.push((close, SearchHit::named("person", &user.name, title, user.name.clone())));
        }
    }
    for group in store.groups().await? {
        if let Some(close) = wanted.closeness(&[&group.name, &group.description]) {
            found.push((close, SearchHit::named("group", &group.name, &group.name, group.description)));
        }
    }
    Ok(found)
}

/// As what it may be meant.
fn soughts(wanted: &Wanted) -> Vec<Sought<'_>> {
    let number = wanted.number.map(Sought::Number);
    let commit = wanted.commit.as_deref().map(Sought::Commit);
    // "#12" is said by nobody who looks for words.
    let text = (!wanted.text.starts_with('#')).then_some(Sought::Text(&wanted.text));
    [number, commit, text].into_iter().flatten().collect()
}

async fn in_database(
    sought: Sought<'_>,
    api: &Api,
    caller: &Caller,
    configuration: &Configuration,
) -> Result<Vec<SearchHit>, Problem> {
    let (store, places, repositories) = (api.engine.store(), caller.sees(), caller.repositories(configuration));
    let repositories = repositories.as_deref();
    // Two at once: SQLite's other readers are for pages, however fast somebody types.
    let (requests, deployments) =
        tokio::try_join!(store.find_requests(sought, &places, FEW), store.find_deployments(sought, &places, FEW),)?;
    let (runs, changes) =
        tokio::try_join!(store.find_runs(sought, repositories, FEW), store.find_changes(sought, repositories, FEW),)?;
    let place = |app: &str, environment: &str| format!("{app} → {environment}");
    let requests = requests.into_iter().map(|row| {
        let (title, detail) = (format!("#{} {}", row.id, row.title), place(&row.app, &row.environment));
        SearchHit::numbered("request", row.id, title, detail, (row.state, row.at))
    });
    let deployments = deployments.into_iter().map(|row| {
        let title = format!("#{} {}", row.id, place(&row.app, &row.environment));
        let commit = row.commit_sha.get(..12).unwrap_or(&row.commit_sha).to_owned();
        SearchHit::numbered("deployment", row.id, title, commit, (row.state, row.at))
    });
    let runs = runs.into_iter().map(|row| {
        let (title, detail) = (format!("#{} {}", row.id, row.title), format!("{} · {}", row.repository, row.workflow));
        SearchHit::numbered("run", row.id, title, detail, (row.state, row.at))
    });
    let changes = changes.into_iter().map(|row| {
        let title = format!("#{} {}", row.number, row.title);
        SearchHit::numbered("change", row.id, title, row.repository, (row.state, row.at))
    });
    Ok(requests.chain(deployments).chain(runs).chain(changes).collect())
}
