//! Making releases live, taking them back, and removing old ones.

use super::support::{Place, on_every_host, release};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

on_every_host! {
    async fn a_switch_says_what_was_live_before(place: Place) {
        for number in 1..=2 {
            place.stage_page(&release(number)).await;
        }
        let (one, two) = (release(1), release(2));
        assert_eq!(place.host.live(&place.layout).await.expect("asked"), None);
        assert_eq!(place.host.switch(&place.layout, &one, "by ann").await.expect("switched"), None);
        assert_eq!(place.host.switch(&place.layout, &two, "by bob\nand co").await.expect("switched"), Some(one.clone()));
        assert_eq!(place.host.live(&place.layout).await.expect("asked"), Some(two.clone()));
        let page = fs::read_to_string(place.deploy_path().join("index.html")).expect("page");
        assert_eq!(page, two.as_str());
        let log = fs::read_to_string(Path::new(&place.layout.app_dir()).join(".davit/revisions.log")).expect("log");
        assert_eq!(log, "by ann\nby bob and co\n");
        assert_eq!(fs::read_dir(place.deploy_path().parent().expect("sites")).expect("sites").count(), 1, "no leftovers");
        let facts = place.prepare().await.expect("prepared");
        assert_eq!((facts.live, facts.releases), (Some(two.clone()), vec![one.clone(), two]));
        place.host.switch(&place.layout, &one, "back").await.expect("switched back");
        assert_eq!(place.host.live(&place.layout).await.expect("asked"), Some(one));
    }

    async fn a_release_that_is_not_there_is_not_switched_to(place: Place) {
        place.stage_page(&release(1)).await;
        place.host.switch(&place.layout, &release(1), "one").await.expect("switched");
        let refusal = place.host.switch(&place.layout, &release(2), "two").await.expect_err("missing").to_string();
        assert!(refusal.contains("is not on this host; nothing was switched"), "{refusal}");
        assert_eq!(place.host.live(&place.layout).await.expect("asked"), Some(release(1)));
    }

    async fn a_directory_that_came_in_between_is_not_replaced(place: Place) {
        place.stage_page(&release(1)).await;
        fs::create_dir(place.deploy_path()).expect("somebody's directory");
        let refusal = place.host.switch(&place.layout, &release(1), "one").await.expect_err("in the way").to_string();
        assert!(refusal.contains("nothing was switched"), "{refusal}");
        assert!(place.deploy_path().is_dir() && !place.deploy_path().is_symlink());
    }

    async fn the_first_release_can_be_taken_back(place: Place) {
        place.stage_page(&release(1)).await;
        place.host.switch(&place.layout, &release(1), "one").await.expect("switched");
        place.host.unlink_live(&place.layout).await.expect("unlinked");
        assert!(fs::symlink_metadata(place.deploy_path()).is_err());
        place.host.unlink_live(&place.layout).await.expect("again is fine");
        place.host.discard(&place.layout, &release(1)).await.expect("discarded");
        assert_eq!(place.in_releases(), [""; 0]);
        assert!(!place.in_davit_dir().contains(&format!("{}.sha256", release(1))));
    }

    async fn a_symlink_from_before_davit_is_taken_over_and_given_back(place: Place) {
        let old = place.root().join("old 'site'");
        fs::create_dir_all(&old).expect("the old site");
        fs::create_dir_all(place.deploy_path().parent().expect("sites")).expect("sites");
        symlink(&old, place.deploy_path()).expect("its symlink");
        let facts = place.prepare().await.expect("prepared");
        assert_eq!((facts.live, facts.foreign.as_deref()), (None, old.to_str()));
        place.stage_page(&release(1)).await;
        assert_eq!(place.host.switch(&place.layout, &release(1), "one").await.expect("switched"), None);
        place.host.unlink_live(&place.layout).await.expect("given back");
        assert_eq!(fs::read_link(place.deploy_path()).expect("a link"), old);
    }

    async fn the_live_release_is_never_removed(place: Place) {
        for number in 1..=4 {
            place.stage_page(&release(number)).await;
        }
        place.host.switch(&place.layout, &release(2), "two").await.expect("switched");
        let all: Vec<_> = (1..=5).map(release).collect();
        let removed = place.host.remove_releases(&place.layout, &all).await.expect("removed");
        assert_eq!(removed, [release(1), release(3), release(4), release(5)], "the fifth was never there");
        assert_eq!(place.in_releases(), [release(2).as_str()]);
        let refusal = place.host.discard(&place.layout, &release(2)).await.expect_err("live").to_string();
        assert!(refusal.contains("is live and was not removed"), "{refusal}");

        // The same by a detour that its name does not show.
        let detour = place.root().join("detour");
        symlink(place.release_dir(&release(2)), &detour).expect("a link");
        fs::remove_file(place.deploy_path()).expect("the symlink");
        symlink(&detour, place.deploy_path()).expect("another one");
        assert_eq!(place.host.remove_releases(&place.layout, &[release(2)]).await.expect("asked"), []);
        assert!(place.release_dir(&release(2)).exists());
    }

    async fn releases_with_locked_directories_are_removed(place: Place) {
        use std::os::unix::fs::PermissionsExt;
        place.stage_page(&release(1)).await;
        let locked = place.release_dir(&release(1)).join("locked");
        fs::create_dir(&locked).expect("a directory");
        fs::write(locked.join("file"), "").expect("a file");
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o500)).expect("mode");
        place.host.remove_releases(&place.layout, &[release(1)]).await.expect("removed");
        assert_eq!(place.in_releases(), [""; 0]);
    }

    async fn a_reader_always_finds_a_whole_release(place: Place) {
        for number in 1..=2 {
            place.stage_page(&release(number)).await;
        }
        place.host.switch(&place.layout, &release(1), "one").await.expect("switched");
        let (stop, reads) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let page = place.deploy_path().join("index.html");
        let reader = {
            let (stop, reads) = (Arc::clone(&stop), Arc::clone(&reads));
            std::thread::spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    let text = fs::read_to_string(&page).expect("the page is always there");
                    assert!(text == release(1).as_str() || text == release(2).as_str(), "{text:?}");
                    reads.fetch_add(1, Ordering::SeqCst);
                }
            })
        };
        for number in (1..=2).cycle().skip(1).take(20) {
            let before = reads.load(Ordering::SeqCst);
            place.host.switch(&place.layout, &release(number), "switch").await.expect("switched");
            while reads.load(Ordering::SeqCst) == before {
                std::thread::yield_now();
            }
        }
        stop.store(true, Ordering::SeqCst);
        reader.join().expect("the reader never missed");
    }
}
