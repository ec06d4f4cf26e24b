//! A release request as one caller sees it: with what it waits for, and what they may do to it.

use crate::Api;
use crate::auth::Caller;
use crate::problem::Problem;
use crate::words;
use davit_domain::access::Action;
use davit_domain::config::Configuration;
use davit_domain::deployment::DeploymentState;
use davit_domain::ids::{AppKey, EnvironmentKey, RevisionId};
use davit_domain::request::{Approval, RequestState};
use davit_domain::review::Person;
use davit_domain::time::Timestamp;
use davit_engine::gates::Gate;
use davit_engine::intents::makers;
use davit_store::deployments::Deployment;
use davit_store::gates::Lock;
use davit_store::requests::{Request, Verdict, Word};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use utoipa::ToSchema;

/// A release request.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RequestView {
    pub(crate) id: i64,
    app: String,
    environment: String,
    #[schema(value_type = words::RequestKind)]
    kind: &'static str,
    #[schema(value_type = words::RequestState)]
    state: &'static str,
    commit: String,
    git_ref: Option<String>,
    title: String,
    /// May have several lines; may be empty.
    description: String,
    /// Grows with every edit: what a reviewer saw.
    version: i64,
    created_by: String,
    /// Whose account that is: the same, or the one that a forge's account is linked with.
    author: String,
    created_at: String,
    /// Who edited it beside the author; none of them can approve it where authors can't.
    editors: Vec<String>,
    /// When it was edited or scheduled last.
    updated_at: Option<String>,
    decided_by: Option<String>,
    decided_at: Option<String>,
    reason: Option<String>,
    required_approvals: u32,
    /// Those that count, or counted when it went out.
    approvals: Vec<ApprovalView>,
    /// All that reviewers said, oldest first.
    reviews: Vec<ReviewWordView>,
    review: ReviewRuleView,
    /// When the first of the approvals stops to count.
    approvals_expire_at: Option<String>,
    /// The latest deployment that carries it out.
    deployment: Option<i64>,
    target_release: Option<String>,
    /// The digest of the build that was asked for; none: the one of the commit.
    build: Option<String>,
    /// Its number, while it is kept.
    build_id: Option<i64>,
    /// Only these; none: all that the release config means.
    hosts: Option<Vec<String>>,
    /// What was filled in, by name.
    inputs: BTreeMap<String, String>,
    /// The release config that it goes out with.
    revision: i64,
    /// The one that a request would get now; none: it is released there no more.
    latest_revision: Option<i64>,
    scheduled_at: Option<String>,
    /// In whose name it goes out then.
    scheduled_by: Option<String>,
    /// The number of the batch that it was made in.
    batch: Option<i64>,
    /// The request that it is a clone of.
    cloned_from: Option<i64>,
    /// What keeps it from going out now, in a sentence.
    waits_for: Option<String>,
    allowed: Allowed,
}

/// One approval.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ApprovalView {
    user: String,
    at: String,
}

/// What a reviewer said.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReviewWordView {
    user: String,
    #[schema(value_type = words::ReviewVerdict)]
    verdict: &'static str,
    reason: Option<String>,
    /// Of which version.
    version: i64,
    at: String,
    /// Whether it counts no more: the request was edited, or too much time is over.
    void: bool,
}

/// Whose eyes it needs.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReviewRuleView {
    required: u32,
    self_approval: bool,
    /// `ana`, `group:leads`; empty: everybody who may review.
    reviewers: Vec<String>,
    /// For how long an approval counts, in seconds; none: for ever.
    expires: Option<u64>,
    /// When the first of the approvals stops to count.
    expires_at: Option<String>,
}

/// What the caller may do to it now.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[expect(clippy::struct_excessive_bools, reason = "one answer an action")]
pub(crate) struct Allowed {
    edit: bool,
    withdraw: bool,
    pub(crate) approve: bool,
    reject: bool,
    pub(crate) release: bool,
    schedule: bool,
    retry: bool,
    clone: bool,
    rollback: bool,
}

