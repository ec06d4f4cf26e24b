//! Who calls, and whether they may.
//!
//! A cookie-authenticated write needs the header `X-Davit-Request` as well: a browser sends a cookie along with a
//! forged cross-site form, but lets no other site set that header.

use crate::Api;
use crate::problem::Problem;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use davit_domain::access::{Access, Action, Role, Target, least_role, role_word};
use davit_domain::config::Host;
use davit_domain::ids::{AppKey, EnvironmentKey};
use davit_engine::people::Person;
use davit_engine::{Engine, EngineError};
use davit_store::accounts::User;
use davit_store::tokens::{Token, TokenLimits};
use secrecy::{ExposeSecret, SecretString};

pub(crate) const COOKIE: &str = "davit_session";
const WRITE_HEADER: &str = "x-davit-request";

/// The account that makes a request.
///
/// What somebody may not even see is not there for them: then the `allow…` functions answer 404 instead of 403.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) user: User,
    access: Access,
    groups: Vec<String>,
    /// The API token, when it was not a session.
    pub(crate) token: Option<Token>,
    /// The session's cookie, when it was not a token.
    pub(crate) session: Option<String>,
    credential: Credential,
}

/// What somebody proves with who they are.
#[derive(Debug, Clone)]
enum Credential {
    Token(SecretString),
    Session(SecretString),
}

impl Credential {
    async fn person(&self, engine: &Engine) -> Result<Option<Person>, EngineError> {
        match self {
            Self::Token(token) => engine.token_user(token.expose_secret()).await,
            Self::Session(cookie) => match engine.session_user(cookie.expose_secret()).await? {
                Some(user) => engine.person(user).await.map(Some),
                None => Ok(None),
            },
        }
    }
}

impl Caller {
    fn new(person: Person, credential: Credential) -> Self {
        let Person { user, access, groups, token } = person;
        let session = match &credential {
            Credential::Session(cookie) => Some(cookie.expose_secret().to_owned()),
            Credential::Token(_) => None,
        };
        Self { user, access, groups, token, session, credential }
    }

    /// Who this is now; `None`: nobody any more, or the store does not say.
    pub(crate) async fn again(&self, api: &Api) -> Option<Self> {
        let person = self.credential.person(&api.engine).await.ok()??;
        Some(Self::new(person, self.credential.clone()))
    }

    /// Lets the request go on when the account may do this to everything.
    pub(crate) fn allow(&self, action: Action) -> Result<(), Problem> {
        self.check(action, &Target::Everything, "")
    }

    /// Lets the request go on when the account may do this to something; to what is asked once it is known.
    pub(crate) fn allow_somewhere(&self, action: Action) -> Result<(), Problem> {
        if self.access.anywhere(action) { Ok(()) } else { Err(self.denied(action, self.access.base)) }
    }

    /// Lets the request go on when the account may do this to the app in this environment.
    pub(crate) fn allow_in(&self, action: Action, app: &AppKey, environment: &EnvironmentKey) -> Result<(), Problem> {
        let what = format!("{app} has no release config for {environment}");
        self.check(action, &Target::Place { app, environment }, &what)
    }

    /// Lets the request go on when the account may do this to the app as a whole.
    pub(crate) fn allow_app(&self, action: Action, app: &AppKey) -> Result<(), Problem> {
        self.check(action, &Target::App { app }, &format!("there is no app {app}"))
    }

    /// Lets the request go on when the account may do this to the environment as a whole.
    pub(crate) fn allow_environment(&self, action: Action, environment: &EnvironmentKey) -> Result<(), Problem> {
        self.check(action, &Target::Environment { environment }, &format!("there is no environment {environment}"))
    }

    /// Lets the request go on when the account may do this to the host.
    pub(crate) fn allow_host(&self, action: Action, host: &Host) -> Result<(), Problem> {
        self.check(action, &host_target(host), &format!("there is no host named {}", host.name))
    }

