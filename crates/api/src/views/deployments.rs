//! Deployments with their hosts and steps.

use crate::problem::Problem;
use crate::words;
use davit_domain::config::{Action, ActionKind, Mode, ReleaseConfig};
use davit_domain::deployment::{CellState, HostRunState, Pause};
use davit_domain::log::Step;
use davit_domain::request::Kind;
use davit_store::Store;
use davit_store::builds::BuildRow;
use davit_store::deployments::{Cell, Deployment, HostCounts, HostRun};
use davit_store::requests::Request;
use serde::Serialize;
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// A deployment, as lists show it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct DeploymentSummary {
    pub(crate) id: i64,
    request: i64,
    app: String,
    environment: String,
    #[schema(value_type = words::RequestKind)]
    kind: &'static str,
    /// regular: the six steps; custom: the author's own actions.
    #[schema(value_type = words::ReleaseMode)]
    mode: &'static str,
    #[schema(value_type = words::DeploymentState)]
    pub(crate) state: &'static str,
    /// Why it stands still, while it is paused.
    pause: Option<PauseView>,
    /// Why it waits although its turn has come: a lock, a freeze window.
    blocked: Option<String>,
    /// Who let it pass locks and freeze windows.
    gates_overridden_by: Option<String>,
    commit: String,
    git_ref: Option<String>,
    title: String,
    release: String,
    /// What it releases, once that is made.
    build: Option<BuildRef>,
    attempt: i64,
    created_at: String,
    started_at: Option<String>,
    finished_at: Option<String>,
    reason: Option<String>,
    user: String,
    hosts_total: usize,
    hosts_done: usize,
    /// In how many portions its hosts go.
    batches: u32,
}

/// Why a deployment stands still.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PauseView {
    /// confirm: a person lets the next batch go; until: the clock does; held: hosts failed and a person decides.
    #[schema(value_type = words::PauseKind)]
    kind: &'static str,
    /// The batch that waits, from 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_batch: Option<u32>,
    /// When it goes on by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    at: Option<String>,
    /// What failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<String>,
}

/// A build, by its number and its content.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct BuildRef {
    /// None: it is no longer kept.
    id: Option<i64>,
    digest: String,
}

/// What is looked up around a deployment.
#[derive(Debug)]
pub(crate) struct Around {
    pub(crate) request: Option<Request>,
    /// What the request pinned.
    pub(crate) config: Option<ReleaseConfig>,
    hosts: HostCounts,
    build: Option<BuildRow>,
}

impl Around {
    /// Looks it up.
    pub(crate) async fn load(store: &Store, deployment: &Deployment) -> Result<Self, Problem> {
        let request = store.request(deployment.request).await?;
        let config = match &request {
            Some(request) => Some(store.revision(request.revision).await?.1),
            None => None,
        };
        let build = match &deployment.build {
            Some(digest) => store.build_by_digest(&deployment.app, digest).await?,
            None => None,
        };
        Ok(Self { request, config, hosts: store.host_counts(deployment.id).await?, build })
    }

    /// The author's actions, where the release is made of those.
    fn actions(&self, kind: Kind) -> Option<&[Action]> {
        match (&self.config.as_ref()?.mode, kind) {
            (Mode::Regular, _) => None,
            (Mode::Custom(custom), Kind::Rollback) => Some(&custom.rollback_actions),
            (Mode::Custom(custom), Kind::Regular | Kind::Auto) => Some(&custom.actions),
        }
    }
}

impl DeploymentSummary {
    /// With what is around it looked up.
    pub(crate) async fn load(store: &Store, deployment: &Deployment) -> Result<Self, Problem> {
        Ok(Self::new(deployment, &Around::load(store, deployment).await?))
    }

    /// Whether nothing more happens.
    pub(crate) const fn is_final(&self) -> bool {
        self.finished_at.is_some()
    }

    /// From its parts.
    pub(crate) fn new(deployment: &Deployment, around: &Around) -> Self {
        let Around { request, hosts, build, .. } = around;
        Self {
            id: deployment.id.0,
            request: deployment.request.0,
            app: deployment.app.to_string(),
            environment: deployment.environment.to_string(),
            kind: deployment.kind.as_str(),
            mode: around.config.as_ref().map_or("regular", |config| super::configs::mode(&config.mode)),
            state: deployment.state.as_str(),
            pause: deployment.state.pause().map(PauseView::from),
            blocked: deployment.blocked.clone(),
            gates_overridden_by: deployment.gates_overridden_by.clone(),
            commit: deployment.commit.to_string(),
            git_ref: request.as_ref().and_then(|request| request.git_ref.clone()),
            title: request.as_ref().map(|request| request.title.clone()).unwrap_or_default(),
            release: deployment.release.to_string(),
            build: deployment.build.clone().map(|digest| BuildRef { id: build.as_ref().map(|build| build.id), digest }),
            attempt: deployment.attempt,
            created_at: deployment.created_at.to_string(),
            started_at: deployment.started_at.map(|at| at.to_string()),
            finished_at: deployment.finished_at.map(|at| at.to_string()),
            reason: deployment.state.reason(),
            user: request.as_ref().map(|request| request.created_by.clone()).unwrap_or_default(),
            hosts_total: hosts.all,
            hosts_done: hosts.done,
            batches: hosts.batches,
        }
    }
}

