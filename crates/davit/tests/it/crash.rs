//! A server that is killed at every point of a deployment: the next one goes on where it stood. Nothing runs twice, no
//! log line is lost or doubled, and the host serves the old release or the new one.

use crate::process::{Server, Site, TAKEN_UP, ssh, until};
use davit_testkit::postgres::TestDatabase;
use davit_testkit::sshd::Sshd;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::Method;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// What each hook on the host prints, a line at a time.
const LINES: usize = 8;

/// An app whose hooks say what they do slowly, and note in a file that they ran.
pub(crate) struct Shop {
    pub(crate) site: Site,
    pub(crate) sshd: Sshd,
    pub(crate) server: Server,
}

impl Shop {
    pub(crate) async fn new(site: Site, sshd: Sshd, extra: &str) -> Self {
        let hook = |name: &str| {
            let ran = site.path(&format!("{name}.ran")).display().to_string();
            let waits = site.waits_while_held(name);
            format!(
                "echo \"$DAVIT_DEPLOYMENT_ID\" >> {ran}\n{waits}\nfor n in $(seq {LINES}); do echo \"{name} line $n\"; sleep 0.03; done"
            )
        };
        let app = site.app(&ssh(&site, &sshd), &hook("three"), &hook("six"));
        let document = format!("{app}hooks.before_release = {:?}\n{extra}", hook("four"));
        let server = site.set_up(&document).await;
        Self { site, sshd, server }
    }

    /// Kills the server and starts another one on what it left.
    async fn killed(self) -> Self {
        let Self { site, sshd, server } = self;
        server.kill().await;
        Self::back(site, sshd).await
    }

    async fn back(site: Site, sshd: Sshd) -> Self {
        let mut server = site.serve().await;
        server.token = site.new_token("data").await;
        Self { site, sshd, server }
    }

    /// How often a hook ran for a deployment.
    fn ran(&self, hook: &str, deployment: i64) -> usize {
        let noted = fs::read_to_string(self.site.path(&format!("{hook}.ran"))).unwrap_or_default();
        noted.lines().filter(|line| *line == deployment.to_string()).count()
    }

    /// Waits for the end and checks all that must hold, whenever the server was killed.
    pub(crate) async fn succeeded(&self, deployment: i64, page: &str) {
        let end = self.server.end_of(deployment).await;
        let log = self.server.log(deployment).await;
        assert_eq!(end["state"], "succeeded", "{end}\n{log:#?}");
        assert_eq!(self.site.served().as_deref(), Some(page));
        for hook in ["four", "six"] {
            assert_eq!(self.ran(hook, deployment), 1, "{hook} runs once\n{log:#?}");
            let said: Vec<&String> = log.iter().filter(|line| line.starts_with(&format!("{hook} line "))).collect();
            let expected: Vec<String> = (1..=LINES).map(|n| format!("{hook} line {n}")).collect();
            assert_eq!(said, expected.iter().collect::<Vec<_>>(), "no line lost or doubled\n{log:#?}");
        }
        assert!(self.ran("three", deployment) >= 1);
        assert_eq!(end["host_runs"][0]["state"], "done", "{end}");
        // Old releases go when the deployment has ended.
        until("nothing is left behind", TAKEN_UP, async || self.left_behind().is_empty().then_some(())).await;
    }

    /// What should not be on the host any more: hooks' directories and parts of uploads.
    fn left_behind(&self) -> Vec<String> {
        let app = self.site.path("releases/shop");
        let names = |dir: &Path| {
            let entries = fs::read_dir(dir).map(Iterator::collect::<Vec<_>>).unwrap_or_default();
            entries
                .into_iter()
                .flatten()
                .map(|entry| entry.file_name().to_string_lossy().into_owned())
                .collect::<Vec<_>>()
        };
        let hooks = names(&app.join(".davit")).into_iter().filter(|name| name.starts_with("hook-"));
        let parts = names(&app.join("releases")).into_iter().filter(|name| name.starts_with('.'));
        hooks.chain(parts).collect()
    }

