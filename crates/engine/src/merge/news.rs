//! The jobs about changes: an event or a comment came, so the forge is asked how the change stands.

use super::judge::{judged, keep, policy_of, read_at_forge};
use super::{answer, people};
use crate::queue::{Attempt, JobKind, NewJob, Outcome, backoff};
use crate::{Engine, EngineError};
use davit_domain::config::MergeBy;
use davit_domain::event::{CommentEvent, ForgeEvent};
use davit_domain::ids::{CommitSha, ForgeId};
use davit_domain::merge::{ChangeState, MergeCommand, is_comment_command};
use davit_domain::time::Timestamp;
use davit_store::Tx;
use davit_store::changes::Change;
use davit_store::deliveries::Delivery;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

const KIND: JobKind = JobKind::new("change");
/// About half an hour; after that the timer and the next event have to do.
const MAX_ATTEMPTS: u32 = 10;
const CONCURRENCY: usize = 4;

/// What a job is about.
#[derive(Debug, Serialize, Deserialize)]
struct News {
    forge: ForgeId,
    repository: String,
    number: i64,
    /// Somebody's comment that may be a command.
    comment: Option<Said>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Said {
    author: String,
    text: String,
    at: Timestamp,
    /// The head that davit knew when it heard this; `None`: it did not know the change.
    head: Option<CommitSha>,
}

impl Engine {
    /// Has the forge asked how a change stands. The same key again is the same job.
    pub(super) async fn enqueue_change(
        &self,
        tx: &mut Tx,
        forge: &ForgeId,
        repository: &str,
        number: i64,
        key: String,
    ) -> Result<(), EngineError> {
        let news = News { forge: forge.clone(), repository: repository.to_owned(), number, comment: None };
        enqueue(self, tx, key, &news).await
    }

