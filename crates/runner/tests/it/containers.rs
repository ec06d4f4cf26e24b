//! Jobs in containers of a real engine.

use crate::container_support::{Site, container, service};
use davit_domain::log::Stream;
use davit_exec::OutputLine;
use davit_runner::container::Services;
use davit_runner::{ContainerSpec, PlaceSpec, RunnerError, StepExit, sweep};
use std::fs;
use std::os::unix::fs::symlink;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn a_step_runs_in_the_image_with_its_own_environment() {
    let Some(site) = Site::new().await else { return };
    let mut spec = site.spec();
    spec.container = Some(ContainerSpec { env: vec![("OF_THE_CONTAINER".into(), "yes".into())], ..container() });
    let open = site.open_with(&spec).await;

    let ran = open.sh("echo out; echo err >&2; printf 'no end'; exit 3").await;
    assert_eq!(ran.code(), 3);
    let of = |stream: Stream| {
        ran.lines.iter().filter(|line| line.stream == stream).map(|line| line.text.as_str()).collect::<Vec<_>>()
    };
    assert_eq!((of(Stream::Stdout), of(Stream::Stderr)), (vec!["out", "no end"], vec!["err"]));

    let mut command =
        open.script("echo \"$SECRET\"; echo $OF_THE_CONTAINER; pwd; cat; cat /proc/*/cmdline | tr '\\0' ' '");
    command.env.push(("SECRET".into(), "two\nlines \"quoted\" $HOME".into()));
    command.stdin = Some(b"from stdin\n".to_vec());
    let ran = open.run(command, &CancellationToken::new()).await;
    assert!(ran.text().starts_with("two\nlines \"quoted\" $HOME\nyes\n/workspace\nfrom stdin\n"), "{}", ran.text());
    assert_eq!(ran.text().matches("quoted").count(), 1, "no command line has it: {}", ran.text());

    let ran = open.sh("/no/such/program").await;
    assert_eq!(ran.code(), 127, "{}", ran.text());
    let mut command = open.script("true");
    command.cwd = "/workspace/missing".to_owned();
    let ran = open.run(command, &CancellationToken::new()).await;
    assert!(ran.code() != 0 && ran.text().contains("/workspace/missing"), "{}", ran.text());
    open.close(&site).await;
}

#[tokio::test]
async fn files_go_in_and_out() {
    let Some(site) = Site::new().await else { return };
    let open = site.open().await;
    let place = &open.place;
    place.write_file("/runner/temp/deep/er/script.sh", b"#!/bin/sh\necho hello\n", 0o755).await.expect("written");
    assert_eq!(open.says("/runner/temp/deep/er/script.sh").await, "hello");
    let read = place.read_file("/runner/temp/deep/er/script.sh", 100).await.expect("readable");
    assert_eq!(read.as_deref(), Some(&b"#!/bin/sh\necho hello\n"[..]));
    assert_eq!(place.read_file("/runner/temp/none", 100).await.expect("no error"), None);

    open.says("mkfifo pipe; head -c 2000 /dev/zero > big").await;
    for (path, says) in [("pipe", "no file"), ("big", "more than 100 bytes")] {
        let error = place.read_file(&format!("/workspace/{path}"), 100).await.expect_err(path);
        assert!(matches!(&error, RunnerError::Refused(text) if text.contains(says)), "{error}");
    }
    let error = place.write_file("/workspace/../x", b"", 0o600).await.expect_err("climbs");
    assert!(matches!(error, RunnerError::Refused(_)), "{error}");

    let checkout = site.jobs.path().join("checkout");
    fs::create_dir_all(checkout.join("src")).expect("a directory");
    fs::write(checkout.join("src/main.rs"), "fn main() {}").expect("a file");
    symlink("src/main.rs", checkout.join("link.rs")).expect("a link");
    place.put_tree(&checkout, "/workspace/repo").await.expect("put");
    assert!(!checkout.exists(), "it moved");
    assert_eq!(
        open.says("cd repo; cat link.rs; echo; readlink link.rs; stat -c %u:%g src/main.rs").await,
        "fn main() {}\nsrc/main.rs\n0:0"
    );

    open.says(
        "mkdir -p out/a; echo one > out/a/1; echo two > out/2; ln -s a/1 out/l; ln out/2 out/hard; echo no > out/3",
    )
    .await;
    let archive = site.jobs.path().join("artifact.tar.gz");
    let files = ["a", "2", "l", "hard"].map(str::to_owned);
    let size = place.pack(&files, "/workspace/out", &archive).await.expect("packed");
    assert_eq!(size, fs::metadata(&archive).expect("a file").len());
    place.unpack(&archive, "/workspace/again/here").await.expect("unpacked");
    assert_eq!(
        open.says("cd again/here; ls -A; cat a/1 2 l hard; readlink l").await,
        "2\na\nhard\nl\none\ntwo\none\ntwo\na/1"
    );

    let missing = site.jobs.path().join("missing.tar.gz");
    let error = place.pack(&["none".to_owned()], "/workspace/out", &missing).await.expect_err("nothing there");
    assert!(error.to_string().contains("/workspace/out/none"), "{error}");
    open.close(&site).await;
}

