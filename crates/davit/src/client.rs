//! The server's API, as the command line and the demo call it.
//!
//! A [`Client`] knows where the server is and who is asking. It turns every answer into a value of [`types`] or a
//! [`Failure`] with the sentence that the server gave. Streams that go on after a cut live in [`stream`], following a
//! request or deployment to its end in [`follow`], what is done to deployments and around them in [`operate`], CI runs and
//! changes in [`ci`], requests in [`requests`], forges in [`forges`], the login that is kept on disk in [`login`].

pub(crate) mod account;
pub(crate) mod ci;
pub(crate) mod compare;
pub(crate) mod content;
pub(crate) mod declared;
pub(crate) mod feed;
pub(crate) mod follow;
pub(crate) mod forges;
pub(crate) mod kept;
pub(crate) mod login;
pub(crate) mod logs;
pub(crate) mod operate;
mod pause;
pub(crate) mod people;
pub(crate) mod plan;
mod problem;
pub(crate) mod requests;
pub(crate) mod session;
pub(crate) mod shell;
mod sse;
pub(crate) mod stream;
pub(crate) mod terminals;
pub(crate) mod things;
pub(crate) mod types;
pub(crate) mod values;

pub(crate) use requests::{DeployOrder, RequestAction};

use crate::failure::Failure;
use plan::Applied;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Certificate, ClientBuilder, Method, RequestBuilder, Response, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;
use types::{Deployment, HostCheck, Page};
use url::Url;

/// Where the server is unless somebody says otherwise.
pub(crate) const DEFAULT_URL: &str = "http://127.0.0.1:8700";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// For everything but streams. Long, because the server may have to ask a forge or a host first.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Items that the server gives at once, at most.
const PAGE: usize = 200;

/// A davit server, and who is asking.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    authorization: Option<HeaderValue>,
}

impl Client {
    /// A client of the server at `url`. The token goes into a header that is never printed.
    pub(crate) fn new(url: &str, token: Option<&SecretString>) -> Result<Self, Failure> {
        let base = base_url(url)?;
        let http = made(http(&base))?;
        let authorization = token.map(bearer).transpose()?;
        Ok(Self { http, base, authorization })
    }

    /// The client that the surroundings ask for: `DAVIT_URL` and `DAVIT_TOKEN`, else the stored login.
    pub(crate) fn from_environment() -> Result<Self, Failure> {
        let access = login::access()?;
        Self::new(&access.url, access.token.as_ref())
    }

    /// The server's address.
    pub(crate) const fn base(&self) -> &Url {
        &self.base
    }

    /// Whether requests say who is asking.
    pub(crate) const fn has_token(&self) -> bool {
        self.authorization.is_some()
    }

