//! From where a request comes, for the feed: told once, around the whole of it.

use crate::limiter::Origin;
use axum::extract::{FromRequestParts as _, Request};
use axum::middleware::Next;
use axum::response::Response;

/// Everything that the request leads to carries its address. Who proves to come by a token or from a chat says so
/// later, with [`davit_store::origin::refine`].
pub(crate) async fn note(request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let Ok(Origin(address)) = Origin::from_request_parts(&mut parts, &()).await;
    davit_store::origin::scope(address.to_string(), next.run(Request::from_parts(parts, body))).await
}
