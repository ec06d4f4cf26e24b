//! Keeping what came in, and finding it again: what the forges' modules share of the memory.

use super::Shared;
use super::model::{Comment, DeployKey, Deployment, Hook};

impl Shared {
    /// The forge's number of a repository; 0 for one that it does not know.
    pub(super) fn repository_id(&self, repository: &str) -> i64 {
        self.state().repositories.get(repository).map_or(0, |repository| repository.id)
    }

    /// Whether there is a change with this number.
    pub(super) fn has_change(&self, repository: &str, number: i64) -> bool {
        self.find_change(repository, number).is_some()
    }

    /// Keeps a comment and returns its number.
    pub(super) fn keep_comment(&self, comment: Comment) -> usize {
        let mut state = self.state();
        state.comments.push(comment);
        let id = state.comments.len();
        drop(state);
        self.note();
        id
    }

    /// Keeps a key and returns its position, unless one is there that `is_known` takes for the same.
    pub(super) fn keep_key(&self, key: DeployKey, is_known: impl Fn(&DeployKey) -> bool) -> Option<usize> {
        let mut state = self.state();
        if state.deploy_keys.iter().any(is_known) {
            return None;
        }
        state.deploy_keys.push(key);
        let at = state.deploy_keys.len() - 1;
        drop(state);
        self.note();
        Some(at)
    }

    /// Keeps a new deployment under a number of its own.
    pub(super) fn keep_deployment(&self, mut deployment: Deployment) -> Deployment {
        let mut state = self.state();
        deployment.number = 500 + i64::try_from(state.deployments.len()).expect("few deployments");
        state.deployments.push(deployment.clone());
        drop(state);
        self.note();
        deployment
    }

    /// Changes deployments.
    pub(super) fn change_deployments(&self, change: impl FnOnce(&mut Vec<Deployment>)) {
        change(&mut self.state().deployments);
        self.note();
    }

    /// A repository's deployments, oldest first.
    pub(super) fn deployments_of(&self, repository: &str) -> Vec<Deployment> {
        let state = self.state();
        state.deployments.iter().filter(|deployment| deployment.repository == repository).cloned().collect()
    }

    /// Keeps a new hook under a number of its own.
    pub(super) fn keep_hook(&self, mut hook: Hook) -> Hook {
        let mut state = self.state();
        hook.id = 200 + i64::try_from(state.hooks.len()).expect("few hooks");
        state.hooks.push(hook.clone());
        drop(state);
        self.note();
        hook
    }

    /// Puts a hook in the place of the one with its number.
    pub(super) fn change_hook(&self, hook: &Hook) {
        for known in self.state().hooks.iter_mut().filter(|known| known.id == hook.id) {
            known.clone_from(hook);
        }
        self.note();
    }

    /// A repository's hooks.
    pub(super) fn hooks_of(&self, repository: &str) -> Vec<Hook> {
        self.state().hooks.iter().filter(|hook| hook.repository == repository).cloned().collect()
    }
}
