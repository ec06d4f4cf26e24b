//! Steps in sandbox and host: what they are given, what they say, what stays.

use crate::place_support::{
    BOTH, cancelled_never, groups_hold, mark, open_with, processes_with, run, sandbox, script, spec,
};
use davit_domain::log::Stream;
use davit_runner::{Executor, Place, RunnerError, StepCommand, examine, sweep};
use std::fs;
use tokio::process::Command;
use tokio::sync::mpsc;

#[tokio::test]
async fn a_step_says_lines_on_two_streams_and_ends_with_its_code() {
    for executor in BOTH {
        let open = open_with(executor, |_| ()).await;
        let ran = open.sh("echo out; echo err >&2; echo named >/dev/stderr; printf 'no end'; exit 3").await;
        assert_eq!(ran.code(), 3);
        let of = |stream: Stream| -> Vec<&str> {
            ran.lines.iter().filter(|line| line.stream == stream).map(|line| line.text.as_str()).collect()
        };
        assert_eq!(of(Stream::Stdout), ["out", "no end"]);
        assert_eq!(of(Stream::Stderr), ["err", "named"]);
        assert_eq!(open.sh("kill -TERM $$").await.code(), 128 + 15);
        assert_eq!(open.sh("trap 'exit 9' TERM; kill 0").await.code(), 9, "its group is its own");
        let job = open.directory.path().join("job");
        assert!(job.exists());
        open.place.close().await;
        assert!(!job.exists(), "its files are gone");
    }
}

