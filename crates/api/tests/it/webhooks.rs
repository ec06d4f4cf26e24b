//! From a delivery to files on hosts, and everything that must not become a deployment.

use crate::shop::{Kind, REPOSITORY, Shop, text};
use davit_domain::access::Role;
use davit_domain::ids::CommitSha;
use davit_testkit::app::Database;
use davit_testkit::fake_forge::{NewPullRequest, NewPush};
use serde_json::{Value, json};

const AUTO: &str = "auto = { on = \"push\", branches = [\"main\"] }";

#[tokio::test]
async fn a_push_becomes_files_on_hosts_on_sqlite() {
    a_push_becomes_files_on_hosts(Database::Sqlite).await;
}

#[tokio::test]
async fn a_push_becomes_files_on_hosts_on_postgres() {
    a_push_becomes_files_on_hosts(Database::Postgres).await;
}

async fn a_push_becomes_files_on_hosts(database: Database) {
    let shop = Shop::start_on(database, &[Kind::Local, Kind::Ssh], AUTO).await;
    let (commit, delivery) = shop.push("Sell tea").await;
    shop.app.settle().await;

    let page = shop.get(&format!("/deliveries/{delivery}")).await;
    assert_eq!(page["verdict"], "processed", "{page}");
    assert_eq!(page["reason"], "request 1 for shop to production");
    assert_eq!(page["started"], json!([started(1)]));
    assert!(text(&page["summary"]).contains("Sell tea"), "{page}");
    let request = shop.get("/requests/1").await;
    assert_eq!((&request["kind"], &request["state"]), (&json!("auto"), &json!("succeeded")));
    assert_eq!(request["created_by"], "ada@github");
    let deployment = shop.get("/deployments/1").await;
    assert_eq!((&deployment["state"], &deployment["commit"]), (&json!("succeeded"), &json!(commit)), "{deployment}");
    assert_eq!((&deployment["hosts_total"], &deployment["hosts_done"]), (&json!(2), &json!(2)));
    for host in &shop.hosts {
        assert_eq!(host.live(), Some(text(&deployment["release"])), "{}", host.name);
        assert_eq!(host.read("index.html").as_deref(), Some("Sell tea"));
        assert_eq!(host.read("REVISION"), Some(format!("{commit}\n")));
    }
    let release = text(&deployment["release"]);
    let expected = [format!("pending: {release} to production"), format!("success: {release} is live")];
    assert_eq!(shop.statuses(&commit), expected);
    let link = format!("{}/deployments/1", shop.app.url());
    assert!(shop.app.forge.statuses(REPOSITORY, &commit).iter().all(|status| status.target_url == link));
    for path in ["/overview", "/apps", "/apps/shop", "/requests", "/deployments", "/deliveries", "/hosts", "/forges"] {
        shop.get(path).await;
    }
    shop.finish().await;
}

#[tokio::test]
async fn one_delivery_is_one_deployment_however_often_it_comes_on_sqlite() {
    one_delivery_is_one_deployment_however_often_it_comes(Database::Sqlite).await;
}

#[tokio::test]
async fn one_delivery_is_one_deployment_however_often_it_comes_on_postgres() {
    one_delivery_is_one_deployment_however_often_it_comes(Database::Postgres).await;
}

