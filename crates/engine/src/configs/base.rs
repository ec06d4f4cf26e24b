//! What is put in the place of an item, and what its author had before them: of two who edit at once, none overwrites
//! the other unseen.

use crate::EngineError;
use davit_domain::config::Form;
use davit_domain::ids::EnvironmentKey;
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::fmt::Display;

/// Values of stored secrets, by the name that stands in `{ secret = "name" }`.
pub type NamedSecrets = BTreeMap<String, SecretString>;

/// What a person had before them who edits an item.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Base {
    /// They did not look: whatever there is is replaced.
    #[default]
    Any,
    /// There was no such item.
    Nothing,
    /// It said this.
    Form(Form),
}

/// What is to stand in the place of an item.
#[derive(Debug, Clone, Default)]
pub struct Put {
    /// Its keys, as in `davit.toml`.
    pub form: Form,
    /// Values of secrets that the form names, to be stored with it.
    pub secrets: NamedSecrets,
    /// What the person saw.
    pub base: Base,
    /// Whether to stop when everything is checked.
    pub dry_run: bool,
}

/// Where an item goes in its list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// Its place, from 0; `None`: where it is, or the end.
    pub place: Option<usize>,
    /// The keys of all items in the order that the person saw; `None`: they did not look.
    pub seen: Option<Vec<String>>,
}

impl Order {
    /// Whether the list is as they saw it: a place in another one is not the one that they meant.
    pub(super) fn check<'k>(&self, known: impl Iterator<Item = &'k EnvironmentKey>) -> Result<(), EngineError> {
        let known: Vec<&str> = known.map(EnvironmentKey::as_str).collect();
        match &self.seen {
            Some(seen) if *seen != known => Err(EngineError::Changed(format!(
                "somebody has changed the order of the environments meanwhile. It is now: {}. Look at it, then move again",
                known.join(", ")
            ))),
            Some(_) | None => Ok(()),
        }
    }
}

impl Base {
    /// Whether what is in force is what they saw. `what` and `name`: of the item, for people.
    pub(super) fn check(&self, what: &str, name: &impl Display, known: Option<Form>) -> Result<(), EngineError> {
        match (self, known) {
            (Self::Any, _) | (Self::Nothing, None) => Ok(()),
            (Self::Nothing, Some(_)) => {
                Err(EngineError::Conflict(format!("there is a {what} named {name} already: edit that one instead")))
            }
            (Self::Form(seen), Some(known)) if *seen == known => Ok(()),
            (Self::Form(_), Some(_)) => Err(EngineError::Changed(format!(
                "somebody has changed the {what} {name} meanwhile: look at it, then change it again"
            ))),
            (Self::Form(_), None) => Err(EngineError::Changed(format!(
                "there is no {what} named {name} any more: somebody has taken it away"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_was_seen_is_replaced() {
        let form = |port: u16| json!({ "port": port }).as_object().expect("a form").clone();
        let told = |base: Base, known: Option<Form>| match base.check("host", &"web-1", known) {
            Ok(()) => "fine",
            Err(EngineError::Conflict(_)) => "conflict",
            Err(EngineError::Changed(_)) => "changed",
            Err(other) => panic!("{other}"),
        };
        assert_eq!(told(Base::Any, Some(form(1))), "fine");
        assert_eq!(told(Base::Any, None), "fine");
        assert_eq!(told(Base::Nothing, None), "fine");
        assert_eq!(told(Base::Nothing, Some(form(1))), "conflict");
        assert_eq!(told(Base::Form(form(1)), Some(form(1))), "fine");
        assert_eq!(told(Base::Form(form(1)), Some(form(2))), "changed");
        assert_eq!(told(Base::Form(form(1)), None), "changed");
    }
}
