//! Logging in: every kind of key on both sides, the SSH agent, a password once.

use crate::hosts::support::{connect, layout, never, ssh_target};
use davit_exec::ExecError;
use davit_exec::host::{Connector, ConnectorSettings, Host, HostTarget, generate_key, install_key, public_key_line};
use davit_testkit::sshd::{Logins, ScriptedSshd, Sshd};
use secrecy::SecretString;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::process::{Child, Command};

#[tokio::test]
async fn every_type_of_key_logs_in() {
    let sshd = Sshd::start().await;
    for kind in ["ed25519", "ecdsa:256", "ecdsa:384", "ecdsa:521", "rsa:2048"] {
        let private_key = Some(sshd.new_client_key(kind).await.into());
        connect(&HostTarget { private_key, ..ssh_target(&sshd) }).await.expect(kind).close().await;
    }
}

#[tokio::test]
async fn every_type_of_host_key_can_be_pinned() {
    let sshd = Sshd::start().await;
    for kind in ["ecdsa:256", "ecdsa:384", "ecdsa:521", "rsa:3072", "ed25519"] {
        sshd.change_host_key(kind).await;
        connect(&ssh_target(&sshd)).await.expect(kind).close().await;
    }
}

#[tokio::test]
async fn keys_in_other_forms_are_read_and_encrypted_ones_are_refused() {
    let sshd = Sshd::start().await;
    for (kind, form) in [("rsa:2048", "PEM"), ("rsa:2048", "PKCS8"), ("ecdsa:256", "PKCS8"), ("ecdsa:384", "PKCS8")] {
        let file = sshd.new_client_key_file(kind).await;
        rewrite(&file, &["-m", form, "-N", ""]).await;
        let private_key: SecretString = std::fs::read_to_string(&file).expect("the key").into();
        let public = std::fs::read_to_string(file.with_added_extension("pub")).expect("its public part");
        assert!(public.starts_with(&public_key_line(&private_key).expect("read")), "{kind} {form}");
        let target = HostTarget { private_key: Some(private_key), ..ssh_target(&sshd) };
        connect(&target).await.unwrap_or_else(|error| panic!("{kind} {form}: {error}")).close().await;
    }
    for (kind, form) in [("ed25519", "RFC4716"), ("rsa:2048", "PKCS8")] {
        let file = sshd.new_client_key_file(kind).await;
        rewrite(&file, &["-m", form, "-N", "open sesame"]).await;
        let private_key = Some(std::fs::read_to_string(&file).expect("the key").into());
        let refusal = connect(&HostTarget { private_key, ..ssh_target(&sshd) }).await.expect_err(kind);
        assert!(refusal.to_string().contains("has a passphrase: import it without one"), "{kind}: {refusal}");
    }
}

async fn rewrite(key: &Path, how: &[&str]) {
    let mut command = Command::new("ssh-keygen");
    let done = command.args(["-q", "-p", "-P", ""]).args(how).arg("-f").arg(key).stdout(Stdio::null()).status().await;
    assert!(done.expect("ssh-keygen runs").success());
}

#[tokio::test]
async fn what_is_weak_is_not_agreed_on() {
    for weak in [
        "HostKeyAlgorithms ssh-rsa",
        "KexAlgorithms diffie-hellman-group14-sha1,diffie-hellman-group1-sha1",
        "Ciphers aes128-cbc,3des-cbc",
        // The first of ours have a checksum of their own.
        "Ciphers aes128-ctr\nMACs hmac-sha1,hmac-md5",
    ] {
        let sshd = Sshd::start().await;
        sshd.change_host_key("rsa:2048").await;
        sshd.configure(weak);
        let refusal = connect(&ssh_target(&sshd)).await.expect_err(weak);
        assert!(refusal.to_string().contains("SSH could not be set up"), "{weak}: {refusal}");
        assert_eq!(sshd.connections(), 1, "{weak}: it would end the same way");
    }
    let sshd = Sshd::start().await;
    sshd.configure("PubkeyAcceptedAlgorithms ssh-rsa");
    let private_key = Some(sshd.new_client_key("rsa:2048").await.into());
    let refusal = connect(&HostTarget { private_key, ..ssh_target(&sshd) }).await.expect_err("SHA-1");
    assert!(matches!(refusal, ExecError::Denied { .. }), "{refusal}");
}

/// A real agent.
struct Agent {
    _process: Child,
    dir: TempDir,
}

