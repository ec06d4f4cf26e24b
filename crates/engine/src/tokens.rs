//! API tokens: 32 random bytes, of which the store keeps the SHA-256 alone, so that a copy of the database lets nobody in.

use crate::accounts::{random_text, text_of, token_hash};
use crate::hub::Topic;
use crate::people::Person;
use crate::{Engine, EngineError};
use davit_domain::ids::UserId;
use davit_store::StoreError;
use davit_store::accounts::User;
use davit_store::tokens::{Token, TokenLimits};
use secrecy::SecretString;
use serde_json::json;

impl Engine {
    /// Makes an API token without limits and returns it; it is shown this once.
    ///
    /// # Errors
    /// When there is no such account, or it has a token of this name.
    pub async fn create_token(&self, user: &str, name: &str) -> Result<SecretString, EngineError> {
        let user = self.known_user(user).await?;
        self.issue_token(&user, name, &TokenLimits::default()).await.map(|(_, token)| token)
    }

    /// Makes an API token for an account and returns its number and it; it is shown this once.
    ///
    /// # Errors
    /// `Conflict` when the account has a token of this name, `Invalid` when name or limits make no sense.
    pub async fn issue_token(
        &self,
        user: &User,
        name: &str,
        limits: &TokenLimits,
    ) -> Result<(i64, SecretString), EngineError> {
        let name = text_of("token's name", name, 64)?;
        if name.is_empty() {
            return Err(EngineError::Invalid("a token's name has 1 to 64 characters".into()));
        }
        if limits.scopes.as_ref().is_some_and(Vec::is_empty) {
            return Err(EngineError::Invalid(
                "a token without any scope could do nothing: leave scopes out, or name one".into(),
            ));
        }
        if limits.expires_at.is_some_and(|end| end <= self.now()) {
            return Err(EngineError::Invalid("a token ends in the future".into()));
        }
        let token = format!("davit_{}", random_text());
        let mut tx = self.store().begin().await?;
        let id = tx.create_token(user.id, &name, &token_hash(&token), limits, self.now()).await.map_err(|error| {
            if matches!(error, StoreError::Conflict(_)) {
                return EngineError::Conflict(format!(
                    "{} has a token named {name} already: choose another name",
                    user.name
                ));
            }
            error.into()
        })?;
        let detail = json!({
            "user": user.name,
            "role": limits.role,
            "scopes": limits.scopes,
            "expires_at": limits.expires_at.map(|at| at.to_string()),
        });
        self.feed(&mut tx, &user.name, "token_created", &name, detail).await?;
        tx.commit().await?;
        Ok((id, token.into()))
    }

    /// Takes an API token away by its name, in the name of `davit admin`: whoever holds it is logged out with their
    /// next call.
    ///
    /// # Errors
    /// `NotFound` when there is no such account, or it has no token of this name.
    pub async fn revoke_token(&self, user: &str, name: &str) -> Result<(), EngineError> {
        let user = self.known_user(user).await?;
        let mut tx = self.store().begin().await?;
        tx.delete_token(user.id, name).await.map_err(|error| {
            if matches!(error, StoreError::NotFound(_)) {
                return EngineError::NotFound(format!("{} has no token named {name}", user.name));
            }
            error.into()
        })?;
        self.feed(&mut tx, "admin", "token_revoked", name, json!({ "user": user.name })).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::People, None);
        Ok(())
    }

    /// Takes an API token away by its number. `owner`: only when it is theirs.
    ///
    /// # Errors
    /// `NotFound` when there is no such token, or it is somebody else's.
    pub async fn revoke_token_by_id(&self, id: i64, owner: Option<UserId>, by: &str) -> Result<(), EngineError> {
        let missing = || EngineError::NotFound(format!("there is no token {id}"));
        let mut tx = self.store().begin().await?;
        let token = match tx.token(id).await {
            Ok(token) if owner.is_none_or(|owner| owner == token.user_id) => token,
            Ok(_) | Err(StoreError::NotFound(_)) => return Err(missing()),
            Err(error) => return Err(error.into()),
        };
        let whose = tx.user_name(token.user_id).await?;
        tx.delete_token(token.user_id, &token.name).await?;
        self.feed(&mut tx, by, "token_revoked", &token.name, json!({ "user": whose })).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::People, None);
        Ok(())
    }

    /// An account's tokens, newest first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn tokens_of(&self, user: &User) -> Result<Vec<Token>, EngineError> {
        Ok(self.store().tokens_of(user.id).await?)
    }

    /// Whose API token this is, and what they may do with it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn token_user(&self, token: &str) -> Result<Option<Person>, EngineError> {
        let hash = token_hash(token);
        let Some((user, token)) = self.store().token_user(&hash, self.now()).await? else { return Ok(None) };
        if self.touch_is_due(&hash) {
            let mut tx = self.store().begin().await?;
            tx.touch_token(&hash, self.now()).await?;
            tx.touch_user(user.id, self.now()).await?;
            tx.commit().await?;
        }
        Ok(Some(self.person_within(user, Some(token)).await?))
    }
}
