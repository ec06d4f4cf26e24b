//! What sandbox and host have in common: one supervisor that runs steps, directories, limits, an end.
//!
//! Does not live here: how the walls are built ([`crate::sandbox`], [`crate::host`]).

mod archive;
mod files;
mod keeper;
mod output;
mod replies;
mod step;
mod supervisor;

use crate::RunnerError;
use crate::layout::Layout;
use crate::limits::{Groups, Means};
use crate::place::{Limits, PlaceSpec, Proof, StepCommand, StepExit};
use crate::prepare;
use crate::record::{Lock, Record};
use crate::tree::MARK;
use crate::user::Lease;
use crate::watch::Watch;
use davit_exec::LineSink;
use nix::unistd::{Gid, Uid};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use supervisor::{Launch, Supervisor};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// A sandbox or a job on the host, running.
#[derive(Debug)]
pub struct Cell {
    layout: Layout,
    job_dir: PathBuf,
    owner: Option<(Uid, Gid)>,
    base_env: Vec<(String, String)>,
    supervisor: Mutex<Supervisor>,
    /// Whether a step was started here.
    used: AtomicBool,
    groups: Groups,
    lease: Option<Lease>,
    _lock: Lock,
    _watch: JoinSet<()>,
}

/// How to start a cell: what sandbox and host decide.
pub(crate) struct Start {
    pub(crate) layout: Layout,
    /// The job's own user, which everything of it belongs to, when the server is root.
    pub(crate) lease: Option<Lease>,
    /// Whether steps have process ids of their own, which none can leave.
    pub(crate) own_processes: bool,
    pub(crate) base_env: Vec<(String, String)>,
}

/// The pieces of the command line that starts a place's outermost process.
pub(crate) struct Pieces<'a> {
    /// Where the supervisor's replies go.
    pub(crate) fifo: &'a Path,
    /// Files of control groups that a process enters by writing 0 to them.
    pub(crate) entrances: Vec<PathBuf>,
    /// What starts the supervisor, with limits of each process.
    pub(crate) shell: Vec<String>,
    pub(crate) owner: Option<(Uid, Gid)>,
}

/// How limits are held on this machine, found out once.
pub(crate) fn means() -> &'static Means {
    static MEANS: OnceLock<Means> = OnceLock::new();
    MEANS.get_or_init(Means::find)
}

