//! What goes wrong on the way changes nothing on any host, or is taken back; and a person is told what to do.

use crate::shop::{Kind, Shop, TestHost, names, text};
use davit_testkit::nobody::Nobody;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// Every host serves `release` and nothing else lies there.
fn serve_only(hosts: &[TestHost], release: &str) {
    for host in hosts {
        assert_eq!(host.live().as_deref(), Some(release), "{}", host.name);
        assert_eq!(host.releases(), [release], "{}", host.name);
    }
}

fn state_of(deployment: &Value, host: &str) -> String {
    let runs = deployment["host_runs"].as_array().unwrap();
    text(&runs.iter().find(|run| run["host"] == host).unwrap()["state"])
}

#[tokio::test]
async fn a_host_that_refuses_connections_fails_it_for_all_before_the_switch() {
    let shop = Shop::start(&[Kind::Ssh, Kind::Ssh, Kind::Local], "").await;
    let old = shop.released("old").await;
    shop.hosts[1].sshd().refuse(true);
    let deployment = shop.release_new("new").await;

    assert_eq!(deployment["state"], "failed", "{deployment}");
    let reason = text(&deployment["reason"]);
    assert!(reason.starts_with("ssh-2 can't be reached: "), "{reason}");
    serve_only(&shop.hosts, &old);
    assert_eq!(state_of(&deployment, "ssh-2"), "failed");
    assert_eq!(state_of(&deployment, "ssh-1"), "skipped");
    let request = shop.get(&format!("/requests/{}", deployment["request"])).await;
    assert_eq!((&request["state"], &request["reason"]), (&json!("failed"), &json!(reason)));
    let statuses = shop.statuses(&text(&deployment["commit"]).parse().unwrap());
    assert_eq!(statuses.len(), 2, "{statuses:?}");
    assert!(statuses[1].starts_with("failure: ssh-2 can't be reached"), "{statuses:?}");

    shop.hosts[1].sshd().refuse(false);
    let path = format!("/requests/{}/retry", deployment["request"]);
    let (status, request) = shop.app.post(&path, json!({ "hosts": "all" })).await;
    assert_eq!(status, 200, "{request}");
    let again = shop.ended(request["deployment"].as_i64().unwrap()).await;
    assert_eq!((&again["state"], &again["attempt"]), (&json!("succeeded"), &json!(2)), "{again}");
    for host in &shop.hosts {
        assert_eq!(host.live(), Some(text(&again["release"])));
    }
    shop.finish().await;
}

#[tokio::test]
async fn a_host_that_dies_during_the_upload_serves_what_it_had_and_takes_the_rest_later() {
    let shop = Shop::start(&[Kind::Ssh, Kind::Ssh], "").await;
    let old = shop.released("old").await;
    let big = "0123456789abcdef".repeat(1 << 16);
    shop.repo.commit("big", &[("big.txt", &big)]);
    shop.hosts[0].sshd().cut_after_bytes(300_000);
    let deployment = shop.release_new("new").await;

    assert_eq!(deployment["state"], "failed", "{deployment}");
    assert_eq!(
        deployment["reason"],
        "the connection to ssh-1 was lost during the upload. Check the host and the network to it, then try again"
    );
    // What came of the upload may stay, for the next try: it is no release.
    let mut releases = shop.hosts[0].releases();
    releases.retain(|name| !name.starts_with('.'));
    assert_eq!(shop.hosts[0].live().as_deref(), Some(old.as_str()));
    assert_eq!(releases, std::slice::from_ref(&old));
    serve_only(&shop.hosts[1..], &old);

    shop.hosts[0].sshd().stop_cutting();
    let path = format!("/requests/{}/retry", deployment["request"]);
    let (status, request) = shop.app.post(&path, json!({ "hosts": "failed" })).await;
    assert_eq!(status, 200, "{request}");
    let again = shop.ended(request["deployment"].as_i64().unwrap()).await;
    assert_eq!(again["state"], "succeeded", "{again}");
    for host in &shop.hosts {
        assert_eq!(host.read("big.txt").as_ref(), Some(&big), "{}", host.name);
        assert_eq!(host.releases(), [old.clone(), host.live().unwrap()], "{}", host.name);
        let uploads =
            names(&host.disk.join("davit/shop/.davit")).into_iter().filter(|name| name.starts_with("upload-"));
        assert_eq!(uploads.collect::<Vec<_>>(), Vec::<String>::new(), "{}", host.name);
    }
    shop.finish().await;
}

