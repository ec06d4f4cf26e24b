//! Webhooks and API calls as they go over the wire: GitHub's own vectors and payloads, and a fake GitHub that keeps
//! state.

mod calls;
mod examples;
mod meaning;
mod signature;
mod support;
