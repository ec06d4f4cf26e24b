//! Uploads that were cut: what came stays, and only the rest is sent.

use super::support::{Kind, Place, TestBuild, connect, never, release};
use davit_domain::ids::ReleaseName;
use davit_exec::ExecError;
use davit_exec::build::Build;
use davit_exec::host::{Shared, StageReport, TransferOptions};
use std::fs;
use std::path::Path;

/// After 9 of 12 MiB.
const CUT: u64 = 9 << 20;

/// 48 files of 256 KiB, 12 MiB in all. That is much more than the 2 MiB which an sshd takes before the host's programs do,
/// and which are lost with it.
async fn big() -> TestBuild {
    TestBuild::of(|root| {
        for number in 0..48_u32 {
            let path = root.join(format!("dir-{}/file-{number:02}", number % 4));
            fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
            let content: Vec<u8> =
                (0..65_536).flat_map(|at: u32| (at.wrapping_mul(2_654_435_761) ^ number).to_le_bytes()).collect();
            fs::write(path, content).expect("a file");
        }
        std::os::unix::fs::symlink("dir-0", root.join("link")).expect("a link");
        fs::write(root.join("two\nlines"), "odd").expect("a file");
    })
    .await
}

/// Stages over a connection that is cut after this many bytes.
async fn cut(
    place: &Place,
    after: u64,
    build: &Build,
    base: Option<(&ReleaseName, &Build)>,
) -> Result<StageReport, ExecError> {
    let sshd = place.sshd.as_ref().expect("sshd");
    sshd.cut_after_bytes(after);
    let host = connect(&place.target).await.expect("connected");
    let (upload, shared) = (place.upload(build, TransferOptions::default()), Shared::default());
    let staged = host.stage(&place.layout, &release(1), "c0ffee", &upload, base, &shared, false, &never()).await;
    sshd.stop_cutting();
    staged
}

async fn stage(place: &Place, build: &Build, base: Option<(&ReleaseName, &Build)>, partial: bool) -> StageReport {
    let (upload, shared) = (place.upload(build, TransferOptions::default()), Shared::default());
    let host = connect(&place.target).await.expect("connected again");
    let staged = host.stage(&place.layout, &release(1), "c0ffee", &upload, base, &shared, partial, &never()).await;
    staged.expect("staged")
}

async fn partial(place: &Place, build: &Build) -> bool {
    place.host.prepare(&place.layout, Some(&build.digest), &never()).await.expect("prepared").partial
}

async fn what_was_cut_is_completed(kind: Kind) {
    let place = Place::new(kind).await;
    let site = big().await;
    let build = &site.build;
    assert!(!partial(&place, build).await);
    let lost = cut(&place, CUT, build, None).await.expect_err("cut");
    assert!(matches!(lost, ExecError::ConnectionLost { .. }) && lost.is_transient(), "{lost}");
    assert_eq!(place.host.releases(&place.layout).await.expect("listed"), [], "nothing is staged");
    assert!(partial(&place, build).await, "what came is kept");

    let report = stage(&place, build, None, true).await;
    assert_eq!((report.files, report.note, report.base), (49, None, None));
    let all = build.archive_bytes;
    assert!(report.bytes < all * 6 / 10, "{} of {all} bytes were sent again", report.bytes);
    assert!((10..30).contains(&report.sent_files), "{}", report.sent_files);
    assert_eq!(place.in_releases(), [release(1).as_str()]);
    assert_eq!(place.in_davit_dir(), [format!("{}.manifest", release(1)), format!("{}.tree", release(1))]);
    place.check(1, &site);
    assert!(!partial(&place, build).await, "done");
}

#[tokio::test]
async fn what_was_cut_is_completed_with_gnu_tools() {
    what_was_cut_is_completed(Kind::Ssh).await;
}

#[tokio::test]
async fn what_was_cut_is_completed_with_busybox() {
    what_was_cut_is_completed(Kind::BusyBox).await;
}

#[tokio::test]
async fn a_delta_that_was_cut_is_completed() {
    let place = Place::new(Kind::Ssh).await;
    let old = TestBuild::new(&[("old", b"old"), ("link", b"no link yet")]).await;
    place.host.prepare(&place.layout, None, &never()).await.expect("prepared");
    place.stage(&release(5), &old.build).await.expect("staged");
    let new = big().await;
    let base = release(5);
    cut(&place, CUT, &new.build, Some((&base, &old.build))).await.expect_err("cut");
    assert!(partial(&place, &new.build).await);
    let report = stage(&place, &new.build, Some((&base, &old.build)), true).await;
    assert!(report.bytes < new.build.archive_bytes * 6 / 10, "{report:?}");
    place.check(1, &new);
}

#[tokio::test]
async fn what_came_damaged_is_sent_again() {
    let place = Place::new(Kind::Ssh).await;
    let site = big().await;
    let build = &site.build;
    partial(&place, build).await;
    cut(&place, CUT, build, None).await.expect_err("cut");
    assert!(partial(&place, build).await);
    let staging = Path::new(&place.layout.app_dir()).join("releases").join(&place.in_releases()[0]);
    fs::write(staging.join("dir-0/file-00"), "damaged").expect("written");
    fs::remove_file(staging.join("dir-0/file-04")).expect("removed");
    stage(&place, build, None, true).await;
    place.check(1, &site);
}

#[tokio::test]
async fn another_build_has_no_use_for_what_was_cut() {
    let place = Place::new(Kind::Ssh).await;
    let build = big().await;
    partial(&place, &build.build).await;
    cut(&place, CUT, &build.build, None).await.expect_err("cut");
    let other = TestBuild::new(&[("a", b"a")]).await;
    // The host notices the end of the stream by itself, in its own time.
    while !place.in_releases().is_empty() {
        assert!(!partial(&place, &other.build).await);
    }
    assert_eq!(place.in_davit_dir(), [""; 0]);
    // Resumed nevertheless, it is sent from the start.
    let report = stage(&place, &build.build, None, true).await;
    assert_eq!((report.sent_files, report.note), (49, None));
}
