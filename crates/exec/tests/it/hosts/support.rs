//! A host of each kind in a temporary directory, builds to put there, and short names for what every test does.

use davit_domain::ids::{CommitSha, DeploymentId, ReleaseName};
use davit_domain::time::Timestamp;
use davit_exec::build::{self, Build, Filter};
use davit_exec::host::{
    Connector, HookEnd, HookId, Host, HostFacts, HostHook, HostKind, HostTarget, Layout, Shared, StageReport,
    TransferOptions, Upload,
};
use davit_exec::{ExecError, OutputLine, Timeouts};
use davit_testkit::sshd::Sshd;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Local,
    Ssh,
    BusyBox,
}

/// One host and the directories of one app on it.
pub(crate) struct Place {
    pub(crate) dir: TempDir,
    pub(crate) sshd: Option<Sshd>,
    pub(crate) target: HostTarget,
    pub(crate) host: Host,
    pub(crate) layout: Layout,
}

/// Writes the same test for every kind of host.
macro_rules! on_every_host {
    ($(async fn $name:ident($place:ident: Place) $body:block)*) => {$(
        async fn $name($place: Place) $body

        mod $name {
            use crate::hosts::support::{Kind, Place};

            #[tokio::test]
            async fn local() {
                super::$name(Place::new(Kind::Local).await).await;
            }

            #[tokio::test]
            async fn ssh() {
                super::$name(Place::new(Kind::Ssh).await).await;
            }

            #[tokio::test]
            async fn busybox() {
                super::$name(Place::new(Kind::BusyBox).await).await;
            }
        }
    )*};
}
pub(crate) use on_every_host;

impl Place {
    /// A connected host whose directories don't exist yet.
    pub(crate) async fn new(kind: Kind) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let sshd = match kind {
            Kind::Local => None,
            Kind::Ssh => Some(Sshd::start().await),
            Kind::BusyBox => {
                let path = busybox(dir.path());
                Some(Sshd::start_with_path(path.to_str().expect("UTF-8")).await)
            }
        };
        let target = sshd.as_ref().map_or_else(local_target, ssh_target);
        let host = connect(&target).await.expect("the host lets us in");
        let root = dir.path().to_str().expect("UTF-8").to_owned();
        let layout = layout(&root);
        Self { dir, sshd, target, host, layout }
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn deploy_path(&self) -> PathBuf {
        self.layout.deploy_path().into()
    }

    pub(crate) fn release_dir(&self, release: &ReleaseName) -> PathBuf {
        self.layout.release_path(release).into()
    }

    /// Everything below `releases/`, hidden things too.
    pub(crate) fn in_releases(&self) -> Vec<String> {
        names(&Path::new(&self.layout.app_dir()).join("releases"))
    }

    pub(crate) fn in_davit_dir(&self) -> Vec<String> {
        names(&Path::new(&self.layout.app_dir()).join(".davit"))
    }

    pub(crate) async fn stage(&self, release: &ReleaseName, build: &Build) -> Result<(), ExecError> {
        self.stage_with(release, build, &Shared::default(), &never()).await.map(drop)
    }

    /// Everything is sent.
    pub(crate) async fn stage_with(
        &self,
        release: &ReleaseName,
        build: &Build,
        shared: &Shared,
        cancel: &CancellationToken,
    ) -> Result<StageReport, ExecError> {
        let upload = self.upload(build, TransferOptions::default());
        self.host.stage(&self.layout, release, "c0ffee", &upload, None, shared, false, cancel).await
    }

    pub(crate) fn upload(&self, build: &Build, options: TransferOptions) -> Upload {
        Upload::new(build.clone(), self.root().join("work"), options)
    }

    /// What the host says of itself.
    pub(crate) async fn prepare(&self) -> Result<HostFacts, ExecError> {
        self.host.prepare(&self.layout, None, &never()).await
    }

    /// Prepares and stages `release` with one file `index.html` that holds the release's name.
    pub(crate) async fn stage_page(&self, release: &ReleaseName) {
        self.prepare().await.expect("prepared");
        let build = TestBuild::new(&[("index.html", release.as_str().as_bytes())]).await;
        self.stage(release, &build.build).await.expect("staged");
    }

    /// Runs a hook with generous limits and returns its end and its lines.
    pub(crate) async fn hook(&self, script: &str) -> (Result<HookEnd, ExecError>, Vec<OutputLine>) {
        self.hook_with(&hook(script, self.root()), HOUR, &never()).await
    }

