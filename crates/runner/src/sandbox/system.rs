//! What a sandbox sees of the system: programs read-only, and the few files of `/etc` that programs need.

use crate::RunnerError;
use crate::launch::text;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The user that steps are, in the sandbox.
pub(super) const USER: u32 = 1000;

/// What the machine is called, in the sandbox.
pub(super) const HOST_NAME: &str = "davit";

/// Files and directories of `/etc` that programs look for and that hold no secret. Where one is missing, it is left
/// out.
const ETC: [&str; 27] = [
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "debian_version",
    "dotnet",
    "fonts",
    "gai.conf",
    "host.conf",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "localtime",
    "magic",
    "maven",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "perl",
    "php",
    "pki/ca-trust",
    "pki/tls/certs",
    "protocols",
    "resolv.conf",
    "services",
    "ssl/certs",
    "ssl/openssl.cnf",
];

/// The same for names that have a version in them: `java-17-openjdk`, `python3.11`.
const ETC_PREFIXES: [&str; 2] = ["java-", "python3"];

/// What lies at the root of the system and is shown: programs and their libraries.
const ROOT: [&str; 7] = ["bin", "lib", "lib32", "lib64", "libx32", "sbin", "nix"];

/// Files of `/etc` that a sandbox gets instead of the server's own.
const MADE: [&str; 4] = ["passwd", "group", "hosts", "hostname"];

/// Writes the files that a sandbox gets instead of the server's own. Names that the server has for other machines are
/// shown to jobs that reach them.
pub(super) fn write_etc(control: &Path, network: bool) -> Result<(), RunnerError> {
    let own = format!("127.0.0.1 localhost {HOST_NAME}\n::1 localhost ip6-localhost ip6-loopback\n");
    let hosts = if network { fs::read_to_string("/etc/hosts").unwrap_or_default() + "\n" + &own } else { own };
    let passwd = format!(
        "root:x:0:0:root:/root:/bin/sh\nrunner:x:{USER}:{USER}:runner:/home/runner:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
    );
    let group = format!("root:x:0:\nrunner:x:{USER}:\nnogroup:x:65534:\n");
    let files = MADE.into_iter().zip([passwd, group, hosts, format!("{HOST_NAME}\n")]);
    for (name, content) in files {
        let path = control.join(name);
        let written = fs::write(&path, content).and_then(|()| {
            // Whatever the server's umask is.
            fs::set_permissions(&path, fs::Permissions::from_mode(0o644))
        });
        written.map_err(RunnerError::io(format!("writing the sandbox's {name}")))?;
    }
    Ok(())
}

/// The arguments of bubblewrap that show the system. `control` is where [`write_etc`] wrote, as bubblewrap sees it.
pub(super) fn binds(control: &Path, job_dir: &Path) -> Result<Vec<String>, RunnerError> {
    let mut arguments = Vec::new();
    let mut push = |words: [&str; 3]| arguments.extend(words.map(str::to_owned));
    push(["--ro-bind", "/usr", "/usr"]);
    for name in ROOT {
        let path = Path::new("/").join(name);
        let shown = text(&path)?;
        match fs::read_link(&path) {
            Ok(target) => push(["--symlink", &text(&target)?, &shown]),
            Err(_) if path.is_dir() => push(["--ro-bind", &shown, &shown]),
            Err(_) => {}
        }
    }
    for path in programs_in_opt(job_dir) {
        let path = text(&path)?;
        push(["--ro-bind", &path, &path]);
    }
    for name in ETC.map(str::to_owned).into_iter().chain(versioned()) {
        let shown = format!("/etc/{name}");
        // A link is followed here, on the server: `/etc/resolv.conf` often points to `/run`.
        if let Ok(real) = fs::canonicalize(&shown) {
            push(["--ro-bind", &text(&real)?, &shown]);
        }
    }
    for name in MADE {
        push(["--ro-bind", &text(&control.join(name))?, &format!("/etc/{name}")]);
    }
    Ok(arguments)
}

fn versioned() -> impl Iterator<Item = String> {
    let entries = fs::read_dir("/etc").into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| ETC_PREFIXES.iter().any(|prefix| name.starts_with(prefix)))
}

/// What is installed in `/opt`. A directory of the server's own user is left out, and one that jobs lie in: that may be
/// the server's data, which a job that runs as the same user could read. Who wants it shown names it as a tool.
fn programs_in_opt(job_dir: &Path) -> Vec<PathBuf> {
    let own = nix::unistd::geteuid();
    let entries = fs::read_dir("/opt").into_iter().flatten().flatten();
    let foreign = |path: &PathBuf| {
        path.symlink_metadata().is_ok_and(|found| found.is_dir() && (own.is_root() || found.uid() != own.as_raw()))
    };
    entries.map(|entry| entry.path()).filter(|path| foreign(path) && !job_dir.starts_with(path)).collect()
}

/// What every step is given.
pub(super) fn base_env(home: &str) -> Vec<(String, String)> {
    [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("HOME", home),
        ("LANG", "C.UTF-8"),
        ("LC_ALL", "C.UTF-8"),
        ("USER", "runner"),
        ("LOGNAME", "runner"),
        ("TMPDIR", "/tmp"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}
