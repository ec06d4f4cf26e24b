//! Looking at what is there: pieces of logs, deployments beside each other, gates, alerts, shells.

use crate::process::{PASSWORD, Site, ssh};
use crate::stub::{Stub, json_response, line, not_found};
use crate::whole::{LOCAL, json, run};
use axum::http::StatusCode;
use axum::response::Response;
use davit_testkit::sshd::Sshd;
use serde_json::{Value, json};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// A terminal that shows nothing for so long shows nothing more.
const HANGS: Duration = Duration::from_secs(60);

/// A log of 1000 lines, of which every hundredth from 50 on says `tea`; the server names three of those around a line.
async fn long_log() -> Stub {
    Stub::start(|seen, _| {
        let query = |name: &str| {
            let query = seen.target.split_once('?').map(|(_, query)| query).unwrap_or_default();
            query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
        };
        let number = |name: &str| query(name).map(|text| text.parse::<u64>().expect("a number"));
        match seen.route().as_str() {
            "GET /api/v1/deployments/12/logs/search" if query("q").as_deref() == Some("tea") => {
                let all: Vec<u64> = (50..=1000).step_by(100).collect();
                let from = all.partition_point(|line| *line < number("from").expect("a place"));
                let first = from.saturating_sub(1);
                let lines = &all[first..(from + 2).min(all.len())];
                let found = json!({ "total": all.len(), "before": first, "lines": lines, "last_seq": 1000 });
                json_response(StatusCode::OK, &found)
            }
            "GET /api/v1/deployments/12/logs/search" => {
                json_response(StatusCode::OK, &json!({ "total": 0, "before": 0, "lines": [], "last_seq": 1000 }))
            }
            "GET /api/v1/deployments/12/logs" => {
                let (after, limit) = (number("after").unwrap_or(0), number("limit").expect("a limit"));
                let items: Vec<Value> = (after + 1..=(after + limit).min(1000))
                    .map(|seq| line(seq, None, if seq % 100 == 50 { "tea" } else { "water" }))
                    .map(|mut line| {
                        line["at"] = "2026-01-31T12:00:00.000Z".into();
                        line
                    })
                    .collect();
                json_response(StatusCode::OK, &json!({ "items": items, "last_seq": 1000 }))
            }
            _ => not_found(),
        }
    })
    .await
}

#[tokio::test]
async fn lines_that_hold_a_text_come_with_their_numbers() {
    let stub = long_log().await;
    let all = stub.davit(&["logs", "12", "--search", "tea"]).await;
    assert_eq!(all.code, 0, "{}", all.stderr);
    let expected: String = (50..=1000).step_by(100).map(|seq| format!("{seq:>6}  12:00:00 server 5| tea\n")).collect();
    assert_eq!(all.stdout, expected);
    let some = stub.davit(&["logs", "12", "--search", "tea", "--limit", "3", "--from", "200"]).await;
    assert_eq!(
        some.stdout.lines().map(|line| line.trim().split(' ').next().unwrap_or_default()).collect::<Vec<_>>(),
        ["250", "350", "450"]
    );
    assert!(some.stderr.contains("5 more: davit logs 12 --search='tea' --from 451"), "{}", some.stderr);
    let json = stub.davit(&["logs", "12", "--search", "tea", "--limit", "1", "--json"]).await;
    assert_eq!(json.json_lines()[0]["seq"], 50);
    let none = stub.davit(&["logs", "12", "--search", "coffee"]).await;
    assert_eq!((none.code, none.stdout.as_str()), (4, ""));
    assert!(none.stderr.contains("coffee"), "{}", none.stderr);
    assert_eq!(stub.davit(&["logs", "12", "--search", "tea", "--from", "951"]).await.code, 4);
}

#[tokio::test]
async fn a_window_of_a_log_is_two_numbers() {
    let stub = long_log().await;
    let numbers = |text: &str| -> Vec<u64> {
        text.lines().map(|line| line.split_whitespace().next().unwrap_or_default().parse().expect("a number")).collect()
    };
    let window = stub.davit(&["logs", "12", "--lines", "98-101"]).await;
    assert_eq!((window.code, numbers(&window.stdout)), (0, vec![98, 99, 100, 101]), "{}", window.stderr);
    assert_eq!(numbers(&stub.davit(&["logs", "12", "--lines", "998-"]).await.stdout), [998, 999, 1000]);
    assert_eq!(numbers(&stub.davit(&["logs", "12", "--lines", "1000-1200"]).await.stdout), [1000]);
    assert_eq!(numbers(&stub.davit(&["logs", "12", "--lines", "5-", "--limit", "2"]).await.stdout), [5, 6]);
    for wrong in [&["--lines", "9-3"][..], &["--lines", "0"], &["--lines", "1", "-f"], &["--from", "3"]] {
        assert_eq!(stub.davit(&[&["logs", "12"], wrong].concat()).await.code, 2, "{wrong:?}");
    }
}