#[tokio::test]
async fn a_hook_that_fails_before_the_switch_changes_nothing() {
    let shop = Shop::start(&[Kind::Local, Kind::Ssh], "").await;
    let old = shop.released("old").await;
    for (number, hook, place) in [
        (1, "before_checkout", "the server"),
        (3, "after_checkout", "the server"),
        // One of the two hosts has staged all, and has to forget it.
        (4, "before_release", "ssh-2"),
    ] {
        let script = "[ ${DAVIT_HOST_NAME:-ssh-2} = local-1 ] || { echo no >&2; exit 12; }";
        shop.configure(&shop.document(&shop.production("", &format!("hooks.{hook} = '{script}'")))).await;
        let deployment = shop.release_new(hook).await;
        assert_eq!(deployment["state"], "failed", "{deployment}");
        let title = hook.replace('_', " ");
        assert_eq!(deployment["reason"], format!("step {number} ({title}) on {place} ended with exit 12"));
        assert_eq!(deployment["steps"][number - 1]["state"], "failed", "{deployment}");
        serve_only(&shop.hosts, &old);
        let log = shop.log_of(&deployment).await;
        let ended = log.iter().find(|line| line.contains("exit 12")).unwrap();
        assert!(ended.contains(&format!(" {title} system ")) || ended.contains("system step"), "{ended}");
        assert!(log.iter().any(|line| line.ends_with("stdout no")), "{log:?}");
        assert!(log.iter().any(|line| line.contains("Nothing was switched")), "{log:?}");
    }
    shop.finish().await;
}

#[tokio::test]
async fn a_hook_that_fails_after_the_switch_takes_every_host_back() {
    let record = "echo \"$DAVIT_DEPLOY_KIND $DAVIT_RELEASE\" >> \"$DAVIT_DEPLOY_PATH.log\"";
    let shop = Shop::start(&[Kind::Local, Kind::Ssh], &format!("hooks.after_release = '{record}'")).await;
    let old = shop.released("old").await;
    let fails = format!("{record}; [ $DAVIT_REQUEST_TITLE$DAVIT_HOST_NAME != newssh-2 ] || exit 12");
    shop.configure(&shop.document(&shop.production("", &format!("hooks.after_release = '{fails}'")))).await;
    let deployment = shop.release_new("new").await;

    assert_eq!(deployment["state"], "reverted", "{deployment}");
    assert_eq!(deployment["reason"], "step 6 (after release) on ssh-2 ended with exit 12");
    serve_only(&shop.hosts, &old);
    for host in &shop.hosts {
        assert_eq!(state_of(&deployment, &host.name), "reverted");
        // Step 6 ran once more for what is live again; that it failed there again on one host changed nothing.
        let record = std::fs::read_to_string(host.disk.join("www.log")).unwrap();
        assert_eq!(record, format!("regular {old}\nregular {}\nrollback {old}\n", text(&deployment["release"])));
    }
    let statuses = shop.statuses(&text(&deployment["commit"]).parse().unwrap());
    assert!(statuses[1].starts_with("failure: step 6"), "{statuses:?}");
    let live = shop.get("/overview").await["apps"][0]["cells"][0]["live"].clone();
    assert_eq!((&live["release"], &live["hosts"]), (&json!(old), &json!(2)));
    shop.finish().await;
}

#[tokio::test]
async fn a_first_release_that_fails_after_the_switch_leaves_no_symlink() {
    let shop = Shop::start(&[Kind::Local, Kind::Ssh], "hooks.after_release = 'exit 12'").await;
    let deployment = shop.release_new("first").await;
    assert_eq!(deployment["state"], "reverted", "{deployment}");
    for host in &shop.hosts {
        assert!(host.disk.join("www").symlink_metadata().is_err(), "{}", host.name);
        assert_eq!(host.releases(), [""; 0]);
    }
    assert_eq!(shop.get("/overview").await["apps"][0]["cells"][0]["live"], Value::Null);
    assert_eq!(shop.get("/apps/shop/environments/production/releases").await["items"], json!([]));
    shop.finish().await;
}