    /// Lets the request go on when the account itself may be changed: a token that leaves less than the account has must
    /// not make itself a way to all of it.
    pub(crate) fn allow_own(&self) -> Result<(), Problem> {
        match &self.token {
            Some(token) if token.limits != TokenLimits::default() => {
                Err(Problem::denied("this token is limited: log in, or use a token without limits, to change accounts"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Lets the request go on when the account may change accounts, groups and grants. Not with a limited token: it could
    /// make itself an account without limits.
    pub(crate) fn allow_people(&self) -> Result<(), Problem> {
        self.allow(Action::ManageUsers)?;
        self.allow_own()
    }

    /// As [`allow`](Self::allow), as a question.
    pub(crate) fn may(&self, action: Action) -> bool {
        self.access.allows(action, &Target::Everything)
    }

    /// As [`allow_in`](Self::allow_in), as a question.
    pub(crate) fn may_in(&self, action: Action, app: &AppKey, environment: &EnvironmentKey) -> bool {
        self.access.allows(action, &Target::Place { app, environment })
    }

    /// As [`allow_app`](Self::allow_app), as a question.
    pub(crate) fn may_app(&self, action: Action, app: &AppKey) -> bool {
        self.access.allows(action, &Target::App { app })
    }

    /// As [`allow_environment`](Self::allow_environment), as a question.
    pub(crate) fn may_environment(&self, action: Action, environment: &EnvironmentKey) -> bool {
        self.access.allows(action, &Target::Environment { environment })
    }

    /// As [`allow_host`](Self::allow_host), as a question.
    pub(crate) fn may_host(&self, action: Action, host: &Host) -> bool {
        self.access.allows(action, &host_target(host))
    }

    /// All that the account may do.
    pub(crate) const fn access(&self) -> &Access {
        &self.access
    }

    /// Names of the account's groups, sorted.
    pub(crate) fn groups(&self) -> &[String] {
        &self.groups
    }

    /// The account's name, as the feed has it.
    pub(crate) fn name(&self) -> &str {
        &self.user.name
    }

    fn check(&self, action: Action, target: &Target<'_>, missing: &str) -> Result<(), Problem> {
        if self.access.allows(action, target) {
            return Ok(());
        }
        let role = self.access.role_on(target);
        if role.is_none() && *target != Target::Everything {
            return Err(Problem::not_found(missing));
        }
        Err(self.denied(action, role))
    }

    /// What is answered to whoever sees the target and may not do this to it.
    pub(crate) fn denied_on(&self, action: Action, target: &Target<'_>) -> Problem {
        self.denied(action, self.access.role_on(target))
    }

    fn denied(&self, action: Action, role: Option<Role>) -> Problem {
        Problem::denied(format!(
            "{} has the role {} here: this needs {} or more. Ask an administrator",
            self.user.name,
            role_word(role),
            least_role(action).as_str()
        ))
    }
}

const fn host_target(host: &Host) -> Target<'_> {
    Target::Host { labels: host.labels.as_slice(), environments: host.environments.as_slice() }
}

impl FromRequestParts<Api> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, api: &Api) -> Result<Self, Problem> {
        if let Some(token) = bearer(&parts.headers) {
            let credential = Credential::Token(token.to_owned().into());
            let person = credential.person(&api.engine).await?.ok_or_else(Problem::unauthenticated)?;
            if let Some(token) = &person.token {
                davit_store::origin::refine(|from| format!("token:{}@{from}", token.name));
            }
            return Ok(Self::new(person, credential));
        }
        let cookie = session_cookie(&parts.headers).ok_or_else(Problem::unauthenticated)?;
        let credential = Credential::Session(cookie.to_owned().into());
        let person = credential.person(&api.engine).await?.ok_or_else(Problem::unauthenticated)?;
        let reads = matches!(parts.method, Method::GET | Method::HEAD);
        if !reads && !parts.headers.contains_key(WRITE_HEADER) {
            return Err(Problem::denied("a change by session cookie needs the header X-Davit-Request: 1"));
        }
        Ok(Self::new(person, credential))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The session cookie of a request.
pub(crate) fn session_cookie(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, COOKIE)
}

/// The cookie of this name.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find_map(|(one, value)| (one == name).then_some(value))
}
