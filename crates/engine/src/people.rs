//! Who may do what, as it is kept: accounts with their groups and grants, and what a token leaves of them.

use crate::{Engine, EngineError};
use davit_domain::access::Access;
use davit_store::accounts::User;
use davit_store::tokens::{Token, TokenLimits};

/// Somebody who does something, with all that they may do.
#[derive(Debug, Clone)]
pub struct Person {
    /// The account.
    pub user: User,
    /// What it may do, here and now.
    pub access: Access,
    /// Names of its groups, sorted.
    pub groups: Vec<String>,
    /// The API token that it came with.
    pub token: Option<Token>,
}

impl Engine {
    /// All that an account may do.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn person(&self, user: User) -> Result<Person, EngineError> {
        self.person_within(user, None).await
    }

    /// All that an account may do with a token of its own.
    pub(crate) async fn person_within(&self, user: User, token: Option<Token>) -> Result<Person, EngineError> {
        let standing = self.store().standing(user.id).await?;
        let TokenLimits { role, scopes, expires_at: _ } = token.as_ref().map(|t| t.limits.clone()).unwrap_or_default();
        let access = Access { base: user.role, grants: standing.grants, ceiling: role, within: scopes };
        Ok(Person { user, access, groups: standing.groups, token })
    }
}
