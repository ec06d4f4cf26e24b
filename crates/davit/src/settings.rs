//! What a server process is told: flags, then `DAVIT_…` variables, then `davit-server.toml`, then defaults.

use crate::failure::Failure;
use clap::Args;
use davit_engine::Settings;
use davit_engine::master_key::KeySource;
use davit_engine::retention::Keep;
use serde::Deserialize;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Minutes.
const WATCH_HOSTS: u32 = 5;
const MIB: u64 = 1024 * 1024;
/// What may be uploaded unless somebody says otherwise. Bytes.
pub(crate) const LARGEST_UPLOAD: u64 = 2048 * MIB;

/// Where the data is. Taken by `serve`, `admin` and whatever else works on the database directly.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DataArgs {
    /// Directory of the SQLite file, git mirrors, work directories and the key file [default: ./davit-data]
    #[arg(long, env = "DAVIT_DATA_DIR", value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// postgres://USER:PASSWORD@HOST/DATABASE for more than one process [default: SQLite in the data directory]
    #[arg(long, env = "DAVIT_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub(crate) database_url: Option<String>,
    /// 32-byte key that secrets are encrypted with [default: master.key in the data directory, made when missing]
    #[arg(long, env = "DAVIT_MASTER_KEY_FILE", value_name = "FILE")]
    pub(crate) master_key_file: Option<PathBuf>,
    /// File with a passphrase that the key is made from, instead of a key file
    #[arg(long, env = "DAVIT_MASTER_PASSPHRASE_FILE", value_name = "FILE", conflicts_with = "master_key_file")]
    pub(crate) master_passphrase_file: Option<PathBuf>,
}

/// What `serve` is told besides.
#[derive(Debug, Clone, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ServerArgs {
    /// Address of UI, API and hooks [default: 127.0.0.1:8700]
    #[arg(long, env = "DAVIT_LISTEN", value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// What forges and people see, for links in statuses [default: http:// and the listen address]
    #[arg(long, env = "DAVIT_PUBLIC_URL", value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// `file`: in the data directory, the only one in this version [default: file]
    #[arg(long, env = "DAVIT_OBJECT_STORE", value_name = "STORE")]
    pub(crate) object_store: Option<String>,
    /// Deployments that run at the same time [default: 4]
    #[arg(long, env = "DAVIT_PARALLEL_DEPLOYMENTS", value_name = "N")]
    pub(crate) parallel_deployments: Option<usize>,
    /// Hosts of one deployment that are worked on at the same time [default: 32]
    #[arg(long, env = "DAVIT_PARALLEL_HOSTS", value_name = "N")]
    pub(crate) parallel_hosts: Option<usize>,
    /// Jobs of CI runs that run at the same time [default: one a processor, at least 2]
    #[arg(long, env = "DAVIT_PARALLEL_JOBS", value_name = "N")]
    pub(crate) parallel_jobs: Option<usize>,
    /// Labels that `runs-on` may ask for, with commas between them; a * at the end stands for anything
    /// [default: ubuntu-*,linux,self-hosted,x64,davit]
    #[arg(long, env = "DAVIT_RUNNER_LABELS", value_name = "LABELS", value_delimiter = ',')]
    pub(crate) runner_labels: Option<Vec<String>>,
    /// Directories that jobs in a sandbox may read beside the system's own, with commas between them
    #[arg(long, env = "DAVIT_CI_TOOLS", value_name = "DIRS", value_delimiter = ',')]
    pub(crate) ci_tools: Option<Vec<PathBuf>>,
    /// Largest build or file that may be uploaded, in MiB [default: 2048]
    #[arg(long, env = "DAVIT_LARGEST_UPLOAD", value_name = "MIB")]
    pub(crate) largest_upload: Option<u64>,
    /// Minutes between two looks at whether every host is there; 0: never [default: 5]
    #[arg(long, env = "DAVIT_WATCH_HOSTS", value_name = "MINUTES")]
    pub(crate) watch_hosts: Option<u32>,
    /// Days that entries of the feed are kept [default: 730]
    #[arg(long, env = "DAVIT_KEEP_FEED_DAYS", value_name = "DAYS")]
    pub(crate) keep_feed_days: Option<u32>,
    /// Days that recordings of terminals are kept [default: 90]
    #[arg(long, env = "DAVIT_KEEP_RECORDINGS_DAYS", value_name = "DAYS")]
    pub(crate) keep_recordings_days: Option<u32>,
}

/// `davit-server.toml`: the same names with underscores.
#[derive(Debug, Default, Deserialize)]
struct File {
    #[serde(flatten)]
    all: toml::Table,
}

/// Where the data is, decided.
#[derive(Debug, Clone)]
pub(crate) struct Data {
    pub(crate) dir: PathBuf,
    pub(crate) database_url: Option<String>,
    pub(crate) master_key: KeySource,
}

