//! Builds and files that people bring over HTTP, and secrets.

use crate::shop::{Kind, Shop, names, text};
use davit_domain::access::Role;
use reqwest::{Body, Method};
use serde_json::{Value, json};
use std::process::Command;

async fn send(shop: &Shop, path: &str, body: impl Into<Body>) -> (u16, Value) {
    let request = shop.app.http().post(format!("{}/api/v1{path}", shop.app.url()));
    let request =
        request.bearer_auth(shop.app.token(Role::Developer)).header("content-type", "application/octet-stream");
    let response = request.body(body).send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or(Value::Null))
}

/// A tar.gz with this page.
fn archive(shop: &Shop, page: &str) -> Vec<u8> {
    let dir = shop.app.path("dist");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("index.html"), page).unwrap();
    let output = Command::new("tar").args(["-czf", "-", "-C"]).arg(&dir).arg(".").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

async fn deploy(shop: &Shop, body: Value) -> (u16, Value) {
    shop.app.post("/apps/shop/environments/production/deploy", body).await
}

#[tokio::test]
async fn an_uploaded_build_is_released_as_it_is() {
    let shop = Shop::start(&[Kind::Local, Kind::Ssh], "").await;
    let (status, build) =
        send(&shop, "/apps/shop/builds?title=Nightly&name=dist.tar.gz", archive(&shop, "uploaded")).await;
    assert_eq!(status, 201, "{build}");
    assert_eq!(
        (&build["source"], &build["title"], &build["created_by"]),
        (&json!("upload"), &json!("Nightly"), &json!("developer"))
    );
    let id = build["id"].as_i64().unwrap();
    assert_eq!(shop.get(&format!("/builds/{id}")).await, build);
    assert_eq!(shop.get("/apps/shop/builds").await["items"], json!([build]));
    assert_eq!(names(&shop.app.path("incoming")), [""; 0], "what came in was moved or removed");

    let (status, request) = deploy(&shop, json!({ "build": id })).await;
    assert_eq!(status, 201, "{request}");
    assert_eq!((&request["title"], &request["build"]), (&json!("Nightly"), &build["digest"]));
    let deployment = shop.ended(request["deployment"].as_i64().unwrap()).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment} {:?}", shop.log_of(&deployment).await);
    assert_eq!(deployment["build"], json!({ "id": id, "digest": build["digest"] }));
    for host in &shop.hosts {
        assert_eq!(host.read("index.html").as_deref(), Some("uploaded"), "{}", host.name);
    }
    let releases = shop.get("/apps/shop/environments/production/releases").await;
    let release = &releases["items"][0];
    assert_eq!((&release["available_on"], &release["missing_on"]), (&json!(["local-1", "ssh-2"]), &json!([])));
    assert_eq!(release["build"], true, "{release}");
    shop.finish().await;
}

#[tokio::test]
async fn the_same_key_makes_one_request_of_a_build() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let (_, build) = send(&shop, "/apps/shop/builds", archive(&shop, "once")).await;
    let url = format!("{}/api/v1/apps/shop/environments/production/deploy", shop.app.url());
    let mut ids = Vec::new();
    for _ in 0..2 {
        let request =
            shop.app.http().post(&url).bearer_auth(shop.app.token(Role::Admin)).header("idempotency-key", "k");
        let response = request.json(&json!({ "build": build["id"] })).send().await.unwrap();
        ids.push(response.json::<Value>().await.unwrap()["id"].clone());
    }
    assert_eq!(ids[0], ids[1]);
    shop.app.settle().await;
    assert_eq!(shop.get("/requests").await["items"].as_array().unwrap().len(), 1);
    shop.finish().await;
}

#[tokio::test]
async fn what_is_no_build_is_refused_with_a_sentence() {
    let shop = Shop::bare(davit_testkit::app::Database::Sqlite, &[Kind::Local]).await;
    shop.configure(&shop.document(&shop.production("branches = [\"main\"]", ""))).await;
    let (status, problem) = send(&shop, "/apps/shop/builds", "not an archive").await;
    assert_eq!(status, 422, "{problem}");
    assert_eq!(names(&shop.app.path("incoming")), [""; 0]);
    assert_eq!(send(&shop, "/apps/nothing/builds", "x").await.0, 404);
    assert_eq!(send(&shop, "/apps/shop/uploads", "x").await.0, 400, "it has no name");
    let (_, build) = send(&shop, "/apps/shop/builds", archive(&shop, "x")).await;
    for (body, status, sentence) in [
        (json!({ "build": build["id"] }), 422, "takes only main, and an uploaded build comes from no branch"),
        (json!({ "build": 4711 }), 404, "shop has no build 4711. See: davit builds list shop"),
        (json!({ "build": build["id"], "ref": "main" }), 422, "a build alone"),
        (json!({ "inputs": { "X": "1" } }), 422, "there is no input X"),
    ] {
        let (got, problem) = deploy(&shop, body.clone()).await;
        assert_eq!(got, status, "{body}: {problem}");
        assert!(text(&problem["detail"]).contains(sentence), "{body}: {problem}");
    }
    shop.finish().await;
}

