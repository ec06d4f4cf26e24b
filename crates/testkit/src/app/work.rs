//! What a davit still has to do.

use super::TestApp;
use davit_store::deliveries::{DeliveryFilter, Verdict};
use davit_store::outbox::{OutboxFilter, OutboxState};

impl TestApp {
    /// Looked for in the order in which one leads to the other, so that nothing is missed on its way.
    pub(super) async fn open_work(&self) -> Vec<String> {
        let (engine, store) = (self.engine(), self.engine().store());
        let mut open = Vec::new();
        let filter = DeliveryFilter { verdict: Some(Verdict::Received), ..DeliveryFilter::default() };
        for delivery in store.deliveries(&filter, None, 10).await.expect("deliveries") {
            open.push(format!("delivery {}", delivery.id));
        }
        let counts = engine.queue().counts().await.expect("jobs");
        if counts.waiting + counts.running > 0 {
            open.push(format!("{counts:?}"));
        }
        for change in store.changes_to_judge(engine.now(), 10).await.expect("changes") {
            open.push(format!("change {}", change.id));
        }
        open.extend(self.open_calls().await);
        open
    }

    pub(super) async fn open_calls(&self) -> Vec<String> {
        let engine = self.engine();
        let mut open = Vec::new();
        // One look for both: between two, a call that is due could become one that is under way.
        let states = vec![OutboxState::Waiting, OutboxState::Leased];
        let filter = OutboxFilter { states, ..OutboxFilter::default() };
        for call in engine.store().outbox(&filter, None, 1000).await.expect("the outbox") {
            let is_due = call.next_at <= engine.now() && engine.paused_until(&call.row.target).is_none();
            if call.state == OutboxState::Leased || is_due {
                open.push(format!("call {} of {}, {}", call.row.id, call.row.lane, call.state));
            }
        }
        open
    }
}
