//! What got lost on its way, or came while davit was down, is found, and leads to what it would have led to: once.

use crate::shop::{Kind, REPOSITORY, Shop, text};
use davit_domain::config::ForgeKind;
use davit_domain::ids::CommitSha;
use davit_engine::catch_up;
use davit_testkit::app::Database;
use davit_testkit::fake_forge::{Access, Delivery, Fault, NewPush};
use serde_json::Value;
use std::time::Duration;

const ON_PUSH: &str = "auto = { on = \"push\", branches = [\"main\"] }";
/// Longer than a forge's own delivery is waited for.
const A_WHILE: Duration = Duration::from_secs(61);

async fn shop(kind: ForgeKind, database: Database, release: &str) -> Shop {
    let shop = Shop::bare_at(kind, database, &[Kind::Local]).await;
    shop.configure(&shop.document(&shop.production("", release))).await;
    look(&shop).await;
    shop
}

/// What the timer does every few minutes, now.
async fn look(shop: &Shop) {
    catch_up::once(shop.app.engine()).await.unwrap();
    shop.app.settle().await;
}

/// Looks, waits for the forge, looks again.
async fn catch_up_now(shop: &Shop) {
    look(shop).await;
    shop.app.advance(A_WHILE);
    look(shop).await;
}

fn push<'a>(before: &'a CommitSha, after: &'a CommitSha) -> NewPush<'a> {
    NewPush {
        repository: REPOSITORY,
        git_ref: "refs/heads/main",
        before: Some(before),
        after: Some(after),
        message: "Late",
        pusher: "ada",
    }
}

fn head(shop: &Shop) -> CommitSha {
    shop.repo.git(&["rev-parse", "HEAD"]).parse().unwrap()
}

/// Changes the repository at the forge, without a word of the forge.
fn at_forge(shop: &Shop, arguments: &[&str]) {
    let bare = shop.app.path("forge").join(format!("{REPOSITORY}.git")).display().to_string();
    shop.repo.git(&[&["--git-dir", &bare], arguments].concat());
}

/// The commits of all deployments, oldest first.
async fn released(shop: &Shop) -> Vec<String> {
    let deployments = shop.get("/deployments").await;
    let items = deployments["items"].as_array().unwrap();
    items.iter().rev().map(|deployment| text(&deployment["commit"])).collect()
}

async fn deliver(shop: &Shop, delivery: &Delivery) -> Value {
    let (status, answer) = shop.app.deliver(delivery).await;
    assert!(status == 202 || status == 200, "{answer}");
    shop.app.settle().await;
    shop.get(&format!("/deliveries/{}", answer["id"])).await
}

#[tokio::test]
async fn the_first_look_starts_nothing() {
    let shop = shop(ForgeKind::Gitea, Database::Sqlite, ON_PUSH).await;
    catch_up_now(&shop).await;
    catch_up_now(&shop).await;
    assert_eq!(released(&shop).await, [""; 0]);
    shop.finish().await;
}

#[tokio::test]
async fn a_push_during_downtime_is_released_once_on_sqlite() {
    a_push_during_downtime_is_released_once(Database::Sqlite).await;
}

#[tokio::test]
async fn a_push_during_downtime_is_released_once_on_postgres() {
    a_push_during_downtime_is_released_once(Database::Postgres).await;
}

async fn a_push_during_downtime_is_released_once(database: Database) {
    for kind in [ForgeKind::Github, ForgeKind::Gitlab, ForgeKind::Gitea, ForgeKind::Gitee] {
        let mut shop = shop(kind, database, ON_PUSH).await;
        let (first, _) = shop.push("First").await;
        shop.app.settle().await;
        let second = shop.commit("Second");
        let third = shop.commit("Third");
        shop.app.restart().await;
        catch_up_now(&shop).await;
        assert_eq!(released(&shop).await, [first.to_string(), third.to_string()], "{kind:?}");
        let page = shop.get("/deliveries/2").await;
        assert!(text(&page["delivery"]).starts_with("catch-up:"), "{page}");
        assert_eq!(shop.hosts[0].read("index.html").as_deref(), Some("Third"));

        // The forge finds its deliveries again, in no good order.
        for (before, after) in [(&second, &third), (&first, &second)] {
            let page = deliver(&shop, &shop.app.forge.push_delivery(&push(before, after))).await;
            assert_eq!(page["verdict"], "ignored", "{kind:?}: {page}");
        }
        for _ in 0..3 {
            shop.app.advance(Duration::from_secs(600));
            catch_up_now(&shop).await;
        }
        assert_eq!(released(&shop).await, [first.to_string(), third.to_string()], "{kind:?}");
        assert_eq!(shop.hosts[0].read("index.html").as_deref(), Some("Third"));
        shop.finish().await;
    }
}

