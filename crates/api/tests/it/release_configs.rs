//! Release configs as forms: saving, history, copies, checks against real git and real hosts, dry runs.

use crate::shop::{Kind, Shop, names, text};
use davit_domain::access::Role;
use davit_testkit::app::Database;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

const HERE: &str = "/apps/shop/configs/production";

async fn put(shop: &Shop, path: &str, body: Value) -> (u16, Value) {
    shop.app.call(Role::Admin, Method::PUT, path, Some(body)).await
}

async fn form(shop: &Shop) -> Value {
    shop.get(HERE).await
}

/// Saves the form in force with some keys changed.
async fn save(shop: &Shop, changes: Value) -> (u16, Value) {
    let saved = form(shop).await;
    let mut form = saved["form"].clone();
    form.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    put(shop, HERE, json!({ "form": form, "base_revision": saved["revision"] })).await
}

fn fields(answer: &Value) -> Vec<String> {
    answer["errors"].as_array().unwrap().iter().map(|error| text(&error["field"])).collect()
}

#[tokio::test]
async fn every_save_is_a_revision_that_can_be_compared_and_brought_back() {
    let shop = Shop::start(&[Kind::Local], "keep = 3").await;
    let first = form(&shop).await;
    assert_eq!((&first["revision"], &first["form"]["keep"]), (&json!(1), &json!(3)), "{first}");
    let hooks = json!({ "after_release": "echo one\necho \"two\"" });
    let (status, second) = save(&shop, json!({ "keep": 7, "hooks": hooks })).await;
    assert_eq!((status, &second["revision"], &second["saved_by"]), (200, &json!(2), &json!("admin")), "{second}");
    assert_eq!(second["form"]["hooks"], hooks);
    let (status, same) = save(&shop, json!({ "keep": 7 })).await;
    assert_eq!((status, &same["revision"]), (200, &json!(2)), "what changes nothing is no revision");

    let (status, late) = put(&shop, HERE, json!({ "form": first["form"], "base_revision": 1 })).await;
    assert_eq!((status, &late["code"]), (409, &json!("changed")), "{late}");
    let (status, late) = put(&shop, HERE, json!({ "form": first["form"], "base_revision": null })).await;
    assert_eq!((status, &late["code"]), (409, &json!("changed")), "{late}");

    let diff = shop.get(&format!("{HERE}/revisions/diff?from=1&to=2")).await;
    let diff = text(&diff["diff"]);
    assert!(diff.contains("-keep = 3\n+keep = 7\n") && diff.contains("+++ revision 2"), "{diff}");
    let old = shop.get(&format!("{HERE}/revisions/1")).await;
    assert_eq!(old["form"], first["form"]);
    assert!(text(&old["toml"]).starts_with("[[app.release]]\n"), "{old}");

    let (status, third) = shop.app.post(&format!("{HERE}/revisions/1/restore"), json!({})).await;
    assert_eq!((status, &third["revision"], &third["form"]), (200, &json!(3), &first["form"]), "{third}");
    let (status, _) = shop.app.call(Role::Admin, Method::DELETE, &format!("{HERE}?base_revision=2"), None).await;
    assert_eq!(status, 409, "somebody has saved another one");
    let (status, _) = shop.app.call(Role::Admin, Method::DELETE, HERE, None).await;
    assert_eq!(status, 204);
    let (status, back) = shop.app.post(&format!("{HERE}/revisions/2/restore"), json!({})).await;
    assert_eq!((status, &back["revision"], &back["form"]), (200, &json!(4), &second["form"]), "{back}");
    let revisions = shop.get(&format!("{HERE}/revisions")).await;
    let seen: Vec<_> = revisions["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| (item["revision"].clone(), item["in_force"].clone()))
        .collect();
    assert_eq!(
        seen,
        [(json!(4), json!(true)), (json!(3), json!(false)), (json!(2), json!(false)), (json!(1), json!(false))]
    );
    let deployment = shop.release_new("one").await;
    assert_eq!(deployment["state"], "succeeded", "{deployment}");
    assert!(shop.log_of(&deployment).await.iter().any(|line| line.ends_with("two")));
    shop.finish().await;
}

#[tokio::test]
async fn mistakes_are_told_by_field_and_change_nothing() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let before = form(&shop).await;
    for (changes, wrong) in [
        (json!({ "deploy_path": "relative" }), vec!["deploy_path"]),
        (json!({ "deploy_path": "/srv/../etc" }), vec!["deploy_path"]),
        (json!({ "build_dir": "../../etc" }), vec!["build_dir"]),
        (json!({ "shared": { "files": ["../../.ssh/authorized_keys"] } }), vec!["shared.files[0]"]),
        (json!({ "hosts": ["none"], "keep": 0 }), vec!["hosts[0]", "keep"]),
        (json!({ "variables": "A=1\nB" }), vec!["variables"]),
        (json!({ "kep": 1 }), vec!["kep"]),
        (json!({ "environment": "production" }), vec!["environment"]),
    ] {
        let (status, answer) = save(&shop, changes.clone()).await;
        assert_eq!((status, &answer["code"]), (422, &json!("invalid_config")), "{changes} {answer}");
        assert_eq!(fields(&answer), wrong, "{changes} {answer}");
    }
    assert_eq!(form(&shop).await, before);
    shop.finish().await;
}

