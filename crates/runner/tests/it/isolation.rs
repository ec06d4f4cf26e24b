//! What a job must not be able to do, tried by a job. Where it is not plain that a test could fail at all, the same is
//! tried where it works.

use crate::place_support::{Open, Ran, cancelled_never, open_with, processes_with, run, sandbox, script, spec};
use davit_runner::{Executor, Place, PlaceSpec, RunnerError, StepExit};
use std::fs;
use std::path::Path;
use std::process::Stdio;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::sync::mpsc;

/// Looks everywhere for a text, and says how often it was found. The text is on no command line of the search itself.
fn search(text: &str) -> String {
    let (head, tail) = text.split_at(text.len() / 2);
    format!(
        "printf %s%s '{head}' '{tail}' >\"$TMPDIR\"/pattern
        cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\\0' '\\n' | grep -c -F -f \"$TMPDIR\"/pattern; true"
    )
}

#[tokio::test]
async fn the_environment_of_the_server_is_not_to_be_seen() {
    let secret = format!("secret{:032x}", rand::random::<u128>());
    let mut server = Command::new("sleep")
        .arg("600")
        .env("TOKEN", &secret)
        .kill_on_drop(true)
        .spawn()
        .expect("a process with a secret in its environment");
    for executor in [Executor::Sandbox, Executor::Host] {
        let open = open_with(executor, |_| ()).await;
        let ran = open.sh(&search(&secret)).await;
        assert_eq!(ran.text(), "0", "{executor:?}");
        let own = open.sh(&search("CARGO_")).await;
        assert_eq!(own.text(), "0", "the environment of davit itself");
        open.close().await;
    }
    let found = fs::read(format!("/proc/{}/environ", server.id().expect("a process id"))).expect("readable out here");
    assert!(String::from_utf8_lossy(&found).contains(&secret), "the search could have found it");
    server.kill().await.expect("ended");
}

#[tokio::test]
async fn the_environment_of_a_step_is_on_no_command_line_and_not_with_the_next_step() {
    let open = sandbox().await;
    let text = format!("echo $TOKEN | tr h H; {}", search("hunter22").replace("/proc/*/environ", ""));
    let mut command = script(&open.place, &text);
    command.env.push(("TOKEN".into(), "hunter22".into()));
    let ran = run(&open.place, command, &cancelled_never()).await;
    assert_eq!(ran.text(), "Hunter22\n0", "{text}");
    let next = open.sh("env; cat /proc/*/environ | tr '\\0' '\\n'").await;
    assert!(!next.text().contains("hunter22") && next.text().contains("HOME="), "{}", next.text());
    open.close().await;
}

#[tokio::test]
async fn nothing_of_the_servers_files_is_to_be_seen() {
    let other = sandbox().await;
    other.sh("echo theirs >secret; chmod 777 . secret").await;
    let open = sandbox().await;
    let key = open.directory.path().join("server.key");
    fs::write(&key, "key").expect("written");
    let home = std::env::home_dir().expect("a home");
    let paths = [
        key.as_path(),
        other.directory.path(),
        &home,
        Path::new("/etc/shadow"),
        Path::new("/var/lib"),
        Path::new("/sys"),
    ];
    for path in paths {
        assert!(path.exists(), "{} is there out here", path.display());
        let ran = open.sh(&format!("cat '{0}' || ls -d '{0}'", path.display())).await;
        assert_ne!(ran.code(), 0, "{}: {}", path.display(), ran.text());
    }
    let root = open.sh("ls -A / | tr '\\n' ' '").await.text();
    let expected = [
        "bin",
        "dev",
        "etc",
        "home",
        "lib",
        "lib32",
        "lib64",
        "libx32",
        "nix",
        "opt",
        "proc",
        "run",
        "runner",
        "sbin",
        "tmp",
        "usr",
        "var",
        "workspace",
    ];
    assert!(root.split_whitespace().all(|name| expected.contains(&name)), "{root}");
    let users = open.sh("cat /etc/passwd; find / -xdev -name '*.key' 2>/dev/null").await.text();
    assert_eq!(users.lines().count(), 3, "{users}");
    other.close().await;
    open.close().await;
}

#[tokio::test]
async fn only_the_jobs_own_directories_can_be_written() {
    let open = sandbox().await;
    let find = "find / -path /proc -prune -o -type d -print 2>/dev/null | while read -r d; do [ -w \"$d\" ] && echo \"$d\"; done; true";
    let ran = open.sh(find).await;
    let mut writable: Vec<String> = ran.text().lines().map(str::to_owned).collect();
    writable.sort();
    assert_eq!(
        writable,
        ["/dev/pts", "/dev/shm", "/home/runner", "/runner/exchange", "/runner/temp", "/tmp", "/workspace"]
    );
    open.close().await;
}

