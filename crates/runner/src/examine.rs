//! What this machine can do for jobs, tried out: for `davit doctor` and for the log at the start.

use crate::cell;
use crate::host;
use crate::limits::Means;
use crate::place::{Executor, Limits, Place, PlaceSpec, StepCommand, StepExit};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What it is about: `sandbox`, `host`, `limits`, `container`.
    pub about: &'static str,
    /// Whether it works as it should.
    pub ok: bool,
    /// What was seen.
    pub detail: String,
    /// What to do about it, when there is something.
    pub what_to_do: Option<String>,
}

/// Makes a sandbox and a place on the host, runs a program in each, and looks how limits are held and for a container
/// engine. Takes a second at most where all is well.
pub async fn examine() -> Vec<Finding> {
    let mut findings = vec![sandbox().await, on_host().await, limits(cell::means())];
    findings.push(match crate::container::examine().await {
        Ok(detail) => Finding { about: "container", ok: true, detail, what_to_do: None },
        Err(error) => {
            let what_to_do =
                Some("Only jobs with `container` or `services` need it: start Docker or Podman's socket".into());
            Finding { about: "container", ok: false, detail: error.to_string(), what_to_do }
        }
    });
    findings
}

async fn sandbox() -> Finding {
    let as_whom = if nix::unistd::geteuid().is_root() {
        format!("each job as a user of its own ({} to {})", crate::user::RANGE.start(), crate::user::RANGE.end())
    } else {
        "in user namespaces of davit's own user".to_owned()
    };
    match try_out(Executor::Sandbox).await {
        Ok(took) => Finding {
            about: "sandbox",
            ok: true,
            detail: format!("bubblewrap works, {as_whom}; a sandbox and a step took {} ms", took.as_millis()),
            what_to_do: None,
        },
        Err(reason) => {
            let what_to_do = Some(advice(&reason).to_owned());
            Finding { about: "sandbox", ok: false, detail: reason, what_to_do }
        }
    }
}

async fn on_host() -> Finding {
    let tried = try_out(Executor::Host).await;
    let (ok, detail) = match tried {
        Ok(_) if host::can_have_own_processes().await => {
            (true, "jobs of trusted repositories have process ids of their own: nothing outlives them".to_owned())
        }
        Ok(_) => (
            false,
            "jobs of trusted repositories run, but a process that leaves its parents, its control group and its environment behind may outlive them".to_owned(),
        ),
        Err(reason) => (false, reason),
    };
    let what_to_do = (!ok).then(|| advice(&detail).to_owned());
    Finding { about: "host", ok, detail, what_to_do }
}

fn limits(means: &Means) -> Finding {
    let ok = !matches!(means, Means::EachProcess(_));
    let what_to_do = (!ok).then(|| {
        "Put Delegate=yes and DelegateSubgroup=davit-server in davit's unit (systemd 254 or newer): then the kernel holds the limits of all processes of a job together".to_owned()
    });
    Finding { about: "limits", ok, detail: means.describe(), what_to_do }
}

/// Opens a place, runs `true` in it and closes it. Returns how long that took up to the step's end.
async fn try_out(executor: Executor) -> Result<Duration, String> {
    let directory = tempfile::Builder::new().prefix("davit-examine-").tempdir().map_err(|error| error.to_string())?;
    let spec = PlaceSpec {
        job_dir: directory.path().join("job"),
        executor,
        container: None,
        services: Vec::new(),
        limits: Limits {
            memory: 1 << 28,
            cpus: 1.0,
            processes: 64,
            disk: 1 << 24,
            output: 1 << 20,
            time: Duration::from_secs(30),
        },
        network: false,
        tools: Vec::new(),
        name: format!("davit-examine-{:016x}", rand::random::<u64>()),
    };
    // Nobody listens: nothing is said.
    let (sink, _) = mpsc::channel(1);
    let cancel = CancellationToken::new();
    let started = Instant::now();
    let place = Place::open(&spec, &sink, &cancel).await.map_err(|error| error.to_string())?;
    let command = StepCommand {
        argv: vec!["true".into()],
        env: place.base_env(),
        cwd: place.workspace().to_owned(),
        stdin: None,
        timeout: Some(Duration::from_secs(20)),
    };
    let ran = place.run(command, &sink, &cancel).await;
    let took = started.elapsed();
    let proof = place.close().await;
    match ran {
        Ok(StepExit::Code(0)) if proof.clean => Ok(took),
        Ok(StepExit::Code(0)) => Err(proof.text),
        Ok(exit) => Err(format!("a first program did not run: {exit:?}")),
        Err(error) => Err(error.to_string()),
    }
}

/// What usually helps.
fn advice(reason: &str) -> &'static str {
    let missing = |program: &str| {
        let failed = ["not found", "No such file", "failed to execute"].iter().any(|words| reason.contains(words));
        failed && reason.contains(program)
    };
    if missing("bwrap") || reason.contains("exec: bwrap") {
        "Install bubblewrap (Debian, Ubuntu, Fedora: the package bubblewrap)"
    } else if missing("setpriv") || missing("unshare") || missing("prlimit") {
        "Install util-linux: davit needs its setpriv, unshare, mount and prlimit"
    } else if reason.contains("--disable-userns") {
        "Install bubblewrap 0.8 or newer"
    } else if ["namespace", "uid map", "RTM_NEWADDR", "Operation not permitted", "Permission denied"]
        .iter()
        .any(|words| reason.contains(words))
    {
        "Allow user namespaces: on Ubuntu 24.04 and newer an AppArmor profile for /usr/bin/bwrap, or sysctl kernel.apparmor_restrict_unprivileged_userns=0; elsewhere sysctl user.max_user_namespaces=15000. In a container davit needs the right to make namespaces (Docker: --security-opt seccomp=unconfined --security-opt apparmor=unconfined)"
    } else {
        "Install bubblewrap 0.8 or newer and util-linux, and allow user namespaces"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_fits_the_trouble() {
        for (reason, words) in [
            ("davit: line 20: exec: bwrap: not found", "Install bubblewrap"),
            ("setpriv: failed to execute bwrap: No such file or directory", "Install bubblewrap"),
            ("bwrap: Unknown option --disable-userns", "0.8"),
            ("bwrap: setting up uid map: Permission denied", "AppArmor"),
            ("bwrap: No permissions to create new namespace", "AppArmor"),
        ] {
            assert!(advice(reason).contains(words), "{reason}: {}", advice(reason));
        }
    }
}
