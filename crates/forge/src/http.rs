//! The HTTP client under every forge's API: TLS roots, proxies, time limits, redirects, answers of a bounded size, and
//! texts without secrets. Knows no forge: what is different is in [`Manners`].

use crate::answers::RateBudget;
use crate::client::ClientError;
use crate::error::ApiError;
use crate::rate;
use crate::refusal::{self, Call, Manners};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Method, Proxy, StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use url::Url;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(30);
const MAX_REDIRECTS: usize = 5;
/// Bytes of an answer that are read. A page of anything that is asked for is far smaller.
const MAX_ANSWER: usize = 32 << 20;
/// Characters of a forge's own words that an error carries.
const MAX_DETAIL: usize = 500;
/// Pages of one list that are read; a forge that has more than this repeats itself.
const MAX_PAGES: usize = 300;

/// One forge's API.
pub(crate) struct Http {
    client: reqwest::Client,
    pub(crate) base: Url,
    pub(crate) manners: &'static Manners,
    /// Whether calls prove who makes them, by the token below or by one of their own.
    pub(crate) has_credential: bool,
    token: Option<SecretString>,
    heard: Mutex<Heard>,
}

/// What the last answers said beside what was asked.
#[derive(Default)]
struct Heard {
    budget: Option<RateBudget>,
    date: Option<jiff::Timestamp>,
}

/// How an API is reached.
pub(crate) struct Route<'a> {
    pub(crate) api_url: &'a str,
    pub(crate) ca_pem: Option<&'a [u8]>,
    pub(crate) proxy: Option<&'a str>,
}

/// A request to be made.
#[derive(Clone)]
pub(crate) struct Request {
    method: Method,
    url: Url,
    body: Option<Vec<u8>>,
    bearer: Option<SecretString>,
    hidden: Vec<SecretString>,
}

/// A page of a list that was read.
pub(crate) struct Page<'a> {
    pub(crate) url: &'a Url,
    pub(crate) headers: &'a HeaderMap,
    /// Counted from 1.
    pub(crate) number: usize,
    /// Items on it.
    pub(crate) items: usize,
    /// Items on it and on all pages before it.
    pub(crate) read: usize,
}

/// What a forge answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Request {
    pub(crate) const fn get(url: Url) -> Self {
        Self { method: Method::GET, url, body: None, bearer: None, hidden: Vec::new() }
    }

    /// A request without a body.
    pub(crate) const fn bare(method: Method, url: Url) -> Self {
        Self { method, url, body: None, bearer: None, hidden: Vec::new() }
    }

    /// A request with a JSON body.
    pub(crate) fn json(method: Method, url: Url, body: &impl Serialize) -> Self {
        // Always Some: our own bodies are maps with text keys.
        Self { method, url, body: serde_json::to_vec(body).ok(), bearer: None, hidden: Vec::new() }
    }

    /// Adds to the query.
    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.url.query_pairs_mut().append_pair(name, value);
        self
    }

    /// Proves who asks with this token in place of the forge's own.
    pub(crate) fn bearer(mut self, token: SecretString) -> Self {
        self.bearer = Some(token);
        self
    }

    /// Keeps a secret in the body out of every error.
    pub(crate) fn hiding(mut self, secret: &SecretString) -> Self {
        self.hidden.push(secret.clone());
        self
    }
}

