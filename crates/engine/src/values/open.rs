//! Reading pinned values when a deployment runs: sealed ones are opened, references are followed on this server.

use crate::{Engine, EngineError};
use davit_domain::values::{LONGEST_VALUE, Pinned, PinnedValue, Value, ValueScope, check_file};
use secrecy::{ExposeSecret, SecretString};
use std::path::Path;

/// A value as a program gets it.
pub(crate) struct OpenValue {
    /// Its name.
    pub(crate) name: String,
    /// Its text.
    pub(crate) text: SecretString,
    /// Whether it must be read in no log.
    pub(crate) masked: bool,
}

/// All that a deployment works with.
pub(crate) type OpenValues = Vec<OpenValue>;

impl Engine {
    /// Reads what a request pinned, by name.
    ///
    /// # Errors
    /// `Invalid` when a secret was removed, or a reference leads nowhere; the sentence says what to do, and holds no
    /// value.
    pub(crate) async fn open_values(&self, pinned: &Pinned) -> Result<OpenValues, EngineError> {
        let mut open = Vec::with_capacity(pinned.len());
        for (name, PinnedValue { value, from }) in pinned {
            let (text, masked) = match value {
                Value::Plain { text } => (SecretString::from(text.clone()), false),
                Value::Secret { .. } => (self.open_secret(name, from).await?, true),
                Value::Env { name: variable } => (from_environment(name, variable)?, true),
                Value::File { path } => (self.open_file(name, path).await?, true),
            };
            open.push(OpenValue { name: name.clone(), text, masked });
        }
        Ok(open)
    }

    /// What tells a value from another of its name: itself, or the fingerprint of what nobody may read.
    pub(crate) fn mark(&self, value: &OpenValue) -> String {
        if value.masked {
            format!("masked {}", self.sealer().fingerprint(&value.text))
        } else {
            format!("plain {}", value.text.expose_secret())
        }
    }

    async fn open_secret(&self, name: &str, from: &str) -> Result<SecretString, EngineError> {
        let scope: ValueScope = from.parse().map_err(EngineError::Unavailable)?;
        let key = scope.secret_key(name);
        let sealed = self.store().secret(&key).await?.ok_or_else(|| {
            EngineError::Invalid(format!(
                "the secret value {name} of {} was removed since this was asked for: set it again, or ask anew",
                scope.in_words()
            ))
        })?;
        self.sealer().open(&key, &sealed)
    }

    async fn open_file(&self, name: &str, path: &str) -> Result<SecretString, EngineError> {
        read_file(path, &[self.data_dir(), self.sealer().file()])
            .await
            .map_err(|problem| EngineError::Invalid(format!("the value {name} can't be read: {problem}")))
    }
}

fn from_environment(name: &str, variable: &str) -> Result<SecretString, EngineError> {
    let found = if variable.starts_with("DAVIT_") { None } else { std::env::var(variable).ok() };
    found.map(SecretString::from).ok_or_else(|| {
        EngineError::Invalid(format!(
            "the value {name} is read from the variable {variable} of the server, which does not have it: start the \
             server with it, or set the value otherwise"
        ))
    })
}

/// Reads a file of one value: an ordinary one, small, a text, and nothing that davit itself keeps (`own`). Links are
/// followed first, so that none leads around that.
async fn read_file(path: &str, own: &[&Path]) -> Result<SecretString, String> {
    check_file(path)?;
    let unreadable = |error: std::io::Error| format!("{path}: {error}");
    let real = tokio::fs::canonicalize(path).await.map_err(unreadable)?;
    check_file(real.to_str().unwrap_or_default())?;
    if own.iter().any(|own| real.starts_with(own.canonicalize().as_deref().unwrap_or(own))) {
        return Err(format!("{path} is one of davit's own files: put the value into another one"));
    }
    let metadata = tokio::fs::metadata(&real).await.map_err(unreadable)?;
    if !metadata.is_file() || metadata.len() > LONGEST_VALUE as u64 {
        return Err(format!("{path} is not an ordinary file of at most {LONGEST_VALUE} bytes"));
    }
    let text = SecretString::from(tokio::fs::read_to_string(&real).await.map_err(unreadable)?);
    // The line end after a token is the editor's; keys of several lines stay as they are.
    let line = text.expose_secret().trim_end_matches(['\r', '\n']);
    if line.contains('\0') {
        return Err(format!("{path} contains a NUL character, which no variable can"));
    }
    Ok(if line.contains('\n') { text } else { SecretString::from(line.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(path: &Path, own: &Path) -> Result<String, String> {
        let path = path.to_str().expect("a text");
        read_file(path, &[own]).await.map(|text| text.expose_secret().to_owned())
    }

    #[tokio::test]
    async fn files_are_small_texts_and_none_of_davits_own() {
        let directory = tempfile::tempdir().expect("a directory");
        let root = directory.path().canonicalize().expect("it is there");
        let own = root.join("data");
        std::fs::create_dir(&own).expect("made");
        let write = |name: &str, bytes: &[u8]| std::fs::write(root.join(name), bytes).expect("written");
        write("token", b"geheim\r\n");
        write("key", b"-----BEGIN-----\nabc\n");
        write("large", &vec![b'x'; LONGEST_VALUE + 1]);
        write("binary", &[0xff, 0xfe]);
        write("data/master.key", b"key");
        std::os::unix::fs::symlink(own.join("master.key"), root.join("link")).expect("linked");
        std::os::unix::fs::symlink("/proc/self/environ", root.join("environ")).expect("linked");
        assert_eq!(read(&root.join("token"), &own).await.as_deref(), Ok("geheim"));
        assert_eq!(read(&root.join("key"), &own).await.as_deref(), Ok("-----BEGIN-----\nabc\n"));
        for name in ["large", "binary", "link", "environ", "data/master.key", "data", "none", "data/../token"] {
            let problem = read(&root.join(name), &own).await.expect_err(name);
            assert!(!problem.contains("geheim"), "{problem}");
        }
    }

    #[test]
    fn the_servers_own_settings_are_no_values() {
        assert!(from_environment("A", "DAVIT_DATABASE_URL").is_err());
        assert!(from_environment("A", "NO_SUCH_VARIABLE_OF_THIS_TEST").is_err());
        assert!(from_environment("A", "PATH").is_ok());
    }
}
