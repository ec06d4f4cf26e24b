//! What lies between two commits: real git, with what people put into repositories.

use davit_domain::ids::CommitSha;
use davit_exec::git::{Distance, FileStatus, Mirror, Remote, Wanted, Way};
use davit_testkit::git::Repo;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

struct Site {
    dir: TempDir,
    repo: Repo,
}

impl Site {
    fn new() -> Self {
        let dir = TempDir::new().expect("a directory");
        let repo = Repo::init(dir.path().join("repo"));
        Self { dir, repo }
    }

    async fn mirror(&self) -> Mirror {
        let remote = Remote { url: self.repo.path().display().to_string(), credential: None, way: Way::default() };
        let mirror = Mirror::open(&self.dir.path().join("mirror"), remote).await.expect("a mirror");
        let (sink, mut heard) = mpsc::channel(100);
        tokio::spawn(async move { while heard.recv().await.is_some() {} });
        mirror.fetch(&sink, &CancellationToken::new()).await.expect("is fetched");
        mirror
    }
}

fn sha(text: &str) -> CommitSha {
    text.parse().expect("a SHA")
}

#[tokio::test]
async fn files_are_told_apart_whatever_they_are_called() {
    let site = Site::new();
    let odd = OsStr::from_bytes(b"odd\xff\nname");
    let base = site.repo.commit("Base", &[("a.txt", "1\n2\n3\n4\n5\n6\n7\n8\n"), ("gone", "x"), ("-option", "x\n")]);
    std::fs::write(site.repo.path().join(odd), "bytes\n").expect("is written");
    std::os::unix::fs::symlink("b.txt", site.repo.path().join("link")).expect("a link");
    site.repo.git(&["mv", "a.txt", "b.txt"]);
    site.repo.git(&["rm", "--quiet", "gone"]);
    let files = [("b.txt", "1\n2\n3\n4\n5\n6\n7\neight\n"), ("-option", "y\n"), ("bin", "\0\u{1}\u{2}")];
    let head = site.repo.commit("Everything", &files);
    let mirror = site.mirror().await;
    let (base, head) = (sha(&base), sha(&head));
    let changed = mirror.changed_files(&base, &head, 100).await.expect("files");
    assert!(!changed.truncated);
    let seen: Vec<_> = changed
        .items
        .iter()
        .map(|file| (file.path.as_str(), file.old_path.as_deref(), file.status, file.additions, file.deletions))
        .collect();
    assert_eq!(
        seen,
        [
            ("-option", None, FileStatus::Modified, Some(1), Some(1)),
            ("b.txt", Some("a.txt"), FileStatus::Renamed, Some(1), Some(1)),
            ("bin", None, FileStatus::Added, None, None),
            ("gone", None, FileStatus::Deleted, Some(0), Some(1)),
            ("link", None, FileStatus::Added, Some(1), Some(0)),
            ("odd\u{FFFD}\nname", None, FileStatus::Added, Some(1), Some(0)),
        ]
    );
    for (path, part) in
        [("odd\u{FFFD}\nname", "+bytes"), ("b.txt", "rename from a.txt"), ("-option", "+y"), ("bin", "Binary files")]
    {
        let patch = mirror.patch(&base, &head, path, 10_000).await.expect("git answers").expect("it changed");
        assert!(patch.text.contains(part) && !patch.truncated, "{path}: {}", patch.text);
    }
    for path in ["a.txt", "*", ":(glob)**", "../repo", "--output=/tmp/x", ""] {
        assert_eq!(mirror.patch(&base, &head, path, 10_000).await.expect("git answers"), None, "{path}");
    }
    let cut = mirror.changed_files(&base, &head, 2).await.expect("files");
    assert_eq!((cut.items.len(), cut.truncated), (2, true));
}

#[tokio::test]
async fn a_large_patch_is_cut() {
    let site = Site::new();
    let base = site.repo.commit("Base", &[("a", "x")]);
    let large: String = (0..200_000).map(|number| format!("{number}\n")).collect();
    let head = site.repo.commit("Large", &[("large.txt", &large)]);
    let mirror = site.mirror().await;
    let patch = mirror.patch(&sha(&base), &sha(&head), "large.txt", 4_096).await.expect("git answers");
    let patch = patch.expect("it changed");
    assert_eq!((patch.text.len(), patch.truncated), (4_096, true));
}

