//! Deployments at forges: davit tells of its own, carries out what others ask for, and knows which is which.

use crate::shop::{Kind, REPOSITORY, Shop, text};
use davit_domain::access::Role;
use davit_domain::config::ForgeKind;
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitState;
use davit_testkit::app::Database;
use davit_testkit::fake_forge::{Deployment, Fault, NewDeployment, NewStatus};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const CALLED_PROD: &str = "url = \"https://shop.example.com\"\nforge_name = \"prod\"";
const ON_DEPLOYMENT: &str = "auto = { on = \"deployment_event\" }";

/// With `production` called `prod` at the forge.
async fn shop(kind: ForgeKind, environment: &str, release: &str) -> Shop {
    shop_on(Database::Sqlite, kind, environment, release).await
}

async fn shop_on(database: Database, kind: ForgeKind, environment: &str, release: &str) -> Shop {
    let shop = Shop::bare_at(kind, database, &[Kind::Local]).await;
    let production = shop.production(&format!("{CALLED_PROD}\n{environment}"), release);
    shop.configure(&shop.document(&production)).await;
    shop
}

/// The one deployment that the forge knows.
fn only(shop: &Shop) -> Deployment {
    let deployments = shop.app.forge.deployments(REPOSITORY);
    assert_eq!(deployments.len(), 1, "{deployments:?}");
    deployments.into_iter().next().unwrap()
}

fn words(deployment: &Deployment) -> Vec<&str> {
    deployment.statuses.iter().map(|status| status.word.as_str()).collect()
}

/// Each state that follows has its place; what was overtaken may be missing.
fn assert_in_order(deployment: &Deployment, order: &[&str]) {
    let places: Vec<_> = words(deployment).iter().map(|word| order.iter().position(|known| known == word)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{:?}", words(deployment));
    assert_eq!(words(deployment).last(), order.last(), "the end is told");
}

/// A deployment that somebody makes at the forge, and its delivery.
fn asked_for<'a>(commit: &'a CommitSha) -> NewDeployment<'a> {
    NewDeployment {
        repository: REPOSITORY,
        number: 0,
        environment: "prod",
        commit,
        reference: "main",
        description: "from the chat",
        payload: "",
        by: "grace",
    }
}

async fn delivered(shop: &Shop, delivery: &davit_testkit::fake_forge::Delivery) -> Value {
    let (status, answer) = shop.app.deliver(delivery).await;
    assert_eq!(status, 202, "{answer}");
    shop.app.settle().await;
    shop.get(&format!("/deliveries/{}", answer["id"])).await
}

#[tokio::test]
async fn github_hears_of_every_deployment_on_sqlite() {
    github_hears_of_every_deployment(Database::Sqlite).await;
}

#[tokio::test]
async fn github_hears_of_every_deployment_on_postgres() {
    github_hears_of_every_deployment(Database::Postgres).await;
}

async fn github_hears_of_every_deployment(database: Database) {
    let shop = shop_on(database, ForgeKind::Github, "", "").await;
    let commit = shop.commit("Sell tea");
    let id = shop.ask(json!({ "ref": "main", "title": "Tea" })).await;
    shop.ended(id).await;
    let deployment = only(&shop);
    assert_eq!((deployment.environment.as_str(), deployment.sha.as_str()), ("prod", commit.as_str()));
    assert_eq!(deployment.payload["davit"]["deployment"], json!(id), "{deployment:?}");
    assert_in_order(&deployment, &["queued", "in_progress", "success"]);
    let end = deployment.statuses.last().unwrap();
    assert_eq!(end.log_url, format!("{}/deployments/{id}", shop.app.url()));
    assert_eq!(end.environment_url, "https://shop.example.com");
    assert!(shop.statuses(&commit).last().unwrap().starts_with("success"), "the commit's status is told as before");
    shop.finish().await;
}

