//! `POST /chat/<kind>/<channel>`: commands from chats. Proven, taken and answered at once; what comes of them is posted
//! later. Nobody is logged in here: the vendor's signature is the proof, and the sender's account decides.

use crate::Api;
use crate::problem::Problem;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use davit_domain::config::ChannelKind;
use davit_domain::ids::ChannelId;
use davit_engine::chat::NotHeard;
use serde_json::Value;

/// What somebody says in a chat is far smaller.
const LARGEST_BODY: usize = 256 * 1024;

pub(crate) fn routes() -> Router<Api> {
    Router::new().route("/chat/{kind}/{channel}", post(receive)).layer(DefaultBodyLimit::max(LARGEST_BODY))
}

async fn receive(
    State(api): State<Api>,
    crate::problem::Path((kind, channel)): crate::problem::Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Value>, Problem> {
    let kinds = ChannelKind::ALL.into_iter().filter(|kind| kind.has_commands());
    let kind = kinds.into_iter().find(|known| known.as_str() == kind).ok_or_else(nobody)?;
    let channel: ChannelId = channel.parse().map_err(|_| nobody())?;
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    api.engine.hear(kind, &channel, &header, &body).await.map(Json).map_err(Problem::from)
}

fn nobody() -> Problem {
    NotHeard::NoSuchChannel.into()
}

impl From<NotHeard> for Problem {
    fn from(error: NotHeard) -> Self {
        match error {
            NotHeard::NoSuchChannel => Self::not_found(error.to_string()),
            NotHeard::NotProven(why) => Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", why),
            NotHeard::Engine(error) => error.into(),
        }
    }
}