#[tokio::test]
async fn a_forge_that_remembers_is_asked_to_deliver_again() {
    for kind in [ForgeKind::Github, ForgeKind::Gitlab] {
        let shop = Shop::bare_at(kind, Database::Sqlite, &[Kind::Local]).await;
        shop.app.forge.add_repository(REPOSITORY, Access::Admin);
        shop.app.forge.add_hook(REPOSITORY, &shop.app.hook_url());
        shop.configure(&shop.document(&shop.production("", ON_PUSH))).await;
        look(&shop).await;
        shop.app.advance(Duration::from_secs(10));
        let before = head(&shop);
        let commit = shop.repo.commit("Tea", &[("index.html", "tea")]).parse::<CommitSha>().unwrap();
        shop.app.publish(&shop.repo, REPOSITORY);
        let lost = shop.app.forge.push_delivery(&push(&before, &commit));
        shop.app.forge.lose(REPOSITORY, &lost);
        look(&shop).await;
        let came = async || (!shop.app.get("/deliveries").await["items"].as_array().unwrap().is_empty()).then_some(());
        shop.app.until("the forge delivers again", came).await;
        shop.app.settle().await;
        let page = shop.get("/deliveries/1").await;
        assert_eq!(page["verdict"], "processed", "{kind:?}: {page}");
        assert!(text(&page["summary"]).contains("ada"), "{kind:?}: it is the forge's own: {page}");
        catch_up_now(&shop).await;
        catch_up_now(&shop).await;
        assert_eq!(released(&shop).await, [commit.to_string()], "{kind:?}");
        shop.finish().await;
    }
}

#[tokio::test]
async fn late_pushes_do_not_take_a_branch_back() {
    let shop = shop(ForgeKind::Github, Database::Sqlite, ON_PUSH).await;
    let first = head(&shop);
    let commits: Vec<CommitSha> = ["One", "Two", "Three"].map(|title| shop.commit(title)).into();
    let deliveries = [(&first, &commits[0]), (&commits[0], &commits[1]), (&commits[1], &commits[2])]
        .map(|(before, after)| shop.app.forge.push_delivery(&push(before, after)));
    let [one, two, three] = &deliveries;
    assert_eq!(deliver(&shop, three).await["verdict"], "processed");
    for late in [one, two] {
        let page = deliver(&shop, late).await;
        assert_eq!(page["verdict"], "ignored", "{page}");
        assert!(text(&page["reason"]).starts_with("this push came late"), "{page}");
    }
    assert_eq!(released(&shop).await, [commits[2].to_string()]);

    // A branch that really goes back is released again.
    shop.repo.git(&["reset", "--quiet", "--hard", commits[0].as_str()]);
    shop.app.publish(&shop.repo, REPOSITORY);
    let back = shop.app.forge.push_delivery(&push(&commits[2], &commits[0]));
    assert_eq!(deliver(&shop, &back).await["verdict"], "processed");
    assert_eq!(released(&shop).await, [commits[2].to_string(), commits[0].to_string()]);
    shop.finish().await;
}

#[tokio::test]
async fn a_missed_merge_is_a_merge() {
    let shop = shop(ForgeKind::Gitea, Database::Sqlite, "auto = { on = \"merge\", branches = [\"main\"] }").await;
    // Straight to the branch: no merge.
    shop.commit("Sell tea");
    catch_up_now(&shop).await;
    assert_eq!(released(&shop).await, [""; 0]);
    let merged = shop.commit("Sell coffee (#7)");
    catch_up_now(&shop).await;
    catch_up_now(&shop).await;
    assert_eq!(released(&shop).await, [merged.to_string()]);
    shop.finish().await;
}

