//! The fakes refuse what the real forges refuse, also what our client would never send.

mod deliveries;
mod gitea;
mod gitee;
mod github;
mod gitlab;

use super::*;
use crate::git::Repo;
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

const REPOSITORY: &str = "acme/shop";

fn commit() -> CommitSha {
    "1a2b3c4d".repeat(5).parse().expect("a SHA")
}

fn http() -> reqwest::Client {
    // Everything is plain HTTP on the loopback address: no certificates, no proxy.
    reqwest::Client::builder().tls_certs_only([]).no_proxy().user_agent("test").build().expect("a client")
}

async fn fake(kind: ForgeKind) -> FakeForge {
    let fake = FakeForge::start(kind).await;
    fake.add_repository(REPOSITORY, Access::Admin);
    fake
}

/// A call as a client would make it; status and answer (`null` when it is not JSON).
async fn call(fake: &FakeForge, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let request = http().request(method, format!("{}{path}", fake.api_url())).bearer_auth(fake.token());
    let request = request.header("x-github-api-version", "2022-11-28");
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let response = request.send().await.expect("an answer");
    (response.status().as_u16(), response.json().await.unwrap_or(Value::Null))
}

async fn get(fake: &FakeForge, path: &str) -> (u16, Value) {
    call(fake, Method::GET, path, None).await
}

async fn post(fake: &FakeForge, path: &str, body: Value) -> (u16, Value) {
    call(fake, Method::POST, path, Some(body)).await
}

/// The words of a refusal, wherever the forge puts them.
fn words(answer: &Value) -> &str {
    answer["message"].as_str().or(answer["error"].as_str()).unwrap_or_default()
}

/// A fake over a real repository with one commit on `main`.
async fn over_git(kind: ForgeKind) -> (FakeForge, Repo, TempDir) {
    let root = tempfile::tempdir().expect("a directory");
    let work = Repo::init(root.path().join("work"));
    work.commit("First", &[("a", "1")]);
    work.clone_bare(root.path().join("acme/shop.git"));
    let git = GitBackend { root: root.path().to_owned(), router: Router::new() };
    let fake = FakeForge::start_with_git(kind, git).await;
    fake.add_repository(REPOSITORY, Access::Admin);
    (fake, work, root)
}

/// A public key, as people copy it.
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1rC9rNRIBDJDzCTG4+TcvwRrSaj5Xg7OUoSH7S2Ml6 davit";

#[tokio::test]
async fn wrong_tokens_paths_and_methods_are_refused() {
    for (kind, project, unauthorized) in [
        (ForgeKind::Github, "/repos/acme/shop", "Bad credentials"),
        (ForgeKind::Gitlab, "/projects/acme%2Fshop", "401 Unauthorized"),
        (ForgeKind::Gitea, "/repos/acme/shop", "user does not exist [uid: 0, name: ]"),
        (ForgeKind::Gitee, "/repos/acme/shop", "401 Unauthorized: Access token does not exist"),
    ] {
        let fake = fake(kind).await;
        assert_eq!(get(&fake, project).await.0, 200, "{kind:?}");
        assert_eq!(get(&fake, "/repos/acme/nowhere").await.0, 404, "{kind:?}");
        assert_eq!(get(&fake, "/projects/acme%2Fnowhere").await.0, 404, "{kind:?}");
        assert_eq!(get(&fake, "/no/such/path").await.0, 404, "{kind:?}");
        assert!([404, 405].contains(&call(&fake, Method::DELETE, project, None).await.0), "{kind:?}");
        let stranger = http().get(format!("{}{project}", fake.api_url())).bearer_auth("wrong");
        let answer = stranger.header("x-github-api-version", "2022-11-28").send().await.expect("an answer");
        assert_eq!(answer.status(), 401, "{kind:?}");
        assert_eq!(words(&answer.json().await.expect("JSON")), unauthorized, "{kind:?}");
        let lines: Vec<String> = fake.requests().into_iter().map(|request| request.line).collect();
        assert_eq!(lines.last().map(String::as_str), Some(format!("GET {project}").as_str()));
    }
}

#[tokio::test]
async fn forges_without_deployments_have_no_such_path() {
    for (kind, deployments) in
        [(ForgeKind::Gitea, "/repos/acme/shop/deployments"), (ForgeKind::Gitee, "/repos/acme/shop/deployments")]
    {
        let fake = fake(kind).await;
        assert_eq!(post(&fake, deployments, json!({ "ref": "main" })).await.0, 404, "{kind:?}");
    }
}

#[tokio::test]
async fn budgets_run_out_and_fill_up_again() {
    for (kind, project, limited) in [
        (ForgeKind::Github, "/repos/acme/shop", 403),
        (ForgeKind::Gitlab, "/projects/acme%2Fshop", 429),
        (ForgeKind::Gitea, "/repos/acme/shop", 429),
        (ForgeKind::Gitee, "/repos/acme/shop", 403),
    ] {
        let clock = Arc::new(AtomicI64::new(START));
        let fake = FakeForge::start_on(kind, None, Arc::clone(&clock)).await;
        fake.add_repository(REPOSITORY, Access::Read);
        fake.set_budget(10, 2, Duration::from_secs(90));
        for expected in [200, 200, limited, limited] {
            assert_eq!(get(&fake, project).await.0, expected, "{kind:?}");
        }
        clock.fetch_add(90_000, Ordering::SeqCst);
        assert_eq!(get(&fake, project).await.0, 200, "{kind:?}");
    }
}

#[tokio::test]
async fn faults_come_in_order_and_only_where_they_are_meant() {
    let fake = fake(ForgeKind::Gitea).await;
    fake.fail_where("POST ", 1, &Fault::Status(502));
    fake.fail_next(1, &Fault::RetryAfter(Duration::from_secs(7)));
    assert_eq!(get(&fake, "/repos/acme/shop").await.0, 429);
    assert_eq!(get(&fake, "/repos/acme/shop").await.0, 200);
    let path = format!("/repos/acme/shop/statuses/{}", commit());
    assert_eq!(post(&fake, &path, json!({ "state": "success" })).await.0, 502);
    fake.fail_next(1, &Fault::DropAfter);
    let sent = http().post(format!("{}{path}", fake.api_url())).bearer_auth(fake.token());
    sent.json(&json!({ "state": "pending" })).send().await.expect_err("the connection ended");
    assert_eq!(fake.statuses(REPOSITORY, &commit()).len(), 1, "it was carried out all the same");
    fake.fail_next(1, &Fault::Slow(Duration::from_millis(1)));
    assert_eq!(get(&fake, "/repos/acme/shop").await.0, 200);
}

#[tokio::test]
async fn real_repositories_decide_which_commits_there_are() {
    for (kind, unknown) in [(ForgeKind::Github, 422), (ForgeKind::Gitlab, 404), (ForgeKind::Gitea, 404)] {
        let (fake, work, _root) = over_git(kind).await;
        let project = if kind == ForgeKind::Gitlab { "/projects/acme%2Fshop" } else { "/repos/acme/shop" };
        let path = |sha: &str| format!("{project}/statuses/{sha}");
        let (real, tree) = (work.rev("HEAD"), work.rev("HEAD^{tree}"));
        assert_eq!(post(&fake, &path(&real), json!({ "state": "success" })).await.0, 201, "{kind:?}");
        assert_eq!(post(&fake, &path(commit().as_str()), json!({ "state": "success" })).await.0, unknown, "{kind:?}");
        assert_eq!(post(&fake, &path(&tree), json!({ "state": "success" })).await.0, unknown, "a tree is no commit");
    }
}
