//! `KEY=VALUE` lines as in a .env file. Nothing is interpolated: a `$` is a `$`.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Why a text is not a list of variables. The message never contains a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct VariableError {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong, and what to write.
    pub message: String,
}

/// Reads `KEY=VALUE` lines, in their order.
///
/// Empty lines and lines that start with `#` say nothing; `export ` before a key is allowed. An unquoted value
/// goes to the end of its line or to a ` #`. A value in single quotes is taken as it is; in double quotes `\n`,
/// `\r`, `\t`, `\"`, `\\` and `\$` are escapes. Both may span lines.
///
/// # Errors
/// The first line that is not a variable, sets one again, or sets one of davit's own (`DAVIT_…`).
pub fn parse(text: &str) -> Result<Vec<(String, String)>, VariableError> {
    let mut cursor = Cursor { rest: text.strip_prefix('\u{feff}').unwrap_or(text), line: 1 };
    let mut variables = Vec::new();
    let mut seen = BTreeSet::new();
    while !cursor.rest.is_empty() {
        let line = cursor.line;
        let fail = |message: String| VariableError { line, message };
        if let Some((key, value)) = cursor.next_variable().map_err(fail)? {
            check_key(&key).map_err(fail)?;
            if !seen.insert(key.clone()) {
                return Err(fail(format!("{key} is set twice: remove one of the two")));
            }
            variables.push((key, value));
        }
    }
    Ok(variables)
}

/// Whether `text` can name an environment variable: a letter or `_`, then letters, digits and `_`.
#[must_use]
pub fn is_name(text: &str) -> bool {
    text.bytes().next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn check_key(key: &str) -> Result<(), String> {
    if key.starts_with("DAVIT_") {
        return Err(format!("{key} can't be set: names that start with DAVIT_ are davit's own"));
    }
    Ok(())
}

struct Cursor<'t> {
    rest: &'t str,
    line: usize,
}

impl<'t> Cursor<'t> {
    /// Reads up to the start of the next line. `None`: there was nothing but a comment.
    fn next_variable(&mut self) -> Result<Option<(String, String)>, String> {
        let first_line = self.rest.lines().next().unwrap_or_default();
        let content = first_line.trim();
        if content.is_empty() || content.starts_with('#') {
            self.take_line();
            return Ok(None);
        }
        let Some((before, _)) = first_line.split_once('=') else {
            return Err("write KEY=VALUE, or # before a comment".to_owned());
        };
        let key = before.trim();
        let key = key.strip_prefix("export").filter(|key| key.starts_with([' ', '\t'])).unwrap_or(key).trim_start();
        if !is_name(key) {
            // What stands before the `=` may be a part of a value that was meant to be quoted: it stays unsaid.
            return Err("a name consists of letters, digits and '_' and does not start with a digit".to_owned());
        }
        self.rest = self.rest[before.len() + 1..].trim_start_matches([' ', '\t']);
        let value = self.value()?;
        if value.contains('\0') {
            return Err(format!("{key} contains a NUL character, which no variable can"));
        }
        Ok(Some((key.to_owned(), value)))
    }

    fn value(&mut self) -> Result<String, String> {
        let value = match self.rest.chars().next() {
            Some('\'') => self.single_quoted()?,
            Some('"') => self.double_quoted()?,
            Some(_) | None => return Ok(without_comment(self.take_line()).to_owned()),
        };
        let after = self.take_line();
        if after.trim().is_empty() || (after.starts_with([' ', '\t']) && after.trim_start().starts_with('#')) {
            return Ok(value);
        }
        Err("there is text after the closing quote: put the whole value in quotes".to_owned())
    }

    fn single_quoted(&mut self) -> Result<String, String> {
        let Some((value, rest)) = self.rest[1..].split_once('\'') else {
            return Err("the closing ' is missing".to_owned());
        };
        self.advance_to(rest);
        Ok(value.to_owned())
    }

    fn double_quoted(&mut self) -> Result<String, String> {
        let mut value = String::new();
        let mut chars = self.rest[1..].chars();
        loop {
            match chars.next() {
                None => return Err("the closing \" is missing".to_owned()),
                Some('"') => break,
                Some('\\') => value.push(match chars.next() {
                    Some('n') => '\n',
                    Some('r') => '\r',
                    Some('t') => '\t',
                    Some(literal @ ('"' | '\\' | '$')) => literal,
                    Some(_) | None => {
                        return Err("in double quotes a \\ starts an escape (\\n \\r \\t \\\" \\\\ \\$): \
                                    write \\\\ for a backslash, or use single quotes"
                            .to_owned());
                    }
                }),
                Some(other) => value.push(other),
            }
        }
        self.advance_to(chars.as_str());
        Ok(value)
    }