async fn two_at_once(database: Database) {
    let shop = Shop::start_on(database, &[Kind::Local], "").await;
    for round in 0..5 {
        let (one, other) =
            tokio::join!(save(&shop, json!({ "keep": 10 + round })), save(&shop, json!({ "keep": 50 + round })));
        let mut codes = [one.0, other.0];
        codes.sort_unstable();
        // Who reads after the other has saved saves too.
        let revisions = shop.get(&format!("{HERE}/revisions")).await["items"].as_array().unwrap().len();
        assert!(codes == [200, 409] || codes == [200, 200], "{one:?} {other:?}");
        assert_eq!(form(&shop).await["revision"], json!(revisions), "no number twice, and none left out");
    }
    shop.finish().await;
}

#[tokio::test]
async fn of_two_who_save_at_once_none_overwrites_the_other_on_sqlite() {
    two_at_once(Database::Sqlite).await;
}

#[tokio::test]
async fn of_two_who_save_at_once_none_overwrites_the_other_on_postgres() {
    two_at_once(Database::Postgres).await;
}

#[tokio::test]
async fn apps_environments_and_copies_are_made_one_at_a_time() {
    let shop = Shop::start(&[Kind::Local], "keep = 4").await;
    let repository = json!({ "forge": shop.app.forge_id(), "name": "acme/shop" });
    let body = json!({ "key": "blog", "repository": repository });
    let (status, app) = shop.app.post("/apps", body.clone()).await;
    assert_eq!((status, &app["form"]["repository"]), (201, &repository), "{app}");
    assert_eq!(shop.app.post("/apps", body).await.0, 409);
    let (status, answer) =
        shop.app.post("/apps", json!({ "key": "x", "repository": { "forge": "none", "name": "a/b" } })).await;
    assert_eq!((status, fields(&answer)), (422, vec!["repository.forge".to_owned()]), "{answer}");
    let rename = json!({ "name": "The blog" });
    let (status, app) = shop.app.call(Role::Admin, Method::PATCH, "/apps/blog", Some(rename)).await;
    assert_eq!((status, &app["form"]["name"], &app["form"]["repository"]), (200, &json!("The blog"), &repository));

    let (status, made) = put(&shop, "/environments/test", json!({ "form": { "name": "Test" }, "order": 0 })).await;
    assert_eq!(status, 200, "{made}");
    let environments = shop.get("/environments").await;
    assert_eq!(environments["items"][0]["key"], "test", "{environments}");

    let clone = json!({ "to_app": "blog", "to_environment": "test" });
    let (status, taken) = shop.app.post(&format!("{HERE}/clone"), clone.clone()).await;
    assert_eq!(status, 422, "two apps at one path of one host: {taken}");
    let paths = json!({ "deploy_path": shop.srv().join("blog"), "releases_path": shop.srv().join("davit-blog") });
    let (status, answer) = save(&shop, paths).await;
    assert_eq!(status, 200, "{answer}");
    let (status, taken) = shop.app.post(&format!("{HERE}/clone"), json!({ "to_environment": "test" })).await;
    assert_eq!(status, 422, "a release to one environment would be what the other one serves: {taken}");
    let elsewhere = json!({ "to_environment": "test", "deploy_path": shop.srv().join("test") });
    let (status, copy) = shop.app.post(&format!("{HERE}/clone"), elsewhere.clone()).await;
    assert_eq!((status, &copy["environment"], &copy["form"]["keep"]), (201, &json!("test"), &json!(4)), "{copy}");
    let (status, twice) = shop.app.post(&format!("{HERE}/clone"), elsewhere).await;
    assert_eq!((status, &twice["code"]), (409, &json!("conflict")), "{twice}");
    let (status, _) = shop.app.call(Role::Admin, Method::DELETE, "/apps/shop/configs/test", None).await;
    assert_eq!(status, 204);
    let (status, _) = shop.app.call(Role::Admin, Method::DELETE, HERE, None).await;
    assert_eq!(status, 204);
    let (status, _) = shop.app.post(&format!("{HERE}/clone"), clone.clone()).await;
    assert_eq!(status, 404, "there is nothing to copy");
    let (_, restored) = shop.app.post(&format!("{HERE}/revisions/1/restore"), json!({})).await;
    assert_eq!(restored["form"]["keep"], 4, "{restored}");

    let (status, used) = shop.app.call(Role::Admin, Method::DELETE, "/environments/production", None).await;
    assert_eq!(status, 409, "{used}");
    let (status, _) = shop.app.call(Role::Admin, Method::DELETE, "/environments/test", None).await;
    assert_eq!(status, 204);
    let (status, used) = shop.app.call(Role::Admin, Method::DELETE, "/hosts/local-1", None).await;
    assert_eq!(status, 409, "{used}");
    let new = json!({ "form": { "address": "192.0.2.7", "user": "deploy", "labels": ["web"] } });
    let (status, host) = put(&shop, "/hosts/web-7", new).await;
    assert_eq!((status, &host["form"]["labels"]), (200, &json!(["web"])), "{host}");
    let (status, _) = shop.app.call(Role::Admin, Method::DELETE, "/hosts/web-7", None).await;
    assert_eq!(status, 204);
    let feed = shop.app.get("/feed?limit=200").await.to_string();
    for action in
        ["app_created", "app_changed", "environment_saved", "environment_deleted", "config_deleted", "host_saved"]
    {
        assert!(feed.contains(action), "{action}");
    }
    shop.finish().await;
}

