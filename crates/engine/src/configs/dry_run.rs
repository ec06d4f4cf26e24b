//! What a release would do, told without doing it: the commit, the steps, what each host would go through, what is in
//! the way. Git is asked and hosts are looked at; no host is changed, and nothing is kept.

use super::known_app;
use crate::builds::{on_disk, remove_tree};
use crate::repositories::nobody_listens;
use crate::{Engine, EngineError};
use davit_domain::batches::batches;
use davit_domain::config::{
    ActionKind, App, Configuration, Custom, Environment, FilterMode, Mode, ReleaseConfig, TransferSource,
    branch_allowed,
};
use davit_domain::ids::{AppKey, CommitSha, EnvironmentKey, HostName};
use davit_domain::log::Step;
use davit_domain::request::Kind;
use davit_exec::build::{self, Filter};
use davit_exec::git::Resolved;
use davit_exec::host::Survey;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// For checking out and counting files.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a release would do.
#[derive(Debug, Clone)]
pub struct DryRun {
    /// What would be released.
    pub commit: CommitSha,
    /// Its subject.
    pub subject: String,
    /// What would happen, in order.
    pub steps: Vec<DryStep>,
    /// What each host would go through.
    pub hosts: Vec<DryHost>,
    /// Files of the build and the bytes of its archive; `None` when hooks on the server make it.
    pub files: Option<(u64, u64)>,
    /// What is in the way now, a sentence each.
    pub gates: Vec<String>,
    /// Names of the values that hooks would see.
    pub values: Vec<String>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DryStep {
    /// Its number.
    pub step: u8,
    /// `server` or `host`.
    pub on: &'static str,
    /// What it does.
    pub sentence: String,
}

/// One host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DryHost {
    /// Its name.
    pub name: HostName,
    /// The release that is live there.
    pub live: Option<String>,
    /// What would happen to it.
    pub would: String,
}

impl Engine {
    /// Says what releasing `reference` (`None`: the default branch) would do.
    ///
    /// # Errors
    /// When the app is not released there, or the name means nothing at the remote.
    pub async fn dry_run(
        &self,
        app: &AppKey,
        environment: &EnvironmentKey,
        reference: Option<&str>,
    ) -> Result<DryRun, EngineError> {
        let configuration = self.store().configuration().await?;
        let (found, config) = crate::intents::release_config(&configuration, app, environment)?;
        let resolved = self.resolve(known_app(&configuration, app)?, reference).await?;
        let hosts: Vec<HostName> =
            config.select(&configuration.hosts).into_iter().map(|host| host.name.clone()).collect();
        let (surveys, files) = tokio::join!(
            self.survey_hosts(&configuration, found, config, &hosts),
            self.count_files(found, config, &resolved.commit)
        );
        let mut gates = self.in_the_way(&configuration, app, environment, &resolved).await?;
        let files = files.unwrap_or_else(|error| {
            gates.push(format!("the files can't be counted: {error}"));
            None
        });
        if hosts.is_empty() {
            gates.push("no host matches the release config".to_owned());
        }
        let places = batches(&config.strategy, &hosts);
        let hosts = surveys.into_iter().zip(places).map(|((name, found), batch)| host(config, name, found, batch));
        let mut values: Vec<String> = {
            let mut tx = self.store().begin().await?;
            self.effective_values(&mut tx, app, environment).await?.into_keys().collect()
        };
        let own = davit_domain::variables::parse(&config.variables).unwrap_or_default();
        values.extend(own.into_iter().map(|(name, _)| name));
        values.sort();
        values.dedup();
        Ok(DryRun {
            steps: steps(config, &resolved),
            commit: resolved.commit,
            subject: resolved.subject,
            hosts: hosts.collect(),
            files,
            gates,
            values,
        })
    }

    async fn in_the_way(
        &self,
        configuration: &Configuration,
        app: &AppKey,
        environment: &EnvironmentKey,
        resolved: &Resolved,
    ) -> Result<Vec<String>, EngineError> {
        let mut gates = Vec::new();
        let place = configuration.environments.iter().find(|known| known.key == *environment);
        gates.extend(place.and_then(|place| branch_gate(place, resolved)));
        gates.extend(place.filter(|place| place.review.required > 0).map(|place| match place.review.required {
            1 => "somebody has to approve it".to_owned(),
            several => format!("{several} people have to approve it"),
        }));
        gates.extend(self.not_green(configuration, app, environment, &resolved.commit).await?);
        gates.extend(self.gate(environment, Some(app)).await?.keeps(Kind::Regular));
        Ok(gates)
    }

