//! Preparing a host and getting builds onto it whole, or not at all.

use super::support::{Place, TestBuild, layout, never, on_every_host, release};
use davit_exec::build::Kind;
use davit_exec::host::{Shared, TransferOptions};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use tokio_util::sync::CancellationToken;

on_every_host! {
    async fn the_first_preparation_makes_the_directories(place: Place) {
        let facts = place.prepare().await.expect("prepared");
        assert_eq!((facts.live, facts.foreign, facts.releases), (None, None, vec![]));
        assert!(facts.free_bytes.is_some_and(|free| free > 1 << 20), "{:?}", facts.free_bytes);
        let app = place.layout.app_dir();
        for (dir, mode) in [("releases", 0o755), ("shared", 0o755), (".davit", 0o700)] {
            assert_eq!(fs::metadata(Path::new(&app).join(dir)).expect(dir).mode() & 0o777, mode, "{dir}");
        }
        assert!(fs::symlink_metadata(place.deploy_path()).is_err(), "nothing is deployed yet");
    }

    async fn a_real_directory_in_the_way_is_refused_and_left_alone(place: Place) {
        fs::create_dir_all(place.deploy_path()).expect("the old site");
        fs::write(place.deploy_path().join("index.html"), "old").expect("its page");
        let refusal = place.prepare().await.expect_err("refused").to_string();
        let path = place.layout.deploy_path();
        assert!(refusal.contains("is a real directory") && refusal.contains("mv "), "{refusal}");
        assert!(refusal.contains(&format!("{path} is a real")), "{refusal}");
        assert_eq!(fs::read_to_string(place.deploy_path().join("index.html")).expect("still there"), "old");

        // What it says to do does it.
        let command = refusal.split("on the host: ").nth(1).expect("a command");
        assert!(Command::new("sh").args(["-c", command]).status().expect("sh").success(), "{command}");
        place.prepare().await.expect("prepared now");
    }

    async fn what_is_staged_is_what_was_built(place: Place) {
        place.prepare().await.expect("prepared");
        let odd: [&[u8]; 9] = [
            b"with space", b"-rf", b"back\\slash", b"two\nlines", b"\\n leading", b"'quote\" $(id)", b"not-\xff\x81-utf8",
            b"return\r", b"tab\t*?[x]",
        ];
        let build = TestBuild::of(|source| {
            for name in odd {
                fs::write(source.join(OsStr::from_bytes(name)), name).expect("a file");
            }
            fs::create_dir_all(source.join("deep/er\n/empty")).expect("directories");
            fs::write(source.join("deep/er\n/run.sh"), "#!/bin/sh\n").expect("a file");
            fs::set_permissions(source.join("deep/er\n/run.sh"), fs::Permissions::from_mode(0o755)).expect("mode");
            symlink("../index.html", source.join("deep/link")).expect("a link");
            symlink("nowhere at all", source.join("dangling")).expect("a link");
            fs::write(source.join("empty-file"), "").expect("a file");
            fs::write(source.join("long".repeat(50)), "long").expect("a file");
            fs::write(source.join("big"), vec![7; 3 << 20]).expect("a file");
        }).await;
        let release = release(1);
        let report = place.stage_with(&release, &build.build, &Shared::default(), &never()).await.expect("staged");
        assert_eq!((report.files, report.sent_files), (build.build.files, build.build.files));
        assert_eq!((report.base, report.note), (None, None));
        assert!(report.bytes > 3 << 20);

        let dir = place.release_dir(&release);
        for name in odd {
            assert_eq!(fs::read(dir.join(OsStr::from_bytes(name))).expect("a file"), name);
        }
        assert_eq!(fs::read(dir.join("long".repeat(50))).expect("a file"), b"long");
        assert_eq!(fs::metadata(dir.join("big")).expect("big").len(), 3 << 20);
        assert_eq!(fs::metadata(dir.join("deep/er\n/run.sh")).expect("run.sh").mode() & 0o777, 0o755);
        assert_eq!(fs::metadata(dir.join("big")).expect("big").mode() & 0o777, 0o644);
        assert!(fs::read_dir(dir.join("deep/er\n/empty")).expect("the empty directory").next().is_none());
        assert_eq!(fs::read_link(dir.join("deep/link")).expect("link"), Path::new("../index.html"));
        assert_eq!(fs::read_link(dir.join("dangling")).expect("link"), Path::new("nowhere at all"));
        assert_eq!(fs::read_to_string(dir.join("REVISION")).expect("REVISION"), "c0ffee\n");
        assert_eq!(fs::metadata(&dir).expect("the release").mode() & 0o777, 0o755);
        let there = fs::read_dir(&dir).expect("the release").count();
        assert_eq!(there, odd.len() + 6, "nothing but the build and REVISION");
        assert_eq!(place.in_releases(), [release.as_str()]);
        assert_eq!(place.in_davit_dir(), [format!("{release}.manifest"), format!("{release}.tree")]);
        assert_eq!(place.host.releases(&place.layout).await.expect("listed"), [release]);
    }

    async fn an_empty_file_list_is_staged_too(place: Place) {
        place.prepare().await.expect("prepared");
        let build = TestBuild::of(|source| symlink("elsewhere", source.join("link")).expect("a link")).await;
        place.stage(&release(1), &build.build).await.expect("staged");
        assert!(place.release_dir(&release(1)).join("link").is_symlink());
    }

    async fn shared_paths_are_linked(place: Place) {
        place.prepare().await.expect("prepared");
        let build = TestBuild::new(&[("config/app.toml", b"a"), ("storage/logs/.gitkeep", b"")]).await;
        let own = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
        let shared = Shared::new(&own(&["storage/logs", "new one/dir"]), &own(&["config/.env"])).expect("paths");
        let stage = async || place.stage_with(&release(1), &build.build, &shared, &never()).await;

        let refusal = stage().await.expect_err("the shared file is missing").to_string();
        let file = Path::new(&place.layout.app_dir()).join("shared/config/.env");
        assert!(refusal.contains(&format!("{} does not exist", file.display())), "{refusal}");
        assert_eq!(place.in_releases(), [""; 0]);

        fs::create_dir_all(file.parent().expect("a parent")).expect("shared/config");
        fs::write(&file, "SECRET=1").expect("the shared file");
        stage().await.expect("staged");
        let dir = place.release_dir(&release(1));
        assert_eq!(fs::read_to_string(dir.join("config/.env")).expect(".env"), "SECRET=1");
        assert_eq!(fs::read_to_string(dir.join("config/app.toml")).expect("app.toml"), "a");
        fs::write(dir.join("storage/logs/today.log"), "x").expect("a log in the shared directory");
        let logs = Path::new(&place.layout.app_dir()).join("shared/storage/logs");
        assert!(logs.join("today.log").exists() && !logs.join(".gitkeep").exists());
        assert!(dir.join("new one/dir").is_symlink());
    }

    async fn a_shared_path_never_leads_out_of_the_release(place: Place) {
        place.prepare().await.expect("prepared");
        let build = TestBuild::of(|source| {
            fs::create_dir_all(source.join("elsewhere/logs")).expect("directories");
            symlink("elsewhere", source.join("storage")).expect("a link");
        })
        .await;
        let shared = Shared::new(&["storage/logs".to_owned()], &[]).expect("paths");
        let staged = place.stage_with(&release(1), &build.build, &shared, &never()).await;
        let refusal = staged.expect_err("refused").to_string();
        assert!(refusal.contains("leads through a symlink"), "{refusal}");
        assert_eq!(place.in_releases(), [""; 0]);
    }

    async fn staging_again_replaces_what_is_not_live(place: Place) {
        place.stage_page(&release(1)).await;
        fs::write(place.release_dir(&release(1)).join("half-done"), "").expect("what a hook left");
        place.stage_page(&release(1)).await;
        assert!(!place.release_dir(&release(1)).join("half-done").exists());
        place.host.switch(&place.layout, &release(1), "one").await.expect("switched");
        let build = TestBuild::new(&[("index.html", b"other")]).await;
        let refusal = place.stage(&release(1), &build.build).await.expect_err("live").to_string();
        assert!(refusal.contains("is live already"), "{refusal}");
        assert_eq!(fs::read_to_string(place.deploy_path().join("index.html")).expect("page"), release(1).as_str());
    }

    async fn a_damaged_upload_is_never_staged(place: Place) {
        place.prepare().await.expect("prepared");
        let build = TestBuild::new(&[("a", b"a"), ("b", b"b"), ("odd\nname", b"c")]).await;
        for bad in 0..3 {
            let mut damaged = build.build.clone();
            let mut entries = damaged.entries.to_vec();
            let Kind::File { sha256, .. } = &mut entries[bad].kind else { panic!("a file") };
            sha256[0] ^= 1;
            damaged.entries = entries.into();
            let refusal = place.stage(&release(1), &damaged).await.expect_err("damaged").to_string();
            assert!(refusal.contains("is not what was sent"), "{refusal}");
            assert_eq!(place.in_releases(), [""; 0]);
            assert_eq!(place.in_davit_dir(), [""; 0]);
        }
        place.stage(&release(1), &build.build).await.expect("whole again");
    }

    async fn an_archive_that_is_cut_is_never_staged(place: Place) {
        place.prepare().await.expect("prepared");
        let build = TestBuild::new(&[("a", &[1; 4096]), ("b", &[2; 4096])]).await;
        let archive = fs::OpenOptions::new().write(true).open(&build.build.archive).expect("the archive");
        archive.set_len(6000).expect("cut");
        let refusal = place.stage(&release(1), &build.build).await.expect_err("cut").to_string();
        assert!(refusal.contains("is not a whole tar archive"), "{refusal}");
        assert_eq!(place.in_releases(), [""; 0]);
    }

    async fn a_cancelled_upload_leaves_nothing(place: Place) {
        place.prepare().await.expect("prepared");
        // The archive is a pipe that gives one piece and then waits: the upload is in the middle for as long as needed.
        let mut build = TestBuild::new(&[("big", &vec![1; 4 << 20])]).await;
        let whole = fs::read(&build.build.archive).expect("the archive");
        let pipe = place.root().join("pipe");
        nix::unistd::mkfifo(&pipe, nix::sys::stat::Mode::S_IRWXU).expect("a pipe");
        build.build.archive = pipe.clone();
        let cancel = CancellationToken::new();
        let (shared, canceller) = (Shared::default(), cancel.clone());
        let release = release(1);
        let staging = place.stage_with(&release, &build.build, &shared, &cancel);
        let feeding = tokio::task::spawn_blocking(move || {
            use std::io::Write;
            let mut pipe = fs::OpenOptions::new().write(true).open(pipe).expect("the pipe");
            pipe.write_all(&whole[..1 << 20]).expect("one piece");
            canceller.cancel();
            pipe
        });
        let (staged, fed) = tokio::join!(staging, feeding);
        drop(fed);
        let refusal = staged.expect_err("cancelled").to_string();
        assert!(refusal.contains("removed its partial copy"), "{refusal}");
        assert_eq!(place.in_releases(), [""; 0]);
        assert_eq!(place.in_davit_dir(), [""; 0]);
    }

    async fn leftovers_of_dead_uploads_go_and_running_ones_stay(place: Place) {
        place.prepare().await.expect("prepared");
        let app = Path::new(&place.layout.app_dir()).to_owned();
        // No kernel gives out an id as high as this, so no other process can have got it meanwhile.
        let dead = i32::MAX;
        let alive = std::process::id();
        for left in ["releases/.partial-1/locked".into(), "releases/.partial-2".into(), ".davit/upload-1".into(),
            ".davit/upload-2".into(), format!("releases/.removing-x.{dead}"), format!("releases/.removing-x.{alive}")] {
            fs::create_dir_all(app.join(left)).expect("a leftover");
        }
        fs::write(app.join(".davit/upload-1/pid"), dead.to_string()).expect("a pid");
        fs::write(app.join(".davit/upload-2/pid"), alive.to_string()).expect("a pid");
        fs::set_permissions(app.join("releases/.partial-1/locked"), fs::Permissions::from_mode(0o500)).expect("mode");
        place.prepare().await.expect("prepared");
        assert_eq!(place.in_releases(), [".partial-2".to_owned(), format!(".removing-x.{alive}")]);
        assert_eq!(place.in_davit_dir(), ["upload-2"]);
    }

    async fn a_full_disk_is_called_that(place: Place) {
        for (options, content) in [("size=2m", 3 << 20), ("size=64m,nr_inodes=40", 10)] {
            let Some(disk) = SmallDisk::mount(&place.root().join(format!("disk-{content}")), options) else { return };
            let root = disk.0.to_str().expect("UTF-8");
            let layout = layout(root);
            place.host.prepare(&layout, None, &never()).await.expect("prepared");
            let content = vec![1; content];
            let names: Vec<String> = (0..60).map(|number| format!("file-{number}")).collect();
            let files: Vec<(&str, &[u8])> =
                names.iter().enumerate().map(|(n, name)| (name.as_str(), if n == 0 { content.as_slice() } else { &b"x"[..] })).collect();
            let build = TestBuild::new(&files).await;
            let staged = {
                let (upload, shared) = (place.upload(&build.build, TransferOptions::default()), Shared::default());
                place.host.stage(&layout, &release(1), "c0ffee", &upload, None, &shared, false, &never()).await
            };
            let refusal = staged.expect_err("no room").to_string();
            assert!(refusal.contains("the disk is full") && refusal.contains("MiB"), "{refusal}");
            let left: Vec<_> = fs::read_dir(Path::new(&layout.app_dir()).join("releases")).expect("releases").collect();
            assert!(left.is_empty(), "{left:?}");
        }
    }

    async fn a_disk_that_fills_up_while_the_base_is_copied_is_called_that(place: Place) {
        let Some(disk) = SmallDisk::mount(&place.root().join("disk"), "size=64m,nr_inodes=90") else { return };
        let layout = layout(disk.0.to_str().expect("UTF-8"));
        let names: Vec<String> = (0..50).map(|number| format!("file-{number}")).collect();
        let files: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
        let site = TestBuild::new(&files).await;
        let build = site.build.clone();
        let upload = place.upload(&build, TransferOptions::default());
        let mut base = None;
        for number in 1..=2 {
            let facts = place.host.prepare(&layout, Some(&build.digest), &never()).await.expect("prepared");
            assert!(!facts.partial);
            base = facts.base;
            let (base, shared) = (base.as_ref().map(|base| (base, &build)), Shared::default());
            let staged = place.host.stage(&layout, &release(number), "x", &upload, base, &shared, false, &never()).await;
            match number {
                1 => assert_eq!(staged.expect("staged").sent_files, 50),
                _ => assert!(staged.expect_err("no room").to_string().contains("the disk is full"), "said so"),
            }
        }
        assert!(base.is_some());
        let left = fs::read_dir(Path::new(&layout.app_dir()).join("releases")).expect("releases").count();
        assert_eq!(left, 1, "the base alone");
    }
}

/// A small file system of its own. Needs root and a kernel that lets it mount.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(at: &Path, options: &str) -> Option<Self> {
        fs::create_dir(at).expect("a directory");
        let output =
            Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(at).output().expect("mount");
        if output.status.success() {
            return Some(Self(at.to_owned()));
        }
        eprintln!("skipped: a small disk can't be mounted here: {}", String::from_utf8_lossy(&output.stderr).trim());
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
