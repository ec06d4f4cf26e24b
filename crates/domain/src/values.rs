//! Values: what hooks and actions find in their environment, written once for every app, for an app, or for an app in
//! an environment.
//!
//! The most specific scope wins ([`effective`]). A request pins what is effective when it is made ([`Pinned`]): plain
//! values as they are, of everything else only where it is read when the deployment runs. Does not live here: reading
//! secrets, and sealing them.

use crate::ids::{AppKey, EnvironmentKey};
use crate::variables;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

/// Bytes of one value at most: what one variable of a process may hold nearly everywhere.
pub const LONGEST_VALUE: usize = 64 * 1024;
/// Values of one scope at most.
pub const MOST_VALUES: usize = 500;

/// Where a value holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ValueScope {
    /// For every app.
    Global,
    /// For an app, wherever it is released.
    App(AppKey),
    /// For an app in an environment.
    Place(AppKey, EnvironmentKey),
}

impl ValueScope {
    /// The scopes that an app in an environment takes values from, the most general first.
    #[must_use]
    pub fn of_place(app: &AppKey, environment: &EnvironmentKey) -> [Self; 3] {
        [Self::Global, Self::App(app.clone()), Self::Place(app.clone(), environment.clone())]
    }

    /// This scope and those that it inherits from, the most general first.
    #[must_use]
    pub fn with_inherited(&self) -> Vec<Self> {
        match self {
            Self::Global => vec![Self::Global],
            Self::App(app) => vec![Self::Global, Self::App(app.clone())],
            Self::Place(app, environment) => Self::of_place(app, environment).to_vec(),
        }
    }

    /// `global`, `app` or `environment`.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::App(_) => "app",
            Self::Place(_, _) => "environment",
        }
    }

    /// The app, where there is one.
    #[must_use]
    pub const fn app(&self) -> Option<&AppKey> {
        match self {
            Self::Global => None,
            Self::App(app) | Self::Place(app, _) => Some(app),
        }
    }

    /// The environment, where there is one.
    #[must_use]
    pub const fn environment(&self) -> Option<&EnvironmentKey> {
        match self {
            Self::Global | Self::App(_) => None,
            Self::Place(_, environment) => Some(environment),
        }
    }

    /// How sentences name it.
    #[must_use]
    pub fn in_words(&self) -> String {
        match self {
            Self::Global => "every app".to_owned(),
            Self::App(app) => app.to_string(),
            Self::Place(app, environment) => format!("{app} in {environment}"),
        }
    }

    /// The key under which a secret value of this scope is sealed.
    #[must_use]
    pub fn secret_key(&self, key: &str) -> String {
        format!("value:{self}:{key}")
    }
}

/// `all`, `app:shop` or `app:shop@production`: the stored form.
impl fmt::Display for ValueScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("all"),
            Self::App(app) => write!(f, "app:{app}"),
            Self::Place(app, environment) => write!(f, "app:{app}@{environment}"),
        }
    }
}

impl FromStr for ValueScope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a scope of values: write all, app:APP or app:APP@ENVIRONMENT");
        if text == "all" {
            return Ok(Self::Global);
        }
        let place = text.strip_prefix("app:").ok_or_else(wrong)?;
        match place.split_once('@') {
            None => Ok(Self::App(place.parse().map_err(|_| wrong())?)),
            Some((app, environment)) => {
                Ok(Self::Place(app.parse().map_err(|_| wrong())?, environment.parse().map_err(|_| wrong())?))
            }
        }
    }
}

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Value {
    /// A text that everybody who may look at values reads.
    Plain {
        /// It.
        text: String,
    },
    /// Sealed apart from here, under [`ValueScope::secret_key`]; never shown again.
    Secret {
        /// The revision of its scope that set it: another number is another secret.
        since: i64,
    },
    /// An environment variable of the server, read when a deployment runs.
    Env {
        /// Its name.
        name: String,
    },
    /// A file on the server, read when a deployment runs.
    File {
        /// Its absolute path.
        path: String,
    },
}

impl Value {
    /// `plain`, `secret`, `env` or `file`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Plain { .. } => "plain",
            Self::Secret { .. } => "secret",
            Self::Env { .. } => "env",
            Self::File { .. } => "file",
        }
    }

    /// What may be shown of it: a text, or where it is read. `None` for a secret.
    #[must_use]
    pub fn shown(&self) -> Option<&str> {
        match self {
            Self::Plain { text } => Some(text),
            Self::Secret { .. } => None,
            Self::Env { name } => Some(name),
            Self::File { path } => Some(path),
        }
    }
}

/// A value, and who set it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Set {
    /// What it is.
    #[serde(flatten)]
    pub value: Value,
    /// Who set it last.
    pub by: String,
    /// When: milliseconds since 1970.
    pub at: i64,
}

