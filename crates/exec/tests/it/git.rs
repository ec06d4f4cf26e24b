//! Mirrors and checkouts, with real git at both ends.

use davit_domain::event::GitRef;
use davit_domain::ids::CommitSha;
use davit_exec::git::{Credential, Mirror, Remote, RemoteRef, Resolved, Rewrite, Way};
use davit_exec::{ExecError, LineSink};
use davit_testkit::git::{HttpServer, Repo};
use davit_testkit::sshd::Sshd;
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

const PASSWORD: &str = "s3cret/pass+word";

/// A place for repositories, a mirror, and what was said.
struct Site {
    dir: TempDir,
    sink: LineSink,
    heard: mpsc::Receiver<davit_exec::OutputLine>,
    cancel: CancellationToken,
}

impl Site {
    fn new() -> Self {
        let (sink, heard) = mpsc::channel(10_000);
        Self { dir: TempDir::new().expect("a directory"), sink, heard, cancel: CancellationToken::new() }
    }

    /// A repository in an ssh server's hands, with one commit and a submodule, and its URL there.
    fn over_ssh(&self, sshd: &Sshd) -> (Repo, String, String) {
        let (library, repo) = (self.repo("library"), self.repo("repo"));
        library.commit("Library", &[("lib.txt", "lib")]);
        repo.commit("First", &[]);
        let commit = repo.submodule(&library.url(), "../library", "library");
        let url = format!("ssh://{}@{}:{}{}", sshd.user(), sshd.address(), sshd.port(), repo.url());
        (repo, url, commit)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn repo(&self, name: &str) -> Repo {
        Repo::init(self.path(name))
    }

    async fn mirror(&self, url: &str) -> Mirror {
        self.mirror_as(url, None).await
    }

    async fn mirror_as(&self, url: &str, credential: Option<Credential>) -> Mirror {
        let remote = Remote { url: url.into(), credential, way: Way::default() };
        Mirror::open(&self.path("mirror"), remote).await.expect("a mirror")
    }

    async fn fetch(&self, mirror: &Mirror) -> Result<(), ExecError> {
        mirror.fetch(&self.sink, &self.cancel).await
    }

    async fn ensure(&self, mirror: &Mirror, commit: &str) -> Result<(), ExecError> {
        mirror.ensure_commit(&sha(commit), &self.sink, &self.cancel).await
    }

    async fn checkout(&self, mirror: &Mirror, commit: &str) -> Result<PathBuf, ExecError> {
        let into = self.path("checkouts").join(commit);
        mirror.checkout(&sha(commit), &into, &self.sink, &self.cancel).await.map(|()| into)
    }

    /// Everything that git said so far.
    fn said(&mut self) -> String {
        let mut text = String::new();
        while let Ok(line) = self.heard.try_recv() {
            text.push_str(&line.text);
            text.push('\n');
        }
        text
    }
}

fn sha(text: &str) -> CommitSha {
    text.parse().expect("a commit id")
}

fn token(secret: &str) -> Option<Credential> {
    Some(Credential::Token { username: "davit".into(), secret: secret.into() })
}

fn ssh_key(sshd: &Sshd, known_hosts: Option<&str>) -> Option<Credential> {
    let known_hosts = known_hosts.map(|key| format!("[{}]:{} {key}\n", sshd.address(), sshd.port()));
    Some(Credential::SshKey { private_pem: sshd.client_private_key().into(), known_hosts })
}

/// The text of every file below, for "is it written anywhere".
fn everything_below(dir: &Path) -> String {
    walk(dir).iter().map(|file| String::from_utf8_lossy(&std::fs::read(file).expect("bytes")).into_owned()).collect()
}

fn walk(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).expect("a directory").flatten();
    entries.flat_map(|entry| if entry.path().is_dir() { walk(&entry.path()) } else { vec![entry.path()] }).collect()
}