#[tokio::test]
async fn who_administers_one_place_alone_reaches_no_other_hosts() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    let other = "[[host]]\nname = \"vault\"\naddress = \"192.0.2.1\"\nuser = \"root\"\nenvironments = [\"secret\"]\n\n\
                 [[host]]\nname = \"web-9\"\naddress = \"192.0.2.9\"\nuser = \"www\"\nenvironments = [\"production\"]\n\n\
                 [[environment]]\nkey = \"secret\"\n\n";
    shop.configure(&shop.document(&format!("{other}{}", shop.production("", "")))).await;
    let (status, answer) =
        shop.app.post("/users", json!({ "name": "adele", "role": "none", "password": "a password of a test" })).await;
    assert!(status < 300, "{answer}");
    let grant = json!({ "user": "adele", "role": "admin", "scope": "app:shop@production" });
    assert!(shop.app.post("/grants", grant).await.0 < 300);
    let token = shop.app.engine().create_token("adele", "test").await.unwrap();
    let save = async |hosts: Value, revision: i64| {
        let mut form = form(&shop).await["form"].clone();
        form["hosts"] = hosts;
        let url = format!("{}/api/v1{HERE}", shop.app.url());
        let call = shop.app.http().put(url).bearer_auth(secrecy::ExposeSecret::expose_secret(&token));
        let answer = call.json(&json!({ "form": form, "base_revision": revision })).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let (status, answer) = save(json!(["local-1", "vault"]), 1).await;
    assert!(status == 403 && answer.contains("vault does not belong to production"), "{answer}");
    let (status, answer) = save(json!(["local-1", "web-9"]), 1).await;
    assert_eq!(status, 200, "{answer}");
    shop.finish().await;
}

