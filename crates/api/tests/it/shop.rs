//! The app that most tests release: a repository at the fake GitHub, one environment, and hosts of either kind, each
//! with a disk of its own.

use crate::schema;
use davit_domain::config::ForgeKind;
use davit_domain::ids::CommitSha;
use davit_testkit::app::{Database, TestApp};
use davit_testkit::fake_forge::{Delivery, NewPush};
use davit_testkit::git::Repo;
use davit_testkit::sshd::Sshd;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

pub(crate) const REPOSITORY: &str = "acme/shop";

/// How a host is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Local,
    Ssh,
}

pub(crate) struct Shop {
    pub(crate) app: TestApp,
    pub(crate) repo: Repo,
    pub(crate) hosts: Vec<TestHost>,
}

/// A host and what is on its disk.
pub(crate) struct TestHost {
    pub(crate) name: String,
    /// What the host finds at [`Shop::srv`].
    pub(crate) disk: PathBuf,
    pub(crate) sshd: Option<Sshd>,
}

impl Shop {
    /// On SQLite, with one commit, and `release` as the rest of the release config for `production`.
    pub(crate) async fn start(kinds: &[Kind], release: &str) -> Self {
        Self::start_on(Database::Sqlite, kinds, release).await
    }

    pub(crate) async fn start_on(database: Database, kinds: &[Kind], release: &str) -> Self {
        let shop = Self::bare(database, kinds).await;
        shop.configure(&shop.document(&shop.production("", release))).await;
        shop
    }

    /// Without any configuration but the forge.
    pub(crate) async fn bare(database: Database, kinds: &[Kind]) -> Self {
        Self::bare_at(ForgeKind::Github, database, kinds).await
    }

    /// As [`bare`](Self::bare), at a forge of this kind.
    pub(crate) async fn bare_at(forge: ForgeKind, database: Database, kinds: &[Kind]) -> Self {
        let app = TestApp::start_at(forge, database).await;
        let repo = Repo::init(app.path("work"));
        repo.commit("First", &[("index.html", "first")]);
        app.publish(&repo, REPOSITORY);
        std::fs::create_dir(app.path("srv")).unwrap();
        let mut hosts = Vec::new();
        for (number, kind) in (1..).zip(kinds) {
            hosts.push(TestHost::start(&app, *kind, number).await);
        }
        Self { app, repo, hosts }
    }

    /// Below this path every host has its releases; each finds its own disk there.
    pub(crate) fn srv(&self) -> PathBuf {
        self.app.path("srv")
    }

    /// The environment `production` with its release config. `environment` is the rest of its table.
    pub(crate) fn production(&self, environment: &str, release: &str) -> String {
        format!("[[environment]]\nkey = \"production\"\n{environment}\n\n{}", self.app_with(&self.release("", release)))
    }

    /// The app `shop` with these release configs.
    pub(crate) fn app_with(&self, releases: &str) -> String {
        let forge = self.app.forge_id();
        let repository = format!("repository = {{ forge = {forge:?}, name = {REPOSITORY:?} }}");
        format!("[[app]]\nkey = \"shop\"\nname = \"Shop\"\n{repository}\n\n{releases}")
    }

    /// A release config for `production` on all hosts; `suffix` makes its paths differ from another's.
    pub(crate) fn release(&self, suffix: &str, rest: &str) -> String {
        let names: Vec<&str> = self.hosts.iter().map(|host| host.name.as_str()).collect();
        let srv = self.srv();
        let srv = srv.display();
        format!(
            "[[app.release]]\nenvironment = \"production\"\nhosts = {names:?}\ndeploy_path = \"{srv}/www{suffix}\"\n\
             releases_path = \"{srv}/davit{suffix}\"\n{rest}\n"
        )
    }

    /// A whole `davit.toml` with the forge and the hosts before this.
    pub(crate) fn document(&self, rest: &str) -> String {
        let hosts: String = self.hosts.iter().map(TestHost::table).collect();
        format!("{}{hosts}{rest}", self.app.forge_table())
    }

    /// Sends a document as the administrator's client would.
    pub(crate) async fn send_document(&self, document: &str, more: Value) -> (u16, Value) {
        let mut values = serde_json::Map::new();
        if document.contains("TEST_TOKEN") {
            values.insert("env:TEST_TOKEN".into(), json!(self.app.forge.token()));
            values.insert("env:TEST_SECRET".into(), json!(self.app.forge.webhook_secret()));
        }
        for host in &self.hosts {
            if let (Some(sshd), true) = (&host.sshd, document.contains(&host.key_file())) {
                values.insert(format!("file:{}", host.key_file()), json!(sshd.client_private_key()));
            }
        }
        let mut body = json!({ "document": document, "values": values });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.app.post("/apply", body).await
    }

    pub(crate) async fn configure(&self, document: &str) {
        let (status, answer) = self.send_document(document, json!({})).await;
        assert_eq!(status, 200, "{answer}\n{document}");
    }

