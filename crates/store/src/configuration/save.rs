//! Writes the difference between two configurations. What the difference means was decided before.

use crate::{StoreError, Tx, on_tx, repository_key, to_json};
use davit_domain::config::{App, Configuration, ReleaseConfig, RepositorySettings};
use davit_domain::ids::{AppKey, EnvironmentKey};
use davit_domain::time::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;

/// The texts for one table of declared things.
struct Table {
    name: &'static str,
    put: &'static str,
    delete: &'static str,
}

const FORGES: Table = Table {
    name: "forges",
    put: "INSERT INTO forges (id, position, body) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO UPDATE SET position = excluded.position, body = excluded.body",
    delete: "DELETE FROM forges WHERE id = $1",
};
const ENVIRONMENTS: Table = Table {
    name: "environments",
    put: "INSERT INTO environments (key, position, body) VALUES ($1, $2, $3)
        ON CONFLICT (key) DO UPDATE SET position = excluded.position, body = excluded.body",
    delete: "DELETE FROM environments WHERE key = $1",
};
const HOSTS: Table = Table {
    name: "hosts",
    put: "INSERT INTO hosts (name, position, body) VALUES ($1, $2, $3)
        ON CONFLICT (name) DO UPDATE SET position = excluded.position, body = excluded.body",
    delete: "DELETE FROM hosts WHERE name = $1",
};
const APPS: Table = Table {
    name: "apps",
    put: "INSERT INTO apps (key, position, body) VALUES ($1, $2, $3)
        ON CONFLICT (key) DO UPDATE SET position = excluded.position, body = excluded.body",
    delete: "DELETE FROM apps WHERE key = $1",
};
const REPOSITORIES: Table = Table {
    name: "repositories",
    put: "INSERT INTO repositories (key, position, body) VALUES ($1, $2, $3)
        ON CONFLICT (key) DO UPDATE SET position = excluded.position, body = excluded.body",
    delete: "DELETE FROM repositories WHERE key = $1",
};
const CHANNELS: Table = Table {
    name: "channels",
    put: "INSERT INTO channels (id, position, body) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO UPDATE SET position = excluded.position, body = excluded.body",
    delete: "DELETE FROM channels WHERE id = $1",
};
const IDENTITIES: Table = Table {
    name: "identity_providers",
    put: "INSERT INTO identity_providers (id, position, body) VALUES ($1, $2, $3)
        ON CONFLICT (id) DO UPDATE SET position = excluded.position, body = excluded.body",
    delete: "DELETE FROM identity_providers WHERE id = $1",
};

