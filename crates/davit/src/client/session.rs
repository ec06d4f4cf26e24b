//! Sessions for what a token must not do: make tokens, and change how an account signs in.
//!
//! One is opened by name, password and code for an errand, and closed after it.

use super::{Client, TIMEOUT, http, made, problem};
use crate::failure::Failure;
use reqwest::header::{
    CONNECTION, COOKIE, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{Method, Response, StatusCode, Upgraded};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// The header by which the server knows that a write with a session's cookie was meant.
const REQUESTED_BY_US: HeaderName = HeaderName::from_static("x-davit-request");

/// What somebody signs in with.
#[derive(Debug)]
pub(crate) struct Credentials {
    /// The account's name.
    pub(crate) name: String,
    /// Its password.
    pub(crate) password: SecretString,
    /// Of its second factor, or a recovery code.
    pub(crate) code: Option<SecretString>,
}

/// An open session.
#[derive(Debug)]
pub(crate) struct OwnSession<'c> {
    client: &'c Client,
    cookie: HeaderValue,
}

impl Client {
    /// Opens a session. The server says whether a code is needed once it has seen the right password.
    pub(crate) async fn sign_in(&self, typed: &Credentials) -> Result<OwnSession<'_>, Failure> {
        let mut body = json!({ "name": typed.name, "password": typed.password.expose_secret() });
        if let Some(code) = &typed.code {
            body["code"] = code.expose_secret().into();
        }
        self.session_by(&["session"], &body).await
    }

    /// Whether there is no account yet.
    pub(crate) async fn needs_set_up(&self) -> Result<bool, Failure> {
        let set_up: SetUp = self.get(&["setup"], &[]).await?;
        Ok(set_up.needed)
    }

    /// Makes the first administrator, with the code that the server printed, and opens a session of theirs.
    pub(crate) async fn set_up(
        &self,
        code: &SecretString,
        name: &str,
        password: &SecretString,
    ) -> Result<OwnSession<'_>, Failure> {
        let body = json!({ "code": code.expose_secret(), "name": name, "password": password.expose_secret() });
        self.session_by(&["setup"], &body).await
    }

    async fn session_by(&self, path: &[&str], body: &Value) -> Result<OwnSession<'_>, Failure> {
        let response = self.send(self.http.post(self.url(path, &[])).timeout(TIMEOUT).json(body)).await?;
        let none = || Failure::failed(format!("{} did not open a session", self.base));
        Ok(OwnSession { client: self, cookie: session_cookie(&response).ok_or_else(none)? })
    }
}

impl OwnSession<'_> {
    /// A call within it. Where the server opens another session in its place, that one is used from then on.
    pub(crate) async fn send(&mut self, method: Method, path: &[&str], body: &Value) -> Result<Response, Failure> {
        let request = self.client.http.request(method, self.client.url(path, &[])).timeout(TIMEOUT);
        let request = request.header(COOKIE, self.cookie.clone()).header(REQUESTED_BY_US, "1");
        let request = if body.is_null() { request } else { request.json(body) };
        let response = self.client.send(request).await?;
        if let Some(cookie) = session_cookie(&response) {
            self.cookie = cookie;
        }
        Ok(response)
    }

    /// The same, with what is answered.
    pub(crate) async fn call<T: DeserializeOwned>(
        &mut self,
        method: Method,
        path: &[&str],
        body: &Value,
    ) -> Result<T, Failure> {
        let response = self.send(method, path, body).await?;
        self.client.body(response).await
    }

    /// Makes a WebSocket of a call within it: for whoever has answered to this `key`.
    pub(super) async fn upgrade(&self, path: &[&str], key: &str) -> Result<Upgraded, Failure> {
        let client = self.client;
        // Version 2 of HTTP has no upgrades. The server asks which page opens a socket: one of its own.
        let http = made(http(&client.base).http1_only())?;
        let request = http.get(client.url(path, &[])).header(COOKIE, self.cookie.clone());
        let request = request.header(ORIGIN, client.base.origin().ascii_serialization()).header(CONNECTION, "Upgrade");
        let request = request.header(UPGRADE, "websocket").header(SEC_WEBSOCKET_VERSION, "13");
        let response =
            request.header(SEC_WEBSOCKET_KEY, key).send().await.map_err(|error| client.unreachable(error))?;
        if response.status().is_success() {
            return Err(Failure::failed("the server answers without a WebSocket: a proxy in between may take none"));
        }
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(problem::read(client, response).await);
        }
        response.upgrade().await.map_err(|error| client.unreachable(error))
    }

    /// Makes a token called `title`.
    pub(crate) async fn create_token(&mut self, title: &str) -> Result<SecretString, Failure> {
        let created: CreatedToken = self.call(Method::POST, &["tokens"], &json!({ "name": title })).await?;
        Ok(created.token)
    }

    /// Closes it. That it lapses by itself is good enough where this fails.
    pub(crate) async fn close(mut self) {
        let _ = self.send(Method::DELETE, &["session"], &Value::Null).await;
    }
}

#[derive(serde::Deserialize)]
struct SetUp {
    needed: bool,
}

#[derive(serde::Deserialize)]
#[serde(from = "WireToken")]
struct CreatedToken {
    token: SecretString,
}

#[derive(serde::Deserialize)]
struct WireToken {
    token: String,
}

impl From<WireToken> for CreatedToken {
    fn from(wire: WireToken) -> Self {
        Self { token: SecretString::from(wire.token) }
    }
}

/// `davit_session=…` as a `Cookie` header.
fn session_cookie(response: &Response) -> Option<HeaderValue> {
    let cookies = response.headers().get_all("set-cookie").into_iter();
    let pair = cookies
        .filter_map(|value| value.to_str().ok()?.split(';').next())
        .find(|pair| pair.starts_with("davit_session=") && !pair.ends_with('='))?;
    let mut value = HeaderValue::from_str(pair).ok()?;
    value.set_sensitive(true);
    Some(value)
}
