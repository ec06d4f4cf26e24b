//! The server as a process: what survives `kill -9`, how it stops, who may run beside it, and what it says at a start
//! that makes no sense.

use crate::process::{REPOSITORY, Server, Site, TAKEN_UP, davit, ended, until};
use davit_domain::ids::CommitSha;
use davit_domain::status::CommitState;
use davit_testkit::postgres::TestDatabase;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use nix::sys::signal::Signal;
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt as _;
use tokio::time::timeout;

const LOCAL: &str = "kind = \"local\"";
const CONTEXT: &str = "davit/deploy/test";

#[tokio::test]
async fn what_was_answered_survives_a_kill_and_is_carried_out_once() {
    let site = Site::new(None).await;
    let server = site.set_up(&site.app(LOCAL, "", "")).await;
    let commits: Vec<CommitSha> = (1..=24).map(|number| site.commit(&format!("page {number}"))).collect();
    let pushes: Vec<_> = commits.iter().map(|commit| site.push(commit)).collect();

    let mut answered = BTreeMap::new();
    {
        let mut sent: FuturesUnordered<_> =
            pushes.iter().map(async |push| (push.id().to_owned(), server.deliver(push).await)).collect();
        while answered.len() < 12 {
            let (delivery, answer) = sent.next().await.expect("more answers");
            let (status, body) = answer.expect("an answer while it runs");
            assert_eq!(status, 202, "{body}");
            answered.insert(delivery, body["id"].clone());
        }
        server.signal(Signal::SIGKILL);
        for (delivery, answer) in sent.collect::<Vec<_>>().await {
            answered
                .extend(answer.filter(|(status, _)| *status == 202).map(|(_, body)| (delivery, body["id"].clone())));
        }
    }
    server.ended().await;

    let mut server = site.serve().await;
    server.token = site.new_token("data").await;
    for push in &pushes {
        let (status, body) = server.deliver(push).await.expect("an answer");
        if let Some(id) = answered.get(push.id()) {
            assert_eq!((status, &body["id"]), (200, id), "it was answered, so it is there: {body}");
        }
    }
    let (deliveries, deployments) = server.at_rest().await;
    assert_eq!(deliveries.len(), pushes.len());
    // They were sent all at once: one that came after a later one of its branch is late, and starts nothing.
    let is_late = |delivery: &Value| {
        let reason = delivery["reason"].as_str().unwrap_or_default();
        delivery["verdict"] == "ignored" && reason.starts_with("this push came late")
    };
    let (late, dealt): (Vec<_>, Vec<_>) = deliveries.iter().partition(|delivery| is_late(delivery));
    assert!(dealt.iter().all(|delivery| delivery["verdict"] == "processed"), "{deliveries:#?}");
    let released: BTreeSet<&str> = deployments.iter().filter_map(|deployment| deployment["commit"].as_str()).collect();
    assert_eq!((deployments.len(), released.len()), (dealt.len(), dealt.len()), "one deployment a push");
    assert!(released.contains(commits[commits.len() - 1].as_str()), "the newest is never late");
    for (some, count) in [(&late, 0), (&dealt, 1)] {
        for delivery in some {
            let started = server.get(&format!("/deliveries/{}", delivery["id"])).await["started"].clone();
            assert_eq!(started.as_array().map(Vec::len), Some(count), "{delivery}: {started}");
        }
    }
    let newest = &deployments[0];
    assert_eq!(newest["state"], "succeeded", "{newest}");
    let sha = newest["commit"].as_str().expect("a commit").parse().expect("a commit's id");
    site.forge.wait_for_status(REPOSITORY, &sha, CONTEXT, CommitState::Success).await;
}

#[tokio::test]
async fn a_kill_during_hook_3_starts_the_deployment_again() {
    let site = Site::new(None).await;
    let server = site.set_up(&site.app(LOCAL, &site.waits_while_held("hook3"), "")).await;
    let commit = site.commit("built twice");
    let hold = site.hold("hook3");
    let deployment = server.deploy(&commit).await;
    hold.reached().await;
    server.kill().await;
    drop(hold);

    let mut server = site.serve().await;
    server.token = site.new_token("data").await;
    let end = server.end_of(deployment).await;
    assert_eq!(end["state"], "succeeded", "{end}");
    assert_eq!(site.served().as_deref(), Some("built twice"));
    let log = server.log(deployment).await;
    assert!(log.iter().any(|line| line.starts_with("Starting again")), "{log:#?}");
    site.forge.wait_for_status(REPOSITORY, &commit, CONTEXT, CommitState::Success).await;
}

