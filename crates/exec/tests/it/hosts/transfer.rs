//! Releases made of an older one and what has changed: the same as if everything had been sent, whatever happened to
//! the older one meanwhile.

use super::support::{Place, TestBuild, never, on_every_host, release};
use davit_domain::ids::ReleaseName;
use davit_exec::build::Build;
use davit_exec::host::{Compress, Shared, StageReport, TransferOptions, Unchanged, Verify};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

const COPY: TransferOptions =
    TransferOptions { unchanged: Unchanged::Copy, verify: Verify::Sent, compress: Compress::Auto };
const LINK: TransferOptions = TransferOptions { unchanged: Unchanged::Hardlink, ..COPY };

impl Place {
    /// What a deployment does: prepares, stages on top of what is there, switches.
    async fn deploy(
        &self,
        number: i64,
        build: &Build,
        before: Option<&Build>,
        options: TransferOptions,
    ) -> StageReport {
        let base = self.base(build).await;
        assert_eq!(base.is_some(), before.is_some(), "a base once there is a release");
        let report = self.make(number, build, base.as_ref().zip(before), options).await;
        self.host.switch(&self.layout, &release(number), "a test").await.expect("switched");
        report
    }

    async fn base(&self, build: &Build) -> Option<ReleaseName> {
        self.host.prepare(&self.layout, Some(&build.digest), &never()).await.expect("prepared").base
    }

    async fn make(
        &self,
        number: i64,
        build: &Build,
        base: Option<(&ReleaseName, &Build)>,
        options: TransferOptions,
    ) -> StageReport {
        let (upload, shared) = (self.upload(build, options), Shared::default());
        let staged =
            self.host.stage(&self.layout, &release(number), "c0ffee", &upload, base, &shared, false, &never()).await;
        staged.expect("staged")
    }

    /// The release's tree must be the build's, and nothing else.
    pub(crate) fn check(&self, number: i64, build: &TestBuild) {
        let mut there = tree(&self.release_dir(&release(number)));
        assert_eq!(there.remove(&b"REVISION"[..]), Some(Thing::File(0o644, b"c0ffee\n".to_vec())));
        assert_eq!(there, tree(&build.source()), "release {number}");
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Thing {
    Directory(u32),
    File(u32, Vec<u8>),
    Symlink(Vec<u8>),
}

/// Everything in a directory.
fn tree(root: &Path) -> BTreeMap<Vec<u8>, Thing> {
    let mut things = BTreeMap::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(&directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            let metadata = fs::symlink_metadata(&path).expect("metadata");
            let mode = metadata.mode() & 0o7777;
            let thing = if metadata.is_dir() {
                waiting.push(path.clone());
                Thing::Directory(mode)
            } else if metadata.is_symlink() {
                Thing::Symlink(fs::read_link(&path).expect("a target").into_os_string().into_vec())
            } else {
                Thing::File(mode, fs::read(&path).expect("a file"))
            };
            things.insert(path.strip_prefix(root).expect("below").as_os_str().as_bytes().to_vec(), thing);
        }
    }
    things
}

/// A tree made of dice: names of all sorts are absent, files, directories or symlinks, with various modes.
fn random(seed: u64) -> impl FnOnce(&Path) {
    const NAMES: [&[u8]; 19] = [
        b"a",
        b"b c",
        b"-rf",
        b"back\\slash",
        b"not-\xff\xfe-utf8",
        b"two\nlines",
        b"return\r",
        b"'quote\" $(id)",
        b"dir",
        b"dir/a",
        b"dir/b",
        b"dir/sub",
        b"dir/sub/deep",
        b"odd\ndir",
        b"odd\ndir/a",
        b"x y",
        b"x y/z",
        b"*",
        b"empty",
    ];
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut dice = move |sides: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % sides
    };
    move |root| {
        fs::write(root.join("always"), "here").expect("a file");
        for name in NAMES {
            let path = root.join(OsStr::from_bytes(name));
            let in_directory =
                fs::symlink_metadata(path.parent().expect("a parent")).is_ok_and(|parent| parent.is_dir());
            match dice(8) {
                _ if !in_directory => {}
                0 => {}
                1 | 2 => {
                    fs::create_dir(&path).expect("a directory");
                    let mode = [0o755, 0o750, 0o700][dice(3) as usize];
                    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
                }
                3 => symlink(["always", "dir", "no such thing"][dice(3) as usize], &path).expect("a symlink"),
                _ => {
                    fs::write(&path, ["", "one", "two\n"][dice(3) as usize]).expect("a file");
                    let mode = [0o644, 0o755, 0o600][dice(3) as usize];
                    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
                }
            }
        }
    }
}

