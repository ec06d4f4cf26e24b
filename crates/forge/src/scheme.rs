//! How webhooks are signed. It comes from configuration, never from a request.

/// How a forge's webhooks are signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum SignatureScheme {
    /// HMAC-SHA256. The right one, unless a forge can't.
    #[default]
    HmacSha256,
    /// HMAC-SHA1, which GitHub still sends beside the other and very old installations send alone.
    HmacSha1,
}