/// One caller's look at requests: what is the same for all of them is asked for once.
pub(crate) struct Seen<'a> {
    api: &'a Api,
    caller: &'a Caller,
    configuration: Configuration,
    locks: Vec<Lock>,
    now: Timestamp,
    numbers: Mutex<HashMap<RevisionId, i64>>,
    latest: Mutex<HashMap<(AppKey, EnvironmentKey), Option<i64>>>,
}

impl<'a> Seen<'a> {
    /// For a list, or one of them.
    pub(crate) async fn new(api: &'a Api, caller: &'a Caller) -> Result<Self, Problem> {
        let (store, now) = (api.engine.store(), api.engine.now());
        Ok(Self {
            api,
            caller,
            configuration: store.configuration().await?,
            locks: store.locks(now).await?,
            now,
            numbers: Mutex::default(),
            latest: Mutex::default(),
        })
    }

    /// What the caller may do to a request.
    pub(crate) async fn allowed(&self, request: &Request) -> Result<Allowed, Problem> {
        Ok(self.allowed_to(request, &self.api.engine.author(&request.created_by).await?))
    }

    fn allowed_to(&self, request: &Request, author: &str) -> Allowed {
        let may = |action| self.caller.may_in(action, &request.app, &request.environment);
        let (state, _) = request.state.clone().expire(&request.review, self.now);
        let person = Person { name: self.caller.name(), groups: self.caller.groups() };
        let own = (author == person.name && may(Action::Ask)) || may(Action::Configure);
        let (open, releases) = (state.is_open(), may(Action::Release));
        let reviews = may(Action::Review);
        Allowed {
            edit: own && open,
            withdraw: own && open,
            approve: reviews
                && state.clone().approve(person, &makers(author, request), &request.review, self.now).is_ok(),
            reject: reviews && state.clone().reject(person, &request.review, "why").is_ok(),
            release: releases && state.clone().release(&request.review, self.now).is_ok(),
            schedule: releases && open,
            retry: releases && state.clone().retry().is_ok(),
            clone: may(Action::Ask),
            rollback: may(Action::Ask) && state == RequestState::Succeeded,
        }
    }

    async fn number_of(&self, id: RevisionId) -> Result<i64, Problem> {
        let known = self.numbers.lock().unwrap_or_else(PoisonError::into_inner).get(&id).copied();
        if let Some(number) = known {
            return Ok(number);
        }
        let number = self.api.engine.store().revision(id).await?.0.number;
        self.numbers.lock().unwrap_or_else(PoisonError::into_inner).insert(id, number);
        Ok(number)
    }

    async fn latest_of(&self, request: &Request) -> Result<Option<i64>, Problem> {
        let place = (request.app.clone(), request.environment.clone());
        let known = self.latest.lock().unwrap_or_else(PoisonError::into_inner).get(&place).copied();
        if let Some(latest) = known {
            return Ok(latest);
        }
        let found = self.api.engine.store().release_config(&place.0, &place.1).await?;
        let latest = found.map(|(revision, _)| revision.number);
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).insert(place, latest);
        Ok(latest)
    }

    fn waits_for(&self, request: &Request, deployment: Option<&Deployment>) -> Option<String> {
        match &request.state {
            // What keeps it now may be over when its time comes.
            RequestState::AwaitingRelease { .. }
                if request.schedule.as_ref().is_some_and(|schedule| schedule.at > self.now) =>
            {
                None
            }
            RequestState::AwaitingRelease { .. } => {
                let (app, environment) = (&request.app, &request.environment);
                let gate = Gate::of(&self.configuration, &self.locks, Some(app), environment, self.now);
                request.held.clone().or_else(|| gate.keeps(request.kind))
            }
            RequestState::Releasing => deployment
                .filter(|deployment| deployment.state == DeploymentState::Queued)
                .and_then(|deployment| deployment.blocked.clone()),
            RequestState::AwaitingReview { .. }
            | RequestState::Succeeded
            | RequestState::Failed { .. }
            | RequestState::Rejected { .. }
            | RequestState::Withdrawn
            | RequestState::Cancelled { .. }
            | RequestState::Superseded { .. } => None,
        }
    }
}

