//! Builds: made once, kept, used again, brought in by people; and what one build leaves to the next.

use crate::shop::{Gate, Kind, REPOSITORY, Shop, names, text};
use davit_domain::ids::AppKey;
use davit_engine::EngineError;
use davit_store::builds::BuildRow;
use davit_testkit::app::Database;
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use std::path::PathBuf;
use std::process::Command;

/// A shop with two environments; `release` is the rest of both release configs.
async fn two_environments(release: &str) -> Shop {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    configure_two(&shop, release).await;
    shop
}

async fn configure_two(shop: &Shop, release: &str) {
    let test = shop.release("-test", release).replace("\"production\"", "\"test\"");
    let releases = shop.app_with(&format!("{test}{}", shop.release("", release)));
    shop.configure(
        &shop.document(&format!("[[environment]]\nkey = \"test\"\n[[environment]]\nkey = \"production\"\n{releases}")),
    )
    .await;
}

async fn deployed(shop: &Shop, environment: &str, body: Value) -> Value {
    shop.app.advance(std::time::Duration::from_secs(1));
    let id = shop.app.deploy("shop", environment, body).await["id"].as_i64().unwrap();
    let deployment = shop.get(&format!("/deployments/{id}")).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment} {:?}", shop.log_of(&deployment).await);
    deployment
}

async fn count(shop: &Shop, deployment: &Value, text: &str) -> usize {
    shop.log_of(deployment).await.iter().filter(|line| line.contains(text)).count()
}

fn server_steps(deployment: &Value) -> Vec<String> {
    deployment["steps"].as_array().unwrap()[..3].iter().map(|step| self::text(&step["state"])).collect()
}

fn live_file(shop: &Shop, suffix: &str, file: &str) -> String {
    std::fs::read_to_string(shop.srv().join(format!("www{suffix}")).join(file)).unwrap()
}

fn stored(shop: &Shop) -> Vec<String> {
    names(&shop.app.path("builds"))
}

#[tokio::test]
async fn a_commit_is_built_once_for_all_environments() {
    let shop = two_environments("").await;
    let commit = shop.commit("Sell tea");
    let first = deployed(&shop, "test", json!({ "commit": commit })).await;
    assert_eq!(count(&shop, &first, "git checkout").await, 1);
    let second = deployed(&shop, "production", json!({ "commit": commit })).await;
    assert_eq!(count(&shop, &second, "git checkout").await, 0);
    assert_eq!(count(&shop, &second, "is there already: made").await, 1, "{:?}", shop.log_of(&second).await);
    assert_eq!(server_steps(&second), ["skipped"; 3]);
    assert_eq!(first["build"]["digest"], second["build"]["digest"]);
    assert_eq!(
        (live_file(&shop, "-test", "index.html"), live_file(&shop, "", "index.html")),
        ("Sell tea".into(), "Sell tea".into())
    );
    assert_eq!(stored(&shop), [text(&first["build"]["digest"])]);
    assert_eq!(names(&shop.app.path("work")).iter().filter(|name| name.parse::<i64>().is_ok()).count(), 0);
    shop.finish().await;
}

#[tokio::test]
async fn what_hooks_made_for_one_environment_is_not_used_in_another_unless_they_say_so() {
    let hook = "hooks.after_checkout = 'echo $DAVIT_ENV > made-for'\n";
    let shop = two_environments(hook).await;
    let commit = shop.commit("one");
    deployed(&shop, "test", json!({ "commit": commit })).await;
    deployed(&shop, "production", json!({ "commit": commit })).await;
    assert_eq!(
        (live_file(&shop, "-test", "made-for"), live_file(&shop, "", "made-for")),
        ("test\n".into(), "production\n".into())
    );

    configure_two(&shop, &format!("share_builds = true\n{hook}")).await;
    let commit = shop.commit("two");
    deployed(&shop, "test", json!({ "commit": commit })).await;
    let second = deployed(&shop, "production", json!({ "commit": commit })).await;
    assert_eq!(count(&shop, &second, "is there already").await, 1);
    assert_eq!(live_file(&shop, "", "made-for"), "test\n");
    shop.finish().await;
}

#[tokio::test]
async fn a_retry_uses_the_build_of_the_attempt_before() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Ssh]).await;
    let (built, fine) = (shop.app.path("built"), shop.app.path("fine"));
    let hooks = format!(
        "hooks.after_checkout = 'echo x >> {}'\nhooks.before_release = 'test -e {}'",
        built.display(),
        fine.display()
    );
    shop.configure(&shop.document(&shop.production("", &hooks))).await;
    let failed = shop.release_new("one").await;
    assert_eq!(failed["state"], "failed", "{failed}");
    std::fs::write(&fine, "").unwrap();
    let path = format!("/requests/{}/retry", failed["request"]);
    let (status, request) = shop.app.post(&path, json!({})).await;
    assert_eq!(status, 200, "{request}");
    let again = shop.ended(request["deployment"].as_i64().unwrap()).await;
    assert_eq!(again["state"], "succeeded", "{again}");
    assert_eq!(std::fs::read_to_string(built).unwrap(), "x\n");
    shop.finish().await;
}

