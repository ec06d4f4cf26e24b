//! A deployment that never was: written with the store, in the order and the portions of a real one.

use anyhow::{Context, bail};
use davit_domain::deployment::{CellState, DeploymentState, HostRunState};
use davit_domain::ids::{AppKey, CommitSha, DeploymentId, EnvironmentKey, HostName};
use davit_domain::log::{NewLine, Step, Stream};
use davit_domain::request::{Kind, RequestState};
use davit_domain::review::Review;
use davit_domain::time::Timestamp;
use davit_domain::values::Pinned;
use davit_store::Store;
use davit_store::deployments::{NewDeployment, PlannedStep};
use davit_store::requests::{Created, Inputs, NewRequest, Request};
use std::fmt::Write;
use std::sync::LazyLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// Lines a transaction.
const AT_ONCE: usize = 1_000;
/// The server's lines, before the hosts'.
const OF_SERVER: usize = 1_000;
/// Every so many lines one says what is searched for.
const NEEDLE_EVERY: usize = 10_000;
/// Two hours ago: logs of long ago are forgotten.
#[expect(clippy::disallowed_methods, reason = "a davit of its own reads the clock of this machine")]
static BEGIN: LazyLock<i64> = LazyLock::new(|| {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    i64::try_from(now).unwrap_or_default() - 2 * 3_600_000
});

/// How large it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) lines: usize,
    pub(crate) hosts: usize,
}

/// The app and its hosts, as `davit.toml`.
pub(crate) fn configuration(hosts: usize) -> String {
    let mut text = "[[environment]]\nkey = \"production\"\n\n".to_owned();
    for number in 1..=hosts {
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "[[host]]\nname = \"{}\"\naddress = \"192.0.2.1\"\nuser = \"deploy\"\nlabels = [\"web\"]\n",
            name(number)
        );
    }
    text.push_str(
        "[[app]]\nkey = \"shop\"\nname = \"Shop\"\nrepository = { url = \"https://git.example/acme/shop.git\" }\n\n\
         [[app.release]]\nenvironment = \"production\"\nhosts = { labels = [\"web\"] }\ndeploy_path = \"/srv/shop/current\"\n\
         releases_path = \"/srv/shop/releases\"\n",
    );
    text
}

/// Two attempts: one that failed early, and one with the whole log, whose number is returned.
pub(crate) async fn make(store: &Store, size: Size) -> anyhow::Result<i64> {
    let request = request(store).await?;
    let hosts: Vec<HostName> = (1..=size.hosts).map(|number| name(number).parse()).collect::<Result<_, _>>()?;
    attempt(store, &request, 1, &hosts, size.lines / 20).await?;
    let id = attempt(store, &request, 2, &hosts, size.lines).await?;
    Ok(id.0)
}

fn name(number: usize) -> String {
    format!("web-{number:03}")
}

fn at(millis: usize) -> Timestamp {
    Timestamp::from_millis(BEGIN.saturating_add(i64::try_from(millis).unwrap_or(i64::MAX)))
}

async fn request(store: &Store) -> anyhow::Result<Request> {
    let (app, environment): (AppKey, EnvironmentKey) = ("shop".parse()?, "production".parse()?);
    let (revision, _) = store.release_config(&app, &environment).await?.context("the app is configured")?;
    let new = NewRequest {
        app,
        environment,
        kind: Kind::Regular,
        state: RequestState::AwaitingRelease { approvals: Vec::new() },
        commit: CommitSha::try_from("1a2b3c4d".repeat(5))?,
        git_ref: Some("refs/heads/main".into()),
        title: "A long log on many hosts".into(),
        revision: revision.id,
        review: Review { required: 0, ..Review::default() },
        target_release: None,
        hosts: None,
        build: None,
        inputs: Inputs::default(),
        created_by: "bench".into(),
        created_at: at(0),
        delivery: None,
        forge_deployment: None,
        values: Pinned::default(),
        description: String::new(),
        schedule: None,
        batch: None,
        cloned_from: None,
        idempotency_key: None,
    };
    let mut tx = store.begin().await?;
    let created = tx.create_request(&new).await?;
    tx.commit().await?;
    match created {
        Created::New(request) => Ok(request),
        Created::Existing(request) => bail!("{request:?} was there already"),
    }
}

