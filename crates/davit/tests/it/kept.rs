//! `davit artifacts …`, `davit caches …`: what CI keeps, and where it goes.

use crate::process::{Server, Site, TAKEN_UP, until};
use crate::stub::{Stub, json_response, not_found};
use crate::whole::{json, run};
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

const WORKFLOW: &str = "on: push\njobs:\n  build:\n    runs-on: linux\n    steps:\n      - uses: actions/cache@v4\n        \
                        with: { path: kept, key: deps }\n      - run: mkdir -p kept && echo tea | tee kept/out.txt\n      \
                        - uses: actions/upload-artifact@v4\n        with: { name: result, path: kept/out.txt }\n";

/// A repository with a run that has ended well; the run's number.
async fn tested(site: &Site) -> (Server, String) {
    let server = site.set_up("[[repository]]\nforge = \"github\"\nname = \"acme/shop\"\n").await;
    site.repo.commit("Test", &[(".davit/workflows/ci.yml", WORKFLOW)]);
    let commit = site.commit("built");
    let (status, answer) = server.deliver(&site.push(&commit)).await.expect("an answer");
    assert!(status < 300, "{answer}");
    let ended = until("the run ends", TAKEN_UP, async || {
        let run = server.items("/runs").await.pop()?;
        (!run["ended_at"].is_null()).then_some(run)
    });
    let ended = ended.await;
    assert_eq!(ended["state"], "success", "{ended}");
    (server, ended["id"].to_string())
}

#[tokio::test]
async fn artefacts_logs_and_caches_of_a_run() {
    let site = Site::new(None).await;
    let (server, id) = tested(&site).await;
    let listed = json(&site, &server, &["artifacts", "list", &id]).await;
    assert_eq!(listed["items"][0]["name"], "result", "{listed}");
    let artifact = listed["items"][0]["id"].to_string();
    let file = site.path("result.tar.gz");
    let into = site.path("").display().to_string();
    let download = ["artifacts", "download", &artifact, "--output", &into];
    let (code, stdout, stderr) = run(&site, &server, &download, "").await;
    assert_eq!((code, stdout.trim()), (0, file.display().to_string().as_str()), "{stderr}");
    let listing = tokio::process::Command::new("tar").arg("-tzf").arg(&file).output().await.expect("tar");
    assert!(String::from_utf8_lossy(&listing.stdout).contains("out.txt"), "{listing:?}");
    assert_eq!(run(&site, &server, &["artifacts", "download", "999"], "").await.0, 4);

    let (code, stdout, stderr) = run(&site, &server, &["runs", "logs", &id, "--search", "TEA"], "").await;
    assert!(code == 0 && stdout.contains("| tea"), "{stdout}{stderr}");
    let (code, stdout, stderr) =
        run(&site, &server, &["runs", "logs", &id, "--job", "build", "--search", "tea"], "").await;
    assert!(code == 0 && stdout.contains("| tea"), "{stdout}{stderr}");
    let number: u64 = stdout
        .lines()
        .find(|line| line.ends_with("| tea"))
        .expect("the line")
        .split_whitespace()
        .next()
        .expect("its number")
        .parse()
        .expect("a number");
    let (code, stdout, stderr) = run(&site, &server, &["runs", "logs", &id, "--lines", &number.to_string()], "").await;
    assert!(code == 0 && stdout.lines().count() == 1 && stdout.trim_end().ends_with("| tea"), "{stdout}{stderr}");
    let (code, _, stderr) = run(&site, &server, &["runs", "logs", &id, "--search", "coffee pot"], "").await;
    assert!(code == 4 && stderr.contains("coffee pot"), "{stderr}");
    let (code, _, stderr) = run(&site, &server, &["runs", "logs", &id, "--search", "tea", "--from", "2"], "").await;
    assert!(code == 2 && stderr.contains("--from goes with --job"), "{stderr}");
    let outline = json(&site, &server, &["runs", "logs", &id, "--outline"]).await;
    assert_eq!(outline["marks"][0]["kind"], "step", "{outline}");

    let caches = json(&site, &server, &["caches", "list"]).await;
    assert_eq!(caches["items"][0]["key"], "deps", "{caches}");
    let cache = caches["items"][0]["id"].to_string();
    let removed = json(&site, &server, &["caches", "remove", &cache]).await;
    assert_eq!(removed["removed"], json!(true), "{removed}");
    assert_eq!(json(&site, &server, &["caches", "list", "--repository", "acme/shop"]).await["items"], json!([]));
    assert_eq!(run(&site, &server, &["caches", "remove", &cache], "").await.0, 4);
    assert_eq!(run(&site, &server, &["caches", "list", "--repository", "acme/other"], "").await.0, 4);

    let repositories = json(&site, &server, &["ci", "repositories"]).await;
    assert_eq!(repositories["items"][0]["name"], "acme/shop", "{repositories}");
    let workflows = json(&site, &server, &["ci", "workflows"]).await;
    assert_eq!(workflows["items"][0]["file"], ".davit/workflows/ci.yml", "{workflows}");
}

