//! Images: pulled from their registry for each job, as it has them now.
//!
//! An image that is here already is asked for all the same, which costs one small request when it has not changed: the
//! registry decides who may have it, not whichever job pulled it first.

use super::ContainerSpec;
use super::engine::{Engine, failed, plain};
use crate::RunnerError;
use bollard::auth::DockerCredentials;
use bollard::errors::Error;
use bollard::models::CreateImageInfo;
use bollard::query_parameters::CreateImageOptions;
use davit_domain::log::Stream;
use davit_exec::{LineSink, OutputLine};
use futures::StreamExt;
use secrecy::ExposeSecret;
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
    /// Its own check of its health: the words of `HEALTHCHECK`.
    pub(super) check: Option<bollard::models::HealthConfig>,
}

/// Pulls the image of a container.
///
/// # Errors
/// [`RunnerError::Refused`] when the registry says no, [`RunnerError::Unavailable`] when it can't be asked.
pub(super) async fn pull(engine: &Engine, spec: &ContainerSpec, sink: &LineSink) -> Result<Image, RunnerError> {
    let reference = with_tag(&spec.image)?;
    // Images that were only ever made on this machine are in no registry.
    let local = reference.starts_with("localhost/") && engine.api().inspect_image(&reference).await.is_ok();
    if local {
        say(sink, format!("Image {reference} is one of this machine's own")).await;
    } else {
        say(sink, format!("Pulling {reference}")).await;
        fetch(engine, &reference, spec, sink).await?;
    }
    let seen = engine.api().inspect_image(&reference).await;
    let config = seen.map_err(failed(format!("the image {reference} can't be read")))?.config.unwrap_or_default();
    let environment = config.env.unwrap_or_default().into_iter().filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    Ok(Image { reference, environment: environment.collect(), check: config.healthcheck })
}

async fn fetch(engine: &Engine, reference: &str, spec: &ContainerSpec, sink: &LineSink) -> Result<(), RunnerError> {
    let mut attempt = 1;
    loop {
        let error = match fetch_once(engine, reference, spec, sink).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        let text = format!("the image {reference} can't be pulled: {}", plain(&error));
        match error {
            // Unknown, or not for these credentials: asking again changes nothing.
            Error::DockerResponseServerError { status_code: 400..=499, .. } => return Err(RunnerError::Refused(text)),
            _ if attempt == ATTEMPTS && is_about_the_image(&text) => return Err(RunnerError::Refused(text)),
            _ if attempt == ATTEMPTS => return Err(RunnerError::Unavailable(text)),
            _ if is_about_the_image(&text) => return Err(RunnerError::Refused(text)),
            _ => say(sink, format!("{text}; trying again")).await,
        }
        sleep(Duration::from_secs(1 << attempt)).await;
        attempt += 1;
    }
}

/// Engines report what a registry said as their own error, in its words.
fn is_about_the_image(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["unauthorized", "denied", "not found", "unknown", "authentication required", "does not exist"]
        .iter()
        .any(|word| text.contains(word))
}

async fn fetch_once(engine: &Engine, reference: &str, spec: &ContainerSpec, sink: &LineSink) -> Result<(), Error> {
    let credentials = spec.credentials.as_ref().map(|(user, password)| DockerCredentials {
        username: Some(user.clone()),
        password: Some(password.expose_secret().to_owned()),
        ..DockerCredentials::default()
    });
    let options = CreateImageOptions { from_image: Some(reference.to_owned()), ..CreateImageOptions::default() };
    let mut progress = std::pin::pin!(engine.api().create_image(Some(options), None, credentials));
    let mut said = HashSet::new();
    while let Some(step) = progress.next().await {
        if let Some(line) = worth_saying(step?)
            && said.insert(line.clone())
        {
            say(sink, line).await;
        }
    }
    Ok(())
}

/// What people want to see of a pull: that a layer has come, not each of its bytes.
fn worth_saying(step: CreateImageInfo) -> Option<String> {
    let status = step.status?;
    let status = status.trim();
    let noise = ["Downloading", "Extracting", "Waiting", "Verifying Checksum", "Pulling fs layer", "Download complete"];
    if status.is_empty() || noise.iter().any(|word| status.starts_with(word)) {
        return None;
    }
    Some(step.id.filter(|id| !id.is_empty()).map_or_else(|| status.to_owned(), |id| format!("{id}: {status}")))
}

async fn say(sink: &LineSink, text: String) {
    // A closed sink means that nobody wants to know.
    let _ = sink.send(OutputLine { stream: Stream::System, text }).await;
}

/// The name with `:latest` where it has neither a tag nor a digest: without one the engine would pull all tags.
fn with_tag(image: &str) -> Result<String, RunnerError> {
    let image = image.trim().trim_start_matches("docker://");
    if image.is_empty() || image.starts_with('-') || image.chars().any(|c| c.is_whitespace() || c.is_control()) {
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
        for image in ["", " ", "a b", "-x", "a\nb"] {
            assert!(with_tag(image).is_err(), "{image:?}");
        }
    }

    #[test]
    fn progress_is_told_layer_by_layer() {
        let line = |id: Option<&str>, status: &str| {
            worth_saying(CreateImageInfo {
                id: id.map(str::to_owned),
                status: Some(status.to_owned()),
                ..CreateImageInfo::default()
            })
        };
        assert_eq!(line(Some("9f86"), "Pull complete").as_deref(), Some("9f86: Pull complete"));
        assert_eq!(line(None, "Digest: sha256:00").as_deref(), Some("Digest: sha256:00"));
        assert_eq!(line(Some("9f86"), "Downloading"), None);
    }
}
