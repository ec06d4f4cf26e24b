//! Accounts, groups, grants, tokens and identities, over HTTP.

use davit_domain::access::Role;
use davit_testkit::app::{Database, PASSWORD, TestApp};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Any call with any token.
pub(crate) async fn call(app: &TestApp, token: &str, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let request = app.http().request(method, format!("{}/api/v1{path}", app.url())).bearer_auth(token);
    let request = match body {
        Some(body) => request.json(&body),
        None => request,
    };
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    (status, response.json().await.unwrap_or(Value::Null))
}

async fn as_admin(app: &TestApp, method: Method, path: &str, body: Value) -> (u16, Value) {
    app.call(Role::Admin, method, path, Some(body)).await
}

/// An account with a password and without any role; its token.
pub(crate) async fn newcomer(app: &TestApp, name: &str) -> String {
    app.engine().create_user(name, None, &PASSWORD.into()).await.unwrap();
    let token = app.engine().create_token(name, "test").await.unwrap();
    secrecy::ExposeSecret::expose_secret(&token).to_owned()
}

/// Grants a role to an account.
pub(crate) async fn grant(app: &TestApp, user: &str, role: &str, scope: &str) -> i64 {
    let (status, grant) = app.post("/grants", json!({ "user": user, "role": role, "scope": scope })).await;
    assert_eq!(status, 201, "{grant}");
    grant["id"].as_i64().unwrap()
}

#[tokio::test]
async fn an_account_is_made_changed_and_deleted() {
    let app = TestApp::start().await;
    let new =
        json!({ "name": "ana", "role": "none", "password": "correct horse battery", "display_name": " Ana Sousa " });
    let (status, ana) = app.post("/users", new.clone()).await;
    assert_eq!(status, 201, "{ana}");
    assert_eq!(
        (&ana["role"], &ana["display_name"], &ana["email"]),
        (&json!("none"), &json!("Ana Sousa"), &Value::Null)
    );
    assert_eq!(app.post("/users", new).await.0, 409);

    let (status, ana) =
        as_admin(&app, Method::PATCH, "/users/ana", json!({ "role": "developer", "email": "ana@example.com" })).await;
    assert_eq!((status, &ana["role"], &ana["display_name"]), (200, &json!("developer"), &json!("Ana Sousa")), "{ana}");
    for bad in [
        json!({ "role": "boss" }),
        json!({ "email": "a@b\r\nBcc: c@d" }),
        json!({ "email": "nobody" }),
        json!({ "display_name": "a\nb" }),
    ] {
        assert_eq!(as_admin(&app, Method::PATCH, "/users/ana", bad.clone()).await.0, 422, "{bad}");
    }
    assert_eq!(as_admin(&app, Method::DELETE, "/users/ana", Value::Null).await.0, 204);
    assert_eq!(app.call(Role::Admin, Method::GET, "/users/ana", None).await.0, 404);
    let again = json!({ "name": "ana", "role": "viewer" });
    let (status, problem) = app.post("/users", again).await;
    assert_eq!(status, 409, "the history bears the name: {problem}");
    assert_eq!(app.post("/users", json!({ "name": "ana", "role": "viewer", "reuse_name": true })).await.0, 201);

    let store = app.engine().store();
    let told: Vec<_> =
        store.feed(None, 50).await.unwrap().into_iter().filter(|row| row.entry.subject == "ana").collect();
    let of = |action: &str| told.iter().find(|row| row.entry.action == action).map(|row| row.entry.detail.clone());
    assert_eq!(of("user_role_changed"), Some(json!({ "before": "none", "after": "developer" })));
    assert!(of("user_created").is_some() && of("user_deleted").is_some() && of("user_profile_changed").is_some());
    app.finish().await;
}