on_every_host! {
    async fn any_tree_becomes_any_other(place: Place) {
        let mut before: Option<TestBuild> = None;
        for number in 1..=8 {
            let build = TestBuild::of(random(number)).await;
            let options = [COPY, LINK, TransferOptions { verify: Verify::Full, ..COPY }][number as usize % 3];
            let report = place.deploy(number as i64, &build.build, before.as_ref().map(|before| &before.build), options).await;
            assert_eq!(report.note, None, "release {number}");
            assert_eq!(report.base, (number > 1).then(|| release(number as i64 - 1)));
            place.check(number as i64, &build);
            before = Some(build);
        }
    }

    async fn every_kind_of_change_arrives(place: Place) {
        let one = TestBuild::of(|root| {
            for name in ["same", "changed", "gone", "mode", "file to dir", "file to link", "deep/er/same", "deep/er/changed"] {
                fs::create_dir_all(root.join(name).parent().expect("a parent")).expect("directories");
                fs::write(root.join(name), name).expect("a file");
            }
            for name in ["dir to file/a/b", "dir to link/a", "gone dir/a/b", "mode dir", "empty"] {
                fs::create_dir_all(root.join(name)).expect("directories");
            }
            fs::write(root.join("dir to file/a/b/c"), "c").expect("a file");
            fs::write(root.join("mode dir/same"), "same").expect("a file");
            symlink("same", root.join("retargeted")).expect("a link");
            symlink("same", root.join("link to file")).expect("a link");
            symlink("deep", root.join("link to dir")).expect("a link");
        }).await;
        let two = TestBuild::of(|root| {
            for (name, text) in [("same", "same"), ("changed", "CHANGED"), ("new", "new"), ("mode", "mode"),
                ("file to dir/a", "a"), ("dir to file", "x"), ("deep/er/same", "deep/er/same"), ("deep/er/changed", "!"),
                ("mode dir/same", "same"), ("link to file", "y"), ("link to dir/er/same", "z"), ("new dir/deep/a", "a")] {
                fs::create_dir_all(root.join(name).parent().expect("a parent")).expect("directories");
                fs::write(root.join(name), text).expect("a file");
            }
            fs::create_dir_all(root.join("empty")).expect("a directory");
            fs::create_dir_all(root.join("new empty")).expect("a directory");
            fs::set_permissions(root.join("mode"), fs::Permissions::from_mode(0o755)).expect("a mode");
            fs::set_permissions(root.join("mode dir"), fs::Permissions::from_mode(0o700)).expect("a mode");
            symlink("changed", root.join("retargeted")).expect("a link");
            symlink("same", root.join("file to link")).expect("a link");
            symlink("deep", root.join("dir to link")).expect("a link");
        }).await;
        for (number, options) in [(1, COPY), (4, LINK)] {
            let before = (number > 1).then_some(&two.build);
            place.deploy(number, &one.build, before, options).await;
            let report = place.deploy(number + 1, &two.build, Some(&one.build), options).await;
            assert_eq!((report.note, report.base), (None, Some(release(number))));
            assert_eq!(report.sent_files, 9, "changed, new, mode, file to dir/a, dir to file, …");
            place.check(number + 1, &two);
            place.check(number, &one);
        }
    }

    async fn what_a_hook_added_is_never_carried_over(place: Place) {
        let one = TestBuild::new(&[("a", b"a"), ("src/b", b"b"), ("src/c", b"c"), ("changed", b"1")]).await;
        let two = TestBuild::new(&[("a", b"a"), ("src/b", b"b"), ("src/c", b"c"), ("changed", b"2")]).await;
        place.deploy(1, &one.build, None, COPY).await;
        for (number, options, extras) in [(2, COPY, 3), (3, LINK, 3), (4, COPY, 60), (5, LINK, 60)] {
            let dir = place.release_dir(&release(number - 1));
            for extra in 0..extras {
                for name in [format!("node_modules/{extra}/x"), format!("src/gen/{extra}"), format!("src/odd\n{extra}/c")] {
                    let path = dir.join(name);
                    fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
                    fs::write(path, "extra").expect("a file");
                }
            }
            symlink("/etc", dir.join("src/outside")).expect("a link");
            let (old, new) = if number % 2 == 0 { (&one, &two) } else { (&two, &one) };
            let report = place.deploy(number, &new.build, Some(&old.build), options).await;
            assert_eq!((report.note, report.base, report.sent_files), (None, Some(release(number - 1)), 1));
            place.check(number, new);
            assert!(dir.join("node_modules/1/x").exists(), "the base keeps them");
        }
    }

    async fn what_a_hook_altered_is_sent_again(place: Place) {
        let files: &[(&str, &[u8])] = &[("config.php", b"dist"), ("same", b"same"), ("script", b"#!"), ("gone", b"g"),
            ("dir/gone", b"x"), ("dir/deep/gone", b"y"), ("times", b"12345"), ("not-\u{e9}", b"z")];
        let build = TestBuild::of(|root| {
            for (name, content) in files {
                fs::create_dir_all(root.join(name).parent().expect("a parent")).expect("directories");
                fs::write(root.join(name), content).expect("a file");
            }
            symlink("same", root.join("link")).expect("a link");
            fs::write(root.join(OsStr::from_bytes(b"\xff")), "bytes").expect("a file");
        }).await;
        place.deploy(1, &build.build, None, COPY).await;
        let dir = place.release_dir(&release(1));
        fs::write(dir.join("config.php"), "production").expect("altered");
        fs::write(dir.join("times"), "54321").expect("as long as before");
        fs::write(dir.join(OsStr::from_bytes(b"\xff")), "other").expect("altered");
        fs::set_permissions(dir.join("script"), fs::Permissions::from_mode(0o755)).expect("a mode");
        fs::set_permissions(dir.join("dir"), fs::Permissions::from_mode(0o700)).expect("a mode");
        fs::remove_file(dir.join("gone")).expect("removed");
        fs::remove_dir_all(dir.join("dir/deep")).expect("removed");
        fs::remove_file(dir.join("link")).and_then(|()| symlink("script", dir.join("link"))).expect("retargeted");
        let report = place.deploy(2, &build.build, Some(&build.build), COPY).await;
        assert_eq!((report.note, report.base, report.sent_files), (None, Some(release(1)), 6));
        place.check(2, &build);
        let report = place.deploy(3, &build.build, Some(&build.build), COPY).await;
        assert_eq!((report.base, report.sent_files), (Some(release(2)), 0), "the new one is as it was staged");
        assert_eq!(fs::read(dir.join("config.php")).expect("the older one"), b"production");
    }

    async fn hard_links_leave_the_base_alone(place: Place) {
        let one = TestBuild::new(&[("same", b"same"), ("changed", b"one"), ("dir/x", b"x")]).await;
        let two = TestBuild::new(&[("same", b"same"), ("changed", b"two"), ("dir/x", b"x")]).await;
        place.deploy(1, &one.build, None, LINK).await;
        place.deploy(2, &two.build, Some(&one.build), LINK).await;
        place.check(1, &one);
        place.check(2, &two);
        let inode = |number, name: &str| fs::metadata(place.release_dir(&release(number)).join(name)).expect("a file").ino();
        assert_eq!((inode(1, "same"), inode(1, "dir/x")), (inode(2, "same"), inode(2, "dir/x")));
        assert_ne!(inode(1, "changed"), inode(2, "changed"));
        place.deploy(3, &one.build, Some(&two.build), COPY).await;
        assert_ne!(inode(2, "same"), inode(3, "same"), "a copy has one of its own");
        let report = place.deploy(4, &two.build, Some(&one.build), LINK).await;
        assert_eq!((report.base, report.sent_files), (Some(release(3)), 1), "links are no alteration");
        place.host.remove_releases(&place.layout, &[release(1)]).await.expect("removed");
        place.check(2, &two);
    }

    async fn a_base_that_is_not_what_it_was_means_sending_everything(place: Place) {
        let one = TestBuild::new(&[("a", b"a"), ("b", b"b"), ("dir/c", b"c")]).await;
        let two = TestBuild::new(&[("a", b"a"), ("b", b"B"), ("dir/c", b"c")]).await;
        place.deploy(1, &one.build, None, COPY).await;
        let base = place.base(&two.build).await.expect("a base");

        // Not the build that the server takes it for.
        let report = place.make(3, &two.build, Some((&base, &two.build)), COPY).await;
        assert!(report.note.expect("a note").contains("not the build"), "release 3");
        place.check(3, &two);

        // Gone.
        let gone = release(77);
        let report = place.make(4, &two.build, Some((&gone, &one.build)), COPY).await;
        assert!(report.note.is_some() && report.base.is_none(), "release 4");
        place.check(4, &two);
    }

    async fn a_base_that_rotted_is_seen_when_all_is_verified(place: Place) {
        let one = TestBuild::new(&[("a", b"aaaa"), ("b", b"b")]).await;
        let two = TestBuild::new(&[("a", b"aaaa"), ("b", b"B")]).await;
        place.deploy(1, &one.build, None, COPY).await;
        // Other bytes, the same size and time: nothing but its content shows it.
        let file = fs::File::options().write(true).open(place.release_dir(&release(1)).join("a")).expect("a file");
        let modified = file.metadata().and_then(|metadata| metadata.modified()).expect("a time");
        std::io::Write::write_all(&mut &file, b"AAAA").and_then(|()| file.set_modified(modified)).expect("rot");
        let full = TransferOptions { verify: Verify::Full, ..COPY };
        let report = place.deploy(2, &two.build, Some(&one.build), full).await;
        assert!(report.note.expect("a note").contains("not what it has to be"), "release 2");
        place.check(2, &two);
    }

    async fn the_live_release_is_the_base_else_the_newest(place: Place) {
        let build = TestBuild::new(&[("a", b"a")]).await;
        assert_eq!(place.base(&build.build).await, None);
        for number in 1..=3 {
            place.make(number, &build.build, None, COPY).await;
        }
        let base = async || place.base(&build.build).await;
        assert_eq!(base().await, Some(release(3)));
        place.host.switch(&place.layout, &release(2), "two").await.expect("switched");
        assert_eq!(base().await, Some(release(2)));
        // Staged by something that left no manifest, or not to its end.
        fs::remove_file(Path::new(&place.layout.app_dir()).join(format!(".davit/{}.manifest", release(2)))).expect("removed");
        assert_eq!(base().await, Some(release(3)));
        let whole = async |number: i64| place.host.has_release(&place.layout, &release(number)).await.expect("asked");
        assert_eq!([whole(1).await, whole(2).await, whole(9).await], [true, false, false]);
        place.host.remove_releases(&place.layout, &[release(1), release(3)]).await.expect("removed");
        assert!(!whole(1).await);
        assert_eq!(base().await, None);
        assert_eq!(place.host.prepare(&place.layout, None, &never()).await.expect("prepared").base, None);
    }

    async fn shared_paths_may_come_and_go(place: Place) {
        let build = TestBuild::new(&[("a", b"a"), ("storage/keep", b"k"), ("storage/logs/.gitkeep", b"")]).await;
        let upload = place.upload(&build.build, COPY);
        let some = Shared::new(&["storage/logs".to_owned(), "new/one".to_owned()], &[]).expect("paths");
        let none = Shared::default();
        for (number, shared) in [(1, &some), (2, &some), (3, &none), (4, &none), (5, &some)] {
            let base = place.base(&build.build).await;
            let base = base.as_ref().map(|base| (base, &build.build));
            let staged = place.host.stage(&place.layout, &release(number), "x", &upload, base, shared, false, &never()).await;
            let report = staged.expect("staged");
            let dir = place.release_dir(&release(number));
            let linked = shared == &some;
            assert_eq!((dir.join("storage/logs").is_symlink(), dir.join("new").exists()), (linked, linked), "release {number}");
            assert!(dir.join("storage/keep").is_file() && (linked || dir.join("storage/logs/.gitkeep").is_file()));
            assert_eq!(report.note.is_some(), number == 3, "the base never had what was shared: {:?}", report.note);
            place.host.switch(&place.layout, &release(number), "next").await.expect("switched");
        }
    }

    async fn compressed_streams_arrive_the_same(place: Place) {
        let options = TransferOptions { compress: Compress::Always, ..COPY };
        let text = "all work and no play\n".repeat(20_000);
        let one = TestBuild::new(&[("text", text.as_bytes()), ("two\nlines", b"x")]).await;
        let two = TestBuild::new(&[("text", text.as_bytes()), ("two\nlines", b"x"), ("more", text.as_bytes())]).await;
        let report = place.deploy(1, &one.build, None, options).await;
        assert!(report.bytes < 100_000, "{}", report.bytes);
        let report = place.deploy(2, &two.build, Some(&one.build), options).await;
        assert!(report.bytes < 100_000 && report.note.is_none(), "{report:?}");
        place.check(1, &one);
        place.check(2, &two);
        let left = fs::read_dir(place.root().join("work")).expect("the work directory").count();
        assert_eq!(left, 0, "compressed streams go with the upload");
    }
}

