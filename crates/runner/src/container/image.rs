//! Images: pulled from their registry for each job, as it has them now.
//!
//! An image that is here already is asked for all the same, which costs one small request when it has not changed: the
//! registry decides who may have it, not whichever job pulled it first.

use super::ContainerSpec;
use super::api::ApiError;
use super::engine::{Engine, failed};
use crate::RunnerError;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use davit_domain::log::Stream;
use davit_exec::{LineSink, OutputLine};
use reqwest::Method;
use reqwest::header::HeaderValue;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::sleep;

/// How often a registry is asked that does not answer.
const ATTEMPTS: u32 = 3;

/// An image that is here now.
pub(super) struct Image {
    /// Its name with a tag or digest.
    pub(super) reference: String,
    /// The environment that it gives its programs.
    pub(super) environment: Vec<(String, String)>,
    /// Its own check of its health, as the engine describes `HEALTHCHECK`; null without.
    pub(super) check: Value,
}

/// Pulls the image of a container.
///
/// # Errors
/// [`RunnerError::Refused`] when the registry says no, [`RunnerError::Unavailable`] when it can't be asked.
pub(super) async fn pull(engine: &Engine, spec: &ContainerSpec, sink: &LineSink) -> Result<Image, RunnerError> {
    let reference = with_tag(&spec.image)?;
    // Images that were only ever made on this machine are in no registry.
    let inspect = format!("/images/{reference}/json");
    let local = reference.starts_with("localhost/") && engine.api().get(&inspect, &[]).await.is_ok();
    if local {
        say(sink, format!("Image {reference} is one of this machine's own")).await;
    } else {
        say(sink, format!("Pulling {reference}")).await;
        fetch(engine, &reference, spec, sink).await?;
    }
    let seen = engine.api().get(&inspect, &[]).await;
    let mut seen = seen.map_err(failed(format!("the image {reference} can't be read")))?;
    let environment = seen["Config"]["Env"].as_array().map(Vec::as_slice).unwrap_or_default();
    let environment = environment.iter().filter_map(|pair| {
        let (name, value) = pair.as_str()?.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    Ok(Image { environment: environment.collect(), check: seen["Config"]["Healthcheck"].take(), reference })
}

async fn fetch(engine: &Engine, reference: &str, spec: &ContainerSpec, sink: &LineSink) -> Result<(), RunnerError> {
    for attempt in 1.. {
        let Err(error) = fetch_once(engine, reference, spec, sink).await else { break };
        let text = format!("the image {reference} can't be pulled: {error}");
        let refused = matches!(&error, ApiError::Status { code, .. } if code.is_client_error());
        if refused || is_about_the_image(&text) {
            // Unknown, or not for these credentials: asking again changes nothing.
            return Err(RunnerError::Refused(text));
        }
        if attempt == ATTEMPTS {
            return Err(RunnerError::Unavailable(text));
        }
        say(sink, format!("{text}; trying again")).await;
        sleep(Duration::from_secs(1 << attempt)).await;
    }
    Ok(())
}

/// Engines report what a registry said as their own error, in its words.
fn is_about_the_image(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["unauthorized", "denied", "not found", "unknown", "authentication required", "does not exist"]
        .iter()
        .any(|word| text.contains(word))
}

async fn fetch_once(engine: &Engine, reference: &str, spec: &ContainerSpec, sink: &LineSink) -> Result<(), ApiError> {
    let lost = |error: String| ApiError::Lost(error);
    let mut headers = Vec::new();
    if let Some((user, password)) = &spec.credentials {
        let credentials = json!({ "username": user, "password": password.expose_secret() });
        let mut value = HeaderValue::from_str(&URL_SAFE.encode(credentials.to_string()))
            .map_err(|error| lost(format!("credentials can't be sent: {error}")))?;
        value.set_sensitive(true);
        headers.push(("x-registry-auth", value));
    }
    let query = [("fromImage", reference)];
    let mut progress = engine.api().stream(Method::POST, "/images/create", &query, &headers).await?;
    let mut said = HashSet::new();
    let mut buffer = Vec::new();
    while let Some(piece) = progress.chunk().await.map_err(|error| lost(format!("the pull was broken off: {error}")))? {
        buffer.extend_from_slice(&piece);
        let whole = buffer.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let lines: Vec<u8> = buffer.drain(..whole).collect();
        for step in lines.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<Value>(line).ok()) {
            tell(&step, &mut said, sink).await?;
        }
    }
    match serde_json::from_slice(&buffer) {
        Ok(step) => tell(&step, &mut said, sink).await,
        // Nothing was left but a line ending.
        Err(_) => Ok(()),
    }
}

/// Says a step of a pull, unless it was said. A step may be that it failed.
async fn tell(step: &Value, said: &mut HashSet<String>, sink: &LineSink) -> Result<(), ApiError> {
    if let Some(error) = step["errorDetail"]["message"].as_str().or_else(|| step["error"].as_str()) {
        return Err(ApiError::Lost(error.trim().to_owned()));
    }
    if let Some(line) = worth_saying(step)
        && said.insert(line.clone())
    {
        say(sink, line).await;
    }
    Ok(())
}

/// What people want to see of a pull: that a layer has come, not each of its bytes.
fn worth_saying(step: &Value) -> Option<String> {
    let status = step["status"].as_str()?.trim();
    let noise = ["Downloading", "Extracting", "Waiting", "Verifying Checksum", "Pulling fs layer", "Download complete"];
    if status.is_empty() || noise.iter().any(|word| status.starts_with(word)) {
        return None;
    }
    let id = step["id"].as_str().filter(|id| !id.is_empty());
    Some(id.map_or_else(|| status.to_owned(), |id| format!("{id}: {status}")))
}

async fn say(sink: &LineSink, text: String) {
    // A closed sink means that nobody wants to know.
    let _ = sink.send(OutputLine { stream: Stream::System, text }).await;
}

/// The name with `:latest` where it has neither a tag nor a digest: without one the engine would pull all tags.
fn with_tag(image: &str) -> Result<String, RunnerError> {
    let image = image.trim().trim_start_matches("docker://");
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@".contains(c);
    if image.is_empty() || !image.starts_with(|c: char| c.is_ascii_alphanumeric()) || !image.chars().all(plain) {
        return Err(RunnerError::Refused(format!("{image:?} is no name of an image")));
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    let complete = image.contains('@') || last.contains(':');
    Ok(if complete { image.to_owned() } else { format!("{image}:latest") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_tag_means_latest() {
        for (image, reference) in [
            ("postgres", "postgres:latest"),
            ("postgres:16", "postgres:16"),
            ("docker://alpine:3", "alpine:3"),
            ("registry:5000/team/app", "registry:5000/team/app:latest"),
            ("ghcr.io/team/app@sha256:0123", "ghcr.io/team/app@sha256:0123"),
        ] {
            assert_eq!(with_tag(image).expect(image), reference);
        }
        for image in ["", " ", "a b", "-x", "a\nb", "a?b", "../x"] {
            assert!(with_tag(image).is_err(), "{image:?}");
        }
    }

    #[test]
    fn progress_is_told_layer_by_layer() {
        let line = |id: Option<&str>, status: &str| worth_saying(&json!({ "id": id, "status": status }));
        assert_eq!(line(Some("9f86"), "Pull complete").as_deref(), Some("9f86: Pull complete"));
        assert_eq!(line(None, "Digest: sha256:00").as_deref(), Some("Digest: sha256:00"));
        assert_eq!(line(Some("9f86"), "Downloading"), None);
    }
}
