//! What a request asks for becomes something else, and what was approved of it is void.
//!
//! The remote is asked before the transaction: what is written is held against the version that was read before it, so
//! that of an edit and an approval at the same time, the approval is void or the edit is refused.

use super::reviews::check_version;
use super::{LONGEST_DESCRIPTION, What, check_branch, hosts_of, ref_name, release_config};
use crate::{Engine, EngineError};
use davit_domain::ids::{HostName, RequestId};
use davit_domain::request::Kind;
use davit_domain::time::Timestamp;
use davit_store::Tx;
use davit_store::requests::{Edit, Request};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// What is to become of a request. `None`: stays as it is.
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// The version that was seen; `None`: whatever it is now.
    pub version: Option<i64>,
    /// What people read in lists.
    pub title: Option<String>,
    /// What more there is to know.
    pub description: Option<String>,
    /// What is released.
    pub what: Option<What>,
    /// Only these hosts; the inner `None`: all.
    pub hosts: Option<Option<Vec<HostName>>>,
    /// What is filled in, all of it.
    pub inputs: Option<BTreeMap<String, String>>,
    /// Whether the release config and the values are pinned as they are now.
    pub latest_config: bool,
    /// When it goes out by itself; the inner `None`: when somebody lets it. This alone makes no new version, and is not
    /// its author's: whoever calls has looked that `user` may release it.
    pub scheduled_at: Option<Option<Timestamp>>,
}

impl Changes {
    /// Whether it would be another version: all but its time.
    fn content(&self) -> bool {
        let Self { version: _, title, description, what, hosts, inputs, latest_config, scheduled_at: _ } = self;
        *latest_config
            || title.is_some()
            || description.is_some()
            || what.is_some()
            || hosts.is_some()
            || inputs.is_some()
    }
}

impl Engine {
    /// Changes what a request asks for, and when it goes out, both or neither. When nothing is another, nothing happens.
    ///
    /// # Errors
    /// `Changed` when somebody was faster, `Denied` when somebody else made it, `Invalid` for a time that is over,
    /// `Conflict` when it has gone out or ended; else as for a new request.
    pub async fn edit_request(
        &self,
        id: RequestId,
        changes: Changes,
        user: &str,
        may_for_others: bool,
    ) -> Result<Request, EngineError> {
        let no_request = || EngineError::NotFound(format!("there is no request {id}"));
        let before = self.store().request(id).await?.ok_or_else(no_request)?;
        // Before the remote is asked, which may take seconds.
        check_version(&before, changes.version)?;
        let (seen, scheduled_at) = (changes.version, changes.scheduled_at);
        let schedule = scheduled_at.map(|at| at.map(|at| self.schedule(at, user)).transpose()).transpose()?;
        let after = if changes.content() {
            before.state.clone().edit(&before.review)?;
            Some(self.edited(&before, changes).await?)
        } else {
            None
        };

        let mut tx = self.store().begin().await?;
        let mut request = tx.request(id).await?;
        if let Some(after) = after {
            check_version(&request, Some(before.version))?;
            self.check_author(&mut tx, &request, user, may_for_others, "edit").await?;
            request = self.edit_in(&mut tx, request, after, user).await?;
        } else {
            check_version(&request, seen)?;
        }
        if let Some(schedule) = schedule {
            request = self.schedule_in(&mut tx, request, schedule, user).await?;
        }
        tx.commit().await?;
        self.told(&request);
        Ok(request)
    }

    async fn edit_in(&self, tx: &mut Tx, request: Request, after: Edit, user: &str) -> Result<Request, EngineError> {
        let id = request.id;
        let state = request.state.clone().edit(&after.review)?;
        let (was, is) = differences(&request, &after);
        if was.is_empty() {
            return Ok(request);
        }
        let mut editors = request.editors.clone();
        if request.created_by != user && !editors.iter().any(|editor| editor == user) {
            editors.push(user.to_owned());
        }
        tx.edit_request(id, &Edit { state, editors, ..after }, self.now()).await?;
        tx.void_approvals(id, None, self.now()).await?;
        // Whoever scheduled it meant what it was.
        let ends = request.schedule.as_ref().filter(|schedule| schedule.by != user);
        if ends.is_some() {
            tx.schedule_request(id, None, self.now()).await?;
        }
        let unscheduled = ends.map(|schedule| schedule.at);
        let detail =
            json!({ "version": request.version + 1, "before": was, "after": is, "schedule_ended": unscheduled });
        self.feed(tx, user, "request_edited", &format!("request {id}"), detail).await?;
        Ok(tx.request(id).await?)
    }

