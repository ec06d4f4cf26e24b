//! What happened, and whether a workflow runs on it.

use crate::model::{InputKind, Triggers};
use crate::place::listed;
use crate::value::Value;

/// What can happen to a change.
pub(crate) const PULL_REQUEST_TYPES: [&str; 21] = [
    "assigned",
    "unassigned",
    "labeled",
    "unlabeled",
    "opened",
    "edited",
    "closed",
    "reopened",
    "synchronize",
    "converted_to_draft",
    "locked",
    "unlocked",
    "enqueued",
    "dequeued",
    "milestoned",
    "demilestoned",
    "ready_for_review",
    "review_requested",
    "review_request_removed",
    "auto_merge_enabled",
    "auto_merge_disabled",
];

/// Words in a commit's message that keep its workflows from running.
const SKIP_WORDS: [&str; 2] = ["[skip ci]", "[ci skip]"];

/// What was pushed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// A branch, without `refs/heads/`.
    Branch(String),
    /// A tag, without `refs/tags/`.
    Tag(String),
}

/// Something that workflows run on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A branch or tag points to another commit, and still exists.
    Push {
        /// Which.
        reference: Reference,
        /// The paths that changed; [`None`] where that is not known, which filters take for "any".
        changed: Option<Vec<String>>,
        /// The message of the commit that it points to now.
        message: String,
    },
    /// Something happened to a change.
    PullRequest {
        /// What, by GitHub's word: `opened`, `synchronize`.
        action: String,
        /// The branch that it is to be merged into.
        base: String,
        /// The paths that it changes; [`None`] where that is not known, which filters take for "any".
        changed: Option<Vec<String>>,
        /// The message of its newest commit.
        message: String,
    },
    /// The merge queue tests a change together with its base.
    MergeGroup {
        /// The branch that it is to be merged into.
        base: String,
    },
    /// A person starts it.
    Dispatch {
        /// What was entered, by name.
        inputs: Vec<(String, String)>,
    },
    /// A schedule is due.
    Schedule {
        /// Which, as it is written in the file.
        cron: String,
    },
}

/// Whether a workflow runs on an event, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// It does.
    Runs,
    /// Its `on` does not name the event.
    OtherEvent,
    /// Its filters leave out the branch, the tag, the paths or the type.
    Filtered,
    /// The commit's message says so.
    SkipWords,
}

/// Why what was entered can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the input `{input}` {reason}")]
pub struct InputError {
    /// Which input.
    pub input: String,
    /// What is wrong, as the end of a sentence.
    pub reason: String,
}

impl Event {
    /// The event's name, as `github.event_name` has it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Push { .. } => "push",
            Self::PullRequest { .. } => "pull_request",
            Self::MergeGroup { .. } => "merge_group",
            Self::Dispatch { .. } => "workflow_dispatch",
            Self::Schedule { .. } => "schedule",
        }
    }
}

impl Triggers {
    /// Whether a workflow with this `on` runs on `event`.
    pub fn select(&self, event: &Event) -> Selection {
        match event {
            Event::Push { reference, changed, message } => {
                let Some(push) = &self.push else { return Selection::OtherEvent };
                let (named, passes) = match reference {
                    Reference::Branch(branch) => {
                        let passes = push.branches.as_ref().map(|filter| filter.passes(branch));
                        (passes.unwrap_or(push.tags.is_none()), passes_paths(push.paths.as_ref(), changed.as_deref()))
                    }
                    // Nobody knows what a tag changes: `paths` say nothing about it.
                    Reference::Tag(tag) => {
                        let passes = push.tags.as_ref().map(|filter| filter.passes(tag));
                        (passes.unwrap_or(push.branches.is_none()), true)
                    }
                };
                decide(named && passes, message)
            }
            Event::PullRequest { action, base, changed, message } => {
                let Some(change) = &self.pull_request else { return Selection::OtherEvent };
                let named = change.types.contains(action);
                let branch = change.branches.as_ref().is_none_or(|filter| filter.passes(base));
                decide(named && branch && passes_paths(change.paths.as_ref(), changed.as_deref()), message)
            }
            // A queue waits for an answer: words in a message don't keep it from getting one.
            Event::MergeGroup { base } => {
                let Some(group) = &self.merge_group else { return Selection::OtherEvent };
                decide(group.branches.as_ref().is_none_or(|filter| filter.passes(base)), "")
            }
            Event::Dispatch { .. } => {
                if self.workflow_dispatch.is_some() {
                    Selection::Runs
                } else {
                    Selection::OtherEvent
                }
            }
            Event::Schedule { cron } => {
                if self.schedule.iter().any(|own| own.as_str() == cron) {
                    Selection::Runs
                } else {
                    Selection::OtherEvent
                }
            }
        }
    }

