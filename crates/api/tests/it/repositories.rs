//! Repositories that are out of the ordinary, and what they become on hosts.

use crate::shop::{Kind, REPOSITORY, Shop, names, text};
use davit_testkit::git::Repo;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Stdio};

const BOTH: &[Kind] = &[Kind::Local, Kind::Ssh];

async fn released_as_pushed(shop: &Shop) -> Value {
    shop.app.publish(&shop.repo, REPOSITORY);
    let id = shop.ask(json!({ "ref": "main" })).await;
    shop.ended(id).await
}

/// The directories of the live releases, one a host.
fn live_dirs(shop: &Shop) -> Vec<PathBuf> {
    shop.hosts.iter().map(|host| host.disk.join("davit/shop/releases").join(host.live().unwrap())).collect()
}

#[tokio::test]
async fn names_that_differ_only_in_case_are_different_names() {
    let shop = Shop::start(BOTH, "").await;
    let different = ["README.md", "Readme.md", "readme.md", "src/Main.rs", "src/main.rs", "SRC/main.rs", "é", "É"];
    // The same letter to a reader, and other bytes.
    let composed = ["caf\u{e9}", "cafe\u{301}"];
    let all: Vec<&str> = different.into_iter().chain(composed).collect();
    let files: Vec<(&str, &str)> = all.iter().map(|name| (*name, *name)).collect();
    shop.repo.commit("Case", &files);
    for changed in ["", " and changed"] {
        if !changed.is_empty() {
            // The second release is made of the first one: of two such files one is new.
            shop.repo.commit(
                "Change",
                &[("Readme.md", "Readme.md and changed"), ("src/main.rs", "src/main.rs and changed")],
            );
        }
        let deployment = released_as_pushed(&shop).await;
        assert_eq!(deployment["state"], "succeeded", "{deployment}");
        for dir in live_dirs(&shop) {
            for name in &all {
                let more = if ["Readme.md", "src/main.rs"].contains(name) { changed } else { "" };
                assert_eq!(std::fs::read_to_string(dir.join(name)).unwrap(), format!("{name}{more}"));
            }
            assert_eq!(names(&dir.join("src")), ["Main.rs", "main.rs"]);
        }
    }
    shop.finish().await;
}

#[tokio::test]
async fn empty_directories_arrive() {
    // Git keeps none: hooks make them.
    let make = "hooks.after_checkout = 'mkdir -p cache/empty \"log s\" full/hollow; : > full/file'";
    let shop = Shop::start(BOTH, make).await;
    for round in ["first", "second"] {
        shop.released(round).await;
        for dir in live_dirs(&shop) {
            assert_eq!(names(&dir), ["REVISION", "cache", "full", "index.html", "log s"], "{round}");
            assert_eq!((names(&dir.join("cache")), names(&dir.join("cache/empty"))), (vec!["empty".into()], vec![]));
            assert_eq!(names(&dir.join("full")), ["file", "hollow"]);
        }
    }
    // Nor does a directory that is empty from now on stay full.
    let emptied = "hooks.after_checkout = 'mkdir -p full/hollow'";
    shop.configure(&shop.document(&shop.production("", emptied))).await;
    shop.released("third").await;
    for dir in live_dirs(&shop) {
        assert_eq!(
            (names(&dir), names(&dir.join("full"))),
            (vec!["REVISION".into(), "full".into(), "index.html".into()], vec!["hollow".into()])
        );
    }
    shop.finish().await;
}

#[tokio::test]
async fn symlinks_that_lead_out_of_the_tree_are_refused_before_any_host_is_touched() {
    let shop = Shop::start(BOTH, "").await;
    let old = shop.released("old").await;
    let work = shop.repo.path();
    std::fs::create_dir(work.join("sub")).unwrap();
    for (target, link) in
        [("/etc/passwd", "absolute"), ("../../..", "sub/up"), ("sub/../../outside", "detour"), ("sub/up/x", "chain")]
    {
        symlink(target, work.join(link)).unwrap();
    }
    symlink("index.html", work.join("harmless")).unwrap();
    shop.repo.commit("Links", &[("index.html", "new")]);
    let deployment = released_as_pushed(&shop).await;
    assert_eq!(deployment["state"], "failed", "{deployment}");
    let reason = text(&deployment["reason"]);
    assert!(reason.contains("4 symlinks lead out of the release"), "{reason}");
    for link in ["absolute -> /etc/passwd", "sub/up -> ../../..", "detour -> sub/../../outside", "chain -> sub/up/x"] {
        assert!(reason.contains(link), "{link}: {reason}");
    }
    assert!(!reason.contains("harmless"), "{reason}");
    for host in &shop.hosts {
        assert_eq!((host.live(), host.releases()), (Some(old.clone()), vec![old.clone()]), "{}", host.name);
    }

    // What the reason proposes helps.
    shop.configure(&shop.document(&shop.production(
        "",
        "filter = { mode = \"exclude\", patterns = [\"/absolute\", \"up\", \"/detour\", \"/chain\"] }",
    )))
    .await;
    let deployment = released_as_pushed(&shop).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment}");
    for dir in live_dirs(&shop) {
        assert_eq!(std::fs::read_to_string(dir.join("harmless")).unwrap(), "new");
    }
    shop.finish().await;
}

