//! Who asks, and whom: `DAVIT_URL` and `DAVIT_TOKEN`, else what `davit login` stored.
//!
//! A stored token goes to the address that it was stored with and to no other.

use super::DEFAULT_URL;
use crate::failure::Failure;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::env;
use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A server and the token for it.
#[derive(Debug, Clone)]
pub(crate) struct Access {
    /// The server's address.
    pub(crate) url: String,
    /// The token; `None`: nobody is logged in.
    pub(crate) token: Option<SecretString>,
}

/// `login.toml`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    url: String,
    token: String,
}

/// What the environment says, completed by the stored login.
pub(crate) fn access() -> Result<Access, Failure> {
    let (url, token) = (variable("DAVIT_URL")?, variable("DAVIT_TOKEN")?.map(SecretString::from));
    if let (Some(url), Some(token)) = (&url, &token) {
        return Ok(Access { url: url.clone(), token: Some(token.clone()) });
    }
    Ok(complete(url, token, stored()?))
}

/// Keeps a login for the commands to come. Returns the file, which its owner alone can read.
pub(crate) fn store(access: &Access) -> Result<PathBuf, Failure> {
    let path = path()?;
    write(&path, access).map_err(|error| {
        Failure::failed(format!("the login can't be stored in {}: {error}", path.display()))
            .hint("set DAVIT_URL and DAVIT_TOKEN instead")
    })?;
    Ok(path)
}

/// A variable that is set to something.
pub(crate) fn variable(name: &str) -> Result<Option<String>, Failure> {
    match env::var(name) {
        Ok(value) => Ok(Some(value).filter(|value| !value.is_empty())),
        Err(env::VarError::NotPresent) => Ok(None),
        Err(env::VarError::NotUnicode(_)) => Err(Failure::usage(format!("{name} is not text"))),
    }
}

fn complete(url: Option<String>, token: Option<SecretString>, stored: Option<Stored>) -> Access {
    let Some(stored) = stored else {
        return Access { url: url.unwrap_or_else(|| DEFAULT_URL.to_owned()), token };
    };
    let same = url.as_ref().is_none_or(|url| url.trim_end_matches('/') == stored.url.trim_end_matches('/'));
    let kept = same.then(|| SecretString::from(stored.token));
    Access { url: url.unwrap_or(stored.url), token: token.or(kept) }
}

/// Takes the stored login away; what it was, where there was one.
pub(crate) fn forget() -> Result<Option<Access>, Failure> {
    let Some(kept) = stored()? else { return Ok(None) };
    let path = path()?;
    fs::remove_file(&path).map_err(|error| Failure::failed(format!("{} can't be removed: {error}", path.display())))?;
    Ok(Some(Access { url: kept.url, token: None }))
}

fn stored() -> Result<Option<Stored>, Failure> {
    // Without a home there is no stored login either.
    let Ok(path) = path() else { return Ok(None) };
    let refuse = |why: String, hint: String| Err(Failure::usage(format!("{} {why}", path.display())).hint(hint));
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return refuse(format!("can't be read: {error}"), "davit login".to_owned()),
    };
    let open = fs::metadata(&path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0);
    if open {
        return refuse("can be read by others".to_owned(), format!("chmod 600 {}", path.display()));
    }
    // The parser's own message quotes the line, which may be the token's.
    match toml::from_str(&text) {
        Ok(stored) => Ok(Some(stored)),
        Err(_) => refuse("is not a stored login".to_owned(), "davit login".to_owned()),
    }
}

/// Writes beside the file and renames: another `davit` sees the old login or the new one.
fn write(path: &Path, access: &Access) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let token = access.token.as_ref().map(ExposeSecret::expose_secret).unwrap_or_default();
    let stored = Stored { url: access.url.clone(), token: token.to_owned() };
    let text = toml::to_string(&stored).map_err(io::Error::other)?;
    // Made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

fn path() -> Result<PathBuf, Failure> {
    let base = match variable("XDG_CONFIG_HOME")? {
        // The specification says to ignore relative ones.
        Some(base) if Path::new(&base).is_absolute() => PathBuf::from(base),
        Some(_) | None => env::home_dir()
            .filter(|home| !home.as_os_str().is_empty())
            .ok_or_else(|| {
                Failure::usage("there is no home directory to keep a login in").hint("set DAVIT_URL and DAVIT_TOKEN")
            })?
            .join(".config"),
    };
    Ok(base.join("davit").join("login.toml"))
}

#[cfg(test)]
mod tests {
    use super::{Access, Stored, complete};
    use secrecy::{ExposeSecret, SecretString};

    fn facts(access: &Access) -> (&str, Option<&str>) {
        (&access.url, access.token.as_ref().map(ExposeSecret::expose_secret))
    }

    fn stored() -> Option<Stored> {
        Some(Stored { url: "https://a.example/".to_owned(), token: "kept".to_owned() })
    }

    #[test]
    fn the_environment_wins() {
        let url = || Some("https://a.example".to_owned());
        let access = complete(url(), Some(SecretString::from("given")), stored());
        assert_eq!(facts(&access), ("https://a.example", Some("given")));
        assert_eq!(facts(&complete(url(), None, stored())), ("https://a.example", Some("kept")));
        assert_eq!(facts(&complete(None, None, stored())), ("https://a.example/", Some("kept")));
        assert_eq!(facts(&complete(None, None, None)), (super::DEFAULT_URL, None));
    }

    #[test]
    fn a_stored_token_goes_nowhere_else() {
        let access = complete(Some("https://b.example".to_owned()), None, stored());
        assert_eq!(facts(&access), ("https://b.example", None));
    }
}