#[tokio::test]
async fn names_mean_what_they_meant_at_the_last_fetch() {
    let site = Site::new();
    let repo = site.repo("repo");
    let first = repo.commit("First", &[("a", "1")]);
    repo.tag("v1");
    repo.annotated_tag("v1-signed", "Release 1");
    repo.branch("release/1.x");
    let second = repo.commit("Second: größer", &[("a", "2")]);
    let mirror = site.mirror(&repo.url()).await;
    site.fetch(&mirror).await.expect("fetched");

    let main = mirror.resolve("main").await.expect("a branch");
    let expected = Resolved {
        commit: sha(&first),
        branch: Some("main".into()),
        tag: None,
        subject: "First".into(),
        author: "Ada Author".into(),
        at: davit_domain::time::Timestamp::from_millis(1_767_225_601_000),
    };
    assert_eq!(main, expected);
    let release = mirror.resolve("refs/heads/release/1.x").await.expect("a branch");
    assert_eq!((release.commit, release.branch.as_deref()), (sha(&second), Some("release/1.x")));
    assert_eq!(release.subject, "Second: größer");
    for name in ["v1", "refs/tags/v1", "v1-signed"] {
        let tag = mirror.resolve(name).await.expect(name);
        assert_eq!(
            (tag.commit, tag.tag.as_deref(), tag.branch),
            (sha(&first), Some(name.trim_start_matches("refs/tags/")), None)
        );
    }
    for id in [second.as_str(), &second[..7], &second[..10].to_uppercase()] {
        let commit = mirror.resolve(id).await.expect(id);
        assert_eq!((commit.commit, commit.branch, commit.tag), (sha(&second), None, None));
    }
    let unknown = mirror.resolve("no-such-branch").await.expect_err("unknown").to_string();
    assert!(unknown.contains("no-such-branch") && unknown.contains("push it there first"), "{unknown}");
}

#[tokio::test]
async fn a_name_of_two_things_has_to_be_said_in_full() {
    let site = Site::new();
    let repo = site.repo("repo");
    repo.commit("First", &[]);
    repo.tag("stable");
    repo.branch("stable");
    let second = repo.commit("Second", &[]);
    let mirror = site.mirror(&repo.url()).await;
    site.fetch(&mirror).await.expect("fetched");
    let error = mirror.resolve("stable").await.expect_err("ambiguous").to_string();
    assert!(error.contains("refs/tags/stable"), "{error}");
    assert_eq!(mirror.resolve("refs/heads/stable").await.expect("a branch").commit, sha(&second));
}

#[tokio::test]
async fn a_tag_that_names_a_file_can_not_be_released() {
    let site = Site::new();
    let repo = site.repo("repo");
    repo.commit("First", &[("key", "k")]);
    repo.git(&["tag", "key", "HEAD:key"]);
    let mirror = site.mirror(&repo.url()).await;
    site.fetch(&mirror).await.expect("fetched");
    assert!(mirror.resolve("key").await.expect_err("a file").to_string().contains("names no commit"));
}

#[tokio::test]
async fn deleted_and_renamed_branches_and_moved_tags_follow_the_remote() {
    let site = Site::new();
    let repo = site.repo("repo");
    repo.commit("First", &[]);
    repo.tag("latest");
    repo.git(&["branch", "topic"]);
    let mirror = site.mirror(&repo.url()).await;
    site.fetch(&mirror).await.expect("fetched");
    repo.git(&["branch", "-m", "topic", "topic/two"]);
    let second = repo.commit("Second", &[]);
    repo.git(&["tag", "--force", "latest"]);
    site.fetch(&mirror).await.expect("fetched");
    assert!(mirror.resolve("topic").await.is_err());
    assert!(mirror.resolve("topic/two").await.is_ok());
    assert_eq!(mirror.resolve("latest").await.expect("a tag").commit, sha(&second));
}

#[tokio::test]
async fn a_commit_that_no_branch_holds_any_more_is_still_found_and_kept() {
    let site = Site::new();
    let repo = site.repo("repo");
    repo.commit("First", &[("a", "1")]);
    let lost = repo.commit("Lost", &[("a", "2")]);
    let forge = repo.clone_bare(site.path("forge.git"));
    repo.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    repo.commit("Other", &[("a", "3")]);
    repo.push(&forge.url());

    let mirror = site.mirror(&forge.url()).await;
    site.ensure(&mirror, &lost).await.expect("the commit itself is asked for");
    site.fetch(&mirror).await.expect("which forgets what is gone");
    let repository = site.path("mirror/repository.git");
    let gc = ["--git-dir", repository.to_str().expect("UTF-8"), "gc", "--quiet", "--prune=now"];
    Repo::init(site.path("scratch")).git(&gc);
    std::fs::remove_dir_all(forge.path()).expect("the forge is gone");
    site.ensure(&mirror, &lost).await.expect("no network is needed for what is here");
    let checkout = site.checkout(&mirror, &lost).await.expect("it was kept");
    assert_eq!(std::fs::read_to_string(checkout.join("a")).expect("a"), "2");
}

