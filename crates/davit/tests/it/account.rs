//! `davit account …` against a real server: what people do to their own account, and administrators around it.

use crate::process::{Server, Site, davit};
use crate::whole::{json, run};
use davit_testkit::totp;
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

const BENS: &str = "a kettle full of rain";
const NEW: &str = "a kettle full of snow";

/// A server with the account `ben`, who is a viewer, and his token.
async fn bens(site: &Site) -> (Server, String) {
    let mut server = site.set_up("").await;
    done(site, &server, &["users", "add", "ben", "--role", "viewer", "--stdin"], &format!("{BENS}\n")).await;
    let login = ["login", "--url", &server.url.clone(), "--name", "ben", "--password-stdin"];
    done(site, &server, &login, &format!("{BENS}\n")).await;
    let stored = std::fs::read_to_string(site.path("home/.config/davit/login.toml")).expect("a login");
    let token = stored.lines().find_map(|line| line.strip_prefix("token = \"")?.strip_suffix('"'));
    let admins = std::mem::replace(&mut server.token, token.expect("a token").to_owned());
    (server, admins)
}

async fn done(site: &Site, server: &Server, arguments: &[&str], input: &str) -> String {
    let (code, stdout, stderr) = run(site, server, arguments, input).await;
    assert_eq!(code, 0, "{arguments:?}: {stdout}{stderr}");
    stdout
}

/// The code that an app shows, so many steps from now.
fn shown(secret: &str, steps: i64) -> String {
    let now = std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs();
    totp::shown(secret, i64::try_from(now).expect("a time") + steps * totp::STEP)
}