    /// The build that would be made, as numbers. Hooks on the server may do anything, so then nobody knows.
    async fn count_files(
        &self,
        app: &App,
        config: &ReleaseConfig,
        commit: &CommitSha,
    ) -> Result<Option<(u64, u64)>, EngineError> {
        if !crate::builds::key::scripts(config).is_empty() {
            return Ok(None);
        }
        let cancel = CancellationToken::new();
        let _ends_git = cancel.clone().drop_guard();
        let place = self.workplace().await?;
        let (source, out) = (place.dir.join("source"), place.dir.join("build"));
        let made = tokio::time::timeout(PATIENCE, async {
            let at = self.now();
            let mirror = self.mirror(app).await?;
            mirror.checkout(commit, &source, &nobody_listens(), &cancel).await?;
            Ok::<_, EngineError>(build::make(&source, &config.build_dir, &filter(config), at, &out).await?)
        })
        .await;
        let dir = place.dir.clone();
        on_disk(move || remove_tree(&dir)).await?;
        match made {
            Ok(made) => made.map(|build| Some((build.files, build.archive_bytes))),
            Err(_) => Err(EngineError::Upstream(format!("it took longer than {} seconds", PATIENCE.as_secs()))),
        }
    }
}

fn filter(config: &ReleaseConfig) -> Filter {
    config.filter.as_ref().map_or_else(Filter::all, |filter| Filter {
        mode: match filter.mode {
            FilterMode::Include => build::FilterMode::Include,
            FilterMode::Exclude => build::FilterMode::Exclude,
        },
        patterns: filter.patterns.clone(),
    })
}

fn branch_gate(place: &Environment, resolved: &Resolved) -> Option<String> {
    let allowed = place.branches.as_deref()?;
    let branch = resolved.branch.as_deref()?;
    (!branch_allowed(Some(allowed), branch)).then(|| format!("{} does not take the branch {branch}", place.key))
}

fn host(config: &ReleaseConfig, name: HostName, found: Result<Survey, String>, batch: u32) -> DryHost {
    let survey = match found {
        Ok(survey) => survey,
        Err(sentence) => return DryHost { name, live: None, would: format!("would fail: {sentence}") },
    };
    let path = &config.deploy_path;
    let would = match (survey.problems.first(), &survey.live, &survey.foreign) {
        (Some((_, problem)), _, _) => format!("would fail: {problem}"),
        (None, _, _) if matches!(config.mode, Mode::Custom(_)) => "would run the actions".to_owned(),
        (None, Some(live), _) => format!("would switch {path} from {live} to the new release"),
        (None, None, Some(foreign)) => format!("would take {path} over, which leads to {foreign} now"),
        (None, None, None) => format!("would make {path}: its first release"),
    };
    let would = if batch > 1 { format!("{would}, in batch {batch}") } else { would };
    DryHost { name, live: survey.live.map(|live| live.to_string()), would }
}

fn steps(config: &ReleaseConfig, resolved: &Resolved) -> Vec<DryStep> {
    match &config.mode {
        Mode::Regular => regular(config, resolved),
        Mode::Custom(custom) => actions(custom, resolved),
    }
}

fn regular(config: &ReleaseConfig, resolved: &Resolved) -> Vec<DryStep> {
    let hooks = &config.hooks;
    let hook = |step: Step, on, script: &str| {
        let lines = script.lines().filter(|line| !line.trim().is_empty()).count();
        (lines > 0).then(|| DryStep { step: step.number(), on, sentence: format!("{step}: a script of {lines} lines") })
    };
    let checkout = format!("checks out {} ({})", resolved.commit.short(), resolved.subject);
    let release = format!(
        "uploads what has changed to {}/…/releases, then switches {}",
        config.releases_path, config.deploy_path
    );
    let plain = |step: Step, on, sentence| Some(DryStep { step: step.number(), on, sentence });
    [
        hook(Step::BeforeCheckout, "server", &hooks.before_checkout),
        plain(Step::Checkout, "server", checkout),
        hook(Step::AfterCheckout, "server", &hooks.after_checkout),
        hook(Step::BeforeRelease, "host", &hooks.before_release),
        plain(Step::Release, "host", release),
        hook(Step::AfterRelease, "host", &hooks.after_release),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn actions(custom: &Custom, resolved: &Resolved) -> Vec<DryStep> {
    let mut steps = Vec::new();
    for (number, action) in (1_u8..).zip(&custom.actions) {
        let (on, what) = match &action.what {
            ActionKind::Server { .. } => ("server", "runs its script".to_owned()),
            ActionKind::Host { .. } => ("host", "runs its script".to_owned()),
            ActionKind::Transfer { from: TransferSource::Build(path), to, .. } => {
                ("host", format!("puts {path} of {} at {to}", resolved.commit.short()))
            }
            ActionKind::Transfer { from: TransferSource::Upload(name), to, .. } => {
                ("host", format!("puts the upload {name} at {to}"))
            }
        };
        steps.push(DryStep { step: Step::Action(number).number(), on, sentence: format!("{}: {what}", action.name) });
    }
    steps
}
