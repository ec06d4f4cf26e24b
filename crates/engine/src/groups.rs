//! Groups and grants: who belongs together, and who may do what where.

use crate::accounts::{text_of, when_missing};
use crate::hub::Topic;
use crate::{Engine, EngineError};
use davit_domain::access::{Grant, Scope};
use davit_domain::review::Reviewer;
use davit_store::accounts::LOCAL;
use davit_store::grants::{Holder, KeptGrant};
use davit_store::groups::Group;
use davit_store::{StoreError, Tx};
use serde_json::{Value, json};

/// To whom something is to be granted, by name.
#[derive(Debug, Clone)]
pub enum Grantee {
    /// An account.
    User(String),
    /// A group.
    Group(String),
}

impl Engine {
    /// Makes a group.
    ///
    /// # Errors
    /// `Conflict` when the name is taken, `Invalid` when it is none.
    pub async fn add_group(&self, name: &str, description: &str, by: &str) -> Result<Group, EngineError> {
        check_group_name(name)?;
        let description = text_of("description", description, 500)?;
        let mut tx = self.store().begin().await?;
        let group = tx.create_group(name, &description, self.now()).await?;
        self.feed(&mut tx, by, "group_created", name, json!({ "description": description })).await?;
        tx.commit().await?;
        Ok(group)
    }

    /// Renames or describes a group; `None`: stays.
    ///
    /// # Errors
    /// `NotFound` when there is no such group, `Conflict` when the new name is taken, or the old one stands elsewhere.
    pub async fn change_group(
        &self,
        name: &str,
        new_name: Option<&str>,
        description: Option<&str>,
        by: &str,
    ) -> Result<Group, EngineError> {
        new_name.map(check_group_name).transpose()?;
        let description = description.map(|text| text_of("description", text, 500)).transpose()?;
        let mut tx = self.store().begin().await?;
        let old = group(&mut tx, name).await?;
        let new = Group {
            name: new_name.unwrap_or(&old.name).to_owned(),
            description: description.unwrap_or_else(|| old.description.clone()),
            ..old.clone()
        };
        if new.name != old.name {
            free_of_names(&mut tx, &old.name).await?;
        }
        if new != old {
            tx.set_group(old.id, &new.name, &new.description).await?;
            let words = |group: &Group| json!({ "name": group.name, "description": group.description });
            let detail = json!({ "before": words(&old), "after": words(&new) });
            self.feed(&mut tx, by, "group_changed", &new.name, detail).await?;
        }
        tx.commit().await?;
        self.hub().tell_topic(Topic::People, None);
        Ok(new)
    }

