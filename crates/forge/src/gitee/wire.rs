//! The JSON of Gitee's REST API: only the fields that are read. Sources: <https://gitee.com/api/v5/swagger>,
//! <https://help.gitee.com/base/pullrequest/ci-check>.

use serde::{Deserialize, Serialize};

#[derive(Serialize)]
pub(super) struct CheckRunBody<'a> {
    pub(super) name: &'a str,
    /// When the check run is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) head_sha: Option<&'a str>,
    pub(super) status: &'a str,
    /// When it is completed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) conclusion: Option<&'a str>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) details_url: &'a str,
    pub(super) output: Output<'a>,
}

#[derive(Serialize)]
pub(super) struct Output<'a> {
    pub(super) title: &'a str,
    pub(super) summary: &'a str,
}

#[derive(Deserialize)]
pub(super) struct CheckRun {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) status: String,
}

/// A bare list, or GitHub's form of it.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum CheckRuns {
    List(Vec<CheckRun>),
    Counted { check_runs: Vec<CheckRun> },
}

#[derive(Serialize)]
pub(super) struct CommentBody<'a> {
    pub(super) body: &'a str,
}

#[derive(Deserialize)]
pub(super) struct Comment {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) body: String,
}

#[derive(Deserialize)]
pub(super) struct PullRequest {
    pub(super) number: i64,
    pub(super) title: String,
    pub(super) user: Option<User>,
    #[serde(default)]
    pub(super) draft: bool,
    pub(super) head: Branch,
    pub(super) base: Branch,
    /// `open`, `merged` or `closed`.
    #[serde(default)]
    pub(super) state: String,
    #[serde(default)]
    pub(super) html_url: String,
    pub(super) labels: Option<Vec<Label>>,
    pub(super) mergeable: Option<bool>,
    /// Who is to review it.
    pub(super) assignees: Option<Vec<Assignee>>,
    /// While it is open: some commit, not that of the merge.
    pub(super) merge_commit_sha: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Label {
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct Assignee {
    pub(super) login: String,
    /// Whether they approve.
    #[serde(default)]
    pub(super) accept: bool,
}

#[derive(Serialize)]
pub(super) struct NewMerge<'a> {
    pub(super) merge_method: &'a str,
    pub(super) prune_source_branch: bool,
}

#[derive(Deserialize)]
pub(super) struct Commit {
    #[serde(default)]
    pub(super) parents: Vec<Parent>,
}

#[derive(Deserialize)]
pub(super) struct Parent {
    pub(super) sha: String,
}

#[derive(Deserialize)]
pub(super) struct Collaborator {
    /// `admin`, `write` (also written `push`), `read` (`pull`) or `none`.
    #[serde(default)]
    pub(super) permission: String,
}

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) login: String,
}

#[derive(Deserialize)]
pub(super) struct Branch {
    #[serde(rename = "ref")]
    pub(super) git_ref: String,
    pub(super) sha: String,
    /// `null` when the fork is gone.
    pub(super) repo: Option<Place>,
}

#[derive(Deserialize)]
pub(super) struct Place {
    pub(super) full_name: String,
}

#[derive(Deserialize)]
pub(super) struct Hook {
    pub(super) id: i64,
    pub(super) url: String,
    /// What became of its last delivery; 0 or `null` before the first.
    pub(super) result_code: Option<i64>,
    pub(super) result: Option<String>,
    #[serde(default)]
    pub(super) push_events: bool,
    #[serde(default)]
    pub(super) tag_push_events: bool,
    #[serde(default)]
    pub(super) merge_requests_events: bool,
    #[serde(default)]
    pub(super) note_events: bool,
}

#[derive(Serialize)]
pub(super) struct NewHook<'a> {
    pub(super) url: &'a str,
    /// 0: `password` comes along as it is; 1: a timestamp is signed with it.
    pub(super) encryption_type: u8,
    pub(super) password: &'a str,
    pub(super) push_events: bool,
    pub(super) tag_push_events: bool,
    pub(super) merge_requests_events: bool,
    pub(super) issues_events: bool,
    pub(super) note_events: bool,
}

#[derive(Serialize)]
pub(super) struct NewDeployKey<'a> {
    pub(super) title: &'a str,
    pub(super) key: &'a str,
}

#[derive(Deserialize)]
pub(super) struct DeployKey {
    pub(super) key: String,
}

#[derive(Deserialize)]
pub(super) struct Repository {
    pub(super) full_name: String,
    /// `null` for a repository without a commit.
    pub(super) default_branch: Option<String>,
    pub(super) permission: Option<Role>,
}

/// What our account may do, whatever its token may.
#[derive(Deserialize, Clone, Copy)]
pub(super) struct Role {
    #[serde(default)]
    pub(super) admin: bool,
}
