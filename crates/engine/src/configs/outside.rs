//! Forges and channels, one at a time: what davit speaks to.

use super::{Item, Put, Told, in_use, nothing};
use crate::hub::Topic;
use crate::{Engine, EngineError};
use davit_domain::config::{self, Channel, Configuration, Forge};
use davit_domain::ids::{ChannelId, ForgeId};

impl Engine {
    /// Makes a forge or replaces what is said of it, and stores the secrets that came along.
    ///
    /// # Errors
    /// `InvalidConfig` with every mistake and its field, `Changed` or `Conflict` where what was seen is not in force,
    /// `Invalid` when a secret is none or the form does not name it.
    pub async fn put_forge(&self, id: &ForgeId, put: &Put, by: &str) -> Result<Forge, EngineError> {
        let mut tx = self.store().begin().await?;
        let current = tx.configuration().await?;
        let known = current.forges.iter().find(|known| known.id == *id);
        put.base.check("forge", id, known.map(config::forge_form))?;
        let forge = config::read_forge(id, &put.form, &current).map_err(EngineError::InvalidConfig)?;
        let wanted = Configuration { forges: vec![forge.clone()], ..nothing() };
        let told = Told { action: "forge_saved", subject: id.to_string(), app: None, environment: None };
        self.put_secrets_of(&mut tx, &wanted, put, by).await?;
        let after = config::merge(&current, &wanted, false);
        self.store_edit(&mut tx, &current, &after, by, told).await?;
        if !put.dry_run {
            tx.commit().await?;
            self.hub().tell_topic(Topic::Config, None);
        }
        Ok(forge)
    }

    /// Takes a forge away that nothing refers to any more. What it was told stays there. Of its secrets those go that are
    /// named.
    ///
    /// # Errors
    /// `Conflict` with what refers to it or to a secret, `NotFound` when there is none.
    pub async fn delete_forge(&self, id: &ForgeId, secrets: &[String], by: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        let current = tx.configuration().await?;
        let after = Item::Forge(id).taken_from(&current);
        if after.forges.len() == current.forges.len() {
            return Err(EngineError::NotFound(format!("there is no forge named {id}")));
        }
        in_use(&after)?;
        self.forget_secrets(&mut tx, (&current, &after), secrets, by).await?;
        let told = Told { action: "forge_deleted", subject: id.to_string(), app: None, environment: None };
        self.store_edit(&mut tx, &current, &after, by, told).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::Config, None);
        Ok(())
    }

    /// A channel as it is declared.
    ///
    /// # Errors
    /// `NotFound` when there is none.
    pub async fn channel(&self, id: &ChannelId) -> Result<Channel, EngineError> {
        let configuration = self.store().configuration().await?;
        configuration.channel(id).cloned().ok_or_else(|| no_channel(id))
    }

    /// Makes a channel or replaces what is said of it, and stores the secrets that came along.
    ///
    /// # Errors
    /// As [`put_forge`](Self::put_forge).
    pub async fn put_channel(&self, id: &ChannelId, put: &Put, by: &str) -> Result<Channel, EngineError> {
        let mut tx = self.store().begin().await?;
        let current = tx.configuration().await?;
        put.base.check("channel", id, current.channel(id).map(config::channel_form))?;
        let channel = config::read_channel(id, &put.form, &current).map_err(EngineError::InvalidConfig)?;
        let wanted = Configuration { channels: vec![channel.clone()], ..nothing() };
        let told = Told { action: "channel_saved", subject: id.to_string(), app: None, environment: None };
        self.put_secrets_of(&mut tx, &wanted, put, by).await?;
        let after = config::merge(&current, &wanted, false);
        self.store_edit(&mut tx, &current, &after, by, told).await?;
        if !put.dry_run {
            tx.commit().await?;
            self.hub().tell_topic(Topic::Config, None);
        }
        Ok(channel)
    }

    /// Takes a channel away that no release config names any more. Of its secrets those go that are named.
    ///
    /// # Errors
    /// `Conflict` with what names it or a secret, `NotFound` when there is none.
    pub async fn delete_channel(&self, id: &ChannelId, secrets: &[String], by: &str) -> Result<(), EngineError> {
        let mut tx = self.store().begin().await?;
        let current = tx.configuration().await?;
        let after = Item::Channel(id).taken_from(&current);
        if after.channels.len() == current.channels.len() {
            return Err(no_channel(id));
        }
        in_use(&after)?;
        self.forget_secrets(&mut tx, (&current, &after), secrets, by).await?;
        let told = Told { action: "channel_deleted", subject: id.to_string(), app: None, environment: None };
        self.store_edit(&mut tx, &current, &after, by, told).await?;
        tx.commit().await?;
        self.hub().tell_topic(Topic::Config, None);
        Ok(())
    }
}

fn no_channel(id: &ChannelId) -> EngineError {
    EngineError::NotFound(format!("there is no channel named {id}"))
}
