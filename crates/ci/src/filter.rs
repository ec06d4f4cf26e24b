//! Patterns of branches, tags and paths, as GitHub documents them: `*` is anything but `/`, `**` anything, `?` and `+`
//! repeat what is before them, `[]` is one of some characters, `!` at the start excludes again, `\` takes the meaning
//! of what follows it away.

use regex::Regex;
use serde::{Deserialize, Serialize};

/// One pattern, checked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    source: String,
    excludes: bool,
    regex: Regex,
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pattern `{pattern}` is not valid: {reason}")]
pub struct PatternError {
    /// The pattern.
    pub pattern: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// When it is empty, repeats nothing, or has a `[` without end.
    pub fn parse(source: &str) -> Result<Self, PatternError> {
        let refuse = |reason| PatternError { pattern: source.to_owned(), reason };
        if source.len() > MOST_BYTES {
            return Err(PatternError { pattern: source.chars().take(40).collect(), reason: "it is too long" });
        }
        let (excludes, pattern) = source.strip_prefix('!').map_or((false, source), |rest| (true, rest));
        if pattern.is_empty() {
            return Err(refuse("it is empty"));
        }
        let regex = translate(pattern).map_err(refuse)?;
        let regex = Regex::new(&regex).map_err(|_| refuse("a range in `[]` runs backwards or is too large"))?;
        Ok(Self { source: source.to_owned(), excludes, regex })
    }

    /// Whether the pattern, without its `!`, stands for `text`.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// Whether it starts with `!`.
    pub fn excludes(&self) -> bool {
        self.excludes
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(source: String) -> Result<Self, PatternError> {
        Self::parse(&source)
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        pattern.source
    }
}

/// Patterns in order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// These alone: the last pattern that stands for a text decides.
    Only(Vec<Pattern>),
    /// All but these.
    Ignore(Vec<Pattern>),
}

impl Filter {
    /// Whether one name, a branch or a tag, passes.
    pub fn passes(&self, name: &str) -> bool {
        match self {
            Self::Only(patterns) => included(patterns, name),
            Self::Ignore(patterns) => !included(patterns, name),
        }
    }

    /// Whether a change of these paths passes: one of them does.
    pub fn passes_any<'a>(&self, paths: impl IntoIterator<Item = &'a str>) -> bool {
        paths.into_iter().any(|path| self.passes(path))
    }
}

/// No path or branch name that makes sense needs a longer one.
const MOST_BYTES: usize = 1000;

/// The last pattern that stands for `text` says whether it is in.
fn included(patterns: &[Pattern], text: &str) -> bool {
    patterns.iter().rev().find(|pattern| pattern.matches(text)).is_some_and(|pattern| !pattern.excludes)
}

/// The regular expression that means the same.
fn translate(pattern: &str) -> Result<String, &'static str> {
    let mut regex = "(?s)^".to_owned();
    let mut rest = pattern;
    // Whether there is one character before, which `?` and `+` can repeat.
    let mut repeatable = false;
    while let Some(character) = rest.chars().next() {
        let before = &pattern[..pattern.len() - rest.len()];
        rest = &rest[character.len_utf8()..];
        match character {
            '*' => {
                let stars = 1 + rest.len() - rest.trim_start_matches('*').len();
                rest = rest.trim_start_matches('*');
                let whole_part = stars > 1 && (before.is_empty() || before.ends_with('/')) && rest.starts_with('/');
                if whole_part {
                    // `**/` is also no directory at all.
                    rest = &rest[1..];
                    regex.push_str("(?:.*/)?");
                } else {
                    regex.push_str(if stars > 1 { ".*" } else { "[^/]*" });
                }
                repeatable = false;
            }
            '?' | '+' if repeatable => {
                regex.push(character);
                repeatable = false;
            }
            '?' | '+' => return Err("`?` and `+` repeat the character before them, and there is none"),
            '[' => {
                let end = rest.find(']').filter(|end| *end > 0).ok_or("`[` needs characters and a `]`")?;
                regex.push_str(&class(&rest[..end])?);
                rest = &rest[end + 1..];
                repeatable = true;
            }
            '\\' => {
                let literal = rest.chars().next().ok_or("nothing follows the `\\`")?;
                rest = &rest[literal.len_utf8()..];
                regex.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
                repeatable = true;
            }
            literal => {
                regex.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
                repeatable = true;
            }
        }
    }
    Ok(regex + "$")
}