    /// What an event means for a change, in the transaction that ends its delivery. Says what is done about a comment.
    pub(crate) async fn hear_of_change(
        &self,
        tx: &mut Tx,
        delivery: &Delivery,
        event: &ForgeEvent,
    ) -> Result<Option<String>, EngineError> {
        let (repository, number, comment) = match event {
            ForgeEvent::Change(change) => (&change.repository, change.number, None),
            ForgeEvent::Comment(comment) if is_comment_command(&comment.text).is_some() => {
                (&comment.repository, comment.number, Some(comment))
            }
            ForgeEvent::Comment(_)
            | ForgeEvent::Ping { .. }
            | ForgeEvent::Push(_)
            | ForgeEvent::Deployment(_)
            | ForgeEvent::DeploymentStatus(_)
            | ForgeEvent::Check(_)
            | ForgeEvent::MergeGroup(_)
            | ForgeEvent::Other { .. } => return Ok(None),
        };
        let configuration = tx.read_configuration().await?;
        // A merge that git told of may have no number.
        let Some(settings) = configuration.repository(&delivery.forge, repository).filter(|_| number > 0) else {
            return Ok(None);
        };
        if comment.is_some() && settings.merge.is_none() {
            return Ok(None);
        }
        let said = match comment {
            Some(CommentEvent { author, text, .. }) => Some(Said {
                author: author.clone(),
                text: text.clone(),
                at: delivery.received_at,
                head: tx.change_numbered(&delivery.forge, repository, number).await?.map(|change| change.row.head),
            }),
            None => None,
        };
        let sentence = match comment {
            Some(comment) => Some(format!("a command of {} on #{number}", comment.author)),
            None => settings.merge.as_ref().map(|_| format!("looks how #{number} stands")),
        };
        let news = News { forge: delivery.forge.clone(), repository: repository.clone(), number, comment: said };
        enqueue(self, tx, format!("delivery {} {}", delivery.id, delivery.attempts), &news).await?;
        Ok(sentence)
    }
}

async fn enqueue(engine: &Engine, tx: &mut Tx, key: String, news: &News) -> Result<(), EngineError> {
    let payload = serde_json::to_value(news).map_err(|error| EngineError::Unavailable(error.to_string()))?;
    engine
        .queue()
        .enqueue(tx, NewJob { kind: KIND, key, payload, max_attempts: MAX_ATTEMPTS, run_after: None })
        .await?;
    Ok(())
}

/// Runs these jobs until the process drains.
pub(super) async fn run(engine: Engine) {
    let lifecycle = engine.lifecycle();
    let (drain, abort) = (lifecycle.drain_token(), lifecycle.abort_token());
    let handler = {
        let engine = engine.clone();
        move |attempt: Attempt, stop: CancellationToken| {
            let engine = engine.clone();
            async move {
                tokio::select! {
                    () = stop.cancelled() => Outcome::Retry {
                        after: std::time::Duration::ZERO,
                        reason: "the server was stopped".to_owned(),
                    },
                    outcome = handle(&engine, &attempt) => outcome,
                }
            }
        }
    };
    if let Err(error) = engine.queue().run(KIND, CONCURRENCY, handler, drain, abort).await {
        tracing::error!(%error, "jobs about changes stopped");
    }
}

async fn handle(engine: &Engine, attempt: &Attempt) -> Outcome {
    let news: News = match serde_json::from_value(attempt.payload.clone()) {
        Ok(news) => news,
        Err(error) => return Outcome::Dead { reason: error.to_string() },
    };
    match carry_out(engine, &news, attempt.number == 1).await {
        Ok(()) => Outcome::Done,
        // Taken out of the configuration since.
        Err(EngineError::NotFound(reason)) => Outcome::Dead { reason },
        Err(error) => Outcome::Retry { after: backoff(attempt.number), reason: error.to_string() },
    }
}

async fn carry_out(engine: &Engine, news: &News, is_first: bool) -> Result<(), EngineError> {
    let News { forge, repository, number, comment } = news;
    let asked_at = engine.now();
    let at_forge = read_at_forge(engine, forge, repository, *number).await?;
    let may = match comment {
        Some(said) => Some(may_command(engine, forge, repository, &said.author).await?),
        None => None,
    };
    let mut tx = engine.store().begin().await?;
    let change = keep(engine, &mut tx, forge, at_forge, asked_at).await?;
    if let (Some(said), Some(may)) = (comment, may) {
        obey(engine, &mut tx, change.clone(), said, may, is_first).await?;
    }
    tx.commit().await?;
    engine.told_of_change(change.id);
    Ok(())
}

async fn may_command(engine: &Engine, forge: &ForgeId, repository: &str, login: &str) -> Result<bool, EngineError> {
    let client = engine.forge_client(forge).await?;
    client.may_write(repository, login).await.map_err(|error| EngineError::Upstream(error.to_string()))
}

/// Does what a comment says, and answers it. `is_first`: nothing went wrong before this look at the forge.
async fn obey(
    engine: &Engine,
    tx: &mut Tx,
    mut change: Change,
    said: &Said,
    may: bool,
    is_first: bool,
) -> Result<(), EngineError> {
    let Said { author, text, at, .. } = said;
    let configuration = tx.read_configuration().await?;
    let (Some(command), Some(policy)) = (is_comment_command(text), policy_of(&configuration, &change)) else {
        return Ok(());
    };
    let by = format!("{author}@{}", change.row.forge);
    if !may {
        let words = format!("@{author} davit merges for those who may push to {}.", change.row.repository);
        return answer::say(engine, tx, &change, &words).await;
    }
    if !policy.by.contains(&MergeBy::Comment) {
        let words = format!("@{author} here davit does not merge because of a comment.");
        return answer::say(engine, tx, &change, &words).await;
    }
    if change.row.state != ChangeState::Open {
        return Ok(());
    }
    match command {
        // The forge told of one comment twice.
        MergeCommand::Merge if change.asked_at.is_some_and(|asked| asked >= *at) => Ok(()),
        MergeCommand::Merge if !meant(said, &change, is_first) => {
            let head = change.row.head.short();
            let words = format!("@{author} a push came in between: look at {head}, and say `/merge` again.");
            answer::say(engine, tx, &change, &words).await
        }
        MergeCommand::Merge => {
            people::wish(engine, tx, &change, MergeBy::Comment, &by).await?;
            change = tx.lock_change(change.id).await?;
            let holds = judged(engine, policy, &change).await?;
            answer::say(engine, tx, &change, &people::reply(&holds, author)).await
        }
        MergeCommand::Cancel if change.asked.is_none() => Ok(()),
        MergeCommand::Cancel => {
            people::take_back(engine, tx, &change, &by).await?;
            answer::say(engine, tx, &change, &format!("@{author} davit does not merge this any more.")).await
        }
    }
}

/// Whether a comment was about the head that the change has now. Of a change that davit had not heard of, the head of
/// the first look counts; a later look might find a commit that nobody had seen.
fn meant(said: &Said, change: &Change, is_first: bool) -> bool {
    said.head.as_ref().map_or(is_first, |head| *head == change.row.head)
}
