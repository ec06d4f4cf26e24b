//! Accounts with grants alone: what they see and do not see, in every answer and every stream.
//!
//! `shop` in `production` on `vault-1` is hidden; `web` in `staging` on `web-1` is what they are granted.

use crate::access::{all_rows, bare};
use crate::ci_support::Ci;
use crate::people::{call, grant, newcomer};
use crate::schema;
use davit_domain::access::Role;
use davit_testkit::app::TestApp;
use davit_testkit::fake_forge::NewPush;
use davit_testkit::git::Repo;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const HIDDEN: [&str; 3] = ["shop", "production", "vault-1"];

/// Every number there is in what [`two_apps`] makes.
const MOST: i64 = 8;

const WORKFLOW: &str = "
on: [push, pull_request]
jobs:
  build:
    runs-on: linux
    steps:
      - uses: actions/cache@v4
        with: { path: kept, key: deps }
      - run: mkdir -p kept && echo NAME | tee kept/who
      - uses: actions/upload-artifact@v4
        with: { name: NAME, path: kept }
";

fn document(app: &TestApp) -> String {
    let forge = app.forge_id();
    let srv = app.path("srv");
    let one = |key: &str, environment: &str, host: &str| {
        let srv = srv.join(key);
        let srv = srv.display();
        format!(
            "[[host]]\nname = {host:?}\nkind = \"local\"\nenvironments = [{environment:?}]\n\n\
             [[environment]]\nkey = {environment:?}\nreview = {{ required = 1, self_approval = true }}\n\n\
             [[repository]]\nforge = {forge:?}\nname = \"acme/{key}\"\n\n\
             [[app]]\nkey = {key:?}\nname = {key:?}\nrepository = {{ forge = {forge:?}, name = \"acme/{key}\" }}\n\n\
             [[app.release]]\nenvironment = {environment:?}\nhosts = [{host:?}]\n\
             deploy_path = \"{srv}/www\"\nreleases_path = \"{srv}/davit\"\n\n"
        )
    };
    let (shop, web) = (one("shop", "production", "vault-1"), one("web", "staging", "web-1"));
    // Tables of a kind stand together in a document, but don't have to.
    format!("{}{shop}{web}", app.forge_table())
}

/// Two apps with some of everything: releases, requests, builds, uploads, runs, changes, caches, artefacts, locks.
pub(crate) async fn two_apps() -> (Ci, Repo) {
    let ci = Ci::start("").await;
    let web = Repo::init(ci.app.path("web"));
    let workflow = WORKFLOW.replace("NAME", "web");
    let head = web.commit("First", &[("index.html", "web"), (".davit/workflows/ci.yml", &workflow)]);
    ci.app.publish(&web, "acme/web");
    for key in ["shop", "web"] {
        std::fs::create_dir_all(ci.app.path("srv").join(key)).unwrap();
    }
    ci.app.apply(&document(&ci.app)).await;
    let commit = ci.commit("Hidden", &WORKFLOW.replace("NAME", "shop"), &[]);
    ci.push(&commit).await;
    let push = ci.app.forge.push_delivery(&NewPush {
        repository: "acme/web",
        git_ref: "refs/heads/main",
        before: None,
        after: Some(&head.parse().unwrap()),
        message: "First",
        pusher: "octocat",
    });
    assert_eq!(ci.app.deliver(&push).await.0, 202);
    ci.app.settle().await;
    ci.repo.branch("topic");
    let topic = ci.commit("Topic", &WORKFLOW.replace("NAME", "shop"), &[("a.txt", "a")]);
    ci.change("opened", &topic, false).await;
    ci.app.settle().await;
    for (app, environment) in [("shop", "production"), ("web", "staging")] {
        release(&ci.app, app, environment).await;
        upload(&ci.app, &format!("/apps/{app}/uploads?name={app}-file")).await;
        let waiting = format!("/apps/{app}/environments/{environment}/deploy");
        let (status, answer) = ci.app.post(&waiting, json!({ "title": format!("{app} waits") })).await;
        assert_eq!(status, 201, "{answer}");
        let lock = json!({ "environment": environment, "app": app, "reason": format!("of {app}") });
        assert_eq!(ci.app.post("/locks", lock).await.0, 201);
    }
    (ci, web)
}

