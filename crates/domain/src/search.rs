//! What people type to find something of any kind, and how well a name answers it.
//!
//! Not here: what there is to find, and who may see it.

/// What somebody looks for, read from what they typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// All of it, without space around it.
    pub text: String,
    /// The number it is, with `#` before it or without.
    pub number: Option<i64>,
    /// The beginning of a commit's id that it may be, in lower case.
    pub commit: Option<String>,
}

/// How well a name answers; less is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Closeness {
    /// It is what was typed.
    Same,
    /// It begins so.
    Beginning,
    /// Each word that was typed begins one of its words.
    Words,
    /// Each word that was typed is somewhere in it.
    Inside,
}

/// Letters of a commit's id from which on it is taken for one: fewer are in nearly every commit.
const SHORTEST_COMMIT: usize = 4;
const LONGEST_COMMIT: usize = 64;

impl Wanted {
    /// Reads what was typed; `None`: nothing was.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        let text = typed.trim();
        let number = text.strip_prefix('#').unwrap_or(text);
        let number = number.parse().ok().filter(|number| *number > 0);
        let is_commit = (SHORTEST_COMMIT..=LONGEST_COMMIT).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let commit = is_commit.then(|| text.to_ascii_lowercase());
        (!text.is_empty()).then(|| Self { text: text.to_owned(), number, commit })
    }

    /// How well the best of a thing's names answers; `None`: none does. The first name is what it is called: another one
    /// answers no better than from within.
    #[must_use]
    pub fn closeness(&self, names: &[&str]) -> Option<Closeness> {
        let typed = self.text.to_lowercase();
        let words: Vec<&str> = typed.split_whitespace().collect();
        let name = names.first().map(|name| name.to_lowercase()).unwrap_or_default();
        let rest: Vec<String> = names.iter().map(|name| name.to_lowercase()).collect();
        if name == typed {
            Some(Closeness::Same)
        } else if name.starts_with(&typed) {
            Some(Closeness::Beginning)
        } else if words.iter().all(|word| rest.iter().any(|name| has_word(name, word))) {
            Some(Closeness::Words)
        } else if words.iter().all(|word| rest.iter().any(|name| name.contains(word))) {
            Some(Closeness::Inside)
        } else {
            None
        }
    }
}

fn has_word(name: &str, beginning: &str) -> bool {
    name.starts_with(beginning)
        || name.split(|letter: char| !letter.is_alphanumeric()).any(|word| word.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_commits_are_seen_in_what_was_typed() {
        for (typed, number, commit) in [
            ("12", Some(12), None),
            (" #12 ", Some(12), None),
            ("1234", Some(1234), Some("1234")),
            ("#1234", Some(1234), None),
            ("DeadBeef", None, Some("deadbeef")),
            ("cafe shop", None, None),
            ("#", None, None),
            ("-3", None, None),
            ("99999999999999999999", None, Some("99999999999999999999")),
        ] {
            let wanted = Wanted::parse(typed).expect("something was typed");
            assert_eq!((wanted.number, wanted.commit.as_deref()), (number, commit), "{typed}");
        }
        assert_eq!(Wanted::parse("  "), None);
    }

    #[test]
    fn a_name_answers_the_better_the_more_it_is_what_was_typed() {
        let close = |typed: &str, names: &[&str]| Wanted::parse(typed).expect("typed").closeness(names);
        assert_eq!(close("Shop", &["shop", "The shop"]), Some(Closeness::Same));
        assert_eq!(close("sh", &["shop"]), Some(Closeness::Beginning));
        assert_eq!(close("api", &["shop-api"]), Some(Closeness::Words));
        assert_eq!(close("api sh", &["shop-api"]), Some(Closeness::Words));
        assert_eq!(close("10.0.0", &["web-1", "10.0.0.7"]), Some(Closeness::Words));
        assert_eq!(close("op-a", &["shop-api"]), Some(Closeness::Inside));
        assert_eq!(close("生产", &["production", "生产环境"]), Some(Closeness::Words));
        assert_eq!(close("web shop", &["shop"]), None);
        assert_eq!(close("x", &[]), None);
    }
}