impl Agent {
    async fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let socket = dir.path().join("agent");
        let mut process = Command::new("ssh-agent")
            .args(["-D", "-a"])
            .arg(&socket)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("ssh-agent starts");
        // It says where it is once it listens there.
        let mut line = String::new();
        let said = process.stdout.take().expect("its output");
        tokio::io::AsyncBufReadExt::read_line(&mut tokio::io::BufReader::new(said), &mut line).await.expect("a line");
        Self { _process: process, dir }
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("agent")
    }

    async fn add(&self, key: &Path) {
        let mut command = Command::new("ssh-add");
        let added = command.arg("-q").arg(key).env("SSH_AUTH_SOCK", self.socket()).status().await;
        assert!(added.expect("ssh-add runs").success());
    }

    fn connector(&self) -> Connector {
        Connector::new(ConnectorSettings { agent: Some(self.socket()), ..ConnectorSettings::default() })
    }
}

fn agent_target(sshd: &Sshd) -> HostTarget {
    HostTarget { agent: true, private_key: None, ..ssh_target(sshd) }
}

#[tokio::test]
async fn the_agent_logs_in_with_whichever_of_its_keys_is_let_in() {
    let (sshd, stranger, agent) = (Sshd::start().await, Sshd::start().await, Agent::start().await);
    let connector = agent.connector();
    let target = agent_target(&sshd);
    let empty = Host::connect(&connector, &target, &never()).await.expect_err("no keys");
    assert!(empty.to_string().contains("holds no keys: add one with ssh-add"), "{empty}");

    agent.add(&stranger.new_client_key_file("ed25519").await).await;
    let denied = Host::connect(&connector, &target, &never()).await.expect_err("not authorized");
    assert!(matches!(denied, ExecError::Denied { .. }), "{denied}");
    assert!(denied.to_string().contains("none of the 1 keys of the SSH agent is let in"), "{denied}");

    for kind in ["rsa:2048", "ecdsa:256", "ed25519"] {
        agent.add(&sshd.new_client_key_file(kind).await).await;
        Host::connect(&connector, &target, &never()).await.expect(kind).close().await;
    }
}

#[tokio::test]
async fn too_many_keys_in_the_agent_are_said_to_be_too_many() {
    let (sshd, stranger, agent) = (Sshd::start().await, Sshd::start().await, Agent::start().await);
    for _ in 0..7 {
        agent.add(&stranger.new_client_key_file("ed25519").await).await;
    }
    let denied = Host::connect(&agent.connector(), &agent_target(&sshd), &never()).await.expect_err("too many");
    assert!(denied.to_string().contains("MaxAuthTries"), "{denied}");
    assert_eq!(sshd.connections(), 1, "a refusal is not repeated");
}

#[tokio::test]
async fn a_missing_agent_is_said_to_be_missing() {
    let sshd = Sshd::start().await;
    let target = agent_target(&sshd);
    let none = Connector::new(ConnectorSettings { agent: None, ..ConnectorSettings::default() });
    let refusal = Host::connect(&none, &target, &never()).await.expect_err("no agent").to_string();
    assert!(refusal.contains("start it with SSH_AUTH_SOCK in its environment"), "{refusal}");
    let gone = ConnectorSettings { agent: Some("/nowhere/agent".into()), ..ConnectorSettings::default() };
    let refusal = Host::connect(&Connector::new(gone), &target, &never()).await.expect_err("no agent").to_string();
    assert!(refusal.contains("the SSH agent at /nowhere/agent does not answer"), "{refusal}");
}

fn scripted_target(server: &ScriptedSshd, user: &str) -> HostTarget {
    HostTarget {
        name: "web1".parse().expect("a host name"),
        kind: davit_exec::host::HostKind::Ssh,
        address: server.address(),
        port: server.port(),
        user: user.into(),
        host_key: Some(server.host_key_line().into()),
        private_key: None,
        agent: false,
        jump: Vec::new(),
    }
}