async fn attempt(
    store: &Store,
    request: &Request,
    attempt: i64,
    hosts: &[HostName],
    lines: usize,
) -> anyhow::Result<DeploymentId> {
    let planned: Vec<_> = hosts.iter().map(|host| (host.clone(), 1)).collect();
    let steps = PlannedStep::regular(Kind::Regular);
    let mut tx = store.begin().await?;
    let new = NewDeployment { request, attempt, hosts: &planned, steps: &steps };
    let deployment = tx.create_deployment(&new, at(0)).await?;
    let fence = tx.take_fence(deployment.id, at(1)).await?;
    tx.commit().await?;
    for first in (0..lines).step_by(AT_ONCE) {
        let portion: Vec<_> = (first..lines.min(first + AT_ONCE)).map(|number| line(number, lines, hosts)).collect();
        store.append_lines(deployment.id, fence, i64::try_from(first)? + 1, &portion, &[]).await?;
    }
    finish(store, deployment.id, fence, hosts, (attempt, lines)).await?;
    Ok(deployment.id)
}

/// What the grid shows in the end: every fiftieth host failed; the first attempt failed on all hosts before the switch.
async fn finish(
    store: &Store,
    id: DeploymentId,
    fence: i64,
    hosts: &[HostName],
    (attempt, lines): (i64, usize),
) -> anyhow::Result<()> {
    let mut tx = store.begin().await?;
    for step in [Step::BeforeCheckout, Step::Checkout, Step::AfterCheckout] {
        tx.set_cell(id, fence, None, step.number(), CellState::Running, at(10)).await?;
        tx.set_cell(id, fence, None, step.number(), CellState::Succeeded, at(OF_SERVER)).await?;
    }
    for (number, host) in hosts.iter().enumerate() {
        let failed = number % 50 == 49;
        for step in [Step::BeforeRelease, Step::Release, Step::AfterRelease] {
            let is_last = if attempt == 1 { step == Step::BeforeRelease } else { step == Step::AfterRelease };
            let end = if is_last && (failed || attempt == 1) { CellState::Failed } else { CellState::Succeeded };
            tx.set_cell(id, fence, Some(host), step.number(), CellState::Running, at(OF_SERVER)).await?;
            tx.set_cell(id, fence, Some(host), step.number(), end, at(lines + number)).await?;
            if is_last {
                break;
            }
        }
        let state = if failed || attempt == 1 {
            HostRunState::Failed { step: Step::AfterRelease, reason: "the hook ended with exit code 1".into() }
        } else {
            HostRunState::Done { previous: None }
        };
        tx.set_host_run(id, fence, host, &state, at(lines + number)).await?;
    }
    let reason = "the hook of step 6 failed on some hosts".to_owned();
    tx.advance_deployment(id, Some(fence), &DeploymentState::Failed { reason }, at(lines + hosts.len())).await?;
    tx.commit().await?;
    Ok(())
}

/// All hosts speak in turn, as they do when a batch is carried out at once.
fn line(number: usize, lines: usize, hosts: &[HostName]) -> NewLine {
    let step = match number {
        ..OF_SERVER => Step::Checkout,
        _ if number < lines / 2 => Step::BeforeRelease,
        _ if number < lines / 2 + lines / 20 => Step::Release,
        _ => Step::AfterRelease,
    };
    let text = match number % 10 {
        _ if number % NEEDLE_EVERY == NEEDLE_EVERY - 1 => {
            format!("\u{1b}[1;31mERROR\u{1b}[0m needle {number}: no space left on device")
        }
        0 | 5 => format!("\u{1b}[32m✓\u{1b}[0m tests/cart/checkout.spec.ts ({} ms)", number % 977),
        1 => format!("\u{1b}[33mwarning\u{1b}[0m deprecated package inflight@1.0.{}: it leaks memory", number % 7),
        2 => format!("[{}/{lines}] Compiling shop-module-{} v0.{}.0", number, number % 4_000, number % 90),
        _ => {
            format!("line {number}: moved dist/assets/chunk-{:08x}.js to its place", number.wrapping_mul(2_654_435_761))
        }
    };
    NewLine {
        at: at(number),
        host: (number >= OF_SERVER).then(|| hosts[number % hosts.len()].clone()),
        step,
        stream: if number.is_multiple_of(97) { Stream::Stderr } else { Stream::Stdout },
        text,
    }
}