#[tokio::test]
async fn a_step_has_exactly_its_environment_input_and_directory() {
    for executor in BOTH {
        let open = open_with(executor, |_| ()).await;
        let odd = "it's \"$HOME\" `id` \\ \n\ttwo lines\n\n*";
        let mut command = script(&open.place, "cat; pwd; env -0 | sort -z | tr '\\0' '|'");
        command.cwd = open.place.temp().to_owned();
        command.stdin = Some(b"line\n\0binary\n".to_vec());
        command.env = [("PATH", "/usr/bin:/bin"), ("ODD", odd), ("UID", "7"), ("_x1", "")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let ran = run(&open.place, command, &cancelled_never()).await;
        let text = ran.text();
        assert!(text.starts_with(&format!("line\n\u{FFFD}binary\n{}\n", open.place.temp())), "{text}");
        assert!(text.contains(&format!("ODD={odd}|")), "{text}");
        let names: Vec<&str> = text
            .split('|')
            .filter_map(|pair| pair.rsplit('\n').next()?.split_once('='))
            .map(|(name, _)| name)
            .collect();
        assert!(names.contains(&"_x1") && !names.contains(&"HOME"), "{names:?}");
        open.close().await;
    }
}

#[tokio::test]
async fn what_no_shell_can_be_given_is_refused() {
    let open = sandbox().await;
    for name in ["A-B", "1A", "", "A B", "A=B", "BASHOPTS", "Ä"] {
        let mut command = script(&open.place, "true");
        command.env.push((name.into(), "x".into()));
        let ran = run(&open.place, command, &cancelled_never()).await;
        assert!(matches!(&ran.exit, Err(RunnerError::Refused(_))), "{name:?}: {ran:?}");
    }
    let mut command = script(&open.place, "true");
    command.env.push(("A".into(), "a\0b".into()));
    assert!(matches!(run(&open.place, command, &cancelled_never()).await.exit, Err(RunnerError::Refused(_))));
    let nothing = StepCommand { argv: Vec::new(), ..script(&open.place, "") };
    assert!(matches!(run(&open.place, nothing, &cancelled_never()).await.exit, Err(RunnerError::Refused(_))));
    let unknown = StepCommand { argv: vec!["no-such-program".into()], ..script(&open.place, "") };
    let ran = run(&open.place, unknown, &cancelled_never()).await;
    assert!(ran.code() == 127 && ran.text().contains("no-such-program"), "{ran:?}");
    let nowhere = StepCommand { cwd: "/no/such/directory".into(), ..script(&open.place, "true") };
    assert_eq!(run(&open.place, nowhere, &cancelled_never()).await.code(), 126);
    assert_eq!(open.sh("echo fine").await.text(), "fine", "the place is none the worse");
    open.close().await;
}

#[tokio::test]
async fn much_output_arrives_whole_and_in_order() {
    let open = sandbox().await;
    let ran = open.sh("seq 200000").await;
    assert_eq!(ran.lines.len(), 200_000);
    assert!(ran.lines.iter().zip(1..).all(|(line, number)| line.text == number.to_string()));
    open.close().await;
}

#[tokio::test]
async fn the_background_lives_on_and_its_words_belong_to_no_step() {
    for executor in BOTH {
        let open = open_with(executor, |_| ()).await;
        let start = "( trap 'echo late; : >heard' USR1; until [ -s pid ]; do :; done; : >ready; while :; do sleep 0.01; done ) & echo $! >pid; until [ -e ready ]; do :; done";
        assert_eq!(open.sh(start).await.code(), 0);
        let next = open.sh("kill -USR1 $(cat pid); until [ -e heard ]; do :; done; echo own").await;
        assert!(next.text().contains("own"), "{}", next.text());
        assert_eq!(open.sh("kill -0 $(cat pid) && echo alive").await.text(), "alive");
        open.close().await;
    }
}

#[tokio::test]
async fn files_and_trees_go_in_and_out() {
    for executor in BOTH {
        let open = open_with(executor, |_| ()).await;
        let at = |name: &str| format!("{}/{name}", open.place.workspace());
        open.place.write_file(&at("a/b/c"), b"one", 0o755).await.expect("written");
        open.place.write_file(&at("a/b/c"), b"two", 0o755).await.expect("written again");
        assert_eq!(open.sh("cat a/b/c; stat -c %a a/b/c; echo more >>a/b/c").await.text(), "two755");
        assert_eq!(open.place.read_file(&at("a/b/c"), 100).await.expect("read").as_deref(), Some(&b"twomore\n"[..]));
        assert_eq!(open.place.read_file(&at("none"), 100).await.expect("read"), None);
        assert_eq!(open.place.read_file(&at("no/such/file"), 100).await.expect("read"), None);

        let tree = open.directory.path().join("tree");
        fs::create_dir_all(tree.join("sub")).expect("made");
        fs::write(tree.join("sub/file"), "tree").expect("written");
        std::os::unix::fs::symlink("sub/file", tree.join("link")).expect("linked");
        open.place.put_tree(&tree, &at("a")).await.expect("put");
        assert!(!tree.exists());
        assert_eq!(
            open.sh("cat a/link; echo; cat a/b/c; echo x >a/sub/new && ls a").await.text(),
            "tree\ntwomore\nb\nlink\nsub"
        );

        let odd = "-odd 'name'\n*";
        open.place.write_file(&at(&format!("a/{odd}")), b"odd", 0o644).await.expect("written");
        let archive = open.directory.path().join("out.tar.gz");
        let size = open
            .place
            .pack(&["a/sub".into(), format!("a/{odd}")], open.place.workspace(), &archive)
            .await
            .expect("packed");
        assert!(size > 0);
        open.place.unpack(&archive, &at("copy/of")).await.expect("unpacked");
        assert_eq!(open.sh("cat copy/of/a/sub/file copy/of/a/-odd*").await.text(), "treeodd");
        let missing = open.place.pack(&["none".into()], open.place.workspace(), &open.directory.path().join("x")).await;
        assert!(matches!(&missing, Err(RunnerError::Refused(said)) if said.contains("none")), "{missing:?}");
        open.close().await;
    }
}

#[tokio::test]
async fn the_first_tree_is_moved_as_it_is() {
    let open = sandbox().await;
    let tree = open.directory.path().join("tree");
    fs::create_dir_all(&tree).expect("made");
    fs::write(tree.join("file"), "tree").expect("written");
    let inode = std::os::unix::fs::MetadataExt::ino(&fs::metadata(tree.join("file")).expect("there"));
    open.place.put_tree(&tree, open.place.workspace()).await.expect("put");
    assert_eq!(open.sh("stat -c %i file; echo x >new; rm file").await.text(), inode.to_string());
    open.close().await;
}

#[tokio::test]
async fn a_tree_from_another_file_system_arrives_too() {
    let Ok(elsewhere) = tempfile::tempdir_in("/dev/shm") else {
        eprintln!("skipped: there is no second file system to write to");
        return;
    };
    for used in [false, true] {
        let open = sandbox().await;
        if used {
            assert_eq!(open.sh("true").await.code(), 0);
        }
        let tree = elsewhere.path().join("tree");
        fs::create_dir_all(tree.join("sub")).expect("made");
        fs::write(tree.join("sub/file"), "tree").expect("written");
        open.place.put_tree(&tree, &format!("{}/in", open.place.workspace())).await.expect("put");
        assert!(!tree.exists());
        assert_eq!(open.sh("cat in/sub/file; echo more >>in/sub/file").await.text(), "tree");
        open.close().await;
    }
}

#[tokio::test]
async fn tools_are_shown_and_not_to_be_changed() {
    let tools = tempfile::tempdir().expect("a directory");
    let open_to_all = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(tools.path(), open_to_all).expect("opened");
    fs::write(tools.path().join("tool"), "tool").expect("written");
    let open = open_with(Executor::Sandbox, |spec| spec.tools = vec![tools.path().to_owned()]).await;
    let path = tools.path().display();
    assert_eq!(open.sh(&format!("cat {path}/tool; touch {path}/new")).await.code(), 1);
    assert_eq!(open.sh(&format!("cat {path}/tool")).await.text(), "tool");
    open.close().await;
}

#[tokio::test]
async fn a_server_that_dies_takes_its_jobs_with_it_and_the_next_one_sweeps() {
    let directory = tempfile::tempdir().expect("a directory");
    let mark = mark();
    // Another process plays the server; it is this test, told so by its environment.
    let own = std::env::current_exe().expect("a program");
    let mut server = Command::new(own)
        .args(["--exact", "places::plays_a_server_that_dies", "--nocapture", "--ignored"])
        .env("DAVIT_TEST_JOBS", directory.path())
        .env("DAVIT_TEST_MARK", &mark)
        .stdout(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("a server");
    let job = directory.path().join("job");
    while processes_with(&mark).len() < 2 {
        assert_eq!(server.try_wait().expect("asked"), None, "the server lives");
        tokio::task::yield_now().await;
    }
    assert_eq!(sweep(directory.path()).await, Vec::<String>::new(), "its server lives");
    assert!(job.exists());
    server.start_kill().expect("killed");
    server.wait().await.expect("ended");
    let said = sweep(directory.path()).await;
    assert!(said.len() == 1 && said[0].contains("cleared away"), "{said:?}");
    assert!(!job.exists());
    assert_eq!(processes_with(&mark), Vec::<String>::new());
    if groups_hold() {
        let left = walkdir::WalkDir::new("/sys/fs/cgroup").into_iter().flatten();
        let left = left.filter(|entry| entry.file_name().to_string_lossy().contains(&mark));
        assert_eq!(left.count(), 0, "its control groups are gone");
    }
}

#[tokio::test]
#[ignore = "only as another process, for the test before"]
async fn plays_a_server_that_dies() {
    let jobs = std::env::var_os("DAVIT_TEST_JOBS").expect("where");
    let mark = std::env::var("DAVIT_TEST_MARK").expect("which");
    let directory = tempfile::tempdir().expect("a directory");
    let mut spec = spec(&directory, Executor::Sandbox);
    spec.job_dir = std::path::Path::new(&jobs).join("job");
    spec.name = format!("davit-test-{mark}");
    let (sink, _lines) = mpsc::channel(1);
    let place = Place::open(&spec, &sink, &cancelled_never()).await.expect("a place");
    let text = format!("( setsid sleep {mark} & ); sleep {mark}");
    let _ = place.run(script(&place, &text), &sink, &cancelled_never()).await;
}

#[tokio::test]
async fn a_place_that_is_dropped_takes_its_processes_with_it() {
    let mark = mark();
    let name = format!("davit-test-{mark}");
    let open = open_with(Executor::Sandbox, |spec| spec.name.clone_from(&name)).await;
    open.sh(&format!("setsid sleep {mark} & true")).await;
    while processes_with(&mark).is_empty() {
        tokio::task::yield_now().await;
    }
    drop(open.place);
    let groups = || walkdir::WalkDir::new("/sys/fs/cgroup").into_iter().flatten();
    while groups().any(|entry| entry.file_name().to_string_lossy().contains(&name)) {
        tokio::task::yield_now().await;
    }
    while !processes_with(&mark).is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn this_machine_is_examined() {
    let findings = examine().await;
    for about in ["sandbox", "host"] {
        let finding = findings.iter().find(|finding| finding.about == about).expect("a finding");
        assert!(finding.ok && finding.what_to_do.is_none(), "{finding:?}");
    }
    let limits = findings.iter().find(|finding| finding.about == "limits").expect("a finding");
    assert_eq!(limits.ok, limits.what_to_do.is_none(), "{limits:?}");
}

#[tokio::test]
async fn a_job_that_locks_its_own_directories_is_removed_all_the_same() {
    let open = sandbox().await;
    assert_eq!(
        open.sh("mkdir -p a/b/c /tmp/d; : >a/b/c/file; chmod 0 a/b/c a/b a /tmp/d . /home/runner").await.code(),
        0
    );
    let (job, open) = (open.directory.path().join("job"), open);
    let proof = open.place.close().await;
    assert!(proof.clean, "{proof}");
    assert!(!job.exists());
}

#[tokio::test]
async fn the_kernel_is_told_the_limits() {
    if !groups_hold() {
        // There is nothing to be seen from here: prlimit is told, which isolation tests prove.
        return;
    }
    let name = format!("davit-test-{}", mark());
    let open = open_with(Executor::Sandbox, |spec| {
        spec.name.clone_from(&name);
        spec.limits.cpus = 0.5;
        spec.limits.processes = 77;
    })
    .await;
    let found: Vec<_> = walkdir::WalkDir::new("/sys/fs/cgroup")
        .into_iter()
        .flatten()
        .filter(|entry| entry.path().parent().is_some_and(|parent| parent.to_string_lossy().contains(&name)))
        .collect();
    let read = |file: &str| {
        let entry = found.iter().find(|entry| entry.file_name() == file);
        entry.map(|entry| fs::read_to_string(entry.path()).expect("readable").trim().to_owned())
    };
    assert_eq!(read("pids.max").as_deref(), Some("77"));
    let cpu = read("cpu.max").or_else(|| read("cpu.cfs_quota_us")).expect("a quota");
    assert!(cpu.starts_with("50000"), "{cpu}");
    let memory = read("memory.max").or_else(|| read("memory.limit_in_bytes")).expect("a limit");
    assert_eq!(memory, (1 << 30).to_string());
    let members = read("cgroup.procs").expect("members");
    assert!(members.lines().count() >= 3, "bubblewrap and the supervisor are in it: {members}");
    open.close().await;
}

#[tokio::test]
async fn two_servers_may_call_their_jobs_the_same() {
    let name = format!("davit-test-{}", mark());
    let one = open_with(Executor::Sandbox, |spec| spec.name.clone_from(&name)).await;
    let other = open_with(Executor::Sandbox, |spec| spec.name.clone_from(&name)).await;
    one.close().await;
    assert_eq!(other.sh("echo alive").await.text(), "alive");
    other.close().await;
}
