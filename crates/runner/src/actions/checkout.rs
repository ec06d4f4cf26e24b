//! `actions/checkout`: the files of the commit come into the workspace.

use super::{Inputs, because};
use crate::job::{Fault, Outputs, Running};
use crate::search::is_in;
use crate::services::{CheckoutRequest, Services, Submodules};
use tokio::sync::mpsc;

/// Removes what is in a directory, and leaves the directory.
const EMPTY: &str = r#"[ ! -d "$1" ] || find "$1" -mindepth 1 -maxdepth 1 -exec rm -rf -- {} +"#;
/// Lines that wait for the log.
const LINES: usize = 64;

impl<S: Services> Running<'_, S> {
    /// Brings the commit. Nothing that it brings holds credentials, whatever `persist-credentials` says.
    pub(crate) async fn checkout(&mut self, with: &[(String, String)]) -> Result<Outputs, Fault> {
        let inputs = Inputs(with);
        let request = request(inputs)?;
        let into = self.roots.resolve(inputs.text("path").unwrap_or(".")).map_err(Fault::failed)?;
        if !is_in(&into, &self.roots.workspace) {
            return Err(Fault::failed("`path` must be in the workspace"));
        }
        let from = self.outside("checkout");
        let (sink, mut lines) = mpsc::channel(LINES);
        let (services, log) = (self.services, &mut *self.log);
        let bring = async {
            let commit = services.checkout(&request, &from, &sink).await;
            drop(sink);
            commit
        };
        let talk = async {
            while let Some(line) = lines.recv().await {
                log.take(line).await;
            }
        };
        let brought = self.ends.unless_ended(async { tokio::join!(bring, talk).0 }).await;
        let commit = brought.ok_or(Fault::Ended)??;
        if self.used && (inputs.text("clean").is_none() || inputs.flag("clean")?) {
            self.ask(EMPTY, &[&into]).await.map_err(|fault| because("the workspace can't be emptied", fault))?;
        }
        self.place.put_tree(&from, &into).await?;
        self.used = true;
        self.log.say(&format!("Checked out {commit}")).await;
        let reference = request.reference.unwrap_or_default();
        Ok(vec![("commit".to_owned(), commit.to_string()), ("ref".to_owned(), reference)])
    }
}

fn request(inputs: Inputs<'_>) -> Result<CheckoutRequest, Fault> {
    let submodules = match inputs.text("submodules") {
        None | Some("false") => Submodules::None,
        Some("true") => Submodules::Own,
        Some("recursive") => Submodules::Recursive,
        Some(_) => return Err(Fault::failed("`submodules` must be `true`, `false` or `recursive`")),
    };
    Ok(CheckoutRequest {
        reference: inputs.text("ref").map(str::to_owned),
        depth: inputs.number("fetch-depth")?.unwrap_or(1),
        tags: inputs.flag("fetch-tags")?,
        submodules,
        lfs: inputs.flag("lfs")?,
    })
}
