//! Which forges there are, and how their webhooks are signed. Both come from configuration, never from a request.

/// A kind of forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ForgeKind {
    /// github.com, GitHub Enterprise Cloud and GitHub Enterprise Server.
    GitHub,
}

impl ForgeKind {
    /// Every kind, in the order in which people are shown them.
    pub const ALL: [Self; 1] = [Self::GitHub];

    /// The word for it in configuration.
    ///
    /// # Errors
    /// The text names no kind of forge.
    pub fn parse(text: &str) -> Result<Self, UnknownForgeKind> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownForgeKind { text: text.chars().take(80).collect() })
    }

    /// The word for it in configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GitHub => "github",
        }
    }
}

/// How a forge's webhooks are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SignatureScheme {
    /// HMAC-SHA256. The right one, unless a forge can't.
    #[default]
    HmacSha256,
    /// HMAC-SHA1, which GitHub still sends beside the other and very old installations send alone.
    HmacSha1,
}

impl SignatureScheme {
    /// Every scheme.
    pub const ALL: [Self; 2] = [Self::HmacSha256, Self::HmacSha1];

    /// From its word in configuration.
    ///
    /// # Errors
    /// The text names no scheme.
    pub fn parse(text: &str) -> Result<Self, UnknownSignatureScheme> {
        Self::ALL
            .into_iter()
            .find(|scheme| scheme.as_str() == text)
            .ok_or_else(|| UnknownSignatureScheme { text: text.chars().take(80).collect() })
    }

    /// The word for it in configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HmacSha256 => "sha256",
            Self::HmacSha1 => "sha1",
        }
    }
}

/// A text names no kind of forge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a kind of forge: use \"github\"")]
pub struct UnknownForgeKind {
    /// The text, cut to 80 characters.
    pub text: String,
}

/// A text names no signature scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a signature scheme: use \"sha256\", or \"sha1\" for a forge that can't do better")]
pub struct UnknownSignatureScheme {
    /// The text, cut to 80 characters.
    pub text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for kind in ForgeKind::ALL {
            assert_eq!(ForgeKind::parse(kind.as_str()), Ok(kind));
        }
        for scheme in SignatureScheme::ALL {
            assert_eq!(SignatureScheme::parse(scheme.as_str()), Ok(scheme));
        }
        assert!(ForgeKind::parse("GitHub").is_err());
        assert!(SignatureScheme::parse("").is_err());
    }
}
