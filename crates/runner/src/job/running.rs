//! A job while it runs: what its steps share, and how programs are run for them.
//!
//! What may be large when it waits is in a box: the steps of a job are many calls in each other.

use super::contexts::{Known, Scope};
use super::ends::Ends;
use super::fault::Fault;
use super::variables::Variables;
use crate::actions::NewCache;
use crate::log::Log;
use crate::place::{Place, StepCommand, StepExit};
use crate::search::Roots;
use crate::shell::Programs;
use crate::spec::JobSpec;
use davit_ci::{Contexts, EvaluationError, Status};
use davit_domain::log::Stream;
use std::cell::RefCell;
use std::path::PathBuf;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Lines that wait to be looked at; a program that says more waits.
const LINES: usize = 256;
/// Lines of a program of davit's own.
const MOST_ANSWERED: usize = 1000;

/// A job in its place.
pub(crate) struct Running<'a, S> {
    pub(crate) spec: &'a JobSpec,
    pub(crate) place: &'a Place,
    pub(crate) services: &'a S,
    pub(crate) log: &'a mut Log,
    pub(crate) ends: &'a mut Ends,
    pub(crate) known: Known,
    pub(crate) roots: Roots,
    /// `env` of workflow and job, and what steps added.
    pub(crate) env: Variables,
    /// What steps put in front of `PATH`, the newest last.
    pub(crate) paths: Vec<String>,
    /// Which shells there are, once that was asked.
    pub(crate) programs: Option<Programs>,
    /// Whether something ran in the place: until then, nothing of the job is there.
    pub(crate) used: bool,
    /// Caches to keep when the job succeeds.
    pub(crate) caches: Vec<NewCache>,
    /// A directory outside of the place, for archives on their way in and out.
    pub(crate) scratch: PathBuf,
    /// How many files davit has named so far.
    pub(crate) named: u32,
}

impl<S> Running<'_, S> {
    /// A number for a file that nobody had before.
    pub(crate) fn number(&mut self) -> u32 {
        self.named += 1;
        self.named
    }

    /// What `success()` and its like say.
    pub(crate) fn status(&mut self, scope: &Scope) -> Status {
        match (self.ends.now(), scope.failed) {
            (Some(_), _) => Status::Cancelled,
            (None, true) => Status::Failure,
            (None, false) => Status::Success,
        }
    }

    /// Evaluates something. `hashFiles` asks the place, which takes time: what it needs is found out by evaluating, and
    /// then everything is evaluated again.
    pub(crate) async fn evaluate<T>(
        &mut self,
        scope: &Scope,
        env: &Variables,
        evaluate: impl Fn(&Contexts<'_>) -> Result<T, EvaluationError> + Send,
    ) -> Result<T, Fault> {
        let status = self.status(scope);
        let mut hashes: Vec<(Vec<String>, String)> = Vec::new();
        loop {
            let (result, missing) = {
                let missing = RefCell::new(None);
                let hash = |patterns: &[String]| match hashes.iter().find(|(known, _)| known == patterns) {
                    Some((_, hash)) => Ok(hash.clone()),
                    None => {
                        missing.borrow_mut().get_or_insert_with(|| patterns.to_vec());
                        Err("its files are being read".to_owned())
                    }
                };
                let contexts = self.known.contexts(scope, env, status).with_hash_files(&hash);
                (evaluate(&contexts), missing.take())
            };
            match missing {
                None => return Ok(result?),
                Some(patterns) => {
                    let hash = Box::pin(self.hash_files(&patterns)).await?;
                    hashes.push((patterns, hash));
                }
            }
        }
    }

    /// The whole environment of a program. `env` is what the context `env` has.
    pub(crate) fn environment(&self, scope: &Scope, env: &Variables, action: &str) -> Variables {
        let mut all: Variables = self.place.base_env().into_iter().collect();
        all.set("CI", "true");
        let mut all = all.with(env);
        if !self.paths.is_empty() {
            let own = all.get("PATH").unwrap_or_default().to_owned();
            let path = self.paths.iter().rev().map(String::as_str).chain((!own.is_empty()).then_some(own.as_str()));
            all.set("PATH", path.collect::<Vec<_>>().join(":"));
        }
        all.with(&self.known.fixed(scope, action))
    }

    /// Runs a program of a step to its end; what it says goes to the log.
    pub(crate) async fn run(&mut self, command: StepCommand) -> Result<i32, Fault> {
        self.log.begin_script();
        self.used = true;
        let (sink, mut lines) = mpsc::channel(LINES);
        let token = CancellationToken::new();
        let (place, log) = (self.place, &mut *self.log);
        let exit = async {
            let exit = Box::pin(place.run(command, &sink, &token)).await;
            drop(sink);
            exit
        };
        let talk = async {
            while let Some(line) = lines.recv().await {
                log.take(line).await;
            }
        };
        let (exit, ()) = self.ends.watch(&token, async { tokio::join!(exit, talk) }).await;
        match exit? {
            StepExit::Code(code) => Ok(code),
            StepExit::TimedOut { proof } | StepExit::Cancelled { proof } => {
                self.log.say(&proof).await;
                Err(Fault::Ended)
            }
            StepExit::OverLimit { what } => Err(Fault::failed(what)),
        }
    }

    /// Which shells there are.
    pub(crate) async fn programs(&mut self) -> Result<Programs, Fault> {
        match self.programs {
            Some(known) => Ok(known),
            None => {
                let answer = self.ask(Programs::QUESTION, &[]).await?;
                Ok(*self.programs.insert(Programs::answered(&answer)))
            }
        }
    }

    /// Runs a script of davit's own in the place; what it prints is the answer.
    pub(crate) async fn ask(&mut self, script: &str, arguments: &[&str]) -> Result<Vec<String>, Fault> {
        self.used = true;
        let argv = ["sh", "-c", script, "davit"].into_iter().chain(arguments.iter().copied());
        let command = StepCommand {
            argv: argv.map(str::to_owned).collect(),
            env: self.place.base_env(),
            cwd: self.place.workspace().to_owned(),
            stdin: None,
            timeout: None,
        };
        let (sink, mut lines) = mpsc::channel(LINES);
        let token = CancellationToken::new();
        let place = self.place;
        let exit = async {
            let exit = Box::pin(place.run(command, &sink, &token)).await;
            drop(sink);
            exit
        };
        let listen = async {
            let (mut said, mut complaints) = (Vec::new(), Vec::new());
            while let Some(line) = lines.recv().await {
                let list = if line.stream == Stream::Stderr { &mut complaints } else { &mut said };
                if list.len() < MOST_ANSWERED {
                    list.push(line.text);
                }
            }
            (said, complaints)
        };
        let (exit, (said, complaints)) = self.ends.watch(&token, async { tokio::join!(exit, listen) }).await;
        match exit? {
            StepExit::Code(0) => Ok(said),
            StepExit::Code(code) => Err(Fault::failed(format!("exit code {code}: {}", complaints.join("; ")))),
            StepExit::TimedOut { .. } | StepExit::Cancelled { .. } => Err(Fault::Ended),
            StepExit::OverLimit { what } => Err(Fault::failed(what)),
        }
    }
}
