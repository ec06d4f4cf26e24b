//! Commit statuses reach a forge that is down, slow or out of patience, in the right order; its token reaches nobody.

use crate::shop::{Kind, REPOSITORY, Shop};
use base64::Engine as _;
use davit_domain::access::Role;
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitState;
use davit_testkit::app::Database;
use davit_testkit::fake_forge::Fault;
use serde_json::json;
use std::time::Duration;

/// In requests that set a commit's status, and in no others.
const SETS_STATUS: &str = "shop/statuses/";

/// How often a commit's status was sent, refused ones included.
fn calls(shop: &Shop) -> usize {
    shop.app.forge.requests().iter().filter(|request| request.line.contains(SETS_STATUS)).count()
}

fn states(shop: &Shop, commit: &CommitSha) -> Vec<CommitState> {
    shop.app.forge.statuses(REPOSITORY, commit).iter().map(|status| status.state).collect()
}

#[tokio::test]
async fn a_forge_that_is_down_gets_the_last_state_later_on_sqlite() {
    a_forge_that_is_down_gets_the_last_state_later(Database::Sqlite).await;
}

#[tokio::test]
async fn a_forge_that_is_down_gets_the_last_state_later_on_postgres() {
    a_forge_that_is_down_gets_the_last_state_later(Database::Postgres).await;
}

async fn a_forge_that_is_down_gets_the_last_state_later(database: Database) {
    let shop = Shop::start_on(database, &[Kind::Local], "").await;
    shop.app.forge.fail_where(SETS_STATUS, 2, &Fault::Status(500));
    shop.app.forge.fail_where(SETS_STATUS, 1, &Fault::RetryAfter(Duration::from_secs(3600)));
    let commit = shop.commit("Sell tea");
    let id = shop.ask(json!({ "commit": commit })).await;
    shop.ended(id).await;
    assert_eq!(states(&shop, &commit), []);
    for _ in 0..10 {
        shop.app.advance(Duration::from_secs(60));
        shop.app.settle().await;
    }
    assert_eq!(calls(&shop), 3, "the forge said how long to wait");
    assert_eq!(states(&shop, &commit), []);
    shop.app.advance(Duration::from_secs(3600));
    shop.app.settle().await;
    // Nobody needs to hear "pending" after the end.
    assert_eq!(states(&shop, &commit), [CommitState::Success]);
    shop.app.advance(Duration::from_secs(24 * 3600));
    shop.app.settle().await;
    assert_eq!(calls(&shop), 4, "once is enough");
    shop.finish().await;
}

#[tokio::test]
async fn a_slow_answer_to_pending_does_not_overtake_success() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let hold = shop.app.forge.hold();
    let commit = shop.commit("Sell tea");
    let id = shop.ask(json!({ "commit": commit })).await;
    let is_told = async || (calls(&shop) == 1).then_some(());
    shop.app.until("the forge hears of the beginning", is_told).await;
    let succeeded = async || (shop.get(&format!("/deployments/{id}")).await["state"] == "succeeded").then_some(());
    shop.app.until("the deployment does not wait for the forge", succeeded).await;
    assert_eq!(calls(&shop), 1, "one call of a lane at a time");
    drop(hold);
    shop.app.settle().await;
    assert_eq!(states(&shop, &commit), [CommitState::Pending, CommitState::Success]);
    shop.finish().await;
}

#[tokio::test]
async fn an_answer_that_is_lost_is_asked_for_again() {
    let shop = Shop::start(&[Kind::Local], "").await;
    shop.app.forge.fail_where(SETS_STATUS, 1, &Fault::DropAfter);
    let commit = shop.commit("Sell tea");
    let id = shop.ask(json!({ "commit": commit })).await;
    shop.ended(id).await;
    shop.app.advance(Duration::from_secs(60));
    shop.app.settle().await;
    let states = states(&shop, &commit);
    assert_eq!(states.last(), Some(&CommitState::Success), "{states:?}");
    assert_eq!(states.iter().filter(|state| state.is_final()).count(), 1, "{states:?}");
    shop.finish().await;
}

#[tokio::test]
async fn a_refusal_for_good_is_not_repeated() {
    let shop = Shop::start(&[Kind::Local], "").await;
    shop.app.forge.fail_where(SETS_STATUS, 2, &Fault::Status(422));
    shop.released("refused").await;
    shop.app.advance(Duration::from_secs(24 * 3600));
    shop.app.settle().await;
    assert_eq!(calls(&shop), 2);
    shop.released("accepted").await;
    assert_eq!(calls(&shop), 4);
    shop.finish().await;
}

#[tokio::test]
async fn the_token_is_in_no_log_and_no_answer() {
    let shop = Shop::start(&[Kind::Local, Kind::Ssh], "auto = { on = \"push\" }").await;
    let (token, secret) = (shop.app.forge.token().to_owned(), shop.app.forge.webhook_secret());
    // A repository that holds the token, and hooks that say it in every way.
    shop.repo.commit("leak", &[("token.txt", &token), ("secret.txt", &secret)]);
    let hook = "cat token.txt secret.txt; base64 -w0 token.txt; echo; env; echo \"https://x:$(cat token.txt)@host/\"";
    let hooks = ["after_checkout", "before_release", "after_release"].map(|name| format!("hooks.{name} = '{hook}'"));
    let release = format!("auto = {{ on = \"push\" }}\n{}", hooks.join("\n"));
    shop.configure(&shop.document(&shop.production("", &release))).await;
    shop.push("Sell tea").await;
    shop.app.settle().await;
    assert_eq!(shop.get("/deployments/1").await["state"], "succeeded");

    let key = shop.hosts[1].sshd().client_private_key();
    let key_line = key.lines().nth(1).unwrap().to_owned();
    let in_base64 = base64::engine::general_purpose::STANDARD.encode(&token);
    let log = shop.app.log(1).await;
    assert!(log.iter().any(|line| line.contains("https://x:")), "the hooks have said it: {log:?}");
    for path in [
        "/overview",
        "/apps",
        "/apps/shop",
        "/requests/1",
        "/deployments/1",
        "/deployments/1/logs",
        "/deployments/1/log.txt",
        "/deliveries/1",
        "/hosts",
        "/hosts/public-key",
        "/forges",
        "/export",
    ] {
        let request = shop.app.http().get(format!("{}/api/v1{path}", shop.app.url()));
        let answer = request.bearer_auth(shop.app.token(Role::Admin)).send().await.unwrap().text().await.unwrap();
        for hidden in [&token, &in_base64, &secret, &key_line, shop.app.token(Role::Admin)] {
            assert!(!answer.contains(hidden), "{path} shows {hidden}: {answer}");
        }
    }
    shop.finish().await;
}