/// A server's settings, decided.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) data: Data,
    pub(crate) listen: SocketAddr,
    pub(crate) public_url: Option<String>,
    pub(crate) parallel_deployments: usize,
    pub(crate) parallel_hosts: usize,
    pub(crate) parallel_jobs: usize,
    pub(crate) runner_labels: Vec<String>,
    /// Absolute.
    pub(crate) ci_tools: Vec<PathBuf>,
    /// Bytes.
    pub(crate) largest_upload: u64,
    /// Zero: never.
    pub(crate) watch_hosts_every: Duration,
    pub(crate) keep: Keep,
}

impl DataArgs {
    /// Fills in the defaults; the directory is made when it is missing.
    pub(crate) fn decide(self) -> Result<Data, Failure> {
        let dir = self.directory();
        // Databases, keys and sources are nobody else's business. A directory that is there stays as it is.
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir).map_err(|error| {
            Failure::failed(format!(
                "The data directory {} can't be made: {error}. Give a directory that this user may write to: --data-dir",
                dir.display()
            ))
        })?;
        // Git, hooks and log messages need a path that does not depend on where the process stands.
        let dir = dir
            .canonicalize()
            .map_err(|error| Failure::failed(format!("The data directory {} can't be used: {error}", dir.display())))?;
        self.within(dir)
    }

    /// Fills in the defaults and makes nothing.
    pub(crate) fn look(self) -> Result<Data, Failure> {
        let dir = self.directory();
        self.within(std::path::absolute(&dir).unwrap_or(dir))
    }

    fn directory(&self) -> PathBuf {
        self.data_dir.clone().unwrap_or_else(|| PathBuf::from("davit-data"))
    }

    fn within(self, dir: PathBuf) -> Result<Data, Failure> {
        let master_key = match (self.master_key_file, self.master_passphrase_file) {
            (Some(_), Some(_)) => {
                return Err(Failure::usage(
                    "the master key is in a file or made from a passphrase: name one of the two",
                ));
            }
            (None, Some(path)) => KeySource::Passphrase(path),
            (path, None) => KeySource::File(path.unwrap_or_else(|| dir.join("master.key"))),
        };
        Ok(Data { dir, database_url: self.database_url, master_key })
    }
}

/// Merges flags and variables with the file, when there is one. The data directory is made when it is missing.
pub(crate) fn decide(data: DataArgs, server: ServerArgs, file: Option<&Path>) -> Result<Server, Failure> {
    merge(data, server, file, DataArgs::decide)
}

/// The same, for those who only look: nothing is made.
pub(crate) fn look(data: DataArgs, server: ServerArgs, file: Option<&Path>) -> Result<Server, Failure> {
    merge(data, server, file, DataArgs::look)
}

fn merge(
    data: DataArgs,
    server: ServerArgs,
    file: Option<&Path>,
    decide: impl Fn(DataArgs) -> Result<Data, Failure>,
) -> Result<Server, Failure> {
    let (file_data, file_server) = match file {
        Some(path) => read(path)?,
        None => (DataArgs::default(), ServerArgs::default()),
    };
    match server.object_store.or(file_server.object_store).as_deref() {
        None | Some("file") => {}
        Some(other) => {
            return Err(Failure::usage(format!(
                "{other:?} is not an object store of this version: use `file`, which keeps everything in the data directory"
            )));
        }
    }
    // What a flag says of the key, the file says nothing about.
    let key = if data.master_key_file.is_some() || data.master_passphrase_file.is_some() { &data } else { &file_data };
    let data = DataArgs {
        master_key_file: key.master_key_file.clone(),
        master_passphrase_file: key.master_passphrase_file.clone(),
        data_dir: data.data_dir.or(file_data.data_dir),
        database_url: data.database_url.or(file_data.database_url),
    };
    let public_url = server.public_url.or(file_server.public_url);
    if let Some(url) = &public_url
        && !(url.starts_with("http://") || url.starts_with("https://"))
    {
        return Err(Failure::usage(format!("the public URL {url:?} must begin with http:// or https://")));
    }
    Ok(Server {
        data: decide(data)?,
        listen: server.listen.or(file_server.listen).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8700))),
        public_url: public_url.map(|url| url.trim_end_matches('/').to_owned()),
        parallel_deployments: server.parallel_deployments.or(file_server.parallel_deployments).unwrap_or(4).max(1),
        parallel_hosts: server.parallel_hosts.or(file_server.parallel_hosts).unwrap_or(32).max(1),
        parallel_jobs: server
            .parallel_jobs
            .or(file_server.parallel_jobs)
            .map_or_else(Settings::default_parallel_jobs, |jobs| jobs.max(1)),
        runner_labels: runner_labels(server.runner_labels.or(file_server.runner_labels))?,
        ci_tools: tools(server.ci_tools.or(file_server.ci_tools).unwrap_or_default())?,
        largest_upload: server
            .largest_upload
            .or(file_server.largest_upload)
            .map_or(LARGEST_UPLOAD, |mib| mib.saturating_mul(MIB)),
        watch_hosts_every: Duration::from_secs(
            u64::from(server.watch_hosts.or(file_server.watch_hosts).unwrap_or(WATCH_HOSTS)) * 60,
        ),
        keep: keep(
            server.keep_feed_days.or(file_server.keep_feed_days),
            server.keep_recordings_days.or(file_server.keep_recordings_days),
        ),
    })
}

