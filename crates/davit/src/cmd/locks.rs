//! `davit lock`, `davit unlock`, `davit locks`.

use super::examples;
use super::times::{duration, now};
use super::{Format, ListFormat, not_found};
use crate::client::Client;
use crate::client::things::Lock;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, minute, visible};
use clap::Args;
use std::time::Duration;

/// Keep releases to an environment, or of one app to it, waiting
#[derive(Debug, Args)]
#[command(after_help = examples::LOCK)]
pub(crate) struct LockArgs {
    /// The environment's key
    environment: String,
    /// The app's key; absent: every app
    app: Option<String>,
    /// Why; whoever waits reads this
    #[arg(long)]
    reason: String,
    /// End it by itself after a while, such as 30m, 2h or 3d
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    lasts: Option<Duration>,
    #[command(flatten)]
    format: Format,
}

/// End a lock; what waited for it starts
#[derive(Debug, Args)]
pub(crate) struct UnlockArgs {
    /// The lock's number, or the environment's key
    lock: String,
    /// The app's key, when the lock is on one app
    app: Option<String>,
}

pub(super) async fn lock(args: LockArgs) -> Outcome {
    let output = Output::detect();
    let expires_at = args.lasts.map(|lasts| now().plus(lasts));
    let lock = Client::from_environment()?
        .lock(&args.environment, args.app.as_deref(), &args.reason, expires_at)
        .await
        .map_err(|failure| failure.hint_if_not_found(super::SEE_STATUS))?;
    if args.format.json {
        output.json(&lock)?;
    } else {
        output.line(format!("lock {}", lock.id))?;
        let until = lock.expires_at.map(|at| format!(" until {} UTC", minute(at))).unwrap_or_default();
        output.note(format!("{} is locked{until}. End it: davit unlock {}", place(&lock), lock.id));
    }
    Ok(Exit::Done)
}

pub(super) async fn unlock(args: UnlockArgs) -> Outcome {
    let client = Client::from_environment()?;
    let id = match (args.lock.parse(), &args.app) {
        (Ok(id), None) => id,
        (Ok(_) | Err(_), app) => find(client.locks().await?.items, &args.lock, app.as_deref())?,
    };
    client.unlock(id).await.map_err(|failure| failure.hint_if_not_found("davit locks"))?;
    Output::detect().line(format!("lock {id} has ended"))?;
    Ok(Exit::Done)
}

pub(super) async fn list(list: ListFormat) -> Outcome {
    let output = Output::detect();
    let mut locks = Client::from_environment()?.locks().await?;
    locks.items.truncate(list.limit);
    if list.format.json {
        output.json(&locks)?;
        return Ok(Exit::Done);
    }
    let row = |lock: &Lock| {
        vec![
            Cell::from(lock.id.to_string()),
            Cell::from(&lock.environment),
            Cell::from(lock.app.as_deref().unwrap_or("every app")),
            Cell::from(&lock.owner),
            Cell::from(minute(lock.created_at)),
            Cell::from(lock.expires_at.map_or_else(|| "-".to_owned(), minute)),
            Cell::from(&lock.reason),
        ]
    };
    let rows: Vec<_> = locks.items.iter().map(row).collect();
    let header = ["id", "environment", "app", "by", "since (UTC)", "until (UTC)", "reason"];
    output.table(&header, &rows, "Nothing is locked.")?;
    Ok(Exit::Done)
}

/// The one lock on exactly this.
fn find(locks: Vec<Lock>, environment: &str, app: Option<&str>) -> Result<i64, Failure> {
    let meant: Vec<Lock> =
        locks.into_iter().filter(|lock| lock.environment == environment && lock.app.as_deref() == app).collect();
    match meant.as_slice() {
        [] => {
            let place = app.map_or_else(|| environment.to_owned(), |app| format!("{app} in {environment}"));
            Err(not_found("lock on", &place, "davit locks"))
        }
        [lock] => Ok(lock.id),
        [first, ..] => {
            let ids: Vec<String> = meant.iter().map(|lock| lock.id.to_string()).collect();
            Err(Failure::usage(format!("{} is locked {} times: {}", place(first), ids.len(), ids.join(", ")))
                .hint(format!("davit unlock {}", first.id)))
        }
    }
}

fn place(lock: &Lock) -> String {
    visible(&lock.app.as_ref().map_or_else(|| lock.environment.clone(), |app| format!("{app} in {}", lock.environment)))
}
