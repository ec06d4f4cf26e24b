//! The secrets that a `davit.toml` refers to, as far as the machine that applies it has them.
//!
//! The document itself is the server's to check: what can't be read here is left for it to judge.

use secrecy::SecretString;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use toml::Value;

/// The keys whose value may be `{ env = "…" }` or `{ file = "…" }`.
const SECRET_KEYS: [&str; 15] = [
    "token",
    "webhook_secret",
    "private_key",
    "url",
    "ca",
    "git_key",
    "secret",
    "password",
    "key_secret",
    "signing_secret",
    "app_secret",
    "encrypt_key",
    "verification_token",
    "client_secret",
    "bind_password",
];
/// Bytes of a secret at most. Keys of every kind fit; what is larger was named by mistake.
const MAX_SECRET: u64 = 64 * 1024;

/// What was found of the secrets of a document.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// `env:NAME` or `file:PATH`, as the document writes it, with its value.
    pub(crate) values: BTreeMap<String, SecretString>,
    /// The references without a value here.
    pub(crate) missing: Vec<String>,
}

/// Looks for the secrets of `document`: files beside it, in `directory`, and variables through `env`.
pub(crate) fn find(document: &str, directory: &Path, env: impl Fn(&str) -> Option<String>) -> Found {
    let mut found = Found::default();
    // A document that is no TOML is refused by the server, with the line.
    let Ok(table) = document.parse::<toml::Table>() else { return found };
    let mut references = Vec::new();
    collect(&Value::Table(table), &mut references);
    references.sort_unstable();
    references.dedup();
    for (source, name) in references {
        let value = match source {
            Source::Env => env(&name).filter(|value| !value.is_empty()),
            Source::File => read(&directory.join(&name)),
        };
        let key = format!("{}:{name}", source.as_str());
        match value {
            Some(value) => drop(found.values.insert(key, SecretString::from(value))),
            None => found.missing.push(key),
        }
    }
    found
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    Env,
    File,
}

impl Source {
    const ALL: [Self; 2] = [Self::Env, Self::File];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::File => "file",
        }
    }
}

fn collect(value: &Value, references: &mut Vec<(Source, String)>) {
    match value {
        Value::Table(table) => {
            for (key, value) in table {
                match reference(value) {
                    Some(reference) if SECRET_KEYS.contains(&key.as_str()) => references.push(reference),
                    Some(_) | None => collect(value, references),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, references)),
        Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
    }
}

/// A table with exactly one key, `env` or `file`, and a text.
fn reference(value: &Value) -> Option<(Source, String)> {
    let table = value.as_table().filter(|table| table.len() == 1)?;
    let source = Source::ALL.into_iter().find(|source| table.contains_key(source.as_str()))?;
    Some((source, table.get(source.as_str())?.as_str()?.to_owned()))
}

/// A secret file: text, small. The line end after a token is the editor's; keys of several lines stay as they are.
fn read(path: &Path) -> Option<String> {
    let file = fs::File::open(path).ok().filter(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()))?;
    let mut text = String::new();
    file.take(MAX_SECRET + 1).read_to_string(&mut text).ok()?;
    let line = text.trim_end_matches(['\r', '\n']);
    if line.is_empty() || text.len() as u64 > MAX_SECRET {
        return None;
    }
    Some(if line.contains('\n') { text } else { line.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::find;
    use secrecy::ExposeSecret;
    use std::fs;

    #[test]
    fn finds_variables_and_files_where_secrets_may_stand() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("hook"), "of the hook\n").expect("written");
        fs::write(directory.path().join("key"), "-----BEGIN-----\nabc\n-----END-----\n").expect("written");
        fs::write(directory.path().join("empty"), "\n").expect("written");
        let document = r#"
            [[forge]]
            token = { env = "TOKEN" }
            webhook_secret.file = "hook"
            [[forge]]
            token = { env = "UNSET" }
            webhook_secret = { secret = "stored" }
            [[host]]
            private_key = { file = "key" }
            [[host]]
            private_key = { file = "empty" }
            [[host]]
            private_key = { file = "../no/such" }
            labels = { env = "TOKEN" }
            [[app]]
            repository = { url = "https://example.com/a.git" }
        "#;
        let env = |name: &str| (name == "TOKEN").then(|| "of the forge".to_owned());
        let found = find(document, directory.path(), env);
        let values: Vec<_> = found.values.iter().map(|(key, value)| (key.as_str(), value.expose_secret())).collect();
        let key = "-----BEGIN-----\nabc\n-----END-----\n";
        assert_eq!(values, [("env:TOKEN", "of the forge"), ("file:hook", "of the hook"), ("file:key", key)]);
        assert_eq!(found.missing, ["env:UNSET", "file:../no/such", "file:empty"]);
    }

    #[test]
    fn leaves_a_broken_document_to_the_server() {
        assert!(find("[[forge", std::path::Path::new("."), |_| None).values.is_empty());
    }

    #[test]
    fn reads_no_device_and_nothing_large() {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("large"), vec![b'x'; 70_000]).expect("written");
        for name in ["/dev/zero", "large", "."] {
            let found = find(&format!("token = {{ file = \"{name}\" }}"), directory.path(), |_| None);
            assert_eq!(found.missing, [format!("file:{name}")]);
        }
    }
}