    /// Reads `/api/v1/<path>`.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, String)]) -> Result<T, Failure> {
        let response = self.send(self.request(Method::GET, self.url(path, query)).timeout(TIMEOUT)).await?;
        self.body(response).await
    }

    /// Reads `/api/v1/<path>` as text.
    pub(crate) async fn get_text(&self, path: &[&str]) -> Result<String, Failure> {
        let response = self.send(self.request(Method::GET, self.url(path, &[])).timeout(TIMEOUT)).await?;
        response.text().await.map_err(|error| self.unreachable(error))
    }

    /// Writes to `/api/v1/<path>`.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &[&str], body: &impl Serialize) -> Result<T, Failure> {
        let request = self.request(Method::POST, self.url(path, &[])).timeout(TIMEOUT).json(body);
        self.body(self.send(request).await?).await
    }

    /// Reads the first `limit` items of a list, in as many parts as that takes.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        filter: &[(&str, String)],
        limit: usize,
    ) -> Result<Page<T>, Failure> {
        let mut all = Page { items: Vec::new(), next: None };
        loop {
            let mut query = filter.to_vec();
            query.push(("limit", (limit - all.items.len()).min(PAGE).to_string()));
            query.extend(all.next.take().map(|cursor| ("cursor", cursor)));
            let mut page: Page<T> = self.get(path, &query).await?;
            let stuck = page.items.is_empty();
            all.items.append(&mut page.items);
            all.next = page.next;
            all.items.truncate(limit);
            if all.next.is_none() || all.items.len() == limit || stuck {
                return Ok(all);
            }
        }
    }

    /// Says what `document` would change, and changes it unless this is a dry run.
    pub(crate) async fn apply(
        &self,
        document: &str,
        values: &BTreeMap<String, SecretString>,
        dry_run: bool,
        prune: bool,
    ) -> Result<Applied, Failure> {
        let values: BTreeMap<_, _> = values.iter().map(|(key, value)| (key, value.expose_secret())).collect();
        let body = json!({ "document": document, "values": values, "dry_run": dry_run, "prune": prune });
        self.post(&["apply"], &body).await
    }

    /// Reads a deployment with its hosts and steps.
    pub(crate) async fn deployment(&self, id: i64) -> Result<Deployment, Failure> {
        self.get(&["deployments", &id.to_string()], &[]).await
    }

    /// Asks a deployment to stop.
    pub(crate) async fn cancel(&self, id: i64) -> Result<Deployment, Failure> {
        self.post(&["deployments", &id.to_string(), "cancel"], &json!({})).await
    }

    /// Lets the server connect to a host and say what it found.
    pub(crate) async fn verify_host(&self, name: &str) -> Result<HostCheck, Failure> {
        self.post(&["hosts", name, "verify"], &json!({})).await
    }

    /// A write that carries a key of its own, by which the server recognises a repetition.
    async fn post_once<T: DeserializeOwned>(&self, path: &[&str], body: &impl Serialize) -> Result<T, Failure> {
        let key = format!("{:032x}", rand::random::<u128>());
        let request = self.request(Method::POST, self.url(path, &[])).timeout(TIMEOUT).json(body);
        self.body(self.send(request.header("idempotency-key", key)).await?).await
    }

    /// `/api/v1/<path>?<query>`, every part escaped.
    fn url(&self, path: &[&str], query: &[(&str, String)]) -> Url {
        let mut url = self.root_url(&[&["api", "v1"], path].concat());
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// `/<path>`, every part escaped.
    pub(crate) fn root_url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // Always Ok: `base_url` takes http and https alone.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    fn request(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.http.request(method, url);
        match &self.authorization {
            Some(value) => request.header(AUTHORIZATION, value.clone()),
            None => request,
        }
    }

    /// Sends a request; an answer that is not a success is a failure.
    async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let response = request.send().await.map_err(|error| self.unreachable(error))?;
        if response.status().is_success() { Ok(response) } else { Err(problem::read(self, response).await) }
    }

    async fn body<T: DeserializeOwned>(&self, response: Response) -> Result<T, Failure> {
        let bytes = response.bytes().await.map_err(|error| self.unreachable(error))?;
        serde_json::from_slice(&bytes).map_err(|error| {
            Failure::failed(format!("the answer of {} is not what this davit understands: {error}", self.base))
                .hint("davit doctor, which compares the versions")
        })
    }

    fn unreachable(&self, error: reqwest::Error) -> Failure {
        problem::unreachable(&self.base, error)
    }
}

/// Answers that are not JSON below `/api/v1`: the server's health.
impl Client {
    /// Asks one of the server's probes, such as `readyz`; its status and text.
    pub(crate) async fn probe(&self, name: &str) -> Result<(u16, String), Failure> {
        let response = self.probe_response(name).await?;
        let status = response.status().as_u16();
        let text = response.text().await.map_err(|error| self.unreachable(error))?;
        Ok((status, text))
    }

    /// The same, with everything that came along.
    pub(crate) async fn probe_response(&self, name: &str) -> Result<Response, Failure> {
        let request = self.http.get(self.root_url(&[name])).timeout(TIMEOUT);
        request.send().await.map_err(|error| self.unreachable(error))
    }
}

/// How servers are spoken to, whatever for.
fn http(base: &Url) -> ClientBuilder {
    let builder = reqwest::Client::builder()
        .user_agent(concat!("davit/", env!("CARGO_PKG_VERSION")))
        .tls_certs_merge(roots())
        .redirect(redirect::Policy::none())
        .tls_info(true)
        .connect_timeout(CONNECT_TIMEOUT);
    if is_loopback(base) { builder.no_proxy() } else { builder }
}

fn made(builder: ClientBuilder) -> Result<reqwest::Client, Failure> {
    builder.build().map_err(|error| Failure::failed(format!("no HTTP client can be made: {error}")))
}

fn base_url(text: &str) -> Result<Url, Failure> {
    let refuse = |why: &str| {
        Failure::usage(format!("the server's address {why}"))
            .hint(format!("set DAVIT_URL to something like {DEFAULT_URL}"))
    };
    let url = Url::parse(text).map_err(|_| refuse("is not a URL"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(refuse("must start with http:// or https://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("must not hold a user or password; DAVIT_TOKEN is the place for a token"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("must end with its path, without ? and #"));
    }
    Ok(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn bearer(token: &SecretString) -> Result<HeaderValue, Failure> {
    let refuse = || Failure::usage("the token holds characters that no token has").hint("davit login");
    let token = token.expose_secret();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(refuse());
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| refuse())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Mozilla's roots, beside those of the system: a container without CA certificates still gets its TLS.
fn roots() -> Vec<Certificate> {
    let roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter();
    roots.filter_map(|der| Certificate::from_der(der).ok()).collect()
}
