//! Lists page by page, and what each filter leaves.

use crate::shop::{Kind, REPOSITORY, Shop, text};
use davit_domain::access::Role;
use davit_testkit::app::Database;
use reqwest::Method;
use serde_json::{Value, json};

/// The ids of all pages, two a page.
async fn ids(shop: &Shop, path: &str) -> Vec<i64> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let joint = if path.contains('?') { '&' } else { '?' };
        let page = shop.get(&format!("{path}{joint}limit=2{cursor}")).await;
        let items = page["items"].as_array().unwrap();
        assert!(items.len() <= 2);
        ids.extend(items.iter().map(|item| item["id"].as_i64().unwrap()));
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

#[tokio::test]
async fn every_row_is_on_one_page_on_sqlite() {
    every_row_is_on_one_page(Database::Sqlite).await;
}

#[tokio::test]
async fn every_row_is_on_one_page_on_postgres() {
    every_row_is_on_one_page(Database::Postgres).await;
}

async fn every_row_is_on_one_page(database: Database) {
    let shop = Shop::bare(database, &[Kind::Local]).await;
    let fails = "hooks.before_release = 'case $DAVIT_REQUEST_TITLE in bad*) exit 1;; esac'";
    let staging = shop.release("-staging", fails).replace("\"production\"", "\"staging\"");
    let production = shop.production("", fails);
    shop.configure(&shop.document(&format!("[[environment]]\nkey = \"staging\"\n{production}{staging}"))).await;
    for (environment, title) in [("production", "a"), ("staging", "b"), ("production", "bad"), ("production", "c")] {
        let path = format!("/apps/shop/environments/{environment}/deploy");
        assert_eq!(shop.app.post(&path, json!({ "title": title })).await.0, 201);
        shop.app.settle().await;
    }
    for number in 0..3 {
        let delivery = shop.app.forge.sign("star", &json!({ "number": number }));
        assert_eq!(shop.app.deliver(&delivery).await.0, 202);
    }
    assert_eq!(shop.app.deliver(&shop.app.forge.ping_delivery(REPOSITORY)).await.0, 202);
    shop.app.settle().await;

    for list in ["/deployments", "/requests"] {
        assert_eq!(ids(&shop, list).await, [4, 3, 2, 1], "{list}");
        assert_eq!(ids(&shop, &format!("{list}?app=shop&environment=production")).await, [4, 3, 1], "{list}");
        assert_eq!(ids(&shop, &format!("{list}?state=failed")).await, [3], "{list}");
        assert_eq!(ids(&shop, &format!("{list}?app=other")).await, [0; 0], "{list}");
    }
    assert_eq!(ids(&shop, "/deliveries").await, [4, 3, 2, 1]);
    assert_eq!(ids(&shop, "/deliveries?forge=github&verdict=ignored").await, [4, 3, 2, 1]);
    assert_eq!(ids(&shop, "/deliveries?verdict=processed").await, [0; 0]);
    let cells = shop.get("/overview").await["apps"][0]["cells"].clone();
    let last = |environment: &str| -> Value {
        let cells = cells.as_array().unwrap();
        cells.iter().find(|cell| cell["environment"] == environment).unwrap()["last"]["title"].clone()
    };
    assert_eq!((last("production"), last("staging")), (json!("c"), json!("b")));
    shop.finish().await;
}

#[tokio::test]
async fn branches_and_tags_are_those_of_the_remote_now() {
    let shop = Shop::start(&[Kind::Local], "").await;
    shop.repo.annotated_tag("v1", "One");
    shop.repo.branch("feature/茶");
    let commit = shop.commit("On a branch");
    let refs = shop.get("/apps/shop/refs").await;
    let names = |kind: &str| -> Vec<String> {
        let mut names: Vec<String> = refs[kind].as_array().unwrap().iter().map(|known| text(&known["name"])).collect();
        names.sort();
        names
    };
    assert_eq!((names("branches"), names("tags")), (vec!["feature/茶".into(), "main".into()], vec!["v1".to_owned()]));
    let branch = refs["branches"].as_array().unwrap().iter().find(|known| known["name"] == "feature/茶").unwrap();
    assert_eq!((&branch["commit"], &branch["subject"]), (&json!(commit), &json!("On a branch")));
    let deployment = shop.ask(json!({ "ref": "feature/茶" })).await;
    assert_eq!(shop.ended(deployment).await["state"], "succeeded");
    assert_eq!(shop.hosts[0].read("index.html").as_deref(), Some("On a branch"));
    shop.finish().await;
}

#[tokio::test]
async fn hosts_can_be_chosen_and_verified() {
    let shop = Shop::start(&[Kind::Local, Kind::Ssh], "").await;
    let id = shop.ask(json!({ "hosts": ["ssh-2"] })).await;
    assert_eq!(shop.ended(id).await["hosts_total"], 1);
    assert_eq!((shop.hosts[0].live(), shop.hosts[1].live().is_some()), (None, true));
    for host in ["local-1", "ssh-2"] {
        let path = format!("/hosts/{host}/verify");
        let (status, check) = shop.app.call(Role::Operator, Method::POST, &path, Some(json!({}))).await;
        assert_eq!((status, &check["ok"], &check["code"]), (200, &json!(true), &json!("ok")), "{check}");
    }
    let hosts = shop.get("/hosts").await;
    assert_eq!(hosts["items"][1]["check"]["ok"], true, "{hosts}");
    assert!(text(&hosts["items"][1]["host_key_fingerprint"]).starts_with("SHA256:"));
    shop.hosts[1].sshd().refuse(true);
    let (_, check) = shop.app.post("/hosts/ssh-2/verify", json!({})).await;
    assert_eq!((&check["ok"], &check["code"]), (&json!(false), &json!("unreachable")), "{check}");
    shop.finish().await;
}