#[tokio::test]
async fn a_file_is_kept_under_its_name() {
    let shop = Shop::start(&[Kind::Local], "").await;
    for content in ["one", "two"] {
        let (status, upload) = send(&shop, "/apps/shop/uploads?name=firmware%20%F0%9F%8D%B5", content).await;
        assert_eq!((status, &upload["name"], &upload["bytes"]), (201, &json!("firmware 🍵"), &json!(3)), "{upload}");
    }
    let uploads = shop.get("/apps/shop/uploads").await;
    let ids: Vec<_> = uploads["items"].as_array().unwrap().iter().map(|upload| upload["id"].clone()).collect();
    assert_eq!(ids, [2, 1], "newest first");
    assert_eq!(names(&shop.app.path("incoming")), [""; 0]);
    shop.finish().await;
}

#[tokio::test]
async fn a_secret_is_stored_used_and_never_told() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let put = async |name: &str, value: &str| {
        let body = json!({ "value": value });
        shop.app.call(Role::Admin, Method::PUT, &format!("/secrets/{name}"), Some(body)).await.0
    };
    assert_eq!((put("hook", "hush").await, put("hook", "hush hush").await), (204, 204));
    for (name, value) in [("a%20b", "x"), ("empty", "")] {
        assert_eq!(put(name, value).await, 422, "{name}");
    }
    let secrets = shop.get("/secrets").await;
    assert_eq!(secrets["items"][0]["name"], "hook");
    assert_eq!(secrets["items"].as_array().unwrap().len(), 1, "davit's own keys and those of apply are not listed");
    assert!(!secrets.to_string().contains("hush"));

    let forge = "[[forge]]\nid = \"other\"\nkind = \"github\"\nwebhook_secret = { secret = \"hook\" }\n";
    shop.configure(&shop.document(&format!("{forge}{}", shop.production("", "")))).await;
    let forges = shop.get("/forges").await;
    let other = forges["items"].as_array().unwrap().iter().find(|forge| forge["id"] == "other").unwrap();
    assert_eq!(other["has_webhook_secret"], true, "{forges}");
    let (status, problem) = shop.app.call(Role::Admin, Method::DELETE, "/secrets/hook", None).await;
    assert_eq!(status, 409, "{problem}");
    assert!(text(&problem["detail"]).contains("take it out of davit.toml"), "{problem}");
    assert_eq!(shop.send_document(&shop.document(&shop.production("", "")), json!({ "prune": true })).await.0, 200);
    assert_eq!(shop.app.call(Role::Admin, Method::DELETE, "/secrets/hook", None).await.0, 204);
    assert_eq!(shop.app.call(Role::Admin, Method::DELETE, "/secrets/hook", None).await.0, 404);
    let feed = shop.app.engine().store().feed(None, 100).await.unwrap();
    assert!(feed.iter().any(|line| line.entry.action == "secret_set" && line.entry.subject == "hook"));
    shop.finish().await;
}

#[tokio::test]
async fn host_keys_are_scanned_compared_pinned_and_imported() {
    let shop = Shop::bare(davit_testkit::app::Database::Sqlite, &[Kind::Ssh, Kind::Ssh]).await;
    let document = shop.document(&shop.production("", ""));
    let without_keys: Vec<_> = document.lines().filter(|line| !line.starts_with("host_key =")).collect();
    shop.configure(&without_keys.join("\n")).await;
    let scan = async |body: Value| {
        let (status, scan) = shop.app.post("/hosts/scan-keys", body).await;
        assert_eq!(status, 200, "{scan}");
        scan["items"].clone()
    };
    let keys = scan(json!({ "names": ["ssh-1"] })).await;
    assert_eq!((&keys[0]["host"], &keys[0]["status"], &keys[1]), (&json!("ssh-1"), &json!("new"), &Value::Null));
    let fingerprint = text(&keys[0]["fingerprint"]);
    let compared = |fingerprint: &str| json!({ "items": [{ "host": "ssh-1", "fingerprint": fingerprint }] });
    let (status, problem) = shop.app.post("/hosts/accept-keys", compared("SHA256:other")).await;
    assert_eq!(status, 409, "{problem}");
    assert_eq!(shop.app.post("/hosts/accept-keys", compared(&fingerprint)).await.0, 204);
    let hosts = shop.get("/hosts").await;
    assert_eq!(
        (&hosts["items"][0]["host_key_fingerprint"], &hosts["items"][1]["host_key_fingerprint"]),
        (&json!(fingerprint), &Value::Null)
    );

    let keys = scan(json!({})).await;
    assert_eq!((&keys[0]["status"], &keys[1]["status"]), (&json!("same"), &json!("new")), "{keys}");

    let second = shop.hosts[1].sshd();
    let known =
        format!("[{}]:{} {}\nnobody ssh-ed25519 AAAA\n", second.address(), second.port(), second.host_key_line());
    let (status, import) = shop.app.post("/hosts/import-known-hosts", json!({ "text": known })).await;
    assert_eq!((status, &import["pinned"], &import["conflicts"]), (200, &json!(["ssh-2"]), &json!([])), "{import}");
    let (status, problem) = shop.app.post("/hosts/local/install-key", json!({ "password": "hush" })).await;
    assert_eq!(status, 404, "{problem}");
    assert!(!problem.to_string().contains("hush"));
    shop.finish().await;
}
