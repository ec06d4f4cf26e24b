//! `davit lock`, `davit unlock`, `davit locks`.

use super::{Format, ListFormat, not_found};
use crate::client::Client;
use crate::client::things::Lock;
use crate::failure::{Exit, Failure, Outcome};
use crate::output::{Cell, Output, minute, visible};
use clap::Args;
use davit_domain::time::Timestamp;
use std::time::{Duration, SystemTime};

/// Keep releases to an environment, or of one app to it, waiting
#[derive(Debug, Args)]
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

#[expect(clippy::disallowed_methods, reason = "a command line has no engine; the server judges the time it is given")]
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(0).plus(since)
}

/// `90s`, `30m`, `2h`, `3d`.
fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "it must be a number with s, m, h or d, such as 2h".to_owned();
    let unit = match text.chars().last() {
        Some('s') => 1,
        Some('m') => 60,
        Some('h') => 3600,
        Some('d') => 24 * 3600,
        Some(_) | None => return Err(wrong()),
    };
    let number: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
    match number.checked_mul(unit) {
        Some(0) | None => Err(wrong()),
        Some(seconds) => Ok(Duration::from_secs(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::duration;
    use std::time::Duration;

    #[test]
    fn a_time_has_a_number_and_a_unit() {
        for (text, seconds) in [("90s", 90), ("30m", 1800), ("2h", 7200), ("3d", 259_200)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)));
        }
        for text in ["", "h", "2", "0h", "-1h", "2 h", "1w", "２h", "99999999999999999999d"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