#[tokio::test]
async fn without_network_there_is_only_the_own_loopback() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let connect = format!("exec bash -c 'exec 3<>/dev/tcp/127.0.0.1/{port}'");
    for (network, code) in [(true, 0), (false, 1)] {
        let open = open_with(Executor::Sandbox, |spec| spec.network = network).await;
        assert_eq!(open.sh(&connect).await.code(), code, "network: {network}");
        let devices = open.sh("tail -n +3 /proc/net/dev | cut -d: -f1").await.text();
        assert!(network || devices.trim() == "lo", "{devices}");
        open.close().await;
    }
    let open = sandbox().await;
    let own = "busybox nc -l -p 7000 -e echo hello & until bash -c 'read x <>/dev/tcp/127.0.0.1/7000 && echo $x' 2>/dev/null; do :; done";
    assert_eq!(open.sh(own).await.text(), "hello");
    open.close().await;
}

#[tokio::test]
async fn nothing_outlives_its_run() {
    for executor in [Executor::Sandbox, Executor::Host] {
        let open = open_with(executor, |_| ()).await;
        let mark = format!("{}", rand::random_range(10_000_000..99_999_999_u32));
        let ran = open
            .sh(&format!(
                "sleep {mark}1 & nohup sleep {mark}2 >/dev/null 2>&1 &
                setsid sleep {mark}3 & ( ( setsid nohup sleep {mark}4 >/dev/null 2>&1 & ) & )
                ( env -i setsid sh -c 'trap \"\" TERM HUP INT; sleep {mark}5; sleep {mark}6' >/dev/null 2>&1 </dev/null & )"
            ))
            .await;
        assert_eq!(ran.code(), 0, "{}", ran.text());
        // They live on after their step.
        while processes_with(&mark).len() < 5 {
            tokio::task::yield_now().await;
        }
        let still = open.sh("echo another step").await;
        assert_eq!(still.code(), 0);
        let proof = open.place.close().await;
        assert!(proof.clean, "{proof}");
        assert_eq!(processes_with(&mark), Vec::<String>::new(), "{executor:?}: {proof}");
    }
}

#[tokio::test]
async fn a_step_can_end_its_own_place_and_nothing_else() {
    let mut server = Command::new("sleep").arg("600").kill_on_drop(true).spawn().expect("a process");
    let other = sandbox().await;
    let open = sandbox().await;
    let pid = server.id().expect("a process id");
    assert_ne!(open.sh(&format!("kill -9 {pid}")).await.code(), 0);
    let ran = open.sh("kill -9 -1; sleep 600").await;
    assert!(matches!(&ran.exit, Err(RunnerError::Ended(_))), "{ran:?}");
    let next = open.sh("echo no").await;
    assert!(matches!(&next.exit, Err(RunnerError::Ended(_))), "{next:?}");
    assert!(open.place.close().await.clean);
    assert_eq!(other.sh("echo alive").await.text(), "alive");
    assert_eq!(server.try_wait().expect("asked"), None);
    other.close().await;
    server.kill().await.expect("ended");
}

#[tokio::test]
async fn there_is_no_way_up() {
    let open = sandbox().await;
    let status = open.sh("grep -E '^(CapEff|CapBnd|NoNewPrivs)' /proc/self/status | tr -s '\\t' ' '").await.text();
    assert_eq!(status, "CapEff: 0000000000000000\nCapBnd: 0000000000000000\nNoNewPrivs: 1");
    let ran = open.sh("cp /usr/bin/id ./id; chmod 6755 ./id; ./id -u; /usr/bin/id -u").await;
    assert_eq!(ran.text(), "1000\n1000");
    for attempt in
        ["unshare --user true", "unshare --mount true", "mount -t tmpfs none /tmp", "chroot / true", "mknod x b 8 0"]
    {
        assert_ne!(open.sh(attempt).await.code(), 0, "{attempt}");
    }
    open.close().await;
}

