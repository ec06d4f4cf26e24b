//! How the script of a step is run: GitHub's command lines for its shells.

/// What runs a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shell {
    /// As people know it, for the log: `bash --noprofile --norc -eo pipefail {0}`.
    pub(crate) shown: String,
    /// The command line; `{0}` in it is where the script's file goes.
    arguments: Vec<String>,
    /// What the script's file ends with.
    pub(crate) extension: &'static str,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    PowerShell,
}

/// Which of some programs are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Programs {
    pub(crate) bash: bool,
    pub(crate) python: bool,
}

impl Programs {
    /// Says on standard output which of them are there.
    pub(crate) const QUESTION: &'static str =
        "for name in bash python; do command -v \"$name\" >/dev/null 2>&1 && echo \"$name\"; done; exit 0";

    /// From what [`Programs::QUESTION`] said.
    pub(crate) fn answered(lines: &[String]) -> Self {
        let is_there = |name| lines.iter().any(|line| line == name);
        Self { bash: is_there("bash"), python: is_there("python") }
    }
}

impl Shell {
    /// The shell of a step; [`None`] is the default.
    ///
    /// # Errors
    ///
    /// A sentence that says which shells there are.
    pub(crate) fn of(written: Option<&str>, programs: Programs) -> Result<Self, String> {
        let python = if programs.python { "python {0}" } else { "python3 {0}" };
        let (line, extension, kind) = match written {
            None if programs.bash => ("bash -e {0}", ".sh", Kind::Plain),
            None | Some("sh") => ("sh -e {0}", ".sh", Kind::Plain),
            Some("bash") => ("bash --noprofile --norc -eo pipefail {0}", ".sh", Kind::Plain),
            Some("python") => (python, ".py", Kind::Plain),
            Some("pwsh") => ("pwsh -command . '{0}'", ".ps1", Kind::PowerShell),
            Some(own) if own.contains("{0}") => (own, "", Kind::Plain),
            Some(own) => {
                return Err(format!(
                    "there is no shell `{own}`; there are `bash`, `sh`, `python`, `pwsh`, and command lines with `{{0}}`"
                ));
            }
        };
        let arguments = match kind {
            Kind::PowerShell => ["pwsh", "-command", ". '{0}'"].map(str::to_owned).to_vec(),
            Kind::Plain => words(line)?,
        };
        Ok(Self { shown: line.to_owned(), arguments, extension, kind })
    }

    /// The command line for a script's file.
    pub(crate) fn command(&self, file: &str) -> Vec<String> {
        self.arguments.iter().map(|argument| argument.replace("{0}", file)).collect()
    }

    /// What is in the file for `script`.
    pub(crate) fn file(&self, script: &str) -> String {
        match self.kind {
            Kind::Plain => format!("{script}\n"),
            Kind::PowerShell => format!(
                "$ErrorActionPreference = 'stop'\n{script}\n\
                 if ((Test-Path -LiteralPath variable:\\LASTEXITCODE)) {{ exit $LASTEXITCODE }}\n"
            ),
        }
    }
}

/// The words of a command line; quotes hold a word together.
fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(c),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, _) if c.is_whitespace() => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        return Err(format!("the shell `{line}` has a quote that does not end"));
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Programs = Programs { bash: true, python: true };
    const NONE: Programs = Programs { bash: false, python: false };

    #[test]
    fn scripts_run_as_github_runs_them() {
        let cases = [
            (None, ALL, vec!["bash", "-e", "/t/1.sh"], ".sh"),
            (None, NONE, vec!["sh", "-e", "/t/1.sh"], ".sh"),
            (Some("bash"), NONE, vec!["bash", "--noprofile", "--norc", "-eo", "pipefail", "/t/1.sh"], ".sh"),
            (Some("sh"), ALL, vec!["sh", "-e", "/t/1.sh"], ".sh"),
            (Some("python"), ALL, vec!["python", "/t/1.sh"], ".py"),
            (Some("python"), NONE, vec!["python3", "/t/1.sh"], ".py"),
            (Some("pwsh"), ALL, vec!["pwsh", "-command", ". '/t/1.sh'"], ".ps1"),
            (Some("perl -w {0}"), ALL, vec!["perl", "-w", "/t/1.sh"], ""),
            (Some("env 'A=b c' x{0}"), ALL, vec!["env", "A=b c", "x/t/1.sh"], ""),
        ];
        for (written, programs, expected, extension) in cases {
            let shell = Shell::of(written, programs).expect("a shell");
            assert_eq!(shell.command("/t/1.sh"), expected);
            assert_eq!(shell.extension, extension);
        }
        assert!(Shell::of(Some("fish"), ALL).is_err());
        assert!(Shell::of(Some("perl 'x {0}"), ALL).is_err());
    }
}
