//! A davit server as a process of its own, which tests start, stop and kill; and what outlives it: its data, a forge
//! that keeps state, a repository, and `hold` files that keep hooks where a test wants them.

use davit_domain::config::ForgeKind;
use davit_domain::ids::CommitSha;
use davit_testkit::fake_forge::{Access, Delivery, FakeForge, GitBackend, NewPush};
use davit_testkit::git::{self, Repo};
use davit_testkit::sshd::Sshd;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use reqwest::Method;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{Instant, sleep, timeout};

/// The repository at the forge.
pub(crate) const REPOSITORY: &str = "acme/shop";
/// The first account's password.
pub(crate) const PASSWORD: &str = "a password of a test";
/// Between two looks.
const LOOK: Duration = Duration::from_millis(50);
/// What a server that was killed had begun ends within this, once a server runs again. A lease alone may take half a minute.
pub(crate) const TAKEN_UP: Duration = Duration::from_secs(150);
/// Anything else.
const LONG: Duration = Duration::from_secs(120);

/// What is there before, between and after the servers of a test.
pub(crate) struct Site {
    pub(crate) forge: FakeForge,
    pub(crate) repo: Repo,
    database_url: Option<String>,
    http: reqwest::Client,
    dir: TempDir,
}

impl Site {
    /// A forge with a repository, and an empty data directory. Without a database: SQLite.
    pub(crate) async fn new(database_url: Option<String>) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path().join("forge");
        let bare = root.join(format!("{REPOSITORY}.git"));
        let forge = FakeForge::start_with_git(ForgeKind::Github, GitBackend { router: git::router(&root), root }).await;
        forge.add_repository(REPOSITORY, Access::Write);
        let repo = Repo::init(dir.path().join("work"));
        repo.commit("Begin", &[("index.html", "begin")]);
        repo.clone_bare(bare);
        std::fs::create_dir(dir.path().join("www")).expect("a directory");
        let http = reqwest::Client::builder().tls_certs_only([]).build().expect("a client");
        Self { forge, repo, database_url, http, dir }
    }

    /// A path in the test's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A new commit on `main`, at the forge too.
    pub(crate) fn commit(&self, page: &str) -> CommitSha {
        let commit = self.repo.commit(page, &[("index.html", page)]);
        self.repo.push(&self.path(&format!("forge/{REPOSITORY}.git")).display().to_string());
        commit.parse().expect("a commit's id")
    }

    /// The delivery for a push of this commit to `main`.
    pub(crate) fn push(&self, commit: &CommitSha) -> Delivery {
        self.forge.push_delivery(&NewPush {
            repository: REPOSITORY,
            git_ref: "refs/heads/main",
            before: None,
            after: Some(commit),
            message: "A push",
            pusher: "ada",
        })
    }

    /// The page that the app's host serves; `None` while it serves none.
    pub(crate) fn served(&self) -> Option<String> {
        std::fs::read_to_string(self.path("www/current/index.html")).ok()
    }

    /// A script for a hook: while a test holds `name`, it says that it has begun and waits.
    pub(crate) fn waits_while_held(&self, name: &str) -> String {
        let (hold, begun) = (self.path(&format!("{name}.hold")), self.path(&format!("{name}.begun")));
        let (hold, begun) = (hold.display(), begun.display());
        format!("if [ -e {hold} ]; then : > {begun}; while [ -e {hold} ]; do sleep 0.05; done; fi")
    }

    /// Makes the next hook with this name wait until the guard is dropped.
    pub(crate) fn hold(&self, name: &str) -> Hold {
        let hold = Hold { hold: self.path(&format!("{name}.hold")), begun: self.path(&format!("{name}.begun")) };
        if hold.begun.exists() {
            std::fs::remove_file(&hold.begun).expect("the mark of an earlier one");
        }
        std::fs::write(&hold.hold, "").expect("a file");
        hold
    }

    /// A command line of davit's on this site's data.
    pub(crate) fn davit(&self, data: &str, arguments: &[&str]) -> Command {
        let mut command = davit(arguments);
        command.arg("--data-dir").arg(self.path(data)).arg("--master-key-file").arg(self.path("master.key"));
        if let Some(url) = &self.database_url {
            command.arg("--database-url").arg(url);
        }
        command
    }

    /// Starts a server on the data directory `data`, and waits until it takes requests.
    pub(crate) async fn serve(&self) -> Server {
        self.serve_in("data").await
    }

    /// As [`serve`](Self::serve), in a data directory of this name.
    pub(crate) async fn serve_in(&self, data: &str) -> Server {
        let log = std::fs::File::options().create(true).append(true).open(self.path(&format!("{data}.log")));
        let mut child = self
            .davit(data, &["serve", "--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(log.expect("a log file"))
            .spawn()
            .expect("davit starts");
        let mut says = BufReader::new(child.stdout.take().expect("piped")).lines();
        let first = timeout(LONG, says.next_line()).await.expect("in time").expect("readable");
        let log = self.path(&format!("{data}.log"));
        let first = first.unwrap_or_else(|| panic!("davit ended: {}", std::fs::read_to_string(&log).expect("its log")));
        let url = first.split_whitespace().find(|word| word.starts_with("http://")).expect("its address").to_owned();
        Server { url, child, says, log, http: self.http.clone(), token: String::new() }
    }

    /// A server with an account and this configuration behind the forge's. The account is made in the way of the
    /// set-up page, its token on the command line while the server runs.
    pub(crate) async fn set_up(&self, document: &str) -> Server {
        let mut server = self.serve().await;
        let code = server.set_up_code().await;
        let account = json!({ "code": code, "name": "admin", "password": PASSWORD });
        let (status, answer) = server.call(Method::POST, "/setup", Some(account)).await;
        assert_eq!(status, 201, "{answer}");
        server.token = self.new_token("data").await;
        let document = format!("{}{document}", self.forge_table());
        let values = json!({ "env:TEST_TOKEN": self.forge.token(), "env:TEST_SECRET": self.forge.webhook_secret() });
        let apply = json!({ "document": document, "values": values, "dry_run": false, "prune": false });
        let (status, answer) = server.call(Method::POST, "/apply", Some(apply)).await;
        assert_eq!(status, 200, "{answer}");
        server
    }

    /// The administrator's token, from `davit admin create-token`.
    pub(crate) async fn new_token(&self, data: &str) -> String {
        let name = format!("{:08x}", rand::random::<u32>());
        let command = self.davit(data, &["admin", "create-token", "--user", "admin", "--name", &name]);
        let output = ended(command, "").await;
        assert!(output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    fn forge_table(&self) -> String {
        format!(
            "[[forge]]\nid = \"github\"\nkind = \"github\"\napi_url = {:?}\ntoken = {{ env = \"TEST_TOKEN\" }}\n\
             webhook_secret = {{ env = \"TEST_SECRET\" }}\n\n",
            self.forge.api_url()
        )
    }

    /// The app `shop`, released to `test` by pushes to `main`: hooks 3 and 6 as given, on the host of `host`.
    pub(crate) fn app(&self, host: &str, after_checkout: &str, after_release: &str) -> String {
        let path = |name: &str| self.path(name).display().to_string();
        format!(
            "[[environment]]\nkey = \"test\"\n\n[[host]]\nname = \"web\"\nenvironments = [\"test\"]\n{host}\n\n\
             [[app]]\nkey = \"shop\"\nrepository = {{ forge = \"github\", name = \"{REPOSITORY}\" }}\n\n\
             [[app.release]]\nenvironment = \"test\"\nhosts = [\"web\"]\ndeploy_path = {:?}\nreleases_path = {:?}\n\
             hooks.after_checkout = {after_checkout:?}\nhooks.after_release = {after_release:?}\n\
             auto = {{ on = \"push\", branches = [\"main\"] }}\n",
            path("www/current"),
            path("releases"),
        )
    }
}

/// A hook that waits; dropped, it goes on.
pub(crate) struct Hold {
    hold: PathBuf,
    begun: PathBuf,
}

impl Hold {
    /// Waits until the hook has begun.
    pub(crate) async fn reached(&self) {
        until("the hook begins", LONG, async || self.begun.exists().then_some(())).await;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        std::fs::remove_file(&self.hold).expect("the file was there");
    }
}

/// A running server. Dropped, it is killed.
pub(crate) struct Server {
    pub(crate) url: String,
    /// The administrator's.
    pub(crate) token: String,
    child: Child,
    says: Lines<BufReader<ChildStdout>>,
    log: PathBuf,
    http: reqwest::Client,
}

impl Server {
    /// The one-time code that it printed.
    pub(crate) async fn set_up_code(&mut self) -> String {
        loop {
            let line = timeout(LONG, self.says.next_line()).await.expect("in time").expect("readable");
            let line = line.expect("a code before the end");
            let word = line.trim();
            if word.len() == 14 && word.split('-').map(str::len).eq([4, 4, 4]) {
                return word.to_owned();
            }
        }
    }

    /// Ends it as a power failure would.
    pub(crate) async fn kill(mut self) {
        self.signal(Signal::SIGKILL);
        self.child.wait().await.expect("it ends");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.pid()).expect("a process id")), signal).expect("it runs");
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Waits for its end; also what it said after its first line.
    pub(crate) async fn ended(mut self) -> (ExitStatus, String) {
        let status = timeout(LONG, self.child.wait()).await.expect("it ends in time").expect("a status");
        (status, std::fs::read_to_string(&self.log).expect("its log"))
    }

    /// Any call of the API; status and answer.
    pub(crate) async fn call(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let request = self.http.request(method, format!("{}/api/v1{path}", self.url));
        let request = if self.token.is_empty() { request } else { request.bearer_auth(&self.token) };
        let request = match body {
            Some(body) => request.json(&body),
            None => request,
        };
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.json().await.unwrap_or(Value::Null))
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.call(Method::GET, path, None).await;
        assert_eq!(status, 200, "GET {path}: {answer}");
        answer
    }

    /// Sends a webhook; `None` when no answer comes.
    pub(crate) async fn deliver(&self, delivery: &Delivery) -> Option<(u16, Value)> {
        let request = self.http.post(format!("{}/hooks/github", self.url));
        let response = request.headers(delivery.headers.clone()).body(delivery.body.clone()).send().await.ok()?;
        let status = response.status().as_u16();
        Some((status, response.json().await.ok()?))
    }

    /// Asks for a release of the app and returns the deployment's id.
    pub(crate) async fn deploy(&self, commit: &CommitSha) -> i64 {
        let body = json!({ "commit": commit.as_str() });
        let (status, request) = self.call(Method::POST, "/apps/shop/environments/test/deploy", Some(body)).await;
        assert_eq!(status, 201, "{request}");
        request["deployment"].as_i64().expect("a deployment")
    }

    /// Waits for a deployment's end and returns it.
    pub(crate) async fn end_of(&self, deployment: i64) -> Value {
        until(&format!("deployment {deployment} ends"), TAKEN_UP, async || {
            let deployment = self.get(&format!("/deployments/{deployment}")).await;
            (!deployment["finished_at"].is_null()).then_some(deployment)
        })
        .await
    }

    /// All of a list's items.
    pub(crate) async fn items(&self, path: &str) -> Vec<Value> {
        let answer = self.get(&format!("{path}?limit=200")).await;
        assert!(answer["next"].is_null(), "more than one page");
        answer["items"].as_array().expect("a list").clone()
    }

    /// Waits until no delivery waits and every deployment has ended; the deliveries and the deployments.
    pub(crate) async fn at_rest(&self) -> (Vec<Value>, Vec<Value>) {
        until("everything is done", TAKEN_UP, async || {
            let deliveries = self.items("/deliveries").await;
            let deployments = self.items("/deployments").await;
            let done = deliveries.iter().all(|delivery| delivery["verdict"] != "received")
                && deployments.iter().all(|deployment| !deployment["finished_at"].is_null());
            done.then_some((deliveries, deployments))
        })
        .await
    }

    /// The texts of a deployment's log.
    pub(crate) async fn log(&self, deployment: i64) -> Vec<String> {
        let answer = self.get(&format!("/deployments/{deployment}/logs?limit=5000")).await;
        let lines = answer["items"].as_array().expect("lines");
        for (expected, line) in (1_i64..).zip(lines) {
            assert_eq!(line["seq"], expected, "a log has no gaps");
        }
        lines.iter().map(|line| line["text"].as_str().expect("a text").to_owned()).collect()
    }
}