impl RequestView {
    /// With everything around it looked up.
    pub(crate) async fn load(seen: &Seen<'_>, request: Request) -> Result<Self, Problem> {
        let store = seen.api.engine.store();
        let deployment = store.deployment_of_request(request.id).await?;
        let words = store.request_reviews(request.id).await?;
        let author = seen.api.engine.author(&request.created_by).await?;
        let build_id = match &request.build {
            Some(digest) => store.build_by_digest(&request.app, digest).await?.map(|build| build.id),
            None => None,
        };
        let approvals = counting(&request, &words);
        let expires_at = request.review.first_expiry(&approvals).filter(|_| request.state.is_open());
        let expires_at = expires_at.map(|at| at.to_string());
        Ok(Self {
            allowed: seen.allowed_to(&request, &author),
            waits_for: seen.waits_for(&request, deployment.as_ref()),
            revision: seen.number_of(request.revision).await?,
            latest_revision: seen.latest_of(&request).await?,
            review: ReviewRuleView {
                required: request.review.required,
                self_approval: request.review.self_approval,
                reviewers: request.review.reviewers.iter().map(ToString::to_string).collect(),
                expires: request.review.expires,
                expires_at: expires_at.clone(),
            },
            reviews: words.into_iter().map(|word| ReviewWordView::of(word, request.version)).collect(),
            approvals: approvals.into_iter().map(ApprovalView::from).collect(),
            approvals_expire_at: expires_at,
            reason: request.state.reason(),
            id: request.id.0,
            app: request.app.to_string(),
            environment: request.environment.to_string(),
            kind: request.kind.as_str(),
            state: request.state.as_str(),
            commit: request.commit.to_string(),
            git_ref: request.git_ref,
            title: request.title,
            description: request.description,
            version: request.version,
            created_by: request.created_by,
            author,
            editors: request.editors,
            created_at: request.created_at.to_string(),
            updated_at: request.updated_at.map(|at| at.to_string()),
            decided_by: request.decided_by,
            decided_at: request.decided_at.map(|at| at.to_string()),
            required_approvals: request.review.required,
            deployment: deployment.map(|deployment| deployment.id.0),
            target_release: request.target_release.map(|release| release.to_string()),
            build: request.build,
            build_id,
            hosts: request.hosts.map(|hosts| hosts.iter().map(ToString::to_string).collect()),
            inputs: request.inputs.values,
            scheduled_at: request.schedule.as_ref().map(|schedule| schedule.at.to_string()),
            scheduled_by: request.schedule.map(|schedule| schedule.by),
            batch: request.batch,
            cloned_from: request.cloned_from.map(|id| id.0),
        })
    }
}

/// The approvals that a request has; once it is out, those that it went out with.
fn counting(request: &Request, words: &[Word]) -> Vec<Approval> {
    if request.state.is_open() {
        return request.state.approvals().to_vec();
    }
    words
        .iter()
        .filter(|word| word.verdict == Verdict::Approve && word.void_at.is_none())
        .map(|word| Approval { user: word.user.clone(), at: word.at })
        .collect()
}

impl From<Approval> for ApprovalView {
    fn from(approval: Approval) -> Self {
        Self { user: approval.user, at: approval.at.to_string() }
    }
}

impl ReviewWordView {
    fn of(word: Word, version: i64) -> Self {
        Self {
            void: word.void_at.is_some() || word.version != version,
            user: word.user,
            verdict: word.verdict.as_str(),
            reason: word.reason,
            version: word.version,
            at: word.at.to_string(),
        }
    }
}
