use crate::support::{at, both, commit, id};
use davit_store::Store;
use std::time::Duration;

async fn take(store: &Store, channel: &str, ids: &[&str], now: i64) -> bool {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    commit!(store, tx => tx.take_chat_message(&id(channel), &ids, at(now), Duration::from_millis(100)))
}

both!(a_message_is_taken_once_by_any_of_its_ids, |store| {
    assert!(take(&store, "ops", &["sign a", "message 1"], 0).await);
    assert!(!take(&store, "ops", &["sign a", "message 1"], 1).await);
    assert!(!take(&store, "ops", &["sign b", "message 1"], 2).await);
    assert!(!take(&store, "ops", &["sign a", "message 2"], 3).await);
    assert!(take(&store, "all", &["sign a", "message 1"], 4).await, "another channel's");
    assert!(take(&store, "ops", &["sign c"], 5).await);
    // What is old is forgotten: it is refused by its age before.
    assert!(take(&store, "ops", &["sign a", "message 1"], 101).await);
    assert!(!take(&store, "ops", &["sign c"], 101).await);
});
