//! What people say, understood: commands in both languages.

use davit_domain::ids::{AppKey, EnvironmentKey, RequestId};

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Command {
    /// What is live, of everything or of an app.
    Status(Option<AppKey>, Option<EnvironmentKey>),
    /// Release a branch, tag or SHA.
    Deploy(AppKey, EnvironmentKey, Option<String>),
    /// Yes to a request, in this version.
    Approve(RequestId, i64),
    /// No to a request, and why.
    Reject(RequestId, String),
    /// Back to what was live before.
    Rollback(AppKey, EnvironmentKey),
    /// Who sends this is whose code this is.
    Link(String),
    /// What can be said.
    Help,
}

impl Command {
    /// `None`: it is none.
    pub(super) fn read(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace().peekable();
        words.next_if(|word| matches!(*word, "davit" | "/davit" | "@davit"));
        let verb = words.next().unwrap_or("help").to_lowercase();
        let rest: Vec<&str> = words.collect();
        let arguments = rest.as_slice();
        Some(match (verb.trim_start_matches('/'), arguments) {
            ("help" | "帮助" | "?" | "？", _) => Self::Help,
            ("status" | "状态", []) => Self::Status(None, None),
            ("status" | "状态", [app]) => Self::Status(Some(app.parse().ok()?), None),
            ("status" | "状态", [app, place]) => Self::Status(Some(app.parse().ok()?), Some(place.parse().ok()?)),
            ("deploy" | "release" | "发布", [app, place]) => {
                Self::Deploy(app.parse().ok()?, place.parse().ok()?, None)
            }
            ("deploy" | "release" | "发布", [app, place, reference]) => {
                Self::Deploy(app.parse().ok()?, place.parse().ok()?, Some((*reference).to_owned()))
            }
            ("approve" | "通过", [number]) => Self::Approve(request(number)?, 1),
            ("approve" | "通过", [number, version]) => {
                Self::Approve(request(number)?, version.trim_start_matches(['v', 'V']).parse().ok()?)
            }
            ("reject" | "驳回", [number, reason @ ..]) if !reason.is_empty() => {
                Self::Reject(request(number)?, reason.join(" "))
            }
            ("rollback" | "回滚", [app, place]) => Self::Rollback(app.parse().ok()?, place.parse().ok()?),
            ("link" | "绑定", code) if !code.is_empty() => Self::Link(code.concat()),
            _ => return None,
        })
    }
}

fn request(word: &str) -> Option<RequestId> {
    word.trim_start_matches('#').parse().ok().filter(|number: &i64| *number > 0).map(RequestId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_say_the_same() {
        for (english, chinese) in [
            ("status", "状态"),
            ("Status shop", "状态 shop"),
            ("/davit status shop production", "davit 状态 shop production"),
            ("deploy shop production main", "发布 shop production main"),
            ("approve #42 v3", "通过 42 3"),
            ("reject 42 too late", "驳回 #42 too late"),
            ("rollback shop production", "回滚 shop production"),
            ("link abcd-efgh", "绑定 abcd-efgh"),
            ("", "帮助"),
        ] {
            let command = Command::read(english);
            assert!(command.is_some() && command == Command::read(chinese), "{english}");
        }
    }

    #[test]
    fn what_is_not_whole_is_nothing() {
        for text in [
            "approve",
            "approve x",
            "approve -1",
            "approve 0",
            "reject 42",
            "deploy shop",
            "deploy ../x y",
            "rm -rf",
            "link",
        ] {
            assert_eq!(Command::read(text), None, "{text}");
        }
    }
}