#[tokio::test]
async fn a_commit_that_never_was_is_a_sentence() {
    let site = Site::new();
    let repo = site.repo("repo");
    repo.commit("First", &[]);
    let mirror = site.mirror(&repo.url()).await;
    let error = site.ensure(&mirror, &"1a2b3c4d".repeat(5)).await.expect_err("it never was");
    assert!(matches!(&error, ExecError::Git(text) if text.contains("never pushed")), "{error}");
}

#[tokio::test]
async fn a_checkout_is_exactly_the_commit_and_leaves_nothing_on_errors() {
    let site = Site::new();
    let repo = site.repo("repo");
    let first = repo.commit("First", &[("a", "1"), ("dir with space/b", "1")]);
    repo.commit("Second", &[("a", "2")]);
    let mirror = site.mirror(&repo.url()).await;
    site.ensure(&mirror, &first).await.expect("fetched");
    let into = site.checkout(&mirror, &first).await.expect("a checkout");
    assert_eq!(std::fs::read_to_string(into.join("a")).expect("a"), "1");
    assert!(into.join("dir with space/b").is_file());
    let again = site.checkout(&mirror, &first).await.expect_err("it exists");
    assert!(matches!(again, ExecError::Refused(_)), "{again}");
    assert!(into.join("a").is_file(), "what was there stays");

    let unknown = "1a2b3c4d".repeat(5);
    site.checkout(&mirror, &unknown).await.expect_err("unknown");
    assert!(!site.path("checkouts").join(unknown).exists());
}

