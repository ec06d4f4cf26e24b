//! The sample app: a git repository with two commits.

use crate::failure::Failure;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// What is in the first commit; the second changes the page.
const FILES: [(&str, &str); 5] = [
    ("README.md", "# Sample\n\nA page, a build step and a check: enough to see a run and a release from end to end.\n"),
    ("public/style.css", "body { font: 1.2rem/1.6 system-ui; margin: 4rem auto; max-width: 40rem }\n"),
    (
        "build.sh",
        "#!/bin/sh\nset -e\necho \"built from $DAVIT_COMMIT by davit\" > public/build.txt\necho 'Built:'\nls public\n",
    ),
    (super::workflow::FILE, super::workflow::WORKFLOW),
    ("check.sh", "#!/bin/sh\nset -e\ngrep -q '<h1>' index.html\necho \"The page of $DAVIT_RELEASE is complete.\"\n"),
];

/// A repository on this disk.
pub(super) struct SampleRepository {
    pub(super) dir: PathBuf,
    pub(super) first: String,
    pub(super) second: String,
}

impl SampleRepository {
    /// Makes it, with two commits on `main`.
    pub(super) async fn make(dir: &Path) -> Result<Self, Failure> {
        let write = |name: &str, text: &str| {
            let path = dir.join(name);
            let parent = path.parent().unwrap_or(dir).to_owned();
            std::fs::create_dir_all(parent).and_then(|()| std::fs::write(path, text)).map_err(super::disk)
        };
        for (name, text) in FILES {
            write(name, text)?;
        }
        write("public/index.html", &page("first"))?;
        git(dir, &["init", "--quiet", "--initial-branch=main"]).await?;
        let first = commit(dir, "Greet the world").await?;
        write("public/index.html", &page("second"))?;
        let second = commit(dir, "Greet the world a second time").await?;
        Ok(Self { dir: dir.to_owned(), first, second })
    }

    /// The app in `davit.toml`.
    pub(super) fn app_table(&self, key: &str) -> String {
        format!(
            "[[app]]\nkey = {key:?}\nname = \"Sample\"\nrepository = {{ url = {:?} }}\n\n",
            self.dir.display().to_string()
        )
    }

    /// How it is released to a host whose files are below `root`.
    pub(super) fn release_table(&self, environment: &str, root: &Path) -> String {
        let path = |name: &str| root.join(name).display().to_string();
        format!(
            "[[app.release]]\nenvironment = {environment:?}\nhosts = {{ labels = [\"web\"] }}\ndeploy_path = {:?}\nreleases_path = {:?}\nkeep = 3\nbuild_dir = \"public\"\n\
             variables = \"GREETING=hello\"\nhooks.after_checkout = \"cp check.sh public/ && sh build.sh\"\nhooks.before_release = \"sh check.sh\"\n\
             hooks.after_release = \"echo \\\"$GREETING from $DAVIT_HOST_NAME: $DAVIT_RELEASE is live\\\"\"\n\n",
            path("www/current"),
            path("releases"),
        )
    }
}

fn page(version: &str) -> String {
    format!(
        "<!doctype html>\n<title>Sample</title>\n<link rel=\"stylesheet\" href=\"style.css\">\n<h1>Hello from the {version} version</h1>\n"
    )
}

async fn commit(dir: &Path, message: &str) -> Result<String, Failure> {
    git(dir, &["add", "--all"]).await?;
    git(dir, &["commit", "--quiet", "--message", message]).await?;
    git(dir, &["rev-parse", "HEAD"]).await
}

/// git with nobody's configuration but our own.
async fn git(dir: &Path, arguments: &[&str]) -> Result<String, Failure> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs([("GIT_AUTHOR_NAME", "davit demo"), ("GIT_AUTHOR_EMAIL", "demo@davit.invalid")])
        .envs([("GIT_COMMITTER_NAME", "davit demo"), ("GIT_COMMITTER_EMAIL", "demo@davit.invalid")])
        .output()
        .await
        .map_err(|error| {
            Failure::failed(format!("git can't be run ({error}). Install it (Debian: apt-get install git)"))
        })?;
    if !output.status.success() {
        return Err(Failure::failed(format!(
            "git {}: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr)
        )));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