    /// Takes a group away, with what it is granted.
    ///
    /// # Errors
    /// `NotFound` when there is no such group, `Conflict` when its name stands elsewhere.
    pub async fn delete_group(&self, name: &str, by: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        let found = group(&mut tx, name).await?;
        free_of_names(&mut tx, name).await?;
        tx.delete_group(found.id).await?;
        self.feed(&mut tx, by, "group_deleted", name, Value::Null).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::People, None);
        Ok(())
    }

    /// Puts somebody into a group, or takes them out of it. What an identity provider says of them stays as it is.
    ///
    /// # Errors
    /// `NotFound` when there is no such group or account, `Conflict` when an identity provider put them there.
    pub async fn set_member(&self, name: &str, user: &str, is_member: bool, by: &str) -> Result<(), EngineError> {
        let user = self.known_user(user).await?;
        let mut tx = self.store().begin().await?;
        let found = group(&mut tx, name).await?;
        let (changed, action) = if is_member {
            (tx.add_member(found.id, user.id, LOCAL).await?, "group_joined")
        } else {
            (tx.remove_member(found.id, user.id, LOCAL).await?, "group_left")
        };
        if changed {
            self.feed(&mut tx, by, action, name, json!({ "user": user.name })).await?;
        }
        tx.commit().await?;
        self.hub().tell_topic(Topic::People, None);
        if is_member || changed {
            return Ok(());
        }
        Err(EngineError::NotFound(format!("{} is not in {name} by an administrator's word", user.name)))
    }

    /// Grants something to somebody.
    ///
    /// # Errors
    /// `NotFound` when there is no such account or group, `Conflict` when they have a grant there.
    pub async fn add_grant(&self, grantee: &Grantee, grant: &Grant, by: &str) -> Result<i64, EngineError> {
        let mut tx = self.store().begin().await?;
        let (holder, name) = match grantee {
            Grantee::User(name) => (Holder::User(crate::accounts::account(&mut tx, name).await?.id), name),
            Grantee::Group(name) => (Holder::Group(group(&mut tx, name).await?.id), name),
        };
        let id = tx.create_grant(holder, grant, by, self.now()).await.map_err(|error| {
            if matches!(error, StoreError::Conflict(_)) {
                let scope = &grant.scope;
                return EngineError::Conflict(format!("{name} has a grant on {scope} already: remove that one first"));
            }
            error.into()
        })?;
        let detail = grant_detail(grantee, grant);
        self.feed(&mut tx, by, "grant_added", name, detail).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::People, None);
        Ok(id)
    }

    /// Takes a grant away.
    ///
    /// # Errors
    /// `NotFound` when there is none of this number.
    pub async fn delete_grant(&self, id: i64, by: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        let kept = tx.grant(id).await;
        let kept = kept.map_err(|error| when_missing(error, || format!("there is no grant {id}")))?;
        tx.delete_grant(id).await?;
        self.tell_removed(&mut tx, kept, by).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::People, None);
        Ok(())
    }

    /// Takes away what is granted at a place that is no more.
    pub(crate) async fn forget_grants(&self, tx: &mut Tx, scope: &Scope, by: &str) -> Result<(), EngineError> {
        for kept in tx.drop_grants(scope).await? {
            self.tell_removed(tx, kept, by).await?;
        }
        Ok(())
    }

    async fn tell_removed(&self, tx: &mut Tx, kept: KeptGrant, by: &str) -> Result<(), EngineError> {
        let KeptGrant { user, group, grant, .. } = kept;
        let grantee = match (user, group) {
            (Some(user), _) => Grantee::User(user),
            (None, group) => Grantee::Group(group.unwrap_or_default()),
        };
        let (Grantee::User(name) | Grantee::Group(name)) = &grantee;
        self.feed(tx, by, "grant_removed", name, grant_detail(&grantee, &grant)).await?;
        Ok(())
    }
}

async fn group(tx: &mut Tx, name: &str) -> Result<Group, EngineError> {
    tx.group(name).await.map_err(|error| when_missing(error, || format!("there is no group named {name}")))
}

/// Refuses while the configuration names the group: nobody could review any more, or whoever gets the name next could.
async fn free_of_names(tx: &mut Tx, name: &str) -> Result<(), EngineError> {
    let configuration = tx.read_configuration().await?;
    let is_named = |reviewer: &Reviewer| matches!(reviewer, Reviewer::Group(group) if group == name);
    let reviewed = configuration.environments.iter().find(|one| one.review.reviewers.iter().any(is_named));
    let mapped = configuration.identities.iter().find(|one| one.groups.values().any(|group| group == name));
    let place = match (reviewed, mapped) {
        (Some(environment), _) => format!("the reviewers of the environment {}", environment.key),
        (None, Some(identity)) => format!("the groups of the identity provider {}", identity.id),
        (None, None) => return Ok(()),
    };
    Err(EngineError::Conflict(format!("{name} is named by {place}: change that first")))
}

fn grant_detail(grantee: &Grantee, grant: &Grant) -> Value {
    let kind = match grantee {
        Grantee::User(_) => "user",
        Grantee::Group(_) => "group",
    };
    json!({ "to": kind, "role": grant.role, "scope": grant.scope })
}

fn check_group_name(name: &str) -> Result<(), EngineError> {
    let is_fine = !name.is_empty()
        && name.chars().count() <= 64
        && name.chars().all(|c| c.is_alphanumeric() || "-_. ".contains(c))
        && name.trim() == name;
    if is_fine {
        return Ok(());
    }
    Err(EngineError::Invalid("a group's name has 1 to 64 letters, digits, spaces, '-', '_' and '.'".into()))
}
