//! One run of git: its environment, its output, its verdict.

use super::explain::explain;
use super::remote::{Login, Remote, Transport};
use crate::process::{self, Program};
use crate::{ExecError, Exit, LineSink, OutputLine, Timeouts};
use davit_domain::log::Stream;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// git as davit runs it for one remote.
#[derive(Debug)]
pub(super) struct Git {
    /// The mirror's directory: home, global configuration and known hosts of every git here.
    dir: PathBuf,
    remote: Remote,
}

/// What a run of git left.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) exit: Exit,
    /// Lines, for the questions that davit asks.
    pub(super) stdout: Vec<String>,
    /// The last lines, secrets masked.
    stderr: Vec<String>,
}

impl Output {
    pub(super) fn ok(self, git: &Git) -> Result<(), ExecError> {
        if self.exit.is_success() { Ok(()) } else { Err(explain(&git.remote, &self.stderr)) }
    }

    pub(super) fn stderr_has(&self, words: &str) -> bool {
        self.stderr.iter().any(|line| line.contains(words))
    }
}

impl Git {
    pub(super) fn new(dir: &Path, remote: Remote) -> Result<Self, ExecError> {
        let git = Self { dir: dir.to_owned(), remote };
        let path = git.global_config();
        std::fs::write(&path, GLOBAL_CONFIG).map_err(ExecError::io(format!("writing {}", path.display())))?;
        Ok(git)
    }

    pub(super) const fn remote(&self) -> &Remote {
        &self.remote
    }

    /// A run that stays on this machine and needs no login.
    pub(super) async fn local(
        &self,
        arguments: Vec<OsString>,
        cwd: &Path,
        sink: Option<&LineSink>,
        cancel: &CancellationToken,
    ) -> Result<Output, ExecError> {
        let program = self.program(arguments, cwd, Vec::new(), &[])?;
        self.run(&program, LOCAL, sink, cancel).await
    }

    /// A run in a repository elsewhere that takes from the mirror alone.
    pub(super) async fn taking_from_mirror(
        &self,
        arguments: Vec<OsString>,
        cwd: &Path,
        cancel: &CancellationToken,
    ) -> Result<Output, ExecError> {
        let mut program = self.program(arguments, cwd, Vec::new(), &[])?;
        program.env.push(("GIT_ALLOW_PROTOCOL".into(), "file".into()));
        // What the reflog says in the place of the command, which names the mirror.
        program.env.push(("GIT_REFLOG_ACTION".into(), "checkout".into()));
        self.run(&program, LOCAL, None, cancel).await
    }

    /// A program that stays on this machine, for whoever runs it by other means.
    pub(super) fn reader(&self, arguments: Vec<OsString>, cwd: &Path) -> Result<Program, ExecError> {
        self.program(arguments, cwd, Vec::new(), &[])
    }