#[tokio::test]
async fn hooks_of_the_operator_do_not_run() {
    let site = Site::new();
    let repo = site.repo("repo");
    let first = repo.commit("First", &[("a", "1")]);
    let mirror = site.mirror(&repo.url()).await;
    site.ensure(&mirror, &first).await.expect("fetched");
    let hooks = site.path("mirror/repository.git/hooks");
    std::fs::create_dir_all(&hooks).expect("hooks");
    let ran = site.path("ran");
    let hook = hooks.join("reference-transaction");
    std::fs::write(&hook, format!("#!/bin/sh\ntouch '{}'\n", ran.display())).expect("a hook");
    std::fs::set_permissions(&hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("a mode");
    repo.commit("Second", &[]);
    site.fetch(&mirror).await.expect("fetched");
    assert!(!ran.exists());
}

#[tokio::test]
async fn submodules_come_along_also_with_relative_urls() {
    let site = Site::new();
    let (library, inner, repo) = (site.repo("library"), site.repo("inner"), site.repo("repo"));
    inner.commit("Inner", &[("inner.txt", "inner")]);
    library.commit("Library", &[("lib.txt", "old")]);
    library.submodule(&inner.url(), "../inner", "deep");
    repo.commit("First", &[]);
    let pinned = repo.submodule(&library.url(), "../library", "vendor/library");
    library.commit("Newer", &[("lib.txt", "new")]);
    let mirror = site.mirror(&repo.url()).await;
    site.ensure(&mirror, &pinned).await.expect("fetched");
    let into = site.checkout(&mirror, &pinned).await.expect("a checkout");
    assert_eq!(std::fs::read_to_string(into.join("vendor/library/lib.txt")).expect("a file"), "old");
    assert_eq!(std::fs::read_to_string(into.join("vendor/library/deep/inner.txt")).expect("a file"), "inner");
}

#[tokio::test]
async fn a_submodule_of_a_remote_repository_can_not_read_the_servers_disk() {
    let site = Site::new();
    let (secret, repo) = (site.repo("secret"), site.repo("repo"));
    secret.commit("Secret", &[("secret", "x")]);
    repo.commit("First", &[]);
    let evil = repo.submodule(&secret.url(), &secret.url(), "loot");
    repo.clone_bare(site.path("served/repo.git"));
    let server = HttpServer::start(&site.path("served"), None).await;
    let mirror = site.mirror(&server.url("repo.git")).await;
    site.ensure(&mirror, &evil).await.expect("fetched");
    let error = site.checkout(&mirror, &evil).await.expect_err("file is not allowed").to_string();
    assert!(error.contains("transport"), "{error}");
    assert!(!site.path("checkouts").join(evil).exists());
}

#[tokio::test]
async fn a_password_opens_the_repository_and_its_submodules_and_is_written_nowhere() {
    let mut site = Site::new();
    let (library, repo) = (site.repo("library"), site.repo("repo"));
    library.commit("Library", &[("lib.txt", "lib")]);
    repo.commit("First", &[]);
    let commit = repo.submodule(&library.url(), "../library.git", "library");
    library.clone_bare(site.path("served/library.git"));
    repo.clone_bare(site.path("served/repo.git"));
    let server = HttpServer::start(&site.path("served"), Some(("davit", PASSWORD))).await;
    let mirror = site.mirror_as(&server.url("repo.git"), token(PASSWORD)).await;
    site.ensure(&mirror, &commit).await.expect("fetched");
    let into = site.checkout(&mirror, &commit).await.expect("a checkout");
    assert!(into.join("library/lib.txt").is_file());
    assert!(!site.said().contains(PASSWORD));
    for dir in ["mirror", "checkouts"] {
        assert!(!everything_below(&site.path(dir)).contains(PASSWORD), "{dir}");
    }
}

#[tokio::test]
async fn a_submodule_that_is_named_by_ssh_is_fetched_as_the_repository_is() {
    let site = Site::new();
    let (library, repo) = (site.repo("library"), site.repo("repo"));
    library.commit("Library", &[("lib.txt", "lib")]);
    repo.commit("First", &[]);
    let commit = repo.submodule(&library.url(), "git@git.example.com:library.git", "library");
    library.clone_bare(site.path("served/library.git"));
    repo.clone_bare(site.path("served/repo.git"));
    let server = HttpServer::start(&site.path("served"), Some(("davit", PASSWORD))).await;
    let rewrites = vec![Rewrite { from: "git@git.example.com:".into(), to: server.url("") }];
    let way = Way { rewrites, ..Way::default() };
    let remote = Remote { url: server.url("repo.git"), credential: token(PASSWORD), way };
    let mirror = Mirror::open(&site.path("mirror"), remote).await.expect("a mirror");
    site.ensure(&mirror, &commit).await.expect("fetched");
    let into = site.checkout(&mirror, &commit).await.expect("a checkout");
    assert!(into.join("library/lib.txt").is_file());
}

#[tokio::test]
async fn the_remote_is_asked_for_its_branches_and_tags() {
    let site = Site::new();
    let repo = site.repo("repo");
    let commit = repo.commit("First", &[("a", "1")]);
    repo.annotated_tag("v1", "One");
    let mirror = site.mirror(&repo.url()).await;
    let refs = mirror.remote_refs(&site.sink, &site.cancel).await.expect("an answer");
    let expected = [GitRef::Branch("main".into()), GitRef::Tag("v1".into())];
    assert_eq!(refs, expected.map(|git_ref| RemoteRef { git_ref, commit: sha(&commit) }));
}

#[tokio::test]
async fn a_wrong_password_says_what_to_do_and_not_the_password() {
    let mut site = Site::new();
    let repo = site.repo("repo");
    repo.commit("First", &[]);
    repo.clone_bare(site.path("served/repo.git"));
    let server = HttpServer::start(&site.path("served"), Some(("davit", "right"))).await;
    for credential in [token(PASSWORD), None] {
        let mirror = site.mirror_as(&server.url("repo.git"), credential).await;
        let error = site.fetch(&mirror).await.expect_err("refused");
        assert!(matches!(&error, ExecError::Git(text) if text.contains("credential")), "{error}");
        assert!(!format!("{error} {error:?} {mirror:?} {}", site.said()).contains(PASSWORD));
    }
}

#[tokio::test]
async fn a_token_is_not_shown_to_another_host() {
    let site = Site::new();
    let (library, repo) = (site.repo("library"), site.repo("repo"));
    library.commit("Library", &[]);
    repo.commit("First", &[]);
    library.clone_bare(site.path("other/library.git"));
    let other = HttpServer::start(&site.path("other"), Some(("davit", PASSWORD))).await;
    let commit = repo.submodule(&library.url(), &other.url("library.git"), "library");
    repo.clone_bare(site.path("served/repo.git"));
    let server = HttpServer::start(&site.path("served"), Some(("davit", PASSWORD))).await;
    let mirror = site.mirror_as(&server.url("repo.git"), token(PASSWORD)).await;
    site.ensure(&mirror, &commit).await.expect("fetched");
    let error = site.checkout(&mirror, &commit).await.expect_err("the other server got no password");
    assert!(error.to_string().contains("login was refused"), "{error}");
}

#[tokio::test]
async fn an_unreachable_remote_is_worth_another_try_and_a_missing_one_is_not() {
    let site = Site::new();
    // Bound and not listening: the port is ours, and connections to it are refused.
    let socket = tokio::net::TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    let port = socket.local_addr().expect("its address").port();
    for url in [
        format!("http://127.0.0.1:{port}/x.git"),
        format!("ssh://git@127.0.0.1:{port}/x.git"),
        format!("git://127.0.0.1:{port}/x"),
    ] {
        let mirror = site.mirror(&url).await;
        let error = site.fetch(&mirror).await.expect_err("nobody listens");
        assert!(error.is_transient(), "{url}: {error:?}");
        assert!(error.to_string().contains("127.0.0.1 can't be reached"), "{error}");
    }
    std::fs::create_dir(site.path("served")).expect("a directory");
    let server = HttpServer::start(&site.path("served"), None).await;
    for url in [server.url("missing.git"), site.path("missing").display().to_string()] {
        let mirror = site.mirror(&url).await;
        let error = site.fetch(&mirror).await.expect_err("no such repository");
        assert!(matches!(&error, ExecError::Git(text) if text.contains("there is no such repository")), "{error}");
    }
}

#[tokio::test]
async fn what_looks_like_an_option_or_a_program_is_refused() {
    let site = Site::new();
    let evil = format!("ext::touch% {}", site.path("evil").display());
    for url in ["--upload-pack=evil", "-x", &evil, "ext::sh -c evil", "https://user:pw@host/x"] {
        let error =
            Mirror::open(&site.path("mirror"), Remote { url: url.into(), credential: None, way: Way::default() }).await;
        let error = error.expect_err(url);
        assert!(matches!(error, ExecError::Refused(_)), "{error}");
        assert!(!error.to_string().contains("pw"), "{error}");
    }
    let repo = site.repo("repo");
    repo.commit("First", &[]);
    let mirror = site.mirror(&repo.url()).await;
    site.fetch(&mirror).await.expect("fetched");
    for reference in ["--upload-pack=evil", "-x", "main~0", "main\n", "HEAD@{0}", ""] {
        let error = mirror.resolve(reference).await.expect_err(reference);
        assert!(matches!(error, ExecError::Refused(_)), "{error}");
    }
    assert!(!site.path("evil").exists());
}

#[tokio::test]
async fn a_local_repository_of_another_user_can_be_used() {
    let site = Site::new();
    let repo = site.repo("repo");
    let commit = repo.commit("First", &[("a", "1")]);
    if std::os::unix::fs::chown(repo.path(), Some(12_345), None).is_err() {
        return; // Only root can give files away.
    }
    std::os::unix::fs::chown(repo.path().join(".git"), Some(12_345), None).expect("given away");
    let mirror = site.mirror(&repo.url()).await;
    site.ensure(&mirror, &commit).await.expect("fetched");
}

#[tokio::test]
async fn a_fetch_brings_only_what_is_new() {
    let mut site = Site::new();
    let repo = site.repo("repo");
    repo.commit("First", &[("big", &"line\n".repeat(1000))]);
    repo.clone_bare(site.path("served/repo.git"));
    let server = HttpServer::start(&site.path("served"), None).await;
    let mirror = site.mirror(&server.url("repo.git")).await;
    site.fetch(&mirror).await.expect("fetched");
    let requests = server.requests().len();
    site.fetch(&mirror).await.expect("fetched");
    assert_eq!(server.requests().len() - requests, 2, "an up-to-date fetch asks for the references alone");

    let next = repo.commit("Next", &[("small", "x")]);
    repo.push(&site.path("served/repo.git").display().to_string());
    site.said();
    site.ensure(&mirror, &next).await.expect("fetched");
    let packs = walk(&site.path("mirror/repository.git/objects/pack"));
    let smallest = packs
        .iter()
        .filter(|path| path.extension().is_some_and(|e| e == "pack"))
        .map(|path| path.metadata().expect("metadata").len())
        .min();
    assert!(smallest.is_some_and(|bytes| bytes < 600), "{packs:?}");
    let before = server.requests().len();
    site.ensure(&mirror, &next).await.expect("it is here");
    assert_eq!(server.requests().len(), before, "what is here needs no network");
}

#[tokio::test]
async fn two_fetches_at_once_take_turns_and_a_waiting_one_can_be_cancelled() {
    let site = Site::new();
    let repo = site.repo("repo");
    let commit = repo.commit("First", &[]);
    let (one, two) = (site.mirror(&repo.url()).await, site.mirror(&repo.url()).await);
    let (a, b) = tokio::join!(site.ensure(&one, &commit), site.fetch(&two));
    a.and(b).expect("both");

    let lock = std::fs::File::options().append(true).open(site.path("mirror/lock")).expect("the lock");
    lock.lock().expect("locked");
    let cancel = CancellationToken::new();
    let wait = one.fetch(&site.sink, &cancel);
    let (end, ()) = tokio::join!(wait, async { cancel.cancel() });
    assert!(matches!(end, Err(ExecError::Cancelled { .. })), "{end:?}");
}

#[tokio::test]
async fn what_a_killed_git_left_locked_does_not_block() {
    let site = Site::new();
    let repo = site.repo("repo");
    let commit = repo.commit("First", &[]);
    let mirror = site.mirror(&repo.url()).await;
    for left in ["packed-refs.lock", "config.lock", "refs/heads/main.lock"] {
        std::fs::write(site.path("mirror/repository.git").join(left), "").expect("a lock");
    }
    site.ensure(&mirror, &commit).await.expect("fetched");
    site.mirror(&repo.url()).await;
}

#[tokio::test]
async fn a_mirror_follows_a_new_url() {
    let site = Site::new();
    let (old, new) = (site.repo("old"), site.repo("new"));
    old.commit("Old", &[]);
    new.commit("Other", &[]);
    let commit = new.commit("New", &[]);
    let mirror = site.mirror(&old.url()).await;
    site.fetch(&mirror).await.expect("fetched");
    let mirror = site.mirror(&new.url()).await;
    site.fetch(&mirror).await.expect("fetched");
    assert_eq!(mirror.resolve("main").await.expect("a branch").commit, sha(&commit));
}

#[tokio::test]
async fn repositories_that_count_in_sha256_work() {
    let site = Site::new();
    let path = site.path("repo");
    std::fs::create_dir(&path).expect("a directory");
    Repo::init(site.path("scratch")).git(&["init", "--quiet", "--object-format=sha256", path.to_str().expect("UTF-8")]);
    let repo = site.repo("repo");
    let commit = repo.commit("First", &[("a", "1")]);
    assert_eq!(commit.len(), 64);
    let mirror = site.mirror(&repo.url()).await;
    site.ensure(&mirror, &commit).await.expect("fetched");
    let into = site.checkout(&mirror, &commit).await.expect("a checkout");
    assert!(into.join("a").is_file());
}

#[tokio::test]
async fn a_key_opens_an_ssh_repository_and_its_submodules() {
    let sshd = Sshd::start().await;
    let site = Site::new();
    let (_repo, url, commit) = site.over_ssh(&sshd);
    for known_hosts in [None, Some(sshd.host_key_line())] {
        let dir = TempDir::with_prefix("mirror with spaces ").expect("a directory");
        let remote =
            Remote { url: url.clone(), credential: ssh_key(&sshd, known_hosts.as_deref()), way: Way::default() };
        let mirror = Mirror::open(dir.path(), remote).await.expect("a mirror");
        site.ensure(&mirror, &commit).await.expect("fetched");
        let into = dir.path().join("checkout");
        mirror.checkout(&sha(&commit), &into, &site.sink, &site.cancel).await.expect("a checkout");
        assert!(into.join("library/lib.txt").is_file());
        assert_eq!(dir.path().join("known_hosts").exists(), known_hosts.is_none(), "learned only when not told");
        assert!(!everything_below(dir.path()).contains("PRIVATE KEY"));
    }
}

#[tokio::test]
async fn a_changed_or_wrong_ssh_host_key_stops_the_fetch() {
    let sshd = Sshd::start().await;
    let site = Site::new();
    let (_repo, url, _) = site.over_ssh(&sshd);
    let pinned = sshd.host_key_line();
    let mirror = site.mirror_as(&url, ssh_key(&sshd, None)).await;
    site.fetch(&mirror).await.expect("the first contact is trusted");
    sshd.change_host_key("ed25519").await;
    let mirrors = [mirror, site.mirror_as(&url, ssh_key(&sshd, Some(&pinned))).await];
    for mirror in mirrors {
        let error = site.fetch(&mirror).await.expect_err("another key");
        assert!(matches!(&error, ExecError::Git(text) if text.contains("not the known one")), "{error}");
    }
}

#[tokio::test]
async fn a_refused_ssh_key_says_what_to_do() {
    let (sshd, other) = (Sshd::start().await, Sshd::start().await);
    let site = Site::new();
    let (_repo, url, _) = site.over_ssh(&sshd);
    let mirror = site.mirror_as(&url, ssh_key(&other, None)).await;
    let error = site.fetch(&mirror).await.expect_err("not our key");
    assert!(matches!(&error, ExecError::Git(text) if text.contains("login was refused")), "{error}");
    let nonsense = Credential::SshKey { private_pem: "nonsense".to_owned().into(), known_hosts: None };
    let mirror = site.mirror_as(&url, Some(nonsense)).await;
    assert!(site.fetch(&mirror).await.is_err(), "and no question on the terminal");
}

#[tokio::test]
async fn a_fetch_that_breaks_off_can_be_tried_again() {
    let sshd = Sshd::start().await;
    let site = Site::new();
    let (_repo, url, commit) = site.over_ssh(&sshd);
    let mirror = site.mirror_as(&url, ssh_key(&sshd, None)).await;
    sshd.refuse(true);
    let error = site.ensure(&mirror, &commit).await.expect_err("refused");
    assert!(error.is_transient(), "{error:?}");
    sshd.refuse(false);
    sshd.cut_after_bytes(3_000);
    let error = site.ensure(&mirror, &commit).await.expect_err("cut off");
    assert!(error.is_transient(), "{error:?}");
    sshd.stop_cutting();
    site.ensure(&mirror, &commit).await.expect("fetched");
}

#[tokio::test]
async fn the_default_branch_is_asked_from_the_remote() {
    let site = Site::new();
    let repo = site.repo("repo");
    let mirror = site.mirror(&repo.url()).await;
    assert_eq!(mirror.default_branch(&site.sink, &site.cancel).await.expect("asked"), None, "it is empty");
    repo.commit("First", &[]);
    repo.branch("trunk/one");
    repo.commit("Second", &[]);
    let branch = mirror.default_branch(&site.sink, &site.cancel).await.expect("asked");
    assert_eq!(branch.as_deref(), Some("trunk/one"));
}

#[tokio::test]
async fn large_file_pointers_are_not_passed_over_in_silence() {
    let mut site = Site::new();
    let repo = site.repo("repo");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n";
    let files = [(".gitattributes", "*.bin filter=lfs diff=lfs\n"), ("a.txt", pointer), ("whole.bin", "not a pointer")];
    let harmless = repo.commit("First", &files);
    let commit = repo.commit("Second", &[("sub dir/größe.bin", pointer)]);
    let mirror = site.mirror(&repo.url()).await;
    site.ensure(&mirror, &commit).await.expect("fetched");
    site.checkout(&mirror, &harmless).await.expect("only attributes, no pointer under them");
    assert!(!site.said().contains("LFS"));
    let has_lfs =
        std::env::split_paths(&std::env::var_os("PATH").expect("PATH")).any(|dir| dir.join("git-lfs").exists());
    match site.checkout(&mirror, &commit).await {
        Ok(_) => assert!(has_lfs && site.said().contains("sub dir/größe.bin is a pointer"), "{}", site.said()),
        Err(refusal) => {
            let text = refusal.to_string();
            assert!(!has_lfs && text.contains("sub dir/größe.bin") && text.contains("install git-lfs"), "{text}");
        }
    }
}
