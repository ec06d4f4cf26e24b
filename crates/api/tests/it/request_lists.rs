//! Finding requests, several at once, and what a release would change.

use crate::shop::{Kind, REPOSITORY, Shop, text};
use davit_domain::access::Role;
use davit_testkit::app::Database;
use reqwest::Method;
use serde_json::{Value, json};

const DEPLOY: &str = "/apps/shop/environments/production/deploy";
const ONE_EYE: &str = "review = { required = 1 }";

async fn ask(shop: &Shop, role: Role, body: Value) -> Value {
    let (status, request) = shop.app.call(role, Method::POST, DEPLOY, Some(body)).await;
    assert_eq!(status, 201, "{request}");
    request
}

async fn titles(shop: &Shop, role: Role, query: &str) -> Vec<String> {
    let (status, page) = shop.app.call(role, Method::GET, &format!("/requests?{query}"), None).await;
    assert_eq!(status, 200, "{page}");
    page["items"].as_array().unwrap().iter().map(|request| text(&request["title"])).collect()
}

#[tokio::test]
async fn tabs_search_and_what_waits_for_me() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    shop.configure(&shop.document(&shop.production(ONE_EYE, ""))).await;
    let one = ask(&shop, Role::Developer, json!({ "title": "Sell tea", "description": "Oolong" })).await;
    let two = ask(&shop, Role::Reviewer, json!({ "title": "Sell coffee" })).await;
    let three = ask(&shop, Role::Developer, json!({ "title": "Sell nothing" })).await;
    let say = |role, request: &Value, what: &'static str, body| {
        let (path, app) = (format!("/requests/{}/{what}", request["id"]), &shop.app);
        async move { assert_eq!(app.call(role, Method::POST, &path, Some(body)).await.0, 200) }
    };
    say(Role::Operator, &two, "approve", json!({})).await;
    say(Role::Operator, &three, "reject", json!({ "reason": "no" })).await;
    for (query, expected) in [
        ("group=all", &["Sell nothing", "Sell coffee", "Sell tea"][..]),
        ("group=awaiting_review", &["Sell tea"]),
        ("group=awaiting_release", &["Sell coffee"]),
        ("group=other", &["Sell nothing"]),
        ("group=failed", &[]),
        ("state=rejected", &["Sell nothing"]),
        ("q=OOLONG", &["Sell tea"]),
        ("q=coffee&group=all", &["Sell coffee"]),
        ("q=coffee&group=other", &[]),
        ("author=reviewer", &["Sell coffee"]),
        ("app=shop&environment=production&limit=1", &["Sell nothing"]),
        ("app=other", &[]),
    ] {
        assert_eq!(titles(&shop, Role::Viewer, query).await, expected, "{query}");
    }
    assert_eq!(titles(&shop, Role::Viewer, &format!("q=%23{}", one["id"])).await, ["Sell tea"]);
    assert_eq!(titles(&shop, Role::Developer, "mine=true").await, ["Sell nothing", "Sell tea"]);
    for (role, expected) in [
        (Role::Viewer, &[][..]),
        (Role::Developer, &[]),
        (Role::Reviewer, &["Sell tea"]),
        (Role::Releaser, &["Sell coffee", "Sell tea"]),
    ] {
        assert_eq!(titles(&shop, role, "waiting_for_me=true").await, expected, "{role:?}");
        let (_, counts) = shop.app.call(role, Method::GET, "/requests/counts", None).await;
        assert_eq!(counts["waiting_for_me"], json!(expected.len()), "{counts}");
        assert_eq!((&counts["all"], &counts["other"], &counts["rejected"]), (&json!(3), &json!(1), &json!(1)));
    }
    let (_, counts) = shop.app.call(Role::Viewer, Method::GET, "/requests/counts?q=tea", None).await;
    assert_eq!((&counts["all"], &counts["awaiting_review"]), (&json!(1), &json!(1)), "{counts}");
    assert_eq!(shop.app.call(Role::Viewer, Method::GET, "/requests?group=odd", None).await.0, 400);
    shop.finish().await;
}

/// A second app of the same repository, with an environment where no review is needed.
fn two_apps(shop: &Shop, environment: &str) -> String {
    let tea = shop.production(environment, "");
    let coffee = shop.app_with(&shop.release("-coffee", "")).replace("key = \"shop\"", "key = \"coffee\"");
    shop.document(&format!("{tea}{coffee}"))
}

