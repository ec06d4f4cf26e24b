//! A real OpenLDAP server with a directory of the test's own, in the clear (with StartTLS) and over TLS.
//!
//! Its certificate is the one of davit-forge's tests, for `localhost` and 127.0.0.1.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

const SLAPD: &str = "/usr/sbin/slapd";
const SCHEMAS: &str = "/etc/ldap/schema";
/// Below which everything is.
pub const SUFFIX: &str = "dc=acme,dc=example";
/// Who may read everything but passwords, and nothing else.
pub const READER: &str = "cn=davit,dc=acme,dc=example";
/// The reader's.
pub const READER_PASSWORD: &str = "what the reader knows";
/// Ports that are tried: another process may be faster between the choice and the start.
const TRIES: usize = 20;

/// A running server. It stops when it is dropped.
#[derive(Debug)]
pub struct Slapd {
    port: u16,
    tls_port: u16,
    child: Child,
    _dir: TempDir,
}

impl Slapd {
    /// Starts a server with [`READER`] and these entries (LDIF), which belong below [`SUFFIX`].
    ///
    /// # Panics
    /// When OpenLDAP's server is not installed, or does not take the entries.
    pub async fn start(entries: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("davit-slapd-").tempdir().expect("a temporary directory");
        let config = write_config(dir.path());
        let ldif = dir.path().join("entries.ldif");
        std::fs::write(&ldif, format!("{}\n{entries}", suffix())).expect("the entries");
        let add = Command::new(SLAPD).args(["-T", "add", "-f"]).arg(&config).arg("-l").arg(&ldif).output().await;
        let add = add.expect("slapd is installed: scripts/install-test-tools");
        assert!(add.status.success(), "the entries are refused: {}", String::from_utf8_lossy(&add.stderr));
        for _ in 0..TRIES {
            let (port, tls_port) = free_ports();
            if let Some(child) = serve(&config, port, tls_port).await {
                return Self { port, tls_port, child, _dir: dir };
            }
        }
        panic!("slapd does not start");
    }

    /// `ldap://localhost:PORT`, which StartTLS makes TLS.
    #[must_use]
    pub fn url(&self) -> String {
        format!("ldap://localhost:{}", self.port)
    }

    /// `ldaps://localhost:PORT`.
    #[must_use]
    pub fn tls_url(&self) -> String {
        format!("ldaps://localhost:{}", self.tls_port)
    }

    /// Who signed its certificate, in PEM.
    ///
    /// # Panics
    /// When the file is gone.
    #[must_use]
    pub fn ca() -> String {
        std::fs::read_to_string(certificates().join("ca.pem")).expect("a certificate")
    }

    /// Stops it: nothing answers at its addresses any more.
    ///
    /// # Panics
    /// When it can't be ended.
    pub async fn stop(&mut self) {
        self.child.kill().await.expect("it ends");
    }
}

/// `None`: somebody else has one of the ports.
async fn serve(config: &Path, port: u16, tls_port: u16) -> Option<Child> {
    let urls = format!("ldap://127.0.0.1:{port}/ ldaps://127.0.0.1:{tls_port}/");
    let mut command = Command::new(SLAPD);
    // With a debug level it stays in the foreground, and says when it is ready.
    command.arg("-f").arg(config).args(["-h", &urls, "-d", "256"]);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = command.spawn().expect("slapd starts");
    let mut lines = BufReader::new(child.stderr.take()?).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        if line.contains("slapd starting") {
            // What it says later must have a reader, or it waits for one.
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Some(child);
        }
    }
    None
}

fn free_ports() -> (u16, u16) {
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port");
    let (one, other) = (listen(), listen());
    let port = |listener: &TcpListener| listener.local_addr().expect("its address").port();
    (port(&one), port(&other))
}

fn certificates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../forge/tests/tls")
}

fn write_config(dir: &Path) -> PathBuf {
    let data = dir.join("data");
    std::fs::create_dir(&data).expect("a directory");
    let (data, dir_text) = (data.display(), dir.display());
    let (certificate, key) = (certificates().join("server.pem"), certificates().join("server.key"));
    let (certificate, key) = (certificate.display(), key.display());
    let text = format!(
        "include {SCHEMAS}/core.schema\ninclude {SCHEMAS}/cosine.schema\ninclude {SCHEMAS}/inetorgperson.schema\n\
         modulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile {dir_text}/pid\nargsfile {dir_text}/args\n\
         TLSCertificateFile {certificate}\nTLSCertificateKeyFile {key}\n\
         database mdb\nmaxsize 16777216\nsuffix \"{SUFFIX}\"\nrootdn \"cn=root,{SUFFIX}\"\ndirectory {data}\n\
         access to attrs=userPassword by anonymous auth by * none\n\
         access to * by dn.exact=\"{READER}\" read by users read by * none\n"
    );
    let config = dir.join("slapd.conf");
    std::fs::write(&config, text).expect("slapd.conf");
    config
}

fn suffix() -> String {
    format!(
        "dn: {SUFFIX}\nobjectClass: dcObject\nobjectClass: organization\ndc: acme\no: Acme\n\n\
         dn: {READER}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: davit\n\
         userPassword: {READER_PASSWORD}\n"
    )
}
