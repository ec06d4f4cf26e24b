//! Keys of many hosts: asked for, compared, pinned, imported; davit's own key put onto a host.

use davit_domain::ids::HostName;
use davit_engine::EngineError;
use davit_engine::host_keys::ScanStatus;
use davit_engine::hosts::fingerprint;
use davit_testkit::app::TestApp;
use davit_testkit::sshd::{Logins, ScriptedSshd, Sshd};

fn table(name: &str, address: &str, port: u16, user: &str, host_key: Option<&str>) -> String {
    let pinned = host_key.map(|key| format!("host_key = {key:?}\n")).unwrap_or_default();
    format!("[[host]]\nname = {name:?}\naddress = {address:?}\nport = {port}\nuser = {user:?}\n{pinned}\n")
}

fn of(name: &str, sshd: &Sshd, host_key: Option<&str>) -> String {
    table(name, &sshd.address(), sshd.port(), sshd.user(), host_key)
}

fn host(name: &str) -> HostName {
    name.parse().expect("a host name")
}

async fn pinned(app: &TestApp, name: &str) -> Option<String> {
    app.engine().store().host(&host(name)).await.expect("asked").expect("it is there").host_key
}

#[tokio::test]
async fn hosts_are_scanned_and_what_a_person_compared_is_pinned() {
    let app = TestApp::start().await;
    let (new, same, changed, down) =
        (Sshd::start().await, Sshd::start().await, Sshd::start().await, Sshd::start().await);
    // A host with several keys shows the pinned one.
    let rsa = same.add_host_key("rsa:2048").await;
    let old = changed.host_key_line();
    changed.change_host_key("ed25519").await;
    // Nobody listens there: the port is held, so that nobody can begin to.
    let nobody = tokio::net::TcpSocket::new_v4().expect("a socket");
    nobody.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let nowhere = nobody.local_addr().expect("its address").port();
    let tables = [
        "[[host]]\nname = \"here\"\nkind = \"local\"\n\n".to_owned(),
        of("new", &new, None),
        of("same", &same, Some(&rsa)),
        of("changed", &changed, Some(&old)),
        table("down", "127.0.0.1", nowhere, down.user(), None),
    ];
    app.apply(&tables.concat()).await;

    let scans = app.engine().scan_host_keys(None).await.expect("scanned");
    let mut seen: Vec<_> = scans.iter().map(|scan| (scan.host.as_str(), scan.status)).collect();
    seen.sort_by_key(|(name, _)| *name);
    assert_eq!(
        seen,
        [
            ("changed", ScanStatus::Changed),
            ("down", ScanStatus::Failed),
            ("new", ScanStatus::New),
            ("same", ScanStatus::Same)
        ]
    );
    let failed = scans.iter().find(|scan| scan.status == ScanStatus::Failed).expect("one failed");
    assert!(failed.detail.contains("check that sshd runs there"), "{}", failed.detail);

    let shown = |sshd: &Sshd| fingerprint(&sshd.host_key_line()).expect("a fingerprint");
    let wrong = [(host("new"), shown(&new)), (host("changed"), fingerprint(&old).expect("a fingerprint"))];
    let refusal = app.engine().accept_host_keys(&wrong, "operator").await.expect_err("not what it shows");
    assert!(matches!(refusal, EngineError::Conflict(_)), "{refusal}");
    assert_eq!(pinned(&app, "new").await, None, "all or none");

    let right = [(host("new"), shown(&new)), (host("changed"), shown(&changed))];
    app.engine().accept_host_keys(&right, "operator").await.expect("accepted");
    assert_eq!(pinned(&app, "new").await, Some(new.host_key_line()));
    assert_eq!(pinned(&app, "changed").await, Some(changed.host_key_line()));
    let unknown = app.engine().scan_host_keys(Some(&[host("nobody")])).await.expect_err("unknown");
    assert!(matches!(unknown, EngineError::NotFound(_)), "{unknown}");
    app.finish().await;
}

#[tokio::test]
async fn a_known_hosts_pins_what_has_no_key_and_contradicts_no_pin() {
    let app = TestApp::start().await;
    let (sshd, other) = (Sshd::start().await, Sshd::start().await);
    let (key, another) = (sshd.host_key_line(), other.host_key_line());
    let tables = [
        table("first", "10.0.0.1", 22, "deploy", None),
        table("second", "10.0.0.2", 2222, "deploy", None),
        table("right", "10.0.0.3", 22, "deploy", Some(&key)),
        table("wrong", "10.0.0.4", 22, "deploy", Some(&another)),
        table("silent", "10.0.0.5", 22, "deploy", None),
    ];
    app.apply(&tables.concat()).await;
    let text = format!(
        "10.0.0.1,10.0.0.3 {key} who\n[10.0.0.2]:2222 {another}\n10.0.0.4 {key}\n10.9.9.9 {key}\n10.9.9.8 {key}\nrubbish\n"
    );
    let import = app.engine().import_known_hosts(&text, "operator").await.expect("imported");
    assert_eq!(import.pinned, [host("first"), host("second")]);
    assert_eq!(import.conflicts, [host("wrong")]);
    assert_eq!(import.missing, [host("silent")]);
    assert_eq!((import.unknown, import.unreadable), (2, 1));
    assert_eq!(pinned(&app, "first").await, Some(key));
    assert_eq!(pinned(&app, "second").await.as_ref(), Some(&another));
    assert_eq!(pinned(&app, "wrong").await, Some(another), "a pinned key stays");
    let again = app.engine().import_known_hosts(&text, "operator").await.expect("imported");
    assert!(again.pinned.is_empty(), "{again:?}");
    app.finish().await;
}

#[tokio::test]
async fn davits_key_is_installed_with_a_password_that_is_kept_nowhere() {
    let app = TestApp::start().await;
    let server = ScriptedSshd::start(Logins::Password("tr0ubador".into()), 0).await;
    let unpinned = table("web", &server.address(), server.port(), "deploy", None);
    app.apply(&unpinned).await;
    let install = async |password: &str| app.engine().install_key(&host("web"), &password.into(), "operator").await;
    let refusal = install("tr0ubador").await.expect_err("its key is not known").to_string();
    assert!(refusal.contains("is not pinned yet"), "{refusal}");

    let shown = fingerprint(server.host_key_line()).expect("a fingerprint");
    app.engine().accept_host_keys(&[(host("web"), shown)], "operator").await.expect("pinned");
    let refusal = install("wr0ng").await.expect_err("refused").to_string();
    assert!(refusal.contains("the password is not right") && !refusal.contains("wr0ng"), "{refusal}");
    assert_eq!(install("tr0ubador").await.expect("installed").code, "ok");
    let keys = std::fs::read_to_string(server.home().join(".ssh/authorized_keys")).expect("the file");
    assert_eq!(keys.trim(), app.engine().own_ssh_key().await.expect("davit's key").1.trim());
    let feed = format!("{:?}", app.engine().store().feed(None, 100).await.expect("the feed"));
    assert!(feed.contains("key_installed") && !feed.contains("tr0ubador"), "{feed}");
    app.finish().await;
}