async fn one_delivery_is_one_deployment_however_often_it_comes(database: Database) {
    let shop = Shop::start_on(database, &[Kind::Local], AUTO).await;
    let commit = shop.commit("Sell tea");
    let delivery = shop.push_of(&commit, "Sell tea");
    let (first, second, third) =
        tokio::join!(shop.app.deliver(&delivery), shop.app.deliver(&delivery), shop.app.deliver(&delivery));
    shop.app.settle().await;
    let fourth = shop.app.deliver(&delivery).await;
    let mut statuses = [first.0, second.0, third.0];
    statuses.sort_unstable();
    assert_eq!((statuses, fourth.0), ([200, 200, 202], 200));
    assert!([&first, &second, &third].iter().all(|(_, answer)| answer["id"] == fourth.1["id"]));

    // Another hook tells of the same push under an id of its own.
    let (status, answer) = shop.app.deliver(&shop.push_of(&commit, "Sell tea")).await;
    assert_eq!(status, 202);
    shop.app.settle().await;
    let page = shop.get(&format!("/deliveries/{}", answer["id"])).await;
    assert_eq!(page["verdict"], "ignored");
    assert_eq!(page["reason"], format!("the same push came as delivery {}", first.1["id"]));
    assert_eq!(page["started"], json!([]));
    let deployments = shop.get("/deployments").await;
    assert_eq!(deployments["items"].as_array().unwrap().len(), 1, "{deployments}");
    assert_eq!(shop.get("/deliveries").await["items"].as_array().unwrap().len(), 2);

    // A person means it.
    let path = format!("/deliveries/{}/replay", first.1["id"]);
    let (status, _) = shop.app.call(Role::Operator, reqwest::Method::POST, &path, Some(json!({}))).await;
    assert_eq!(status, 200);
    shop.app.settle().await;
    let page = shop.get(&format!("/deliveries/{}", first.1["id"])).await;
    assert_eq!(page["started"], json!([started(1), started(2)]));
    assert_eq!(shop.hosts[0].releases().len(), 2);
    shop.finish().await;
}

#[tokio::test]
async fn a_form_is_read_like_json() {
    let shop = Shop::start(&[Kind::Local], AUTO).await;
    let commit = shop.commit("Sell tea & coffee=100% ☕");
    let json = shop.push_of(&commit, "Sell tea & coffee=100% ☕");
    let form = shop.app.forge.sign_form("push", &serde_json::from_slice(&json.body).unwrap());
    assert_eq!(shop.app.deliver(&form).await.0, 202);
    shop.app.settle().await;
    assert_eq!(shop.get("/deployments/1").await["title"], "Sell tea & coffee=100% ☕");
    assert_eq!(shop.hosts[0].read("index.html").as_deref(), Some("Sell tea & coffee=100% ☕"));
    assert!(text(&shop.get("/deliveries/1").await["body"]).starts_with('{'), "people read JSON");
    shop.finish().await;
}

#[tokio::test]
async fn what_can_not_be_read_or_done_says_why() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    // No host has this label.
    let production = shop.production("", AUTO).replace("hosts = [\"local-1\"]", "hosts = { labels = [\"web\"] }");
    shop.configure(&shop.document(&production)).await;
    let unreadable = shop.app.forge.sign("push", &json!({ "ref": 7 }));
    let largest = shop.app.forge.sign("star", &json!({ "padding": "x".repeat(24 << 20) }));
    let commit = shop.commit("Sell tea");
    for (delivery, verdict, reason) in [
        (unreadable, "failed", ""),
        (largest, "ignored", "davit does nothing about"),
        (shop.push_of(&commit, "Sell tea"), "ignored", "nothing for shop to production: no host matches"),
    ] {
        let (status, answer) = shop.app.deliver(&delivery).await;
        assert_eq!(status, 202, "{answer}");
        shop.app.settle().await;
        let page = shop.get(&format!("/deliveries/{}", answer["id"])).await;
        assert_eq!(page["verdict"], verdict, "{}", page["reason"]);
        assert!(text(&page["reason"]).starts_with(reason) && page["reason"] != "", "{}", page["reason"]);
    }
    shop.finish().await;
}

#[tokio::test]
async fn an_environment_takes_only_its_branches() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    let production = shop.production("branches = [\"release/*\"]", "auto = { on = \"push\" }");
    shop.configure(&shop.document(&production)).await;
    let (_, delivery) = shop.push("On main").await;
    shop.app.settle().await;
    let page = shop.get(&format!("/deliveries/{delivery}")).await;
    assert_eq!(
        (&page["verdict"], &page["reason"]),
        (&json!("ignored"), &json!("environment production does not take this branch"))
    );
    let (status, problem) = shop.app.post("/apps/shop/environments/production/deploy", json!({ "ref": "main" })).await;
    assert_eq!(status, 422, "{problem}");
    shop.finish().await;
}