/// `[a-z0]`: letters, digits and ranges of them.
fn class(inside: &str) -> Result<String, &'static str> {
    if inside.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')) {
        Ok(format!("[{inside}]"))
    } else {
        Err("`[]` holds letters, digits, `-`, `_` and `.` alone")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        Pattern::parse(pattern).expect("a pattern").matches(text)
    }

    /// GitHub's own cheat sheet.
    #[test]
    fn patterns_mean_what_github_documents() {
        let cases: &[(&str, &[&str], &[&str])] = &[
            ("feature/*", &["feature/my-branch", "feature/your-branch"], &["feature/a/b", "feature"]),
            ("feature/**", &["feature/beta-a/my-branch", "feature/mona/the/octocat"], &["features/x"]),
            ("main", &["main"], &["main2", "xmain", "Main"]),
            ("releases/mona-the-octocat", &["releases/mona-the-octocat"], &["releases"]),
            ("*", &["main", "releases"], &["all/the/branches"]),
            ("**", &["all/the/branches", "every/tag", ""], &[]),
            ("*feature", &["mona-feature", "feature", "ver-10-feature"], &["feature/x"]),
            ("v2*", &["v2", "v2.0", "v2.9"], &["v1", "v2/x"]),
            ("v[12].[0-9]+.[0-9]+", &["v1.10.1", "v2.0.0"], &["v3.0.0", "v1.x.1", "v1a10b1"]),
            ("*.jsx?", &["page.js", "page.jsx"], &["page.jsxx", "d/page.js"]),
            ("**.js", &["index.js", "js/index.js", "src/js/app.js"], &["index.jsx"]),
            ("docs/*", &["docs/README.md", "docs/file.txt"], &["docs/a/b.md"]),
            ("docs/**", &["docs/README.md", "docs/mona/octocat.txt"], &["docs", "x/docs/y"]),
            ("docs/**/*.md", &["docs/README.md", "docs/mona/hello-world.md", "docs/a/markdown/file.md"], &["docs/x"]),
            ("**/docs/**", &["docs/hello.md", "dir/docs/my-file.txt", "space/docs/plan/space.doc"], &["docsx/a"]),
            ("**/README.md", &["README.md", "js/README.md"], &["xREADME.md"]),
            ("**/*src/**", &["a/src/app.js", "my-src/code/js/app.js"], &["src"]),
            ("**/*-post.md", &["my-post.md", "path/their-post.md"], &["post.md"]),
            ("**/migrate-*.sql", &["migrate-10909.sql", "db/migrate-v1.0.sql"], &["migrate.sql"]),
            ("a\\*b", &["a*b"], &["axb"]),
        ];
        for (pattern, yes, no) in cases {
            yes.iter().for_each(|text| assert!(matches(pattern, text), "{pattern} {text}"));
            no.iter().for_each(|text| assert!(!matches(pattern, text), "{pattern} {text}"));
        }
    }

    #[test]
    fn the_last_pattern_that_matches_decides() {
        let filter = |patterns: &[&str]| {
            Filter::Only(patterns.iter().map(|pattern| Pattern::parse(pattern).expect("a pattern")).collect())
        };
        let markdown = filter(&["*.md", "!README.md"]);
        assert!(markdown.passes("hello.md") && !markdown.passes("README.md") && !markdown.passes("docs/hello.md"));
        let again = filter(&["*.md", "!README.md", "README*"]);
        assert!(again.passes("README.md") && again.passes("README.doc"));
        let ignore = Filter::Ignore(vec![Pattern::parse("docs/**").expect("a pattern")]);
        assert!(ignore.passes_any(["docs/a", "src/b"]) && !ignore.passes_any(["docs/a"]));
    }

    #[test]
    fn bad_patterns_are_refused() {
        for pattern in ["", "!", "+a", "?", "*?", "a++", "[", "[]", "a[b", "[z-a]", "[^a]", "a\\"] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