fn keep(feed: Option<u32>, recordings: Option<u32>) -> Keep {
    let days = |days: u32| Duration::from_secs(u64::from(days) * 24 * 3600);
    let usual = Keep::default();
    Keep { feed: feed.map_or(usual.feed, days), recordings: recordings.map_or(usual.recordings, days) }
}

fn runner_labels(given: Option<Vec<String>>) -> Result<Vec<String>, Failure> {
    let Some(given) = given else { return Ok(Settings::default_runner_labels()) };
    let labels: Vec<String> = given.iter().map(|label| label.trim().to_owned()).collect();
    let inner_star = |label: &&String| label.trim_end_matches('*').contains('*') || label.is_empty();
    match labels.iter().find(inner_star) {
        Some(label) => Err(Failure::usage(format!(
            "{label:?} is not a label of a runner: write a name, with a * at its end where anything may follow"
        ))),
        None => Ok(labels),
    }
}

/// A directory that is not there would be found out by the first job, not by whoever starts the server.
fn tools(given: Vec<PathBuf>) -> Result<Vec<PathBuf>, Failure> {
    let find = |path: PathBuf| match path.canonicalize() {
        Ok(path) if path.is_dir() => Ok(path),
        Ok(path) => Err(Failure::usage(format!("{} is not a directory: --ci-tools takes directories", path.display()))),
        Err(error) => Err(Failure::usage(format!("--ci-tools: {}: {error}", path.display()))),
    };
    given.into_iter().map(find).collect()
}

fn read(path: &Path) -> Result<(DataArgs, ServerArgs), Failure> {
    let wrong = |what: String| Failure::usage(format!("{}: {what}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let File { all } = toml::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let (mut data, mut server) = (toml::Table::new(), toml::Table::new());
    for (key, value) in all {
        let of_data =
            matches!(key.as_str(), "data_dir" | "database_url" | "master_key_file" | "master_passphrase_file");
        if of_data {
            data.insert(key, value)
        } else {
            server.insert(key, value)
        };
    }
    let data = data.try_into().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
    let server = server.try_into().map_err(|error: toml::de::Error| wrong(error.message().to_owned()))?;
    Ok((data, server))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn flags_win_over_the_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("davit-server.toml");
        let data_dir = dir.path().join("data");
        std::fs::write(&file, format!("listen = \"127.0.0.1:1\"\nparallel_hosts = 3\ndata_dir = {data_dir:?}\n"))
            .expect("written");
        let flags = ServerArgs { listen: Some(([127, 0, 0, 1], 2).into()), ..ServerArgs::default() };
        let server = decide(DataArgs::default(), flags, Some(&file)).expect("settings");
        assert_eq!((server.listen.port(), server.parallel_hosts, server.parallel_deployments), (2, 3, 4));
        let key = data_dir.canonicalize().expect("it was made").join("master.key");
        assert_eq!(server.data.master_key, KeySource::File(key));
        assert_eq!(server.largest_upload, LARGEST_UPLOAD);
        let mode = std::fs::metadata(&data_dir).expect("it was made").permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "nobody else may look into it");
    }

    #[test]
    fn runners_are_told_labels_and_tools() {
        let dir = tempfile::tempdir().expect("a directory");
        let data = || DataArgs { data_dir: Some(dir.path().join("data")), ..DataArgs::default() };
        let usual = decide(data(), ServerArgs::default(), None).expect("settings");
        assert!(usual.parallel_jobs >= 2 && usual.runner_labels.contains(&"ubuntu-*".to_owned()));
        let said = |labels: &str, tools: &Path| ServerArgs {
            parallel_jobs: Some(0),
            runner_labels: Some(labels.split(',').map(str::to_owned).collect()),
            ci_tools: Some(vec![tools.to_owned()]),
            ..ServerArgs::default()
        };
        let server = decide(data(), said("big, gpu-*", dir.path()), None).expect("settings");
        assert_eq!((server.parallel_jobs, server.runner_labels.join(" ").as_str()), (1, "big gpu-*"));
        assert_eq!(server.ci_tools, [dir.path().canonicalize().expect("it is there")]);
        for (labels, tools) in [("a*b", dir.path()), ("a,,b", dir.path()), ("a", &dir.path().join("none"))] {
            assert!(decide(data(), said(labels, tools), None).is_err(), "{labels} {}", tools.display());
        }
    }

    #[test]
    fn unknown_keys_are_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("davit-server.toml");
        std::fs::write(&file, "lisen = \"127.0.0.1:1\"\n").expect("written");
        let failure = decide(DataArgs::default(), ServerArgs::default(), Some(&file)).expect_err("refused");
        assert!(failure.message.contains("lisen"), "{}", failure.message);
    }
}