    /// The context `inputs` of a run that `event` starts: every input of the file by its kind, with its default where
    /// nothing was entered.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with what was entered.
    pub fn inputs(&self, event: &Event) -> Result<Value, Vec<InputError>> {
        let (Event::Dispatch { inputs: entered }, Some(dispatch)) = (event, &self.workflow_dispatch) else {
            return Ok(Value::Object(Vec::new()));
        };
        let (mut values, mut errors) = (Vec::new(), Vec::new());
        let mut refuse = |input: &str, reason: String| errors.push(InputError { input: input.to_owned(), reason });
        for (name, input) in dispatch.inputs.iter() {
            let text = entered.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, text)| text.as_str());
            match (text.filter(|text| !text.is_empty()), &input.default) {
                (Some(text), _) => match input.kind.accept(text) {
                    Ok(value) => values.push((name.to_owned(), value)),
                    Err(reason) => refuse(name, reason),
                },
                (None, Some(default)) => values.push((name.to_owned(), default.clone())),
                (None, None) if input.required => refuse(name, "is required, and nothing was entered".to_owned()),
                (None, None) => values.push((name.to_owned(), input.kind.nothing())),
            }
        }
        for (name, _) in
            entered.iter().filter(|(name, _)| !dispatch.inputs.iter().any(|(own, _)| own.eq_ignore_ascii_case(name)))
        {
            let known = listed(dispatch.inputs.iter().map(|(name, _)| name));
            refuse(name, format!("is none of the workflow; it has {known}"));
        }
        if errors.is_empty() { Ok(Value::Object(values)) } else { Err(errors) }
    }
}

impl InputKind {
    /// The value of what was entered; otherwise the end of a sentence that says what is wrong.
    pub(crate) fn accept(&self, text: &str) -> Result<Value, String> {
        match self {
            Self::String | Self::Environment => Ok(Value::from(text)),
            Self::Boolean => match text {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err("must be `true` or `false`".to_owned()),
            },
            Self::Number => {
                let number = Value::from(text).to_number();
                if number.is_finite() && !text.trim().is_empty() {
                    Ok(Value::Number(number))
                } else {
                    Err("must be a number".to_owned())
                }
            }
            Self::Choice(options) if options.iter().any(|option| option == text) => Ok(Value::from(text)),
            Self::Choice(options) => Err(format!("must be one of {}", listed(options.iter().map(String::as_str)))),
        }
    }

    /// What an input is that nobody entered and that has no default.
    fn nothing(&self) -> Value {
        match self {
            Self::Boolean => Value::Bool(false),
            Self::Number => Value::Number(0.0),
            Self::String | Self::Environment | Self::Choice(_) => Value::from(""),
        }
    }
}

/// Whether a commit's message keeps its workflows from running.
pub fn has_skip_words(message: &str) -> bool {
    SKIP_WORDS.iter().any(|words| message.contains(words))
}

fn decide(passes: bool, message: &str) -> Selection {
    match (passes, has_skip_words(message)) {
        (false, _) => Selection::Filtered,
        (true, true) => Selection::SkipWords,
        (true, false) => Selection::Runs,
    }
}

fn passes_paths(filter: Option<&crate::filter::Filter>, changed: Option<&[String]>) -> bool {
    match (filter, changed) {
        (Some(filter), Some(paths)) => filter.passes_any(paths.iter().map(String::as_str)),
        (None, _) | (_, None) => true,
    }
}
