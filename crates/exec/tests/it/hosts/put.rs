//! Files and directories at paths of their own, and what a host says of what it serves.

use super::support::{Place, TestBuild, never, on_every_host, release};
use davit_exec::ExecError;
use davit_exec::host::{FileSource, PutReport};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;

impl Place {
    async fn put(&self, source: FileSource<'_>, to: &Path, mode: Option<u32>) -> Result<PutReport, ExecError> {
        self.host.put_file(source, to.to_str().expect("UTF-8"), mode, &never()).await
    }
}

on_every_host! {
    async fn a_file_is_put_in_place_whole(place: Place) {
        let build = TestBuild::of(|root| {
            fs::create_dir(root.join("bin")).expect("a directory");
            fs::write(root.join("bin/tool"), "#!/bin/sh\n").expect("a file");
            fs::set_permissions(root.join("bin/tool"), fs::Permissions::from_mode(0o755)).expect("a mode");
            symlink("bin/tool", root.join("link")).expect("a link");
        }).await;
        let tool = FileSource::Build { build: &build.build, path: "bin/tool" };
        let to = place.root().join("new dir/it's a tool");
        let report = place.put(tool, &to, None).await.expect("put");
        assert_eq!((report.files, report.bytes), (1, 10));
        assert_eq!((fs::read(&to).expect("the file"), fs::metadata(&to).expect("it").mode() & 0o7777), (b"#!/bin/sh\n".to_vec(), 0o755));

        // Over what is there, also over a symlink, which is replaced and not followed.
        let local = place.root().join("local");
        fs::write(&local, vec![7; 1 << 20]).expect("a file");
        fs::remove_file(&to).and_then(|()| symlink(&local, &to)).expect("a link");
        place.put(tool, &to, Some(0o600)).await.expect("put");
        assert!(!to.is_symlink() && fs::metadata(&local).expect("untouched").len() == 1 << 20);
        assert_eq!(fs::metadata(&to).expect("it").mode() & 0o7777, 0o600);
        place.put(FileSource::Local(&local), &to, None).await.expect("put");
        assert_eq!((fs::metadata(&to).expect("it").len(), fs::metadata(&to).expect("it").mode() & 0o7777), (1 << 20, 0o644));
        assert_eq!(fs::read_dir(to.parent().expect("a parent")).expect("it").count(), 1, "no leftovers");

        for (source, to, word) in [
            (tool, place.root(), "is a directory"),
            (FileSource::Build { build: &build.build, path: "nothing" }, &to, "has no nothing"),
            (FileSource::Build { build: &build.build, path: "link" }, &to, "is a symlink"),
            (tool, Path::new("relative"), "must be absolute"),
            (tool, Path::new("/proc/nowhere/file"), "could not be"),
        ] {
            let refusal = place.put(source, to, None).await.expect_err(word).to_string();
            assert!(refusal.contains(word), "{refusal}");
        }
    }

    async fn a_directory_is_swapped(place: Place) {
        let build = TestBuild::new(&[("dist/a", b"new"), ("dist/deep/b", b"b"), ("dist/two\nlines", b"odd"), ("other", b"o")]).await;
        let dist = FileSource::Build { build: &build.build, path: "dist" };
        let to = place.root().join("www/site");
        for round in 0..2 {
            let report = place.put(dist, &to, None).await.expect("put");
            assert_eq!((report.files, round < 2), (3, true));
            assert_eq!(fs::read_to_string(to.join("a")).expect("a"), "new");
            assert_eq!(fs::read_to_string(to.join("deep/b")).expect("b"), "b");
            assert_eq!(fs::read_dir(&to).expect("it").count(), 3, "the old directory's files went with it");
            assert_eq!(fs::read_dir(place.root().join("www")).expect("it").count(), 1, "no leftovers");
            fs::write(to.join("old"), "").expect("a file");
        }
        let file = place.root().join("file");
        fs::write(&file, "mine").expect("a file");
        let refusal = place.put(dist, &file, None).await.expect_err("in the way").to_string();
        assert!(refusal.contains("is not a directory"), "{refusal}");
        assert_eq!(fs::read_to_string(&file).expect("still there"), "mine");
    }

    async fn a_look_shows_what_is_live_and_what_was_altered(place: Place) {
        place.prepare().await.expect("prepared");
        let look = async || place.host.inspect(&place.layout).await.expect("looked");
        let nothing = look().await;
        assert_eq!((nothing.live, nothing.foreign, nothing.altered, nothing.revision), (None, None, None, None));

        let files: Vec<String> = (0..30).map(|number| format!("file-{number:02}")).collect();
        let files: Vec<(&str, &[u8])> = files.iter().map(|name| (name.as_str(), &b"x"[..])).collect();
        let build = TestBuild::new(&files).await;
        place.stage(&release(1), &build.build).await.expect("staged");
        for number in 0..7 {
            place.host.switch(&place.layout, &release(1), &format!("switch {number}")).await.expect("switched");
        }
        let fine = look().await;
        assert_eq!((fine.live, fine.altered, fine.altered_paths), (Some(release(1)), Some(0), vec![]));
        assert_eq!((fine.releases, fine.revision.as_deref()), (vec![release(1)], Some("c0ffee")));
        assert_eq!(fine.log, ["switch 2", "switch 3", "switch 4", "switch 5", "switch 6"]);

        let dir = place.release_dir(&release(1));
        fs::write(dir.join("added"), "by the app").expect("no drift");
        fs::write(dir.join("file-03"), "hacked").expect("altered");
        fs::remove_file(dir.join("file-07")).expect("removed");
        let drift = look().await;
        assert_eq!((drift.altered, drift.altered_paths), (Some(2), vec![b"file-03".to_vec(), b"file-07".to_vec()]));
        for (name, _) in &files[5..] {
            let _ = fs::remove_file(dir.join(name));
        }
        let drift = look().await;
        assert_eq!((drift.altered, drift.altered_paths.len()), (Some(26), 20));

        fs::remove_file(place.deploy_path()).and_then(|()| symlink("/elsewhere", place.deploy_path())).expect("a link");
        let foreign = look().await;
        assert_eq!((foreign.live, foreign.foreign.as_deref(), foreign.altered), (None, Some("/elsewhere"), None));
    }
}
