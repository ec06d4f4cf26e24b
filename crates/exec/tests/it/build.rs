//! Builds, read back by the programs that hosts have.

use davit_domain::time::Timestamp;
use davit_exec::ExecError;
use davit_exec::build::{Build, Entry, Filter, FilterMode, Kind, make};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const AT: Timestamp = Timestamp::from_millis(1_769_860_800_000);

struct Site {
    dir: TempDir,
}

impl Site {
    fn new() -> Self {
        let site = Self { dir: TempDir::new().expect("a directory") };
        std::fs::create_dir(site.source()).expect("a source");
        site
    }

    fn source(&self) -> std::path::PathBuf {
        self.dir.path().join("source")
    }

    fn file(&self, name: impl AsRef<OsStr>, content: &str) -> &Self {
        let path = self.source().join(Path::new(name.as_ref()));
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
        std::fs::write(path, content).expect("a file");
        self
    }

    fn directory(&self, name: &str) -> &Self {
        std::fs::create_dir_all(self.source().join(name)).expect("a directory");
        self
    }

    async fn make(&self, build_dir: &str, filter: &Filter, out: &str) -> Result<Build, ExecError> {
        make(&self.source(), build_dir, filter, AT, &self.dir.path().join(out)).await
    }

    /// The names in a build with this filter.
    async fn names(&self, mode: FilterMode, patterns: &[&str]) -> Vec<String> {
        let filter = Filter { mode, patterns: patterns.iter().map(ToString::to_string).collect() };
        let build = self.make(".", &filter, "names").await.expect("a build");
        names(&build)
    }
}

fn names(build: &Build) -> Vec<String> {
    build.entries.iter().map(|entry| String::from_utf8_lossy(&entry.path).into_owned()).collect()
}

#[tokio::test]
async fn exclude_leaves_out_what_matches_and_git_always() {
    let site = Site::new();
    site.file(".git/HEAD", "x").file("lib/.git", "gitdir: x").file("lib/a.md", "").file("lib/a.php", "");
    site.file("tests/a.php", "")
        .file("tests/keep.php", "")
        .file("README.md", "")
        .file("KEEP.md", "")
        .directory("empty");
    let kept =
        site.names(FilterMode::Exclude, &["tests/", "!tests/keep.php", "*.md", "!KEEP.md", "# comment", ""]).await;
    assert_eq!(kept, ["KEEP.md", "empty", "lib", "lib/a.php"]);
    let all = site.names(FilterMode::All, &["*"]).await;
    let everything =
        ["KEEP.md", "README.md", "empty", "lib", "lib/a.md", "lib/a.php", "tests", "tests/a.php", "tests/keep.php"];
    assert_eq!(all, everything);
}

#[tokio::test]
async fn include_releases_only_what_matches() {
    let site = Site::new();
    site.file("dist/app.js", "").file("dist/app.js.map", "").file("dist/css/a.css", "").file("src/app.ts", "");
    site.file("config/prod/app.toml", "").file("config/dev/app.toml", "").file("package.json", "").directory("dist/up");
    let kept = site.names(FilterMode::Include, &["/dist/", "!*.map", "config/prod"]).await;
    let chosen = [
        "config",
        "config/prod",
        "config/prod/app.toml",
        "dist",
        "dist/app.js",
        "dist/css",
        "dist/css/a.css",
        "dist/up",
    ];
    assert_eq!(kept, chosen);
}

#[tokio::test]
async fn a_filter_that_leaves_nothing_or_is_no_pattern_is_refused() {
    let site = Site::new();
    site.file("a", "");
    for (patterns, word) in [("b", "nothing to release"), ("[z-a]", "[z-a]")] {
        let filter = Filter { mode: FilterMode::Include, patterns: vec![patterns.into()] };
        let error = site.make(".", &filter, "out").await.expect_err("refused");
        assert!(matches!(error, ExecError::Refused(_)) && error.to_string().contains(word), "{error}");
    }
}

#[tokio::test]
async fn the_build_directory_stays_inside() {
    let site = Site::new();
    site.file("web/index.html", "hi").file("other", "").file(".git/config", "");
    symlink("/etc", site.source().join("out")).expect("a symlink");
    symlink("web", site.source().join("in")).expect("a symlink");
    for bad in ["..", "web/../..", "/etc", "out", ".git", "missing", "other"] {
        let error = site.make(bad, &Filter::all(), "out").await.expect_err(bad);
        assert!(matches!(error, ExecError::Refused(_)), "{bad}: {error}");
    }
    for good in ["web", "./web/", "in"] {
        let build = site.make(good, &Filter::all(), "out").await.expect(good);
        assert_eq!(names(&build), ["index.html"], "{good}");
    }
    let inside = make(&site.source(), "", &Filter::all(), AT, &site.source().join("build")).await;
    assert!(inside.expect_err("would hold itself").to_string().contains("inside"));
}

#[tokio::test]
async fn a_socket_is_refused_by_name() {
    let site = Site::new();
    let _socket = std::os::unix::net::UnixListener::bind(site.source().join("app.sock")).expect("a socket");
    let error = site.make(".", &Filter::all(), "out").await.expect_err("no socket in a release");
    assert!(error.to_string().contains("app.sock"), "{error}");
}

