//! What one caller may do, all told.

use super::{Action, Grant, Place, Places, Role, Scope, Target, allows, least_role};
use crate::ids::EnvironmentKey;

/// What a caller may do. Without base role and grants: nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Access {
    /// The role on everything.
    pub base: Option<Role>,
    /// Roles somewhere: the account's own and those of its groups.
    pub grants: Vec<Grant>,
    /// The most that the token which is used allows; `None`: no limit.
    pub ceiling: Option<Role>,
    /// Where the token which is used may be used at all; `None`: everywhere.
    pub within: Option<Vec<Scope>>,
}

impl Access {
    /// Of somebody with a role on everything and nothing else.
    #[must_use]
    pub const fn everywhere(role: Role) -> Self {
        Self { base: Some(role), grants: Vec::new(), ceiling: None, within: None }
    }

    /// The role held on a target: the highest one of base role and grants, cut by the token's limits.
    #[must_use]
    pub fn role_on(&self, target: &Target<'_>) -> Option<Role> {
        let granted = highest(self.grants.iter().map(|grant| (grant.role, &grant.scope)), target);
        let role = self.base.max(granted)?;
        if let Some(within) = &self.within {
            highest(within.iter().map(|scope| (Role::Admin, scope)), target)?;
        }
        Some(self.ceiling.map_or(role, |ceiling| ceiling.min(role)))
    }

    /// Whether the action may be done to the target.
    #[must_use]
    pub fn allows(&self, action: Action, target: &Target<'_>) -> bool {
        self.role_on(target).is_some_and(|role| allows(role, action))
    }

    /// Whether the action may be done to anything at all.
    #[must_use]
    pub fn anywhere(&self, action: Action) -> bool {
        self.scopes_with(action).any(|scope| match &self.within {
            Some(within) => within.iter().any(|other| other.overlaps(scope)),
            None => true,
        })
    }

    /// The (app, environment) pairs in which the action may be done.
    #[must_use]
    pub fn places(&self, action: Action) -> Places {
        if self.allows(action, &Target::Everything) {
            return Places::All;
        }
        let everywhere = [Scope::All];
        let within: &[Scope] = self.within.as_deref().unwrap_or(&everywhere);
        let limits: Vec<Place> = within.iter().filter_map(Scope::place).collect();
        let held = self.scopes_with(action).filter_map(Scope::place);
        Places::Only(
            held.flat_map(|held| limits.iter().filter_map(move |limit| held.both(limit)).collect::<Vec<_>>()).collect(),
        )
    }

    /// Whether nothing is hidden from this caller.
    #[must_use]
    pub fn sees_everything(&self) -> bool {
        self.allows(Action::See, &Target::Everything)
    }

    /// The same as a base role and grants alone, for those who compute what to offer: what a token takes away is gone.
    #[must_use]
    pub fn effective(&self) -> (Option<Role>, Vec<Grant>) {
        let cut = |role: Role| self.ceiling.map_or(role, |ceiling| ceiling.min(role));
        let Some(within) = &self.within else {
            let cut_grant = |grant: &Grant| Grant { role: cut(grant.role), scope: grant.scope.clone() };
            return (self.base.map(cut), self.grants.iter().map(cut_grant).collect());
        };
        let base = self.base.map(|role| Grant { role, scope: Scope::All });
        let held = base.iter().chain(&self.grants);
        let left = held.flat_map(|grant| {
            let scopes = within.iter().filter_map(|limit| grant.scope.both(limit));
            scopes.map(|scope| Grant { role: cut(grant.role), scope }).collect::<Vec<_>>()
        });
        (None, left.collect())
    }

    /// Where a role that is enough for the action is held, before a token's scopes cut it.
    fn scopes_with(&self, action: Action) -> impl Iterator<Item = &Scope> {
        let is_enough =
            move |role: Role| allows(role, action) && self.ceiling.is_none_or(|ceiling| ceiling >= least_role(action));
        let base = self.base.filter(|role| is_enough(*role)).map(|_| &Scope::All);
        base.into_iter().chain(self.grants.iter().filter(move |grant| is_enough(grant.role)).map(|grant| &grant.scope))
    }
}

/// The highest role that is held on the target. On a host of several environments that is what is held in all of them.
fn highest<'a>(held: impl Iterator<Item = (Role, &'a Scope)> + Clone, target: &Target<'_>) -> Option<Role> {
    let in_one = held.clone().filter(|(_, scope)| scope.covers(target)).map(|(role, _)| role).max();
    let in_all = match target {
        Target::Host { environments, .. } => {
            let in_environment = |environment: &EnvironmentKey| {
                let target = Target::Environment { environment };
                held.clone().filter(|(_, scope)| scope.covers(&target)).map(|(role, _)| role).max()
            };
            environments.iter().map(in_environment).min().flatten()
        }
        Target::Everything | Target::App { .. } | Target::Environment { .. } | Target::Place { .. } => None,
    };
    in_one.max(in_all)
}
