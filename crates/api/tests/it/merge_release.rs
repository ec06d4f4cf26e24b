//! What merging and checks have to do with releases: a merged change is released for whoever asked for the merge, and
//! an environment that takes green commits only waits for them.

use crate::merge_support::{Merging, REPOSITORY};
use davit_domain::config::ForgeKind;
use davit_domain::ids::{CommitSha, DeploymentId};
use davit_domain::status::CommitState::{Failure, Pending, Success};
use davit_testkit::app::Database;
use davit_testkit::fake_forge::NewPush;
use serde_json::{Value, json};

/// The app `shop` on a host of the server's own; `environment` and `release` are the rest of their tables.
async fn with_app(merging: &Merging, policy: &str, environment: &str, release: &str) {
    let (forge, srv) = (merging.app.forge_id(), merging.app.path("srv"));
    std::fs::create_dir_all(&srv).unwrap();
    let srv = srv.display();
    let document = format!(
        "{}\n[[host]]\nname = \"local-1\"\nkind = \"local\"\n\n[[environment]]\nkey = \"production\"\n{environment}\n\n\
         [[app]]\nkey = \"shop\"\nname = \"Shop\"\nrepository = {{ forge = {forge:?}, name = {REPOSITORY:?} }}\n\n\
         [[app.release]]\nenvironment = \"production\"\nhosts = [\"local-1\"]\ndeploy_path = \"{srv}/www\"\n\
         releases_path = \"{srv}/davit\"\n{release}\n",
        merging.document(policy)
    );
    merging.app.apply(&document).await;
}

async fn newest(merging: &Merging, list: &str) -> Value {
    merging.app.get(list).await["items"][0].clone()
}

#[tokio::test]
async fn what_was_merged_is_released_for_whoever_asked() {
    let merging = Merging::start(ForgeKind::Github, Database::Sqlite, "").await;
    with_app(&merging, "", "", "auto = { on = \"merge\", branches = [\"main\"] }").await;
    let head = merging.open(1, "new.html", "new").await;
    merging.comment(1, "bob", "/merge").await;
    merging.check(&head, "build", Success).await;
    let commit = merging.until_merged(1).await;
    for delivery in merging.app.forge.merge_deliveries(REPOSITORY) {
        merging.deliver(&delivery).await;
    }
    merging.app.settle().await;
    let request = newest(&merging, "/requests").await;
    assert_eq!((&request["created_by"], &request["commit"]), (&json!("bob@github"), &json!(commit)), "{request}");
    assert_eq!(request["state"], "succeeded", "{request}");
    let live = std::fs::read_to_string(merging.app.path("srv/www/new.html")).unwrap();
    assert_eq!(live, "new");
    merging.finish().await;
}

async fn push(merging: &Merging, content: &str) -> CommitSha {
    let commit = merging.branch("main", "index.html", content);
    let before = CommitSha::try_from("1".repeat(40)).unwrap();
    let delivery = merging.app.forge.push_delivery(&NewPush {
        repository: REPOSITORY,
        git_ref: "refs/heads/main",
        before: Some(&before),
        after: Some(&commit),
        message: content,
        pusher: "ada",
    });
    merging.deliver(&delivery).await;
    commit
}

async fn waits(merging: &Merging) -> (i64, String) {
    let deployment = newest(merging, "/deployments").await;
    assert_eq!(deployment["state"], "queued", "{deployment}");
    (deployment["id"].as_i64().unwrap(), deployment["blocked"].as_str().unwrap_or_default().to_owned())
}

async fn ended(merging: &Merging, id: i64) -> Value {
    merging
        .passing("its end", async || {
            let deployment = merging.app.get(&format!("/deployments/{id}")).await;
            (!deployment["finished_at"].is_null()).then_some(deployment)
        })
        .await
}

async fn only_what_is_green_is_released(database: Database) {
    let merging = Merging::start(ForgeKind::Github, database, "").await;
    with_app(&merging, "", "require_green = true", "auto = { on = \"push\", branches = [\"main\"] }").await;
    let commit = push(&merging, "one").await;
    let (first, why) = waits(&merging).await;
    assert!(why.contains("is not green: no check has said anything"), "{why}");

    let (status, refused) = merging
        .app
        .post("/apps/shop/environments/production/deploy", json!({ "commit": commit, "title": "now" }))
        .await;
    assert_eq!(status, 409, "{refused}");
    assert!(refused.to_string().contains("takes green commits only"), "{refused}");

    merging.check(&commit, "build", Pending).await;
    merging.check(&commit, "lint", Success).await;
    merging
        .passing("what is waited for is said", async || {
            waits(&merging).await.1.contains("build has not ended yet").then_some(())
        })
        .await;
    merging.check(&commit, "build", Success).await;
    let deployment = ended(&merging, first).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment}");

    let red = push(&merging, "two").await;
    merging.check(&red, "build", Failure).await;
    let (second, why) = waits(&merging).await;
    assert!(why.contains("not green"), "{why}");
    merging.app.engine().override_gates(DeploymentId(second), "operator", "the shop is down").await.unwrap();
    let deployment = ended(&merging, second).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment}");
    merging.finish().await;
}

#[tokio::test]
async fn only_what_is_green_is_released_sqlite() {
    only_what_is_green_is_released(Database::Sqlite).await;
}

#[tokio::test]
async fn only_what_is_green_is_released_postgresql() {
    only_what_is_green_is_released(Database::Postgres).await;
}
