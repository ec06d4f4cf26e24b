//! The directories of a place: where they are on the server, and what steps call them.

use crate::RunnerError;
use std::path::{Path, PathBuf};

/// A directory of the job, on the server and as steps see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Directory {
    pub(crate) outside: PathBuf,
    pub(crate) inside: String,
}

/// All of them. Everything that steps can write to is in one of these.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    pub(crate) workspace: Directory,
    pub(crate) temp: Directory,
    pub(crate) home: Directory,
    pub(crate) tmp: Directory,
    /// Where archives go in and out.
    pub(crate) exchange: Directory,
    /// The server's own: what it tells the supervisor, and files it made for `/etc`. Not writable by steps.
    pub(crate) control: PathBuf,
}

impl Layout {
    /// The paths of a sandbox.
    pub(crate) fn of_sandbox(job_dir: &Path) -> Self {
        let at = |name: &str, inside: &str| Directory { outside: job_dir.join(name), inside: inside.into() };
        Self {
            workspace: at("workspace", "/workspace"),
            temp: at("temp", "/runner/temp"),
            home: at("home", "/home/runner"),
            tmp: at("tmp", "/tmp"),
            exchange: at("exchange", "/runner/exchange"),
            control: job_dir.join("control"),
        }
    }

    /// The paths of a job that sees the server as it is.
    ///
    /// # Errors
    /// A path that is no UTF-8 can't be told to steps.
    pub(crate) fn of_host(job_dir: &Path) -> Result<Self, RunnerError> {
        let at = |name: &str| {
            let outside = job_dir.join(name);
            match outside.to_str() {
                Some(inside) => Ok(Directory { inside: inside.to_owned(), outside }),
                None => Err(RunnerError::Unavailable(format!(
                    "the data directory {} has a name that is no UTF-8: jobs can't be told of it",
                    job_dir.display()
                ))),
            }
        };
        Ok(Self {
            workspace: at("workspace")?,
            temp: at("temp")?,
            home: at("home")?,
            tmp: at("tmp")?,
            exchange: at("exchange")?,
            control: job_dir.join("control"),
        })
    }

    /// The directories that steps write to.
    pub(crate) fn writable(&self) -> [&Directory; 5] {
        [&self.workspace, &self.temp, &self.home, &self.tmp, &self.exchange]
    }

    /// Which directory a path of the place is in, and where in it.
    ///
    /// # Errors
    /// The path is in none of them, or has `..` in it.
    pub(crate) fn find<'a>(&self, path: &'a str) -> Result<(&Directory, &'a Path), RunnerError> {
        for directory in self.writable() {
            if let Ok(rest) = Path::new(path).strip_prefix(&directory.inside) {
                let plain = |part| matches!(part, std::path::Component::Normal(_));
                return rest
                    .components()
                    .all(plain)
                    .then_some((directory, rest))
                    .ok_or_else(|| RunnerError::Refused(format!("{path} has .. in it: write the path without it")));
            }
        }
        Err(RunnerError::Refused(format!(
            "{path} is outside the directories of the job: use one under {}, {} or {}",
            self.workspace.inside, self.temp.inside, self.home.inside
        )))
    }
}
