//! Globs over branch and tag names.

/// Whether a branch (or tag) is one of those that `patterns` let in. `*` stays within one part of a name, `**` crosses
/// `/`. No patterns at all, or an empty list, let everything in; a pattern that is not a glob lets nothing in (it was
/// refused when the configuration was read).
#[must_use]
pub fn branch_allowed(patterns: Option<&[String]>, branch: &str) -> bool {
    let Some(patterns) = patterns.filter(|patterns| !patterns.is_empty()) else { return true };
    patterns.iter().any(|pattern| {
        globset::GlobBuilder::new(pattern)
            .literal_separator(true)
            .build()
            .is_ok_and(|glob| glob.compile_matcher().is_match(branch))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_within_one_part() {
        let patterns = ["main".to_owned(), "release/*".to_owned(), "team/**".to_owned()];
        for (branch, allowed) in
            [("main", true), ("maintenance", false), ("release/1", true), ("release/1/x", false), ("team/a/b", true)]
        {
            assert_eq!(branch_allowed(Some(&patterns), branch), allowed, "{branch}");
        }
        assert!(branch_allowed(None, "x") && branch_allowed(Some(&[]), "x"));
        assert!(!branch_allowed(Some(&["[".to_owned()]), "x"));
    }
}
