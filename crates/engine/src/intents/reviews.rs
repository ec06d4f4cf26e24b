//! What people say about requests: yes, no, back, out with it.

use crate::{Engine, EngineError};
use davit_domain::deployment_at_forge::ForgeDeploymentState;
use davit_domain::ids::RequestId;
use davit_domain::request::{Kind, RequestState};
use davit_domain::review::Person;
use davit_store::Tx;
use davit_store::accounts::User;
use davit_store::requests::{NewReview, Request, Verdict};

/// Longer reasons are cut. Characters.
const LONGEST_REASON: usize = 2_000;

/// What a reviewer says.
#[derive(Debug, Clone, Copy)]
pub struct Opinion<'a> {
    /// Who.
    pub by: Person<'a>,
    /// The version that they saw; `None`: whatever it is now.
    pub version: Option<i64>,
    /// Why.
    pub reason: Option<&'a str>,
}

impl Engine {
    /// A reviewer says yes.
    ///
    /// # Errors
    /// `Changed` when it is not what they saw any more, else when the state or the environment's rule does not allow it.
    pub async fn approve(&self, id: RequestId, opinion: Opinion<'_>) -> Result<Request, EngineError> {
        let (user, now) = (opinion.by.name, self.now());
        let mut tx = self.store().begin().await?;
        let request = tx.request(id).await?;
        check_version(&request, opinion.version)?;
        let request = self.drop_old_approvals(&mut tx, request).await?;
        let author = self.author_of(&mut tx, &request.created_by).await?;
        let state = request.state.clone().approve(opinion.by, &makers(&author, &request), &request.review, now)?;
        tx.set_request_state(id, &state, Some((user, now))).await?;
        tx.set_approvals_expiry(id, request.review.first_expiry(state.approvals())).await?;
        let reason = opinion.reason.map(cut).filter(|reason| !reason.is_empty());
        self.record(&mut tx, &request, user, Verdict::Approve, reason.as_deref()).await?;
        let detail = serde_json::json!({ "version": request.version, "state": state.as_str(), "reason": reason });
        self.feed(&mut tx, user, "request_approved", &format!("request {id}"), detail).await?;
        let goes_at_once = request.kind == Kind::Auto && request.schedule.is_none();
        let request = if goes_at_once && matches!(state, RequestState::AwaitingRelease { .. }) {
            let configuration = tx.read_configuration().await?;
            self.release_in(&mut tx, &configuration, id, user, None).await?
        } else {
            tx.request(id).await?
        };
        tx.commit().await?;
        self.told(&request);
        Ok(request)
    }

    /// A reviewer says no, and why.
    ///
    /// # Errors
    /// As [`approve`](Self::approve), and when the reason is missing.
    pub async fn reject(&self, id: RequestId, opinion: Opinion<'_>) -> Result<Request, EngineError> {
        let mut tx = self.store().begin().await?;
        let request = tx.request(id).await?;
        check_version(&request, opinion.version)?;
        let reason = cut(opinion.reason.unwrap_or_default());
        let state = request.state.clone().reject(opinion.by, &request.review, &reason)?;
        self.record(&mut tx, &request, opinion.by.name, Verdict::Reject, Some(&reason)).await?;
        self.decide(tx, id, &state, opinion.by.name, "request_rejected").await
    }

    /// Its author (or an administrator) takes it back.
    ///
    /// # Errors
    /// When the state does not allow it, or somebody else made it.
    pub async fn withdraw(&self, id: RequestId, user: &str, may_for_others: bool) -> Result<Request, EngineError> {
        let mut tx = self.store().begin().await?;
        let request = tx.request(id).await?;
        self.check_author(&mut tx, &request, user, may_for_others, "withdraw").await?;
        let state = request.state.withdraw()?;
        self.decide(tx, id, &state, user, "request_withdrawn").await
    }

    /// Lets an approved request go out.
    ///
    /// # Errors
    /// When the state does not allow it.
    pub async fn release(&self, id: RequestId, user: &str) -> Result<Request, EngineError> {
        self.release_passing(id, user, None, None).await
    }

    /// As [`release`](Self::release), if it is the version that was seen still; with a reason it passes locks, freeze windows and release windows.
    ///
    /// # Errors
    /// As `release`, and `Changed`.
    pub async fn release_passing(
        &self,
        id: RequestId,
        user: &str,
        version: Option<i64>,
        gates: Option<&str>,
    ) -> Result<Request, EngineError> {
        let mut tx = self.store().begin().await?;
        let request = tx.request(id).await?;
        check_version(&request, version)?;
        let was_approved = matches!(request.state, RequestState::AwaitingRelease { .. });
        let request = self.drop_old_approvals(&mut tx, request).await?;
        if was_approved && !matches!(request.state, RequestState::AwaitingRelease { .. }) {
            tx.commit().await?;
            self.told(&request);
            return Err(EngineError::Conflict(format!(
                "the approvals of request {id} are too old by now: it waits for a review again"
            )));
        }
        let configuration = tx.read_configuration().await?;
        let request = self.release_in(&mut tx, &configuration, id, user, gates).await?;
        tx.commit().await?;
        self.told(&request);
        Ok(request)
    }

