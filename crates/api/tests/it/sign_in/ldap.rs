//! Signing in by a real directory.

use super::{Browser, code_of, cookie, count, log_in, log_in_with};
use davit_domain::access::Role;
use davit_engine::apply::Apply;
use davit_testkit::app::{PASSWORD, TestApp};
use davit_testkit::slapd::{READER, READER_PASSWORD, SUFFIX, Slapd};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const ANAS: &str = "what ana knows";

struct Site {
    app: TestApp,
    directory: Slapd,
}

fn entries() -> String {
    let unit = |name: &str| format!("dn: ou={name},{SUFFIX}\nobjectClass: organizationalUnit\nou: {name}\n\n");
    let person = |name: &str, full: &str, password: &str| {
        format!(
            "dn: uid={name},ou=people,{SUFFIX}\nobjectClass: inetOrgPerson\nuid: {name}\ncn: {full}\nsn: {name}\n\
             mail: {name}@acme.example\nuserPassword: {password}\n\n"
        )
    };
    let group = |name: &str, member: &str| {
        format!(
            "dn: cn={name},ou=groups,{SUFFIX}\nobjectClass: groupOfNames\ncn: {name}\n\
             member: uid={member},ou=people,{SUFFIX}\n\n"
        )
    };
    [
        unit("people"),
        unit("groups"),
        person("ana", "Ana Lovelace", ANAS),
        person("bob", "Bob (the builder)", "what bob knows"),
        person("viewer", "Somebody called viewer", "what they know"),
        group("leads", "ana"),
        group("everybody", "bob"),
    ]
    .concat()
}

impl Site {
    async fn start_with(server: impl Fn(&Slapd) -> String) -> Self {
        let (app, directory) = (TestApp::start().await, Slapd::start(&entries()).await);
        assert_eq!(app.post("/groups", json!({ "name": "leaders" })).await.0, 201);
        let site = Self { app, directory };
        let server = server(&site.directory);
        site.apply(&server, "").await;
        site
    }

    async fn start() -> Self {
        Self::start_with(|directory| format!("url = {:?}\nstart_tls = true\n", directory.url())).await
    }

    async fn apply(&self, server: &str, more: &str) {
        let app = &self.app;
        let document = format!(
            "{}[[identity]]\nid = \"acme\"\nkind = \"ldap\"\nname = \"Acme\"\nrole = \"viewer\"\n{server}\
             ca = {{ secret = \"ca\" }}\nbind_dn = {READER:?}\nbind_password = {{ secret = \"reader\" }}\n\
             user_base = \"ou=people,{SUFFIX}\"\ngroup_base = \"ou=groups,{SUFFIX}\"\n{more}\
             [identity.groups]\nleads = \"leaders\"\n",
            app.forge_table()
        );
        let mut values: BTreeMap<String, secrecy::SecretString> = BTreeMap::new();
        values.insert("env:TEST_TOKEN".into(), app.forge.token().to_owned().into());
        values.insert("env:TEST_SECRET".into(), app.forge.webhook_secret().into());
        app.engine().set_secret("ca", &Slapd::ca().into(), "test").await.unwrap();
        app.engine().set_secret("reader", &READER_PASSWORD.into(), "test").await.unwrap();
        app.engine().apply(Apply { document, values, prune: false, dry_run: false }, "test").await.unwrap();
    }
}

#[tokio::test]
async fn who_is_in_the_directory_gets_an_account_and_its_groups() {
    let site = Site::start().await;
    let response = log_in(&site.app, "ana", ANAS).await;
    assert_eq!(response.status(), 200);
    let browser = Browser { app: &site.app, cookie: cookie(&response) };
    let user = browser.get("/session").await["user"].clone();
    assert_eq!((&user["name"], &user["role"], &user["source"]), (&json!("ana"), &json!("viewer"), &json!("ldap:acme")));
    assert_eq!((&user["display_name"], &user["email"]), (&json!("Ana Lovelace"), &json!("ana@acme.example")));
    assert_eq!(user["groups"], json!(["leaders"]));
    assert_eq!(browser.get("/session/list").await["items"][0]["how"], "ldap:acme");
    assert_eq!(log_in(&site.app, "ANA", ANAS).await.status(), 200, "directories tell no case apart");
    assert_eq!(site.app.get("/users").await["items"].as_array().unwrap().len(), Role::ALL.len() + 1, "one person");
    let change = json!({ "old": ANAS, "new": "another password of a test" });
    assert_eq!(browser.status(Method::POST, "/session/password", change).await, 409, "it is not kept here");
    site.app.finish().await;
}

#[tokio::test]
async fn tls_from_the_start_works_too() {
    let site = Site::start_with(|directory| format!("url = {:?}\n", directory.tls_url())).await;
    assert_eq!(log_in(&site.app, "bob", "what bob knows").await.status(), 200);
    assert_eq!(site.app.get("/users/bob").await["groups"], json!([]));
    site.app.finish().await;
}

