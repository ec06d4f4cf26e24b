//! Identifiers. A text that names something is checked once, where it comes in, and is a type from then on.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// A text is not a valid name, key or SHA.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a valid {kind}: {rule}")]
pub struct InvalidId {
    /// What the text was meant to be.
    pub kind: &'static str,
    /// The text, cut to 80 characters.
    pub text: String,
    /// What is allowed.
    pub rule: &'static str,
}

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number_id!(
    /// One webhook request as it came in.
    DeliveryId
);
number_id!(
    /// Somebody's (or an event's) wish to release a commit.
    RequestId
);
number_id!(
    /// One attempt to carry a release request out.
    DeploymentId
);
number_id!(
    /// An account.
    UserId
);
number_id!(
    /// One saved revision of a release config.
    RevisionId
);
number_id!(
    /// One CI run of one workflow on one commit.
    RunId
);
number_id!(
    /// One attempt at one job of a run.
    JobId
);
number_id!(
    /// davit's number of a change (pull or merge request). The forge has its own.
    ChangeId
);
number_id!(
    /// A file that a run keeps.
    ArtifactId
);
number_id!(
    /// Files that a repository's runs hand on to later ones.
    CacheId
);
number_id!(
    /// A shell that somebody opened on a host in their browser.
    TerminalId
);

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $rule:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The text itself.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidId;
            fn try_from(text: String) -> Result<Self, InvalidId> {
                let valid: fn(&str) -> bool = $valid;
                if valid(&text) {
                    Ok(Self(text))
                } else {
                    Err(InvalidId { kind: $kind, text: text.chars().take(80).collect(), rule: $rule })
                }
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

fn is_key(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && text.len() <= 63
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
        && !text.contains("..")
}

fn is_host_name(text: &str) -> bool {
    text.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric())
        && text.len() <= 253
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
        && !text.contains("..")
}

text_id!(
    /// A forge's key: the last part of its hook URL.
    ForgeId, "forge id", "use 1 to 63 of a-z, 0-9, '-', '_' and '.', starting with a letter or digit", is_key
);
text_id!(
    /// A channel's key: where notices go.
    ChannelId, "channel id", "use 1 to 63 of a-z, 0-9, '-', '_' and '.', starting with a letter or digit", is_key
);
text_id!(
    /// The key of an identity provider: where people may sign in.
    IdentityId, "identity id", "use 1 to 63 of a-z, 0-9, '-', '_' and '.', starting with a letter or digit", is_key
);
text_id!(
    /// An app's key. It is also a directory name on every host.
    AppKey, "app key", "use 1 to 63 of a-z, 0-9, '-', '_' and '.', starting with a letter or digit", is_key
);
text_id!(
    /// An environment's key.
    EnvironmentKey, "environment key", "use 1 to 63 of a-z, 0-9, '-', '_' and '.', starting with a letter or digit", is_key
);
text_id!(
    /// A host's name in davit (not its address).
    HostName, "host name", "use 1 to 253 letters, digits, '-', '_' and '.', starting with a letter or digit", is_host_name
);
text_id!(
    /// A full commit id: 40 (SHA-1) or 64 (SHA-256) lowercase hexadecimal digits, never all zero.
    CommitSha, "commit SHA", "use the full 40 or 64 lowercase hexadecimal digits",
    |text| (text.len() == 40 || text.len() == 64)
        && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        && text.bytes().any(|b| b != b'0')
);
text_id!(
    /// A release's directory name below `releases/` on its hosts: `<YYYYMMDDTHHMMSSZ>-<sha7>-<deployment no>`.
    ReleaseName, "release name", "it looks like 20260131T120000Z-1a2b3c4-17",
    |text| {
        let mut parts = text.split('-');
        let (Some(time), Some(sha), Some(number), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return false;
        };
        let time = time.as_bytes();
        time.len() == 16 && time[8] == b'T' && time[15] == b'Z'
            && time.iter().enumerate().all(|(i, b)| i == 8 || i == 15 || b.is_ascii_digit())
            && sha.len() == 7 && sha.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            && !number.is_empty() && number.len() <= 19 && number.bytes().all(|b| b.is_ascii_digit())
    }
);

impl CommitSha {
    /// The first seven digits, as people write it.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.0[..7]
    }
}

impl ReleaseName {
    /// The name for a release of `commit` made at `at` by deployment `deployment`.
    #[must_use]
    pub fn new(at: crate::time::Timestamp, commit: &CommitSha, deployment: DeploymentId) -> Self {
        Self(format!("{}-{}-{}", at.compact(), commit.short(), deployment.0))
    }

    /// The deployment that made it.
    #[must_use]
    pub fn deployment(&self) -> DeploymentId {
        DeploymentId(self.0.rsplit('-').next().and_then(|number| number.parse().ok()).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_never_leave_their_directory() {
        for bad in ["", ".", "..", "a/b", "a..b", "-a", "A", "a b", "é", "a\n"] {
            assert!(bad.parse::<AppKey>().is_err(), "{bad:?}");
        }
        for good in ["shop", "shop-2", "a.b_c", "0"] {
            assert!(good.parse::<AppKey>().is_ok(), "{good:?}");
        }
    }

    #[test]
    fn a_deleted_branch_has_no_commit() {
        assert!("0".repeat(40).parse::<CommitSha>().is_err());
        assert!("A".repeat(40).parse::<CommitSha>().is_err());
        assert!("a".repeat(39).parse::<CommitSha>().is_err());
        assert!("a".repeat(64).parse::<CommitSha>().is_ok());
    }

    #[test]
    fn release_names_round_trip() {
        let sha = "1a2b3c4d".repeat(5).parse().expect("sha");
        let name = ReleaseName::new(crate::time::Timestamp::from_millis(1_769_860_800_000), &sha, DeploymentId(17));
        assert_eq!(name.as_str(), "20260131T120000Z-1a2b3c4-17");
        assert_eq!(name.as_str().parse::<ReleaseName>(), Ok(name.clone()));
        assert_eq!(name.deployment(), DeploymentId(17));
        for bad in ["../etc", "20260131T120000Z-1a2b3c4", "20260131T120000Z-1a2b3c4-17/..", "x"] {
            assert!(bad.parse::<ReleaseName>().is_err(), "{bad:?}");
        }
    }
}
