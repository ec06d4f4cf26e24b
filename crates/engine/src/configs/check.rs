//! What a release config would meet, while a person writes it: does git answer, can the hosts be reached, could its
//! directories be made. Nothing is changed anywhere, and nothing takes long.

use super::{known_app, known_environment};
use crate::repositories::nobody_listens;
use crate::{Engine, EngineError};
use davit_domain::config::{self, App, ConfigError, Configuration, Form, ReleaseConfig};
use davit_domain::ids::{AppKey, EnvironmentKey, HostName};
use davit_exec::host::{Host, Layout, Survey};
use futures::StreamExt as _;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// For git, and for each host. People wait for the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// For all hosts together.
const PATIENCE_FOR_ALL: Duration = Duration::from_secs(25);

/// What was found about a form.
#[derive(Debug, Clone)]
pub struct ConfigCheck {
    /// Mistakes in the form, each with its field.
    pub problems: Vec<ConfigError>,
    /// What was looked at.
    pub checks: Vec<Check>,
}

/// Something that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// `git`, `host` or `path`.
    pub what: &'static str,
    /// The repository, the host, or the path on it.
    pub subject: String,
    /// Whether a release would find it in order.
    pub ok: bool,
    /// What was found.
    pub sentence: String,
}

impl Engine {
    /// Reads a form, asks git, and looks at the hosts that it selects.
    ///
    /// # Errors
    /// `NotFound` when there is no such app or environment. Mistakes and hosts that do not answer are results.
    pub async fn check_release_config(
        &self,
        app: &AppKey,
        environment: &EnvironmentKey,
        form: &Form,
    ) -> Result<ConfigCheck, EngineError> {
        let configuration = self.store().configuration().await?;
        known_environment(&configuration, environment)?;
        let app = known_app(&configuration, app)?;
        match config::read_release(app, environment, form, &configuration) {
            Ok(config) => {
                let (git, hosts) = tokio::join!(self.check_git(app), self.check_hosts(&configuration, app, &config));
                Ok(ConfigCheck { problems: Vec::new(), checks: std::iter::once(git).chain(hosts).collect() })
            }
            Err(problems) => Ok(ConfigCheck { problems, checks: vec![self.check_git(app).await] }),
        }
    }

    async fn check_git(&self, app: &App) -> Check {
        let cancel = CancellationToken::new();
        let _ends_git = cancel.clone().drop_guard();
        let ask = async {
            let mirror = self.mirror(app).await?;
            Ok::<_, EngineError>(mirror.remote_refs(&nobody_listens(), &cancel).await?)
        };
        let (ok, sentence) = match tokio::time::timeout(PATIENCE, ask).await {
            Ok(Ok(refs)) if refs.is_empty() => (false, "git answers, and the repository is empty".to_owned()),
            Ok(Ok(refs)) => (true, format!("git answers: {} branches and tags", refs.len())),
            Ok(Err(error)) => (false, error.to_string()),
            Err(_) => (false, format!("git did not answer within {} seconds", PATIENCE.as_secs())),
        };
        Check { what: "git", subject: repository_name(app), ok, sentence }
    }

    async fn check_hosts(&self, configuration: &Configuration, app: &App, config: &ReleaseConfig) -> Vec<Check> {
        let hosts: Vec<HostName> =
            config.select(&configuration.hosts).into_iter().map(|host| host.name.clone()).collect();
        if hosts.is_empty() {
            let sentence = "no host has these labels and belongs to the environment".to_owned();
            return vec![Check { what: "host", subject: config.environment.to_string(), ok: false, sentence }];
        }
        let found = self.survey_hosts(configuration, app, config, &hosts).await;
        found.into_iter().flat_map(|(host, found)| host_checks(&host, found)).collect()
    }

    /// Looks at hosts, several at a time, and in the order of `hosts`. Those whose turn does not come in time are told
    /// too.
    pub(super) async fn survey_hosts(
        &self,
        configuration: &Configuration,
        app: &App,
        config: &ReleaseConfig,
        hosts: &[HostName],
    ) -> Vec<(HostName, Result<Survey, String>)> {
        let end = tokio::time::Instant::now() + PATIENCE_FOR_ALL;
        let late = || format!("there was no answer within {} seconds", PATIENCE.as_secs());
        let looks = hosts.iter().cloned().map(|host| async move {
            let look = tokio::time::timeout(PATIENCE, self.survey_host(configuration, app, config, &host));
            let found = match tokio::time::timeout_at(end, look).await {
                Ok(Ok(Ok(survey))) => Ok(survey),
                Ok(Ok(Err(error))) => Err(error.to_string()),
                Ok(Err(_)) => Err(late()),
                Err(_) => Err("there are too many hosts to look at all of them in time".to_owned()),
            };
            (host, found)
        });
        futures::stream::iter(looks).buffered(self.settings().parallel_hosts.max(1)).collect().await
    }

    async fn survey_host(
        &self,
        configuration: &Configuration,
        app: &App,
        config: &ReleaseConfig,
        host: &HostName,
    ) -> Result<Survey, EngineError> {
        let layout = Layout::new(app.key.clone(), &config.deploy_path, &config.releases_path)?;
        let target = self.target(configuration, host).await?;
        let cancel = CancellationToken::new();
        let _ends_connecting = cancel.clone().drop_guard();
        let host = Host::connect(self.connector(), &target, &cancel).await?;
        let survey = host.survey(&layout).await;
        host.close().await;
        Ok(survey?)
    }
}

fn host_checks(host: &HostName, found: Result<Survey, String>) -> Vec<Check> {
    let survey = match found {
        Ok(survey) => survey,
        Err(sentence) => return vec![Check { what: "host", subject: host.to_string(), ok: false, sentence }],
    };
    let sentence = match &survey.live {
        Some(live) => format!("davit can log in; {live} is live"),
        None => "davit can log in; nothing of davit's is live yet".to_owned(),
    };
    let mut checks = vec![Check { what: "host", subject: host.to_string(), ok: true, sentence }];
    checks.extend(survey.problems.into_iter().map(|(path, sentence)| Check {
        what: "path",
        subject: format!("{host}:{path}"),
        ok: false,
        sentence,
    }));
    checks
}

/// How people know the repository; never with a password in it.
fn repository_name(app: &App) -> String {
    match &app.repository {
        config::Repository::Forge { forge, name, .. } => format!("{forge}: {name}"),
        config::Repository::Url { url } => without_password(url),
    }
}

fn without_password(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let host = rest[..end].rsplit_once('@').map_or(&rest[..end], |(_, host)| host);
            format!("{scheme}://{host}{}", &rest[end..])
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_in_urls_are_not_shown() {
        for (url, shown) in [
            ("https://ana:geheim@git.example/a.git", "https://git.example/a.git"),
            ("https://git.example/a@b.git", "https://git.example/a@b.git"),
            ("git@git.example:a.git", "git@git.example:a.git"),
            ("/srv/git/a.git", "/srv/git/a.git"),
        ] {
            assert_eq!(without_password(url), shown);
        }
    }
}
