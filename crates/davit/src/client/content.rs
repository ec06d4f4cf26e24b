//! What the server gives as a file: artefacts, recordings, the feed.

use super::Client;
use crate::ending;
use crate::failure::{Exit, Failure};
use reqwest::{Method, Response};
use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use tempfile::{Builder, NamedTempFile};

/// A file on its way.
#[derive(Debug)]
pub(crate) struct Content<'c> {
    client: &'c Client,
    response: Response,
}

impl Client {
    /// Begins to read `/api/v1/<path>` as a file, however long that takes.
    pub(crate) async fn open(&self, path: &[&str], query: &[(&str, String)]) -> Result<Content<'_>, Failure> {
        let response = self.send(self.request(Method::GET, self.url(path, query))).await?;
        Ok(Content { client: self, response })
    }
}

impl Content<'_> {
    /// What the server would have it called: a name, never a path.
    pub(crate) fn name(&self) -> Option<String> {
        let header = self.response.headers().get("content-disposition")?.to_str().ok()?;
        file_name(header)
    }

    /// Writes it.
    pub(crate) async fn copy(mut self, to: &mut impl Write) -> Result<(), Failure> {
        while let Some(bytes) = self.response.chunk().await.map_err(|error| self.client.unreachable(error))? {
            to.write_all(&bytes)?;
        }
        Ok(to.flush()?)
    }

    /// Makes a file of it, which is there whole or not at all. One that is there is only replaced when that is wanted.
    pub(crate) async fn into_file(self, path: &Path, replace: bool) -> Result<(), Failure> {
        let failed = |error: &io::Error| Failure::failed(format!("{} can't be written: {error}", path.display()));
        let taken = || {
            Failure::new(Exit::Failed, format!("{} is there already: nothing was written", path.display()))
                .hint("choose another name, or take that file away")
        };
        if !replace && path.symlink_metadata().is_ok() {
            return Err(taken());
        }
        // A half of it would stay.
        ending::in_order().map_err(|error| failed(&error))?;
        let mut file = beside(path).map_err(|error| failed(&error))?;
        self.copy(&mut file).await?;
        let kept = if replace { file.persist(path) } else { file.persist_noclobber(path) };
        let is_taken = |error: &io::Error| error.kind() == io::ErrorKind::AlreadyExists;
        kept.map(drop).map_err(|kept| if is_taken(&kept.error) { taken() } else { failed(&kept.error) })
    }
}

/// Permissions as of any new file: the umask decides.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Builder::new().prefix(".davit-").permissions(Permissions::from_mode(0o666)).tempfile_in(directory)
}

/// The name in a `Content-Disposition` (RFC 6266), if it is nothing but a name.
fn file_name(header: &str) -> Option<String> {
    let part = |key: &str| {
        let values = header.split(';').filter_map(|part| part.trim().split_once('='));
        values.filter(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, value)| value.trim()).next()
    };
    let encoded = part("filename*").and_then(|value| value.strip_prefix("UTF-8''")).and_then(decoded);
    let name = encoded.or_else(|| part("filename").map(|value| value.trim_matches('"').to_owned()))?;
    // What begins with a dot is hidden, with a dash an option of the next command.
    let is_plain = !name.starts_with(['.', '-']) && !name.contains(['/', '\\']) && !name.chars().any(char::is_control);
    (is_plain && !name.is_empty()).then_some(name)
}

/// A percent-encoded text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16));
            let (high, low) = (digit()?, digit()?);
            bytes.push(u8::try_from(high << 4 | low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn a_name_is_never_a_path() {
        for (header, name) in [
            ("attachment; filename=\"build.tar.gz\"; filename*=UTF-8''build.tar.gz", Some("build.tar.gz")),
            ("attachment; filename=\"__\"; filename*=UTF-8''%E5%8F%91%E5%B8%83.tar.gz", Some("发布.tar.gz")),
            ("attachment; filename=\"terminal-3.cast\"", Some("terminal-3.cast")),
            ("attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd", None),
            ("attachment; filename=\"/etc/passwd\"", None),
            ("attachment; filename=\"..\"", None),
            ("attachment; filename=\".bashrc\"", None),
            ("attachment; filename=\"--checkpoint-action=exec=sh\"", None),
            ("attachment; filename=\"a\\b\"", None),
            ("attachment; filename*=UTF-8''%1B%5D0", None),
            ("attachment; filename*=UTF-8''%zz; filename=\"b\"", Some("b")),
            ("attachment; filename=\"\"", None),
            ("attachment", None),
        ] {
            assert_eq!(file_name(header).as_deref(), name, "{header}");
        }
    }
}
