//! A container engine for tests: Podman as a service of the test's own, or Docker where it is already there, with an
//! image made of this machine's busybox.

use crate::place_support;
use davit_exec::OutputLine;
use davit_runner::container::Engine;
use davit_runner::{Container, ContainerSpec, Executor, PlaceSpec, RunnerError, StepCommand, StepExit};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// The image that tests use; in no registry.
pub(crate) const IMAGE: &str = "localhost/davit-test:1";

/// The programs of the engine: `podman` or `docker`, and the environment it needs.
struct Program {
    scratch: PathBuf,
    argv: Vec<String>,
    env: Vec<(String, PathBuf)>,
}

/// An engine, and a directory of jobs.
pub(crate) struct Site {
    pub(crate) engine: Engine,
    pub(crate) jobs: TempDir,
    program: Program,
    /// Podman, where the test started it.
    service: Option<Child>,
}

impl Site {
    /// Without an engine on this machine: `None`, and the reason on standard error.
    pub(crate) async fn new() -> Option<Self> {
        Self::with_registry(None).await
    }

    /// The engine takes images from this registry without TLS.
    pub(crate) async fn with_registry(registry: Option<&str>) -> Option<Self> {
        let jobs = tempfile::tempdir().expect("a directory");
        if has("podman") {
            return Some(Self::podman(jobs, registry).await);
        }
        let program = Program { scratch: jobs.path().to_owned(), argv: vec!["docker".to_owned()], env: Vec::new() };
        match Engine::find().await {
            // Docker itself takes images from 127.0.0.0/8 without TLS.
            Ok(engine) if has("docker") => {
                program.import();
                Some(Self { engine, jobs, program, service: None })
            }
            Ok(_) | Err(_) => {
                eprintln!("skipped: neither podman nor a running Docker is on this machine");
                None
            }
        }
    }