#[tokio::test]
async fn who_administers_one_place_alone_has_the_server_run_nothing_else() {
    let shop = Shop::start(&[Kind::Ssh], "hooks.after_checkout = 'make'").await;
    assert!(
        shop.app.post("/users", json!({ "name": "adele", "role": "none", "password": "a password of a test" })).await.0
            < 300
    );
    let grant = json!({ "user": "adele", "role": "admin", "scope": "app:shop@production" });
    assert!(shop.app.post("/grants", grant).await.0 < 300);
    let token = shop.app.engine().create_token("adele", "test").await.unwrap();
    let save = async |changes: Value| {
        let saved = form(&shop).await;
        let mut form = saved["form"].clone();
        form.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let url = format!("{}/api/v1{HERE}", shop.app.url());
        let call = shop.app.http().put(url).bearer_auth(secrecy::ExposeSecret::expose_secret(&token));
        let answer = call.json(&json!({ "form": form, "base_revision": saved["revision"] })).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    let hooks = |script: &str, after: &str| json!({ "hooks": { "after_checkout": script, "after_release": after } });
    for changes in [
        hooks("make; cat /var/lib/davit/master.key", ""),
        json!({ "hooks": { "after_checkout": "make", "before_checkout": "id" } }),
        json!({ "variables": "BASH_ENV=/tmp/x" }),
        json!({ "mode": "custom", "hooks": {}, "action": [{ "name": "a", "on": "server", "run": "id" }] }),
    ] {
        let (status, answer) = save(changes.clone()).await;
        assert!(status == 403 && answer.contains("as davit"), "{changes}: {status} {answer}");
    }
    let (status, answer) = save(hooks("make", "echo done")).await;
    assert_eq!(status, 200, "on the hosts it is theirs to say: {answer}");
    let (status, answer) = save(hooks("", "")).await;
    assert_eq!(status, 200, "and to leave out: {answer}");
    shop.finish().await;
}

#[tokio::test]
async fn a_check_asks_git_and_looks_at_hosts_without_a_trace() {
    let shop = Shop::start(&[Kind::Ssh, Kind::Ssh], "").await;
    let check = async |changes: Value| {
        let mut form = form(&shop).await["form"].clone();
        form.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let (status, answer) = shop.app.post(&format!("{HERE}/check"), json!({ "form": form })).await;
        assert_eq!(status, 200, "{answer}");
        answer
    };
    let subjects = |answer: &Value| -> Vec<String> {
        let checks = answer["checks"].as_array().unwrap().iter();
        checks.map(|check| format!("{} {} {}", text(&check["what"]), text(&check["subject"]), check["ok"])).collect()
    };
    let before: Vec<_> = shop.hosts.iter().map(|host| listing(&host.disk)).collect();
    let good = check(json!({})).await;
    assert_eq!(subjects(&good), ["git github: acme/shop true", "host ssh-1 true", "host ssh-2 true"], "{good}");

    std::fs::create_dir(shop.hosts[0].disk.join("www")).unwrap();
    std::fs::write(shop.hosts[1].disk.join("file"), "x").unwrap();
    let srv = shop.srv();
    let bad = check(json!({ "releases_path": srv.join("file/davit") })).await;
    let path = |host: &str, path: &str| format!("path {host}:{} false", srv.join(path).display());
    assert_eq!(
        subjects(&bad),
        [
            "git github: acme/shop true".to_owned(),
            "host ssh-1 true".to_owned(),
            path("ssh-1", "www"),
            "host ssh-2 true".to_owned(),
            path("ssh-2", "file/davit/shop")
        ],
        "{bad}"
    );
    std::fs::remove_dir(shop.hosts[0].disk.join("www")).unwrap();
    std::fs::remove_file(shop.hosts[1].disk.join("file")).unwrap();
    let after: Vec<_> = shop.hosts.iter().map(|host| listing(&host.disk)).collect();
    assert_eq!(before, after, "nothing was made on any host");

    let wrong = check(json!({ "keep": "many" })).await;
    assert_eq!(wrong["problems"][0]["field"], "keep", "{wrong}");
    shop.hosts[1].sshd().refuse(true);
    let away = check(json!({})).await;
    assert_eq!(subjects(&away).last().map(String::as_str), Some("host ssh-2 false"), "{away}");
    shop.finish().await;
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be_and_changes_nothing() {
    let release = "hooks.before_release = \"echo a\\necho b\"\nvariables = 'MODE=x'\nstrategy = { batches = [\"1\"] }";
    let shop = Shop::start(&[Kind::Ssh, Kind::Ssh], release).await;
    let live = shop.released("one").await;
    let commit = shop.commit("two");
    let (status, _) = shop
        .app
        .call(
            Role::Admin,
            Method::PUT,
            "/values",
            Some(json!({ "base_revision": 0, "set": { "TOKEN": { "kind": "secret", "value": "geheim" } } })),
        )
        .await;
    assert_eq!(status, 200);
    let before: Vec<_> = shop.hosts.iter().map(|host| listing(&host.disk)).collect();
    let (status, would) = shop
        .app
        .call(Role::Developer, Method::POST, &format!("{HERE}/dry-run"), Some(json!({ "reference": "main" })))
        .await;
    assert_eq!(status, 200, "{would}");
    assert_eq!((&would["commit"], &would["subject"]), (&json!(commit), &json!("two")));
    assert_eq!((&would["files"]["count"], &would["values"]), (&json!(1), &json!(["MODE", "TOKEN"])), "{would}");
    let steps: Vec<_> = would["steps"].as_array().unwrap().iter().map(|step| step["step"].clone()).collect();
    assert_eq!(steps, [json!(2), json!(4), json!(5)], "{would}");
    assert_eq!(would["hosts"][0]["live"], json!(live));
    let path = shop.srv().join("www");
    assert_eq!(
        would["hosts"][1]["would"],
        json!(format!("would switch {} from {live} to the new release, in batch 2", path.display()))
    );
    assert_eq!(would["gates"], json!([]), "{would}");
    let after: Vec<_> = shop.hosts.iter().map(|host| listing(&host.disk)).collect();
    assert_eq!(before, after);
    // The test's own repository is there too.
    let work = shop.app.engine().settings().data_dir.join("work");
    assert_eq!(names(&work), [".git", "index.html"], "nothing is left on the server");
    let (status, _) = shop.app.post(&format!("{HERE}/dry-run"), json!({ "reference": "none" })).await;
    assert_eq!(status, 422);

    shop.configure(&shop.document(&shop.production("review = { required = 2 }\nbranches = [\"release/*\"]", release)))
        .await;
    let (_, would) = shop.app.post(&format!("{HERE}/dry-run"), json!({ "reference": "main" })).await;
    assert_eq!(
        would["gates"],
        json!(["production does not take the branch main", "2 people have to approve it"]),
        "{would}"
    );
    shop.finish().await;
}

/// Every file with its kind, permissions, size and time.
fn listing(disk: &Path) -> String {
    let list = Command::new("find").arg(disk).args(["-printf", "%P %y %m %s %T@ %l\n"]).output().unwrap();
    let mut lines: Vec<&str> = std::str::from_utf8(&list.stdout).unwrap().lines().skip(1).collect();
    lines.sort_unstable();
    lines.join("\n")
}