#[tokio::test]
async fn a_directory_whose_certificate_is_nobodys_is_not_believed() {
    let site = Site::start().await;
    let document = format!(
        "{}[[identity]]\nid = \"acme\"\nkind = \"ldap\"\nurl = {:?}\nuser_base = \"ou=people,{SUFFIX}\"\n",
        site.app.forge_table(),
        site.directory.tls_url()
    );
    let apply = Apply { document, values: BTreeMap::new(), prune: false, dry_run: false };
    site.app.engine().apply(apply, "test").await.unwrap();
    assert_eq!(log_in(&site.app, "ana", ANAS).await.status(), 424);
    site.app.finish().await;
}

#[tokio::test]
async fn wrong_and_empty_passwords_let_nobody_in_and_lock() {
    let site = Site::start().await;
    for password in ["", "wrong", "what bob knows"] {
        let response = log_in(&site.app, "ana", password).await;
        assert_eq!(code_of(response).await, "unauthenticated", "{password:?}");
    }
    for number in 0..7 {
        let body = json!({ "name": "ana", "password": "wrong" });
        super::log_in_from(&site.app, &format!("198.51.100.{number}"), body).await;
    }
    let right = json!({ "name": "ana", "password": ANAS });
    assert_eq!(super::log_in_from(&site.app, "198.51.100.99", right).await.status(), 401, "locked here");
    site.app.finish().await;
}

#[tokio::test]
async fn what_is_typed_is_no_part_of_the_filter() {
    let site = Site::start().await;
    for name in ["*", "a*", "ana)(|(uid=*", "*)(uid=ana", "ana\\", "(uid=ana)", "ana)(cn=*))(|(cn=*"] {
        let response = log_in(&site.app, name, ANAS).await;
        assert_eq!(code_of(response).await, "unauthenticated", "{name:?}");
    }
    assert_eq!(code_of(log_in(&site.app, "ana\u{0}", ANAS).await).await, "invalid");
    site.app.finish().await;
}

#[tokio::test]
async fn no_directory_takes_an_account_over_by_its_name() {
    let site = Site::start().await;
    assert_eq!(log_in(&site.app, "viewer", "what they know").await.status(), 401);
    assert_eq!(log_in(&site.app, "viewer", PASSWORD).await.status(), 200, "and davit's own go first");
    site.app.finish().await;
}

#[tokio::test]
async fn a_directory_that_is_away_keeps_nobody_else_out() {
    let mut site = Site::start().await;
    site.directory.stop().await;
    assert_eq!(log_in(&site.app, "admin", PASSWORD).await.status(), 200);
    for _ in 0..9 {
        let away = log_in(&site.app, "ana", ANAS).await;
        assert_eq!(away.status(), 424);
        assert!(away.json::<Value>().await.unwrap()["detail"].as_str().unwrap().contains("Acme"));
    }
    assert_eq!(count(&site.app, "login_failed").await, 0, "nobody typed anything wrong");
    site.app.finish().await;
}

#[tokio::test]
async fn a_reader_whose_password_is_wrong_is_no_wrong_password_of_anas() {
    let site = Site::start().await;
    site.app.engine().set_secret("reader", &"not the reader's".into(), "test").await.unwrap();
    let response = log_in(&site.app, "ana", ANAS).await;
    assert_eq!(response.status(), 424);
    assert!(!response.text().await.unwrap().contains("not the reader's"));
    site.app.finish().await;
}

#[tokio::test]
async fn a_disabled_account_stays_out() {
    let site = Site::start().await;
    assert_eq!(log_in(&site.app, "ana", ANAS).await.status(), 200);
    let off = Some(json!({ "disabled": true }));
    assert_eq!(site.app.call(Role::Admin, Method::PATCH, "/users/ana", off).await.0, 200);
    assert_eq!(log_in(&site.app, "ana", ANAS).await.status(), 401);
    site.app.finish().await;
}

#[tokio::test]
async fn guessing_somebody_by_another_of_their_names_locks_them_too() {
    let site = Site::start().await;
    let by_mail = "user_filter = \"(|(uid={name})(mail={name}))\"\n";
    site.apply(&format!("url = {:?}\nstart_tls = true\n", site.directory.url()), by_mail).await;
    assert_eq!(log_in(&site.app, "ana@acme.example", ANAS).await.status(), 200);
    assert_eq!(site.app.get("/users/ana").await["source"], "ldap:acme", "named as the directory names them");
    for number in 0..10 {
        let name = if number % 2 == 0 { "ana@acme.example" } else { "ana" };
        let body = json!({ "name": name, "password": "wrong" });
        super::log_in_from(&site.app, &format!("198.51.100.{number}"), body).await;
    }
    for name in ["ana", "ana@acme.example"] {
        let body = json!({ "name": name, "password": ANAS });
        let response = super::log_in_from(&site.app, "198.51.100.99", body).await;
        assert_eq!(code_of(response).await, "unauthenticated", "{name}");
    }
    site.app.finish().await;
}