async fn release(app: &TestApp, key: &str, environment: &str) {
    let path = format!("/apps/{key}/environments/{environment}/deploy");
    let (status, request) = app.post(&path, json!({ "ref": "main", "title": format!("{key} goes out") })).await;
    assert_eq!(status, 201, "{request}");
    let id = &request["id"];
    for step in ["approve", "release"] {
        let (status, answer) = app.post(&format!("/requests/{id}/{step}"), json!({})).await;
        assert_eq!(status, 200, "{answer}");
    }
    app.settle().await;
    let request = app.get(&format!("/requests/{id}")).await;
    assert_eq!(request["state"], "succeeded", "{request}");
}

async fn upload(app: &TestApp, path: &str) {
    let request = app.http().post(format!("{}/api/v1{path}", app.url())).bearer_auth(app.token(Role::Admin));
    assert_eq!(request.body("some bytes").send().await.unwrap().status(), 201, "{path}");
}

/// Every URL that a path of the document stands for, with whatever names there are.
fn urls(path: &str) -> Vec<String> {
    let mut all = vec![path.to_owned()];
    while all.iter().any(|url| url.contains('{')) {
        all = all.iter().flat_map(|url| filled(url)).collect();
    }
    let query = "forge=github&q=e&from=1&to=2&include=all&inherited=true";
    let queried: Vec<String> = ["shop", "web"]
        .iter()
        .flat_map(|name| all.iter().map(move |url| format!("{url}?repository=acme/{name}&{query}")))
        .collect();
    all.into_iter().chain(queried).collect()
}

fn filled(url: &str) -> Vec<String> {
    let Some((before, rest)) = url.split_once('{') else { return vec![url.to_owned()] };
    let (name, after) = rest.split_once('}').unwrap();
    let numbers = || (1..=MOST).map(|number| number.to_string()).collect::<Vec<_>>();
    let names = match name {
        "app" => vec!["shop".into(), "web".into()],
        "environment" | "key" => vec!["production".into(), "staging".into()],
        "host" => vec!["vault-1".into(), "web-1".into()],
        "name" if before.contains("/hosts/") => vec!["vault-1".into(), "web-1".into()],
        "name" | "user" => vec!["viewer".into()],
        _ => numbers(),
    };
    names.into_iter().map(|name| format!("{before}{name}{after}")).collect()
}

fn get_paths() -> Vec<String> {
    let document = schema::document();
    let paths = document["paths"].as_object().unwrap().iter();
    let readable = paths.filter(|(_, methods)| methods.get("get").is_some());
    let paths = readable.map(|(path, _)| path.trim_start_matches("/api/v1").to_owned());
    // A stream without an end has a test of its own.
    paths.filter(|path| path != "/events").collect()
}

fn says_hidden(text: &str) -> bool {
    HIDDEN.iter().any(|word| text.contains(word))
}

async fn text(app: &TestApp, token: &str, url: &str) -> (u16, String) {
    let request = app.http().get(format!("{}/api/v1{url}", app.url())).bearer_auth(token);
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    // An archive is no text; that it is there at all says enough.
    (status, String::from_utf8_lossy(&response.bytes().await.unwrap()).into_owned())
}

async fn sees_nothing_hidden(app: &TestApp, token: &str, who: &str) {
    for path in get_paths() {
        for url in urls(&path) {
            let (status, body) = text(app, token, &url).await;
            assert!(status < 500, "{who} {url}: {status} {body}");
            // A refusal repeats what was asked for.
            let repeated = matches!(status, 403 | 404 | 422) && says_hidden(&url);
            assert!(repeated || !says_hidden(&body), "{who} {url}: {status} {body}");
        }
    }
}

