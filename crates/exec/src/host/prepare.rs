//! Looking at a host before a release: is it fit, what lies there, and what the next release can be made from.

use super::Host;
use super::layout::Layout;
use crate::{ExecError, quote};
use davit_domain::ids::ReleaseName;
use tokio_util::sync::CancellationToken;

const PREPARE: &str = include_str!("scripts/prepare.sh");
/// What a host looks like before a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostFacts {
    /// The release `deploy_path` points to.
    pub live: Option<ReleaseName>,
    /// Where `deploy_path` points to when that is not a release of davit's; the first switch takes it over and
    /// [`Host::unlink_live`] gives it back.
    pub foreign: Option<String>,
    /// The releases there are, oldest first.
    pub releases: Vec<ReleaseName>,
    /// Free space for releases, in bytes; `None` when `df` does not say.
    pub free_bytes: Option<u64>,
    /// What the next release can be made from: the live release, else the newest.
    pub base: Option<ReleaseName>,
    /// An interrupted upload of the build that was asked about can be resumed.
    pub partial: bool,
}

impl Host {
    /// Checks the tools, makes the directories, clears leftovers of interrupted uploads, and looks around. With the
    /// digest of the build to come, its own interrupted upload is kept and a base is looked for; without one, neither.
    ///
    /// # Errors
    /// `Refused` when `deploy_path` is a real directory or file (which is left alone), tools are missing or the
    /// directories can't be written; `ConnectionLost`; `Cancelled`.
    pub async fn prepare(
        &self,
        layout: &Layout,
        digest: Option<&str>,
        cancel: &CancellationToken,
    ) -> Result<HostFacts, ExecError> {
        let path = layout.deploy_path();
        let move_away = [b"mv ", &*quote::sh(path), b" ", &*quote::sh(format!("{path}.before-davit"))].concat();
        let mut script = layout.script(PREPARE);
        script
            .set("move_away", move_away)
            .set("expected", digest.map(|digest| layout.upload_id(digest)).unwrap_or_default());
        let asked = cancel.run_until_cancelled(self.ask(script, "the preparation")).await;
        let reply = asked.ok_or_else(|| ExecError::Cancelled {
            proof: format!("{} was being prepared, which changes nothing that is live", self.name),
        })??;
        Ok(HostFacts {
            live: reply.release("live"),
            foreign: reply.value("foreign").map(str::to_owned),
            releases: reply.releases("release"),
            free_bytes: reply.value("free_kib").and_then(|kib| kib.parse::<u64>().ok()).map(|kib| kib * 1024),
            base: reply.release("base"),
            partial: reply.value("partial").is_some(),
        })
    }
}
