//! `run`: writes the script into the place, runs it, and reads what it left in its files.

use super::contexts::Scope;
use super::fault::Fault;
use super::running::Running;
use super::steps::Outputs;
use super::variables::Variables;
use crate::files::{self, StepFile};
use crate::place::StepCommand;
use crate::shell::Shell;

impl<S> Running<'_, S> {
    /// Runs a script with a shell in a directory of the workspace.
    pub(crate) async fn script(
        &mut self,
        script: &str,
        shell: Option<&str>,
        directory: Option<&str>,
        scope: &Scope,
        env: &Variables,
        action: &str,
    ) -> Result<Outputs, Fault> {
        let programs = self.programs().await?;
        let shell = Shell::of(shell, programs).map_err(Fault::failed)?;
        let cwd = match directory {
            Some(directory) => self.roots.resolve(directory).map_err(Fault::failed)?,
            None => self.roots.workspace.clone(),
        };
        let number = self.number();
        let path = |name: &str| format!("{}/davit-{number}{name}", self.roots.temp);
        let (file, named) =
            (path(shell.extension), StepFile::ALL.map(|kind| (kind, path(&format!("-{}", kind.suffix())))));
        self.announce(script, &shell, env).await;
        self.place.write_file(&file, shell.file(script).as_bytes(), 0o644).await?;
        let mut environment = self.environment(scope, env, action);
        for (kind, path) in &named {
            self.place.write_file(path, b"", 0o644).await?;
            environment.set(kind.variable(), path.as_str());
        }
        let command =
            StepCommand { argv: shell.command(&file), env: environment.into_pairs(), cwd, stdin: None, timeout: None };
        let result = self.run(command).await;
        if result.as_ref().is_err_and(Fault::is_last) {
            return result.map(|_| Vec::new());
        }
        let outputs = self.left(&named).await;
        match result? {
            0 => outputs,
            code => Err(Fault::Failed { reason: format!("exit code {code}"), exit_code: Some(code) }),
        }
    }

    /// Says what runs, as a group that can be folded.
    async fn announce(&self, script: &str, shell: &Shell, env: &Variables) {
        let first = script.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default();
        self.log.say(&format!("::group::Run {first}")).await;
        for line in script.trim_end().lines() {
            // What looks like a command must not be taken for one by who shows the log.
            let shown = if line.starts_with("::") { format!(" {line}") } else { line.to_owned() };
            self.log.say(&shown).await;
        }
        self.log.say(&format!("shell: {}", shell.shown)).await;
        if !env.is_empty() {
            self.log.say("env:").await;
            for (name, value) in env.iter() {
                self.log.say(&format!("  {name}: {value}")).await;
            }
        }
        self.log.say("::endgroup::").await;
    }

    /// Takes what a step left in its files. What one file has wrong does not keep the others from being read.
    async fn left(&mut self, named: &[(StepFile, String)]) -> Result<Outputs, Fault> {
        let mut outputs = Vec::new();
        let mut first = Ok(());
        for (kind, path) in named {
            let read = match self.place.read_file(path, files::MOST_BYTES).await {
                Ok(None) => continue,
                Ok(Some(bytes)) if bytes.is_empty() => continue,
                Ok(Some(bytes)) => self.take_file(*kind, &bytes, &mut outputs).await,
                Err(error) => Err(Fault::from(error)),
            };
            match (kind, read) {
                (_, Ok(())) => {}
                // A summary is for people: without it, the step did what it should.
                (StepFile::Summary, Err(Fault::Failed { reason, .. })) => {
                    self.log.warn(&format!("the summary is not shown: {reason}")).await;
                }
                (_, Err(fault)) => first = first.and(Err(fault)),
            }
        }
        first.map(|()| outputs)
    }

    async fn take_file(&mut self, kind: StepFile, bytes: &[u8], outputs: &mut Outputs) -> Result<(), Fault> {
        match kind {
            StepFile::Output => *outputs = files::pairs(kind, bytes).map_err(Fault::failed)?,
            StepFile::Env => {
                let pairs = files::pairs(kind, bytes).map_err(Fault::failed)?;
                pairs.iter().try_for_each(|(name, _)| files::settable(name)).map_err(Fault::failed)?;
                pairs.into_iter().for_each(|(name, value)| self.env.set(&name, value));
            }
            StepFile::Path => {
                for directory in files::directories(bytes).map_err(Fault::failed)? {
                    self.paths.retain(|known| *known != directory);
                    self.paths.push(directory);
                }
            }
            StepFile::Summary => {
                let markdown = String::from_utf8_lossy(bytes).replace('\0', "\u{fffd}");
                self.log.summarize(&markdown).await;
            }
            // What a step keeps for its own end: only actions in JavaScript have one.
            StepFile::State => {}
        }
        Ok(())
    }
}
