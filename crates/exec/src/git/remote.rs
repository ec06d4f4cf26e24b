//! Where a repository is and how to log in there. Secrets reach git and ssh through the environment and private
//! temporary files: never through a command line, a URL or a repository's configuration.

use crate::ExecError;
use crate::process::{private_dir, write_private};
use secrecy::{ExposeSecret, SecretString};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A remote repository.
#[derive(Debug, Clone)]
pub struct Remote {
    /// `https://…`, `http://…`, `ssh://…`, `git://…`, `user@host:path`, `file:///…` or an absolute path. It never
    /// holds a password.
    pub url: String,
    /// How to log in. Without one: not at all, or over ssh with the keys of the server's user.
    pub credential: Option<Credential>,
    /// How to get there.
    pub way: Way,
}

/// What lies between davit and a remote. The default: what the server's environment says.
#[derive(Debug, Clone, Default)]
pub struct Way {
    /// Certificates (PEM) that are trusted at the remote's host beside the usual ones.
    pub ca_pem: Option<String>,
    /// The HTTP proxy to the remote's host.
    pub proxy: Option<String>,
    /// Beginnings of URLs and what stands in their place: so that submodules of the same forge, however they are
    /// named, are fetched with the same login.
    pub rewrites: Vec<Rewrite>,
}

/// One beginning of URLs and what stands in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewrite {
    /// As submodules name it: `git@host:`.
    pub from: String,
    /// As it is fetched: `https://host/`.
    pub to: String,
}

/// A login.
#[derive(Debug, Clone)]
pub enum Credential {
    /// For HTTP. Given only to the remote's own scheme, host and port (over `ssh`: to `https` on its host), not to
    /// wherever a redirect or a submodule leads.
    Token {
        /// The user; forges that look at the token alone take any.
        username: String,
        /// Password or token.
        secret: SecretString,
    },
    /// For ssh. No other key is tried.
    SshKey {
        /// The private key in OpenSSH or PEM format, without a passphrase.
        private_pem: SecretString,
        /// Lines as in `known_hosts`. Without: the key of the first contact is kept beside the mirror and held
        /// against every later one.
        known_hosts: Option<String>,
    },
}

impl Remote {
    /// Refuses URLs that git would take for an option or a helper program, and those that hold a password.
    pub(super) fn check(&self) -> Result<Transport, ExecError> {
        let refuse = |why: &str| Err(ExecError::Refused(format!("the repository URL can't be used: {why}")));
        if self.url.starts_with('-') || self.url.chars().any(char::is_control) || self.url.trim() != self.url {
            return refuse("it begins with '-', or holds spaces around it or control characters");
        }
        let transport = match Transport::of(&self.url) {
            Ok(transport) => transport,
            Err(why) => return refuse(why),
        };
        if let Some(Credential::Token { username, secret }) = &self.credential
            && username.chars().chain(secret.expose_secret().chars()).any(char::is_control)
        {
            return refuse("its user name or token holds control characters");
        }
        Ok(transport)
    }

    /// The secret texts of the credential, to be masked wherever git speaks.
    pub(super) fn secrets(&self) -> Vec<&str> {
        match &self.credential {
            Some(Credential::Token { secret, .. }) => vec![secret.expose_secret()],
            Some(Credential::SshKey { .. }) | None => Vec::new(),
        }
    }
}

/// How git gets to a remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Transport {
    Http { scheme: &'static str, authority: String },
    Ssh { host: String },
    Git { host: String },
    Local,
}

