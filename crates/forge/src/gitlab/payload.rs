//! The JSON of GitLab's webhooks: only the fields that are read. Sources:
//! <https://docs.gitlab.com/user/project/integrations/webhook_events/> and
//! <https://docs.gitlab.com/administration/system_hooks/>.

use serde::Deserialize;

/// What a payload says it is.
#[derive(Deserialize)]
pub(super) struct Kind {
    pub(super) object_kind: Option<String>,
    /// Some system hooks have only this.
    pub(super) event_name: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct PushEvent {
    #[serde(rename = "ref")]
    pub(super) git_ref: String,
    pub(super) before: String,
    pub(super) after: String,
    /// The commit that an annotated tag points to; `null` for a deletion.
    pub(super) checkout_sha: Option<String>,
    /// An annotated tag's.
    pub(super) message: Option<String>,
    pub(super) user_username: Option<String>,
    pub(super) user_name: Option<String>,
    pub(super) project: Project,
    /// The newest 20 at most.
    #[serde(default)]
    pub(super) commits: Vec<Commit>,
}

#[derive(Deserialize)]
pub(super) struct Project {
    pub(super) path_with_namespace: String,
}

#[derive(Deserialize)]
pub(super) struct Commit {
    pub(super) id: String,
    pub(super) message: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct User {
    pub(super) id: Option<i64>,
    pub(super) username: String,
}

#[derive(Deserialize)]
pub(super) struct MergeRequestEvent {
    /// Who did what is told.
    pub(super) user: Option<User>,
    pub(super) project: Project,
    pub(super) object_attributes: MergeRequest,
}

#[derive(Deserialize)]
pub(super) struct MergeRequest {
    pub(super) iid: i64,
    pub(super) title: String,
    /// Not sent when nobody did it, as for a merge status that changed.
    pub(super) action: Option<String>,
    /// The head before; sent when there are new commits.
    pub(super) oldrev: Option<String>,
    pub(super) author_id: Option<i64>,
    pub(super) source_branch: String,
    pub(super) target_branch: String,
    /// `null` when the fork is deleted.
    pub(super) source_project_id: Option<i64>,
    pub(super) target_project_id: i64,
    pub(super) last_commit: Commit,
    /// `null` until it is merged, and for a fast-forward, which makes no commit.
    pub(super) merge_commit_sha: Option<String>,
    pub(super) squash_commit_sha: Option<String>,
    pub(super) draft: Option<bool>,
    /// What `draft` was called before GitLab 14.
    pub(super) work_in_progress: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct PipelineEvent {
    pub(super) object_attributes: Pipeline,
    pub(super) project: Project,
}

#[derive(Deserialize)]
pub(super) struct Pipeline {
    pub(super) id: i64,
    pub(super) sha: String,
    pub(super) status: String,
    /// What started it: `push`, `merge_request_event`, `schedule`, ….
    pub(super) source: Option<String>,
    pub(super) url: Option<String>,
    pub(super) created_at: Option<String>,
    /// `null` while it runs.
    pub(super) finished_at: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct DeploymentEvent {
    pub(super) status: String,
    pub(super) deployment_id: i64,
    pub(super) environment: String,
    pub(super) project: Project,
    /// Since GitLab 16.
    #[serde(rename = "ref")]
    pub(super) git_ref: Option<String>,
    /// Ends with the full SHA, which is nowhere else.
    pub(super) commit_url: String,
    pub(super) commit_title: Option<String>,
    pub(super) user: Option<User>,
}

#[derive(Deserialize)]
pub(super) struct NoteEvent {
    pub(super) user: Option<User>,
    pub(super) project: Project,
    pub(super) object_attributes: Note,
    /// When it is on one.
    pub(super) merge_request: Option<NotedMergeRequest>,
}

#[derive(Deserialize)]
pub(super) struct Note {
    pub(super) note: String,
    /// `create` or `update`, since GitLab 16.11; before, no change of a note was told.
    pub(super) action: Option<String>,
    /// GitLab's own words about what somebody did.
    #[serde(default)]
    pub(super) system: bool,
}

#[derive(Deserialize)]
pub(super) struct NotedMergeRequest {
    pub(super) iid: i64,
}
