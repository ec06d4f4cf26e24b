//! What people ask for by name: a branch, a tag, a commit, a kept release. Names are turned into what they mean now,
//! and the request pins that.

use super::{Ask, hosts_of, release_config};
use crate::{Engine, EngineError};
use davit_domain::config::{App, branch_allowed};
use davit_domain::event::GitRef;
use davit_domain::ids::{AppKey, EnvironmentKey, HostName, ReleaseName};
use davit_domain::request::Kind;
use davit_exec::git::Resolved;
use davit_store::requests::{Inputs, Request};

/// Longer titles are cut. Characters.
const LONGEST_TITLE: usize = 200;

/// A release that a person wants.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which app.
    pub app: AppKey,
    /// Where to.
    pub environment: EnvironmentKey,
    /// A branch, tag or SHA; `None`: the default branch.
    pub reference: Option<String>,
    /// What people read in lists; `None`: the commit's subject.
    pub title: Option<String>,
    /// Only these hosts.
    pub hosts: Option<Vec<HostName>>,
    /// Who asks.
    pub by: String,
    /// The same key again is the same request.
    pub idempotency_key: Option<String>,
}

impl Engine {
    /// Asks for a release of what a name means right now; `at_once` releases it when no review is needed.
    ///
    /// # Errors
    /// When the name means nothing at the remote, or the environment does not take it.
    pub async fn ask_deploy(&self, wanted: Wanted, at_once: bool) -> Result<Request, EngineError> {
        let configuration = self.store().configuration().await?;
        let (app, config) = release_config(&configuration, &wanted.app, &wanted.environment)?;
        // Before the remote is asked, which may take seconds.
        hosts_of(&configuration, app, config, wanted.hosts.as_deref())?;
        let resolved = self.resolve(app, wanted.reference.as_deref()).await?;
        let environment = configuration.environments.iter().find(|known| known.key == wanted.environment);
        let branches = environment.and_then(|environment| environment.branches.as_deref());
        self.check_branches(app, &wanted.environment, branches, &resolved).await?;
        let title = wanted.title.filter(|title| !title.trim().is_empty()).unwrap_or(resolved.subject);
        let ask = Ask {
            kind: Kind::Regular,
            app: wanted.app,
            environment: wanted.environment,
            commit: resolved.commit,
            git_ref: resolved.branch.map(GitRef::Branch).or(resolved.tag.map(GitRef::Tag)),
            title: title.chars().take(LONGEST_TITLE).collect(),
            target_release: None,
            hosts: wanted.hosts,
            build: None,
            inputs: Inputs::default(),
            by: wanted.by,
            delivery: None,
            idempotency_key: wanted.idempotency_key,
        };
        self.ask_now(ask, at_once).await
    }

    /// Asks to go back to a kept release; without one, to the newest that is not live.
    ///
    /// # Errors
    /// `Invalid` when there is none, or a host no longer has it.
    pub async fn ask_rollback(
        &self,
        app: &AppKey,
        environment: &EnvironmentKey,
        to: Option<&ReleaseName>,
        by: &str,
        idempotency_key: Option<String>,
        at_once: bool,
    ) -> Result<Request, EngineError> {
        let configuration = self.store().configuration().await?;
        let (known, config) = release_config(&configuration, app, environment)?;
        let kept = self.store().kept_releases(app, environment).await?;
        let target = match to {
            Some(name) => kept.iter().find(|release| release.release == *name).ok_or_else(|| {
                EngineError::NotFound(format!(
                    "{name} is not kept in {environment} any more. See: davit releases {app} {environment}"
                ))
            })?,
            None => kept.iter().find(|release| !release.live).ok_or_else(|| {
                EngineError::Invalid(format!("{app} has no earlier good release in {environment} to go back to"))
            })?,
        };
        let lacking: Vec<_> = hosts_of(&configuration, known, config, None)?
            .into_iter()
            .filter(|host| !target.hosts.contains(host))
            .map(|host| host.to_string())
            .collect();
        if !lacking.is_empty() {
            return Err(EngineError::Invalid(format!(
                "{} no longer has {}: release its commit again instead: davit deploy {app} {environment} --commit {}",
                lacking.join(", "),
                target.release,
                target.commit
            )));
        }
        let ask = Ask {
            kind: Kind::Rollback,
            app: app.clone(),
            environment: environment.clone(),
            commit: target.commit.clone(),
            git_ref: None,
            title: format!("Back to {}", target.title),
            target_release: Some(target.release.clone()),
            hosts: None,
            build: None,
            inputs: Inputs::default(),
            by: by.to_owned(),
            delivery: None,
            idempotency_key,
        };
        self.ask_now(ask, at_once).await
    }

    /// A commit or tag may go where branches are restricted only when one of those branches holds it: otherwise naming
    /// the SHA would be the way around the rule.
    async fn check_branches(
        &self,
        app: &App,
        environment: &EnvironmentKey,
        allowed: Option<&[String]>,
        resolved: &Resolved,
    ) -> Result<(), EngineError> {
        if allowed.is_none_or(<[String]>::is_empty) || resolved.branch.is_some() {
            return Ok(());
        }
        let holding = self.mirror(app).await?.branches_with(&resolved.commit).await?;
        if holding.iter().any(|branch| branch_allowed(allowed, branch)) {
            return Ok(());
        }
        Err(EngineError::Invalid(format!(
            "{environment} takes only {}, and none of these branches holds commit {}",
            allowed.unwrap_or_default().join(", "),
            resolved.commit.short()
        )))
    }
}