async fn a_batch_is_all_or_nothing(database: Database) {
    let shop = Shop::bare(database, &[Kind::Local]).await;
    shop.configure(&two_apps(&shop, ONE_EYE)).await;
    let batch = |items: Value| {
        let app = &shop.app;
        let body = json!({ "environment": "production", "title": "Both", "items": items });
        async move { app.call(Role::Developer, Method::POST, "/requests/batch", Some(body)).await }
    };
    for (items, status) in [
        (json!([]), 422),
        (json!([{ "app": "shop" }, { "app": "shop" }]), 422),
        (json!([{ "app": "shop" }, { "app": "none" }]), 404),
        (json!([{ "app": "shop" }, { "app": "coffee", "ref": "nowhere" }]), 422),
        (json!([{ "app": "shop" }, { "app": "coffee", "hosts": ["nobody"] }]), 422),
    ] {
        let (got, problem) = batch(items.clone()).await;
        assert_eq!(got, status, "{items}: {problem}");
    }
    assert_eq!(shop.get("/requests").await["items"], json!([]), "not one of them");
    let (status, made) = batch(json!([{ "app": "shop" }, { "app": "coffee" }])).await;
    assert_eq!(status, 201, "{made}");
    assert_eq!(made["items"].as_array().unwrap().len(), 2);
    let id = &made["batch"];
    assert_eq!(shop.get(&format!("/requests?batch={id}")).await["items"].as_array().unwrap().len(), 2);
    let first = &made["items"][0]["id"];
    let (status, _) = shop.app.call(Role::Reviewer, Method::POST, &format!("/requests/{first}/approve"), None).await;
    assert_eq!(status, 200);
    let all = |role, what: &'static str| {
        let (path, app) = (format!("/batches/{id}/{what}"), &shop.app);
        async move { app.call(role, Method::POST, &path, Some(json!({}))).await }
    };
    let (status, answers) = all(Role::Reviewer, "approve").await;
    assert_eq!(status, 200, "{answers}");
    assert_eq!((&answers["items"][0]["ok"], &answers["items"][1]["ok"]), (&json!(false), &json!(true)), "{answers}");
    assert!(text(&answers["items"][0]["sentence"]).contains("awaiting release"), "{answers}");
    assert_eq!(all(Role::Reviewer, "release").await.0, 403);
    let (one, two) = tokio::join!(all(Role::Releaser, "release"), all(Role::Operator, "release"));
    assert_eq!((one.0, two.0), (200, 200));
    shop.app.settle().await;
    assert_eq!(shop.get("/deployments").await["items"].as_array().unwrap().len(), 2, "each went out once");
    let seen = shop.get(&format!("/batches/{id}")).await;
    assert_eq!((&seen["title"], &seen["items"][1]["state"]), (&json!("Both"), &json!("succeeded")), "{seen}");
    assert_eq!(shop.app.call(Role::Viewer, Method::GET, "/batches/4711", None).await.0, 404);
    shop.finish().await;
}

#[tokio::test]
async fn a_batch_is_all_or_nothing_on_sqlite() {
    a_batch_is_all_or_nothing(Database::Sqlite).await;
}

#[tokio::test]
async fn a_batch_is_all_or_nothing_on_postgres() {
    a_batch_is_all_or_nothing(Database::Postgres).await;
}

#[tokio::test]
async fn one_key_is_one_batch() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    shop.configure(&two_apps(&shop, "")).await;
    let ask = async || {
        let url = format!("{}/api/v1/requests/batch", shop.app.url());
        let request = shop.app.http().post(url).bearer_auth(shop.app.token(Role::Releaser));
        let body = json!({ "environment": "production", "items": [{ "app": "shop" }, { "app": "coffee" }] });
        let answer = request.header("Idempotency-Key", "k").json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 201);
        answer.json::<Value>().await.unwrap()["batch"].clone()
    };
    let (a, b, c) = tokio::join!(ask(), ask(), ask());
    assert_eq!((&a, &a), (&b, &c));
    shop.app.settle().await;
    assert_eq!(shop.get("/deployments").await["items"].as_array().unwrap().len(), 2, "no review: they went at once");
    shop.finish().await;
}

