//! Who may do what: a ladder of roles, each action with the lowest role that may do it, and where a role is held.
//!
//! [`Access`] is all of it for one caller: the role they hold on everything, what they are granted somewhere, and what
//! the token that they came with leaves of it. Does not live here, on purpose: who somebody is, and where grants are kept.

mod held;
mod scope;

pub use held::Access;
pub use scope::{Grant, Place, Places, Scope, Target};

use serde::{Deserialize, Serialize};

/// What an account may do; each one includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Sees everything but secrets.
    Viewer,
    /// Asks for releases.
    Developer,
    /// Approves and rejects.
    Reviewer,
    /// Releases, rolls back, cancels.
    Releaser,
    /// Looks after hosts.
    Operator,
    /// Everything.
    Admin,
}

impl Role {
    /// All of them, lowest first.
    pub const ALL: [Self; 6] =
        [Self::Viewer, Self::Developer, Self::Reviewer, Self::Releaser, Self::Operator, Self::Admin];

    /// The stored word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Developer => "developer",
            Self::Reviewer => "reviewer",
            Self::Releaser => "releaser",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }
}

/// A base role as it is stored and typed: [`None`] is `none`.
#[must_use]
pub const fn role_word(role: Option<Role>) -> &'static str {
    match role {
        Some(role) => role.as_str(),
        None => NO_ROLE,
    }
}

/// Reads what [`role_word`] writes.
///
/// # Errors
/// With the words there are.
pub fn parse_role(text: &str) -> Result<Option<Role>, String> {
    if text == NO_ROLE {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|error| format!("{error}, or none"))
}

const NO_ROLE: &str = "none";

impl std::str::FromStr for Role {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or_else(|| {
            format!("{text:?} is not a role: use viewer, developer, reviewer, releaser, operator or admin")
        })
    }
}

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Look at anything.
    See,
    /// Ask for a release or a rollback; withdraw one's own request; ask hosts what they serve.
    Ask,
    /// Bring a build or a file that releases use.
    UploadBuild,
    /// Start a workflow; cancel and retry runs and jobs.
    RunWorkflow,
    /// Let the workflows of a fork's change run.
    ApproveRun,
    /// Ask davit to merge a change, and take that back.
    Merge,
    /// Approve or reject a request.
    Review,
    /// Let an approved request go out, retry it, and everything that is done to its deployment: cancel it, let it go on,
    /// take it back, retry or leave out a host.
    Release,
    /// Lock an environment or an app in it, and end a lock.
    LockEnvironment,
    /// Let a deployment pass locks and freeze windows.
    OverrideGates,
    /// Verify hosts, accept their keys, and put davit's key onto them.
    ManageHosts,
    /// Run a delivery again.
    ReplayDelivery,
    /// Delete what runs hand on to later ones.
    ManageCaches,
    /// Test forges, register hooks and make keys there, send calls to them again, and have everything examined.
    ManageForges,
    /// Change values and secrets of an app in an environment.
    ManageValues,
    /// Open a shell on a host, and look at what others did there.
    OpenTerminal,
    /// Read the feed: what happened to what one may see.
    ReadFeed,
    /// Take the feed away as a file.
    ExportFeed,
    /// Read and change the configuration and its secrets.
    Configure,
    /// Make, change and remove channels for notices, and try them.
    ManageChannels,
    /// Make, change and remove accounts, groups, grants and other people's tokens.
    ManageUsers,
}

impl Action {
    /// All of them, those that need least first.
    pub const ALL: [Self; 21] = [
        Self::See,
        Self::ReadFeed,
        Self::Ask,
        Self::UploadBuild,
        Self::RunWorkflow,
        Self::Review,
        Self::ApproveRun,
        Self::Merge,
        Self::Release,
        Self::LockEnvironment,
        Self::OverrideGates,
        Self::ManageHosts,
        Self::ReplayDelivery,
        Self::ManageCaches,
        Self::ManageForges,
        Self::ManageValues,
        Self::OpenTerminal,
        Self::ExportFeed,
        Self::Configure,
        Self::ManageChannels,
        Self::ManageUsers,
    ];
}

/// The lowest role that may do it.
#[must_use]
pub const fn least_role(action: Action) -> Role {
    match action {
        Action::See | Action::ReadFeed => Role::Viewer,
        Action::Ask | Action::UploadBuild | Action::RunWorkflow => Role::Developer,
        Action::Review | Action::ApproveRun | Action::Merge => Role::Reviewer,
        Action::Release => Role::Releaser,
        Action::LockEnvironment
        | Action::OverrideGates
        | Action::ManageHosts
        | Action::ReplayDelivery
        | Action::ManageCaches
        | Action::ManageForges
        | Action::ManageValues
        | Action::OpenTerminal
        | Action::ExportFeed => Role::Operator,
        Action::Configure | Action::ManageChannels | Action::ManageUsers => Role::Admin,
    }
}

/// Whether this role may do it, where it is held.
#[must_use]
pub fn allows(role: Role, action: Action) -> bool {
    role >= least_role(action)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_includes_those_before_it() {
        for pair in Role::ALL.windows(2) {
            assert!(pair[0] < pair[1]);
            assert_eq!(pair[0].as_str().parse(), Ok(pair[0]));
        }
        assert!(allows(Role::Viewer, Action::See) && !allows(Role::Viewer, Action::Ask));
        assert!(!allows(Role::Developer, Action::Release) && allows(Role::Releaser, Action::Release));
        assert!(!allows(Role::Developer, Action::ApproveRun) && allows(Role::Developer, Action::RunWorkflow));
        assert!(!allows(Role::Operator, Action::Configure) && allows(Role::Admin, Action::Configure));
    }
}
