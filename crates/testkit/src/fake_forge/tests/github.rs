//! GitHub.

use super::*;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const DEPLOYMENTS: &str = "/repos/acme/shop/deployments";

fn statuses() -> String {
    format!("/repos/{REPOSITORY}/statuses/{}", commit())
}

#[tokio::test]
async fn fields_of_a_status_follow_the_description() {
    let fake = fake(ForgeKind::Github).await;
    for (body, message) in [
        (json!({}), "state is not included in the list"),
        (json!({ "state": "green" }), "state is not included in the list"),
        (
            json!({ "state": "success", "description": "x".repeat(141) }),
            "description is too long (maximum is 140 characters)",
        ),
        (json!({ "state": "success", "target_url": "" }), "target_url must use http(s) scheme"),
        (json!({ "state": "success", "context": 1 }), "must be a string"),
    ] {
        let (status, answer) = post(&fake, &statuses(), body.clone()).await;
        assert_eq!((status, answer["errors"][0]["message"].as_str()), (422, Some(message)), "{body}");
    }
    for bad in ["main", "1a2b3c4"] {
        let path = format!("/repos/{REPOSITORY}/statuses/{bad}");
        let (status, answer) = post(&fake, &path, json!({ "state": "success" })).await;
        assert_eq!((status, words(&answer)), (422, format!("No commit found for SHA: {bad}").as_str()));
    }
    assert_eq!(post(&fake, &statuses(), json!([])).await.0, 400);
    assert_eq!(fake.statuses(REPOSITORY, &commit()), []);

    let (status, answer) = post(&fake, &statuses(), json!({ "state": "success" })).await;
    assert_eq!((status, answer["context"].as_str()), (201, Some("default")));
}

#[tokio::test]
async fn the_list_is_newest_first() {
    let fake = fake(ForgeKind::Github).await;
    for state in ["pending", "success"] {
        assert_eq!(post(&fake, &statuses(), json!({ "state": state })).await.0, 201);
    }
    let (status, list) = get(&fake, &format!("/repos/{REPOSITORY}/commits/{}/statuses", commit())).await;
    assert_eq!((status, &list[0]["state"], &list[1]["state"]), (200, &json!("success"), &json!("pending")));
}

#[tokio::test]
async fn a_context_has_a_thousand_statuses() {
    let fake = fake(ForgeKind::Github).await;
    let one = |context: &str| Status {
        repository: REPOSITORY.to_owned(),
        sha: commit().as_str().to_owned(),
        context: context.to_owned(),
        reference: String::new(),
        state: CommitState::Pending,
        word: "pending".to_owned(),
        description: String::new(),
        target_url: String::new(),
    };
    fake.shared.state().statuses = vec![one("CI"); 1000];
    assert_eq!(post(&fake, &statuses(), json!({ "state": "success", "context": "ci" })).await.0, 422);
    assert_eq!(post(&fake, &statuses(), json!({ "state": "success", "context": "other" })).await.0, 201);
}

#[tokio::test]
async fn callers_say_who_they_are_and_in_which_version() {
    let fake = fake(ForgeKind::Github).await;
    let url = format!("{}/repos/{REPOSITORY}", fake.api_url());
    let old = http().get(&url).bearer_auth(fake.token()).send().await.expect("an answer");
    assert_eq!(old.status(), 400, "without a version");
    let nameless = reqwest::Client::builder().tls_certs_only([]).no_proxy().build().expect("a client");
    let nameless = nameless.get(&url).bearer_auth(fake.token()).send().await.expect("an answer");
    assert_eq!(nameless.status(), 403, "without a user agent");
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let fake = fake(ForgeKind::Github).await;
    fake.deny(REPOSITORY, Permission::Deployments);
    let url = format!("{}{DEPLOYMENTS}", fake.api_url());
    let request = http().post(url).bearer_auth(fake.token()).header("x-github-api-version", "2022-11-28");
    let answer = request.json(&json!({ "ref": "main" })).send().await.expect("an answer");
    assert_eq!(answer.status(), 403);
    assert_eq!(answer.headers()["x-accepted-github-permissions"], "deployments=write");
    assert_eq!(words(&answer.json().await.expect("JSON")), "Resource not accessible by personal access token");
    fake.allow(REPOSITORY, Permission::Deployments);
    assert_eq!(post(&fake, DEPLOYMENTS, json!({ "ref": "main" })).await.0, 201);
    fake.add_repository(REPOSITORY, Access::Write);
    assert_eq!(get(&fake, "/repos/acme/shop/hooks").await.0, 403, "webhooks are the administrators'");
}