#[tokio::test]
async fn a_hook_that_says_nothing_for_too_long_is_ended() {
    let limit = "timeouts = { step = \"30s\", idle = \"1s\" }";
    let shop = Shop::start(&[Kind::Ssh], &format!("{limit}\nhooks.before_release = 'sleep 1000'")).await;
    let deployment = shop.release_new("slow").await;
    assert_eq!(deployment["state"], "failed", "{deployment}");
    let reason = text(&deployment["reason"]);
    assert!(reason.contains("took longer than 1s") && reason.contains("ended by TERM"), "{reason}");
    assert_eq!((shop.hosts[0].live(), shop.hosts[0].releases()), (None, vec![]));
    shop.finish().await;
}

/// A small file system; unmounted when dropped.
struct SmallDisk<'p>(&'p Path);

impl<'p> SmallDisk<'p> {
    fn mount(at: &'p Path, options: &str) -> Self {
        std::fs::create_dir(at).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(at).status();
        assert!(mount.unwrap().success());
        Self(at)
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(self.0).status();
        assert!(unmounted.is_ok_and(|status| status.success()) || std::thread::panicking());
    }
}

#[tokio::test]
async fn a_full_disk_is_said_before_and_during_the_upload() {
    let id = Command::new("id").arg("-u").output().unwrap().stdout;
    if id != b"0\n" {
        eprintln!("skipped: only root can mount a small file system");
        return;
    }
    for (options, files) in [("size=2m", 1), ("nr_inodes=30", 60)] {
        let shop = Shop::start(&[Kind::Local], "").await;
        let disk = shop.srv().join("davit");
        let _mounted = SmallDisk::mount(&disk, options);
        let old = shop.released("old").await;
        let content = "x".repeat((4 << 20) / files);
        for number in 0..files {
            shop.repo.commit("more", &[(&format!("file-{number}"), &content)]);
        }
        let deployment = shop.release_new("new").await;
        assert_eq!(deployment["state"], "failed", "{options}: {deployment}");
        let reason = text(&deployment["reason"]);
        assert!(reason.starts_with("local-1: the disk is full: "), "{options}: {reason}");
        assert!(reason.contains("make room"), "{reason}");
        serve_only(&shop.hosts, &old);
        shop.finish().await;
    }
}

#[tokio::test]
async fn a_changed_host_key_stops_everything_until_a_person_accepts_it() {
    let shop = Shop::start(&[Kind::Ssh], "").await;
    let old = shop.released("old").await;
    shop.hosts[0].sshd().change_host_key("ed25519").await;
    let deployment = shop.release_new("new").await;
    assert_eq!(deployment["state"], "failed", "{deployment}");
    let reason = text(&deployment["reason"]);
    assert!(reason.contains("CHANGED") && reason.contains("accept the new key"), "{reason}");
    serve_only(&shop.hosts, &old);

    let (status, check) = shop.app.post("/hosts/ssh-1/verify", json!({})).await;
    assert_eq!((status, &check["code"]), (200, &json!("host_key_changed")), "{check}");
    let wrong = json!({ "fingerprint": "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" });
    assert_eq!(shop.app.post("/hosts/ssh-1/accept-key", wrong).await.0, 409);
    let right = json!({ "fingerprint": check["fingerprint"] });
    assert_eq!(shop.app.post("/hosts/ssh-1/accept-key", right).await.0, 200);
    assert_eq!(shop.release_new("newer").await["state"], "succeeded");
    shop.finish().await;
}

#[tokio::test]
async fn a_real_directory_at_the_deploy_path_is_refused_and_left_alone() {
    let shop = Shop::start(&[Kind::Ssh, Kind::Local], "").await;
    let www = shop.hosts[0].disk.join("www");
    std::fs::create_dir(&www).unwrap();
    std::fs::write(www.join("precious"), "by hand").unwrap();
    let deployment = shop.release_new("new").await;
    assert_eq!(deployment["state"], "failed", "{deployment}");
    let reason = text(&deployment["reason"]);
    assert!(reason.contains("is a real directory") && reason.contains("mv '"), "{reason}");
    assert_eq!(names(&www), ["precious"]);
    assert_eq!(shop.hosts[1].live(), None);

    // What it says helps.
    std::fs::rename(&www, www.with_extension("before-davit")).unwrap();
    assert_eq!(shop.release_new("newer").await["state"], "succeeded");
    shop.finish().await;
}

