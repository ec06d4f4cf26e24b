//! Who has to agree, and that what was agreed on is what goes out.

use crate::shop::{Kind, REPOSITORY, Shop, names, text};
use davit_domain::access::Role;
use davit_testkit::app::Database;
use reqwest::Method;
use serde_json::{Value, json};

const ONE_EYE: &str = "review = { required = 1, self_approval = false }";

async fn reviewed(kinds: &[Kind], review: &str, release: &str) -> Shop {
    let shop = Shop::bare(Database::Sqlite, kinds).await;
    shop.configure(&shop.document(&shop.production(review, release))).await;
    shop
}

async fn ask(shop: &Shop, role: Role, body: Value) -> Value {
    let path = "/apps/shop/environments/production/deploy";
    let (status, request) = shop.app.call(role, Method::POST, path, Some(body)).await;
    assert_eq!(status, 201, "{request}");
    request
}

async fn say(shop: &Shop, role: Role, request: &Value, what: &str, body: Value) -> (u16, Value) {
    shop.app.call(role, Method::POST, &format!("/requests/{}/{what}", request["id"]), Some(body)).await
}

#[tokio::test]
async fn what_was_approved_is_released_whatever_has_changed_since() {
    let shop = reviewed(&[Kind::Local, Kind::Ssh], ONE_EYE, "").await;
    let labels = |rest: &str| shop.production(ONE_EYE, rest).replace("[\"local-1\", \"ssh-2\"]", "[\"local-1\"]");
    shop.configure(
        &shop.document(&labels("variables = 'MOOD=calm'\nhooks.before_release = 'echo approved $MOOD > mood'")),
    )
    .await;
    let approved = shop.commit("approved");
    let request = ask(&shop, Role::Developer, json!({ "ref": "main" })).await;
    assert_eq!((&request["state"], &request["deployment"]), (&json!("awaiting_review"), &Value::Null), "{request}");
    assert_eq!(request["commit"], json!(approved));
    let (status, answer) = say(&shop, Role::Reviewer, &request, "approve", json!({})).await;
    assert_eq!((status, &answer["state"]), (200, &json!("awaiting_release")), "{answer}");
    assert_eq!(answer["decided_by"], "reviewer", "{answer}");

    // The branch is rewritten, so that the commit is on none any more; hooks, variables and hosts are other ones.
    shop.repo.git(&["commit", "--quiet", "--amend", "--allow-empty", "-m", "rewritten"]);
    shop.repo.commit("later", &[("index.html", "later")]);
    shop.app.publish(&shop.repo, REPOSITORY);
    let other = "variables = 'MOOD=wild'\nhooks.before_release = 'echo changed $MOOD > mood'";
    shop.configure(&shop.document(&shop.production(ONE_EYE, other))).await;

    assert_eq!(say(&shop, Role::Reviewer, &request, "release", json!({})).await.0, 403);
    let (status, answer) = say(&shop, Role::Releaser, &request, "release", json!({})).await;
    assert_eq!((status, &answer["state"]), (200, &json!("releasing")), "{answer}");
    let deployment = shop.ended(answer["deployment"].as_i64().unwrap()).await;
    assert_eq!((&deployment["state"], &deployment["commit"]), (&json!("succeeded"), &json!(approved)), "{deployment}");
    assert_eq!(shop.hosts[0].read("index.html").as_deref(), Some("approved"));
    assert_eq!(shop.hosts[0].read("mood").as_deref(), Some("approved calm\n"));
    assert_eq!(shop.hosts[1].live(), None, "a host that was added later was not approved");
    let release = shop.hosts[0].disk.join("davit/shop/releases").join(shop.hosts[0].live().unwrap());
    assert_eq!(names(&release), ["REVISION", "index.html", "mood"]);
    shop.finish().await;
}

#[tokio::test]
async fn authors_do_not_approve_their_own_unless_they_may() {
    for (self_approval, status, state) in [(false, 403, "awaiting_review"), (true, 200, "awaiting_release")] {
        let review = format!("review = {{ required = 1, self_approval = {self_approval} }}");
        let shop = reviewed(&[Kind::Local], &review, "").await;
        // An administrator gets no way around it.
        for role in [Role::Reviewer, Role::Admin] {
            let request = ask(&shop, role, json!({})).await;
            let (got, answer) = say(&shop, role, &request, "approve", json!({})).await;
            assert_eq!(got, status, "{answer}");
            let now = shop.get(&format!("/requests/{}", request["id"])).await;
            assert_eq!(now["state"], state, "{answer}");
        }
        shop.finish().await;
    }
}

