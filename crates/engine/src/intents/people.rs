//! What people ask for by name: a branch, a tag, a commit, a kept release. Names are turned into what they mean now,
//! and the request pins that.

use super::{Ask, LONGEST_DESCRIPTION, cut_title, hosts_of, release_config};
use crate::repositories::no_such_ref;
use crate::{Engine, EngineError};
use davit_domain::config::{App, Configuration, branch_allowed};
use davit_domain::event::GitRef;
use davit_domain::ids::{AppKey, CommitSha, DeploymentId, EnvironmentKey, HostName, ReleaseName, RequestId};
use davit_domain::request::Kind;
use davit_domain::time::Timestamp;
use davit_exec::git::Resolved;
use davit_store::builds::BuildSource;
use davit_store::requests::{Inputs, Request};
use std::collections::BTreeMap;

/// What a person wants to release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// What a branch, tag or SHA means now; `None`: the default branch.
    Reference(Option<String>),
    /// A commit that a branch or tag holds.
    CommitOf {
        /// The branch or tag.
        reference: String,
        /// The full SHA.
        commit: String,
    },
    /// A kept build, by its number.
    Build(i64),
}

/// A release that a person wants.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Which app.
    pub app: AppKey,
    /// Where to.
    pub environment: EnvironmentKey,
    /// What is released.
    pub what: What,
    /// What was filled in, by the names of the release config's inputs.
    pub inputs: BTreeMap<String, String>,
    /// What people read in lists; `None`: the commit's subject.
    pub title: Option<String>,
    /// What more there is to know.
    pub description: String,
    /// Only these hosts.
    pub hosts: Option<Vec<HostName>>,
    /// When it goes out by itself.
    pub scheduled_at: Option<Timestamp>,
    /// Who asks.
    pub by: String,
    /// The same key again is the same request.
    pub idempotency_key: Option<String>,
}

/// What a wish means.
pub(super) struct Chosen {
    pub(super) commit: CommitSha,
    pub(super) git_ref: Option<GitRef>,
    /// When the person gave none.
    pub(super) title: String,
    pub(super) build: Option<String>,
}

impl Engine {
    /// Asks for a release of what a name means right now; `at_once` releases it when no review is needed.
    ///
    /// # Errors
    /// When the name means nothing at the remote, or the environment does not take it.
    pub async fn ask_deploy(&self, wanted: Wanted, at_once: bool) -> Result<Request, EngineError> {
        let configuration = self.store().configuration().await?;
        let ask = self.ask_wanted(&configuration, wanted).await?;
        self.ask_now(ask, at_once).await
    }

    /// What a wish means right now, after asking the remote.
    pub(super) async fn ask_wanted(&self, configuration: &Configuration, wanted: Wanted) -> Result<Ask, EngineError> {
        let schedule = wanted.scheduled_at.map(|at| self.schedule(at, &wanted.by)).transpose()?;
        let (app, config) = release_config(configuration, &wanted.app, &wanted.environment)?;
        // Before the remote is asked, which may take seconds.
        hosts_of(configuration, app, config, wanted.hosts.as_deref())?;
        let inputs = self.inputs(app, config, wanted.inputs).await?;
        let environment = configuration.environments.iter().find(|known| known.key == wanted.environment);
        let branches = environment.and_then(|environment| environment.branches.as_deref());
        let chosen = self.chosen(app, branches, &wanted.environment, &wanted.what).await?;
        let title = wanted.title.filter(|title| !title.trim().is_empty()).unwrap_or(chosen.title);
        Ok(Ask {
            kind: Kind::Regular,
            app: wanted.app,
            environment: wanted.environment,
            commit: chosen.commit,
            git_ref: chosen.git_ref,
            title: cut_title(&title),
            description: wanted.description.chars().take(LONGEST_DESCRIPTION).collect(),
            target_release: None,
            hosts: wanted.hosts,
            build: chosen.build,
            inputs,
            asked_by: Some(config.clone()),
            by: wanted.by,
            delivery: None,
            forge_deployment: None,
            schedule,
            batch: None,
            cloned_from: None,
            idempotency_key: wanted.idempotency_key,
        })
    }