#[tokio::test]
async fn each_end_has_a_word_of_its_own() {
    let shop = shop(ForgeKind::Github, "", "hooks.after_checkout = 'exit 3'").await;
    let deployment = shop.release_new("Broken").await;
    assert_eq!(deployment["state"], "failed", "{deployment}");
    assert_in_order(&only(&shop), &["queued", "in_progress", "failure"]);

    let gate = shop.gate("gate");
    let release = format!("hooks.after_checkout = \"\"\"{}\"\"\"", gate.wait());
    shop.configure(&shop.document(&shop.production(CALLED_PROD, &release))).await;
    let first = shop.commit("First");
    let (running, waiting) = (shop.ask(json!({ "commit": first })).await, shop.ask(json!({ "commit": first })).await);
    let (status, answer) = shop.app.post(&format!("/deployments/{waiting}/cancel"), json!({})).await;
    assert_eq!(status, 200, "{answer}");
    gate.open();
    shop.ended(running).await;
    shop.ended(waiting).await;
    let told = shop.app.forge.deployments(REPOSITORY);
    let of = |id: i64| told.iter().find(|told| told.payload["davit"]["deployment"] == json!(id)).unwrap();
    assert_in_order(of(running), &["queued", "in_progress", "success"]);
    assert_in_order(of(waiting), &["queued", "inactive"]);
    shop.finish().await;
}

#[tokio::test]
async fn an_answer_that_is_lost_makes_no_second_deployment() {
    for kind in [ForgeKind::Github, ForgeKind::Gitlab] {
        let mut shop = shop(kind, "", "").await;
        shop.app.forge.fail_where("deployments", 0, &Fault::DropAfter);
        shop.app.forge.fail_where("POST /", 6, &Fault::DropAfter);
        shop.release_new("Sell tea").await;
        shop.app.restart().await;
        for _ in 0..10 {
            shop.app.advance(Duration::from_secs(600));
            shop.app.settle().await;
        }
        let deployment = only(&shop);
        assert_eq!(deployment.state(), "success", "{kind:?}: {deployment:?}");
        shop.finish().await;
    }
}

#[tokio::test]
async fn a_slow_answer_about_the_beginning_does_not_overtake_the_end() {
    let shop = shop(ForgeKind::Github, "", "").await;
    let hold = shop.app.forge.hold();
    let commit = shop.commit("Sell tea");
    let id = shop.ask(json!({ "commit": commit })).await;
    hold.until_requests(1).await;
    let succeeded = async || (shop.get(&format!("/deployments/{id}")).await["state"] == "succeeded").then_some(());
    shop.app.until("the deployment does not wait for the forge", succeeded).await;
    drop(hold);
    shop.app.settle().await;
    assert_in_order(&only(&shop), &["queued", "in_progress", "success"]);
    shop.finish().await;
}

#[tokio::test]
async fn what_others_ask_for_goes_through_the_review_and_gets_its_states_under_its_own_number() {
    for kind in [ForgeKind::Github, ForgeKind::Gitlab] {
        let shop = shop(kind, "review = { required = 1 }", ON_DEPLOYMENT).await;
        let commit = shop.commit("Sell tea");
        let asked = asked_for(&commit);
        let number = shop.app.forge.add_deployment(&asked);
        let asked = NewDeployment { number, ..asked };
        let page = delivered(&shop, &shop.app.forge.deployment_delivery(&asked)).await;
        assert_eq!(page["reason"], "request 1 for shop to production", "{kind:?}: {page}");
        let request = shop.get("/requests/1").await;
        assert_eq!(request["state"], "awaiting_review", "{request}");
        assert_eq!(
            (text(&request["commit"]), request["git_ref"].clone()),
            (commit.to_string(), json!("refs/heads/main"))
        );
        let waits = only(&shop);
        assert_eq!(waits.statuses.len(), 1, "{kind:?}: the maker sees that it waits: {waits:?}");

        // Told once more, and as it goes on.
        let page = delivered(&shop, &shop.app.forge.deployment_delivery(&asked)).await;
        assert_eq!(page["verdict"], "ignored", "{kind:?}: {page}");
        let (status, answer) =
            shop.app.call(Role::Operator, Method::POST, "/requests/1/approve", Some(json!({}))).await;
        assert_eq!(status, 200, "{answer}");
        shop.ended(1).await;
        let done = only(&shop);
        assert_eq!((done.number, done.state()), (number, "success"), "{kind:?}: {done:?}");
        assert_eq!(shop.hosts[0].read("index.html").as_deref(), Some("Sell tea"));
        assert_eq!(shop.get("/requests").await["items"].as_array().unwrap().len(), 1);
        shop.finish().await;
    }
}

