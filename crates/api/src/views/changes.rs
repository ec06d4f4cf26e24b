//! Changes, and what their merges depend on.

use crate::words;
use davit_domain::ci::CI_CONTEXT;
use davit_domain::config::{Configuration, MergeBy, MergePolicy};
use davit_domain::merge::{ChangeState, Hold};
use davit_store::changes::Change;
use davit_store::checks::Check;
use davit_store::merge_queue::QueueEntry;
use serde::Serialize;
use utoipa::ToSchema;

/// A pull or merge request.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ChangeView {
    /// davit's number.
    pub(crate) id: i64,
    forge: String,
    repository: String,
    /// The forge's number.
    number: i64,
    title: String,
    author: String,
    url: String,
    head_sha: String,
    head_branch: String,
    base_branch: String,
    from_fork: bool,
    draft: bool,
    #[schema(value_type = words::ChangeState)]
    state: &'static str,
    labels: Vec<String>,
    approvals: u32,
    /// Who wants davit to merge it.
    asked: Option<AskedView>,
    /// What keeps davit from merging it, in the order in which people take care of it.
    holds: Vec<HoldView>,
    /// Whether nothing does.
    ready: bool,
    updated_at: String,
}

/// A wish to have a change merged.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct AskedView {
    #[schema(value_type = words::MergeWay)]
    how: &'static str,
    by: String,
    at: Option<String>,
}

/// One thing that keeps a change from being merged.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct HoldView {
    /// The code, and what the sentence is made of.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    hold: Hold,
    sentence: String,
}

impl From<&Hold> for HoldView {
    fn from(hold: &Hold) -> Self {
        Self { hold: hold.clone(), sentence: hold.sentence() }
    }
}

impl ChangeView {
    /// Repositories are called as they are declared, where they still are.
    pub(crate) fn new(change: &Change, configuration: &Configuration) -> Self {
        let row = &change.row;
        let declared = configuration.repository(&row.forge, &row.repository);
        let asked = change.asked.as_ref().map(|ask| AskedView {
            how: ask.how.as_str(),
            by: ask.by.clone(),
            at: change.asked_at.map(|at| at.to_string()),
        });
        let is_open = row.state == ChangeState::Open;
        let holds = change.holds.as_deref().unwrap_or_default();
        Self {
            id: change.id.0,
            forge: row.forge.to_string(),
            repository: declared.map_or_else(|| row.repository.clone(), |declared| declared.name.clone()),
            number: row.number,
            title: row.title.clone(),
            author: row.author.clone(),
            url: row.url.clone(),
            head_sha: row.head.to_string(),
            head_branch: row.head_branch.clone(),
            base_branch: row.base_branch.clone(),
            from_fork: row.from_fork,
            draft: row.draft,
            state: row.state.as_str(),
            labels: row.labels.clone(),
            approvals: row.approvals,
            asked,
            holds: holds.iter().filter(|_| is_open).map(HoldView::from).collect(),
            // One that was never judged is not ready, whatever else is known.
            ready: is_open && change.holds.as_ref().is_some_and(Vec::is_empty),
            updated_at: change.updated_at.to_string(),
        }
    }
}

/// A check of a commit.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct ChangeCheckView {
    name: String,
    #[schema(value_type = words::CommitState)]
    state: &'static str,
    description: Option<String>,
    target_url: Option<String>,
    at: String,
    /// Whether it is about a run of davit.
    is_davit: bool,
}

impl From<Check> for ChangeCheckView {
    fn from(check: Check) -> Self {
        let said = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            is_davit: check.name.starts_with(CI_CONTEXT),
            name: check.name,
            state: check.state.as_str(),
            description: said(check.description),
            target_url: said(check.target_url),
            at: check.at.to_string(),
        }
    }
}

/// A change in a merge queue.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct QueueView {
    /// From 1.
    position: usize,
    change_id: i64,
    number: i64,
    title: String,
    /// waiting, testing, merged, failed, withdrawn.
    state: &'static str,
    reason: Option<String>,
}

impl QueueView {
    /// One of a queue.
    pub(crate) fn new(position: usize, entry: &QueueEntry, change: &Change) -> Self {
        Self {
            position,
            change_id: change.id.0,
            number: change.row.number,
            title: change.row.title.clone(),
            state: entry.state.as_str(),
            reason: entry.reason.clone(),
        }
    }
}

/// When davit merges in a repository.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct PolicyView {
    /// Globs of contexts; empty: every known check.
    required: Vec<String>,
    approvals: u32,
    /// The label that asks for it, where one does.
    label: Option<String>,
    #[schema(value_type = Vec<words::MergeWay>)]
    by: Vec<&'static str>,
    #[schema(value_type = words::MergeMethod)]
    method: &'static str,
    queue: bool,
}

impl From<&MergePolicy> for PolicyView {
    fn from(policy: &MergePolicy) -> Self {
        Self {
            required: policy.required.clone(),
            approvals: policy.approvals,
            label: policy.by.contains(&MergeBy::Label).then(|| policy.label.clone()),
            by: policy.by.iter().map(|way| way.as_str()).collect(),
            method: policy.method.as_str(),
            queue: policy.queue,
        }
    }
}
