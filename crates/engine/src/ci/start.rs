//! Runs that no event starts: a person's, and those of the merge queue; and which workflows there are.

use super::event::{self, Subject};
use super::files::{self, Mistakes, WorkflowFile};
use super::occasion::{Asked, Occasion};
use super::web::Web;
use crate::repositories::nobody_listens;
use crate::{Engine, EngineError};
use davit_ci::InputKind;
use davit_domain::ci::Trigger;
use davit_domain::event::GitRef;
use davit_domain::ids::{CommitSha, ForgeId, RunId};
use davit_exec::git::{Mirror, Resolved};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// A workflow to be started by a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartWorkflow {
    /// A branch, tag or commit; `None`: the default branch.
    pub reference: Option<String>,
    /// The workflow's file, in full or by its last part.
    pub workflow_file: String,
    /// What was entered, by name.
    pub inputs: Vec<(String, String)>,
}

/// A workflow file of a repository.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkflowInfo {
    /// Its path in the repository.
    pub file: String,
    /// Its name; its path where it has none. With the file's name where another file has the same.
    pub name: String,
    /// Whether a person may start it.
    pub can_start: bool,
    /// What is asked for when a person starts it.
    pub inputs: Vec<InputInfo>,
    /// What is wrong with it, each with its place.
    pub errors: Vec<String>,
}

/// Something that is asked for when a person starts a workflow.
#[derive(Debug, Clone, PartialEq)]
pub struct InputInfo {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// Whether something has to be entered.
    pub required: bool,
    /// What it is where nothing is entered.
    pub default: Option<Value>,
    /// `string`, `boolean`, `number`, `environment` or `choice`.
    pub kind: &'static str,
    /// Of a choice: what there is to choose from.
    pub options: Vec<String>,
}

/// A test of the merge queue: a change merged with its base.
#[derive(Debug, Clone, Copy)]
pub struct QueueRun<'a> {
    /// The change's number at its forge.
    pub change: i64,
    /// The branch it goes to.
    pub base_branch: &'a str,
    /// Where that is.
    pub base: &'a CommitSha,
    /// The test merge; it is in the repository's mirror.
    pub head: &'a CommitSha,
    /// Whether it holds a fork's code: the change's, or that of one before it in the queue.
    pub from_fork: bool,
    /// What people read.
    pub title: &'a str,
    /// Who wants the change merged.
    pub by: &'a str,
}

impl Engine {
    /// Starts a workflow.
    ///
    /// # Errors
    /// `NotFound` when there is no such repository or workflow; `Invalid` when no branch or tag holds the commit, the
    /// workflow can't be started by people or has mistakes, or something is wrong with what was entered: the sentence
    /// says what.
    pub async fn start_workflow(
        &self,
        forge: &ForgeId,
        repository: &str,
        start: StartWorkflow,
        by: &str,
    ) -> Result<RunId, EngineError> {
        let settings = self.declared(forge, repository).await?;
        let mirror = self.repository_mirror(&settings).await?;
        let resolved = resolve(&mirror, start.reference.as_deref()).await?;
        check_published(&mirror, &resolved).await?;
        let mut objects = mirror.objects()?;
        let files = files::read(&mut objects, &resolved.commit).await?;
        let is_meant =
            |file: &&WorkflowFile| file.path == start.workflow_file || file.last_part() == start.workflow_file;
        let file = files.iter().find(is_meant).ok_or_else(|| {
            EngineError::NotFound(format!("{} has no workflow {}", resolved.commit.short(), start.workflow_file))
        })?;
        let event = davit_ci::Event::Dispatch { inputs: start.inputs.clone() };
        check_start(file, &event)?;
        let git_ref = match (&resolved.branch, &resolved.tag) {
            (Some(branch), _) => GitRef::Branch(branch.clone()).full(),
            (None, Some(tag)) => GitRef::Tag(tag.clone()).full(),
            (None, None) => resolved.commit.to_string(),
        };
        let web = Web::of(self, &settings).await?;
        let occasion = Occasion {
            trigger: Trigger::Manual,
            action: String::new(),
            head: resolved.commit.clone(),
            base: None,
            change: None,
            from_fork: false,
            by: by.to_owned(),
            title: resolved.subject.clone(),
            subject: Subject {
                event: event::of_start(&git_ref, &file.path, &start.inputs, by, &web),
                event_name: event.name().to_owned(),
                head_ref: String::new(),
                base_ref: String::new(),
                web,
                delivery: None,
            },
            git_ref,
            event,
            key: format!("start {:032x}", rand::random::<u128>()),
            asked: Asked::Now,
            approved_by: None,
            settings,
        };
        let made = self.make_runs(&occasion, std::slice::from_ref(file)).await?;
        made.first().copied().ok_or_else(|| EngineError::Invalid(format!("{} can't be started", file.path)))
    }

    /// The workflow files of a repository, as a branch, tag or commit has them; without one, the default branch.
    ///
    /// # Errors
    /// `NotFound` when the repository is not declared; `Invalid` when there is no such reference.
    pub async fn workflows(
        &self,
        forge: &ForgeId,
        repository: &str,
        reference: Option<&str>,
    ) -> Result<Vec<WorkflowInfo>, EngineError> {
        let settings = self.declared(forge, repository).await?;
        let mirror = self.repository_mirror(&settings).await?;
        let resolved = resolve(&mirror, reference).await?;
        let files = files::read(&mut mirror.objects()?, &resolved.commit).await?;
        Ok(files.into_iter().map(info).collect())
    }