#[tokio::test]
async fn deployments_need_a_ref_that_is_there_and_green_contexts() {
    let (fake, work, _root) = over_git(ForgeKind::Github).await;
    let (status, answer) = post(&fake, DEPLOYMENTS, json!({})).await;
    assert_eq!((status, words(&answer)), (422, "Invalid request.\n\n\"ref\" wasn't supplied."));
    let (status, answer) = post(&fake, DEPLOYMENTS, json!({ "ref": "nowhere" })).await;
    assert_eq!((status, words(&answer)), (422, "No ref found for: nowhere"));

    let head = work.rev("HEAD");
    let red = json!({ "state": "pending", "context": "ci" });
    assert_eq!(post(&fake, &format!("/repos/acme/shop/statuses/{head}"), red).await.0, 201);
    let (status, answer) = post(&fake, DEPLOYMENTS, json!({ "ref": "main" })).await;
    assert_eq!((status, words(&answer)), (409, "Conflict: Commit status checks failed for main."));
    let asked = json!({ "ref": "main", "required_contexts": ["never set"] });
    assert_eq!(post(&fake, DEPLOYMENTS, asked).await.0, 409);
    let (status, made) = post(&fake, DEPLOYMENTS, json!({ "ref": "main", "required_contexts": [] })).await;
    assert_eq!((status, made["sha"].as_str()), (201, Some(head.as_str())));
    assert_eq!(made["environment"], "production");
    let (_, listed) = get(&fake, &format!("{DEPLOYMENTS}?sha={head}&environment=production")).await;
    assert_eq!(listed[0]["id"], made["id"]);
    assert_eq!(get(&fake, &format!("{DEPLOYMENTS}?environment=staging")).await.1, json!([]));
}

#[tokio::test]
async fn a_branch_that_is_behind_is_merged_and_not_deployed() {
    let (fake, work, root) = over_git(ForgeKind::Github).await;
    work.branch("topic");
    work.commit("Topic", &[("b", "1")]);
    work.branch("conflict");
    work.commit("Conflict", &[("a", "theirs")]);
    work.switch("main");
    work.commit("Second", &[("a", "ours")]);
    work.push(&root.path().join("acme/shop.git").display().to_string());
    let (status, answer) = post(&fake, DEPLOYMENTS, json!({ "ref": "topic" })).await;
    assert_eq!((status, words(&answer)), (202, "Auto-merged main into topic on deployment."));
    assert_eq!(fake.deployments(REPOSITORY), []);
    assert_eq!(post(&fake, DEPLOYMENTS, json!({ "ref": "topic" })).await.0, 201, "it is not behind any more");
    let (status, answer) = post(&fake, DEPLOYMENTS, json!({ "ref": "conflict" })).await;
    assert_eq!((status, words(&answer)), (409, "Conflict merging main into conflict."));
    assert_eq!(post(&fake, DEPLOYMENTS, json!({ "ref": "conflict", "auto_merge": false })).await.0, 201);
}

#[tokio::test]
async fn a_success_makes_the_one_before_inactive() {
    let fake = fake(ForgeKind::Github).await;
    let mut numbers = Vec::new();
    for _ in 0..2 {
        let (_, made) = post(&fake, DEPLOYMENTS, json!({ "ref": commit().as_str() })).await;
        let path = format!("{DEPLOYMENTS}/{}/statuses", made["id"]);
        assert_eq!(post(&fake, &path, json!({ "state": "done" })).await.0, 422);
        let long = json!({ "state": "success", "description": "x".repeat(141) });
        assert_eq!(post(&fake, &path, long).await.0, 422);
        let state = json!({ "state": "success", "log_url": "https://davit.example.com/1", "environment_url": "" });
        assert_eq!(post(&fake, &path, state).await.0, 201);
        numbers.push(made["id"].clone());
    }
    let states: Vec<String> = fake.deployments(REPOSITORY).iter().map(|d| d.state().to_owned()).collect();
    assert_eq!(states, ["inactive", "success"]);
    let (_, listed) = get(&fake, &format!("{DEPLOYMENTS}/{}/statuses", numbers[0])).await;
    assert_eq!((&listed[0]["state"], &listed[1]["state"]), (&json!("inactive"), &json!("success")));
    assert_eq!(post(&fake, &format!("{DEPLOYMENTS}/7/statuses"), json!({ "state": "success" })).await.0, 404);
}

