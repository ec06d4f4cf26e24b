//! Values of hooks and actions, by scope: saving, history, restoring, and what is effective where.
//!
//! Every save names the revision that the person saw; another one in between is told instead of overwritten. Secret
//! values are sealed in the transaction that saves their scope. Reading them, when a deployment runs, is
//! [`open`]'s business.

mod open;

pub(crate) use open::OpenValues;

use crate::{Engine, EngineError};
use davit_domain::config::Configuration;
use davit_domain::ids::{AppKey, EnvironmentKey};
use davit_domain::values::{
    Effective, MOST_VALUES, Pinned, Set, Value, ValueChange, ValueScope, Values, check_file, check_name, check_text,
    difference, effective, pin,
};
use davit_domain::variables;
use davit_store::Tx;
use davit_store::feed::FeedEntry;
use davit_store::values::ValueRevision;
use secrecy::{ExposeSecret, SecretString};
use std::collections::BTreeMap;

/// What a value is to be.
#[derive(Debug, Clone)]
pub enum NewValue {
    /// A text that may be read.
    Plain(String),
    /// A text that nobody reads again.
    Secret(SecretString),
    /// An environment variable of the server.
    Env(String),
    /// A file on the server.
    File(String),
}

/// A change of the values of one scope.
#[derive(Debug, Clone)]
pub struct ValueEdit {
    /// Of which scope.
    pub scope: ValueScope,
    /// The revision that the person saw; 0: none yet.
    pub base_revision: i64,
    /// What is set, by name.
    pub set: BTreeMap<String, NewValue>,
    /// What is taken away.
    pub remove: Vec<String>,
}

/// One save of a scope, and what it changed.
#[derive(Debug, Clone)]
pub struct ValueHistory {
    /// The save.
    pub revision: ValueRevision,
    /// Against the one before.
    pub changes: Vec<ValueChange>,
}

impl Engine {
    /// Changes the values of a scope. Nothing is saved when nothing changes.
    ///
    /// # Errors
    /// `Changed` when somebody else saved the scope in between, `Invalid` for names and values that can't be, `NotFound`
    /// when there is no such app or environment.
    pub async fn save_values(&self, edit: ValueEdit, by: &str) -> Result<(), EngineError> {
        check(&edit)?;
        let mut tx = self.store().begin().await?;
        known_scope(&tx.read_configuration().await?, &edit.scope)?;
        let before = tx.lock_values(&edit.scope).await?;
        if before.number != edit.base_revision {
            return Err(changed(&edit.scope, &before));
        }
        let number = before.number + 1;
        let mut after = before.values.clone();
        for name in &edit.remove {
            if after.remove(name).is_none() {
                return Err(EngineError::NotFound(format!("{} has no value {name}", edit.scope.in_words())));
            }
        }
        for (name, new) in edit.set {
            let value = self.value(&mut tx, &edit.scope, &name, new, number).await?;
            let same = after.get(&name).is_some_and(|known| known.value == value);
            if !same {
                after.insert(name, Set { value, by: by.to_owned(), at: self.now().millis() });
            }
        }
        self.store_values(&mut tx, &edit.scope, &before, after, by, "values_changed").await?;
        tx.commit().await?;
        Ok(())
    }

    /// Brings back what a scope had at a revision, as its next one. Secrets have no history: they stay as they are
    /// now. Returns the names of those that differ for this reason.
    ///
    /// # Errors
    /// `NotFound` when there is no such revision.
    pub async fn restore_values(
        &self,
        scope: &ValueScope,
        revision: i64,
        by: &str,
    ) -> Result<Vec<String>, EngineError> {
        let wanted = self.store().value_revision(scope, revision).await?.values;
        let mut tx = self.store().begin().await?;
        known_scope(&tx.read_configuration().await?, scope)?;
        let before = tx.lock_values(scope).await?;
        let is_secret = |set: &Set| matches!(set.value, Value::Secret { .. });
        let mut after: Values = before
            .values
            .iter()
            .filter(|(_, set)| is_secret(set))
            .map(|(name, set)| (name.clone(), set.clone()))
            .collect();
        for (name, set) in wanted.iter().filter(|(_, set)| !is_secret(set)) {
            let known = before.values.get(name).filter(|known| known.value == set.value);
            let restored = || Set { value: set.value.clone(), by: by.to_owned(), at: self.now().millis() };
            after.entry(name.clone()).or_insert_with(|| known.cloned().unwrap_or_else(restored));
        }
        let kept = difference(&wanted, &after).into_iter().map(|change| change.key).collect();
        self.store_values(&mut tx, scope, &before, after, by, "values_restored").await?;
        tx.commit().await?;
        Ok(kept)
    }