#[tokio::test]
async fn whoever_asked_hears_of_a_refusal() {
    let shop = shop(ForgeKind::Github, "review = { required = 1 }", ON_DEPLOYMENT).await;
    let commit = shop.commit("Sell tea");
    let number = shop.app.forge.add_deployment(&asked_for(&commit));
    delivered(&shop, &shop.app.forge.deployment_delivery(&NewDeployment { number, ..asked_for(&commit) })).await;
    let (status, answer) = shop
        .app
        .call(Role::Operator, Method::POST, "/requests/1/reject", Some(json!({ "reason": "not on Fridays" })))
        .await;
    assert_eq!(status, 200, "{answer}");
    shop.app.settle().await;
    let rejected = only(&shop);
    assert_eq!(words(&rejected), ["queued", "inactive"]);
    assert!(rejected.statuses[1].description.contains("not on Fridays"), "{rejected:?}");
    shop.finish().await;
}

#[tokio::test]
async fn nothing_starts_where_nobody_said_so() {
    let shop = shop(ForgeKind::Github, "", "").await;
    let commit = shop.commit("Sell tea");
    for (environment, reason) in [
        ("prod", "no release config of shop starts by itself on this"),
        ("elsewhere", "no environment is called \"elsewhere\" at forges: give one this `forge_name`"),
    ] {
        let asked = NewDeployment { environment, number: 77, ..asked_for(&commit) };
        let page = delivered(&shop, &shop.app.forge.deployment_delivery(&asked)).await;
        assert_eq!((&page["verdict"], &page["reason"]), (&json!("ignored"), &json!(reason)));
    }
    assert_eq!(shop.get("/requests").await["items"], json!([]));
    shop.finish().await;
}

#[tokio::test]
async fn only_what_an_allowed_branch_holds_goes_where_branches_are_restricted() {
    for kind in [ForgeKind::Github, ForgeKind::Gitlab] {
        let shop = shop(kind, "branches = [\"main\"]", ON_DEPLOYMENT).await;
        let merged = shop.commit("Sell tea");
        shop.repo.tag("v1");
        shop.repo.branch("feature");
        shop.repo.switch("feature");
        let unmerged = shop.commit("Sell poison");
        shop.repo.tag("v2");
        shop.app.publish(&shop.repo, REPOSITORY);
        // A tag, a branch with a commit of another, a bare commit.
        let attempts = [("refs/tags/v2", &unmerged), ("main", &unmerged), (unmerged.as_str(), &unmerged)];
        for (number, (reference, commit)) in (70..).zip(attempts) {
            let asked = NewDeployment { number, reference, ..asked_for(commit) };
            let page = delivered(&shop, &shop.app.forge.deployment_delivery(&asked)).await;
            let reason =
                format!("the environment takes only main, and none of these branches holds {}", commit.short());
            assert_eq!(
                (&page["verdict"], &page["reason"]),
                (&json!("ignored"), &json!(reason)),
                "{kind:?} {reference}"
            );
        }
        for (number, reference) in (80..).zip(["main", "refs/tags/v1", merged.as_str()]) {
            let asked = NewDeployment { number, reference, ..asked_for(&merged) };
            let page = delivered(&shop, &shop.app.forge.deployment_delivery(&asked)).await;
            assert_eq!(page["verdict"], "processed", "{kind:?} {reference}: {page}");
        }
        assert_eq!(shop.get("/requests").await["items"].as_array().unwrap().len(), 3, "{kind:?}");
        shop.finish().await;
    }
}

#[tokio::test]
async fn davit_knows_its_own_again() {
    for kind in [ForgeKind::Github, ForgeKind::Gitlab] {
        let shop = shop(kind, "", ON_DEPLOYMENT).await;
        let commit = shop.commit("Sell tea");
        let id = shop.ask(json!({ "commit": commit })).await;
        shop.ended(id).await;
        let own = only(&shop);
        let payload = own.payload.to_string();
        let event = NewDeployment {
            number: own.number,
            reference: &own.reference,
            payload: if kind == ForgeKind::Github { &payload } else { "" },
            ..asked_for(&commit)
        };
        let state = if kind == ForgeKind::Github { "in_progress" } else { "success" };
        for delivery in
            [shop.app.forge.deployment_delivery(&event), shop.app.forge.deployment_status_delivery(&event, state)]
        {
            let page = delivered(&shop, &delivery).await;
            assert_eq!(page["verdict"], "ignored", "{kind:?}: {page}");
        }
        assert_eq!(shop.get("/requests").await["items"].as_array().unwrap().len(), 1, "{kind:?}");
        shop.finish().await;
    }
}