    /// The rest of this line, without its end.
    fn take_line(&mut self) -> &'t str {
        let (line, rest) = match self.rest.split_once('\n') {
            Some((line, rest)) => (line, rest),
            None => (self.rest, ""),
        };
        self.rest = rest;
        self.line += 1;
        line.strip_suffix('\r').unwrap_or(line)
    }

    /// Goes on at `rest`, a suffix of what is left.
    fn advance_to(&mut self, rest: &'t str) {
        let passed = &self.rest[..self.rest.len() - rest.len()];
        self.line += passed.matches('\n').count();
        self.rest = rest;
    }
}

/// An unquoted value, up to a `#` that follows white space.
fn without_comment(value: &str) -> &str {
    let mut previous = ' ';
    for (at, character) in value.char_indices() {
        if character == '#' && previous.is_whitespace() {
            return value[..at].trim();
        }
        previous = character;
    }
    value.trim()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<(String, String)> {
        parse(text).expect("variables")
    }

    fn refused(text: &str) -> (usize, String) {
        let error = parse(text).expect_err("an error");
        (error.line, error.message)
    }

    #[test]
    fn a_file_as_people_write_it() {
        let text =
            "# production\n\nA=1\n  export B=two words  # why\nC=\nD = spaced\nE=a#b\nF=#none\r\nG=x=y\nexport=1\n";
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", ""),
            ("D", "spaced"),
            ("E", "a#b"),
            ("F", ""),
            ("G", "x=y"),
            ("export", "1"),
        ];
        assert_eq!(read(text), expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }

    #[test]
    fn quotes_keep_what_is_in_them() {
        let value = |text: &str| read(text).remove(0).1;
        assert_eq!(value(r"A='a\n$B #x'"), r"a\n$B #x");
        assert_eq!(value(r#"A="a\n\"b\" \\ \$C $D #x" # comment"#), "a\n\"b\" \\ $C $D #x");
        assert_eq!(value("A=\"one\ntwo\"\n"), "one\ntwo");
        assert_eq!(value("A='one\ntwo'"), "one\ntwo");
        assert_eq!(value("A=it's"), "it's");
        assert_eq!(value("A=$HOME"), "$HOME");
        assert_eq!(value("A=\"\""), "");
        assert_eq!(read("A=\"1\n2\"\nB=3").len(), 2);
    }

    #[test]
    fn errors_name_their_line() {
        assert_eq!(refused("A=1\nnothing").0, 2);
        assert_eq!(refused("A=\"1\n2\n3\"\n\n1B=2").0, 5);
        assert_eq!(refused("A=1\nB='x\ny\n"), (2, "the closing ' is missing".to_owned()));
        assert_eq!(refused("A=\"x"), (1, "the closing \" is missing".to_owned()));
        assert_eq!(refused("A=1\nB=2\nA=3"), (3, "A is set twice: remove one of the two".to_owned()));
        let own = "DAVIT_ENV can't be set: names that start with DAVIT_ are davit's own";
        assert_eq!(refused("DAVIT_ENV=x"), (1, own.to_owned()));
        for bad in ["=1", "A B=1", "A-B=1", "é=1", "A='x'y", "A='x'#y", r#"A="\q""#, "A=\"x\\", "exportA B=1", "A=\0"]
        {
            assert_eq!(refused(bad).0, 1, "{bad:?}");
        }
    }

    #[test]
    fn messages_never_contain_a_value() {
        for text in ["hunter2", "A='hunter2", "A=\"hunter2\\q\"", "A='x'hunter2", "hun ter2=", "A=1\nA=hunter2"] {
            let (_, message) = refused(text);
            assert!(!message.contains("unter2"), "{text:?}: {message}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(?s).{0,80}") {
            let _ = parse(&text);
        }

        #[test]
        fn text_of_what_matters_is_read_without_panic(text in "[AB= '\"\\\\#n$\n\r]{0,24}") {
            let _ = parse(&text);
        }

        #[test]
        fn a_quoted_value_comes_back(value in "(?s)[^\0]{0,40}") {
            let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
            prop_assert_eq!(read(&format!("A=\"{escaped}\"\nB=1")), [("A".to_owned(), value), ("B".to_owned(), "1".to_owned())]);
        }
    }
}
