//! Files in a place by patterns, as `hashFiles`, `actions/cache` and `actions/upload-artifact` name them.
//!
//! The patterns are matched here; the place is only asked which files there are. Does not live here: packing them.

use crate::place::Place;
use globset::{GlobBuilder, GlobMatcher};

/// Patterns of one search.
const MOST_PATTERNS: usize = 256;

/// The directories that paths can be in, as steps see them.
#[derive(Debug, Clone)]
pub(crate) struct Roots {
    pub(crate) workspace: String,
    pub(crate) home: String,
    pub(crate) temp: String,
}

impl Roots {
    pub(crate) fn of(place: &Place) -> Self {
        Self { workspace: place.workspace().to_owned(), home: place.home().to_owned(), temp: place.temp().to_owned() }
    }

    /// An absolute path without `.` and `..`: `~` is the home, everything that is not absolute is in the workspace.
    ///
    /// # Errors
    ///
    /// When `..` leads out of everything.
    pub(crate) fn resolve(&self, path: &str) -> Result<String, String> {
        let absolute = match path {
            "~" => self.home.clone(),
            _ => match path.strip_prefix("~/") {
                Some(rest) => format!("{}/{rest}", self.home),
                None if path.starts_with('/') => path.to_owned(),
                None => format!("{}/{path}", self.workspace),
            },
        };
        let mut parts: Vec<&str> = Vec::new();
        for part in absolute.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop().ok_or_else(|| format!("the path `{path}` leads nowhere"))?;
                }
                part => parts.push(part),
            }
        }
        Ok(format!("/{}", parts.join("/")))
    }

    /// All of them, with a name for each.
    pub(crate) fn named(&self) -> [(&'static str, &str); 3] {
        [("workspace", &self.workspace), ("home", &self.home), ("temp", &self.temp)]
    }
}

/// What is looked for.
#[derive(Debug)]
pub(crate) struct Search(Vec<One>);

#[derive(Debug)]
struct One {
    excludes: bool,
    /// The directory or file that everything found is in, or is.
    base: String,
    /// [`None`]: the base itself.
    glob: Option<GlobMatcher>,
    /// Whether what is in a directory that was found is found too.
    descends: bool,
}

impl Search {
    /// Reads patterns: `*`, `**`, `?`, `[…]`; `!` takes out again; lines that start with `#` are comments.
    ///
    /// # Errors
    ///
    /// What is wrong with them.
    pub(crate) fn parse<'a>(
        patterns: impl IntoIterator<Item = &'a str>,
        roots: &Roots,
        descends: bool,
    ) -> Result<Self, String> {
        let mut found = Vec::new();
        for pattern in patterns.into_iter().flat_map(str::lines).map(str::trim) {
            if pattern.is_empty() || pattern.starts_with('#') {
                continue;
            }
            let (excludes, pattern) = match pattern.strip_prefix('!') {
                Some(rest) => (true, rest.trim_start()),
                None => (false, pattern),
            };
            found.push(One::parse(excludes, &roots.resolve(pattern)?, descends)?);
        }
        if found.len() > MOST_PATTERNS {
            return Err(format!("there are more than {MOST_PATTERNS} patterns"));
        }
        Ok(Self(found))
    }

    /// Where to look: no base is inside of another.
    pub(crate) fn bases(&self) -> Vec<&str> {
        let mut bases: Vec<&str> = self.0.iter().filter(|one| !one.excludes).map(|one| one.base.as_str()).collect();
        bases.sort_unstable();
        bases.dedup();
        let all = bases.clone();
        bases.retain(|base| !all.iter().any(|other| other != base && is_in(base, other)));
        bases
    }

    /// Every path that is looked for, once each, in the order of the patterns: directories that patterns start at.
    pub(crate) fn starts(&self) -> Vec<&str> {
        let mut starts: Vec<&str> = Vec::new();
        for one in self.0.iter().filter(|one| !one.excludes) {
            if !starts.contains(&one.base.as_str()) {
                starts.push(&one.base);
            }
        }
        starts
    }

    /// Whether no pattern is more than a path.
    pub(crate) fn is_plain(&self) -> bool {
        self.0.iter().all(|one| one.glob.is_none() && !one.excludes)
    }

    /// Whether a path is looked for; the last pattern that speaks of it decides.
    pub(crate) fn finds(&self, path: &str) -> bool {
        self.0.iter().rev().find(|one| one.speaks_of(path)).is_some_and(|one| !one.excludes)
    }

    /// Whether the way to `path` from where a pattern starts leads through something whose name starts with a dot.
    pub(crate) fn is_hidden(&self, path: &str) -> bool {
        let seen_from = |base: &str| {
            let above = base.rfind('/').unwrap_or(0);
            is_in(path, base) && !path[above..].split('/').any(|part| part.starts_with('.'))
        };
        !self.0.iter().filter(|one| !one.excludes).any(|one| seen_from(&one.base))
    }
}

