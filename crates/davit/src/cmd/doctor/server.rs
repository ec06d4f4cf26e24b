//! `davit doctor --server`: what a server on this machine needs, looked at before it starts or while it runs. Changes
//! nothing.
//!
//! What only a server that runs can see (forges, outbox, places for jobs) is asked over the API, without `--server`.

use super::{Check, certificate};
use crate::client::Client;
use crate::failure::Failure;
use crate::settings::{self, Data, DataArgs, Server, ServerArgs};
use clap::Args;
use davit_engine::master_key::KeySource;
use davit_store::schema::{self, Standing};
use nix::sys::statvfs::statvfs;
use nix::unistd::{AccessFlags, User, access, geteuid};
use reqwest::tls::TlsInfo;
use std::fs::Metadata;
use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::process::Command;

/// Where the Debian package has the settings.
const PACKAGED: &str = "/etc/davit/davit-server.toml";
const GIB: u64 = 1 << 30;
/// Mirrors, builds and logs want room to grow.
const LEAST_SPACE: u64 = GIB;
const LEAST_INODES: u64 = 10_000;
/// Bytes of a key file.
const KEY: u64 = 32;
/// Of several servers' clocks, as far apart as they may be. Milliseconds.
const SKEW: i64 = 25_000;
/// Days that a certificate has to be good for: who renews it by hand needs some.
const LEAST_DAYS: i64 = 14;
const PATIENCE: Duration = Duration::from_secs(10);

/// Which server.
#[derive(Debug, Args)]
#[command(next_help_heading = "With --server")]
pub(crate) struct ServerLook {
    /// The server's TOML file [default: /etc/davit/davit-server.toml, where there is one]
    #[arg(long, env = "DAVIT_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address of UI, API and hooks
    #[arg(long, env = "DAVIT_LISTEN", value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// What forges and people see
    #[arg(long, env = "DAVIT_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    #[command(flatten)]
    data: DataArgs,
}

/// Every check that can be made.
pub(super) async fn examine(look: ServerLook) -> Vec<Check> {
    let packaged = || Some(PathBuf::from(PACKAGED)).filter(|file| look.data.data_dir.is_none() && file.exists());
    let config = look.config.or_else(packaged);
    let args = ServerArgs { listen: look.listen, public_url: look.public_url, ..ServerArgs::default() };
    let server = match settings::look(look.data, args, config.as_deref()) {
        Ok(server) => server,
        Err(failure) => return vec![Check::of_failure("settings", failure)],
    };
    let from = config.map_or_else(|| "flags and variables".to_owned(), |file| file.display().to_string());
    let mut checks = vec![Check::good("settings", format!("from {from}"))];
    let directory = std::fs::metadata(&server.data.dir);
    match &directory {
        Ok(metadata) => checks.extend([data_directory(&server.data.dir, metadata), space(&server.data.dir)]),
        Err(error) => checks.push(no_directory(&server.data.dir, error)),
    }
    checks.push(master_key(&server.data));
    checks.extend(database(&server.data).await);
    checks.push(git().await);
    checks.push(ssh().await);
    checks.push(listener(server.listen).await);
    checks.push(public_url(&server).await);
    checks
}

fn no_directory(dir: &Path, error: &std::io::Error) -> Check {
    if error.kind() == std::io::ErrorKind::NotFound {
        return Check::good("data directory", format!("{} is made at the first start", dir.display()));
    }
    let fix = "run this as root or as the user that davit runs as";
    Check::bad("data directory", format!("{}: {error}", dir.display()), fix)
}

