//! What a release config has davit's own machine do, as the user that davit runs as. Who may change it is not decided
//! here.

use super::{ActionKind, Health, Hooks, Host, HostKind, Input, Mode, ReleaseConfig, Shared};

/// What a release config runs on the machine that davit runs on, to compare two of them.
#[derive(Debug, PartialEq, Eq)]
pub struct AsDavit<'c> {
    /// Scripts of steps 1 and 3.
    hooks: [&'c str; 2],
    /// Scripts of its own actions, on the server.
    actions: Vec<&'c str>,
    /// What scripts find in their environment, where it may well say what they run.
    variables: &'c str,
    inputs: &'c [Input],
    /// What a host that is the server itself is given.
    host: Option<OnHost<'c>>,
}

#[derive(Debug, PartialEq, Eq)]
struct OnHost<'c> {
    hooks: &'c Hooks,
    mode: &'c Mode,
    paths: [&'c str; 2],
    shared: &'c Shared,
    health: Option<&'c Health>,
}

impl ReleaseConfig {
    /// What runs as davit; `None`: nothing does.
    #[must_use]
    pub fn as_davit(&self, hosts: &[Host]) -> Option<AsDavit<'_>> {
        let hooks = [self.hooks.before_checkout.as_str(), self.hooks.after_checkout.as_str()];
        let actions = self.server_scripts();
        let is_host = self.select(hosts).iter().any(|host| host.kind == HostKind::Local);
        let runs = is_host || !actions.is_empty() || hooks.iter().any(|script| !script.trim().is_empty());
        runs.then(|| AsDavit {
            hooks,
            actions,
            variables: &self.variables,
            inputs: &self.inputs,
            host: is_host.then(|| OnHost {
                hooks: &self.hooks,
                mode: &self.mode,
                paths: [&self.deploy_path, &self.releases_path],
                shared: &self.shared,
                health: self.health.as_ref(),
            }),
        })
    }

    fn server_scripts(&self) -> Vec<&str> {
        let Mode::Custom(custom) = &self.mode else { return Vec::new() };
        let actions = custom.actions.iter().chain(&custom.rollback_actions);
        let on_server = actions.filter_map(|action| match &action.what {
            ActionKind::Server { run } => Some(run.as_str()),
            ActionKind::Host { .. } | ActionKind::Transfer { .. } => None,
        });
        on_server.collect()
    }
}