impl One {
    fn parse(excludes: bool, path: &str, descends: bool) -> Result<Self, String> {
        let is_glob = |part: &str| part.contains(['*', '?', '[']);
        let parts: Vec<&str> = path.split('/').collect();
        let Some(first) = parts.iter().position(|part| is_glob(part)) else {
            return Ok(Self { excludes, base: path.to_owned(), glob: None, descends });
        };
        let base = parts[..first].join("/");
        let base = if base.is_empty() { "/".to_owned() } else { base };
        // Braces are letters here, and choices there.
        let escaped = path.replace('{', "[{]").replace('}', "[}]");
        let glob = GlobBuilder::new(&escaped).literal_separator(true).backslash_escape(true).build();
        let glob = glob.map_err(|error| format!("the pattern `{path}` is not valid: {}", error.kind()))?;
        Ok(Self { excludes, base, glob: Some(glob.compile_matcher()), descends })
    }

    fn speaks_of(&self, path: &str) -> bool {
        let Some(glob) = &self.glob else {
            return path == self.base || (self.descends && is_in(path, &self.base));
        };
        if glob.is_match(path) {
            return true;
        }
        let mut above = std::iter::successors(path.rsplit_once('/'), |(above, _)| above.rsplit_once('/'));
        self.descends && is_in(path, &self.base) && above.any(|(above, _)| glob.is_match(above))
    }
}

/// Whether a path is another one or below it.
pub(crate) fn is_in(path: &str, other: &str) -> bool {
    let other = other.trim_end_matches('/');
    path.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The deepest directory that all paths are in, or are.
pub(crate) fn common<'a>(paths: &[&'a str]) -> &'a str {
    let Some((first, others)) = paths.split_first() else { return "/" };
    let mut common = *first;
    while !others.iter().all(|other| is_in(other, common)) {
        common = common.rsplit_once('/').map_or("", |(above, _)| above);
    }
    if common.is_empty() { "/" } else { common }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots() -> Roots {
        Roots { workspace: "/workspace".into(), home: "/home/runner".into(), temp: "/runner/temp".into() }
    }

    fn search(patterns: &[&str], descends: bool) -> Search {
        Search::parse(patterns.iter().copied(), &roots(), descends).expect("patterns")
    }

    #[test]
    fn paths_become_absolute() {
        for (path, expected) in [
            ("a/./b//c/", "/workspace/a/b/c"),
            (".", "/workspace"),
            ("~", "/home/runner"),
            ("~/.cargo", "/home/runner/.cargo"),
            ("/runner/temp/x", "/runner/temp/x"),
            ("../other", "/other"),
        ] {
            assert_eq!(roots().resolve(path).as_deref(), Ok(expected));
        }
        assert!(roots().resolve("../../x").is_err());
    }

    #[test]
    fn patterns_find_files() {
        let cases: [(&[&str], &str, bool); 14] = [
            (&["**/*.lock"], "/workspace/a/b.lock", true),
            (&["**/*.lock"], "/workspace/b.lock", true),
            (&["*.lock"], "/workspace/a/b.lock", false),
            (&["**/*.lock", "!a/**"], "/workspace/a/b.lock", false),
            (&["!a/**", "**/*.lock"], "/workspace/a/b.lock", true),
            (&["dist"], "/workspace/dist/a/b", true),
            (&["dist"], "/workspace/distant", false),
            (&["d*"], "/workspace/dist/a/b", true),
            (&["d*", "!dist/a"], "/workspace/dist/a/b", false),
            (&["a/b?.[ch]"], "/workspace/a/b1.c", true),
            (&["{a,b}"], "/workspace/a", false),
            (&["# a", "", "b"], "/workspace/a", false),
            (&["~/x"], "/home/runner/x/y", true),
            (&["a\nb"], "/workspace/b", true),
        ];
        for (patterns, path, found) in cases {
            assert_eq!(search(patterns, true).finds(path), found, "{patterns:?} {path}");
        }
        assert!(!search(&["dist"], false).finds("/workspace/dist/a"));
        assert!(search(&["dist"], false).finds("/workspace/dist"));
        assert!(Search::parse(["[a"], &roots(), true).is_err());
    }

    #[test]
    fn searches_start_as_deep_as_they_can() {
        let search = search(&["src/**/*.rs", "src/a.txt", "docs", "!x/**", "docs/*"], true);
        assert_eq!(search.bases(), ["/workspace/docs", "/workspace/src"]);
        assert_eq!(search.starts(), ["/workspace/src", "/workspace/src/a.txt", "/workspace/docs"]);
    }

    #[test]
    fn hidden_is_what_a_pattern_did_not_name() {
        let hidden = |pattern: &str, path: &str| search(&[pattern], true).is_hidden(path);
        assert!(hidden("dist", "/workspace/dist/.env"));
        assert!(hidden("dist", "/workspace/dist/.git/config"));
        assert!(!hidden("dist", "/workspace/dist/a"));
        assert!(hidden(".next", "/workspace/.next/a"));
        assert!(!hidden(".next/static", "/workspace/.next/static/a"));
    }

    #[test]
    fn common_is_what_all_are_in() {
        assert_eq!(common(&["/w/a/b", "/w/a/c"]), "/w/a");
        assert_eq!(common(&["/w/a", "/w/a/c"]), "/w/a");
        assert_eq!(common(&["/w/ab", "/w/a"]), "/w");
        assert_eq!(common(&["/x", "/w"]), "/");
    }
}
