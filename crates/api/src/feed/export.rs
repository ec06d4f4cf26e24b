//! The feed as a file, however long: page after page, newest first.

use super::{EntryView, FeedQuery};
use crate::Api;
use crate::auth::Caller;
use crate::problem::{Problem, Query};
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use davit_domain::access::Action;
use davit_engine::Engine;
use davit_store::feed::FeedFilter;
use futures::stream;
use serde::Deserialize;
use std::borrow::Cow;
use std::io;
use utoipa::IntoParams;

const PAGE: i64 = 1000;
const COLUMNS: [&str; 10] =
    ["id", "at", "actor", "origin", "action", "subject", "app", "environment", "detail", "position"];

/// As what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// A table for spreadsheets.
    #[default]
    Csv,
    /// An array of entries, one a line.
    Json,
}

/// As what.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct FormatQuery {
    /// csv without it.
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

/// Where an export stands.
struct Export {
    engine: Engine,
    filter: FeedFilter,
    format: Format,
    before: Option<i64>,
    begun: bool,
    ended: bool,
}

/// What happened, as a file. That somebody took it away is in the feed too.
#[utoipa::path(get, path = "/api/v1/feed/export", params(FeedQuery, FormatQuery),
    responses((status = 200, description = "the file", content_type = "text/csv"), (status = 422, body = Problem)))]
pub(crate) async fn export(
    State(api): State<Api>,
    caller: Caller,
    Query(query): Query<FeedQuery>,
    Query(FormatQuery { format }): Query<FormatQuery>,
) -> Result<Response, Problem> {
    caller.allow(Action::ExportFeed)?;
    let filter = query.filter(&caller)?;
    // Of keys alone, which have no other characters than a header may.
    let parts = [filter.app.as_ref().map(ToString::to_string), filter.environment.as_ref().map(ToString::to_string)];
    let name: String = parts.into_iter().flatten().fold("davit-feed".to_owned(), |name, part| format!("{name}-{part}"));
    let (kind, extension) = match format {
        Format::Csv => ("text/csv; charset=utf-8", "csv"),
        Format::Json => ("application/json", "json"),
    };
    api.engine.note_feed_export(caller.name(), &query, extension).await?;
    let export = Export { engine: api.engine, filter, format, before: None, begun: false, ended: false };
    let pages =
        stream::try_unfold(export, async |mut export| io::Result::Ok(export.next().await?.map(|page| (page, export))));
    let mut response = Response::new(Body::from_stream(pages));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{name}.{extension}\"")) {
        headers.insert(header::CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

impl Export {
    /// The next piece of the file; `None` at its end.
    async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        if self.ended {
            return Ok(None);
        }
        let page = self.engine.store().filtered_feed(&self.filter, self.before, PAGE).await.map_err(|error| {
            tracing::warn!(%error, "an export of the feed was broken off");
            io::Error::other(error)
        })?;
        self.ended = i64::try_from(page.len()).is_ok_and(|count| count < PAGE);
        self.before = page.last().map(|last| last.id);
        let entries = page.into_iter().map(EntryView::from);
        let piece = match self.format {
            Format::Csv => self.csv(entries)?,
            Format::Json => self.json(entries)?,
        };
        self.begun = true;
        Ok(Some(piece))
    }

    fn csv(&self, entries: impl Iterator<Item = EntryView>) -> io::Result<Vec<u8>> {
        let mut table = csv::Writer::from_writer(Vec::new());
        if !self.begun {
            table.write_record(COLUMNS)?;
        }
        for entry in entries {
            let detail = if entry.detail.is_null() { String::new() } else { entry.detail.to_string() };
            let texts = [
                Some(entry.at),
                Some(entry.actor),
                entry.origin,
                Some(entry.action),
                Some(entry.subject),
                entry.app,
                entry.environment,
                Some(detail),
            ];
            let position = entry.position.map(|position| position.to_string()).unwrap_or_default();
            table.write_field(entry.id.to_string())?;
            for text in texts {
                table.write_field(harmless(&text.unwrap_or_default()).as_bytes())?;
            }
            table.write_record([position])?;
        }
        table.into_inner().map_err(|error| io::Error::other(error.to_string()))
    }

    fn json(&self, entries: impl Iterator<Item = EntryView>) -> io::Result<Vec<u8>> {
        let mut piece = if self.begun { Vec::new() } else { b"[".to_vec() };
        for (number, entry) in entries.enumerate() {
            piece.extend_from_slice(if self.begun || number > 0 { b",\n" } else { b"\n" });
            serde_json::to_writer(&mut piece, &entry)?;
        }
        if self.ended {
            piece.extend_from_slice(b"\n]\n");
        }
        Ok(piece)
    }
}

/// A spreadsheet takes a cell that begins like a formula for one; with an apostrophe before it, it is a text.
fn harmless(cell: &str) -> Cow<'_, str> {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        Cow::Owned(format!("'{cell}"))
    } else {
        Cow::Borrowed(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula() {
        for bad in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"] {
            assert_eq!(harmless(bad), format!("'{bad}"));
        }
        for good in ["ana", "request 7", "a=b", "", "'=1"] {
            assert_eq!(harmless(good), good);
        }
    }
}