    /// Runs a hook under a name of its own and clears up after it.
    pub(crate) async fn hook_with(
        &self,
        hook: &HostHook,
        timeouts: Timeouts,
        cancel: &CancellationToken,
    ) -> (Result<HookEnd, ExecError>, Vec<OutputLine>) {
        let (sink, mut lines) = tokio::sync::mpsc::channel(4);
        let (control, id) = (self.layout.control_dir(), new_id());
        let (name, at) = (&id, &control);
        let running = async move { self.host.run_hook(at, name, hook, 0, timeouts, &sink, cancel).await };
        let collecting = async {
            let mut all = Vec::new();
            while let Some(line) = lines.recv().await {
                all.push(line.line);
            }
            all
        };
        let ended = tokio::join!(running, collecting);
        self.host.forget_hooks(&control, &[id]).await.expect("cleared up");
        ended
    }
}

/// A name for a hook that no other hook has.
pub(crate) fn new_id() -> HookId {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    HookId::new(format!("7-4-{}", COUNT.fetch_add(1, Ordering::Relaxed))).expect("a name")
}

pub(crate) const HOUR: Timeouts = Timeouts { total: Duration::from_secs(3600), idle: Duration::from_secs(3600) };

pub(crate) fn hook(script: &str, cwd: &Path) -> HostHook {
    HostHook {
        script: script.into(),
        cwd: cwd.to_str().expect("UTF-8").into(),
        env: Vec::new(),
        label: "step 4 (before release)".into(),
    }
}

pub(crate) fn never() -> CancellationToken {
    CancellationToken::new()
}

/// Looks again and again until there is an answer. The end is for what hangs: a busy machine is slow, not wrong.
pub(crate) async fn until<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    for _ in 0..12_000 {
        if let Some(found) = look() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("waited four minutes for this: {what}");
}

pub(crate) async fn connect(target: &HostTarget) -> Result<Host, ExecError> {
    Host::connect(&Connector::default(), target, &never()).await
}

pub(crate) fn ssh_target(sshd: &Sshd) -> HostTarget {
    HostTarget {
        name: "web1".parse().expect("a host name"),
        kind: HostKind::Ssh,
        address: sshd.address(),
        port: sshd.port(),
        user: sshd.user().to_owned(),
        host_key: Some(sshd.host_key_line()),
        private_key: Some(sshd.client_private_key().into()),
        agent: false,
        jump: Vec::new(),
    }
}

pub(crate) fn layout(root: &str) -> Layout {
    let app = "shop".parse().expect("an app key");
    Layout::new(app, &format!("{root}/sites/it's live"), &format!("{root}/re leases")).expect("a layout")
}

/// Release number `n` of a made-up day; a higher number is a later one.
pub(crate) fn release(number: i64) -> ReleaseName {
    let sha: CommitSha = "1a2b3c4d".repeat(5).parse().expect("a SHA");
    ReleaseName::new(Timestamp::from_millis(1_769_860_800_000 + number * 1000), &sha, DeploymentId(number))
}

/// A build made of files, with the directories it lies in.
pub(crate) struct TestBuild {
    pub(crate) build: Build,
    dir: TempDir,
}

impl TestBuild {
    pub(crate) async fn new(files: &[(&str, &[u8])]) -> Self {
        Self::of(|source| {
            for (name, content) in files {
                let path = source.join(name);
                std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
                std::fs::write(path, content).expect("a file");
            }
        })
        .await
    }

    /// Of whatever `fill` puts into a directory.
    pub(crate) async fn of(fill: impl FnOnce(&Path)) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let source = dir.path().join("source");
        std::fs::create_dir(&source).expect("the source");
        fill(&source);
        let out = dir.path().join("out");
        let modified = Timestamp::from_millis(1_700_000_000_000);
        let build = build::make(&source, "", &Filter::all(), modified, &out).await.expect("a build");
        Self { build, dir }
    }
}

impl TestBuild {
    /// What it was made of.
    pub(crate) fn source(&self) -> PathBuf {
        self.dir.path().join("source")
    }
}

fn local_target() -> HostTarget {
    HostTarget {
        name: "here".parse().expect("a host name"),
        kind: HostKind::Local,
        address: String::new(),
        port: 0,
        user: String::new(),
        host_key: None,
        private_key: None,
        agent: false,
        jump: Vec::new(),
    }
}

/// A directory with BusyBox's programs and no others.
fn busybox(root: &Path) -> PathBuf {
    let bin = root.join("busybox-bin");
    std::fs::create_dir(&bin).expect("a directory");
    let installed = Command::new("busybox").args(["--install", "-s"]).arg(&bin).status();
    assert!(installed.expect("busybox is installed").success());
    bin
}

fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).map(|entries| entries.map(|entry| entry.expect("an entry")));
    let mut names: Vec<String> =
        entries.into_iter().flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
