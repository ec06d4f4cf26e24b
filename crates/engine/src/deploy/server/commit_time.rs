//! When the commit of a deployment was made: the start of its lead time.

use super::{Run, Stop, patiently};

impl Run {
    /// Notes the time of the commit, when git on this server knows it. Nothing but figures depends on it: what git can't
    /// say, as of an uploaded build, is left out of them.
    pub(in super::super) async fn note_commit_time(&self) -> Result<(), Stop> {
        if self.is_rollback() {
            return Ok(());
        }
        let Ok(mirror) = self.engine.mirror(&self.app).await else { return Ok(()) };
        let Ok(commit) = mirror.describe(&self.deployment.commit).await else { return Ok(()) };
        patiently(&self.stop, || async {
            let mut tx = self.engine.store().begin().await?;
            tx.set_committed_at(self.deployment.id, commit.at).await?;
            Ok(tx.commit().await?)
        })
        .await
    }
}