#[tokio::test]
async fn a_user_without_rights_owns_the_workspace() {
    let Some(site) = Site::new().await else { return };
    let mut spec = site.spec();
    spec.container = Some(ContainerSpec { options: Some("--user worker --hostname box".into()), ..container() });
    let open = site.open_with(&spec).await;
    assert_eq!(
        open.says("id -u; hostname; touch made; stat -c %u made /runner/temp /home/runner").await,
        "1000\nbox\n1000\n1000\n1000"
    );
    open.place.write_file("/workspace/dir/file", b"x", 0o600).await.expect("written");
    assert_eq!(open.says("cat dir/file; stat -c %u dir dir/file").await, "x1000\n1000");
    open.close(&site).await;
}

/// Whether a process of the container has these words in its command line.
const RUNS: &str = "runs() { grep -q \"$1\" /proc/[0-9]*/cmdline 2>/dev/null && echo lives || echo gone; }; ";

#[tokio::test]
async fn a_step_that_is_ended_takes_its_own_with_it_and_nothing_else() {
    let Some(site) = Site::new().await else { return };
    let open = site.open().await;
    open.says("(setsid sleep 1111 >/dev/null 2>&1 &)").await;

    // Forked twice, in a session of its own, without the step's environment, deaf to TERM.
    let escape = "(env -i setsid sh -c 'trap \"\" TERM; while :; do sleep 2222; done' >/dev/null 2>&1 &); \
                  echo started; sleep 3333";
    let mut command = open.script(escape);
    command.timeout = Some(Duration::from_secs(2));
    let ran = open.run(command, &CancellationToken::new()).await;
    let Ok(StepExit::TimedOut { proof }) = &ran.exit else { panic!("{ran:?}") };
    assert!(proof.contains("no process of the step is left"), "{proof}");
    let look = format!("{RUNS} runs 'sleep.1111'; runs 'sleep.[2]222'; runs 'sleep.[3]333'");
    assert_eq!(open.says(&look).await, "lives\ngone\ngone");

    let cancel = CancellationToken::new();
    let command = open.script("trap 'echo bye; exit 1' TERM; echo ready; while :; do sleep 0.1; done");
    let end_when_ready = |line: &OutputLine| {
        if line.text == "ready" {
            cancel.cancel();
        }
    };
    let ran = open.run_until(command, &cancel, end_when_ready).await;
    assert!(matches!(ran.exit, Ok(StepExit::Cancelled { .. })), "{ran:?}");
    assert!(ran.text().contains("bye"), "its last words come through: {}", ran.text());
    assert_eq!(open.says(&format!("{RUNS} runs 'sleep.1111'")).await, "lives");
    open.close(&site).await;
}

#[tokio::test]
async fn a_background_process_that_holds_the_output_open_does_not_hold_up_the_step() {
    let Some(site) = Site::new().await else { return };
    let open = site.open().await;
    let ran = open.sh("sleep 4444 & echo done").await;
    assert_eq!((ran.code(), ran.text()), (0, "done".to_owned()));
    assert_eq!(open.says(&format!("{RUNS} runs 'sleep.4444'")).await, "lives");
    open.close(&site).await;
}

