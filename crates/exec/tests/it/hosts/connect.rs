//! Reaching a host: pinned keys, refusals, jump hosts. Logins and crowds have files of their own.

mod login;
mod spread;

use super::support::{connect, never, ssh_target};
use davit_exec::ExecError;
use davit_exec::host::{Connector, Host, HostTarget, generate_key, scan_key};
use davit_testkit::sshd::Sshd;
use tokio::net::TcpSocket;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_key_that_is_not_pinned_is_shown_and_nothing_is_sent() {
    let sshd = Sshd::start().await;
    let target = HostTarget { host_key: None, ..ssh_target(&sshd) };
    let refusal = connect(&target).await.expect_err("unpinned");
    let ExecError::HostKeyUnknown { key, fingerprint, .. } = &refusal else { panic!("{refusal}") };
    assert_eq!(*key, sshd.host_key_line());
    assert!(fingerprint.starts_with("SHA256:"), "{fingerprint}");
    assert_eq!(scan_key(&Connector::default(), &target).await.expect("scanned"), (key.clone(), fingerprint.clone()));
    assert!(refusal.to_string().contains(fingerprint.as_str()));
}

#[tokio::test]
async fn a_changed_key_stops_the_connection_until_it_is_accepted() {
    let sshd = Sshd::start().await;
    let target = ssh_target(&sshd);
    connect(&target).await.expect("the pinned key").close().await;
    sshd.change_host_key("ed25519").await;
    let refusal = connect(&target).await.expect_err("changed");
    let ExecError::HostKeyChanged { expected, actual, key, .. } = refusal else { panic!("{refusal}") };
    assert_ne!(expected, actual);
    assert_eq!(key, sshd.host_key_line());
    assert_eq!(scan_key(&Connector::default(), &target).await.expect("a scan looks at no pin").0, key);
    connect(&ssh_target(&sshd)).await.expect("the new key was accepted");
}

#[tokio::test]
async fn of_several_host_keys_the_pinned_one_is_asked_for() {
    let sshd = Sshd::start().await;
    let ed25519 = sshd.host_key_line();
    let rsa = sshd.add_host_key("rsa").await;
    assert!(rsa.starts_with("ssh-rsa "), "{rsa}");
    let pinned = HostTarget { host_key: Some(rsa.clone()), ..ssh_target(&sshd) };
    connect(&pinned).await.expect("RSA is shown beside Ed25519");
    assert_eq!(scan_key(&Connector::default(), &pinned).await.expect("scanned").0, rsa, "it has not changed");
    connect(&HostTarget { host_key: Some(ed25519), ..ssh_target(&sshd) }).await.expect("Ed25519 as well");
}

#[tokio::test]
async fn a_wrong_client_key_is_denied_with_the_line_to_add() {
    let sshd = Sshd::start().await;
    let (private, public) = generate_key().expect("a key");
    let target = HostTarget { private_key: Some(private), ..ssh_target(&sshd) };
    let refusal = connect(&target).await.expect_err("not authorized");
    assert!(matches!(refusal, ExecError::Denied { .. }) && refusal.to_string().contains(&public), "{refusal}");
    assert!(!refusal.is_transient());

    sshd.authorize_only(&public);
    connect(&target).await.expect("the generated key logs in once it is authorized");
}

#[tokio::test]
async fn a_key_that_is_missing_or_unreadable_is_said_to_be() {
    let sshd = Sshd::start().await;
    let none = connect(&HostTarget { private_key: None, ..ssh_target(&sshd) }).await.expect_err("no key");
    assert!(none.to_string().contains("no private key is set"), "{none}");
    let broken = HostTarget { private_key: Some("s3cret nonsense".into()), ..ssh_target(&sshd) };
    let broken = connect(&broken).await.expect_err("no key").to_string();
    assert!(broken.contains("can't be read") && !broken.contains("s3cret"), "{broken}");
    assert_eq!(sshd.connections(), 0, "nobody is bothered without a key");
}

#[tokio::test]
async fn a_host_that_is_down_is_unreachable_and_worth_another_try() {
    let sshd = Sshd::start().await;
    sshd.refuse(true);
    let refusal = connect(&ssh_target(&sshd)).await.expect_err("refused");
    assert!(matches!(refusal, ExecError::Unreachable { .. }) && refusal.is_transient(), "{refusal}");

    // Bound and not listening: the port is ours, and connections to it are refused.
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let port = socket.local_addr().expect("its address").port();
    let refusal = connect(&HostTarget { port, ..ssh_target(&sshd) }).await.expect_err("refused");
    assert!(matches!(refusal, ExecError::Unreachable { .. }), "{refusal}");
    assert!(refusal.to_string().contains("check that sshd runs there"), "{refusal}");
}

#[tokio::test]
async fn a_cancelled_connect_ends_at_once() {
    // Accepts and says nothing, as a host behind a broken firewall does.
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let sshd = Sshd::start().await;
    let target = HostTarget { port: listener.local_addr().expect("address").port(), ..ssh_target(&sshd) };
    let (cancel, connector) = (CancellationToken::new(), Connector::default());
    let (refusal, ()) = tokio::join!(Host::connect(&connector, &target, &cancel), async {
        let _held = listener.accept().await.expect("the connection");
        cancel.cancel();
    });
    assert!(matches!(refusal, Err(ExecError::Cancelled { .. })), "{refusal:?}");
}

#[tokio::test]
async fn jump_hosts_are_gone_through_in_order_and_pinned_too() {
    let (first, second, host) = (Sshd::start().await, Sshd::start().await, Sshd::start().await);
    let named = |sshd: &Sshd, name: &str| HostTarget { name: name.parse().expect("name"), ..ssh_target(sshd) };
    let jump = vec![named(&first, "bastion"), named(&second, "inner")];
    let target = HostTarget { jump, ..named(&host, "web1") };
    let connected = Host::connect(&Connector::default(), &target, &never()).await.expect("through two jump hosts");
    let dir = tempfile::tempdir().expect("a directory");
    let layout = super::support::layout(dir.path().to_str().expect("UTF-8"));
    assert_eq!(connected.prepare(&layout, None, &never()).await.expect("prepared").live, None);
    connected.close().await;
    assert_eq!([&first, &second, &host].map(Sshd::connections), [1, 1, 1]);
    scan_key(&Connector::default(), &target).await.expect("scanned through them");

    second.change_host_key("ed25519").await;
    let refusal = connect(&target).await.expect_err("the second jump host changed");
    assert!(matches!(&refusal, ExecError::HostKeyChanged { host, .. } if host.as_str() == "inner"), "{refusal}");
    host.refuse(true);
}