#[tokio::test]
async fn what_is_hidden_is_in_no_answer() {
    let (ci, _web) = two_apps().await;
    let app = &ci.app;
    // As a check of this test: there is a lot that could be seen.
    let mut seen = BTreeSet::new();
    for path in get_paths() {
        for url in urls(&path) {
            let (status, body) = text(app, app.token(Role::Admin), &url).await;
            assert!(status < 500, "{url}: {status} {body}");
            if status == 200 && says_hidden(&body) {
                seen.insert(path.clone());
            }
        }
    }
    assert!(seen.len() >= 35, "an administrator sees the hidden app in {}: {seen:#?}", seen.len());

    let nobody = newcomer(app, "nobody").await;
    sees_nothing_hidden(app, &nobody, "without grants").await;
    for (name, role, scope) in [
        ("of-app", "viewer", "app:web"),
        ("of-place", "admin", "app:web@staging"),
        ("of-environment", "releaser", "environment:staging"),
        ("of-hosts", "operator", "label:none"),
    ] {
        let token = newcomer(app, name).await;
        grant(app, name, role, scope).await;
        sees_nothing_hidden(app, &token, name).await;
    }
    let (status, made) = app.post("/tokens", json!({ "name": "narrow", "scopes": ["app:web"] })).await;
    assert_eq!(status, 201, "{made}");
    sees_nothing_hidden(app, made["token"].as_str().unwrap(), "an administrator's narrow token").await;
    ci.finish().await;
}

#[tokio::test]
async fn what_is_granted_is_seen() {
    let (ci, _web) = two_apps().await;
    let token = newcomer(&ci.app, "ana").await;
    grant(&ci.app, "ana", "viewer", "app:web").await;
    let get = async |path: &str| {
        let (status, body) = call(&ci.app, &token, Method::GET, path, None).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    };
    let keys = |page: &Value, field: &str| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(keys(&get("/apps").await, "key"), ["web"]);
    assert_eq!(keys(&get("/environments").await, "key"), ["staging"]);
    assert_eq!(keys(&get("/hosts").await, "name"), ["web-1"]);
    assert_eq!(keys(&get("/deployments").await, "app"), ["web"]);
    assert_eq!(keys(&get("/requests").await, "app"), ["web", "web"]);
    assert_eq!(keys(&get("/runs").await, "repository"), ["acme/web"]);
    assert_eq!(keys(&get("/repositories").await, "name"), ["acme/web"]);
    assert_eq!(keys(&get("/locks").await, "app"), ["web"]);
    assert_eq!(keys(&get("/forges").await, "id"), ["github"]);
    assert_eq!(get("/deliveries").await["items"].as_array().unwrap().len(), 1);
    assert_eq!(get("/changes?state=all").await["items"], json!([]));
    assert_eq!(get("/apps/web/uploads").await["items"].as_array().unwrap().len(), 1);
    let overview = get("/overview").await;
    assert_eq!((overview["apps"].as_array().unwrap().len(), &overview["hosts"]), (1, &json!(1)));
    assert_eq!(overview["waiting"].as_array().unwrap().len(), 1);
    ci.finish().await;
}

/// The numbers of what is hidden, by the first word of its path.
async fn hidden_number(app: &TestApp, what: &str) -> Option<i64> {
    let list = match what {
        "changes" => "/changes?state=all".to_owned(),
        "caches" => "/caches?forge=github&repository=acme/shop".to_owned(),
        "deployments" | "requests" | "runs" | "locks" | "deliveries" => format!("/{what}"),
        _ => return None,
    };
    let items = app.get(&list).await["items"].as_array().unwrap().clone();
    items.iter().find(|item| says_hidden(&item.to_string())).map(|item| item["id"].as_i64().unwrap())
}