#[tokio::test]
async fn a_new_role_and_being_shut_out_end_what_is_open() {
    let app = TestApp::start().await;
    let log_in = async || {
        let credentials = json!({ "name": "developer", "password": PASSWORD });
        let response =
            app.http().post(format!("{}/api/v1/session", app.url())).json(&credentials).send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
    };
    let status_with = async |cookie: &str| {
        let request = app.http().get(format!("{}/api/v1/session", app.url())).header("cookie", cookie);
        request.send().await.unwrap().status().as_u16()
    };
    let cookie = log_in().await;
    assert_eq!(status_with(&cookie).await, 200);
    as_admin(&app, Method::PATCH, "/users/developer", json!({ "role": "reviewer" })).await;
    assert_eq!(status_with(&cookie).await, 401);
    let cookie = log_in().await;
    as_admin(&app, Method::PATCH, "/users/developer", json!({ "display_name": "Dee" })).await;
    assert_eq!(status_with(&cookie).await, 200, "a name ends nothing");
    as_admin(&app, Method::PATCH, "/users/developer", json!({ "disabled": true })).await;
    assert_eq!(status_with(&cookie).await, 401);
    let own = app.token(Role::Developer).to_owned();
    assert_eq!(call(&app, &own, Method::GET, "/session", None).await.0, 401);
    as_admin(&app, Method::PATCH, "/users/developer", json!({ "disabled": false })).await;
    assert_eq!(call(&app, &own, Method::GET, "/session", None).await.0, 200);
    app.finish().await;
}

#[tokio::test]
async fn the_last_administrator_stays_one() {
    let app = TestApp::start().await;
    for (method, body) in [
        (Method::PATCH, json!({ "role": "operator" })),
        (Method::PATCH, json!({ "role": "none" })),
        (Method::PATCH, json!({ "disabled": true })),
        (Method::DELETE, Value::Null),
    ] {
        let (status, problem) = as_admin(&app, method, "/users/admin", body).await;
        assert_eq!((status, &problem["code"]), (409, &json!("conflict")), "{problem}");
        assert!(problem["detail"].as_str().unwrap().contains("make somebody else an administrator"), "{problem}");
    }
    // One who can't sign in does not count, and neither does a grant.
    assert_eq!(app.post("/users", json!({ "name": "robot", "role": "admin" })).await.0, 201);
    grant(&app, "viewer", "admin", "all").await;
    assert_eq!(as_admin(&app, Method::PATCH, "/users/admin", json!({ "disabled": true })).await.0, 409);
    let (status, _) = app.post("/users/robot/password", json!({ "password": "correct horse battery" })).await;
    assert_eq!(status, 204);
    assert_eq!(as_admin(&app, Method::PATCH, "/users/admin", json!({ "role": "viewer" })).await.0, 200);
    app.finish().await;
}

async fn only_one_of_two_goes(database: Database) {
    let app = TestApp::start_on(database).await;
    for round in 0..8 {
        let names = [format!("one-{round}"), format!("two-{round}")];
        for name in &names {
            app.engine().create_user(name, Role::Admin, &PASSWORD.into()).await.unwrap();
        }
        let admins = app.get("/users").await["items"].as_array().unwrap().clone();
        for user in admins.iter().filter(|user| user["role"] == "admin") {
            let name = user["name"].as_str().unwrap();
            if !names.iter().any(|known| known == name) {
                app.engine().change_user(name, &demoted(), "test").await.unwrap();
            }
        }
        let (engine, change) = (app.engine(), demoted());
        let (one, two) = tokio::join!(engine.change_user(&names[0], &change, "test"), async {
            if round % 2 == 0 {
                engine.change_user(&names[1], &change, "test").await.map(drop)
            } else {
                engine.delete_user(&names[1], "test").await
            }
        },);
        assert!(one.is_ok() != two.is_ok(), "one goes, and one stays: {one:?} {two:?}");
        // The next round needs a token of an administrator.
        let back = davit_engine::accounts::AccountChange { role: Some(Some(Role::Admin)), ..Default::default() };
        app.engine().change_user("admin", &back, "test").await.unwrap();
    }
    app.finish().await;
}