    /// Waits until the log of a deployment has this many lines or the deployment has ended. Whether it has so many.
    async fn reaches(&self, deployment: i64, lines: usize) -> bool {
        until(&format!("line {lines} of deployment {deployment}"), TAKEN_UP, async || {
            let state = self.server.get(&format!("/deployments/{deployment}")).await;
            let reached = state["last_seq"].as_i64().unwrap_or(0) >= i64::try_from(lines).expect("few");
            (reached || !state["finished_at"].is_null()).then_some(reached)
        })
        .await
    }
}

/// One deployment for each third line of the log, and a kill there.
async fn killed_at_many_lines(database: Option<String>, every: usize) {
    let mut shop = Shop::new(Site::new(database).await, Sshd::start().await, "").await;
    let mut lines = 1;
    loop {
        let page = format!("killed at line {lines}");
        let commit = shop.site.commit(&page);
        let deployment = shop.server.deploy(&commit).await;
        let reached = shop.reaches(deployment, lines).await;
        if reached {
            // A test that was slow to look kills a server whose deployment is over: it may go on to the next line.
            shop = shop.killed().await;
        }
        shop.succeeded(deployment, &page).await;
        if !reached {
            assert!(lines > 2 * LINES, "the hooks on the host were reached");
            return;
        }
        lines += every;
    }
}

#[tokio::test]
async fn killed_at_any_line_of_the_log_a_deployment_goes_on() {
    killed_at_many_lines(None, 4).await;
}

#[tokio::test]
async fn killed_at_any_line_of_the_log_a_deployment_goes_on_with_postgres() {
    let database = TestDatabase::create().await;
    killed_at_many_lines(Some(database.url()), 25).await;
}

#[tokio::test]
async fn a_hook_goes_on_while_no_server_runs() {
    for hook in ["four", "six"] {
        let shop = Shop::new(Site::new(None).await, Sshd::start().await, "").await;
        let commit = shop.site.commit(hook);
        let hold = shop.site.hold(hook);
        let deployment = shop.server.deploy(&commit).await;
        hold.reached().await;
        let Shop { site, sshd, server } = shop;
        server.kill().await;
        drop(hold);
        // It ends while nobody follows it.
        let exit =
            site.path(&format!("releases/shop/.davit/hook-{deployment}-{}-1/exit", if hook == "four" { 4 } else { 6 }));
        until("the hook ends by itself", TAKEN_UP, async || exit.exists().then_some(())).await;
        let shop = Shop::back(site, sshd).await;
        shop.succeeded(deployment, hook).await;
    }
}

/// Programs of the host that wait while a test holds their name: `tar` before it unpacks, `mv` before and after the
/// switch.
pub(crate) fn slow_programs(site: &Site) -> String {
    let bin = site.path("bin");
    fs::create_dir(&bin).expect("a directory");
    let write = |name: &str, text: String| {
        let path = bin.join(name);
        fs::write(&path, text).expect("a script");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("executable");
    };
    write("tar", format!("#!/bin/sh\n{}\nexec /usr/bin/tar \"$@\"\n", site.waits_while_held("tar")));
    let (before, after) = (site.waits_while_held("before_mv"), site.waits_while_held("after_mv"));
    write(
        "mv",
        format!(
            "#!/bin/sh\nfor last; do :; done\ncase $last in */www/current) ;; *) exec /bin/mv \"$@\" ;; esac\n\
             {before}\n/bin/mv \"$@\"\ncode=$?\n{after}\nexit $code\n"
        ),
    );
    format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display())
}

#[tokio::test]
async fn killed_in_the_upload_and_in_the_switch_a_deployment_goes_on() {
    let site = Site::new(None).await;
    let sshd = Sshd::start_with_path(&slow_programs(&site)).await;
    let mut shop = Shop::new(site, sshd, "").await;
    for place in ["tar", "before_mv", "after_mv"] {
        let commit = shop.site.commit(place);
        let hold = shop.site.hold(place);
        let deployment = shop.server.deploy(&commit).await;
        hold.reached().await;
        shop = {
            let Shop { site, sshd, server } = shop;
            server.kill().await;
            drop(hold);
            Shop::back(site, sshd).await
        };
        shop.succeeded(deployment, place).await;
    }
}

