//! Forges: how each stands, and what people do with one: test a repository, register its hook, make a deploy key.

use crate::Api;
use crate::auth::Caller;
use crate::page::Page;
use crate::problem::{Body, Path, Problem};
use crate::words;
use axum::Json;
use axum::extract::State;
use davit_domain::access::Action;
use davit_domain::config::{Configuration, Forge, HookSignature, SecretRef};
use davit_domain::ids::ForgeId;
use davit_engine::Engine;
use davit_engine::forges::{DeployKey, ForgeCheck, HookStanding, SecretOrigin, repositories_at};
use davit_forge::{Hook, Need};
use davit_store::deliveries::Delivery;
use davit_store::outbox::{OutboxCount, OutboxState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A forge.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ForgeView {
    id: String,
    #[schema(value_type = words::ForgeKind)]
    kind: &'static str,
    /// Empty for a generic one.
    api_url: String,
    /// To be entered at the forge.
    hook_url: String,
    /// How its webhooks are signed.
    signature: &'static str,
    #[schema(value_type = words::ForgeCredential)]
    credential: &'static str,
    /// Whether the credential has a value.
    has_token: bool,
    has_webhook_secret: bool,
    webhook_secret: Option<SecretSource>,
    /// With what git reads its repositories over SSH.
    git_key: Option<SecretSource>,
    /// The public line of the key that davit stores for that.
    deploy_key: Option<String>,
    /// Of the apps, there.
    repositories: Vec<String>,
    last_delivery: Option<LastDelivery>,
    /// What its last answer said is left of its rate limit, as far as this process knows.
    budget: Option<Budget>,
    /// Until when davit sends it nothing by itself, because of a limit.
    paused_until: Option<String>,
    /// Calls to it that are still to be made.
    waiting: i64,
    /// Calls to it that were given up.
    dead: i64,
}

/// Where a secret comes from.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SecretSource {
    #[schema(value_type = words::SecretPlace)]
    from: &'static str,
    name: String,
    /// Whether it has a value.
    set: bool,
}

/// What came last from a forge.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LastDelivery {
    id: i64,
    event: String,
    #[schema(value_type = words::Verdict)]
    verdict: &'static str,
    received_at: String,
}

/// What is left of a rate limit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Budget {
    limit: Option<u64>,
    remaining: u64,
    reset_at: Option<String>,
}

/// A repository at the forge.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RepositoryBody {
    /// `owner/name`.
    repository: String,
}

/// Where the key is to be added as well.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeployKeyBody {
    /// `owner/name`; without it the key is made and shown.
    repository: Option<String>,
}

/// What davit found at a repository.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ForgeCheckView {
    repository: String,
    /// Whether it could be seen at all.
    reachable: bool,
    /// Why not.
    detail: String,
    default_branch: Option<String>,
    needs: Vec<NeedView>,
    hook: HookStandingView,
    /// How far the forge's clock is ahead of davit's.
    clock_skew_ms: Option<i64>,
}

/// Something that davit does there.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NeedView {
    /// Words that follow "davit can".
    what: &'static str,
    /// What to give the credential for it, in the forge's words.
    permission: String,
    /// None: the forge does not say so for this sort of credential.
    granted: Option<bool>,
}

/// The hook that sends to davit.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct HookStandingView {
    #[schema(value_type = words::HookState)]
    state: &'static str,
    id: Option<i64>,
    /// What it sends, in the forge's words.
    events: Vec<String>,
    /// How its last delivery ended, in the forge's words.
    last_response: Option<String>,
    /// Why it is unknown.
    detail: String,
}

/// A hook as it is now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HookView {
    id: i64,
    url: String,
    active: bool,
    events: Vec<String>,
    /// Where the secret came from that it signs with: made, stored, env, file.
    #[schema(value_type = words::HookSecret)]
    secret: &'static str,
}

/// A key with which git reads a forge's repositories.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DeployKeyView {
    public_key: String,
    /// To be written as `git_key = { secret = "…" }`.
    secret: String,
    /// Whether it is new.
    made: bool,
    /// Whether `git_key` names it.
    in_use: bool,
    /// The repository that it was added to.
    added_to: Option<String>,
}