#[tokio::test]
async fn deployments_beside_each_other_and_what_is_around_them() {
    let site = Site::new(None).await;
    let server = site.set_up(&site.app(LOCAL, "echo \"brews $(cat index.html)\"", "")).await;
    let first = server.deploy(&site.commit("green tea")).await;
    assert_eq!(server.end_of(first).await["state"], "succeeded");
    let second = server.deploy(&site.commit("black tea")).await;
    assert_eq!(server.end_of(second).await["state"], "succeeded");
    let id = second.to_string();

    let listed = json(&site, &server, &["deployment", "list", "--app", "shop", "--state", "succeeded"]).await;
    assert_eq!(listed["items"][0]["id"], second, "{listed}");
    let beside = json(&site, &server, &["deployment", "compare", &id]).await;
    assert_eq!(beside["with"]["id"], first, "{beside}");
    let (code, table, stderr) =
        run(&site, &server, &["deployment", "compare", &id, "--with", &first.to_string()], "").await;
    assert!(
        code == 0 && table.contains(&format!("deployment {second}")) && table.contains("server"),
        "{table}{stderr}"
    );
    let log = json_lines(&site, &server, &["logs", &id, "--search", "brews BLACK"]).await;
    let step = log[0]["step"].to_string();
    let parting = json(&site, &server, &["deployment", "compare", &id, "--step", &step]).await;
    assert_eq!(parting["differs"], true, "{parting}");
    let (_, parts, _) = run(&site, &server, &["deployment", "compare", &id, "--step", &step], "").await;
    assert!(parts.contains("brews green tea") && parts.contains("brews black tea"), "{parts}");
    let (code, _, stderr) = run(&site, &server, &["deployment", "compare", &first.to_string()], "").await;
    assert_eq!(code, 4, "{stderr}");

    let found = log[0]["seq"].to_string();
    let window = json_lines(&site, &server, &["logs", &id, "--lines", &found]).await;
    assert_eq!(window, log, "the same line");

    let commit = site.commit("no tea at all");
    let would = json(&site, &server, &["diff", "shop", "test", "--ref", "main"]).await;
    assert_eq!(
        (&would["head"], &would["files"][0]["path"]),
        (&json!(commit.as_str()), &json!("index.html")),
        "{would}"
    );
    let (_, patch, _) = run(&site, &server, &["diff", "shop", "test", "--file", "index.html"], "").await;
    assert!(patch.contains("-black tea") && patch.contains("+no tea at all"), "{patch}");
    assert_eq!(run(&site, &server, &["diff", "shop", "nowhere"], "").await.0, 4);

    let gates = ["environments", "gates", "test", "--app", "shop"];
    let (code, stdout, stderr) = run(&site, &server, &gates, "").await;
    assert_eq!((code, stdout.as_str()), (0, "A release would start at once\n"), "{stderr}");
    json(&site, &server, &["lock", "test", "--reason", "stock-taking"]).await;
    let (code, stdout, _) = run(&site, &server, &gates, "").await;
    assert!(code == 1 && stdout.contains("stock-taking"), "{code}: {stdout}");
    assert_eq!(run(&site, &server, &["environments", "gates", "nowhere"], "").await.0, 4);

    let counts = json(&site, &server, &["requests", "--counts"]).await;
    assert_eq!((&counts["succeeded"], &counts["all"]), (&json!(2), &json!(2)), "{counts}");
    assert_eq!(json(&site, &server, &["alerts"]).await["items"], json!([]));
    assert_eq!(json(&site, &server, &["terminals", "list"]).await["items"], json!([]));
    assert_eq!(run(&site, &server, &["terminals", "play", "7"], "").await.0, 4);
    let words = json(&site, &server, &["feed", "actions"]).await;
    assert!(words["items"].as_array().is_some_and(|words| words.contains(&json!("logged_in"))), "{words}");
}

