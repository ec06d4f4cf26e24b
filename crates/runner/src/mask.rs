//! The secrets of a job: those that it was given, and those that its steps tell with `::add-mask::`.

use davit_domain::redact::Redactor;
use std::borrow::Cow;

/// More masks than any job has; each one makes a new matcher of all of them.
const MOST_ADDED: usize = 1000;

/// Masks what the job was given and what its steps added.
#[derive(Debug)]
pub(crate) struct Masks {
    secrets: Vec<String>,
    added: usize,
    redactor: Redactor,
}

impl Masks {
    pub(crate) fn new(secrets: Vec<String>) -> Self {
        let redactor = Redactor::new(secrets.iter().cloned());
        Self { secrets, added: 0, redactor }
    }

    /// Masks `secret` from now on.
    ///
    /// # Errors
    ///
    /// A sentence for the log, when there are too many: then nothing more of the job may be shown.
    pub(crate) fn add(&mut self, secret: &str) -> Result<(), String> {
        if secret.trim().is_empty() || self.secrets.iter().any(|known| known == secret) {
            return Ok(());
        }
        if self.added >= MOST_ADDED {
            return Err(format!("the job has more than {MOST_ADDED} masks: what it says from here on is not shown"));
        }
        self.added += 1;
        self.secrets.push(secret.to_owned());
        self.redactor = Redactor::new(self.secrets.iter().cloned());
        Ok(())
    }

    pub(crate) fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        self.redactor.redact(text)
    }

    /// Whether a secret is in it, in any form.
    pub(crate) fn is_in(&self, text: &str) -> bool {
        self.redactor.redact(text) != text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn added_masks_hide_too() {
        let mut masks = Masks::new(vec!["hunter22".to_owned()]);
        assert_eq!(masks.redact("hunter22 and tok-1234"), "*** and tok-1234");
        masks.add("tok-1234").expect("room");
        assert_eq!(masks.redact("hunter22 and tok-1234"), "*** and ***");
        assert!(masks.is_in("dG9rLTEyMzQ="), "as base64 too");
        assert!(!masks.is_in("tok"));
        masks.add(" \n").expect("nothing");
        assert_eq!(masks.redact("a b"), "a b");
    }

    #[test]
    fn there_is_an_end_to_masks() {
        let mut masks = Masks::new(Vec::new());
        for number in 0..MOST_ADDED {
            masks.add("same-secret").expect("not counted twice");
            masks.added = number;
        }
        masks.added = MOST_ADDED;
        assert!(masks.add("another").is_err());
    }
}