    async fn podman(jobs: TempDir, registry: Option<&str>) -> Self {
        // One storage for all tests, and Podman's own locks between them: two that know nothing of each other would
        // give out the same subnets.
        let storage = Path::new(env!("CARGO_TARGET_TMPDIR")).join("podman");
        fs::create_dir_all(&storage).expect("a directory");
        let storage = storage.canonicalize().expect("a directory");
        let file = |name: &str, text: &str| {
            let path = jobs.path().join(name);
            fs::write(&path, text).expect("a file");
            path
        };
        let conf = file(
            "containers.conf",
            &format!(
                "[containers]\ndefault_ulimits = [\"nofile=1024:1024\", \"nproc=4096:4096\"]\n\
                 [engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\nlock_type = \"file\"\n{}",
                runtime(&storage)
            ),
        );
        let insecure = registry.map(|at| format!("[[registry]]\nlocation = \"{at}\"\ninsecure = true\n"));
        let registries = file("registries.conf", &insecure.unwrap_or_default());
        let at = |name: &str| storage.join(name).display().to_string();
        let program = Program {
            scratch: jobs.path().to_owned(),
            argv: ["podman", "--root", &at("root"), "--runroot", &at("run")].map(str::to_owned).to_vec(),
            env: vec![
                ("CONTAINERS_CONF".to_owned(), conf),
                ("CONTAINERS_REGISTRIES_CONF".to_owned(), registries),
                ("REGISTRY_AUTH_FILE".to_owned(), jobs.path().join("auth.json")),
            ],
        };
        program.import();
        let socket = jobs.path().join("podman.sock");
        let log = fs::File::create(jobs.path().join("podman.log")).expect("a file");
        let mut command = program.command(&["system", "service", "--time=0", &format!("unix://{}", socket.display())]);
        let service = command.stdin(Stdio::null()).stderr(log).stdout(Stdio::null()).spawn().expect("podman starts");
        let deadline = tokio::time::Instant::now() + Duration::from_secs(120);
        let engine = loop {
            match Engine::at(&socket).await {
                Ok(engine) => break engine,
                Err(error) => assert!(tokio::time::Instant::now() < deadline, "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        Self { engine, jobs, program, service: Some(service) }
    }

    /// What to make; network off.
    pub(crate) fn spec(&self) -> PlaceSpec {
        PlaceSpec { container: Some(container()), ..place_support::spec(&self.jobs, Executor::Sandbox) }
    }

    /// A container of the usual kind.
    pub(crate) async fn open(&self) -> Open {
        self.open_with(&self.spec()).await
    }

    pub(crate) async fn open_with(&self, spec: &PlaceSpec) -> Open {
        let (opened, lines) = self.try_open(spec, &CancellationToken::new()).await;
        Open { place: opened.unwrap_or_else(|error| panic!("{error}\n{lines:#?}")), lines }
    }

    /// What comes of opening, and what was said.
    pub(crate) async fn try_open(
        &self,
        spec: &PlaceSpec,
        cancel: &CancellationToken,
    ) -> (Result<Container, RunnerError>, Vec<String>) {
        let (sink, inbox) = mpsc::channel(16);
        let open = async {
            let opened = Container::open_on(self.engine.clone(), spec, &sink, cancel).await;
            drop(sink);
            opened
        };
        let (opened, lines) = tokio::join!(open, all(inbox));
        (opened, lines.into_iter().map(|line| line.text).collect())
    }

    /// What the engine has of the jobs of this test, as its own command line sees it.
    pub(crate) fn left(&self) -> Vec<String> {
        let jobs = self.jobs.path().canonicalize().expect("a directory");
        let label = format!("label=davit.directory={}", jobs.join("job").display());
        let ask = |words: &[&str]| {
            let output = self.program.command(words).args(["--filter", &label, "--quiet"]).output().expect("an answer");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect::<Vec<_>>()
        };
        [ask(&["ps", "--all"]), ask(&["network", "ls"]), ask(&["volume", "ls"])].concat()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(service) = &mut self.service {
            if std::thread::panicking() {
                let log = fs::read_to_string(self.jobs.path().join("podman.log")).unwrap_or_default();
                eprintln!("podman said:\n{log}");
            }
            // It may be gone already.
            let _ = service.kill();
            let _ = service.wait();
        }
    }
}

impl Program {
    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.argv[0]);
        // An engine may leave files where it stands.
        command.current_dir(&self.scratch);
        command.args(&self.argv[1..]).args(words).envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Makes the image of busybox and the libraries it wants, unless it is there.
    fn import(&self) {
        let there = self.command(&["image", "inspect", IMAGE]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if there.expect("an answer").success() {
            return;
        }
        let file = self.scratch.join("image.tar");
        fs::write(&file, root_file_system()).expect("a file");
        let file = file.display().to_string();
        let output = self.command(&["import", &file, IMAGE]).output().expect("an answer");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Where both kinds of cgroups are mounted, crun refuses when the newer one has a controller. One that does not see the
/// newer one has no such trouble.
fn runtime(storage: &Path) -> String {
    let newer = fs::read_to_string("/sys/fs/cgroup/unified/cgroup.controllers");
    if !newer.is_ok_and(|names| !names.trim().is_empty()) {
        return String::new();
    }
    let script =
        "#!/bin/sh\nexec unshare --mount sh -c 'umount /sys/fs/cgroup/unified && exec crun \"$@\"' sh \"$@\"\n";
    let wrapper = storage.join("crun");
    // Written whole and then named: other tests run it at the same time.
    let own = tempfile::NamedTempFile::new_in(storage).expect("a file");
    fs::write(own.path(), script).expect("a file");
    fs::set_permissions(own.path(), fs::Permissions::from_mode(0o755)).expect("executable");
    let (file, path) = own.keep().expect("a file");
    drop(file);
    fs::rename(path, &wrapper).expect("a name");
    format!("runtime = \"older\"\n[engine.runtimes]\nolder = [{:?}]\n", wrapper.display().to_string())
}

/// A container that was opened, and what was said on the way.
pub(crate) struct Open {
    pub(crate) place: Container,
    pub(crate) lines: Vec<String>,
}

impl Open {
    pub(crate) async fn sh(&self, text: &str) -> place_support::Ran {
        self.run(self.script(text), &CancellationToken::new()).await
    }

    /// Standard output of a script that must succeed.
    pub(crate) async fn says(&self, text: &str) -> String {
        let ran = self.sh(text).await;
        assert_eq!(ran.code(), 0, "{}", ran.text());
        ran.text()
    }

    pub(crate) fn script(&self, text: &str) -> StepCommand {
        StepCommand {
            argv: ["sh", "-c", text].map(str::to_owned).into(),
            env: self.place.base_env(),
            cwd: self.place.workspace().to_owned(),
            stdin: None,
            timeout: None,
        }
    }

    pub(crate) async fn run(&self, command: StepCommand, cancel: &CancellationToken) -> place_support::Ran {
        self.run_until(command, cancel, |_| ()).await
    }

    /// Runs a step to its end, with `look` at every line as it comes.
    pub(crate) async fn run_until(
        &self,
        command: StepCommand,
        cancel: &CancellationToken,
        look: impl Fn(&OutputLine),
    ) -> place_support::Ran {
        let (sink, mut inbox) = mpsc::channel(16);
        let step = async {
            let exit: Result<StepExit, RunnerError> = self.place.run(&command, &sink, cancel).await;
            drop(sink);
            exit
        };
        let listen = async {
            let mut lines = Vec::new();
            while let Some(line) = inbox.recv().await {
                look(&line);
                lines.push(line);
            }
            lines
        };
        let (exit, lines) = tokio::join!(step, listen);
        place_support::Ran { exit, lines }
    }

    /// Closes it, and all is gone.
    pub(crate) async fn close(self, site: &Site) {
        let proof = self.place.close().await;
        assert!(proof.clean, "{proof}");
        assert_eq!(site.left(), Vec::<String>::new(), "{proof}");
    }
}

/// The job's own container.
pub(crate) fn container() -> ContainerSpec {
    ContainerSpec {
        key: String::new(),
        image: IMAGE.to_owned(),
        credentials: None,
        env: Vec::new(),
        ports: Vec::new(),
        volumes: Vec::new(),
        options: None,
    }
}

/// A service that runs a script.
pub(crate) fn service(key: &str, script: &str) -> ContainerSpec {
    // A service runs what its image is for; this one's image is a shell that does what its environment says.
    ContainerSpec {
        key: key.to_owned(),
        env: vec![("SCRIPT".to_owned(), script.to_owned())],
        options: Some("--entrypoint /bin/serve".to_owned()),
        ..container()
    }
}

async fn all(mut inbox: mpsc::Receiver<OutputLine>) -> Vec<OutputLine> {
    let mut lines = Vec::new();
    while let Some(line) = inbox.recv().await {
        lines.push(line);
    }
    lines
}

fn has(program: &str) -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()).any(|dir| dir.join(program).is_file())
}

/// busybox under all its names, what it is linked with, and `/bin/serve`, which does what `$SCRIPT` says.
pub(crate) fn root_file_system() -> Vec<u8> {
    let busybox = String::from_utf8(Command::new("sh").args(["-c", "command -v busybox"]).output().expect("sh").stdout);
    let busybox = PathBuf::from(busybox.expect("a path").trim());
    let mut tar = tar::Builder::new(Vec::new());
    let mut put = |path: &str, mode: u32, bytes: &[u8]| {
        let mut header = tar::Header::new_gnu();
        header.set_mode(mode);
        header.set_size(u64::try_from(bytes.len()).expect("small"));
        tar.append_data(&mut header, path, bytes).expect("in memory");
    };
    put("bin/busybox", 0o755, &fs::read(&busybox).expect("busybox"));
    put("bin/serve", 0o755, b"#!/bin/sh\neval \"$SCRIPT\"\n");
    put("etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/sh\nworker:x:1000:1000:worker:/:/bin/sh\n");
    put("etc/group", 0o644, b"root:x:0:\nworker:x:1000:\n");
    let linked = Command::new("ldd").arg(&busybox).output().expect("ldd").stdout;
    for library in String::from_utf8_lossy(&linked).split_whitespace().filter(|word| word.starts_with('/')) {
        put(library.trim_start_matches('/'), 0o755, &fs::read(library).expect("a library"));
    }
    let names = Command::new(&busybox).arg("--list").output().expect("busybox").stdout;
    for name in String::from_utf8_lossy(&names).lines().filter(|name| *name != "busybox") {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_mode(0o777);
        header.set_size(0);
        tar.append_link(&mut header, format!("bin/{name}"), "busybox").expect("in memory");
    }
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Directory);
    header.set_mode(0o1777);
    header.set_size(0);
    tar.append_data(&mut header, "tmp", std::io::empty()).expect("in memory");
    tar.into_inner().expect("in memory")
}
