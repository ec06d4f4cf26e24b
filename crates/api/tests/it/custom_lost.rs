//! Custom mode when the connection to a host breaks: transfers are made again, scripts and health checks followed on.

use crate::batches::operate;
use crate::shop::{Gate, Kind, Shop, text};
use davit_testkit::app::Database;
use serde_json::json;

/// One host, an action that waits at the gate there, then `more`.
async fn begun(shop: &Shop, gate: &Gate, head: &str, more: &str) -> i64 {
    let wait = format!(
        "[[app.release.action]]\nname = \"Wait\"\non = \"host\"\nrun = '''{}'''\n\n",
        gate.wait().replace('\'', "")
    );
    let release = format!("mode = \"custom\"\n{head}\n\n{wait}{more}");
    shop.configure(&shop.document(&shop.production("", &release))).await;
    let id = shop.ask(json!({ "commit": shop.commit("new") })).await;
    shop.app.wait_for_lines(id, "stdout waiting", 1).await;
    id
}

#[tokio::test]
async fn a_transfer_that_breaks_off_is_made_again() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Ssh]).await;
    let gate = shop.gate("gate");
    let big = "0123456789abcdef".repeat(1 << 19);
    shop.repo.commit("big", &[("dist/big.txt", &big)]);
    let srv = shop.srv();
    let more: String = [("dist/big.txt", "file"), ("dist", "directory")]
        .map(|(from, to)| {
            let to = srv.join(to).display().to_string();
            format!("[[app.release.action]]\nname = {to:?}\ntransfer = {{ from = {from:?}, to = {to:?} }}\n\n")
        })
        .concat();
    let id = begun(&shop, &gate, "", &more).await;
    // The next connection is one that breaks in the middle of the transfer, those after it are good.
    let sshd = shop.hosts[0].sshd();
    sshd.cut_after_bytes(3 << 20);
    sshd.cut_now();
    shop.app.wait_for_lines(id, "Connected to ssh-1 again: following its hook", 1).await;
    sshd.stop_cutting();
    gate.open();
    let deployment = shop.ended(id).await;
    let log = shop.log_of(&deployment).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment} {log:#?}");
    let again = "the connection to ssh-1 was lost during the transfer. Check the host and the network to it, then try again. Trying again";
    assert_eq!(log.iter().filter(|line| line.ends_with(again)).count(), 1, "{log:#?}");
    assert_eq!(log.iter().filter(|line| line.ends_with("stdout going on")).count(), 1, "{log:#?}");
    let disk = &shop.hosts[0].disk;
    assert_eq!(std::fs::read_to_string(disk.join("file")).unwrap(), big);
    assert_eq!(std::fs::read_to_string(disk.join("directory/big.txt")).unwrap(), big);
    let left = async || (crate::shop::names(disk) == ["davit", "directory", "file"]).then_some(());
    shop.app.until("what broke off is cleared away", left).await;
    shop.finish().await;
}

#[tokio::test]
async fn a_transfer_that_breaks_off_again_and_again_fails_and_leaves_what_was_there() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Ssh]).await;
    let gate = shop.gate("gate");
    let big = "0123456789abcdef".repeat(1 << 19);
    shop.repo.commit("big", &[("big.txt", &big)]);
    std::fs::write(shop.hosts[0].disk.join("file"), "what was there").unwrap();
    let to = shop.srv().join("file").display().to_string();
    let more = format!("[[app.release.action]]\nname = \"File\"\ntransfer = {{ from = \"big.txt\", to = {to:?} }}\n\n");
    let id = begun(&shop, &gate, "", &more).await;
    let sshd = shop.hosts[0].sshd();
    sshd.cut_after_bytes(3 << 20);
    sshd.cut_now();
    gate.open();
    let deployment = shop.ended(id).await;
    assert_eq!(deployment["state"], "failed", "{deployment}");
    let log = shop.log_of(&deployment).await;
    assert_eq!(log.iter().filter(|line| line.ends_with("Trying again")).count(), 2, "{log:#?}");
    assert_eq!(std::fs::read_to_string(shop.hosts[0].disk.join("file")).unwrap(), "what was there");
    assert_eq!(crate::batches::states(&deployment), ["failed"], "{deployment}");
    sshd.stop_cutting();
    shop.finish().await;
}

#[tokio::test]
async fn a_host_that_is_down_from_the_start_is_not_waited_for() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Ssh, Kind::Ssh]).await;
    let action = "[[app.release.action]]\nname = \"Touch\"\non = \"host\"\nrun = 'echo touched'\n\n";
    shop.configure(&shop.document(&shop.production("", &format!("mode = \"custom\"\n\n{action}")))).await;
    shop.hosts[1].sshd().refuse(true);
    let deployment = shop.release_new("new").await;
    assert_eq!(deployment["state"], "failed", "{deployment}");
    let reason = text(&deployment["reason"]);
    assert!(reason.starts_with("ssh-2 can't be reached: "), "{reason}");
    shop.hosts[1].sshd().refuse(false);
    assert_eq!(shop.release_new("newer").await["state"], "succeeded");
    shop.finish().await;
}

#[tokio::test]
async fn a_cancel_does_not_wait_for_a_host_that_is_gone() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Ssh]).await;
    let gate = shop.gate("gate");
    let id = begun(&shop, &gate, "", "").await;
    let sshd = shop.hosts[0].sshd();
    sshd.refuse(true);
    sshd.cut_now();
    shop.app.wait_for_lines(id, "The connection to ssh-1 was lost; its hook goes on there", 1).await;
    operate(&shop, id, "cancel", json!({})).await;
    let deployment = shop.ended(id).await;
    assert_eq!(deployment["state"], "cancelled", "{deployment}");
    let reason = text(&deployment["reason"]);
    assert!(reason.starts_with("cancelled by admin: "), "{reason}");
    assert!(reason.ends_with("; whether action 1 still runs on ssh-1 is not known"), "{reason}");
    sshd.refuse(false);
    gate.open();
    shop.finish().await;
}

#[tokio::test]
async fn a_health_check_is_followed_on() {
    let shop = Shop::bare(Database::Sqlite, &[Kind::Ssh]).await;
    let (gate, healthy) = (shop.gate("gate"), shop.gate("healthy"));
    let asked = shop.app.path("asked");
    let check = format!("echo x >> {}; {}; echo fine", asked.display(), healthy.wait().replace('\'', ""));
    let head = format!(
        "health = {{ command = '{check}', from = \"host\", retries = 0, interval = \"1s\", timeout = \"30s\" }}"
    );
    let id = begun(&shop, &gate, &head, "").await;
    gate.open();
    shop.app.until("the health check asks", async || asked.exists().then_some(())).await;
    let sshd = shop.hosts[0].sshd();
    sshd.refuse(true);
    sshd.cut_now();
    shop.app.wait_for_lines(id, "The connection to ssh-1 was lost; its hook goes on there", 1).await;
    healthy.open();
    sshd.refuse(false);
    let deployment = shop.ended(id).await;
    let log = shop.log_of(&deployment).await;
    assert_eq!(deployment["state"], "succeeded", "{deployment} {log:#?}");
    assert_eq!(std::fs::read_to_string(&asked).unwrap(), "x\n", "once");
    assert_eq!(log.iter().filter(|line| line.contains("healthy at try 1")).count(), 1, "{log:#?}");
    assert_eq!(crate::batches::states(&deployment), ["done"]);
    shop.finish().await;
}