#[tokio::test]
async fn what_is_sent_grows_with_the_change_and_not_with_the_release() {
    let place = Place::new(super::support::Kind::Local).await;
    place.prepare().await.expect("prepared");
    let mut sent = Vec::new();
    for (round, count) in [(0, 200), (1, 2000)] {
        let build = async |text: &str| {
            TestBuild::of(|root| {
                for number in 0..count {
                    let path = root.join(format!("dir-{}/file-{number}", number % 20));
                    fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
                    fs::write(path, if number < 10 { text } else { "the same" }).expect("a file");
                }
            })
            .await
        };
        let (one, two) = (build("one").await, build("two").await);
        let first = place.make(round * 2 + 1, &one.build, None, COPY).await;
        assert_eq!(first.sent_files, count);
        let base = release(round * 2 + 1);
        let second = place.make(round * 2 + 2, &two.build, Some((&base, &one.build)), COPY).await;
        assert_eq!((second.sent_files, second.base, second.note), (10, Some(base), None));
        sent.push(second.bytes);
        place.check(round * 2 + 2, &two);
    }
    assert!(sent[1] < sent[0] * 13 / 10, "{sent:?}");
}

#[tokio::test]
async fn hosts_in_the_same_situation_share_the_work() {
    let place = Place::new(super::support::Kind::Local).await;
    let build = TestBuild::new(&[("a", b"a")]).await;
    place.prepare().await.expect("prepared");
    let upload = place.upload(&build.build, TransferOptions { compress: Compress::Always, ..COPY });
    let stage = async |number: i64| {
        let (name, shared): (ReleaseName, _) = (release(number), Shared::default());
        place.host.stage(&place.layout, &name, "x", &upload, None, &shared, false, &never()).await.expect("staged");
    };
    tokio::join!(stage(1), async {});
    stage(2).await;
    assert_eq!(fs::read_dir(place.root().join("work")).expect("the work directory").count(), 1, "packed once");
}
