//! One forge's trouble is its own: limits, silence and refusals hold up nobody else, and are never silent themselves.

use crate::shop::{Kind, REPOSITORY, Shop};
use davit_domain::access::Role;
use davit_domain::config::ForgeKind;
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitState;
use davit_engine::apply::Apply;
use davit_testkit::app::Database;
use davit_testkit::fake_forge::{Access, FakeForge, Fault, GitBackend, Permission};
use davit_testkit::git::{self, Repo};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const BLOG: &str = "acme/blog";
const STATUSES: &str = "/statuses/";

/// The shop, and a blog at another forge.
struct Two {
    shop: Shop,
    other: FakeForge,
    blog: CommitSha,
}

impl Two {
    async fn start() -> Self {
        let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
        let root = shop.app.path("other-forge");
        std::fs::create_dir_all(root.join("acme")).unwrap();
        let other =
            FakeForge::start_with_git(ForgeKind::Github, GitBackend { root: root.clone(), router: git::router(&root) })
                .await;
        let repo = Repo::init(shop.app.path("blog"));
        let blog = repo.commit("First post", &[("index.html", "first post")]).parse().unwrap();
        repo.clone_bare(root.join(format!("{BLOG}.git")));
        other.add_repository(BLOG, Access::Write);
        let two = Self { shop, other, blog };
        two.configure().await;
        two
    }

    async fn configure(&self) {
        let shop = &self.shop;
        let forge = format!(
            "[[forge]]\nid = \"other\"\nkind = \"github\"\napi_url = {:?}\ntoken = {{ env = \"OTHER_TOKEN\" }}\n\n",
            self.other.api_url()
        );
        let app = format!(
            "[[app]]\nkey = \"blog\"\nname = \"Blog\"\nrepository = {{ forge = \"other\", name = {BLOG:?} }}\n\n{}",
            shop.release("-blog", "")
        );
        let document = format!("{forge}{}{app}", shop.document(&shop.production("", "")));
        let mut values = BTreeMap::new();
        values.insert("env:OTHER_TOKEN".to_owned(), self.other.token().to_owned().into());
        values.insert("env:TEST_TOKEN".to_owned(), shop.app.forge.token().to_owned().into());
        values.insert("env:TEST_SECRET".to_owned(), shop.app.forge.webhook_secret().into());
        shop.app.engine().apply(Apply { document, values, prune: false, dry_run: false }, "test").await.unwrap();
    }

    /// Releases the blog.
    async fn release_blog(&self) -> i64 {
        self.shop.app.advance(Duration::from_secs(1));
        let (status, request) =
            self.shop.app.post("/apps/blog/environments/production/deploy", json!({ "ref": "main" })).await;
        assert_eq!(status, 201, "{request}");
        request["deployment"].as_i64().unwrap()
    }

    async fn blog_is_told(&self) {
        self.other.wait_for_status(BLOG, &self.blog, "davit/deploy/production", CommitState::Success).await;
    }
}

#[tokio::test]
async fn a_forge_that_does_not_answer_holds_up_nobody_else() {
    let two = Two::start().await;
    let hold = two.shop.app.forge.hold();
    // More calls to the silent forge than it ever gets at once.
    let commits = ["One", "Two", "Three", "Four", "Five", "Six"].map(|title| two.shop.commit(title));
    for commit in commits {
        two.shop.ask(json!({ "commit": commit })).await;
    }
    hold.until_requests(1).await;
    two.release_blog().await;
    two.blog_is_told().await;
    assert!(two.shop.app.forge.requests().len() < 6, "a bounded number at once");
    drop(hold);
    two.shop.app.settle().await;
    two.shop.finish().await;
}

#[tokio::test]
async fn a_clock_that_jumps_while_a_call_is_under_way_makes_it_no_second_time() {
    let two = Two::start().await;
    let hold = two.shop.app.forge.hold();
    let commit = two.shop.commit("Sell tea");
    let id = two.shop.ask(json!({ "commit": commit })).await;
    let calls = || two.shop.app.forge.requests().iter().filter(|request| request.line.contains(STATUSES)).count();
    two.shop.app.until("the forge hears of the beginning", async || (calls() == 1).then_some(())).await;
    // Every lease would be over by now, and davit has looked for calls since: it told the other forge.
    two.shop.app.advance(Duration::from_secs(3600));
    two.release_blog().await;
    two.blog_is_told().await;
    assert_eq!(calls(), 1, "it is under way still");
    drop(hold);
    two.shop.app.settle().await;
    assert_eq!(two.shop.get(&format!("/deployments/{id}")).await["state"], "succeeded");
    let statuses = two.shop.statuses(&commit);
    assert_eq!((calls(), statuses.len()), (2, 2), "the beginning and the end: {statuses:?}");
    assert!(statuses[1].starts_with("success"), "{statuses:?}");
    two.shop.finish().await;
}

