//! Which files are released: gitignore patterns that choose or leave out.

use crate::ExecError;
use ignore::Match;
use ignore::gitignore::{Gitignore, GitignoreBuilder};
use std::path::Path;

/// What the patterns of a [`Filter`] do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterMode {
    /// Everything is released; patterns are not looked at.
    All,
    /// Only what matches is released.
    Include,
    /// What matches is not released.
    Exclude,
}

/// The file filter of a release config. The patterns are gitignore's, relative to the build directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// What the patterns do.
    pub mode: FilterMode,
    /// One pattern each; empty ones and comments do nothing.
    pub patterns: Vec<String>,
}

impl Filter {
    /// Everything is released.
    #[must_use]
    pub const fn all() -> Self {
        Self { mode: FilterMode::All, patterns: Vec::new() }
    }
}

/// What a filter says about one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is released.
    Keep,
    /// It is not; what is below it may be.
    Pass,
    /// It is not, and nothing below it either.
    Prune,
}

/// A filter ready to be asked.
pub(super) struct Matcher {
    mode: FilterMode,
    patterns: Gitignore,
}

impl Matcher {
    pub(super) fn new(filter: &Filter) -> Result<Self, ExecError> {
        let mut builder = GitignoreBuilder::new("");
        for pattern in &filter.patterns {
            builder.add_line(None, pattern.trim_end_matches(['\r', '\n'])).map_err(|error| {
                ExecError::Refused(format!("the file filter's pattern {pattern:?} is not one of gitignore: {error}"))
            })?;
        }
        let patterns = builder
            .build()
            .map_err(|error| ExecError::Refused(format!("the file filter's patterns can't be used: {error}")))?;
        Ok(Self { mode: filter.mode, patterns })
    }

    /// `path` is relative to the build directory; `inherited` says whether its directory is kept. Leaving out is as
    /// final as in git: nothing below a directory that is left out comes back. Choosing is not: below a chosen
    /// directory, `!pattern` takes files out again.
    pub(super) fn verdict(&self, path: &Path, is_dir: bool, inherited: bool) -> Verdict {
        let matched = match self.mode {
            FilterMode::All => return Verdict::Keep,
            FilterMode::Include | FilterMode::Exclude => self.patterns.matched(path, is_dir),
        };
        match (self.mode, matched) {
            (FilterMode::Exclude, Match::Ignore(_)) => Verdict::Prune,
            (FilterMode::Exclude | FilterMode::All, _) | (FilterMode::Include, Match::Ignore(_)) => Verdict::Keep,
            (FilterMode::Include, Match::None) if inherited => Verdict::Keep,
            (FilterMode::Include, Match::None | Match::Whitelist(_)) => Verdict::Pass,
        }
    }
}