#[tokio::test]
async fn what_is_not_signed_right_is_not_stored() {
    let shop = Shop::start(&[Kind::Local], AUTO).await;
    let commit = shop.commit("Sell tea");
    let good = shop.push_of(&commit, "Sell tea");

    let mut flipped = good.clone();
    flipped.body[10] ^= 1;
    let mut unsigned = good.clone();
    unsigned.headers.remove("x-hub-signature-256");
    let mut empty = good.clone();
    empty.headers.insert("x-hub-signature-256", "".parse().unwrap());
    for bad in [flipped, unsigned, empty] {
        let (status, answer) = shop.app.deliver(&bad).await;
        assert_eq!(status, 401, "{answer}");
    }
    let post = |forge: &str, body: Vec<u8>| {
        let url = format!("{}/hooks/{forge}", shop.app.url());
        shop.app.http().post(url).headers(good.headers.clone()).body(body).send()
    };
    assert_eq!(post("nobody", good.body.clone()).await.unwrap().status(), 404);
    assert_eq!(post("github", vec![b'x'; 26 << 20]).await.unwrap().status(), 413);
    shop.configure("[[forge]]\nid = \"silent\"\nkind = \"github\"\n").await;
    let refused = post("silent", good.body.clone()).await.unwrap();
    assert_eq!(refused.status(), 401);
    assert!(refused.text().await.unwrap().contains("has no webhook secret"));

    assert_eq!(shop.get("/deliveries").await["items"], json!([]));
    assert_eq!(shop.get("/requests").await["items"], json!([]));
    shop.finish().await;
}

#[tokio::test]
async fn what_asks_for_nothing_is_kept_with_a_reason() {
    let shop = Shop::start(&[Kind::Local], AUTO).await;
    let commit = shop.commit("Sell tea");
    let forge = &shop.app.forge;
    let push = |git_ref: &'static str, after| {
        forge.push_delivery(&NewPush {
            repository: REPOSITORY,
            git_ref,
            before: Some(&commit),
            after,
            message: "Sell tea",
            pusher: "ada",
        })
    };
    let elsewhere = NewPush { repository: "acme/else", ..a_push(&commit) };
    for (delivery, reason) in [
        (forge.ping_delivery(REPOSITORY), "a ping: the hook works"),
        (forge.pull_request_delivery(&a_change("closed", &commit, None)), "only a merged change starts a release"),
        (forge.pull_request_delivery(&a_change("opened", &commit, None)), "only a merged change starts a release"),
        (forge.sign("star", &json!({ "action": "created" })), "davit does nothing about \"star\" events"),
        (push("refs/heads/main", None), "a deleted branch or tag is never released"),
        (push("refs/heads/feature", Some(&commit)), "no release config of shop starts by itself on this"),
        (push("refs/tags/v1", Some(&commit)), "no release config of shop starts by itself on this"),
        (forge.push_delivery(&elsewhere), "no app uses the repository acme/else"),
    ] {
        let (status, answer) = shop.app.deliver(&delivery).await;
        assert_eq!(status, 202, "{reason}: {answer}");
        shop.app.settle().await;
        let page = shop.get(&format!("/deliveries/{}", answer["id"])).await;
        assert_eq!((&page["verdict"], &page["reason"]), (&json!("ignored"), &json!(reason)), "{page}");
        let headers = page["headers"].to_string();
        assert!(headers.contains("***") && !headers.contains("sha256="), "{headers}");
    }
    assert_eq!(shop.get("/requests").await["items"], json!([]));
    shop.finish().await;
}

