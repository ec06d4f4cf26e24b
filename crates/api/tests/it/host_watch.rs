//! A host that can't be reached twice in a row is an alert, and people hear of it; so they do when it is back.

use crate::shop::{Kind, Shop};
use davit_domain::access::Role;
use davit_testkit::app::Database;
use davit_testkit::fake_chat::{FakeChat, Message, Vendor};
use reqwest::Method;
use serde_json::json;

#[tokio::test]
async fn a_host_goes_and_comes_back() {
    let chat = FakeChat::start(Vendor::Dingtalk(None)).await;
    let shop = Shop::bare(Database::Sqlite, &[Kind::Ssh]).await;
    let body = Some(json!({ "value": chat.url }));
    assert_eq!(shop.app.call(Role::Admin, Method::PUT, "/secrets/url", body).await.0, 204);
    let channel = "[[channel]]\nid = \"ops\"\nkind = \"dingtalk\"\nurl = { secret = \"url\" }\nallow_private = true\n";
    shop.configure(&shop.document(&format!("{}\n{channel}", shop.production("", "")))).await;
    let look = async |shop: &Shop| {
        shop.app.engine().watch_hosts().await.unwrap();
        shop.app.settle().await;
        let alerts = shop.get("/alerts").await["items"].as_array().unwrap().len();
        (alerts, chat.taken().len())
    };
    assert_eq!(look(&shop).await, (0, 0));
    shop.hosts[0].sshd().refuse(true);
    assert_eq!(look(&shop).await, (0, 0), "once is no news");
    assert_eq!(look(&shop).await, (1, 1));
    assert_eq!(look(&shop).await, (1, 1), "it is told once");
    shop.hosts[0].sshd().refuse(false);
    assert_eq!(look(&shop).await, (0, 2));
    // Whoever takes a dead host away has dealt with it.
    shop.hosts[0].sshd().refuse(true);
    assert_eq!(look(&shop).await, (0, 2));
    assert_eq!(look(&shop).await, (1, 3));
    let (status, answer) = shop
        .app
        .post(
            "/apply",
            json!({
                "document": channel, "values": {}, "dry_run": false, "prune": true
            }),
        )
        .await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(look(&shop).await, (0, 3));
    let title = |message: &Message| message.json()["markdown"]["title"].as_str().unwrap().to_owned();
    let titles: Vec<String> = chat.taken().iter().map(title).collect();
    assert_eq!(titles[..2], ["Host ssh-1 can't be reached", "Host ssh-1 can be reached again"]);
    shop.finish().await;
}
