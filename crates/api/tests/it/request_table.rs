//! Every state of a request × everything that is done to it × every role. What the view says is allowed is what is.

use crate::shop::{Kind, Shop};
use davit_domain::access::Role;
use davit_domain::ids::RequestId;
use davit_domain::request::RequestState;
use davit_testkit::app::Database;
use reqwest::Method;
use serde_json::{Value, json};

const AUTHOR: Role = Role::Developer;

/// Each with its name in `allowed`, its method, the end of its path, and what is sent.
fn deeds() -> Vec<(&'static str, Method, &'static str, Value)> {
    vec![
        ("approve", Method::POST, "/approve", json!({})),
        ("reject", Method::POST, "/reject", json!({ "reason": "no" })),
        ("edit", Method::PATCH, "", json!({ "title": "Another" })),
        ("withdraw", Method::POST, "/withdraw", json!({})),
        ("schedule", Method::PATCH, "", json!({ "scheduled_at": "2030-01-01T00:00:00Z" })),
        ("release", Method::POST, "/release", json!({})),
        ("retry", Method::POST, "/retry", json!({})),
        ("clone", Method::POST, "/clone", json!({})),
    ]
}

fn states() -> Vec<RequestState> {
    let (reason, by) = ("why".to_owned(), "eve".to_owned());
    vec![
        RequestState::AwaitingReview { approvals: Vec::new() },
        RequestState::AwaitingRelease { approvals: Vec::new() },
        RequestState::Releasing,
        RequestState::Succeeded,
        RequestState::Failed { reason: reason.clone() },
        RequestState::Rejected { by, reason: reason.clone() },
        RequestState::Withdrawn,
        RequestState::Cancelled { reason },
        RequestState::Superseded { by: RequestId(1) },
    ]
}

/// Puts a request into a state, as nobody can from outside.
async fn put(shop: &Shop, id: i64, state: &RequestState) {
    let mut tx = shop.app.engine().store().begin().await.unwrap();
    tx.set_request_state(RequestId(id), state, None).await.unwrap();
    tx.schedule_request(RequestId(id), None, shop.app.engine().now()).await.unwrap();
    tx.commit().await.unwrap();
}