    /// Asks for the same once more, with the release config of now; nothing goes out without a further word.
    ///
    /// # Errors
    /// As for a new request, and `Invalid` for a rollback to somewhere else.
    pub async fn clone_request(
        &self,
        id: RequestId,
        environment: Option<&EnvironmentKey>,
        title: Option<String>,
        by: &str,
        idempotency_key: Option<String>,
    ) -> Result<Request, EngineError> {
        let no_request = || EngineError::NotFound(format!("there is no request {id}"));
        let original = self.store().request(id).await?.ok_or_else(no_request)?;
        let environment = environment.unwrap_or(&original.environment);
        if let Some(target) = &original.target_release {
            if *environment != original.environment {
                return Err(EngineError::Invalid(format!(
                    "{target} is a release of {}: ask for its commit in {environment} instead",
                    original.environment
                )));
            }
            let ask = self.ask_back(&original.app, environment, Some(target), by, idempotency_key).await?;
            let title = title.unwrap_or_else(|| ask.title.clone());
            return self.ask_now(Ask { title: cut_title(&title), cloned_from: Some(id), ..ask }, false).await;
        }
        let configuration = self.store().configuration().await?;
        let (app, config) = release_config(&configuration, &original.app, environment)?;
        let place = configuration.environments.iter().find(|known| known.key == *environment);
        let branches = place.and_then(|place| place.branches.as_deref());
        let what = match &original.build {
            Some(digest) => What::Build(self.build_number(&original.app, digest).await?),
            None => What::Reference(Some(original.commit.to_string())),
        };
        let chosen = self.chosen(app, branches, environment, &what).await?;
        let git_ref = original.git_ref.as_deref().and_then(GitRef::parse);
        // The branch may have no say there; whether the commit has was asked above.
        let git_ref = git_ref.filter(|git_ref| git_ref.branch().is_none_or(|name| branch_allowed(branches, name)));
        let is_here = *environment == original.environment;
        let known = config.inputs.iter().filter_map(|input| original.inputs.values.get_key_value(&input.name));
        let given = known.map(|(name, value)| (name.clone(), value.clone())).collect();
        let ask = Ask {
            kind: Kind::Regular,
            app: original.app.clone(),
            environment: environment.clone(),
            commit: original.commit.clone(),
            git_ref,
            title: cut_title(title.as_deref().filter(|title| !title.trim().is_empty()).unwrap_or(&original.title)),
            description: original.description.clone(),
            target_release: None,
            hosts: original.hosts.clone().filter(|_| is_here),
            build: chosen.build,
            inputs: self.inputs(app, config, given).await?,
            asked_by: Some(config.clone()),
            by: by.to_owned(),
            delivery: None,
            forge_deployment: None,
            schedule: None,
            batch: None,
            cloned_from: Some(id),
            idempotency_key,
        };
        self.ask_now(ask, false).await
    }

    async fn build_number(&self, app: &AppKey, digest: &str) -> Result<i64, EngineError> {
        let build = self.store().build_by_digest(app, digest).await?;
        build.map(|build| build.id).ok_or_else(|| {
            EngineError::Invalid(format!(
                "the build {digest} of {app} is not kept any more: release its commit instead"
            ))
        })
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
        let ask = self.ask_back(app, environment, to, by, idempotency_key).await?;
        self.ask_now(ask, at_once).await
    }

    async fn ask_back(
        &self,
        app: &AppKey,
        environment: &EnvironmentKey,
        to: Option<&ReleaseName>,
        by: &str,
        idempotency_key: Option<String>,
    ) -> Result<Ask, EngineError> {
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
        // Hosts that lack it get its build again, when that is kept.
        if !lacking.is_empty() && self.build_of_release(app, environment, &target.release).await?.is_none() {
            return Err(EngineError::Invalid(format!(
                "{} no longer has {}: release its commit again instead: davit deploy {app} {environment} --commit {}",
                lacking.join(", "),
                target.release,
                target.commit
            )));
        }
        Ok(Ask {
            kind: Kind::Rollback,
            app: app.clone(),
            environment: environment.clone(),
            commit: target.commit.clone(),
            git_ref: None,
            title: cut_title(&format!("Back to {}", target.title)),
            description: String::new(),
            target_release: Some(target.release.clone()),
            hosts: None,
            build: None,
            inputs: self.inputs_of(target.deployment).await?,
            asked_by: None,
            by: by.to_owned(),
            delivery: None,
            forge_deployment: None,
            schedule: None,
            batch: None,
            cloned_from: None,
            idempotency_key,
        })
    }

