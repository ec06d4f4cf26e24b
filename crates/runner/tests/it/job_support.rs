//! Jobs for tests: a workflow file in, what the job said out. What the job asks the world for comes from a directory.

use crate::place_support;
use davit_ci::{Contexts, Decision, Event, Expansion, Plan, Reference, Root, Value, plan, read_workflow};
use davit_domain::ci::{Annotation, StepState};
use davit_domain::ids::CommitSha;
use davit_domain::log::Stream;
use davit_exec::{LineSink, OutputLine};
use davit_runner::{
    CheckoutRequest, Executor, JobEvent, JobOutcome, JobSpec, NewArtifact, SavedArtifact, Selector, ServiceError,
    Services, run_job,
};
use secrecy::SecretString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Commits, artefacts and caches in a directory.
pub(crate) struct World {
    pub(crate) directory: TempDir,
    pub(crate) requests: Mutex<Vec<CheckoutRequest>>,
}

impl World {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["repository", "artifacts", "caches"] {
            fs::create_dir(directory.path().join(name)).expect("a directory");
        }
        Self { directory, requests: Mutex::default() }
    }

    /// A file of the repository.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.at("repository").join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(path, text).expect("written");
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn names(&self, of: &str) -> Vec<String> {
        let entries = fs::read_dir(self.at(of)).expect("a directory");
        let mut names: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

fn failed(error: std::io::Error) -> ServiceError {
    ServiceError::Failed(error.to_string())
}

/// A name without a slash for a key with some.
fn file_name(key: &str) -> String {
    key.replace('/', "%2F")
}

fn copy(from: &Path, into: &Path) -> std::io::Result<()> {
    fs::create_dir(into)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let to = into.join(entry.file_name());
        if entry.file_type()?.is_dir() { copy(&entry.path(), &to)? } else { fs::copy(entry.path(), to).map(drop)? }
    }
    Ok(())
}

impl Services for World {
    async fn checkout(
        &self,
        request: &CheckoutRequest,
        into: &Path,
        sink: &LineSink,
    ) -> Result<CommitSha, ServiceError> {
        self.requests.lock().expect("a list").push(request.clone());
        if request.reference.as_deref() == Some("nothing") {
            return Err(ServiceError::Refused("there is no branch, tag or commit `nothing`".to_owned()));
        }
        let text = "Bringing the commit".to_owned();
        let _ = sink.send(OutputLine { stream: Stream::System, text }).await;
        copy(&self.at("repository"), into).map_err(failed)?;
        Ok("0123456789012345678901234567890123456789".parse().expect("a commit"))
    }

    async fn save_artifact(&self, artifact: &NewArtifact, file: &Path) -> Result<SavedArtifact, ServiceError> {
        let path = self.at("artifacts").join(&artifact.name);
        if path.exists() && !artifact.overwrite {
            return Err(ServiceError::Refused(format!("the run has an artefact `{}` already", artifact.name)));
        }
        fs::copy(file, path).map_err(failed)?;
        Ok(SavedArtifact { id: "7".to_owned(), url: None, digest: "abc".to_owned() })
    }

    async fn load_artifacts(&self, which: &Selector) -> Result<Vec<(String, PathBuf)>, ServiceError> {
        let wanted = |name: &String| match which {
            Selector::Name(wanted) => name == wanted,
            Selector::Pattern(pattern) => name.starts_with(pattern.trim_end_matches('*')),
            Selector::All => true,
        };
        let names = self.names("artifacts").into_iter().filter(wanted);
        Ok(names.map(|name| (name.clone(), self.at("artifacts").join(name))).collect())
    }

    async fn restore_cache(
        &self,
        key: &str,
        restore_keys: &[String],
        version: &str,
    ) -> Result<Option<(String, PathBuf)>, ServiceError> {
        let stored = self.names("caches");
        let exact = format!("{} {version}", file_name(key));
        let mut found = stored.iter().find(|name| **name == exact);
        for prefix in restore_keys {
            let begins = |name: &&String| name.starts_with(&file_name(prefix)) && name.ends_with(version);
            found = found.or_else(|| stored.iter().find(begins));
        }
        Ok(found.map(|name| {
            let key = name.trim_end_matches(version).trim_end().replace("%2F", "/");
            (key, self.at("caches").join(name))
        }))
    }

    async fn save_cache(&self, key: &str, version: &str, file: &Path) -> Result<bool, ServiceError> {
        let path = self.at("caches").join(format!("{} {version}", file_name(key)));
        let is_new = !path.exists();
        if is_new {
            fs::copy(file, path).map_err(failed)?;
        }
        Ok(is_new)
    }
}

/// What a job did.
#[derive(Debug)]
pub(crate) struct Did {
    pub(crate) outcome: JobOutcome,
    pub(crate) events: Vec<JobEvent>,
}

