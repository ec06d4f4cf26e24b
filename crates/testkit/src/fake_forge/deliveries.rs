//! Sending deliveries to the hooks that are registered, what came of it, and deliveries that go astray.

use super::model::{Attempt, Hook};
use super::webhooks::{Delivery, Signing};
use super::{FakeForge, Shared};
use davit_domain::config::{ForgeKind, HookSignature};
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use std::sync::Arc;

/// Failures in a row after which GitLab stops delivering.
const DISABLED_AFTER: u32 = 4;

impl FakeForge {
    /// Registers a hook for every event, with the fake's own secret, as a person would on the forge's pages. Returns
    /// its number.
    pub fn add_hook(&self, repository: &str, url: &str) -> i64 {
        let signing = self.shared.signing();
        let hook = Hook {
            id: 0,
            repository: repository.to_owned(),
            url: url.to_owned(),
            secret: signing.secret,
            signs: signing.signature != HookSignature::Token,
            events: ["*", "push_events", "tag_push_events", "merge_requests_events", "deployment_events"]
                .map(str::to_owned)
                .to_vec(),
            active: true,
            form: false,
            failures: 0,
        };
        self.shared.keep_hook(hook).id
    }

    /// Sends it to every hook of the repository that wants it, signed with the hook's own secret, and remembers the
    /// attempts. Returns what the receivers answered; 0 when nobody did.
    pub async fn send(&self, repository: &str, delivery: &Delivery) -> Vec<u16> {
        let mut answers = Vec::new();
        for hook in self.shared.hooks_for(repository, delivery) {
            answers.push(self.shared.deliver(&hook, delivery.clone(), false).await);
        }
        answers
    }

    /// As if the hooks' receivers could not be reached when it was sent: the attempts are remembered, and failed.
    pub fn lose(&self, repository: &str, delivery: &Delivery) {
        for hook in self.shared.hooks_for(repository, delivery) {
            self.shared.keep_attempt(&hook, delivery.clone(), 0, false);
        }
    }

    /// All attempts at deliveries of the repository's hooks, in order.
    #[must_use]
    pub fn attempts(&self, repository: &str) -> Vec<Attempt> {
        let hooks: Vec<i64> = self.shared.hooks_of(repository).iter().map(|hook| hook.id).collect();
        self.shared.state().attempts.iter().filter(|attempt| hooks.contains(&attempt.hook)).cloned().collect()
    }

    /// The hooks of a repository.
    #[must_use]
    pub fn hooks(&self, repository: &str) -> Vec<Hook> {
        self.shared.hooks_of(repository)
    }
}

impl Shared {
    fn hooks_for(&self, repository: &str, delivery: &Delivery) -> Vec<Hook> {
        let flag = match delivery.event.as_str() {
            "Push Hook" => "push_events",
            "Tag Push Hook" => "tag_push_events",
            "Merge Request Hook" => "merge_requests_events",
            "Deployment Hook" => "deployment_events",
            "Pipeline Hook" => "pipeline_events",
            "Note Hook" => "note_events",
            // Gitea's hooks for changes tell of what is said about them, too.
            "issue_comment" | "pull_request_approved" | "pull_request_rejected" if self.kind == ForgeKind::Gitea => {
                "pull_request"
            }
            event => event,
        };
        let everything = ["*", "ping"];
        let wanted =
            |hook: &Hook| hook.events.iter().any(|event| event == flag || event == "*") || everything.contains(&flag);
        let mut hooks = self.hooks_of(repository);
        hooks.retain(|hook| hook.active && wanted(hook));
        hooks.retain(|hook| self.kind != ForgeKind::Gitlab || hook.failures < DISABLED_AFTER);
        hooks
    }

    /// Sends a delivery to a hook, in the background.
    pub(super) fn deliver_soon(self: &Arc<Self>, hook: &Hook, delivery: Delivery) {
        let (shared, hook) = (Arc::clone(self), hook.clone());
        let mut tasks = self.tasks.lock().expect("no task panics while it holds this");
        tasks.spawn(async move {
            shared.deliver(&hook, delivery, true).await;
        });
    }

    /// Sends a delivery to a hook and remembers what came of it.
    pub(super) async fn deliver(&self, hook: &Hook, delivery: Delivery, redelivery: bool) -> u16 {
        let signing = Signing {
            secret: hook.secret.clone(),
            signature: if self.kind == ForgeKind::Gitlab || self.kind == ForgeKind::Gitee {
                let [first, second] = *self.kind.signatures() else { unreachable!("both have two") };
                let token = HookSignature::Token;
                let other = if first == token { second } else { first };
                if hook.signs { other } else { token }
            } else {
                self.signing().signature
            },
            form: hook.form,
        };
        let delivery = self.signed(&delivery.event, &delivery.guid, &delivery.json, &signing);
        let request = self.http.post(&hook.url).headers(delivery.headers.clone()).body(delivery.body.clone());
        let status = request.send().await.map_or(0, |response| response.status().as_u16());
        self.keep_attempt(hook, delivery, status, redelivery);
        status
    }

    fn keep_attempt(&self, hook: &Hook, delivery: Delivery, status: u16, redelivery: bool) {
        let mut state = self.state();
        let id = i64::try_from(state.attempts.len()).expect("few attempts") + 1;
        let guid = delivery.guid.clone();
        state.attempts.push(Attempt { id, hook: hook.id, guid, at: self.now(), status, redelivery, delivery });
        if let Some(hook) = state.hooks.iter_mut().find(|known| known.id == hook.id) {
            hook.failures = if (200..400).contains(&status) { 0 } else { hook.failures + 1 };
        }
        drop(state);
        self.note();
    }

    pub(super) fn attempts_of(&self, hook: i64) -> Vec<Attempt> {
        self.state().attempts.iter().filter(|attempt| attempt.hook == hook).cloned().collect()
    }
}

/// What happens to deliveries on their way, the same each time for one seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disorder {
    /// Where chance begins.
    pub seed: u64,
    /// How many of a hundred are lost.
    pub lost: u8,
    /// How many of a hundred come twice.
    pub doubled: u8,
    /// By how many places one may be late; 0 keeps the order.
    pub delay: usize,
}

/// What came of it: positions in the order in which the deliveries were made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mishaps {
    /// What arrives, in the order in which it arrives; twice is twice.
    pub order: Vec<usize>,
    /// What never arrives.
    pub lost: Vec<usize>,
}

impl Disorder {
    /// Lets `count` deliveries go astray.
    #[must_use]
    pub fn of(&self, count: usize) -> Mishaps {
        let mut chance = StdRng::seed_from_u64(self.seed);
        let mut arrivals: Vec<(usize, usize)> = Vec::new();
        let mut lost = Vec::new();
        for position in 0..count {
            if chance.random_range(0..100) < self.lost {
                lost.push(position);
                continue;
            }
            let times = if chance.random_range(0..100) < self.doubled { 2 } else { 1 };
            for _ in 0..times {
                arrivals.push((position + chance.random_range(0..=self.delay), position));
            }
        }
        // Among those that arrive together, chance decides too.
        if self.delay > 0 {
            arrivals.shuffle(&mut chance);
        }
        arrivals.sort_by_key(|(time, _)| *time);
        Mishaps { order: arrivals.into_iter().map(|(_, position)| position).collect(), lost }
    }
}
