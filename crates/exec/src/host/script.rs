//! Shell programs for a host: fixed texts from `scripts/`, with values set before them.

use crate::quote;

/// Functions that several programs use.
const COMMON: &str = include_str!("scripts/common.sh");
/// Functions of the programs that look at the files of a release.
pub(super) const TREE: &str = include_str!("scripts/tree.sh");
/// See [`super::Host::switch`].
pub(super) const SWITCH: &str = include_str!("scripts/switch.sh");
/// See [`super::Host::unlink_live`].
pub(super) const UNLINK: &str = include_str!("scripts/unlink.sh");
/// See [`super::Host::releases`].
pub(super) const LIST: &str = include_str!("scripts/list.sh");
/// See [`super::Host::remove_releases`].
pub(super) const REMOVE: &str = include_str!("scripts/remove.sh");
/// A program: values, then functions, then the fixed text. Bytes, because file names are.
pub(super) struct Script {
    values: Vec<u8>,
    texts: Vec<&'static str>,
}

impl Script {
    /// Reads the whole of standard input and runs it. Names no value. `exec`, so that the login shell gets out of
    /// the way of exit status and signals.
    pub(super) const COMMAND: &str = r#"exec sh -c 'eval "$(cat)"'"#;

    /// Reads the first `length` bytes and runs them; what follows on standard input is the program's.
    /// One byte a read where `dd` knows no better way not to read too much.
    pub(super) fn command_for_prefix(length: usize) -> String {
        let (whole, bytewise) = (format!("dd bs={length} count=1 iflag=fullblock"), format!("dd bs=1 count={length}"));
        format!(r#"exec sh -c 'eval "$({whole} 2>/dev/null || {bytewise} 2>/dev/null)"'"#)
    }

    /// A program that replies.
    pub(super) fn new(body: &'static str) -> Self {
        Self { values: Vec::new(), texts: vec![COMMON, body] }
    }

    /// A program without the common functions, and without their locale and umask.
    pub(super) fn bare(body: &'static str) -> Self {
        Self { values: Vec::new(), texts: vec![body] }
    }

    /// Puts functions before the last text.
    pub(super) fn with(mut self, functions: &'static str) -> Self {
        self.texts.insert(self.texts.len().saturating_sub(1), functions);
        self
    }

    /// Sets a shell variable.
    pub(super) fn set(&mut self, name: &'static str, value: impl AsRef<[u8]>) -> &mut Self {
        self.values.extend_from_slice(name.as_bytes());
        self.values.push(b'=');
        self.values.extend(quote::sh(value));
        self.values.push(b'\n');
        self
    }

    /// Defines `name`, a function that calls its argument once a row with the row's words.
    pub(super) fn calls<'a>(&mut self, name: &'static str, rows: impl Iterator<Item = Vec<&'a [u8]>>) -> &mut Self {
        self.values.extend_from_slice(format!("{name}() {{\n:\n").as_bytes());
        for row in rows {
            self.values.extend_from_slice(br#""$1""#);
            for word in row {
                self.values.push(b' ');
                self.values.extend(quote::sh(word));
            }
            self.values.push(b'\n');
        }
        self.values.extend_from_slice(b"}\n");
        self
    }

    /// Defines `name`, a function that exports variables. Their names are checked by the caller.
    pub(super) fn exports(&mut self, name: &'static str, variables: &[(String, String)]) -> &mut Self {
        self.values.extend_from_slice(format!("{name}() {{\n:\n").as_bytes());
        for (variable, value) in variables {
            self.values.extend_from_slice(format!("export {variable}=").as_bytes());
            self.values.extend(quote::sh(value));
            self.values.push(b'\n');
        }
        self.values.extend_from_slice(b"}\n");
        self
    }

    /// The whole program.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        let mut program = self.values;
        self.texts.iter().for_each(|text| program.extend_from_slice(text.as_bytes()));
        program
    }
}