#[tokio::test]
async fn a_merge_of_a_fork_releases_the_merge_commit_of_the_base() {
    let shop = Shop::start(&[Kind::Local], "auto = { on = \"merge\", branches = [\"main\"] }").await;
    let merge = shop.commit("Merge the fork");
    // The head is no commit of the base repository: fetching it would fail.
    let head = CommitSha::try_from("f".repeat(40)).unwrap();
    let change = NewPullRequest { head: &head, ..a_change("closed", &head, Some(&merge)) };
    assert_eq!(shop.app.deliver(&shop.app.forge.pull_request_delivery(&change)).await.0, 202);
    // The push of the same merge asks for nothing: this release config waits for merges.
    assert_eq!(shop.app.deliver(&shop.push_of(&merge, "Merge the fork")).await.0, 202);
    shop.app.settle().await;
    let deployments = shop.get("/deployments").await;
    assert_eq!(deployments["items"].as_array().unwrap().len(), 1, "{deployments}");
    let deployment = &deployments["items"][0];
    assert_eq!((&deployment["state"], &deployment["commit"]), (&json!("succeeded"), &json!(merge)), "{deployment}");
    assert_eq!(deployment["title"], "Add coffee (#7)");
    assert_eq!(shop.hosts[0].read("index.html").as_deref(), Some("Merge the fork"));
    shop.finish().await;
}

#[tokio::test]
async fn a_merge_that_comes_late_does_not_go_over_a_newer_one() {
    let shop = Shop::start(&[Kind::Local], "auto = { on = \"merge\", branches = [\"main\"] }").await;
    let head = CommitSha::try_from("f".repeat(40)).unwrap();
    let merges = ["Sell tea", "Sell coffee", "Sell cocoa"].map(|title| shop.commit(title));
    let tell = async |number: usize| {
        let change = NewPullRequest {
            number: i64::try_from(number).unwrap() + 1,
            ..a_change("closed", &head, Some(&merges[number]))
        };
        let (status, answer) = shop.app.deliver(&shop.app.forge.pull_request_delivery(&change)).await;
        assert_eq!(status, 202, "{answer}");
        shop.app.settle().await;
        text(&shop.get(&format!("/deliveries/{}", answer["id"])).await["reason"])
    };
    let late = format!(
        "nothing for shop to production: this merge came late, the later {} was asked for before",
        merges[1].short()
    );
    assert_eq!(tell(1).await, "request 1 for shop to production");
    assert_eq!(tell(0).await, late);
    assert_eq!(tell(2).await, "request 2 for shop to production");
    assert_eq!(shop.hosts[0].read("index.html").as_deref(), Some("Sell cocoa"));
    shop.finish().await;
}

#[tokio::test]
async fn a_tag_releases_what_it_names() {
    let shop = Shop::start(&[Kind::Local], "auto = { on = \"tag\", branches = [\"v*\"] }").await;
    let commit = shop.commit("Sell tea");
    shop.repo.annotated_tag("v1.0", "One");
    shop.repo.tag("nightly");
    shop.app.publish(&shop.repo, REPOSITORY);
    for git_ref in ["refs/tags/nightly", "refs/tags/v1.0"] {
        let push = NewPush { git_ref, before: None, ..a_push(&commit) };
        assert_eq!(shop.app.deliver(&shop.app.forge.push_delivery(&push)).await.0, 202);
    }
    shop.app.settle().await;
    let deployments = shop.get("/deployments").await;
    assert_eq!(deployments["items"].as_array().unwrap().len(), 1, "{deployments}");
    assert_eq!(deployments["items"][0]["git_ref"], "refs/tags/v1.0");
    assert_eq!(deployments["items"][0]["state"], "succeeded", "{deployments}");
    shop.finish().await;
}

/// A request that has the number of its deployment, done, as a delivery's page shows it.
fn started(number: i64) -> Value {
    json!({ "request": number, "deployment": number, "app": "shop", "environment": "production", "state": "succeeded",
            "title": "Sell tea" })
}

fn a_push(after: &CommitSha) -> NewPush<'_> {
    NewPush {
        repository: REPOSITORY,
        git_ref: "refs/heads/main",
        before: Some(after),
        after: Some(after),
        message: "Sell tea",
        pusher: "ada",
    }
}

fn a_change<'a>(action: &'a str, head: &'a CommitSha, merge_commit: Option<&'a CommitSha>) -> NewPullRequest<'a> {
    NewPullRequest {
        repository: REPOSITORY,
        number: 7,
        action,
        title: "Add coffee",
        author: "grace",
        head_repository: Some("grace/shop"),
        head_branch: "coffee",
        head,
        base_branch: "main",
        draft: false,
        merge_commit,
    }
}