    /// What was filled in for the release that a deployment made.
    async fn inputs_of(&self, deployment: DeploymentId) -> Result<Inputs, EngineError> {
        let store = self.store();
        let Some(deployment) = store.deployment(deployment).await? else { return Ok(Inputs::default()) };
        Ok(store.request(deployment.request).await?.map(|request| request.inputs).unwrap_or_default())
    }

    /// What is released, after asking the remote.
    pub(super) async fn chosen(
        &self,
        app: &App,
        branches: Option<&[String]>,
        environment: &EnvironmentKey,
        what: &What,
    ) -> Result<Chosen, EngineError> {
        match what {
            What::Reference(reference) => self.of_reference(app, branches, environment, reference).await,
            What::CommitOf { reference, commit } => self.of_commit(app, branches, environment, reference, commit).await,
            What::Build(id) => self.of_build(app, branches, environment, *id).await,
        }
    }

    /// A commit that a branch or tag holds: the request keeps the name that people know.
    async fn of_commit(
        &self,
        app: &App,
        branches: Option<&[String]>,
        environment: &EnvironmentKey,
        reference: &str,
        commit: &str,
    ) -> Result<Chosen, EngineError> {
        let named = self.resolve(app, Some(reference)).await?;
        let resolved = self.mirror(app).await?.resolve(commit).await.map_err(no_such_ref)?;
        if !self.mirror(app).await?.is_ancestor(&resolved.commit, &named.commit).await? {
            return Err(EngineError::Invalid(format!(
                "{reference} does not hold commit {}: choose one of its commits",
                resolved.commit.short()
            )));
        }
        if named.branch.as_deref().is_none_or(|branch| !branch_allowed(branches, branch)) {
            self.check_branches(app, environment, branches, &resolved).await?;
        }
        Ok(Chosen {
            commit: resolved.commit,
            git_ref: named.branch.map(GitRef::Branch).or(named.tag.map(GitRef::Tag)),
            title: resolved.subject,
            build: None,
        })
    }

    /// What a name means at the remote now.
    async fn of_reference(
        &self,
        app: &App,
        branches: Option<&[String]>,
        environment: &EnvironmentKey,
        reference: &Option<String>,
    ) -> Result<Chosen, EngineError> {
        let resolved = self.resolve(app, reference.as_deref()).await?;
        self.check_branches(app, environment, branches, &resolved).await?;
        Ok(Chosen {
            commit: resolved.commit,
            git_ref: resolved.branch.map(GitRef::Branch).or(resolved.tag.map(GitRef::Tag)),
            title: resolved.subject,
            build: None,
        })
    }

    /// A kept build. Where branches are restricted, its commit must lie on one of them; an uploaded one has none.
    async fn of_build(
        &self,
        app: &App,
        branches: Option<&[String]>,
        environment: &EnvironmentKey,
        id: i64,
    ) -> Result<Chosen, EngineError> {
        let build = self.store().build(id).await?.filter(|build| build.app == app.key);
        let build = build.ok_or_else(|| {
            EngineError::NotFound(format!("{} has no build {id}. See: davit builds list {}", app.key, app.key))
        })?;
        match build.source {
            BuildSource::Git => {
                let resolved = self.resolve(app, Some(build.commit.as_str())).await?;
                self.check_branches(app, environment, branches, &resolved).await?;
            }
            BuildSource::Upload if branches.is_some_and(|branches| !branches.is_empty()) => {
                return Err(EngineError::Invalid(format!(
                    "{environment} takes only {}, and an uploaded build comes from no branch",
                    branches.unwrap_or_default().join(", ")
                )));
            }
            BuildSource::Upload => {}
        }
        Ok(Chosen { commit: build.commit, git_ref: None, title: build.title, build: Some(build.digest) })
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