    /// A run that talks to the remote.
    pub(super) async fn network(
        &self,
        arguments: Vec<OsString>,
        cwd: &Path,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<Output, ExecError> {
        let login = Login::new(&self.remote, &self.dir)?;
        let program = self.program(arguments, cwd, login.env.clone(), &login.config)?;
        self.run(&program, NETWORK, Some(sink), cancel).await
    }

    async fn run(
        &self,
        program: &Program,
        timeouts: Timeouts,
        sink: Option<&LineSink>,
        cancel: &CancellationToken,
    ) -> Result<Output, ExecError> {
        let (lines, mut heard) = mpsc::channel(256);
        let run = async move { process::run(program, timeouts, &lines, cancel).await };
        let (mut stdout, mut stderr) = (Vec::new(), VecDeque::new());
        let hear = async {
            while let Some(line) = heard.recv().await {
                let line = self.masked(line);
                match line.stream {
                    Stream::Stdout => stdout.push(line.text.clone()),
                    Stream::Stderr => stderr.push_back(line.text.clone()),
                    Stream::System => {}
                }
                if stderr.len() > KEPT_LINES {
                    stderr.pop_front();
                }
                if let Some(sink) = sink {
                    process::hand_over(line, sink, cancel).await;
                }
            }
        };
        let (exit, ()) = tokio::join!(run, hear);
        Ok(Output { exit: exit?, stdout, stderr: stderr.into() })
    }

    fn masked(&self, mut line: OutputLine) -> OutputLine {
        for secret in self.remote.secrets().into_iter().filter(|secret| !secret.is_empty()) {
            line.text = line.text.replace(secret, "***");
        }
        line
    }

    fn program(
        &self,
        arguments: Vec<OsString>,
        cwd: &Path,
        login: Vec<(OsString, OsString)>,
        config: &[(String, String)],
    ) -> Result<Program, ExecError> {
        let mut env = process::base_env();
        // No ~/.netrc, no ~/.config/git.
        env.retain(|(name, _)| name != "HOME" && name != "LANG");
        env.push(("HOME".into(), self.dir.clone().into_os_string()));
        env.push(("GIT_CONFIG_GLOBAL".into(), self.global_config().into_os_string()));
        env.extend(ENVIRONMENT.map(|(name, value)| (name.into(), value.into())));
        let protocols = match self.remote.check()? {
            // This list wins over protocol.file.allow, so a remote repository's submodules can't reach our disk.
            Transport::Http { .. } | Transport::Ssh { .. } | Transport::Git { .. } => "https:http:ssh:git",
            Transport::Local => "https:http:ssh:git:file",
        };
        env.push(("GIT_ALLOW_PROTOCOL".into(), protocols.into()));
        env.extend(NETWORK_SETUP.into_iter().filter_map(|name| Some((name.into(), std::env::var_os(name)?))));
        // As a variable it would win over what is set for a single host.
        let authorities = std::env::var("GIT_SSL_CAINFO").ok().map(|path| ("http.sslCAInfo".to_owned(), path));
        let config: Vec<&(String, String)> = authorities.iter().chain(config).collect();
        env.push(("GIT_CONFIG_COUNT".into(), config.len().to_string().into()));
        for (number, (name, value)) in config.into_iter().enumerate() {
            env.push((format!("GIT_CONFIG_KEY_{number}").into(), name.into()));
            env.push((format!("GIT_CONFIG_VALUE_{number}").into(), value.into()));
        }
        env.extend(login);
        let argv = std::iter::once("git".into()).chain(arguments).collect();
        Ok(Program { argv, env, cwd: cwd.to_owned() })
    }

    fn global_config(&self) -> PathBuf {
        self.dir.join("gitconfig")
    }
}

const ENVIRONMENT: [(&str, &str); 7] = [
    ("LC_ALL", "C"),
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_ATTR_NOSYSTEM", "1"),
    ("GIT_TERMINAL_PROMPT", "0"),
    ("GIT_NO_REPLACE_OBJECTS", "1"),
    ("GIT_TEMPLATE_DIR", ""),
    ("GIT_ADVICE", "0"),
];

/// What the operator set for the server's way out: proxies and certificates. Nothing else of its environment.
const NETWORK_SETUP: [&str; 9] = [
    "http_proxy",
    "https_proxy",
    "HTTPS_PROXY",
    "all_proxy",
    "ALL_PROXY",
    "no_proxy",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
];

/// A file, not variables: git takes those away from the other end of a local remote, which must also accept that
/// another user owns the repository. Stalled transfers end after a minute.
const GLOBAL_CONFIG: &str = "# Written by davit, for its own git alone.\n\
    [safe]\n\tdirectory = *\n\
    [core]\n\thooksPath = /dev/null\n\tfsmonitor = false\n\
    [http]\n\tlowSpeedLimit = 1000\n\tlowSpeedTime = 60\n\
    [init]\n\tdefaultBranch = main\n\
    [maintenance]\n\tautoDetach = false\n";

/// The lines of standard error that an explanation can draw on.
const KEPT_LINES: usize = 40;

/// git says little while it works, so silence alone means nothing.
const NETWORK: Timeouts = Timeouts { total: Duration::from_secs(3600), idle: Duration::from_secs(3600) };
const LOCAL: Timeouts = Timeouts { total: Duration::from_secs(900), idle: Duration::from_secs(900) };
