//! The other end of a channel: a server that checks every message as its vendor documents, and keeps what it took.
//!
//! Signatures are computed here from the vendors' documents, not by davit's own code.

mod proof;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// What a vendor knows of its customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Vendor {
    /// A DingTalk robot, with or without 加签.
    Dingtalk(Option<String>),
    /// A WeCom robot with this key in its URL.
    Wecom(String),
    /// A Feishu bot, with or without 签名校验.
    Feishu(Option<String>),
    /// Slack's incoming webhook.
    Slack,
    /// Mattermost's incoming webhook.
    Mattermost,
    /// A receiver of Standard Webhooks, with the bytes of its key.
    Webhook(Vec<u8>),
    /// Alibaba Cloud, with an AccessKeySecret.
    Aliyun(String),
    /// Tencent Cloud, with a SecretKey.
    Tencent(String),
    /// Twilio, with account and auth token.
    Twilio(String, String),
}

/// A message as it came in.
#[derive(Debug, Clone)]
pub struct Message {
    /// Path and query.
    pub target: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    /// The bytes as text.
    pub body: String,
}

impl Message {
    /// The body as JSON; `null` where it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_default()
    }

    /// The body or the query as a form.
    #[must_use]
    pub fn form(&self) -> BTreeMap<String, String> {
        proof::form(&self.body)
    }

    fn query(&self) -> BTreeMap<String, String> {
        proof::form(self.target.split_once('?').map(|(_, query)| query).unwrap_or_default())
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(String::as_str).unwrap_or_default()
    }
}

/// A vendor's server.
#[derive(Debug)]
pub struct FakeChat {
    /// Where messages go, as the vendor's console would show it.
    pub url: String,
    /// Scheme, address and port alone.
    pub origin: String,
    shared: Arc<Shared>,
    _server: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    vendor: Vendor,
    kept: Mutex<Kept>,
}

/// Status, headers, body.
type Fault = (u16, Vec<(String, String)>, String);

#[derive(Debug, Default)]
struct Kept {
    taken: Vec<Message>,
    refused: Vec<String>,
    faults: VecDeque<Fault>,
    tries: usize,
}

impl FakeChat {
    /// On a port of its own.
    ///
    /// # Panics
    /// When there is no port.
    pub async fn start(vendor: Vendor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let origin = format!("http://127.0.0.1:{}", listener.local_addr().expect("its address").port());
        let path = match &vendor {
            Vendor::Dingtalk(_) => "/robot/send?access_token=0123456789abcdef0123456789abcdef",
            Vendor::Wecom(key) => &format!("/cgi-bin/webhook/send?key={key}"),
            Vendor::Feishu(_) => "/open-apis/bot/v2/hook/0123abcd-0123-abcd-0123-0123456789ab",
            Vendor::Slack => "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
            Vendor::Mattermost => "/hooks/qwertyuiopasdfghjklzxcvbnm",
            Vendor::Webhook(_) => "/hook",
            Vendor::Aliyun(_) | Vendor::Tencent(_) | Vendor::Twilio(..) => "",
        };
        let url = format!("{origin}{path}");
        let shared = Arc::new(Shared { vendor, kept: Mutex::default() });
        let router = Router::new().fallback(take).with_state(Arc::clone(&shared));
        let mut server = JoinSet::new();
        server.spawn(async move { axum::serve(listener, router).await.expect("serves") });
        Self { url, origin, shared, _server: server }
    }

    /// The messages that were taken, oldest first.
    #[must_use]
    pub fn taken(&self) -> Vec<Message> {
        self.shared.kept().taken.clone()
    }

    /// Why messages were refused, oldest first: what the vendor documents and davit did not do.
    #[must_use]
    pub fn refused(&self) -> Vec<String> {
        self.shared.kept().refused.clone()
    }

    /// How often somebody came, whatever the answer was.
    #[must_use]
    pub fn tries(&self) -> usize {
        self.shared.kept().tries
    }