impl Did {
    /// The lines of a step, or of all.
    pub(crate) fn lines(&self, of: impl Into<Option<u32>>) -> Vec<&str> {
        let of = of.into();
        self.log().filter(|(step, ..)| of.is_none_or(|of| of == *step)).map(|(.., text)| text).collect()
    }

    /// What programs of a step said: without what davit says.
    pub(crate) fn said(&self, of: u32) -> Vec<&str> {
        let by_program = |(step, stream, _): &(u32, Stream, &str)| *step == of && *stream != Stream::System;
        self.log().filter(by_program).map(|(.., text)| text).collect()
    }

    fn log(&self) -> impl Iterator<Item = (u32, Stream, &str)> {
        self.events.iter().filter_map(|event| {
            let JobEvent::Line { step, stream, text } = event else { return None };
            Some((*step, *stream, text.as_str()))
        })
    }

    pub(crate) fn text(&self) -> String {
        self.lines(None).join("\n")
    }

    /// How the steps ended, from step 0.
    pub(crate) fn states(&self) -> Vec<StepState> {
        self.ends().map(|(state, _)| state).collect()
    }

    /// How the steps ended, and with which exit code.
    pub(crate) fn ends(&self) -> impl Iterator<Item = (StepState, Option<i32>)> {
        self.events.iter().filter_map(|event| {
            let JobEvent::StepEnded { state, exit_code, .. } = event else { return None };
            Some((*state, *exit_code))
        })
    }

    pub(crate) fn annotations(&self) -> Vec<&Annotation> {
        let mut found = Vec::new();
        for event in &self.events {
            if let JobEvent::Annotation(annotation) = event {
                found.push(annotation);
            }
        }
        found
    }

    pub(crate) fn output(&self, name: &str) -> Option<&str> {
        self.outcome.outputs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The jobs of a workflow, as a push to main plans them.
pub(crate) fn planned(text: &str) -> Plan {
    let workflow = read_workflow("ci.yml", text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let event = Event::Push { reference: Reference::Branch("main".to_owned()), changed: None, message: String::new() };
    let contexts = Contexts::new().with(Root::Github, github()).with(Root::Vars, Value::Object(Vec::new()));
    match plan(&workflow, &event, &contexts) {
        Ok(Decision::Runs(plan)) => *plan,
        other => panic!("{other:?}"),
    }
}

fn github() -> Value {
    let text = r#"{"sha": "0123456789012345678901234567890123456789", "ref": "refs/heads/main", "ref_name": "main",
        "repository": "acme/shop", "actor": "mona", "event_name": "push", "run_id": "12",
        "event": {"head_commit": {"message": "Say \"hi\""}}}"#;
    Value::from_json(text).expect("JSON")
}

/// What to run a job with.
pub(crate) fn spec(plan: &Plan, job: usize, index: usize, directory: &TempDir, executor: Executor) -> JobSpec {
    let Expansion::Now(instances) = &plan.jobs[job].expansion else { panic!("expanded") };
    JobSpec {
        job: plan.jobs[job].job.clone(),
        instance: instances[index].clone(),
        workflow_env: plan.env.clone(),
        workflow_defaults: plan.defaults.clone(),
        github: github(),
        vars: Value::object([("COLOR", "blue")]),
        needs: Value::Object(Vec::new()),
        inputs: plan.inputs.clone(),
        secrets: vec![("TOKEN".to_owned(), SecretString::from("hunter2-secret"))],
        place: place_support::spec(directory, executor),
    }
}

/// Runs a job to its end.
pub(crate) async fn run(spec: JobSpec, world: &World, cancel: &CancellationToken) -> Did {
    run_until(spec, world, cancel, |_| ()).await
}

/// Runs a job to its end, with `look` at every event as it comes.
pub(crate) async fn run_until(
    spec: JobSpec,
    world: &World,
    cancel: &CancellationToken,
    look: impl Fn(&JobEvent),
) -> Did {
    let (events, mut inbox) = mpsc::channel(64);
    let listen = async {
        let mut events = Vec::new();
        while let Some(event) = inbox.recv().await {
            look(&event);
            events.push(event);
        }
        events
    };
    let (outcome, events) = tokio::join!(run_job(spec, world, events, cancel.clone()), listen);
    Did { outcome, events }
}

/// Runs the steps, which are indented by six, of a job on a runner.
pub(crate) async fn steps(world: &World, steps: &str) -> Did {
    job(world, &format!("    steps:\n{steps}")).await
}

/// Runs a job; what is written is indented by four.
pub(crate) async fn job(world: &World, body: &str) -> Did {
    workflow(world, &format!("on: push\njobs:\n  build:\n    runs-on: linux\n{body}")).await
}

/// Runs the first job of a workflow.
pub(crate) async fn workflow(world: &World, text: &str) -> Did {
    let directory = tempfile::tempdir().expect("a directory");
    let spec = spec(&planned(text), 0, 0, &directory, Executor::Sandbox);
    run(spec, world, &CancellationToken::new()).await
}