#[tokio::test]
async fn a_key_is_installed_once_with_a_password_or_the_answer_to_one_question() {
    let password = "corr3ct horse 'battery'".to_owned();
    for logins in [Logins::Password(password.clone()), Logins::Question(password.clone())] {
        let server = ScriptedSshd::start(logins, 0).await;
        let (private_key, public) = generate_key().expect("a key");
        let real = Sshd::start().await;
        let target = scripted_target(&server, real.user());
        let file = server.home().join(".ssh/authorized_keys");
        std::fs::create_dir(server.home().join(".ssh")).expect("a directory");
        std::fs::write(&file, "# by hand\nssh-ed25519 AAAAsomebody else").expect("a file without a last line ending");
        open_to_all(&file);

        let install = || install_with(&target, &password, &public);
        assert!(!install().await.expect("installed").already);
        assert!(install().await.expect("installed").already, "twice is once");
        let keys = std::fs::read_to_string(&file).expect("the file");
        assert_eq!(keys, format!("# by hand\nssh-ed25519 AAAAsomebody else\n{public}\n"));
        assert_eq!(mode(&file) & 0o022, 0, "sshd takes no notice of what others may write");
        assert_eq!(mode(file.parent().expect(".ssh")) & 0o022, 0);

        real.authorize_from(&file);
        let with_key = HostTarget { private_key: Some(private_key), ..ssh_target(&real) };
        connect(&with_key).await.expect("OpenSSH lets the installed key in").close().await;
    }
}

#[tokio::test]
async fn a_first_key_makes_the_directory_and_nobody_else_may_look_into_it() {
    let server = ScriptedSshd::start(Logins::Password("pw".into()), 0).await;
    let (_, public) = generate_key().expect("a key");
    let report = install_with(&scripted_target(&server, "deploy"), "pw", &public).await.expect("installed");
    assert_eq!(Path::new(&report.file), server.home().join(".ssh/authorized_keys"));
    assert_eq!([mode(&server.home().join(".ssh")), mode(Path::new(&report.file))], [0o700, 0o600]);
}

#[tokio::test]
async fn a_password_goes_to_nobody_but_the_pinned_host_and_is_not_repeated() {
    let (_, public) = generate_key().expect("a key");
    let server = ScriptedSshd::start(Logins::Password("pw".into()), 0).await;
    let wrong = install_with(&scripted_target(&server, "deploy"), "s3cret", &public).await.expect_err("wrong");
    assert!(matches!(wrong, ExecError::Denied { .. }), "{wrong}");
    assert!(wrong.to_string().contains("the password is not right"), "{wrong}");
    assert!(!format!("{wrong} {wrong:?}").contains("s3cret"), "{wrong:?}");
    assert_eq!(server.connections(), 1, "a refusal is not repeated");

    let unpinned = HostTarget { host_key: None, ..scripted_target(&server, "deploy") };
    let refusal = install_with(&unpinned, "pw", &public).await.expect_err("unpinned");
    assert!(matches!(refusal, ExecError::HostKeyUnknown { .. }), "{refusal}");
    let junk = install_with(&scripted_target(&server, "deploy"), "pw", "not a key").await.expect_err("junk");
    assert!(matches!(junk, ExecError::Refused(_)), "{junk}");

    for (logins, sentence) in
        [(Logins::TwoQuestions("pw".into()), "asks for more than a password"), (Logins::AnyKey, "takes no passwords")]
    {
        let server = ScriptedSshd::start(logins, 0).await;
        let refusal = install_with(&scripted_target(&server, "deploy"), "pw", &public).await.expect_err(sentence);
        assert!(refusal.to_string().contains(sentence), "{refusal}");
    }
    let keys_only = Sshd::start().await;
    let refusal = install_with(&ssh_target(&keys_only), "pw", &public).await.expect_err("OpenSSH without passwords");
    assert!(refusal.to_string().contains("takes no passwords"), "{refusal}");
}

async fn install_with(
    target: &HostTarget,
    password: &str,
    public: &str,
) -> Result<davit_exec::host::InstallReport, ExecError> {
    install_key(&Connector::default(), target, &SecretString::from(password.to_owned()), public).await
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777
}

fn open_to_all(file: &Path) {
    for path in [file, file.parent().expect("a parent")] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).expect("a mode");
    }
}

#[tokio::test]
async fn a_connected_host_that_was_reached_with_the_agent_works_as_any_other() {
    let (sshd, agent) = (Sshd::start().await, Agent::start().await);
    agent.add(&sshd.new_client_key_file("ed25519").await).await;
    let host = Host::connect(&agent.connector(), &agent_target(&sshd), &never()).await.expect("let in");
    let dir = tempfile::tempdir().expect("a directory");
    let layout = layout(dir.path().to_str().expect("UTF-8"));
    assert_eq!(host.live(&layout).await.expect("asked"), None);
    host.close().await;
}