#[tokio::test]
async fn services_are_reached_by_name_when_they_are_well() {
    let Some(site) = Site::new().await else { return };
    let mut spec = site.spec();
    let web = "mkdir /www; sleep 1; echo served > /www/index.html; touch /ready; httpd -f -p 8080 -h /www";
    let mut web = service("web", web);
    web.options = Some("--entrypoint /bin/serve --health-cmd 'test -e /ready' --health-interval 10s".to_owned());
    web.ports = vec!["8080".to_owned()];
    spec.services = vec![web, service("idle", "sleep 5555")];
    let open = site.open_with(&spec).await;
    assert!(open.lines.iter().any(|line| line == "Waiting until service web is well"), "{:#?}", open.lines);
    assert_eq!(open.says("wget -q -O - http://web:8080/").await, "served");
    let context = open.place.job_context();
    assert_eq!(context["services"]["web"]["ports"], serde_json::json!({}), "nothing of it is on the server");
    assert_eq!(context["services"]["idle"]["network"], context["container"]["network"]);
    assert!(open.says("ip route").await.lines().all(|line| !line.starts_with("default")), "no way out");
    open.close(&site).await;
}

#[tokio::test]
async fn services_of_a_job_without_a_container_are_on_the_loopback_address() {
    let Some(site) = Site::new().await else { return };
    let mut web = service("web", "mkdir /www; echo served > /www/index.html; httpd -f -p 8080 -h /www");
    web.options = Some("--entrypoint /bin/serve --health-cmd 'wget -q -O - localhost:8080'".to_owned());
    web.ports = vec!["8080".to_owned()];
    let spec = PlaceSpec { container: None, services: vec![web], network: true, ..site.spec() };
    let (sink, _inbox) = tokio::sync::mpsc::channel(100);
    let services = Services::open_on(site.engine.clone(), &spec, &sink, &CancellationToken::new()).await.expect("well");
    let port = services.job_context()["services"]["web"]["ports"]["8080"].as_str().expect("a port").to_owned();
    let answer = tokio::net::TcpStream::connect(format!("127.0.0.1:{port}")).await;
    assert!(answer.is_ok(), "{answer:?}");
    let proof = services.close().await;
    assert!(proof.clean, "{proof}");
    assert_eq!(site.left(), Vec::<String>::new());
}

async fn refusal(site: &Site, spec: &PlaceSpec) -> String {
    let (opened, lines) = site.try_open(spec, &CancellationToken::new()).await;
    let error = opened.expect_err("refused");
    assert!(matches!(error, RunnerError::Refused(_)), "{error:?} {lines:#?}");
    assert_eq!(site.left(), Vec::<String>::new(), "nothing stays of {error}");
    error.to_string()
}

#[tokio::test]
async fn a_service_that_is_not_well_says_why() {
    let Some(site) = Site::new().await else { return };
    let mut spec = site.spec();
    let mut sick = service("db", "echo starting; echo no room >&2; sleep 5555");
    sick.options = Some(
        "--entrypoint /bin/serve --health-cmd 'echo not yet; exit 1' --health-interval 1s --health-retries 2"
            .to_owned(),
    );
    spec.services = vec![sick];
    let error = refusal(&site, &spec).await;
    for says in ["service db was not well within 2 s", "not yet", "starting", "no room"] {
        assert!(error.contains(says), "{says}: {error}");
    }
    let mut gone = service("db", "echo no licence; exit 3");
    gone.options = Some("--entrypoint /bin/serve --health-cmd 'test -e /never'".to_owned());
    spec.services = vec![gone];
    let error = refusal(&site, &spec).await;
    assert!(error.contains("service db ended with exit code 3") && error.contains("no licence"), "{error}");
}

#[tokio::test]
async fn what_would_open_the_server_is_refused() {
    let Some(site) = Site::new().await else { return };
    let with = |change: &dyn Fn(&mut ContainerSpec)| {
        let mut own = container();
        change(&mut own);
        PlaceSpec { container: Some(own), ..site.spec() }
    };
    for (spec, says) in [
        (with(&|own| own.volumes = vec!["/:/host".into()]), "is a path of the server"),
        (with(&|own| own.volumes = vec!["/var/run/docker.sock:/s".into()]), "is a path of the server"),
        (with(&|own| own.volumes = vec!["/workspace/sub:/x".into()]), "part of the workspace"),
        (with(&|own| own.volumes = vec!["../x:/x".into()]), "neither a name nor"),
        (with(&|own| own.options = Some("--privileged".into())), "--privileged would let the job out"),
        (with(&|own| own.options = Some("--memory 64g".into())), "more than the repository may have"),
        (with(&|own| own.options = Some("--read-only".into())), "is for services"),
        (with(&|own| own.ports = vec!["1-9".into()]), "ranges"),
    ] {
        let error = refusal(&site, &spec).await;
        assert!(error.contains(says), "{says}: {error}");
    }
    let open = site.open().await;
    let seen = open.says("grep CapEff /proc/self/status; ls /var/run/docker.sock 2>&1; true").await;
    // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, SYS_CHROOT, SETFCAP.
    assert!(seen.starts_with("CapEff:\t00000000800405fb\n"), "{seen}");
    open.close(&site).await;
}

