//! The sample's workflow: tested in sandboxes as a change would be, started as a person starts one.

use super::Demo;
use crate::client::ci::{Run, StartOrder};
use crate::failure::Failure;
use davit_runner::Finding;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Sends webhooks and has no API; in the demo nobody sends any.
const FORGE: &str = "demo";
const NAME: &str = "demo/sample";
/// Where the workflow lies in the repository.
pub(super) const FILE: &str = ".davit/workflows/check.yml";
/// What it does.
pub(super) const WORKFLOW: &str = r#"name: Check
on:
  push:
  pull_request:
  workflow_dispatch:
jobs:
  build:
    runs-on: ubuntu-latest
    outputs:
      files: ${{ steps.count.outputs.files }}
    steps:
      - uses: actions/checkout@v4
      - name: Build
        run: |
          echo "::group::What the build says"
          DAVIT_COMMIT=$GITHUB_SHA sh build.sh
          echo "::endgroup::"
      - id: count
        name: Count the files
        run: echo "files=$(ls public | wc -l)" | tee -a "$GITHUB_OUTPUT"
      - uses: actions/upload-artifact@v4
        with:
          name: page
          path: public
  check:
    needs: build
    strategy:
      matrix:
        file: [index.html, style.css]
    runs-on: ubuntu-latest
    steps:
      - uses: actions/download-artifact@v4
        with:
          name: page
          path: page
      - name: Look into it
        run: |
          test "${{ needs.build.outputs.files }}" -eq 3
          wc "page/${{ matrix.file }}"
          echo "${{ matrix.file }} is there, and **not empty**." >> "$GITHUB_STEP_SUMMARY"
"#;

/// What `davit.toml` says of it.
pub(super) fn tables(repository: &Path) -> String {
    format!(
        "[[forge]]\nid = {FORGE:?}\nkind = \"generic\"\ngeneric = {{ header = \"X-Signature\", repository = \"/repository\", ref = \"/ref\", commit = \"/commit\" }}\n\n\
         [[repository]]\nforge = {FORGE:?}\nname = {NAME:?}\nurl = {:?}\nnetwork = false\n\n",
        repository.display().to_string()
    )
}

impl Demo {
    /// Runs the workflow on the newest commit, where this machine can make sandboxes.
    pub(super) async fn test_it(&self) -> Result<Value, Failure> {
        let findings = davit_runner::examine().await;
        if let Some(Finding { detail, what_to_do, .. }) =
            findings.iter().find(|finding| finding.about == "sandbox" && !finding.ok)
        {
            let advice = what_to_do.as_deref().unwrap_or_default();
            self.say(&format!("\nNo workflow is run, because there is no sandbox here: {detail} {advice}"))?;
            return Ok(Value::Null);
        }
        self.say(&format!("\nRunning the workflow {FILE} on the second commit, each job in a sandbox of its own"))?;
        let order = StartOrder {
            forge: FORGE.to_owned(),
            repository: NAME.to_owned(),
            reference: None,
            file: FILE.to_owned(),
            inputs: BTreeMap::new(),
        };
        let id = self.client.start_workflow(&order).await?.id;
        let run = self.ended(id).await?;
        if !run.is_good() {
            let reason = run.reason.unwrap_or_default();
            return Err(Failure::failed(format!("run {id} ended as {}: {reason}", run.state)));
        }
        self.say(&format!("  run {id} of {} ended in {}", run.workflow, run.state))?;
        Ok(json!({ "id": id, "state": run.state }))
    }

    async fn ended(&self, id: i64) -> Result<Run, Failure> {
        let mut changes = self.client.stream(&["events"], &[]);
        loop {
            let run = self.client.run(id).await?.run;
            if run.has_ended() {
                return Ok(run);
            }
            self.client.run_changed(&mut changes).await?;
        }
    }
}
