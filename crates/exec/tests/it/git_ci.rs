//! What a job needs of git: commits read without a checkout, changed paths, working copies with a history.

use davit_domain::event::GitRef;
use davit_domain::ids::CommitSha;
use davit_exec::git::{Mirror, Obtain, Remote, Submodules, Way, WorkingCopy};
use davit_exec::{ExecError, LineSink};
use davit_testkit::git::{HttpServer, Repo};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

struct Site {
    dir: TempDir,
    sink: LineSink,
    cancel: CancellationToken,
}

impl Site {
    fn new() -> Self {
        let (sink, mut heard) = mpsc::channel(100);
        tokio::spawn(async move { while heard.recv().await.is_some() {} });
        Self { dir: TempDir::new().expect("a directory"), sink, cancel: CancellationToken::new() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn repo(&self, name: &str) -> Repo {
        Repo::init(self.path(name))
    }

    async fn mirror(&self, url: &str) -> Mirror {
        let remote = Remote { url: url.into(), credential: None, way: Way::default() };
        Mirror::open(&self.path("mirror"), remote).await.expect("a mirror")
    }

    async fn obtain(&self, mirror: &Mirror, commit: &str) -> Result<(), ExecError> {
        let wanted = Obtain { commit: &sha(commit), branches: &[], change_ref: None };
        mirror.obtain(wanted, &self.sink, &self.cancel).await
    }

    async fn copy(&self, mirror: &Mirror, wanted: &WorkingCopy<'_>, name: &str) -> Result<PathBuf, ExecError> {
        let into = self.path(name);
        mirror.working_copy(wanted, &into, &self.sink, &self.cancel).await.map(|()| into)
    }
}

fn sha(text: &str) -> CommitSha {
    text.parse().expect("a SHA")
}

fn of<'a>(commit: &'a CommitSha, git_ref: Option<&'a GitRef>, depth: Option<u32>) -> WorkingCopy<'a> {
    WorkingCopy { commit, git_ref, depth, tags: false, submodules: Submodules::None, large_files: false }
}

fn git(dir: &Path, arguments: &[&str]) -> String {
    Repo::at(dir).git(arguments)
}

#[tokio::test]
async fn a_commit_is_read_without_a_checkout() {
    let site = Site::new();
    let repo = site.repo("repo");
    repo.commit("First", &[]);
    std::fs::create_dir_all(repo.path().join(".davit/workflows")).expect("a directory");
    std::os::unix::fs::symlink("/etc/passwd", repo.path().join(".davit/workflows/link.yml")).expect("a link");
    let files =
        [(".davit/workflows/ci.yml", "on: push\r\n"), (".davit/workflows/sub/no.yml", ""), ("größe \"x\".txt", "x")];
    let commit = repo.commit("Second\n\nwith [skip ci] below", &files);
    let mirror = site.mirror(&repo.url()).await;

    let mut objects = mirror.objects().expect("git runs");
    assert_eq!(objects.commit(&sha(&commit)).await.expect("an answer"), None, "it is not fetched yet");
    site.obtain(&mirror, &commit).await.expect("it is there");
    let read = objects.commit(&sha(&commit)).await.expect("an answer").expect("the same git sees what is fetched");
    assert_eq!(
        (read.subject(), read.author.as_str(), read.email.as_str()),
        ("Second", "Ada Author", "ada@example.com")
    );
    assert!(read.message.contains("[skip ci]"));
    let listed = objects.files_in(&sha(&commit), ".davit/workflows").await.expect("an answer");
    assert_eq!(
        listed.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(),
        ["ci.yml"],
        "no links, no directories"
    );
    assert_eq!(objects.text(&listed[0], 100).await.expect("an answer").as_deref(), Some("on: push\r\n"));
    assert_eq!(objects.text(&listed[0], 3).await.expect("an answer"), None, "too large");
    assert!(objects.files_in(&sha(&commit), ".github/workflows").await.expect("an answer").is_empty());
    assert!(objects.has(&sha(&commit)).await.expect("an answer"), "still in step after all that");
}

#[tokio::test]
async fn changed_paths_are_those_between_or_since_the_base() {
    let site = Site::new();
    let repo = site.repo("repo");
    let first = repo.commit("First", &[("a", "1"), ("b", "1")]);
    repo.branch("topic");
    let topic = repo.commit("Topic", &[("docs/größe.md", "1")]);
    repo.switch("main");
    let main = repo.commit("Main", &[("a", "2")]);
    let mirror = site.mirror(&repo.url()).await;
    let wanted = Obtain { commit: &sha(&topic), branches: &["main"], change_ref: Some("refs/pull/1/head") };
    mirror.obtain(wanted, &site.sink, &site.cancel).await.expect("both are there");

    let changed = async |before: &str, after: &str, from_base| {
        mirror.changed_paths(before, &sha(after), from_base).await.expect("git runs")
    };
    assert_eq!(changed(&first, &main, false).await, Some(vec!["a".to_owned()]));
    assert_eq!(changed("refs/heads/main", &topic, true).await, Some(vec!["docs/größe.md".to_owned()]));
    assert_eq!(changed(&main, &topic, false).await, Some(vec!["a".to_owned(), "docs/größe.md".to_owned()]));
    assert_eq!(changed(&"1".repeat(40), &topic, false).await, None, "nobody knows");
    assert_eq!(mirror.branch_head("main").await.expect("git runs"), Some(sha(&main)));
    assert_eq!(mirror.branch_head("gone").await.expect("git runs"), None);
}

#[tokio::test]
async fn a_commit_that_no_branch_holds_comes_by_the_ref_of_its_change() {
    let site = Site::new();
    let repo = site.repo("repo");
    repo.commit("First", &[]);
    let bare = repo.clone_bare(site.path("served/repo.git"));
    repo.branch("topic");
    let head = repo.commit("From a fork", &[("x", "1")]);
    repo.git(&["push", "--quiet", &bare.url(), "topic:refs/merge-requests/3/head"]);
    let server = HttpServer::start(&site.path("served"), None).await;
    let mirror = site.mirror(&server.url("repo.git")).await;
    let wanted = Obtain { commit: &sha(&head), branches: &["gone"], change_ref: Some("refs/merge-requests/3/head") };
    mirror.obtain(wanted, &site.sink, &site.cancel).await.expect("it is there");
    assert!(mirror.objects().expect("git").has(&sha(&head)).await.expect("an answer"));
    let missing = site.obtain(&mirror, &"1".repeat(40)).await.expect_err("nobody has it");
    assert!(missing.to_string().contains("is not in"), "{missing}");
}

#[tokio::test]
async fn a_working_copy_is_a_repository_of_its_own() {
    let site = Site::new();
    let repo = site.repo("repo");
    repo.commit("First", &[("a", "1")]);
    repo.tag("v1");
    let second = repo.commit("Second", &[("a", "2")]);
    let mirror = site.mirror(&repo.url()).await;
    site.obtain(&mirror, &second).await.expect("it is there");
    let (commit, branch) = (sha(&second), GitRef::Branch("main".into()));

    let shallow = site.copy(&mirror, &of(&commit, Some(&branch), Some(1)), "shallow").await.expect("a copy");
    assert_eq!(std::fs::read_to_string(shallow.join("a")).expect("the file"), "2");
    assert_eq!(git(&shallow, &["symbolic-ref", "HEAD"]), "refs/heads/main");
    assert_eq!(git(&shallow, &["log", "--format=%s"]), "Second");
    assert_eq!(git(&shallow, &["status", "--porcelain"]), "");
    assert_eq!(git(&shallow, &["remote", "get-url", "origin"]), repo.url());
    assert!(!shallow.join(".git/objects/info/alternates").exists(), "nothing is borrowed");
    let mirror_path = site.path("mirror").display().to_string();
    let telling: Vec<String> =
        walk(&shallow.join(".git")).into_iter().filter(|text| text.contains(&mirror_path)).collect();
    assert!(telling.is_empty(), "no path of the server: {telling:?}");

    let whole = site.copy(&mirror, &of(&commit, Some(&branch), None), "whole").await.expect("a copy");
    assert_eq!(git(&whole, &["log", "--format=%s"]), "Second\nFirst");
    assert_eq!(git(&whole, &["describe", "--tags"]).split('-').next(), Some("v1"));
    let detached = site.copy(&mirror, &of(&commit, None, Some(2)), "detached").await.expect("a copy");
    assert_eq!(git(&detached, &["log", "--format=%s"]), "Second\nFirst");
    assert_eq!(git(&detached, &["rev-parse", "--abbrev-ref", "HEAD"]), "HEAD");
    let again = site.copy(&mirror, &of(&commit, None, Some(1)), "detached").await;
    assert!(matches!(again, Err(ExecError::Refused(_))), "{again:?}");
}

#[tokio::test]
async fn a_working_copy_has_the_submodules_that_are_wanted() {
    let site = Site::new();
    let (inner, library, repo) = (site.repo("inner"), site.repo("library"), site.repo("repo"));
    inner.commit("Inner", &[("inner.txt", "inner")]);
    library.commit("Library", &[("lib.txt", "lib")]);
    library.submodule(&inner.url(), "../inner", "inner");
    repo.commit("First", &[]);
    let commit = repo.submodule(&library.url(), "../library", "library");
    let mirror = site.mirror(&repo.url()).await;
    site.obtain(&mirror, &commit).await.expect("it is there");
    let commit = sha(&commit);
    for (submodules, direct, nested) in
        [(Submodules::None, false, false), (Submodules::Direct, true, false), (Submodules::Recursive, true, true)]
    {
        let wanted = WorkingCopy { submodules, ..of(&commit, None, Some(1)) };
        let copy = site.copy(&mirror, &wanted, &format!("{submodules:?}")).await.expect("a copy");
        assert_eq!(copy.join("library/lib.txt").exists(), direct, "{submodules:?}");
        assert_eq!(copy.join("library/inner/inner.txt").exists(), nested, "{submodules:?}");
    }
}

/// Every file below a directory, as text.
fn walk(dir: &Path) -> Vec<String> {
    let mut texts = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        if entry.path().is_dir() {
            texts.extend(walk(&entry.path()));
        } else {
            texts.push(String::from_utf8_lossy(&std::fs::read(entry.path()).expect("a file")).into_owned());
        }
    }
    texts
}