fn data_directory(dir: &Path, metadata: &Metadata) -> Check {
    let (name, shown) = ("data directory", dir.display());
    if !metadata.is_dir() {
        return Check::bad(name, format!("{shown} is not a directory"), "name another one: --data-dir");
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o007 != 0 {
        let detail = format!("{shown} can be read by everybody (mode {mode:o}): it holds sources and secrets");
        return Check::bad(name, detail, format!("chmod 700 {shown}"));
    }
    if access(dir, AccessFlags::R_OK | AccessFlags::W_OK | AccessFlags::X_OK).is_err() {
        let detail = format!("{shown} belongs to {}, and {} may not write there", user(metadata.uid()), myself());
        let fix = format!("run davit as {}, or chown -R it", user(metadata.uid()));
        return Check::bad(name, detail, fix);
    }
    Check::good(name, format!("{shown} belongs to {}, mode {mode:o}", user(metadata.uid())))
}

fn space(dir: &Path) -> Check {
    let found = match statvfs(dir) {
        Ok(found) => found,
        Err(error) => return Check::bad("disk", format!("{}: {error}", dir.display()), "see what is mounted there"),
    };
    let free = found.blocks_available().saturating_mul(found.fragment_size());
    let detail = format!("{}.{} GiB are free", free / GIB, free % GIB * 10 / GIB);
    let few = found.files() > 0 && found.files_available() < LEAST_INODES;
    if free < LEAST_SPACE || few {
        let detail = if few { format!("{detail}, and room for {} files", found.files_available()) } else { detail };
        return Check::bad("disk", detail, format!("make room where {} is, or name another --data-dir", dir.display()));
    }
    Check::good("disk", detail)
}

fn master_key(data: &Data) -> Check {
    let name = "master key";
    let (path, is_key) = match &data.master_key {
        KeySource::File(path) => (path, true),
        KeySource::Passphrase(path) => (path, false),
    };
    let shown = path.display();
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && is_key && !has_database(data) => {
            return Check::good(name, format!("{shown} is made at the first start"));
        }
        Err(error) => {
            let fix = "put the key back from where it is kept, or name its file: --master-key-file";
            return Check::bad(name, format!("{shown}: {error}"), fix);
        }
    };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        let detail = format!("other users can read {shown} (mode {mode:o}): davit refuses it");
        return Check::bad(name, detail, format!("chmod 600 {shown}"));
    }
    if is_key && metadata.len() != KEY {
        let detail = format!("{shown} has {} bytes and not {KEY}", metadata.len());
        return Check::bad(name, detail, "put the key back from where it is kept");
    }
    Check::good(name, format!("{shown}, mode {mode:o}; keep a copy of it somewhere else"))
}

/// Whether there is something that a key belongs to.
fn has_database(data: &Data) -> bool {
    data.database_url.is_some() || sqlite_file(data).exists()
}

fn sqlite_file(data: &Data) -> PathBuf {
    data.dir.join("davit.sqlite")
}

async fn database(data: &Data) -> Vec<Check> {
    let (kind, found) = match &data.database_url {
        Some(url) => ("PostgreSQL", tokio::time::timeout(PATIENCE, schema::of_postgres(url)).await),
        None if !sqlite_file(data).exists() => {
            let detail = format!("{} is made at the first start", sqlite_file(data).display());
            return vec![Check::good("database", detail)];
        }
        None => ("SQLite", tokio::time::timeout(PATIENCE, schema::of_sqlite(&sqlite_file(data))).await),
    };
    let Ok(found) = found else {
        let detail = format!("{kind} took longer than {} s", PATIENCE.as_secs());
        return vec![Check::bad("database", detail, "see that it runs and that this machine reaches it")];
    };
    match found {
        Ok(standing) => [Some(version(kind, &standing)), clock(&standing)].into_iter().flatten().collect(),
        Err(error) => {
            vec![Check::bad("database", error.to_string(), "mend that and look again: davit doctor --server")]
        }
    }
}

fn version(kind: &str, standing: &Standing) -> Check {
    let Standing { version, to_do, unknown, .. } = standing;
    if *unknown > 0 {
        let detail =
            format!("{kind}: a newer davit has used this database ({unknown} migrations that this one does not know)");
        return Check::bad("database", detail, "install that version, or restore a backup from before");
    }
    let detail = match to_do {
        0 => format!("{kind}, schema {version}, up to date"),
        _ if *version == 0 => format!("{kind}, empty: the tables are made at the first start"),
        _ => format!("{kind}, schema {version}: {to_do} migrations are done at the next start; back it up before"),
    };
    Check::good("database", detail)
}

fn clock(standing: &Standing) -> Option<Check> {
    let ahead = crate::cmd::times::now().millis() - standing.clock?.millis();
    if ahead.abs() <= SKEW {
        return Some(Check::good("clock", "it agrees with the database's"));
    }
    let side = if ahead > 0 { "ahead of" } else { "behind" };
    let detail = format!("this machine's clock is {} s {side} the database's", ahead.abs() / 1000);
    Some(Check::bad("clock", detail, "set both by NTP: several servers take each other's work otherwise"))
}

async fn git() -> Check {
    let fix = "install git 2.36 or newer";
    match says("git", "--version").await {
        Ok(text) => match git_version(&text) {
            Some(version) if version >= (2, 36) => Check::good("git", text),
            Some(_) | None => Check::bad("git", format!("{text} is too old"), fix),
        },
        Err(error) => Check::bad("git", format!("git can't be run: {error}"), fix),
    }
}