impl ForgeView {
    async fn load(
        engine: &Engine,
        configuration: &Configuration,
        counts: &[OutboxCount],
        forge: &Forge,
    ) -> Result<Self, Problem> {
        let webhook_secret = source(engine, forge.webhook_secret.as_ref()).await?;
        let (credential, reference) = match (&forge.token, &forge.app) {
            (Some(token), _) => ("token", Some(token)),
            (None, Some(app)) => ("app", Some(&app.private_key)),
            (None, None) => ("none", None),
        };
        let leeway = engine.forge_leeway(&forge.id).await;
        let count = |states: &[OutboxState]| {
            let of =
                counts.iter().filter(|count| count.target.forge() == Some(&forge.id) && states.contains(&count.state));
            of.map(|count| count.count).sum()
        };
        Ok(Self {
            id: forge.id.to_string(),
            kind: forge.kind.as_str(),
            api_url: forge.api_url.clone(),
            hook_url: engine.hook_url(&forge.id),
            signature: word(forge.hook_signature()),
            credential,
            has_token: source(engine, reference).await?.is_some_and(|source| source.set),
            has_webhook_secret: webhook_secret.as_ref().is_some_and(|source| source.set),
            webhook_secret,
            git_key: source(engine, forge.git_key.as_ref()).await?,
            deploy_key: engine.deploy_key(forge).await?,
            repositories: repositories_at(configuration, &forge.id),
            last_delivery: engine.store().last_delivery(&forge.id).await?.map(LastDelivery::from),
            budget: leeway.budget.map(|budget| Budget {
                limit: budget.limit,
                remaining: budget.remaining,
                reset_at: budget.reset.map(|at| at.to_string()),
            }),
            paused_until: leeway.paused_until.map(|at| at.to_string()),
            waiting: count(&[OutboxState::Waiting, OutboxState::Leased]),
            dead: count(&[OutboxState::Dead]),
        })
    }
}

impl ForgeView {
    /// Names of secrets, variables and files are for those who manage forges.
    fn shown_to(mut self, caller: &Caller) -> Self {
        if !caller.may(Action::ManageForges) {
            self.webhook_secret = None;
            self.git_key = None;
        }
        // It may be about a repository that they don't see.
        if !caller.may(Action::See) {
            self.last_delivery = None;
        }
        self
    }
}

async fn source(engine: &Engine, reference: Option<&SecretRef>) -> Result<Option<SecretSource>, Problem> {
    let Some(reference) = reference else { return Ok(None) };
    let (from, name) = match reference {
        SecretRef::Secret(name) => ("secret", name),
        SecretRef::Env(name) => ("env", name),
        SecretRef::File(name) => ("file", name),
    };
    let set = engine.find_secret(reference).await?.is_some();
    Ok(Some(SecretSource { from, name: name.clone(), set }))
}

const fn word(signature: HookSignature) -> &'static str {
    match signature {
        HookSignature::HmacSha256 => "hmac-sha256",
        HookSignature::HmacSha1 => "hmac-sha1",
        HookSignature::Token => "token",
        HookSignature::StandardWebhooks => "standard-webhooks",
        HookSignature::Timestamp => "timestamp",
    }
}

impl From<Delivery> for LastDelivery {
    fn from(delivery: Delivery) -> Self {
        Self {
            id: delivery.id.0,
            event: delivery.event,
            verdict: delivery.verdict.as_str(),
            received_at: delivery.received_at.to_string(),
        }
    }
}

impl From<ForgeCheck> for ForgeCheckView {
    fn from(check: ForgeCheck) -> Self {
        let ForgeCheck { repository, access, hook, clock_ahead } = check;
        let (reachable, detail, default_branch, needs) = match access {
            Ok(access) => (true, String::new(), Some(access.default_branch), access.needs),
            Err(detail) => (false, detail, None, Vec::new()),
        };
        let need = |Need { what, permission, granted }| NeedView { what, permission, granted };
        Self {
            repository,
            reachable,
            detail,
            default_branch: default_branch.filter(|branch| !branch.is_empty()),
            needs: needs.into_iter().map(need).collect(),
            hook: hook.into(),
            clock_skew_ms: clock_ahead,
        }
    }
}

impl From<HookStanding> for HookStandingView {
    fn from(standing: HookStanding) -> Self {
        let of = |state, Hook { id, events, last_response, .. }: Hook| Self {
            state,
            id: Some(id),
            events,
            last_response,
            detail: String::new(),
        };
        match standing {
            HookStanding::Registered(hook) => of("registered", hook),
            HookStanding::Inactive(hook) => of("inactive", hook),
            HookStanding::Missing => Self { state: "missing", ..Self::default() },
            HookStanding::Unknown(detail) => Self { state: "unknown", detail, ..Self::default() },
        }
    }
}

/// All forges.
#[utoipa::path(get, path = "/api/v1/forges", responses((status = 200, body = Page<ForgeView>)))]
pub(crate) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<Page<ForgeView>>, Problem> {
    let (configuration, counts) = (caller.configuration(&api).await?, api.engine.store().outbox_counts().await?);
    let mut items = Vec::with_capacity(configuration.forges.len());
    for forge in &configuration.forges {
        items.push(ForgeView::load(&api.engine, &configuration, &counts, forge).await?.shown_to(&caller));
    }
    Ok(Json(Page::whole(items)))
}

/// One forge.
#[utoipa::path(get, path = "/api/v1/forges/{id}", params(("id" = String, Path)),
    responses((status = 200, body = ForgeView), (status = 404, body = Problem)))]