#[tokio::test]
async fn hooks_are_checked_and_their_secrets_hidden() {
    let fake = fake(ForgeKind::Github).await;
    let hooks = "/repos/acme/shop/hooks";
    let (status, answer) = post(&fake, hooks, json!({ "colour": "red" })).await;
    assert_eq!((status, words(&answer)), (422, "Invalid request.\n\n\"colour\" is not a permitted key."));
    assert_eq!(post(&fake, hooks, json!({ "name": "web", "config": {} })).await.0, 422, "without an address");
    let config = json!({ "url": "http://127.0.0.1:9/hook", "content_type": "json", "secret": "s3cret" });
    let new = json!({ "name": "web", "config": config, "events": ["push"], "active": true });
    let (status, made) = post(&fake, hooks, new.clone()).await;
    assert_eq!((status, made["config"]["secret"].as_str()), (201, Some("********")));
    assert_eq!(made["last_response"]["status"], "unused");
    assert_eq!(post(&fake, hooks, new).await.0, 422, "there is one already");
    let one = format!("{hooks}/{}", made["id"]);
    let change = json!({ "config": { "url": "http://127.0.0.1:9/hook" }, "add_events": ["pull_request"] });
    let (status, changed) = call(&fake, Method::PATCH, &one, Some(change)).await;
    assert_eq!((status, &changed["events"]), (200, &json!(["push", "pull_request"])));
    let hook = fake.hooks(REPOSITORY).remove(0);
    assert_eq!((hook.secret.as_str(), hook.form), ("", true), "what is not said again is lost");
}

#[tokio::test]
async fn deploy_keys_are_used_once() {
    let fake = fake(ForgeKind::Github).await;
    let keys = "/repos/acme/shop/keys";
    assert_eq!(post(&fake, keys, json!({ "title": "davit", "key": "not a key" })).await.0, 422);
    let new = json!({ "title": "davit", "key": KEY, "read_only": true });
    assert_eq!(post(&fake, keys, new.clone()).await.0, 201);
    let (status, answer) = post(&fake, keys, new).await;
    assert_eq!((status, answer["errors"][0]["message"].as_str()), (422, Some("key is already in use")));
    assert!(fake.deploy_keys(REPOSITORY)[0].read_only);
}

#[tokio::test]
async fn creations_are_counted_by_the_minute() {
    let clock = Arc::new(AtomicI64::new(START));
    let fake = FakeForge::start_on(ForgeKind::Github, None, Arc::clone(&clock)).await;
    fake.add_repository(REPOSITORY, Access::Write);
    fake.limit_creations(2);
    for expected in [201, 201, 403] {
        assert_eq!(post(&fake, &statuses(), json!({ "state": "pending" })).await.0, expected);
    }
    assert_eq!(get(&fake, "/repos/acme/shop").await.0, 200, "reading is no creation");
    clock.fetch_add(60_000, Ordering::SeqCst);
    assert_eq!(post(&fake, &statuses(), json!({ "state": "pending" })).await.0, 201);
}

/// A JWT of an App.
fn jwt(app: &GithubApp, iat: i64, exp: i64) -> String {
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = json!({ "iss": app.id, "iat": iat, "exp": exp });
    let signed = format!("{}.{}", part(json!({ "alg": "RS256", "typ": "JWT" })), part(claims));
    let body: String = app.private_key.lines().filter(|line| !line.starts_with('-')).collect();
    let key = KeyPair::from_der(&STANDARD.decode(body).expect("base64")).expect("a key of PKCS#1");
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature).expect("a signature");
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

#[tokio::test]
async fn an_app_proves_itself_and_gets_tokens_for_one_account() {
    let fake = fake(ForgeKind::Github).await;
    fake.add_repository("other/shop", Access::Admin);
    let app = fake.create_app("acme");
    let ask = async |method: Method, path: &str, token: &str| {
        let request = http().request(method, format!("{}{path}", fake.api_url())).bearer_auth(token);
        let response = request.header("x-github-api-version", "2022-11-28").send().await.expect("an answer");
        (response.status().as_u16(), response.json::<Value>().await.expect("JSON"))
    };
    let now = START / 1000;
    let right = jwt(&app, now - 60, now + 540);
    let tokens = format!("/app/installations/{}/access_tokens", app.installation);
    for (wrong, status) in [
        (jwt(&app, now - 60, now + 3600), 401),
        (jwt(&app, now - 600, now - 1), 401),
        (jwt(&app, now + 300, now + 500), 401),
        (jwt(&GithubApp { id: "7".to_owned(), ..app.clone() }, now - 60, now + 540), 404),
        (format!("{}x", &right[..right.len() - 1]), 401),
        (fake.token().to_owned(), 401),
    ] {
        assert_eq!(ask(Method::POST, &tokens, &wrong).await.0, status, "{wrong}");
    }
    let (status, installation) = ask(Method::GET, "/repos/acme/shop/installation", &right).await;
    assert_eq!((status, installation["id"].as_i64()), (200, Some(app.installation)));
    assert_eq!(ask(Method::GET, "/repos/other/shop/installation", &right).await.0, 404);
    let (status, given) = ask(Method::POST, &tokens, &right).await;
    assert_eq!(status, 201);
    let token = given["token"].as_str().expect("a token");
    assert_eq!(ask(Method::GET, "/repos/acme/shop", token).await.0, 200);
    assert_eq!(ask(Method::GET, "/repos/other/shop", token).await.0, 404);
    fake.revoke_installation_tokens();
    assert_eq!(ask(Method::GET, "/repos/acme/shop", token).await.0, 401);
}