    /// The account of whoever made a request: itself, or the one that a forge's account is linked with.
    pub(crate) async fn author_of(&self, tx: &mut Tx, created_by: &str) -> Result<String, EngineError> {
        let Some((login, forge)) = created_by.rsplit_once('@') else { return Ok(created_by.to_owned()) };
        let account = tx.account_of(&format!("forge:{forge}"), login).await?;
        Ok(account.map_or_else(|| created_by.to_owned(), |account| account.name))
    }

    /// As `author_of`, outside of any transaction: for people to read.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn author(&self, created_by: &str) -> Result<String, EngineError> {
        let Some((login, forge)) = created_by.rsplit_once('@') else { return Ok(created_by.to_owned()) };
        let account = self.store().account_of(&format!("forge:{forge}"), login).await?;
        Ok(account.map_or_else(|| created_by.to_owned(), |account| account.name))
    }

    /// What requests of an account are signed with: its name, and those of the forges' accounts that it is linked with.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn signatures(&self, user: &User) -> Result<Vec<String>, EngineError> {
        let identities = self.store().identities_of(user.id).await?;
        let linked = identities.iter().filter_map(|identity| {
            let forge = identity.provider.strip_prefix("forge:")?;
            Some(format!("{}@{forge}", identity.subject))
        });
        Ok(std::iter::once(user.name.clone()).chain(linked).collect())
    }

    /// Only its author does this to a request, or who may do it for others.
    pub(super) async fn check_author(
        &self,
        tx: &mut Tx,
        request: &Request,
        user: &str,
        may_for_others: bool,
        verb: &str,
    ) -> Result<(), EngineError> {
        if may_for_others || self.author_of(tx, &request.created_by).await? == user {
            return Ok(());
        }
        let (id, author) = (request.id, &request.created_by);
        Err(EngineError::Denied(format!("request {id} was made by {author}: only they can {verb} it")))
    }

    /// Leaves out the approvals of a request whose time is over, in the transaction of whoever would use them.
    pub(super) async fn drop_old_approvals(&self, tx: &mut Tx, request: Request) -> Result<Request, EngineError> {
        let (id, now) = (request.id, self.now());
        let (state, gone) = request.state.clone().expire(&request.review, now);
        if gone.is_empty() {
            return Ok(request);
        }
        tx.set_request_state(id, &state, None).await?;
        tx.set_approvals_expiry(id, request.review.first_expiry(state.approvals())).await?;
        for approval in &gone {
            tx.void_approvals(id, Some(&approval.user), now).await?;
        }
        let users: Vec<&str> = gone.iter().map(|approval| approval.user.as_str()).collect();
        let detail = serde_json::json!({
            "approvals_of": users,
            "before": { "state": request.state.as_str() },
            "after": { "state": state.as_str() },
        });
        self.feed(tx, "davit", "approvals_expired", &format!("request {id}"), detail).await?;
        Ok(tx.request(id).await?)
    }

    async fn record(
        &self,
        tx: &mut Tx,
        request: &Request,
        user: &str,
        verdict: Verdict,
        reason: Option<&str>,
    ) -> Result<(), EngineError> {
        let review = NewReview { version: request.version, user, verdict, reason, at: self.now() };
        tx.record_review(request.id, &review).await?;
        self.notice_reviewed(tx, request, &review).await
    }

    async fn decide(
        &self,
        mut tx: Tx,
        id: RequestId,
        state: &RequestState,
        user: &str,
        action: &str,
    ) -> Result<Request, EngineError> {
        tx.set_request_state(id, state, Some((user, self.now()))).await?;
        let detail = serde_json::json!({ "reason": state.reason() });
        self.feed(&mut tx, user, action, &format!("request {id}"), detail).await?;
        let request = tx.request(id).await?;
        let sentence = match state.reason() {
            Some(reason) => format!("request {id} was {} by {user}: {reason}", state.as_str()),
            None => format!("request {id} was {} by {user}", state.as_str()),
        };
        self.tell_maker(&mut tx, &request, ForgeDeploymentState::Inactive, &sentence).await?;
        tx.commit().await?;
        self.told(&request);
        Ok(request)
    }
}

/// Refuses what is meant for another version than there is now.
pub(super) fn check_version(request: &Request, seen: Option<i64>) -> Result<(), EngineError> {
    if seen.is_none_or(|seen| seen == request.version) {
        return Ok(());
    }
    Err(EngineError::Changed(format!(
        "request {} has been edited meanwhile (it is version {} now): look at it again",
        request.id, request.version
    )))
}

/// Who can't judge a request without judging their own work; `author` is the account of who made it.
#[must_use]
pub fn makers<'r>(author: &'r str, request: &'r Request) -> Vec<&'r str> {
    [author, request.created_by.as_str()].into_iter().chain(request.editors.iter().map(String::as_str)).collect()
}

fn cut(reason: &str) -> String {
    reason.trim().chars().take(LONGEST_REASON).collect()
}
