//! The files that a step writes to tell the job something: `GITHUB_OUTPUT`, `GITHUB_ENV`, `GITHUB_PATH`,
//! `GITHUB_STEP_SUMMARY` and `GITHUB_STATE`.
//!
//! What is wrong in them is said with the line and never with the text: that may be a secret.

/// Bytes of one such file.
pub(crate) const MOST_BYTES: u64 = 1 << 20;

/// One of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StepFile {
    Output,
    Env,
    Path,
    Summary,
    State,
}

impl StepFile {
    pub(crate) const ALL: [Self; 5] = [Self::Output, Self::Env, Self::Path, Self::Summary, Self::State];

    /// The variable that names it.
    pub(crate) const fn variable(self) -> &'static str {
        match self {
            Self::Output => "GITHUB_OUTPUT",
            Self::Env => "GITHUB_ENV",
            Self::Path => "GITHUB_PATH",
            Self::Summary => "GITHUB_STEP_SUMMARY",
            Self::State => "GITHUB_STATE",
        }
    }

    /// The end of its name.
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::Output => "output",
            Self::Env => "env",
            Self::Path => "path",
            Self::Summary => "summary.md",
            Self::State => "state",
        }
    }
}

/// `name=value` and `name<<END`, lines, `END`; a later one replaces an earlier one.
///
/// # Errors
///
/// What is wrong, with the line; `file` names the file in it.
pub(crate) fn pairs(file: StepFile, bytes: &[u8]) -> Result<Vec<(String, String)>, String> {
    let text = text(file, bytes)?;
    let mut lines = text.lines().enumerate();
    let mut pairs: Vec<(String, String)> = Vec::new();
    while let Some((number, line)) = lines.next() {
        if line.is_empty() {
            continue;
        }
        let at = |reason: &str| format!("line {} of ${} {reason}", number + 1, file.variable());
        let equals = line.find('=').unwrap_or(usize::MAX);
        let (name, value) = match line.find("<<") {
            Some(heredoc) if heredoc < equals => {
                let (name, end) = (&line[..heredoc], &line[heredoc + 2..]);
                if end.is_empty() {
                    return Err(at("has no delimiter behind `<<`"));
                }
                let mut value: Vec<&str> = Vec::new();
                loop {
                    match lines.next() {
                        Some((_, line)) if line == end => break,
                        Some((_, line)) => value.push(line),
                        None => return Err(at("starts a text whose delimiter does not come")),
                    }
                }
                (name, value.join("\n"))
            }
            Some(_) | None if equals < line.len() => (&line[..equals], line[equals + 1..].to_owned()),
            Some(_) | None => return Err(at("is neither `name=value` nor `name<<DELIMITER`")),
        };
        if name.trim().is_empty() {
            return Err(at("has no name"));
        }
        let name = name.to_owned();
        match pairs.iter_mut().find(|(known, _)| *known == name) {
            Some(pair) => pair.1 = value,
            None => pairs.push((name, value)),
        }
    }
    Ok(pairs)
}

/// What a step may set for those after it.
///
/// # Errors
///
/// Why a name can't be set.
pub(crate) fn settable(name: &str) -> Result<(), String> {
    let upper = name.to_ascii_uppercase();
    if upper.starts_with("GITHUB_") || upper.starts_with("RUNNER_") || upper == "NODE_OPTIONS" {
        return Err(format!("`{name}` can't be set through $GITHUB_ENV"));
    }
    let valid = |c: char| !c.is_control() && c != '=';
    if !name.chars().all(valid) || name.contains(char::is_whitespace) {
        return Err("a name in $GITHUB_ENV has characters that no variable has".to_owned());
    }
    Ok(())
}

/// The directories of `GITHUB_PATH`, in order.
///
/// # Errors
///
/// When the file is no text.
pub(crate) fn directories(bytes: &[u8]) -> Result<Vec<String>, String> {
    let text = text(StepFile::Path, bytes)?;
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect())
}

fn text(file: StepFile, bytes: &[u8]) -> Result<&str, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} of ${} is no UTF-8", file.variable())
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match text.find('\0') {
        Some(at) => {
            Err(format!("line {} of ${} has a NUL byte", text[..at].matches('\n').count() + 1, file.variable()))
        }
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn both_forms_are_read() {
        let text = "a=1\n\nb=x=y<<z\nc<<EOF\nfirst\n\n  EOF\nlast=1\nEOF\nd=\r\na=2\ne<<-- =\n-- =\n";
        let expected = [("a", "2"), ("b", "x=y<<z"), ("c", "first\n\n  EOF\nlast=1"), ("d", ""), ("e", "")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(pairs(StepFile::Output, text.as_bytes()).expect("right"), expected);
        assert_eq!(pairs(StepFile::Output, b"").expect("empty"), []);
    }

    #[test]
    fn mistakes_name_the_line_and_no_text() {
        let cases: [(&[u8], &str); 7] = [
            (b"a=1\nsecret", "line 2 of $GITHUB_ENV is neither `name=value` nor `name<<DELIMITER`"),
            (b"a<<EOF\nsecret\n", "line 1 of $GITHUB_ENV starts a text whose delimiter does not come"),
            (b"\na<<\nsecret\n", "line 2 of $GITHUB_ENV has no delimiter behind `<<`"),
            (b"=secret", "line 1 of $GITHUB_ENV has no name"),
            (b" <<E\nsecret\nE", "line 1 of $GITHUB_ENV has no name"),
            (b"a=1\nb=\xff", "line 2 of $GITHUB_ENV is no UTF-8"),
            (b"a=1\nb=1\nc=\0", "line 3 of $GITHUB_ENV has a NUL byte"),
        ];
        for (text, message) in cases {
            assert_eq!(pairs(StepFile::Env, text), Err(message.to_owned()));
        }
    }

    proptest! {
        #[test]
        fn what_a_program_quotes_arrives(value in "[^\\r\0]{0,80}", name in "[a-z_-]{1,9}") {
            prop_assume!(!value.lines().any(|line| line == "the-end"));
            let text = format!("{name}<<the-end\n{value}\nthe-end\n");
            prop_assert_eq!(pairs(StepFile::Output, text.as_bytes()), Ok(vec![(name, value)]));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for file in [StepFile::Output, StepFile::Env] {
                match pairs(file, &bytes) {
                    Ok(pairs) => prop_assert!(pairs.iter().all(|(name, _)| !name.trim().is_empty())),
                    Err(reason) => prop_assert!(reason.starts_with("line "), "{}", reason),
                }
            }
            let _ = directories(&bytes);
        }
    }

    #[test]
    fn some_names_can_not_be_set() {
        for name in ["GITHUB_SHA", "github_sha", "RUNNER_TEMP", "NODE_OPTIONS", "a b", "a\u{1b}"] {
            assert!(settable(name).is_err(), "{name}");
        }
        for name in ["PATH", "CI", "LD_LIBRARY_PATH", "my-var", "node_env"] {
            assert_eq!(settable(name), Ok(()), "{name}");
        }
    }
}
