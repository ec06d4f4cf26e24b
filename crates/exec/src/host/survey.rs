//! Looking at where releases would go, before any release does: for people who write a release config, or want to know
//! what the next release would do. Nothing is changed.

use super::Host;
use super::layout::Layout;
use crate::ExecError;
use davit_domain::ids::ReleaseName;

const SURVEY: &str = include_str!("scripts/survey.sh");

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survey {
    /// The release `deploy_path` points to.
    pub live: Option<ReleaseName>,
    /// Where `deploy_path` points to when that is no release of davit's: the first switch takes it over.
    pub foreign: Option<String>,
    /// The releases there are, oldest first.
    pub releases: Vec<ReleaseName>,
    /// What a release would be refused for, a sentence each, with the path that it is about.
    pub problems: Vec<(String, String)>,
}

impl Host {
    /// Looks at what is there: whether a release would find its tools, could make its directories, and may put its
    /// symlink in place.
    ///
    /// # Errors
    /// `ConnectionLost`.
    pub async fn survey(&self, layout: &Layout) -> Result<Survey, ExecError> {
        let reply = self.ask(layout.script(SURVEY), "a look at where releases would go").await?;
        let user = reply.value("user").unwrap_or_default();
        let (releases, deploy) = (layout.app_dir(), layout.deploy_path());
        let mut problems = Vec::new();
        let missing: Vec<&str> = reply.values("missing").collect();
        if !missing.is_empty() {
            let sentence =
                format!("these programs are missing: {}; install coreutils, findutils and tar", missing.join(" "));
            problems.push((releases.clone(), sentence));
        }
        for (key, path) in [("releases", releases.as_str()), ("deploy", deploy)] {
            if let Some(at) = reply.value(&format!("{key}_blocked")) {
                problems.push((path.to_owned(), format!("{at} is no directory, so nothing can be made in it")));
            }
            if let Some(at) = reply.value(&format!("{key}_denied")) {
                problems.push((
                    path.to_owned(),
                    format!("user {user} may not write to {at}; give that user this directory"),
                ));
            }
        }
        if reply.value("occupied").is_some() {
            let sentence = format!(
                "{deploy} is a real directory or file, not a symlink: move it away on the host before the first release"
            );
            problems.push((deploy.to_owned(), sentence));
        }
        Ok(Survey {
            live: reply.release("live"),
            foreign: reply.value("foreign").map(str::to_owned),
            releases: reply.releases("release"),
            problems,
        })
    }
}