pub(crate) async fn show(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<ForgeView>, Problem> {
    let configuration = caller.configuration(&api).await?;
    let forge = configuration.forges.iter().find(|forge| forge.id.as_str() == id);
    let forge = forge.ok_or_else(|| Problem::not_found(format!("there is no forge named {id}")))?;
    let counts = api.engine.store().outbox_counts().await?;
    Ok(Json(ForgeView::load(&api.engine, &configuration, &counts, forge).await?.shown_to(&caller)))
}

/// Asks the forge what davit may do with a repository, and whether its hook sends here. Changes nothing.
#[utoipa::path(post, path = "/api/v1/forges/{id}/check", params(("id" = String, Path)), request_body = RepositoryBody,
    responses((status = 200, body = ForgeCheckView), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem)))]
pub(crate) async fn check(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    Body(body): Body<RepositoryBody>,
) -> Result<Json<ForgeCheckView>, Problem> {
    caller.allow(Action::ManageForges)?;
    let id = known(&api, &id).await?;
    let repository = named(&api, &caller, &id, &body.repository).await?;
    Ok(Json(api.engine.check_forge(&id, repository).await?.into()))
}

/// Sets the repository's hook to send here, signed with the forge's webhook secret; makes that secret when it is one
/// that davit stores and none is stored.
#[utoipa::path(post, path = "/api/v1/forges/{id}/hook", params(("id" = String, Path)), request_body = RepositoryBody,
    responses((status = 200, body = HookView), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem), (status = 424, body = Problem)))]
pub(crate) async fn register_hook(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    Body(body): Body<RepositoryBody>,
) -> Result<Json<HookView>, Problem> {
    caller.allow(Action::ManageForges)?;
    let id = known(&api, &id).await?;
    let repository = named(&api, &caller, &id, &body.repository).await?;
    let (hook, origin) = api.engine.register_hook(&id, repository, caller.name()).await?;
    let secret = match origin {
        SecretOrigin::Made => "made",
        SecretOrigin::Stored => "stored",
        SecretOrigin::Env => "env",
        SecretOrigin::File => "file",
    };
    let Hook { id, url, active, events, .. } = hook;
    Ok(Json(HookView { id, url, active, events, secret }))
}

/// The forge's deploy key, made when there is none, and added to a repository when one is named.
#[utoipa::path(post, path = "/api/v1/forges/{id}/deploy-key", params(("id" = String, Path)),
    request_body = DeployKeyBody,
    responses((status = 200, body = DeployKeyView), (status = 404, body = Problem), (status = 409, body = Problem),
              (status = 422, body = Problem), (status = 424, body = Problem)))]
pub(crate) async fn deploy_key(
    State(api): State<Api>,
    caller: Caller,
    Path(id): Path<String>,
    Body(body): Body<DeployKeyBody>,
) -> Result<Json<DeployKeyView>, Problem> {
    caller.allow(Action::ManageForges)?;
    let id = known(&api, &id).await?;
    let repository = match &body.repository {
        Some(repository) => Some(named(&api, &caller, &id, repository).await?),
        None => None,
    };
    let key = match repository {
        Some(repository) => api.engine.add_deploy_key(&id, repository, caller.name()).await?,
        None => api.engine.make_deploy_key(&id, caller.name()).await?,
    };
    let DeployKey { public_key, secret, made, in_use } = key;
    Ok(Json(DeployKeyView { public_key, secret, made, in_use, added_to: repository.map(str::to_owned) }))
}

/// A forge that is configured: one that is not is not found, before anything else about the request is wrong.
async fn known(api: &Api, id: &str) -> Result<ForgeId, Problem> {
    let missing = || Problem::not_found(format!("there is no forge named {id}"));
    let id: ForgeId = id.parse().map_err(|_| missing())?;
    let forge = api.engine.store().forge(&id).await?.ok_or_else(missing)?;
    Ok(forge.id)
}

/// A repository's name, as in a `davit.toml`: it becomes part of an address. davit's credential may reach more than apps
/// use; only who writes the configuration decides about that.
async fn named<'t>(api: &Api, caller: &Caller, forge: &ForgeId, text: &'t str) -> Result<&'t str, Problem> {
    let text = well_formed(text)?;
    let configuration = api.engine.store().configuration().await?;
    let used = || repositories_at(&configuration, forge).iter().any(|name| name.eq_ignore_ascii_case(text));
    if caller.may(Action::Configure) || used() {
        return Ok(text);
    }
    Err(Problem::denied(format!(
        "neither an app nor a [[repository]] is {text} at {forge}: an administrator can ask about other repositories"
    )))
}

fn well_formed(text: &str) -> Result<&str, Problem> {
    let text = text.trim();
    let is_part = |part: &str| {
        !matches!(part, "" | "." | "..")
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
    };
    if text.contains('/') && text.split('/').all(is_part) {
        return Ok(text);
    }
    Err(Problem::invalid("repository is owner/name, as the forge writes it"))
}
