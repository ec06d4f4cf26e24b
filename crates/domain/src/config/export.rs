//! From a configuration back to the text of a `davit.toml`.

use super::Configuration;
use super::channel_fields;
use super::fields::{self, Field};
use super::identity_fields;
use super::repository_fields;

/// A `davit.toml` that says `configuration`: [`parse`](super::parse()) reads the same from it. What is as davit
/// does it anyway is left out.
#[must_use]
pub fn export(configuration: &Configuration) -> String {
    let mut text = String::new();
    for forge in &configuration.forges {
        section(&mut text, "forge", &fields::forge(forge));
    }
    for environment in &configuration.environments {
        section(&mut text, "environment", &fields::environment(environment));
    }
    for host in &configuration.hosts {
        section(&mut text, "host", &fields::host(host));
    }
    for app in &configuration.apps {
        section(&mut text, "app", &fields::app(app));
        for release in &app.releases {
            section(&mut text, "app.release", &fields::release(release));
        }
    }
    for repository in &configuration.repositories {
        section(&mut text, "repository", &repository_fields::repository(repository));
    }
    for channel in &configuration.channels {
        section(&mut text, "channel", &channel_fields::channel(channel));
    }
    for identity in &configuration.identities {
        section(&mut text, "identity", &identity_fields::identity(identity));
    }
    text
}

fn section(text: &mut String, title: &str, fields: &[Field<'_>]) {
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(&format!("[[{title}]]\n"));
    for Field { key, toml, .. } in fields.iter().filter(|field| !field.is_default) {
        text.push_str(&format!("{key} = {toml}\n"));
    }
}