#[tokio::test]
async fn two_approvals_are_two_people() {
    let shop = reviewed(&[Kind::Local], "review = { required = 2 }", "").await;
    let request = ask(&shop, Role::Developer, json!({})).await;
    assert_eq!(request["required_approvals"], 2);
    let (_, answer) = say(&shop, Role::Reviewer, &request, "approve", json!({})).await;
    assert_eq!(answer["state"], "awaiting_review");
    let (status, answer) = say(&shop, Role::Reviewer, &request, "approve", json!({})).await;
    assert_eq!(status, 409, "{answer}");
    assert_eq!(say(&shop, Role::Admin, &request, "release", json!({})).await.0, 409);
    let (_, answer) = say(&shop, Role::Releaser, &request, "approve", json!({})).await;
    assert_eq!(answer["state"], "awaiting_release");
    assert_eq!(say(&shop, Role::Developer, &request, "withdraw", json!({})).await.0, 200);
    shop.finish().await;
}

#[tokio::test]
async fn a_rejection_has_a_reason_and_ends_it() {
    let shop = reviewed(&[Kind::Local], ONE_EYE, "").await;
    let request = ask(&shop, Role::Developer, json!({})).await;
    for reason in ["", "  \n"] {
        let (status, problem) = say(&shop, Role::Reviewer, &request, "reject", json!({ "reason": reason })).await;
        assert_eq!(status, 422, "{problem}");
    }
    let (status, answer) = say(&shop, Role::Reviewer, &request, "reject", json!({ "reason": "周五不发布" })).await;
    assert_eq!((status, &answer["state"], &answer["reason"]), (200, &json!("rejected"), &json!("周五不发布")));
    assert_eq!(answer["decided_by"], "reviewer", "{answer}");
    for what in ["approve", "release", "withdraw"] {
        let (status, problem) = say(&shop, Role::Admin, &request, what, json!({})).await;
        assert_eq!(status, 409, "{what}: {problem}");
    }
    assert_eq!(shop.get("/deployments").await["items"], json!([]));
    shop.finish().await;
}

#[tokio::test]
async fn only_the_author_takes_a_request_back() {
    let shop = reviewed(&[Kind::Local], ONE_EYE, "").await;
    let request = ask(&shop, Role::Developer, json!({})).await;
    let (status, problem) = say(&shop, Role::Operator, &request, "withdraw", json!({})).await;
    assert_eq!(status, 403, "{problem}");
    assert!(text(&problem["detail"]).contains("was made by developer"), "{problem}");
    let (status, answer) = say(&shop, Role::Developer, &request, "withdraw", json!({})).await;
    assert_eq!((status, &answer["state"]), (200, &json!("withdrawn")));
    assert_eq!(say(&shop, Role::Reviewer, &request, "approve", json!({})).await.0, 409);
    shop.finish().await;
}

#[tokio::test]
async fn an_automatic_one_goes_out_when_it_is_approved() {
    let shop = reviewed(&[Kind::Local], ONE_EYE, "auto = { on = \"push\" }").await;
    let (commit, _) = shop.push("Sell tea").await;
    shop.app.settle().await;
    let request = shop.get("/requests/1").await;
    assert_eq!(request["state"], "awaiting_review");
    assert_eq!(shop.statuses(&commit), [""; 0]);
    assert_eq!(say(&shop, Role::Reviewer, &request, "approve", json!({})).await.0, 200);
    shop.app.settle().await;
    assert_eq!(shop.get("/requests/1").await["state"], "succeeded");
    assert_eq!(shop.hosts[0].read("index.html").as_deref(), Some("Sell tea"));
    shop.finish().await;
}

#[tokio::test]
async fn a_rollback_is_reviewed_too() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let one = shop.released("one").await;
    let two = shop.released("two").await;
    shop.configure(&shop.document(&shop.production(ONE_EYE, ""))).await;
    let path = "/apps/shop/environments/production/rollback";
    let (status, request) = shop.app.call(Role::Releaser, Method::POST, path, Some(json!({}))).await;
    assert_eq!((status, &request["state"]), (201, &json!("awaiting_review")), "{request}");
    assert_eq!(request["target_release"], json!(one));
    assert_eq!(shop.hosts[0].live(), Some(two));
    assert_eq!(say(&shop, Role::Reviewer, &request, "approve", json!({})).await.0, 200);
    let (_, request) = say(&shop, Role::Releaser, &request, "release", json!({})).await;
    assert_eq!(shop.ended(request["deployment"].as_i64().unwrap()).await["state"], "succeeded");
    assert_eq!(shop.hosts[0].live(), Some(one));
    shop.finish().await;
}

#[tokio::test]
async fn the_same_key_is_the_same_request() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let ask = async |role: Role| {
        let url = format!("{}/api/v1/apps/shop/environments/production/deploy", shop.app.url());
        let request = shop.app.http().post(url).bearer_auth(shop.app.token(role)).header("Idempotency-Key", "click 1");
        request.json(&json!({})).send().await.unwrap().json::<Value>().await.unwrap()
    };
    let (first, second) = (ask(Role::Releaser).await, ask(Role::Releaser).await);
    assert_eq!(first["id"], second["id"]);
    assert_ne!(ask(Role::Admin).await["id"], first["id"], "somebody else's key is another one");
    shop.app.settle().await;
    assert_eq!(shop.get("/deployments").await["items"].as_array().unwrap().len(), 2);
    shop.finish().await;
}