    /// The next message is answered like this and not taken.
    pub fn answer_next(&self, status: u16, body: &str) {
        self.answer_next_with(status, &[], body);
    }

    /// As [`answer_next`](Self::answer_next), with headers.
    pub fn answer_next_with(&self, status: u16, headers: &[(&str, &str)], body: &str) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        self.shared.kept().faults.push_back((status, headers, body.to_owned()));
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn take(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap_or_default();
    let target = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
    let message = Message { target, headers: headers(&head.headers), body: String::from_utf8_lossy(&body).into() };
    let mut kept = shared.kept();
    kept.tries += 1;
    if let Some((status, headers, body)) = kept.faults.pop_front() {
        let status = StatusCode::from_u16(status).expect("a status");
        let mut response = (status, body).into_response();
        for (name, value) in headers {
            let name = axum::http::HeaderName::try_from(name).expect("a header");
            response.headers_mut().insert(name, value.parse().expect("a value"));
        }
        return response;
    }
    let (status, answer) = match proof::check(&shared.vendor, head.method.as_str(), &message) {
        Ok(()) => {
            kept.taken.push(message);
            accepted(&shared.vendor)
        }
        Err(why) => {
            let answer = refusal(&shared.vendor, &why);
            kept.refused.push(why);
            answer
        }
    };
    (status, [("content-type", "application/json")], answer).into_response()
}

fn headers(headers: &HeaderMap) -> BTreeMap<String, String> {
    let text = |value: &axum::http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// What each vendor says to a good message.
fn accepted(vendor: &Vendor) -> (StatusCode, String) {
    let (status, body) = match vendor {
        Vendor::Dingtalk(_) | Vendor::Wecom(_) => (200, json!({ "errcode": 0, "errmsg": "ok" }).to_string()),
        Vendor::Feishu(_) => (200, json!({ "code": 0, "msg": "success", "data": {} }).to_string()),
        Vendor::Slack | Vendor::Mattermost => (200, "ok".to_owned()),
        Vendor::Webhook(_) => (204, String::new()),
        Vendor::Aliyun(_) => {
            (200, json!({ "Code": "OK", "Message": "OK", "BizId": "1", "RequestId": "2" }).to_string())
        }
        Vendor::Tencent(_) => {
            let sent = json!([{ "Code": "Ok", "Message": "send success", "Fee": 1 }]);
            (200, json!({ "Response": { "SendStatusSet": sent, "RequestId": "1" } }).to_string())
        }
        Vendor::Twilio(..) => (201, json!({ "sid": "SM1", "status": "queued" }).to_string()),
    };
    (StatusCode::from_u16(status).expect("a status"), body)
}

/// What each vendor says to a message that it does not believe.
fn refusal(vendor: &Vendor, why: &str) -> (StatusCode, String) {
    let (status, body) = match vendor {
        Vendor::Dingtalk(_) => (200, json!({ "errcode": 310_000, "errmsg": why }).to_string()),
        Vendor::Wecom(_) => (200, json!({ "errcode": 93_000, "errmsg": why }).to_string()),
        Vendor::Feishu(_) => (200, json!({ "code": 19_021, "msg": why, "data": {} }).to_string()),
        Vendor::Slack => (400, "invalid_payload".to_owned()),
        Vendor::Mattermost => (400, json!({ "id": "web.incoming_webhook.text.app_error", "message": why }).to_string()),
        Vendor::Webhook(_) => (401, why.to_owned()),
        Vendor::Aliyun(_) => (400, json!({ "Code": "SignatureDoesNotMatch", "Message": why }).to_string()),
        Vendor::Tencent(_) => {
            let error = json!({ "Code": "AuthFailure.SignatureFailure", "Message": why });
            (200, json!({ "Response": { "Error": error, "RequestId": "1" } }).to_string())
        }
        Vendor::Twilio(..) => (401, json!({ "code": 20_003, "message": why, "status": 401 }).to_string()),
    };
    (StatusCode::from_u16(status).expect("a status"), body)
}
