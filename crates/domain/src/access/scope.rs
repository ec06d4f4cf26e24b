//! Where a role is held, and what an action is done to.

use super::Role;
use crate::ids::{AppKey, EnvironmentKey, InvalidId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Where a grant holds. As text: `all`, `environment:KEY`, `app:KEY`, `app:KEY@ENVIRONMENT`, `label:WORD`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Scope {
    /// Everywhere.
    All,
    /// An environment, every app in it, and hosts that belong to no other one.
    Environment(EnvironmentKey),
    /// An app with its builds and runs, in every environment.
    App(AppKey),
    /// An app in one environment.
    AppIn(AppKey, EnvironmentKey),
    /// Hosts with this label.
    HostLabel(String),
}

/// A role that is held somewhere.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// Where.
    pub scope: Scope,
}

/// What an action is done to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// davit itself, or several things at once.
    Everything,
    /// An app as a whole: its builds, its repository's runs.
    App {
        /// Which.
        app: &'a AppKey,
    },
    /// An environment as a whole.
    Environment {
        /// Which.
        environment: &'a EnvironmentKey,
    },
    /// An app in an environment.
    Place {
        /// Which app.
        app: &'a AppKey,
        /// Where.
        environment: &'a EnvironmentKey,
    },
    /// A host.
    Host {
        /// Its labels.
        labels: &'a [String],
        /// The environments that it belongs to.
        environments: &'a [EnvironmentKey],
    },
}

impl Scope {
    /// Whether what is held here is held on the target. A host of several environments is covered by none of them
    /// alone.
    #[must_use]
    pub fn covers(&self, target: &Target<'_>) -> bool {
        match (self, target) {
            (Self::All, _) => true,
            (Self::Environment(held), Target::Environment { environment } | Target::Place { environment, .. }) => {
                held == *environment
            }
            (Self::Environment(held), Target::Host { environments, .. }) => {
                !environments.is_empty() && environments.iter().all(|environment| environment == held)
            }
            (Self::App(held), Target::App { app } | Target::Place { app, .. }) => held == *app,
            (Self::AppIn(app_held, held), Target::Place { app, environment }) => {
                app_held == *app && held == *environment
            }
            (Self::HostLabel(held), Target::Host { labels, .. }) => labels.contains(held),
            (
                Self::Environment(_) | Self::App(_) | Self::AppIn(..) | Self::HostLabel(_),
                Target::Everything
                | Target::App { .. }
                | Target::Environment { .. }
                | Target::Place { .. }
                | Target::Host { .. },
            ) => false,
        }
    }

    /// The places it covers; `None` when it covers hosts alone.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        let (app, environment) = match self {
            Self::All => (None, None),
            Self::Environment(environment) => (None, Some(environment)),
            Self::App(app) => (Some(app), None),
            Self::AppIn(app, environment) => (Some(app), Some(environment)),
            Self::HostLabel(_) => return None,
        };
        Some(Place { app: app.cloned(), environment: environment.cloned() })
    }

    /// The scope that covers what both cover, when one scope can say that. A label and an environment meet on hosts,
    /// which none can.
    #[must_use]
    pub(super) fn both(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::All, scope) | (scope, Self::All) => Some(scope.clone()),
            (Self::HostLabel(one), Self::HostLabel(other)) => (one == other).then(|| self.clone()),
            (one, other) => {
                let Place { app, environment } = one.place()?.both(&other.place()?)?;
                match (app, environment) {
                    (Some(app), Some(environment)) => Some(Self::AppIn(app, environment)),
                    (Some(app), None) => Some(Self::App(app)),
                    (None, Some(environment)) => Some(Self::Environment(environment)),
                    (None, None) => Some(Self::All),
                }
            }
        }
    }

    /// Whether anything at all is covered by both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self.place(), other.place()) {
            (Some(one), Some(other)) => one.both(&other).is_some(),
            (None, None) => true,
            (Some(place), None) | (None, Some(place)) => place.app.is_none(),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Environment(environment) => write!(f, "environment:{environment}"),
            Self::App(app) => write!(f, "app:{app}"),
            Self::AppIn(app, environment) => write!(f, "app:{app}@{environment}"),
            Self::HostLabel(label) => write!(f, "label:{label}"),
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let unknown = || {
            let text: String = text.chars().take(80).collect();
            format!("{text:?} is not a scope: use all, environment:KEY, app:KEY, app:KEY@ENVIRONMENT or label:WORD")
        };
        let (kind, name) = text.split_once(':').ok_or_else(unknown)?;
        match (kind, name.split_once('@')) {
            ("environment", None) => Ok(Self::Environment(key(name)?)),
            ("app", None) => Ok(Self::App(key(name)?)),
            ("app", Some((app, environment))) => Ok(Self::AppIn(key(app)?, key(environment)?)),
            ("label", _) if !name.trim().is_empty() && name.len() <= 100 && !name.contains(char::is_control) => {
                Ok(Self::HostLabel(name.to_owned()))
            }
            _ => Err(unknown()),
        }
    }
}

fn key<T: FromStr<Err = InvalidId>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: InvalidId| error.to_string())
}

impl TryFrom<String> for Scope {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

/// Some (app, environment) pairs. `None` means every one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The app.
    pub app: Option<AppKey>,
    /// The environment.
    pub environment: Option<EnvironmentKey>,
}

impl Place {
    /// Whether this pair is one of them.
    #[must_use]
    pub fn contains(&self, app: &AppKey, environment: &EnvironmentKey) -> bool {
        self.app.as_ref().is_none_or(|own| own == app) && self.environment.as_ref().is_none_or(|own| own == environment)
    }

    /// The pairs that are in both.
    #[must_use]
    pub(super) fn both(&self, other: &Self) -> Option<Self> {
        Some(Self {
            app: common(self.app.as_ref(), other.app.as_ref())?,
            environment: common(self.environment.as_ref(), other.environment.as_ref())?,
        })
    }
}

/// What both mean together; the outer `None`: nothing.
#[expect(clippy::option_option, reason = "nothing in common and everything in common are two answers")]
fn common<T: Clone + PartialEq>(one: Option<&T>, other: Option<&T>) -> Option<Option<T>> {
    match (one, other) {
        (Some(one), Some(other)) => (one == other).then(|| Some(one.clone())),
        (some, None) | (None, some) => Some(some.cloned()),
    }
}

/// The (app, environment) pairs that somebody may do something in; lists are cut to them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Places {
    /// Every one, also what belongs to no app or environment.
    #[default]
    All,
    /// These.
    Only(Vec<Place>),
}

impl Places {
    /// Whether this pair is one of them.
    #[must_use]
    pub fn contains(&self, app: &AppKey, environment: &EnvironmentKey) -> bool {
        match self {
            Self::All => true,
            Self::Only(places) => places.iter().any(|place| place.contains(app, environment)),
        }
    }
}