#[tokio::test]
async fn a_damaged_build_is_made_again() {
    let shop = two_environments("").await;
    let commit = shop.commit("one");
    let first = deployed(&shop, "test", json!({ "commit": commit })).await;
    let digest = text(&first["build"]["digest"]);
    let dir = shop.app.path("builds").join(&digest);
    std::fs::write(dir.join("manifest.jsonl"), "").unwrap();
    let second = deployed(&shop, "production", json!({ "commit": commit })).await;
    assert_eq!(count(&shop, &second, "damaged or gone").await, 1);
    assert_eq!(count(&shop, &second, "git checkout").await, 1);
    assert_eq!(second["build"]["digest"], digest);

    std::fs::remove_dir_all(&dir).unwrap();
    deployed(&shop, "production", json!({ "commit": commit })).await;
    assert_eq!(stored(&shop), [digest]);
    shop.finish().await;
}

#[tokio::test]
async fn two_that_need_the_same_build_make_it_once() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Local]).await;
    let gate: Gate = shop.gate("gate");
    let hook = format!("share_builds = true\nhooks.after_checkout = \"\"\"{}\"\"\"", gate.wait());
    configure_two(&shop, &hook).await;
    let commit = shop.commit("one");
    let ask = async |environment: &str| {
        let path = format!("/apps/shop/environments/{environment}/deploy");
        let (status, request) = shop.app.post(&path, json!({ "commit": commit })).await;
        assert_eq!(status, 201, "{request}");
        request["deployment"].as_i64().unwrap()
    };
    let first = ask("test").await;
    shop.app.wait_for_lines(first, "stdout waiting", 1).await;
    let second = ask("production").await;
    let building =
        async || (shop.app.get(&format!("/deployments/{second}")).await["state"] == "building").then_some(());
    shop.app.until("the second one to need a build", building).await;
    gate.open();
    let (first, second) = (shop.ended(first).await, shop.ended(second).await);
    assert_eq!((&first["state"], &second["state"]), (&json!("succeeded"), &json!("succeeded")), "{second}");
    assert_eq!(count(&shop, &second, "waiting").await, 0, "its hook did not run");
    assert_eq!(count(&shop, &second, "is there already").await, 1);
    shop.finish().await;
}

#[tokio::test]
async fn a_server_that_is_stopped_in_a_hook_follows_it_on() {
    let mut shop = Shop::bare(Database::Sqlite, &[Kind::Ssh]).await;
    let gate = shop.gate("gate");
    let hook = format!("hooks.after_checkout = \"\"\"{}; echo made > made\"\"\"", gate.wait());
    shop.configure(&shop.document(&shop.production("", &hook))).await;
    let commit = shop.commit("one");
    let id = shop.ask(json!({ "commit": commit })).await;
    shop.app.wait_for_lines(id, "stdout waiting", 1).await;
    shop.app.restart().await;
    gate.open();
    let deployment = shop.ended(id).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment} {:?}", shop.log_of(&deployment).await);
    for once in ["stdout waiting", "stdout going on", "git checkout"] {
        assert_eq!(count(&shop, &deployment, once).await, 1, "{once}");
    }
    assert_eq!(shop.hosts[0].read("made").as_deref(), Some("made\n"));
    shop.finish().await;
}

#[tokio::test]
async fn caches_go_from_build_to_build() {
    let hook = "mkdir -p node_modules/deep && echo $DAVIT_COMMIT >> node_modules/deep/commits && ln -sf /etc/hostname node_modules/out && cp node_modules/deep/commits built";
    let filter = "filter = { mode = \"include\", patterns = [\"built\"] }";
    let release = format!("caches = [\"node_modules\", \"none\"]\n{filter}\nhooks.after_checkout = '{hook}'");
    let shop = Shop::start(&[Kind::Local], &release).await;
    shop.released("one").await;
    let second = shop.release_new("two").await;
    assert_eq!(second["state"], "succeeded", "{second} {:?}", shop.log_of(&second).await);
    assert_eq!(live_file(&shop, "", "built").lines().count(), 2, "what the first left");
    assert_eq!(count(&shop, &second, "Restored the cache node_modules").await, 1);
    assert_eq!(count(&shop, &second, "no directory none").await, 1);

    // A build that fails leaves nothing.
    let failing = release.replace("cp node", "false && cp node");
    shop.configure(&shop.document(&shop.production("", &failing))).await;
    assert_eq!(shop.release_new("three").await["state"], "failed");
    shop.configure(&shop.document(&shop.production("", &release))).await;
    shop.released("four").await;
    assert_eq!(live_file(&shop, "", "built").lines().count(), 3);
    shop.finish().await;
}

fn tar(shop: &Shop, options: &str) -> PathBuf {
    let (dir, file) = (shop.app.path("packed"), shop.app.path("packed.tar"));
    std::fs::create_dir_all(dir.join("bin")).unwrap();
    std::fs::write(dir.join("index.html"), "uploaded").unwrap();
    std::fs::write(dir.join("bin/run"), "run").unwrap();
    let packed = Command::new("tar").args([options, file.to_str().unwrap(), "-C", dir.to_str().unwrap(), "."]).status();
    assert!(packed.unwrap().success());
    file
}