#[tokio::test]
async fn a_job_that_writes_to_davits_own_channels_reaches_nobody() {
    let open = sandbox().await;
    let trap = open.directory.path().join("trap");
    let forged = format!(
        "up=/proc/$PPID/fd
        echo 'end 00000000000000000000000000000000 0' >$up/3; echo '\"child-pid\": 1' >$up/3
        head -c 3000000 /dev/zero | tr '\\0' x >$up/3; echo >$up/3
        echo 'touch {0}; touch /workspace/in' >$up/0
        exit 7",
        trap.display()
    );
    assert_eq!(open.sh(&forged).await.code(), 7);
    let happened = open.sh("ls /workspace | tail -n 1").await.text();
    // What it tells its supervisor happens inside, as itself. Pipes of root it can't open at all.
    let happened = happened.lines().last().unwrap_or_default();
    assert_eq!(happened, if nix::unistd::geteuid().is_root() { "" } else { "in" });
    assert!(!trap.exists());
    let proof = open.place.close().await;
    assert!(proof.clean, "{proof}");
}

#[tokio::test]
async fn a_step_has_three_open_files() {
    for executor in [Executor::Sandbox, Executor::Host] {
        let open = open_with(executor, |_| ()).await;
        // The fourth is what `ls` reads.
        assert_eq!(open.sh("exec ls /proc/self/fd").await.text(), "0\n1\n2\n3", "{executor:?}");
        open.close().await;
    }
}

