//! Globs over branch and tag names.

use globset::{Glob, GlobBuilder};

/// Whether `branch` is one of `patterns`. `*` does not cross a `/`, `**` does; no patterns: every branch.
///
/// A pattern that is not a glob matches nothing. [`parse`](super::parse()) lets none through.
#[must_use]
pub fn branch_allowed(patterns: Option<&[String]>, branch: &str) -> bool {
    let Some(patterns) = patterns.filter(|patterns| !patterns.is_empty()) else {
        return true;
    };
    patterns.iter().any(|pattern| glob(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(branch)))
}

/// The glob that `pattern` is, or why it is none.
pub(super) fn glob(pattern: &str) -> Result<Glob, String> {
    GlobBuilder::new(&spell_out_double_stars(pattern))
        .literal_separator(true)
        .build()
        .map_err(|error| error.kind().to_string())
}

/// globset lets `**` cross `/` only where it is a whole path component. Elsewhere (`release**`) it is spelled
/// out: something within the component, or something that goes on below it.
fn spell_out_double_stars(pattern: &str) -> String {
    let mut spelled = String::with_capacity(pattern.len());
    let mut rest = pattern;
    let mut previous = None;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '*' => rest.len() - rest.trim_start_matches('*').len(),
            '\\' => rest.char_indices().nth(2).map_or(rest.len(), |(at, _)| at),
            '[' => class_length(rest),
            _ => first.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        let is_component = matches!(previous, None | Some('/' | '{' | ','))
            && matches!(after.chars().next(), None | Some('/' | '}' | ','));
        spelled.push_str(match (first, token.len()) {
            ('*', 2..) if is_component => "**",
            ('*', 2..) => "{*,*/**/*}",
            _ => token,
        });
        previous = Some(first);
        rest = after;
    }
    spelled
}

/// Bytes of the `[…]` that `text` starts with. A `]` right after the opening belongs to the class.
fn class_length(text: &str) -> usize {
    let negation = usize::from(text[1..].starts_with(['!', '^']));
    let body = 1 + negation;
    let search_from = body + usize::from(text[body..].starts_with(']'));
    text[search_from..].find(']').map_or(text.len(), |at| search_from + at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(pattern: &str, branch: &str) -> bool {
        branch_allowed(Some(&[pattern.to_owned()]), branch)
    }

    #[test]
    fn no_patterns_allow_every_branch() {
        assert!(branch_allowed(None, "anything"));
        assert!(branch_allowed(Some(&[]), "anything"));
        assert!(!branch_allowed(Some(&["main".to_owned()]), "anything"));
        assert!(branch_allowed(Some(&["main".to_owned(), "any*".to_owned()]), "anything"));
    }

    #[test]
    fn one_star_stays_in_its_component_and_two_do_not() {
        for (pattern, branch, expected) in [
            ("main", "main", true),
            ("main", "main2", false),
            ("main", "Main", false),
            ("main", "x/main", false),
            ("*", "main", true),
            ("*", "release/1", false),
            ("**", "release/1/2", true),
            ("release/*", "release/1", true),
            ("release/*", "release/1/2", false),
            ("release/*", "release", false),
            ("release/**", "release/1/2", true),
            ("release/**", "releases/1", false),
            ("release**", "release", true),
            ("release**", "release-2", true),
            ("release**", "release/1/2", true),
            ("release***", "release/1/2", true),
            ("**-fix", "a/b-fix", true),
            ("**-fix", "b-fix", true),
            ("**/fix", "fix", true),
            ("**/fix", "a/b/fix", true),
            ("a/**/z", "a/z", true),
            ("a/**/z", "a/b/c/z", true),
            ("v?.?", "v1.2", true),
            ("v[0-9]*", "v1", true),
            ("v[!0-9]", "v1", false),
            ("{main,release/*}", "release/1", true),
            ("{a**,b}", "a/1", true),
            ("[]*]**", "*/x", true),
            (r"\*\*", "**", true),
            (r"\*\*", "ab", false),
            ("功能/**", "功能/一/二", true),
        ] {
            assert_eq!(allowed(pattern, branch), expected, "{pattern} on {branch}");
        }
    }

    #[test]
    fn what_is_no_glob_matches_nothing() {
        for pattern in ["[", "[a", "{a", r"a\", "[z-a]", "["] {
            assert!(glob(pattern).is_err(), "{pattern}");
            assert!(!allowed(pattern, pattern), "{pattern}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_pattern_is_read_without_panic(pattern in "[\\[\\]{}!^*?/a\\\\é,-]{0,12}", branch in "[a/é*-]{0,8}") {
            allowed(&pattern, &branch);
        }
    }
}