#[tokio::test]
async fn the_same_files_make_the_same_bytes() {
    let sites = [Site::new(), Site::new()];
    for (number, site) in sites.iter().enumerate() {
        let mut files = ["a", "a.b", "a/b", "z/y/x", "größe"].map(|name| name.replace("a/b", "aa/b"));
        if number == 1 {
            files.reverse();
        }
        for name in &files {
            site.file(name, name);
        }
        symlink("a", site.source().join("link")).expect("a symlink");
    }
    let old = std::fs::File::options().append(true).open(sites[1].source().join("a")).expect("a file");
    old.set_modified(std::time::UNIX_EPOCH).expect("an old file");
    let one = sites[0].make(".", &Filter::all(), "out").await.expect("a build");
    let two = sites[1].make(".", &Filter::all(), "out").await.expect("a build");
    assert_eq!(one.digest, two.digest);
    assert_eq!(std::fs::read(&one.archive).expect("bytes"), std::fs::read(&two.archive).expect("bytes"));
    sites[1].file("a", "b");
    assert_ne!(sites[1].make(".", &Filter::all(), "out").await.expect("a build").digest, one.digest);
}

/// Names that break careless code.
fn odd_names() -> Vec<Vec<u8>> {
    let long = "d".repeat(120);
    vec![
        b"with space".to_vec(),
        b"new\nline".to_vec(),
        b"-rf".to_vec(),
        b"quo'te\"s$(x)`y`".to_vec(),
        b"back\\slash".to_vec(),
        b"latin\xe9".to_vec(),
        "größe/年度.txt".into(),
        format!("{long}/{long}/{long}").into_bytes(),
        "x".repeat(100).into_bytes(),
        "y".repeat(101).into_bytes(),
        b"trailing ".to_vec(),
        b"*".to_vec(),
    ]
}

#[tokio::test]
async fn odd_things_survive_gnu_and_busybox_tar() {
    let site = Site::new();
    for name in odd_names() {
        site.file(OsStr::from_bytes(&name), "content");
    }
    site.directory("empty/deeper")
        .file("run.sh", "#!/bin/sh\n")
        .file("big", &"0123456789".repeat(100_000))
        .file("none", "");
    let mode = |name: &str, mode| std::fs::set_permissions(site.source().join(name), PermissionsExt::from_mode(mode));
    mode("run.sh", 0o750).and_then(|()| mode("none", 0o4600)).expect("modes");
    let far = format!("./{}//./x/", "t".repeat(150));
    for (target, link) in [("big", "link"), ("no/such/file", "dangling"), (far.as_str(), "far"), ("..", "empty/up")] {
        symlink(target, site.source().join(link)).expect("a symlink");
    }
    let build = site.make(".", &Filter::all(), "out").await.expect("a build");
    for tar in [&["tar"][..], &["busybox", "tar"]] {
        let into = TempDir::new().expect("a directory");
        let status = Command::new(tar[0])
            .args(&tar[1..])
            .arg("-xpf")
            .arg(&build.archive)
            .current_dir(into.path())
            .status()
            .expect("tar runs");
        assert!(status.success(), "{tar:?}");
        let diff = Command::new("diff").args(["-r", "--no-dereference"]).arg(site.source()).arg(into.path()).output();
        assert_eq!(String::from_utf8_lossy(&diff.expect("diff runs").stdout), "", "{tar:?}");
        for name in odd_names() {
            assert!(into.path().join(OsStr::from_bytes(&name)).is_file(), "{tar:?} {name:?}");
        }
        let target = std::fs::read_link(into.path().join("far")).expect("a symlink");
        assert_eq!(target.as_os_str(), far.as_str(), "{tar:?}: as it was, not tidied up");
        assert!(into.path().join("empty/deeper").is_dir());
        let of = |name: &str| into.path().join(name).metadata().expect("metadata").permissions().mode() & 0o7777;
        assert_eq!((of("run.sh"), of("none")), (0o750, 0o600), "{tar:?}");
    }
}

#[tokio::test]
async fn checksums_are_those_of_sha256sum_and_offsets_lead_to_the_content() {
    let site = Site::new();
    site.file("sub/a", "hello\n").file("b", "world\n").file("none", "");
    symlink("b", site.source().join("c")).expect("a symlink");
    let build = site.make(".", &Filter::all(), "out").await.expect("a build");
    assert_eq!(build.files, 3);
    let paths: Vec<&[u8]> = build.entries.iter().map(|entry| &entry.path[..]).collect();
    assert_eq!(paths, [&b"b"[..], b"c", b"none", b"sub", b"sub/a"]);
    let sum = Command::new("sha256sum").arg(site.source().join("sub/a")).output().expect("sha256sum runs").stdout;
    let Some(Entry { kind: Kind::File { offset, size, sha256, .. }, .. }) = build.entries.last() else {
        panic!("{:?}", build.entries)
    };
    let hex: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(&sum[..64], hex.as_bytes());

    let archive = std::fs::read(&build.archive).expect("bytes");
    assert_eq!(archive.len() as u64, build.archive_bytes);
    let range = usize::try_from(*offset).expect("small")..usize::try_from(offset + size).expect("small");
    assert_eq!(&archive[range], b"hello\n");
}

#[tokio::test]
async fn a_build_is_loaded_as_it_was_made_or_not_at_all() {
    let site = Site::new();
    site.file("a", "1").file("b%\n", "2");
    let build = site.make(".", &Filter::all(), "out").await.expect("a build");
    let out = site.dir.path().join("out");
    assert_eq!(Build::load(&out).await.expect("the build"), build);

    let manifest = out.join("manifest.jsonl");
    let text = std::fs::read_to_string(&manifest).expect("text");
    std::fs::write(&manifest, text.replace("\"size\":1", "\"size\":2")).expect("written");
    assert!(Build::load(&out).await.expect_err("changed").to_string().contains("manifest"));
    std::fs::write(&manifest, text).expect("written");
    std::fs::File::options().write(true).open(&build.archive).and_then(|file| file.set_len(100)).expect("cut");
    assert!(Build::load(&out).await.expect_err("cut").to_string().contains("archive"));
    std::fs::remove_file(out.join("build.json")).expect("removed");
    assert!(Build::load(&out).await.expect_err("never finished").to_string().contains("Make it again"));
}