#[tokio::test]
async fn commits_may_be_ahead_behind_or_strangers() {
    let site = Site::new();
    let base = site.repo.commit("Base", &[("a", "1")]);
    site.repo.branch("side");
    site.repo.switch("main");
    let one = site.repo.commit("One|with \u{1f}odd; signs", &[("a", "2")]);
    let two = site.repo.commit("Two", &[("a", "3")]);
    site.repo.switch("side");
    let side = site.repo.commit("Side", &[("b", "1")]);
    site.repo.git(&["checkout", "--quiet", "--orphan", "strange"]);
    let strange = site.repo.commit("Stranger", &[("c", "1")]);
    let mirror = site.mirror().await;
    let distance = async |from: &str, to: &str| mirror.distance(&sha(from), &sha(to)).await.expect("counted");
    assert_eq!(distance(&base, &two).await, Distance { ahead: 2, behind: 0 });
    assert_eq!(distance(&two, &base).await, Distance { ahead: 0, behind: 2 });
    assert_eq!(distance(&two, &side).await, Distance { ahead: 1, behind: 2 });
    assert_eq!(distance(&two, &strange).await, Distance { ahead: 1, behind: 3 });
    assert!(mirror.is_ancestor(&sha(&base), &sha(&side)).await.expect("git answers"));
    assert!(!mirror.is_ancestor(&sha(&one), &sha(&side)).await.expect("git answers"));
    let commits = mirror.commits_between(&sha(&base), &sha(&two), 1).await.expect("commits");
    assert_eq!((commits.items[0].subject.as_str(), commits.items.len(), commits.truncated), ("Two", 1, true));
    let commits = mirror.commits_between(&sha(&base), &sha(&two), 2).await.expect("commits");
    assert_eq!((commits.items[1].subject.as_str(), commits.truncated), ("One|with \u{1f}odd; signs", false));
    assert!(mirror.changed_files(&sha(&two), &sha(&strange), 9).await.is_ok());
    let missing = sha(&"1a2b3c4d".repeat(5));
    assert!(mirror.distance(&missing, &sha(&two)).await.is_err());
    assert!(mirror.changed_files(&missing, &sha(&two), 9).await.is_err());
    assert!(mirror.commits_between(&missing, &sha(&two), 9).await.is_err());
}

#[tokio::test]
async fn commits_of_a_branch_are_searched_and_paged() {
    let site = Site::new();
    let mut all: Vec<String> =
        (0..6).map(|n| site.repo.commit(&format!("Step {n}"), &[("a", &n.to_string())])).collect();
    all.reverse();
    let mirror = site.mirror().await;
    let head = sha(&all[0]);
    assert_eq!(mirror.history(&head, 2).await.expect("commits").len(), 2);
    let history = mirror.history(&head, 99).await.expect("commits");
    let list = |wanted: Wanted<'_>, most| -> Vec<String> {
        wanted.of(&history, most).into_iter().map(|line| line.commit.to_string()).collect()
    };
    fn text(text: &str) -> Wanted<'_> {
        Wanted { after: None, text: Some(text) }
    }
    assert_eq!(list(Wanted::default(), 2), all[..2]);
    let after = sha(&all[1]);
    assert_eq!(list(Wanted { after: Some(&after), text: None }, 2), all[2..4]);
    assert_eq!(list(Wanted { after: Some(&after), text: Some("step") }, 9), all[2..]);
    assert_eq!(list(text("STEP 3"), 9), all[2..3]);
    assert_eq!(list(text("3 step"), 9), all[2..3], "in any order");
    assert_eq!(list(text(&format!("{} 4", &history[0].author[..2])), 9), all[1..2], "the author and the subject");
    assert_eq!(list(text(&all[4][..10]), 9), all[4..5]);
    assert_eq!(list(text("nowhere"), 9), [""; 0]);
    let elsewhere = sha(&"1a2b3c4d".repeat(5));
    assert!(list(Wanted { after: Some(&elsewhere), text: None }, 9).is_empty());
}

#[tokio::test]
async fn two_thousand_branches_are_listed() {
    let site = Site::new();
    let commit = site.repo.commit("Base", &[("a", "1")]);
    let packed: String = (0..2_000).map(|number| format!("{commit} refs/heads/topic/{number:04}\n")).collect();
    std::fs::write(site.repo.path().join(".git/packed-refs"), format!("# pack-refs with: sorted\n{packed}"))
        .expect("is written");
    let mirror = site.mirror().await;
    assert_eq!(mirror.branches(50_000).await.expect("branches").len(), 2_001);
}