impl Http {
    /// The token goes with every request that has none of its own.
    pub(crate) fn new(
        route: &Route<'_>,
        manners: &'static Manners,
        token: Option<SecretString>,
    ) -> Result<Self, ClientError> {
        let mut headers = HeaderMap::new();
        for (name, value) in manners.headers {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        if let Some(token) = &token {
            let (name, scheme) = manners.authorization;
            headers.insert(HeaderName::from_static(name), secret_header(scheme, token)?);
        }
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("davit/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .tls_certs_merge(roots(route.ca_pem)?)
            .redirect(redirect::Policy::custom(same_origin))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT);
        if let Some(url) = route.proxy {
            builder = builder.proxy(proxy(url)?);
        }
        Ok(Self {
            client: builder.build().map_err(|error| ClientError::Build { detail: chain(&error) })?,
            base: base_url(route.api_url)?,
            manners,
            has_credential: token.is_some(),
            token,
            heard: Mutex::default(),
        })
    }

    /// The address below the base URL, every part escaped.
    pub(crate) fn url(&self, parts: &[&str]) -> Url {
        extend(&self.base, parts.iter().copied())
    }

    /// Makes a call. `Ok` when it did what it was for.
    pub(crate) async fn call(&self, call: &Call, request: Request) -> Result<Answer, ApiError> {
        let secrets: Vec<_> = self.token.iter().chain(&request.bearer).chain(&request.hidden).cloned().collect();
        let answer = self.send(request).await.map_err(|error| ApiError::Retry {
            after: None,
            detail: clean(
                &secrets,
                &format!("{} could not be reached: {}.", self.manners.name, chain(&error.without_url())),
            ),
        })?;
        self.hear(&answer.headers);
        refusal::judge(self, call, &answer, |text| clean(&secrets, text))?;
        Ok(answer)
    }

    /// Makes a call and reads what came back.
    pub(crate) async fn read<T: DeserializeOwned>(&self, call: &Call, request: Request) -> Result<T, ApiError> {
        let answer = self.call(call, request).await?;
        self.parse(&answer)
    }

    /// What an answer says.
    pub(crate) fn parse<T: DeserializeOwned>(&self, answer: &Answer) -> Result<T, ApiError> {
        let name = self.manners.name;
        serde_json::from_slice(&answer.body).map_err(|_| {
            let detail = if answer.body.len() == MAX_ANSWER {
                format!("{name}'s answer is longer than {MAX_ANSWER} bytes, which no answer to davit should be.")
            } else {
                format!("The answer is not {name}'s: check the forge's API URL.")
            };
            ApiError::Permanent { detail, status: Some(answer.status.as_u16()) }
        })
    }

    /// Reads a list until there is no more, or until `enough` of what has been read so far.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        call: &Call,
        first: Request,
        enough: impl Fn(&[T]) -> bool,
    ) -> Result<Vec<T>, ApiError> {
        self.pages(&call.what, first, enough, |request| self.call(call, request)).await
    }

    /// The same, where `fetch` makes the calls.
    pub(crate) async fn pages<T: DeserializeOwned, F: Future<Output = Result<Answer, ApiError>>>(
        &self,
        what: &str,
        mut request: Request,
        enough: impl Fn(&[T]) -> bool,
        fetch: impl Fn(Request) -> F,
    ) -> Result<Vec<T>, ApiError> {
        let mut all = Vec::new();
        for number in 1..=MAX_PAGES {
            let answer = fetch(request.clone()).await?;
            let list: Vec<T> = self.parse(&answer)?;
            let items = list.len();
            all.extend(list);
            let page = Page { url: &request.url, headers: &answer.headers, number, items, read: all.len() };
            match (self.manners.next_page)(&page) {
                Some(url) if !enough(&all) => request.url = url,
                Some(_) | None => return Ok(all),
            }
        }
        let detail = format!("{} has more than {MAX_PAGES} pages to {what}.", self.manners.name);
        Err(ApiError::Permanent { detail, status: None })
    }

    /// What the last answer that spoke of it said is left.
    pub(crate) fn budget(&self) -> Option<RateBudget> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).budget
    }

    /// What the forge's clock showed at its last answer.
    pub(crate) fn date(&self) -> Option<jiff::Timestamp> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).date
    }

    /// The token that every call carries.
    pub(crate) const fn token(&self) -> Option<&SecretString> {
        self.token.as_ref()
    }

    fn hear(&self, headers: &HeaderMap) {
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.budget = rate::budget(self.manners, headers).or(heard.budget);
        heard.date = rate::date(headers).or(heard.date);
    }

    async fn send(&self, request: Request) -> reqwest::Result<Answer> {
        let mut builder = self.client.request(request.method, request.url);
        if let Some(body) = request.body {
            builder = builder.header(CONTENT_TYPE, "application/json").body(body);
        }
        if let Some(token) = &request.bearer {
            // Without a value the forge refuses: a token that is none came from it.
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
                .unwrap_or(HeaderValue::from_static(""));
            value.set_sensitive(true);
            builder = builder.header(AUTHORIZATION, value);
        }
        let mut response = builder.send().await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await? {
            let room = MAX_ANSWER - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if body.len() == MAX_ANSWER {
                break;
            }
        }
        Ok(Answer { status, headers, body })
    }
}

