//! Where a file from the server goes.

use crate::client::content::Content;
use crate::failure::Failure;
use clap::Args;
use std::io;
use std::path::{Path, PathBuf};

/// Where it goes.
#[derive(Debug, Args)]
pub(crate) struct Saving {
    /// Into this file or directory; -: standard output [default: a file of its name, here]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

impl Saving {
    /// Puts it there; where that is, unless it is standard output. What has no name of its own is called `otherwise`.
    pub(crate) async fn save(&self, content: Content<'_>, otherwise: &str) -> Result<Option<PathBuf>, Failure> {
        if self.output.as_deref() == Some(Path::new("-")) {
            content.copy(&mut io::stdout()).await?;
            return Ok(None);
        }
        let name = content.name().unwrap_or_else(|| otherwise.to_owned());
        let path = match &self.output {
            None => PathBuf::from(name),
            Some(directory) if directory.is_dir() => directory.join(name),
            Some(file) => file.clone(),
        };
        content.into_file(&path, self.force).await?;
        Ok(Some(path))
    }
}