    /// `GET`, and the answer is what the OpenAPI document says.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.app.get(path).await;
        schema::check(path, &answer);
        answer
    }

    /// Commits a page and makes it known at the forge.
    pub(crate) fn commit(&self, title: &str) -> CommitSha {
        let commit = self.repo.commit(title, &[("index.html", title)]);
        self.app.publish(&self.repo, REPOSITORY);
        commit.parse().unwrap()
    }

    /// The webhook for the last commit of `main`.
    pub(crate) fn push_of(&self, commit: &CommitSha, title: &str) -> Delivery {
        let before = CommitSha::try_from("1".repeat(40)).unwrap();
        self.app.forge.push_delivery(&NewPush {
            repository: REPOSITORY,
            git_ref: "refs/heads/main",
            before: Some(&before),
            after: Some(commit),
            message: title,
            pusher: "ada",
        })
    }

    /// Commits, pushes, delivers; the delivery's number. Nothing is waited for.
    pub(crate) async fn push(&self, title: &str) -> (CommitSha, i64) {
        let commit = self.commit(title);
        let (status, answer) = self.app.deliver(&self.push_of(&commit, title)).await;
        assert_eq!(status, 202, "{answer}");
        (commit, answer["id"].as_i64().unwrap())
    }

    /// Asks for a release; its deployment's number, which may still have to wait for its turn.
    pub(crate) async fn ask(&self, body: Value) -> i64 {
        // Releases are named and sorted by the second.
        self.app.advance(Duration::from_secs(1));
        let (status, request) = self.app.post("/apps/shop/environments/production/deploy", body).await;
        assert_eq!(status, 201, "{request}");
        request["deployment"].as_i64().unwrap()
    }

    /// Releases a new commit with this title as an administrator does, and waits for its end.
    pub(crate) async fn release_new(&self, title: &str) -> Value {
        let commit = self.commit(title);
        let id = self.ask(json!({ "commit": commit, "title": title })).await;
        self.ended(id).await
    }

    /// As [`release_new`](Self::release_new), and it must have succeeded; the release's name.
    pub(crate) async fn released(&self, title: &str) -> String {
        let deployment = self.release_new(title).await;
        assert_eq!(deployment["state"], "succeeded", "{deployment} {:?}", self.log_of(&deployment).await);
        text(&deployment["release"])
    }

    pub(crate) async fn ended(&self, id: i64) -> Value {
        self.app.ended(id).await;
        self.get(&format!("/deployments/{id}")).await
    }

    pub(crate) async fn log_of(&self, deployment: &Value) -> Vec<String> {
        self.app.log(deployment["id"].as_i64().unwrap()).await
    }

    /// `state: description` of every status of a commit in the environment's context, in order.
    pub(crate) fn statuses(&self, commit: &CommitSha) -> Vec<String> {
        let statuses = self.app.forge.statuses(REPOSITORY, commit).into_iter();
        let of_context = statuses.filter(|status| status.context == "davit/deploy/production");
        of_context.map(|status| format!("{}: {}", status.state.as_str(), status.description)).collect()
    }

    /// A place where a hook waits until the test lets it go on; see [`Gate`].
    pub(crate) fn gate(&self, name: &str) -> Gate {
        Gate::new(&self.app.path(name))
    }

    pub(crate) async fn finish(self) {
        self.app.finish().await;
    }
}

impl TestHost {
    async fn start(app: &TestApp, kind: Kind, number: usize) -> Self {
        if kind == Kind::Local {
            return Self { name: format!("local-{number}"), disk: app.path("srv"), sshd: None };
        }
        let (name, sshd) = (format!("ssh-{number}"), Sshd::start().await);
        let disk = app.path(&format!("disk-of-{name}"));
        std::fs::create_dir(&disk).unwrap();
        sshd.mount(&disk, &app.path("srv"));
        Self { name, disk, sshd: Some(sshd) }
    }

    fn table(&self) -> String {
        let name = &self.name;
        let Some(sshd) = &self.sshd else {
            return format!("[[host]]\nname = {name:?}\nkind = \"local\"\n\n");
        };
        format!(
            "[[host]]\nname = {name:?}\naddress = {:?}\nport = {}\nuser = {:?}\nhost_key = {:?}\n\
             private_key = {{ file = {:?} }}\n\n",
            sshd.address(),
            sshd.port(),
            sshd.user(),
            sshd.host_key_line(),
            self.key_file()
        )
    }

    fn key_file(&self) -> String {
        format!("{}.key", self.name)
    }

    /// Where its sshd listens.
    pub(crate) fn sshd(&self) -> &Sshd {
        self.sshd.as_ref().unwrap()
    }

    /// The release that it serves.
    pub(crate) fn live(&self) -> Option<String> {
        let target = std::fs::read_link(self.disk.join("www")).ok()?;
        Some(target.file_name()?.to_str()?.to_owned())
    }

    /// Everything in `releases/`, leftovers too, in order.
    pub(crate) fn releases(&self) -> Vec<String> {
        names(&self.disk.join("davit/shop/releases"))
    }

    /// A file of the live release, symlinks to the shared directories followed.
    pub(crate) fn read(&self, path: &str) -> Option<String> {
        let release = self.disk.join("davit/shop/releases").join(self.live()?);
        let file = release.join(path);
        let here = match std::fs::read_link(&file) {
            Ok(target) => self.disk.join("davit/shop/shared").join(path).canonicalize().ok().or(Some(target))?,
            Err(_) => file,
        };
        std::fs::read_to_string(here).ok()
    }
}

/// Where a hook waits: it says `waiting` and reads one line, which [`open`](Self::open) writes.
pub(crate) struct Gate {
    path: PathBuf,
    fifo: File,
}

impl Gate {
    fn new(path: &Path) -> Self {
        assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
        // Open for reading too, so that neither end waits for the other one to open.
        let fifo = OpenOptions::new().read(true).write(true).open(path).unwrap();
        Self { path: path.to_owned(), fifo }
    }

    /// For a hook.
    pub(crate) fn wait(&self) -> String {
        format!("echo waiting; read -r line < '{}'; echo going on", self.path.display())
    }

    /// Lets one waiting hook go on, or the next one that comes.
    pub(crate) fn open(&self) {
        (&self.fifo).write_all(b"\n").unwrap();
    }
}

/// Names in a directory, in order; none when it is not there.
pub(crate) fn names(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).into_iter().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// A JSON string's text.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}
