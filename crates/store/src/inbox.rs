//! Where deliveries come in. Many of them share one commit: an fsync costs the same for one row as for five hundred.
//!
//! [`Inbox::put`] returns once the delivery is on disk. Between two commits the waiting ones gather in a bounded
//! queue, so a burst makes batches larger and puts back-pressure on senders, and a single delivery waits for nobody.

use crate::{Store, StoreError, Tx, postgres, sqlite};
use davit_domain::ids::{DeliveryId, ForgeId};
use davit_domain::time::Timestamp;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Rows in one commit.
const BATCH_ROWS: usize = 512;
/// Bytes of bodies in one commit, unless a single one is larger.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// A webhook request whose signature was right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDelivery {
    /// The forge it came from.
    pub forge: ForgeId,
    /// The forge's own id for it; not empty.
    pub delivery: String,
    /// The forge's word for the event.
    pub event: String,
    /// When it came.
    pub received_at: Timestamp,
    /// Request headers, in their order.
    pub headers: Vec<(String, String)>,
    /// The body, byte for byte.
    pub body: Vec<u8>,
}

/// What became of a delivery that is on disk now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// It is new.
    New(DeliveryId),
    /// The forge had sent it before; what was stored then stays.
    Known(DeliveryId),
}

/// The way in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Inbox {
    queue: mpsc::Sender<Waiting>,
}

#[derive(Debug)]
struct Waiting {
    delivery: NewDelivery,
    answer: oneshot::Sender<Result<Put, StoreError>>,
}

impl Inbox {
    /// The way in, and the task that writes. Once `cancel` is cancelled the task takes no more, writes what waits, and
    /// ends.
    pub fn start(store: Store, cancel: CancellationToken) -> (Self, impl Future<Output = ()> + Send + 'static) {
        let (queue, waiting) = mpsc::channel(BATCH_ROWS);
        (Self { queue }, write_batches(store, waiting, cancel))
    }

    /// Stores a delivery. It is durable when this returns.
    ///
    /// # Errors
    /// `Conflict` when the database refuses this delivery, `Unavailable` when it can't write or the inbox is closed.
    pub async fn put(&self, delivery: NewDelivery) -> Result<Put, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Waiting { delivery, answer }).await.map_err(|_| closed())?;
        answered.await.map_err(|_| closed())?
    }
}

fn closed() -> StoreError {
    StoreError::Unavailable(Arc::new(sqlx::Error::PoolClosed))
}

async fn write_batches(store: Store, mut waiting: mpsc::Receiver<Waiting>, cancel: CancellationToken) {
    loop {
        let first = tokio::select! {
            biased;
            () = cancel.cancelled(), if !waiting.is_closed() => {
                waiting.close();
                continue;
            }
            next = waiting.recv() => next,
        };
        let Some(first) = first else { return };
        let (deliveries, answers) = gather(first, &mut waiting);
        for (answer, result) in answers.into_iter().zip(write(&store, &deliveries).await) {
            // Whoever asked may have gone away; the delivery is stored all the same.
            let _gone = answer.send(result);
        }
    }
}

/// Whatever waits now, as far as it fits into one commit.
fn gather(
    first: Waiting,
    waiting: &mut mpsc::Receiver<Waiting>,
) -> (Vec<NewDelivery>, Vec<oneshot::Sender<Result<Put, StoreError>>>) {
    let mut bytes = first.delivery.body.len();
    let mut deliveries = vec![first.delivery];
    let mut answers = vec![first.answer];
    while deliveries.len() < BATCH_ROWS
        && bytes < BATCH_BYTES
        && let Ok(next) = waiting.try_recv()
    {
        bytes += next.delivery.body.len();
        deliveries.push(next.delivery);
        answers.push(next.answer);
    }
    (deliveries, answers)
}

/// One answer a delivery. When the batch fails because of what is in it, each delivery is tried once alone, so that
/// one bad row does not cost the others their place.
async fn write(store: &Store, deliveries: &[NewDelivery]) -> Vec<Result<Put, StoreError>> {
    match write_together(store, deliveries).await {
        Ok(put) => put.into_iter().map(Ok).collect(),
        Err(error) if deliveries.len() == 1 || !is_about_a_row(&error) => {
            deliveries.iter().map(|_| Err(error.clone())).collect()
        }
        Err(error) => {
            tracing::warn!(%error, rows = deliveries.len(), "a batch of deliveries was refused; storing them one by one");
            let mut results = Vec::with_capacity(deliveries.len());
            for delivery in deliveries {
                let alone = write_together(store, std::slice::from_ref(delivery)).await;
                results.push(alone.map(|put| put[0]));
            }
            results
        }
    }
}

/// Whether the database answered and said no, rather than not answering at all.
fn is_about_a_row(error: &StoreError) -> bool {
    match error {
        StoreError::Unavailable(error) => matches!(**error, sqlx::Error::Database(_)),
        StoreError::Conflict(_) | StoreError::NotFound(_) | StoreError::Corrupt { .. } => true,
        StoreError::Open(_) => false,
    }
}

/// One transaction, one answer a delivery, in their order.
async fn write_together(store: &Store, deliveries: &[NewDelivery]) -> Result<Vec<Put>, StoreError> {
    let mut tx = store.begin().await?;
    let put = tx.put_deliveries(deliveries).await?;
    tx.commit().await?;
    Ok(put)
}

impl Tx {
    /// Stores deliveries with whatever else the transaction does, such as those that davit writes itself in place of
    /// ones that never came. One answer each, in their order.
    ///
    /// # Errors
    /// `Conflict` when the database refuses one of them; then none is stored.
    pub async fn put_deliveries(&mut self, deliveries: &[NewDelivery]) -> Result<Vec<Put>, StoreError> {
        match self {
            Self::Sqlite(c) => sqlite::insert_deliveries(c, deliveries).await,
            Self::Postgres(c) => postgres::insert_deliveries(c, deliveries).await,
        }
    }
}