/// `git version 2.39.5 (Apple Git-154)`.
fn git_version(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.split_whitespace().nth(2)?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

async fn ssh() -> Check {
    match says("ssh", "-V").await {
        Ok(text) => Check::good("ssh", text),
        Err(error) => {
            let detail = format!("ssh can't be run ({error}): git reaches no repository over SSH");
            Check::bad("ssh", detail, "install openssh-client")
        }
    }
}

/// The first line that a program says.
async fn says(program: &str, argument: &str) -> Result<String, std::io::Error> {
    let output = Command::new(program).arg(argument).kill_on_drop(true).output().await?;
    let text = if output.stdout.is_empty() { output.stderr } else { output.stdout };
    Ok(String::from_utf8_lossy(&text).lines().next().unwrap_or_default().to_owned())
}

/// Whether davit answers there, or could listen there.
async fn listener(address: SocketAddr) -> Check {
    let name = "address";
    // What listens everywhere is asked on this machine.
    let asked = match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => SocketAddr::from(([127, 0, 0, 1], v4.port())),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, v6.port())),
        SocketAddr::V4(_) | SocketAddr::V6(_) => address,
    };
    if let Ok(client) = Client::new(&format!("http://{asked}"), None)
        && let Ok(Ok((status, text))) = tokio::time::timeout(PATIENCE, client.probe("readyz")).await
    {
        return match (status, text.contains("\"ready\"")) {
            (200, true) => Check::good(name, format!("davit answers at {address}, ready")),
            (_, true) => Check::bad(name, format!("davit at {address} is not ready: {text}"), "read its log"),
            (_, false) => {
                Check::bad(name, format!("something else answers at {address}"), "name another address: --listen")
            }
        };
    }
    match tokio::net::TcpListener::bind(address).await {
        Ok(_) => Check::good(name, format!("{address} is free; davit does not run there")),
        Err(error) => Check::bad(name, format!("davit can't listen on {address}: {error}"), "name another: --listen"),
    }
}

/// Whether the address that forges and people are told leads to davit, and how long its certificate is good.
async fn public_url(server: &Server) -> Check {
    let name = "public URL";
    let Some(url) = &server.public_url else {
        let detail = format!("is not set: links lead to http://{}, which nobody else reaches", server.listen);
        return Check::bad(name, detail, "set public_url = \"https://…\" in davit-server.toml, or --public-url");
    };
    match ask(url).await {
        Ok((200, text, certificate)) if text.trim() == "ok" => match certificate
            .and_then(|der| certificate::days_left(&der))
        {
            Some(days) if days < LEAST_DAYS => {
                Check::bad(name, format!("{url}: its certificate ends in {days} days"), "renew it")
            }
            Some(days) => Check::good(name, format!("{url} leads to davit; its certificate is good for {days} days")),
            None => Check::good(name, format!("{url} leads to davit")),
        },
        Ok((status, _, _)) => {
            let fix = "see where the web server before davit passes requests to, and whether davit runs";
            Check::bad(name, format!("{url}/healthz answers {status}, and not as davit does"), fix)
        }
        Err(failure) => {
            let fix = "see that the name leads here, that davit runs, and that the certificate is right";
            Check::bad(name, failure.message, fix)
        }
    }
}

/// Status, text and certificate of `/healthz`.
async fn ask(url: &str) -> Result<(u16, String, Option<Vec<u8>>), Failure> {
    let client = Client::new(url, None)?;
    let answer = tokio::time::timeout(PATIENCE, client.probe_response("healthz")).await;
    let late = |_| Failure::failed(format!("{url} did not answer within {} s", PATIENCE.as_secs()));
    let response = answer.map_err(late)??;
    let certificate = response.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate).map(<[u8]>::to_vec);
    let status = response.status().as_u16();
    let text = response.text().await.unwrap_or_default();
    Ok((status, text, certificate))
}

fn user(id: u32) -> String {
    let found = User::from_uid(id.into()).ok().flatten();
    found.map_or_else(|| format!("user {id}"), |user| user.name)
}

fn myself() -> String {
    user(geteuid().as_raw())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_git_are_numbers() {
        assert_eq!(git_version("git version 2.39.5"), Some((2, 39)));
        assert_eq!(git_version("git version 2.36.0.windows.1"), Some((2, 36)));
        assert_eq!(git_version("nonsense"), None);
    }

    #[test]
    fn a_schema_says_what_the_next_start_does() {
        let standing = |version, to_do, unknown| version_of(&Standing { version, to_do, unknown, clock: None });
        assert!(standing(12, 0, 0).contains("schema 12, up to date"));
        assert!(standing(0, 12, 0).contains("made at the first start"));
        assert!(standing(9, 3, 0).contains("3 migrations are done at the next start"));
        assert!(standing(14, 0, 2).contains("a newer davit"));
    }

    fn version_of(standing: &Standing) -> String {
        version("SQLite", standing).detail
    }
}