#[tokio::test]
async fn a_host_that_was_restarted_in_a_hook_ends_the_deployment_with_a_reason() {
    let shop = Shop::new(Site::new(None).await, Sshd::start().await, "").await;
    let good = shop.site.commit("good");
    let first = shop.server.deploy(&good).await;
    shop.succeeded(first, "good").await;

    let commit = shop.site.commit("restarted");
    let hold = shop.site.hold("six");
    let deployment = shop.server.deploy(&commit).await;
    hold.reached().await;
    // All that a restart leaves of the hook are its files.
    let pids = fs::read_to_string(shop.site.path(&format!("releases/shop/.davit/hook-{deployment}-6-1/pid")));
    let pids = pids.expect("the hook's processes");
    for at in [0, 2] {
        let pid = pids.split_whitespace().nth(at).and_then(|pid| pid.parse().ok()).expect("a process id");
        // The second one may have gone with the first.
        let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
    }
    drop(hold);
    let end = shop.server.end_of(deployment).await;
    assert_eq!(end["state"], "reverted", "{end}");
    let reason = end["reason"].as_str().expect("a reason");
    assert!(reason.contains("step 6"), "{reason}");
    assert_eq!(shop.site.served().as_deref(), Some("good"));
}

#[tokio::test]
async fn a_pause_outlives_the_server() {
    let site = Site::new(None).await;
    // Two hosts with the same paths, each with a disk of its own.
    let disk = site.path("disk");
    fs::create_dir(&disk).expect("a directory");
    let hosts = [Sshd::start().await, Sshd::start().await];
    for (number, host) in hosts.iter().enumerate() {
        let own = site.path(&format!("disk-{number}"));
        fs::create_dir_all(own.join("www")).expect("a directory");
        host.mount(&own, &disk);
    }
    let second = format!("[[host]]\nname = \"second\"\nenvironments = [\"test\"]\n{}\n\n", ssh(&site, &hosts[1]));
    let app = site.app(&ssh(&site, &hosts[0]), "", "").replace("hosts = [\"web\"]", "hosts = [\"web\", \"second\"]");
    let app =
        app.replace(&site.path("www/current").display().to_string(), &disk.join("www/current").display().to_string());
    let app = app.replace(&site.path("releases").display().to_string(), &disk.join("releases").display().to_string());
    let strategy = "strategy = { batches = [[\"second\"], \"100%\"], pause = \"confirm\" }\n";
    let server = site.set_up(&format!("{second}{app}{strategy}")).await;

    let commit = site.commit("in two batches");
    let deployment = server.deploy(&commit).await;
    let paused = async |server: &Server| -> Value {
        until("it pauses", TAKEN_UP, async || {
            let state = server.get(&format!("/deployments/{deployment}")).await;
            assert!(state["finished_at"].is_null(), "{state}");
            (state["state"] == "paused").then_some(state)
        })
        .await
    };
    let is_switched = |number: usize| site.path(&format!("disk-{number}/www/current")).is_symlink();
    let state = paused(&server).await;
    assert_eq!((&state["pause"]["kind"], &state["hosts_done"]), (&json!("confirm"), &json!(1)), "{state}");
    assert_eq!((is_switched(0), is_switched(1)), (false, true));

    server.kill().await;
    let mut server = site.serve().await;
    server.token = site.new_token("data").await;
    let again = paused(&server).await;
    assert_eq!(again["host_runs"], state["host_runs"]);
    let path = format!("/deployments/{deployment}/continue");
    let (status, answer) = server.call(Method::POST, &path, Some(json!({}))).await;
    assert_eq!(status, 200, "{answer}");
    let end = server.end_of(deployment).await;
    assert_eq!((&end["state"], &end["hosts_done"]), (&json!("succeeded"), &json!(2)), "{end}");
    assert!(is_switched(0) && is_switched(1));
}
