//! What each operation of the API needs: an account or none, a token or a session, which role, and where it is held.
//!
//! [`table`] is written down once: the OpenAPI document and the reference say it, and a test calls every operation as
//! everybody to see that it is so. Deciding is not done here: each handler lets its caller on, or not.

mod table;

use crate::auth::COOKIE;
use crate::document::operations;
use davit_domain::access::{Action, least_role};
use serde_json::json;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, OpenApi, RefOr};

/// The extension of an operation that says it.
pub(crate) const NEEDS: &str = "x-needs";

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    who: Who,
    /// What has to be allowed, and on what; `None`: nothing, and the answer is about what the caller sees or is.
    role: Option<(Action, Held)>,
}

/// Who has to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    /// Whoever comes.
    Anybody,
    /// An account, by its session or a token.
    Account,
    /// An account, by its session or a token that leaves it all that it may do.
    Unlimited,
    /// An account by its session: a token can't.
    Session,
}

impl Who {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Anybody, Self::Account, Self::Unlimited, Self::Session];

    /// The word of the document.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Anybody => "anybody",
            Self::Account => "account",
            Self::Unlimited => "unlimited",
            Self::Session => "session",
        }
    }
}

/// Where the role has to be held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Held {
    /// On everything.
    Everything,
    /// On the app as a whole.
    App,
    /// On the app as a whole, or in one of its environments.
    PartOfApp,
    /// On the app in the environment.
    Place,
    /// On the environment as a whole.
    Environment,
    /// On anything in the environment.
    PartOfEnvironment,
    /// On the environment as a whole, or on the app in it when it is about one app.
    Lock,
    /// On the host.
    Host,
    /// On everything, or on an app whose repository it is.
    Repository,
    /// On everything, or on an app whose repository is at the forge.
    Forge,
    /// On what the values belong to: everything, an app, or an app in an environment.
    Values,
    /// Anywhere; more is not done or shown than there.
    Anywhere,
}

impl Held {
    /// All of them.
    pub(crate) const ALL: [Self; 12] = [
        Self::Everything,
        Self::App,
        Self::PartOfApp,
        Self::Place,
        Self::Environment,
        Self::PartOfEnvironment,
        Self::Lock,
        Self::Host,
        Self::Repository,
        Self::Forge,
        Self::Values,
        Self::Anywhere,
    ];

    /// The word of the document.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Everything => "everything",
            Self::App => "app",
            Self::PartOfApp => "part_of_app",
            Self::Place => "app_in_environment",
            Self::Environment => "environment",
            Self::PartOfEnvironment => "part_of_environment",
            Self::Lock => "environment_or_app_in_it",
            Self::Host => "host",
            Self::Repository => "repository",
            Self::Forge => "forge",
            Self::Values => "values",
            Self::Anywhere => "anywhere",
        }
    }
}

/// Writes into the document what each operation needs.
pub(crate) fn describe(document: &mut OpenApi) {
    let components = document.components.get_or_insert_with(Components::new);
    let token = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let session = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(
        COOKIE,
        "Made by logging in. What is not GET or HEAD needs the header `X-Davit-Request: 1` as well.",
    )));
    components.security_schemes.insert("token".to_owned(), RefOr::T(token));
    components.security_schemes.insert("session".to_owned(), RefOr::T(session));
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            if let Some(needs) = of(method, path) {
                needs.write(operation);
            }
        }
    }
}

fn of(method: &str, path: &str) -> Option<Needs> {
    let path = path.strip_prefix("/api/v1")?;
    let row = table::ALL.iter().find(|(known_method, known, _)| *known_method == method && *known == path);
    row.map(|(.., needs)| *needs)
}

impl Needs {
    /// The names of schemes may have roles with them (OpenAPI 3.1); where a role is held goes beyond that.
    fn write(self, operation: &mut Operation) {
        let roles: Vec<&str> = self.role.iter().map(|(action, _)| least_role(*action).as_str()).collect();
        let by = |scheme: &str| SecurityRequirement::new(scheme, roles.clone());
        operation.security = Some(match self.who {
            Who::Anybody => Vec::new(),
            Who::Account | Who::Unlimited => vec![by("token"), by("session")],
            Who::Session => vec![by("session")],
        });
        let mut needs = json!({ "who": self.who.word() });
        if let Some((action, held)) = self.role {
            needs["role"] = json!(least_role(action).as_str());
            needs["where"] = json!(held.word());
        }
        operation.extensions.get_or_insert_with(Extensions::default).insert(NEEDS.to_owned(), needs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_of_an_operation() {
        let document = serde_json::to_value(crate::openapi()).expect("JSON");
        for (method, path, _) in table::ALL {
            let operation = &document["paths"][format!("/api/v1{path}")][method.to_lowercase()];
            assert!(operation.is_object(), "{method} {path} is not served: its row is left over");
            let rows = table::ALL.iter().filter(|row| (row.0, row.1) == (*method, *path));
            assert_eq!(rows.count(), 1, "{method} {path} has more than one row");
        }
    }

    #[test]
    fn every_place_is_one_that_some_operation_has() {
        for held in Held::ALL {
            assert!(table::ALL.iter().any(|(.., needs)| needs.role.is_some_and(|(_, at)| at == held)), "{held:?}");
        }
        for (method, path, needs) in table::ALL {
            assert!(Who::ALL.contains(&needs.who), "{method} {path}: {:?} is not among all", needs.who);
            assert!(needs.role.is_none_or(|(_, at)| Held::ALL.contains(&at)), "{method} {path}: {:?}", needs.role);
        }
    }
}
