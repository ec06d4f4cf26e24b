//! Where an app lives on a host: the directories, checked once, and the names they have in the scripts.

use super::script::Script;
use crate::ExecError;
use davit_domain::ids::{AppKey, HostName};

/// The directories of one app on its hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    app: AppKey,
    deploy_path: String,
    releases_path: String,
}

impl Layout {
    /// Checks the two paths: absolute, no `.` or `..` parts, no control characters, and `releases_path` neither
    /// `deploy_path` itself nor inside it. Slashes too many are dropped.
    ///
    /// # Errors
    /// `Refused` with the rule that is broken.
    pub fn new(app: AppKey, deploy_path: &str, releases_path: &str) -> Result<Self, ExecError> {
        let deploy_path = absolute("deploy path", deploy_path)?;
        let releases_path = absolute("releases path", releases_path)?;
        let layout = Self { app, deploy_path, releases_path };
        if is_within(&layout.releases_path, &layout.deploy_path) {
            return Err(ExecError::Refused(format!(
                "the releases path {} must not be the deploy path or lie inside it: choose a directory beside it",
                layout.releases_path
            )));
        }
        if is_within(&layout.deploy_path, &layout.app_dir()) {
            return Err(ExecError::Refused(format!(
                "the deploy path {} must not lie inside {}, where davit keeps the releases",
                layout.deploy_path,
                layout.app_dir()
            )));
        }
        Ok(layout)
    }

    /// The app.
    #[must_use]
    pub const fn app(&self) -> &AppKey {
        &self.app
    }

    /// The symlink that is switched.
    #[must_use]
    pub fn deploy_path(&self) -> &str {
        &self.deploy_path
    }

    /// `<releases_path>/<app>`.
    #[must_use]
    pub fn app_dir(&self) -> String {
        format!("{}/{}", self.releases_path, self.app)
    }

    /// `<app_dir>/.davit`: what davit keeps for itself, the directories of hooks among it.
    #[must_use]
    pub fn control_dir(&self) -> String {
        format!("{}/.davit", self.app_dir())
    }

    /// The directory of one release.
    #[must_use]
    pub fn release_path(&self, release: &davit_domain::ids::ReleaseName) -> String {
        format!("{}/releases/{release}", self.app_dir())
    }

    /// What the upload of a build is called on a host: the same one has the same name, so that it can be resumed.
    /// Deployments to another deploy path beside the same releases have uploads of their own.
    pub(super) fn upload_id(&self, digest: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(digest.as_bytes()).update(b"\0").update(self.deploy_path.as_bytes());
        let mut id = hasher.finalize().to_hex().to_string();
        id.truncate(16);
        id
    }

    /// A script that knows the directories.
    pub(super) fn script(&self, body: &'static str) -> Script {
        let mut script = Script::new(body);
        script.set("deploy_path", &self.deploy_path).set("app_dir", self.app_dir());
        script
    }
}

/// Paths that are shared by all releases: links to `shared/` take their place in every release.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Shared {
    dirs: Vec<String>,
    files: Vec<String>,
}

impl Shared {
    /// Checks the paths, which are relative to the release: no `.` or `..` parts, no control characters.
    ///
    /// # Errors
    /// `Refused` with the rule that is broken.
    pub fn new(dirs: &[String], files: &[String]) -> Result<Self, ExecError> {
        let all = |paths: &[String]| paths.iter().map(|path| relative(path)).collect::<Result<Vec<_>, _>>();
        let shared = Self { dirs: all(dirs)?, files: all(files)? };
        for (number, path) in shared.paths().enumerate() {
            let clash = shared.paths().enumerate().find(|(other, outer)| *other != number && is_within(path, outer));
            if let Some((_, outer)) = clash {
                return Err(ExecError::Refused(format!(
                    "the shared path {path} lies inside (or is) the shared path {outer}: keep one of them"
                )));
            }
        }
        Ok(shared)
    }

    /// Directories; made in `shared/` when they are missing.
    #[must_use]
    pub fn dirs(&self) -> &[String] {
        &self.dirs
    }

