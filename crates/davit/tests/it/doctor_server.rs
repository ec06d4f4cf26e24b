//! `davit doctor --server`, on real directories, keys and databases, beside a server that runs and where there is none.

use crate::process::Site;
use nix::sys::signal::Signal;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tokio::process::Command;

/// What it says, by name; and its exit code.
async fn doctor(arguments: &[&str]) -> (i32, Value) {
    let mut davit = Command::new(env!("CARGO_BIN_EXE_davit"));
    davit.args(["doctor", "--server", "--json"]).args(arguments);
    davit.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", "/nonexistent");
    let run = crate::stub::run(davit, "").await;
    let checks = run.json()["checks"].as_array().expect("checks").clone();
    let by_name = checks.into_iter().map(|check| (check["name"].as_str().expect("a name").to_owned(), check));
    (run.code, by_name.collect::<serde_json::Map<_, _>>().into())
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("chmod");
}

#[tokio::test]
async fn before_the_first_start_nothing_is_wrong_and_nothing_is_made() {
    let directory = tempfile::tempdir().expect("a directory");
    let data = directory.path().join("data");
    let at = data.display().to_string();
    let (code, checks) = doctor(&["--data-dir", &at, "--listen", "127.0.0.1:0"]).await;
    for name in ["settings", "data directory", "master key", "database", "git", "ssh", "address"] {
        assert_eq!(checks[name]["ok"], true, "{checks:#}");
    }
    assert_eq!((code, &checks["public URL"]["ok"]), (1, &false.into()), "nobody reaches 127.0.0.1: {checks:#}");
    assert!(!data.exists(), "looking makes nothing");
}

#[tokio::test]
async fn a_server_that_runs_is_found_well() {
    let site = Site::new(None).await;
    let server = site.serve().await;
    let listen = server.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    let (data, key) = (site.path("data").display().to_string(), site.path("master.key").display().to_string());
    let at = ["--data-dir", &data, "--master-key-file", &key, "--listen", &listen, "--public-url", &server.url];
    let (code, checks) = doctor(&at).await;
    assert_eq!(code, 0, "{checks:#}");
    let detail = |name: &str| checks[name]["detail"].as_str().unwrap_or_default().to_owned();
    assert!(detail("database").contains("up to date"), "{checks:#}");
    assert!(detail("address").contains("davit answers"), "{checks:#}");
    assert!(detail("public URL").contains("leads to davit"), "{checks:#}");
}

#[tokio::test]
async fn what_is_wrong_is_said_with_what_to_do() {
    let site = Site::new(None).await;
    let server = site.serve().await;
    server.signal(Signal::SIGTERM);
    server.ended().await;
    // Nobody listens there: the port is held, so that nobody else can begin to.
    let nobody = tokio::net::TcpSocket::new_v4().expect("a socket");
    nobody.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let listen = nobody.local_addr().expect("bound").to_string();
    let (data, key) = (site.path("data"), site.path("master.key"));
    mode(&data, 0o755);
    mode(&key, 0o644);
    let url = format!("http://{listen}");
    let (data, key) = (data.display().to_string(), key.display().to_string());
    let at = ["--data-dir", &data, "--master-key-file", &key, "--listen", &listen, "--public-url", &url];
    let (code, checks) = doctor(&at).await;
    assert_eq!(code, 1);
    for (name, fix) in [("data directory", "chmod 700"), ("master key", "chmod 600"), ("public URL", "davit runs")] {
        let said = checks[name]["fix"].as_str().unwrap_or_default();
        assert!(checks[name]["ok"] == false && said.contains(fix), "{name}: {checks:#}");
    }
    let (code, checks) = doctor(&["--config", "/nowhere.toml"]).await;
    assert_eq!((code, &checks["settings"]["ok"]), (1, &false.into()));
}