#[tokio::test]
async fn limits_hold() {
    let Some(site) = Site::new().await else { return };
    let mut spec = site.spec();
    spec.limits.memory = 64 << 20;
    spec.limits.processes = 20;
    spec.limits.output = 1 << 20;
    let open = site.open_with(&spec).await;
    let ran = open.sh("exec dd if=/dev/zero of=/dev/null bs=200M count=1").await;
    assert!(matches!(&ran.exit, Ok(StepExit::OverLimit { what }) if what.contains("memory")), "{ran:?}");
    let ran = open.sh("for n in $(seq 40); do sleep 6666 & done; wait").await;
    assert!(ran.text().to_lowercase().contains("fork"), "{}", ran.text());
    let ran = open.sh("yes").await;
    assert!(matches!(&ran.exit, Ok(StepExit::OverLimit { what }) if what.contains("1 MiB")), "{:?}", ran.exit);
    open.close(&site).await;
}

#[tokio::test]
async fn volumes_are_the_jobs_own() {
    let Some(site) = Site::new().await else { return };
    let mut spec = site.spec();
    spec.container = Some(ContainerSpec { volumes: vec!["data:/data".into(), "/scratch".into()], ..container() });
    let mut other = service("other", "echo from the service > /data/hello; touch /w/seen; sleep 5555");
    other.volumes = vec!["data:/data".into(), "/workspace:/w".into()];
    spec.services = vec![other];
    let open = site.open_with(&spec).await;
    assert_eq!(
        open.says("until [ -e seen ]; do sleep 0.1; done; cat /data/hello; touch /scratch/x").await,
        "from the service"
    );
    assert_eq!(site.left().len(), 5, "two containers, two volumes with a name, a network: {:?}", site.left());
    open.close(&site).await;

    spec.services = Vec::new();
    let open = site.open_with(&spec).await;
    assert_eq!(open.says("ls /data").await, "", "the next job has another one");
    open.close(&site).await;
}

#[tokio::test]
async fn what_a_killed_server_left_is_swept_and_nothing_else() {
    let Some(site) = Site::new().await else { return };
    let mut spec = site.spec();
    spec.services = vec![service("idle", "sleep 5555")];
    let open = site.open_with(&spec).await;
    assert_eq!(sweep(site.jobs.path()).await, Vec::<String>::new(), "its server lives");
    assert_eq!(site.left().len(), 3);
    // As the end of the process would.
    drop(open);
    // The next attempt of the same job takes the names over.
    drop(site.open_with(&spec).await);
    let elsewhere = tempfile::tempdir().expect("a directory");
    assert_eq!(sweep(elsewhere.path()).await, Vec::<String>::new());
    assert_eq!(site.left().len(), 3, "another server's jobs stay");
    let said = sweep(site.jobs.path()).await;
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(site.left(), Vec::<String>::new(), "{said:?}");
    assert!(!spec.job_dir.exists());
}

#[tokio::test]
async fn a_cancel_ends_the_wait_for_services() {
    let Some(site) = Site::new().await else { return };
    let mut spec = site.spec();
    let mut slow = service("slow", "sleep 5555");
    slow.options = Some("--entrypoint /bin/serve --health-cmd 'test -e /never' --health-interval 600s".to_owned());
    spec.services = vec![slow];
    let cancel = CancellationToken::new();
    let stop = cancel.clone();
    let ((opened, _), ()) = tokio::join!(site.try_open(&spec, &cancel), async {
        while site.left().len() < 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        stop.cancel();
    });
    assert!(matches!(opened, Err(RunnerError::Ended(_))), "{opened:?}");
    assert_eq!(site.left(), Vec::<String>::new());
}
