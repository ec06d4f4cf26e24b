//! Badges: how the newest run of a branch went, as a small picture for a README.
//!
//! Nobody logs in to see one, so it is there only where `badge = true`; anywhere else the answer is the same as for a
//! repository that does not exist.

use crate::Api;
use crate::problem::{Path, Problem, Query};
use axum::Router;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use davit_domain::ci::RunState;
use davit_domain::ids::ForgeId;
use serde::Deserialize;

/// Pixels of a letter, on the average of a sans serif face of eleven pixels.
const LETTER: usize = 7;
const MARGIN: usize = 6;
/// Who embeds it asks again after this; a proxy that keeps it longer shows yesterday's news.
const CACHE: &str = "max-age=60, must-revalidate";
const MOST_LETTERS: usize = 40;

/// Of what.
#[derive(Debug, Deserialize)]
struct BadgeQuery {
    branch: Option<String>,
    /// The name or file of a workflow.
    workflow: Option<String>,
}

/// `/badge/{forge}/{owner}/{name}.svg`; at GitLab there may be groups in groups.
pub(crate) fn routes() -> Router<Api> {
    Router::new().route("/badge/{forge}/{*repository}", get(show))
}

async fn show(
    State(api): State<Api>,
    Path((forge, repository)): Path<(String, String)>,
    Query(query): Query<BadgeQuery>,
) -> Result<Response, Problem> {
    let nothing = || Problem::not_found("there is no badge at this address");
    let forge: ForgeId = forge.parse().map_err(|_| nothing())?;
    let name = repository.strip_suffix(".svg").ok_or_else(nothing)?;
    let store = api.engine.store();
    let configuration = store.configuration().await?;
    let shown = configuration.repository(&forge, name).is_some_and(|repository| repository.badge);
    if !shown {
        return Err(nothing());
    }
    let branch = query.branch.as_deref().unwrap_or("main");
    let workflow = query.workflow.as_deref().filter(|workflow| !workflow.is_empty());
    let run = store.latest_run_of_branch(&forge, name, branch, workflow).await?;
    let label = workflow.unwrap_or("davit");
    let svg = picture(label, run.map(|run| run.state));
    Ok(([(header::CONTENT_TYPE, "image/svg+xml; charset=utf-8"), (header::CACHE_CONTROL, CACHE)], svg).into_response())
}

/// Two boxes beside each other: what it is about, and how it stands.
fn picture(label: &str, state: Option<RunState>) -> String {
    let (word, color) = shown(state);
    let label: String = label.chars().filter(|letter| !letter.is_control()).take(MOST_LETTERS).collect();
    let width = |text: &str| text.chars().count() * LETTER + 2 * MARGIN;
    let (left, right) = (width(&label), width(word));
    let (total, label, middle, end) = (left + right, escaped(&label), left / 2, left + right / 2);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{total}\" height=\"20\" role=\"img\" \
         aria-label=\"{label}: {word}\"><title>{label}: {word}</title>\
         <clipPath id=\"r\"><rect width=\"{total}\" height=\"20\" rx=\"4\"/></clipPath>\
         <g clip-path=\"url(#r)\"><rect width=\"{left}\" height=\"20\" fill=\"#3d444d\"/>\
         <rect x=\"{left}\" width=\"{right}\" height=\"20\" fill=\"{color}\"/></g>\
         <g fill=\"#fff\" font-family=\"system-ui,sans-serif\" font-size=\"11\" text-anchor=\"middle\">\
         <text x=\"{middle}\" y=\"14\">{label}</text><text x=\"{end}\" y=\"14\">{word}</text></g></svg>\n"
    )
}

/// The word and the color of the right half.
const fn shown(state: Option<RunState>) -> (&'static str, &'static str) {
    const GREEN: &str = "#1f7a3d";
    const RED: &str = "#c0362c";
    const YELLOW: &str = "#8a6100";
    const GREY: &str = "#59636e";
    match state {
        Some(RunState::Success) => ("passing", GREEN),
        Some(RunState::Failure) => ("failing", RED),
        Some(RunState::TimedOut) => ("timed out", RED),
        Some(RunState::Error) => ("error", RED),
        Some(RunState::Queued | RunState::Running) => ("running", YELLOW),
        Some(RunState::AwaitingApproval) => ("waiting", YELLOW),
        Some(RunState::Cancelled) => ("cancelled", GREY),
        Some(RunState::Skipped) => ("skipped", GREY),
        None => ("no runs", GREY),
    }
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            letter => safe.push(letter),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_has_its_word() {
        for state in RunState::ALL {
            let svg = picture("build", Some(*state));
            assert!(svg.starts_with("<svg ") && svg.contains(shown(Some(*state)).0), "{svg}");
        }
        assert!(picture("davit", None).contains("no runs"));
    }

    #[test]
    fn a_name_stays_text() {
        let svg = picture("<script>alert(\"1\" & 2)</script>\n", Some(RunState::Success));
        assert!(!svg.contains("<script") && svg.contains("&lt;script&gt;alert(&quot;1&quot; &amp; 2)"), "{svg}");
        let long = picture(&"x".repeat(1000), None);
        assert!(long.len() < 1000);
    }
}