/// `base` with `parts` appended to its path, every part escaped.
pub(crate) fn extend<'a>(base: &Url, parts: impl Iterator<Item = &'a str>) -> Url {
    let mut url = base.clone();
    // Always Ok: `base_url` takes http and https alone.
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(parts);
    }
    url
}

/// Where git fetches a repository: at the web address, which is the API's without `api_path`.
pub(crate) fn clone_url(api: &Url, api_path: &str, repository: &str) -> String {
    let mut web = api.clone();
    let path = api.path().trim_end_matches('/');
    web.set_path(path.strip_suffix(api_path).unwrap_or(path));
    extend(&web, format!("{repository}.git").split('/')).into()
}

/// The page after this one, by the `Link` header (RFC 8288) that GitHub and GitLab send. Of the address in it only the
/// query is taken: behind a proxy a forge may think that it has another name, and the token goes nowhere else.
pub(crate) fn linked_page(page: &Page<'_>) -> Option<Url> {
    let links = page.headers.get(reqwest::header::LINK)?.to_str().ok()?;
    let next = links.split(',').find(|link| link.contains("rel=\"next\""))?;
    let address = next.split_once('<')?.1.split_once('>')?.0;
    let mut url = page.url.clone();
    url.set_query(Some(address.split_once('?')?.1));
    Some(url)
}

/// The page after this one, by its number.
pub(crate) fn numbered_page(page: &Page<'_>) -> Url {
    let mut url = page.url.clone();
    let query: Vec<_> = page.url.query_pairs().filter(|(name, _)| name != "page").collect();
    url.query_pairs_mut().clear().extend_pairs(query).append_pair("page", &(page.number + 1).to_string());
    url
}

/// A text from outside, made fit for an error: short, on one line, without secrets.
fn clean(secrets: &[SecretString], text: &str) -> String {
    let mut text = text.to_owned();
    for secret in secrets.iter().map(ExposeSecret::expose_secret).filter(|secret| !secret.is_empty()) {
        text = text.replace(secret, "[secret]");
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_DETAIL).collect()
}

