//! The way to a forge: proxies, certificates, IPv6, and answers that never come.

use crate::calls_server::{
    REPOSITORY, Server, TOKEN, client, commit, deployment, hanging_up, permanent, reply, retry, status, text,
};
use davit_domain::config::ForgeKind;
use davit_forge::{Client, Credential, Setup};
use secrecy::SecretString;
use serde_json::json;
use std::process::Stdio;
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

const ALL: [ForgeKind; 4] = [ForgeKind::Github, ForgeKind::Gitlab, ForgeKind::Gitea, ForgeKind::Gitee];
/// A host that is only to be found by the proxy.
const BEYOND: &str = "http://forge.invalid/api";

fn through(proxy: Option<&str>, ca_pem: Option<&[u8]>, api_url: &str) -> Client {
    let credential = Credential::Token(SecretString::from(TOKEN));
    Client::new(Setup { kind: ForgeKind::Github, api_url, credential, ca_pem, proxy }).expect("a client")
}

#[tokio::test]
async fn a_proxy_is_asked_for_everything() {
    let proxy = Server::start([reply(201, &json!({}))]).await;
    through(Some(&proxy.url), None, BEYOND).set_status(&status()).await.expect("set");
    assert_eq!(proxy.only().line, format!("POST {BEYOND}/repos/acme/shop/statuses/{}", commit()));
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_worth_another_try_and_its_password_is_no_news() {
    let (url, _task) = hanging_up().await;
    let url = url.replace("http://", "http://davit:pr0xy-pass@");
    let client = through(Some(&url), None, "https://forge.invalid/api");
    let (after, detail) = retry(client.set_status(&status()).await);
    assert_eq!(after, None);
    assert!(detail.starts_with("GitHub could not be reached: "), "{detail}");
    assert!(!detail.contains("pr0xy-pass") && !detail.contains(TOKEN), "{detail}");
    assert!(!format!("{client:?}").contains("pr0xy-pass"));
}

/// Runs as a process of its own with proxies in its environment: see the test below.
#[tokio::test]
#[ignore = "another test runs it, in an environment of its own"]
async fn asks_beyond() {
    through(None, None, BEYOND).set_status(&status()).await.expect("set through the environment's proxy");
}

#[tokio::test]
async fn proxies_of_the_environment_are_asked_too() {
    let run = async |variables: &[(&str, &str)]| {
        let program = std::env::current_exe().expect("a test has a program");
        let mut command = tokio::process::Command::new(program);
        command.args(["--exact", "calls_route::asks_beyond", "--ignored"]).stdout(Stdio::null()).stderr(Stdio::null());
        for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"] {
            command.env_remove(name);
        }
        command.envs(variables.iter().copied()).status().await.expect("the test runs").success()
    };
    let proxy = Server::start([reply(201, &json!({}))]).await;
    assert!(run(&[("http_proxy", &proxy.url)]).await);
    assert_eq!(proxy.lines(), [format!("POST {BEYOND}/repos/acme/shop/statuses/{}", commit())]);
    assert!(!run(&[("http_proxy", &proxy.url), ("no_proxy", "forge.invalid")]).await);
    assert_eq!(proxy.lines().len(), 1);
}

/// GitHub behind TLS, with a certificate of `tests/tls`.
async fn behind_tls() -> (String, JoinSet<()>) {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls");
    let certificate = CertificateDer::from_pem_file(format!("{directory}/server.pem")).expect("a certificate");
    let key = PrivateKeyDer::from_pem_file(format!("{directory}/server.key")).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("the key of the certificate");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("an address"));
    let mut task = JoinSet::new();
    task.spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 4096];
            let read = stream.read(&mut request).await.expect("a request");
            assert!(request[..read].starts_with(b"GET /repos/acme/shop/pulls?"));
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n[]";
            stream.write_all(answer.as_bytes()).await.expect("the client listens");
            stream.shutdown().await.expect("the client listens");
        }
    });
    (url, task)
}

#[tokio::test]
async fn the_forges_own_authority_is_trusted_when_it_is_given() {
    let (url, _task) = behind_tls().await;
    let ca = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/ca.pem")).expect("a certificate");
    assert_eq!(through(None, Some(&ca), &url).open_changes(REPOSITORY).await, Ok(Vec::new()));
    let (after, detail) = retry(through(None, None, &url).open_changes(REPOSITORY).await);
    assert_eq!(after, None);
    assert!(detail.contains("certificate"), "{detail}");
}

#[tokio::test]
async fn an_address_may_be_a_number() {
    let server = Server::at("[::1]:0", |_| reply(201, &json!({}))).await;
    let api_url = format!("{}/api/v3", server.url);
    let client = through(None, None, &api_url);
    client.set_status(&status()).await.expect("set");
    assert_eq!(server.only().line, format!("POST /api/v3/repos/acme/shop/statuses/{}", commit()));
    assert_eq!(client.clone_url(REPOSITORY), Some(format!("{}/acme/shop.git", server.url)));
}

#[tokio::test]
async fn an_answer_that_never_comes_is_worth_another_try() {
    let (url, _task) = hanging_up().await;
    for kind in ALL {
        let client = client(kind, &url, Credential::Token(SecretString::from(TOKEN)));
        let mut lost = vec![retry(client.set_status(&status()).await)];
        if davit_forge::has_deployments(kind) {
            lost.push(retry(client.create_deployment(&deployment()).await));
            lost.push(retry(client.set_deployment_state(&deployment(), 1).await));
        }
        for (after, detail) in lost {
            assert_eq!(after, None);
            assert!(detail.contains(" could not be reached: ") && !detail.contains(TOKEN), "{detail}");
        }
    }
}

#[tokio::test]
async fn a_redirect_is_followed_at_home_alone() {
    let elsewhere = Server::start([]).await;
    for kind in ALL {
        let away = format!("{}/stolen", elsewhere.url);
        let server = Server::start([text(307, "").header("location", away)]).await;
        assert_eq!(permanent(server.client(kind).open_changes(REPOSITORY).await).0, Some(307));

        let server = Server::start([text(308, "").header("location", "/renamed"), reply(200, &json!([]))]).await;
        assert_eq!(server.client(kind).open_changes(REPOSITORY).await, Ok(Vec::new()));
        assert_eq!(server.lines()[1], "GET /renamed");
    }
    assert!(elsewhere.lines().is_empty(), "the token stayed at home");
}

#[tokio::test]
async fn what_is_not_the_forges_answer_is_not_understood_as_one() {
    for kind in ALL {
        let server = Server::start([text(200, "<html>Sign in</html>")]).await;
        let (_, detail) = permanent(server.client(kind).open_changes(REPOSITORY).await);
        assert!(detail.contains("check the forge's API URL"), "{detail}");
    }
}
