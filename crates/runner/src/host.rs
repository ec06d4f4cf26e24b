//! A job on the server as it is, as davit's own user, for repositories that an administrator trusts.
//!
//! Where bubblewrap works, the job has process ids of its own, and nothing that it starts can outlive it. Elsewhere its
//! processes are found by descent, control group and a mark in their environment.

use crate::RunnerError;
use crate::cell::{Cell, Pieces, Start};
use crate::launch;
use crate::layout::Layout;
use crate::place::PlaceSpec;
use std::process::Stdio;
use tokio::process::Command;
use tokio::sync::OnceCell;

/// Makes a place on the host.
pub(crate) async fn open(spec: &PlaceSpec) -> Result<Cell, RunnerError> {
    open_with(spec, can_have_own_processes().await).await
}

async fn open_with(spec: &PlaceSpec, own_processes: bool) -> Result<Cell, RunnerError> {
    let layout = Layout::of_host(&spec.job_dir)?;
    let path = std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin".into());
    let base_env = [
        ("PATH", path),
        ("HOME", layout.home.inside.clone()),
        ("LANG", "C.UTF-8".into()),
        ("LC_ALL", "C.UTF-8".into()),
        ("USER", user()),
        ("LOGNAME", user()),
        ("TMPDIR", layout.tmp.inside.clone()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let start = Start { layout, lease: None, own_processes, base_env };
    Cell::start(spec, start, |pieces| command(pieces, own_processes)).await
}

/// Whether bubblewrap can give process ids of its own here; found out once.
pub(crate) async fn can_have_own_processes() -> bool {
    static CAN: OnceCell<bool> = OnceCell::const_new();
    *CAN.get_or_init(|| async {
        let [bwrap, arguments @ ..] = &WALLS;
        let tried = Command::new(bwrap)
            .args(arguments)
            .args(["--", "true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .status();
        tried.await.is_ok_and(|status| status.success())
    })
    .await
}

const WALLS: [&str; 9] =
    ["bwrap", "--dev-bind", "/", "/", "--proc", "/proc", "--unshare-pid", "--die-with-parent", "--new-session"];

fn command(pieces: &Pieces<'_>, own_processes: bool) -> Result<Vec<String>, RunnerError> {
    let mut argv = launch::shell(pieces, None)?;
    if own_processes {
        argv.extend(WALLS.map(str::to_owned));
        if nix::unistd::geteuid().is_root() {
            argv.extend(["--cap-add", "ALL"].map(str::to_owned));
        }
        argv.extend(["--info-fd", "4", "--"].map(str::to_owned));
    }
    argv.extend(pieces.shell.iter().cloned());
    Ok(argv)
}

/// The name of davit's own user, or its number where it has none.
fn user() -> String {
    let id = nix::unistd::geteuid();
    nix::unistd::User::from_uid(id).ok().flatten().map_or_else(|| id.to_string(), |user| user.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::{Executor, Limits, StepCommand, StepExit};
    use crate::processes;
    use std::time::Duration;
    use tokio::sync::mpsc;
    use tokio_util::sync::CancellationToken;

    fn sleeping(seconds: &str) -> usize {
        let is_it = |pid: i32| {
            std::fs::read(format!("/proc/{pid}/cmdline"))
                .is_ok_and(|line| line == format!("sleep\0{seconds}\0").as_bytes())
        };
        processes::all().iter().filter(|process| is_it(process.pid)).count()
    }

    #[tokio::test]
    async fn without_process_ids_of_its_own_a_job_is_found_by_descent_group_and_mark() {
        let directory = tempfile::tempdir().expect("a directory");
        let spec = PlaceSpec {
            job_dir: directory.path().join("job"),
            executor: Executor::Host,
            container: None,
            services: Vec::new(),
            limits: Limits {
                memory: 1 << 30,
                cpus: 1.0,
                processes: 100,
                disk: 1 << 30,
                output: 1 << 20,
                time: Duration::from_secs(60),
            },
            network: true,
            tools: Vec::new(),
            name: format!("davit-test-{:016x}", rand::random::<u64>()),
        };
        let cell = open_with(&spec, false).await.expect("a place");
        let seconds = rand::random_range(10_000_000..99_999_999_u32).to_string();
        let script = format!("sleep {seconds} & ( ( setsid sleep {seconds} & ) & ); exit 4");
        let command = StepCommand {
            argv: ["sh", "-c", &script].map(str::to_owned).into(),
            env: cell.base_env().to_vec(),
            cwd: cell.layout().workspace.inside.clone(),
            stdin: None,
            timeout: None,
        };
        let (sink, _lines) = mpsc::channel(16);
        let exit = cell.run(&command, &sink, &CancellationToken::new()).await.expect("an end");
        assert_eq!(exit, StepExit::Code(4));
        while sleeping(&seconds) < 2 {
            tokio::task::yield_now().await;
        }
        let proof = cell.close().await;
        assert!(proof.clean, "{proof}");
        assert_eq!(sleeping(&seconds), 0, "{proof}");
    }
}
