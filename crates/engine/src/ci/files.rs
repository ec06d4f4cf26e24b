//! The workflow files of a commit, read out of the mirror without a checkout.

use crate::EngineError;
use davit_ci::{Diagnostics, WORKFLOW_DIRECTORIES, Workflow, read_workflow, workflow_files};
use davit_domain::ci::tell_apart;
use davit_domain::ids::CommitSha;
use davit_exec::git::Objects;

/// Nobody writes a larger one by hand. Bytes.
const LARGEST: u64 = 1024 * 1024;

/// A workflow file of a commit.
#[derive(Debug, Clone)]
pub(super) struct WorkflowFile {
    /// Its path in the repository.
    pub(super) path: String,
    /// Its name, or its path where it has none. No other file of the commit has it: where two are named the same, the
    /// file's name is a part of it.
    pub(super) name: String,
    /// What it says, or everything that is wrong with it.
    pub(super) workflow: Result<Workflow, Mistakes>,
}

/// Why a workflow file can't be used.
#[derive(Debug, Clone)]
pub(super) enum Mistakes {
    /// What is wrong, each with its place.
    Found(Diagnostics),
    /// It is larger than any workflow file should be.
    TooLarge,
}

impl WorkflowFile {
    /// The file's name without its directory.
    pub(super) fn last_part(&self) -> &str {
        self.path.rsplit_once('/').map_or(self.path.as_str(), |(_, name)| name)
    }
}

/// The workflow files of the first of the directories that has any.
pub(super) async fn read(objects: &mut Objects, commit: &CommitSha) -> Result<Vec<WorkflowFile>, EngineError> {
    for directory in WORKFLOW_DIRECTORIES {
        let entries = objects.files_in(commit, directory).await?;
        let paths: Vec<String> = entries.iter().map(|entry| format!("{directory}/{}", entry.name)).collect();
        let wanted = workflow_files(paths.iter().map(String::as_str));
        if wanted.is_empty() {
            continue;
        }
        let mut files = Vec::with_capacity(wanted.len());
        for (entry, path) in entries.iter().zip(&paths).filter(|(_, path)| wanted.contains(&path.as_str())) {
            let workflow = match objects.text(entry, LARGEST).await? {
                Some(text) => read_workflow(path, &text).map_err(Mistakes::Found),
                None => Err(Mistakes::TooLarge),
            };
            let own = workflow.as_ref().ok().and_then(|workflow| workflow.name.clone());
            files.push(WorkflowFile { path: path.clone(), name: own.unwrap_or_else(|| path.clone()), workflow });
        }
        let named: Vec<(&str, &str)> = files.iter().map(|file| (file.name.as_str(), file.last_part())).collect();
        let names = tell_apart(&named);
        for (file, name) in files.iter_mut().zip(names) {
            file.name = name;
        }
        return Ok(files);
    }
    Ok(Vec::new())
}