    /// What the changes make of a request, with everything that a new one would have to hold.
    async fn edited(&self, before: &Request, changes: Changes) -> Result<Edit, EngineError> {
        let configuration = self.store().configuration().await?;
        let (app, in_force) = release_config(&configuration, &before.app, &before.environment)?;
        let (revision, config) = if changes.latest_config {
            let found = self.store().release_config(&before.app, &before.environment).await?;
            found.map_or_else(|| (before.revision, in_force.clone()), |(revision, config)| (revision.id, config))
        } else {
            let (revision, config) = self.store().revision(before.revision).await?;
            (revision.id, config)
        };
        let place = configuration.environments.iter().find(|known| known.key == before.environment);
        let branches = place.and_then(|place| place.branches.as_deref());
        let hosts = changes.hosts.unwrap_or_else(|| before.hosts.clone());
        hosts_of(&configuration, app, &config, hosts.as_deref())?;
        let is_rollback = before.kind == Kind::Rollback;
        if is_rollback && (changes.what.is_some() || changes.inputs.is_some()) {
            return Err(EngineError::Invalid(
                "a rollback goes back to a kept release as that was: withdraw it, and ask for another one".into(),
            ));
        }
        let inputs = match changes.inputs {
            Some(given) => self.inputs(app, &config, given).await?,
            None if changes.latest_config && !is_rollback => {
                let known = config.inputs.iter().map(|input| &input.name);
                let kept = known.filter_map(|name| before.inputs.values.get_key_value(name));
                self.inputs(app, &config, kept.map(|(name, value)| (name.clone(), value.clone())).collect()).await?
            }
            None => before.inputs.clone(),
        };
        let (commit, git_ref, build) = match changes.what {
            Some(what) => {
                let chosen = self.chosen(app, branches, &before.environment, &what).await?;
                place.map_or(Ok(()), |place| check_branch(place, chosen.git_ref.as_ref()))?;
                (chosen.commit, chosen.git_ref.map(ref_name), chosen.build)
            }
            None => (before.commit.clone(), before.git_ref.clone(), before.build.clone()),
        };
        let values = if changes.latest_config {
            let mut tx = self.store().begin().await?;
            self.effective_values(&mut tx, &before.app, &before.environment).await?
        } else {
            before.values.clone()
        };
        let title = changes.title.filter(|title| !title.trim().is_empty()).unwrap_or_else(|| before.title.clone());
        let description = changes.description.unwrap_or_else(|| before.description.clone());
        Ok(Edit {
            state: before.state.clone(),
            commit,
            git_ref,
            title: super::cut_title(&title),
            description: description.chars().take(LONGEST_DESCRIPTION).collect(),
            revision,
            review: place.map_or_else(|| before.review.clone(), |place| place.review.clone()),
            hosts,
            build,
            inputs,
            values,
            editors: before.editors.clone(),
        })
    }
}

/// What is another, before and after, for the feed. Values are named and not told: the diff of the values has them.
fn differences(before: &Request, after: &Edit) -> (Map<String, Value>, Map<String, Value>) {
    let pairs = [
        ("title", json!(before.title), json!(after.title)),
        ("description", json!(before.description), json!(after.description)),
        ("commit", json!(before.commit), json!(after.commit)),
        ("git_ref", json!(before.git_ref), json!(after.git_ref)),
        ("build", json!(before.build), json!(after.build)),
        ("hosts", json!(before.hosts), json!(after.hosts)),
        ("inputs", json!(before.inputs), json!(after.inputs)),
        ("revision", json!(before.revision), json!(after.revision)),
    ];
    let (mut was, mut is) = (Map::new(), Map::new());
    for (name, old, new) in pairs.into_iter().filter(|(_, old, new)| old != new) {
        was.insert(name.into(), old);
        is.insert(name.into(), new);
    }
    if before.values != after.values {
        let changed: Vec<&String> = before.values.keys().chain(after.values.keys()).collect();
        let differs = |key: &&&String| before.values.get(**key) != after.values.get(**key);
        let changed: std::collections::BTreeSet<&String> = changed.iter().filter(differs).copied().collect();
        was.insert("values".into(), json!(changed));
        is.insert("values".into(), json!(changed));
    }
    (was, is)
}