/// The values of one scope, by their names.
pub type Values = BTreeMap<String, Set>;

/// Whether a name can be a value's.
///
/// # Errors
/// The sentence that says what a name is.
pub fn check_name(name: &str) -> Result<(), String> {
    if !variables::is_name(name) || name.len() > 128 {
        return Err(format!(
            "{:?} can't be the name of a value: it has letters, digits and '_', does not start with a digit, and is at \
             most 128 characters long",
            name.chars().take(80).collect::<String>()
        ));
    }
    if name.starts_with("DAVIT_") {
        return Err(format!("{name} can't be set: names that start with DAVIT_ are davit's own"));
    }
    Ok(())
}

/// Whether a variable of this name says what a program runs: a shell, git, the loader, an interpreter. Steps of the server
/// have it in their environment, too, and they run as davit.
#[must_use]
pub fn is_steering(name: &str) -> bool {
    const NAMES: [&str; 24] = [
        "BASH_ENV",
        "BASHOPTS",
        "CDPATH",
        "CLASSPATH",
        "EDITOR",
        "ENV",
        "GCONV_PATH",
        "HOME",
        "IFS",
        "JAVA_TOOL_OPTIONS",
        "LESSOPEN",
        "MAKEFLAGS",
        "NODE_OPTIONS",
        "NODE_PATH",
        "PAGER",
        "PATH",
        "PROMPT_COMMAND",
        "PS4",
        "RUBYLIB",
        "RUBYOPT",
        "SHELL",
        "SHELLOPTS",
        "VISUAL",
        "ZDOTDIR",
    ];
    const BEGINNINGS: [&str; 8] = ["BASH_FUNC_", "CARGO_", "DYLD_", "GIT_", "LD_", "NPM_CONFIG_", "PERL5", "PYTHON"];
    let name = name.to_ascii_uppercase();
    NAMES.contains(&name.as_str()) || BEGINNINGS.iter().any(|beginning| name.starts_with(beginning))
}

/// Whether a text can be the content of a value.
///
/// # Errors
/// The sentence that says why not; never the text.
pub fn check_text(name: &str, text: &str) -> Result<(), String> {
    if text.contains('\0') {
        return Err(format!("{name} contains a NUL character, which no variable can"));
    }
    if text.len() > LONGEST_VALUE {
        return Err(format!("{name} is too long: a value has at most {LONGEST_VALUE} bytes"));
    }
    Ok(())
}

/// Whether a path can be one that a value is read from: absolute, without detours, and of no special file system.
///
/// # Errors
/// The sentence that says what to write.
pub fn check_file(path: &str) -> Result<(), String> {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let is_straight = path.starts_with('/') && parts.iter().all(|part| !matches!(*part, "" | "." | ".."));
    if !is_straight || path.chars().any(char::is_control) || path.len() > 4096 {
        return Err(format!("{path:?} is not an absolute path without \".\", \"..\" and \"//\""));
    }
    if matches!(parts.first(), Some(&"proc" | &"sys" | &"dev")) {
        return Err(format!("{path:?} is not a file that holds a value: /proc, /sys and /dev are left alone"));
    }
    Ok(())
}

/// An effective value and the scope it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    /// It.
    pub set: Set,
    /// Where it is set.
    pub from: ValueScope,
    /// Whether a more general scope has one of this name too.
    pub overrides: bool,
}

/// What holds, of scopes from the most general to the most specific.
#[must_use]
pub fn effective(scopes: impl IntoIterator<Item = (ValueScope, Values)>) -> BTreeMap<String, Effective> {
    let mut all = BTreeMap::<String, Effective>::new();
    for (scope, values) in scopes {
        for (name, set) in values {
            let overrides = all.contains_key(&name);
            all.insert(name, Effective { set, from: scope.clone(), overrides });
        }
    }
    all
}

/// One effective value, as a request keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PinnedValue {
    /// What it is.
    #[serde(flatten)]
    pub value: Value,
    /// [`ValueScope`] it comes from, as text.
    pub from: String,
}

/// What a request keeps of the values that were effective when it was made.
pub type Pinned = BTreeMap<String, PinnedValue>;

/// What to keep.
#[must_use]
pub fn pin(effective: BTreeMap<String, Effective>) -> Pinned {
    let pinned = |found: Effective| PinnedValue { value: found.set.value, from: found.from.to_string() };
    effective.into_iter().map(|(name, found)| (name, pinned(found))).collect()
}

/// What became of one value between two states of a scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValueChange {
    /// Its name.
    pub key: String,
    /// `set`, `changed` or `removed`.
    pub change: &'static str,
    /// What kind it was.
    pub before_kind: Option<&'static str>,
    /// What kind it is.
    pub after_kind: Option<&'static str>,
    /// What may be shown of what was there.
    pub before: Option<String>,
    /// What may be shown of what is there.
    pub after: Option<String>,
}