impl Transport {
    fn of(url: &str) -> Result<Self, &'static str> {
        let Some((scheme, rest)) = url.split_once("://") else { return Self::without_scheme(url) };
        let authority = rest.split('/').next().unwrap_or("");
        let (user, authority) = authority.rsplit_once('@').unwrap_or(("", authority));
        let scheme = match scheme {
            "file" if rest.starts_with('/') => return Ok(Self::Local),
            "https" | "http" | "ssh" | "git" if !is_authority(authority) => return Err("it names no host"),
            "https" | "http" | "ssh" | "git" if user.contains(':') => {
                return Err("it holds a password: take it out and save it as the repository's credential");
            }
            "https" => "https",
            "http" => "http",
            "ssh" => return Ok(Self::Ssh { host: without_port(authority) }),
            "git" => return Ok(Self::Git { host: without_port(authority) }),
            _ => return Err("use https, http, ssh, git, file, user@host:path or an absolute path"),
        };
        Ok(Self::Http { scheme, authority: authority.to_owned() })
    }

    /// `user@host:path` or a path.
    fn without_scheme(url: &str) -> Result<Self, &'static str> {
        if url.starts_with('/') {
            return Ok(Self::Local);
        }
        let wrong = "use https, http, ssh, git, file, user@host:path or an absolute path";
        let (host, path) = url.split_once(':').ok_or(wrong)?;
        let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
        // `ext::…` and its like name a program to run.
        if path.starts_with(':') || !is_authority(host) {
            return Err(wrong);
        }
        Ok(Self::Ssh { host: host.to_owned() })
    }

    /// The host that has to answer; `None` for this one.
    pub(super) fn host(&self) -> Option<String> {
        match self {
            Self::Http { authority, .. } => Some(without_port(authority)),
            Self::Ssh { host } | Self::Git { host } => Some(host.clone()),
            Self::Local => None,
        }
    }

    /// Where a token may be shown.
    fn token_scope(&self) -> Option<String> {
        match self {
            Self::Http { scheme, authority } => Some(format!("{scheme}://{authority}")),
            Self::Ssh { host } => Some(format!("https://{host}")),
            Self::Git { .. } | Self::Local => None,
        }
    }
}

fn is_authority(text: &str) -> bool {
    text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'[')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
}

fn without_port(authority: &str) -> String {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host.to_owned(),
        Some(_) | None => authority.to_owned(),
    }
}

/// What one run of git needs to log in. Its files live as long as it does.
pub(super) struct Login {
    /// More environment.
    pub(super) env: Vec<(OsString, OsString)>,
    /// More configuration.
    pub(super) config: Vec<(String, String)>,
    files: Vec<TempDir>,
}

impl Login {
    /// `dir` is the mirror's directory, where host keys are learned.
    pub(super) fn new(remote: &Remote, dir: &Path) -> Result<Self, ExecError> {
        let mut login = Self { env: Vec::new(), config: Vec::new(), files: Vec::new() };
        login.find_the_way(remote)?;
        let mut key = "";
        let mut check = "accept-new";
        let mut known_hosts = dir.join("known_hosts");
        match &remote.credential {
            Some(Credential::Token { username, secret }) => {
                login.env.push(("DAVIT_GIT_USERNAME".into(), username.into()));
                login.env.push(("DAVIT_GIT_PASSWORD".into(), secret.expose_secret().into()));
                if let Some(scope) = remote.check()?.token_scope() {
                    login.config.push((format!("credential.{scope}.helper"), HELPER.into()));
                }
            }
            Some(Credential::SshKey { private_pem, known_hosts: pinned }) => {
                let files = private_dir("davit-git-")?;
                let file = files.path().join("key");
                // OpenSSH wants line feeds, and one at the end.
                let text = private_pem.expose_secret().replace("\r\n", "\n");
                write_private(&file, format!("{}\n", text.trim_end()).as_bytes(), 0o600)?;
                login.env.push(("DAVIT_SSH_KEY".into(), file.into_os_string()));
                key = " -i \"$DAVIT_SSH_KEY\" -o IdentitiesOnly=yes -o IdentityAgent=none";
                if let Some(lines) = pinned {
                    known_hosts = files.path().join("known_hosts");
                    write_private(&known_hosts, lines.as_bytes(), 0o600)?;
                    check = "yes -o GlobalKnownHostsFile=/dev/null";
                }
                login.files.push(files);
            }
            None => {}
        }
        login.env.push(("DAVIT_SSH_KNOWN_HOSTS".into(), known_hosts.into_os_string()));
        login.env.push(("GIT_SSH_COMMAND".into(), format!("{SSH} -o StrictHostKeyChecking={check}{key}").into()));
        login.env.push(("GIT_SSH_VARIANT".into(), "ssh".into()));
        Ok(login)
    }