impl From<&Pause> for PauseView {
    fn from(pause: &Pause) -> Self {
        let (next_batch, at, reason) = match pause {
            Pause::Confirm { next_batch } => (Some(*next_batch), None, None),
            Pause::Until { next_batch, at } => (Some(*next_batch), Some(at.to_string()), None),
            Pause::Held { reason } => (None, None, Some(reason.clone())),
        };
        Self { kind: pause.as_str(), next_batch, at, reason }
    }
}

/// One host of a deployment.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HostRunView {
    host: String,
    #[schema(value_type = words::HostRunState)]
    state: &'static str,
    /// From 1.
    batch: u32,
    /// From 1; each retry of the host is one more.
    tries: u32,
    /// Where it failed: the number of the step.
    step: Option<u8>,
    reason: Option<String>,
    previous_release: Option<String>,
    updated_at: String,
}

impl From<&HostRun> for HostRunView {
    fn from(run: &HostRun) -> Self {
        let (step, reason) = match &run.state {
            HostRunState::Failed { step, reason } | HostRunState::Held { step, reason, .. } => {
                (Some(step.number()), Some(reason.clone()))
            }
            HostRunState::Unknown { reason, .. } => (None, Some(reason.clone())),
            HostRunState::Waiting
            | HostRunState::Staging
            | HostRunState::Staged
            | HostRunState::Switching { .. }
            | HostRunState::Live { .. }
            | HostRunState::Verifying { .. }
            | HostRunState::Done { .. }
            | HostRunState::Reverted { .. }
            | HostRunState::Skipped
            | HostRunState::Cancelled => (None, None),
        };
        let previous = run.state.switched_from().and_then(Option::as_ref).map(ToString::to_string);
        Self {
            host: run.host.to_string(),
            state: run.state.as_str(),
            batch: run.batch,
            tries: run.tries,
            step,
            reason,
            previous_release: previous,
            updated_at: run.updated_at.to_string(),
        }
    }
}

/// One cell of the steps × hosts grid.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CellView {
    /// None: the server.
    host: Option<String>,
    step: u8,
    #[schema(value_type = words::CellState)]
    state: &'static str,
    started_at: Option<String>,
    finished_at: Option<String>,
}

impl From<&Cell> for CellView {
    fn from(cell: &Cell) -> Self {
        Self {
            host: cell.host.as_ref().map(ToString::to_string),
            step: cell.step,
            state: cell.state.as_str(),
            started_at: cell.started_at.map(|at| at.to_string()),
            finished_at: cell.finished_at.map(|at| at.to_string()),
        }
    }
}

/// One step, over all hosts.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StepView {
    /// 1 to 6; an action's place in its list plus 10.
    number: u8,
    title: String,
    #[schema(value_type = words::CellState)]
    state: &'static str,
    /// Whether it runs once on the server, not on every host.
    on_server: bool,
}

impl StepView {
    /// The steps that a deployment has, in order.
    pub(crate) fn all(kind: Kind, around: &Around, cells: &[Cell]) -> Vec<Self> {
        let actions = around.actions(kind).unwrap_or_default();
        let numbers: BTreeSet<u8> = cells.iter().map(|cell| cell.step).collect();
        numbers.into_iter().filter_map(|number| Self::new(Step::from_number(number)?, actions, cells)).collect()
    }

    fn new(step: Step, actions: &[Action], cells: &[Cell]) -> Option<Self> {
        let (title, on_server) = match step {
            Step::Action(place) => {
                let action = actions.get(usize::from(place).checked_sub(1)?)?;
                (action.name.clone(), matches!(action.what, ActionKind::Server { .. }))
            }
            Step::BeforeCheckout
            | Step::Checkout
            | Step::AfterCheckout
            | Step::BeforeRelease
            | Step::Release
            | Step::AfterRelease => (step.title().to_owned(), step.on_server()),
        };
        Some(Self { number: step.number(), title, state: overall(step, cells).as_str(), on_server })
    }
}

/// A step over all hosts: the worst news first, then what is still to come.
fn overall(step: Step, cells: &[Cell]) -> CellState {
    let of_step: Vec<CellState> =
        cells.iter().filter(|cell| cell.step == step.number()).map(|cell| cell.state).collect();
    let any = |state| of_step.contains(&state);
    if any(CellState::Failed) {
        CellState::Failed
    } else if any(CellState::Cancelled) {
        CellState::Cancelled
    } else if any(CellState::Running) || (any(CellState::Succeeded) && any(CellState::Waiting)) {
        CellState::Running
    } else if any(CellState::Waiting) {
        CellState::Waiting
    } else if any(CellState::Succeeded) {
        CellState::Succeeded
    } else {
        CellState::Skipped
    }
}
