//! The feed: who did what, when and from where; as a list, and to take away.
//!
//! Who may not see everything sees the entries of the apps and environments that they may see.

mod export;

pub(crate) use export::*;

use crate::Api;
use crate::auth::Caller;
use crate::page::Page;
use crate::problem::{Problem, Query};
use axum::Json;
use axum::extract::State;
use davit_domain::access::Action;
use davit_domain::time::Timestamp;
use davit_store::feed::{FeedFilter, Recorded};
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use std::time::Duration;
use utoipa::{IntoParams, ToSchema};

const DAY: Duration = Duration::from_secs(24 * 3600);
const DEFAULT: u32 = 50;
const MOST: u32 = 200;

/// Which entries.
#[derive(Debug, Clone, Default, Deserialize, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FeedQuery {
    /// By whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    /// What: one of `/feed/actions`.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    /// To what.
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// Of which app.
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<String>,
    /// In which environment.
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<String>,
    /// Not before this: a day (UTC) or a moment (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// Up to the end of this day, or before this moment.
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    /// A text in actor, subject or detail.
    #[serde(skip_serializing_if = "Option::is_none")]
    q: Option<String>,
}

/// Which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FeedPage {
    /// 1 to 200; 50 without it.
    limit: Option<u32>,
    /// Entries before the one of this number.
    before: Option<i64>,
    /// `next` of the page before: the same in other words.
    cursor: Option<i64>,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EntryView {
    id: i64,
    at: String,
    /// An account's name, or the part of davit that acted.
    actor: String,
    /// An address, `token:NAME@ADDRESS`, `chat:ID`, `forge:ID` or `cli`; none: davit by itself.
    origin: Option<String>,
    /// What, as a word.
    action: String,
    /// To what.
    subject: String,
    app: Option<String>,
    environment: Option<String>,
    /// What else there is to say; `before` and `after` where something changed.
    detail: serde_json::Value,
    /// Whether it has its place in the chain that shows later changes.
    sealed: bool,
    /// That place.
    position: Option<i64>,
}

impl From<Recorded> for EntryView {
    fn from(recorded: Recorded) -> Self {
        let entry = recorded.entry;
        Self {
            id: recorded.id,
            at: entry.at.to_string(),
            actor: entry.actor,
            origin: recorded.origin,
            action: entry.action,
            subject: entry.subject,
            app: entry.app.map(String::from),
            environment: entry.environment.map(String::from),
            detail: entry.detail,
            sealed: recorded.position.is_some(),
            position: recorded.position,
        }
    }
}

impl FeedQuery {
    /// As the store takes it, cut to what the caller may see.
    fn filter(&self, caller: &Caller) -> Result<FeedFilter, Problem> {
        Ok(FeedFilter {
            actor: text(self.actor.as_deref())?,
            action: text(self.action.as_deref())?,
            subject: text(self.subject.as_deref())?,
            app: key(self.app.as_deref())?,
            environment: key(self.environment.as_deref())?,
            from: moment(self.from.as_deref(), Duration::ZERO)?,
            to: moment(self.to.as_deref(), DAY)?,
            text: text(self.q.as_deref())?,
            within: Some(caller.access().places(Action::ReadFeed)),
        })
    }
}

/// What happened, newest first.
#[utoipa::path(get, path = "/api/v1/feed", params(FeedQuery, FeedPage),
    responses((status = 200, body = Page<EntryView>), (status = 422, body = Problem)))]
pub(crate) async fn list(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<FeedQuery>,
    Query(page): Query<FeedPage>,
) -> Result<Json<Page<EntryView>>, Problem> {
    caller.allow_somewhere(Action::ReadFeed)?;
    let limit = i64::from(page.limit.unwrap_or(DEFAULT).clamp(1, MOST));
    let filter = query.filter(&caller)?;
    let found = api.engine.store().filtered_feed(&filter, page.before.or(page.cursor), limit).await?;
    Ok(Json(Page::cut(found.into_iter().map(EntryView::from).collect(), limit, |entry| entry.id)))
}

/// The words that stand for what can happen, as far as it has.
#[utoipa::path(get, path = "/api/v1/feed/actions", responses((status = 200, body = Page<String>)))]
pub(crate) async fn actions(State(api): State<Api>, caller: Caller) -> Result<Json<Page<String>>, Problem> {
    caller.allow_somewhere(Action::ReadFeed)?;
    Ok(Json(Page::whole(api.engine.store().feed_actions().await?)))
}

/// An empty field of a form is none.
fn given(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn text(text: Option<&str>) -> Result<Option<String>, Problem> {
    match given(text) {
        Some(text) if text.contains('\0') => Err(Problem::invalid("no entry holds the character NUL")),
        text => Ok(text.map(str::to_owned)),
    }
}

fn key<T>(text: Option<&str>) -> Result<Option<T>, Problem>
where
    T: FromStr,
    Problem: From<T::Err>,
{
    Ok(given(text).map(str::parse).transpose()?)
}

/// A moment, or a day and what is added to its beginning.
fn moment(text: Option<&str>, after_day: Duration) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = given(text) else { return Ok(None) };
    let read = |text: String| serde_json::from_value::<Timestamp>(text.into()).ok();
    let found = match text.len() {
        10 => read(format!("{text}T00:00:00Z")).map(|day| day.plus(after_day)),
        _ => read(text.to_owned()),
    };
    found
        .map(Some)
        .ok_or_else(|| Problem::invalid("from and to are days (2026-01-31) or moments (2026-01-31T12:00:00Z)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_reach_to_their_end() {
        let at = |text: &str, after| moment(Some(text), after).ok().flatten().map(|moment| moment.to_string());
        assert_eq!(at("2026-01-31", Duration::ZERO).as_deref(), Some("2026-01-31T00:00:00.000Z"));
        assert_eq!(at("2026-01-31", DAY).as_deref(), Some("2026-02-01T00:00:00.000Z"));
        assert_eq!(at("2026-01-31T12:00:00+08:00", DAY).as_deref(), Some("2026-01-31T04:00:00.000Z"));
        assert!(moment(Some("31.01.2026"), DAY).is_err() && moment(Some("tomorrow"), DAY).is_err());
        assert!(moment(Some(" "), DAY).is_ok_and(|none| none.is_none()));
    }
}