    /// Makes the runs that test a change of the merge queue. None: no workflow tests it.
    ///
    /// # Errors
    /// When git or the store does not answer.
    pub(crate) async fn plan_queue_run(
        &self,
        forge: &ForgeId,
        repository: &str,
        test: QueueRun<'_>,
    ) -> Result<Vec<RunId>, EngineError> {
        let settings = self.declared(forge, repository).await?;
        let mirror = self.repository_mirror(&settings).await?;
        let files = files::read(&mut mirror.objects()?, test.head).await?;
        let web = Web::of(self, &settings).await?;
        let listens =
            |file: &WorkflowFile| file.workflow.as_ref().is_ok_and(|workflow| workflow.on.merge_group.is_some());
        let event = match files.iter().any(listens) {
            true => davit_ci::Event::MergeGroup { base: test.base_branch.to_owned() },
            false => davit_ci::Event::PullRequest {
                action: "synchronize".to_owned(),
                base: test.base_branch.to_owned(),
                changed: mirror.changed_paths(test.base.as_str(), test.head, false).await?,
                message: String::new(),
            },
        };
        let occasion = Occasion {
            trigger: Trigger::Queue,
            action: "checks_requested".to_owned(),
            git_ref: event::queue_ref(test.base_branch, test.change),
            head: test.head.clone(),
            base: Some(test.base.clone()),
            change: Some(test.change),
            from_fork: test.from_fork,
            by: test.by.to_owned(),
            title: test.title.to_owned(),
            subject: Subject {
                event: event::of_queue(
                    test.change,
                    (test.base_branch, test.base),
                    test.head,
                    test.by,
                    test.title,
                    &web,
                ),
                event_name: event.name().to_owned(),
                head_ref: String::new(),
                base_ref: test.base_branch.to_owned(),
                web,
                delivery: None,
            },
            event,
            // What ran without secrets is not found again when it may have them.
            key: format!("queue{} {} {}", if test.from_fork { " fork" } else { "" }, test.base, test.head),
            asked: Asked::Now,
            approved_by: None,
            settings,
        };
        self.make_runs(&occasion, &files).await
    }
}

fn check_start(file: &WorkflowFile, event: &davit_ci::Event) -> Result<(), EngineError> {
    let workflow = match &file.workflow {
        Ok(workflow) => workflow,
        Err(mistakes) => return Err(EngineError::Invalid(sentences(mistakes).join("\n"))),
    };
    if workflow.on.workflow_dispatch.is_none() {
        let sentence = format!("{} can't be started by people: add `workflow_dispatch` to its `on`", file.path);
        return Err(EngineError::Invalid(sentence));
    }
    workflow
        .on
        .inputs(event)
        .map(drop)
        .map_err(|errors| EngineError::Invalid(errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")))
}

async fn resolve(mirror: &Mirror, reference: Option<&str>) -> Result<Resolved, EngineError> {
    let cancel = CancellationToken::new();
    mirror.fetch(&nobody_listens(), &cancel).await?;
    let reference = match reference.filter(|reference| !reference.is_empty()) {
        Some(reference) => reference.to_owned(),
        None => {
            let default = mirror.default_branch(&nobody_listens(), &cancel).await?;
            let none = || EngineError::Invalid("the repository has no default branch with a commit: name a ref".into());
            format!("refs/heads/{}", default.ok_or_else(none)?)
        }
    };
    mirror.resolve(&reference).await.map_err(crate::repositories::no_such_ref)
}

/// A started run has secrets and its commit's own workflow file, so the commit must be one that somebody with the right
/// to push put there. The mirror also has commits of forks, which wait for an approval that this must not go around.
async fn check_published(mirror: &Mirror, resolved: &Resolved) -> Result<(), EngineError> {
    let is_named = resolved.branch.is_some() || resolved.tag.is_some();
    if is_named || mirror.is_published(&resolved.commit).await? {
        return Ok(());
    }
    Err(EngineError::Invalid(format!(
        "no branch or tag of the repository holds {}: push it to a branch first, or approve the run of its change",
        resolved.commit.short()
    )))
}

fn info(file: WorkflowFile) -> WorkflowInfo {
    let workflow = match &file.workflow {
        Ok(workflow) => workflow,
        Err(mistakes) => {
            let errors = sentences(mistakes);
            return WorkflowInfo {
                name: file.path.clone(),
                file: file.path,
                can_start: false,
                inputs: Vec::new(),
                errors,
            };
        }
    };
    let inputs = workflow.on.workflow_dispatch.iter().flat_map(|dispatch| dispatch.inputs.iter());
    let inputs = inputs.map(|(name, input)| InputInfo {
        name: name.to_owned(),
        description: input.description.clone(),
        required: input.required,
        default: input.default.as_ref().and_then(|value| serde_json::to_value(value).ok()),
        kind: match &input.kind {
            InputKind::String => "string",
            InputKind::Boolean => "boolean",
            InputKind::Number => "number",
            InputKind::Environment => "environment",
            InputKind::Choice(_) => "choice",
        },
        options: match &input.kind {
            InputKind::Choice(options) => options.clone(),
            InputKind::String | InputKind::Boolean | InputKind::Number | InputKind::Environment => Vec::new(),
        },
    });
    WorkflowInfo {
        name: file.name,
        can_start: workflow.on.workflow_dispatch.is_some(),
        inputs: inputs.collect(),
        errors: Vec::new(),
        file: file.path,
    }
}

fn sentences(mistakes: &Mistakes) -> Vec<String> {
    match mistakes {
        Mistakes::Found(diagnostics) => diagnostics.as_slice().iter().map(ToString::to_string).collect(),
        Mistakes::TooLarge => vec!["a workflow file has at most 1 MiB".to_owned()],
    }
}
