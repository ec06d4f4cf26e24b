//! The HTTP client under every forge's API: TLS roots, time limits, redirects, and answers of a bounded size.

use crate::client::ClientError;
use crate::error::ApiError;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Certificate, RequestBuilder, StatusCode, redirect};
use secrecy::{ExposeSecret, SecretString};
use std::error::Error;
use std::time::Duration;
use url::Url;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(30);
const MAX_REDIRECTS: usize = 5;
/// Bytes of an answer that are read. What we ask for fits many times.
const MAX_ANSWER: usize = 1 << 20;
/// Characters of a forge's own words that an error carries.
const MAX_DETAIL: usize = 500;

/// One forge's API.
pub(crate) struct Http {
    pub(crate) client: reqwest::Client,
    pub(crate) base: Url,
    token: SecretString,
}

/// What a forge answered.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Http {
    /// `headers` go with every request; the token goes with it as a bearer token.
    pub(crate) fn new(
        api_url: &str,
        token: SecretString,
        extra_ca_pem: Option<&[u8]>,
        mut headers: HeaderMap,
    ) -> Result<Self, ClientError> {
        let base = base_url(api_url)?;
        headers.insert(AUTHORIZATION, bearer(&token)?);
        let client = reqwest::Client::builder()
            .user_agent(concat!("davit/", env!("CARGO_PKG_VERSION")))
            .default_headers(headers)
            .tls_certs_merge(roots(extra_ca_pem)?)
            .redirect(redirect::Policy::custom(same_origin))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .build()
            .map_err(|error| ClientError::Build { detail: chain(&error) })?;
        Ok(Self { client, base, token })
    }

    /// The address below the base URL, every part escaped.
    pub(crate) fn url(&self, parts: &[&str]) -> Url {
        extend(&self.base, parts.iter().copied())
    }

    /// Sends a request. Every answer is `Ok`, whatever its status.
    pub(crate) async fn send(&self, forge: &str, request: RequestBuilder) -> Result<Answer, ApiError> {
        self.exchange(request).await.map_err(|error| ApiError::Retry {
            after: None,
            detail: self.clean(&format!("{forge} could not be reached: {}.", chain(&error.without_url()))),
        })
    }

    /// A text from outside, made fit for an error: short, on one line, without the token.
    pub(crate) fn clean(&self, text: &str) -> String {
        let text = text.replace(self.token.expose_secret(), "[token]");
        text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_DETAIL).collect()
    }

    async fn exchange(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        let mut response = request.send().await?;
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

fn bearer(token: &SecretString) -> Result<HeaderValue, ClientError> {
    let token = token.expose_secret();
    if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(ClientError::Token);
    }
    let mut value = HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| ClientError::Token)?;
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

    fn http(api_url: &str) -> Result<Http, ClientError> {
        Http::new(api_url, SecretString::from("s3cret"), None, HeaderMap::new())
    }

    #[test]
    fn urls_stay_below_their_base() {
        let http = http("https://git.example.com/api/v3/").expect("builds");
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
            assert!(matches!(http(bad).err(), Some(ClientError::ApiUrl { .. })), "{bad:?}");
        }
    }

    #[test]
    fn bad_tokens_and_certificates_are_refused_without_being_shown() {
        for bad in ["", "a b", "a\n", "é"] {
            let refused = Http::new("https://x/", SecretString::from(bad), None, HeaderMap::new()).err();
            assert_eq!(refused, Some(ClientError::Token));
        }
        for bad in ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let token = SecretString::from("s3cret");
            let refused = Http::new("https://x/", token, Some(bad.as_bytes()), HeaderMap::new()).err();
            assert!(matches!(refused, Some(ClientError::ExtraCa | ClientError::Build { .. })), "{bad:?}");
        }
    }

    #[test]
    fn texts_from_outside_lose_the_token_and_their_length() {
        let http = http("https://x/").expect("builds");
        assert_eq!(http.clean("Bearer s3cret\r\nis bad"), "Bearer [token]  is bad");
        assert_eq!(http.clean(&"ä".repeat(9_000)).chars().count(), MAX_DETAIL);
    }
}
