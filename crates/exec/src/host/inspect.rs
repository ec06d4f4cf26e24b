//! What a host really serves, for people who want to know whether it is what davit thinks.

use super::Host;
use super::layout::Layout;
use super::script;
use crate::ExecError;
use davit_domain::ids::ReleaseName;

const INSPECT: &str = include_str!("scripts/inspect.sh");

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The release `deploy_path` points to.
    pub live: Option<ReleaseName>,
    /// Where `deploy_path` points to when that is no release of davit's; itself when it is no symlink.
    pub foreign: Option<String>,
    /// The releases there are, oldest first.
    pub releases: Vec<ReleaseName>,
    /// How many entries of the live release were changed or removed since it was staged, hooks' changes among them;
    /// `None` when it is not known what was staged.
    pub altered: Option<u64>,
    /// The first 20 of them, relative to the release.
    pub altered_paths: Vec<Vec<u8>>,
    /// What its `REVISION` says: the commit.
    pub revision: Option<String>,
    /// The last five lines of `revisions.log`, the newest last.
    pub log: Vec<String>,
}

impl Host {
    /// Looks at what the host serves and how that differs from what was staged: kinds, modes, sizes and times of
    /// entries are compared, nothing is read. Things that were added are no difference.
    ///
    /// # Errors
    /// `ConnectionLost`.
    pub async fn inspect(&self, layout: &Layout) -> Result<Inspection, ExecError> {
        let reply = self.ask(layout.script(INSPECT).with(script::TREE), "a look at what is live").await?;
        Ok(Inspection {
            live: reply.release("live"),
            foreign: reply.value("foreign").map(str::to_owned),
            releases: reply.releases("release"),
            altered: reply.value("altered_count").and_then(|count| count.trim().parse().ok()),
            altered_paths: reply.paths("altered"),
            revision: reply.value("revision").map(str::to_owned),
            log: reply.values("log").map(str::to_owned).collect(),
        })
    }
}