    /// The saves of a scope, newest first, each with what it changed.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn value_history(
        &self,
        scope: &ValueScope,
        before: Option<i64>,
        limit: i64,
    ) -> Result<Vec<ValueHistory>, EngineError> {
        let mut revisions = self.store().value_revisions(scope, before, limit + 1).await?.into_iter().peekable();
        let mut history = Vec::new();
        while let Some(revision) = revisions.next() {
            let nothing = Values::new();
            let earlier = revisions.peek().map_or(&nothing, |earlier| &earlier.values);
            let changes = difference(earlier, &revision.values);
            history.push(ValueHistory { revision, changes });
        }
        history.truncate(usize::try_from(limit).unwrap_or_default());
        Ok(history)
    }

    /// What holds for a scope: its own values, and those that it inherits.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn inherited_values(&self, scope: &ValueScope) -> Result<BTreeMap<String, Effective>, EngineError> {
        let mut scopes = Vec::new();
        for scope in scope.with_inherited() {
            let values = self.store().values(&scope).await?.values;
            scopes.push((scope, values));
        }
        Ok(effective(scopes))
    }

    /// What a request for an app in an environment pins at this moment.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn effective_values(
        &self,
        tx: &mut Tx,
        app: &AppKey,
        environment: &EnvironmentKey,
    ) -> Result<Pinned, EngineError> {
        let mut scopes = Vec::new();
        for scope in ValueScope::of_place(app, environment) {
            let values = tx.values(&scope).await?.values;
            scopes.push((scope, values));
        }
        Ok(pin(effective(scopes)))
    }

    /// Takes away everything that a scope has: its app or environment is gone, and whatever gets its key next must not
    /// find the secrets.
    ///
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn forget_values(&self, tx: &mut Tx, scope: &ValueScope, by: &str) -> Result<(), EngineError> {
        let before = tx.lock_values(scope).await?;
        self.store_values(tx, scope, &before, Values::new(), by, "values_changed").await
    }

    /// Seals what is secret.
    async fn value(
        &self,
        tx: &mut Tx,
        scope: &ValueScope,
        name: &str,
        new: NewValue,
        number: i64,
    ) -> Result<Value, EngineError> {
        Ok(match new {
            NewValue::Plain(text) => Value::Plain { text },
            NewValue::Env(name) => Value::Env { name },
            NewValue::File(path) => Value::File { path },
            NewValue::Secret(text) => {
                let key = scope.secret_key(name);
                let sealed = self.sealer().seal(&key, &text)?;
                tx.put_secret(&key, &sealed, self.now()).await?;
                Value::Secret { since: number }
            }
        })
    }

    /// Saves a revision with its line in the feed; secrets that are none any more are forgotten.
    async fn store_values(
        &self,
        tx: &mut Tx,
        scope: &ValueScope,
        before: &ValueRevision,
        after: Values,
        by: &str,
        action: &str,
    ) -> Result<(), EngineError> {
        let changes = difference(&before.values, &after);
        if changes.is_empty() {
            return Ok(());
        }
        if after.len() > MOST_VALUES {
            return Err(EngineError::Invalid(format!(
                "{} would have {} values: there can be {MOST_VALUES}",
                scope.in_words(),
                after.len()
            )));
        }
        for change in changes.iter().filter(|change| change.before_kind == Some("secret")) {
            if change.after_kind != Some("secret") {
                tx.delete_secret(&scope.secret_key(&change.key)).await?;
            }
        }
        let number = before.number + 1;
        tx.save_values(scope, number, &after, by, self.now()).await?;
        tx.feed(FeedEntry {
            at: self.now(),
            actor: by.to_owned(),
            action: action.to_owned(),
            subject: format!("values of {}", scope.in_words()),
            app: scope.app().cloned(),
            environment: scope.environment().cloned(),
            detail: serde_json::json!({ "revision": number, "changes": changes }),
        })
        .await?;
        Ok(())
    }
}

/// What a person is told whose base is an old one.
fn changed(scope: &ValueScope, now: &ValueRevision) -> EngineError {
    EngineError::Changed(match now.number {
        0 => format!("there are no values of {} yet: the base revision is 0", scope.in_words()),
        number => format!(
            "{} has saved the values of {} meanwhile (revision {number}): look at them, then change them again",
            now.saved_by,
            scope.in_words()
        ),
    })
}

fn check(edit: &ValueEdit) -> Result<(), EngineError> {
    let invalid = EngineError::Invalid;
    for (name, new) in &edit.set {
        check_name(name).map_err(invalid)?;
        if edit.remove.contains(name) {
            return Err(invalid(format!("{name} is set and removed in one call: do one of the two")));
        }
        match new {
            NewValue::Plain(text) => check_text(name, text).map_err(invalid)?,
            NewValue::Secret(text) if text.expose_secret().is_empty() => {
                return Err(invalid(format!("{name} is empty: a secret has at least one character")));
            }
            NewValue::Secret(text) => check_text(name, text.expose_secret()).map_err(invalid)?,
            NewValue::Env(variable) if !variables::is_name(variable) || variable.starts_with("DAVIT_") => {
                // The text is not repeated: it may be the secret itself, put in the wrong place.
                return Err(invalid(format!(
                    "{name} must name an environment variable of the server: letters, digits and '_', and none that \
                     starts with DAVIT_"
                )));
            }
            NewValue::Env(_) => {}
            NewValue::File(path) => check_file(path).map_err(|wrong| invalid(format!("{name}: {wrong}")))?,
        }
    }
    Ok(())
}

/// Values are for what there is: a wrong key would hide them from everybody.
fn known_scope(configuration: &Configuration, scope: &ValueScope) -> Result<(), EngineError> {
    if let Some(app) = scope.app()
        && !configuration.apps.iter().any(|known| known.key == *app)
    {
        return Err(EngineError::NotFound(format!("there is no app named {app}")));
    }
    if let Some(environment) = scope.environment()
        && !configuration.environments.iter().any(|known| known.key == *environment)
    {
        return Err(EngineError::NotFound(format!("there is no environment named {environment}")));
    }
    Ok(())
}