impl Cell {
    /// Makes the directories and groups, starts what `argv` says, and watches it.
    pub(crate) async fn start(
        spec: &PlaceSpec,
        start: Start,
        argv: impl FnOnce(&Pieces<'_>) -> Result<Vec<String>, RunnerError>,
    ) -> Result<Self, RunnerError> {
        check_name(&spec.name)?;
        let Start { layout, lease, own_processes, base_env } = start;
        let owner = lease.as_ref().map(|lease| (Uid::from_raw(lease.id()), Gid::from_raw(lease.id())));
        let lock = prepare::directories(&spec.job_dir, &layout, owner).await?;
        // Another davit on this machine may have a job of the same name.
        let group_name = format!("{}-{:016x}", spec.name, rand::random::<u64>());
        let groups = means().groups(&group_name);
        let mark = (!own_processes).then(|| format!("{MARK}={:032x}", rand::random::<u128>()));
        let fifo = layout.control.join("replies");
        let (over, is_over) = watch::channel(None);
        let launch = Launch { fifo: &fifo, mark, limits: &spec.limits, groups: groups.clone(), owner, over: is_over };
        let come_up = async {
            let record = Record { groups: groups.directories().to_vec(), root: None, mark: launch.mark.clone() };
            record.write(&spec.job_dir)?;
            means().make(&group_name, &spec.limits)?;
            let entrances = groups.directories().iter().map(|group| group.join("cgroup.procs")).collect();
            let shell = shell(&spec.limits, groups.hold());
            let argv = argv(&Pieces { fifo: &fifo, entrances, shell, owner })?;
            let supervisor = Supervisor::start(launch, &argv).await?;
            record.with_root(&supervisor.tree().root).write(&spec.job_dir)?;
            Ok::<Supervisor, RunnerError>(supervisor)
        };
        let supervisor = match come_up.await {
            Ok(supervisor) => supervisor,
            Err(error) => {
                groups.remove().await;
                // It never came to life: that says more than files that are left.
                let _ = prepare::remove_tree(&spec.job_dir).await;
                return Err(error);
            }
        };
        let mut watching = JoinSet::new();
        let watch = Watch {
            roots: layout.writable().map(|directory| directory.outside.clone()).into(),
            tree: supervisor.tree().clone(),
            limits: spec.limits.clone(),
            memory: !groups.hold(),
            over,
        };
        watching.spawn(watch.until_over());
        let job_dir = spec.job_dir.clone();
        let (supervisor, used) = (Mutex::new(supervisor), AtomicBool::new(false));
        Ok(Self { layout, job_dir, owner, base_env, supervisor, used, groups, lease, _lock: lock, _watch: watching })
    }

    pub(crate) const fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Whether nothing of the job has run yet.
    fn is_unused(&self) -> bool {
        !self.used.load(Ordering::Acquire)
    }

    pub(crate) fn base_env(&self) -> &[(String, String)] {
        &self.base_env
    }

    pub(crate) async fn run(
        &self,
        command: &StepCommand,
        sink: &LineSink,
        cancel: &CancellationToken,
    ) -> Result<StepExit, RunnerError> {
        let mut supervisor = self.supervisor.lock().await;
        let stdin = match &command.stdin {
            None => None,
            Some(bytes) => {
                let path = format!("{}/stdin-{:032x}", self.layout.exchange.inside, rand::random::<u128>());
                self.write_file(&path, bytes, 0o600).await?;
                Some(path)
            }
        };
        self.used.store(true, Ordering::Release);
        supervisor.run(command, stdin.as_deref(), sink, cancel).await
    }

    pub(crate) async fn write_file(&self, path: &str, bytes: &[u8], mode: u32) -> Result<(), RunnerError> {
        let (directory, rest) = self.layout.find(path)?;
        files::write(&directory.outside, rest, bytes, mode, self.owner).map_err(files::explain(path))
    }

    pub(crate) async fn read_file(&self, path: &str, most: u64) -> Result<Option<Vec<u8>>, RunnerError> {
        let (directory, rest) = self.layout.find(path)?;
        files::read(&directory.outside, rest, most).map_err(files::explain(path))
    }

    pub(crate) async fn put_tree(&self, from: &Path, into: &str) -> Result<(), RunnerError> {
        archive::put_tree(self, from, into).await
    }

    pub(crate) async fn pack(&self, files: &[String], root: &str, into: &Path) -> Result<u64, RunnerError> {
        archive::pack(self, files, root, into).await
    }

    pub(crate) async fn unpack(&self, archive: &Path, into: &str) -> Result<(), RunnerError> {
        archive::unpack(self, archive, into).await
    }

    pub(crate) async fn close(self) -> Proof {
        let mut proof = self.supervisor.into_inner().end().await;
        let left = self.groups.remove().await;
        if !left.is_empty() {
            proof.clean = false;
            proof.text.push_str(&format!("; control groups could not be removed: {}", left.join(", ")));
        }
        match prepare::remove_tree(&self.job_dir).await {
            Ok(()) => proof.text.push_str("; its files are removed"),
            Err(error) => {
                proof.clean = false;
                proof.text.push_str(&format!("; {} could not be removed: {error}", self.job_dir.display()));
            }
        }
        if !proof.clean
            && let Some(lease) = self.lease
        {
            lease.keep();
        }
        proof
    }
}

/// The name becomes that of directories outside the place.
fn check_name(name: &str) -> Result<(), RunnerError> {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if plain && name.starts_with("davit-") {
        return Ok(());
    }
    Err(RunnerError::Unavailable(format!("{name:?} is no name for a place: use davit-, letters, digits and dashes")))
}

/// The shell that supervises, under limits of each process.
fn shell(limits: &Limits, groups: bool) -> Vec<String> {
    let mut words = vec!["prlimit".to_owned(), "--core=0:0".into(), format!("--fsize={0}:{0}", limits.disk)];
    if !groups {
        // In a user namespace of its own, or as a user of its own, only the job's processes count.
        words.push(format!("--nproc={0}:{0}", limits.processes));
        words.push(format!("--data={0}:{0}", limits.memory));
    }
    words.extend(["--", "/bin/sh", "-s"].map(str::to_owned));
    words
}
