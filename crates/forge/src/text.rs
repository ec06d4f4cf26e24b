//! Texts as forges take them: names of repositories, and sentences of a limited length.

use crate::error::ApiError;

/// `owner/name` in its two parts.
pub(crate) fn owner_and_name<'a>(forge: &str, repository: &'a str) -> Result<(&'a str, &'a str), ApiError> {
    project(forge, repository)?
        .split_once('/')
        .filter(|(_, name)| !name.contains('/'))
        .ok_or_else(|| no_repository(forge, repository, "owner/name"))
}

/// `group/name`, with any number of groups within the group.
pub(crate) fn project<'a>(forge: &str, repository: &'a str) -> Result<&'a str, ApiError> {
    let good = repository.contains('/') && repository.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if good { Ok(repository) } else { Err(no_repository(forge, repository, "owner/name")) }
}

/// At most `max` characters, with an ellipsis where something is missing.
pub(crate) fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max - 1).chain(['…']).collect()
}

/// Whether two public keys are one: a comment and blanks around it are no part of a key.
pub(crate) fn same_key(a: &str, b: &str) -> bool {
    a.split_whitespace().take(2).eq(b.split_whitespace().take(2))
}

fn no_repository(forge: &str, repository: &str, form: &str) -> ApiError {
    ApiError::Permanent {
        detail: format!("{repository:?} is not a repository at {forge}: write {form}."),
        status: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_are_cut_between_characters() {
        assert_eq!(cut("short", 140), "short");
        assert_eq!(cut(&"ä".repeat(140), 140), "ä".repeat(140));
        assert_eq!(cut(&"発".repeat(141), 140), format!("{}…", "発".repeat(139)));
    }

    #[test]
    fn a_key_is_its_algorithm_and_its_body() {
        assert!(same_key("ssh-ed25519 AAAA davit", "ssh-ed25519 AAAA\n"));
        assert!(!same_key("ssh-ed25519 AAAA davit", "ssh-ed25519 AAAB davit"));
    }

    #[test]
    fn only_owner_and_name_make_a_repository() {
        assert_eq!(owner_and_name("GitHub", "acme/shop"), Ok(("acme", "shop")));
        for bad in ["", "acme", "acme/", "/shop", "a/b/c", "../shop", "acme/.."] {
            assert!(matches!(owner_and_name("GitHub", bad), Err(ApiError::Permanent { status: None, .. })), "{bad:?}");
        }
        assert_eq!(project("GitLab", "acme/web/shop"), Ok("acme/web/shop"));
        for bad in ["", "acme", "acme//shop", "acme/../shop", "acme/web/"] {
            assert!(matches!(project("GitLab", bad), Err(ApiError::Permanent { status: None, .. })), "{bad:?}");
        }
    }
}
