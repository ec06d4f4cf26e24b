//! From where somebody acts, for the feed: an address, `token:NAME@ADDRESS`, `chat:CHANNEL`, `forge:ID`, `cli`.
//!
//! Who comes in says so once, around all that it does; whatever is written within carries it. It travels beside the
//! calls (in the task), not through them: some eighty intents would hand it on without ever looking at it, and the one
//! that forgot would leave a hole in the record. The price: work that is handed to another task has none, which is
//! right for what davit does by itself, and for the rest [`scope`] goes around the other task's work.

use std::sync::{Mutex, PoisonError};

tokio::task_local! {
    static ORIGIN: Mutex<String>;
}

/// Does something, all of it coming from `origin`.
pub async fn scope<F: Future>(origin: impl Into<String>, work: F) -> F::Output {
    ORIGIN.scope(Mutex::new(origin.into()), work).await
}

/// Says more exactly where the present work comes from, once that is known. Outside of any [`scope`]: nothing.
pub fn refine(change: impl FnOnce(&str) -> String) {
    let _ = ORIGIN.try_with(|origin| {
        let mut origin = origin.lock().unwrap_or_else(PoisonError::into_inner);
        *origin = change(&origin);
    });
}

/// Where the present work comes from; `None`: davit does it by itself.
#[must_use]
pub fn current() -> Option<String> {
    ORIGIN.try_with(|origin| origin.lock().unwrap_or_else(PoisonError::into_inner).clone()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_holds_within_and_ends_with_it() {
        assert_eq!(current(), None);
        refine(|_| "nobody listens".into());
        let seen = scope("192.0.2.7", async {
            tokio::task::yield_now().await;
            refine(|address| format!("token:ci@{address}"));
            let inner = scope("chat:ops", async { current() }).await;
            (inner, current())
        });
        assert_eq!(seen.await, (Some("chat:ops".to_owned()), Some("token:ci@192.0.2.7".to_owned())));
        assert_eq!(current(), None);
    }
}
