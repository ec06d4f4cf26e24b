//! Forges as they are declared: which API, which credentials, how their webhooks are signed.

use super::model::SecretRef;
use crate::ids::ForgeId;
use serde::{Deserialize, Serialize};

/// The API of github.com: what a forge of kind `github` speaks to unless told otherwise.
pub const DEFAULT_GITHUB_API: &str = "https://api.github.com";

/// Which API a forge speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForgeKind {
    /// GitHub and GitHub Enterprise Server.
    Github,
    /// GitLab, also self-managed.
    Gitlab,
    /// Gitea and Forgejo.
    Gitea,
    /// Gitee.
    Gitee,
    /// Any other sender of signed JSON; it has no API.
    Generic,
}

/// How a forge's webhooks are signed. It comes from configuration, never from a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookSignature {
    /// HMAC-SHA256 of the body: GitHub, Gitea, generic.
    HmacSha256,
    /// HMAC-SHA1 of the body, which very old installations of GitHub Enterprise Server send alone.
    HmacSha1,
    /// The secret itself in a header: GitLab's secret token, Gitee's password.
    Token,
    /// Standard Webhooks: GitLab's signing token.
    StandardWebhooks,
    /// HMAC-SHA256 of a timestamp: Gitee's signature. The body is not covered.
    Timestamp,
}

impl HookSignature {
    /// Every way.
    pub const ALL: [Self; 5] = [Self::HmacSha256, Self::HmacSha1, Self::Token, Self::StandardWebhooks, Self::Timestamp];

    /// The word that `davit.toml` uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HmacSha256 => "hmac-sha256",
            Self::HmacSha1 => "hmac-sha1",
            Self::Token => "token",
            Self::StandardWebhooks => "standard-webhooks",
            Self::Timestamp => "timestamp",
        }
    }
}

impl ForgeKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Github, Self::Gitlab, Self::Gitea, Self::Gitee, Self::Generic];

    /// The word that `davit.toml` uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Gitea => "gitea",
            Self::Gitee => "gitee",
            Self::Generic => "generic",
        }
    }

    /// What the kind's webhooks may be signed with; the first is meant where nothing is said.
    #[must_use]
    pub const fn signatures(self) -> &'static [HookSignature] {
        match self {
            Self::Github => &[HookSignature::HmacSha256, HookSignature::HmacSha1],
            Self::Gitlab => &[HookSignature::Token, HookSignature::StandardWebhooks],
            Self::Gitea | Self::Generic => &[HookSignature::HmacSha256],
            Self::Gitee => &[HookSignature::Timestamp, HookSignature::Token],
        }
    }

    /// Where its API is unless told otherwise; `None` where each installation has its own.
    #[must_use]
    pub const fn default_api_url(self) -> Option<&'static str> {
        match self {
            Self::Github => Some(DEFAULT_GITHUB_API),
            Self::Gitlab => Some("https://gitlab.com/api/v4"),
            Self::Gitee => Some("https://gitee.com/api/v5"),
            Self::Gitea | Self::Generic => None,
        }
    }
}

/// A GitHub App that davit acts as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GithubApp {
    /// The App's id or client id.
    pub id: String,
    /// Its private key, PEM.
    pub private_key: SecretRef,
}

/// Where a generic sender puts what davit needs. Pointers are JSON Pointers (RFC 6901).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GenericHook {
    /// The header with the signature: lowercase hexadecimal, after `prefix`.
    pub header: String,
    /// What stands before the signature; may be empty.
    pub prefix: String,
    /// The header with the delivery's id; `None`: a repetition is known by its body.
    pub delivery_header: Option<String>,
    /// `owner/name`.
    pub repository: String,
    /// `refs/heads/…`, `refs/tags/…`, or a branch's bare name.
    pub reference: String,
    /// The full SHA.
    pub commit: String,
    /// Who did it; `None`: nobody in particular.
    pub by: Option<String>,
    /// One line about it; `None`: none.
    pub title: Option<String>,
}

/// A code platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forge {
    /// The last part of its hook URL.
    pub id: ForgeId,
    /// Which API it speaks.
    pub kind: ForgeKind,
    /// Base URL of its API, without a trailing slash; empty for a generic one.
    pub api_url: String,
    /// Access token. At most one of `token` and `app`.
    pub token: Option<SecretRef>,
    /// A GitHub App in place of a token.
    #[serde(default)]
    pub app: Option<GithubApp>,
    /// What webhooks are signed with. Without one the hook URL refuses everything.
    pub webhook_secret: Option<SecretRef>,
    /// How webhooks are signed; `None`: as the kind's first.
    #[serde(default)]
    pub signature: Option<HookSignature>,
    /// Where a generic sender puts what davit needs; set exactly where `kind` is generic.
    #[serde(default)]
    pub generic: Option<GenericHook>,
    /// Certificates (PEM) that its API and its git may show beside the usual ones.
    #[serde(default)]
    pub ca: Option<SecretRef>,
    /// The HTTP proxy on the way to it; `None`: what the environment says (`HTTPS_PROXY`, `NO_PROXY`).
    #[serde(default)]
    pub proxy: Option<String>,
    /// Private SSH key for git of its repositories; `None`: https with the token.
    #[serde(default)]
    pub git_key: Option<SecretRef>,
}

impl Forge {
    /// Whether davit can speak to its API.
    #[must_use]
    pub const fn has_api(&self) -> bool {
        self.token.is_some() || self.app.is_some()
    }

    /// How its webhooks are signed.
    #[must_use]
    pub fn hook_signature(&self) -> HookSignature {
        self.signature.unwrap_or(self.kind.signatures()[0])
    }
}