impl Tx {
    /// Writes what differs between `before` (as [`Tx::configuration`] returned it) and `after`. A new or changed
    /// release config becomes the next revision of its app and environment, saved by `by`; the revision before it
    /// stays as history. One that only moved keeps its revision.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn save_configuration(
        &mut self,
        before: &Configuration,
        after: &Configuration,
        by: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.lock_configuration().await?;
        self.save_table(&FORGES, &before.forges, &after.forges, |forge| forge.id.to_string()).await?;
        self.save_table(&ENVIRONMENTS, &before.environments, &after.environments, |env| env.key.to_string()).await?;
        self.save_table(&HOSTS, &before.hosts, &after.hosts, |host| host.name.to_string()).await?;
        let (apps_before, apps_after) = (without_releases(before), without_releases(after));
        self.save_table(&APPS, &apps_before, &apps_after, |app| app.key.to_string()).await?;
        self.save_table(&REPOSITORIES, &before.repositories, &after.repositories, repository_place).await?;
        self.save_table(&CHANNELS, &before.channels, &after.channels, |channel| channel.id.to_string()).await?;
        self.save_table(&IDENTITIES, &before.identities, &after.identities, |one| one.id.to_string()).await?;
        self.save_releases(before, after, by, now).await
    }

    async fn save_table<T: Serialize + PartialEq>(
        &mut self,
        table: &Table,
        before: &[T],
        after: &[T],
        key: impl Fn(&T) -> String,
    ) -> Result<(), StoreError> {
        let mut old: BTreeMap<String, (usize, &T)> = before.iter().enumerate().map(|at| (key(at.1), at)).collect();
        for (position, thing) in after.iter().enumerate() {
            let key = key(thing);
            if old.remove(&key) == Some((position, thing)) {
                continue;
            }
            let body = to_json(table.name, thing)?;
            on_tx!(self, c => sqlx::query(table.put)
                .bind(key.as_str()).bind(as_position(position)).bind(body.as_str())
                .execute(&mut **c).await.map(drop))?;
        }
        for gone in old.into_keys() {
            on_tx!(self, c => sqlx::query(table.delete).bind(gone.as_str()).execute(&mut **c).await.map(drop))?;
        }
        Ok(())
    }

    async fn save_releases(
        &mut self,
        before: &Configuration,
        after: &Configuration,
        by: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut old = releases(before);
        for (place, (position, config)) in releases(after) {
            match old.remove(&place) {
                Some((was_at, same)) if same == config => {
                    if was_at != position {
                        self.move_release(place, position).await?;
                    }
                }
                Some(_) => {
                    self.retire_release(place).await?;
                    self.add_revision(place, position, config, by, now).await?;
                }
                None => self.add_revision(place, position, config, by, now).await?,
            }
        }
        for gone in old.into_keys() {
            self.retire_release(gone).await?;
        }
        Ok(())
    }

    async fn add_revision(
        &mut self,
        (app, environment): Place<'_>,
        position: usize,
        config: &ReleaseConfig,
        by: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO config_revisions
                 (app, environment, number, position, body, saved_by, saved_at, in_force)
             SELECT $1, $2, COALESCE(MAX(number), 0) + 1, $3, $4, $5, $6, TRUE
             FROM config_revisions WHERE app = $1 AND environment = $2";
        let body = to_json("config_revisions", config)?;
        on_tx!(self, c => sqlx::query(sql)
            .bind(app.as_str())
            .bind(environment.as_str())
            .bind(as_position(position))
            .bind(body.as_str())
            .bind(by)
            .bind(now.millis())
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    async fn move_release(&mut self, (app, environment): Place<'_>, position: usize) -> Result<(), StoreError> {
        let sql = "UPDATE config_revisions SET position = $3 WHERE app = $1 AND environment = $2 AND in_force";
        on_tx!(self, c => sqlx::query(sql)
            .bind(app.as_str()).bind(environment.as_str()).bind(as_position(position))
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }

    async fn retire_release(&mut self, (app, environment): Place<'_>) -> Result<(), StoreError> {
        let sql = "UPDATE config_revisions SET in_force = FALSE WHERE app = $1 AND environment = $2 AND in_force";
        on_tx!(self, c => sqlx::query(sql)
            .bind(app.as_str()).bind(environment.as_str())
            .execute(&mut **c).await.map(drop))?;
        Ok(())
    }
}

type Place<'c> = (&'c AppKey, &'c EnvironmentKey);

/// Every release config with its place among its app's.
fn releases(whole: &Configuration) -> BTreeMap<Place<'_>, (usize, &ReleaseConfig)> {
    whole
        .apps
        .iter()
        .flat_map(|app| {
            app.releases.iter().enumerate().map(|(at, config)| ((&app.key, &config.environment), (at, config)))
        })
        .collect()
}

/// The apps alone: their release configs are rows of their own.
fn without_releases(whole: &Configuration) -> Vec<App> {
    let alone = |app: &App| App { releases: Vec::new(), ..app.clone() };
    whole.apps.iter().map(alone).collect()
}

fn as_position(position: usize) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}

fn repository_place(settings: &RepositorySettings) -> String {
    format!("{}/{}", settings.forge, repository_key(&settings.name))
}
