//! Finding things of any kind, and only what one may see.

use crate::people::{call, grant, newcomer};
use crate::sight::two_apps;
use davit_testkit::app::TestApp;
use reqwest::Method;
use serde_json::Value;

/// Kind and title of what is found, in order.
fn titles(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items.map(|hit| format!("{} {}", hit["kind"].as_str().unwrap(), hit["title"].as_str().unwrap())).collect()
}

async fn found(app: &TestApp, q: &str) -> Vec<String> {
    titles(&app.get(&format!("/search?q={q}")).await)
}

#[tokio::test]
async fn whatever_is_typed_leads_somewhere() {
    let (ci, _web) = two_apps().await;
    let app = &ci.app;
    let shop = found(app, "shop").await;
    assert_eq!(shop[0], "app shop", "what it is called comes first: {shop:#?}");
    assert!(shop.iter().any(|hit| hit.starts_with("request #") && hit.ends_with("shop goes out")), "{shop:#?}");
    assert_eq!(found(app, "VAULT").await, ["host vault-1"]);
    assert_eq!(found(app, "prod").await[0], "environment production");
    assert_eq!(found(app, "github").await[0], "forge github");
    assert!(found(app, "viewer").await.contains(&"person viewer".to_owned()));
    assert!(found(app, "goes%20out").await.len() >= 2);

    let deployment = app.get("/deployments").await["items"][0].clone();
    let commit = &deployment["commit"].as_str().unwrap()[..7];
    let by_commit = found(app, &commit.to_uppercase()).await;
    for kind in ["request", "deployment", "run"] {
        assert!(by_commit.iter().any(|hit| hit.starts_with(&format!("{kind} "))), "{kind} in {by_commit:#?}");
    }
    let by_number = found(app, "%231").await;
    for kind in ["request", "deployment", "run"] {
        assert!(by_number.iter().any(|hit| hit.starts_with(&format!("{kind} #1 "))), "{kind} in {by_number:#?}");
    }
    let hit = app.get("/search?q=%231").await["items"][0].clone();
    assert_eq!(hit["key"], "1");
    assert!(hit["state"].is_string() && hit["at"].is_string(), "{hit}");
    ci.finish().await;
}

#[tokio::test]
async fn nothing_is_found_for_nothing_and_too_much_is_refused() {
    let app = TestApp::start().await;
    for q in ["", "%20%20", "no-such-thing", "%25", "%23"] {
        assert_eq!(found(&app, q).await, [""; 0], "{q}");
    }
    let url = format!("{}/api/v1/search?q={}", app.url(), "x".repeat(201));
    let token = app.token(davit_domain::access::Role::Viewer);
    assert_eq!(app.http().get(url).bearer_auth(token).send().await.unwrap().status(), 422);
    app.finish().await;
}

#[tokio::test]
async fn what_is_hidden_is_not_found() {
    let (ci, _web) = two_apps().await;
    let token = newcomer(&ci.app, "ana").await;
    grant(&ci.app, "ana", "viewer", "app:web").await;
    let get = async |q: &str| {
        let (status, page) = call(&ci.app, &token, Method::GET, &format!("/search?q={q}"), None).await;
        assert_eq!(status, 200, "{page}");
        titles(&page)
    };
    for q in ["shop", "vault", "production", "Hidden", "Topic", "viewer"] {
        assert_eq!(get(q).await, [""; 0], "{q}");
    }
    for number in 1..=8 {
        let hits = get(&format!("%23{number}")).await;
        assert!(!hits.iter().any(|hit| hit.contains("shop") || hit.contains("Hidden")), "{number}: {hits:#?}");
    }
    let web = get("web").await;
    assert_eq!(web[..2], ["app web", "host web-1"], "{web:#?}");
    assert!(web.iter().any(|hit| hit.ends_with("web waits")), "{web:#?}");

    let nobody = newcomer(&ci.app, "nobody").await;
    let (status, page) = call(&ci.app, &nobody, Method::GET, "/search?q=web", None).await;
    assert_eq!((status, titles(&page)), (200, Vec::new()));
    ci.finish().await;
}