/// davit with these arguments and nothing of the caller's environment but its `PATH`.
pub(crate) fn davit(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_davit"));
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// Runs a command to its end with this on its standard input.
pub(crate) async fn ended(mut command: Command, input: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("davit starts");
    // A davit that reads nothing may be gone already.
    let _ = child.stdin.take().expect("piped").write_all(input.as_bytes()).await;
    timeout(LONG, child.wait_with_output()).await.expect("it ends in time").expect("its output")
}

/// Looks again and again until there is an answer.
pub(crate) async fn until<T>(what: &str, limit: Duration, look: impl AsyncFn() -> Option<T>) -> T {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "not within {limit:?}: {what}");
        sleep(LOOK).await;
    }
}

/// The keys of a `[[host]]` that lead to this SSH server. Its private key becomes a file of the site's.
pub(crate) fn ssh(site: &Site, sshd: &Sshd) -> String {
    let key = site.path(&format!("key-{}", sshd.port()));
    std::fs::write(&key, sshd.client_private_key()).expect("a key file");
    format!(
        "kind = \"ssh\"\naddress = {:?}\nport = {}\nuser = {:?}\nhost_key = {:?}\nprivate_key = {{ file = {:?} }}",
        sshd.address(),
        sshd.port(),
        sshd.user(),
        sshd.host_key_line(),
        key
    )
}