/// A server whose artefact 31 would be called this.
async fn named(disposition: &'static str) -> Stub {
    Stub::start(move |seen, _| match seen.route().as_str() {
        "GET /api/v1/artifacts/31" => {
            let response = Response::builder().header("content-disposition", disposition);
            response.body("new".into()).expect("a response")
        }
        "GET /api/v1/artifacts/32" => {
            let gone = json!({ "status": 404, "code": "not_found", "detail": "there is no artefact 32" });
            json_response(StatusCode::NOT_FOUND, &gone)
        }
        _ => not_found(),
    })
    .await
}

#[tokio::test]
async fn a_download_replaces_nothing_unless_it_is_told_to() {
    let stub = named("attachment; filename=\"site.tar.gz\"").await;
    let file = stub.home().join("site.tar.gz");
    std::fs::write(&file, "old").expect("a file");
    let refused = stub.davit(&["artifacts", "download", "31"]).await;
    assert_eq!(refused.code, 1);
    assert!(refused.stderr.contains("site.tar.gz is there already"), "{}", refused.stderr);
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "old");
    let forced = stub.davit(&["artifacts", "download", "31", "--force"]).await;
    assert_eq!((forced.code, forced.stdout.as_str()), (0, "site.tar.gz\n"), "{}", forced.stderr);
    assert_eq!(std::fs::read_to_string(&file).expect("it is there"), "new");
    let dangling = stub.home().join("link");
    std::os::unix::fs::symlink("/nowhere/at/all", &dangling).expect("a link");
    assert_eq!(stub.davit(&["artifacts", "download", "31", "-o", "link"]).await.code, 1);
    assert_eq!(stub.davit(&["artifacts", "download", "31", "-o", "no/such/place"]).await.code, 1);
    let printed = stub.davit(&["artifacts", "download", "31", "-o", "-"]).await;
    assert_eq!((printed.code, printed.stdout.as_str()), (0, "new"));
    let json = stub.davit(&["artifacts", "download", "31", "-o", "other", "--json"]).await;
    assert_eq!(json.json(), json!({ "artifact": 31, "file": "other" }));
    let missing = stub.davit(&["artifacts", "download", "32"]).await;
    assert_eq!(missing.code, 4);
    assert!(missing.stderr.contains("davit artifacts list"), "{}", missing.stderr);
    let left: Vec<_> =
        std::fs::read_dir(stub.home()).expect("a directory").map(|entry| entry.expect("one").file_name()).collect();
    assert_eq!(left.len(), 3, "nothing half-done is left: {left:?}");
}

#[tokio::test]
async fn the_server_does_not_choose_where_a_file_goes() {
    for hostile in [
        "attachment; filename*=UTF-8''..%2F..%2Fescaped",
        "attachment; filename=\"/tmp/escaped\"",
        "attachment; filename=\".profile\"",
        "attachment; filename=\"--checkpoint=1\"",
        "inline",
    ] {
        let stub = named(hostile).await;
        let done = stub.davit(&["artifacts", "download", "31"]).await;
        assert_eq!((done.code, done.stdout.as_str()), (0, "artifact-31.tar.gz\n"), "{hostile}: {}", done.stderr);
        assert!(stub.home().join("artifact-31.tar.gz").is_file());
    }
}
