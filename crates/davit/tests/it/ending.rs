//! Ended from outside: what was begun is put in order, and whoever has no password is not asked for one.

use crate::stub::{Stub, davit, not_found, run};
use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::{StreamExt as _, stream};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{ChildStdin, Command};
use tokio::sync::Notify;
use tokio::time::timeout;

/// Longer takes nothing of this.
const HANGS: Duration = Duration::from_secs(60);

/// What a terminal shows where a login is ended by `end` while it asks for the password, and how the terminal is then.
async fn asked(home: &Path, end: impl AsyncFnOnce(&mut ChildStdin)) -> String {
    let mut command = davit(home);
    let line = format!(
        "trap : INT HUP TERM; sh -c 'echo $$ > pid; exec env --default-signal {} login --url http://127.0.0.1:9 --name ana'; \
         echo code $?; stty -a",
        env!("CARGO_BIN_EXE_davit")
    );
    let mut script = Command::new("script");
    script
        .args(["-qec", &line, "/dev/null"])
        .env_clear()
        .envs(command.as_std().get_envs().filter_map(|(name, value)| Some((name, value?))));
    script.env("TERM", "xterm").env("SHELL", "/bin/sh").current_dir(home).kill_on_drop(true);
    command = script;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().expect("script starts");
    let (mut stdin, mut stdout) = (child.stdin.take().expect("piped"), child.stdout.take().expect("piped"));
    let mut shown = Vec::new();
    while !String::from_utf8_lossy(&shown).contains("Password: ") {
        let read = timeout(HANGS, stdout.read_buf(&mut shown)).await.expect("it asks").expect("readable");
        assert!(read > 0, "it ended: {}", String::from_utf8_lossy(&shown));
    }
    end(&mut stdin).await;
    timeout(HANGS, stdout.read_to_end(&mut shown)).await.expect("it ends").expect("readable");
    String::from_utf8_lossy(&shown).into_owned()
}

#[tokio::test]
async fn a_terminal_shows_again_what_is_typed_whatever_ends_a_question() {
    let home = tempfile::tempdir().expect("a home");
    let by_key = asked(home.path(), async |stdin| stdin.write_all(b"\x03").await.expect("it reads")).await;
    assert!(by_key.contains("code 130") && by_key.contains(" echo "), "{by_key}");
    for (signal, code) in [(Signal::SIGTERM, "code 143"), (Signal::SIGHUP, "code 129")] {
        let shown = asked(home.path(), async |_| {
            let pid = std::fs::read_to_string(home.path().join("pid")).expect("it was written");
            kill(Pid::from_raw(pid.trim().parse().expect("a number")), signal).expect("it runs");
        });
        let shown = shown.await;
        assert!(shown.contains(code) && shown.contains(" echo "), "{shown}");
    }
}

#[tokio::test]
async fn half_a_file_goes_with_the_command() {
    static BEGUN: Notify = Notify::const_new();
    let stub = Stub::start(|seen, _| {
        if seen.route() != "GET /api/v1/artifacts/31" {
            return not_found();
        }
        // The second part is only asked for once the first was taken, and never comes.
        let parts = stream::iter([vec![7; 4096], Vec::new()]).then(async |part| {
            if part.is_empty() {
                BEGUN.notify_one();
                std::future::pending::<()>().await;
            }
            Ok::<_, std::io::Error>(Bytes::from(part))
        });
        Response::new(Body::from_stream(parts))
    });
    let stub = stub.await;
    let mut command = davit(stub.home());
    command.env("DAVIT_URL", &stub.url).env("DAVIT_TOKEN", "t").args(["artifacts", "download", "31"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let child = command.spawn().expect("davit starts");
    BEGUN.notified().await;
    let files = || std::fs::read_dir(stub.home()).expect("a directory").count();
    let begun = async {
        while files() == 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(HANGS, begun).await.expect("a file is begun");
    kill(Pid::from_raw(i32::try_from(child.id().expect("it runs")).expect("a number")), Signal::SIGTERM)
        .expect("it runs");
    let ended = timeout(HANGS, child.wait_with_output()).await.expect("it ends").expect("its output");
    assert_eq!((ended.status.code(), files()), (Some(143), 0), "{ended:?}");
}

#[tokio::test]
async fn whoever_has_no_password_is_not_asked_for_it() {
    let routes = |provider: &str| {
        vec![
            ("GET /api/v1/session", json!({ "user": { "name": "ana", "role": "admin" }, "version": "1" })),
            (
                "GET /api/v1/session/second-factor",
                json!({ "enabled": false, "recovery_codes_left": 0, "asks_password": false }),
            ),
            (
                "GET /api/v1/session/identities",
                json!({ "items": [{ "id": 1, "provider": provider, "label": "ana" }], "next": null }),
            ),
        ]
    };
    let end = ["account", "sessions", "end", "--all", "--stdin"];
    let stub = Stub::routes(routes("oidc:acme")).await;
    let refused = stub.davit_with(&end, &[], "secret\n").await;
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains("ana has none") && refused.stderr.contains("in the browser"), "{refused:?}");
    assert!(stub.seen().iter().all(|seen| seen.method == "GET"), "nothing counts as a try: {:?}", stub.asked());
    let directory = Stub::routes(routes("ldap:acme")).await;
    directory.davit_with(&end, &[], "secret\n").await;
    assert!(directory.asked().contains(&"POST /api/v1/session".to_owned()), "{:?}", directory.asked());
}

#[tokio::test]
async fn the_address_of_a_provider_is_below_that_of_the_server() {
    let provider = json!({ "items": [{ "id": "acme", "kind": "oidc", "name": "Acme" }], "next": null });
    let stub = Stub::start(move |seen, _| match seen.route().as_str() {
        "GET /davit/api/v1/auth/providers" => crate::stub::json_response(axum::http::StatusCode::OK, &provider),
        _ => not_found(),
    });
    let stub = stub.await;
    let mut command = davit(stub.home());
    command.env("DAVIT_URL", format!("{}/davit", stub.url)).arg("providers");
    let table = run(command, "").await;
    assert!(table.stdout.contains(&format!("{}/davit/auth/oidc/acme/start", stub.url)), "{table:?}");
}