async fn json_lines(site: &Site, server: &crate::process::Server, arguments: &[&str]) -> Vec<Value> {
    let (code, stdout, stderr) = run(site, server, &[arguments, &["--json"]].concat(), "").await;
    assert_eq!(code, 0, "{arguments:?}: {stdout}{stderr}");
    stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn terminal(id: i64, state: &str) -> Value {
    let closed = (state == "closed").then_some("2026-01-31T12:30:00.000Z");
    json!({
        "id": id, "host": "web-1", "user": "ann", "origin": "127.0.0.1", "state": state,
        "opened_at": "2026-01-31T12:00:00.000Z", "closed_at": closed, "reason": closed.map(|_| "exited"),
        "ended_by": null, "exit_code": 0, "bytes": 2048, "recorded": true, "mine": true, "may_end": state == "open",
        "may_play": true
    })
}

#[tokio::test]
async fn shells_are_listed_played_kept_and_ended() {
    let stub = Stub::start(|seen, _| match seen.route().as_str() {
        "GET /api/v1/terminals" => {
            json_response(StatusCode::OK, &json!({ "items": [terminal(4, "open"), terminal(3, "closed")], "next": null }))
        }
        "GET /api/v1/terminals/4" => json_response(StatusCode::OK, &terminal(4, "open")),
        "DELETE /api/v1/terminals/4" => Response::builder().status(204).body("".into()).expect("a response"),
        "GET /api/v1/terminals/3/recording" => {
            let cast = "{\"version\":2,\"width\":80,\"height\":24}\n[0.1,\"o\",\"$ ls\\r\\n\"]\n\
                        [900.5,\"o\",\"\\u001b[31ma\\u001b[0m \\u001b]0;title\\u0007b\\r\\n\"]\n[901,\"r\",\"90x30\"]\n";
            let named = Response::builder().header("content-disposition", "attachment; filename=\"terminal-3.cast\"");
            named.body(cast.into()).expect("a response")
        }
        "GET /api/v1/terminals/5/recording" => Response::new("nothing of the sort".into()),
        _ => not_found(),
    })
    .await;
    let listed = stub.davit(&["terminals", "list", "--host", "web-1"]).await;
    assert_eq!(
        listed.stdout,
        "ID  HOST   WHO  STATE   FROM (UTC)        UNTIL (UTC)       ENDED   SHOWN    RECORDING\n\
         4   web-1  ann  open    2026-01-31 12:00                            2.0 KiB  yes\n\
         3   web-1  ann  closed  2026-01-31 12:00  2026-01-31 12:30  exited  2.0 KiB  yes\n"
    );
    assert_eq!(stub.seen()[0].target, "/api/v1/terminals?host=web-1&limit=50");
    let played = stub.davit(&["terminals", "play", "3"]).await;
    assert_eq!((played.code, played.stdout.as_str()), (0, "$ ls\na b\n"), "{}", played.stderr);
    let shown = stub.davit(&["terminals", "show", "4"]).await;
    assert!(shown.stdout.starts_with("terminal 4 open: ann on web-1\n"), "{}", shown.stdout);
    let kept = stub.davit(&["terminals", "download", "3"]).await;
    assert_eq!((kept.code, kept.stdout.as_str()), (0, "terminal-3.cast\n"), "{}", kept.stderr);
    assert_eq!(stub.davit(&["terminals", "download", "3"]).await.code, 1, "it is there already");
    assert_eq!(stub.davit(&["terminals", "end", "4"]).await.stdout, "Terminal 4 is ended\n");
    let broken = stub.davit(&["terminals", "play", "5"]).await;
    assert!(broken.code == 1 && broken.stderr.contains("can't be played"), "{}", broken.stderr);
    let missing = stub.davit(&["terminals", "play", "6"]).await;
    assert!(missing.code == 4 && missing.stderr.contains("davit terminals list"), "{}", missing.stderr);
}

#[tokio::test]
async fn providers_and_previews_are_printed() {
    let stub = Stub::routes(vec![
        ("GET /api/v1/auth/providers", json!({ "password": true, "items": [{ "id": "acme", "kind": "oidc", "name": "Acme" }, { "id": "corp", "kind": "ldap", "name": "Corp" }] })),
        ("GET /api/v1/channels/ops/preview", json!({ "text": "**Released**\n\u{1b}[2Jshop" })),
        ("POST /api/v1/changes/15/refresh", json!({ "id": 15, "forge": "github", "repository": "acme/shop", "number": 3, "title": "More", "author": "ann", "url": "", "head_sha": "0123456789abcdef0123456789abcdef01234567", "base_branch": "main", "state": "merged", "holds": [] })),
    ])
    .await;
    let table = stub.davit(&["providers"]).await;
    assert!(table.stdout.contains(&format!("{}/auth/oidc/acme/start", stub.url)), "{}", table.stdout);
    let preview = stub.davit(&["channels", "preview", "ops", "--event", "failed"]).await;
    assert_eq!(preview.stdout, "**Released**\nshop\n");
    assert_eq!(stub.seen()[1].target, "/api/v1/channels/ops/preview?event=failed");
    let change = stub.davit(&["changes", "refresh", "15"]).await;
    assert!(change.stdout.starts_with("change 15 merged: More\n"), "{}", change.stdout);
    assert_eq!(stub.davit(&["channels", "preview", "none", "--event", "failed"]).await.code, 4);
}

/// `davit` at a terminal of its own, where this is typed: after each text that it shows, the next line. Its process id is in
/// `pid`; how it ended, and how the terminal is then, is shown last.
async fn at_a_terminal(site: &Site, server: &crate::process::Server, arguments: &str, talk: &[(&str, &str)]) -> String {
    let mut command = tokio::process::Command::new("script");
    let davit = env!("CARGO_BIN_EXE_davit");
    let pid = site.path("pid");
    let line = format!("sh -c 'echo $$ > {}; exec {davit} {arguments}'; echo code $?; stty -a", pid.display());
    command.args(["-qec", &line, "/dev/null"]).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("DAVIT_URL", &server.url).env("DAVIT_TOKEN", &server.token).env("HOME", site.path("home"));
    command.env("TERM", "xterm").env("SHELL", "/bin/sh").kill_on_drop(true);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().expect("script starts");
    let mut stdin = child.stdin.take().expect("piped");
    let mut stdout = child.stdout.take().expect("piped");
    let (mut shown, mut said) = (Vec::new(), 0);
    for (awaited, typed) in talk {
        loop {
            let text = String::from_utf8_lossy(&shown[said..]).into_owned();
            if let Some(at) = text.find(awaited) {
                said += at + awaited.len();
                break;
            }
            let read = tokio::time::timeout(HANGS, stdout.read_buf(&mut shown)).await;
            let count = read.unwrap_or_else(|_| panic!("no {awaited:?} in {text:?}")).expect("readable");
            assert!(count > 0, "it ended before {awaited:?}: {text:?}");
        }
        stdin.write_all(typed.as_bytes()).await.expect("it reads");
    }
    let rest = tokio::time::timeout(HANGS, stdout.read_to_end(&mut shown)).await;
    rest.expect("it ends").expect("readable");
    String::from_utf8_lossy(&shown).into_owned()
}

#[tokio::test]
async fn a_shell_is_opened_typed_into_and_played_again() {
    let site = Site::new(None).await;
    let sshd = Sshd::start().await;
    let server = site.set_up(&format!("[[host]]\nname = \"web\"\n{}\n", ssh(&site, &sshd))).await;
    let (code, _, stderr) = run(&site, &server, &["terminals", "open", "web"], "").await;
    assert!(code == 2 && stderr.contains("needs a terminal"), "{stderr}");

    let password = format!("{PASSWORD}\n");
    let talk = [
        ("Password of admin: ", password.as_str()),
        ("Connected", "PS1=; stty -echo; echo I am $((40 + 2))\r"),
        ("I am 42", "stty size; exit 7\r"),
        ("exit code 7", ""),
    ];
    at_a_terminal(&site, &server, "terminals open web", &talk).await;
    let listed = json(&site, &server, &["terminals", "list"]).await;
    let (shell, number) = (&listed["items"][0], listed["items"][0]["id"].to_string());
    assert_eq!((&shell["host"], &shell["state"], &shell["exit_code"]), (&json!("web"), &json!("closed"), &json!(7)));
    let (_, played, _) = run(&site, &server, &["terminals", "play", &number], "").await;
    assert!(played.contains("I am 42"), "{played}");
    let sessions = json(&site, &server, &["account", "sessions", "list"]).await;
    assert_eq!(sessions["items"].as_array().map(Vec::len), Some(1), "the one of the set-up alone: {sessions}");

    let talk = [
        ("Password of admin: ", password.as_str()),
        ("Connected", "PS1=; echo I am $((40 + 2))\r"),
        ("I am 42", "\r~."),
    ];
    let shown = at_a_terminal(&site, &server, "terminals open web", &talk).await;
    assert!(shown.contains("Hung up."), "{shown}");
    let talk = [("Password of admin: ", password.as_str()), ("there is no host named none", "")];
    at_a_terminal(&site, &server, "terminals open none", &talk).await;
    // A recording at a terminal comes with its pauses, shortened, and leaves the terminal as it was.
    let played = at_a_terminal(&site, &server, &format!("terminals play {number} --idle 0"), &[]).await;
    assert!(played.contains("I am 42") && played.contains("\u{1b}[?2026l"), "{played:?}");
    assert!(!played.contains("\u{1b}[?1049l"), "it never left the first screen: {played:?}");

    let kill = format!("kill -TERM $(cat {})\r", site.path("pid").display());
    let talk = [("Password of admin: ", password.as_str()), ("Connected", kill.as_str())];
    let shown = at_a_terminal(&site, &server, "terminals open web", &talk).await;
    assert!(shown.contains("code 143") && shown.contains(" icanon ") && shown.contains(" echo "), "{shown}");
}