fn zip(shop: &Shop, entries: &[(&str, &str)]) -> PathBuf {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        writer.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    let file = shop.app.path("packed.zip");
    std::fs::write(&file, writer.finish().unwrap().into_inner()).unwrap();
    file
}

async fn import(shop: &Shop, title: &str, file: PathBuf) -> Result<BuildRow, EngineError> {
    let app: AppKey = "shop".parse().unwrap();
    shop.app.engine().import_build(&app, title, "ada", file).await
}

#[tokio::test]
async fn uploaded_archives_of_each_kind_are_released() {
    let shop = Shop::start(&[Kind::Ssh], "").await;
    let mut digests = Vec::new();
    for (number, file) in
        [tar(&shop, "-cf"), tar(&shop, "-czf"), zip(&shop, &[("index.html", "zipped")])].into_iter().enumerate()
    {
        let build = import(&shop, &format!("upload {number}"), file).await.unwrap();
        assert!(build.digest.starts_with(build.commit.as_str()));
        let id = shop.ask(json!({ "build": build.id })).await;
        let deployment = shop.ended(id).await;
        assert_eq!(deployment["state"], "succeeded", "{deployment} {:?}", shop.log_of(&deployment).await);
        assert_eq!(deployment["title"], build.title);
        assert_eq!(count(&shop, &deployment, "was uploaded").await, 1);
        let page = if number == 2 { "zipped" } else { "uploaded" };
        assert_eq!(shop.hosts[0].read("index.html").as_deref(), Some(page));
        digests.push((build.id, build.digest));
    }
    assert_eq!(digests[0], digests[1], "the same content is the same build");
    assert_eq!(stored(&shop).len(), 2);
    shop.finish().await;
}

#[tokio::test]
async fn a_harmful_archive_leaves_nothing() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let link = shop.app.path("packed/out");
    let file = tar(&shop, "-cf");
    std::os::unix::fs::symlink("/etc", &link).unwrap();
    for (file, says) in [
        (zip(&shop, &[("../../evil", "x")]), "leads out"),
        (tar(&shop, "-cf"), "lead out of the release"),
        (shop.app.path("davit.sqlite"), "neither a tar"),
    ] {
        let refused = import(&shop, "evil", file).await.unwrap_err();
        assert!(matches!(&refused, EngineError::Invalid(said) if said.contains(says)), "{says}: {refused}");
    }
    assert!(file.exists() && !shop.app.path("evil").exists());
    assert_eq!(stored(&shop), [""; 0]);
    assert_eq!(names(&shop.app.path("work")).iter().filter(|name| name.starts_with("upload")).count(), 0);
    let unknown = "other".parse().unwrap();
    let refused = shop.app.engine().import_build(&unknown, "x", "ada", file).await.unwrap_err();
    assert!(matches!(refused, EngineError::NotFound(_)), "{refused}");
    shop.finish().await;
}

#[tokio::test]
async fn builds_that_nobody_needs_go() {
    let shop = Shop::start(&[Kind::Local], "keep = 1").await;
    let app: AppKey = "shop".parse().unwrap();
    for number in 0..14 {
        shop.released(&format!("release {number}")).await;
    }
    let rows = shop.app.engine().store().builds(Some(&app), 100).await.unwrap();
    assert_eq!((rows.len(), stored(&shop).len()), (14, 14), "an hour has not passed");
    shop.app.advance(std::time::Duration::from_secs(2 * 3600));
    let swept = async || (stored(&shop).len() == 10).then_some(());
    shop.app.until("the sweep", swept).await;
    let rows = shop.app.engine().store().builds(Some(&app), 100).await.unwrap();
    let mut kept: Vec<String> = rows.into_iter().map(|row| row.digest).collect();
    kept.sort();
    assert_eq!(kept, stored(&shop));
    assert_eq!(shop.hosts[0].read("index.html").as_deref(), Some("release 13"));
    assert!(shop.app.path("mirrors").is_dir() && !REPOSITORY.is_empty());
    shop.finish().await;
}

#[tokio::test]
async fn leftovers_go_and_what_is_not_ours_stays() {
    let shop = Shop::start(&[Kind::Local], "").await;
    shop.released("one").await;
    let left =
        ["work/9999", "work/upload-0123456789abcdef", "caches/sold", "builds/.gone-1"].map(|name| shop.app.path(name));
    let stays = ["work/notes", "builds/notes", "caches/shop"].map(|name| shop.app.path(name));
    for dir in left.iter().chain(&stays) {
        std::fs::create_dir_all(dir.join("deep")).unwrap();
        std::fs::write(dir.join("deep/file"), "x").unwrap();
    }
    shop.app.advance(std::time::Duration::from_secs(2 * 3600));
    shop.app.until("the sweep", async || left.iter().all(|dir| !dir.exists()).then_some(())).await;
    assert!(stays.iter().all(|dir| dir.join("deep/file").exists()));
    shop.finish().await;
}
