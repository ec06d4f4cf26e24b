//! Whose eyes a release request needs, and for how long what they saw counts.
//!
//! Where a request stands is in [`crate::request`]; here is the rule of an environment alone.

use crate::time::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// Who has to look at a release request before it may go out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Review {
    /// Approvals needed; 0: none.
    pub required: u32,
    /// Whether the author's own approval counts.
    pub self_approval: bool,
    /// Whose approvals count; empty: those of everybody whose role lets them review.
    #[serde(default)]
    pub reviewers: Vec<Reviewer>,
    /// For how long an approval counts, in seconds; `None`: for ever.
    #[serde(default)]
    pub expires: Option<u64>,
}

/// A person or a group that a review rule names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reviewer {
    /// An account, by its name.
    User(String),
    /// Everybody in a group, by its name.
    Group(String),
}

/// Somebody who reviews.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person<'a> {
    /// The account's name.
    pub name: &'a str,
    /// The names of the groups it is in.
    pub groups: &'a [String],
}

/// One approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub user: String,
    /// When.
    pub at: Timestamp,
}

impl Review {
    /// Whether this person's word counts, as far as the list of reviewers goes.
    #[must_use]
    pub fn names(&self, person: Person<'_>) -> bool {
        let is_meant = |reviewer: &Reviewer| match reviewer {
            Reviewer::User(name) => name == person.name,
            Reviewer::Group(name) => person.groups.contains(name),
        };
        self.reviewers.is_empty() || self.reviewers.iter().any(is_meant)
    }

    /// Until when an approval counts; `None`: for ever.
    #[must_use]
    pub fn until(&self, approval: &Approval) -> Option<Timestamp> {
        self.expires.map(|seconds| approval.at.plus(Duration::from_secs(seconds)))
    }

    /// Whether an approval still counts.
    #[must_use]
    pub fn counts(&self, approval: &Approval, now: Timestamp) -> bool {
        self.until(approval).is_none_or(|until| now < until)
    }

    /// Whether there are approvals enough.
    #[must_use]
    pub fn is_met_by(&self, approvals: &[Approval]) -> bool {
        approvals.len() >= usize::try_from(self.required).unwrap_or(usize::MAX)
    }

    /// When the first of these approvals stops to count; `None`: none ever does.
    #[must_use]
    pub fn first_expiry(&self, approvals: &[Approval]) -> Option<Timestamp> {
        approvals.iter().filter_map(|approval| self.until(approval)).min()
    }
}

const GROUP: &str = "group:";

impl fmt::Display for Reviewer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(name) => f.write_str(name),
            Self::Group(name) => write!(f, "{GROUP}{name}"),
        }
    }
}

impl FromStr for Reviewer {
    type Err = String;

    /// `ana`, or `group:leads`.
    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.strip_prefix(GROUP).unwrap_or(text);
        if name.trim().is_empty() || name.trim() != name || name.chars().any(char::is_control) {
            return Err(format!(
                "{text:?} names nobody: write an account like \"ana\" or a group like \"group:leads\""
            ));
        }
        Ok(if name.len() == text.len() { Self::User(name.to_owned()) } else { Self::Group(name.to_owned()) })
    }
}

impl Serialize for Reviewer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reviewer {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_names_people_and_groups() {
        let rule = |reviewers: &[&str]| Review {
            reviewers: reviewers.iter().map(|text| text.parse().expect("a reviewer")).collect(),
            ..Review::default()
        };
        let leads = ["leads".to_owned()];
        let person = |name, groups| Person { name, groups };
        for (reviewers, name, groups, counts) in [
            (&[][..], "ana", &[][..], true),
            (&["ana"], "ana", &[], true),
            (&["ana"], "ann", &[], false),
            (&["group:leads"], "ana", &leads, true),
            (&["group:leads"], "leads", &[], false),
            (&["leads"], "ana", &leads, false),
            (&["bob", "group:leads"], "ana", &leads, true),
        ] {
            assert_eq!(rule(reviewers).names(person(name, groups)), counts, "{reviewers:?} {name}");
        }
    }

    #[test]
    fn a_reviewer_is_its_text() {
        for text in ["ana", "group:leads", "group:release managers"] {
            let reviewer: Reviewer = text.parse().expect("a reviewer");
            assert_eq!(reviewer.to_string(), text);
            let json = serde_json::to_string(&reviewer).expect("JSON");
            assert_eq!(serde_json::from_str::<Reviewer>(&json).expect("the same"), reviewer);
        }
        for text in ["", "group:", " ana", "a\nb", "group: "] {
            assert!(text.parse::<Reviewer>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn an_approval_counts_until_its_time_is_over() {
        let approval = Approval { user: "ana".into(), at: Timestamp::from_millis(1_000) };
        let rule = Review { expires: Some(2), ..Review::default() };
        for (now, counts) in [(1_000, true), (2_999, true), (3_000, false)] {
            assert_eq!(rule.counts(&approval, Timestamp::from_millis(now)), counts, "{now}");
        }
        assert!(Review::default().counts(&approval, Timestamp::from_millis(i64::MAX)));
    }
}
