//! What an operation needs, as the document has it in `x-needs`.

use crate::schema;
use davit_domain::access::Role;

/// Who has to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Anybody,
    /// By session or token.
    Account,
    /// By session, or a token without limits.
    Unlimited,
    /// Not by a token.
    Session,
}

/// All that the document says.
#[derive(Debug)]
pub(super) struct Needs {
    pub(super) who: Who,
    /// The least role; `None`: none is needed.
    pub(super) role: Option<Role>,
    /// The word for where it has to be held.
    pub(super) held: Option<String>,
}

impl Needs {
    /// Panics when there is no such operation, or nothing is said of it.
    pub(super) fn of(method: &str, path: &str) -> Self {
        let (.., operation) = schema::operations()
            .find(|(known_method, known, _)| known_method == method && *known == path)
            .unwrap_or_else(|| panic!("{method} {path} is not in the document"));
        let needs = &operation["x-needs"];
        let who = match needs["who"].as_str().unwrap() {
            "anybody" => Who::Anybody,
            "account" => Who::Account,
            "unlimited" => Who::Unlimited,
            "session" => Who::Session,
            other => panic!("{other} is not somebody"),
        };
        let schemes = operation["security"].as_array().unwrap();
        let by_token = schemes.iter().any(|scheme| !scheme["token"].is_null());
        let by_session = schemes.iter().any(|scheme| !scheme["session"].is_null());
        let expected = match who {
            Who::Anybody => (false, false),
            Who::Account | Who::Unlimited => (true, true),
            Who::Session => (false, true),
        };
        assert_eq!((by_token, by_session), expected, "{method} {path}: x-needs and security say the same");
        let role = needs["role"].as_str().map(|role| role.parse().unwrap());
        Self { who, role, held: needs["where"].as_str().map(str::to_owned) }
    }
}
