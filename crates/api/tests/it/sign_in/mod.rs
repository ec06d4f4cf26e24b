//! Signing in, on a whole davit: what each test's browser does, and what an administrator sees of it.

mod ldap;
mod oidc;
mod passwords;
mod second_factor;
mod sessions;

use davit_testkit::app::TestApp;
use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Method, RequestBuilder, Response};
use serde_json::{Value, json};

fn request(app: &TestApp, method: Method, path: &str) -> RequestBuilder {
    app.http().request(method, format!("{}/api/v1{path}", app.url()))
}

/// `POST /session`, from an address of the test's choice: a proxy on this machine is believed.
async fn log_in_from(app: &TestApp, from: &str, body: Value) -> Response {
    request(app, Method::POST, "/session").header("x-forwarded-for", from).json(&body).send().await.unwrap()
}

async fn log_in(app: &TestApp, name: &str, password: &str) -> Response {
    log_in_from(app, "192.0.2.1", json!({ "name": name, "password": password })).await
}

async fn log_in_with(app: &TestApp, name: &str, password: &str, code: &str) -> Response {
    log_in_from(app, "192.0.2.1", json!({ "name": name, "password": password, "code": code })).await
}

async fn code_of(response: Response) -> String {
    response.json::<Value>().await.unwrap()["code"].as_str().unwrap_or_default().to_owned()
}

/// What a browser sends back of an answer's cookies.
fn cookie(response: &Response) -> String {
    response.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
}

/// A browser that is signed in.
pub(crate) struct Browser<'a> {
    app: &'a TestApp,
    cookie: String,
}

impl<'a> Browser<'a> {
    pub(crate) async fn log_in(app: &'a TestApp, name: &str, password: &str) -> Self {
        let response = log_in(app, name, password).await;
        assert_eq!(response.status(), 200);
        Self { app, cookie: cookie(&response) }
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Response {
        let request = request(self.app, method, path).header(COOKIE, &self.cookie).header("X-Davit-Request", "1");
        let request = if body.is_null() { request } else { request.json(&body) };
        request.send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let response = self.send(Method::GET, path, Value::Null).await;
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    pub(crate) async fn status(&self, method: Method, path: &str, body: Value) -> u16 {
        self.send(method, path, body).await.status().as_u16()
    }
}

/// The feed's words, the newest first.
async fn feed(app: &TestApp) -> Vec<(String, String)> {
    let entries = app.engine().store().feed(None, 100).await.unwrap();
    entries.into_iter().map(|one| (one.entry.action, one.entry.subject)).collect()
}

async fn count(app: &TestApp, action: &str) -> usize {
    feed(app).await.iter().filter(|(one, _)| one == action).count()
}