#[tokio::test]
async fn a_call_to_the_forge_that_a_kill_cut_off_is_made_again_at_the_next_start() {
    let site = Site::new(None).await;
    let server = site.set_up(&site.app(LOCAL, "", "")).await;
    let commit = site.commit("its status counts");
    let forge = site.forge.hold();
    let deployment = server.deploy(&commit).await;
    server.end_of(deployment).await;
    let cut_off = until("a call is under way", TAKEN_UP, async || {
        let leased = server.items("/outbox").await.into_iter().filter(|call| call["state"] == "leased");
        Some(leased.collect::<Vec<_>>()).filter(|calls| !calls.is_empty())
    });
    let cut_off = cut_off.await;
    server.kill().await;
    drop(forge);

    let mut server = site.serve().await;
    server.token = site.new_token("data").await;
    for before in cut_off {
        let now = server.get(&format!("/outbox/{}", before["id"])).await;
        let waits = (&now["state"], &now["attempts"]) == (&before["state"], &before["attempts"]);
        assert!(!waits, "it does not wait for the end of the lease of the call that was cut off: {now}");
    }
    let success = site.forge.wait_for_status(REPOSITORY, &commit, CONTEXT, CommitState::Success);
    timeout(TAKEN_UP, success).await.expect("it is made again");
}

#[tokio::test]
async fn sigterm_lets_a_deployment_end_and_exits_with_0() {
    let site = Site::new(None).await;
    let server = site.set_up(&site.app(LOCAL, &site.waits_while_held("hook3"), "")).await;
    let commit = site.commit("drained");
    let hold = site.hold("hook3");
    let deployment = server.deploy(&commit).await;
    hold.reached().await;
    server.signal(Signal::SIGTERM);
    // What a forge sends meanwhile is not refused.
    let push = site.push(&site.commit("sent while it stops"));
    assert_eq!(server.deliver(&push).await.map(|(status, _)| status), Some(202));
    drop(hold);
    let (status, log) = server.ended().await;
    assert_eq!(status.code(), Some(0), "{log}");
    assert_eq!(site.served().as_deref(), Some("drained"));

    let mut server = site.serve().await;
    server.token = site.new_token("data").await;
    let end = server.get(&format!("/deployments/{deployment}")).await;
    assert_eq!((&end["state"], &end["attempt"]), (&json!("succeeded"), &json!(1)), "{end}");
    let log = server.log(deployment).await;
    assert!(!log.iter().any(|line| line.starts_with("Starting again")), "{log:#?}");
    let (deliveries, _) = server.at_rest().await;
    assert_eq!(deliveries[0]["verdict"], "processed", "{deliveries:#?}");
}

#[tokio::test]
async fn a_second_signal_does_not_wait() {
    let site = Site::new(None).await;
    let server = site.set_up(&site.app(LOCAL, &site.waits_while_held("hook3"), "")).await;
    let commit = site.commit("in a hurry");
    let hold = site.hold("hook3");
    let deployment = server.deploy(&commit).await;
    hold.reached().await;
    server.signal(Signal::SIGTERM);
    server.signal(Signal::SIGINT);
    let (status, log) = server.ended().await;
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("taken up at the next start"), "{log}");
    drop(hold);

    let mut server = site.serve().await;
    server.token = site.new_token("data").await;
    let end = server.end_of(deployment).await;
    assert_eq!(end["state"], "succeeded", "{end}");
}

#[tokio::test]
async fn a_second_server_on_one_data_directory_is_refused() {
    let site = Site::new(None).await;
    let _server = site.serve().await;
    let second = ended(site.davit("data", &["serve", "--listen", "127.0.0.1:0"]), "").await;
    assert_eq!(second.status.code(), Some(1));
    let said = String::from_utf8_lossy(&second.stderr);
    assert!(said.contains("another davit is running on") && said.contains("--database-url"), "{said}");
}