    /// Certificates, proxy and rewrites, for the remote's own host alone.
    fn find_the_way(&mut self, remote: &Remote) -> Result<(), ExecError> {
        let Way { ca_pem, proxy, rewrites } = &remote.way;
        if let Some(scope) = remote.check()?.token_scope() {
            if let Some(pem) = ca_pem {
                let files = private_dir("davit-git-")?;
                let file = files.path().join("ca.pem");
                write_private(&file, with_usual_authorities(pem).as_bytes(), 0o600)?;
                self.config.push((format!("http.{scope}.sslCAInfo"), file.to_string_lossy().into_owned()));
                self.files.push(files);
            }
            if let Some(proxy) = proxy {
                self.config.push((format!("http.{scope}.proxy"), proxy.clone()));
            }
        }
        for Rewrite { from, to } in rewrites {
            self.config.push((format!("url.{to}.insteadOf"), from.clone()));
        }
        Ok(())
    }
}

/// git takes one file in the place of the usual one, so that has to hold both.
fn with_usual_authorities(pem: &str) -> String {
    let named = ["GIT_SSL_CAINFO", "SSL_CERT_FILE"].into_iter().filter_map(std::env::var_os).map(PathBuf::from);
    let usual = named.chain(USUAL_AUTHORITIES.map(PathBuf::from)).find_map(|path| std::fs::read_to_string(path).ok());
    format!("{}\n{}", pem.trim_end(), usual.unwrap_or_default())
}

/// Where distributions keep them: Debian and Alpine, Red Hat.
const USUAL_AUTHORITIES: [&str; 2] = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"];

/// A credential helper that reads its environment. git runs it with `sh`; `store` and `erase` are not for it.
const HELPER: &str = "!f() { test \"$1\" = get || return 0; \
     printf 'username=%s\\npassword=%s\\n' \"$DAVIT_GIT_USERNAME\" \"$DAVIT_GIT_PASSWORD\"; }; f";

/// git runs it with `sh` as well, so that paths come from the environment and need no quoting here; the inner quotes
/// are ssh's own, for paths with spaces.
const SSH: &str = "ssh -F none -o BatchMode=yes -o ConnectTimeout=10 -o ServerAliveInterval=15 \
     -o ServerAliveCountMax=4 -o UserKnownHostsFile=\"\\\"$DAVIT_SSH_KNOWN_HOSTS\\\"\"";

#[cfg(test)]
mod tests {
    use super::*;

    fn transport(url: &str) -> Option<Transport> {
        Remote { url: url.into(), credential: None, way: Way::default() }.check().ok()
    }

    #[test]
    fn urls_are_an_allow_list() {
        for bad in [
            "",
            "-u",
            "--upload-pack=evil",
            "ext::sh -c evil",
            "ext://x",
            "fd::3",
            "relative/path",
            "./x",
            "ssh://-oX/y",
            "-oProxyCommand=evil:x",
            "user@-oX:y",
            "https://",
            "https:///x",
            "ftp://host/x",
            "file://host/x",
            "https://user:pass@host/x",
            "ssh://git:pw@host/x",
            "https://a b/x",
            "https://host/x\n",
            "HTTPS://host/x",
            "https://*/x",
            "C:\\x",
            "transport::address",
        ] {
            assert_eq!(transport(bad).filter(|_| bad != "C:\\x"), None, "{bad:?}");
        }
        for (good, host) in [
            ("https://git.example.com/a/b.git", Some("git.example.com")),
            ("http://user@localhost:8080/x", Some("localhost")),
            ("ssh://git@host:2222/x.git", Some("host")),
            ("git@host:a/b.git", Some("host")),
            ("host:a", Some("host")),
            ("git://host/x", Some("host")),
            ("https://[::1]:80/x", Some("[::1]")),
            ("/srv/git/x.git", None),
            ("file:///srv/git/x.git", None),
        ] {
            let transport = transport(good).expect(good);
            assert_eq!(transport.host().as_deref(), host, "{good:?}");
        }
    }

    #[test]
    fn a_token_is_for_its_own_host() {
        let scope = |url| transport(url).and_then(|transport| transport.token_scope());
        assert_eq!(scope("https://me@host:8443/a/b"), Some("https://host:8443".into()));
        assert_eq!(scope("git@host:a/b"), Some("https://host".into()));
        assert_eq!(scope("/srv/x"), None);
    }
}
