//! Who may connect when: the number of connects under way is bounded, in all and for each door that is knocked at.
//!
//! What a connect is made of is in [`super`]. Connections that are open are not counted here: who opens them knows how
//! many it wants.

use std::sync::Arc;
use std::time::Duration;

/// How connects are spread.
#[derive(Debug, Clone)]
pub struct ConnectorSettings {
    /// Connects under way to one endpoint (address and port of the first hop). An sshd with default settings begins to
    /// drop connections at random once ten are not logged in yet (`MaxStartups 10:30:100`).
    pub per_endpoint: usize,
    /// Connects under way in all.
    pub total: usize,
    /// How often a connect is tried that ends before the login.
    pub tries: u32,
    /// For how long it is tried again.
    pub patience: Duration,
    /// After this long without a word from the host it is asked whether it is there; three questions without an answer
    /// end the connection.
    pub keepalive: Duration,
}

impl Default for ConnectorSettings {
    fn default() -> Self {
        Self {
            per_endpoint: 8,
            total: 64,
            tries: 5,
            patience: Duration::from_secs(30),
            keepalive: Duration::from_secs(15),
        }
    }
}

/// Opens connections. Cheap to clone; clones share their limits.
#[derive(Debug, Clone, Default)]
pub struct Connector(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    settings: ConnectorSettings,
}

impl Connector {
    /// A connector with these limits.
    #[must_use]
    pub fn new(settings: ConnectorSettings) -> Self {
        Self(Arc::new(Inner { settings }))
    }

    /// What it was told.
    pub(super) fn settings(&self) -> &ConnectorSettings {
        &self.0.settings
    }
}
