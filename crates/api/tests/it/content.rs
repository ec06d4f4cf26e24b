//! What is in a release: names and texts of every script, filters, shared paths, submodules.

use crate::shop::{Kind, REPOSITORY, Shop, names};
use davit_testkit::fake_forge::Access;
use davit_testkit::git::Repo;
use serde_json::json;
use std::os::unix::fs::{PermissionsExt, symlink};

const BOTH: &[Kind] = &[Kind::Local, Kind::Ssh];

#[tokio::test]
async fn names_and_texts_of_every_script_survive() {
    let shop = Shop::bare(davit_testkit::app::Database::Sqlite, BOTH).await;
    let hook = "printf '<%s>\\n' \"$DAVIT_APP_NAME\" \"$DAVIT_REQUEST_TITLE\" \"$SINGLE\" \"$DOUBLE\" \"$PLAIN\"; echo 发布 🎉";
    let release = format!(
        "hooks.after_checkout = '''{hook}'''\nhooks.before_release = '''{hook}'''\nvariables = '''\n\
         # Comment\nSINGLE='it is \"so\" $HOME `id`'\nDOUBLE=\"it's\\ttab \\\"q\\\" 值\"\nPLAIN=a b  c # no\n'''"
    );
    let document = shop.document(&shop.production("name = \"生产 🏭\"", &release));
    shop.configure(&document.replace("name = \"Shop\"", "name = \"商店 & “Shop” 🛒\"")).await;
    let title = "修复 \"tea\" & 'coffee' 🍵 $(id)";
    let odd = ["空 格/ü 文件.txt", "-dash", "a'b\"c", "back\\slash", "new\nline", "🎉"];
    let files: Vec<(&str, &str)> = odd.iter().map(|name| (*name, *name)).collect();
    let work = shop.repo.path();
    std::fs::write(work.join("run.sh"), "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(work.join("run.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    symlink("-dash", work.join("link to dash")).unwrap();
    shop.repo.commit(title, &files);
    shop.app.publish(&shop.repo, REPOSITORY);
    let id = shop.ask(json!({ "ref": "main" })).await;
    let deployment = shop.ended(id).await;

    let log = shop.log_of(&deployment).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment} {log:#?}");
    assert_eq!(deployment["title"], title);
    assert_eq!(deployment["git_ref"], "refs/heads/main");
    for host in &shop.hosts {
        for name in odd {
            assert_eq!(host.read(name).as_deref(), Some(name), "{} on {}", name, host.name);
        }
        let release = host.disk.join("davit/shop/releases").join(host.live().unwrap());
        assert_eq!(std::fs::metadata(release.join("run.sh")).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(std::fs::read_link(release.join("link to dash")).unwrap().to_str(), Some("-dash"));
    }
    for place in ["-", "local-1", "ssh-2"] {
        let said: Vec<&str> = log
            .iter()
            .filter_map(|line| line.strip_prefix(place)?.split_once(" stdout "))
            .map(|(_, text)| text)
            .collect();
        let values = [
            "<商店 & “Shop” 🛒>".to_owned(),
            format!("<{title}>"),
            "<it is \"so\" $HOME `id`>".to_owned(),
            "<it's\ttab \"q\" 值>".to_owned(),
            "<a b  c>".to_owned(),
            "发布 🎉".to_owned(),
        ];
        assert_eq!(said, values, "{place}");
    }
    assert_eq!(shop.get("/apps/shop").await["configs"][0]["variables"], json!(["SINGLE", "DOUBLE", "PLAIN"]));
    let text = shop.app.http().get(format!("{}/api/v1/deployments/{id}/log.txt", shop.app.url()));
    let text = text.bearer_auth(shop.app.token(davit_domain::access::Role::Viewer)).send().await.unwrap();
    assert!(text.text().await.unwrap().contains("发布 🎉"));
    shop.finish().await;
}

#[tokio::test]
async fn filters_choose_the_files() {
    let files = ["keep.txt", "docs/a.md", "docs/deep/b.md", "tests/t.txt", "src/main.txt"];
    for (filter, released) in [
        (
            "filter = { mode = \"exclude\", patterns = [\"tests/\", \"*.md\", \"!docs/a.md\"] }",
            vec!["docs", "keep.txt", "src"],
        ),
        ("filter = { mode = \"include\", patterns = [\"src/\", \"/keep.txt\"] }", vec!["keep.txt", "src"]),
        ("build_dir = \"docs\"", vec!["a.md", "deep"]),
        ("build_dir = \"docs\"\nfilter = { mode = \"exclude\", patterns = [\"/deep\"] }", vec!["a.md"]),
    ] {
        let shop = Shop::start(&[Kind::Local], filter).await;
        shop.repo.git(&["rm", "--quiet", "index.html"]);
        shop.repo.commit("files", &files.map(|name| (name, name)));
        shop.app.publish(&shop.repo, REPOSITORY);
        let id = shop.ask(json!({})).await;
        let deployment = shop.ended(id).await;
        assert_eq!(deployment["state"], "succeeded", "{deployment}");
        let release = shop.hosts[0].disk.join("davit/shop/releases").join(shop.hosts[0].live().unwrap());
        let mut found = names(&release);
        assert_eq!(found.remove(0), "REVISION");
        assert_eq!(found, released, "{filter}");
        shop.finish().await;
    }
}

#[tokio::test]
async fn a_build_that_has_no_files_says_so() {
    let shop = Shop::start(&[Kind::Local], "build_dir = \"dist\"").await;
    let deployment = shop.release_new("no dist").await;
    assert_eq!(deployment["state"], "failed", "{deployment}");
    assert!(deployment["reason"].to_string().contains("dist"), "{deployment}");
    shop.finish().await;
}

#[tokio::test]
async fn shared_paths_outlive_releases() {
    let shop = Shop::start(BOTH, "shared = { dirs = [\"storage/up loads\"], files = [\".env\"] }").await;
    let deployment = shop.release_new("too early").await;
    assert_eq!(deployment["state"], "failed", "{deployment}");
    assert!(deployment["reason"].to_string().contains("create it on the host first"), "{deployment}");
    for host in &shop.hosts {
        std::fs::create_dir_all(host.disk.join("davit/shop/shared")).unwrap();
        std::fs::write(host.disk.join("davit/shop/shared/.env"), &host.name).unwrap();
    }
    shop.released("one").await;
    for host in &shop.hosts {
        std::fs::write(host.disk.join("davit/shop/shared/storage/up loads/photo"), "of a cat").unwrap();
    }
    shop.released("two").await;
    for host in &shop.hosts {
        assert_eq!(host.read(".env").as_ref(), Some(&host.name));
        let release = host.disk.join("davit/shop/releases").join(host.live().unwrap());
        let target = std::fs::read_link(release.join("storage/up loads")).unwrap();
        assert_eq!(target, shop.srv().join("davit/shop/shared/storage/up loads"));
        assert_eq!(names(&host.disk.join("davit/shop/shared/storage/up loads")), ["photo"]);
    }
    shop.finish().await;
}

#[tokio::test]
async fn submodules_are_checked_out_with_the_same_credential() {
    let shop = Shop::start(&[Kind::Local], "").await;
    let library = Repo::init(shop.app.path("library"));
    library.commit("Library", &[("lib.txt", "of the library")]);
    shop.app.publish(&library, "acme/library");
    shop.app.forge.add_repository("acme/library", Access::Read);
    shop.repo.submodule(&library.url(), "../library.git", "vendor/library");
    shop.app.publish(&shop.repo, REPOSITORY);
    let id = shop.ask(json!({})).await;
    let deployment = shop.ended(id).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment} {:?}", shop.log_of(&deployment).await);
    assert_eq!(shop.hosts[0].read("vendor/library/lib.txt").as_deref(), Some("of the library"));
    shop.finish().await;
}
