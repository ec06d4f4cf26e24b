//! The command line against a real server: what people do to a release from its upload to its end.

use crate::process::{Server, Site, davit, ended};
use serde_json::{Value, json};
use tokio::process::Command;

pub(crate) const LOCAL: &str = "kind = \"local\"";

/// A run of the command line as the administrator: its exit code, standard output and standard error.
pub(crate) async fn run(site: &Site, server: &Server, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut command = davit(arguments);
    command.env("DAVIT_URL", &server.url).env("DAVIT_TOKEN", &server.token).env("HOME", site.path("home"));
    let output = ended(command, input).await;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().expect("it ends by itself"), text(&output.stdout), text(&output.stderr))
}

/// What `--json` prints.
pub(crate) async fn json(site: &Site, server: &Server, arguments: &[&str]) -> Value {
    let (code, stdout, stderr) = run(site, server, &[arguments, &["--json"]].concat(), "").await;
    assert_eq!(code, 0, "{arguments:?}: {stdout}{stderr}");
    serde_json::from_str(&stdout).expect("JSON")
}

#[tokio::test]
async fn a_build_from_elsewhere_waits_for_a_lock_and_goes_out() {
    let site = Site::new(None).await;
    let server = site.set_up(&site.app(LOCAL, "", "")).await;
    let dist = site.path("dist");
    std::fs::create_dir(&dist).expect("a directory");
    std::fs::write(dist.join("index.html"), "from elsewhere").expect("a page");
    let archive = site.path("dist.tar.gz").display().to_string();
    let tar = Command::new("tar").args(["-czf", &archive, "-C"]).arg(&dist).arg(".").status().await;
    assert!(tar.expect("tar").success());
    let build = json(&site, &server, &["builds", "upload", "shop", &archive]).await;
    assert_eq!((&build["title"], &build["files"]), (&json!("dist.tar.gz"), &json!(1)), "{build}");
    let id = build["id"].to_string();

    let lock = json(&site, &server, &["lock", "test", "--reason", "stock-taking", "--for", "2h"]).await;
    let deploy = ["deploy", "shop", "test", "--build", &id, "--follow", "--no-wait"];
    let waits = json(&site, &server, &deploy).await;
    assert_eq!(waits["state"], "queued", "{waits}");
    let deployment = waits["deployment"].to_string();
    let (code, stdout, stderr) =
        run(&site, &server, &["override", &deployment, "--reason", "the till is down", "--follow"], "").await;
    assert_eq!(code, 0, "{stdout}{stderr}");
    assert!(stdout.contains(" is live on 1 host\n"), "{stdout}");
    assert_eq!(site.served().as_deref(), Some("from elsewhere"));
    let (code, _, stderr) = run(&site, &server, &["continue", &deployment], "").await;
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("is succeeded, not paused"), "{stderr}");

    let checks = json(&site, &server, &["status", "shop", "test", "--ask"]).await;
    assert_eq!(checks["items"][0]["verdict"], "ok", "{checks}");
    let (code, ..) = run(&site, &server, &["unlock", "test"], "").await;
    assert_eq!(code, 0);
    let (code, _, stderr) = run(&site, &server, &["unlock", &lock["id"].to_string()], "").await;
    assert_eq!(code, 4, "{stderr}");
    let (code, stdout, stderr) = run(&site, &server, &["secrets", "set", "hook", "--stdin"], "hush\n").await;
    assert_eq!((code, stdout.as_str()), (0, "hook is stored\n"), "{stderr}");
    assert_eq!(json(&site, &server, &["secrets", "list"]).await["items"][0]["name"], "hook");
}

#[tokio::test]
async fn environments_are_listed_with_what_keeps_releases_from_them() {
    let site = Site::new(None).await;
    let server = site.set_up(&site.app(LOCAL, "", "")).await;
    let releases = async || {
        let (code, stdout, stderr) = run(&site, &server, &["environments", "list"], "").await;
        assert_eq!(code, 0, "{stderr}");
        let row = stdout.lines().find(|line| line.starts_with("test ")).expect("the environment");
        row.split("  ").last().expect("a last column").trim().to_owned()
    };
    assert_eq!(releases().await, "start at once");
    let lock = json(&site, &server, &["lock", "test", "--reason", "stock-taking"]).await;
    let kept = releases().await;
    assert!(kept.contains("stock-taking"), "{kept}");
    let listed = json(&site, &server, &["environments", "list"]).await;
    let gate = &listed["items"][0]["gate"];
    assert_eq!((&gate["open"], &gate["locks"][0]["id"]), (&json!(false), &lock["id"]), "{listed}");
}