#[tokio::test]
async fn two_servers_on_one_database_share_the_work() {
    let database = TestDatabase::create().await;
    let site = Site::new(Some(database.url())).await;
    let busy = site.path("busy").display().to_string();
    // A directory can be made once: a second deployment of the app at the same time would fail.
    let alone = format!("mkdir {busy}");
    let first = site.set_up(&site.app(LOCAL, &alone, &format!("rmdir {busy}"))).await;
    let mut second = site.serve_in("second").await;
    second.token.clone_from(&first.token);

    let commits: Vec<CommitSha> = (1..=6).map(|number| site.commit(&format!("page {number}"))).collect();
    let pushes: Vec<_> = commits.iter().map(|commit| site.push(commit)).collect();
    let both = pushes.iter().flat_map(|push| [first.deliver(push), second.deliver(push)]);
    let answers = futures::future::join_all(both).await;
    let ids: BTreeMap<String, BTreeSet<u16>> = answers.into_iter().fold(BTreeMap::new(), |mut ids, answer| {
        let (status, body) = answer.expect("an answer");
        ids.entry(body["id"].to_string()).or_default().insert(status);
        ids
    });
    assert_eq!(ids.len(), pushes.len());
    assert!(ids.values().all(|statuses| statuses.iter().eq(&[200, 202])), "stored once each: {ids:?}");
    for number in 0..pushes.len() {
        let server = if number % 2 == 0 { &first } else { &second };
        // A commit of its own: one that was built before skips the hook that takes the directory.
        server.deploy(&site.commit(&format!("asked for {number}"))).await;
    }

    let (deliveries, deployments) = first.at_rest().await;
    assert_eq!((deliveries.len(), deployments.len()), (pushes.len(), 2 * pushes.len()));
    assert!(deliveries.iter().all(|delivery| delivery["attempts"] == 1), "{deliveries:#?}");
    assert!(deployments.iter().all(|d| d["state"] == "succeeded" || d["state"] == "superseded"), "{deployments:#?}");
    assert_eq!(deployments.iter().filter(|d| d["kind"] == "regular" && d["state"] == "succeeded").count(), 6);
    let mut spans: Vec<(String, String)> = deployments.iter().filter_map(ran).collect();
    spans.sort();
    for pair in spans.windows(2) {
        assert!(pair[0].1 <= pair[1].0, "two ran at the same time: {pair:?}");
    }
}

/// When a deployment began and ended, in times of one form that sort as text.
fn ran(deployment: &Value) -> Option<(String, String)> {
    let time = |name: &str| deployment[name].as_str().map(str::to_owned);
    Some((time("started_at")?, time("finished_at")?))
}

#[tokio::test]
async fn the_other_server_takes_up_what_a_dead_one_left() {
    let database = TestDatabase::create().await;
    let site = Site::new(Some(database.url())).await;
    let first = site.set_up(&site.app(LOCAL, &site.waits_while_held("hook3"), "")).await;
    let commit = site.commit("taken over");
    let hold = site.hold("hook3");
    let deployment = first.deploy(&commit).await;
    hold.reached().await;
    let mut second = site.serve_in("second").await;
    second.token.clone_from(&first.token);
    first.kill().await;
    drop(hold);

    let end = second.end_of(deployment).await;
    assert_eq!(end["state"], "succeeded", "{end}");
    assert_eq!(site.served().as_deref(), Some("taken over"));
}

#[tokio::test]
async fn the_first_account_needs_the_code_that_was_printed() {
    let site = Site::new(None).await;
    let mut server = site.serve().await;
    let code = server.set_up_code().await;
    assert_eq!(server.get("/setup").await, json!({ "needed": true }));
    let account = |code: &str| Some(json!({ "code": code, "name": "ada", "password": "a long password" }));
    let (status, refusal) = server.call(Method::POST, "/setup", account("aaaa-aaaa-aaaa")).await;
    assert_eq!(status, 403, "{refusal}");
    let (status, session) = server.call(Method::POST, "/setup", account(&code)).await;
    assert_eq!((status, &session["user"]["role"]), (201, &json!("admin")), "{session}");
    let (status, refusal) = server.call(Method::POST, "/setup", account(&code)).await;
    assert_eq!(status, 409, "{refusal}");
    let login = Some(json!({ "name": "ada", "password": "a long password" }));
    assert_eq!(server.call(Method::POST, "/session", login).await.0, 200);
    assert_eq!(server.get("/setup").await, json!({ "needed": false }));
}

#[tokio::test]
async fn accounts_and_tokens_are_made_while_the_server_runs() {
    let site = Site::new(None).await;
    let mut server = site.serve().await;
    let user = |name: &'static str| {
        site.davit("data", &["admin", "create-user", "--name", name, "--role", "viewer", "--password-stdin"])
    };
    let token = |name: &'static str| site.davit("data", &["admin", "create-token", "--user", name, "--name", "ci"]);

    let made = ended(user("vera"), "a long password\n").await;
    assert_eq!((made.status.code(), String::from_utf8_lossy(&made.stdout).trim()), (Some(0), "vera is a viewer now."));
    let made = ended(token("vera"), "").await;
    server.token = String::from_utf8_lossy(&made.stdout).trim().to_owned();
    assert_eq!(server.get("/session").await["user"]["name"], "vera");

    for (command, input, code, why) in [
        (user("vera"), "a long password\n", 1, "vera"),
        (user("kurt"), "short\n", 2, "12"),
        (token("nobody"), "", 4, "nobody"),
    ] {
        let refused = ended(command, input).await;
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(code), "{said}");
        assert!(said.contains(why), "{said}");
    }
}