#[tokio::test]
async fn a_connection_that_is_cut_in_a_hook_is_made_again_and_no_line_is_lost_or_doubled() {
    for (number, hook) in [(4, "before_release"), (6, "after_release")] {
        let shop = Shop::start(&[Kind::Ssh, Kind::Ssh], "").await;
        shop.released("old").await;
        let gate = shop.gate("gate");
        let waits = format!("seq 1 100; [ $DAVIT_HOST_NAME != ssh-1 ] || {{ {}; }}; seq 101 200", gate.wait());
        shop.configure(&shop.document(&shop.production("", &format!("hooks.{hook} = \"\"\"{waits}\"\"\"")))).await;
        let id = shop.ask(json!({ "commit": shop.commit("new") })).await;
        shop.app.wait_for_lines(id, "stdout waiting", 1).await;
        // While it can't be reached, the hook goes on.
        shop.hosts[0].sshd().refuse(true);
        shop.hosts[0].sshd().cut_now();
        shop.app.wait_for_lines(id, "The connection to ssh-1 was lost; its hook goes on there", 1).await;
        gate.open();
        shop.hosts[0].sshd().refuse(false);
        let deployment = shop.ended(id).await;

        assert_eq!(deployment["state"], "succeeded", "{deployment}");
        let log = shop.log_of(&deployment).await;
        assert_eq!(log.iter().filter(|line| line.ends_with("Connected to ssh-1 again: following its hook")).count(), 1);
        for host in ["ssh-1", "ssh-2"] {
            let of_hook = format!("{host} {number} stdout ");
            let said: Vec<&str> = log.iter().filter_map(|line| line.strip_prefix(&of_hook)).collect();
            let counted: Vec<u32> = said.iter().filter_map(|line| line.parse().ok()).collect();
            assert_eq!(counted, (1..=200).collect::<Vec<u32>>(), "{host}: {log:#?}");
            assert_eq!(said.len(), if host == "ssh-1" { 202 } else { 200 });
        }
        shop.finish().await;
    }
}

#[tokio::test]
async fn a_host_that_is_not_healthy_after_the_switch_takes_all_back() {
    let shop = Shop::start(&[Kind::Local, Kind::Ssh], "").await;
    let old = shop.released("old").await;
    let nobody = Nobody::listens();
    let nowhere = nobody.address();
    for (from, check) in [
        ("host", "command = '[ $DAVIT_HOST_NAME != ssh-2 ] || { echo it burns; exit 3; }'".to_owned()),
        ("host", format!("tcp = \"{nowhere}\"")),
        ("host", format!("http = \"http://{nowhere}/health\"")),
        ("server", format!("tcp = \"{nowhere}\"")),
        ("server", format!("http = \"http://{nowhere}/health\"")),
    ] {
        let health =
            format!("health = {{ {check}, from = \"{from}\", retries = 1, interval = \"1s\", timeout = \"2s\" }}");
        shop.configure(&shop.document(&shop.production("", &health))).await;
        let deployment = shop.release_new(&format!("{from} {check}")).await;
        assert_eq!(deployment["state"], "reverted", "{health}: {deployment}");
        let reason = text(&deployment["reason"]);
        assert!(reason.ends_with(" is not healthy: the health check after step 6 failed 2 times"), "{reason}");
        serve_only(&shop.hosts, &old);
        let log = shop.log_of(&deployment).await;
        assert!(log.iter().any(|line| line.contains("try 2: ")), "{health}: {log:#?}");
    }
    shop.finish().await;
}