#[tokio::test]
async fn what_a_release_would_change_is_shown_before_it_does() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    shop.configure(&shop.document(&shop.production(ONE_EYE, ""))).await;
    let first = ask(&shop, Role::Developer, json!({})).await;
    let nothing = shop.get(&format!("/requests/{}/diff", first["id"])).await;
    assert_eq!((&nothing["base"], &nothing["commits"]), (&Value::Null, &json!([])), "{nothing}");
    assert!(text(&nothing["note"]).contains("nothing of shop is live"), "{nothing}");
    assert!(text(&nothing["config"]["diff"]).contains("+deploy_path"), "{nothing}");
    for (role, what) in [(Role::Reviewer, "approve"), (Role::Releaser, "release")] {
        let (status, _) = shop.app.call(role, Method::POST, &format!("/requests/{}/{what}", first["id"]), None).await;
        assert_eq!(status, 200);
    }
    shop.app.settle().await;

    let files = [("über.txt", "a\nb\n"), ("space and\ttab", "x\n"), ("page.bin", "\0\u{1}")];
    shop.repo.commit("Add files", &files);
    shop.repo.git(&["mv", "index.html", "start.html"]);
    let head = shop.repo.commit("Move the page", &[("über.txt", "a\nc\n")]);
    shop.app.publish(&shop.repo, REPOSITORY);
    shop.configure(&shop.document(&shop.production(ONE_EYE, "keep = 9"))).await;
    let request = ask(&shop, Role::Developer, json!({ "ref": "main" })).await;
    let path = format!("/requests/{}/diff", request["id"]);
    let diff = shop.get(&path).await;
    assert_eq!((&diff["head"], &diff["ahead"], &diff["behind"]), (&json!(head), &json!(2), &json!(0)), "{diff}");
    assert_eq!(diff["base"]["commit"], first["commit"]);
    let subjects: Vec<String> = diff["commits"].as_array().unwrap().iter().map(|one| text(&one["subject"])).collect();
    assert_eq!(subjects, ["Move the page", "Add files"]);
    let seen: Vec<(String, String)> =
        diff["files"].as_array().unwrap().iter().map(|file| (text(&file["path"]), text(&file["status"]))).collect();
    let expected =
        [("page.bin", "added"), ("space and\ttab", "added"), ("start.html", "renamed"), ("über.txt", "added")];
    assert_eq!(seen, expected.map(|(path, status)| (path.to_owned(), status.to_owned())));
    assert_eq!((&diff["files"][0]["additions"], &diff["files"][3]["additions"]), (&Value::Null, &json!(2)));
    assert_eq!(diff["files"][2]["old_path"], "index.html");
    assert!(text(&diff["config"]["diff"]).contains("+keep = 9"), "{diff}");

    let of = |query: &'static str| shop.app.call(Role::Viewer, Method::GET, query, None);
    let patch = shop.get(&format!("{path}/file?path=%C3%BCber.txt")).await;
    assert!(text(&patch["patch"]).contains("+c\n"), "{patch}");
    for (query, status) in [("path=no/such", 404), ("path=../secret", 404), ("path=--output=x", 404), ("", 400)] {
        let (got, _) = shop.app.call(Role::Viewer, Method::GET, &format!("{path}/file?{query}"), None).await;
        assert_eq!(got, status, "{query}");
    }
    assert_eq!(of("/apps/shop/environments/production/diff?commit=HEAD").await.0, 403, "asking is for developers");
    let (status, same) = shop
        .app
        .call(Role::Developer, Method::GET, &format!("/apps/shop/environments/production/diff?commit={head}"), None)
        .await;
    assert_eq!((status, &same["files"]), (200, &diff["files"]), "{same}");
    let lost = "/apps/shop/environments/production/diff?commit=1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d";
    let (status, answer) = shop.app.call(Role::Developer, Method::GET, lost, None).await;
    assert_eq!((status, answer["note"].is_string()), (200, true), "{answer}");
    // Of what went out it is what it did change.
    for (role, what) in [(Role::Reviewer, "approve"), (Role::Releaser, "release")] {
        let path = format!("/requests/{}/{what}", request["id"]);
        assert_eq!(shop.app.call(role, Method::POST, &path, None).await.0, 200);
    }
    shop.app.settle().await;
    let after = shop.get(&path).await;
    assert_eq!((&after["base"], &after["files"]), (&diff["base"], &diff["files"]), "{after}");
    shop.finish().await;
}

#[tokio::test]
async fn people_choose_from_branches_and_commits() {
    let shop = Shop::start(&[Kind::Local], "").await;
    for number in 0..5 {
        shop.repo.commit(&format!("Step {number}"), &[("index.html", &number.to_string())]);
    }
    for number in 0..30 {
        shop.repo.git(&["branch", &format!("topic/{number}")]);
    }
    shop.repo.git(&["tag", "v1"]);
    shop.app.publish(&shop.repo, REPOSITORY);
    let refs = shop.get("/apps/shop/refs?q=TOPIC/1&limit=5").await;
    assert_eq!(refs["branches"].as_array().unwrap().len(), 5, "{refs}");
    assert_eq!((&refs["tags"], &refs["branches_total"], &refs["tags_total"]), (&json!([]), &json!(11), &json!(0)));
    let rest = shop.get("/apps/shop/refs?q=1%20topic&limit=9&skip=5").await;
    assert_eq!((rest["branches"].as_array().unwrap().len(), &rest["branches_total"]), (7, &json!(12)), "{rest}");
    let subjects = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|line| text(&line["subject"])).collect()
    };
    let page = shop.get("/apps/shop/commits?ref=main&limit=2").await;
    assert_eq!(subjects(&page), ["Step 4", "Step 3"]);
    let next = shop.get(&format!("/apps/shop/commits?ref=main&limit=2&before={}", text(&page["next"]))).await;
    assert_eq!(subjects(&next), ["Step 2", "Step 1"]);
    assert_eq!(subjects(&shop.get("/apps/shop/commits?q=step%203").await), ["Step 3"]);
    let sha = text(&page["items"][0]["sha"]);
    assert_eq!(subjects(&shop.get(&format!("/apps/shop/commits?ref=v1&q={}", &sha[..8])).await), ["Step 4"]);
    for (query, status) in [("ref=nowhere", 422), ("ref=--all", 422), ("ref=a..b", 422), ("before=x", 422)] {
        let (got, problem) =
            shop.app.call(Role::Developer, Method::GET, &format!("/apps/shop/commits?{query}"), None).await;
        assert_eq!(got, status, "{query}: {problem}");
    }
    shop.finish().await;
}
