//! The end of the chain, as it is noted outside of the database.

use super::key::FeedKey;
use crate::EngineError;
use std::fmt;
use std::io;
use std::path::Path;
use std::str::FromStr;

/// In the data directory.
const FILE: &str = "feed-head";

/// A position of the chain and its seal. As text `POSITION:SEAL`, the seal in hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The position.
    pub position: i64,
    /// Its seal.
    pub seal: Vec<u8>,
}

impl Head {
    /// The one that was noted last in this data directory.
    pub(super) async fn noted(data_dir: &Path) -> Result<Option<Self>, EngineError> {
        let path = data_dir.join(FILE);
        let wrong = |what: &dyn fmt::Display| EngineError::Unavailable(format!("{}: {what}", path.display()));
        match tokio::fs::read_to_string(&path).await {
            Ok(text) => text.trim().parse().map(Some).map_err(|error: EngineError| wrong(&error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(wrong(&error)),
        }
    }

    /// Notes it, in one step.
    pub(super) async fn note(&self, data_dir: &Path) -> io::Result<()> {
        let part = data_dir.join(format!("{FILE}.part"));
        tokio::fs::write(&part, format!("{self}\n")).await?;
        tokio::fs::rename(part, data_dir.join(FILE)).await
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.position)?;
        self.seal.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Head {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        let read = || {
            let (position, seal) = text.split_once(':')?;
            let digits = seal.as_bytes();
            if digits.len() != FeedKey::SEAL * 2 || !digits.iter().all(u8::is_ascii_hexdigit) {
                return None;
            }
            let pairs = (0..seal.len()).step_by(2).map(|at| u8::from_str_radix(seal.get(at..at + 2)?, 16).ok());
            let position = position.parse().ok().filter(|position| *position >= 0)?;
            Some(Self { position, seal: pairs.collect::<Option<_>>()? })
        };
        read().ok_or_else(|| {
            EngineError::Invalid(
                "that is not a place in the feed: write POSITION:SEAL, as verify-feed printed it".to_owned(),
            )
        })
    }
}