#[tokio::test]
async fn a_gitlab_deployment_has_gitlabs_words() {
    let shop = shop(ForgeKind::Gitlab, "", "").await;
    let commit = shop.commit("Sell tea");
    let id = shop.ask(json!({ "ref": "main" })).await;
    shop.ended(id).await;
    let deployment = only(&shop);
    assert_eq!((deployment.environment.as_str(), deployment.sha.as_str()), ("prod", commit.as_str()));
    assert_eq!((deployment.reference.as_str(), deployment.is_tag), ("main", false));
    assert_eq!(deployment.state(), "success");
    assert!(shop.statuses(&commit).last().unwrap().starts_with("success"));
    shop.finish().await;
}

#[tokio::test]
async fn a_forge_without_deployments_has_the_commits_status() {
    for kind in [ForgeKind::Gitea, ForgeKind::Gitee] {
        let shop = shop(kind, "", "auto = { on = \"push\" }").await;
        let (commit, _) = shop.push("Sell tea").await;
        shop.app.settle().await;
        let deployment = shop.get("/deployments/1").await;
        assert_eq!(deployment["state"], "succeeded", "{kind:?}: {deployment}");
        let told = shop.app.forge.statuses(REPOSITORY, &commit);
        let last = told.iter().rfind(|status| status.context == "davit/deploy/production").unwrap();
        assert_eq!(last.state, CommitState::Success, "{kind:?}: {told:?}");
        assert_eq!(shop.app.forge.deployments(REPOSITORY), []);
        shop.finish().await;
    }
}

#[tokio::test]
async fn states_and_checks_of_others_are_written_down() {
    let shop = shop(ForgeKind::Github, "", "").await;
    let commit = shop.commit("Sell tea");
    let other = NewDeployment { number: 9, ..asked_for(&commit) };
    let page = delivered(&shop, &shop.app.forge.deployment_status_delivery(&other, "failure")).await;
    assert_eq!(page["verdict"], "processed", "{page}");
    let feed = shop.app.engine().store().feed(None, 1).await.unwrap();
    let sentence = text(&feed[0].entry.detail["sentence"]);
    assert!(sentence.contains("failure") && sentence.contains("prod"), "{feed:?}");

    let check = NewStatus {
        repository: REPOSITORY,
        commit: &commit,
        name: "ci/tests",
        state: CommitState::Success,
        description: "all green",
        target_url: "https://ci.example.com/1",
    };
    let page = delivered(&shop, &shop.app.forge.status_delivery(&check)).await;
    assert_eq!(page["verdict"], "processed", "{page}");
    let github = "github".parse().unwrap();
    let checks = shop.app.engine().store().checks(&github, REPOSITORY, &commit).await.unwrap();
    assert_eq!(
        checks.iter().map(|check| (check.name.as_str(), check.state)).collect::<Vec<_>>(),
        [("ci/tests", CommitState::Success)]
    );
    let ours = NewStatus { name: "davit/deploy/production", ..check };
    assert_eq!(delivered(&shop, &shop.app.forge.status_delivery(&ours)).await["verdict"], "ignored");
    shop.finish().await;
}

#[tokio::test]
async fn an_app_of_github_fetches_and_tells() {
    let shop = Shop::bare_at(ForgeKind::Github, Database::Sqlite, &[Kind::Local]).await;
    let app = shop.app.forge.create_app("acme");
    let token = "token = { env = \"TEST_TOKEN\" }";
    let credential = format!("app = {{ id = {:?}, private_key = {{ secret = \"app-key\" }} }}", app.id);
    shop.app.engine().set_secret("app-key", &app.private_key.as_str().into(), "test").await.unwrap();
    let document = shop.document(&shop.production(CALLED_PROD, "")).replace(token, &credential);
    let mut values = std::collections::BTreeMap::new();
    values.insert("env:TEST_SECRET".to_owned(), shop.app.forge.webhook_secret().into());
    let apply = davit_engine::apply::Apply { document, values, prune: false, dry_run: false };
    shop.app.engine().apply(apply, "test").await.unwrap();
    shop.released("Sell tea").await;
    assert_eq!(only(&shop).state(), "success");
    let said: Vec<_> =
        shop.app.forge.requests().into_iter().map(|request| request.headers["authorization"].clone()).collect();
    assert!(!said.iter().any(|said| said.contains(shop.app.forge.token())), "{said:?}");
    shop.finish().await;
}
