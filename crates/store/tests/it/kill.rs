//! `kill -9` in the middle of writing: what `put` has answered is on disk.
//!
//! The test starts its own executable again; with [`FILE`] set, [`child`] stores deliveries without end and prints each
//! one that was answered.

use crate::support::new_delivery;
use davit_domain::ids::DeliveryId;
use davit_store::Store;
use davit_store::inbox::{Inbox, Put};
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

const FILE: &str = "DAVIT_TEST_KILL_FILE";
const MARK: &str = "stored";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answered_delivery_survives_a_kill() {
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("davit.db");
    let mut all = 0;
    for round in 1..=3 {
        let answered = run_and_kill(&file, 200 * round).await;
        let store = Store::open_sqlite(&file).await.expect("opens after a kill");
        for (id, name) in &answered {
            let found = store.delivery(*id).await.expect("reads").expect("was answered, so it is there");
            assert_eq!((&found.delivery.delivery, found.body), (name, new_delivery(name).body));
        }
        all += answered.len();
        store.close().await;
    }
    assert!(all >= 1200);
}

/// Lets the child store, kills it after `count` answers, and returns every answer that it got out.
async fn run_and_kill(file: &Path, count: usize) -> Vec<(DeliveryId, String)> {
    let mut child = Command::new(std::env::current_exe().expect("this executable"))
        .args(["kill::child", "--exact", "--ignored", "--nocapture"])
        .env(FILE, file)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("runs");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut answered = Vec::new();
    while let Some(line) = lines.next_line().await.expect("text") {
        // The harness prints too, and the kill may cut the last line short.
        let mut words = line.split(' ').skip_while(|word| *word != MARK).skip(1);
        if let (Some(id), Some(name), Some("end")) = (words.next(), words.next(), words.next()) {
            answered.push((DeliveryId(id.parse().expect("a number")), name.to_owned()));
        }
        if answered.len() == count {
            child.start_kill().expect("SIGKILL");
        }
    }
    child.wait().await.expect("ended");
    assert!(answered.len() >= count);
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "not a test: the process that the test above kills"]
async fn child() {
    let Some(file) = std::env::var_os(FILE) else { return };
    let store = Store::open_sqlite(file.as_ref()).await.expect("opens");
    let (inbox, writer) = Inbox::start(store, CancellationToken::new());
    let mut tasks = JoinSet::new();
    tasks.spawn(writer);
    for task in 0..16 {
        let inbox = inbox.clone();
        tasks.spawn(async move {
            for n in 0.. {
                let name = format!("{}-{task}-{n}", std::process::id());
                if let Ok(Put::New(id)) = inbox.put(new_delivery(&name)).await {
                    writeln!(std::io::stdout().lock(), "{MARK} {id} {name} end").expect("the test listens");
                }
            }
        });
    }
    tasks.join_all().await;
}
