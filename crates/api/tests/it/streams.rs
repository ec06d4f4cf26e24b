//! Server-sent events: logs that can be resumed without a gap, and changes for the pages.

use crate::shop::{Kind, Shop};
use davit_domain::access::Role;
use davit_testkit::app::{Database, TestApp};
use reqwest::Response;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// One event.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: Option<i64>,
    pub(crate) data: Value,
}

/// A stream as a browser reads it.
pub(crate) struct Events {
    response: Response,
    rest: String,
}

impl Events {
    async fn open(shop: &Shop, path: &str, last_event_id: Option<i64>) -> Self {
        Self::of(&shop.app, path, last_event_id).await
    }

    /// Of any davit.
    pub(crate) async fn of(app: &TestApp, path: &str, last_event_id: Option<i64>) -> Self {
        let request = app.http().get(format!("{}/api/v1{path}", app.url()));
        let request = request.bearer_auth(app.token(Role::Viewer));
        let request = match last_event_id {
            Some(id) => request.header("Last-Event-ID", id),
            None => request,
        };
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, rest: String::new() }
    }

    /// The next one; `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.rest.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.rest = rest;
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                if let (Some(name), Some(data)) = (field("event:"), field("data:")) {
                    let id = field("id:").map(|id| id.parse().unwrap());
                    return Some(Event { name: name.to_owned(), id, data: serde_json::from_str(data).unwrap() });
                }
                continue;
            }
            let chunk = self.response.chunk().await.ok()??;
            self.rest.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// All until one that this says is the last, or the end.
    pub(crate) async fn until(&mut self, last: impl Fn(&Event) -> bool) -> Vec<Event> {
        let mut events = Vec::new();
        while let Some(event) = self.next().await {
            let stop = last(&event);
            events.push(event);
            if stop {
                break;
            }
        }
        events
    }
}

pub(crate) fn numbers(events: &[Event]) -> Vec<i64> {
    events.iter().filter(|event| event.name == "line").map(|event| event.id.unwrap()).collect()
}

fn is_line(text: &'static str) -> impl Fn(&Event) -> bool {
    move |event| event.name == "line" && event.data["text"] == text
}

#[tokio::test]
async fn a_log_is_followed_and_resumed_without_a_gap() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    let gate = shop.gate("gate");
    let script = format!("hooks.after_checkout = \"\"\"seq 20; {}; seq 20\"\"\"", gate.wait());
    shop.configure(&shop.document(&shop.production("", &script))).await;
    let id = shop.ask(json!({})).await;
    let path = format!("/deployments/{id}/logs/stream");

    let mut stream = Events::open(&shop, &path, None).await;
    let mut before = stream.until(is_line("waiting")).await;
    drop(stream);
    let seen = *numbers(&before).last().unwrap();
    let mut stream = Events::open(&shop, &path, Some(seen)).await;
    gate.open();
    let after = stream.until(|_| false).await;
    shop.app.settle().await;

    assert_eq!(after.last().unwrap().name, "end");
    assert_eq!(after.last().unwrap().data, json!({ "state": "succeeded" }));
    let states: Vec<&Event> = after.iter().filter(|event| event.name == "state").collect();
    assert_eq!(states[0].data["id"], json!(id), "the state comes first of all to who reconnects");
    assert_eq!(states.last().unwrap().data, shop.get(&format!("/deployments/{id}")).await);
    before.extend(after);
    let log = shop.app.log(id).await;
    let all: Vec<i64> = (1..=i64::try_from(log.len()).unwrap()).collect();
    assert_eq!(numbers(&before), all);
    let texts: Vec<&str> =
        before.iter().filter(|event| event.name == "line").map(|event| event.data["text"].as_str().unwrap()).collect();
    assert!(log.iter().zip(texts).all(|(line, text)| line.ends_with(text)));

    let mut rest = Events::open(&shop, &format!("{path}?after={}", log.len() - 2), None).await;
    assert_eq!(numbers(&rest.until(|_| false).await), all[log.len() - 2..]);
    shop.finish().await;
}

#[tokio::test]
async fn a_log_of_many_pages_comes_whole() {
    let shop = Shop::start(&[Kind::Local], "hooks.after_checkout = 'seq 2500'").await;
    let deployment = shop.release_new("many lines").await;
    let mut stream = Events::open(&shop, &format!("/deployments/{}/logs/stream", deployment["id"]), None).await;
    let events = stream.until(|_| false).await;
    let last = deployment["last_seq"].as_i64().unwrap();
    assert!(last > 2500);
    assert_eq!(numbers(&events), (1..=last).collect::<Vec<_>>());
    assert_eq!(events.iter().filter(|event| event.name == "end").count(), 1);
    let page = shop.get(&format!("/deployments/{}/logs?after=10&limit=5&host=-&step=3", deployment["id"])).await;
    assert_eq!(page["items"].as_array().unwrap().len(), 5);
    assert_eq!(page["last_seq"], json!(last));
    shop.finish().await;
}

#[tokio::test]
async fn a_reader_goes_on_after_the_server_was_restarted() {
    let mut shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    let gate = shop.gate("gate");
    let script = format!("hooks.after_checkout = \"\"\"{}\"\"\"", gate.wait());
    shop.configure(&shop.document(&shop.production("", &script))).await;
    let id = shop.ask(json!({})).await;
    let path = format!("/deployments/{id}/logs/stream");
    let mut stream = Events::open(&shop, &path, None).await;
    let mut pages = Events::open(&shop, "/events", None).await;
    let mut events = stream.until(is_line("waiting")).await;
    shop.app.restart().await;
    // A stopping server ends its streams, not its deployments.
    events.extend(stream.until(|_| false).await);
    assert!(!events.iter().any(|event| event.name == "end"), "{events:?}");
    pages.until(|_| false).await;

    let seen = *numbers(&events).last().unwrap();
    let mut stream = Events::open(&shop, &path, Some(seen)).await;
    gate.open();
    events.extend(stream.until(|_| false).await);
    assert_eq!(events.last().unwrap().name, "end");
    let last = shop.ended(id).await["last_seq"].as_i64().unwrap();
    assert_eq!(numbers(&events), (1..=last).collect::<Vec<_>>());
    shop.finish().await;
}

#[tokio::test]
async fn pages_are_told_what_changed() {
    let shop = Shop::start(&[Kind::Local], "auto = { on = \"push\" }").await;
    let mut stream = Events::open(&shop, "/events", None).await;
    shop.push("Sell tea").await;
    let mut topics = BTreeSet::new();
    while !["delivery", "deployment", "request"].iter().all(|topic| topics.contains(*topic)) {
        let event = stream.next().await.unwrap();
        assert_eq!(event.name, "change");
        topics.insert(event.data["topic"].as_str().unwrap().to_owned());
    }
    shop.app.settle().await;
    shop.configure("environment = [{ key = \"staging\" }]").await;
    let events = stream.until(|event| event.data["topic"] == "config").await;
    assert!(events.iter().all(|event| event.data["topic"] != "log"), "{events:?}");
    let of_shop = events.iter().find(|event| event.data["topic"] == "deployment" && event.data["id"] == 1).unwrap();
    assert_eq!((&of_shop.data["app"], &of_shop.data["environment"]), (&json!("shop"), &json!("production")));
    drop(stream);
    shop.finish().await;
}