#[tokio::test]
async fn a_place_that_would_show_davits_own_data_is_refused() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut spec = spec(&directory, Executor::Sandbox);
    spec.tools = vec![directory.path().to_owned()];
    for (name, job_dir) in
        [("davit-x", directory.path().join("job")), ("../x", "/tmp/none".into()), ("davit-x", "relative".into())]
    {
        let (sink, _lines) = mpsc::channel(1);
        let refused =
            Place::open(&PlaceSpec { name: name.into(), job_dir, ..spec.clone() }, &sink, &cancelled_never()).await;
        assert!(matches!(refused, Err(RunnerError::Unavailable(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn links_lead_davit_nowhere() {
    let open = sandbox().await;
    let secret = open.directory.path().join("secret");
    fs::write(&secret, "secret").expect("written");
    let ran = open
        .sh(&format!(
            "ln -s {0} link; ln -s {1} dir; mkfifo pipe; mkdir real; ln -s ../.. real/up; echo fine >real/file",
            secret.display(),
            open.directory.path().display()
        ))
        .await;
    assert_eq!(ran.code(), 0);
    for path in ["link", "dir/secret", "pipe", "real", "real/up/secret", "../secret", "real/../../secret"] {
        let read = open.place.read_file(&format!("/workspace/{path}"), 100).await;
        assert!(matches!(read, Err(RunnerError::Refused(_))), "{path}: {read:?}");
    }
    for path in ["/etc/passwd", "/workspacex", "relative", "/proc/self/environ"] {
        assert!(matches!(open.place.read_file(path, 100).await, Err(RunnerError::Refused(_))), "{path}");
    }
    assert_eq!(open.place.read_file("/workspace/real/file", 100).await.expect("read").as_deref(), Some(&b"fine\n"[..]));
    assert!(matches!(open.place.read_file("/workspace/real/file", 4).await, Err(RunnerError::Refused(_))));
    for path in ["dir/new", "real/up/new", "../new"] {
        let wrote = open.place.write_file(&format!("/workspace/{path}"), b"x", 0o644).await;
        assert!(matches!(wrote, Err(RunnerError::Refused(_))), "{path}: {wrote:?}");
    }
    open.place.write_file("/workspace/link", b"mine", 0o644).await.expect("the link itself is replaced");
    assert_eq!(fs::read_to_string(&secret).expect("read"), "secret");
    assert_eq!(open.sh("cat link; stat -c ' %U %a' link").await.text(), "mine runner 644");
    open.close().await;
}

/// An archive that wants out: `..`, whole paths, and files behind a link.
fn hostile_archive(path: &Path, trap: &Path) {
    let mut file = Vec::new();
    let mut add = |kind: u8, name: &str, link: &str, content: &[u8]| {
        let mut header = [0_u8; 512];
        header[..name.len()].copy_from_slice(name.as_bytes());
        header[100..107].copy_from_slice(b"0000644");
        header[108..115].copy_from_slice(b"0000000");
        header[116..123].copy_from_slice(b"0000000");
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[136..147].copy_from_slice(b"00000000000");
        header[156] = kind;
        header[157..157 + link.len()].copy_from_slice(link.as_bytes());
        header[257..265].copy_from_slice(b"ustar\x0000");
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        file.extend_from_slice(&header);
        file.extend_from_slice(content);
        file.resize(file.len().div_ceil(512) * 512, 0);
    };
    let trap = trap.to_str().expect("a name");
    add(b'0', "../../up", "", b"out");
    add(b'0', &format!("{trap}/whole"), "", b"out");
    add(b'2', "link", trap, b"");
    add(b'0', "link/behind", "", b"out");
    add(b'0', "good", "", b"in");
    file.resize(file.len() + 1024, 0);
    fs::write(path, file).expect("written");
}

#[tokio::test]
async fn archives_do_not_lead_out() {
    let open = sandbox().await;
    let trap = open.directory.path().join("trap");
    fs::create_dir(&trap).expect("made");
    let plain = open.directory.path().join("hostile.tar");
    hostile_archive(&plain, &trap);
    let packed = Command::new("gzip").arg(&plain).status().await.expect("gzip");
    assert!(packed.success());
    // tar may refuse all of it or leave the bad members out.
    let _ = open.place.unpack(&open.directory.path().join("hostile.tar.gz"), "/workspace/in").await;
    assert_eq!(fs::read_dir(&trap).expect("listed").count(), 0, "nothing came out");
    assert!(!open.directory.path().join("up").exists() && !open.directory.path().join("job/up").exists());
    assert_eq!(open.sh("cat in/good").await.text(), "in");

    open.sh("ln -s /etc/passwd stolen; ln -s / root; echo text >file").await;
    let out = open.directory.path().join("out.tar.gz");
    let size =
        open.place.pack(&["file".into(), "stolen".into(), "root".into()], "/workspace", &out).await.expect("packed");
    assert_eq!(size, fs::metadata(&out).expect("there").len());
    let listing = Command::new("tar").arg("-tvzf").arg(&out).output().await.expect("tar");
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    assert!(listing.contains("stolen -> /etc/passwd") && listing.lines().count() == 3, "{listing}");
    let up = open.place.pack(&["../exchange".into()], "/runner/temp", &open.directory.path().join("up.tar.gz")).await;
    assert!(up.is_err() || !open.directory.path().join("job/../up").exists(), "{up:?}");
    open.close().await;
}

#[tokio::test]
async fn an_archive_that_a_job_swaps_for_a_link_is_not_taken() {
    let open = sandbox().await;
    let secret = open.directory.path().join("secret");
    fs::write(&secret, "secret").expect("written");
    let swap = format!(
        "( while :; do for f in /runner/exchange/pack-*; do ln -sf {} $f 2>/dev/null; done; done ) >/dev/null 2>&1 & head -c 20000000 /dev/urandom >big",
        secret.display()
    );
    open.sh(&swap).await;
    let out = open.directory.path().join("out.tar.gz");
    let taken = open.place.pack(&["big".into()], "/workspace", &out).await;
    assert!(matches!(taken, Err(RunnerError::Refused(_))), "{taken:?}");
    assert!(!fs::read(&out).is_ok_and(|content| content == b"secret"));
    open.close().await;
}

/// Ends as a job over its limit does.
fn over(ran: &Ran) -> String {
    match &ran.exit {
        Ok(StepExit::OverLimit { what }) => what.clone(),
        other => panic!("not over its limit: {other:?}: {}", ran.text()),
    }
}

async fn small_disk() -> Open {
    open_with(Executor::Sandbox, |spec| spec.limits.disk = 5 << 20).await
}

#[tokio::test]
async fn one_file_can_not_be_bigger_than_the_disk() {
    let open = small_disk().await;
    let ran = open.sh("head -c 100000000 /dev/zero >big").await;
    assert!(over(&ran).contains("5 MiB"), "{ran:?}");
    let size = fs::metadata(open.directory.path().join("job/workspace/big")).map_or(0, |found| found.len());
    assert!(size <= 5 << 20, "{size}");
    open.close().await;
}

#[tokio::test]
async fn many_files_anywhere_are_as_much_as_one() {
    let endless = [
        "i=0; while :; do i=$((i+1)); head -c 1000000 /dev/zero >f$i || exit; done",
        "cd /tmp; i=0; while :; do i=$((i+1)); head -c 1000000 /dev/zero >f$i || exit; done",
        "cd /home/runner; i=0; while :; do i=$((i+1)); mkdir d$i; : >d$i/f; done",
        // Removed, and still on the disk.
        "bash -c 'while :; do exec {fd}>f; rm f; head -c 1000000 /dev/zero >&$fd || exit; done'",
    ];
    for text in endless {
        let open = small_disk().await;
        let ran = open.sh(text).await;
        assert!(over(&ran).contains("5 MiB"), "{text}: {ran:?}");
        assert!(matches!(open.sh("true").await.exit, Err(RunnerError::Ended(_))), "it is over for good");
        open.close().await;
    }
}

#[tokio::test]
async fn what_runs_in_the_background_fills_no_disk_either() {
    let open = small_disk().await;
    // It begins once the next step runs: the first one would hear of it otherwise, if it takes its time to end.
    let fill = "( until [ -e go ]; do :; done; i=0; while :; do i=$((i+1)); head -c 1000000 /dev/zero >f$i; done )";
    assert_eq!(open.sh(&format!("{fill} & true")).await.code(), 0);
    // Any step that runs meanwhile hears of it.
    let ran = open.sh(": >go; sleep 600").await;
    assert!(over(&ran).contains("5 MiB"), "{ran:?}");
    open.close().await;
}

#[tokio::test]
async fn a_fork_bomb_hits_its_limit_and_others_go_on() {
    let bomb = open_with(Executor::Sandbox, |spec| spec.limits.processes = 40).await;
    let other = sandbox().await;
    let mark = format!("{}", rand::random_range(10_000_000..99_999_999_u32));
    // No shell: those give up after some seconds without another process. Perl is there on every Debian.
    let text = format!(
        "while (1) {{
    my $child = fork();
    if (!defined $child) {{ select(undef, undef, undef, 0.01); next }}
    if ($child == 0) {{ exec('sleep', '{mark}'); exit 1 }}
}}"
    );
    let mut command = script(&bomb.place, "");
    command.argv = ["perl", "-e", &text].map(str::to_owned).into();
    let cancel = cancelled_never();
    let watch = async {
        // Until the limit is reached, as the machine sees it.
        while processes_with(&mark).len() < 30 {
            tokio::task::yield_now().await;
        }
        for _ in 0..20 {
            assert!(processes_with(&mark).len() <= 40);
            assert_eq!(other.sh("sh -c 'echo fine'").await.text(), "fine");
        }
        cancel.cancel();
    };
    let (ran, ()) = tokio::join!(run(&bomb.place, command, &cancel), watch);
    assert!(matches!(ran.exit, Ok(StepExit::Cancelled { .. })), "{ran:?}");
    assert_eq!(processes_with(&mark), Vec::<String>::new());
    assert_eq!(bomb.sh("echo again").await.text(), "again", "the place itself lives on");
    let proof = bomb.place.close().await;
    assert!(proof.clean, "{proof}");
    other.close().await;
}

#[tokio::test]
async fn memory_has_an_end() {
    let open = open_with(Executor::Sandbox, |spec| spec.limits.memory = 64 << 20).await;
    let ran = open.sh("tail /dev/zero").await;
    if crate::place_support::groups_hold() {
        assert!(over(&ran).contains("64 MiB of memory"), "{ran:?}");
        assert_eq!(open.sh("echo next").await.text(), "next", "later steps can still clean up");
    } else {
        assert!(!matches!(ran.exit, Ok(StepExit::Code(0))), "{ran:?}");
    }
    open.close().await;
}

/// The same again as a user who may nothing: no control groups, no user a job.
#[tokio::test]
async fn all_of_it_holds_for_a_server_that_is_not_root() {
    if !nix::unistd::geteuid().is_root() {
        // The other tests have just been run that way.
        return;
    }
    let directory = tempfile::tempdir().expect("a directory");
    let own = std::env::current_exe().expect("a program");
    let copy = directory.path().join("it");
    fs::copy(own, &copy).expect("copied");
    let temporary = directory.path().join("tmp");
    fs::create_dir(&temporary).expect("made");
    std::os::unix::fs::chown(&temporary, Some(65534), Some(65534)).expect("given");
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(directory.path(), everybody).expect("opened");
    let mut tests = Command::new("setpriv")
        .args(["--reuid", "65534", "--regid", "65534", "--clear-groups", "--"])
        .arg(&copy)
        .args(["isolation", "places", "--test-threads", "2"])
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", &temporary)
        .env("TMPDIR", &temporary)
        .env("CARGO_NOT_FOR_JOBS", "1")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("the tests again");
    let (mut out, mut err) = (String::new(), String::new());
    let (mut stdout, mut stderr) = (tests.stdout.take().expect("piped"), tests.stderr.take().expect("piped"));
    let (read, wrote) = tokio::join!(stdout.read_to_string(&mut out), stderr.read_to_string(&mut err));
    assert!(read.is_ok() && wrote.is_ok());
    assert!(tests.wait().await.expect("ended").success(), "{out}\n{err}");
}