#[tokio::test]
async fn what_nobody_signed_is_held_against_git() {
    let shop = shop(ForgeKind::Gitee, Database::Sqlite, ON_PUSH).await;
    let before = head(&shop);
    let unknown = CommitSha::try_from("f".repeat(40)).unwrap();
    let page = deliver(&shop, &shop.app.forge.push_delivery(&push(&before, &unknown))).await;
    assert_eq!(page["verdict"], "ignored", "{page}");
    assert!(text(&page["reason"]).contains("does not sign"), "{page}");

    // In the repository, and not in the branch that the body names.
    shop.repo.git(&["checkout", "--quiet", "-b", "feature"]);
    let feature = shop.commit("Feature");
    shop.repo.git(&["checkout", "--quiet", "main"]);
    let page = deliver(&shop, &shop.app.forge.push_delivery(&push(&before, &feature))).await;
    assert_eq!(page["verdict"], "ignored", "{page}");
    assert_eq!(released(&shop).await, [""; 0]);

    let commit = shop.commit("Sell tea");
    let page = deliver(&shop, &shop.app.forge.push_delivery(&push(&before, &commit))).await;
    assert_eq!(page["verdict"], "processed", "{page}");
    assert_eq!(released(&shop).await, [commit.to_string()]);
    shop.finish().await;
}

#[tokio::test]
async fn a_remote_that_forgets_and_remembers_releases_nothing() {
    let shop = shop(ForgeKind::Gitea, Database::Sqlite, ON_PUSH).await;
    let main = head(&shop).to_string();
    for others in [true, false] {
        if others {
            at_forge(&shop, &["update-ref", "refs/heads/other", &main]);
            catch_up_now(&shop).await;
        } else {
            at_forge(&shop, &["update-ref", "-d", "refs/heads/other"]);
        }
        at_forge(&shop, &["update-ref", "-d", "refs/heads/main"]);
        for _ in 0..2 {
            catch_up_now(&shop).await;
        }
        at_forge(&shop, &["update-ref", "refs/heads/main", &main]);
        for _ in 0..2 {
            catch_up_now(&shop).await;
        }
        assert_eq!(released(&shop).await, [""; 0], "with other branches: {others}");
    }
    // It is watched still.
    let commit = shop.commit("Sell tea");
    catch_up_now(&shop).await;
    assert_eq!(released(&shop).await, [commit.to_string()]);
    shop.finish().await;
}

#[tokio::test]
async fn of_missed_tags_the_newest_is_released() {
    let shop = shop(ForgeKind::Gitea, Database::Sqlite, "auto = { on = \"tag\" }").await;
    shop.repo.git(&["tag", "v1.9.0", shop.commit("Old").as_str()]);
    let newest = shop.commit("New");
    shop.repo.git(&["tag", "v1.10.0", newest.as_str()]);
    // A tag may name anything.
    let file = shop.repo.rev("HEAD:index.html");
    shop.repo.git(&["tag", "a-file", &file]);
    shop.app.publish(&shop.repo, REPOSITORY);
    for _ in 0..3 {
        catch_up_now(&shop).await;
    }
    assert_eq!(released(&shop).await, [newest.to_string()]);
    let next = shop.commit("Next");
    shop.repo.git(&["tag", "v2", next.as_str()]);
    shop.app.publish(&shop.repo, REPOSITORY);
    catch_up_now(&shop).await;
    assert_eq!(released(&shop).await, [newest.to_string(), next.to_string()]);
    shop.finish().await;
}

#[tokio::test]
async fn a_forge_that_will_not_is_not_asked_for_ever() {
    let shop = Shop::bare_at(ForgeKind::Github, Database::Sqlite, &[Kind::Local]).await;
    let forge = &shop.app.forge;
    forge.add_repository(REPOSITORY, Access::Admin);
    forge.add_hook(REPOSITORY, &shop.app.hook_url());
    shop.configure(&shop.document(&shop.production("", ON_PUSH))).await;
    look(&shop).await;
    shop.app.advance(Duration::from_secs(10));
    let before = head(&shop);
    forge.lose(REPOSITORY, &forge.push_delivery(&push(&before, &before)));
    let asked = |what: &str| forge.requests().iter().filter(|request| request.line.contains(what)).count();

    forge.fail_where("/hooks", 1, &Fault::RetryAfter(Duration::from_secs(3600)));
    let until_then = asked("/hooks");
    for _ in 0..3 {
        look(&shop).await;
    }
    assert_eq!(asked("/hooks"), until_then + 1, "it wants to be left alone");
    shop.app.advance(Duration::from_secs(3601));

    forge.fail_where("/attempts", 1, &Fault::Status(422));
    for _ in 0..3 {
        look(&shop).await;
    }
    assert_eq!(asked("/attempts"), 1, "it said that it never will");
    shop.finish().await;
}