#[tokio::test]
async fn pointers_to_large_files_are_not_released_in_their_place() {
    let shop = Shop::start(BOTH, "").await;
    let old = shop.released("old").await;
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
    shop.repo.commit(
        "Video",
        &[(".gitattributes", "*.mp4 filter=lfs diff=lfs merge=lfs -text\n"), ("video/intro.mp4", pointer)],
    );
    let deployment = released_as_pushed(&shop).await;
    let path = std::env::var_os("PATH").unwrap();
    if std::env::split_paths(&path).any(|dir| dir.join("git-lfs").exists()) {
        // A hook can get the content then; that none did is said.
        let log = shop.log_of(&deployment).await;
        assert!(log.iter().any(|line| line.contains("video/intro.mp4 is a pointer")), "{log:#?}");
    } else {
        assert_eq!(deployment["state"], "failed", "{deployment}");
        let reason = text(&deployment["reason"]);
        assert!(reason.contains("video/intro.mp4") && reason.contains("install git-lfs"), "{reason}");
        for host in &shop.hosts {
            assert_eq!((host.live(), host.releases()), (Some(old.clone()), vec![old.clone()]), "{}", host.name);
        }
    }
    shop.finish().await;
}

/// So many that nothing which is done once a file may be slow. 100,000 work as well, and take a busy disk minutes, since
/// each file is made five times here.
const MANY: usize = 30_000;

/// A commit of [`MANY`] files in directories of a hundred, written the way that takes git the least time.
fn commit_many(repo: &Repo, message: &str, changed: &[usize]) {
    let mut stream = String::new();
    for (mark, content) in [(1, "one of very many\n"), (2, "changed\n")] {
        write!(stream, "blob\nmark :{mark}\ndata {}\n{content}\n", content.len()).unwrap();
    }
    let author = "A <a@example.com> 1700000000 +0000";
    write!(stream, "commit refs/heads/main\nauthor {author}\ncommitter {author}\ndata {}\n{message}\n", message.len())
        .unwrap();
    stream.push_str("from refs/heads/main^0\n");
    if changed.is_empty() {
        for number in 0..MANY {
            writeln!(stream, "M 100644 :1 many/{:03}/file-{number}", number / 100).unwrap();
        }
    }
    for number in changed {
        writeln!(stream, "M 100644 :2 many/{:03}/file-{number}", number / 100).unwrap();
    }
    let mut import = Command::new("git")
        .args(["fast-import", "--quiet", "--force"])
        .current_dir(repo.path())
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    import.stdin.take().unwrap().write_all(stream.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
}

#[tokio::test]
async fn tens_of_thousands_of_files_are_released() {
    let shop = Shop::start(&[Kind::Local], "transfer = { unchanged = \"hardlink\" }").await;
    commit_many(&shop.repo, "Many", &[]);
    let deployment = released_as_pushed(&shop).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment}");
    let first = live_dirs(&shop).remove(0);
    let count = |dir: &PathBuf| names(dir).iter().map(|name| names(&dir.join(name)).len()).sum::<usize>();
    assert_eq!(count(&first.join("many")), MANY);

    // Of the next release only what changed is sent.
    commit_many(&shop.repo, "Few", &[7, 27_777]);
    let deployment = released_as_pushed(&shop).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment}");
    let log = shop.log_of(&deployment).await;
    assert!(log.iter().any(|line| line.contains(&format!("Uploaded and checked 2 of {} files", MANY + 1))), "{log:#?}");
    let second = live_dirs(&shop).remove(0);
    assert_eq!(count(&second.join("many")), MANY);
    let read = |dir: &PathBuf, file: &str| std::fs::read_to_string(dir.join("many").join(file)).unwrap();
    assert_eq!(
        (read(&second, "277/file-27777"), read(&first, "277/file-27777")),
        ("changed\n".into(), "one of very many\n".into())
    );
    shop.finish().await;
}