#[tokio::test]
async fn a_second_factor_is_asked_for_after_a_directory_too() {
    let site = Site::start().await;
    let browser = Browser { app: &site.app, cookie: cookie(&log_in(&site.app, "ana", ANAS).await) };
    let started = browser.send(Method::POST, "/session/second-factor", Value::Null).await;
    let secret = started.json::<Value>().await.unwrap()["secret"].as_str().unwrap().to_owned();
    let code = |steps| super::second_factor::shown(&site.app, &secret, steps);
    let confirm = json!({ "code": code(0) });
    assert_eq!(browser.status(Method::POST, "/session/second-factor/confirm", confirm).await, 200);
    assert_eq!(code_of(log_in(&site.app, "ana", ANAS).await).await, "second_factor_required");
    assert_eq!(log_in_with(&site.app, "ana", ANAS, &code(1)).await.status(), 200);
    site.app.finish().await;
}

#[tokio::test]
async fn an_account_without_a_password_puts_one_on_soon_after_signing_in() {
    let site = Site::start().await;
    let browser = Browser { app: &site.app, cookie: cookie(&log_in(&site.app, "ana", ANAS).await) };
    let start = |body| browser.send(Method::POST, "/session/second-factor", body);
    let factor = browser.get("/session/second-factor").await;
    assert_eq!(factor, json!({ "enabled": false, "recovery_codes_left": 0, "asks_password": false }));
    site.app.advance(Duration::from_secs(599));
    assert_eq!(start(Value::Null).await.status(), 200);
    site.app.advance(Duration::from_secs(1));
    let late = start(json!({ "password": ANAS })).await;
    assert_eq!((late.status().as_u16(), code_of(late).await.as_str()), (403, "denied"));
    let again = Browser { app: &site.app, cookie: cookie(&log_in(&site.app, "ana", ANAS).await) };
    assert_eq!(again.status(Method::POST, "/session/second-factor", Value::Null).await, 200);
    site.app.finish().await;
}

#[tokio::test]
async fn codes_are_counted_however_the_name_is_spelled() {
    let site = Site::start().await;
    let by_mail = "user_filter = \"(|(uid={name})(mail={name}))\"\n";
    site.apply(&format!("url = {:?}\nstart_tls = true\n", site.directory.url()), by_mail).await;
    let browser = Browser { app: &site.app, cookie: cookie(&log_in(&site.app, "ana", ANAS).await) };
    let started = browser.send(Method::POST, "/session/second-factor", Value::Null).await;
    let secret = started.json::<Value>().await.unwrap()["secret"].as_str().unwrap().to_owned();
    let code = |steps| super::second_factor::shown(&site.app, &secret, steps);
    let confirm = json!({ "code": code(0) });
    assert_eq!(browser.status(Method::POST, "/session/second-factor/confirm", confirm).await, 200);
    let from = async |number: usize, name: &str, code: &str| {
        let body = json!({ "name": name, "password": ANAS, "code": code });
        super::log_in_from(&site.app, &format!("198.51.100.{number}"), body).await.status().as_u16()
    };
    for number in 0..10 {
        let name = if number % 2 == 0 { "ana@acme.example" } else { "ana" };
        assert_eq!(from(number, name, "no code").await, 401);
    }
    for name in ["ana", "ana@acme.example"] {
        assert_eq!(from(99, name, &code(1)).await, 401, "{name}: too many were wrong");
    }
    assert_eq!(site.app.post("/users/ana/unlock", Value::Null).await.0, 204);
    assert_eq!(from(99, "ana@acme.example", &code(1)).await, 200);
    site.app.finish().await;
}

#[tokio::test]
async fn a_group_that_a_directory_is_mapped_to_keeps_its_name() {
    let site = Site::start().await;
    let (status, answer) = site.app.call(Role::Admin, Method::DELETE, "/groups/leaders", None).await;
    assert!(status == 409 && answer["detail"].as_str().unwrap().contains("acme"), "{answer}");
    let change = async |body: Value| site.app.call(Role::Admin, Method::PATCH, "/groups/leaders", Some(body)).await.0;
    assert_eq!(change(json!({ "name": "others" })).await, 409);
    assert_eq!(change(json!({ "description": "who leads" })).await, 200);
    site.app.finish().await;
}

#[tokio::test]
async fn a_directory_at_a_private_address_needs_an_administrators_word() {
    let site = Site::start().await;
    let server = format!("url = {:?}\nstart_tls = true\n", site.directory.url());
    site.apply(&server, "allow_private = false\n").await;
    let response = log_in(&site.app, "ana", ANAS).await;
    assert_eq!(response.status(), 424);
    assert!(response.text().await.unwrap().contains("private"));
    site.app.finish().await;
}