fn demoted() -> davit_engine::accounts::AccountChange {
    davit_engine::accounts::AccountChange { role: Some(Some(Role::Viewer)), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_last_administrators_one_stays_on_sqlite() {
    only_one_of_two_goes(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_last_administrators_one_stays_on_postgres() {
    only_one_of_two_goes(Database::Postgres).await;
}

#[tokio::test]
async fn a_group_gives_its_members_what_it_is_granted() {
    let app = TestApp::start().await;
    app.apply(&format!("{}[[environment]]\nkey = \"production\"\n", app.forge_table())).await;
    let ana = newcomer(&app, "ana").await;
    let locks = || json!({ "environment": "production", "reason": "a test" });
    let lock = async |token: &str| call(&app, token, Method::POST, "/locks", Some(locks())).await.0;
    assert_eq!(lock(&ana).await, 404, "who sees nothing is not told that there is something");

    let (status, group) = app.post("/groups", json!({ "name": "leads", "description": "who decide" })).await;
    assert_eq!(status, 201, "{group}");
    assert_eq!(app.post("/groups", json!({ "name": "leads" })).await.0, 409);
    let (status, grant) =
        app.post("/grants", json!({ "group": "leads", "role": "viewer", "scope": "environment:production" })).await;
    assert_eq!(status, 201, "{grant}");
    assert_eq!(as_admin(&app, Method::PUT, "/groups/leads/members/ana", Value::Null).await.0, 204);
    assert_eq!(lock(&ana).await, 403, "who sees it is told why not");
    assert_eq!(as_admin(&app, Method::DELETE, &format!("/grants/{}", grant["id"]), Value::Null).await.0, 204);
    let operator = json!({ "group": "leads", "role": "operator", "scope": "environment:production" });
    assert_eq!(app.post("/grants", operator.clone()).await.0, 201);
    assert_eq!(app.post("/grants", operator).await.0, 409);
    assert_eq!(lock(&ana).await, 201);

    let session = call(&app, &ana, Method::GET, "/session", None).await.1;
    assert_eq!(session["user"]["role"], Value::Null);
    assert_eq!(session["user"]["groups"], json!(["leads"]));
    assert_eq!(session["user"]["grants"], json!([{ "role": "operator", "scope": "environment:production" }]));
    let detail = app.get("/groups/leads").await;
    assert_eq!(detail["members"], json!([{ "user": "ana", "source": "local" }]));
    assert_eq!(app.get("/groups").await["items"][0]["members"], 1);
    assert_eq!(app.get("/users/ana").await["grants"][0]["group"], "leads");

    let (status, renamed) = as_admin(&app, Method::PATCH, "/groups/leads", json!({ "name": "Heads of it" })).await;
    assert_eq!((status, &renamed["grants"][0]["role"]), (200, &json!("operator")), "{renamed}");
    assert_eq!(as_admin(&app, Method::DELETE, "/groups/Heads%20of%20it", Value::Null).await.0, 204);
    assert_eq!(lock(&ana).await, 404);
    app.finish().await;
}

#[tokio::test]
async fn a_token_leaves_of_an_account_what_it_says() {
    let app = TestApp::start().await;
    let environments = "[[environment]]\nkey = \"production\"\n\n[[environment]]\nkey = \"staging\"\n";
    app.apply(&format!("{}{environments}", app.forge_table())).await;
    let make = async |body: Value| {
        let (status, made) = app.post("/tokens", body).await;
        assert_eq!(status, 201, "{made}");
        (made["id"].as_i64().unwrap(), made["token"].as_str().unwrap().to_owned())
    };
    let lock = async |token: &str, environment: &str| {
        let body = json!({ "environment": environment, "reason": "a test" });
        call(&app, token, Method::POST, "/locks", Some(body)).await.0
    };
    let (_, low) = make(json!({ "name": "low", "role": "developer" })).await;
    assert_eq!(lock(&low, "production").await, 403);
    assert_eq!(call(&app, &low, Method::GET, "/users", None).await.0, 403);
    let (_, narrow) = make(json!({ "name": "narrow", "scopes": ["environment:staging"] })).await;
    assert_eq!((lock(&narrow, "production").await, lock(&narrow, "staging").await), (404, 201));
    assert_eq!(call(&app, &narrow, Method::GET, "/export", None).await.0, 403);
    let seen = call(&app, &narrow, Method::GET, "/environments", None).await.1;
    assert_eq!(
        seen["items"].as_array().unwrap().iter().map(|e| e["key"].clone()).collect::<Vec<_>>(),
        [json!("staging")]
    );
    let session = call(&app, &narrow, Method::GET, "/session", None).await.1;
    assert_eq!(session["user"]["role"], Value::Null);
    assert_eq!(session["user"]["grants"], json!([{ "role": "admin", "scope": "environment:staging" }]));

    let (id, short) = make(json!({ "name": "short", "expires_in_days": 7 })).await;
    assert_eq!(call(&app, &short, Method::GET, "/session", None).await.0, 200);
    app.advance(7 * DAY);
    assert_eq!(call(&app, &short, Method::GET, "/session", None).await.0, 401);
    let listed = app.get("/tokens").await;
    let of = listed["items"].as_array().unwrap().iter().find(|token| token["id"] == id).unwrap();
    assert!(of["token"].is_null() && !of["expires_at"].is_null() && of["scopes"].is_null(), "{of}");

    // What is limited is no way to what is not.
    for limited in [&low, &narrow] {
        for (method, path, body) in [
            (Method::POST, "/tokens", json!({ "name": "more" })),
            (Method::PATCH, "/session/profile", json!({ "email": "x@example.com" })),
            (Method::POST, "/session/identities/link-code", json!({ "provider": "chat:ops" })),
        ] {
            assert_eq!(call(&app, limited, method, path, Some(body)).await.0, 403, "{path}");
        }
    }
    for bad in [
        json!({ "name": "" }),
        json!({ "name": "x", "role": "none" }),
        json!({ "name": "x", "scopes": [] }),
        json!({ "name": "x", "scopes": ["app:"] }),
        json!({ "name": "x", "expires_in_days": 0 }),
        json!({ "name": "x", "expires_in_days": 1_000_000 }),
    ] {
        assert_eq!(app.post("/tokens", bad.clone()).await.0, 422, "{bad}");
    }
    app.finish().await;
}

#[tokio::test]
async fn tokens_are_revoked_by_their_owner_and_by_administrators() {
    let app = TestApp::start().await;
    let ids = async |role: Role| {
        let tokens = app.call(role, Method::GET, "/tokens", None).await.1;
        tokens["items"].as_array().unwrap().iter().map(|token| token["id"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    let (viewers, reviewers) = (ids(Role::Viewer).await, ids(Role::Reviewer).await);
    let (status, _) = app.call(Role::Viewer, Method::DELETE, &format!("/tokens/{}", reviewers[0]), None).await;
    assert_eq!(status, 404, "somebody else's is not there");
    assert_eq!(app.get("/users/viewer/tokens").await["items"][0]["id"], viewers[0]);
    assert_eq!(app.call(Role::Viewer, Method::DELETE, &format!("/tokens/{}", viewers[0]), None).await.0, 204);
    assert_eq!(app.call(Role::Viewer, Method::GET, "/session", None).await.0, 401);
    assert_eq!(app.call(Role::Admin, Method::DELETE, &format!("/tokens/{}", reviewers[0]), None).await.0, 204);
    assert_eq!(app.call(Role::Reviewer, Method::GET, "/session", None).await.0, 401);
    app.finish().await;
}

#[tokio::test]
async fn who_somebody_is_elsewhere() {
    let app = TestApp::start().await;
    let link = |subject: &str| json!({ "provider": "forge:github", "subject": subject });
    let (status, viewer) = as_admin(&app, Method::PUT, "/users/viewer/identities", link("Octo")).await;
    assert_eq!((status, &viewer["identities"][0]["label"]), (200, &json!("Octo")), "{viewer}");
    assert_eq!(as_admin(&app, Method::PUT, "/users/viewer/identities", link("octo")).await.0, 200, "said already");
    assert_eq!(as_admin(&app, Method::PUT, "/users/reviewer/identities", link("octo")).await.0, 409);
    for provider in ["github", "forge:", "sms:x", "forge:a b"] {
        let body = json!({ "provider": provider, "subject": "x" });
        assert_eq!(as_admin(&app, Method::PUT, "/users/viewer/identities", body).await.0, 422, "{provider}");
    }
    let account = async |provider: &str, subject: &str| {
        app.engine().account_of(provider, subject).await.unwrap().map(|user| user.name)
    };
    assert_eq!(account("forge:github", "OCTO").await.as_deref(), Some("viewer"));
    as_admin(&app, Method::PATCH, "/users/viewer", json!({ "disabled": true })).await;
    assert_eq!(account("forge:github", "octo").await, None, "shut out everywhere");

    let code = json!({ "provider": "chat:ops" });
    let (status, made) = app.call(Role::Developer, Method::POST, "/session/identities/link-code", Some(code)).await;
    assert_eq!(status, 201, "{made}");
    let typed = made["code"].as_str().unwrap().to_uppercase().replace('-', " ");
    let wrong = app.engine().take_link_code(&"abcd-efgh-jkmn".into(), "chat:ops", "U1", "dee").await;
    assert!(matches!(wrong, Err(davit_engine::EngineError::Denied(_))));
    let user = app.engine().take_link_code(&typed.clone().into(), "chat:ops", "U1", "dee").await.unwrap();
    assert_eq!((user.name.as_str(), account("chat:ops", "U1").await.as_deref()), ("developer", Some("developer")));
    assert!(app.engine().take_link_code(&typed.into(), "chat:ops", "U2", "x").await.is_err(), "once");
    let own = app.call(Role::Developer, Method::GET, "/session/identities", None).await.1;
    let id = own["items"][0]["id"].as_i64().unwrap();
    assert_eq!(app.call(Role::Reviewer, Method::DELETE, &format!("/session/identities/{id}"), None).await.0, 404);
    assert_eq!(app.call(Role::Developer, Method::DELETE, &format!("/session/identities/{id}"), None).await.0, 204);
    assert_eq!(account("chat:ops", "U1").await, None);
    app.finish().await;
}

#[tokio::test]
async fn what_gets_the_key_of_an_app_that_is_gone_is_nobodys() {
    let app = TestApp::start().await;
    let declared = "environment = [{ key = \"test\" }, { key = \"production\" }]\n\
                    [[app]]\nkey = \"shop\"\nrepository = { url = \"https://git.example.com/shop.git\" }\n\
                    [[app]]\nkey = \"till\"\nrepository = { url = \"https://git.example.com/till.git\" }\n";
    app.apply(declared).await;
    newcomer(&app, "ana").await;
    for scope in
        ["app:shop", "app:shop@test", "app:till", "app:till@test", "environment:test", "environment:production"]
    {
        grant(&app, "ana", "admin", scope).await;
    }
    let scopes = async || {
        let grants = app.get("/grants").await["items"].clone();
        let grants = grants.as_array().unwrap().iter().filter(|grant| grant["user"] == "ana");
        grants.map(|grant| grant["scope"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(as_admin(&app, Method::DELETE, "/apps/shop", Value::Null).await.0, 204);
    assert_eq!(scopes().await, ["app:till", "app:till@test", "environment:test", "environment:production"]);
    assert_eq!(as_admin(&app, Method::DELETE, "/environments/test", Value::Null).await.0, 204);
    assert_eq!(scopes().await, ["app:till", "environment:production"]);
    let told = app.get("/feed?action=grant_removed").await["items"].clone();
    assert_eq!(told.as_array().unwrap().len(), 4, "{told}");
    app.finish().await;
}

#[tokio::test]
async fn a_token_that_ends_makes_nothing_that_does_not() {
    let app = TestApp::start().await;
    let (_, made) = app.post("/tokens", json!({ "name": "ci", "expires_in_days": 1 })).await;
    let short = made["token"].as_str().unwrap();
    let password = "a password of a test";
    for (method, path, body) in [
        (Method::POST, "/users", json!({ "name": "ana", "role": "admin", "password": password })),
        (Method::POST, "/users/admin/password", json!({ "password": password })),
        (Method::PUT, "/users/admin/identities", json!({ "provider": "oidc:acme", "subject": "u-1" })),
        (Method::POST, "/grants", json!({ "user": "viewer", "role": "admin", "scope": "all" })),
    ] {
        assert_eq!(call(&app, short, method, path, Some(body)).await.0, 403, "{path}");
    }
    assert_eq!(call(&app, short, Method::GET, "/users", None).await.0, 200);
    for name in ["davit", "Schedule", "sign-in"] {
        assert_eq!(
            app.post("/users", json!({ "name": name, "role": "viewer" })).await.0,
            422,
            "{name} is davit itself"
        );
    }
    app.finish().await;
}

#[tokio::test]
async fn who_somebody_is_at_a_forge_is_not_theirs_to_take_back() {
    let app = TestApp::start().await;
    for (provider, own) in [("forge:github", 403), ("oidc:acme", 204)] {
        let link = json!({ "provider": provider, "subject": "v" });
        assert!(as_admin(&app, Method::PUT, "/users/viewer/identities", link).await.0 < 300);
        let id = app.get("/users/viewer").await["identities"][0]["id"].clone();
        let path = format!("/session/identities/{id}");
        assert_eq!(app.call(Role::Viewer, Method::DELETE, &path, None).await.0, own, "{provider}");
        let path = format!("/users/viewer/identities/{id}");
        let (status, _) = app.call(Role::Admin, Method::DELETE, &path, None).await;
        assert_eq!(status, if own == 403 { 204 } else { 404 });
    }
    app.finish().await;
}