#[tokio::test]
async fn accounts_are_shut_out_and_tokens_taken_away_while_the_server_runs() {
    let site = Site::new(None).await;
    let mut server = site.set_up(&site.app(LOCAL, "", "")).await;
    let admin = async |arguments: &[&str], code: i32| {
        let output = ended(site.davit("data", &[&["admin"], arguments].concat()), "").await;
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
    };
    let status = async |server: &Server| server.call(Method::GET, "/session", None).await.0;
    // Nobody may shut everybody out.
    admin(&["disable-user", "--name", "admin"], 1).await;
    assert_eq!(status(&server).await, 200);
    let second = ["admin", "create-user", "--name", "ann", "--role", "admin", "--password-stdin"];
    assert_eq!(ended(site.davit("data", &second), "a long password\n").await.status.code(), Some(0));
    admin(&["disable-user", "--name", "admin"], 0).await;
    assert_eq!(status(&server).await, 401);
    admin(&["enable-user", "--name", "admin"], 0).await;
    assert_eq!(status(&server).await, 200);
    let old = std::mem::take(&mut server.token);
    let output = ended(site.davit("data", &["admin", "create-token", "--user", "admin", "--name", "ci"]), "").await;
    server.token = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    admin(&["revoke-token", "--user", "admin", "--name", "ci"], 0).await;
    assert_eq!(status(&server).await, 401);
    server.token = old;
    assert_eq!(status(&server).await, 200, "the other token is as good as before");
    admin(&["revoke-token", "--user", "admin", "--name", "ci"], 4).await;
    admin(&["disable-user", "--name", "nobody"], 4).await;
}

#[tokio::test]
async fn data_is_for_the_servers_user_alone() {
    let site = Site::new(None).await;
    let server = site.set_up(&site.app(LOCAL, "", "")).await;
    let mode = |name: &str| std::fs::metadata(site.path(name)).expect("it was made").permissions().mode() & 0o777;
    assert_eq!(mode("data"), 0o700);
    for file in ["davit.sqlite", "davit.sqlite-wal", "davit.sqlite-shm"] {
        assert_eq!(mode(&format!("data/{file}")), 0o600, "{file}");
    }
    assert_eq!(server.get("/session").await["user"]["name"], "admin");
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused_with_a_sentence() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name).display().to_string();
    let write = |name: &str, text: &str| std::fs::write(path(name), text).expect("a file");
    write("typo.toml", "lisen = \"127.0.0.1:1\"\n");
    write("no-directory", "");
    write("short.key", "short");
    let (typo, missing, file, key, data) =
        (path("typo.toml"), path("missing.toml"), path("no-directory"), path("short.key"), path("data"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).expect("its owner's");

    let cases: [(&[&str], i32, &str); 10] = [
        (&["--listen", "nowhere"], 2, "--listen"),
        (&["--parallel-hosts", "many"], 2, "--parallel-hosts"),
        (&["--object-store", "s3"], 2, "object store"),
        (&["--database-url", "mysql://root:s3cret@localhost/x"], 2, "postgres://"),
        (&["--public-url", "davit.example.com"], 2, "https://"),
        (&["--config", &typo], 2, "lisen"),
        (&["--config", &missing], 2, "missing.toml"),
        (&["--listen", &taken], 1, "--listen"),
        (&["--master-key-file", &key], 1, "32 bytes"),
        (&["--database-url", "postgres://davit:s3cret@127.0.0.1:1/x"], 1, "database"),
    ];
    for (arguments, code, why) in cases {
        let mut command = davit(&["serve", "--data-dir", &data]);
        command.args(arguments);
        refused(command, code, why).await;
    }
    refused(davit(&["serve", "--data-dir", &file]), 1, "--data-dir").await;
}

async fn refused(command: tokio::process::Command, code: i32, why: &str) {
    let output = ended(command, "").await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{said}");
    assert!(said.contains(why) && !said.contains("s3cret"), "{said}");
}

#[tokio::test]
async fn the_demo_does_what_it_says() {
    let output = ended(davit(&["demo", "--once", "--json"]), "").await;
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    let report: Value = serde_json::from_slice(&output.stdout).expect("one JSON object");
    assert_eq!((&report["ok"], &report["ssh"]), (&json!(true), &json!(true)), "{report}");
    assert_eq!(report["rollback"]["state"], "succeeded", "{report}");
    assert_eq!(report["run"]["state"], "success", "{report}");
}