#[tokio::test]
async fn a_healthy_host_counts_as_released_to() {
    let shop = Shop::start(&[Kind::Local, Kind::Ssh], "").await;
    // Any page of davit's will do.
    let (url, at) = (format!("{}/api/v1/health", shop.app.url()), shop.app.url().replace("http://", ""));
    for (from, check) in [
        // Twice not yet, then it is.
        (
            "host",
            "command = 'echo x >> \"$DAVIT_DEPLOY_PATH.asked\"; [ $(wc -l < \"$DAVIT_DEPLOY_PATH.asked\") -ge 3 ]'"
                .to_owned(),
        ),
        ("host", format!("tcp = \"{at}\"")),
        ("host", format!("http = \"{url}\", status = 404")),
        ("server", format!("tcp = \"{at}\"")),
        ("server", format!("http = \"{url}\", status = 404")),
    ] {
        let health =
            format!("health = {{ {check}, from = \"{from}\", retries = 3, interval = \"10ms\", timeout = \"60s\" }}");
        shop.configure(&shop.document(&shop.production("", &health))).await;
        let deployment = shop.release_new(&format!("{from} {check}")).await;
        let log = shop.log_of(&deployment).await;
        assert_eq!(deployment["state"], "succeeded", "{health}: {deployment} {log:#?}");
        assert_eq!(log.iter().filter(|line| line.contains("healthy at try")).count(), 2, "{health}: {log:#?}");
    }
    shop.finish().await;
}

#[tokio::test]
async fn one_of_five_hosts_dies_after_its_switch_and_the_others_go_back() {
    let shop = Shop::start(&[Kind::Ssh, Kind::Ssh, Kind::Ssh, Kind::Ssh, Kind::Ssh], "").await;
    let old = shop.released("old").await;
    // Ends the shell that waits for the hook as well, as a host does that is restarted.
    let dies = "[ $DAVIT_DEPLOY_KIND$DAVIT_HOST_NAME != regularssh-3 ] || kill -9 $PPID $$";
    shop.configure(&shop.document(&shop.production("", &format!("hooks.after_release = '{dies}'")))).await;
    let deployment = shop.release_new("new").await;
    assert_eq!(deployment["state"], "reverted", "{deployment} {:#?}", shop.log_of(&deployment).await);
    let reason = text(&deployment["reason"]);
    assert!(reason.contains("ssh-3 was ended with its host"), "{reason}");
    serve_only(&shop.hosts, &old);
    shop.finish().await;
}

#[tokio::test]
async fn whatever_happens_to_one_of_five_hosts_all_five_serve_the_same() {
    let shop = Shop::start(&[Kind::Ssh, Kind::Ssh, Kind::Ssh, Kind::Ssh, Kind::Local], "").await;
    let root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let disk = shop.srv().join("davit");
    // Room for two small releases, and for none that holds the big file.
    let _small = root.then(|| SmallDisk::mount(&disk, "size=2m"));
    let old = shop.released("old").await;
    let on_third = "[ $DAVIT_DEPLOY_KIND$DAVIT_HOST_NAME != regularssh-3 ]";
    let health = format!(
        "health = {{ command = '{on_third}', from = \"host\", retries = 0, interval = \"10ms\", timeout = \"60s\" }}"
    );
    for (what, release, state, says) in [
        ("refuses", String::new(), "failed", "ssh-3 can't be reached"),
        ("step 4", format!("hooks.before_release = '{on_third} || exit 12'"), "failed", "ended with exit 12"),
        ("step 6", format!("hooks.after_release = '{on_third} || exit 12'"), "reverted", "ended with exit 12"),
        ("health", health, "reverted", "ssh-3 is not healthy"),
        (
            "dies",
            format!("hooks.after_release = '{on_third} || kill -9 $PPID $$'"),
            "reverted",
            "was ended with its host",
        ),
        ("disk full", String::new(), "failed", "local-5: the disk is full"),
    ] {
        if what == "disk full" {
            if !root {
                eprintln!("not tried: only root can mount a small file system");
                continue;
            }
            shop.repo.commit("big", &[("big.txt", &"x".repeat(4 << 20))]);
        }
        shop.configure(&shop.document(&shop.production("", &release))).await;
        shop.hosts[2].sshd().refuse(what == "refuses");
        let deployment = shop.release_new(what).await;
        shop.hosts[2].sshd().refuse(false);
        assert_eq!(deployment["state"], state, "{what}: {deployment}");
        let reason = text(&deployment["reason"]);
        assert!(reason.contains(says), "{what}: {reason}");
        serve_only(&shop.hosts, &old);
        let failed = if what == "disk full" { "local-5" } else { "ssh-3" };
        for host in &shop.hosts {
            let expected = match state {
                "failed" if host.name == failed => "failed",
                "failed" => "skipped",
                _ => "reverted",
            };
            assert_eq!(state_of(&deployment, &host.name), expected, "{what}: {}", host.name);
        }
    }
    shop.finish().await;
}