fn base_url(text: &str) -> Result<Url, ClientError> {
    let invalid = |rule| ClientError::ApiUrl { rule };
    let url = Url::parse(text).map_err(|_| invalid("it is not a URL"))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(invalid("it must start with https:// (or http://)"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(invalid("it must not hold a user or password; the token has its own place"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(invalid("it must end with its path, without ? and #"));
    }
    Ok(url)
}

fn proxy(text: &str) -> Result<Proxy, ClientError> {
    let invalid = |rule| ClientError::Proxy { rule };
    let url = Url::parse(text).map_err(|_| invalid("it is not a URL"))?;
    if !matches!(url.scheme(), "https" | "http") {
        return Err(invalid("it must start with http:// or https://"));
    }
    Proxy::all(url).map_err(|_| invalid("it is not the address of a proxy"))
}

fn secret_header(scheme: &str, token: &SecretString) -> Result<HeaderValue, ClientError> {
    let token = token.expose_secret();
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(ClientError::Token);
    }
    let mut value = HeaderValue::from_str(&format!("{scheme}{token}")).map_err(|_| ClientError::Token)?;
    value.set_sensitive(true);
    Ok(value)
}

/// Mozilla's roots and the operator's own. reqwest adds the system's, where there are any: a bare container has
/// none, and without a single root reqwest would not start.
fn roots(extra_ca_pem: Option<&[u8]>) -> Result<Vec<Certificate>, ClientError> {
    let mut roots = webpki_root_certs::TLS_SERVER_ROOT_CERTS
        .iter()
        .map(|certificate| Certificate::from_der(certificate))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| ClientError::Build { detail: chain(&error) })?;
    if let Some(pem) = extra_ca_pem {
        let extra = Certificate::from_pem_bundle(pem).map_err(|_| ClientError::ExtraCa)?;
        if extra.is_empty() {
            return Err(ClientError::ExtraCa);
        }
        roots.extend(extra);
    }
    Ok(roots)
}

/// Follows within one origin (a renamed repository), and hands any other redirect to the caller as the answer.
fn same_origin(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let same = attempt.previous().first().is_some_and(|first| first.origin() == attempt.url().origin());
    if same && attempt.previous().len() <= MAX_REDIRECTS { attempt.follow() } else { attempt.stop() }
}

/// An error with its causes: reqwest's own text stops at "error sending request".
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::github;

    fn http(api_url: &str, token: &str, ca_pem: Option<&[u8]>, proxy: Option<&str>) -> Result<Http, ClientError> {
        Http::new(&Route { api_url, ca_pem, proxy }, &github::MANNERS, Some(SecretString::from(token)))
    }

    #[test]
    fn urls_stay_below_their_base() {
        let http = http("https://git.example.com/api/v3/", "s3cret", None, None).expect("builds");
        assert_eq!(http.url(&["repos", "a", "b"]).as_str(), "https://git.example.com/api/v3/repos/a/b");
        assert_eq!(
            http.url(&["repos", "a b?", "x/../y"]).as_str(),
            "https://git.example.com/api/v3/repos/a%20b%3F/x%2F..%2Fy"
        );
        assert_eq!(http.url(&["..", "..", "x"]).as_str(), "https://git.example.com/api/v3/x");
    }

    #[test]
    fn bad_addresses_are_refused() {
        for bad in ["", "api.github.com", "ftp://x/", "https://u:p@x/", "https://x/?a", "https://x/#a", "file:///etc"] {
            assert!(matches!(http(bad, "s3cret", None, None).err(), Some(ClientError::ApiUrl { .. })), "{bad:?}");
        }
        for bad in ["", "proxy:3128", "socks5://proxy:1080"] {
            let refused = http("https://x/", "s3cret", None, Some(bad)).err();
            assert!(matches!(refused, Some(ClientError::Proxy { .. })), "{bad:?}");
        }
    }

    #[test]
    fn bad_tokens_and_certificates_are_refused_without_being_shown() {
        for bad in ["", "a b", "a\n", "é"] {
            assert_eq!(http("https://x/", bad, None, None).err(), Some(ClientError::Token));
        }
        for bad in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let refused = http("https://x/", "s3cret", Some(bad.as_bytes()), None).err();
            assert!(matches!(refused, Some(ClientError::ExtraCa | ClientError::Build { .. })), "{bad:?}");
        }
    }

    #[test]
    fn texts_from_outside_lose_secrets_and_length() {
        let secrets = [SecretString::from(""), SecretString::from("s3cret"), SecretString::from("hook")];
        assert_eq!(clean(&secrets, "Bearer s3cret\r\nis not hook"), "Bearer [secret]  is not [secret]");
        assert_eq!(clean(&secrets, &"ä".repeat(9_000)).chars().count(), MAX_DETAIL);
    }

    #[test]
    fn the_next_page_is_at_the_same_place() {
        let url = Url::parse("https://git.example.com/api/v3/repos/a/b/pulls?per_page=50").expect("a URL");
        let next = |link: &str| {
            let headers = HeaderMap::from_iter([(reqwest::header::LINK, HeaderValue::from_str(link).expect("text"))]);
            linked_page(&Page { url: &url, headers: &headers, number: 1, items: 50, read: 50 }).map(String::from)
        };
        assert_eq!(
            next(
                "<http://evil.example/x?page=2&per_page=50>; rel=\"next\", <http://evil.example/x?page=9>; rel=\"last\""
            )
            .as_deref(),
            Some("https://git.example.com/api/v3/repos/a/b/pulls?page=2&per_page=50")
        );
        assert_eq!(next("<https://git.example.com/x?page=1>; rel=\"prev\""), None);
        assert_eq!(next("rel=\"next\""), None);
        let second = Page { url: &url, headers: &HeaderMap::new(), number: 1, items: 50, read: 50 };
        let second = numbered_page(&second);
        assert_eq!(second.query(), Some("per_page=50&page=2"));
        let third = Page { url: &second, headers: &HeaderMap::new(), number: 2, items: 50, read: 100 };
        assert_eq!(numbered_page(&third).query(), Some("per_page=50&page=3"));
    }
}