/// What differs between two states of a scope, by name. Who set a value when makes no difference.
#[must_use]
pub fn difference(before: &Values, after: &Values) -> Vec<ValueChange> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let change = |name: &String| {
        let (old, new) = (before.get(name).map(|set| &set.value), after.get(name).map(|set| &set.value));
        let change = match (old, new) {
            (Some(old), Some(new)) if old == new => return None,
            (Some(_), Some(_)) => "changed",
            (None, Some(_)) => "set",
            (Some(_), None) => "removed",
            (None, None) => return None,
        };
        let shown = |value: Option<&Value>| value.and_then(Value::shown).map(str::to_owned);
        Some(ValueChange {
            key: name.clone(),
            change,
            before_kind: old.map(Value::kind),
            after_kind: new.map(Value::kind),
            before: shown(old),
            after: shown(new),
        })
    };
    names.into_iter().filter_map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(text: &str) -> Set {
        Set { value: Value::Plain { text: text.into() }, by: "ana".into(), at: 1 }
    }

    fn secret(since: i64) -> Set {
        Set { value: Value::Secret { since }, by: "ana".into(), at: since }
    }

    fn values<const N: usize>(pairs: [(&str, Set); N]) -> Values {
        pairs.into_iter().map(|(name, set)| (name.to_owned(), set)).collect()
    }

    fn place() -> [ValueScope; 3] {
        ValueScope::of_place(&"shop".parse().expect("a key"), &"production".parse().expect("a key"))
    }

    #[test]
    fn scopes_come_back_from_their_text() {
        for scope in place() {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        for text in ["", "app:", "app:A@", "app:shop@x@y", "shop", "app:../x"] {
            assert!(text.parse::<ValueScope>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_most_specific_scope_wins() {
        let [all, app, here] = place();
        let found = effective([
            (all.clone(), values([("A", plain("1")), ("B", plain("1")), ("C", plain("1"))])),
            (app.clone(), values([("B", plain("2")), ("C", secret(4))])),
            (here.clone(), values([("C", plain("3")), ("D", plain("3"))])),
        ]);
        let seen: Vec<_> = found
            .iter()
            .map(|(name, found)| (name.as_str(), found.set.value.shown(), &found.from, found.overrides))
            .collect();
        assert_eq!(
            seen,
            [
                ("A", Some("1"), &all, false),
                ("B", Some("2"), &app, true),
                ("C", Some("3"), &here, true),
                ("D", Some("3"), &here, false)
            ]
        );
    }

    #[test]
    fn a_difference_shows_no_secret() {
        let before = values([("A", plain("1")), ("B", plain("b")), ("S", secret(1)), ("T", secret(1))]);
        let after = values([("A", plain("2")), ("C", plain("c")), ("S", secret(2)), ("T", secret(1))]);
        let seen: Vec<_> = difference(&before, &after)
            .into_iter()
            .map(|change| (change.key, change.change, change.before, change.after))
            .collect();
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            seen,
            [
                ("A".to_owned(), "changed", text("1"), text("2")),
                ("B".to_owned(), "removed", text("b"), None),
                ("C".to_owned(), "set", None, text("c")),
                ("S".to_owned(), "changed", None, None)
            ]
        );
    }

    #[test]
    fn what_says_what_programs_run_is_known() {
        for name in ["PATH", "BASH_ENV", "LD_PRELOAD", "GIT_SSH_COMMAND", "npm_config_script_shell", "PERL5OPT"] {
            assert!(is_steering(name), "{name}");
        }
        for name in ["PATHS", "TOKEN", "APP_ENV", "NODE_ENV", "GITHUB_TOKEN"] {
            assert!(!is_steering(name), "{name}");
        }
    }

    #[test]
    fn names_texts_and_paths_are_checked() {
        assert!(check_name("A_1").is_ok() && check_name("_x").is_ok());
        for name in ["", "1A", "A-B", "DAVIT_ENV", "é", "A B", "A=", &"A".repeat(129)] {
            assert!(check_name(name).is_err(), "{name}");
        }
        assert!(check_text("A", "two\nlines").is_ok());
        assert!(check_text("A", "\0").is_err() && check_text("A", &"x".repeat(LONGEST_VALUE + 1)).is_err());
        assert!(check_file("/etc/davit/key").is_ok());
        for path in [
            "",
            "key",
            "./key",
            "/etc/../root/key",
            "/etc//key",
            "/a/./b",
            "/a/",
            "/proc/self/environ",
            "/dev/zero",
            "/a\nb",
        ] {
            assert!(check_file(path).is_err(), "{path}");
        }
    }
}