#[tokio::test]
async fn a_forge_that_is_out_of_patience_is_left_alone_and_the_other_is_not() {
    let two = Two::start().await;
    two.shop.app.forge.fail_next(1, &Fault::RetryAfter(Duration::from_secs(3600)));
    two.shop.released("Sell tea").await;
    let refused = two.shop.app.forge.requests().len();
    let last = two.shop.commit("Sell coffee");
    let id = two.shop.ask(json!({ "commit": last })).await;
    two.shop.ended(id).await;
    let id = two.release_blog().await;
    two.shop.app.ended(id).await;
    two.blog_is_told().await;
    assert!(two.shop.app.forge.requests().len() < refused + 4, "only what was under way when it refused");
    assert_eq!(two.shop.statuses(&last), [""; 0]);
    two.shop.app.advance(Duration::from_secs(3600));
    two.shop.app.settle().await;
    assert!(two.shop.statuses(&last)[0].starts_with("success"), "the last state, and it alone");
    two.shop.finish().await;
}

#[tokio::test]
async fn a_budget_that_is_used_up_is_waited_for() {
    let shop = Shop::start(&[Kind::Local], "").await;
    shop.app.forge.set_budget(5000, 1, Duration::from_secs(600));
    shop.released("Sell tea").await;
    let calls = shop.app.forge.requests().len();
    let commit = shop.commit("Sell coffee");
    let id = shop.ask(json!({ "commit": commit })).await;
    shop.ended(id).await;
    assert_eq!(shop.app.forge.requests().len(), calls, "nobody asks in vain");
    shop.app.advance(Duration::from_secs(700));
    shop.app.settle().await;
    assert!(shop.statuses(&commit).last().unwrap().starts_with("success"));
    shop.finish().await;
}

async fn alerts(shop: &Shop) -> Vec<Value> {
    shop.app.get("/alerts").await["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn what_can_not_be_told_for_a_day_is_an_alert_until_it_is_told() {
    let shop = Shop::start(&[Kind::Local], "").await;
    shop.app.forge.deny(REPOSITORY, Permission::Statuses);
    let commit = shop.commit("Sell tea");
    let id = shop.ask(json!({ "commit": commit })).await;
    shop.ended(id).await;
    for _ in 0..24 {
        shop.app.advance(Duration::from_secs(3600));
        shop.app.settle().await;
    }
    assert_eq!(alerts(&shop).await, [Value::Null; 0]);
    shop.app.advance(Duration::from_secs(3600));
    shop.app.settle().await;
    let open = alerts(&shop).await;
    assert_eq!(open.len(), 1, "{open:?}");
    assert!(open[0]["detail"].as_str().unwrap().contains("403"), "{open:?}");
    shop.app.forge.allow(REPOSITORY, Permission::Statuses);
    shop.app.advance(Duration::from_secs(3600));
    shop.app.settle().await;
    assert!(shop.statuses(&commit).last().unwrap().starts_with("success"));
    assert_eq!(alerts(&shop).await, [Value::Null; 0]);
    shop.finish().await;
}

#[tokio::test]
async fn what_was_refused_for_good_is_tried_again_when_a_person_says_so() {
    let shop = Shop::start(&[Kind::Local], "").await;
    shop.app.forge.fail_where(STATUSES, 2, &Fault::Status(422));
    let commit = shop.commit("Sell tea");
    let id = shop.ask(json!({ "commit": commit })).await;
    shop.ended(id).await;
    let dead = shop.app.get("/outbox?state=dead").await;
    let call = dead["items"][0].clone();
    assert!(call["lane"].as_str().unwrap().starts_with("status github"), "{dead}");
    assert_eq!(alerts(&shop).await.len(), 1);
    let path = format!("/outbox/{}/retry", call["id"]);
    let (status, answer) = shop.app.call(Role::Viewer, Method::POST, &path, Some(json!({}))).await;
    assert_eq!(status, 403, "{answer}");
    let (status, answer) = shop.app.call(Role::Operator, Method::POST, &path, Some(json!({}))).await;
    assert_eq!(status, 200, "{answer}");
    shop.app.settle().await;
    assert!(shop.statuses(&commit).last().unwrap().starts_with("success"));
    assert_eq!(alerts(&shop).await, [Value::Null; 0]);
    let (status, answer) = shop.app.call(Role::Operator, Method::POST, &path, Some(json!({}))).await;
    assert_eq!(status, 409, "{answer}");
    shop.finish().await;
}