/// A request that has been released, so that there is an attempt to be repeated. The place is locked: nothing starts.
async fn released(shop: &Shop) -> i64 {
    let path = "/apps/shop/environments/production/deploy";
    let (status, request) = shop.app.call(AUTHOR, Method::POST, path, Some(json!({}))).await;
    assert_eq!(status, 201, "{request}");
    let id = request["id"].as_i64().unwrap();
    put(shop, id, &RequestState::AwaitingRelease { approvals: Vec::new() }).await;
    let released = shop.app.call(Role::Releaser, Method::POST, &format!("/requests/{id}/release"), None).await;
    assert_eq!(released.0, 200, "{}", released.1);
    id
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "the table is the point")]
async fn every_state_allows_everybody_what_it_should() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    shop.configure(&shop.document(&shop.production("review = { required = 1 }", ""))).await;
    let lock = json!({ "environment": "production", "reason": "nothing goes out in this test" });
    assert_eq!(shop.app.post("/locks", lock).await.0, 201);

    let mut table = String::new();
    for state in states() {
        for (name, method, end, body) in deeds() {
            let id = released(&shop).await;
            let mut answers = Vec::new();
            for role in Role::ALL {
                put(&shop, id, &state).await;
                let (_, before) = shop.app.call(role, Method::GET, &format!("/requests/{id}"), None).await;
                let path = format!("/requests/{id}{end}");
                let (status, answer) = shop.app.call(role, method.clone(), &path, Some(body.clone())).await;
                let is_allowed = (200..300).contains(&status);
                // Whether a clone goes through is not the state's business.
                assert_eq!(before["allowed"][name], json!(is_allowed), "{} {name} {role:?}: {answer}", state.as_str());
                answers.push(format!("{}{status}", &role.as_str()[..1]));
            }
            table.push_str(&format!("{:16} {name:8} {}\n", state.as_str(), answers.join(" ")));
        }
    }
    // v: viewer, d: developer and author, r: reviewer, r: releaser, o: operator, a: administrator.
    insta::assert_snapshot!(table, @r"
    awaiting_review  approve  v403 d403 r200 r200 o200 a200
    awaiting_review  reject   v403 d403 r200 r200 o200 a200
    awaiting_review  edit     v403 d200 r403 r403 o403 a200
    awaiting_review  withdraw v403 d200 r403 r403 o403 a200
    awaiting_review  schedule v403 d403 r403 r200 o200 a200
    awaiting_review  release  v403 d403 r403 r409 o409 a409
    awaiting_review  retry    v403 d403 r403 r409 o409 a409
    awaiting_review  clone    v403 d201 r201 r201 o201 a201
    awaiting_release approve  v403 d403 r409 r409 o409 a409
    awaiting_release reject   v403 d403 r409 r409 o409 a409
    awaiting_release edit     v403 d200 r403 r403 o403 a200
    awaiting_release withdraw v403 d200 r403 r403 o403 a200
    awaiting_release schedule v403 d403 r403 r200 o200 a200
    awaiting_release release  v403 d403 r403 r200 o200 a200
    awaiting_release retry    v403 d403 r403 r409 o409 a409
    awaiting_release clone    v403 d201 r201 r201 o201 a201
    releasing        approve  v403 d403 r409 r409 o409 a409
    releasing        reject   v403 d403 r409 r409 o409 a409
    releasing        edit     v403 d409 r409 r409 o409 a409
    releasing        withdraw v403 d409 r403 r403 o403 a409
    releasing        schedule v403 d403 r403 r409 o409 a409
    releasing        release  v403 d403 r403 r409 o409 a409
    releasing        retry    v403 d403 r403 r409 o409 a409
    releasing        clone    v403 d201 r201 r201 o201 a201
    succeeded        approve  v403 d403 r409 r409 o409 a409
    succeeded        reject   v403 d403 r409 r409 o409 a409
    succeeded        edit     v403 d409 r409 r409 o409 a409
    succeeded        withdraw v403 d409 r403 r403 o403 a409
    succeeded        schedule v403 d403 r403 r409 o409 a409
    succeeded        release  v403 d403 r403 r409 o409 a409
    succeeded        retry    v403 d403 r403 r409 o409 a409
    succeeded        clone    v403 d201 r201 r201 o201 a201
    failed           approve  v403 d403 r409 r409 o409 a409
    failed           reject   v403 d403 r409 r409 o409 a409
    failed           edit     v403 d409 r409 r409 o409 a409
    failed           withdraw v403 d409 r403 r403 o403 a409
    failed           schedule v403 d403 r403 r409 o409 a409
    failed           release  v403 d403 r403 r409 o409 a409
    failed           retry    v403 d403 r403 r200 o200 a200
    failed           clone    v403 d201 r201 r201 o201 a201
    rejected         approve  v403 d403 r409 r409 o409 a409
    rejected         reject   v403 d403 r409 r409 o409 a409
    rejected         edit     v403 d409 r409 r409 o409 a409
    rejected         withdraw v403 d409 r403 r403 o403 a409
    rejected         schedule v403 d403 r403 r409 o409 a409
    rejected         release  v403 d403 r403 r409 o409 a409
    rejected         retry    v403 d403 r403 r409 o409 a409
    rejected         clone    v403 d201 r201 r201 o201 a201
    withdrawn        approve  v403 d403 r409 r409 o409 a409
    withdrawn        reject   v403 d403 r409 r409 o409 a409
    withdrawn        edit     v403 d409 r409 r409 o409 a409
    withdrawn        withdraw v403 d409 r403 r403 o403 a409
    withdrawn        schedule v403 d403 r403 r409 o409 a409
    withdrawn        release  v403 d403 r403 r409 o409 a409
    withdrawn        retry    v403 d403 r403 r409 o409 a409
    withdrawn        clone    v403 d201 r201 r201 o201 a201
    cancelled        approve  v403 d403 r409 r409 o409 a409
    cancelled        reject   v403 d403 r409 r409 o409 a409
    cancelled        edit     v403 d409 r409 r409 o409 a409
    cancelled        withdraw v403 d409 r403 r403 o403 a409
    cancelled        schedule v403 d403 r403 r409 o409 a409
    cancelled        release  v403 d403 r403 r409 o409 a409
    cancelled        retry    v403 d403 r403 r200 o200 a200
    cancelled        clone    v403 d201 r201 r201 o201 a201
    superseded       approve  v403 d403 r409 r409 o409 a409
    superseded       reject   v403 d403 r409 r409 o409 a409
    superseded       edit     v403 d409 r409 r409 o409 a409
    superseded       withdraw v403 d409 r403 r403 o403 a409
    superseded       schedule v403 d403 r403 r409 o409 a409
    superseded       release  v403 d403 r403 r409 o409 a409
    superseded       retry    v403 d403 r403 r409 o409 a409
    superseded       clone    v403 d201 r201 r201 o201 a201
    ");
    // What was released on the way still waits for its turn.
    for deployment in shop.app.engine().store().all_unfinished().await.unwrap() {
        put(&shop, deployment.request.0, &RequestState::Releasing).await;
        let (status, answer) = shop.app.post(&format!("/deployments/{}/cancel", deployment.id), json!({})).await;
        assert_eq!(status, 200, "{answer}");
    }
    shop.finish().await;
}
