//! Release configs.

use crate::words;
use davit_domain::config::{
    Action, ActionKind, Auto, BatchSize, BetweenBatches, Compress, Filter, Health, HealthCheck, HealthFrom, Hooks,
    Host, HostSelector, Input, Mode, OnFailure, ReleaseConfig, Shared, StepTimeouts, Strategy, Transfer,
    TransferSource, Unchanged, Verify,
};
use davit_store::configuration::Revision;
use serde::Serialize;
use utoipa::ToSchema;

/// How an app is released to an environment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ConfigView {
    environment: String,
    revision: i64,
    saved_at: String,
    saved_by: String,
    /// regular: the six steps; custom: the author's own actions.
    mode: &'static str,
    hosts: Vec<String>,
    #[schema(value_type = Object)]
    host_selector: HostSelector,
    deploy_path: String,
    releases_path: String,
    keep: u32,
    build_dir: String,
    #[schema(value_type = Option<Object>)]
    filter: Option<Filter>,
    #[schema(value_type = Object)]
    shared: Shared,
    /// Names alone.
    variables: Vec<String>,
    #[schema(value_type = Object)]
    hooks: Hooks,
    /// Of mode custom, to release.
    actions: Vec<ActionView>,
    /// Of mode custom, to go back.
    rollback_actions: Vec<ActionView>,
    /// What is filled in with each request.
    inputs: Vec<InputView>,
    strategy: StrategyView,
    /// What must hold on a host afterwards, in words.
    health: Option<String>,
    transfer: TransferView,
    /// Directories of the checkout that are kept between builds.
    caches: Vec<String>,
    share_builds: bool,
    /// Seconds.
    #[schema(value_type = Object)]
    timeouts: StepTimeouts,
    #[schema(value_type = Option<Object>)]
    auto: Option<Auto>,
}

/// An action of mode custom.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActionView {
    name: String,
    /// server: a script, once; host: a script on every host; transfer: a file or directory to every host.
    #[schema(value_type = words::ActionPlace)]
    on: &'static str,
    /// The script.
    run: Option<String>,
    /// What is transferred: a path in the build, or `upload:` and the name of an uploaded file.
    from: Option<String>,
    /// Where to.
    to: Option<String>,
}

/// Something that is filled in with each request and becomes a variable.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InputView {
    name: String,
    label: String,
    default: Option<String>,
    required: bool,
    /// Empty: anything.
    choices: Vec<String>,
}

/// In which portions hosts go, and what happens when some fail. As in `davit.toml`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StrategyView {
    /// `2`, `25%`, or names with commas; empty: all at once.
    batches: Vec<String>,
    /// none, confirm, or how long, such as `300s`.
    pause: String,
    max_failures: u32,
    /// revert or hold.
    on_failure: &'static str,
}

/// How files get to hosts. As in `davit.toml`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TransferView {
    /// copy or hardlink.
    unchanged: &'static str,
    /// sent or full.
    verify: &'static str,
    /// auto, always or never.
    compress: &'static str,
}

impl From<Action> for ActionView {
    fn from(action: Action) -> Self {
        let (on, run, from, to) = match action.what {
            ActionKind::Server { run } => ("server", Some(run), None, None),
            ActionKind::Host { run } => ("host", Some(run), None, None),
            ActionKind::Transfer { from, to, mode: _ } => {
                let from = match from {
                    TransferSource::Build(path) => path,
                    TransferSource::Upload(name) => format!("upload:{name}"),
                };
                ("transfer", None, Some(from), Some(to))
            }
        };
        Self { name: action.name, on, run, from, to }
    }
}

impl From<Input> for InputView {
    fn from(input: Input) -> Self {
        let Input { name, label, default, required, choices } = input;
        Self { name, label, default, required, choices }
    }
}

impl From<Strategy> for StrategyView {
    fn from(strategy: Strategy) -> Self {
        let batch = |size: BatchSize| match size {
            BatchSize::Count(count) => count.to_string(),
            BatchSize::Percent(percent) => format!("{percent}%"),
            BatchSize::Hosts(names) => names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
        };
        Self {
            batches: strategy.batches.into_iter().map(batch).collect(),
            pause: match strategy.pause {
                BetweenBatches::None => "none".to_owned(),
                BetweenBatches::Confirm => "confirm".to_owned(),
                BetweenBatches::Wait { seconds } => format!("{seconds}s"),
            },
            max_failures: strategy.max_failures,
            on_failure: match strategy.on_failure {
                OnFailure::Revert => "revert",
                OnFailure::Hold => "hold",
            },
        }
    }
}

impl From<Transfer> for TransferView {
    fn from(transfer: Transfer) -> Self {
        Self {
            unchanged: match transfer.unchanged {
                Unchanged::Copy => "copy",
                Unchanged::Hardlink => "hardlink",
            },
            verify: match transfer.verify {
                Verify::Sent => "sent",
                Verify::Full => "full",
            },
            compress: match transfer.compress {
                Compress::Auto => "auto",
                Compress::Always => "always",
                Compress::Never => "never",
            },
        }
    }
}

fn in_words(health: &Health) -> String {
    let what = match &health.check {
        HealthCheck::Http { url, status: Some(status) } => format!("{url} answers {status}"),
        HealthCheck::Http { url, status: None } => format!("{url} answers"),
        HealthCheck::Tcp { address } => format!("{address} takes connections"),
        HealthCheck::Command { run } => format!("the script ends with 0: {run}"),
    };
    let from = match health.from {
        HealthFrom::Host => "seen from each host",
        HealthFrom::Server => "seen from the server",
    };
    format!("{what}, {from}, within {} more tries", health.retries)
}

impl ConfigView {
    /// From a revision and the hosts there are.
    pub(crate) fn new(revision: &Revision, config: ReleaseConfig, hosts: &[Host]) -> Self {
        let variables = davit_domain::variables::parse(&config.variables).unwrap_or_default();
        let hosts = config.select(hosts).iter().map(|host| host.name.to_string()).collect();
        let mode = mode(&config.mode);
        let (actions, rollback_actions) = match config.mode {
            Mode::Regular => (Vec::new(), Vec::new()),
            Mode::Custom(custom) => (custom.actions, custom.rollback_actions),
        };
        let views = |actions: Vec<Action>| actions.into_iter().map(ActionView::from).collect();
        Self {
            environment: config.environment.to_string(),
            revision: revision.number,
            saved_at: revision.saved_at.to_string(),
            saved_by: revision.saved_by.clone(),
            mode,
            hosts,
            host_selector: config.hosts,
            deploy_path: config.deploy_path,
            releases_path: config.releases_path,
            keep: config.keep,
            build_dir: config.build_dir,
            filter: config.filter,
            shared: config.shared,
            variables: variables.into_iter().map(|(name, _)| name).collect(),
            hooks: config.hooks,
            actions: views(actions),
            rollback_actions: views(rollback_actions),
            inputs: config.inputs.into_iter().map(InputView::from).collect(),
            strategy: config.strategy.into(),
            health: config.health.as_ref().map(in_words),
            transfer: config.transfer.into(),
            caches: config.caches,
            share_builds: config.share_builds,
            timeouts: config.timeouts,
            auto: config.auto,
        }
    }
}

/// The word for a mode.
pub(super) const fn mode(mode: &Mode) -> &'static str {
    match mode {
        Mode::Regular => "regular",
        Mode::Custom(_) => "custom",
    }
}