/// Puts a second factor on as a script does; its secret, and what is printed after the code.
async fn enrol(site: &Site, server: &Server) -> (String, Vec<String>) {
    let mut command = davit(&["account", "second-factor", "enable", "--stdin", "--json"]);
    command.env("DAVIT_URL", &server.url).env("DAVIT_TOKEN", &server.token).env("HOME", site.path("home"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().expect("davit starts");
    let mut stdin = child.stdin.take().expect("piped");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let mut object = async || -> Value {
        let line = lines.next_line().await.expect("readable").expect("a line");
        serde_json::from_str(&line).expect("JSON")
    };
    stdin.write_all(format!("{BENS}\n").as_bytes()).await.expect("it reads");
    let enrolment = object().await;
    let secret = enrolment["secret"].as_str().expect("a secret").to_owned();
    assert!(enrolment["otpauth_url"].as_str().expect("a URL").contains(&secret), "{enrolment}");
    stdin.write_all(format!("{}\n", shown(&secret, 0)).as_bytes()).await.expect("it reads");
    let codes = object().await;
    assert!(child.wait().await.expect("an end").success());
    let codes = codes["recovery_codes"].as_array().expect("codes").iter();
    (secret, codes.map(|code| code.as_str().expect("a code").to_owned()).collect())
}

#[tokio::test]
async fn a_second_factor_is_put_on_renewed_and_taken_off() {
    let site = Site::new(None).await;
    let (server, _) = bens(&site).await;
    let (code, _, said) = run(&site, &server, &["account", "second-factor", "enable"], "").await;
    assert!(code == 2 && said.contains("no terminal to ask"), "{code}: {said}");
    let wrong = ["account", "second-factor", "enable", "--stdin"];
    assert_eq!(run(&site, &server, &wrong, "a wrong password\n").await.0, 3);

    let (_, codes) = enrol(&site, &server).await;
    assert_eq!(codes.len(), 10);
    let factor = json(&site, &server, &["account", "second-factor", "show"]).await;
    assert_eq!((&factor["enabled"], &factor["recovery_codes_left"]), (&json!(true), &json!(10)), "{factor}");
    assert!(done(&site, &server, &["account", "show"], "").await.contains("second factor: on"));

    let renew = ["account", "second-factor", "recovery-codes", "--stdin"];
    let (code, _, said) = run(&site, &server, &renew, &format!("{BENS}\n")).await;
    assert!(code == 3 && said.contains("second line"), "{code}: {said}");
    let new = done(&site, &server, &renew, &format!("{BENS}\n{}\n", codes[0])).await;
    let new: Vec<&str> = new.lines().collect();
    assert!(new.len() == 10 && !new.contains(&codes[1].as_str()), "{new:?}");
    let off = ["account", "second-factor", "disable", "--stdin"];
    assert_eq!(run(&site, &server, &off, &format!("{BENS}\n{}\n", codes[1])).await.0, 3, "an old code");
    done(&site, &server, &off, &format!("{BENS}\n{}\n", new[0])).await;
    assert!(done(&site, &server, &["account", "second-factor", "show"], "").await.contains("off"));
}

#[tokio::test]
async fn a_password_is_changed_and_sessions_end() {
    let site = Site::new(None).await;
    let (mut server, admins) = bens(&site).await;
    let log_in = async |password: &str| {
        let body = json!({ "name": "ben", "password": password });
        server.call(reqwest::Method::POST, "/session", Some(body)).await.0
    };
    let sessions = async || json(&site, &server, &["account", "sessions", "list"]).await["items"].clone();
    assert_eq!(sessions().await, json!([]), "those for a single errand are closed");
    assert_eq!((log_in(BENS).await, log_in(BENS).await), (200, 200));
    let open = sessions().await;
    assert_eq!(open.as_array().map(Vec::len), Some(2), "{open}");

    let first = open[0]["id"].to_string();
    done(&site, &server, &["account", "sessions", "end", &first, "--stdin"], &format!("{BENS}\n")).await;
    let left = sessions().await;
    assert!(left.as_array().is_some_and(|left| left.len() == 1 && left[0]["id"] != open[0]["id"]), "{left}");
    let again = ["account", "sessions", "end", &first, "--stdin"];
    let (code, _, said) = run(&site, &server, &again, &format!("{BENS}\n")).await;
    assert!(code == 4 && said.contains("davit account sessions list"), "{code}: {said}");

    let change = ["account", "password", "--stdin"];
    assert_eq!(run(&site, &server, &change, &format!("{BENS}\nshort\n")).await.0, 2);
    assert_eq!(run(&site, &server, &change, &format!("another one\n{NEW}\n")).await.0, 3);
    done(&site, &server, &change, &format!("{BENS}\n{NEW}\n")).await;
    assert_eq!(sessions().await, json!([]), "every session ends, that of the errand too");
    assert_eq!((log_in(BENS).await, log_in(NEW).await), (401, 200));
    let all = ["account", "sessions", "end", "--all", "--stdin", "--json"];
    assert_eq!(done(&site, &server, &all, &format!("{NEW}\n")).await, "{\"ended\":true,\"session\":null}\n");
    assert_eq!(sessions().await, json!([]));

    assert_eq!(log_in(NEW).await, 200);
    server.token = admins;
    let table = done(&site, &server, &["users", "sessions", "ben"], "").await;
    assert!(table.contains("password") && table.contains("127.0.0.1"), "{table}");
    let ended = json(&site, &server, &["users", "end-sessions", "ben"]).await;
    assert_eq!(ended, json!({ "user": "ben", "signed_out": true }));
    assert_eq!(json(&site, &server, &["users", "sessions", "ben"]).await["items"], json!([]));
    assert_eq!(run(&site, &server, &["users", "sessions", "nobody"], "").await.0, 4);
}

#[tokio::test]
async fn a_profile_and_who_one_is_elsewhere() {
    let site = Site::new(None).await;
    let server = site.set_up("").await;
    let set = ["account", "set", "--display-name", "Ana Ode", "--email", "ana@example.com"];
    done(&site, &server, &set, "").await;
    let shown = done(&site, &server, &["account", "show"], "").await;
    assert!(shown.contains("Ana Ode") && shown.contains("ana@example.com"), "{shown}");
    assert_eq!(run(&site, &server, &["account", "set"], "").await.0, 2);

    let link = json(&site, &server, &["account", "identities", "link", "chat:ops"]).await;
    assert!(link["code"].as_str().is_some_and(|code| code.len() == 14), "{link}");
    assert_eq!(run(&site, &server, &["account", "identities", "link", "forge:github"], "").await.0, 2);
    done(&site, &server, &["users", "link", "admin", "forge:github", "ana-at-work"], "").await;
    let listed = json(&site, &server, &["account", "identities", "list"]).await;
    assert_eq!(listed["items"][0]["provider"], "forge:github", "{listed}");
    let id = listed["items"][0]["id"].to_string();
    assert!(done(&site, &server, &["account", "identities", "list"], "").await.contains("ana-at-work"));
    done(&site, &server, &["account", "identities", "unlink", &id], "").await;
    assert_eq!(run(&site, &server, &["account", "identities", "unlink", &id], "").await.0, 4);
    done(&site, &server, &["users", "link", "admin", "forge:github", "ana"], "").await;
    let id = json(&site, &server, &["account", "identities", "list"]).await["items"][0]["id"].to_string();
    let unlinked = json(&site, &server, &["users", "unlink", "admin", &id]).await;
    assert_eq!(unlinked["unlinked"], json!(true), "{unlinked}");
    assert_eq!(json(&site, &server, &["account", "identities", "list"]).await["items"], json!([]));

    assert_eq!(json(&site, &server, &["providers"]).await["items"], json!([]));
    let (_, _, said) = run(&site, &server, &["providers"], "").await;
    assert!(said.contains("[[identity]]"), "{said}");
}

#[tokio::test]
async fn the_first_administrator_is_made_by_the_code_that_was_printed() {
    let site = Site::new(None).await;
    let mut server = site.serve().await;
    let code = server.set_up_code().await;
    let url = server.url.clone();
    let setup = ["setup", "--name", "ana", "--url", &url, "--stdin"];
    assert_eq!(run(&site, &server, &setup, "aaaa-aaaa-aaaa\na long password\n").await.0, 3);
    assert_eq!(run(&site, &server, &setup, &format!("{code}\nshort\n")).await.0, 2);
    let made = done(&site, &server, &setup, &format!("{code}\na long password\n")).await;
    assert!(made.starts_with("Logged in as ana (admin)"), "{made}");
    let (exit, _, said) = run(&site, &server, &setup, &format!("{code}\na long password\n")).await;
    assert!(exit == 1 && said.contains("is set up already"), "{exit}: {said}");
}