    /// Files; they must exist in `shared/` before a release.
    #[must_use]
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// Whether davit puts something of its own there, so that the build's entry is not part of the release.
    pub(super) fn covers(&self, path: &[u8]) -> bool {
        let below = |outer: &str| {
            path.strip_prefix(outer.as_bytes()).is_some_and(|rest| rest.is_empty() || rest.first() == Some(&b'/'))
        };
        below("REVISION") || self.paths().any(below)
    }

    /// The same for the same paths.
    pub(super) fn id(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        for (kind, paths) in [(b"D", &self.dirs), (b"F", &self.files)] {
            for path in paths {
                hasher.update(kind).update(path.as_bytes()).update(b"\n");
            }
        }
        hasher.finalize().to_hex().to_string()
    }

    fn paths(&self) -> impl Iterator<Item = &str> {
        self.dirs.iter().chain(&self.files).map(String::as_str)
    }
}

/// For a sentence about a path on a host.
pub(super) fn on(host: &HostName, sentence: &str) -> ExecError {
    ExecError::Refused(format!("{host}: {sentence}"))
}

/// An absolute path that something is put at, checked as those of a [`Layout`].
pub(super) fn destination(path: &str) -> Result<String, ExecError> {
    absolute("target path", path)
}

fn absolute(what: &str, path: &str) -> Result<String, ExecError> {
    let clean = parts(path).map_err(|rule| ExecError::Refused(format!("the {what} {path:?} {rule}")))?;
    if !path.starts_with('/') || clean.is_empty() {
        return Err(ExecError::Refused(format!(
            "the {what} {path:?} must be absolute and below the root, such as /srv/www"
        )));
    }
    Ok(format!("/{clean}"))
}

fn relative(path: &str) -> Result<String, ExecError> {
    let clean = parts(path).map_err(|rule| ExecError::Refused(format!("the shared path {path:?} {rule}")))?;
    if path.starts_with('/') || clean.is_empty() {
        return Err(ExecError::Refused(format!(
            "the shared path {path:?} must be relative to the release, such as storage/logs"
        )));
    }
    Ok(clean)
}

fn parts(path: &str) -> Result<String, &'static str> {
    if path.chars().any(char::is_control) {
        return Err("must not hold control characters");
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    if parts.iter().any(|part| matches!(*part, "." | "..")) {
        return Err("must not hold . or .. parts");
    }
    Ok(parts.join("/"))
}

fn is_within(inner: &str, outer: &str) -> bool {
    inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout(deploy: &str, releases: &str) -> Result<Layout, String> {
        let app = "shop".parse().expect("key");
        Layout::new(app, deploy, releases).map_err(|refusal| refusal.to_string())
    }

    #[test]
    fn paths_are_checked_once() {
        for (deploy, releases, rule) in [
            ("srv/www", "/srv/releases", "absolute"),
            ("/", "/srv/releases", "absolute"),
            ("/srv/../etc", "/srv/releases", ".."),
            ("/srv/www\n", "/srv/releases", "control"),
            ("/srv/www\0", "/srv/releases", "control"),
            ("/srv/www", "/srv/www", "inside it"),
            ("/srv/www", "/srv/www/releases", "inside it"),
            ("/srv/www/", "//srv//www//releases", "inside it"),
            ("/srv/releases/shop/current", "/srv/releases", "must not lie inside"),
        ] {
            let refusal = layout(deploy, releases).expect_err(deploy);
            assert!(refusal.contains(rule), "{deploy}: {refusal}");
        }
        let fine = layout("/srv/www/", "/srv/www-releases").expect("a sibling with the same beginning");
        assert_eq!((fine.deploy_path(), fine.app_dir().as_str()), ("/srv/www", "/srv/www-releases/shop"));
    }

    #[test]
    fn shared_paths_stay_in_the_release() {
        let shared = |dirs: &[&str], files: &[&str]| {
            let own = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
            Shared::new(&own(dirs), &own(files)).map_err(|refusal| refusal.to_string())
        };
        for bad in ["/etc", "", "../x", "a/../../x", "a\nb", "."] {
            assert!(shared(&[bad], &[]).is_err(), "{bad:?}");
        }
        assert!(shared(&["storage"], &["storage/.env"]).expect_err("nested").contains("lies inside"));
        assert!(shared(&["a"], &["a/"]).is_err(), "the same path twice");
        assert_eq!(shared(&["storage//logs/"], &[".env"]).expect("fine").dirs(), ["storage/logs"]);
    }
}