#[tokio::test]
async fn nothing_is_done_to_what_is_hidden() {
    let (ci, _web) = two_apps().await;
    let app = &ci.app;
    let token = newcomer(app, "boss").await;
    grant(app, "boss", "admin", "app:web").await;
    for (method, path, body, _) in all_rows() {
        let own = ["/session", "/tokens", "/setup", "/auth"].iter().any(|own| bare(path).starts_with(own));
        if method == "GET" || own {
            continue;
        }
        let what = path.trim_start_matches('/').split('/').next().unwrap_or_default();
        let id = hidden_number(app, what).await.unwrap_or(4711);
        let url = path.replace("{id}", &id.to_string()).replace("{app}", "shop").replace("{environment}", "production");
        let url = ["{name}", "{host}", "{key}"].iter().fold(url, |url, name| url.replace(name, "vault-1"));
        let url = url.replace("{forge}", "github").replace("{repository}", "acme/shop").replace("{n}", "1");
        let url = url.replace("{user}", "viewer").replace("acme/none", "acme/shop");
        let body = serde_json::from_str::<Value>(&body.to_string().replace("\"none\"", "\"production\"")).unwrap();
        let (status, answer) = call(app, &token, method.parse().unwrap(), &url, Some(body)).await;
        assert!(matches!(status, 403 | 404), "{method} {url}: {status} {answer}");
    }
    assert_eq!(hidden_number(app, "locks").await, Some(1), "nothing was ended");
    ci.finish().await;
}

#[tokio::test]
async fn what_is_granted_may_be_done() {
    let (ci, _web) = two_apps().await;
    let app = &ci.app;
    let token = newcomer(app, "ana").await;
    grant(app, "ana", "operator", "app:web@staging").await;
    let post = async |path: &str, body: Value| call(app, &token, Method::POST, path, Some(body)).await;
    let (status, request) = post("/apps/web/environments/staging/deploy", json!({ "ref": "main" })).await;
    assert_eq!(status, 201, "{request}");
    let lock = json!({ "environment": "staging", "reason": "a test" });
    assert_eq!(post("/locks", lock).await.0, 404, "the environment is more than the app in it");
    let lock = json!({ "environment": "staging", "app": "web", "reason": "a test" });
    assert_eq!(post("/locks", lock).await.0, 201);
    let refs = call(app, &token, Method::GET, "/apps/web/refs", None).await;
    assert_eq!(refs.0, 200, "{}", refs.1);
    let start = json!({ "forge": "github", "repository": "acme/web", "file": "ci.yml" });
    assert_eq!(post("/workflows/start", start).await.0, 403, "the repository is the whole app's");
    assert_eq!(post("/hosts/web-1/verify", json!({})).await.0, 403, "its host is seen and not theirs");
    grant(app, "ana", "operator", "environment:staging").await;
    assert_eq!(post("/hosts/web-1/verify", json!({})).await.0, 200);
    ci.finish().await;
}

#[tokio::test]
async fn streams_tell_what_is_granted_and_end_with_it() {
    let (ci, _web) = two_apps().await;
    let app = &ci.app;
    let token = newcomer(app, "ana").await;
    let id = grant(app, "ana", "viewer", "app:web").await;
    let request = app.http().get(format!("{}/api/v1/events", app.url())).bearer_auth(&token);
    let mut events = request.send().await.unwrap();
    assert_eq!(events.status(), 200);
    for (key, environment) in [("shop", "production"), ("web", "staging")] {
        let path = format!("/apps/{key}/environments/{environment}/deploy");
        assert_eq!(app.post(&path, json!({ "ref": "main" })).await.0, 201);
    }
    let mut told = String::new();
    while !told.contains("\"web\"") {
        told.push_str(std::str::from_utf8(&events.chunk().await.unwrap().unwrap()).unwrap());
    }
    assert!(!says_hidden(&told), "{told}");
    let (status, _) = app.call(Role::Admin, Method::DELETE, &format!("/grants/{id}"), None).await;
    assert_eq!(status, 204);
    // What is told of nothing in particular may come before, and nothing else.
    let rest = async {
        while let Some(chunk) = events.chunk().await.unwrap() {
            told.push_str(std::str::from_utf8(&chunk).unwrap());
            assert!(!says_hidden(&told), "{told}");
            app.call(Role::Admin, Method::GET, "/session", None).await;
        }
    };
    let again = call(app, &token, Method::GET, "/events", None);
    assert_eq!(again.await.0, 403, "with nothing granted there is nothing to tell");
    tokio::time::timeout(Duration::from_secs(60), rest).await.expect("the stream ends");
    ci.finish().await;
}
